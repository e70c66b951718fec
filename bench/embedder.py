"""The embedder beside sentence-transformers and ONNX Runtime, and its int8 product beside oneDNN's. The others live in an
environment of their own, build/venv-bench (about 6 GB: PyPI's torch for Linux brings CUDA's libraries, which are not used)."""

import ast
import json
import os
import shutil
import subprocess

from harness import HERE, ROOT, clean_environment, die_with_parent, median

TITLE = "Embedder"
MODEL = ROOT / "build/model/all-MiniLM-L6-v2"
VENV = ROOT / "build/venv-bench"
NEEDED = HERE / "requirements-embed.txt"
LENGTHS, BATCH = (16, 64, 128), 32
OTHERS = {"sentence_transformers": "sentence-transformers", "ort_float": "ONNX Runtime f32", "ort_int8": "ONNX Runtime int8"}
# texts/s a thread that a prototype of these kernels reached (../shared/docs/dependencies.md), and what oneDNN's u8s8
# product reached beside it, GFLOP/s at M = 12, 64 and 128: together they say what this machine's floor is.
FLOOR = {16: (1100, 400, 12), 64: (300, 580, 64), 128: (130, 600, 128)}
PRODUCT = 2 * 6 * (384 * 1152 + 384 * 384 + 2 * 384 * 1536)  # operations of the linear layers, a token


