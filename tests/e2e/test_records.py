"""CRUD over REST on every kind that has it, from what GET /openapi.json and the table say: nothing here names a field of a
kind except where a rule of the contract does."""

import pytest
from rest import refused, session

# The least body that makes a record of a kind, and a change to it.
KINDS = {
    "projects": ({"slug": "alpha", "name": "Alpha"}, {"sync_status": "paused"}),
    "agents": ({"name": "scribe", "model": "m"}, {"temperature": 0.1}),
    "summaries": ({"text": "All in all"}, {"key_topics": ["a"]}),
    "events": ({"effect_text": "The door fell"}, {"vitality": 0.5}),
    "patterns": ({"pattern_type": "workflow", "name": "Test first"}, {"confidence": 0.7, "deprecated": True}),
    "checkpoints": ({"title": "Before the move"}, None),
    "characters": ({"name": "Ines"}, {"current_mood": "calm", "is_active": False}),
    "props": ({"name": "lamp", "category": "light"}, {"rarity": "rare", "usage_count": 3}),
    "preferences": ({"key": "tone", "value": {"a": [1, "x", None]}}, {"value": "kind"}),
    "tags": ({"name": "urgent", "record_kind": "agent", "record_id": "bearer"}, {"name": "later"}),
}
KEYS = {"projects": "slug", "agents": "name", "preferences": "key"}


def make(cairn, kind, **more):
    if kind == "tags":  # which are put only on what is there
        cairn.post("/api/v1/agents", {"name": "bearer"}, 201)
    return cairn.post(f"/api/v1/{kind}", {**KINDS[kind][0], **more}, 201)


