"""Sessions and conversations of the v1 API: saved with what was said in them, listed, changed, archived, deleted with all
that belongs to them."""

import json

import pytest
from conftest import Cairn
from rest import NO_CONVERSATION, NO_SESSION, conversation, refused, session, turn, turns


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    cairn = Cairn(tmp_path_factory.mktemp("v1") / "data").start()
    yield cairn
    cairn.http.close()
    assert cairn.stop() == 0


def save(cairn, **body):
    return cairn.post("/api/v1/sessions", body, 201)


def conversations(cairn, session_id):
    return cairn.get("/api/v1/conversations", session_id=session_id, status="all")


def told(cairn, session_id):
    """What is stored of a session: conversations, oldest first, as lists of turns."""
    return [turns(cairn, c["id"]) for c in reversed(conversations(cairn, session_id))]


MESSAGES = [{"role": "user", "content": "How do we deploy?", "timestamp": "2024-05-01T10:00:00Z"},
            {"role": "assistant", "agent": "codey", "content": "With a canary.", "timestamp": "2024-05-01T10:00:05Z",
             "metadata": {"model": "m1"}, "finish_reason": "stop"}]


# -- saving --

@pytest.mark.parametrize("form", ["list", "object", "conversations", "list of objects", "string"])
def test_conversation_json_is_stored_as_conversations_and_turns(server, form):
    given = {"list": MESSAGES, "object": {"messages": MESSAGES, "title": "Deploying"},
             "conversations": {"conversations": [{"turns": MESSAGES, "directive": "Deploying"}]},
             "list of objects": [{"messages": MESSAGES}], "string": json.dumps(MESSAGES)}[form]
    made = save(server, title="T", conversation_json=given)
    assert (made["conversation_count"], made["total_turns"]) == (1, 2)
    (talk,) = told(server, made["id"])
    assert [(t["turn_number"], t["role"], t["agent"], t["content"]) for t in talk] == [
        (1, "user", "user", "How do we deploy?"), (2, "assistant", "codey", "With a canary.")]
    assert [t["timestamp"] for t in talk] == ["2024-05-01T10:00:00.000Z", "2024-05-01T10:00:05.000Z"]
    assert talk[1]["metadata"] == {"model": "m1", "finish_reason": "stop"}
    (c,) = conversations(server, made["id"])
    assert c["message_count"] == 2
    assert c["directive"] == ("Deploying" if form in ("object", "conversations") else None)


def test_other_names_of_roles_times_and_contents(server):
    s = save(server, conversation_json=[
        {"type": "human", "text": "a", "timestamp": 1700000000}, {"role": "wykeve", "content": "b"}, "c",
        {"role": "developer", "content": [{"type": "text", "text": "d1"}, {"type": "text", "text": "d2"}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "x"}]}, {"role": "function", "name": "f", "content": "e"}])
    (talk,) = told(server, s["id"])
    assert [(t["role"], t["agent"], t["content"]) for t in talk] == [
        ("user", "user", "a"), ("assistant", "wykeve", "b"), ("user", "user", "c"), ("system", "system", "d1\n\nd2"),
        ("assistant", "assistant", ""), ("tool", "f", "e")]
    assert talk[0]["timestamp"] == "2023-11-14T22:13:20.000Z"
    assert talk[4]["metadata"] == {"tool_calls": [{"id": "x"}]}


def test_a_session_has_all_its_fields_and_default_agents(server):
    given = {"user_id": "u1", "title": "T", "description": "D", "privacy_level": "PRIVATE", "summary": "S",
             "tags": ["a", "b"], "user_preferences": {"context_depth": 3, "mine": [1]}, "timestamp": "2024-01-02T03:04:05Z"}
    made = save(server, **given, submodule_id="shop")
    assert {**made, **given, "timestamp": "2024-01-02T03:04:05.000Z", "user_preferences": {
        "memory_retention_days": 30, "context_depth": 3, "auto_summarize": True, "mine": [1]}} == made
    assert made["created_at"] == made["timestamp"] and made["status"] == "active"
    assert server.get(f"/api/v1/sessions/{made['id']}") == made
    states = server.get("/api/v1/agent_states", session_id=made["id"])
    assert len(states) == 2
    assert server.get(f"/api/v2/sessions/{made['id']}")["title"] == "T"


