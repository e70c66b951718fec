"""The embedder against others: token ids of Hugging Face's tokenizers, vectors of a plain double-precision forward pass
and of sentence-transformers, and the STS benchmark. Needs `tools/setup embed` (the model, numpy, tokenizers) and `make`; skipped without.

Lines come from the data beside the repository ($CAIRN_DATA, else ../shared/data) when it is there, and from a generator."""

import csv
import json
import os
import pathlib
import random
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="the embedder is compared with numpy: run tools/setup embed")
tokenizers = pytest.importorskip("tokenizers", reason="the embedder is compared with tokenizers: run tools/setup embed")
import embed_reference as reference  # noqa: E402

DATA = pathlib.Path(os.environ.get("CAIRN_DATA") or reference.ROOT.parent / "shared/data")
MODEL = reference.MODEL
LINE_MAX = 8000  # characters: every line then has fewer tokens than the embedder's bound

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not (MODEL / "model.safetensors").exists(),
                                 reason="there is no model in build/model: run tools/get-model")]


@pytest.fixture(scope="module", autouse=True)
def program():
    if "CAIRN_EMBED" not in os.environ:
        subprocess.run(["make", "-s", "-f", "bench/Makefile", "build/bench/embed"], cwd=reference.ROOT, check=True)


def strings(value):
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for v in value.values() if isinstance(value, dict) else value:
            yield from strings(v)


def data_lines():
    for path in sorted(DATA.rglob("*")) if DATA.exists() else ():
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield from (line[:LINE_MAX] for line in text.split("\n") if line)
        if path.suffix == ".json":
            yield from (s[:LINE_MAX] for s in strings(json.loads(text)))


SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
POOLS = [range(32, 127), range(0x20, 0x250), range(0x300, 0x370), range(0x4E00, 0x4F00), range(0x1F300, 0x1FA00),
         range(0xAC00, 0xAD00), range(0, 0x30), range(0x600, 0x700), range(0x900, 0xA00), range(0x2000, 0x2070), SCALARS]
WORDS = ("the river [CLS] [SEP] naïve ﬁne İstanbul [MASK] [UNK] [PAD] ǅ ΑΣ ςσ 한국어 日本語 がぎ word e\u0301 👩‍👩‍👧 "
         "don't foo.bar_baz() /usr/lib v1.2.3-rc4 #include <stdio.h>").split()


def made_lines(n):
    rng = random.Random(1)
    for _ in range(n):
        pool, line = rng.choice(POOLS), []
        for _ in range(rng.randrange(1, 40)):
            r = rng.random()
            if r < 0.15:
                line.append(rng.choice(WORDS))
            elif r < 0.3:
                line.append(" ")
            elif r < 0.31:
                line.append(rng.choice("xé川") * rng.randrange(90, 120))
            else:
                line.append(chr(rng.choice(pool if r < 0.95 else rng.choice(POOLS))))
        yield "".join(line)


def check_ids(lines):
    theirs = tokenizers.Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    theirs.no_truncation()
    theirs.no_padding()
    for at in range(0, len(lines), 20000):
        part = lines[at:at + 20000]
        wanted = [e.ids for e in theirs.encode_batch(part)]
        wrong = [(line, a, b) for line, a, b in zip(part, reference.token_ids(part), wanted) if a != b]
        assert not wrong, f"{len(wrong)} of {len(part)} lines differ; the first: {wrong[0]!r}"


def test_token_ids_on_data():
    lines = list(data_lines())
    if not lines:
        pytest.skip(f"there is no data in {DATA}")
    assert len(lines) >= 20000
    check_ids(lines)


def test_token_ids_on_made_lines():
    check_ids(list(made_lines(25000)))


def test_token_ids_of_every_character():
    """Within a word and alone: what is dropped, what ends a word, what loses its accent."""
    check_ids([f"a{chr(c)}b {chr(c)}" for c in SCALARS if c < 0x30000 or c >= 0xE0000])


def sts():
    with open(DATA / "sts-b/sts-test.csv", encoding="utf-8", newline="") as f:
        return [(float(r[4]), r[5], r[6]) for r in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE)]