def set_up(bench):
    """The model, and the others' packages, once."""
    subprocess.run([ROOT / "tools/get-model"], check=True)
    done = VENV / ".embed-1"
    if not done.exists():
        bench.say("installing sentence-transformers, torch and ONNX Runtime into build/venv-bench (3 GB to fetch)")
        subprocess.run(["/usr/bin/python3", "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "-q", "--disable-pip-version-check", "-r", NEEDED], check=True)
        done.touch()


class Asked:
    """A program that answers each line with a figure."""

    def __init__(self, *command, env=None):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent,
                                        env={**clean_environment(), **(env or {})})

    def line(self):
        got = self.process.stdout.readline()
        if not got:
            raise RuntimeError(f"{self.process.args[0]} ended with status {self.process.wait()}")
        return got

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        return float(self.line())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def in_turns(ours, exact, others, rounds, seconds):
    """{(tokens, batch, threads): {name: [texts/s of each round]}}"""
    got = {}
    for tokens in LENGTHS:
        for batch, threads in ((BATCH, 1), (BATCH, 2), (1, 1)):
            rates = {name: [] for name in ("int8", "float", *OTHERS)}
            for _ in range(rounds):
                rates["int8"].append(ours.ask(tokens, batch, threads, seconds))
                rates["float"].append(exact.ask(tokens, batch, threads, seconds))
                for name in OTHERS:
                    rates[name].append(others.ask(name, tokens, batch, threads, seconds))
            got[tokens, batch, threads] = rates
    return got


def ratio(rates, name):
    return median([a / b for a, b in zip(rates["int8"], rates[name])])


def floors(linear):
    """texts/s on one thread: what the prototype's figures come to at this machine's oneDNN, and the linear layers alone."""
    best = {}
    for s in linear["shapes"]:
        work = s["k"] * s["n"]
        best.setdefault(s["m"], []).append((work, max(s["onednn_f32"], s["onednn_s32"])))
    rate = {m: sum(w for w, _ in r) / sum(w / v for w, v in r) for m, r in best.items()}
    return {t: {"prototype": texts * rate[m] / there, "linear": rate[m] * 1e9 / (PRODUCT * t), "onednn": rate[m]}
            for t, (texts, there, m) in FLOOR.items()}


def speed_table(got):
    rows = []
    for (tokens, batch, threads), rates in got.items():
        rows.append([tokens, "one" if batch == 1 else batch, threads, *(f"{median(rates[n]):,.0f}" for n in rates),
                     *(f"{ratio(rates, n):.2f}" for n in OTHERS)])
    return {"caption": "Texts a second", "columns": ["tokens", "texts a call", "threads", "Cairn int8", "Cairn f32", *OTHERS.values(),
                                                     *(f"int8 : {n}" for n in OTHERS.values())], "rows": rows}


def linear_table(linear):
    rows = [[s["m"], s["k"], s["n"], *(f"{s[n]:.0f}" for n in ("ours", "onednn_f32", "onednn_s32")), f"{s['ratio']:.2f}"]
            for s in linear["shapes"]]
    return {"caption": f"The int8 product on one thread, GFLOP/s ({linear['kernels']}; oneDNN {linear['onednn']})",
            "columns": ["M", "K", "N", "Cairn", "oneDNN to f32", "oneDNN to sums", "Cairn : the faster"], "rows": rows}


def floor_table(got, floor):
    rows = []
    for t, f in floor.items():
        mine = median(got[t, BATCH, 1]["int8"])
        rows.append([t, f"{mine:,.0f}", f"{f['prototype']:,.0f}", f"{100 * mine / f['prototype']:.0f} %",
                     f"{f['linear']:,.0f}", f"{100 * mine / f['linear']:.0f} %"])
    return {"caption": "Beside the floor, one thread", "rows": rows,
            "columns": ["tokens", "texts/s", "floor", "of it", "linear layers alone at oneDNN's rate", "of them"]}


def bars_of(got, linear, floor):
    least = min(linear["shapes"], key=lambda s: s["ratio"])
    short = 1000 / median(got[16, 1, 1]["int8"])
    part = {t: median(got[t, BATCH, 1]["int8"]) / f["prototype"] for t, f in floor.items()}
    many = {how: rates for how, rates in got.items() if how[1] > 1}
    st = min(ratio(r, "sentence_transformers") for r in many.values())
    onnx = min(ratio(r, "ort_int8") for r in many.values())
    return [{"what": "linear layers at least 0.9 times oneDNN's u8s8 product, at every shape",
             "got": f"{least['ratio']:.2f} at M={least['m']}, K={least['k']}, N={least['n']}", "met": least["ratio"] >= 0.9},
            {"what": "at least 75 % of the floor", "met": min(part.values()) >= 0.75,
             "got": ", ".join(f"{100 * p:.0f} % at {t} tokens" for t, p in part.items())},
            {"what": "at least 3 times sentence-transformers", "got": f"{st:.2f} at least", "met": st >= 3},
            {"what": "at least 1.3 times ONNX Runtime's int8", "got": f"{onnx:.2f} at least", "met": onnx >= 1.3},
            {"what": "one short query (16 tokens) under 2 ms on one core", "got": f"{short:.2f} ms", "met": short < 2}]


NOTES = [
    "Texts of exactly that many tokens; every way takes turns with the others in each round, figures and ratios are medians "
    "over the rounds. On one thread by the processor time taken, so that what else runs on the machine matters less; on two "
    "threads by the clock. Cairn and sentence-transformers are given texts and tokenize them; ONNX Runtime is given token ids, "
    "its own fused operators, no padding, and dynamic int8 with a scale for each column. On two threads ONNX Runtime's "
    "figure is the better of one session with both and two sessions with one each.",
    "The floor: a prototype of these kernels reached 1,100, 300 and 130 texts/s a thread at 16, 64 and 128 tokens on another "
    "machine, where oneDNN's u8s8 product reached 400, 580 and 600 GFLOP/s at M = 12, 64 and 128; scaled by what oneDNN reaches "
    "here. Beside it, for who wants it stricter: the linear layers alone at oneDNN's rate, as if attention, GELU, norms, "
    "quantising and tokenizing took no time at all.",
]


def run(bench):
    if not (bench.out / "embed_linear").exists():
        raise RuntimeError("there is no embed_linear: tools/setup bench brings oneDNN")
    set_up(bench)
    rounds, seconds, products = (1, 0.1, 2) if bench.quick else (7, 0.4, 25)
    linear = json.loads(bench.tool("embed_linear", products, env={"OMP_NUM_THREADS": "1"}))
    work = bench.folder("onnx")
    os.makedirs(work)
    program = bench.out / "embed"
    with Asked(program, MODEL, "int8", "ask") as ours, Asked(program, MODEL, "float", "ask") as exact, \
            Asked(VENV / "bin/python", HERE / "embedder_others.py", MODEL, work, env={"TOKENIZERS_PARALLELISM": "false"}) as others:
        same = ast.literal_eval(others.line())
        if same["ort_float"] < 0.9999:
            raise RuntimeError(f"the ONNX graph is not this model: cosine {same}")
        got = in_turns(ours, exact, others, rounds, seconds)
    shutil.rmtree(work)
    floor = floors(linear)
    return {"tables": [speed_table(got), linear_table(linear), floor_table(got, floor)],
            "bars": bars_of(got, linear, floor),
            "notes": [*NOTES, f"Cosine to sentence-transformers, least of 64 texts: ONNX Runtime f32 {same['ort_float']:.5f}, "
                              f"int8 {same['ort_int8']:.5f}."],
            "raw": {"speed": {" ".join(map(str, k)): v for k, v in got.items()}, "linear": linear, "floor": floor, "same": same}}
