"""Hostile and broken input: a clear error each time, naming the field, and nothing stored. What can be, is generated
from the server's own description, so that a new argument or field is tested without anybody thinking of it."""

import json
import os
import random
import re
import resource
import socket
import time

import pytest

from conftest import REPORTS, Cairn, eventually
from rest import NO_CONVERSATION, NO_SESSION, conversation, refused, session, turn

SANITIZED = any(word in os.environ.get("CAIRN_BINARY", "") for word in ("asan", "tsan"))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests that leave it as it was."""
    c = Cairn(tmp_path_factory.mktemp("bad") / "data").start()
    yield c
    c.http.close()
    status = c.stop()
    assert status == 0 and not REPORTS.search(c.log()), c.log()[-20000:]


@pytest.fixture(scope="module")
def api(server):
    return server.get("/openapi.json")


def counts(c):
    """What callers have written. What is derived from it comes in the background, at its own time."""
    kinds = c.get("/api/v1/stats")["kinds"]
    return {k: n for k, n in kinds.items() if k in ("sessions", "conversations", "turns", "agents", "props", "patterns")}


# ---- talking below HTTP ----


class Raw:
    """A connection that sends exactly the bytes it is told to."""

    def __init__(self, c, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", c.port), timeout=timeout)
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        except OSError:
            pass  # it has answered and closed already: the answer is what counts
        return self

    def more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.left += got
        return bool(got)

    def answer(self):
        """(status, headers, body) of the next answer, None when the connection ended without one."""
        while b"\r\n\r\n" not in self.left:
            if not self.more():
                return None
        head, self.left = self.left.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        n = int(headers.get("content-length", 0))
        while len(self.left) < n and self.more():
            pass
        body, self.left = self.left[:n], self.left[n:]
        return int(lines[0].split()[1]), headers, body

    def ended(self):
        while self.more():
            pass
        return True


def ask(c, data):
    with Raw(c) as raw:
        return raw.send(data).answer()


def request(line, *headers, body=b""):
    body = body if isinstance(body, bytes) else body.encode()
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1") + body


def error_of(answer):
    assert answer is not None, "no answer"
    assert answer[0] < 500, answer
    return json.loads(answer[2])["error"]


# ---- JSON that is none ----

LONE = ['"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '"\\udc00\\ud800"', '"\\ud800']
BAD_JSON = {
    "empty object cut": b"{",
    "cut in a string": b'{"title": "abc',
    "cut in an escape": b'{"title": "abc\\',
    "cut after a colon": b'{"title":',
    "trailing comma": b'{"title": "a",}',
    "single quotes": b"{'title': 'a'}",
    "bare word": b"{title: 1}",
    "comment": b'{"title": "a"} // hello',
    "bytes after it": b'{"title": "a"} x',
    "two documents": b'{"title": "a"}{"title": "b"}',
    "NUL after it": b'{"title": "a"}\0',
    "NUL between": b'{"title":\0 "a"}',
    "NUL in a string": b'{"title": "a\0b"}',
    "line break in a string": b'{"title": "a\nb"}',
    "byte order mark": b'\xef\xbb\xbf{"title": "a"}',
    "UTF-16": '{"title": "a"}'.encode("utf-16"),
    "not UTF-8": b'{"title": "\xff\xfe"}',
    "overlong UTF-8": b'{"title": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"title": "\xed\xa0\x80"}',
    "cut UTF-8": b'{"title": "\xe2\x82"}',
    "duplicate keys": b'{"title": "a", "title": "b"}',
    "duplicate keys, one escaped": b'{"title": "a", "t\\u0069tle": "b"}',
    "duplicate keys inside": b'{"user_preferences": {"a": 1, "a": 2}}',
    "number too large": b'{"user_preferences": {"a": 1e999}}',
    "leading zero": b'{"user_preferences": {"a": 012}}',
    "plus": b'{"user_preferences": {"a": +1}}',
    "hex": b'{"user_preferences": {"a": 0x10}}',
    "NaN": b'{"user_preferences": {"a": NaN}}',
    "Infinity": b'{"user_preferences": {"a": -Infinity}}',
    "unknown escape": b'{"title": "\\x41"}',
    "short escape": b'{"title": "\\u12"}',
    "deep arrays": b'{"user_preferences": ' + b"[" * 100 + b"]" * 100 + b"}",
    "very deep arrays": b"[" * 200000,
    "very deep objects": b'{"a":' * 100000,
    "an array": b"[]",
    "a string": b'"title"',
    "a number": b"1",
    "null": b"null",
    **{f"lone surrogate {s}": b'{"title": ' + s.encode() + b"}" for s in LONE},
}


@pytest.mark.parametrize("what", BAD_JSON)
def test_broken_json_is_refused(server, what):
    before = counts(server)
    r = server.http.post("/api/v2/sessions", content=BAD_JSON[what], headers={"Content-Type": "application/json"})
    assert r.status_code == 400, r.text
    error = r.json()["error"]
    assert error["code"] == "VALIDATION_FAILED" and error["details"]["field"] == "body", error
    assert counts(server) == before


def test_huge_numbers_are_out_of_range_and_not_wrapped_around(server):
    before = counts(server)
    for number in ("9223372036854775808", "-9223372036854775809", "18446744073709551617", "1e30", "1" + "0" * 300):
        body = f'{{"session_id": "{NO_SESSION}", "context_depth": {number}}}'
        r = server.http.post("/api/v2/conversations", content=body)
        assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "context_depth", (number, r.text)
        r = server.http.get("/api/v2/sessions", params={"limit": number})
        assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "limit", (number, r.text)
    assert counts(server) == before


def test_a_nul_that_is_escaped_comes_back_or_is_refused(server):
    """It is valid JSON: text after it must not be lost in silence."""
    conv = conversation(server, session(server))
    r = server.http.post(f"/api/v2/conversations/{conv}/turns", json={"content": "before\0after"})
    if r.status_code == 400:
        assert r.json()["error"]["details"]["field"] == "content"
    else:
        assert server.get(f"/api/v2/conversations/{conv}")["turns"][0]["content"] == "before\0after"


def test_text_that_is_hard_to_store_comes_back_as_it_was(server):
    conv = conversation(server, session(server))
    texts = ["\U0010ffff", "a\u0301", "\u202egnp.exe", "\ufeffx", "\ufffd", "\x7f\x1b[31m", "\\", '"', "\u2028", "'" * 99]
    for text in texts:
        turn(server, conv, text)
    assert [t["content"] for t in server.get(f"/api/v2/conversations/{conv}")["turns"]] == texts


# ---- sizes ----


def test_a_body_that_is_too_large_is_refused(server):
    before = counts(server)
    for path, size in (("/api/v2/sessions", 9 << 20), ("/v1/chat/completions", 33 << 20)):
        r = server.http.post(path, content=b'{"title": "' + b"x" * size + b'"}')
        assert r.status_code == 413, r.text
        assert r.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"
    # Announced only, and in pieces that are never announced.
    answer = ask(server, request("POST /api/v2/sessions", "Content-Length: 99999999999"))
    assert answer[0] == 413
    with Raw(server) as raw:
        raw.send(request("POST /api/v2/sessions", "Transfer-Encoding: chunked"))
        for _ in range(10):
            raw.send(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        raw.send(b"0\r\n\r\n")
        assert raw.answer()[0] == 413
    assert counts(server) == before


def test_heads_that_are_too_large_are_refused(server):
    for data in (request("GET /" + "a" * 20000), request("GET /health", "X-Big: " + "a" * 20000),
                 request("GET /health", *[f"X-{i}: 1" for i in range(200)]),
                 request("GET /health?" + "a=1&" * 500), request("GET /health?" + "a=1&" * 4500),
                 request("GET /health", "A" * 20000 + ": 1"), request("GET /" + "a" * 40000)):
        answer = ask(server, data)
        assert answer[0] in (414, 431), answer
    # More cookies than fit into the connection's memory: it is closed, whatever comes after them.
    with Raw(server) as raw:
        raw.send(request("GET /health", "Cookie: " + "a=1; " * 3000) + request("GET /health")).ended()
        assert b" 200 " not in raw.left
    assert ask(server, request("GET /api/v2/sessions?" + "a=1&" * 200))[0] == 400
    assert server.http.get("/health").status_code == 200


def test_texts_that_are_too_long_name_their_field(server):
    refused(server, "POST", "/api/v2/sessions", {"title": "x" * 501}, field="title")
    refused(server, "POST", "/api/v2/sessions", {"user_id": "x" * 201}, field="user_id")
    conv = conversation(server, session(server))
    refused(server, "POST", f"/api/v2/conversations/{conv}/turns", {"content": "x" * ((4 << 20) + 1)}, field="content")
    assert server.get(f"/api/v2/conversations/{conv}")["turns"] == []


# ---- everything the description names ----


def resolve(api, schema):
    while schema and "$ref" in schema:
        schema = api["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema or {}


def body_schema(api, op):
    content = op.get("requestBody", {}).get("content", {})
    return resolve(api, content.get("application/json", {}).get("schema"))


def operations(api, proxied=False):
    """(method, path, operation) of all but what the proxy serves, what has no JSON, and what nobody may over TCP."""
    for path, item in api["paths"].items():
        for method, op in item.items():
            if method in ("get", "post", "put", "patch", "delete") and (proxied or not re.match(r"/v[12]/", path)) and \
                    not path.startswith("/api/v2/encryption/"):
                yield method.upper(), path, op


def types_of(schema):
    t = schema.get("type", [])
    return [t] if isinstance(t, str) else t


def sample(api, schema):
    """Some value that the schema takes."""
    schema = resolve(api, schema)
    if "enum" in schema:
        return schema["enum"][0]
    kind = next((t for t in types_of(schema) if t != "null"), "object")
    if schema.get("format") == "date-time":
        return "2026-01-31T12:00:00Z"
    # bounds of texts are in bytes, so a schema can only tell the least of characters
    text = "x" * min(max(4, schema.get("minLength", 1)), schema.get("maxLength", 4))
    return {"string": text, "integer": int(schema.get("minimum", 1)),
            "number": schema.get("minimum", 0.5), "boolean": True, "array": [], "object": {}}[kind]


def filled(path):
    """The path with ids that nothing has."""
    def fill(match):
        name = match.group(1)
        return NO_SESSION if "session" in name else NO_CONVERSATION if "conversation" in name else "nothing_" + "0" * 32
    return re.sub(r"\{(\w+)\}", fill, path)


def parameter_schema(p):
    """An object in a query is described by its content's type."""
    return p["schema"] if "schema" in p else next(iter(p["content"].values()))["schema"]


