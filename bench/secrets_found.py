"""Secrets: what `cairn redact --spans` finds of labelled ones and of near misses, by strict spans and types, and what it
finds in texts that hold none that matter.

The cases (tests/labelled/secrets.jsonl) are ours and so is the table of detectors: these figures tell that nothing got worse,
not how well it does on others' texts. Those marked "held" were written without a look at what is found in them; what they
showed before anything was changed for it is said below."""

import collections
import json
import subprocess

import harness

TITLE = "Secrets found, near misses left alone"
PRECISION, RECALL = 0.95, 0.95
CASES = harness.ROOT / "tests" / "labelled" / "secrets.jsonl"
OTHERS = {"email", "phone", "ssn", "credit_card", "ip", "iban"}


def read_case(line):
    """The text and its secrets as (start, end, type); a piece that is a list is a secret, its type first."""
    case = json.loads(line)
    text, secrets = "", set()
    for piece in case["text"]:
        value = piece if isinstance(piece, str) else "".join(piece[1:])
        if not isinstance(piece, str):
            secrets.add((len(text), len(text) + len(value), piece[0]))
        text += value
    return text, secrets, case.get("set", "made on")


def find(binary, texts):
    lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    out = subprocess.run([binary, "redact", "--spans", "--level", "PRIVATE"], input=lines, capture_output=True, text=True, check=True)
    return [{(s["start"], s["end"], s["type"]) for s in json.loads(line)["spans"] if s["type"] not in OTHERS}
            for line in out.stdout.splitlines()]


class Tally:
    def __init__(self):
        self.cases = self.bare = self.real = self.found = self.right = 0

    def add(self, secrets, found):
        self.cases += 1
        self.bare += not secrets
        self.real += len(secrets)
        self.found += len(found)
        self.right += len(secrets & found)

    def row(self, name):
        precision = self.right / self.found if self.found else 1.0
        recall = self.right / self.real if self.real else 1.0
        return [name, self.cases, self.bare, self.real, self.found, f"{precision:.3f}", f"{recall:.3f}"], precision, recall


def by_type(cases, found):
    sums = collections.defaultdict(lambda: [0, 0, 0])
    for (_, secrets, _), spans in zip(cases, found):
        for s in secrets:
            sums[s[2]][0] += 1
            sums[s[2]][2] += s in spans
        for s in spans:
            sums[s[2]][1] += 1
    return [[name, real, got, f"{right / got if got else 1:.2f}", f"{right / real if real else 1:.2f}"]
            for name, (real, got, right) in sorted(sums.items(), key=lambda i: -i[1][0])]


def locomo_texts():
    path = harness.ROOT.parent / "shared" / "data" / "locomo10.json"
    if not path.exists():
        return []
    return [t["text"] for c in json.loads(path.read_text()) for k, s in c["conversation"].items()
            if k.startswith("session_") and isinstance(s, list) for t in s]


def source_texts():
    names = subprocess.run(["git", "ls-files", "src"], cwd=harness.ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [(harness.ROOT / n).read_text() for n in names]


def run(bench):
    cases = [read_case(line) for line in CASES.read_text().splitlines()]
    found = find(bench.binary, [c[0] for c in cases])
    parts = collections.defaultdict(Tally)
    for (text, secrets, part), spans in zip(cases, found):
        for name in ("all", part):
            parts[name].add(secrets, spans)
    rows, precision, recall = [], 0.0, 0.0
    for name in ("all", "made on", "held"):
        row, p, r = parts[name].row(name)
        rows.append(row)
        if name == "all":
            precision, recall = p, r
    clean = []
    for name, texts in (("LoCoMo, every turn", locomo_texts()), ("Cairn's own sources", source_texts())):
        if texts:
            size = sum(map(len, texts))
            finds = sum(len(f) for f in find(bench.binary, texts))
            clean.append([name, f"{size:,}", finds, f"{finds * 10000 / size:.4f}"])
    return {
        "tables": [{"columns": ["cases", "number", "without a secret", "secrets", "found", "precision", "recall"], "rows": rows},
                   {"columns": ["type", "labelled", "found", "precision", "recall"], "rows": by_type(cases, found)},
                   {"columns": ["clean texts", "characters", "finds", "per 10,000 characters"], "rows": clean}],
        "bars": [{"what": f"precision of at least {PRECISION}", "got": f"{precision:.3f}", "met": precision >= PRECISION},
                 {"what": f"recall of at least {RECALL}", "got": f"{recall:.3f}", "met": recall >= RECALL}],
        "notes": ["Strict: a find counts when start, end and type are those labelled. One author made cases and detectors. The cases "
                  "marked held were written in six sets without a look at what is found in them, and showed, before anything was changed "
                  "for it, by spans: precision 0.96 at recall 0.92; 0.97 at 0.89 (files, code and commands); 0.96 at 0.75 (rare commands and "
                  "indirect prose, meant to be hard); 0.99 at 0.95 (what chats paste); "
                  "1.00 at 0.83 (settings of servers, pieces of programs); 0.98 at 0.89 (what people tell)."],
    }
