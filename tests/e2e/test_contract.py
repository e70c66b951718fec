"""The contract, route by route: each is called once for real, and its answer has the promised status, fields and types.
The table below is written from the contract (docs/contract.md, sections 3 and 4), not from the program; other files test
each feature in depth."""

import re

import pytest

from conftest import Cairn, eventually
from rest import NO_CONVERSATION, NO_SESSION

text, number, whole, flag, things, names = str, (int, float), int, bool, dict, list
maybe = type(None)
NULLABLE_TEXT = (str, maybe)


class time:
    """An RFC 3339 time in UTC with milliseconds."""

    FORM = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


RECORD = {"id": text, "created_at": time, "updated_at": time}
SESSION = {**RECORD, "session_id": text, "user_id": NULLABLE_TEXT, "title": NULLABLE_TEXT, "description": NULLABLE_TEXT,
           "privacy_level": text, "status": text, "user_preferences": things, "summary": NULLABLE_TEXT, "tags": names,
           "last_active": time, "conversation_count": whole, "total_turns": whole}
V1_SESSION = {**SESSION, "timestamp": time, "submodule_id": text, "submodule_name": NULLABLE_TEXT}
CONVERSATION = {**RECORD, "conversation_id": text, "session_id": text, "directive": NULLABLE_TEXT, "status": text,
                "context_summary": NULLABLE_TEXT, "metadata": things}
PATTERN = {**RECORD, "pattern_type": text, "name": text, "description": NULLABLE_TEXT, "template": NULLABLE_TEXT,
           "example": NULLABLE_TEXT, "variations": names, "category": NULLABLE_TEXT, "tags": names, "confidence": number,
           "quality_score": number, "frequency": whole, "reuse_count": whole, "success_rate": number,
           "last_used": (str, maybe), "source_session_id": NULLABLE_TEXT, "related_patterns": names, "version": whole,
           "parent_pattern_id": NULLABLE_TEXT, "deprecated": flag}
CHECKPOINT = {**RECORD, "title": text, "description": NULLABLE_TEXT, "content": NULLABLE_TEXT, "session_id": NULLABLE_TEXT,
              "git_commit": NULLABLE_TEXT, "metadata": things}
CHARACTER = {**RECORD, "conversation_id": NULLABLE_TEXT, "name": text, "description": NULLABLE_TEXT,
             "personality_traits": (dict, list), "background": NULLABLE_TEXT, "current_mood": NULLABLE_TEXT,
             "current_location": NULLABLE_TEXT, "relationships": (dict, list), "inventory": (dict, list),
             "stats": (dict, list), "last_seen": (str, maybe), "is_active": flag}
PROP = {**RECORD, "name": text, "category": NULLABLE_TEXT, "subcategory": NULLABLE_TEXT, "description": NULLABLE_TEXT,
        "image_path": NULLABLE_TEXT, "tags": names, "rarity": text, "properties": things, "usage_count": whole,
        "last_used": (str, maybe), "is_favorite": flag}
AGENT = {**RECORD, "name": text, "display_name": NULLABLE_TEXT, "system_prompt": NULLABLE_TEXT, "enabled": flag,
         "llm_provider": NULLABLE_TEXT, "model": NULLABLE_TEXT, "temperature": number, "max_tokens": whole,
         "capabilities": names, "metadata": things}
PREFERENCE = {**RECORD, "key": text, "category": text, "description": NULLABLE_TEXT}
PROJECT = {**RECORD, "slug": text, "name": NULLABLE_TEXT, "git_url": NULLABLE_TEXT, "last_sync_at": (str, maybe),
           "sync_status": text}
TAG = {**RECORD, "name": text}
FOUND = {"id": text, "kind": text, "score": number}

