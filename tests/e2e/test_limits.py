"""Limits on requests a minute, quotas, and pages of other origins, on a running server."""

import time

import pytest

from conftest import REPORTS, Cairn
from rest import conversation, refused, session, turn

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def limited(tmp_path_factory, upstream_server):
    c = Cairn(tmp_path_factory.mktemp("limited") / "data", upstream_server.url, env={
        "CAIRN_LIMITS_ENABLED": "on", "CAIRN_LIMITS_CHAT_PER_MINUTE": "3", "CAIRN_LIMITS_SESSIONS_PER_MINUTE": "30",
        "CAIRN_MAX_SESSIONS_PER_USER": "2", "CAIRN_SERVER_CORS_ORIGINS": "https://app.example"}).start()
    yield c
    c.http.close()
    status = c.stop()
    assert status == 0 and not REPORTS.search(c.log()), c.log()[-20000:]


def asking(**more):
    return {"model": "m", "messages": [{"role": "user", "content": "hello"}], **more}


def limits(r):
    return {name: int(r.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset", "window")}


def test_no_limits_on_this_machine_alone(cairn):
    for _ in range(40):
        r = cairn.http.get("/api/v2/sessions")
        assert r.status_code == 200 and "x-ratelimit-limit" not in r.headers


def test_each_session_has_its_own_count(limited):
    one, two = (conversation(limited, session(limited)) for _ in range(2))
    for i in range(30):
        r = limited.http.post(f"/api/v2/conversations/{one}/turns", json={"content": "x"})
        assert r.status_code == 201
        got = limits(r)
        assert got["limit"] == 30 and got["remaining"] == 29 - i and got["window"] == 60
        assert 0 <= got["reset"] - time.time() <= 70
    error = refused(limited, "POST", f"/api/v2/conversations/{one}/turns", {"content": "x"}, 429, "RATE_LIMIT_EXCEEDED")
    assert 1 <= error["retry_after"] <= 65
    assert limited.get(f"/api/v2/conversations/{two}")["turns"] == []
    turn(limited, two, "still open")


@pytest.mark.parametrize("by", ["body", "header", "nobody"])
def test_chats_are_limited_in_the_shape_their_clients_know(limited, by):
    body = asking(session_id="chats in a body") if by == "body" else asking()
    headers = {"X-Cairn-Session": "chats in a header"} if by == "header" else {}
    for i in range(3):
        r = limited.http.post(CHAT, json=body, headers=headers)
        assert r.status_code == 200 and limits(r)["remaining"] == 2 - i
    r = limited.http.post(CHAT, json={**body, "stream": True}, headers=headers)
    assert r.status_code == 429 and int(r.headers["retry-after"]) >= 1 and limits(r)["remaining"] == 0
    assert r.json()["error"]["type"] == "rate_limit_error" and r.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    if by == "nobody":  # Anthropic's clients, of the same address
        r = limited.http.post("/v1/messages", json={**asking(), "max_tokens": 9})
        assert r.status_code == 429 and r.json()["type"] == "error"
        assert r.json()["error"]["type"] == "rate_limit_error"
    else:  # and another session goes on
        r = limited.http.post(CHAT, json=asking(session_id="another " + by))
        assert r.status_code == 200


def test_a_streamed_chat_says_its_limit(limited):
    with limited.http.stream("POST", CHAT, json=asking(session_id="streamed", stream=True)) as r:
        assert r.status_code == 200 and limits(r)["limit"] == 3
        assert "[DONE]" in "".join(r.iter_text())


def test_what_has_no_limit_says_nothing_of_one(limited):
    for path in ("/health", "/api/v2/status", "/openapi.json", "/v1/models"):
        r = limited.http.get(path)
        assert r.status_code == 200 and "x-ratelimit-limit" not in r.headers, path


def test_a_user_has_so_many_active_sessions(limited):
    first = session(limited, user_id="ana")
    session(limited, user_id="ana")
    error = refused(limited, "POST", "/api/v2/sessions", {"user_id": "ana"}, 413, "STORAGE_QUOTA_EXCEEDED",
                    field="user_id", says=["2 active sessions", "archive"])
    assert "retry_after" not in error
    session(limited, user_id="ben")
    session(limited)
    limited.post(f"/api/v2/sessions/{first}/archive", {})
    session(limited, user_id="ana")
    assert limited.get("/api/v2/sessions", user_id="ana")["total"] == 3


def test_a_full_store_takes_nothing_more_and_still_answers(make_cairn):
    c = make_cairn()
    conv = conversation(c, session(c))
    turn(c, conv, "before")
    c.stop()
    c.env["CAIRN_LIMITS_STORE_BYTES"] = "1000"
    c.start()
    refused(c, "POST", f"/api/v2/conversations/{conv}/turns", {"content": "after"}, 413, "STORAGE_QUOTA_EXCEEDED")
    refused(c, "POST", "/api/v2/remember", {"text": "after"}, 413, "STORAGE_QUOTA_EXCEEDED")
    assert [t["content"] for t in c.get(f"/api/v2/conversations/{conv}")["turns"]] == ["before"]
    r = c.http.post(CHAT, json=asking(session_id="full"))  # a chat goes on, without memory
    assert r.status_code == 200 and r.headers["x-cairn-memory"].startswith("skipped")


def test_pages_of_a_named_origin_may_ask(limited):
    page = {"Origin": "https://app.example"}
    r = limited.http.options("/api/v2/recall", headers={**page, "Access-Control-Request-Method": "POST",
                                                        "Access-Control-Request-Headers": "authorization,content-type"})
    assert r.status_code == 204 and "POST" in r.headers["access-control-allow-methods"]
    assert "authorization" in r.headers["access-control-allow-headers"]
    r = limited.http.post("/api/v2/recall", json={"query": "x"}, headers=page)
    assert r.status_code == 200 and r.headers["access-control-allow-origin"] == "https://app.example"
    assert "X-RateLimit-Remaining" in r.headers["access-control-expose-headers"]
    assert r.headers["vary"] == "Origin" and "access-control-allow-credentials" not in r.headers
    with limited.http.stream("POST", CHAT, json=asking(session_id="page", stream=True), headers=page) as r:
        assert r.headers["access-control-allow-origin"] == "https://app.example"
        r.read()
    r = limited.http.post("/api/v2/recall", json={"query": "x"}, headers={"Origin": "https://evil.example"})
    assert r.status_code == 403 and "access-control-allow-origin" not in r.headers


def test_a_session_takes_no_more_than_its_bound_by_any_way(make_cairn):
    cairn = make_cairn(env={"CAIRN_LIMITS_SESSION_BYTES": "100"})
    s = session(cairn)
    first, second = conversation(cairn, s), conversation(cairn, s)
    turn(cairn, first, "x" * 60)
    turn(cairn, second, "y" * 40)
    for refusal in (cairn.http.post(f"/api/v2/conversations/{first}/turns", json={"agent": "a", "content": "z"}),
                    cairn.http.post("/api/v2/remember", json={"text": "z", "session": s})):
        assert refusal.status_code == 413, refusal.text
        error = refusal.json()["error"]
        assert error["code"] == "STORAGE_QUOTA_EXCEEDED" and error["details"]["field"] == "content"
    answer = cairn.http.post("/api/v1/sessions", json={"conversation_json": [{"role": "user", "content": "z" * 101}]})
    assert answer.status_code == 413, answer.text
    chat = cairn.http.post("/v1/chat/completions", json={"model": "m", "session_id": s,
                                                         "messages": [{"role": "user", "content": "hello"}]})
    assert chat.status_code == 200
    assert cairn.get(f"/api/v2/sessions/{s}")["total_turns"] == 2
    turn(cairn, conversation(cairn, session(cairn)), "another session has room")
