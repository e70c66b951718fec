"""Claude Code's folders beside its transcripts: history.jsonl with pastes, todos, tasks, versions of files, logs, plans."""

import json
import os

from histories import DAMAGED, EMPTY, History, METADATA, at, at_ms, sha256, uid
from histories.claude import Session

CWD = "/home/ada/mill"


def history(h):
    """What was typed, long after its transcripts have gone. A paste is in the line, or in a file, or lost."""
    sid, gone = uid("claude", "typed"), "a" * 64
    pasted = "line one of the paste\nline two of the millrace paste"
    kept = sha256(pasted)[:16]
    h.file(f"paste-cache/{kept}.txt", pasted)
    h.lines("history.jsonl", [
        {"display": "Why does the mill wheel creak?", "pastedContents": {}, "timestamp": at_ms(1), "project": CWD,
         "sessionId": sid},
        {"display": "An old line without session or pastes", "timestamp": at_ms(2), "project": CWD},
        {"display": "Read this [Pasted text #1 +2 lines] and tell", "timestamp": at_ms(3), "project": CWD, "sessionId": sid,
         "pastedContents": {"1": {"id": 1, "type": "text", "content": "flour\nand bran"}}},
        {"display": "From the cache [Pasted text #1 +1 lines]", "timestamp": at_ms(4), "project": CWD, "sessionId": sid,
         "pastedContents": {"1": {"id": 1, "type": "text", "contentHash": kept}}},
        {"display": "Lost [Pasted text #1 +92 lines]", "timestamp": at_ms(5), "project": CWD, "sessionId": sid,
         "pastedContents": {"1": {"id": 1, "type": "text", "contentHash": gone}}},
        {"display": "Look at [Image #1]", "timestamp": at_ms(6), "project": CWD, "sessionId": sid,
         "pastedContents": {"1": {"id": 1, "type": "image", "content": "iVBORw0KGgo" * 20, "mediaType": "image/png"}}},
        {"display": "/model ", "pastedContents": {}, "timestamp": at_ms(7), "project": CWD, "sessionId": sid},
        {"display": "", "pastedContents": {}, "timestamp": at_ms(8), "project": CWD, "sessionId": sid},
        b'{"display":"cut\n',
        {"display": "Hash that would leave the folder [Pasted text #1]", "timestamp": at_ms(9), "project": CWD,
         "sessionId": sid, "pastedContents": {"1": {"id": 1, "type": "text", "contentHash": "../../secret"}}},
    ])
    old = "history:" + CWD
    h.turn("user", "Why does the mill wheel creak?", sid, at(1), cwd=CWD)
    h.turn("user", "An old line without session or pastes", old, at(2), cwd=CWD)
    h.turn("user", "Read this flour\nand bran and tell", sid, at(3), cwd=CWD)
    h.turn("user", "From the cache " + pasted, sid, at(4), cwd=CWD)
    h.turn("user", "Lost [Pasted text #1 +92 lines]", sid, at(5), cwd=CWD)
    h.turn("user", "Look at [Image #1]", sid, at(6), cwd=CWD)
    h.skip(METADATA)  # a command is nobody's prompt
    h.skip(EMPTY)
    h.skip(DAMAGED)
    h.turn("user", "Hash that would leave the folder [Pasted text #1]", sid, at(9), cwd=CWD)


def lists(h):
    """todos of old, tasks of now: one turn a list, or a task, left out of recall."""
    sid, agent = uid("claude", "todos"), uid("claude", "agent")
    todos = [{"content": "Oil the wheel", "status": "completed", "activeForm": "Oiling the wheel", "id": "1",
              "priority": "high"},
             {"content": "Dress the stone", "status": "in_progress", "activeForm": "Dressing the stone"},
             {"content": "Sweep", "status": "pending"}]
    h.dated(f"todos/{sid}-agent-{sid}.json", json.dumps(todos), 20)
    h.turn("system", "[completed] Oil the wheel\n[in_progress] Dress the stone\n[pending] Sweep", sid, at(20), recall=False)
    h.dated(f"todos/{sid}-agent-{agent}.json", json.dumps(todos[2:]), 21)
    h.turn("system", "[pending] Sweep", sid, at(21), recall=False, thread=agent)
    h.json(f"todos/{uid('other')}-agent-{uid('other')}.json", [])
    h.skip(EMPTY)
    h.dated(f"tasks/{sid}/1.json", json.dumps({"id": "1", "subject": "Mend the sluice", "status": "pending", "blocks": ["2"],
                                               "description": "The lower board is rotten", "blockedBy": []}), 22)
    h.turn("system", "[pending] Mend the sluice\nThe lower board is rotten", sid, at(22), recall=False)
    h.file(f"tasks/{sid}/2.json", "{no json")
    h.skip(DAMAGED)


