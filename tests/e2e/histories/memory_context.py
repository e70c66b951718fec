"""MEMORY-CONTEXT stores: unique messages by hash, exported conversations, checkpoints, a database."""

import sqlite3

from histories import DAMAGED, EMPTY, History, METADATA, UNKNOWN, at, sha256


def message(content, clock, **more):
    return {"hash": sha256(content), "content": content, "timestamp": at(clock), **more}


def unique(h):
    h.lines("dedup_state/unique_messages.jsonl", [
        message("The bridge opens at noon", 1, role="user", first_seen=at(1), checkpoint="2026-03-01T09-00-00Z-bridge"),
        message("Noon it is, unless it rains", 2, role="assistant"),
        message("No role is told of this one", 3),
        message("", 4, role="user"),
        b'{"hash":"00","content":"cut\n',
        {**message("Its hash is of something else", 6, role="user"), "hash": sha256("something else")},
        {"hash": sha256("The draw span weighs ninety tons"), "first_seen": at(7), "checkpoint": "2026-03-01-spans", "message": {
            "index": 3, "role": "assistant", "type": "assistant", "content": "The draw span weighs ninety tons"}},
        {"hash": sha256("x"), "kind": "watermark"},
    ])
    h.turn("assistant", "The draw span weighs ninety tons", "2026-03-01-spans", at(7))
    h.skip(UNKNOWN)
    h.duplicates += 1  # the first is in the database too, where its conversation is whole
    h.turn("assistant", "Noon it is, unless it rains", "unique_messages", at(2))
    h.turn("user", "No role is told of this one", "unique_messages", at(3))
    h.turn("user", "Its hash is of something else", "unique_messages", at(6))
    h.skip(EMPTY)
    h.skip(DAMAGED)
    h.json("dedup_state/global_hashes.json", [sha256("The bridge opens at noon"), sha256("Noon it is, unless it rains")])
    h.json("dedup_state/checkpoint_index.json", {"2026-03-01T09-00-00Z-bridge": {
        "message_hashes": [sha256("The bridge opens at noon")], "created": at(2)}})


def texts(h):
    """An export as a terminal shows it: > before what was typed, ⏺ before answers, ⎿ before tools' results."""
    h.file("exports/2026-03-01-EXPORT-bridge.txt",
           " ▐▛███▜▌   Claude Code v2.0.1\n\n> Which bolt holds the\n  bascule bridge?\n\n⏺ The king bolt.\n  It is greased.\n\n"
           "⏺ Bash(ls bolts)\n  ⎿  king\n     queen\n\n> yes\n\n⏺ Good.\n")
    session = "2026-03-01-EXPORT-bridge"
    h.turn("user", "Which bolt holds the\nbascule bridge?", session)
    h.turn("assistant", "The king bolt.\nIt is greased.", session)
    h.turn("assistant", "Bash(ls bolts)", session)
    h.turn("tool", "king\nqueen", session)
    h.turn("user", "yes", session)
    h.turn("assistant", "Good.", session)
    h.skip(METADATA)
    h.file("checkpoints/2026-03-01T09-00-00Z-bridge-done.md", "# Bridge done\n\nThe **bascule** opens again.\n")
    h.turn("assistant", "# Bridge done\n\nThe **bascule** opens again.\n", "2026-03-01T09-00-00Z-bridge-done", at(0))


def database(h):
    db = sqlite3.connect(h.path("memory-context.db"))
    db.executescript("""
        create table messages(id integer primary key, hash text, role text, content text, timestamp text, session_id text);
        create table checkpoints(id integer primary key, name text, summary text, created_at text);
        create table settings(key text, value text);
    """)
    rows = [("user", "Asked in the database only", at(20), "db-1"), ("assistant", "Answered there too", at(21), "db-1"),
            ("user", "The bridge opens at noon", at(1), "db-1"), ("user", None, at(22), "db-1")]
    db.executemany("insert into messages(hash,role,content,timestamp,session_id) values(?,?,?,?,?)",
                   [(sha256(c or ""), r, c, t, s) for r, c, t, s in rows])
    db.execute("insert into checkpoints(name,summary,created_at) values('dusk', 'The bridge was closed at dusk', ?)", (at(30),))
    db.execute("insert into settings values('token', 'never-read-this-token')")
    db.commit()
    db.close()
    h.turn("user", "Asked in the database only", "db-1", at(20))
    h.turn("assistant", "Answered there too", "db-1", at(21))
    h.turn("assistant", "The bridge was closed at dusk", "dusk", at(30))
    h.turn("user", "The bridge opens at noon", "db-1", at(1))
    h.skip(EMPTY)


def whole(root):
    h = History(root, "memory-context")
    unique(h)
    texts(h)
    database(h)
    return h
