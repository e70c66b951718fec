"""Generic JSONL: role, content, timestamp?, session?"""

from histories import BLANK, DAMAGED, EMPTY, History, METADATA, PADDING, UNKNOWN, at, at_ms

SESSION = "tea-house"


def others(put):
    """Names, times and contents as others write them."""
    put({"speaker": "Human", "text": "Numbers as texts", "timestamp": str(at_ms(20) // 1000), "session_id": 7},
        "user", "Numbers as texts", "7", at(20))
    put({"from": "gpt", "value": "Milliseconds too", "ts": str(at_ms(21)), "chat_id": "7"}, "assistant", "Milliseconds too", "7", at(21))
    put({"role": "user", "content": "A time of no zone", "time": at(22)[:-5], "thread_id": "7"}, "user", "A time of no zone", "7", at(22))
    put({"role": "assistant", "content": None, "session": "7", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "pour", "arguments": '{"cups":2}'}}]},
        "assistant", '→ pour {"cups":2}', "7")
    put({"role": "assistant", "session": "7", "content": [
        {"type": "thinking", "thinking": "Hot enough"}, {"type": "text", "text": "I pour."},
        {"type": "tool_use", "id": "d", "name": "pour", "input": {"cups": 3}},
        {"type": "image", "source": {"type": "base64", "data": "AAAA"}}]}, "assistant", 'I pour.\n\n→ pour {"cups":3}', "7")
    put({"role": "user", "session": "7", "content": [{"type": "tool_result", "tool_use_id": "d", "content": [
        {"type": "text", "text": "Three cups."}]}]}, "user", "Three cups.", "7")


def conversations(h):
    """A conversation a line: each message is a record. One without a name is a session of its own."""
    h.lines("training.jsonl", [
        {"messages": [{"role": "system", "content": "You brew."}, {"role": "user", "content": "Green or black?"},
                      {"role": "assistant", "content": "Green."}, 5]},
        {"messages": [{"role": "user", "content": "Green or black?"}, {"role": "assistant", "content": "Black."}]},
        {"id": "named", "title": "Oolong", "conversations": [{"from": "human", "value": "Or oolong?"}, {"from": "gpt", "value": "Or oolong."}]}])
    for session, said in (("first", (("system", "You brew."), ("user", "Green or black?"), ("assistant", "Green."))),
                          ("second", (("user", "Green or black?"), ("assistant", "Black."))),
                          ("named", (("user", "Or oolong?"), ("assistant", "Or oolong.")))):
        for role, text in said:
            h.turn(role, text, session)
    h.skip(DAMAGED)


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
    others(put)
    h.lines("chat.jsonl", records)
    conversations(h)
    assert METADATA not in h.skipped
    return h
