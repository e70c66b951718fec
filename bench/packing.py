"""What it saves and costs to keep older turns compressed: bytes a turn before and after, and recall and page reads on the
same store unpacked and packed, turn about. Texts: LoCoMo's chats, and long turns of coding agents where they are there."""

import json
import random
import shutil
import sqlite3

import recall
import stock
from harness import ROOT, median

TITLE = "Packing of older turns"
HISTORY = ROOT.parent / "shared" / "data" / "agent-history"
LONGEST = 200_000  # characters of a turn
PER_TALK = 40
STOP = set("about after again their there these those which would could should where other".split())


def chats():
    """What is said in LoCoMo."""
    return [t["content"] for sample in json.load(open(recall.DATA)) for _, turns in recall.sittings(sample) for t in turns]


def text_of(content):
    """A message's texts, whatever it is made of: text, and what was given to tools and came from them."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        inner = [content.get(k) for k in ("text", "thinking", "content", "message")]
        told = json.dumps(content["input"]) if isinstance(content.get("input"), dict) else ""
        return "\n".join(t for t in [*map(text_of, inner), told] if t)
    return "\n".join(filter(None, map(text_of, content))) if isinstance(content, list) else ""


def coding(limit):
    """What coding agents wrote down of their work."""
    found = []
    for file in sorted(HISTORY.rglob("*.jsonl")):
        for line in file.read_text(errors="replace").splitlines():
            try:
                o = json.loads(line)
            except ValueError:
                continue
            text = text_of(o.get("message")) if isinstance(o, dict) else ""
            if text:
                found.append(text[:LONGEST])
    return found[:limit]


def store(bench, name, texts):
    """A store that holds the texts, fed to its index; its folder and conversations."""
    data = bench.folder(name)
    talks = [stock.record_id("conversation", name, i) for i in range(len(texts) // PER_TALK + 1)]
    with bench.cairn(data) as server:
        session = stock.add(server, "session", name, 1)[0]
        stock.take_in(server, [{"kind": "conversation", "conversation_id": c, "session_id": session} for c in talks])
        batch, size = [], 0
        for i, text in enumerate(texts):
            batch.append({"kind": "turn", "turn_id": stock.record_id("turn", name, i), "agent": "ana", "role": "user",
                          "conversation_id": talks[i // PER_TALK], "content": text})
            size += len(text)
            if size > 1_000_000 or len(batch) == 500 or i == len(texts) - 1:
                stock.take_in(server, batch)
                batch, size = [], 0
        server.wait_for_index(300)
    return data, talks


def live_bytes(data, vacuum=False):
    """Of the store's pages, those in use: freed ones are used again."""
    db = sqlite3.connect(data / "store.db", isolation_level=None)
    try:
        if vacuum:
            db.execute("VACUUM")
        size, pages, free = (db.execute(f"PRAGMA {p}").fetchone()[0] for p in ("page_size", "page_count", "freelist_count"))
    finally:
        db.close()
    return size * (pages - free)


def questions(texts, n):
    rng = random.Random(5)
    out = []
    while len(out) < n:
        words = [w.strip(".,!?\"'()") for w in rng.choice(texts)[:2000].split()]
        words = [w for w in words if w.isalpha() and 3 < len(w) < 20 and w.lower() not in STOP]
        if len(words) >= 3:
            out.append(" ".join(rng.sample(words, min(5, len(words)))))
    return out


def ask(bench, server, sort, requests):
    file = bench.tmp / "packing.txt"
    file.write_text("".join(requests))
    cpu = server.cpu_seconds()
    r = json.loads(bench.tool("load", "each", server.port, 1, file))
    return {"p50_ms": r["p50_ms"], "p99_ms": r["p99_ms"], "cpu_us": (server.cpu_seconds() - cpu) / r["counted"] * 1e6}