# method, path ({s} session, {c} conversation, … are filled in), body, status, fields of the answer; [fields] is a list of
# such. What is made under a name ("= p") can be used below it.
V2 = [
    ("POST /sessions", {"title": "t", "user_preferences": {"context_depth": 3}, "initial_context": "the boat is red"}, 201,
     {"session_id": text, "created_at": time, "token": NULLABLE_TEXT, "status": text}),
    ("GET /sessions?status=active&project=default&limit=1", None, 200, {"sessions": [SESSION], "next_cursor": NULLABLE_TEXT}),
    ("GET /sessions/{s}", None, 200, SESSION),
    ("PUT /sessions/{s}/preferences", {"user_preferences": {"context_depth": 4}}, 200,
     {"session_id": text, "updated_preferences": things, "updated_at": time}),
    ("POST /conversations", {"session_id": "{s}", "directive": "repair the lighthouse", "use_context": True,
                             "context_depth": 3}, 201,
     {"conversation_id": text,
      "relevant_context": [{"conversation_id": text, "relevance_score": number, "summary": NULLABLE_TEXT}]}),
    ("GET /conversations/{c}", None, 200, {**CONVERSATION, "turns": [
        {"turn_id": text, "turn_number": whole, "agent": text, "role": text, "content": text, "timestamp": time,
         "metadata": things}]}),
    ("POST /conversations/{c}/turns", {"agent": "codey", "content": "The lighthouse lamp works", "metadata": {"model": "m"}},
     201, {"turn_id": text, "turn_number": whole, "timestamp": time, "stored": flag}),
    ("GET /sessions/{s}/context?directive=lighthouse&max_turns=10&max_tokens=1000", None, 200,
     {"session_id": text, "context_summary": NULLABLE_TEXT, "key_topics": names, "agent_states": things,
      "recent_conversations": [{"conversation_id": text, "directive": NULLABLE_TEXT, "relevance_score": number,
                                "created_at": time}],
      "relevant_conversations": names, "relevant_turns": names, "characters": names, "props": names,
      "previous_conversations": names, "current_conversation_summary": NULLABLE_TEXT, "total_conversations": whole}),
    ("POST /sessions/{s}/context/search", {"query": "lighthouse", "max_results": 5, "relevance_threshold": 0.01,
                                           "time_range": {"start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z"}},
     200, {"results": [{"conversation_id": text, "turn_id": text, "relevance_score": number, "snippet": text,
                        "context": NULLABLE_TEXT, "timestamp": time}], "total_matches": whole, "search_time_ms": number}),
    ("PUT /sessions/{s}/context/summary", {"summary": "the lighthouse is repaired"}, 200, {"session_id": text}),
    ("GET /sessions/{s}/causal?query=lighthouse", None, 200,
     {"causal_narrative": NULLABLE_TEXT, "traditional_summary": NULLABLE_TEXT, "agent_insights": names}),
    ("GET /sessions/{s}/agents/beatrice/state", None, 200, {"state": things}),
    ("PUT /sessions/{s}/agents/codey/state",
     {"state_updates": {"new_learned_pattern": {"pattern": "lamps break", "confidence": 0.5}}, "update_reason": "seen"}, 200,
     {"state": things, "updated_fields": names}),
    ("GET /sessions/{s}/analytics", None, 200,
     {"memory_usage": things, "interaction_patterns": things, "context_effectiveness": things}),
    ("POST /sessions/{s}/export", {"format": "jsonl", "include_metadata": True, "include_agent_states": True}, 201,
     {"export_id": text, "status": text, "download_url": text}),
    ("GET /conversations/{c}/window?limit=20", None, 200, {"messages": [{"role": text, "content": text}]}),
    ("DELETE /conversations/{c}/window", None, 200, {"conversation_id": text}),
    ("POST /conversations/{c}/outcome", {"agent": "codey", "success": True, "note": "it shines"}, None, {}),
    ("POST /conversations/{c}/summarize", {"force": True}, 200, {"summary": text, "key_topics": names}),
    ("POST /recall", {"query": "lighthouse", "session_id": "{s}", "kinds": ["turn"], "max_tokens": 1000, "max_results": 3,
                      "explain": True}, 200, {"results": [{"id": text, "kind": text, "score": number}]}),
    ("POST /cycle", {"session_id": "{s}", "directive": "light it", "model": "m"}, 200, {"directive": text}),
    ("GET /status", None, 200, {"status": text, "counts": things, "uptime_seconds": number, "version": text}),
    ("POST /sessions/{gone}/archive", None, 200, {"status": text, "archived_at": time, "conversations_archived": whole}),
]
V1 = [
    ("POST /sessions", {"submodule_id": "boats", "submodule_name": "Boats", "title": "t",
                        "conversation_json": [{"role": "user", "content": "hello"}]}, 201, V1_SESSION),
    ("GET /sessions?submodule_id=default&privacy_level=TEAM&tag=none&limit=50", None, 200, []),
    ("GET /sessions?limit=50", None, 200, [V1_SESSION]),
    ("GET /sessions/{s}", None, 200, V1_SESSION),
    ("PATCH /sessions/{s}", {"description": "d"}, 200, SESSION),
    ("DELETE /sessions/{gone}?gdpr_request=true", None, 200, {"deleted": flag}),
    ("POST /patterns = pattern", {"pattern_type": "error", "name": "Restart it", "description": "when it hangs"}, 201, PATTERN),
    ("GET /patterns", None, 200, [PATTERN]),
    ("GET /patterns/{pattern}", None, 200, PATTERN),
    ("PATCH /patterns/{pattern}", {"category": "habits"}, 200, PATTERN),
    ("POST /patterns/search", {"query": "restart hangs", "limit": 3, "pattern_type": "error"}, 200, [PATTERN]),
    ("POST /patterns/{pattern}/used", {"success": True}, 200, PATTERN),
    ("POST /patterns/{pattern}/deprecate", {}, 200, PATTERN),
    ("POST /checkpoints = checkpoint", {"title": "before the storm", "git_commit": "abc123"}, 201, CHECKPOINT),
    ("GET /checkpoints", None, 200, [CHECKPOINT]),
    ("GET /checkpoints/{checkpoint}", None, 200, CHECKPOINT),
    ("GET /search?q=lighthouse&kind=turn&limit=3", None, 200, [FOUND]),
    ("GET /search/sessions?q=lighthouse", None, 200, [FOUND]),
    ("GET /search/patterns?q=restart", None, 200, [FOUND]),
    ("POST /characters = character", {"name": "Mara", "conversation_id": "{c}"}, 201, CHARACTER),
    ("GET /characters?name=Mara", None, 200, [CHARACTER]),
    ("GET /characters/{character}", None, 200, CHARACTER),
    ("PATCH /characters/{character}", {"current_mood": "glad"}, 200, CHARACTER),
    ("DELETE /characters/{character}", None, 200, {"deleted": flag}),
    ("POST /props = prop", {"name": "Lamp", "category": "light"}, 201, PROP),
    ("GET /props?category=light&is_favorite=false&q=Lamp", None, 200, [PROP]),
    ("POST /props/{prop}/used", None, 200, PROP),
    ("PATCH /props/{prop}", {"is_favorite": True}, 200, PROP),
    ("DELETE /props/{prop}", None, 200, {"deleted": flag}),
    ("POST /agents", {"name": "keeper", "model": "m"}, 201, AGENT),
    ("GET /agents/keeper", None, 200, AGENT),
    ("GET /agents", None, 200, [AGENT]),
    ("PATCH /agents/keeper", {"enabled": False}, 200, AGENT),
    ("DELETE /agents/keeper", None, 200, {"deleted": flag}),
    ("POST /preferences", {"key": "colour", "value": {"of": "sails"}}, 201, PREFERENCE),
    ("GET /preferences/colour", None, 200, PREFERENCE),
    ("GET /preferences", None, 200, [PREFERENCE]),
    ("PATCH /preferences/colour", {"value": 1}, 200, PREFERENCE),
    ("DELETE /preferences/colour", None, 200, {"deleted": flag}),
    ("POST /projects", {"slug": "harbour", "name": "Harbour", "git_url": "git@example.org:h.git"}, 201, PROJECT),
    ("GET /projects", None, 200, [PROJECT]),
    ("GET /projects/harbour", None, 200, PROJECT),
    ("PATCH /projects/harbour", {"sync_status": "paused"}, 200, PROJECT),
    ("DELETE /projects/harbour", None, 200, {"deleted": flag}),
    ("POST /tags = tag", {"name": "urgent", "record_kind": "session", "record_id": "{s}"}, 201, TAG),
    ("GET /tags", None, 200, [TAG]),
    ("DELETE /tags/{tag}", None, 200, {"deleted": flag}),
    ("GET /conversations", None, 200, [{**CONVERSATION, "message_count": whole}]),
    ("GET /conversations?status=all", None, 200, [{**CONVERSATION, "message_count": whole}]),
    ("POST /conversations/{c}/summarize", {"force": True}, 200, {"summary": text}),
    ("POST /conversations/{c}/archive", None, 200, {"status": text}),
    ("DELETE /conversations/{c}", None, 200, {"deleted": flag}),
    ("GET /stats", None, 200, {name: whole for name in (
        "conversations", "active_conversations", "total_messages", "characters", "active_characters", "prop_items",
        "agent_configs", "enabled_agents", "messages_this_week")}),
    ("GET /health", None, 200, {"status": text}),
]
ROOT = [
    ("GET /health", None, 200, {"status": text}),
    ("GET /health/memory", None, 200, {"status": text, "database": things, "memory_service": things, "encryption": things,
                                       "index": things, "embedding_model": things, "performance": {
                                           "store": {"p50_ms": number, "p99_ms": number},
                                           "recall": {"p50_ms": number, "p99_ms": number}}}),
    ("GET /metrics", None, 200, None),
    ("GET /", None, 200, {"service": text}),
    ("GET /docs", None, 200, None),
    ("GET /openapi.json", None, 200, {"openapi": text}),
]
CALLS = [(base, *row) for base, rows in (("/api/v2", V2), ("/api/v1", V1), ("", ROOT)) for row in rows]


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream_server):
    upstream_server.reset()
    c = Cairn(tmp_path_factory.mktemp("contract") / "data", upstream_server.url).start()
    c.made = {}
    yield c
    c.http.close()
    assert c.stop() == 0, c.log()


