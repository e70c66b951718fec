"""Conversations over REST: begin, show with turns in order and in pages, the short-term window."""

import pytest
from rest import NO_CONVERSATION, NO_SESSION, conversation, refused, session, turn, turns


def test_create(cairn):
    s = session(cairn)
    c = cairn.post("/api/v2/conversations", {"session_id": s, "directive": "Paint the door"}, 201)
    assert c["conversation_id"].startswith("conv_") and c["session_id"] == s and c["status"] == "active"
    assert c["directive"] == "Paint the door" and c["relevant_context"] == []
    shown = cairn.get(f"/api/v2/conversations/{c['conversation_id']}")
    assert shown["directive"] == "Paint the door" and shown["turns"] == [] and shown["next_cursor"] is None
    assert shown["turn_count"] == 0 and shown["session_id"] == s


def test_title_is_another_name_for_the_directive(cairn):
    c = conversation(cairn, session(cairn), title="Roof", metadata={"k": [1]})
    shown = cairn.get(f"/api/v2/conversations/{c}")
    assert shown["directive"] == "Roof" and shown["metadata"] == {"k": [1]}


def test_it_belongs_to_its_sessions_project(cairn):
    s = session(cairn, project="p7")
    c = conversation(cairn, s)
    t = turn(cairn, c, "x")
    assert cairn.get(f"/api/v2/conversations/{c}")["project"] == "p7"
    assert cairn.get(f"/api/v1/turns/{t['turn_id']}")["project"] == "p7"


def test_relevant_context_names_earlier_conversations(cairn):
    s = session(cairn)
    boats = conversation(cairn, s, directive="Boats")
    turn(cairn, boats, "The red canoe leaks at the stern")
    bread = conversation(cairn, s, directive="Bread")
    turn(cairn, bread, "Sourdough needs twelve hours")
    found = cairn.post("/api/v2/conversations", {"session_id": s, "directive": "Repair the leak in the canoe"}, 201)
    top = found["relevant_context"][0]
    assert top["conversation_id"] == boats and 0 < top["relevance_score"] <= 1 and top["summary"] == "Boats"
    assert found["conversation_id"] not in [r["conversation_id"] for r in found["relevant_context"]]
    off = cairn.post("/api/v2/conversations", {"session_id": s, "directive": "canoe", "use_context": False}, 201)
    assert off["relevant_context"] == []
    none = cairn.post("/api/v2/conversations", {"session_id": s, "directive": "canoe", "context_depth": 0}, 201)
    assert none["relevant_context"] == []


def test_a_thousand_turns_in_order_in_pages(cairn):
    c = conversation(cairn, session(cairn))
    for i in range(1, 1001):
        assert turn(cairn, c, f"message {i}")["turn_number"] == i
    everything = turns(cairn, c)
    assert [t["turn_number"] for t in everything] == list(range(1, 1001))
    assert [t["content"] for t in everything] == [f"message {i}" for i in range(1, 1001)]
    page = cairn.get(f"/api/v2/conversations/{c}", limit=1000)
    assert len(page["turns"]) == 1000 and page["next_cursor"] is None and page["turn_count"] == 1000
    page = cairn.get(f"/api/v2/conversations/{c}", limit=999)
    assert page["next_cursor"]
    last = cairn.get(f"/api/v2/conversations/{c}", cursor=page["next_cursor"])
    assert [t["turn_number"] for t in last["turns"]] == [1000] and last["next_cursor"] is None


def test_window_is_openais_message_format(cairn):
    c = conversation(cairn, session(cairn))
    for i in range(1, 26):
        turn(cairn, c, f"m{i}", role="user" if i % 2 else "assistant")
    w = cairn.get(f"/api/v2/conversations/{c}/window")
    assert w["conversation_id"] == c and len(w["messages"]) == 20
    assert w["messages"][0] == {"role": "assistant", "content": "m6"} and w["messages"][-1]["content"] == "m25"
    assert [m["content"] for m in cairn.get(f"/api/v2/conversations/{c}/window", limit=2)["messages"]] == ["m24", "m25"]
    refused(cairn, "GET", f"/api/v2/conversations/{c}/window?limit=0", field="limit")
    refused(cairn, "GET", f"/api/v2/conversations/{NO_CONVERSATION}/window", status=404, code="CONVERSATION_NOT_FOUND")


@pytest.mark.parametrize("body, field, says", [
    ({}, "session_id", "missing"),
    ({"session_id": None}, "session_id", None),
    ({"session_id": 7}, "session_id", "a string"),
    ({"session_id": ""}, "session_id", "empty"),
    ({"session_id": NO_SESSION, "directiv": "x"}, "directiv", "did you mean \"directive\""),
    ({"session_id": NO_SESSION, "context_depth": 51}, "context_depth", "50"),
    ({"session_id": NO_SESSION, "context_depth": 1.5}, "context_depth", "whole number"),
    ({"session_id": NO_SESSION, "use_context": "yes"}, "use_context", "true or false"),
    ({"session_id": NO_SESSION, "directive": "x" * 100001}, "directive", "100000"),
])
def test_bad_bodies(cairn, body, field, says):
    refused(cairn, "POST", "/api/v2/conversations", body, field=field, says=says)


def test_bad_pages(cairn):
    c = conversation(cairn, session(cairn))
    refused(cairn, "GET", f"/api/v2/conversations/{c}?limit=1001", field="limit", says="1000")
    refused(cairn, "GET", f"/api/v2/conversations/{c}?cursor=x", field="cursor")
    refused(cairn, "GET", f"/api/v2/conversations/{c}?cursor=0", field="cursor")
    refused(cairn, "GET", f"/api/v2/conversations/{NO_CONVERSATION}", status=404, code="CONVERSATION_NOT_FOUND")


def test_generic_list_filters_by_session(cairn):
    s, other = session(cairn), session(cairn)
    mine = [conversation(cairn, s, directive=f"d{i}") for i in range(3)]
    conversation(cairn, other)
    listed = cairn.get("/api/v1/conversations", session_id=s)
    assert [c["id"] for c in listed] == mine[::-1]


def test_a_long_directive_is_kept_whole(cairn):
    text = "ü" * 30000
    c = conversation(cairn, session(cairn), directive=text)
    assert cairn.get(f"/api/v2/conversations/{c}")["directive"] == text
