"""Traces of what was recalled, and analytics of a session."""

import math

from conftest import eventually
from rest import conversation, session, turn


def analytics(cairn, session_id):
    return cairn.get(f"/api/v2/sessions/{session_id}/analytics")


def loads(cairn, n, **filters):
    """Newest first, once there are so many."""
    def all():
        return cairn.get("/api/v1/context_loads", **filters)
    eventually(lambda: len(all()) >= n, what=f"{n} context loads")
    return all()


def boats(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    canoe = turn(cairn, c, "The red canoe leaks at the stern", agent="greta")
    turn(cairn, c, "Sourdough needs twelve hours", agent="greta")
    return s, c, canoe["turn_id"]


def test_each_way_of_recalling_leaves_a_trace(cairn):
    s, c, canoe = boats(cairn)
    cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe leaks")
    cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "canoe stern"})
    cairn.post("/api/v2/recall", {"query": "red canoe", "session_id": s})
    cairn.post("/api/v2/conversations", {"session_id": s, "directive": "the canoe again"}, 201)
    cairn.post("/v1/chat/completions", {"model": "plain", "session_id": s,
                                        "messages": [{"role": "user", "content": "Which canoe leaks?"}]})
    found = {x["purpose"]: x for x in loads(cairn, 5, session_id=s)}
    assert set(found) == {"context", "search", "recall", "directive", "proxy"}
    for purpose in ("context", "search", "recall", "proxy"):
        first = found[purpose]["items"][0]
        assert first["kind"] == "turn" and first["id"] == canoe and 0 < first["score"] <= 1, found[purpose]
        assert found[purpose]["tokens"] > 0 and found[purpose]["took_ms"] >= 0
    assert found["context"]["query"] == "canoe leaks" and found["proxy"]["query"] == "Which canoe leaks?"
    assert found["directive"]["items"][0]["kind"] == "conversation" and found["directive"]["items"][0]["id"] == c
    assert found["recall"]["reader"] == "local" and found["proxy"]["conversation_id"].startswith("conv_")


def test_a_kept_answer_leaves_the_same_trace(cairn):
    s, _, canoe = boats(cairn)
    for _ in range(3):
        cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe")
    hits = cairn.metric("cairn_cache_hits_total")
    answers = [cairn.get(f"/api/v2/sessions/{s}/context", directive="canoe") for _ in range(5)]
    assert all(a == answers[0] for a in answers)
    assert cairn.metric("cairn_cache_hits_total") > hits
    found = loads(cairn, 8, session_id=s)
    assert len(found) == 8 and {x["items"][0]["id"] for x in found} == {canoe}
    assert len({(x["query"], x["tokens"], str(x["items"])) for x in found}) <= 2  # scores move with time


def test_a_recall_across_sessions_belongs_to_the_callers_project(cairn):
    boats(cairn)
    cairn.post("/api/v2/recall", {"query": "canoe traces across"})
    found = eventually(lambda: [x for x in cairn.get("/api/v1/context_loads") if x["query"] == "canoe traces across"],
                       what="the trace")
    assert found[0]["session_id"] is None and found[0]["project"] == "default" and found[0]["items"]


def test_a_new_session_knows_nothing_and_says_so(cairn):
    got = analytics(cairn, session(cairn))
    assert got["memory_usage"]["turns"] == 0 and got["memory_usage"]["first_turn_at"] is None
    assert got["interaction_patterns"]["speakers"] == [] and got["interaction_patterns"]["mean_tokens"] is None
    effect = got["context_effectiveness"]
    assert effect["served"] == 0
    for name in ("mean_score", "mean_took_ms", "items_per_load", "recalled_again_share", "followed_by_success_share"):
        assert effect[name] is None


def test_usage_and_interactions_are_counted(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, "abcd" * 10, agent="ana", role="user", timestamp="2026-03-01T09:30:00Z")
    turn(cairn, c, "é" * 10, agent="greta", timestamp="2026-03-01T09:31:00Z", metadata={"response_time_ms": 100})
    turn(cairn, c, "x" * 40, agent="greta", timestamp="2026-03-03T23:00:00Z", metadata={"response_time_ms": 300.5})
    turn(cairn, conversation(cairn, s), "x", agent="greta", timestamp="2026-03-03T23:59:59Z",
         metadata={"response_time_ms": "slow"})
    eventually(lambda: analytics(cairn, s)["interaction_patterns"]["topics"], what="topics")
    got = analytics(cairn, s)
    usage, said = got["memory_usage"], got["interaction_patterns"]
    assert usage["turns"] == 4 and usage["conversations"] == 2 and usage["content_bytes"] == 40 + 20 + 40 + 1
    assert usage["first_turn_at"] == "2026-03-01T09:30:00.000Z" and usage["last_turn_at"] == "2026-03-03T23:59:59.000Z"
    assert [(x["agent"], x["role"], x["turns"]) for x in said["speakers"]] == [("ana", "user", 1), ("greta", "assistant", 3)]
    assert said["speakers"][0]["response_time_ms"] is None and said["speakers"][0]["mean_bytes"] == 40
    assert said["speakers"][1]["response_time_ms"] == {"turns": 2, "mean": 200.25, "max": 300.5}
    assert said["turns_by_hour"][9] == 2 and said["turns_by_hour"][23] == 2 and sum(said["turns_by_hour"]) == 4
    assert said["turns_by_day"] == [{"day": "2026-03-01", "turns": 2}, {"day": "2026-03-03", "turns": 2}]


def test_effectiveness_is_told_from_traces_and_outcomes(cairn):
    s, c, canoe = boats(cairn)
    given = [r for query in ("red canoe", "canoe stern", "zeppelin")
             for r in cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": query})["results"]]
    ids = [r["turn_id"] for r in given]
    loads(cairn, 3, session_id=s)
    before = analytics(cairn, s)["context_effectiveness"]
    assert before["served"] == 3 and before["by_purpose"]["search"] == 3 and before["found_nothing"] == 1
    assert canoe in ids and before["items"] == len(ids) and before["distinct_items"] == len(set(ids))
    assert before["recalled_again_share"] == sum(ids.count(i) > 1 for i in set(ids)) / len(set(ids))
    assert math.isclose(before["mean_score"], sum(r["relevance_score"] for r in given) / len(given), rel_tol=1e-6)
    assert before["tokens"] > 0 and before["mean_took_ms"] >= 0
    assert before["followed_by_outcome"] == 0 and before["followed_by_success_share"] is None
    cairn.post(f"/api/v2/conversations/{c}/outcome", {"agent": "greta", "success": True}, 200)
    got = analytics(cairn, s)
    assert got["context_effectiveness"]["followed_by_outcome"] == 3
    assert got["context_effectiveness"]["followed_by_success_share"] == 1
    assert got["interaction_patterns"]["outcomes"] == {"successful": 1, "failed": 0}


def test_a_stopped_server_has_written_its_traces(make_cairn):
    cairn = make_cairn()
    s, *_ = boats(cairn)
    for n in range(200):
        cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": f"canoe {n}"})
    cairn.restart()
    assert len(cairn.get("/api/v1/context_loads", session_id=s, limit=300)) == 200