def compare(bench, stores, talks, texts, n, rounds):
    """The same requests to both stores, turn about."""
    asked = {"recall": [stock.line("r", "POST", "/api/v2/recall", {"query": q}) for q in questions(texts, n)],
             "page of 40 turns": [stock.line("p", "GET", f"/api/v2/conversations/{talks[i % len(talks)]}?limit={PER_TALK}")
                                  for i in range(n)]}
    found = {(sort, which): [] for sort in asked for which in stores}
    servers = {which: bench.cairn(data, env={"CAIRN_CACHE_BYTES": "0"}) for which, data in stores.items()}
    try:
        for r in range(rounds + 1):
            for sort, requests in asked.items():
                for which, server in servers.items():
                    one = ask(bench, server, sort, requests)
                    if r:  # the first is for warming up
                        found[sort, which].append(one)
    finally:
        for server in servers.values():
            server.stop()
    return {k: {f: median([r[f] for r in v]) for f in v[0]} for k, v in found.items()}


def measure(bench, name, texts, n, rounds):
    plain, talks = store(bench, f"pack{len(texts)}", texts)
    packed = bench.folder("packed")
    shutil.copytree(plain, packed)
    result = json.loads(bench.tool("pack", packed))
    sizes = {"plain": live_bytes(plain), "packed": live_bytes(packed)}
    found = compare(bench, {"plain": plain, "packed": packed}, talks, texts, n, rounds)
    sizes |= {"plain, vacuumed": live_bytes(plain, True), "packed, vacuumed": live_bytes(packed, True)}
    bench.drop(plain)
    bench.drop(packed)
    return {"name": name, "turns": len(texts), "characters": sum(map(len, texts)) / len(texts), "pack": result,
            "sizes": sizes, "found": {f"{s}, {w}": v for (s, w), v in found.items()}}


def size_row(m):
    p, turns = m["pack"], m["turns"]
    return [m["name"], f"{turns:,}", f"{m['characters']:.0f}", f"{p['packed'] / turns:.0%}",
            f"{p['bytes_after'] / max(p['bytes_before'], 1):.2f}", f"{m['sizes']['plain'] / turns:.0f}",
            f"{m['sizes']['packed'] / turns:.0f}", f"{m['sizes']['plain, vacuumed'] / turns:.0f}",
            f"{m['sizes']['packed, vacuumed'] / turns:.0f}",
            f"{1 - m['sizes']['packed, vacuumed'] / m['sizes']['plain, vacuumed']:.0%}",
            f"{p['bytes_before'] / 1e6 / max(p['seconds'], 0.001):.0f}"]


def run(bench):
    n, rounds = (20, 1) if bench.quick else (500, 5)
    sets = {"LoCoMo's chats": chats(), "coding agents": coding(50_000)}
    if bench.quick:
        sets = {k: v[:800] for k, v in sets.items()}
    measured = [measure(bench, k, v, n, rounds) for k, v in sets.items() if len(v) >= 100]
    costs = [[m["name"], what, f"{v['p50_ms']:.2f}", f"{v['p99_ms']:.2f}", f"{v['cpu_us']:.0f}"]
             for m in measured for what, v in m["found"].items()]
    return {
        "tables": [{"caption": "Saved", "rows": [size_row(m) for m in measured],
                    "columns": ["texts", "turns", "characters a turn", "packed", "packed to", "store bytes/turn before",
                                "after", "vacuumed, not packed", "vacuumed, packed", "saved", "packing MB/s"]},
                   {"caption": "Paid", "columns": ["texts", "request", "p50 ms", "p99 ms", "server CPU µs"], "rows": costs}],
        "bars": [],
        "notes": [f"One client; {n} requests a round, medians of {rounds} rounds, both stores turn about; answers are not kept "
                  "(cache.bytes 0). Store bytes are its pages in use, all tables and indexes with them. Packing makes rows "
                  "shorter where they lie; what that leaves free inside a page comes back with the next vacuum, so what is "
                  "saved is told of vacuumed stores. By default turns "
                  "are packed after seven days."],
        "raw": measured,
    }
