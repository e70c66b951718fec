"""Context search within a session, and recall across all."""

import pytest
from rest import NO_SESSION, conversation, refused, session, turn

FACTS = ["The lighthouse keeper repainted the door in green", "The harbour was empty all winter",
         "Bread was baked on Thursdays", "The ferry leaves at seven in the morning"]


@pytest.fixture
def told(cairn):
    s = session(cairn, project="coast")
    c = conversation(cairn, s, directive="The coast")
    ids = [turn(cairn, c, text, timestamp=f"2023-0{i + 1}-10T12:00:00Z")["turn_id"] for i, text in enumerate(FACTS)]
    return s, c, ids


def search(cairn, s, query, **more):
    return cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": query, **more}, 200)


def test_a_result_has_all_that_the_contract_names(cairn, told):
    s, c, ids = told
    found = search(cairn, s, "who repainted the lighthouse door?")
    assert found["total_matches"] >= 1 and found["search_time_ms"] >= 0
    top = found["results"][0]
    assert top["turn_id"] == ids[0] and top["conversation_id"] == c and 0 < top["relevance_score"] <= 1
    assert "lighthouse" in top["snippet"] and top["context"] == "The coast"
    assert top["timestamp"] == "2023-01-10T12:00:00.000Z"
    scores = [r["relevance_score"] for r in found["results"]]
    assert scores == sorted(scores, reverse=True)


def test_a_writer_finds_its_own_turn_at_once(cairn, told):
    s, c, _ = told
    for i in range(30):
        t = turn(cairn, c, f"the zanzibar{i} parrot spoke")
        assert t["turn_id"] in [r["turn_id"] for r in search(cairn, s, f"zanzibar{i}")["results"]]


def test_word_forms_and_case(cairn, told):
    s, _, ids = told
    for query in ("LIGHTHOUSES", "painting? repainting doors", "harbours", "winter!"):
        assert search(cairn, s, query)["results"], query


def test_nothing_matches(cairn, told):
    assert search(cairn, told[0], "xylophone")["results"] == []
    assert search(cairn, told[0], "xylophone")["total_matches"] == 0


@pytest.mark.parametrize("query", ['"', "AND OR NOT", "a AND (b", "door*", "NEAR(door)", "col:door", "-door", "日本語", "\x00",
                                   "'; --", "🏔️", "the of and", " "])
def test_no_query_is_an_error_of_the_engine(cairn, told, query):
    assert cairn.http.post(f"/api/v2/sessions/{told[0]}/context/search", json={"query": query}).status_code == 200


def test_limits(cairn, told):
    s, c, _ = told
    for i in range(120):
        turn(cairn, c, f"walnut number {i} of its basket")
    assert len(search(cairn, s, "walnut")["results"]) == 10
    assert len(search(cairn, s, "walnut", max_results=100)["results"]) == 100
    assert len(search(cairn, s, "walnut", max_results=1)["results"]) == 1
    path = f"/api/v2/sessions/{s}/context/search"
    refused(cairn, "POST", path, {"query": "x", "max_results": 101}, field="max_results", says="100")
    refused(cairn, "POST", path, {"query": "x", "max_results": 0}, field="max_results")
    refused(cairn, "POST", path, {"query": ""}, field="query", says="empty")
    refused(cairn, "POST", path, {}, field="query", says="missing")
    refused(cairn, "POST", path, {"query": 7}, field="query")
    refused(cairn, "POST", path, {"query": "x", "max_result": 3}, field="max_result", says="did you mean \"max_results\"")
    refused(cairn, "POST", path, {"query": "x", "relevance_threshold": 1.5}, field="relevance_threshold")
    refused(cairn, "POST", f"/api/v2/sessions/{NO_SESSION}/context/search", {"query": "x"}, 404, "SESSION_NOT_FOUND")