def required_query(api, op):
    return {p["name"]: sample(api, parameter_schema(p)) for p in op.get("parameters", []) if p["in"] == "query" and p.get("required")}


def required_body(api, op):
    schema = body_schema(api, op)
    return {name: sample(api, schema["properties"][name]) for name in schema.get("required", [])}


WRONG = {
    "string": [1, True, [], {}, 1.5],
    "integer": ["1", True, [], {}, 1.5, 1e300],
    "number": ["1", True, [], {}],
    "boolean": ["true", 1, [], {}],
    "array": ["[]", 1, True, {}],
    "object": ["{}", 1, True, []],
}


def wrong_values(schema):
    kinds = [t for t in types_of(schema) if t != "null"]
    if len(kinds) == 1:
        yield from WRONG[kinds[0]]
        if "enum" in schema:
            yield "none of these"
        if schema.get("format") == "date-time":
            yield from ("yesterday", "2026-13-01T00:00:00Z", "")
        if kinds[0] == "integer" and "maximum" in schema:
            yield schema["maximum"] + 1
        if kinds[0] == "integer" and "minimum" in schema:
            yield schema["minimum"] - 1
        if kinds[0] == "string" and 0 < schema.get("maxLength", 0) <= 100000:
            yield "x" * (schema["maxLength"] + 1)


