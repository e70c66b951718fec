"""What the server costs when it does nothing: memory, the time from its start to a first answer, and its size."""

import shutil
import time

import meaning_data
from harness import median, settled

TITLE = "Footprint"
RSS_MB, COLD_MS, SIZE_MB, WITH_MODEL_MB = 30.0, 50.0, 3.0, 30.0


def cold_start(bench, data, path, times):
    """Milliseconds from fork to a whole answer read from the store."""
    found = []
    for _ in range(times):
        server = bench.cairn(data, wait=None)
        with server:
            found.append(server.answers(path) * 1000)
    return found


def idle(bench, turns, seconds, times):
    data = bench.folder(f"idle-{turns}")
    path = "/health"
    if turns:
        path = f"/api/v2/sessions/{bench.fill(data, turns, 100)['sessions'][0]}"
    with bench.cairn(data, wait=path) as server:
        after_start = server.memory_mb()
        server.wait_for_index(300)
        time.sleep(seconds)
        fed = server.memory_mb()
    with bench.cairn(data, wait=path) as server:
        time.sleep(seconds)
        cpu = server.cpu_seconds()
        time.sleep(seconds)
        cpu = (server.cpu_seconds() - cpu) / seconds * 100
        again = server.memory_mb()
    found = {"turns": turns, "first": after_start, "fed": fed, "idle": again, "idle_cpu_percent": cpu,
             "cold_ms": cold_start(bench, data, path, times)}
    bench.drop(data)
    return found


def wait_for_meaning(server, seconds=60):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        state = server.call("GET", "/health/memory")["embedding_model"]
        if state["loaded"]:
            return (time.perf_counter() - server.began) * 1000
        time.sleep(0.002)
    raise RuntimeError(f"the model is not loaded after {seconds} s")


def with_model(bench, seconds, times):
    """The same with the embedding model: 10,000 turns that have their vectors, recalled from a little."""
    if meaning_data.missing():
        return None
    material, data, loaded = meaning_data.material(bench), bench.folder("idle-meaning"), []
    release, alone = bench.release()
    meaning_data.fill(bench, material, data, 10_000, 100)
    with settled(data):
        with bench.cairn(data, env=material.env()) as server:
            server.wait_for_index(300)
        for _ in range(times):
            with bench.cairn(data, env=alone, binary=release) as server:
                loaded.append(wait_for_meaning(server))
        with bench.cairn(data, env=alone, binary=release) as server:
            wait_for_meaning(server)
            time.sleep(seconds)
            idle_memory = server.memory_mb()
            for q in material.questions[:100]:
                server.call("POST", "/api/v2/recall", {"query": q})
            used = server.memory_mb()
    bench.drop(data)
    return {"idle": idle_memory, "used": used, "loaded_ms": loaded, "size_mb": release.stat().st_size / 1e6}


def hello_start(bench, times):
    found = []
    for _ in range(times):
        with bench.hello() as server:
            found.append(server.answers("/") * 1000)
    return found


def stripped_size(bench):
    copy = bench.tmp / "stripped"
    shutil.copy(bench.binary, copy)
    bench.tool("strip", copy)
    return copy.stat().st_size / 1e6


def run(bench):
    seconds, times = (0.5, 5) if bench.quick else (5, 20)
    results = [idle(bench, turns, seconds, times) for turns in ([0, 10_000] if bench.quick else [0, 10_000, 100_000])]
    hello = hello_start(bench, times)
    meaning = with_model(bench, seconds, times)
    size = stripped_size(bench)
    rows = [[f"{r['turns']:,}", f"{r['idle']['VmRSS']:.1f}", f"{r['idle']['RssAnon']:.1f}", f"{r['fed']['VmRSS']:.1f}",
             f"{r['fed']['VmHWM']:.1f}", f"{r['idle_cpu_percent']:.1f}", f"{median(r['cold_ms']):.1f}",
             f"{max(r['cold_ms']):.1f}"] for r in results]
    by_turns = {r["turns"]: r for r in results}
    rss, cold = by_turns[10_000]["idle"]["VmRSS"], median(by_turns[10_000]["cold_ms"])
    fed = by_turns[10_000]["fed"]["VmRSS"]
    figures = [["binary, stripped", f"{size:.2f} MB"], ["hello-world's cold start", f"{median(hello):.1f} ms"]]
    if meaning:
        figures.append(["with the embedding model inside (make release)", f"{meaning['size_mb']:.1f} MB"])
        figures += [[f"that one, 10,000 turns: {name}, of it own",
                     f"{m['VmRSS']:.1f} MB, {m['RssAnon']:.1f} MB"]
                    for name, m in (("idle RSS", meaning["idle"]), ("after 100 recalls", meaning["used"]))]
        figures.append(["that one, from fork to the model being loaded, slowest",
                        f"{median(meaning['loaded_ms']):.0f} ms, {max(meaning['loaded_ms']):.0f} ms"])
    more = [] if not meaning else [{"what": f"binary with the model inside < {WITH_MODEL_MB:.0f} MB", "got":
                                    f"{meaning['size_mb']:.1f} MB", "met": meaning["size_mb"] < WITH_MODEL_MB}]
    return {
        "tables": [{"columns": ["turns stored", "idle RSS MB", "of it own", "idle RSS after feeding the index",
                                "most RSS then", "idle CPU %", "cold start ms", "slowest"], "rows": rows},
                   {"columns": ["", ""], "rows": figures}],
        "bars": [{"what": f"idle RSS < {RSS_MB:.0f} MB (10,000 turns)", "got": f"{rss:.1f} MB", "met": rss < RSS_MB},
                 {"what": f"idle RSS < {RSS_MB:.0f} MB in a server that has fed 10,000 turns to its index",
                  "got": f"{fed:.1f} MB", "met": fed < RSS_MB},
                 {"what": f"cold start to first answer < {COLD_MS:.0f} ms (10,000 turns)", "got": f"{cold:.1f} ms",
                  "met": cold < COLD_MS},
                 {"what": f"binary < {SIZE_MB:.0f} MB", "got": f"{size:.2f} MB", "met": size < SIZE_MB}, *more],
        "notes": [f"Idle: {seconds} s after a start on a store whose index is fed, and after feeding it in the same "
                  f"process. Cold start: from fork to a session read from the store, median of {times}."],
        "raw": {"results": results, "hello_ms": hello, "size_mb": size, "meaning": meaning},
    }
