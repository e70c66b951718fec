"""A session's life: archived when idle, restored, expired, its old turns gone once they are summed up. Time is moved by
writing older times into the store."""

import random
import threading
import time

import pytest
from rest import conversation, refused, session, turn, turns
from store_sql import sql

from conftest import Cairn

DAY = 86_400_000
TALK = ["We moved the launch to Friday because the tests failed.", "The harbour museum wants a guided tour in May.",
        "I fixed the login bug by renewing the certificate.", "Melanie painted a lake sunrise for the office.",
        "The budget was cut by ten per cent after the audit.", "We chose Postgres over Mongo for the ledger."]


def talk(cairn, s, n=6, directive="Launch"):
    c = conversation(cairn, s, directive=directive)
    for i in range(n):
        turn(cairn, c, TALK[i % len(TALK)] if i < len(TALK) else f"{TALK[i % len(TALK)]} ({i})")
    return c


def age(cairn, days, s):
    """The session and its conversations were last used so many days ago."""
    at = int(time.time() * 1000) - days * DAY
    sql(cairn, "UPDATE session SET last_active = ?, updated_at = ? WHERE id = ?", at, at, s)
    sql(cairn, "UPDATE conversation SET last_turn_at = ?, stored_at = ? WHERE session_id = ?", at, at, s)


def clean(cairn, days=30, **more):
    done = cairn.post("/api/v2/maintenance", {"cleanup_days": days, **more}, 200)["cleanup"]
    assert done["failed"] == 0, cairn.log()
    return done


def status(cairn, s):
    return next(x for x in cairn.get("/api/v2/sessions", limit=1000)["sessions"] if x["session_id"] == s)


def expired(cairn, s):
    error = cairn.http.get(f"/api/v2/sessions/{s}")
    return error.status_code == 401 and error.json()["error"]["code"] == "SESSION_EXPIRED"


def test_an_idle_session_is_archived_after_its_own_retention(cairn):
    short = session(cairn, title="Short", user_preferences={"memory_retention_days": 5})
    usual, fresh = session(cairn), session(cairn)
    kept = session(cairn, user_preferences={"memory_retention_days": 0})
    c = talk(cairn, short)
    for s in (short, usual, kept):
        age(cairn, 20, s)
    assert clean(cairn, 365)["sessions_archived"] == 1
    assert [status(cairn, s)["status"] for s in (short, usual, fresh, kept)] == ["archived", "active", "active", "active"]
    assert status(cairn, short)["summary"], "it is summed up first"
    assert cairn.get(f"/api/v2/conversations/{c}")["status"] == "archived"
    made = cairn.get("/api/v1/checkpoints")[0]
    assert made["title"] == "Archived: Short" and made["metadata"]["automatic"] is True
    assert made["description"] == status(cairn, short)["summary"]


def test_a_dry_run_only_counts(cairn):
    s = session(cairn)
    c = talk(cairn, s)
    age(cairn, 100, s)
    done = clean(cairn, dry_run=True)
    assert (done["sessions_archived"], done["conversations_summarized"], done["turns_removed"]) == (1, 1, 0)
    assert status(cairn, s)["status"] == "active" and len(turns(cairn, c)) == 6


def test_turns_of_an_idle_conversation_go_once_they_are_summed_up(cairn):
    s = session(cairn)
    old = talk(cairn, s)
    age(cairn, 100, s)
    new = talk(cairn, s, directive="Garden")
    done = clean(cairn, 90)
    assert (done["conversations_summarized"], done["turns_removed"], done["sessions_archived"]) == (1, 6, 0)
    shown = cairn.get(f"/api/v2/conversations/{old}")
    assert shown["turns"] == [] and shown["context_summary"] and shown["turns_removed"] == 6
    assert cairn.get("/api/v1/summaries", conversation_id=old)[0]["text"] == shown["context_summary"]
    assert len(turns(cairn, new)) == 6
    found = cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "harbour museum guided tour"})["results"]
    assert found and {f["conversation_id"] for f in found} == {new}
    assert turn(cairn, old, "We are back.")["turn_number"] == 7, "numbers are not given again"
    assert [t["content"] for t in turns(cairn, old)] == ["We are back."]
    assert clean(cairn, 90)["conversations_summarized"] == 0, "what was gone on with is not idle"


