"""The index of vectors alone, with each kind of filter, against a plain scan of the same floats; see vectors.c.

The rows are real: turns of LoCoMo and, since these are too few, texts of which the first half is one turn's and the
second half another's, embedded like the rest. Beyond 100,000 rows, rows are made: a real one moved by
0.35 of the difference of two others, which keeps the gaps between the nearest as real ones have them (319,000 real rows:
0.0035 between the tenth and the eleventh; 40,000 real and 279,000 made ones: 0.0034). Questions are LoCoMo's."""

import array
import json
import math
import random

import meaning_data

TITLE = "Vectors"
SIZES = [10_000, 100_000, 1_000_000]
REAL, MOVED, DIMENSIONS, BEST = 100_000, 0.35, 384, 10
RECALL, MS, BYTES = 0.99, 3.0, 450


def texts_of(talk, n):
    """Turns, then halves of two turns put together."""
    rng = random.Random(1)
    texts = list(dict.fromkeys(talk))[:n]
    halves = [(w[:len(w) // 2], w[len(w) // 2:]) for w in (t.split() for t in texts) if 5 < len(w) < 40]
    seen = set(texts)
    while len(texts) < n:
        text = " ".join(rng.choice(halves)[0] + rng.choice(halves)[1])
        if text not in seen:
            seen.add(text)
            texts.append(text)
    return texts


def make_more(file, real, n):
    """Appends n made rows; python's own arrays will do, at some 20,000 rows a second with numpy and 2,000 without."""
    rng = random.Random(2)
    try:
        import numpy
    except ImportError:
        numpy = None
    rows = array.array("f")
    rows.frombytes(file.read_bytes())
    with open(file, "ab") as out:
        if numpy:
            x, pick = numpy.frombuffer(rows, dtype=numpy.float32).reshape(real, DIMENSIONS), numpy.random.default_rng(2)
            for at in range(0, n, 20_000):
                a, c, d = (x[pick.integers(0, real, min(20_000, n - at))] for _ in range(3))
                y = a + numpy.float32(MOVED) * (c - d)
                out.write((y / numpy.linalg.norm(y, axis=1, keepdims=True)).astype(numpy.float32).tobytes())
            return
        for _ in range(n):
            a, c, d = (rng.randrange(real) * DIMENSIONS for _ in range(3))
            y = [rows[a + i] + MOVED * (rows[c + i] - rows[d + i]) for i in range(DIMENSIONS)]
            length = math.sqrt(sum(v * v for v in y))
            out.write(array.array("f", (v / length for v in y)).tobytes())


def table_row(r, f):
    return [f"{r['rows']:,}", f["filter"], f["kept"], f"{f['recall']:.4f}", f"{f['p50_ms']:.2f}", f"{f['p99_ms']:.2f}",
            f"{f['cpu_p50_ms']:.2f}", f"{f['scan_p50_ms']:.2f}", f"{f['scan_p50_ms'] / f['p50_ms']:.1f}×"]


def run(bench):
    why = meaning_data.missing()
    if why:
        return {"skipped": why}
    of = meaning_data.material(bench)
    sizes, real = ([2_000, 5_000], 4_000) if bench.quick else (SIZES, REAL)
    rows, questions = bench.tmp / "rows", bench.tmp / "questions"
    meaning_data.embed(bench, of.model, "vectors", texts_of(of.talk, real), rows)
    meaning_data.embed(bench, of.model, "queries", of.questions[:300], questions)
    make_more(rows, real, sizes[-1] - real)
    results = [json.loads(bench.tool("vectors", bench.folder("vectors"), DIMENSIONS, rows, questions, n, BEST))
               for n in sizes]
    filters = [(r, f) for r in results for f in r["filters"]]
    worst = min(f["recall"] for _, f in filters)
    slowest = max(f["p50_ms"] for r, f in filters if r["rows"] == sizes[-1])
    most = results[-1]["bytes_per_vector"]
    return {
        "tables": [{"caption": f"The {BEST} nearest, against a scan in floats over the rows that the filter keeps",
                    "columns": ["rows", "filter", "keeps", f"recall@{BEST}", "p50 ms", "p99 ms", "CPU p50 ms",
                                "scan p50 ms", "faster"],
                    "rows": [table_row(r, f) for r, f in filters]},
                   {"caption": "The files", "columns": ["rows", "bytes/vector", "appended, rows/s", "open ms",
                                                        "first search ms", "check of all ms", "RSS MB"],
                    "rows": [[f"{r['rows']:,}", f"{r['bytes_per_vector']:.1f}",
                              f"{r['rows'] / r['fill_ms'] * 1000:,.0f}", f"{r['open_ms']:.1f}",
                              f"{r['first_search_ms']:.1f}", f"{r['check_ms']:.0f}", f"{r['rss_mb']:.0f}"]
                             for r in results]}],
        "bars": [{"what": f"recall@{BEST} ≥ {RECALL} at every size and filter", "got": f"{worst:.4f}",
                  "met": worst >= RECALL},
                 {"what": f"p50 ≤ {MS:.0f} ms at {sizes[-1]:,} rows, filtered or not", "got": f"{slowest:.2f} ms",
                  "met": slowest <= MS},
                 {"what": f"≤ {BYTES} bytes a vector at {sizes[-1]:,} rows", "got": f"{most:.1f}", "met": most <= BYTES}],
        "notes": [__doc__.split("\n\n")[1].replace("\n", " "),
                  "Projects and sessions are drawn at random, so that a filter's rows lie everywhere. One thread; the scan "
                  "(AVX2) and the search take turns, question by question."],
        "raw": {"results": results},
    }