@pytest.fixture
def known(server):
    """A session of its own for each call, with something said in it; and one to be taken away."""
    made = dict(server.made)
    made["s"] = server.post("/api/v2/sessions", {"title": "lighthouse"}, 201)["session_id"]
    made["gone"] = server.post("/api/v2/sessions", {}, 201)["session_id"]
    made["c"] = server.post("/api/v2/conversations", {"session_id": made["s"], "directive": "the lighthouse"},
                            201)["conversation_id"]
    for i in range(2):
        server.post(f"/api/v2/conversations/{made['c']}/turns", {
            "agent": "wykeve", "content": f"The lighthouse lamp broke because of storm {i}"}, 201)
    return made


def fill(value, made):
    if isinstance(value, str):
        for name, known in made.items():
            value = value.replace("{" + name + "}", known)
        return value
    if isinstance(value, dict):
        return {k: fill(v, made) for k, v in value.items()}
    return [fill(v, made) for v in value] if isinstance(value, list) else value


def judge(where, promised, got):
    if isinstance(promised, list):
        assert isinstance(got, list), f"{where} is no list: {got!r:.200}"
        for i, item in enumerate(got if promised else []):
            judge(f"{where}[{i}]", promised[0], item)
    elif isinstance(promised, dict):
        assert isinstance(got, dict), f"{where} is no object: {got!r:.200}"
        for name, kind in promised.items():
            assert name in got, f"{where} has no {name}: {sorted(got)}"
            judge(f"{where}.{name}", kind, got[name])
    elif promised is time:
        assert isinstance(got, str) and time.FORM.match(got), f"{where} is no time: {got!r}"
    elif promised is not None:
        assert isinstance(got, promised), f"{where} is {got!r:.100}, not {promised}"
        assert not (isinstance(got, bool) and promised in (whole, number)), f"{where} is {got!r}"