def test_what_was_said_long_ago_and_stored_today_stays(cairn):
    c = conversation(cairn, session(cairn), directive="From an archive")
    turn(cairn, c, TALK[0], timestamp="2020-01-01T00:00:00Z")
    assert clean(cairn, 1)["conversations_summarized"] == 0
    assert len(turns(cairn, c)) == 1


def test_a_short_conversation_is_summed_up_too_before_it_goes(cairn):
    s = session(cairn, user_preferences={"auto_summarize": False})
    brief, empty = talk(cairn, s, 2), conversation(cairn, s, directive="Nothing")
    turn(cairn, empty, "Ok.")
    age(cairn, 100, s)
    assert clean(cairn, 90)["conversations_summarized"] == 2
    for c in (brief, empty):
        assert cairn.get(f"/api/v2/conversations/{c}")["context_summary"]


def test_an_archived_session_expires_and_keeps_only_its_summary(cairn):
    s = session(cairn, title="Gone")
    c = talk(cairn, s)
    cairn.post("/api/v1/events", {"session_id": s, "effect_text": "The launch moved"})
    cairn.post("/api/v1/tags", {"name": "kept", "record_kind": "session", "record_id": s})
    cairn.post(f"/api/v2/sessions/{s}/archive", {})
    assert clean(cairn)["sessions_expired"] == 0, "only just archived"
    age(cairn, 40, s)
    done = clean(cairn)
    assert done["sessions_expired"] == 1
    assert expired(cairn, s)
    for method, path, body in [("GET", "/context?directive=x", None), ("POST", "/restore", {}),
                               ("PUT", "/preferences", {"context_depth": 3})]:
        refused(cairn, method, f"/api/v2/sessions/{s}{path}", body, 401, "SESSION_EXPIRED")
    refused(cairn, "GET", f"/api/v2/conversations/{c}", None, 404, "CONVERSATION_NOT_FOUND")
    assert status(cairn, s)["summary"]
    assert [x["conversation_id"] for x in cairn.get("/api/v1/summaries", session_id=s)] == [None]
    assert cairn.get("/api/v1/events", session_id=s, status="all") == []
    assert [t["name"] for t in cairn.get("/api/v1/tags", record_id=s)] == ["kept"]
    assert sql(cairn, "SELECT count(*) FROM turn WHERE session_id = ? AND deleted_at IS NULL", s) == [(0,)]
    assert clean(cairn)["sessions_expired"] == 0


def test_a_summary_that_was_given_is_the_one_that_stays(cairn):
    s = session(cairn)
    talk(cairn, s)
    cairn.http.put(f"/api/v2/sessions/{s}/context/summary", json={"summary": "My own words."}).raise_for_status()
    cairn.post(f"/api/v2/sessions/{s}/archive", {})
    age(cairn, 40, s)
    assert clean(cairn)["sessions_expired"] == 1
    assert status(cairn, s)["summary"] == "My own words."


def test_a_restored_session_is_active_again_with_its_conversations(cairn):
    s = session(cairn)
    a, b = talk(cairn, s, 2), talk(cairn, s, 2)
    cairn.post(f"/api/v1/conversations/{b}/archive", {})
    gone = cairn.post(f"/api/v2/sessions/{s}/archive", {})
    assert gone["conversations_archived"] == 1 and gone["checkpoint_id"].startswith("chk_")
    assert cairn.post(f"/api/v2/sessions/{s}/archive", {})["checkpoint_id"] is None, "it is archived already"
    age(cairn, 29, s)
    before = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    assert status(cairn, s)["last_active"] < before
    back = cairn.post(f"/api/v2/sessions/{s}/restore", {})
    assert (back["status"], back["conversations_restored"]) == ("active", 1)
    assert cairn.get(f"/api/v2/conversations/{a}")["status"] == "active"
    assert cairn.get(f"/api/v2/conversations/{b}")["status"] == "archived", "it was archived before"
    assert status(cairn, s)["last_active"] >= before, "restoring is using"
    age(cairn, 3, s)
    assert clean(cairn)["sessions_archived"] == 0
    assert cairn.post(f"/api/v1/sessions/{s}/restore", {})["conversations_restored"] == 0
    refused(cairn, "POST", "/api/v2/sessions/sess_" + "0" * 32 + "/restore", {}, 404, "SESSION_NOT_FOUND")


def test_the_command_line_archives_and_restores(cairn):
    s = session(cairn)
    cairn.run("session", "archive", "--session", s)
    assert status(cairn, s)["status"] == "archived"
    cairn.run("session", "restore", "--session", s)
    assert status(cairn, s)["status"] == "active"


