"""What splitting texts into the forms they are found by costs, against FTS5's porter over unicode61 in the same program,
turn about; and how many forms each kind adds to what would be indexed."""

import json
import os
import struct

import packing
import recall
from harness import median

TITLE = "The tokenizer"
BAR = 150  # MB/s on chats


def write(file, texts):
    with open(file, "wb") as f:
        for t in texts:
            data = t.encode("utf-8", "replace")
            f.write(struct.pack("<I", len(data)) + data)


def measure(bench, name, texts, rounds):
    file = bench.tmp / "tokens.bin"
    write(file, texts)
    m = json.loads(bench.tool("tokens", file, rounds))
    file.unlink()
    speed = {k: [m["bytes"] / 1e6 / s for s in m[k]] for k in ("own", "fts5")}
    return m | {"name": name, "speed": {k: median(v) for k, v in speed.items()},
                "ratio": median([a / b for a, b in zip(speed["own"], speed["fts5"])])}


def row(m):
    forms = sum(m[k] for k in ("word", "exact", "part", "whole"))
    kept = [f"{m[k] / m['word']:+.1%}" for k in ("exact", "part", "whole")]
    return [m["name"], f"{m['bytes'] / 1e6:.1f}", f"{m['speed']['own']:.0f}", f"{m['speed']['fts5']:.0f}", f"{m['ratio']:.2f}",
            f"{1000 / m['speed']['own'] * m['bytes'] / forms:.0f}", f"{m['word'] + m['stop']:,}", f"{m['stop']:,}", *kept]


def run(bench):
    rounds = 2 if bench.quick else 9
    sets = {"LoCoMo's chats": packing.chats() if os.path.exists(recall.DATA) else [], "coding agents": packing.coding(3000)}
    measured = [measure(bench, k, v, rounds) for k, v in sets.items() if v]
    chats = [m for m in measured if m["name"] == "LoCoMo's chats"]
    return {
        "tables": [{"caption": "One core", "rows": [row(m) for m in measured],
                    "columns": ["texts", "MB", "MB/s", "FTS5's MB/s", "ratio", "ns a form", "words", "of them stop words",
                                "exact forms", "parts", "wholes"]}],
        "bars": [{"what": f"at least {BAR} MB/s on chats", "got": f"{m['speed']['own']:.0f} MB/s",
                  "met": m["speed"]["own"] >= BAR} for m in chats],
        "notes": [f"Processor time, medians of {rounds} rounds. FTS5 gives one form a word, stop words included; here stop words "
                  "are left out, and exact forms, parts and wholes are added (as a share of the words that are kept)."],
        "raw": measured,
    }
