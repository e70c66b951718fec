"""Patterns: what the extractors find on labelled turns, and what ranking ten thousand patterns costs.

The labelled cases (tests/labelled/patterns.jsonl) are real coding transcripts told again in other words: thirty turns with a
pattern, five of each type, thirty with none. Rules were tuned on the half `tune`; `held` is looked at here only. A wrong
type counts against both precision and recall. Chats of LoCoMo hold no patterns of work: whatever is found there is
wrong."""

import concurrent.futures
import json
import statistics
import time

from harness import ROOT, Process, free_port

TITLE = "Patterns found in turns"
CASES = ROOT / "tests" / "labelled" / "patterns.jsonl"
LOCOMO = ROOT.parent / "shared" / "data" / "locomo10.json"
TYPES = ["workflow", "decision", "code", "error", "architecture", "configuration"]
PRECISION, RECALL, RANK_MS = 0.8, 0.6, 50
MARK = "patterns-bench"


MODEL = ROOT / "build" / "model" / "all-MiniLM-L6-v2"


def serve(bench, name, model="off"):
    port = free_port()
    folder = bench.tmp / name
    folder.mkdir(parents=True)
    p = Process([str(bench.binary), "serve", "--listen", f"127.0.0.1:{port}", "--data", str(folder)],
                bench.tmp / f"{name}.log", port, {"CAIRN_MODEL": str(model)})
    p.answers("/health")
    return p


def remember(server, project, text, role="assistant"):
    return server.call("POST", "/api/v2/remember", {"session": MARK, "project": project, "text": text, "role": role})