def test_a_wrong_type_is_refused_for_every_field_of_every_body(server, api):
    before, tried = counts(server), 0
    for method, path, op in operations(api):
        schema = body_schema(api, op)
        for name, field in schema.get("properties", {}).items():
            field = resolve(api, field)
            if field.get("readOnly"):
                continue
            for value in wrong_values(field):
                body = {**required_body(api, op), name: value}
                r = server.http.request(method, filled(path), json=body)
                where = f"{method} {path} {name}={str(value)[:40]!r}: {r.status_code} {r.text[:300]}"
                assert r.status_code == 400, where
                assert r.json()["error"]["details"].get("field") == name, where
                tried += 1
    assert tried > 300
    assert counts(server) == before


def test_a_wrong_type_is_refused_for_every_parameter_of_every_query(server, api):
    tried = 0
    for method, path, op in operations(api):
        for p in op.get("parameters", []):
            schema = resolve(api, parameter_schema(p))
            if p["in"] != "query":
                continue
            for value in wrong_values(schema):
                if "string" in types_of(schema) and not isinstance(value, str):
                    continue  # every text is a string in a query
                text = value if isinstance(value, str) else json.dumps(value)
                if len(text) > 8000:
                    continue  # longer than a request's path may be
                if types_of(schema) == ["integer"] and value == "1" or types_of(schema) == ["number"] and value == "1":
                    continue
                if types_of(schema) == ["boolean"] and text in ("true", "1"):
                    continue
                if types_of(schema) in (["array"], ["object"]) and text in ("[]", "{}"):
                    continue
                r = server.http.request(method, filled(path), params={**required_query(api, op), p["name"]: text},
                                        json=required_body(api, op) or None)
                where = f"{method} {path}?{p['name']}={text[:40]!r}: {r.status_code} {r.text[:300]}"
                assert r.status_code == 400, where
                assert r.json()["error"]["details"].get("field") == p["name"], where
                tried += 1
    assert tried > 50


