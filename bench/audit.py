"""What the audit log costs: the same turn writes, recalls and reads over HTTP, to servers that keep it and that do not,
turn about, by the servers' own processor time and by requests a second."""

import json

import stock
from harness import median
from writes import load

TITLE = "The audit log"
BAR = 0.05
ON, OFF = {"CAIRN_PRIVACY_AUDIT_ENABLED": "true"}, {"CAIRN_PRIVACY_AUDIT_ENABLED": "false"}


def writing(bench, clients, env, seconds):
    data = bench.folder("audit-writes")
    with bench.cairn(data, env=env) as server:
        result = load(bench, server, clients, seconds)
    with bench.cairn(data, env=env) as server:
        verdict = server.call("GET", "/api/v2/audit/verify")
        result["rows"] = verdict["rows"]
    if not verdict["ok"]:
        raise RuntimeError(verdict["problem"])
    result["bytes"] = (data / "store.db").stat().st_size / result["counted"]
    bench.drop(data)
    return result


def asking(bench, server, file, seconds):
    cpu = server.cpu_seconds()
    r = json.loads(bench.tool("load", "mixed", server.port, 32, file, seconds, timeout=seconds + 60))
    return {"cpu_us": (server.cpu_seconds() - cpu) / r["counted"] * 1e6, "rate": r["rate"]}


def requests(bench, ids):
    """Recalls in one session each, distinct questions; and single sessions, 200 of them."""
    words = ["boat", "pier", "plan", "river", "stone", "night", "paper", "green", "seven", "letter"]
    recalls, reads = bench.tmp / "audit-recalls.txt", bench.tmp / "audit-reads.txt"
    sessions = ids["sessions"]
    recalls.write_text("".join(stock.line(
        "recall", "POST", f"/api/v2/sessions/{sessions[i % len(sessions)]}/context/search",
        {"query": " ".join(words[(i >> k) % len(words)] for k in (0, 3, 6, 9))}) for i in range(4000)))
    reads.write_text("".join(stock.line("get", "GET", f"/api/v2/sessions/{s}") for s in sessions[:200]))
    return {"recall in a session": recalls, "GET session (a kept answer)": reads}


def cost(pairs):
    """Medians without and with, and the median of the rounds' ratios of processor time and of rates."""
    cpu = median([on["cpu_us"] / off["cpu_us"] for off, on in pairs]) - 1
    rate = median([on["rate"] / off["rate"] for off, on in pairs]) - 1
    return cpu, rate


def row(label, pairs):
    cpu, rate = cost(pairs)
    return [label, *(f"{median([p[i][k] for p in pairs]):{f}}" for k, f in (("cpu_us", ".1f"), ("rate", ",.0f")) for i in (0, 1)),
            f"{cpu:+.1%}", f"{rate:+.1%}"]


def run(bench):
    rounds, seconds, turns = (1, 1, 2000) if bench.quick else (5, 4, 100_000)
    pairs = {}
    for clients in (1, 64):
        pairs[f"turn write, {clients} client{'s' if clients > 1 else ''}"] = [
            (writing(bench, clients, OFF, seconds), writing(bench, clients, ON, seconds)) for _ in range(rounds)]
    data, server, ids = stock.stocked(bench, turns)
    server.stop()
    files = requests(bench, ids)
    for label, file in files.items():
        pairs[label] = []
        for _ in range(rounds):
            got = []
            for env in (OFF, ON):
                with bench.cairn(data, env=env) as server:
                    asking(bench, server, file, 1)
                    got.append(asking(bench, server, file, seconds))
            pairs[label].append(tuple(got))
    write = "turn write, 64 clients"
    cpu, rate = cost(pairs[write])
    extra = median([on["bytes"] - off["bytes"] for off, on in pairs[write]])
    return {
        "tables": [{"columns": ["what", "server CPU µs, without", "with", "requests/s, without", "with", "CPU", "rate"],
                    "rows": [row(label, p) for label, p in pairs.items()]}],
        "bars": [{"what": f"a durable turn write, 64 clients, loses less than {BAR:.0%} of its rate",
                  "got": f"{-rate:.1%} (processor time {cpu:+.1%})", "met": -rate < BAR}],
        "notes": [f"Medians of {rounds} rounds of {seconds} s, with and without turn about on folders of their own; the chain of "
                  f"each was checked afterwards. A turn's row takes {extra:.0f} bytes in the store. Reads that are alike within a "
                  "second share a row."],
        "raw": {k: [list(p) for p in v] for k, v in pairs.items()},
    }