def test_saving_a_known_session_updates_it_and_tells_nothing_twice(server):
    made = save(server, title="before", conversation_json=MESSAGES, user_preferences={"a": 1})
    again = save(server, session_id=made["id"], title="after", conversation_json=MESSAGES, user_preferences={"b": 2})
    assert again["id"] == made["id"] and again["title"] == "after" and again["total_turns"] == 2
    assert again["user_preferences"]["a"] == 1 and again["user_preferences"]["b"] == 2
    more = save(server, session_id=made["id"], conversation_json=[{"messages": MESSAGES}, {"messages": ["new"]}])
    assert more["title"] == "after" and more["conversation_count"] == 3
    sent_back = save(server, **more)
    assert sent_back["title"] == "after" and sent_back["created_at"] == made["created_at"]


def test_a_wrong_message_stores_nothing(server):
    before = server.http.get("/api/v1/sessions").headers["X-Total-Count"]
    for wrong in ([{"role": "user"}], 5, {"a": 1}, [[5]], "{", [{"content": "x", "timestamp": "then"}],
                  [{"content": "ok"}, {"content": {"a": 1}}]):
        refused(server, "POST", "/api/v1/sessions", {"conversation_json": wrong}, field="conversation_json")
    refused(server, "POST", "/api/v1/sessions", {"conversation_json": [{"content": "a", "agent": "x" * 201}]}, field="agent")
    refused(server, "POST", "/api/v1/sessions", {"conversation_json": ["x"] * 20001}, status=413,
            code="PAYLOAD_TOO_LARGE", field="conversation_json")
    refused(server, "POST", "/api/v1/sessions", {"titel": "x"}, field="titel", says="title")
    assert server.http.get("/api/v1/sessions").headers["X-Total-Count"] == before


def test_empty_conversation_json_is_a_session_without_conversations(server):
    for nothing in ([], None, {"conversations": []}):
        assert save(server, conversation_json=nothing)["conversation_count"] == 0


# -- lists --

def test_sessions_are_listed_newest_first_with_link_and_total(server):
    ids = [save(server, title=f"s{i}", submodule_id="listed")["id"] for i in range(5)]
    r = server.http.get("/api/v1/sessions?submodule_id=listed&limit=3")
    assert [s["id"] for s in r.json()] == ids[:1:-1] and r.headers["X-Total-Count"] == "5"
    assert [s["id"] for s in server.http.get(r.links["next"]["url"]).json()] == ids[1::-1]
    assert all(s["timestamp"] == s["created_at"] for s in r.json())


def test_sessions_are_filtered(server):
    a = save(server, submodule_id="f", privacy_level="PUBLIC", tags=["red"], title="Apple pie")["id"]
    b = save(server, submodule_id="f", privacy_level="PRIVATE", user_id="ines")["id"]
    server.post("/api/v1/tags", {"record_kind": "session", "record_id": b, "name": "blue"}, 201)
    found = lambda **q: [s["id"] for s in server.get("/api/v1/sessions", submodule_id="f", **q)]
    assert found() == [b, a] and found(privacy_level="PUBLIC") == [a] and found(tag="red") == [a] and found(tag="blue") == [b]
    assert found(user_id="ines") == [b] and found(q="PIE") == [a] and found(q="p%e") == [] and found(tag="green") == []


def test_submodule_is_v1s_name_of_a_project(server):
    made = save(server, submodule_id="web-shop", submodule_name="The web shop")
    assert (made["project"], made["submodule_id"], made["submodule_name"]) == ("web-shop", "web-shop", "The web shop")
    project = server.get("/api/v1/projects/web-shop")
    assert (project["slug"], project["submodule_id"], project["name"], project["submodule_name"]) == (
        "web-shop", "web-shop", "The web shop", "The web shop")
    other = server.post("/api/v1/projects", {"submodule_id": "api", "submodule_name": "API"}, 201)
    assert (other["slug"], other["name"]) == ("api", "API")
    event = server.post("/api/v1/events", {"effect_text": "x", "submodule_id": "api"}, 201)
    assert (event["project"], event["submodule_id"], event["submodule_name"]) == ("api", "api", "API")
    assert [e["id"] for e in server.get("/api/v1/events", submodule_id="api")] == [event["id"]]
    assert server.get("/api/v1/events", submodule_id="none") == []
    assert [p["slug"] for p in server.get("/api/v1/projects", submodule_id="api")] == ["api"]
    refused(server, "POST", "/api/v1/events", {"effect_text": "x", "submodule_id": "a", "project": "b"}, says="must be the same")