def test_unknown_names_are_refused_everywhere(server, api):
    before = counts(server)
    for method, path, op in operations(api):
        if "components" in path or path in ("/", "/health", "/api/v1/health", "/metrics", "/openapi.json", "/docs"):
            continue
        r = server.http.request(method, filled(path), params={"no_such_parameter": "1"},
                                json=required_body(api, op) or None)
        assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "no_such_parameter", (method, path, r.text)
        schema = body_schema(api, op)
        if schema.get("properties") and schema.get("additionalProperties") is False:
            r = server.http.request(method, filled(path), json={**required_body(api, op), "no_such_member": 1})
            assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "no_such_member", (method, path, r.text)
    assert counts(server) == before


def test_unknown_ids_are_not_found_on_every_route_with_one(server, api):
    """Never a 500, never a success that did nothing; where a name may be anything, an empty answer is right."""
    before, found = counts(server), 0
    for method, path, op in operations(api):
        if "{" not in path:
            continue
        r = server.http.request(method, filled(path), json=required_body(api, op) or None)
        where = f"{method} {path}: {r.status_code} {r.text[:300]}"
        assert r.status_code in (400, 404), where
        assert r.json()["error"]["code"] in ("SESSION_NOT_FOUND", "CONVERSATION_NOT_FOUND", "NOT_FOUND",
                                             "VALIDATION_FAILED"), where
        found += r.status_code == 404
    assert found > 20
    assert counts(server) == before


META = ["'; DROP TABLE session; --", '" OR ""="', "1' OR '1'='1", "%", "_", "\\", "a\"b*", "NEAR(a b, 1)", "AND OR NOT",
        "title:x", "^x", "(", "*", "-x", "{a b}: c", "\0x", "${jndi:x}", "../../etc/passwd", "x' UNION SELECT 1--"]
FEW = META[::4] if SANITIZED else META


