"""Who may read and write what, over HTTP with tokens: every operation that names a record, from the table of operations
(/openapi.json), on records of the caller's project, of another project of the organisation and of another
organisation, at each privacy level."""

import re

import pytest
from conftest import REPORTS, Cairn

LEVELS = ("PUBLIC", "TEAM", "PRIVATE")
PLACES = {"own": ("acme", "web"), "sibling": ("acme", "shop"), "foreign": ("zeta", "web")}
# What a body needs beyond what its schema requires.
MORE = {"/api/v2/sessions/{session_id}/context/summary": {"summary": "s"},
        "/api/v2/sessions/{session_id}/preferences": {"context_depth": 3}}
READABLE = {("sibling", "PUBLIC"), ("sibling", "TEAM"), ("foreign", "PUBLIC")} | {("own", level) for level in LEVELS}


class Caller:
    """Requests with one token."""

    def __init__(self, cairn, org, project, permissions):
        made = cairn.run("auth", "token", "--org", org, "--project", project, "--permissions", permissions)
        self.http, self.headers = cairn.http, {"Authorization": f"Bearer {made.stdout.strip()}"}

    def ask(self, method, path, **more):
        return self.http.request(method, path, headers=self.headers, **more)

    def get(self, path, **params):
        r = self.ask("GET", path, params=params or None)
        assert r.status_code == 200, f"GET {path}: {r.status_code} {r.text}"
        return r.json()

    def post(self, path, body):
        r = self.ask("POST", path, json=body)
        assert r.status_code in (200, 201), f"POST {path} {body}: {r.status_code} {r.text}"
        return r.json()


def fill(caller, level, word):
    """A session of that level with one record of each kind that belongs to sessions; ids by plural."""
    session = caller.post("/api/v2/sessions", {"title": word, "privacy_level": level})["session_id"]
    conversation = caller.post("/api/v2/conversations", {"session_id": session})["conversation_id"]
    turn = caller.post(f"/api/v2/conversations/{conversation}/turns", {"content": f"The lighthouse of {word} {level}"})
    made = {"sessions": session, "conversations": conversation, "turns": turn["turn_id"]}
    for plural, body in {
        "events": {"session_id": session, "effect_text": word},
        "summaries": {"conversation_id": conversation, "text": word},
        "characters": {"conversation_id": conversation, "name": word},
        "patterns": {"source_session_id": session, "name": word, "pattern_type": "code"},
        "checkpoints": {"session_id": session, "title": word},
        "tags": {"record_kind": "turn", "record_id": turn["turn_id"], "name": word},
    }.items():
        made[plural] = caller.post(f"/api/v1/{plural}", body)["id"]
    made["agent_states"] = caller.get("/api/v1/agent_states", session_id=session)[0]["id"]
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory, upstream_server):
    cairn = Cairn(tmp_path_factory.mktemp("scope") / "data", upstream_server.url,
                  env={"CAIRN_AUTH": "true", "CAIRN_LIMITS_ENABLED": "off"}).start()
    cairn.makers = {place: Caller(cairn, *at, "read,write,memory") for place, at in PLACES.items()}
    cairn.made = {(place, level): fill(maker, level, place)
                  for place, maker in cairn.makers.items() for level in LEVELS}
    cairn.reader = Caller(cairn, *PLACES["own"], "read")
    cairn.writer = cairn.makers["own"]
    yield cairn
    cairn.http.close()
    assert cairn.stop() == 0
    assert not REPORTS.search(cairn.log()), cairn.log()


def resolve(api, schema):
    while "$ref" in schema:
        at = api
        for part in schema["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        schema = at
    return schema


def example(api, schema):
    """The least value that the schema takes."""
    schema = resolve(api, schema)
    kind = schema.get("type", "object")
    kind = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: example(api, properties.get(name, {})) for name in schema.get("required", ())}
    if schema.get("format") == "date-time":
        return "2026-01-31T12:00:00Z"
    return {"string": "x", "integer": max(1, schema.get("minimum", 1)), "number": schema.get("minimum", 1),
            "boolean": True, "array": []}[kind]


def named(path, made):
    """The path with the ids of what was made; None where it names something else."""
    plural = None
    out = []
    for part in path.strip("/").split("/"):
        if not part.startswith("{"):
            plural, part = part, part
        elif part == "{agent}":
            part = "codey"
        else:
            part = made.get({"{session_id}": "sessions", "{conversation_id}": "conversations"}.get(part, plural))
            if part is None:
                return None
        out.append(part)
    return "/" + "/".join(out)


def operations(world):
    """(method, path, permission, body) of all operations that name a record of a session by its path or body."""
    api = world.http.get("/openapi.json").json()
    for path, methods in api["paths"].items():
        if not path.startswith("/api/"):
            continue
        for method, op in methods.items():
            content = op.get("requestBody", {}).get("content", {}).get("application/json") if method != "get" else None
            schema = resolve(api, content["schema"]) if content else {}
            body = {**example(api, schema), **MORE.get(path, {})} if content else None
            by_body = isinstance(body, dict) and "session_id" in schema.get("properties", {})
            if "{" in path or by_body:
                yield method.upper(), path, op["x-permission"], body, by_body


