"""What the benchmarks of recall by meaning are made of: the embedding model, a pool of real sentences with their
vectors (see pool.h), and real questions. Made once a run, from LoCoMo's conversations; nothing is kept."""

import dataclasses
import json
import pathlib
import re
import struct

import harness

SHARED = harness.ROOT.parent / "shared" / "data"
MODEL = harness.ROOT / "build" / "model" / "all-MiniLM-L6-v2"
SENTENCE_BYTES = (20, 200)  # at most POOL_SENTENCE_MAX
POOL_MOST = 20_000


def missing():
    """Why this cannot be measured here, or None."""
    if not (SHARED / "locomo10.json").exists():
        return "locomo10.json is not there"
    return None


@dataclasses.dataclass
class Material:
    model: pathlib.Path
    pool: pathlib.Path
    questions: list
    talk: list  # turns as people wrote them

    def env(self):
        return {"CAIRN_MODEL": str(self.model)}


def packed(texts):
    return b"".join(struct.pack("<I", len(t)) + t for t in (t.encode() for t in texts))


def embed(bench, model, use, texts, out):
    """Vectors of the texts, floats one after another, into the file `out`; use: "vectors" or "queries"."""
    file = bench.tmp / "texts"
    file.write_bytes(packed(texts))
    bench.tool("sh", "-c", f'"{bench.out / "embed"}" "{model}" int8 {use} <"{file}" >"{out}"')
    file.unlink()


def material(bench):
    bench.tool(harness.ROOT / "tools" / "get-model")
    samples = json.loads((SHARED / "locomo10.json").read_text())
    talk = [t["text"] for s in samples for k, v in s["conversation"].items() if re.fullmatch(r"session_\d+", k)
            for t in v]
    least, most = SENTENCE_BYTES
    pieces = [p.strip() for t in talk for p in (t, *re.split(r"(?<=[.!?])\s+", t))]
    sentences = [p for p in dict.fromkeys(pieces) if least <= len(p.encode()) <= most][:POOL_MOST]
    if bench.quick:
        sentences = sentences[::10]
    pool = bench.tmp / "pool"
    pool.write_bytes(packed(sentences))
    embed(bench, MODEL, "vectors", sentences, f"{pool}.vectors")
    questions = list(dict.fromkeys(q["question"] for s in samples for q in s["qa"] if "\t" not in q["question"]))
    return Material(MODEL, pool, [str(q) for q in questions], talk)