def test_metacharacters_are_only_text_in_every_text_argument(server, api):
    """No 5xx, and every table is still there with what it held."""
    marker = session(server, title="a marker that must survive")
    for method, path, op in operations(api):
        if "/backup" in path or path.endswith("/cycle"):
            continue  # its text is a file's name: see below; and that one wants an upstream: see test_cycle.py
        texts = [(n, resolve(api, f)) for n, f in body_schema(api, op).get("properties", {}).items()]
        for name in [n for n, f in texts if "string" in types_of(f) and not f.get("readOnly")]:
            for value in FEW:
                r = server.http.request(method, filled(path), json={**required_body(api, op), name: value})
                assert r.status_code < 500, f"{method} {path} {name}={value!r}: {r.status_code} {r.text[:300]}"
        for p in op.get("parameters", []):
            for value in FEW:
                target = filled(path)
                if p["in"] == "path":
                    target = filled(path.replace("{%s}" % p["name"], "".join(f"%{b:02x}" for b in value.encode())))
                r = server.http.request(method, target, params={p["name"]: value} if p["in"] == "query" else None,
                                        json=required_body(api, op) or None)
                assert r.status_code < 500, f"{method} {path} {p['name']}={value!r}: {r.status_code} {r.text[:300]}"
    assert server.get(f"/api/v2/sessions/{marker}")["title"] == "a marker that must survive"
    assert '"error"' not in server.log() or "SQL" not in server.log()


def test_metacharacters_find_what_holds_them_and_nothing_else(server):
    conv = conversation(server, session(server, user_id="it's; DROP"))
    turn(server, conv, "Robert'); DROP TABLE turn;-- said NEAR the well")
    turn(server, conv, "an innocent line about wells")
    got = server.get("/api/v2/sessions", user_id="it's; DROP")["sessions"]
    assert len(got) == 1
    assert server.get("/api/v2/sessions", user_id="' OR ''='")["sessions"] == []
    for query in META:
        if "\0" not in query:
            server.post("/api/v2/recall", {"query": query})
    assert "Robert" in json.dumps(server.post("/api/v2/recall", {"query": 'Robert" OR NEAR('}))


# ---- paths ----


@pytest.mark.parametrize("path", [
    "/../../etc/passwd", "/api/v2/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v2/sessions/..%2f..%2fsecret",
    "/api/v2/sessions/%2e%2e", "//etc/passwd", "/api//v2/sessions", "/api/v2/sessions//", "/./health", "/health/.",
    "/api/v2/sessions/" + "a" * 5000, "/a" * 300, "/api/v2/sessions/%00", "/api/v2/sessions/%zz", "/api/v2/sessions/%",
    "/api/v2/sessions/%ff%fe", "/api/v2/sessions/%c0%ae%c0%ae", "/API/V2/SESSIONS/x", "/api/v2/sessions;x=1",
    "/api/v2/sessions/a%0d%0aX-Injected:%201", "/docs/../../../etc/passwd", "\\..\\..\\x", "/api/v2/sessions%2fx",
])
def test_path_tricks_lead_nowhere(server, path):
    answer = ask(server, request(f"GET {path}"))
    assert answer is not None and answer[0] in (400, 404), answer
    assert "x-injected" not in answer[1] and b"root:" not in answer[2]
    if answer[1].get("content-type") == "application/json":
        assert error_of(answer)["code"]


def test_an_encoded_slash_stays_inside_its_segment(server):
    """sessions/{session_id}/context with the id "a/b", not sessions/a/b/context, which is no path."""
    error = error_of(ask(server, request("GET /api/v2/sessions/a%2fb/context")))
    assert error["code"] == "SESSION_NOT_FOUND"
    assert error_of(ask(server, request("GET /api/v2/sessions/a/b/context")))["code"] == "NOT_FOUND"


def test_a_backup_is_not_written_where_it_may_not_be(server):
    for path in ("../../../tmp/x.db", "/proc/x", "/nonexistent/folder/x.db", "a\0b", ""):
        r = server.http.post("/api/v2/backup", json={"path": path})
        assert 400 <= r.status_code < 600 and r.status_code != 500, (path, r.text)
        assert r.json()["error"]["message"]


