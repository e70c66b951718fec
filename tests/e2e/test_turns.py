"""Turns over REST: durable before the answer, numbered without gaps, any text kept as it is."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from rest import NO_CONVERSATION, conversation, refused, session, turn, turns

TEXTS = ["plain", " leading and trailing \n", "ümläut 日本語 🏔️ e\u0301", "nul \x00 inside", "\x00", "\u0001\u001f\u007f",
         "quote \" backslash \\ slash /", "a\r\nb\tc", "<recalled_memory>", "'; DROP TABLE turn; --", "\U0010ffff\ufffd",
         "{\"json\": [1, 2]}", "x" * 100000]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_text_comes_back_as_it_was(cairn, text):
    c = conversation(cairn, session(cairn))
    t = turn(cairn, c, text)
    assert t["stored"] is True and t["turn_number"] == 1
    assert turns(cairn, c)[0]["content"] == text
    shown = cairn.get(f"/api/v1/turns/{t['turn_id']}")
    assert shown["content"] == text
    assert shown["content_hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert cairn.get(f"/api/v2/conversations/{c}/window")["messages"][0]["content"] == text


def test_who_speaks(cairn):
    c = conversation(cairn, session(cairn))
    said = [({"agent": "beatrice"}, ("beatrice", "assistant")), ({"role": "user"}, ("user", "user")),
            ({"agent": "wykeve", "role": "user"}, ("wykeve", "user")), ({"role": "tool"}, ("tool", "tool")),
            ({}, ("user", "user")), ({"agent": None, "role": None}, ("user", "user"))]
    for body, _ in said:
        cairn.post(f"/api/v2/conversations/{c}/turns", {"content": "x", **body}, 201)
    assert [(t["agent"], t["role"]) for t in turns(cairn, c)] == [who for _, who in said]


def test_metadata_and_tokens(cairn):
    c = conversation(cairn, session(cairn))
    meta = {"model": "m", "temperature": 0.25, "nested": {"a": [1, None, "ü"]}, "big": 12345678901234567890}
    turn(cairn, c, "four words of text", metadata=meta, token_count=17)
    turn(cairn, c, "x" * 400)
    first, second = turns(cairn, c)
    assert first["metadata"] == meta and first["token_count"] == 17
    assert second["metadata"] == {} and 50 <= second["token_count"] <= 200


@pytest.mark.parametrize("given, kept", [
    ("2023-05-08T13:56:00Z", "2023-05-08T13:56:00.000Z"),
    ("2023-05-08T13:56:00.123456Z", "2023-05-08T13:56:00.123Z"),
    ("2023-05-08T15:56:00+02:00", "2023-05-08T13:56:00.000Z"),
    ("1999-12-31T23:59:59.999Z", "1999-12-31T23:59:59.999Z"),
])
def test_explicit_timestamps(cairn, given, kept):
    c = conversation(cairn, session(cairn))
    assert turn(cairn, c, "then", timestamp=given)["timestamp"] == kept
    assert turns(cairn, c)[0]["timestamp"] == kept


def test_order_is_of_arrival_not_of_timestamps(cairn):
    c = conversation(cairn, session(cairn))
    for year in (2020, 2019, 2021):
        turn(cairn, c, str(year), timestamp=f"{year}-01-01T00:00:00Z")
    assert [t["content"] for t in turns(cairn, c)] == ["2020", "2019", "2021"]


@pytest.mark.parametrize("body, field, says", [
    ({}, "content", "missing"),
    ({"content": ""}, "content", "empty"),
    ({"content": 5}, "content", "a string"),
    ({"content": None}, "content", None),
    ({"content": "x", "contnet": "y"}, "contnet", "did you mean \"content\""),
    ({"content": "x", "role": "robot"}, "role", "user|assistant|system|tool"),
    ({"content": "x", "agent": ""}, "agent", "empty"),
    ({"content": "x", "agent": "a" * 201}, "agent", "200"),
    ({"content": "x", "timestamp": "yesterday"}, "timestamp", "2026-01-31T12:00:00Z"),
    ({"content": "x", "timestamp": 1700000000}, "timestamp", "time"),
    ({"content": "x", "timestamp": "2023-02-30T00:00:00Z"}, "timestamp", "time"),
    ({"content": "x", "metadata": [1]}, "metadata", "an object"),
    ({"content": "x", "token_count": -1}, "token_count", "0"),
    ({"content": "x", "token_count": "3"}, "token_count", "whole number"),
    ({"content": "x" * (4 * 1024 * 1024 + 1)}, "content", "4194304"),
])
def test_bad_bodies(cairn, body, field, says):
    c = conversation(cairn, session(cairn))
    refused(cairn, "POST", f"/api/v2/conversations/{c}/turns", body, field=field, says=says)
    assert turns(cairn, c) == []


def test_the_largest_content_that_is_allowed(cairn):
    c = conversation(cairn, session(cairn))
    text = "0123456789abcdef" * (4 * 65536)
    turn(cairn, c, text)
    assert turns(cairn, c)[0]["content"] == text


def test_unknown_conversations(cairn):
    for c in (NO_CONVERSATION, "x", "%E2%82%AC", "..%2Fx"):
        refused(cairn, "POST", f"/api/v2/conversations/{c}/turns", {"content": "x"}, 404, "CONVERSATION_NOT_FOUND")
    refused(cairn, "POST", "/api/v2/conversations/%00/turns", {"content": "x"}, field="path")


def test_a_body_too_large_is_413(cairn):
    c = conversation(cairn, session(cairn))
    r = cairn.http.post(f"/api/v2/conversations/{c}/turns", content=b"{\"content\":\"" + b"x" * (80 << 20) + b"\"}")
    assert r.status_code == 413 and r.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    assert turns(cairn, c) == []


def test_many_writers_one_conversation(cairn):
    c = conversation(cairn, session(cairn))

    def write(writer):
        return [turn(cairn, c, f"{writer}-{i}")["turn_number"] for i in range(40)]

    with ThreadPoolExecutor(8) as pool:
        numbers = [n for ns in pool.map(write, range(8)) for n in ns]
    assert sorted(numbers) == list(range(1, 321))
    kept = turns(cairn, c)
    assert [t["turn_number"] for t in kept] == list(range(1, 321))
    for writer in range(8):
        own = [t["content"] for t in kept if t["content"].startswith(f"{writer}-")]
        assert own == [f"{writer}-{i}" for i in range(40)], "each writer's turns are in its order"


def test_answered_means_durable(cairn):
    c = conversation(cairn, session(cairn))
    for i in range(20):
        turn(cairn, c, f"m{i}")
    cairn.kill()
    cairn.start()
    assert [t["content"] for t in turns(cairn, c)] == [f"m{i}" for i in range(20)]


def test_remember_makes_what_it_needs(cairn):
    first = cairn.post("/api/v2/remember", {"text": "The well is behind the barn"}, 201)
    second = cairn.post("/api/v2/remember", {"text": "It is deep"}, 201)
    assert first["stored"] and second["conversation_id"] == first["conversation_id"]
    assert second["session_id"] == first["session_id"] and second["turn_number"] == 2
    other = cairn.post("/api/v2/remember", {"text": "Elsewhere", "session": "work"}, 201)
    assert other["session_id"] != first["session_id"]
    by_id = cairn.post("/api/v2/remember", {"text": "More", "session": first["session_id"]}, 201)
    assert by_id["session_id"] == first["session_id"]
    into = cairn.post("/api/v2/remember", {"text": "There", "conversation_id": other["conversation_id"]}, 201)
    assert into["session_id"] == other["session_id"] and into["turn_number"] == 2
    refused(cairn, "POST", "/api/v2/remember", {"text": "x", "session": "sess_" + "0" * 32}, 404, "SESSION_NOT_FOUND")
    refused(cairn, "POST", "/api/v2/remember", {"text": "x", "conversation_id": NO_CONVERSATION}, 404,
            "CONVERSATION_NOT_FOUND")