@pytest.mark.parametrize("base,route,body,status,fields", CALLS, ids=[f"{r[1].split(' =')[0]} of {r[0] or '/'}".replace("/", "|") for r in CALLS])
def test_the_route_answers_as_promised(server, known, base, route, body, status, fields):
    route, _, name = route.partition(" = ")
    method, path = fill(route, known).split(" ", 1)
    r = server.http.request(method, base + path, **({} if body is None else {"json": fill(body, known)}))
    assert r.status_code == status if status else r.status_code in (200, 201, 202), f"{r.status_code} {r.text[:500]}"
    if fields is not None:
        judge(route, fields, r.json())
    if isinstance(fields, list) and fields:
        assert r.json() and "X-Total-Count" in r.headers or "search" in path, "an empty list, or one that is not counted"
    if name:
        server.made[name] = r.json()["id"]


def test_an_export_can_be_downloaded(server, known):
    url = server.post(f"/api/v2/sessions/{known['s']}/export", {"format": "markdown"})["download_url"]
    assert "lighthouse" in server.http.get(url).text


def test_every_stored_turn_has_the_promised_fields(server, known):
    turns = server.get("/api/v1/turns", conversation_id=known["c"])
    judge("turn", [{**RECORD, "turn_id": text, "conversation_id": text, "turn_number": whole, "agent": text, "role": text,
                    "content": text, "timestamp": time, "content_hash": text, "metadata": things}], turns)
    assert sorted(t["turn_number"] for t in turns) == [1, 2]


