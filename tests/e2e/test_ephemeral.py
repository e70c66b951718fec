"""EPHEMERAL sessions live in memory only (contract §5): they work like any other while the server runs, and nothing of
them is ever in a file, a log, a backup or a core; they are gone with the server."""

import json
import re
import resource
import shutil
import subprocess
import time

import pytest
from conftest import eventually
from test_proxy_memory import CHAT, ROUTES, V2, body_of, send, user

WORD = "Quetzalbrand"
FACT = f"The {WORD} report lies in locker nineteen under the stairs."
QUESTION = f"Where does the {WORD} report lie?"


def begin(cairn, **more):
    return cairn.post("/api/v2/sessions", {"privacy_level": "EPHEMERAL", "title": f"{WORD} title", **more}, 201)["session_id"]


def talk(cairn, session, text=FACT):
    c = cairn.post("/api/v2/conversations", {"session_id": session, "directive": text[:60]}, 201)
    t = cairn.post(f"/api/v2/conversations/{c['conversation_id']}/turns", {"agent": "wykeve", "content": text}, 201)
    return c["conversation_id"], t


def files_with(folder, *words):
    """The files below folder in which any of the words stands, in any case or as UTF-16."""
    forms = [f for w in words for f in (w.lower().encode(), w.lower().encode("utf-16-le"))]
    return [str(p) for p in folder.rglob("*") if p.is_file() for data in [p.read_bytes().lower()]
            if any(f in data for f in forms)]


def kept(cairn, session):
    return [c["conversation_id"] for c in cairn.get(f"/api/v2/sessions/{session}/context")["recent_conversations"]]


def test_it_works_like_any_other_session_and_says_that_nothing_is_stored(cairn):
    s = begin(cairn)
    c, t = talk(cairn, s)
    assert t["stored"] is False and t["turn_number"] == 1
    (turn,) = cairn.get(f"/api/v2/conversations/{c}")["turns"]
    assert turn["content"] == FACT
    got = cairn.get(f"/api/v2/sessions/{s}")
    assert (got["privacy_level"], got["conversation_count"], got["total_turns"]) == ("EPHEMERAL", 1, 1)
    (hit,) = cairn.post("/api/v2/recall", {"query": QUESTION, "session_id": s})["results"]
    assert hit["id"] == t["turn_id"]
    found = cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": WORD})
    assert found["total_matches"] == 1
    state = cairn.http.put(f"/api/v2/sessions/{s}/agents/codey/state", json={"state_updates": {"mood": WORD}})
    assert state.status_code == 200, state.text
    assert cairn.get(f"/api/v2/sessions/{s}/agents/codey/state")["state"]["mood"] == WORD
    summary = cairn.post(f"/api/v2/conversations/{c}/summarize", {"force": True})
    assert WORD in json.dumps(summary)
    export = cairn.get(f"/api/v2/sessions/{s}/export")
    assert WORD in json.dumps(export)


def test_others_do_not_see_it(cairn):
    other = cairn.post("/api/v2/sessions", {"title": "other"}, 201)["session_id"]
    talk(cairn, other, "The usual report lies on the desk.")
    s = begin(cairn)
    talk(cairn, s)
    assert [x["session_id"] for x in cairn.get("/api/v2/sessions")["sessions"]] == [other]
    assert WORD not in json.dumps(cairn.post("/api/v2/recall", {"query": QUESTION}))
    assert WORD not in json.dumps(cairn.post("/api/v2/recall", {"query": QUESTION, "session_id": other}))
    assert WORD not in cairn.http.get("/api/v1/search", params={"q": WORD}).text
    assert [x["id"] for x in cairn.get("/api/v1/sessions", privacy_level="EPHEMERAL")] == [s]
    assert "usual" not in json.dumps(cairn.post("/api/v2/recall", {"query": "usual report desk", "session_id": s}))