# -- change --

def test_patch_changes_a_session(server):
    s = save(server, title="a", description="d")["id"]
    r = server.http.patch(f"/api/v1/sessions/{s}", json={"title": "b", "tags": ["x"], "privacy_level": "PUBLIC"})
    assert r.status_code == 200, r.text
    got = server.get(f"/api/v1/sessions/{s}")
    assert r.json() == got and (got["title"], got["description"], got["tags"], got["version"]) == ("b", "d", ["x"], 2)
    refused(server, "PATCH", f"/api/v1/sessions/{s}", {"privacy_level": "EPHEMERAL"}, field="privacy_level")
    refused(server, "PATCH", f"/api/v1/sessions/{s}", {"colour": 1}, field="colour")
    refused(server, "PATCH", f"/api/v1/sessions/{NO_SESSION}", {"title": "x"}, status=404, code="SESSION_NOT_FOUND")


# -- deletion --

def full_session(cairn, word, project):
    s = session(cairn, title=f"Session {word}", project=project)
    c = conversation(cairn, s, directive=f"Directive {word}")
    for i in range(4):
        turn(cairn, c, f"The {word} stands at place {i} of the garden")
    ids = {"sessions": s, "conversations": c}
    add = lambda kind, **body: ids.__setitem__(kind, cairn.post(f"/api/v1/{kind}", {"project": project, **body}, 201)["id"])
    add("summaries", session_id=s, text=f"sum {word}")
    add("events", session_id=s, conversation_id=c, effect_text=f"event {word}")
    add("characters", conversation_id=c, name=f"Char {word}")
    add("checkpoints", session_id=s, title=f"check {word}")
    add("tags", record_kind="conversation", record_id=c, name=word)
    return s, c, ids


def recalled(cairn, word):
    return cairn.post("/api/v2/recall", {"query": f"where is the {word}"})["results"]


@pytest.mark.parametrize("what", ["session", "conversation"])
def test_what_is_deleted_is_out_of_every_list_recall_and_context(server, what):
    word, project = ("zebrawood" if what == "session" else "quincetree"), f"gone-{what}"
    s, c, ids = full_session(server, word, project)
    other, c2, _ = full_session(server, "hawthorn", project)
    assert recalled(server, word)
    path = f"/api/v1/sessions/{s}" if what == "session" else f"/api/v1/conversations/{c}"
    r = server.http.delete(path)
    assert r.status_code == 200 and r.json()["deleted"] is True and r.json()["turns_deleted"] == 4, r.text
    stays = {"sessions", "summaries", "checkpoints"} if what == "conversation" else set()
    for kind, id in ids.items():
        assert server.http.get(f"/api/v1/{kind}/{id}").status_code == (200 if kind in stays else 404), kind
        more = {"status": "all"} if kind == "conversations" else {}
        assert (id in [x["id"] for x in server.get(f"/api/v1/{kind}", project=project, **more)]) == (kind in stays), kind
    assert len(server.get("/api/v1/turns", conversation_id=c)) == 0
    assert not [h for h in recalled(server, word) if word in h["content"]]
    refused(server, "DELETE", path, status=404, code=f"{what.upper()}_NOT_FOUND")
    refused(server, "POST", f"/api/v2/conversations/{c}/turns", {"agent": "a", "content": "x"}, status=404,
            code="CONVERSATION_NOT_FOUND")
    if what == "session":
        for gone in (f"/api/v2/sessions/{s}", f"/api/v2/sessions/{s}/context?directive={word}"):
            refused(server, "GET", gone, status=404, code="SESSION_NOT_FOUND")
        assert s not in [x["session_id"] for x in server.get("/api/v2/sessions", project=project)["sessions"]]
        assert server.get("/api/v1/agent_states", session_id=s) == []
    else:
        context = server.get(f"/api/v2/sessions/{s}/context", directive=word)
        assert context["relevant_turns"] == [] and context["recent_conversations"] == [] and context["total_conversations"] == 0
        assert server.post(f"/api/v2/sessions/{s}/context/search", {"query": word})["results"] == []
        assert server.get(f"/api/v1/sessions/{s}")["total_turns"] == 0
    assert len(recalled(server, "hawthorn")) >= 3 and len(turns(server, c2)) == 4
    assert server.get(f"/api/v1/sessions/{other}")["total_turns"] == 4


