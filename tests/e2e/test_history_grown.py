"""Messages that are imported while they are written, line by line: what is stored in the end is what one import of the
whole stores (issue 6)."""

import json

import pytest
from test_history import accounted, imported, known_again, listed, turns
from test_history_beside import S, Root


@pytest.fixture
def store(make_cairn):
    return make_cairn(start=False)


def block(r, mid, content, tokens, stop=None):
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": tokens}
    return r.line("assistant", None, message={"id": mid, "model": "claude-opus-4-5", "role": "assistant", "content": [content],
                                              "stop_reason": stop, "usage": usage})


def tool(n):
    return {"type": "tool_use", "id": f"toolu_{n}", "name": "Bash", "input": {"command": f"ls {n}"}}


def talk(r):
    return [r.line("user", "Look at both"), block(r, "m1", {"type": "thinking", "thinking": "Two of them", "signature": "x"}, 1),
            block(r, "m1", {"type": "text", "text": "I look."}, 1), block(r, "m1", tool(1), 1),
            block(r, "m1", tool(2), 60, "tool_use"), r.answer("toolu_1", "one"), r.answer("toolu_2", "two"),
            r.line("user", "And now?"), block(r, "m2", {"type": "text", "text": "Both are dull."}, 9, "end_turn")]


def told(store):
    of = [(t["role"], t["agent"], t["content"], t["timestamp"],
           json.dumps({k: v for k, v in t["metadata"].items() if k != "source"}, sort_keys=True)) for t in turns(store)]
    return sorted(of)


@pytest.mark.parametrize("torn", [False, True])
def test_line_by_line(store, make_cairn, tmp_path, torn):
    r = Root(tmp_path / "claude")
    lines = talk(r)
    path = r.transcript([])
    new = 0
    for line in lines:
        text = json.dumps(line) + "\n"
        for piece in (text[:70], text[70:]) if torn else (text,):
            with path.open("a") as f:
                f.write(piece)
            report = imported(store, r.path)
            accounted(report)
            new += report["turns_new"]
    assert new == len(turns(store)) == 6
    calm = make_cairn("calm", start=False)
    report = imported(calm, r.path)
    assert (report["turns_new"], report["merged"]) == (6, 3)
    assert told(store) == told(calm)
    assert [t["metadata"]["usage"]["output_tokens"] for t in turns(calm) if t["metadata"].get("message_id") == "m1"] == [60]
    session, = listed(store, "sessions")
    restored, whole = ([json.loads(x) for x in one.run("restore-session", session["id"]).stdout.split("\n") if x]
                       for one in (store, calm))
    assert [x["uuid"] for x in restored] == [x["uuid"] for x in whole]
    assert "I look." in store.run("recall", "look", "--project", "mill").stdout
    assert "dull" in store.run("recall", "dull", "--project", "mill").stdout


def test_what_was_erased_of_it_stays_away(store, tmp_path):
    r = Root(tmp_path / "claude")
    lines = talk(r)
    r.transcript(lines[:3])
    imported(store, r.path)
    first, = (t for t in turns(store) if t["content"] == "I look.")
    store.run("forget", "--turn", first["id"], "--now")
    r.transcript(lines[:4])
    imported(store, r.path)
    assert [t["content"] for t in turns(store) if t["role"] == "assistant"] == ['→ Bash {"command":"ls 1"}']
    known_again(store, r.path, imported(store, r.path))