def test_v1_saves_one_with_what_was_said(cairn):
    made = cairn.post("/api/v1/sessions", {"privacy_level": "EPHEMERAL", "title": WORD,
                                           "conversation_json": [user(FACT)]}, 201)
    assert made["total_turns"] == 1
    assert cairn.get("/api/v1/sessions") == []
    assert cairn.get(f"/api/v1/sessions/{made['id']}")["title"] == WORD
    chk = cairn.post("/api/v1/checkpoints", {"title": WORD, "content": FACT, "session_id": made["id"]}, 201)
    assert cairn.get(f"/api/v1/checkpoints/{chk['id']}")["content"] == FACT
    assert cairn.get("/api/v1/checkpoints") == []
    assert not files_with(cairn.data, WORD)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", ROUTES)
def test_chats_have_memory_of_their_own(cairn, upstream, route, stream):
    s = begin(cairn)
    send(cairn, route, body_of(route, FACT, session_id=s, **({"stream": True} if stream else {})))
    eventually(lambda: cairn.get(f"/api/v2/sessions/{s}")["total_turns"] == 2, what="both turns")
    upstream.reset()
    send(cairn, route, body_of(route, QUESTION, session_id=s))
    assert FACT in json.dumps(upstream.last()["json"], ensure_ascii=False)
    assert not files_with(cairn.data, WORD)
    assert WORD not in cairn.log()


def test_v2_says_that_the_turn_is_not_stored(cairn):
    s = begin(cairn)
    meta = send(cairn, V2, body_of(V2, FACT, session_id=s)).json()["memory_metadata"]
    assert meta["turn_stored"] is False and meta["conversation_id"]
    assert cairn.get(f"/api/v2/conversations/{meta['conversation_id']}")["turns"]


def test_a_cycle_in_it(cairn):
    s = begin(cairn)
    done = cairn.post("/api/v2/cycle", {"session_id": s, "directive": FACT, "model": "m"})
    assert done["memory_metadata"]["turns_stored"] == 0
    assert done["analysis"]["stored"] is False if "analysis" in done else True
    assert cairn.get(f"/api/v2/sessions/{s}")["total_turns"] >= 2
    assert not files_with(cairn.data, WORD)


def test_nothing_of_it_is_in_any_file_log_backup_or_figure(make_cairn, tmp_path):
    cairn = make_cairn(args=["--log-level", "debug"])
    s = begin(cairn, description=f"{WORD} description", tags=[WORD], initial_context=f"{WORD} context",
              user_preferences={"note": WORD})
    c, t = talk(cairn, s)
    stored = cairn.post("/api/v2/sessions", {"title": "stored"}, 201)["session_id"]
    talk(cairn, stored, "Ordinary words that are stored.")
    send(cairn, CHAT, {"model": "m", "messages": [user(FACT)], "session_id": s})
    for kind, body in (("summaries", {"session_id": s, "text": FACT}),
                       ("characters", {"conversation_id": c, "name": WORD}),
                       ("tags", {"name": WORD, "record_kind": "turn", "record_id": t["turn_id"]}),
                       ("events", {"session_id": s, "conversation_id": c, "effect_text": FACT})):
        cairn.post(f"/api/v1/{kind}", body, 201)
    cairn.http.post(f"/api/v2/conversations/{c}/outcome", json={"agent": "codey", "success": True, "note": WORD})
    cairn.post("/api/v2/recall", {"query": QUESTION, "session_id": s})
    backup = tmp_path / "copy.db"
    cairn.run("backup", str(backup))
    cairn.run("export", stored)
    assert not files_with(tmp_path, WORD), "while it runs"
    assert WORD not in cairn.http.get("/metrics").text
    cairn.restart()
    assert not files_with(tmp_path, WORD), "after it ended"
    assert cairn.http.get(f"/api/v2/sessions/{s}").status_code == 404
    assert cairn.get(f"/api/v2/sessions/{stored}")["total_turns"] == 1


def test_a_killed_server_leaves_nothing(cairn):
    s = begin(cairn)
    for i in range(20):
        talk(cairn, s, f"{FACT} {i}")
    cairn.kill()
    assert not files_with(cairn.data, WORD)
    cairn.start()
    assert cairn.http.get(f"/api/v2/sessions/{s}").status_code == 404
    assert not files_with(cairn.data, WORD)


def test_its_memory_is_locked_and_left_out_of_cores(cairn):
    s = begin(cairn)
    talk(cairn, s)
    pid = cairn.process.pid
    regions = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", open(f"/proc/{pid}/smaps").read())
    flags = [set(re.search(r"VmFlags: (.*)", r).group(1).split()) for r in regions if "VmFlags" in r]
    assert any({"dd", "dc"} <= f for f in flags), "a region that no core holds and no child inherits"
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (1, 1)
    assert int(open(f"/proc/{pid}/coredump_filter").read(), 16) == 0


