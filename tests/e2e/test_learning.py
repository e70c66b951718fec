"""What agents learn from stored turns, behind the writes, and outcomes."""

import json
import threading

from conftest import eventually
from rest import NO_CONVERSATION, NO_SESSION, conversation, refused, session, turn


def state(cairn, session_id, agent):
    r = cairn.http.get(f"/api/v2/sessions/{session_id}/agents/{agent}/state")
    return r.json()["state"] if r.status_code == 200 else {}


def interactions(cairn, session_id, agent):
    return state(cairn, session_id, agent).get("interaction_history", {}).get("total_interactions", 0)


def learnt(cairn, session_id, agent, turns):
    """The agent's state once so many of its turns are in it."""
    eventually(lambda: interactions(cairn, session_id, agent) >= turns, what=f"{turns} turns of {agent} to be learnt")
    return state(cairn, session_id, agent)


def outcome(cairn, conversation_id, agent, success, **more):
    return cairn.post(f"/api/v2/conversations/{conversation_id}/outcome", {"agent": agent, "success": success, **more}, 200)


def test_turns_teach_their_agent_counts_topics_lengths_and_phrases(cairn):
    s = session(cairn)
    c = conversation(cairn, s, directive="Boats")
    said = ["The red canoe leaks again.", "Mend the red canoe, then paint it.", "Ça alors, the red canoe floats!"]
    for text in said:
        turn(cairn, c, text, agent="codey")
    got = learnt(cairn, s, "codey", 3)
    assert got["interaction_history"]["total_interactions"] == 3
    assert got["content_length_preferences"] == [len(t) for t in said]
    assert got["preferred_topics"][0]["topic"] == "canoe" and 2.9 < got["preferred_topics"][0]["weight"] <= 3
    assert got["frequent_phrases"] == [{"phrase": "red canoe", "count": 3}]
    assert got["personality_traits"]["creativity_level"] == 0.8  # what it began with stays


def test_an_agent_that_was_not_there_gets_a_state_with_its_first_turn(cairn):
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "Hello there", agent="greta")
    assert learnt(cairn, s, "greta", 1)["content_length_preferences"] == [11]
    assert interactions(cairn, s, "codey") == 0


def test_systems_and_tools_teach_nothing(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, "Be brief.", agent="rules", role="system")
    turn(cairn, c, "exit status 1", agent="shell", role="tool")
    turn(cairn, c, "I see.", agent="greta")
    learnt(cairn, s, "greta", 1)
    assert state(cairn, s, "rules") == {} and state(cairn, s, "shell") == {}


def test_only_the_last_fifty_lengths_are_kept(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    for n in range(1, 56):
        turn(cairn, c, "x" * n, agent="codey")
    assert learnt(cairn, s, "codey", 55)["content_length_preferences"] == list(range(6, 56))


def test_what_is_set_while_it_learns_is_not_lost(cairn):
    s = session(cairn)
    c = conversation(cairn, s)

    def talk():
        for n in range(40):
            turn(cairn, c, f"turn {n}", agent="codey")

    talking = threading.Thread(target=talk)
    talking.start()
    for n in range(40):
        r = cairn.http.put(f"/api/v2/sessions/{s}/agents/codey/state", json={"state_updates": {"mine": {f"k{n}": n}}})
        assert r.status_code == 200, r.text
    talking.join()
    got = learnt(cairn, s, "codey", 40)
    assert got["mine"] == {f"k{n}": n for n in range(40)} and got["interaction_history"]["total_interactions"] == 40


def test_a_member_of_another_type_is_left_alone(cairn):
    s = session(cairn)
    mine = {"state_updates": {"preferred_topics": "boats", "content_length_preferences": {"short": True}}}
    cairn.http.put(f"/api/v2/sessions/{s}/agents/codey/state", json=mine)
    turn(cairn, conversation(cairn, s), "The canoe and the canoe", agent="codey")
    got = learnt(cairn, s, "codey", 1)
    assert got["preferred_topics"] == "boats" and got["content_length_preferences"] == {"short": True}


def test_a_killed_server_learns_each_turn_once(make_cairn):
    cairn = make_cairn()
    s = session(cairn)
    c = conversation(cairn, s)
    for n in range(100):
        turn(cairn, c, f"red canoe {n}", agent="codey")
        if n in (30, 60, 99):
            cairn.kill()
            cairn.start()
    got = learnt(cairn, s, "codey", 100)
    assert got["interaction_history"]["total_interactions"] == 100
    assert got["frequent_phrases"][0] == {"phrase": "red canoe", "count": 100}


def test_what_was_learnt_is_not_learnt_again_from_an_import(cairn, make_cairn, tmp_path):
    s = session(cairn)
    c = conversation(cairn, s)
    for text in ("The red canoe leaks.", "Mend the red canoe."):
        turn(cairn, c, text, agent="greta")
    before = learnt(cairn, s, "greta", 2)
    made = cairn.post(f"/api/v2/sessions/{s}/export", {"format": "json"}, 201)
    file = tmp_path / "export.json"
    file.write_text(cairn.http.get(made["download_url"]).text)
    there = make_cairn("there")
    there.run("import", str(file))
    assert state(there, s, "greta") == before
    turn(there, c, "Where is the red canoe?", agent="greta")
    after = learnt(there, s, "greta", 3)
    assert after["interaction_history"]["total_interactions"] == 3 and len(after["content_length_preferences"]) == 3
    assert after["frequent_phrases"] == [{"phrase": "red canoe", "count": 3}]


def test_a_state_that_has_learnt_is_told_to_models_without_its_counts(cairn, upstream):
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "the red canoe " * 60, agent="beatrice")
    learnt(cairn, s, "beatrice", 1)
    answer = cairn.post("/v2/chat/completions", {"model": "plain", "session_id": s, "agent": "beatrice",
                                                 "messages": [{"role": "user", "content": "What of the canoe?"}]})
    assert answer["memory_metadata"]["agent_state_applied"] is True
    sent = json.dumps(upstream.last(), default=str)
    assert "analytical_depth" in sent and "total_interactions" not in sent


