"""opencode: its SQLite database, with a write-ahead log or without, and the JSON files of before."""

import json
import sqlite3

from histories import DAMAGED, EMPTY, History, METADATA, UNKNOWN, at, at_ms

MODEL = "claude-sonnet-4-5"


class Session:
    """Sessions, messages and parts, to be written in either way."""

    def __init__(self, h, sid, title, parent=None, clock=0):
        self.h, self.id, self.title, self.parent, self.clock = h, sid, title, parent, clock
        self.messages = []  # (id, time, data, parts [(id, data)])

    def message(self, role, parts, text=None, reason=None):
        """text: what a reader sees of it. Parts are listed out of order of their ids nowhere, but times may be equal."""
        self.clock += 1
        mid = f"msg_{self.id[4:]}{len(self.messages):03}"
        data = {"role": role, "time": {"created": at_ms(self.clock)}, "path": {"cwd": "/home/ada/loom", "root": "/home/ada"}}
        if role == "assistant":
            data |= {"modelID": MODEL, "providerID": "anthropic", "mode": "build", "cost": 0.01, "finish": "stop",
                     "tokens": {"input": 50, "output": 7, "reasoning": 0, "cache": {"read": 1, "write": 2}}}
        self.messages.append((mid, at_ms(self.clock), data, [(f"prt_{mid[4:]}{i:03}", p) for i, p in enumerate(parts)]))
        if reason:
            self.h.skip(reason)
        else:  # what an agent was asked is no person's prompt, and its words are a part of the session it works for
            self.h.turn("assistant" if self.parent else role, text, self.parent or self.id, at(self.clock), **({"model": MODEL} if role == "assistant" else {}))

    def raw(self, data, reason):
        self.clock += 1
        self.messages.append((f"msg_{self.id[4:]}{len(self.messages):03}", at_ms(self.clock), data, []))
        self.h.skip(reason)


def text(words, **more):
    return {"type": "text", "text": words, **more}


def main(h, sid):
    s = Session(h, sid, "Weaving the red cloth")
    s.message("user", [text("How do I weave the red cloth of " + sid + "?"), text("injected file", synthetic=True),
                       {"type": "file", "mime": "image/png", "url": "data:image/png;base64,AAAA"}],
              "How do I weave the red cloth of " + sid + "?")
    s.message("assistant", [{"type": "step-start", "snapshot": "abc"},
                            {"type": "reasoning", "text": "The loom is old", "time": {"start": 1, "end": 2}},
                            text("Warp first,"),
                            {"type": "tool", "callID": "c1", "tool": "bash", "state": {
                                "status": "completed", "input": {"command": "ls"}, "output": "loom.c", "title": "ls"}},
                            text("then weft."),
                            {"type": "patch", "hash": "abc", "files": ["loom.c"]},
                            {"type": "step-finish", "reason": "stop", "cost": 0.01}], "Warp first,\n\n→ bash {\"command\":\"ls\"}\n\nthen weft.")
    s.message("assistant", [{"type": "step-start"}, {"type": "step-finish"}], reason=EMPTY)
    s.message("user", [text("yes")], "yes")
    s.message("user", [text("yes")], "yes")
    s.message("user", [], reason=EMPTY)
    s.message("user", [{"type": "subtask", "prompt": "Have the shuttles counted", "description": "count", "agent": "explore"}],
              "Have the shuttles counted")
    s.message("user", [{"type": "compaction", "auto": True}], reason=EMPTY)
    return s


def side(h, sid):
    """A session with a parent is a subagent's."""
    s = Session(h, sid + "side", "Explore", parent=sid, clock=50)
    s.message("user", [text("Look for shuttles")], "Look for shuttles")
    s.message("assistant", [text("Two shuttles in the drawer")], "Two shuttles in the drawer")
    return s


