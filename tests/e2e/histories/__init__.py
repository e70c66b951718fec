"""Histories of agents, made up: sources as close to the description of their formats as can be, and beside each what a
right importer finds in it. What is expected is noted while the source is written, never read back from it.

`claude`, `claude_folders`, `codex`, `gemini`, `opencode`, `cursor`, `exports`, `generic`, `memory_context` and `stores` write a
source each; `prompts` is a labelled set of lines; `worst` writes what is large or broken."""

import hashlib
import json
import os
import pathlib
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

START = datetime(2026, 3, 1, 9, 0, tzinfo=timezone.utc)

# Why a record is no turn. The first five are of any format.
DAMAGED = "damaged"  # no JSON, or JSON that is no record of this format
PADDING = "padding"  # a line of NUL bytes
BLANK = "blank"  # an empty line
METADATA = "metadata"  # a known record without anybody's words
UNKNOWN = "unknown"  # a type nobody has heard of
EMPTY = "empty"  # a message without text
REPEATED = "repeated"  # the same words once more, in another layer of the file
INJECTED = "injected"  # context that the tool put in, not said by anybody
ENCRYPTED = "encrypted"  # only cipher text
BRANCH = "branch"  # not on the conversation's current path
REWOUND = "rewound"  # taken back in the source


@dataclass
class Turn:
    role: str
    text: str
    session: str
    at: str | None = None
    recall: bool = True  # False: stored, but kept out of recall
    more: dict = field(default_factory=dict)


class History:
    """A source below `root`: write it with `file` and `lines`, note beside it what it holds."""

    def __init__(self, root, source):
        self.root = pathlib.Path(root)
        self.source = source
        self.turns = []
        self.skipped = Counter()
        self.duplicates = 0
        self.merged = 0
        self.others = []  # records of other kinds: (kind, what some of their fields are)
        self.left_alone = []
        self.root.mkdir(parents=True, exist_ok=True)

    def path(self, name):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def file(self, name, content):
        path = self.path(name)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def json(self, name, value, **how):
        return self.file(name, json.dumps(value, ensure_ascii=False, **how))

    def lines(self, name, records, tail=b""):
        return self.file(name, b"".join(line(r) for r in records) + tail)

    def dated(self, name, content, clock):
        """A file whose own time says when it was written."""
        path = self.file(name, content)
        os.utime(path, (at_ms(clock) / 1000,) * 2)
        return path

    def secret(self, name, content):
        """A file that no importer may open."""
        self.left_alone.append(name)
        return self.file(name, content)

    def turn(self, role, text, session, at=None, recall=True, **more):
        self.turns.append(Turn(role, text, session, at, recall, more))

    def other(self, kind, **fields):
        self.others.append((kind, fields))

    def skip(self, reason, n=1):
        self.skipped[reason] += n

    def texts(self, session=None, role=None, recall=None):
        return [t.text for t in self.turns if session in (None, t.session) and role in (None, t.role)
                and recall in (None, t.recall)]

    def sessions(self):
        return list(dict.fromkeys(t.session for t in self.turns))

    @property
    def records(self):
        """Each record is one of these."""
        return len(self.turns) + len(self.others) + sum(self.skipped.values()) + self.duplicates + self.merged


def line(record):
    """A record as a line of JSONL; bytes are taken as they are."""
    return record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False).encode() + b"\n"


def at(seconds):
    """ISO 8601 with milliseconds and Z, as agents write it."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.") + "000Z"


def at_ms(seconds):
    return int((START + timedelta(seconds=seconds)).timestamp() * 1000)


def uid(*of):
    """A UUID that is the same in each run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, of))))


def sha256(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def manifest(root):
    """Every file below root with size, time and SHA-256, to show that an import changed nothing."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        if path.is_file() and not path.is_symlink():
            stat = path.stat()
            found[str(path.relative_to(root))] = (stat.st_size, stat.st_mtime_ns, stat.st_mode, sha256(path.read_bytes()))
        else:
            found[str(path.relative_to(root))] = None
    return found
