"""What the server says of itself: liveness, memory health, metrics, status, documentation."""

import json

from conftest import eventually
from rest import conversation, session, turn


def test_liveness(cairn):
    h = cairn.get("/health")
    assert h["status"] == "ok" and h["service"] == "cairn" and h["version"]


def test_the_root_names_the_service(cairn):
    assert "cairn" in cairn.http.get("/").text.lower()
    assert cairn.http.get("/docs").headers["content-type"].startswith("text/html")


def test_memory_health(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    for i in range(5):
        turn(cairn, c, f"a remark about walnuts, {i}")
    cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "walnuts"}, 200)
    h = cairn.get("/health/memory")
    assert h["status"] == "ok" and h["database"]["status"] == "ok" and h["memory_service"]["status"] == "ok"
    assert h["database"]["bytes"] + h["database"]["wal_bytes"] > 0 and h["database"]["schema_version"] >= 1
    assert h["encryption"] == {"enabled": False, "state": "off"} and "index" in h and "embedding_model" in h
    for what in ("store", "recall"):
        p = h["performance"][what]
        assert p["count"] >= 1 and 0 < p["p50_ms"] <= p["p99_ms"]
    assert h["upstream"]["configured"] is True


def test_the_key_is_never_shown(make_cairn, upstream):
    cairn = make_cairn(env={"CAIRN_UPSTREAM_KEY": "sk-very-secret"})
    for path in ("/health", "/health/memory", "/metrics", "/api/v2/status", "/openapi.json", "/docs"):
        assert "sk-very-secret" not in cairn.http.get(path).text
    cairn.http.post("/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "x"}]})
    assert "sk-very-secret" not in cairn.log()
    assert cairn.get("/health/memory")["upstream"]["key"] is True


def test_metrics_count_what_happens(cairn):
    before = cairn.metric("cairn_store_writes_total")
    c = conversation(cairn, session(cairn))
    for i in range(3):
        turn(cairn, c, "x")
    # At least: what Cairn writes by itself, behind these, counts too.
    eventually(lambda: cairn.metric("cairn_store_writes_total") >= before + 5, what="five writes to be counted")
    assert cairn.metric("cairn_http_requests_total") >= 5
    text = cairn.http.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in text.text.splitlines():
        assert line.startswith("#") or len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0


def test_status(cairn):
    turn(cairn, conversation(cairn, session(cairn)), "x")
    s = cairn.get("/api/v2/status")
    assert s["status"] == "ok" and s["version"] and s["uptime_seconds"] >= 0
    assert s["counts"]["turns"] == 1 and s["counts"]["sessions"] == 1


def test_logs_are_json_with_request_ids_and_without_contents(cairn):
    c = conversation(cairn, session(cairn), directive="a secret directive")
    turn(cairn, c, "a very secret remark")
    cairn.http.post("/v1/chat/completions", headers={"X-Cairn-Session": "me"},
                    json={"model": "m", "messages": [{"role": "user", "content": "a secret question"}]})
    cairn.http.post(f"/api/v2/sessions/none/context/search", json={"query": "secret words"})
    r = cairn.http.get("/health")
    assert r.headers["x-request-id"]
    cairn.stop()
    assert "secret" not in cairn.log()
    for line in cairn.log().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            assert entry["time"] and entry["level"] and entry["event"]


def test_unknown_paths_and_methods(cairn):
    r = cairn.http.get("/api/v2/nothing")
    assert r.status_code == 404 and r.json()["error"]["code"] == "NOT_FOUND"
    r = cairn.http.delete("/api/v2/sessions")
    assert r.status_code == 405 and "POST" in r.headers["allow"]


def test_without_an_upstream_it_stores_and_says_what_is_missing(make_cairn):
    cairn = make_cairn(upstream=None)
    turn(cairn, conversation(cairn, session(cairn)), "x")
    r = cairn.http.post("/v1/chat/completions", json={"model": "m", "messages": []})
    assert r.status_code == 503 and "upstream" in r.json()["error"]["message"].lower()
    assert set(r.json()["error"]) == {"message", "type", "param", "code"}
    assert cairn.get("/health/memory")["upstream"] == {"configured": False, "key": False}