def versions(h):
    """file-history: what a file was before each edit, under a name made of its path. Its map is in the transcript. The first
    version is told as it is, each other as what changed."""
    s = Session(h, "versions", cwd=CWD)
    prompt = s.user("Lower the sluice by a hand", human=True)

    def stored(path):
        return sha256(path)[:16]

    files = {"sluice.c": ("height = 4;\nstone = 1;\n", "height = 3;\nstone = 1;\n", "@@ -1 +1 @@\n-height = 4;\n+height = 3;\n"),
             "../shared/log.txt": ("one\n", "one\ntwo\n", "@@ -2 +2 @@\n+two\n")}
    tracked = {}
    for name, (before, after, change) in files.items():
        path = os.path.normpath(os.path.join(CWD, name))
        h_of = stored(path)
        h.dated(f"file-history/{s.id}/{h_of}@v1", before, 30)
        h.dated(f"file-history/{s.id}/{h_of}@v2", after, 31)
        h.turn("system", f"{path}, version 1:\n{before}", s.id, at(30), recall=False)  # as the snapshot calls it
        h.turn("system", f"{path}, version 2:\n{change}", s.id, at(31), recall=False)
        tracked[name] = {"backupFileName": f"{h_of}@v2", "version": 2, "backupTime": at(9)}
    tracked["new.c"] = {"backupFileName": None, "version": 1, "backupTime": at(9)}  # it was new
    binary = stored(CWD + "/wheel.png")
    h.file(f"file-history/{s.id}/{binary}@v1", b"\x89PNG\0\0\xff" * 100)
    h.skip(EMPTY)
    s.snapshot(prompt, tracked)
    s.write()
    return s


def the_rest(h):
    sid = uid("claude", "debug")
    h.file(f"debug/{sid}.txt", f"{at(1)} [DEBUG] Loading settings\n{at(2)} [ERROR] The wheel is stuck\n  at turn (mill.js:4)\n"
           f"{at(3)} [DEBUG] Bye\n")
    h.turn("system", "[ERROR] The wheel is stuck\n  at turn (mill.js:4)", sid, at(2), recall=False)
    h.merged += 1
    h.skip(METADATA, 2)
    latest = h.path("debug/latest")
    latest.symlink_to(h.root / f"debug/{sid}.txt")
    shell = "# Snapshot file\nalias ll='ls -l'\nexport PATH=/usr/bin\n"
    h.dated(f"shell-snapshots/snapshot-bash-{at_ms(3)}-abc123.sh", shell, 40)
    h.turn("system", shell, "shell-snapshots", at(40), recall=False)
    h.dated(f"session-env/{sid}/hook-0.sh", "export MILL=1\n", 41)
    h.turn("system", "export MILL=1\n", sid, at(41), recall=False)
    h.path(f"session-env/{uid('empty')}/x")
    h.dated("plans/brave-turning-wheel.md", "# Plan\n\nTurn the brave wheel backwards.\n", 42)
    h.turn("assistant", "# Plan\n\nTurn the brave wheel backwards.\n", "brave-turning-wheel", at(42))
    h.dated("projects/-home-ada-mill/memory/MEMORY.md", "The mill stands on the left bank.\n", 43)
    h.turn("assistant", "The mill stands on the left bank.\n", "-home-ada-mill/memory/MEMORY", at(43))
    h.json("stats-cache.json", {"version": 1})
    h.json("sessions/4242.json", {"pid": 1, "sessionId": "unreliable"})
    h.file("statsig/cache", "{}")
    h.file(f"image-cache/{sid}/1.png", b"\x89PNG")
    for name in (".credentials.json", "settings.json", "settings.local.json", "backups/.claude.json.backup"):
        h.secret(name, '{"claudeAiOauth":{"accessToken":"never-read-this-token"}}')


def whole(root):
    """A whole ~/.claude, with little of transcripts."""
    h = History(root, "claude-code")
    history(h)
    lists(h)
    versions(h)
    the_rest(h)
    return h
