"""A session's context for a directive, and its summary."""

from rest import NO_SESSION, conversation, refused, session, turn

FIELDS = {"session_id", "context_summary", "key_topics", "agent_states", "recent_conversations", "relevant_conversations",
          "relevant_turns", "characters", "props", "previous_conversations", "current_conversation_summary",
          "total_conversations"}


def fill(cairn, **body):
    s = session(cairn, **body)
    boats = conversation(cairn, s, directive="Boats")
    turn(cairn, boats, "The red canoe leaks at the stern and needs resin")
    turn(cairn, boats, "Buy resin on Saturday")
    bread = conversation(cairn, s, directive="Bread")
    turn(cairn, bread, "Sourdough needs twelve hours")
    return s, boats, bread


def test_all_that_the_contract_names(cairn):
    s, boats, bread = fill(cairn)
    c = cairn.get(f"/api/v2/sessions/{s}/context", directive="How do we mend the canoe?")
    assert FIELDS <= set(c)
    assert c["session_id"] == s and c["total_conversations"] == 2 and c["context_summary"] is None
    assert {"beatrice", "codey"} <= set(c["agent_states"])
    assert [r["conversation_id"] for r in c["recent_conversations"]] == [bread, boats]
    assert c["relevant_conversations"][0]["conversation_id"] == boats
    assert c["relevant_conversations"][0]["directive"] == "Boats"
    top = c["relevant_turns"][0]
    assert "canoe" in top["content"] and top["conversation_id"] == boats and 0 < top["relevance_score"] <= 1
    assert "resin" in c["key_topics"] and len(c["key_topics"]) <= 10


def test_without_a_directive_nothing_is_recalled(cairn):
    s, _, bread = fill(cairn)
    c = cairn.get(f"/api/v2/sessions/{s}/context")
    assert c["relevant_turns"] == [] and c["relevant_conversations"] == []
    assert c["recent_conversations"][0]["conversation_id"] == bread


def test_an_empty_session(cairn):
    c = cairn.get(f"/api/v2/sessions/{session(cairn)}/context", directive="anything")
    assert c["total_conversations"] == 0 and c["relevant_turns"] == [] and c["key_topics"] == []


def test_other_sessions_stay_out(cairn):
    s, *_ = fill(cairn)
    other = session(cairn)
    turn(cairn, conversation(cairn, other), "Another canoe, a blue one")
    c = cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe")
    assert all("blue" not in t["content"] for t in c["relevant_turns"])


def test_budgets(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    for i in range(30):
        turn(cairn, c, f"canoe number {i} " + "and its long story " * 20)
    assert len(cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe")["relevant_turns"]) == 10
    assert len(cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe", max_turns=3)["relevant_turns"]) == 3
    few = cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe", max_tokens=250)["relevant_turns"]
    assert 1 <= len(few) <= 2
    refused(cairn, "GET", f"/api/v2/sessions/{s}/context?max_turns=0", field="max_turns")
    refused(cairn, "GET", f"/api/v2/sessions/{s}/context?max_turns=101", field="max_turns")
    refused(cairn, "GET", f"/api/v2/sessions/{s}/context?max_tokens=no", field="max_tokens")
    refused(cairn, "GET", f"/api/v2/sessions/{s}/context?directve=x", field="directve", says="did you mean")


def test_characters_and_props_of_the_project_at_most_three(cairn):
    s = session(cairn, project="play")
    for i in range(5):
        cairn.post("/api/v1/characters", {"name": f"c{i}", "project": "play"}, 201)
        cairn.post("/api/v1/props", {"name": f"p{i}", "project": "play"}, 201)
    cairn.post("/api/v1/characters", {"name": "stranger", "project": "other"}, 201)
    c = cairn.get(f"/api/v2/sessions/{s}/context")
    assert len(c["characters"]) == 3 and len(c["props"]) == 3
    assert all(x["name"] != "stranger" for x in c["characters"])


def test_summaries_replace_and_keep_history(cairn):
    s, *_ = fill(cairn)
    path = f"/api/v2/sessions/{s}/context/summary"
    first = cairn.http.put(path, json={"context_summary": "Boats and bread", "key_topics": ["boats"]})
    assert first.status_code == 200 and first.json()["archived_previous"] is False
    assert cairn.get(f"/api/v2/sessions/{s}/context")["context_summary"] == "Boats and bread"
    second = cairn.http.put(path, json={"summary": "Mostly boats"}).json()
    assert second["archived_previous"] is True
    assert cairn.get(f"/api/v2/sessions/{s}/context")["context_summary"] == "Mostly boats"
    history = cairn.get("/api/v1/summaries", session_id=s)
    assert [h["text"] for h in history] == ["Mostly boats", "Boats and bread"]
    refused(cairn, "PUT", path, {}, field="context_summary")
    refused(cairn, "PUT", path, {"context_summary": ""}, field="context_summary")
    refused(cairn, "PUT", f"/api/v2/sessions/{NO_SESSION}/context/summary", {"summary": "x"}, 404, "SESSION_NOT_FOUND")