def call(world, caller, place, level, method, path, body, by_body):
    made = world.made[place, level]
    url = named(path, made)
    if url is None:
        return None
    if by_body and "{" not in path:
        body = {**body, "session_id": made["sessions"]}
    if path == "/api/v1/tags":
        return None
    r = caller.ask(method, url, **({"json": body} if body is not None else {}))
    assert r.status_code != 500, f"{method} {url} {body}: {r.text}"
    return r


def test_reading_is_by_project_organisation_and_level(world):
    asked = 0
    for method, path, permission, body, by_body in operations(world):
        if permission != "read":
            continue
        for (place, level) in world.made:
            r = call(world, world.reader, place, level, method, path, body, by_body)
            if r is None:
                continue
            wanted = (200, 201) if (place, level) in READABLE else (404,)
            assert r.status_code in wanted, f"{method} {path} of {place} {level}: {r.status_code} {r.text}"
            asked += 1
    assert asked > 100


def test_writing_is_for_the_own_project(world):
    """What may be read is refused, what may not be read is not there; the own is tried by all the other tests."""
    asked = 0
    for method, path, permission, body, by_body in operations(world):
        if permission != "write":
            continue
        for (place, level) in world.made:
            if place == "own":
                continue
            r = call(world, world.writer, place, level, method, path, body, by_body)
            if r is None:
                continue
            if r.status_code == 400:  # more than the least body is needed (see MORE): it was not looked for
                continue
            wanted = 403 if (place, level) in READABLE else 404
            assert r.status_code == wanted, f"{method} {path} {body} of {place} {level}: {r.status_code} {r.text}"
            if wanted == 403:
                assert r.json()["error"]["code"] == "FORBIDDEN"
            asked += 1
    assert asked > 60


def test_a_token_that_reads_does_not_write(world):
    for method, path, permission, body, by_body in operations(world):
        if permission != "write":
            continue
        r = call(world, world.reader, "own", "TEAM", method, path, body, by_body)
        assert r is None or r.status_code == 403, f"{method} {path}: {r.status_code} {r.text}"


@pytest.mark.parametrize("plural", ["conversations", "turns", "events", "summaries", "characters", "patterns",
                                    "checkpoints", "tags", "agent_states"])
def test_lists_and_totals_hold_what_may_be_read(world, plural):
    r = world.reader.ask("GET", f"/api/v1/{plural}", params={"limit": 1000})
    shown = {row["id"] for row in r.json()}
    assert int(r.headers["X-Total-Count"]) == len(shown)
    for (place, level), made in world.made.items():
        assert (made[plural] in shown) == ((place, level) in READABLE), (place, level)


def test_pages_follow_on_without_the_hidden(world):
    shown, url = [], "/api/v1/turns?limit=2"
    while url:
        r = world.reader.ask("GET", url)
        shown += [row["id"] for row in r.json()]
        found = re.search(r'<([^>]*)>; rel="next"', r.headers.get("Link", ""))
        url = found and found[1]
    assert len(shown) == len(set(shown)) == len(world.reader.get("/api/v1/turns", limit=1000))


def test_recall_goes_across_what_may_be_read(world):
    results = world.reader.post("/api/v2/recall", {"query": "lighthouse", "max_results": 100,
                                                   "access_reason": "a review of lights"})["results"]
    found = {hit["id"] for hit in results}
    for (place, level), made in world.made.items():
        assert (made["turns"] in found) == ((place, level) in READABLE), (place, level)
    assert {hit["project"] for hit in results} == {"web", "shop", "zeta/web"}
    assert "a review of lights" not in world.log()


def test_counts_are_of_what_may_be_read(world):
    readable = len(READABLE)
    assert world.reader.get("/api/v1/stats")["total_messages"] == readable
    everywhere = Caller(world, "acme", "shop", "read,admin")
    assert everywhere.get("/api/v1/stats")["total_messages"] == 2 * len(LEVELS) + 1


def test_other_projects_can_be_read_by_name_and_not_written(world):
    names = {row["project"] for row in world.reader.get("/api/v1/events", project="shop")}
    assert names == {"shop"}
    assert {row["project"] for row in world.reader.get("/api/v1/events", project="zeta/web")} == {"zeta/web"}
    r = world.writer.ask("POST", "/api/v1/events", json={"effect_text": "x", "project": "shop"})
    assert (r.status_code, r.json()["error"]["code"]) == (403, "FORBIDDEN")
    r = world.writer.ask("POST", "/api/v2/sessions", json={"project": "zeta/web"})
    assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "project"


def test_chats_go_into_sessions_of_the_own_project_only(world):
    def chat(place, level):
        body = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
        return world.writer.http.post("/v1/chat/completions", json=body, headers={
            **world.writer.headers, "X-Cairn-Session": world.made[place, level]["sessions"]}).status_code

    assert chat("own", "PRIVATE") == 200
    assert chat("sibling", "TEAM") == 403
    assert chat("sibling", "PRIVATE") == 404
    assert chat("foreign", "TEAM") == 404
