"""Answers that are kept between writes: never stale, whoever wrote, and counted."""

import re

from rest import conversation, session, turn


def hits(cairn):
    return int(re.search(r"^cairn_cache_hits_total (\d+)", cairn.http.get("/metrics").text, re.M).group(1))


def test_the_second_reading_comes_from_the_cache_and_is_the_same(cairn):
    s = session(cairn)
    first = cairn.get(f"/api/v2/sessions/{s}")
    before = hits(cairn)
    assert cairn.get(f"/api/v2/sessions/{s}") == first
    assert hits(cairn) == before + 1


def test_a_write_is_seen_by_the_next_reading(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    for n in range(1, 6):
        turn(cairn, c, f"the lamp is {n}")
        assert cairn.get(f"/api/v2/sessions/{s}")["total_turns"] == n
        assert len(cairn.get(f"/api/v2/sessions/{s}/context?directive=lamp")["relevant_turns"]) == n


def test_other_arguments_are_another_answer(cairn):
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "the lamp and the door")
    lamp = cairn.get(f"/api/v2/sessions/{s}/context?directive=lamp")
    assert cairn.get(f"/api/v2/sessions/{s}/context?directive=zebra")["relevant_turns"] != lamp["relevant_turns"]
    assert cairn.get(f"/api/v2/sessions/{s}/context?directive=lamp")["relevant_turns"] == lamp["relevant_turns"]


def test_a_prop_that_belongs_to_no_session_shows_in_a_context_that_was_kept(cairn):
    s = session(cairn)
    cairn.get(f"/api/v2/sessions/{s}/context")
    made = cairn.http.post("/api/v1/props", json={"name": "a brass key", "project": "default", "usage_count": 9})
    assert made.status_code == 201
    assert "a brass key" in [p["name"] for p in cairn.get(f"/api/v2/sessions/{s}/context")["props"]]
