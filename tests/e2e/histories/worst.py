"""The worst that is found on disks, in a size that is asked for: small in tests, gigabytes in the long runs.

A file here is a transcript of Claude Code unless it says otherwise. Writers of much stream, so that they need little
memory whatever the size."""

import json
import os

from histories import DAMAGED, History, METADATA, PADDING, at, line, uid
from histories.claude import Session, dumps, text, tool_result, tool_use

WORDS = ("wheel", "sluice", "stone", "rye", "oak", "weir", "gear", "flour", "axle", "pond", "beam", "sack")


def prose(n, words=40):
    """Text that is the same in each run and differs from number to number."""
    return " ".join(WORDS[(n * 7 + i * i + (n >> i % 8)) % len(WORDS)] + (str(n * 31 + i) if i % 9 == 0 else "")
                    for i in range(words))


def repeated_lines(root, size, share=0.68):
    """One file of `size` bytes of which the share is one line over and over, as a runaway hook writes it."""
    h = History(root, "claude-code")
    s = Session(h, "repeated")
    same = line({"type": "progress", "uuid": uid("same"), "parentUuid": None, "sessionId": s.id, "timestamp": at(1),
                 "cwd": s.cwd, "isSidechain": False, "data": {"type": "hook_progress", "hookName": "x" * 400}})
    path = h.path(s.path())
    written, wasted, n = 0, 0, 0
    with open(path, "wb") as f:
        while written < size:
            if wasted < share * written:
                f.write(same)
                wasted += len(same)
                written += len(same)
                h.skip(METADATA)
                continue
            n += 1
            if n % 2:
                s.user(f"Question {n}: " + prose(n))
            else:
                s.assistant(text(f"Answer {n}: " + prose(n, 120)))
            blob = b"".join(line(r) for r in s.records)
            s.records.clear()
            s.clock = n
            f.write(blob)
            written += len(blob)
    return h