# ---- framing ----

SMUGGLED = [
    ("two lengths", "POST /api/v2/sessions", ["Content-Length: 2", "Content-Length: 3"]),
    ("list of lengths", "POST /api/v2/sessions", ["Content-Length: 2, 2"]),
    ("length and chunked", "POST /api/v2/sessions", ["Content-Length: 2", "Transfer-Encoding: chunked"]),
    ("chunked and length", "POST /api/v2/sessions", ["Transfer-Encoding: chunked", "Content-Length: 2"]),
    ("negative length", "POST /api/v2/sessions", ["Content-Length: -1"]),
    ("plus in length", "POST /api/v2/sessions", ["Content-Length: +2"]),
    ("hex length", "POST /api/v2/sessions", ["Content-Length: 0x2"]),
    ("length too large", "POST /api/v2/sessions", ["Content-Length: 99999999999999999999999"]),
    ("empty length", "POST /api/v2/sessions", ["Content-Length:"]),
    ("unknown encoding", "POST /api/v2/sessions", ["Transfer-Encoding: gzip, chunked"]),
    ("twice chunked", "POST /api/v2/sessions", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]),
    ("odd chunked", "POST /api/v2/sessions", ["Transfer-Encoding: xchunked"]),
    ("tab before chunked", "POST /api/v2/sessions", ["Transfer-Encoding:\x0bchunked", "Content-Length: 2"]),
    ("space before colon", "POST /api/v2/sessions", ["Transfer-Encoding : chunked", "Content-Length: 2"]),
    ("folded header", "POST /api/v2/sessions", ["X-A: 1", " Transfer-Encoding: chunked", "Content-Length: 2"]),
    ("line feed in a header", "GET /health", ["X-A: 1\rX-B: 2"]),
    ("space in a header name", "GET /health", ["X A: 1"]),
    ("foreign host", "GET /health", ["Host: evil.example"]),
    ("bad method", "G(T /health", []),
    ("long method", "A" * 40 + " /health", []),
]


@pytest.mark.parametrize("what,line,headers", SMUGGLED, ids=[s[0] for s in SMUGGLED])
def test_a_request_whose_end_is_unclear_ends_its_connection(server, what, line, headers):
    """What follows it in the same packet must never be taken for a second request."""
    before = counts(server)
    with Raw(server) as raw:
        raw.send(request(line, *headers, body=b"0\r\n\r\n") + request("POST /api/v2/sessions", "Content-Length: 2") + b"{}")
        first = raw.answer()
        if first is not None:
            assert 400 <= first[0] <= 501, first
        raw.ended()
        assert b" 201 " not in raw.left, raw.left
    assert counts(server) == before


@pytest.mark.parametrize("header", ["X-A: 1\x002", ": 1"])
def test_odd_headers_that_say_nothing_of_the_length_leave_the_framing_alone(server, header):
    """libmicrohttpd drops what it cannot read of these and tells nobody: what counts is that both requests end where
    a careful reader says they do."""
    with Raw(server) as raw:
        raw.send(request("GET /health", header) + request("GET /openapi.json"))
        first, second = raw.answer(), raw.answer()
        assert first[0] in (200, 400)
        assert (first[0] == 400 and second is None) or b'"openapi"' in second[2]


@pytest.mark.parametrize("chunk", [b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"fffffffffffffffff\r\n{}\r\n",
                                   b"2\r\n{}x\r\n0\r\n\r\n", b"2 \n{}\n0\n\n", b"\r\n\r\n"])
def test_broken_chunks_are_refused(server, chunk):
    before = counts(server)
    with Raw(server) as raw:
        raw.send(request("POST /api/v2/sessions", "Transfer-Encoding: chunked", body=chunk))
        raw.socket.shutdown(socket.SHUT_WR)
        answer = raw.answer()
        assert answer is None or answer[0] >= 400, answer
    assert counts(server) == before


