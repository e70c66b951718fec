"""Exports and imports in MB/s: a session written out as JSON lines over HTTP and by the command line, and taken in again
into an empty store, beside what the sqlite3 tool does with the same store (.dump, and reading it in), and cat."""

import subprocess
import time

import stock
from harness import median

TITLE = "Export and import"
TURNS = 100_000


def timed(*command, stdin=None, stdout=None):
    """Seconds of a command."""
    with open(stdin or "/dev/null", "rb") as a, open(stdout or "/dev/null", "wb") as b:
        start = time.perf_counter()
        subprocess.run([str(c) for c in command], stdin=a, stdout=b, stderr=subprocess.PIPE, timeout=600, check=True)
        return time.perf_counter() - start


def fetched(server, session, file):
    return timed("curl", "-sf", "-o", file, f"http://127.0.0.1:{server.port}/api/v2/sessions/{session}/export?format=jsonl")


def imported(bench, file):
    data = bench.folder("imported")
    seconds = timed(bench.binary, "import", file, "--data", data)
    with bench.cairn(data) as server:
        turns = server.call("GET", "/api/v2/status")["counts"]["turns"]
    bench.drop(data)
    return seconds, turns


def read_in(bench, dump):
    target = bench.tmp / "read-in.db"
    target.unlink(missing_ok=True)
    seconds = timed("sqlite3", target, stdin=dump)
    target.unlink()
    return seconds


def one_round(bench, server, data, session, files):
    found = {"export over HTTP": fetched(server, session, files["jsonl"]),
             "export by the command line": timed(bench.binary, "export", session, "--format", "jsonl", "--data", data,
                                                 stdout=files["copy"]),
             "sqlite3 .dump": timed("sqlite3", data / "store.db", ".dump", stdout=files["dump"])}
    if files["copy"].stat().st_size < files["jsonl"].stat().st_size * 0.99:
        raise RuntimeError("the command line's export is shorter than the one over HTTP")
    found["cat of the export"] = timed("cat", files["jsonl"], stdout=files["copy"])
    found["import"], found["turns"] = imported(bench, files["jsonl"])
    found["sqlite3 reading its dump"] = read_in(bench, files["dump"])
    return found


def run(bench):
    turns, rounds = (10_000, 1) if bench.quick else (TURNS, 3)
    data = bench.folder("export")
    session = bench.fill(data, turns, 1)["sessions"][0]
    files = {n: bench.tmp / f"export.{n}" for n in ("jsonl", "copy", "dump")}
    with bench.cairn(data, env={"CAIRN_EVENTS_PER_TURN": "0"}) as server:
        server.wait_for_index(600)
        found = [one_round(bench, server, data, session, files) for _ in range(rounds)]
        memory = server.memory_mb()
    size = {n: f.stat().st_size / 1e6 for n, f in files.items()}
    for f in files.values():
        f.unlink()
    bench.drop(data)
    if any(f["turns"] != turns for f in found):
        raise RuntimeError(f"{turns} turns were exported, {[f['turns'] for f in found]} taken in")
    rows = []
    for what in ("export over HTTP", "export by the command line", "cat of the export", "sqlite3 .dump", "import",
                 "sqlite3 reading its dump"):
        seconds, mb = median([f[what] for f in found]), size["dump" if "sqlite3" in what else "jsonl"]
        rows.append([what, f"{mb:.0f}", f"{seconds:.2f}", f"{mb / seconds:.0f}", f"{turns / seconds:,.0f}"])
    return {
        "tables": [{"columns": ["what", "MB", "seconds", "MB/s", "turns/s"], "rows": rows}],
        "bars": [],
        "notes": [f"One session of {turns:,} turns; medians of {rounds} rounds, all turn about. The import is durable, with "
                  "synchronous=FULL, 200 records a transaction, and makes ids, hashes and numbers sure; sqlite3 reads its dump "
                  "in one transaction. What is exported is a line of JSON a turn with all its fields, what is dumped is SQL, "
                  f"with the turns' indexes to be made. The server's memory at the end: {memory['VmRSS']:.0f} MB, most "
                  f"{memory['VmHWM']:.0f} MB."],
        "raw": {"rounds": found, "mb": size, "memory_mb": memory},
    }