def library_vectors(texts):
    """By sentence-transformers, in an environment of its own, over Debian's torch."""
    python = reference.ROOT / "build/venv-st/bin/python"
    if not python.exists():
        pytest.skip("sentence-transformers is not there: run tools/setup embed")
    program = ("import json, sys; from sentence_transformers import SentenceTransformer as T; "
               "v = T(sys.argv[1], device='cpu').encode(json.load(sys.stdin), show_progress_bar=False); "
               "sys.stdout.buffer.write(v.astype('<f4').tobytes())")
    done = subprocess.run([python, "-c", program, MODEL], input=json.dumps(texts).encode(), stdout=subprocess.PIPE, check=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})  # threads that wait for each other stall on a full machine
    return np.frombuffer(done.stdout, dtype="<f4").reshape(len(texts), -1).astype(np.float64)


def reference_vectors(texts):
    weights, config = reference.load(), json.loads((MODEL / "config.json").read_text())
    return np.array([reference.embed(weights, ids, config) for ids in reference.token_ids(texts)])


def some_texts(n):
    if not (DATA / "locomo10.json").exists():
        return ["the river is cold in winter " * (i % 9) + w for i, w in enumerate(made_lines(n))]
    rng = random.Random(3)
    talks = json.loads((DATA / "locomo10.json").read_text(encoding="utf-8"))
    turns = [t["text"] for c in talks for s in c["conversation"].values() if isinstance(s, list) for t in s]
    long = [" ".join(turns[i:i + 4]) for i in range(0, len(turns), 50)]
    return rng.sample(turns, n * 6 // 10) + rng.sample([s[1] for s in sts()], n * 3 // 10) + rng.sample(long, n // 10)


@pytest.mark.parametrize("wanted_by,least", [(reference_vectors, 60), (library_vectors, 1000)])  # numpy takes 0.1 s a text
def test_vectors(wanted_by, least):
    texts = [t for t in some_texts(least + 30) if len(t) < 900]  # within one window
    assert len(texts) >= least
    wanted = wanted_by(texts)
    exact = (reference.vectors(texts, "float") * wanted).sum(1)
    assert exact.min() >= 0.99999
    fast = (reference.vectors(texts, "int8") * wanted).sum(1)
    print(f"{wanted_by.__name__}: float: least {exact.min():.9f}; int8: least {fast.min():.5f}, mean {fast.mean():.5f}")
    assert fast.min() >= 0.995 and fast.mean() >= 0.998


def test_long_texts():
    """Of more than a window, up to more than all windows that are read: the mean over windows that overlap by a quarter."""
    words = "the river is cold in winter and music plays at night near an unaffable quartet".split()
    rng, most = random.Random(4), 254 * 64
    texts = [" ".join(rng.choice(words) for _ in range(n)) for n in (200, 300, 450, 700, 1500)]
    weights, config = reference.load(), json.loads((MODEL / "config.json").read_text())
    exact, fast = reference.vectors(texts, "float"), reference.vectors(texts, "int8")
    several = 0
    for i, ids in enumerate(reference.token_ids(texts)):
        assert len(ids) - 2 < most
        parts = [ids[1:-1]] if len(ids) <= 256 else reference.windows(ids[1:-1], [], 256)
        wanted = np.mean([reference.embed(weights, [ids[0], *p, ids[-1]], config) for p in parts], axis=0)
        wanted /= np.linalg.norm(wanted)
        assert exact[i] @ wanted >= 0.99999
        assert fast[i] @ wanted >= 0.995
        several += len(parts) > 2
    assert several >= 2


def ranks(x):
    """From 0, ties sharing their mean."""
    _, group, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[group]


def spearman(a, b):
    return float(np.corrcoef(ranks(np.asarray(a)), ranks(np.asarray(b)))[0, 1])


def test_sts_benchmark():
    if not (DATA / "sts-b/sts-test.csv").exists():
        pytest.skip(f"there is no STS benchmark in {DATA}")
    pairs = sts()
    scores = [p[0] for p in pairs]
    texts = [p[1] for p in pairs] + [p[2] for p in pairs]
    found = {"reference": library_vectors(texts)} | {precision: reference.vectors(texts, precision) for precision in ("float", "int8")}
    rho = {k: spearman((v[:len(pairs)] * v[len(pairs):]).sum(1), scores) for k, v in found.items()}
    print(rho)
    assert abs(rho["float"] - rho["reference"]) <= 0.002
    assert abs(rho["int8"] - rho["reference"]) <= 0.005
