"""MEMORY-CONTEXT stores: unique messages by hash, exported conversations, checkpoints, a database."""

import json
import sqlite3

from histories import DAMAGED, EMPTY, History, METADATA, UNKNOWN, at, at_ms, sha256


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


def extracted(h):
    """What was taken out of the folders of Claude Code: prompts of history.jsonl, and what nobody said."""
    sid = "04deb230-adda-4a2e-aa0c-ef70b33e29fc"
    h.lines("messages/by-checkpoint/extracted.jsonl", [
        {**message("Raise the bridge for the mayor", 40), "timestamp": at_ms(40), "source": "history.jsonl:line-4",
         "session_id": sid, "project": "/home/ada/bridge", "source_type": "history"},
        {**message("Mend the railing", 41, source="todos/x.json", source_type="todos")},
        {"hash": sha256("x"), "content": "2026-03-01T09:00:42.000Z [DEBUG] [LSP] ready", "file": sid + ".txt", "source_type": "debug"},
        {"hash": sha256("y"), "content": "2026-03-01T09:00:43.000Z [ERROR] [Hooks] no such hook", "file": sid + ".txt", "source_type": "debug"}])
    h.turn("user", "Raise the bridge for the mayor", sid, at(40), cwd="/home/ada/bridge")
    h.turn("system", "Mend the railing", "extracted", at(41), recall=False)
    h.skip(METADATA)
    h.turn("system", "2026-03-01T09:00:43.000Z [ERROR] [Hooks] no such hook", sid, recall=False)
    h.lines("dedup_state/conversation_log.jsonl", [
        {"conversation_id": "log-a", "timestamp": at(50)[:-1], "content_hash": sha256(text), "message": {
            "index": n, "role": role, "type": role, "content": text}}
        for n, (role, text) in enumerate((("user", "Is the log of the bridge read?"), ("assistant", "It is, in its order.")))])
    h.turn("user", "Is the log of the bridge read?", "log-a", at(50))
    h.turn("assistant", "It is, in its order.", "log-a", at(50))


def sessions(h, db):
    """Sessions with their conversations as JSON, and patterns: as the store's own program makes them."""
    db.executescript("""
        create table sessions(session_id text primary key, timestamp text, privacy_level text, title text, description text,
            conversation_json text, metadata_json text, created_at text);
        create table patterns(pattern_id text primary key, pattern_type text, name text, description text, pattern_json text,
            template text, example text, category text, tags_csv text, confidence real, quality_score real, frequency integer,
            reuse_count integer, success_rate real, last_used text, deprecated boolean, created_at text);
        insert into patterns values('p1', 'workflow', 'Open the bridge', 'In three steps', '{"steps":3}', 'bolt, span, lamp', '',
            'bridges', 'bridge, daily', 0.9, 0.8, 15, 8, 0.95, '2026-03-01T09:00:00+00:00', 0, '2026-03-01T09:00:00+00:00'),
            ('p2', 'incantation', 'Of no type', null, null, null, null, null, null, 0.5, 0, 1, 0, 0, null, 0, null);
    """)
    talk = [{"role": "user", "content": "Who keeps the bridge?", "timestamp": at(60)[:-1] + "+00:00"},
            {"role": "assistant", "content": "The lockmaster."}, {"role": "assistant", "content": ""}]
    for sid, text in (("sid-1", json.dumps(talk)), ("sid-2", "no json"), ("sid-3", None), ("sid-4", '{"x":1}')):
        db.execute("insert into sessions values(?, ?, 'TEAM', 'Keepers', 'd', ?, '{}', ?)", (sid, at(59), text, at(59)))
    h.turn("user", "Who keeps the bridge?", "sid-1", at(60))
    h.turn("assistant", "The lockmaster.", "sid-1", at(60))
    h.skip(EMPTY, 2)
    h.skip(DAMAGED, 2)  # sid-2, and a pattern of a type that there is not
    h.skip(UNKNOWN)
    h.other("patterns", name="Open the bridge", pattern_type="workflow", tags=["bridge", "daily"], frequency=15, details={"steps": 3})
    h.titles = {"sid-1": "Keepers"}


def texts(h):
    """An export as a terminal shows it: > before what was typed, ⏺ before answers, ⎿ before tools' results."""
    h.file("exports/2026-03-01-EXPORT-bridge.txt",
           " ▐▛███▜▌   Claude Code v2.0.1\n\n> Which bolt holds the\n  bascule bridge?\n\n⏺ The king bolt.\n  It is greased.\n\n"
           "⏺ Bash(ls bolts)\n  ⎿  king\n     queen\n\n> yes\n\n⏺ Good.\n\n> /export bridge.txt\n")
    session = "2026-03-01-EXPORT-bridge"
    h.turn("user", "Which bolt holds the\nbascule bridge?", session, at(-32400))
    h.turn("assistant", "The king bolt.\nIt is greased.", session, at(-32400))
    h.turn("assistant", "Bash(ls bolts)", session, at(-32400))
    h.turn("tool", "king\nqueen", session, at(-32400))
    h.turn("user", "yes", session, at(-32400))
    h.turn("assistant", "Good.", session, at(-32400))
    h.turn("system", "/export bridge.txt", session, at(-32400), kind="command")  # the day that its name says
    h.skip(METADATA)
    for name, when in (("CHECKPOINT-2026-03-01T10-00-00", at(3600)), ("2026-03-01-EVENING", at(-32400)), ("2026-03-01T09:30:00", at(1800))):
        h.file(f"checkpoints/{name}.md", f"# Of {name}\n")
        h.turn("assistant", f"# Of {name}\n", name, when)
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
    sessions(h, db)
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
    extracted(h)
    database(h)
    return h
