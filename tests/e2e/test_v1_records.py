"""Every field of every record kind over REST: stored, shown, changed, listed by. Fields, types and bounds come from
GET /openapi.json, which is made from the table of kinds: nothing here names a field but where a rule of the contract
does."""

import json
import os
import tempfile

import pytest
from conftest import Cairn, eventually
from rest import conversation, refused, session, turn

KINDS = {"project": "projects", "session": "sessions", "agent": "agents", "summary": "summaries", "event": "events",
         "pattern": "patterns", "checkpoint": "checkpoints", "character": "characters", "prop": "props",
         "preference": "preferences", "tag": "tags"}
NAMED = {"project": "slug", "agent": "name", "preference": "key"}  # the caller gives these their ids


def openapi():
    """Asked from a server of its own, as tests are made from it."""
    with tempfile.TemporaryDirectory() as folder:
        cairn = Cairn(os.path.join(folder, "data")).start()
        try:
            return cairn.get("/openapi.json")
        finally:
            cairn.http.close()
            cairn.stop()


API = openapi()


def kind_schema(kind):
    return API["components"]["schemas"][kind]["properties"]


def own_fields(kind):
    """Fields of the kind itself that a caller may give."""
    shared = {"id", f"{kind}_id", "project", "created_at", "updated_at", "version", "submodule_id", "submodule_name",
              NAMED.get(kind)}
    return [n for n, s in kind_schema(kind).items() if n not in shared and not s.get("readOnly")]


def types_of(schema):
    t = schema.get("type")
    return t if isinstance(t, list) else [t] if t else []


def example(name, schema, number):
    """A value that fits, another one for each number."""
    if "enum" in schema:
        choices = [c for c in schema["enum"] if c and c != "EPHEMERAL"]
        return choices[number % len(choices)]
    types = types_of(schema)
    if schema.get("format") == "date-time":
        return f"2024-0{1 + number}-02T03:04:05.678Z"
    if "string" in types:
        return f"{name} {number} é\"\\\n☃ 😀"[: int(schema.get("maxLength", 1000))]
    if "integer" in types:
        return int(schema.get("minimum", 0)) + 1 + number
    if "number" in types:
        return 0.25 if number else 0.75
    if "boolean" in types:
        return bool(number)
    if "array" in types:
        return [f"a{number}", 1, None, {"b": [True, 2.5]}]
    if "object" in types:
        return {f"k{number}": {"deep": [1, "x", None]}, "é": ""}
    return [{"any": number}, "json", number, None, True][number % 5]


# Kept by Cairn from other fields, whatever a caller gives.
COMPUTED = {("pattern", "quality_score"), ("pattern", "text_version")}
FIELDS = [(kind, field) for kind in KINDS for field in own_fields(kind) if (kind, field) not in COMPUTED]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    cairn = Cairn(tmp_path_factory.mktemp("records") / "data").start()
    yield cairn
    cairn.http.close()
    assert cairn.stop() == 0


count = iter(range(1, 1_000_000))


def least(cairn, kind):
    """The least body that makes a record, with a name of its own where it has one."""
    n = next(count)
    return {"project": {"slug": f"p{n}"}, "agent": {"name": f"a{n}"}, "summary": {"text": "t"},
            "event": {"effect_text": "e"}, "pattern": {"pattern_type": "workflow", "name": f"n{n}"},
            "checkpoint": {"title": "t"}, "character": {"name": f"c{n}"}, "prop": {"name": f"r{n}"},
            "preference": {"key": f"k{n}", "value": n}, "session": {}}.get(kind) or (
        {"name": f"t{n}", "record_kind": "session", "record_id": session(cairn)} if kind == "tag" else {})


def make(cairn, kind, **more):
    return cairn.post(f"/api/v1/{KINDS[kind]}", {**least(cairn, kind), **more}, 201)


def fitting(cairn, kind, field, number):
    """As example(), but an event names only what is there."""
    if kind == "event" and field in ("session_id", "conversation_id", "cause_id"):
        s = session(cairn)
        if field == "session_id":
            return s
        return conversation(cairn, s) if field == "conversation_id" else make(cairn, "event")["id"]
    return example(field, kind_schema(kind)[field], number)


