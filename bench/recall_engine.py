"""Recall by words and meaning as the store grows: 10k, 100k and 1M turns with a vector each, in one session and spread
over 1,000; real questions over HTTP, embedded by the server. Against FTS5 with an exact scan of the same vectors, fused,
and against Chroma with the same vectors; each round asks all of them the same questions, one after another."""

import contextlib
import itertools
import json
import random
import statistics
import time

import meaning_data
import rivals
from harness import median, settled

TITLE = "Recall by meaning, at scale"
INDEX_SECONDS = 900
SIZES = [10_000, 100_000, 1_000_000]
LARGE = 200_000  # from here on rivals are asked fewer questions, and Chroma is not built
P50_MS, P99_MS, ONE_MS, COLD_MS = 6.0, 15.0, 2.0, 300.0
TEXT_SHARE, VECTOR_BYTES = 0.60, 450
NEAREST = 0.99


# ---- our side ----

def ask(bench, server, requests):
    """Each request once, one client. The processor time is the server's own."""
    file = bench.tmp / "questions.txt"
    file.write_text("".join(f"{path}\t{json.dumps(body)}\n" for path, body in requests))
    cpu = server.cpu_seconds()
    result = json.loads(bench.tool("load", "once", server.port, 1, file))
    result["cpu_ms"] = (server.cpu_seconds() - cpu) / result["counted"] * 1000
    return result


def requests_of(where, texts, picks, sessions):
    if where == "all":
        return [("/api/v2/recall", {"query": t}) for t in texts]
    return [("/api/v2/recall", {"query": t, "session_id": sessions[p]}) for t, p in zip(texts, picks)]


def wait_for_meaning(server, seconds):
    """Until the model is loaded and every turn has its vector."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        model = server.call("GET", "/health/memory")["embedding_model"]
        if model["loaded"] and model["lag"] == 0:
            return
        time.sleep(0.002)
    raise RuntimeError(f"meaning is not there after {seconds} s: {model}")


def cold_start(bench, data, question, times, env, binary=None):
    """Milliseconds from fork to a recall that is answered, and to a recall in which a loaded model takes part."""
    words, meaning = [], []
    for _ in range(times):
        with bench.cairn(data, wait=None, env=env, binary=binary) as server:
            server.answers("/health")
            if not server.call("POST", "/api/v2/recall", {"query": question})["results"]:
                raise RuntimeError("a recall right after the start found nothing")
            words.append((time.perf_counter() - server.began) * 1000)
            wait_for_meaning(server, 60)
            server.call("POST", "/api/v2/recall", {"query": question})
            meaning.append((time.perf_counter() - server.began) * 1000)
    return {"words_ms": words, "meaning_ms": meaning}


def cold_starts(bench, data, material):
    """With the model in its folder, and by the executable that has it inside."""
    question, times = material.questions[0], 3 if bench.quick else 7
    release, alone = bench.release()
    return {"folder": cold_start(bench, data, question, times, material.env()),
            "release": cold_start(bench, data, question, times, alone, release)}


def index_bytes(data):
    """Bytes of the index's files: the words' and what belongs to them, and the vectors'."""
    files = {f: f.stat().st_size for f in (data / "index").rglob("*") if f.is_file()}
    vectors = sum(n for f, n in files.items() if f.name.startswith("vectors"))
    return {"words": sum(files.values()) - vectors, "vectors": vectors}


# ---- rounds ----