WRITES = [
    ("POST", "/api/v2/conversations/{c}/turns", {"agent": "ana", "content": "More."}),
    ("POST", "/api/v2/conversations", {"session_id": "{s}", "directive": "Another"}),
    ("PUT", "/api/v2/sessions/{s}/preferences", {"context_depth": 3}),
    ("PUT", "/api/v2/sessions/{s}/context/summary", {"summary": "All is well."}),
    ("PUT", "/api/v2/sessions/{s}/agents/codey/state", {"state_updates": {"mood": "calm"}}),
    ("GET", "/api/v2/sessions/{s}/context?directive=launch", None),
    ("POST", "/api/v2/sessions/{s}/context/search", {"query": "launch"}),
    ("POST", "/api/v2/recall", {"query": "launch", "session_id": "{s}"}),
    ("DELETE", "/api/v2/conversations/{c}/window", None),
    ("POST", "/api/v1/conversations/{c}/archive", {}),
    ("PATCH", "/api/v1/sessions/{s}", {"title": "Another title"}),
    ("POST", "/api/v1/events", {"session_id": "{s}", "effect_text": "The launch moved"}),
]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    c = Cairn(tmp_path_factory.mktemp("activity") / "data").start()
    yield c
    c.http.close()
    assert c.stop() == 0


@pytest.mark.parametrize("method,path,body", WRITES, ids=[f"{m} {p}" for m, p, _ in WRITES])
def test_last_active_moves_with(quiet, method, path, body):
    s = session(quiet)
    c = talk(quiet, s, 2)
    age(quiet, 10, s)
    fill = lambda text: text.replace("{s}", s).replace("{c}", c)
    body = {k: fill(v) if isinstance(v, str) else v for k, v in body.items()} if body is not None else None
    began = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    assert status(quiet, s)["last_active"] < began
    r = quiet.http.request(method, fill(path), **({"json": body} if body is not None else {}))
    assert r.status_code < 300, r.text
    end = time.monotonic() + 10
    while status(quiet, s)["last_active"] < began:
        assert time.monotonic() < end, "last_active did not move"
        time.sleep(0.02)


# ---- killed at any point ----

LEFT = """SELECT s.id, s.status, s.summary, c.id, c.context_summary, c.summarized_turn, c.turns_removed,
 (SELECT count(*) FROM turn t WHERE t.conversation_id = c.id AND t.deleted_at IS NULL), c.turn_count
 FROM session s JOIN conversation c ON c.session_id = s.id"""


def consistent(cairn, summed):
    """Each conversation is untouched, or summed up and its turns gone in order; never gone without a summary."""
    for sid, state, summary, cid, text, summed_up, removed, left, count in sql(cairn, LEFT):
        removed = removed or 0
        assert left == count - removed, (cid, left, count, removed)
        if removed:
            assert removed <= summed_up, cid
            assert summary if state == "expired" else text, cid
            summed.add(cid)
        if state == "expired":
            assert summary, sid


def test_a_server_killed_during_retention_loses_no_turn_without_a_summary(make_cairn):
    cairn = make_cairn()
    sessions = [session(cairn) for _ in range(24)]
    for i, s in enumerate(sessions):
        for _ in range(3):
            talk(cairn, s, 6)
        if i % 3 == 0:
            cairn.post(f"/api/v2/sessions/{s}/archive", {})
        age(cairn, 100, s)
    random.seed(20)
    summed, reached = set(), []
    for _ in range(20):
        def run():
            try:
                cairn.http.post("/api/v2/maintenance", json={"cleanup_days": 30})
            except Exception:  # noqa: BLE001  the server was killed: that is the test
                pass
        t = threading.Thread(target=run)
        t.start()
        time.sleep(random.uniform(0, 0.04))
        cairn.kill()
        t.join()
        consistent(cairn, summed)
        reached.append(len(summed))
        cairn.start()
    assert any(0 < n < 72 for n in reached), f"no kill fell into the work: {reached}"
    while clean(cairn)["more"]:
        pass
    clean(cairn)
    consistent(cairn, summed)
    assert sql(cairn, "SELECT count(*) FROM turn WHERE deleted_at IS NULL") == [(0,)]
    assert {r[0] for r in sql(cairn, "SELECT status FROM session")} == {"archived", "expired"}
    assert sql(cairn, "SELECT count(*) FROM session WHERE coalesce(summary, '') = ''") == [(0,)]
    assert "no problems found" in cairn.run("doctor").stdout
