"""Importing transcripts in MB/s: the inventory, a first import (stored, masked, indexed by words), and unchanged ones,
beside sha256sum and jq over the same files, turn about. Made of real transcripts where the shared samples are there, with new
ids and other words in each copy; else of the tests' generator. And the worst file: long, two thirds of it one line."""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid

from harness import ROOT, clean_environment, median

sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from histories import worst  # noqa: E402

TITLE = "Importing agents' histories"
SAMPLES = ROOT.parent / "shared" / "data" / "agent-history"
UUID, WORD = re.compile(rb'"uuid":"[^"]*"'), re.compile(rb"\b(file|code|test|session|agent|error|line)\b")


def varied(data, rnd, number):
    """Another session like this one: other ids, and every seventh of some words another."""
    data = UUID.sub(lambda m: b'"uuid":"%s"' % str(uuid.UUID(int=rnd.getrandbits(128))).encode(), data)
    data = data.replace(b"msg_", b"msg_%d_" % number)
    return WORD.sub(lambda m: m[0] + b"%x" % number if m.start() % 7 == 0 else m[0], data)


def transcripts(root, size):
    sources = [p for p in sorted(SAMPLES.rglob("*.jsonl")) if p.stat().st_size > 20_000] if SAMPLES.is_dir() else []
    if not sources:
        worst.repeated_lines(root, size, share=0.2)
        return "generated transcripts"
    rnd, done, number = random.Random(1), 0, 0
    while done < size:
        for p in sources:
            number += 1
            folder = root / "projects" / f"-p{number % 40}"
            folder.mkdir(parents=True, exist_ok=True)
            data = varied(p.read_bytes(), rnd, number)
            (folder / f"{uuid.UUID(int=rnd.getrandbits(128))}.jsonl").write_bytes(data)
            done += len(data)
            if done >= size:
                break
    return "real transcripts, varied"


def peak_mb(pid):
    """The most memory the program has had so far: rusage also counts what this one had when it forked."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    most = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(most[1]) / 1000 if most else 0


def timed(command):
    """(seconds, processor seconds, peak MB, standard output)"""
    start, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen([str(c) for c in command], stdout=out, env=clean_environment())
        while not (ended := os.wait4(p.pid, os.WNOHANG))[0]:
            peak = max(peak, peak_mb(p.pid))
            time.sleep(0.005)
        p.returncode = os.waitstatus_to_exitcode(ended[1])
        if p.returncode:
            raise RuntimeError(f"{command[:4]} ended with {p.returncode}")
        out.seek(0)
        return time.perf_counter() - start, ended[2].ru_utime + ended[2].ru_stime, peak, out.read()


def imported(bench, root, data, *more):
    seconds, cpu, peak, out = timed([bench.binary, "import", "claude-code", root, "--data", data, "--json", *more])
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak, "report": json.loads(out)}


def folder_bytes(path):
    return sum(p.stat().st_size for p in pathlib.Path(path).rglob("*") if p.is_file())


def one_round(bench, root):
    files = sorted(root.rglob("*.jsonl"))
    data = bench.folder("history")
    found = {"first": imported(bench, root, data), "bytes": folder_bytes(data), "again": imported(bench, root, data),
             "sha256sum": timed(["sha256sum", *files])[0], "jq": timed(["sh", "-c", 'jq -c . "$@" >/dev/null', "jq", *files])[0]}
    bench.drop(data)
    return found


def run(bench):
    size, worst_size, many, rounds = (20_000_000, 30_000_000, 500, 1) if bench.quick else (600_000_000, 8_000_000_000, 10_000, 3)
    root, long, small, data = (bench.folder(n) for n in ("transcripts", "long", "many", "history"))
    what = transcripts(root, size)
    found = [one_round(bench, root) for _ in range(rounds)]
    mb = found[0]["first"]["report"]["bytes"] / 1e6
    worst.many(small, many)
    imported(bench, small, data)
    unchanged = imported(bench, small, data)
    bench.drop(small)
    bench.drop(data)
    worst.repeated_lines(long, worst_size)
    largest = imported(bench, long, data)
    long_bytes = folder_bytes(data)
    for folder in (root, long, data):
        bench.drop(folder)

    def seconds(name, key=None):
        return median([f[name][key] if key else f[name] for f in found])

    rows = [[name, f"{mb:.0f}", f"{s:.2f}", f"{mb / s:.0f}", cpu, peak] for name, s, cpu, peak in (
        ("first import", seconds("first", "seconds"), f"{seconds('first', 'cpu'):.1f}", f"{seconds('first', 'peak_mb'):.0f}"),
        ("unchanged", seconds("again", "seconds"), f"{seconds('again', 'cpu'):.2f}", f"{seconds('again', 'peak_mb'):.0f}"),
        ("sha256sum", seconds("sha256sum"), "", ""), ("jq -c .", seconds("jq"), "", ""))]
    rows.append(["the worst file", f"{worst_size / 1e6:.0f}", f"{largest['seconds']:.1f}",
                 f"{worst_size / 1e6 / largest['seconds']:.0f}", f"{largest['cpu']:.1f}", f"{largest['peak_mb']:.0f}"])
    rate, share = mb / seconds("first", "seconds"), found[0]["bytes"] / mb / 1e6
    return {
        "tables": [{"columns": ["what", "MB", "seconds", "MB/s", "CPU s", "peak MB"], "rows": rows}],
        "bars": [
            {"what": "first import, stored, masked and indexed: at least 60 MB/s", "got": f"{rate:.0f} MB/s", "met": rate >= 60},
            {"what": f"{many:,} unchanged files: less than 0.5 s of processor", "got": f"{unchanged['cpu']:.2f} s",
             "met": unchanged["cpu"] < 0.5},
            {"what": "peak memory on the worst file: less than 150 MB", "got": f"{largest['peak_mb']:.0f} MB",
             "met": largest["peak_mb"] < 150},
            {"what": "store and index smaller than the source", "got": f"{share:.0%}", "met": share < 1},
        ],
        "notes": [f"{what}; medians of {rounds} rounds, all turn about, files in the system's memory. Store and index after the "
                  f"first import, not packed yet: {share:.0%} of the source; of the worst file {long_bytes / worst_size:.0%}."],
        "raw": {"rounds": found, "unchanged": unchanged, "largest": largest},
    }
