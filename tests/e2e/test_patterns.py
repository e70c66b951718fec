"""Patterns over REST: found in turns, merged, ranked, used, changed, deprecated; and what is refused."""

import pytest

from conftest import eventually
from rest import NO_SESSION, conversation, refused, session, turn

PATTERNS = "/api/v1/patterns"
NO_PATTERN = "pat_" + "0" * 32


@pytest.fixture
def make(cairn):
    def one(name="Retry with a growing delay", **more):
        return cairn.post(PATTERNS, {"pattern_type": "code", "name": name, **more}, 201)
    return one


def quality(p):
    return 0.4 * p["success_rate"] + 0.3 * min(p["frequency"] / 20, 1) + 0.3 * min(p["reuse_count"] / 10, 1)


def test_a_pattern_is_found_in_a_turn_and_points_to_its_session(cairn):
    s = session(cairn, project="web")
    turn(cairn, conversation(cairn, s), "The build fails with `undefined reference to log10` because the maths library is "
         "not linked. The fix is to add -lm at the end.")
    found = eventually(lambda: cairn.get(PATTERNS, project="web"))
    assert len(found) == 1
    p = found[0]
    assert p["pattern_type"] == "error" and p["source_session_id"] == s and p["frequency"] == 1
    assert p["details"]["message"] == "undefined reference to log10" and "-lm" in p["details"]["fix"]
    assert "Fix:" in p["template"] and 0.6 <= p["confidence"] <= 1
    assert p["quality_score"] == pytest.approx(quality(p)) and p["submodule_id"] == "web"


def test_most_turns_hold_none(cairn):
    c = conversation(cairn, session(cairn, project="web"))
    turn(cairn, c, "Good morning! Could you look at the tests that failed last night? Thank you very much in advance.")
    turn(cairn, c, "Set `POOL_MAX=20` and `POOL_WAIT_MS=500` so that a slow query cannot starve the others.")
    assert [p["pattern_type"] for p in eventually(lambda: cairn.get(PATTERNS, project="web"))] == ["configuration"]


def test_what_tools_print_is_no_pattern(cairn):
    c = conversation(cairn, session(cairn, project="web"))
    text = "We chose SQLite over Postgres for the cache because it needs no server beside the program."
    turn(cairn, c, text, role="tool")
    turn(cairn, c, text, role="assistant")
    assert eventually(lambda: cairn.get(PATTERNS, project="web"))[0]["frequency"] == 1


def test_uses_change_rate_and_quality(cairn, make):
    p = make(frequency=4)
    for i, success in enumerate([True, True, False, True]):
        p = cairn.post(f"{PATTERNS}/{p['id']}/used", {"success": success}, 200)
        assert p["reuse_count"] == i + 1 and p["last_used"] and p["quality_score"] == pytest.approx(quality(p))
    assert p["success_rate"] == pytest.approx(0.75)


def test_quality_is_computed_not_given(cairn, make):
    p = make(quality_score=0.99, frequency=10)
    assert p["quality_score"] == pytest.approx(0.15)
    p = cairn.http.patch(f"{PATTERNS}/{p['id']}", json={"frequency": 20, "quality_score": 0}).json()
    assert p["quality_score"] == pytest.approx(0.3)


def test_a_changed_text_keeps_the_old_one_as_a_version(cairn, make):
    p = make(template="sleep(1)", description="Wait a second")
    path = f"{PATTERNS}/{p['id']}"
    second = cairn.http.patch(path, json={"template": "sleep(2 ** n)"}).json()
    assert second["id"] == p["id"] and second["text_version"] == 2 and second["template"] == "sleep(2 ** n)"
    named = cairn.http.patch(path, json={"name": "Back off", "template": "sleep(2 ** n)"}).json()
    assert named["text_version"] == 2, "only another description or template is another text"
    third = cairn.http.patch(path, json={"description": "Wait longer each time"}).json()
    versions = cairn.get(path + "/versions")
    assert [v["text_version"] for v in versions] == [3, 2, 1]
    assert [v["current"] for v in versions] == [True, False, False]
    assert [v["template"] for v in versions] == ["sleep(2 ** n)", "sleep(2 ** n)", "sleep(1)"]
    assert [v["description"] for v in versions] == ["Wait longer each time", "Wait a second", "Wait a second"]
    chain = [v["parent_pattern_id"] for v in versions]
    assert chain == [versions[1]["id"], versions[2]["id"], None] and third["parent_pattern_id"] == chain[0]
    old = cairn.get(f"/api/v1/pattern_versions/{versions[2]['id']}")
    assert old["template"] == "sleep(1)" and old["pattern_id"] == p["id"]
    assert [x["id"] for x in cairn.get(PATTERNS)] == [p["id"]], "old texts are no patterns of their own"
    assert len(cairn.get(path + "/versions", limit=2)) == 2


def test_search_ranks_by_likeness(cairn, make):
    make("Retry with a growing delay", template="when the model times out, wait and retry")
    make("Table-driven tests", template="one row a case")
    make("Retry budget", pattern_type="decision", project="shop")
    found = cairn.post(PATTERNS + "/search", {"query": "retry after time-out of the model"}, 200)
    assert [p["name"] for p in found] == ["Retry with a growing delay", "Retry budget"]
    assert 1 >= found[0]["score"] > found[1]["score"] > 0
    only = lambda **q: [p["name"] for p in cairn.post(PATTERNS + "/search", {"query": "retry", **q}, 200)]
    assert only(pattern_type="decision") == ["Retry budget"] == only(project="shop") == only(submodule_id="shop")
    assert len(only(limit=1)) == 1 and only(query="the of and") == [] and only(query="kangaroo") == []
    assert only(query="'; DELETE FROM pattern; -- \" OR NEAR( *") == []


