"""Sessions over REST (contract §3): create, list, show, preferences, archive, and what is refused."""

import re

import pytest
from rest import NO_SESSION, conversation, refused, session, turn

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
DEFAULTS = {"memory_retention_days": 30, "context_depth": 10, "auto_summarize": True}


def test_create_answers_what_the_contract_names(cairn):
    s = cairn.post("/api/v2/sessions", {"title": "Trip", "user_id": "u1", "tags": ["a", "b"], "description": "long"}, 201)
    assert re.fullmatch(r"sess_[0-9a-f]{32}", s["session_id"])
    assert TIME.match(s["created_at"]) and s["status"] == "active" and s["token"] is None
    shown = cairn.get(f"/api/v2/sessions/{s['session_id']}")
    assert shown["title"] == "Trip" and shown["user_id"] == "u1" and shown["tags"] == ["a", "b"]
    assert shown["privacy_level"] == "TEAM" and shown["project"] == "default"
    assert shown["user_preferences"] == DEFAULTS
    assert shown["conversation_count"] == 0 and shown["total_turns"] == 0
    assert shown["created_at"] == s["created_at"]


def test_a_body_is_not_needed(cairn):
    for body in (b"", b"{}"):
        assert cairn.http.post("/api/v2/sessions", content=body).status_code == 201


def test_counts_follow_what_is_stored(cairn):
    s = session(cairn)
    for n in range(2):
        c = conversation(cairn, s, directive=f"about {n}")
        for i in range(3):
            turn(cairn, c, f"turn {i}")
    shown = cairn.get(f"/api/v2/sessions/{s}")
    assert shown["conversation_count"] == 2 and shown["total_turns"] == 6
    assert shown["last_active"] >= shown["created_at"]


def test_two_agents_exist_from_the_start(cairn):
    s = session(cairn)
    beatrice = cairn.get(f"/api/v2/sessions/{s}/agents/beatrice/state")["state"]
    codey = cairn.get(f"/api/v2/sessions/{s}/agents/codey/state")["state"]
    assert beatrice["personality_traits"] == {"analytical_depth": 0.8, "detail_orientation": 0.9, "supportive_tone": 0.7}
    assert beatrice["expertise_areas"] == ["code_analysis", "quality_assurance", "strategic_planning"]
    assert beatrice["interaction_history"]["preferred_response_length"] == "detailed"
    assert codey["personality_traits"] == {"creativity_level": 0.8, "implementation_focus": 0.9, "detail_attention": 0.8}
    assert codey["execution_history"] == codey["preferred_approaches"] == codey["successful_patterns"] == []


def test_agent_state_is_merged_deeply(cairn):
    s = session(cairn)
    path = f"/api/v2/sessions/{s}/agents/beatrice/state"
    answer = cairn.http.put(path, json={"state_updates": {"personality_traits": {"supportive_tone": 0.9}, "mood": "calm",
                                        "new_learned_pattern": {"pattern": "tests first", "confidence": 0.8}},
                                        "update_reason": "she learned"})
    assert answer.status_code == 200
    assert set(answer.json()["updated_fields"]) == {"personality_traits", "mood", "learned_patterns"}
    cairn.http.put(path, json={"state_updates": {"new_learned_pattern": {"pattern": "ask"}}}).raise_for_status()
    state = cairn.get(path)["state"]
    assert state["personality_traits"] == {"analytical_depth": 0.8, "detail_orientation": 0.9, "supportive_tone": 0.9}
    assert [p["pattern"] for p in state["learned_patterns"]] == ["tests first", "ask"]
    assert state["mood"] == "calm"
    cairn.http.put(f"/api/v2/sessions/{s}/agents/newcomer/state", json={"state_updates": {"x": 1}}).raise_for_status()
    assert cairn.get(f"/api/v2/sessions/{s}/agents/newcomer/state")["state"] == {"x": 1}
    refused(cairn, "GET", f"/api/v2/sessions/{s}/agents/nobody/state", status=404, code="NOT_FOUND")
    refused(cairn, "PUT", path, {"state_updates": [1]}, field="state_updates")
    refused(cairn, "PUT", path, {}, field="state_updates")


@pytest.mark.parametrize("context", ["remember the blue door", {"goal": "paint", "doors": [1, 2]}])
def test_initial_context_is_remembered(cairn, context):
    s = cairn.post("/api/v2/sessions", {"initial_context": context}, 201)
    turns = cairn.get(f"/api/v2/conversations/{s['conversation_id']}")["turns"]
    assert len(turns) == 1 and turns[0]["role"] == "system" and "door" in turns[0]["content"]


