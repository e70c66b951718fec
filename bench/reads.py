"""HTTP reads: wrk over 64 keep-alive connections, a bare hello-world on the same library and settings against single
reads of real stores, turn about in each round."""

from harness import median

TITLE = "HTTP reads"
BAR = 0.50


def targets(bench):
    """(label, server, paths) of every target; the servers are left running."""
    found = []
    for turns in ([10_000] if bench.quick else [10_000, 100_000]):
        data = bench.folder(f"reads-{turns}")
        ids = bench.fill(data, turns, 1000)
        server = bench.cairn(data)
        server.wait_for_index(300)
        size = f"{turns // 1000}k turns"
        found.append((f"GET session, {size}", server, [f"/api/v2/sessions/{i}" for i in ids["sessions"]]))
        found.append((f"GET conversation, its first 10 turns, {size}", server,
                      [f"/api/v2/conversations/{i}?limit=10" for i in ids["conversations"]]))
    hello = bench.hello()
    return [("hello-world", hello, found[0][2])] + found


def run(bench):
    rounds, seconds = (1, 1) if bench.quick else (5, 3)
    all_targets = targets(bench)
    runs = {label: [] for label, _, _ in all_targets}
    sizes = {}
    try:
        for label, server, paths in all_targets:
            sizes[label] = len(server.request("GET", paths[0]))
            bench.wrk(server, paths, 1)
        for _ in range(rounds):
            for label, server, paths in all_targets:
                runs[label].append(bench.wrk(server, paths, seconds))
        memory = {label: server.memory_mb()["VmRSS"] for label, server, _ in all_targets}
    finally:
        for server in {id(s): s for _, s, _ in all_targets}.values():
            server.stop()
    base = [r["rate"] for r in runs["hello-world"]]
    rows, ratios = [], {}
    for label, results in runs.items():
        ratios[label] = median([r["rate"] / b for r, b in zip(results, base)])
        rows.append([label, f"{sizes[label]}", f"{median([r['rate'] for r in results]):,.0f}", f"{ratios[label]:.2f}",
                     f"{median([r['cpu_us'] for r in results]):.1f}", f"{median([r['p50_ms'] for r in results]):.2f}",
                     f"{median([r['p99_ms'] for r in results]):.2f}", f"{memory[label]:.1f}"])
    named = [label for label in ratios if label.startswith("GET session")]
    return {
        "tables": [{"columns": ["target", "body bytes", "requests/s", "of hello-world", "server CPU µs/request",
                                "p50 ms", "p99 ms", "RSS MB"], "rows": rows}],
        "bars": [{"what": f"{label}: at least {BAR:.0%} of hello-world", "got": f"{ratios[label]:.0%}",
                  "met": ratios[label] >= BAR} for label in named],
        "notes": [f"Medians of {rounds} rounds of {seconds} s, after a second of warming up; the ratio is the median "
                  "of the rounds' ratios. 200 records are asked for in turn. wrk, with two threads, shares the cores."],
        "raw": {"runs": runs, "memory_mb": memory},
    }
