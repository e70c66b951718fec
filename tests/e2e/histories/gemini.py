"""Gemini CLI: whole-file JSON of old, and JSONL that is a log of changes."""

import json

from histories import DAMAGED, EMPTY, History, INJECTED, METADATA, REPEATED, REWOUND, UNKNOWN, at, sha256, uid

MODEL = "gemini-2.5-pro"


def message(mid, kind, content, clock, **more):
    return {"id": mid, "timestamp": at(clock), "type": kind, "content": content, **more}


def old(h):
    """One JSON file a session. Its folder is the SHA-256 of the project's path."""
    sid = uid("gemini", "old")
    home = f"tmp/{sha256('/home/ada/engine')}"
    messages = [
        message("m1", "user", "How many teeth has the gear of the old clock?", 1),
        message("m2", "gemini", "Sixty-four teeth.", 2, model=MODEL, thoughts=[
            {"subject": "Counting", "description": "Count the teeth one by one", "timestamp": at(2)}],
            tokens={"input": 100, "output": 5, "cached": 0, "thoughts": 9, "tool": 0, "total": 114},
            toolCalls=[{"id": "t1", "name": "read_file", "args": {"path": "gear.txt"}, "status": "success",
                        "result": [{"functionResponse": {"id": "t1", "name": "read_file",
                                                         "response": {"output": "teeth: 64"}}}], "timestamp": at(2)}]),
        message("m3", "user", [{"text": "And of the"}, {"text": " new one?"}, {"inlineData": {"data": "AAAA"}}], 3),
        message("m4", "gemini", [{"text": "Seventy-two."}], 4, model=MODEL),
        message("m5", "info", "Request cancelled.", 5),
        message("m6", "error", "Quota exceeded.", 6),
        message("m7", "warning", "Slow network.", 7),
        message("m8", "gemini", "", 8, model=MODEL),
        message("m9", "hologram", "?", 9),
    ]
    h.turn("user", messages[0]["content"], sid, at(1), title_of=home)
    h.turn("assistant", "Sixty-four teeth.\n\n→ read_file {\"path\":\"gear.txt\"}", sid, at(2), model=MODEL)
    h.turn("user", "And of the new one?", sid, at(3))
    h.turn("assistant", "Seventy-two.", sid, at(4), model=MODEL)
    h.skip(METADATA, 3)
    h.skip(EMPTY)
    h.skip(UNKNOWN)
    h.json(f"{home}/chats/session-2026-03-01T09-00-{sid[:8]}.json",
           {"sessionId": sid, "projectHash": sha256("/home/ada/engine"), "startTime": at(0), "lastUpdated": at(9),
            "messages": messages}, indent=2)


def new(h):
    """JSONL: a header, messages, changes. A message met again takes the place of what it was."""
    sid = uid("gemini", "new")
    lines = [
        {"sessionId": sid, "projectHash": sha256("/home/ada/new"), "startTime": at(100), "lastUpdated": at(100),
         "kind": "main", "directories": ["/home/ada/new"]},
        message("a", "user", "Paint the orrery blue", 101),
        message("b", "gemini", "", 102, model=MODEL, toolCalls=[{"id": "t", "name": "paint", "status": "executing"}]),
        message("b", "gemini", "The orrery is blue now.", 102, model=MODEL, tokens={"input": 10, "output": 6, "total": 16}),
        {"$set": {"lastUpdated": at(103)}},
        message("c", "user", "No, paint it green", 104),
        message("d", "gemini", "Green it is.", 105, model=MODEL),
        {"$rewindTo": "c"},
        message("e", "user", "No, paint it silver", 106),
        message("f", "gemini", "Silver it is.", 107, model=MODEL),
        {"$set": {"summary": "Painting the orrery"}},
        b'{"id":"g","type":"user","cont\n',
        message("h", "user", "Thank you", 108),
    ]
    h.turn("user", "Paint the orrery blue", sid, at(101))
    h.turn("assistant", "The orrery is blue now.", sid, at(102), model=MODEL)
    h.turn("user", "No, paint it silver", sid, at(106))
    h.turn("assistant", "Silver it is.", sid, at(107), model=MODEL)
    h.turn("user", "Thank you", sid, at(108))
    h.skip(REPEATED)  # b, before it had its text
    h.skip(REWOUND, 2)
    h.skip(METADATA, 4)  # header, two $set, the rewind
    h.skip(DAMAGED)
    h.lines(f"tmp/new/chats/session-2026-03-01T09-01-{sid[:8]}.jsonl", lines)


