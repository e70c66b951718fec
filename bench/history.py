"""Importing transcripts in MB/s: the inventory, a first import (stored, masked, indexed by words), and unchanged ones,
beside sha256sum and jq over the same files, turn about. Made of real transcripts where the shared samples are there, with new
ids and other words in each copy; else of the tests' generator. Beside the long ones of them: all as they are, most of them
small; these once, which is mostly what an import begins with; many turns of a few words; and the worst file: long, two thirds
of it one line."""

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
WORDS = "wheel sluice stone rye oak weir gear flour axle pond beam yes no please try again the build fails here now run tests"
UUID, WORD = re.compile(rb'"uuid":"[^"]*"'), re.compile(rb"\b(file|code|test|session|agent|error|line)\b")


def varied(data, rnd, number):
    """Another session like this one: other ids, and every seventh of some words another."""
    data = UUID.sub(lambda m: b'"uuid":"%s"' % str(uuid.UUID(int=rnd.getrandbits(128))).encode(), data)
    data = data.replace(b"msg_", b"msg_%d_" % number)
    return WORD.sub(lambda m: m[0] + b"%x" % number if m.start() % 7 == 0 else m[0], data)


def transcripts(root, size, least=20_000):
    sources = [p for p in sorted(SAMPLES.rglob("*.jsonl")) if p.stat().st_size > least] if SAMPLES.is_dir() else []
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


def short_turns(root, size, each=2000):
    """Sessions of turns of a few words, as people and agents exchange them who are nearly done."""
    said, done, session = WORDS.split(), 0, 0
    rnd = random.Random(2)
    folder = root / "projects" / "-srv-mill"
    folder.mkdir(parents=True, exist_ok=True)
    while done < size:
        session += 1
        name, before, lines = str(uuid.UUID(int=rnd.getrandbits(128))), None, []
        for n in range(each):
            own, words = str(uuid.UUID(int=rnd.getrandbits(128))), " ".join(rnd.choices(said, k=rnd.randint(2, 10)))
            line = {"parentUuid": before, "isSidechain": False, "userType": "external", "cwd": "/srv/mill", "sessionId": name,
                    "version": "2.1.29", "gitBranch": "main", "type": "assistant" if n % 2 else "user", "uuid": own,
                    "timestamp": f"2026-{session % 12 + 1:02}-{session // 12 % 28 + 1:02}T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z",
                    "message": {"role": "user", "content": words}}
            if n % 2:
                line["requestId"] = f"req_{rnd.getrandbits(90):x}"
                line["message"] = {"id": f"msg_{rnd.getrandbits(90):x}", "type": "message", "role": "assistant",
                                   "model": "claude-sonnet-4-5", "content": [{"type": "text", "text": words}],
                                   "usage": {"input_tokens": rnd.randint(1, 9), "output_tokens": rnd.randint(1, 99),
                                             "cache_creation_input_tokens": rnd.randint(1, 9999),
                                             "cache_read_input_tokens": rnd.randint(1, 99999)}}
            lines.append(json.dumps(line, separators=(",", ":")) + "\n")
            before = own
        text = "".join(lines)
        (folder / f"{name}.jsonl").write_text(text)
        done += len(text)


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


def first_imports(bench, rounds, size):
    """Of what else there is: {name: rounds of {first, bytes}}."""
    kinds = {"all samples as they are": lambda root: transcripts(root, size, least=0),
             "these once, 13 MB": lambda root: transcripts(root, 13_000_000, least=0),
             "turns of a few words": lambda root: short_turns(root, size)}
    found = {}
    for name, make in kinds.items():
        root = bench.folder("transcripts")
        make(root)
        found[name] = []
        for _ in range(rounds):
            data = bench.folder("history")
            found[name].append({"first": imported(bench, root, data), "bytes": folder_bytes(data)})
            bench.drop(data)
        bench.drop(root)
    return found


def first_row(name, rounds):
    mb = rounds[0]["first"]["report"]["bytes"] / 1e6
    seconds, cpu, peak = (median([f["first"][k] for f in rounds]) for k in ("seconds", "cpu", "peak_mb"))
    return [name, f"{mb:.0f}", f"{seconds:.2f}", f"{mb / seconds:.0f}", f"{cpu:.1f}", f"{peak:.0f}", f"{share_of(rounds):.0%}"]


def share_of(rounds):
    """Of the source's bytes what store and index take."""
    return rounds[0]["bytes"] / rounds[0]["first"]["report"]["bytes"]


def rate_of(rounds):
    return rounds[0]["first"]["report"]["bytes"] / 1e6 / median([f["first"]["seconds"] for f in rounds])


def run(bench):
    size, worst_size, many, rounds = (20_000_000, 30_000_000, 500, 1) if bench.quick else (600_000_000, 8_000_000_000, 10_000, 3)
    others = first_imports(bench, rounds, size // 5)
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

    rows = [first_row("first import", found)]
    rows += [[name, f"{mb:.0f}", f"{s:.2f}", f"{mb / s:.0f}", cpu, peak, ""] for name, s, cpu, peak in (
        ("unchanged", seconds("again", "seconds"), f"{seconds('again', 'cpu'):.2f}", f"{seconds('again', 'peak_mb'):.0f}"),
        ("sha256sum", seconds("sha256sum"), "", ""), ("jq -c .", seconds("jq"), "", ""))]
    rows += [first_row("first import of " + name, kind) for name, kind in others.items()]
    rows.append(["the worst file", f"{worst_size / 1e6:.0f}", f"{largest['seconds']:.1f}",
                 f"{worst_size / 1e6 / largest['seconds']:.0f}", f"{largest['cpu']:.1f}", f"{largest['peak_mb']:.0f}",
                 f"{long_bytes / worst_size:.0%}"])
    mixed, short = others["all samples as they are"], others["turns of a few words"]
    return {
        "tables": [{"columns": ["what", "MB", "seconds", "MB/s", "CPU s", "peak MB", "store and index"], "rows": rows}],
        "bars": [
            {"what": "first import, stored, masked and indexed: at least 60 MB/s", "got": f"{rate_of(found):.0f} MB/s",
             "met": rate_of(found) >= 60},
            {"what": "the same of all samples as they are: at least 60 MB/s", "got": f"{rate_of(mixed):.0f} MB/s",
             "met": rate_of(mixed) >= 60},
            {"what": f"{many:,} unchanged files: less than 0.5 s of processor", "got": f"{unchanged['cpu']:.2f} s",
             "met": unchanged["cpu"] < 0.5},
            {"what": "peak memory on the worst file: less than 150 MB", "got": f"{largest['peak_mb']:.0f} MB",
             "met": largest["peak_mb"] < 150},
            {"what": "store and index smaller than the source", "got": f"{share_of(found):.0%}", "met": share_of(found) < 1},
            {"what": "the same of turns of a few words", "got": f"{share_of(short):.0%}", "met": share_of(short) < 1},
        ],
        "notes": [f"{what}; medians of {rounds} rounds, all turn about, files in the system's memory. Store and index are as the "
                  "first import leaves them: what a server packs later is not packed yet."],
        "raw": {"rounds": found, "others": others, "unchanged": unchanged, "largest": largest},
    }