@pytest.mark.parametrize("kind", KINDS)
def test_create_show_change_delete(cairn, kind):
    body, change = KINDS[kind]
    made = make(cairn, kind)
    id = made["id"]
    assert {**made, **body} == made and made["version"] == 1 and made["created_at"] == made["updated_at"]
    if kind in KEYS:
        assert id == made[KEYS[kind]] == body[KEYS[kind]]
    path = f"/api/v1/{kind}/{id}"
    assert cairn.get(path) == made
    assert [r["id"] for r in cairn.get(f"/api/v1/{kind}")] == [id]
    if change:
        r = cairn.http.patch(path, json=change)
        assert r.status_code == 200, r.text
        changed = r.json()
        assert {**changed, **change} == changed and changed["version"] == 2
        assert {k: v for k, v in changed.items() if k not in change and k not in ("version", "updated_at")} == \
               {k: v for k, v in made.items() if k not in change and k not in ("version", "updated_at")}
        assert cairn.get(path) == changed
    else:
        r = cairn.http.patch(path, json={"title": "x"})
        assert r.status_code == 405, "immutable once written"
    gone = cairn.http.delete(path)
    assert gone.status_code == 200 and gone.json() == {"id": id, "deleted": True}
    refused(cairn, "GET", path, status=404, code="NOT_FOUND")
    refused(cairn, "DELETE", path, status=404, code="NOT_FOUND")
    assert cairn.get(f"/api/v1/{kind}") == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_read_can_be_sent_back(cairn, kind):
    made = make(cairn, kind)
    if KINDS[kind][1]:
        r = cairn.http.patch(f"/api/v1/{kind}/{made['id']}", json=made)
        assert r.status_code == 200, r.text
        assert {**r.json(), "version": 0, "updated_at": 0} == {**made, "version": 0, "updated_at": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_members_and_types_are_refused(cairn, kind):
    body = KINDS[kind][0]
    name = next(iter(body))
    typo = name[:-1] + "x" + name[-1]
    refused(cairn, "POST", f"/api/v1/{kind}", {**body, typo: 1}, says=["did you mean", name])
    for missing in body:
        required = cairn.http.post(f"/api/v1/{kind}", json={k: v for k, v in body.items() if k != missing})
        assert required.status_code in (201, 400)
        if required.status_code == 400:
            assert required.json()["error"]["details"]["field"] == missing
    if kind != "preferences":  # whose value may be anything
        refused(cairn, "POST", f"/api/v1/{kind}", {**body, name: {"a": 1}}, field=name)
    refused(cairn, "POST", f"/api/v1/{kind}", [body], field="body")
    refused(cairn, "POST", f"/api/v1/{kind}", None, field="body")


@pytest.mark.parametrize("kind, field, value, says", [
    ("patterns", "pattern_type", "habit", "workflow"), ("patterns", "confidence", 1.5, "1"),
    ("agents", "temperature", -1, "0"), ("agents", "max_tokens", 1.5, None), ("agents", "enabled", "yes", None),
    ("events", "vitality", "high", None), ("characters", "last_seen", "then", "2026"), ("props", "tags", {}, "array"),
    ("props", "name", "x" * 201, "200"), ("patterns", "details", [], "object"), ("projects", "sync_status", None, None),
])
def test_bounds(cairn, kind, field, value, says):
    if value is None:
        assert make(cairn, kind, **{field: None})["id"]
    else:
        refused(cairn, "POST", f"/api/v1/{kind}", {**KINDS[kind][0], field: value}, field=field, says=says)
        made = make(cairn, kind)
        if KINDS[kind][1]:
            refused(cairn, "PATCH", f"/api/v1/{kind}/{made['id']}", {field: value}, field=field, says=says)
            assert cairn.get(f"/api/v1/{kind}/{made['id']}") == made


@pytest.mark.parametrize("kind", KEYS)
def test_saving_a_known_name_updates_it(cairn, kind):
    make(cairn, kind)
    again = make(cairn, kind, **KINDS[kind][1])
    assert again["version"] == 2 and len(cairn.get(f"/api/v1/{kind}")) == 1


def test_keyed_records_are_per_project(cairn):
    make(cairn, "preferences", value=1)
    make(cairn, "preferences", value=2, project="p1")
    assert cairn.get("/api/v1/preferences/tone", project="p1")["value"] == 2
    assert cairn.get("/api/v1/preferences/tone")["value"] == 1
    assert cairn.get("/api/v1/preferences/tone", project="p2")["value"] == 1, "the organisation's own is everybody's"


def test_lists_page_with_link_and_total(cairn):
    for i in range(7):
        make(cairn, "events", effect_text=f"event {i}")
    seen, url = [], "/api/v1/events?limit=3"
    for size in (3, 3, 1):
        r = cairn.http.get(url)
        assert r.headers["X-Total-Count"] == "7" and len(r.json()) == size
        seen += [e["effect_text"] for e in r.json()]
        if size == 3:
            assert r.links["next"]["url"]
            url = r.links["next"]["url"]
    assert "Link" not in r.headers
    assert seen == [f"event {i}" for i in range(6, -1, -1)], "newest first"


def test_default_limit_is_fifty(cairn):
    for i in range(55):
        make(cairn, "events", effect_text=f"event {i}")
    assert len(cairn.get("/api/v1/events")) == 50
    assert len(cairn.get("/api/v1/events", limit=55)) == 55


def test_filters(cairn):
    make(cairn, "patterns", name="a")
    make(cairn, "patterns", name="b", pattern_type="error", deprecated=True, project="p1")
    names = lambda **q: [p["name"] for p in cairn.get("/api/v1/patterns", **q)]
    assert names(pattern_type="error") == ["b"] and names(deprecated="false") == ["a"] and names(project="p1") == ["b"]
    assert names(pattern_type="workflow", deprecated="true") == []
    assert names(created_after="2000-01-01T00:00:00Z") == ["b", "a"] and names(created_before="2000-01-01T00:00:00Z") == []
    refused(cairn, "GET", "/api/v1/patterns?pattern_type=habit", field="pattern_type")
    refused(cairn, "GET", "/api/v1/patterns?deprecated=perhaps", field="deprecated")
    refused(cairn, "GET", "/api/v1/patterns?patern_type=error", field="patern_type", says="did you mean \"pattern_type\"")
    refused(cairn, "GET", "/api/v1/patterns?created_after=soon", field="created_after")


def test_orders_of_the_contract(cairn):
    for name, used in (("b", 1), ("a", 1), ("c", 9)):
        make(cairn, "props", name=name, usage_count=used)
    assert [p["name"] for p in cairn.get("/api/v1/props")] == ["c", "a", "b"], "by usage, then name"
    for name in ("zoe", "abe", "mia"):
        make(cairn, "agents", name=name)
    assert [a["name"] for a in cairn.get("/api/v1/agents")] == ["abe", "mia", "zoe"]
    for name, seen in (("old", "2020"), ("new", "2024"), ("mid", "2022")):
        make(cairn, "characters", name=name, last_seen=f"{seen}-01-01T00:00:00Z")
    assert [c["name"] for c in cairn.get("/api/v1/characters")] == ["new", "mid", "old"]


def test_orders_hold_over_pages(cairn):
    for i in range(10):
        make(cairn, "props", name=f"p{i}", usage_count=i // 3)
    whole = [p["name"] for p in cairn.get("/api/v1/props")]
    paged, url = [], "/api/v1/props?limit=3"
    while url:
        r = cairn.http.get(url)
        paged += [p["name"] for p in r.json()]
        url = r.links.get("next", {}).get("url")
    assert paged == whole


def test_kinds_made_by_their_own_operations_only(cairn):
    s = session(cairn)
    assert len(cairn.get("/api/v1/agent_states", session_id=s)) == 2
    for kind in ("turns", "conversations", "agent_states"):
        assert cairn.http.post(f"/api/v1/{kind}", json={}).status_code == 405
    for kind in ("nonsense", "audit_entries"):  # who may see the audit log is its own operations' rule
        assert cairn.http.get(f"/api/v1/{kind}").status_code == 404


def test_ids_given_by_the_caller(cairn):
    mine = "evt_" + "ab" * 16
    made = make(cairn, "events", id=mine)
    assert made["id"] == mine
    again = make(cairn, "events", id=mine, effect_text="told again")
    assert again["id"] == mine and again["effect_text"] == "told again" and len(cairn.get("/api/v1/events")) == 1


def test_openapi_knows_every_route(cairn):
    api = cairn.get("/openapi.json")
    assert api["openapi"].startswith("3.")
    for kind in KINDS:
        assert {"get", "post"} <= set(api["paths"][f"/api/v1/{kind}"])
        assert "get" in api["paths"][f"/api/v1/{kind}/{{id}}"]


def test_stats_count_them(cairn):
    make(cairn, "characters", is_active=False)
    make(cairn, "characters", name="second")
    make(cairn, "agents", enabled=False)
    make(cairn, "props")
    stats = cairn.get("/api/v1/stats")
    assert (stats["characters"], stats["active_characters"], stats["agent_configs"], stats["enabled_agents"],
            stats["prop_items"]) == (2, 1, 1, 0, 1)
