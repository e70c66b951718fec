"""Durable turn writes over HTTP from 1, 8 and 64 clients, each in a conversation of its own, against plain SQLite
inserting the same rows into the same table in the same synchronous mode; then 64 clients for a minute, so that what
the index has to catch up with shows."""

import json
import os
import threading
import time

from harness import median

TITLE = "Durable turn writes"
BAR = 0.25
CEILINGS = [("turn table, one row a transaction", "turn", 1), ("turn table, groups of 100", "turn", 100),
            ("bare row, one row a transaction", "row", 1), ("bare row, groups of 100", "row", 100)]
CATCH_UP_SECONDS = 600


def ceiling(bench, table, group, seconds):
    file = bench.tmp / "ceiling.db"
    try:
        return json.loads(bench.tool("sqlite_ceiling", file, table, group, seconds, "FULL"))["rate"]
    finally:
        for suffix in ("", "-wal", "-shm"):
            bench.tmp.joinpath("ceiling.db" + suffix).unlink(missing_ok=True)


def sync_ms(bench, times=100):
    """What the disk itself costs: the median of writing 4 KB and waiting until it is there."""
    file, found = bench.tmp / "sync", []
    with open(file, "wb", buffering=0) as f:
        for _ in range(times):
            f.write(b"x" * 4096)
            start = time.perf_counter()
            os.fdatasync(f.fileno())
            found.append((time.perf_counter() - start) * 1000)
    file.unlink()
    return median(found)


def conversations(bench, server, n):
    """Makes n conversations in one session; a file with the paths to post turns to."""
    session = server.call("POST", "/api/v2/sessions", {"title": "bench"})["session_id"]
    file = bench.tmp / "clients.txt"
    with open(file, "w") as f:
        for i in range(n):
            made = server.call("POST", "/api/v2/conversations",
                               {"session_id": session, "directive": f"client {i}", "use_context": False})
            f.write(f"/api/v2/conversations/{made['conversation_id']}/turns\n")
    return file


def load(bench, server, clients, seconds):
    file = conversations(bench, server, clients)
    cpu, groups = server.cpu_seconds(), server.metric("cairn_store_groups_total")
    result = json.loads(bench.tool("load", "turns", server.port, seconds, file, timeout=seconds + 60))
    result["cpu_us"] = (server.cpu_seconds() - cpu) / result["counted"] * 1e6
    result["group"] = result["counted"] / max(server.metric("cairn_store_groups_total") - groups, 1)
    return result


def short_run(bench, clients, seconds):
    data = bench.folder("writes")
    with bench.cairn(data) as server:
        result = load(bench, server, clients, seconds)
        result["memory"] = server.memory_mb()
    bench.drop(data)
    return result


def watch_lag(server, every, stop, out):
    while not stop.wait(every):
        out.append(server.metric("cairn_index_lag"))


def long_run(bench, seconds):
    data = bench.folder("writes-long")
    lags, stop = [], threading.Event()
    with bench.cairn(data) as server:
        watcher = threading.Thread(target=watch_lag, args=(server, seconds / 6, stop, lags))
        watcher.start()
        try:
            result = load(bench, server, 64, seconds)
        finally:
            stop.set()
            watcher.join()
        result["lags"] = lags
        result["lag_at_end"] = server.metric("cairn_index_lag")
        bench.say(f"64 clients for {seconds} s: {result['rate']:,.0f}/s, index lag {result['lag_at_end']:,.0f}")
        result["catch_up_seconds"] = server.wait_for_index(CATCH_UP_SECONDS)
        result["memory"] = server.memory_mb()
        result["stored"] = server.call("GET", "/api/v2/status")["counts"]["turns"]
    if result["stored"] != result["counted"]:
        raise RuntimeError(f"{result['counted']} writes were acknowledged, {result['stored']} turns are stored")
    result["bytes"] = {"store": (data / "store.db").stat().st_size,
                       "index": sum(f.stat().st_size for f in (data / "index").iterdir())}
    bench.drop(data)
    return result