def test_turns_are_counted_as_they_are_listed_before_and_after_a_deletion(cairn):
    talks = {}
    for project, turns in (("here", 3), ("there", 4), ("gone", 5)):
        talks[project] = conversation(cairn, session(cairn, project=project))
        for i in range(turns):
            turn(cairn, talks[project], f"turn {i} {project}")

    def agree(project, wanted):
        narrowed = {"project": project} if project else {}
        listed = cairn.http.get("/api/v1/turns", params={"limit": 1000, **narrowed})
        assert len(listed.json()) == int(listed.headers["x-total-count"]) == wanted
        assert cairn.get("/api/v1/stats", **narrowed)["total_messages"] == wanted

    agree(None, 12)
    agree("there", 4)
    assert cairn.http.delete(f"/api/v1/conversations/{talks['gone']}").status_code == 200
    agree(None, 7)
    agree("gone", 0)
    assert cairn.get("/api/v2/status")["counts"]["turns"] == 7


def test_deleted_turns_do_not_push_living_ones_out_of_recall(server):
    doomed = save(server, conversation_json=[f"the walnut press number {i} walnut" for i in range(900)])["id"]
    kept = save(server, conversation_json=["a walnut lies over there beside many other things of no importance at all"])["id"]
    assert server.http.delete(f"/api/v1/sessions/{doomed}").json()["turns_deleted"] == 900
    assert [h["session_id"] for h in recalled(server, "walnut")] == [kept]


def test_a_deleted_sessions_own_name_can_be_used_again(server):
    first = server.post("/api/v2/remember", {"text": "one", "session": "diary"}, 201)
    server.http.delete(f"/api/v1/sessions/{first['session_id']}")
    second = server.post("/api/v2/remember", {"text": "two", "session": "diary"}, 201)
    assert second["session_id"] != first["session_id"] and second["turn_number"] == 1


def test_a_request_for_erasure_is_answered(server):
    s = save(server)["id"]
    assert server.http.delete(f"/api/v1/sessions/{s}?gdpr_request=true").json()["erasure_requested"] is True
    s = save(server)["id"]
    assert server.http.delete(f"/api/v1/sessions/{s}").json()["erasure_requested"] is False


def test_deletion_outlives_a_restart_and_the_store_checks(make_cairn):
    cairn = make_cairn()
    s, c, _ = full_session(cairn, "elder", "p")
    kept, _, _ = full_session(cairn, "maple", "p")
    cairn.http.delete(f"/api/v1/sessions/{s}")
    cairn.restart()
    assert [x["id"] for x in cairn.get("/api/v1/sessions", project="p")] == [kept]
    assert not [h for h in recalled(cairn, "elder") if "elder" in h["content"]]
    cairn.stop()
    cairn.run("doctor")


# -- conversations --

def test_conversations_are_the_active_ones_or_all_newest_first(server):
    s = session(server)
    a, b = conversation(server, s, directive="a"), conversation(server, s, directive="b")
    turn(server, a, "x")
    got = server.http.post(f"/api/v1/conversations/{a}/archive")
    assert got.status_code == 200 and (got.json()["status"], got.json()["message_count"]) == ("archived", 1)
    listed = lambda **q: [c["id"] for c in server.get("/api/v1/conversations", session_id=s, **q)]
    assert listed() == [b] and listed(status="all") == [b, a] and listed(status="archived") == [a]
    assert server.get(f"/api/v1/conversations/{a}")["status"] == "archived"
    assert server.http.post(f"/api/v1/conversations/{a}/archive").json()["version"] == got.json()["version"], "again: no change"
    refused(server, "POST", f"/api/v1/conversations/{NO_CONVERSATION}/archive", {}, status=404, code="CONVERSATION_NOT_FOUND")


def test_clearing_the_window_begins_a_new_one_and_deletes_nothing(server):
    c = conversation(server, session(server))
    for i in range(3):
        turn(server, c, f"old {i}")
    window = f"/api/v2/conversations/{c}/window"
    r = server.http.delete(window)
    assert r.status_code == 200 and (r.json()["cleared"], r.json()["window_start"]) == (True, 3)
    assert server.get(window)["messages"] == [] and len(turns(server, c)) == 3
    turn(server, c, "new")
    assert [m["content"] for m in server.get(window)["messages"]] == ["new"]
    assert turns(server, c)[3]["turn_number"] == 4
    refused(server, "DELETE", f"/api/v2/conversations/{NO_CONVERSATION}/window", status=404, code="CONVERSATION_NOT_FOUND")