def test_every_kind_has_fields_to_be_tested():
    assert len(FIELDS) > 80 and {k for k, _ in FIELDS} == set(KINDS)


@pytest.mark.parametrize("kind, field", FIELDS, ids=lambda v: v)
def test_a_field_comes_back_as_it_was_given(server, kind, field):
    value = fitting(server, kind, field, 0)
    if field in ("record_kind", "record_id"):
        value = {"record_kind": "session", "record_id": session(server)}[field]
    made = make(server, kind, **{field: value})
    kept = {"memory_retention_days": 30, "context_depth": 10, "auto_summarize": True} if field == "user_preferences" else {}
    expected = {**kept, **value} if kept else value
    assert made[field] == expected
    path = f"/api/v1/{KINDS[kind]}/{made['id']}"
    assert server.get(path)[field] == expected
    assert [r for r in server.get(f"/api/v1/{KINDS[kind]}", limit=1000, **({"status": "all"} if kind == "conversation" else {}))
            if r["id"] == made["id"]][0] == server.get(path)


@pytest.mark.parametrize("kind, field", [f for f in FIELDS if f[0] not in ("checkpoint",)], ids=lambda v: v)
def test_a_field_can_be_changed_unless_it_is_fixed(server, kind, field):
    made = make(server, kind)
    path = f"/api/v1/{KINDS[kind]}/{made['id']}"
    value = example(field, kind_schema(kind)[field], 1)
    r = server.http.patch(path, json={field: value})
    if r.status_code == 400:
        assert "cannot be changed" in r.json()["error"]["message"], r.text
        assert server.get(path) == made
    else:
        assert r.status_code == 200, r.text
        assert r.json()[field] == value and r.json()["version"] == made["version"] + 1
        assert server.get(path) == r.json()


@pytest.mark.parametrize("kind, field", FIELDS, ids=lambda v: v)
def test_a_field_of_the_wrong_type_is_refused_by_name(server, kind, field):
    types = types_of(kind_schema(kind)[field])
    if not types and "enum" not in kind_schema(kind)[field]:
        pytest.skip("any JSON value is right")
    wrong = {"x": 1} if "object" not in types else "no object"
    refused(server, "POST", f"/api/v1/{KINDS[kind]}", {**least(server, kind), field: wrong}, field=field)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_can_be_filtered_by_each_of_its_filters(server, kind):
    parameters = {p["name"]: p["schema"] for p in API["paths"][f"/api/v1/{KINDS[kind]}"]["get"]["parameters"]}
    fields = [f for f in own_fields(kind) if f in parameters]
    for field in fields:
        value, other = fitting(server, kind, field, 0), fitting(server, kind, field, 1)
        if field in ("record_kind", "record_id", "name") and kind == "tag":
            continue
        a, b = make(server, kind, **{field: value}), make(server, kind, **{field: other})
        asked = str(value).lower() if isinstance(value, bool) else value
        ids = [r["id"] for r in server.get(f"/api/v1/{KINDS[kind]}", limit=1000, **{field: asked})]
        assert a["id"] in ids and b["id"] not in ids, field


# -- rules of single kinds --

def test_props_are_counted_when_used(server):
    made = make(server, "prop")
    before = made["usage_count"]
    for i in (1, 2):
        used = server.post(f"/api/v1/props/{made['id']}/used", None, 200)
        assert used["usage_count"] == before + i and used["last_used"] >= made["created_at"]
    assert server.get(f"/api/v1/props/{made['id']}")["usage_count"] == 2
    refused(server, "POST", "/api/v1/props/prop_" + "0" * 32 + "/used", {}, status=404, code="NOT_FOUND")


def test_props_default_limit_is_a_hundred_and_favourites_are_a_filter(server):
    for i in range(105):
        make(server, "prop", category="many", is_favorite=i % 50 == 0)
    assert len(server.get("/api/v1/props", category="many")) == 100
    assert len(server.get("/api/v1/props", category="many", is_favorite="true")) == 3