def test_recommendation_weighs_likeness_quality_success_and_recency(cairn, make):
    plain = make("Deploy by hand", template="deploy the service by hand")
    proven = make("Deploy by script", template="deploy the service by script", frequency=20)
    for _ in range(10):
        cairn.post(f"{PATTERNS}/{proven['id']}/used", {"success": True}, 200)
    found = cairn.post(PATTERNS + "/recommend", {"directive": "deploy the service"}, 200)
    assert [p["id"] for p in found] == [proven["id"], plain["id"]]
    for p in found:
        parts = p["score_parts"]
        assert p["score"] == pytest.approx(0.4 * parts["similarity"] + 0.25 * parts["quality"] + 0.2 * parts["success"] +
                                           0.15 * parts["recency"])
        assert parts["quality"] == pytest.approx(p["quality_score"]) and parts["recency"] == pytest.approx(1, abs=0.01)
    assert found[0]["score_parts"]["quality"] == pytest.approx(1) and found[0]["score_parts"]["success"] == 1


def test_a_deprecated_pattern_is_never_recommended(cairn, make):
    p = make("Deploy by hand")
    gone = cairn.post(f"{PATTERNS}/{p['id']}/deprecate", {"reason": "the script does it"}, 200)
    assert gone["deprecated"] is True and gone["deprecated_reason"] == "the script does it"
    assert cairn.post(PATTERNS + "/recommend", {"query": "deploy"}, 200) == []
    assert cairn.post(PATTERNS + "/search", {"query": "deploy"}, 200)[0]["id"] == p["id"], "who looks for it finds it"
    assert cairn.post(f"{PATTERNS}/{p['id']}/deprecate", {}, 200)["deprecated_reason"] == "the script does it"


def test_a_session_is_recommended_what_suits_its_last_turn(cairn, make):
    make("Deploy by script")
    s = session(cairn)
    assert cairn.post(PATTERNS + "/recommend", {"session_id": s}, 200) == []
    turn(cairn, conversation(cairn, s), "Now we have to deploy it")
    assert [p["name"] for p in cairn.post(PATTERNS + "/recommend", {"session_id": s}, 200)] == ["Deploy by script"]


def test_saving_a_known_id_updates_it(cairn, make):
    p = make("One", template="a")
    again = cairn.post(PATTERNS, {"id": p["id"], "pattern_type": "code", "name": "Two", "template": "b"}, 201)
    assert again["id"] == p["id"] and again["name"] == "Two" and again["text_version"] == 2
    assert len(cairn.get(PATTERNS)) == 1


def test_a_deleted_pattern_is_out_of_search_and_recommendation(cairn, make):
    p = make("Deploy by script")
    assert cairn.http.delete(f"{PATTERNS}/{p['id']}").status_code == 200
    assert cairn.post(PATTERNS + "/search", {"query": "deploy"}, 200) == []
    assert cairn.post(PATTERNS + "/recommend", {"query": "deploy"}, 200) == []
    refused(cairn, "GET", f"{PATTERNS}/{p['id']}/versions", status=404, code="NOT_FOUND")


def test_bad_input_is_refused(cairn, make):
    path = f"{PATTERNS}/{make()['id']}"
    refused(cairn, "POST", PATTERNS + "/search", {}, field="query")
    refused(cairn, "POST", PATTERNS + "/search", {"query": ""}, field="query")
    refused(cairn, "POST", PATTERNS + "/search", {"query": "x", "limit": 0}, field="limit")
    refused(cairn, "POST", PATTERNS + "/search", {"query": "x", "limit": 101}, field="limit")
    refused(cairn, "POST", PATTERNS + "/search", {"query": "x", "pattern_type": "habit"}, field="pattern_type")
    refused(cairn, "POST", PATTERNS + "/search", {"query": "x", "limt": 3}, field="limt", says="did you mean")
    refused(cairn, "POST", PATTERNS + "/search", {"query": 7}, field="query")
    refused(cairn, "POST", PATTERNS + "/recommend", {}, field="query")
    refused(cairn, "POST", PATTERNS + "/recommend", {"session_id": NO_SESSION}, status=404, code="SESSION_NOT_FOUND")
    refused(cairn, "POST", path + "/used", {}, field="success")
    refused(cairn, "POST", path + "/used", {"success": "often"}, field="success")
    refused(cairn, "POST", path + "/deprecate", {"reason": 5}, field="reason")
    refused(cairn, "PATCH", path, {"frequency": -1}, field="frequency")
    refused(cairn, "PATCH", path, {"templat": "x"}, field="templat", says="did you mean")
    refused(cairn, "POST", PATTERNS, {"name": "x"}, field="pattern_type")
    for method, tail, body in [("POST", "/used", {"success": True}), ("POST", "/deprecate", {}), ("GET", "/versions", None),
                               ("PATCH", "", {"name": "x"})]:
        refused(cairn, method, f"{PATTERNS}/{NO_PATTERN}{tail}", body, status=404, code="NOT_FOUND")


def test_on_the_command_line(cairn, make):
    p = make("Deploy by script", template="deploy the service by script")
    assert "Deploy by script" in cairn.run("recommend", "deploy", "it").stdout
    assert "Deploy by script" in cairn.run("pattern", "search", "deploy").stdout
    cairn.run("pattern", "used", p["id"], "--success", "true")
    assert cairn.get(f"{PATTERNS}/{p['id']}")["reuse_count"] == 1
    cairn.run("pattern", "deprecate", p["id"], "--reason", "old")
    assert "Deploy by script" not in cairn.run("recommend", "deploy").stdout