@pytest.mark.parametrize("data", [b"\0" * 1000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500, b"GET\r\n\r\n",
                                  b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"HELO mail\r\n\r\n", b"\r\n" * 500,
                                  b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", random.Random(1).randbytes(4000)],
                         ids=lambda raw: repr(raw[:20]))
def test_what_is_no_http_is_refused(server, data):
    with Raw(server) as raw:
        raw.send(data)
        raw.socket.shutdown(socket.SHUT_WR)
        answer = raw.answer()
        assert answer is None or 400 <= answer[0] < 600
    assert server.http.get("/health").status_code == 200


def test_pipelined_requests_are_answered_in_order(server):
    names = [f"piped {i}" for i in range(50)]
    with Raw(server) as raw:
        for name in names:
            body = json.dumps({"title": name}).encode()
            raw.send(request("POST /api/v2/sessions", f"Content-Length: {len(body)}", body=body))
            raw.send(request("GET /health"))
        ids = []
        for _ in names:
            status, _, body = raw.answer()
            assert status == 201
            ids.append(json.loads(body)["session_id"])
            assert raw.answer()[0] == 200
    assert [server.get(f"/api/v2/sessions/{i}")["title"] for i in ids] == names


# ---- slow and many ----


@pytest.fixture(scope="module")
def hurried(tmp_path_factory):
    """A server that gives a request one second, and takes many connections."""
    env = {"CAIRN_SERVER_SLOW_SECONDS": "1", "CAIRN_SERVER_MAX_CONNECTIONS": "20000", "CAIRN_SERVER_IDLE_SECONDS": "300"}
    c = Cairn(tmp_path_factory.mktemp("hurried") / "data", env=env).start()
    yield c
    c.http.close()
    status = c.stop()
    assert status == 0 and not REPORTS.search(c.log()), c.log()[-20000:]


def drip(raw, piece, seconds=15):
    """Sends a byte now and then until the server has had enough of it; what it said."""
    end = time.monotonic() + seconds
    raw.socket.settimeout(0.1)
    while time.monotonic() < end:
        raw.send(piece)
        try:
            if not raw.more():
                return raw.left
        except TimeoutError:
            pass
    raise AssertionError("a slow sender was never cut off")


@pytest.mark.parametrize("start,piece", [
    (b"GET /hea", b"a"), (request("GET /health")[:-2], b"X-A: 1\r\n"), (b"", b"\r\n"),
    (request("POST /api/v2/sessions", "Content-Length: 100000"), b" "),
    (request("POST /api/v2/sessions", "Transfer-Encoding: chunked"), b"1\r\n \r\n"),
], ids=["line", "headers", "empty lines", "body", "chunks"])
def test_a_slow_sender_is_cut_off(hurried, start, piece):
    before = counts(hurried)
    with Raw(hurried) as raw:
        said = drip(raw.send(start), piece)
        assert not said or b" 408 " in said.split(b"\r\n")[0] or b" 400 " in said.split(b"\r\n")[0], said
    assert counts(hurried) == before


def test_many_idle_connections_do_not_keep_others_out(hurried):
    wanted = 2000 if SANITIZED else 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 500:
        wanted = hard - 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 400), hard))
    idle = []
    try:
        for i in range(wanted):
            # Several addresses of this machine, as one has not so many ports to spare.
            idle.append(socket.create_connection(("127.0.0.1", hurried.port), timeout=20,
                                                 source_address=(f"127.0.0.{2 + i % 4}", 0)))
            idle[-1].sendall(request("GET /health"))  # and then nothing more: kept alive, as browsers do
            if i % 500 == 0:
                assert hurried.http.get("/health").status_code == 200
        assert ask(hurried, request("GET /health"))[0] == 200  # on a new connection
        conv = conversation(hurried, session(hurried))
        assert turn(hurried, conv, "stored in spite of them")["turn_number"] == 1
        assert hurried.metric("cairn_http_connections") >= wanted
    finally:
        for s in idle:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    eventually(lambda: hurried.metric("cairn_http_connections") < 50, what="the connections to be given up")
