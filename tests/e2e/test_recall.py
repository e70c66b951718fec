"""Recall and what stands around a result: later turns that correct earlier ones, copies, what was known at a time, the
reasons of a score, and records beside turns."""

import pytest
from rest import conversation, session, turn

ASKED = {"query": "which port does staging use?"}


@pytest.fixture
def moved(cairn):
    """Two conversations: the second corrects the first."""
    s = session(cairn)
    first = turn(cairn, conversation(cairn, s), "The staging port is 6543", timestamp="2024-03-01T12:00:00Z")
    later = turn(cairn, conversation(cairn, s), "staging moved to port 7000", timestamp="2024-05-01T12:00:00Z")
    return s, first["turn_id"], later["turn_id"]


def recall(cairn, **body):
    return cairn.post("/api/v2/recall", body, 200)["results"]


def test_a_correction_comes_first_and_both_say_so(cairn, moved):
    s, first, later = moved
    found = recall(cairn, **ASKED, session_id=s)
    assert [r["id"] for r in found] == [later, first]
    assert found[0]["corrects"] == first and found[1]["corrected_by"] == later
    assert "corrected_by" not in found[0] and "corrects" not in found[1]
    searched = cairn.post(f"/api/v2/sessions/{s}/context/search", ASKED, 200)["results"]
    assert [r["turn_id"] for r in searched] == [later, first] and searched[1]["corrected_by"] == later


@pytest.mark.parametrize("as_of", ["2024-04-01T00:00:00Z", "2024-03-01T12:00:00Z"])
def test_what_came_later_plays_no_part_in_what_was_known(cairn, moved, as_of):
    s, first, _ = moved
    found = recall(cairn, **ASKED, session_id=s, as_of=as_of, explain=True)
    assert [r["id"] for r in found] == [first] and "corrected_by" not in found[0]
    assert found[0]["why"]["neighbours"] == 0 and found[0]["why"]["recency"] > 0.01  # seen from then
    searched = cairn.post(f"/api/v2/sessions/{s}/context/search", {**ASKED, "as_of": as_of}, 200)["results"]
    assert [r["turn_id"] for r in searched] == [first] and "corrected_by" not in searched[0]


def test_as_of_and_a_range_of_time_both_hold(cairn, moved):
    s, first, later = moved
    path, wide = f"/api/v2/sessions/{s}/context/search", {"end": "2025-01-01T00:00:00Z"}
    ids = [r["turn_id"] for r in cairn.post(path, {**ASKED, "time_range": wide, "as_of": "2024-04-01T00:00:00Z"})["results"]]
    assert ids == [first]
    narrow = {"end": "2024-03-15T00:00:00Z"}
    ids = [r["turn_id"] for r in cairn.post(path, {**ASKED, "time_range": narrow, "as_of": "2024-06-01T00:00:00Z"})["results"]]
    assert ids == [first]


def test_time_words_are_seen_from_as_of(cairn):
    s = session(cairn)
    ids = [turn(cairn, conversation(cairn, s), "We painted the boat shed " + how, timestamp=at)["turn_id"]
           for how, at in (("in red", "2024-03-04T12:00:00Z"), ("in blue", "2024-03-12T12:00:00Z"))]
    query = "what colour did we paint the boat shed in yesterday?"
    assert recall(cairn, query=query, session_id=s, as_of="2024-03-05T18:00:00Z")[0]["id"] == ids[0]
    assert recall(cairn, query=query, session_id=s, as_of="2024-03-13T18:00:00Z")[0]["id"] == ids[1]


def test_copies_are_folded_and_counted(cairn):
    s = session(cairn)
    for _ in range(4):
        turn(cairn, conversation(cairn, s), "The mast of the Aurora is broken.")
    found = recall(cairn, query="mast of the Aurora", session_id=s)
    assert len(found) == 1 and found[0]["folded"] == 3


def test_a_small_budget_tells_two_things(cairn):
    s = session(cairn)
    for how in ("gladly", "slowly", "rather late", "as agreed", "with help", "before noon", "for good", "at last"):
        turn(cairn, conversation(cairn, s), f"the mast of the boat was repaired by the old yard {how}")
    turn(cairn, conversation(cairn, s), "the boat has a mast of larch, which came from a farm up north")
    found = recall(cairn, query="what about the mast of the boat?", session_id=s, max_results=2)
    assert any("larch" in r["content"] for r in found) and any("repaired" in r["content"] for r in found)


def test_what_a_tool_wrote_counts_less_than_what_was_said(cairn):
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "the lantern stands on the shelf", role="tool", agent="grep")
    said = turn(cairn, conversation(cairn, s), "the lantern stands on a shelf", role="user")
    turn(cairn, conversation(cairn, s), "the lantern hangs under the roof", role="tool", agent="grep")
    found = recall(cairn, query="where is the lantern, on the shelf?", session_id=s, explain=True)
    assert found[0]["id"] == said["turn_id"] and found[0]["why"]["role"] == 0
    assert found[1]["role"] == "tool" and found[1]["why"]["role"] < 0


def test_every_reason_of_a_score_is_told(cairn, moved):
    s, first, later = moved
    found = recall(cairn, **ASKED, session_id=s, explain=True)
    why = found[0]["why"]
    assert set(why) >= {"words", "matched", "meaning", "cosine", "neighbours", "conversation", "speaker", "date",
                        "answer", "asking", "role", "recency", "repeated", "crowded", "corrected", "folded"}
    assert "port" in why["matched"] and why["corrects"] == first
    assert found[1]["why"]["corrected"] < 0 and found[1]["why"]["corrected_by"] == later


def test_the_command_line_tells_why(cairn, moved):
    s, _, later = moved
    out = cairn.run("recall", ASKED["query"], "--session", s, "--explain").stdout
    assert "why: words" in out and "superseded by a later turn, " + later in out and "corrects an earlier turn" in out
    out = cairn.run("recall", ASKED["query"], "--session", s, "--as-of", "2024-04-01T00:00:00Z").stdout
    assert "6543" in out and "7000" not in out and "superseded" not in out


def test_a_record_and_a_turn_with_the_same_words_compare(cairn):
    s = session(cairn, project="quays")
    text = "The quay of Valparaiso is closed on Mondays"
    said = turn(cairn, conversation(cairn, s, directive="Nothing much"), text)
    pattern = cairn.post("/api/v1/patterns", {"name": "Quay", "pattern_type": "decision", "project": "quays",
                                              "description": text}, 201)
    found = recall(cairn, query="when is the quay of Valparaiso closed?", kinds=["turn", "pattern"], project="quays")
    score = {r["id"]: r["score"] for r in found}
    assert set(score) == {said["turn_id"], pattern["pattern_id"]}
    assert abs(score[said["turn_id"]] - score[pattern["pattern_id"]]) < 0.25
