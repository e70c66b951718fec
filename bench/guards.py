"""What the guards at the door cost: tokens (both algorithms, known ones and ones not seen before) and limits a minute.
The same requests to the same store, servers with guards and one without turn about, and the servers' own processor time."""

import json

import stock
from harness import median

TITLE = "Auth and limits"
BAR_US = 5.0
SEEN = 1024  # tokens a server keeps (auth/auth.c)
LIMITS = {"CAIRN_LIMITS_ENABLED": "on",
          **{f"CAIRN_LIMITS_{c}_PER_MINUTE": "60000" for c in ("SESSIONS", "CONVERSATIONS", "CONTEXT", "CHAT", "ANALYTICS")}}
OPEN = {"CAIRN_LIMITS_ENABLED": "off"}
AUTH = {"CAIRN_AUTH": "true"}


def tokens(server, algorithm, n):
    """n tokens that may read."""
    wanted = {"algorithm": algorithm, "permissions": "read", "project": "*"}
    return [server.call("POST", "/api/v2/auth/tokens", wanted)["token"] for _ in range(n)]


def lines(bench, name, paths, n, shown):
    """n requests; with tokens, each shows the next of them."""
    file = bench.tmp / f"guards-{name}.txt"
    heads = [f"Authorization: Bearer {t}" for t in shown] or [""]
    file.write_text("".join(stock.line("get", "GET", paths[i % len(paths)], None, heads[i % len(heads)]) for i in range(n)))
    return file


def ask(bench, server, file, seconds):
    cpu = server.cpu_seconds()
    r = json.loads(bench.tool("load", "mixed", server.port, 32, file, seconds, timeout=seconds + 60))
    return {"cpu_us": (server.cpu_seconds() - cpu) / r["counted"] * 1e6, "rate": r["rate"], "p99_ms": r["p99_ms"]}


def targets(bench, data, paths, fresh):
    """(name, server, requests) of every target; the servers are left running on one store, which nobody writes to."""
    with bench.cairn(data) as maker:
        shown = {a: tokens(maker, a, 1) for a in ("HS256", "EdDSA")}
        many = {a: tokens(maker, a, fresh) for a in ("HS256", "EdDSA")}
    plain, limited = bench.cairn(data, env=OPEN), bench.cairn(data, env=LIMITS)
    guarded, both = bench.cairn(data, env={**AUTH, **OPEN}), bench.cairn(data, env={**AUTH, **LIMITS})
    n = len(paths)
    return [("neither", plain, lines(bench, "neither", paths, n, [])),
            ("limits", limited, lines(bench, "limits", paths, n, [])),
            *[(f"{a} token", guarded, lines(bench, f"one-{a}", paths, n, shown[a])) for a in shown],
            *[(f"{a} token and limits", both, lines(bench, f"both-{a}", paths, n, shown[a])) for a in shown],
            *[(f"{a}, {len(many[a])} tokens by turns", guarded, lines(bench, f"many-{a}", paths, 3 * len(many[a]), many[a]))
              for a in many]]


def run(bench):
    turns, rounds, seconds, fresh = (10_000, 1, 1, 20) if bench.quick else (100_000, 5, 3, 2 * SEEN)
    data, server, ids = stock.stocked(bench, turns)
    server.stop()
    all_targets = targets(bench, data, [f"/api/v2/sessions/{i}" for i in ids["sessions"]], fresh)
    runs = {name: [] for name, _, _ in all_targets}
    try:
        for _, s, file in all_targets:
            ask(bench, s, file, 1)
        for _ in range(rounds):
            for name, s, file in all_targets:
                runs[name].append(ask(bench, s, file, seconds))
    finally:
        for s in {id(s): s for _, s, _ in all_targets}.values():
            s.stop()
    bench.drop(data)
    base = [r["cpu_us"] for r in runs["neither"]]
    more = {name: median([r["cpu_us"] - b for r, b in zip(found, base)]) for name, found in runs.items()}
    rows = [[name, f"{median([r['cpu_us'] for r in found]):.2f}", "" if name == "neither" else f"{more[name]:+.2f}",
             f"{median([r['rate'] for r in found]):,.0f}", f"{median([r['p99_ms'] for r in found]):.2f}"]
            for name, found in runs.items()]
    return {
        "tables": [{"columns": ["what is on", "server CPU µs/request", "more than with neither", "requests/s", "p99 ms"],
                    "rows": rows}],
        "bars": [{"what": f"{a} token and limits together: below {BAR_US:.0f} µs a request",
                  "got": f"{more[f'{a} token and limits']:.2f} µs", "met": more[f"{a} token and limits"] < BAR_US}
                 for a in ("HS256", "EdDSA")],
        "notes": [f"GET of a session, 32 keep-alive connections, {len(ids['sessions'])} sessions by turns; medians of "
                  f"{rounds} rounds of {seconds} s, all targets turn about in each; the difference is the median of the "
                  "rounds' differences. A request with a token is also longer, by the token: reading it is part of the "
                  f"price. A server keeps what it found out about {SEEN} tokens; the last rows show what it costs when "
                  "there are more."],
        "raw": {"runs": runs, "more_us": more},
    }
