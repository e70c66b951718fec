"""Chroma as a rival: see rivals.py. Usage: chroma_rival.py FOLDER VECTORS QUERIES TURNS SESSIONS

Puts the vectors into a collection on the disk and prints {"seconds","bytes"}; then answers each line of stdin (a
session's number or "all", tab, the number of a question's vector) with the microseconds of the ten nearest turns."""

import json
import os
import pathlib
import sys
import time

os.environ["ANONYMIZED_TELEMETRY"] = "False"
import chromadb  # noqa: E402
import numpy  # noqa: E402
from chromadb.config import Settings  # noqa: E402

BATCH = 5000  # below what Chroma takes at once
DIMENSIONS = 384
RESULTS = 10


def fill(folder, vectors, turns, sessions):
    client = chromadb.PersistentClient(path=folder, settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection("turns", metadata={"hnsw:space": "cosine"}, embedding_function=None)
    for at in range(0, turns, BATCH):
        numbers = range(at, min(at + BATCH, turns))
        collection.add(ids=[str(i) for i in numbers], embeddings=vectors[at:at + BATCH],
                       metadatas=[{"session": i * sessions // turns} for i in numbers])
    return collection


def main():
    folder, vectors, queries, turns, sessions = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
    vectors = numpy.fromfile(vectors, dtype="f4").reshape(-1, DIMENSIONS)
    queries = numpy.fromfile(queries, dtype="f4").reshape(-1, DIMENSIONS)
    start = time.perf_counter()
    collection = fill(folder, vectors, turns, sessions)
    collection.query(query_embeddings=[queries[0]], n_results=RESULTS)
    size = sum(f.stat().st_size for f in pathlib.Path(folder).rglob("*") if f.is_file())
    print(json.dumps({"seconds": time.perf_counter() - start, "bytes": size}), flush=True)
    for line in sys.stdin:
        where, number = line.rstrip("\n").split("\t")
        start = time.perf_counter()
        found = collection.query(query_embeddings=[queries[int(number)]], n_results=RESULTS,
                                 where=None if where == "all" else {"session": int(where)},
                                 include=["metadatas", "distances"])
        took = time.perf_counter() - start
        if not found["ids"][0]:
            raise SystemExit("Chroma found nothing")
        print(int(took * 1e6), flush=True)


if __name__ == "__main__":
    main()