def test_a_deleted_session_learns_nothing_more(cairn):
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "gone soon", agent="greta")
    assert cairn.http.delete(f"/api/v1/sessions/{s}").status_code in (200, 204)
    other = session(cairn)
    turn(cairn, conversation(cairn, other), "still here", agent="greta")
    learnt(cairn, other, "greta", 1)
    assert cairn.get("/api/v1/agent_states", session_id=s) == []


def test_outcomes_count_and_what_worked_is_remembered(cairn):
    s = session(cairn)
    c = conversation(cairn, s, directive="Mend the canoe")
    first = outcome(cairn, c, "codey", True, note="floats")
    assert first["successful_outcomes"] == 1 and first["failed_outcomes"] == 0 and first["session_id"] == s
    assert outcome(cairn, c, "codey", True)["successful_outcomes"] == 2  # each report counts
    assert outcome(cairn, c, "codey", False, note="leaks")["failed_outcomes"] == 1
    got = state(cairn, s, "codey")
    assert got["interaction_history"] == {"total_interactions": 0, "successful_outcomes": 2, "failed_outcomes": 1}
    history = got["execution_history"]
    assert [(h["success"], h["note"]) for h in history] == [(True, "floats"), (True, None), (False, "leaks")]
    assert {h["conversation_id"] for h in history} == {c} and history[0]["directive"] == "Mend the canoe"
    assert [(p["pattern"], p["successes"]) for p in got["successful_patterns"]] == [("Mend the canoe", 2)]


def test_an_outcome_of_an_unknown_agent_makes_its_state(cairn):
    s = session(cairn)
    outcome(cairn, conversation(cairn, s), "greta", False)
    assert state(cairn, s, "greta")["interaction_history"] == {"failed_outcomes": 1}


def test_only_the_last_fifty_outcomes_are_kept(cairn):
    s = session(cairn)
    c = conversation(cairn, s, directive="Row")
    for n in range(55):
        outcome(cairn, c, "codey", True, note=str(n))
    got = state(cairn, s, "codey")
    assert [h["note"] for h in got["execution_history"]] == [str(n) for n in range(5, 55)]
    assert got["interaction_history"]["successful_outcomes"] == 55


def test_bad_outcomes_are_refused(cairn):
    c = conversation(cairn, session(cairn))
    path = f"/api/v2/conversations/{c}/outcome"
    refused(cairn, "POST", path, {"success": True}, field="agent")
    refused(cairn, "POST", path, {"agent": "codey"}, field="success")
    refused(cairn, "POST", path, {"agent": "codey", "success": "yes"}, field="success")
    refused(cairn, "POST", f"/api/v2/conversations/{NO_CONVERSATION}/outcome", {"agent": "codey", "success": True}, 404,
            "CONVERSATION_NOT_FOUND")
    refused(cairn, "GET", f"/api/v2/sessions/{NO_SESSION}/analytics", None, 404, "SESSION_NOT_FOUND")