def test_events_and_summaries_have_the_promised_fields(server, known):
    server.post(f"/api/v2/conversations/{known['c']}/summarize", {"force": True})
    judge("summary", [{**RECORD, "session_id": NULLABLE_TEXT, "conversation_id": NULLABLE_TEXT, "text": text,
                       "key_topics": names, "key_events": names, "character_developments": (dict, list),
                       "plot_points": names, "first_turn": (int, maybe), "last_turn": (int, maybe),
                       "conversation_count": (int, maybe)}], server.get("/api/v1/summaries", session_id=known["s"]))
    events = eventually(lambda: server.get("/api/v1/events", session_id=known["s"]), what="events of the turns")
    judge("event", [{**RECORD, "session_id": text, "conversation_id": NULLABLE_TEXT, "effect_text": text,
                     "cause_id": NULLABLE_TEXT, "relationship_text": NULLABLE_TEXT, "vitality": number}], events)


@pytest.mark.parametrize("method,path,body,status,code", [
    ("GET", f"/api/v2/sessions/{NO_SESSION}", None, 404, "SESSION_NOT_FOUND"),
    ("GET", f"/api/v2/conversations/{NO_CONVERSATION}", None, 404, "CONVERSATION_NOT_FOUND"),
    ("POST", "/api/v2/recall", {}, 400, "VALIDATION_FAILED"),
])
def test_errors_have_the_promised_codes_and_shape(server, method, path, body, status, code):
    r = server.http.request(method, path, json=body) if body is not None else server.http.request(method, path)
    error = r.json()["error"]
    assert (r.status_code, error["code"]) == (status, code)
    assert isinstance(error["message"], str) and isinstance(error["details"], dict)


def test_the_chat_routes_have_errors_in_openais_shape(server):
    r = server.http.post("/v1/chat/completions", json={"model": "m", "session_id": NO_SESSION,
                                                       "messages": [{"role": "user", "content": "hi"}]})
    assert r.status_code == 404
    assert set(r.json()["error"]) == {"message", "type", "param", "code"}
