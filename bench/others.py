"""Benchmarks that are programs of their own (proxy.py, recall.py): run here, so that their figures stand in the same
report."""

import json
import os
import subprocess
import sys

from harness import HERE, ROOT, clean_environment, die_with_parent

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


class Retrieval:
    TITLE = "Retrieval on LoCoMo, at turn level"
    COMMAND = "make bench-recall"
    BAR = 66.0
    GROUPS = {"all": "All ten conversations", "last": "The last five, not tuned on", "first": "The first five"}

    @classmethod
    def run(cls, bench):
        if not os.path.exists(ROOT.parent / "shared" / "data" / "locomo10.json"):
            return {"skipped": "locomo10.json is not there"}
        _, raw = program(bench, "recall.py")
        tables = []
        for key, caption in cls.GROUPS.items():
            groups = raw["groups"][key].items()
            rows = [[name, g["questions"], *(f"{v:.1f}" for v in g["figures"])] for name, g in groups]
            tables.append({"caption": caption, "columns": ["questions about", "n", *raw["measures"]], "rows": rows})
        at = raw["measures"].index("R@10")
        figure = raw["groups"]["all"]["all"]["figures"][at]
        last = raw["groups"]["last"]["all"]["figures"][at]
        speed = raw["speed"]
        return {
            "tables": tables,
            "bars": [{"what": f"R@10 of at least {cls.BAR:.0f} (plain BM25 62.2)",
                      "got": f"{figure:.1f}; last five {last:.1f}", "met": figure >= cls.BAR}],
            "notes": [f"{speed['turns']:,} turns stored one after another, {speed['turns_per_second']:.0f} a second; a "
                      f"search takes {speed['search_mean_ms']:.2f} ms on average, p99 {speed['search_p99_ms']:.2f} ms, "
                      "seen from a Python client."],
            "raw": raw,
        }


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