def long_turns(root, size, each=50_000):
    """Turns of so many bytes, full of words that no other has."""
    h = History(root, "claude-code")
    s = Session(h, "long-turns")
    for n in range(size // each):
        words = " ".join(f"{(n * each + i) * 2654435761 % (1 << 32):08x}" for i in range(each // 9))
        (s.user if n % 2 else lambda t: s.assistant(text(t)))(words)
    s.write()
    return h


def huge_line(root, size, where="image"):
    """One line of `size` bytes between two small ones: an image nobody reads, a tool's output, or a prompt."""
    h = History(root, "claude-code")
    s = Session(h, "huge")
    s.user("Before the huge line")
    if where == "image":
        s.user([text("A picture of the weir"), {"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": "iVBORw0K" * (size // 8)}}], text="A picture of the weir")
    elif where == "output":
        s.assistant(tool_use("Bash", {"command": "cat big"}))
        h.turns.pop()
        s.envelope("user", message={"role": "user", "content": [tool_result("0123456789abcde\n" * (size // 16))]},
                   toolUseResult={"stdout": "0123456789abcde\n" * 8, "stderr": "", "interrupted": False, "isImage": False})
    else:
        s.user("A long prompt: " + "weir " * (size // 5))
    s.user("After the huge line")
    s.write()
    return h


def padded(root):
    """NUL bytes behind a record, lines of NUL alone, and a garbage line in the middle."""
    h = History(root, "claude-code")
    s = Session(h, "padded")
    s.user("Before the padding")
    first = s.records.pop()
    s.user("Between the paddings")
    second = s.records.pop()
    s.user("Behind the garbage")
    s.records[:] = [line(first)[:-1] + b"\0" * 4096 + b"\n", b"\0" * 143_000 + b"\n", second,
                    b'{"type":"user","message":{"role":"us\n', b"\xff\xfe garbage \x00\n", *s.records]
    h.skip(PADDING)
    h.skip(DAMAGED, 2)
    s.write()
    return h


def torn(root):
    """Returns the history and a function that completes the last line."""
    h = History(root, "claude-code")
    s = Session(h, "torn")
    s.user("A whole line")
    s.user("A line that is written in two goes")
    last = line(s.records.pop())
    late = h.turns.pop()
    path = s.write(tail=last[:len(last) // 2])

    def complete():
        with open(path, "ab") as f:
            f.write(last[len(last) // 2:])
        h.turns.append(late)

    return h, complete


def resumed(root, files=10):
    """A session resumed again and again: each file begins with all that was before, under the same uuids."""
    h = History(root, "claude-code")
    before = []
    for i in range(files):
        s = Session(h, f"resumed-{i}", clock=i * 10)
        s.records = [{**r, "sessionId": s.id} for r in before]
        h.duplicates += len(before)
        s.parent = before[-1]["uuid"] if before else None
        s.user(f"Resumed for the time {i}")
        s.assistant(text(f"Answered for the time {i}"))
        os.utime(s.write(), (1_700_000_000 + i,) * 2)
        before = s.records
    return h


def many(root, files, each=2):
    h = History(root, "claude-code")
    for i in range(files):
        s = Session(h, f"many-{i}", cwd=f"/home/ada/p{i % 50}")
        for k in range(each):
            s.user(f"Of file {i} the line {k}")
        s.write()
    return h


def backwards(root):
    """The clock was set back in the middle, and the parents dangle."""
    h = History(root, "claude-code")
    s = Session(h, "backwards", clock=5000)
    s.user("Said first, at a late hour")
    s.clock = 10
    s.parent = uid("nobody")
    s.user("Said second, at an early hour")
    s.write()
    return h


def broken_text(root):
    """Bytes that are no UTF-8, halves of a pair, NUL and U+2028 inside strings."""
    h = History(root, "claude-code")
    s = Session(h, "broken-text")
    s.user("bad @BYTE@ byte", text="bad \ufffd byte")
    s.user("half @HALF@ pair", text="half \ufffd pair")
    s.user("NUL \0 and \u2028 inside")
    raw = b"".join(line(r) for r in s.records).replace(b"@BYTE@", b"\xff").replace(b"@HALF@", b"\\ud83d")
    h.file(s.path(), raw)
    return h


def links(root):
    """A loop, a link out of the root, a dangling one, a project folder that is a link, and the same folder twice."""
    h = History(root / "claude", "claude-code")
    outside = root / "elsewhere"
    s = Session(h, "linked")
    s.user("In a project folder that is a link")
    (outside / "project").mkdir(parents=True)
    (outside / "project" / f"{s.id}.jsonl").write_bytes(b"".join(line(r) for r in s.records))
    (outside / "secret.jsonl").write_bytes(line({"type": "user", "uuid": uid("out"), "timestamp": at(1), "sessionId": "out",
                                                 "message": {"role": "user", "content": "never-read-this-link"}}))
    projects = h.path("projects/x").parent
    (projects / "-linked").symlink_to(outside / "project")
    (projects / "-linked-again").symlink_to(outside / "project")
    (projects / "-loop").symlink_to(projects)
    (projects / "-dangling").symlink_to(outside / "nothing")
    deep = projects / "-real"
    deep.mkdir()
    (deep / "self").symlink_to(deep)
    (deep / "escape.jsonl").symlink_to(outside / "secret.jsonl")
    return h


def odd_names(root):
    """Names of files that do harm to whoever trusts them."""
    h = History(root, "claude-code")
    for i, name in enumerate(("-\n[31mred", "-%s%n%d", "-$(touch harm)", "-'; drop table turn; --", "-" + "x" * 200, "-ü\u202e")):
        s = Session(h, f"odd-{i}")
        s.user(f"In the oddly named folder {i}")
        h.lines(f"projects/{name}/{s.id}.jsonl", s.records)
    raw = os.fsencode(h.root) + b"/projects/-bad\xff"
    os.makedirs(raw)
    s = Session(h, "odd-bytes")
    s.user("In a folder whose name is no UTF-8")
    with open(raw + b"/" + s.id.encode() + b".jsonl", "wb") as f:
        f.write(b"".join(line(r) for r in s.records))
    return h


class Growing:
    """A transcript that is written while it is read: `step` adds a line in pieces, flushed between them."""

    def __init__(self, root):
        self.h = History(root, "claude-code")
        self.s = Session(self.h, "growing")
        self.s.user("The first line was there")
        self.file = open(self.s.write(), "ab", buffering=0)
        self.n = 0

    def step(self):
        self.n += 1
        self.s.user(f"Line {self.n} came later")
        blob = line(self.s.records[-1])
        for i in range(0, len(blob), 97):
            self.file.write(blob[i:i + 97])

    def close(self):
        self.file.close()


def interleaved(root):
    """Two processes in one file; some lines say another session, and the file's name counts."""
    h = History(root, "claude-code")
    s = Session(h, "interleaved")
    s.user("From the first process")
    s.user("From the second process", sessionId=uid("other"))
    s.user("From the first again")
    s.write()
    assert json.loads(dumps(s.records[1]))["sessionId"] != s.id
    return h