def figures(times, cpu_seconds=None):
    times = sorted(times)
    found = {"p50_ms": statistics.median(times), "p99_ms": times[min(len(times) * 99 // 100, len(times) - 1)]}
    if cpu_seconds is not None:
        found["cpu_ms"] = cpu_seconds / len(times) * 1000
    return found


def ask_fts(fts, where, texts, picks, found):
    cpu = fts.rival.cpu_seconds()
    answers = [fts.ask("all" if where == "all" else p, t) for t, p in zip(texts, picks)]
    took = fts.rival.cpu_seconds() - cpu
    for i, part in enumerate(("embedding", "words", "vectors")):
        found[f"fts_{part}"].append(statistics.median(a[i] for a in answers))
    found["fts"].append(figures([a[3] for a in answers], took))
    return statistics.median(a[0] for a in answers)


def ask_chroma(chroma, where, numbers, picks, embedding_ms, found):
    cpu = chroma.rival.cpu_seconds()
    times = [chroma.ask("all" if where == "all" else p, n) + embedding_ms for n, p in zip(numbers, picks)]
    found["chroma"].append(figures(times, chroma.rival.cpu_seconds() - cpu))


def one_round(bench, server, fts, chroma, material, plan, found):
    """One slice of the questions for each side in turn; `numbers` are the questions'."""
    where, numbers, few, sessions, shown = plan
    rng = random.Random(numbers[0])
    picks = [rng.randrange(len(shown)) for _ in numbers]
    texts = [material.questions[n] for n in numbers]
    # The sessions whose ids `fill` told lie evenly: this is the number of each among all.
    spread = [p * max(sessions // len(shown), 1) for p in picks]
    found["cairn"].append(ask(bench, server, requests_of(where, texts, picks, shown)))
    embedding = ask_fts(fts, where, texts[:few], spread, found)
    if chroma:
        ask_chroma(chroma, where, numbers[:few], spread, embedding, found)


def rounds_of(bench, server, fts, chroma, material, shape):
    turns, sessions, shown, count, rounds = shape
    few = count // 4 if turns > LARGE else count
    numbers = itertools.cycle(range(len(material.questions)))
    found = {w: {k: [] for k in ("cairn", "fts", "fts_embedding", "fts_words", "fts_vectors", "chroma")}
             for w in ("one", "all")}
    one_round(bench, server, fts, chroma, material, ("all", [next(numbers) for _ in range(10)], 10, sessions, shown),
              {k: [] for k in found["all"]})  # not counted: maps files, fills caches
    for _ in range(rounds):
        for where in ("one", "all"):
            slice_ = [next(numbers) for _ in range(count)]
            one_round(bench, server, fts, chroma, material, (where, slice_, few, sessions, shown), found[where])
    return found


def words_alone(bench, server, material, shape):
    """The same store by a server without a model: what meaning costs, and what there is while a model is loaded."""
    _, _, shown, count, _ = shape
    texts, picks = material.questions[-count:], [i % len(shown) for i in range(count)]
    ask(bench, server, requests_of("all", material.questions[-count - 10:-count], picks, shown))
    return {w: ask(bench, server, requests_of(w, texts, picks, shown)) for w in ("one", "all")}


def wanted_chroma(turns, sessions):
    return sessions > 1 and turns <= LARGE


def measure(bench, material, turns, sessions, count, rounds, python):
    data = bench.folder("engine")
    made = meaning_data.fill(bench, material, data, turns, sessions)
    with contextlib.ExitStack() as stack:
        stack.callback(bench.drop, data)
        stack.enter_context(settled(data))
        with bench.cairn(data, env=material.env()) as server:
            server.wait_for_index(INDEX_SECONDS)
            wait_for_meaning(server, INDEX_SECONDS)
        size = index_bytes(data)
        result = {"turns": turns, "sessions": sessions, "bytes": size, "text_bytes": made["text_bytes"],
                  **cold_starts(bench, data, material)}
        fts = rivals.Fts(bench, data, material, turns, sessions)
        stack.callback(fts.close)
        chroma = None
        if python and wanted_chroma(turns, sessions):
            chroma = rivals.Chroma(bench, python, material, turns, sessions, bench.tmp / "question-vectors")
            stack.callback(chroma.close)
        # Another server than the one that made the index: its memory is that of a server that only answers.
        with bench.cairn(data, env=material.env()) as server:
            wait_for_meaning(server, 60)
            shape = (turns, sessions, made["sessions"], count, rounds)
            result["rounds"] = rounds_of(bench, server, fts, chroma, material, shape)
            result["memory"] = server.memory_mb()
        with bench.cairn(data) as server:
            result["words_alone"] = words_alone(bench, server, material, shape)
        result["fts"] = {**fts.fed, "rss_mb": fts.rival.rss_mb()}
        if chroma:
            result["chroma"] = {**chroma.made, "rss_mb": chroma.rival.rss_mb()}
    tell(bench, result)
    return result


def measure_nearest(bench, material, turns):
    data = bench.folder("nearest")
    found = json.loads(bench.tool("nearest", data, material.pool, bench.tmp / "question-vectors", turns))
    bench.drop(data)
    bench.say(f"{turns:,} vectors: " + ", ".join(f"{s['recall']:.4f} in {s['p50_ms']:.2f} ms" for s in found["scopes"]))
    return found


# ---- telling ----

def of(result, where, who, key):
    runs = result["rounds"][where][who]
    return median([r[key] for r in runs]) if runs else None


def tell(bench, r):
    for where in ("one", "all"):
        bench.say(f"{r['turns']:,} turns, {r['sessions']:,} session(s), {where}: " + "; ".join(
            f"{who} p50 {of(r, where, who, 'p50_ms'):.2f} p99 {of(r, where, who, 'p99_ms'):.2f} ms"
            for who in ("cairn", "fts", "chroma") if r["rounds"][where][who]))


def text_of(value, form=".2f"):
    return "–" if value is None else format(value, form)


def speed_rows(results):
    rows = []
    for r in results:
        for where in ("one", "all"):
            ours = of(r, where, "cairn", "p50_ms")
            row = [f"{r['turns']:,}", f"{r['sessions']:,}", where]
            row += [text_of(of(r, where, "cairn", k)) for k in ("p50_ms", "p99_ms", "cpu_ms")]
            row += [text_of(r["words_alone"][where][k]) for k in ("p50_ms", "p99_ms")]
            for who in ("fts", "chroma"):
                row += [text_of(of(r, where, who, k)) for k in ("p50_ms", "p99_ms")]
                other = of(r, where, who, "p50_ms")
                row.append("–" if other is None else f"{other / ours:.1f}×")
            rows.append(row)
    return rows


def part_rows(results):
    """Where the rival's time goes; what embedding the question costs is the same for all."""
    return [[f"{r['turns']:,}", f"{r['sessions']:,}", where,
             *(text_of(median(r["rounds"][where][f"fts_{part}"])) for part in ("embedding", "words", "vectors"))]
            for r in results for where in ("one", "all")]


def size_rows(results):
    rows = []
    for r in results:
        n, text = r["turns"], r["text_bytes"]
        chroma = r.get("chroma")
        rows.append([f"{n:,}", f"{r['sessions']:,}", f"{text / n:.0f}", f"{r['bytes']['words'] / n:.0f}",
                     f"{r['bytes']['words'] / text:.0%}", f"{r['bytes']['vectors'] / n:.0f}",
                     f"{r['memory']['VmRSS']:.0f}", f"{r['memory']['RssAnon']:.0f}",
                     f"{r['fts']['bytes'] / n:.0f}", f"{r['fts']['rss_mb']:.0f}",
                     text_of(chroma and chroma["bytes"] / n, ".0f"), text_of(chroma and chroma["rss_mb"], ".0f"),
                     text_of(chroma and chroma["seconds"], ".0f")])
    return rows


def nearest_rows(found):
    return [[f"{r['turns']:,}", f"{s['share'] * 100:g} %", f"{s['recall']:.4f}", f"{s['least']:.1f}",
             f"{s['p50_ms']:.3f}", f"{s['p99_ms']:.3f}"] for r in found for s in r["scopes"]]


def cold_rows(results):
    return [[f"{r['turns']:,}", f"{r['sessions']:,}", *(f"{f(r[way][k]):.0f}" for way in ("release", "folder")
                                                        for k in ("words_ms", "meaning_ms") for f in (median, max))]
            for r in results]


def bars_of(results, found):
    top = max(r["turns"] for r in results)
    one, many = (next(r for r in results if r["turns"] == top and (r["sessions"] > 1) == spread)
                 for spread in (False, True))
    bars = []

    def bar(what, value, limit, form="{:.2f} ms"):
        bars.append({"what": what, "got": form.format(value), "met": value < limit})
    for r, name in ((one, "one session"), (many, f"{many['sessions']:,} sessions")):
        bar(f"all of {top:,} turns ({name}), query embedded: p50 < {P50_MS:.0f} ms", of(r, "all", "cairn", "p50_ms"),
            P50_MS)
        bar(f"all of {top:,} turns ({name}), query embedded: p99 < {P99_MS:.0f} ms", of(r, "all", "cairn", "p99_ms"),
            P99_MS)
    bar(f"one of {many['sessions']:,} sessions at {top:,} turns: p50 < {ONE_MS:.0f} ms",
        of(many, "one", "cairn", "p50_ms"), ONE_MS)
    for r, name in ((one, "one session"), (many, f"{many['sessions']:,} sessions")):
        allowed = TEXT_SHARE * r["text_bytes"] + VECTOR_BYTES * r["turns"]
        bar(f"index at {top:,} turns ({name}) ≤ {TEXT_SHARE:.0%} of the text and {VECTOR_BYTES} bytes a vector: all "
            "of that", sum(r["bytes"].values()) / allowed, 1.0001, "{:.0%}")
        bar(f"cold start with {top:,} turns ({name}), answered by words < {COLD_MS:.0f} ms",
            median(r["release"]["words_ms"]), COLD_MS, "{:.0f} ms")
        bar(f"cold start with {top:,} turns ({name}), meaning takes part (make release) < {COLD_MS:.0f} "
            "ms",
            median(r["release"]["meaning_ms"]), COLD_MS, "{:.0f} ms")
    least = min(s["recall"] for r in found for s in r["scopes"])
    bars.append({"what": f"the ten nearest vectors, against an exact scan in floats, at every size and filter: ≥ {NEAREST}",
                 "got": f"{least:.4f}", "met": least >= NEAREST})
    return bars


def notes(count, rounds, python, results):
    text = [f"`POST /api/v2/recall` across all and within one session; {count} real questions (LoCoMo's) a round, each "
            f"asked once, {rounds} rounds, medians of the rounds' p50 and p99; one client on the same two cores. "
            "The server embeds the question. Turns of about 390 bytes: two or three real sentences among words by "
            "Zipf's law; a turn's vector is the sum of its sentences' with a little noise. Times include HTTP for "
            "Cairn and nothing of the kind for the rivals, which are asked within their own process. Events, patterns and "
            "summaries of the turns just written are held off.",
            "FTS5 and exact scan: `bm25()` over the question's words joined by OR, without stop words, the best 100; "
            "int8 dot products with all vectors in memory, the best 100; fused by reciprocal rank; texts of the ten "
            "best read from the store. For one session both halves are given its range of rows."]
    if not python:
        return text + ["Chroma was not measured: its environment is not there."]
    built = max((r for r in results if r.get("chroma")), key=lambda r: r["turns"])
    rate = built["turns"] / built["chroma"]["seconds"]
    return text + [f"Chroma: a persistent collection with cosine distance, session as metadata, no texts; the embedding "
                   f"time of the same run is added to its times. It took in {rate:,.0f} vectors/s at "
                   f"{built['turns']:,} turns, so a million would have taken more than {1e6 / rate / 60:.0f} minutes "
                   "and was not tried. It ranks by meaning alone."]


def run(bench):
    why = meaning_data.missing()
    if why:
        return {"skipped": why}
    material = meaning_data.material(bench)
    python = rivals.chroma_python(bench)
    meaning_data.embed(bench, material.model, "queries", material.questions, bench.tmp / "question-vectors")
    sizes, count, rounds = ([2_000, 10_000], 40, 1) if bench.quick else (SIZES, 200, 3)
    results = [measure(bench, material, turns, sessions, count, rounds, python)
               for turns in sizes for sessions in (1, 1000)]
    nearest = [measure_nearest(bench, material, turns) for turns in sizes]
    return {
        "tables": [
            {"caption": "Recall, the question embedded", "rows": speed_rows(results),
             "columns": ["turns", "sessions", "asked", "p50 ms", "p99 ms", "CPU ms", "by words alone p50 ms", "p99 ms",
                         "FTS5 + scan p50 ms", "p99 ms", "of ours", "Chroma p50 ms", "p99 ms", "of ours"]},
            {"caption": "FTS5 + scan, by part (p50)", "rows": part_rows(results),
             "columns": ["turns", "sessions", "asked", "embedding ms", "FTS5 ms", "scan ms"]},
            {"caption": "Size", "rows": size_rows(results),
             "columns": ["turns", "sessions", "text bytes/turn", "words' index bytes/turn", "of the text",
                         "vectors bytes/turn", "RSS MB", "of it own", "FTS5 bytes/turn", "FTS5 + scan RSS MB",
                         "Chroma bytes/turn", "Chroma RSS MB", "Chroma made in s"]},
            {"caption": "The vectors alone: the ten nearest of 200 questions, against an exact scan in floats",
             "rows": nearest_rows(nearest),
             "columns": ["vectors", "share that the filter keeps", "recall@10", "of the worst question", "p50 ms",
                         "p99 ms"]},
            {"caption": "Cold start, ms from fork (files in the page cache)", "rows": cold_rows(results),
             "columns": ["turns", "sessions", "model inside: answered by words", "slowest", "meaning takes part", "slowest",
                         "model in a folder: answered by words", "slowest", "meaning takes part", "slowest"]}],
        "bars": bars_of(results, nearest),
        "notes": notes(count, rounds, python, results),
        "raw": {"recall": results, "nearest": nearest},
    }