def test_records_are_found_by_a_part_of_their_name(server):
    make(server, "prop", name="Grandfather clock", description="ticks")
    make(server, "agent", name="night-watch", display_name="The Watch")
    make(server, "character", name="Ines of Bruges")
    found = lambda kind, q: [r["name"] for r in server.get(f"/api/v1/{KINDS[kind]}", q=q)]
    assert found("prop", "father CLO") == ["Grandfather clock"] == found("prop", "ticks")
    assert found("agent", "night-") == ["night-watch"] == found("agent", "the watch")
    assert found("character", "bruges") == ["Ines of Bruges"] and found("character", "b_uges") == []


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"tag"}))
def test_a_tag_can_be_put_on_any_record_and_lists_filter_by_it(server, kind):
    made, other = make(server, kind), make(server, kind)
    tag = server.post("/api/v1/tags", {"record_kind": kind, "record_id": made["id"], "name": f"mark-{kind}"}, 201)
    assert [r["id"] for r in server.get(f"/api/v1/{KINDS[kind]}", tag=f"mark-{kind}")] == [made["id"]]
    assert other["id"] not in [r["id"] for r in server.get(f"/api/v1/{KINDS[kind]}", tag=f"mark-{kind}")]
    assert [t["record_id"] for t in server.get("/api/v1/tags", name=f"mark-{kind}")] == [made["id"]]
    server.http.delete(f"/api/v1/tags/{tag['id']}")
    assert server.get(f"/api/v1/{KINDS[kind]}", tag=f"mark-{kind}") == []


def test_turns_and_conversations_take_tags(server):
    c = conversation(server, session(server))
    t = turn(server, c, "tag me")["turn_id"]
    for kind, id in (("turn", t), ("conversation", c)):
        server.post("/api/v1/tags", {"record_kind": kind, "record_id": id, "name": "both"}, 201)
        assert [r["id"] for r in server.get(f"/api/v1/{kind}s", tag="both")] == [id]


def test_a_tag_on_nothing_is_refused(server):
    refused(server, "POST", "/api/v1/tags", {"record_kind": "session", "record_id": "sess_" + "0" * 32, "name": "x"},
            status=404, code="NOT_FOUND", field="record_id")
    refused(server, "POST", "/api/v1/tags", {"record_kind": "dream", "record_id": "x", "name": "x"}, field="record_kind")


def test_a_lists_own_tags_field_is_looked_into_too(server):
    made = make(server, "pattern", tags=["own-tag", "second"])
    assert [r["id"] for r in server.get("/api/v1/patterns", tag="own-tag")] == [made["id"]]
    assert server.get("/api/v1/patterns", tag="own") == []


def test_stats_are_those_of_the_contract(server):
    stats = server.get("/api/v1/stats")
    assert {"conversations", "active_conversations", "total_messages", "characters", "active_characters", "prop_items",
            "agent_configs", "enabled_agents", "messages_this_week"} <= set(stats)
    before = stats["total_messages"]
    c = conversation(server, session(server))
    turn(server, c, "one more")
    turn(server, c, "long ago", timestamp="2020-01-01T00:00:00Z")
    after = server.get("/api/v1/stats")
    assert after["total_messages"] == before + 2
    server.http.delete(f"/api/v1/conversations/{c}")
    assert server.get("/api/v1/stats")["total_messages"] == before


@pytest.mark.parametrize("how", ["recall", "context", "search"])
def test_asking_moves_the_sessions_last_active(server, how):
    s = server.post("/api/v1/sessions", {"conversation_json": ["something said"]}, 201)
    active = lambda: server.get(f"/api/v1/sessions/{s['id']}")["last_active"]

    def ask():
        if how == "recall":
            server.post("/api/v2/recall", {"query": "something", "session_id": s["id"]})
        elif how == "search":
            server.post(f"/api/v2/sessions/{s['id']}/context/search", {"query": "something"})
        else:
            server.get(f"/api/v2/sessions/{s['id']}/context", directive=f"ask {next(count)}")  # a kept answer moves nothing
        return active() > s["last_active"]

    eventually(ask, what="last_active to move")


def test_kinds_of_the_command_line_are_those_of_rest(server):
    made = make(server, "event", effect_text="seen from both sides")
    assert json.loads(server.run("show", made["id"], "--json").stdout) == made
    assert made["id"] in server.run("list", "events").stdout
