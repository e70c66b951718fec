"""Benchmarks that are programs of their own (proxy.py): run here, so that their figures stand in the same report."""

import json
import subprocess
import sys

from harness import HERE, clean_environment, die_with_parent

LONGEST = 900


def program(bench, name, *more):
    """Runs bench/<name>; returns what it printed and the JSON it wrote, None for either when it is not there."""
    file = bench.tmp / f"{name}.json"
    done = subprocess.run([sys.executable, str(HERE / name), "--binary", str(bench.binary), "--json", str(file), *more],
                          capture_output=True, text=True, timeout=LONGEST, preexec_fn=die_with_parent,
                          env={**clean_environment(), "TMPDIR": str(bench.tmp)})
    if done.returncode:
        raise RuntimeError(f"{name} failed ({done.returncode}):\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout, json.loads(file.read_text()) if file.exists() else None


class Proxy:
    TITLE = "Proxy overhead"
    COMMAND = "bench/run --only proxy"

    @staticmethod
    def run(bench):
        """proxy.py's JSON is a section as the other benchmarks make them: tables, bars, notes, raw."""
        if not (HERE / "proxy.py").exists():
            return {"skipped": "bench/proxy.py is not there"}
        text, section = program(bench, "proxy.py", *(["--quick"] if bench.quick else []))
        if section and "tables" in section:
            return section
        return {"tables": [], "bars": [], "notes": [], "text": text, "raw": section}
