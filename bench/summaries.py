"""Summaries without a model, on LoCoMo: each sitting is a conversation that Cairn sums up over its REST API.

Its text is compared with LoCoMo's `session_summary` (ROUGE-1 and ROUGE-L, F), its key events and text with what
LoCoMo says happened: `event_summary` and `observation`. A gold event counts as found when at least half of its
content words (Porter's stems, without stop words and the speakers' names) stand in one key event, or in the summary.

Two baselines get the same number of characters: lead, the first sentences (at least three, told with their speakers),
and sentences drawn at random (seeded, the mean of ten draws). The rules were made looking at the first five conversations only;
the last five are reported beside them."""

import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import tempfile

import harness
import recall

TITLE = "Summaries without a model, on LoCoMo"
LENGTHS = (200, 650)
DRAWS = 10
EVENTS = 5
FOUND = 0.5
STOP = set("""a an the and or but if then than that this these those it its is are was were be been being am do does did
doing have has had having can could may might must shall should would will of in on at by for from to with without into
about after before between during as so such both each more most other some any no nor not only own same too very just
also he she they them their his her him who which what when where how i me my we our you your there here up down out off
over under again s t""".split())


# ---- measures ----

def tokens(text):
    return re.findall(r"[a-z0-9]+", text.lower())


class Stems:
    """Porter's stems as SQLite's FTS5 makes them."""

    def __init__(self):
        self.db = sqlite3.connect(":memory:")
        self.db.execute("CREATE VIRTUAL TABLE t USING fts5(w, tokenize = 'porter ascii')")
        self.db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, row)")
        self.known = {}

    def of(self, word):
        if word not in self.known:
            self.db.execute("DELETE FROM t")
            self.db.execute("INSERT INTO t VALUES (?)", (word,))
            row = self.db.execute("SELECT term FROM v").fetchone()
            self.known[word] = row[0] if row else word
        return self.known[word]

    def content(self, text, without=()):
        return {self.of(w) for w in tokens(text) if w not in STOP and w not in without}


def f_measure(same, ours, gold):
    return 2 * same / (ours + gold) if same else 0.0


def rouge_1(ours, gold):
    a, b = tokens(ours), tokens(gold)
    counts = {}
    for w in b:
        counts[w] = counts.get(w, 0) + 1
    same = 0
    for w in a:
        if counts.get(w, 0) > 0:
            counts[w] -= 1
            same += 1
    return f_measure(same, len(a), len(b))


def rouge_l(ours, gold):
    """The longest common subsequence of both texts as wholes."""
    a, b = tokens(ours), tokens(gold)
    row = [0] * (len(b) + 1)
    for x in a:
        before = 0
        for j, y in enumerate(b):
            here = row[j + 1]
            row[j + 1] = before + 1 if x == y else max(here, row[j])
            before = here
    return f_measure(row[-1], len(a), len(b))


def found(gold, texts, stems, names):
    """The share of gold events of which half the content words stand in one of the texts."""
    if not gold:
        return None
    have = [stems.content(t) for t in texts]
    hits = 0
    for event in gold:
        words = stems.content(event, names)
        hits += any(len(words & h) >= FOUND * len(words) for h in have)
    return hits / len(gold)


# ---- the data ----

def gold_of(sample, number):
    """(session summary, [event …], [observation …]) of a sitting."""
    events = sample["event_summary"].get(f"events_session_{number}", {})
    observed = sample["observation"].get(f"session_{number}_observation", {})
    return (sample["session_summary"][f"session_{number}_summary"],
            [e for k, v in events.items() if k != "date" for e in v],
            [o[0] for v in observed.values() for o in v])


def talks(samples):
    """Every sitting of every sample with its turns and gold."""
    out = []
    for at, sample in enumerate(samples):
        for number, turns in recall.sittings(sample):
            if f"session_{number}_summary" in sample["session_summary"]:
                summary, events, observed = gold_of(sample, number)
                out.append({"sample": at, "number": number, "turns": turns, "summary": summary, "events": events,
                            "observed": observed, "names": {w for t in turns for w in tokens(t["agent"])}})
    return out


# ---- baselines ----

def sentences(turns):
    return [f"{t['agent']}: {s}" for t in turns for s in re.split(r"(?<=[.!?])\s+", t["content"]) if s.strip()]


def fill(candidates, characters, least=0):
    """Sentences in the given order until the characters are used up; the last one is cut."""
    out, used = [], 0
    for s in candidates:
        if used >= characters and len(out) >= least:
            break
        out.append(s if len(out) < least else s[:max(0, characters - used)])
        used += len(out[-1]) + 1
    return out


def lead(talk, characters, least):
    return fill(sentences(talk["turns"]), characters, least)


def drawn(talk, characters, seed):
    every = sentences(talk["turns"])
    order = random.Random(f"{talk['sample']} {talk['number']} {seed}").sample(range(len(every)), len(every))
    chosen = fill([every[i] for i in order], characters)
    return [s for _, s in sorted(zip(order, chosen))]


# ---- judging ----

MEASURES = ["ROUGE-1", "ROUGE-L", "events in key events", "observations in key events", "events in summary",
            "observations in summary"]


def judge(talk, text, events, stems):
    return [rouge_1(text, talk["summary"]), rouge_l(text, talk["summary"]),
            found(talk["events"], events, stems, talk["names"]), found(talk["observed"], events, stems, talk["names"]),
            found(talk["events"], [text], stems, talk["names"]), found(talk["observed"], [text], stems, talk["names"])]


def mean(rows):
    out = []
    for i in range(len(MEASURES)):
        column = [r[i] for r in rows if r[i] is not None]
        out.append(100 * sum(column) / len(column) if column else 0.0)
    return out


def compare(every, digests, stems):
    """Rows of each way of summing up, one a talk."""
    rows = {"cairn": [], "lead-3": [], "random": []}
    for talk, d in zip(every, digests):
        size, room = len(d["text"]), sum(map(len, d["key_events"]))
        rows["cairn"].append(judge(talk, d["text"], d["key_events"], stems))
        rows["lead-3"].append(judge(talk, " ".join(lead(talk, size, 3)), lead(talk, room, 3), stems))
        rows["random"].append(mean_of([judge(talk, " ".join(drawn(talk, size, s)), drawn(talk, room, s), stems)
                                       for s in range(DRAWS)]))
    return rows


def mean_of(rows):
    return [None if rows[0][i] is None else sum(r[i] for r in rows) / len(rows) for i in range(len(MEASURES))]