def test_preferences_merge(cairn):
    s = session(cairn, user_preferences={"context_depth": 3, "ui": {"dark": True, "size": 1}})
    assert cairn.get(f"/api/v2/sessions/{s}")["user_preferences"] == {**DEFAULTS, "context_depth": 3,
                                                                     "ui": {"dark": True, "size": 1}}
    path = f"/api/v2/sessions/{s}/preferences"
    r = cairn.http.put(path, json={"memory_retention_days": 90, "ui": {"size": 2}})
    assert r.status_code == 200, r.text
    assert r.json()["session_id"] == s and TIME.match(r.json()["updated_at"])
    want = {**DEFAULTS, "context_depth": 3, "memory_retention_days": 90, "ui": {"dark": True, "size": 2}}
    assert r.json()["updated_preferences"] == want
    r = cairn.http.put(path, json={"user_preferences": {"auto_summarize": False}})
    assert r.json()["updated_preferences"] == {**want, "auto_summarize": False}
    assert cairn.get(f"/api/v2/sessions/{s}")["user_preferences"] == {**want, "auto_summarize": False}
    refused(cairn, "PUT", path, {})
    refused(cairn, "PUT", path, {"memory_retention_days": "long"}, field="memory_retention_days", says="whole number")
    refused(cairn, "PUT", path, {"context_depth": 101}, field="context_depth", says="100")
    refused(cairn, "PUT", f"/api/v2/sessions/{NO_SESSION}/preferences", {"a": 1}, 404, "SESSION_NOT_FOUND")


def test_archive(cairn):
    s = session(cairn)
    for _ in range(2):
        conversation(cairn, s)
    a = cairn.post(f"/api/v2/sessions/{s}/archive", None)
    assert a["status"] == "archived" and a["conversations_archived"] == 2 and TIME.match(a["archived_at"])
    assert cairn.get(f"/api/v2/sessions/{s}")["status"] == "archived"
    assert cairn.post(f"/api/v2/sessions/{s}/archive", None)["conversations_archived"] == 0
    refused(cairn, "POST", f"/api/v2/sessions/{NO_SESSION}/archive", status=404, code="SESSION_NOT_FOUND")


def test_list_filters_and_pages(cairn):
    mine = [session(cairn, title=f"s{i}", user_id="me", project="p1") for i in range(7)]
    session(cairn, user_id="you", project="p2")
    cairn.post(f"/api/v2/sessions/{mine[0]}/archive", None)
    seen, cursor = [], {}
    while True:
        page = cairn.get("/api/v2/sessions", project="p1", limit=3, **cursor)
        assert len(page["sessions"]) <= 3 and page["total"] == 7
        seen += [s["id"] for s in page["sessions"]]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == mine[::-1], "newest first, each once"
    assert cairn.get("/api/v2/sessions", status="archived")["sessions"][0]["id"] == mine[0]
    assert cairn.get("/api/v2/sessions", user_id="you")["total"] == 1
    refused(cairn, "GET", "/api/v2/sessions?limit=0", field="limit", says="1")
    refused(cairn, "GET", "/api/v2/sessions?limit=many", field="limit", says="whole number")
    refused(cairn, "GET", "/api/v2/sessions?status=sleeping", field="status", says="active")
    refused(cairn, "GET", "/api/v2/sessions?cursor=made-up", field="cursor")
    refused(cairn, "GET", "/api/v2/sessions?projcet=p1", field="projcet", says="did you mean \"project\"")


def test_pages_hold_still_while_others_write(cairn):
    first = [session(cairn, project="still") for _ in range(6)]
    page = cairn.get("/api/v2/sessions", project="still", limit=3)
    session(cairn, project="still")
    rest = cairn.get("/api/v2/sessions", project="still", limit=10, cursor=page["next_cursor"])
    assert [s["id"] for s in page["sessions"] + rest["sessions"]] == first[::-1]


@pytest.mark.parametrize("body, field, says", [
    ({"titel": "x"}, "titel", "did you mean \"title\""),
    ({"title": 3}, "title", "a string"),
    ({"title": "x" * 501}, "title", "500"),
    ({"tags": "a"}, "tags", "an array"),
    ({"user_preferences": "none"}, "user_preferences", "an object"),
    ({"privacy_level": "SECRET"}, "privacy_level", "PUBLIC|TEAM|PRIVATE|EPHEMERAL"),
    ([1, 2], "body", "object"),
])
def test_bad_bodies_name_the_field(cairn, body, field, says):
    refused(cairn, "POST", "/api/v2/sessions", body, field=field, says=says)


@pytest.mark.parametrize("text", ['{"title":', '{"title":"a","title":"b"}', '"x"', '{"a":1}x', "\xff"])
def test_bad_json(cairn, text):
    r = cairn.http.post("/api/v2/sessions", content=text.encode("latin-1"))
    assert r.status_code == 400 and r.json()["error"]["code"] == "VALIDATION_FAILED", r.text
    assert r.json()["error"]["details"]["field"] == "body"


def test_unknown_sessions(cairn):
    for path in (f"/api/v2/sessions/{NO_SESSION}", "/api/v2/sessions/x", f"/api/v2/sessions/{NO_SESSION}/context"):
        refused(cairn, "GET", path, status=404, code="SESSION_NOT_FOUND")
    refused(cairn, "POST", "/api/v2/conversations", {"session_id": NO_SESSION}, 404, "SESSION_NOT_FOUND")


def test_the_time_of_every_step_is_utc_with_milliseconds(cairn):
    s = cairn.get(f"/api/v2/sessions/{session(cairn)}")
    assert TIME.match(s["created_at"]) and TIME.match(s["updated_at"]) and TIME.match(s["last_active"])


def test_ten_sessions_of_a_user_in_one_breath(cairn):
    ids = {session(cairn, user_id="one") for _ in range(10)}
    assert len(ids) == 10 and cairn.get("/api/v2/sessions", user_id="one")["total"] == 10
