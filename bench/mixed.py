"""A hundred clients at once for a minute over a store of 100k turns, with what agents do in a day: turns stored, contexts
asked for, things recalled, searched and listed, states changed. The load generator is load.c, one thread."""

import json
import random
import threading
import urllib.parse

import stock
from harness import median

TITLE = "A hundred clients, mixed"
TURNS, CLIENTS, REQUESTS = 100_000, 100, 20_000
P99_MS, GROWTH = 50.0, 0.10
SHARES = {"turn added": 40, "context": 20, "recall": 10, "search": 10, "lists and gets": 15, "state changed": 5}
EVERY = 0.25  # seconds between two looks at the memory


def one(rng, ids, sort, i):
    s, c = rng.choice(ids["sessions"]), rng.choice(ids["conversations"])
    q = rng.choice(ids["questions"])
    if sort == "turn added":
        return stock.line(sort, "POST", f"/api/v2/conversations/{c}/turns", {"agent": "ana", "content": stock.sentence(i)})
    if sort == "context":
        return stock.line(sort, "GET", f"/api/v2/sessions/{s}/context?directive={urllib.parse.quote(q)}")
    if sort == "recall":
        return stock.line(sort, "POST", "/api/v2/recall", {"query": q})
    if sort == "search":
        return stock.line(sort, "POST", f"/api/v2/sessions/{s}/context/search", {"query": q})
    if sort == "state changed":
        return stock.line(sort, "PUT", f"/api/v2/sessions/{s}/agents/beatrice/state",
                          {"state_updates": {"mood": {"request": i}}})
    return stock.line(sort, "GET", rng.choice([
        "/api/v2/sessions?limit=20", "/api/v1/conversations?limit=20", f"/api/v2/sessions/{s}",
        f"/api/v2/conversations/{c}?limit=20", f"/api/v2/conversations/{c}/window", "/api/v2/status"]))


def requests(bench, ids, n):
    """In a random order, with the shares as they are named."""
    rng = random.Random(7)
    sorts = [s for s, share in SHARES.items() for _ in range(n * share // 100)]
    rng.shuffle(sorts)
    file = bench.tmp / "mixed.txt"
    file.write_text("".join(one(rng, ids, s, i) for i, s in enumerate(sorts)))
    return file


def watch(server, stop, out):
    while not stop.wait(EVERY):
        out.append(server.memory_mb())


def quarters(memory, key):
    """The medians of the first and of the last quarter."""
    n = max(len(memory) // 4, 1)
    return median([m[key] for m in memory[:n]]), median([m[key] for m in memory[-n:]])


def measure(bench, server, ids, seconds):
    file = requests(bench, ids, 2000 if bench.quick else REQUESTS)
    bench.tool("load", "mixed", server.port, CLIENTS, file, max(seconds // 6, 1), timeout=120)  # warming up
    memory, stop = [], threading.Event()
    watcher = threading.Thread(target=watch, args=(server, stop, memory))
    cpu = server.cpu_seconds()
    watcher.start()
    try:
        result = json.loads(bench.tool("load", "mixed", server.port, CLIENTS, file, seconds, timeout=seconds + 60))
    finally:
        stop.set()
        watcher.join()
    result["cpu_us"] = (server.cpu_seconds() - cpu) / result["counted"] * 1e6
    result["memory"] = memory
    result["lag"] = server.metric("cairn_index_lag")
    return result


def run(bench):
    turns, seconds = (10_000, 3) if bench.quick else (TURNS, 60)
    data, server, ids = stock.stocked(bench, turns)
    with server:
        r = measure(bench, server, ids, seconds)
        r["stored"] = server.call("GET", "/api/v2/status")["counts"]["turns"]
    bench.drop(data)
    rss, own = quarters(r["memory"], "VmRSS"), quarters(r["memory"], "RssAnon")
    rows = [[sort, f"{SHARES[sort]} %", f"{o['counted']:,}", f"{o['p50_ms']:.2f}", f"{o['p99_ms']:.2f}", f"{o['max_ms']:.0f}"]
            for sort, o in r["sorts"].items()]
    rows.append(["all", "100 %", f"{r['counted']:,}", f"{r['p50_ms']:.2f}", f"{r['p99_ms']:.2f}", f"{r['max_ms']:.0f}"])
    n = max(len(r["per_second"]) // 4, 1)
    facts = [["requests/s", f"{r['rate']:,.0f}"],
             ["requests/s in the first quarter, in the last", f"{sum(r['per_second'][:n]) / n:,.0f}, "
                                                             f"{sum(r['per_second'][-n:]) / n:,.0f}"],
             ["server CPU µs/request", f"{r['cpu_us']:.0f}"],
             ["RSS MB in the first quarter, in the last", f"{rss[0]:.1f}, {rss[1]:.1f}"],
             ["of it own", f"{own[0]:.1f}, {own[1]:.1f}"],
             ["turns at the end", f"{r['stored']:,}"], ["cairn_index_lag at the end", f"{r['lag']:,.0f}"]]
    growth = rss[1] / rss[0] - 1
    return {
        "tables": [{"columns": ["request", "share", "answered", "p50 ms", "p99 ms", "longest ms"], "rows": rows},
                   {"caption": "The whole", "columns": ["", ""], "rows": facts}],
        "bars": [{"what": f"{CLIENTS} clients for {seconds} s: no error", "got": f"{r['refused']}", "met": r["refused"] == 0},
                 {"what": f"p99 of all requests below {P99_MS:.0f} ms", "got": f"{r['p99_ms']:.1f} ms",
                  "met": r["p99_ms"] < P99_MS},
                 {"what": f"RSS grows by less than {GROWTH:.0%} from the first quarter to the last",
                  "got": f"{growth:+.1%}", "met": growth < GROWTH}],
        "notes": [f"{turns:,} turns at the start; closed loop: each client asks as soon as it is answered, so the p99 is "
                  f"that of a server with all it can do. {r['clients']} connections, one thread of load.c, which shares the "
                  "cores. Requests name 200 sessions and 200 conversations by turns at random."],
        "raw": r,
    }