def replaced(h):
    """$set.messages takes the place of all that was; a rewind to what nobody knows clears."""
    sid = uid("gemini", "replaced")
    h.lines(f"tmp/new/chats/session-2026-03-01T09-05-{sid[:8]}.jsonl", [
        {"sessionId": sid, "projectHash": "x", "startTime": at(200), "lastUpdated": at(200)},
        message("a", "user", "This was cleared by an unknown rewind", 201),
        {"$rewindTo": "nobody"},
        message("b", "user", "This was replaced", 202),
        {"$set": {"messages": [message("c", "user", "This took its place", 203),
                               message("d", "gemini", "And this answers it", 204, model=MODEL)]}},
        message("e", "user", "And it went on", 205),
    ])
    h.turn("user", "This took its place", sid, at(203))
    h.turn("assistant", "And this answers it", sid, at(204), model=MODEL)
    h.turn("user", "And it went on", sid, at(205))
    h.skip(REWOUND, 2)
    h.skip(METADATA, 3)


def subagent(h):
    """Its file lies in a folder with the name of the session it works for. Where the project is stands beside."""
    sid, sub = uid("gemini", "parent"), uid("gemini", "sub")
    h.file("tmp/slug/.project_root", "/home/ada/orrery")
    h.lines("tmp/slug/chats/session-2026-03-01T09-10-parent.jsonl", [
        {"sessionId": sid, "projectHash": "x", "startTime": at(300)}, message("p", "user", "Ask the other one", 301),
        {"$set": {"summary": "Asking the other one"}}])
    h.lines(f"tmp/slug/chats/{sid}/{sub}.jsonl", [
        {"sessionId": sub, "projectHash": "x", "startTime": at(302), "kind": "subagent"},
        message("q", "user", "Which planet is next?", 303), message("r", "gemini", "Saturn.", 304)])
    h.skip(METADATA, 3)
    h.turn("user", "Ask the other one", sid, at(301), cwd="/home/ada/orrery")
    h.turn("assistant", "Which planet is next?", sid, at(303), thread=sub, kind="task")
    h.turn("assistant", "Saturn.", sid, at(304), thread=sub)
    h.titles = {sid: "Asking the other one"}


def beside(h):
    """logs.json: each prompt that was typed, also those whose sessions are gone. checkpoint-NAME.json: conversations that
    somebody saved, without ids and times; what a session has too is known."""
    sid, gone = uid("gemini", "parent"), uid("gemini", "gone")

    def log(session, n, text, clock):
        return {"sessionId": session, "messageId": n, "type": "user", "timestamp": at(clock), "message": text}

    h.json("tmp/slug/logs.json", [log(sid, 0, "Ask the other one", 301), log(sid, 1, "/quit", 302),
                                  log(gone, 0, "Only the log knows of this comet", 400), log(gone, 1, " ", 401)], indent=2)
    h.duplicates += 1
    h.skip(METADATA)
    h.turn("user", "Only the log knows of this comet", gone, at(400))
    h.skip(EMPTY)
    saved = [{"role": "user", "parts": [{"text": "This is the Gemini CLI. We are setting up the context for our chat."}]},
             {"role": "model", "parts": [{"text": "Got it. Thanks for the context!"}]},
             {"role": "user", "parts": [{"text": "Ask the other one"}]},
             {"role": "user", "parts": [{"text": "Save this about the eclipse"}]},
             {"role": "model", "parts": [{"text": "It is saved."}, {"functionCall": {"name": "note", "args": {"n": 1}}}]},
             {"role": "user", "parts": [{"functionResponse": {"name": "note", "response": {"output": "ok"}}}]}]
    h.dated("tmp/slug/checkpoint-eclipse.json", json.dumps(saved), 500)
    h.dated("tmp/slug/checkpoint-later.json", json.dumps({"history": saved[3:4] + saved[3:4], "authType": "x"}), 501)
    h.skip(INJECTED, 2)
    h.duplicates += 2
    h.turn("user", "Save this about the eclipse", "slug/checkpoint-eclipse", at(500))
    h.turn("assistant", 'It is saved.\n\n→ note {"n":1}', "slug/checkpoint-eclipse", at(500))
    h.skip(EMPTY)
    h.turn("user", "Save this about the eclipse", "slug/checkpoint-later", at(501))


def whole(root):
    """A whole ~/.gemini."""
    h = History(root, "gemini")
    old(h)
    new(h)
    replaced(h)
    subagent(h)
    beside(h)
    h.secret("oauth_creds.json", '{"access_token":"none"}')
    h.secret("settings.json", "{}")
    return h
