"""Generic JSONL: role, content, timestamp?, session?"""

from histories import BLANK, DAMAGED, EMPTY, History, METADATA, PADDING, UNKNOWN, at, at_ms

SESSION = "tea-house"


def whole(root):
    h = History(root, "jsonl")
    records = []

    def put(record, role=None, text=None, session=SESSION, when=None, reason=None):
        records.append(record)
        if reason:
            h.skip(reason)
        else:
            h.turn(role, text, session, when)

    put({"role": "user", "content": "Which tea for the ambassador?", "timestamp": at(1), "session": SESSION},
        "user", "Which tea for the ambassador?", when=at(1))
    put({"role": "assistant", "content": [{"type": "text", "text": "Lapsang,"}, {"type": "text", "text": "very smoky."}],
         "timestamp": at_ms(2), "session": SESSION}, "assistant", "Lapsang,\n\nvery smoky.", when=at(2))
    put({"role": "user", "content": "Seconds count too", "timestamp": at_ms(3) // 1000, "session": SESSION},
        "user", "Seconds count too", when=at(3))
    put({"role": "user", "content": "No time is told here", "session": SESSION}, "user", "No time is told here")
    put({"role": "system", "content": "You pour tea.", "session": SESSION}, "system", "You pour tea.")
    put({"role": "tool", "content": "kettle: 96 degrees", "session": SESSION}, "tool", "kettle: 96 degrees")
    put({"role": "user", "content": "yes", "session": SESSION}, "user", "yes")
    put({"role": "user", "content": "yes", "session": SESSION}, "user", "yes")
    put({"role": "user", "content": "NUL \u0000 inside, and a \u2028 line separator", "session": SESSION},
        "user", "NUL \u0000 inside, and a \u2028 line separator")
    put(b'{"role":"user","content":"lone \\ud83d surrogate","session":"tea-house"}\n', "user", "lone \ufffd surrogate")
    put(b'{"role":"user","content":"bad \xff byte","session":"tea-house"}\n', "user", "bad \ufffd byte")
    put({"role": "user", "content": "Of another session", "session": "harbour"}, "user", "Of another session", "harbour")
    put({"role": "user", "content": "Of no session"}, "user", "Of no session", h.root.name + "/chat")  # named by its file
    put({"role": "user", "content": ""}, reason=EMPTY)
    put({"role": "assistant", "content": None}, reason=EMPTY)
    put({"kind": "header", "tool": "tea"}, reason=UNKNOWN)
    put(b"\n", reason=BLANK)
    put(b"\0" * 300 + b"\n", reason=PADDING)
    put(b'{"role":"user","content":"cut of\n', reason=DAMAGED)
    put(b"[1,2]\n", reason=DAMAGED)
    put(b'{"role":"user","content":"padded behind","session":"tea-house"}\0\0\0\n', "user", "padded behind")
    h.lines("chat.jsonl", records)
    assert METADATA not in h.skipped
    return h
