"""bench/results.md from the raw figures in build/bench."""

import json
import re


def numeric(value):
    return re.fullmatch(r"[\d.,]+ ?(%|ms|MB)?", str(value)) is not None


def table(columns, rows):
    """Numbers to the right. A table without column names has two: name and figure."""
    names = columns if any(columns) else ["figure", ""]
    sides = [" ---: " if i and all(numeric(row[i]) for row in rows) else " --- " for i in range(len(columns))]
    return ["| " + " | ".join(names) + " |", "|" + "|".join(sides) + "|"] + [
        "| " + " | ".join(str(c) for c in row) + " |" for row in rows]


def bar_lines(bars):
    return [f"- **{'met' if b['met'] else 'NOT MET'}**: {b['what']}: {b['got']}" for b in bars]


def section(name, s):
    lines = [f"## {s['title']}", ""]
    if s.get("skipped"):
        return lines + [f"Skipped: {s['skipped']}.", ""]
    if s.get("failed"):
        return lines + ["FAILED:", "", "```", s["failed"], "```", ""]
    lines += bar_lines(s["bars"]) + ([""] if s["bars"] else [])
    for t in s["tables"]:
        if t.get("caption"):
            lines += [f"{t['caption']}:", ""]
        lines += table(t["columns"], t["rows"]) + [""]
    if s.get("text"):
        lines += ["```", s["text"].strip(), "```", ""]
    lines += [f"{n}\n" for n in s["notes"]]
    made = f"Made by `{s['command']}` in {s['took_seconds']:.0f} s, on {s['date']} at commit {s['commit']}"
    made += f" ({s['processor']})" if s.get("processor") else ""
    return lines + [f"{made}; raw figures in build/bench/{name}.json.", ""]


def head(machine):
    lines = ["# Benchmarks", "", "Written by `make bench`; how to read it is in README.md beside it. Ratios hold; "
             "absolute figures drift by 10 % and more between runs and machines: every ratio is of one run.", ""]
    return lines + [f"- {k}: {v}" for k, v in machine.items()] + [""]


def bar_rows(s):
    return [[s["title"], b["what"], b["got"], "yes" if b["met"] else "**no**"] for b in s.get("bars", [])]


def kept(path):
    """What an earlier report says, by title: its section's text and its rows of the overview."""
    if not path.exists():
        return {}
    parts = [p.partition("\n")[::2] for p in re.split(r"^## ", path.read_text(), flags=re.M)[1:]]
    bars = [[c.strip() for c in line.strip("| ").split(" | ")] for title, text in parts if title == "The bars"
            for line in text.splitlines()[3:] if line.startswith("|")]
    return {title: (f"## {title}\n{text}".rstrip().split("\n") + [""], [r for r in bars if r[0] == title])
            for title, text in parts}


def write(path, machine, sections, titles):
    """titles: of all benchmarks by name, in order. What was not measured now or before in this folder, an earlier report
    may know."""
    old, lines, bars = kept(path), [], []
    for name, title in titles.items():
        if name in sections:
            lines += section(name, sections[name])
            bars += bar_rows(sections[name])
        elif title in old:
            lines += old[title][0]
            bars += old[title][1]
    overview = ["## The bars", ""] + table(["benchmark", "bar", "reached", "met"], bars) + [""]
    text = "\n".join(head(machine) + overview + lines).replace("\n\n\n", "\n\n")
    path.write_text(text)
    return text


def load(folder, names):
    """The sections measured so far, in order."""
    found = {}
    for name in names:
        file = folder / f"{name}.json"
        if file.exists():
            found[name] = json.loads(file.read_text())
    return found
