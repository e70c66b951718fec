"""What encryption at rest costs: the same store plain and sealed, each behind a server of its own, asked by turns in short
rounds, so that a machine with other work to do is unfair to neither. Also how long converting, opening and a passphrase
take."""

import json
import shutil
import time

import stock
from harness import median

TITLE = "Encryption at rest"
TURNS, WRITE, RECALL = 100_000, 0.25, 0.15
KEY = {"CAIRN_KEY": "00112233445566778899aabbccddeeff" * 2}
WORDS = {"CAIRN_PASSPHRASE": "a passphrase of some words"}


def lines(bench, ids, sort, n):
    file = bench.tmp / f"{sort.split()[0]}.txt"
    if sort == "turn written":
        made = (stock.line(sort, "POST", f"/api/v2/conversations/{ids['conversations'][i % 200 % len(ids['conversations'])]}"
                           "/turns", {"agent": "ana", "content": stock.sentence(i)}) for i in range(n))
    else:
        made = (stock.line(sort, "POST", "/api/v2/recall", {"query": ids["questions"][i % len(ids["questions"])]})
                for i in range(n))
    file.write_text("".join(made))
    return file


def rounds(bench, servers, file, clients, n, seconds):
    """{name: [p50 ms of each round]}, and of requests a second, and of the server's processor time a request."""
    p50, rate, cpu = ({name: [] for name in servers} for _ in range(3))
    for i in range(n + 1):
        order = list(servers) if i % 2 else list(servers)[::-1]
        for name in order:
            before = servers[name].cpu_seconds()
            got = json.loads(bench.tool("load", "mixed", servers[name].port, clients, file, seconds, timeout=120))
            if got["refused"]:
                raise RuntimeError(f"{got['refused']} requests were refused")
            if i:  # the first one warms up
                p50[name].append(got["p50_ms"])
                rate[name].append(got["rate"])
                cpu[name].append((servers[name].cpu_seconds() - before) / got["counted"] * 1e6)
    return p50, rate, cpu


def timed(bench, env, *command):
    start = time.perf_counter()
    bench.tool(bench.binary, *command, timeout=900, env=env)
    return time.perf_counter() - start


def convert(bench, data):
    sealed = bench.folder("sealed")
    shutil.copytree(data, sealed, ignore=shutil.ignore_patterns("*.sock"))
    took = {"cairn encrypt": timed(bench, KEY, "encrypt", "--data", sealed)}
    took["cairn rekey to a passphrase"] = timed(bench, {**KEY, "CAIRN_NEW_PASSPHRASE": WORDS["CAIRN_PASSPHRASE"]}, "rekey",
                                                "--data", sealed)
    took["cairn version (nothing is opened)"] = timed(bench, {}, "version")
    took["a small command, opened with a passphrase"] = timed(bench, WORDS, "status", "--data", sealed)
    bench.tool(bench.binary, "rekey", "--data", sealed, env={**WORDS, "CAIRN_NEW_KEY": KEY["CAIRN_KEY"]})
    took["the same, opened with a key"] = timed(bench, KEY, "status", "--data", sealed)
    took["the same on the plain store"] = timed(bench, {}, "status", "--data", data)
    return sealed, took


def run(bench):
    turns, n, seconds = (5_000, 1, 1) if bench.quick else (TURNS, 7, 2)
    data, server, ids = stock.stocked(bench, turns)
    server.stop()
    sealed, took = convert(bench, data)
    rows, bars, raw = [], [], {"seconds": took}
    with bench.cairn(data) as plain, bench.cairn(sealed, env=KEY) as closed:
        servers = {"plain": plain, "sealed": closed}
        for s in servers.values():
            s.wait_for_index(600)
            stock.settle(s)
        memory = {name: s.memory_mb()["VmRSS"] for name, s in servers.items()}
        for sort, clients, most in (("turn written", 1, WRITE), ("turn written", 16, None), ("recall", 1, RECALL)):
            p50, rate, cpu = rounds(bench, servers, lines(bench, ids, sort, 5000), clients, n, seconds)
            cost = median(p50["sealed"]) / median(p50["plain"]) - 1
            raw[f"{sort}, {clients}"] = {"p50_ms": p50, "rate": rate, "cpu_us": cpu}
            rows.append([sort, clients, *(f"{median(p50[k]):.3f}" for k in servers),
                         *(f"{median(rate[k]):,.0f}" for k in servers), *(f"{median(cpu[k]):,.0f}" for k in servers),
                         f"{cost:+.1%}"])
            if most:
                bars.append({"what": f"{sort} with {turns:,} turns: sealed less than {most:.0%} above plain",
                             "got": f"{cost:+.1%}", "met": cost < most})
        for name, s in servers.items():
            memory[name + " after"] = s.memory_mb()["VmRSS"]
    bench.drop(data)
    bench.drop(sealed)
    raw["memory_mb"] = memory
    facts = [[k, f"{v:.2f} s"] for k, v in took.items()] + [[f"RSS MB, {k}", f"{v:.1f}"] for k, v in memory.items()]
    return {
        "tables": [{"columns": ["request", "clients", "plain p50 ms", "sealed p50 ms", "plain /s", "sealed /s", "plain CPU µs",
                                "sealed CPU µs", "cost of p50"],
                    "rows": rows}, {"caption": "Converting and opening", "columns": ["", ""], "rows": facts}],
        "bars": bars,
        "notes": [f"Medians of {n} rounds of {seconds} s by turns, durable writes (synchronous=FULL), by words, over "
                  f"{turns:,} turns. Argon2id has 64 MiB and 4 passes."],
        "raw": raw,
    }