def edges(per_second):
    """Rates over the first and the last sixth of a run."""
    n = max(len(per_second) // 6, 1)
    return sum(per_second[:n]) / n, sum(per_second[-n:]) / n


def in_process(bench):
    """The store's own benchmark, where it is built: the same writes without HTTP."""
    if not (bench.out / "store_write").exists():
        return None
    return json.loads(bench.tool("store_write", "--dir", bench.tmp, "--seconds", 1 if bench.quick else 4))


def tables(plain, short, long, stored):
    best = median(plain["turn table, groups of 100"])
    first = [[name, f"{median(rates):,.0f}", f"{median(rates) / best:.2f}"] for name, rates in plain.items()]
    second = [[clients, f"{median([r['rate'] for r in runs]):,.0f}", f"{median([r['rate'] for r in runs]) / best:.2f}",
               f"{median([r['p50_ms'] for r in runs]):.2f}", f"{median([r['p99_ms'] for r in runs]):.2f}",
               f"{median([r['cpu_us'] for r in runs]):.0f}", f"{median([r['group'] for r in runs]):.1f}",
               f"{max(r['memory']['VmHWM'] for r in runs):.0f}"] for clients, runs in short.items()]
    second.append([f"64, for {long['seconds']:.0f} s", f"{long['rate']:,.0f}", f"{long['rate'] / best:.2f}",
                   f"{long['p50_ms']:.2f}", f"{long['p99_ms']:.2f}", f"{long['cpu_us']:.0f}", f"{long['group']:.1f}",
                   f"{long['memory']['VmHWM']:.0f}"])
    begin, end = edges(long["per_second"])
    caught_up = long["lag_at_end"] / max(long["catch_up_seconds"], 0.001)
    each = {k: v / long["stored"] for k, v in long["bytes"].items()}
    third = [["turns stored", f"{long['stored']:,}"],
             ["turns/s in the first sixth, in the last sixth", f"{begin:,.0f}, {end:,.0f}"],
             ["cairn_index_lag on the way", " ".join(f"{x:,.0f}" for x in long["lags"]).replace(" ", " → ")],
             ["cairn_index_lag at the end", f"{long['lag_at_end']:,.0f}"],
             ["catching up", f"{long['catch_up_seconds']:.1f} s ({caught_up:,.0f} turns/s)"],
             ["bytes a turn: store, index", f"{each['store']:.0f}, {each['index']:.0f}"],
             ["longest write", f"{long['max_ms']:.0f} ms"]]
    found = [{"caption": "Plain SQLite, the ceiling", "columns": ["what", "rows/s", "of groups of 100"], "rows": first},
             {"caption": "Over HTTP", "rows": second,
              "columns": ["clients", "turns/s", "of groups of 100", "p50 ms", "p99 ms", "server CPU µs/turn",
                          "turns a commit", "most RSS MB"]},
             {"caption": "The minute of 64 clients, and after", "columns": ["", ""], "rows": third}]
    if stored:
        rows = [[k.replace("_", " "), v if isinstance(v, str) else f"{v:,}"] for k, v in stored.items()]
        found.append({"caption": "Without HTTP (store_write)", "columns": ["", ""], "rows": rows})
    return found


def run(bench):
    rounds, seconds, minute = (1, 1, 3) if bench.quick else (3, 4, 60)
    plain, short = {name: [] for name, _, _ in CEILINGS}, {1: [], 8: [], 64: []}
    syncs = []
    for _ in range(rounds):
        syncs.append(sync_ms(bench))
        for name, table, group in CEILINGS:
            plain[name].append(ceiling(bench, table, group, seconds))
        for clients, runs in short.items():
            runs.append(short_run(bench, clients, seconds))
    plain["turn table, groups of 100"].append(ceiling(bench, "turn", 100, 2 * seconds))
    long = long_run(bench, minute)
    plain["turn table, groups of 100"].append(ceiling(bench, "turn", 100, 2 * seconds))
    syncs.append(sync_ms(bench))
    stored = in_process(bench)
    ratio = long["rate"] / median(plain["turn table, groups of 100"])
    return {
        "tables": tables(plain, short, long, stored),
        "bars": [{"what": f"64 clients over {minute} s: at least {BAR:.0%} of groups of 100 in the turn table",
                  "got": f"{ratio:.0%}", "met": ratio >= BAR}],
        "notes": [f"synchronous=FULL throughout; an fdatasync of 4 KB took {median(syncs):.2f} ms "
                  f"({min(syncs):.2f} to {max(syncs):.2f} between the runs). Contents of about 500 bytes; an answer "
                  f"counts when it is 201 and says \"stored\":true. Medians of {rounds} rounds of {seconds} s, "
                  "ceilings and clients turn about; the long run is one run, with a ceiling before and after it. The "
                  "load generator shares the cores: it takes part of what the ceilings have for themselves."],
        "raw": {"fdatasync_ms": syncs, "plain": plain, "short": short, "long": long, "store_write": stored},
    }
