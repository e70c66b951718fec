#!/usr/bin/env python3
"""Learns the weights of recall (src/search/weights.c) on LoCoMo's first five conversations, and writes what each step
and each part was worth to bench/learning.md. The last five are measured once, at the end, and steer
nothing here; which parts the formula has was tried by people who saw the figures of all ten.

Coordinate search: one weight at a time is made less or more, and a change is kept when it gains, on average of recall
with the model and by words alone, at least GAIN points of R@10 and half of R@5, and does not lose in more than two of
the five conversations. The table of what each adds is for taking out by hand what adds little: few weights
that can be explained hold on other people's data. START is where it begins; the new ones are printed
and go into weights.c by hand.

Usage: make && build/venv/bin/python bench/learn.py [--rounds N] [--binary build/cairn]
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import harness  # noqa: E402
import locomo  # noqa: E402

GAIN = 0.1
STEPS = [0.7, 1.4]
FIRST, LAST = set(range(5)), set(range(5, 10))
# name: where it starts. What is not here is not measurable on LoCoMo (recency, roles, corrections, repetition).
START = {"together": 1, "before[0]": 0.5, "before[1]": 0.4, "before[2]": 0.2, "after[0]": 0.35, "after[1]": 0.15,
         "after[2]": 0.1, "beside": 0.7, "neighbours": 0.4, "meaning": 0.11, "meaning_level": 1,
         "meaning_near[0]": 0.45, "meaning_near[1]": 0.15, "meaning_near[2]": 0.05, "meaning_conversation": 0.4,
         "conversation": 0.5, "repeat": 0.3, "speaker": 0.3, "date": 1.5, "asking": 0.2, "answer": 0.3}


class Learner:
    def __init__(self, store, program):
        self.ranks = [store.rank(program, FIRST)]
        if store.model != "off":
            self.ranks.append(store.rank(program, FIRST, words_alone=True))

    def worth(self, weights):
        """Points over all, and for each conversation: R@10 + R@5 / 2, on average with and without meaning."""
        parts = []
        for rank in self.ranks:
            found = rank(weights)
            for sample in FIRST:
                rows = [locomo.recall.measure([h[0] for h in hits], q["gold"])
                        for hits, q in zip(found, rank.questions) if q["sample"] == sample]
                parts.append((sample, len(rows), locomo.recall.mean(rows)))
        by_sample = [sum(f[1] + f[0] / 2 for s, _, f in parts if s == sample) / len(self.ranks) for sample in FIRST]
        total = sum(n * (f[1] + f[0] / 2) for _, n, f in parts) / sum(n for _, n, _ in parts)
        return total, by_sample

    def search(self, weights, rounds, log):
        best, by_sample = self.worth(weights)
        log.append(["the start", "", f"{best:.2f}", ""])
        for number in range(rounds):
            kept = 0
            for name in weights:
                for step in STEPS:
                    tried = {**weights, name: round(weights[name] * step, 3)}
                    total, samples = self.worth(tried)
                    worse = sum(new < old for new, old in zip(samples, by_sample))
                    if total >= best + GAIN and worse <= 2:
                        log.append([name, f"{weights[name]:g} → {tried[name]:g}", f"{total:.2f}", f"+{total - best:.2f}"])
                        print("  " + " ".join(log[-1]), flush=True)
                        weights, best, by_sample, kept = tried, total, samples, kept + 1
                        break
            print(f"round {number + 1}: {kept} kept, {best:.2f}", flush=True)
            if not kept:
                break
        return weights


def tables(store, program, weights):
    """What each part is worth, with the weights that were learnt, and the figures of both halves."""
    groups = {"before, after": {n: 0 for n in weights if n.startswith(("before", "after"))},
              "meaning_near": {n: 0 for n in weights if n.startswith("meaning_near")}}
    singles = {n: {n: 0} for n in weights if n != "repeat"}
    singles["repeat"] = {"repeat": 1000}
    rows, halves = [], {}
    ranks = {}
    for half, samples in (("first", FIRST), ("last", LAST)):
        for name, alone in (("with the model", False), ("by words alone", True)):
            if store.model == "off" and not alone:
                continue
            ranks[half, name] = store.rank(program, samples, words_alone=alone)
            halves[half, name] = ranks[half, name].figures(weights)
    for name, change in {**groups, **singles}.items():
        row = [f"`{name}`"]
        for (half, how), rank in ranks.items():
            if half == "first":
                figures = rank.figures({**weights, **change})
                row += [f"{figures[i] - halves[half, how][i]:+.1f}" for i in (0, 1)]
        rows.append(row)
    for rank in ranks.values():
        rank.close()
    return rows, halves


def write(path, weights, log, rows, halves, took):
    def table(columns, lines):
        return ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns),
                *("| " + " | ".join(line) + " |" for line in lines), ""]

    hows = list(dict.fromkeys(how for _, how in halves))
    text = ["# How the weights of recall were learnt", "",
            f"Written by `bench/learn.py` in {took:.0f} s; learnt on the first five conversations of LoCoMo, the last "
            "five measured once, with the weights below. Which parts there are was tried by people who saw the figures of "
            "all ten, so the last five are held out from the learner only. What is kept when: see the script.", "", "## Result", ""]
    text += table(["conversations", "", *locomo.recall.MEASURES],
                  [[half, how, *(f"{v:.1f}" for v in f)] for (half, how), f in halves.items()])
    text += table(["weight", "value"], [[f"`{n}`", f"{v:g}"] for n, v in weights.items()])
    text += ["## What each part adds", "", "Points lost on the first five when it is taken out (`repeat`: made very "
             "large), all others as they are.", ""]
    text += table(["without", *(f"{m}, {how}" for how in hows for m in ("R@5", "R@10"))], rows)
    text += ["## Steps", "", "R@10 + R@5 / 2 on the first five, on average with and without the model.", ""]
    text += table(["weight", "change", "points", "gain"], log)
    path.write_text("\n".join(text))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--rounds", type=int, default=3, help="0: only the tables")
    p.add_argument("--binary", default=str(harness.ROOT / "build" / "cairn"))
    args = p.parse_args()
    start, log, weights = time.time(), [], dict(START)
    out = harness.ROOT / "build" / "bench"
    subprocess.run(["make", "-s", "-f", "bench/Makefile", f"LIB={pathlib.Path(args.binary).parent}/libcairn.a",
                    str(out.relative_to(harness.ROOT) / "rank")], cwd=harness.ROOT, check=True)
    folder = tempfile.mkdtemp(prefix="learn-", dir=out)
    try:
        store = locomo.Store(args.binary, folder)
        if args.rounds:
            weights = Learner(store, out / "rank").search(weights, args.rounds, log)
        rows, halves = tables(store, out / "rank", weights)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(harness.HERE / "learning.md", weights, log, rows, halves, time.time() - start)
    print("\n".join(f"{n} = {v:g}" for n, v in weights.items()))


if __name__ == "__main__":
    main()