SCHEMA = """
create table project(id text primary key, worktree text, time_created integer);
create table session(id text primary key, project_id text not null, parent_id text, slug text, directory text not null,
    title text not null, version text, time_created integer not null, time_updated integer not null);
create table message(id text primary key, session_id text not null, time_created integer not null,
    time_updated integer not null, data text not null);
create table part(id text primary key, message_id text not null, session_id text not null, time_created integer not null,
    time_updated integer not null, data text not null);
create table account(id text primary key, access_token text);
"""


def as_text(data):
    return data if isinstance(data, str) else json.dumps(data)


def database(path, sessions, wal):
    """With wal, what was written last is only in the log beside the database; the open connection is returned then."""
    db = sqlite3.connect(path)
    db.execute(f"pragma journal_mode={'wal' if wal else 'delete'}")
    db.executescript(SCHEMA)
    if wal:
        db.execute("pragma wal_autocheckpoint=0")
        db.execute("pragma wal_checkpoint(truncate)")
    db.execute("insert into account values('a', 'never-read-this-token')")
    for s in sessions:
        db.execute("insert into session values(?,?,?,?,?,?,?,?,?)",
                   (s.id, "p1", s.parent, "slug", "/home/ada/loom", s.title, "1.2.0", at_ms(0), at_ms(s.clock)))
        for mid, when, data, parts in s.messages:
            db.execute("insert into message values(?,?,?,?,?)", (mid, s.id, when, when, as_text(data)))
            for pid, part in parts:
                db.execute("insert into part values(?,?,?,?,?,?)", (pid, mid, s.id, when, when, as_text(part)))
    db.commit()
    if wal:
        return db
    db.close()
    return None


def sqlite(root, wal=False):
    h = History(root, "opencode")
    s = main(h, "ses_sqlite")
    s.raw("{no json", DAMAGED)
    s.raw({"role": "hologram", "time": {"created": 1}}, UNKNOWN)
    h.open = database(h.path("opencode.db"), [s, side(h, "ses_sqlite")], wal)
    h.secret("auth.json", '{"anthropic":{"key":"none"}}')
    h.titles = {s.id: s.title}
    return h


def oldest(h):
    """Before that: below a folder of the project, parts by session and message."""
    home = "project/home-ada-loom/storage/session"
    h.json(f"{home}/info/ses_oldest.json", {"id": "ses_oldest", "title": "The oldest loom", "time": {"created": at_ms(900)}})
    h.skip(METADATA)
    h.json(f"{home}/message/ses_oldest/msg_o1.json", {"id": "msg_o1", "role": "user", "sessionID": "ses_oldest",
                                                      "time": {"created": at_ms(900)}})
    h.json(f"{home}/part/ses_oldest/msg_o1/prt_o1.json", {"id": "prt_o1", "type": "text", "text": "Who built the oldest loom?"})
    h.turn("user", "Who built the oldest loom?", "ses_oldest", at(900))
    h.titles["ses_oldest"] = "The oldest loom"


def legacy(root):
    """storage/session/<project>/<id>.json, storage/message/<session>/<id>.json, storage/part/<message>/<id>.json"""
    h = History(root, "opencode")
    sessions = [main(h, "ses_legacy"), side(h, "ses_legacy")]
    for s in sessions:
        h.json(f"storage/session/p1/{s.id}.json", {"id": s.id, "projectID": "p1", "directory": "/home/ada/loom",
               "title": s.title, "version": "0.9", "time": {"created": at_ms(0), "updated": at_ms(s.clock)},
               **({"parentID": s.parent} if s.parent else {})})
        h.skip(METADATA)
        for mid, _, data, parts in s.messages:
            h.json(f"storage/message/{s.id}/{mid}.json", {"id": mid, "sessionID": s.id, **data})
            for pid, part in parts:
                h.json(f"storage/part/{mid}/{pid}.json", {"id": pid, "messageID": mid, "sessionID": s.id, **part})
    h.titles = {sessions[0].id: sessions[0].title}
    oldest(h)
    h.secret("auth.json", '{"anthropic":{"key":"none"}}')
    return h