def followed(server, project, seconds=120):
    """Waits until the follower has come so far: turns are seen in order, and the last one holds a pattern."""
    remember(server, project, "Start it with `LAST_ONE=20` and `LAST_MS=500` so that whoever waits knows the end.")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.call("GET", f"/api/v1/patterns?project={project}"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the patterns were not there after {seconds} s")


def found_in(server, cases):
    """Each case is a project of its own, so nothing merges and each pattern names its turn."""
    for c in cases:
        remember(server, f"case-{c['id']}", c["content"], c["role"])
    followed(server, "end")
    out = {}
    for c in cases:
        found = server.call("GET", f"/api/v1/patterns?project=case-{c['id']}")
        out[c["id"]] = found[0]["pattern_type"] if found else None
    return out


def figures(cases, found, of=None):
    """(expected, found, right, precision, recall) of all types, or of one."""
    ours = lambda t: t is not None and (of is None or t == of)
    want = sum(ours(c["pattern_type"]) for c in cases)
    got = sum(ours(found[c["id"]]) for c in cases)
    right = sum(ours(c["pattern_type"]) and found[c["id"]] == c["pattern_type"] for c in cases)
    return want, got, right, right / got if got else 1.0, right / want if want else 1.0


def row(name, f):
    return [name, f[0], f[1], f[2], f"{f[3]:.2f}", f"{f[4]:.2f}"]


def wrongs(cases, found):
    """In words, for the report."""
    out = []
    for c in cases:
        got, want = found[c["id"]], c["pattern_type"]
        if got != want:
            first = c["content"].replace("\n", " ").replace("`", "'")[:90]
            out.append(f"case {c['id']} ({c['half']}): {got or 'nothing'} instead of {want or 'nothing'}: “{first} …”")
    return out


def locomo(server):
    """(turns, patterns found in them)."""
    talks = [c["conversation"] for c in json.loads(LOCOMO.read_text())]
    turns = [t["text"] for talk in talks for key, said in talk.items()
             if key.startswith("session_") and isinstance(said, list) for t in said if t["text"]]
    # a session saved whole, some hundred messages at a time
    for at in range(0, len(turns), 200):
        messages = [{"role": "user", "content": t} for t in turns[at:at + 200]]
        server.call("POST", "/api/v1/sessions", {"project": "locomo", "conversation_json": {"messages": messages}})
    followed(server, "locomo-end")
    return len(turns), len(server.call("GET", "/api/v1/patterns?project=locomo&limit=1000"))


def by_meaning(server, seconds=900):
    """Waits until patterns are ranked by meaning too, that is, until all vectors are made; how long that took."""
    def score():
        return server.call("POST", "/api/v1/patterns/search", {"query": "alter the queue", "limit": 1})[0]["score"]

    began, words = time.monotonic(), score()
    while time.monotonic() < began + seconds:
        time.sleep(0.5)
        if score() != words:
            return time.monotonic() - began
    raise RuntimeError(f"the patterns' vectors were not made after {seconds} s")


def rank(server, patterns, rounds, meaning=False):
    """Milliseconds of a recommendation among that many, seen from a client: median, most, seconds until the vectors were
    made."""
    nouns = ["queue", "schema", "release", "cache", "token", "index", "worker", "proxy", "backup", "retry"]

    def save(i):
        a, b = nouns[i % 10], nouns[i // 10 % 10]
        server.call("POST", "/api/v1/patterns", {
            "pattern_type": TYPES[i % 6], "name": f"{a} before {b} number {i}",
            "description": f"When the {a} is changed, the {b} of part {i % 97} has to be looked at as well.",
            "template": f"Check the {a}, write down what the {b} says, then go on with step {i % 31}. " * 4})

    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        list(clients.map(save, range(patterns)))
    made = by_meaning(server) if meaning else None
    took = []
    for i in range(rounds):
        began = time.perf_counter()
        server.call("POST", "/api/v1/patterns/recommend", {"query": f"change the {nouns[i % 10]} of part {i}", "limit": 5})
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), max(took), made


def run(bench):
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    n, rounds = (200, 5) if bench.quick else (10000, 50)
    with serve(bench, "patterns") as server:
        found = found_in(server, cases)
        chats = locomo(server) if LOCOMO.exists() and not bench.quick else None
    with serve(bench, "patterns-many") as server:
        ranked = {"words": rank(server, n, rounds)}
    if (MODEL / "config.json").exists():
        with serve(bench, "patterns-meaning", MODEL) as server:
            ranked["words and meaning"] = rank(server, n, rounds, True)
    halves = {h: figures([c for c in cases if c["half"] == h], found) for h in ("tune", "held")}
    every = figures(cases, found)
    rows = [row(t, figures(cases, found, t)) for t in TYPES]
    rows += [row("all", every), row("all, tuned on", halves["tune"]), row("all, held out", halves["held"])]
    held = halves["held"]
    bars = [{"what": f"precision of at least {PRECISION} on what was held out", "got": f"{held[3]:.2f}; all {every[3]:.2f}",
             "met": held[3] >= PRECISION},
            {"what": f"recall of at least {RECALL} on what was held out", "got": f"{held[4]:.2f}; all {every[4]:.2f}",
             "met": held[4] >= RECALL},
            *({"what": f"by {way}: a recommendation among {n:,} patterns in less than {RANK_MS} ms",
               "got": f"{median:.1f} ms (median; most {most:.1f})", "met": median < RANK_MS}
              for way, (median, most, _) in ranked.items())]
    notes = [f"Wrong: {w}" for w in wrongs(cases, found)] or ["No labelled case was judged wrongly."]
    notes.append("Rules and labels are by the same hand, and the cases are short and clean: real turns are longer, and "
                 "figures there are lower.")
    if "words and meaning" in ranked:
        notes.append(f"The vectors of {n:,} patterns were made behind the first question in "
                     f"{ranked['words and meaning'][2]:.0f} s; until then words rank alone.")
    else:
        notes.append("Meaning was not measured: there is no embedding model (tools/get-model brings one).")
    if chats:
        notes.append(f"LoCoMo, chats without work in them: {chats[1]} false patterns in {chats[0]:,} turns.")
    columns = ["type", "labelled", "found", "right", "precision", "recall"]
    return {"tables": [{"caption": "Labelled turns", "columns": columns, "rows": rows}], "bars": bars, "notes": notes,
            "raw": {"found": found, "locomo": chats, "rank_ms": ranked}}