@pytest.mark.skipif(not shutil.which("gcore"), reason="gcore, which makes a core of a running process, is not installed")
def test_a_core_holds_nothing(cairn, tmp_path):
    talk(cairn, begin(cairn))
    subprocess.run(["gcore", "-o", str(tmp_path / "core"), str(cairn.process.pid)], check=True, capture_output=True)
    assert not files_with(tmp_path, WORD)


def test_deleting_it_gives_its_memory_back(make_cairn):
    cairn = make_cairn(env={"CAIRN_PRIVACY_EPHEMERAL_BYTES": str(8 << 20)})
    for i in range(12):  # far more than fits at once
        s = begin(cairn)
        for k in range(8):
            talk(cairn, s, f"{FACT} {i} {k} " + "filler " * 20000)
        r = cairn.http.delete(f"/api/v1/sessions/{s}")
        assert r.status_code == 200, r.text
        assert cairn.http.get(f"/api/v2/sessions/{s}").status_code == 404


def test_no_more_memory_than_allowed(make_cairn):
    cairn = make_cairn(env={"CAIRN_PRIVACY_EPHEMERAL_BYTES": str(8 << 20)})
    s = begin(cairn)
    c, _ = talk(cairn, s)
    for _ in range(40):
        r = cairn.http.post(f"/api/v2/conversations/{c}/turns", json={"agent": "a", "content": "x" * 900000})
        if r.status_code != 201:
            break
    assert r.status_code == 413, r.text
    assert r.json()["error"]["code"] == "STORAGE_QUOTA_EXCEEDED"
    assert "privacy.ephemeral_bytes" in r.text
    other = cairn.post("/api/v2/sessions", {"title": "stored"}, 201)["session_id"]
    talk(cairn, other)
    turns = cairn.get(f"/api/v2/conversations/{c}", limit=100)["turns"]
    assert turns[0]["content"] == FACT and [t["turn_number"] for t in turns] == list(range(1, len(turns) + 1))


@pytest.mark.parametrize("level", ["PUBLIC", "TEAM", "PRIVATE"])
def test_a_session_does_not_cross_over(cairn, level):
    s = begin(cairn)
    r = cairn.http.patch(f"/api/v1/sessions/{s}", json={"privacy_level": level})
    assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "privacy_level", r.text
    stored = cairn.post("/api/v2/sessions", {"privacy_level": level}, 201)["session_id"]
    r = cairn.http.patch(f"/api/v1/sessions/{stored}", json={"privacy_level": "EPHEMERAL"})
    assert r.status_code == 400 and "cairn forget" in r.text, r.text
    r = cairn.http.post("/api/v1/sessions", json={"id": stored, "privacy_level": "EPHEMERAL"})
    assert r.status_code == 400 and "cairn forget" in r.text, r.text
    assert cairn.get(f"/api/v2/sessions/{stored}")["privacy_level"] == level
    assert cairn.http.patch(f"/api/v1/sessions/{s}", json={"title": "new"}).status_code == 200


def test_an_idle_one_ends(make_cairn):
    """A minute is the least that can be set, and the server looks each minute: so the clock is not waited for here; that
    nobody's time has come is."""
    cairn = make_cairn(env={"CAIRN_PRIVACY_EPHEMERAL_MINUTES": "1"})
    s = begin(cairn)
    time.sleep(1)
    assert cairn.http.get(f"/api/v2/sessions/{s}").status_code == 200


def test_the_command_line_needs_a_server_for_it(make_cairn):
    cairn = make_cairn(start=False)
    done = cairn.run("call", "session.create", "privacy_level=EPHEMERAL", check=False)
    assert done.returncode != 0 and "start cairn serve" in done.stderr
    cairn.start()
    made = json.loads(cairn.run("call", "session.create", "privacy_level=EPHEMERAL", "--json").stdout)
    assert cairn.get(f"/api/v2/sessions/{made['session_id']}")["privacy_level"] == "EPHEMERAL"