def test_threshold(cairn, told):
    s, *_ = told
    scores = [r["relevance_score"] for r in search(cairn, s, "lighthouse door winter")["results"]]
    assert len(scores) >= 2
    bound = (scores[0] + scores[-1]) / 2
    kept = [r["relevance_score"] for r in search(cairn, s, "lighthouse door winter", relevance_threshold=bound)["results"]]
    assert kept and all(k >= bound for k in kept)


def test_time_range(cairn, told):
    s, _, ids = told
    words = "lighthouse harbour bread ferry"
    found = search(cairn, s, words, time_range={"start": "2023-02-01T00:00:00Z", "end": "2023-03-31T00:00:00Z"})
    assert {r["turn_id"] for r in found["results"]} == {ids[1], ids[2]}
    found = search(cairn, s, words, time_range={"start": "2023-04-01T00:00:00Z"})
    assert {r["turn_id"] for r in found["results"]} == {ids[3]}
    path = f"/api/v2/sessions/{s}/context/search"
    refused(cairn, "POST", path, {"query": "x", "time_range": {"start": "soon"}}, field="time_range", says="start")
    refused(cairn, "POST", path, {"query": "x", "time_range": "2023"}, field="time_range")
    refused(cairn, "POST", path, {"query": "x", "time_range": {"start": "2024-01-01T00:00:00Z",
                                                              "end": "2023-01-01T00:00:00Z"}}, field="time_range")


def test_recall_goes_across_sessions_and_projects(cairn, told):
    s, c, ids = told
    other = session(cairn, project="hills")
    t = turn(cairn, conversation(cairn, other), "The lighthouse on the hill has a red door", agent="ben", role="user")
    found = cairn.post("/api/v2/recall", {"query": "lighthouse door"}, 200)
    assert {ids[0], t["turn_id"]} <= {r["id"] for r in found["results"]}
    only = cairn.post("/api/v2/recall", {"query": "lighthouse door", "project": "hills"}, 200)["results"]
    assert [r["id"] for r in only] == [t["turn_id"]]
    assert only[0]["agent"] == "ben" and only[0]["role"] == "user" and only[0]["session_id"] == other
    assert only[0]["kind"] == "turn" and only[0]["source"]["turn_id"] == t["turn_id"]
    mine = cairn.post("/api/v2/recall", {"query": "lighthouse door", "session_id": s}, 200)["results"]
    assert {r["session_id"] for r in mine} == {s}


def test_recall_explains_and_looks_back(cairn, told):
    s, _, ids = told
    found = cairn.post("/api/v2/recall", {"query": "lighthouse", "explain": True}, 200)
    assert found["results"][0]["why"]["words"] > 0
    assert "why" not in cairn.post("/api/v2/recall", {"query": "lighthouse"}, 200)["results"][0]
    before = cairn.post("/api/v2/recall", {"query": "lighthouse ferry", "as_of": "2023-02-01T00:00:00Z"}, 200)["results"]
    assert ids[0] in [r["id"] for r in before] and ids[3] not in [r["id"] for r in before]
    assert cairn.post("/api/v2/recall", {"query": "lighthouse", "kinds": ["pattern"]}, 200)["results"] == []
    refused(cairn, "POST", "/api/v2/recall", {"query": "x", "kinds": ["patern"]}, field="kinds")
    refused(cairn, "POST", "/api/v2/recall", {"query": "x", "kinds": "turn"}, field="kinds")
    refused(cairn, "POST", "/api/v2/recall", {"query": "x", "session_id": NO_SESSION}, 404, "SESSION_NOT_FOUND")
    refused(cairn, "POST", "/api/v2/recall", {"query": "x", "as_of": "then"}, field="as_of")


def test_found_again_after_a_restart(cairn, told):
    s, _, ids = told
    before = search(cairn, s, "ferry morning")["results"]
    cairn.restart()
    after = search(cairn, s, "ferry morning")["results"]
    assert [r["turn_id"] for r in after] == [r["turn_id"] for r in before] and before[0]["turn_id"] == ids[3]
