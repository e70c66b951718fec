"""What the benchmarks of recall by meaning are made of: the embedding model, a pool of real sentences with their
vectors (see pool.h), and real questions. Made once a run, from LoCoMo's conversations; nothing is kept after it."""

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
    pool: pathlib.Path  # made by need_pool
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
    questions = list(dict.fromkeys(str(q["question"]) for s in samples for q in s["qa"]))
    return Material(MODEL, bench.tmp / "pool", questions, talk)


def need_pool(bench, of):
    """Ten seconds, once a run."""
    vectors = pathlib.Path(f"{of.pool}.vectors")
    if vectors.exists():
        return
    least, most = SENTENCE_BYTES
    pieces = [p.strip() for t in of.talk for p in (t, *re.split(r"(?<=[.!?])\s+", t))]
    sentences = [p for p in dict.fromkeys(pieces) if least <= len(p.encode()) <= most][:POOL_MOST]
    if bench.quick:
        sentences = sentences[::10]
    of.pool.write_bytes(packed(sentences))
    embed(bench, of.model, "vectors", sentences, vectors)


def fill(bench, of, data, turns, sessions):
    """A store of turns with meaning; what `fill` tells of it."""
    need_pool(bench, of)
    return json.loads(bench.tool("fill", "meaning", data, turns, sessions, of.pool, of.model))
