"""limits.store_bytes and limits.session_bytes, at every door through which something is stored."""

import ctypes
import json
import os
import pathlib

import pytest
from conftest import binary
from rest import conversation, refused, session, turn

FULL = "STORAGE_QUOTA_EXCEEDED"
CHAT = "/v1/chat/completions"
LIBRARY = pathlib.Path(binary()).resolve().parent / "libcairn.so"


@pytest.fixture
def full(make_cairn):
    """A server whose store has reached its bound, with a session that has one turn."""
    c = make_cairn()
    c.session = session(c)
    c.conversation = conversation(c, c.session)
    turn(c, c.conversation, "the lighthouse keeper")
    c.stop()
    c.env["CAIRN_LIMITS_STORE_BYTES"] = "1000"
    return c.start()


def counts(c):
    return {kind: c.http.get(path).json() for kind, path in {
        "turns": f"/api/v2/conversations/{c.conversation}", "sessions": "/api/v2/sessions", "patterns": "/api/v1/patterns",
        "props": "/api/v1/props", "events": "/api/v1/events", "characters": "/api/v1/characters"}.items()}


def test_a_full_store_refuses_at_every_route_that_adds(full):
    c, before = full, counts(full)
    for method, path, body in [
            ("POST", f"/api/v2/conversations/{c.conversation}/turns", {"agent": "a", "content": "after"}),
            ("POST", "/api/v2/remember", {"text": "after"}),
            ("POST", "/api/v2/sessions", {}),
            ("POST", "/api/v2/conversations", {"session_id": c.session}),
            ("POST", "/api/v1/sessions", {"conversation_json": [{"role": "user", "content": "after"}]}),
            ("POST", "/api/v1/patterns", {"pattern_type": "workflow", "name": "after", "category": "c"}),
            ("POST", "/api/v1/events", {"effect_text": "after"}),
            ("POST", "/api/v1/props", {"name": "after", "category": "c"}),
            ("POST", "/api/v1/characters", {"name": "after"}),
            ("PUT", f"/api/v2/sessions/{c.session}/context/summary", {"context_summary": "after"}),
            ("PUT", f"/api/v2/sessions/{c.session}/agents/ana/state", {"state_updates": {"mood": "after"}}),
            ("POST", "/api/v2/import", {"records": [{"kind": "prop", "prop_id": "prop_" + "0" * 32, "name": "after"}]})]:
        refused(c, method, path, body, 413, FULL)
    assert counts(c) == before


def test_a_full_store_still_answers_changes_and_gives_room(full):
    c = full
    assert c.http.patch(f"/api/v1/sessions/{c.session}", json={"title": "renamed"}).status_code == 200
    assert c.post("/api/v2/recall", {"query": "lighthouse"})["results"]
    r = c.http.post(CHAT, json={"model": "m", "session_id": c.session, "messages": [{"role": "user", "content": "after"}]})
    assert r.status_code == 200 and r.headers["x-cairn-memory"].startswith("skipped")
    for path in ("archive", "restore"):
        assert c.http.post(f"/api/v2/sessions/{c.session}/{path}", json={}).status_code == 200
    assert c.http.delete(f"/api/v1/sessions/{c.session}").status_code == 200
    assert "after" not in json.dumps(c.get("/api/v2/sessions"))


def test_a_full_store_refuses_commands_and_imports(full, tmp_path):
    full.stop()
    env = {"CAIRN_LIMITS_STORE_BYTES": "1000"}
    export = tmp_path / "export.json"
    export.write_text(full.run("export", full.session).stdout)
    lines = tmp_path / "projects" / "-home-ana" / "11111111-1111-1111-1111-111111111111.jsonl"
    lines.parent.mkdir(parents=True)
    lines.write_text(json.dumps({"type": "user", "uuid": "22222222-2222-2222-2222-222222222222", "cwd": "/home/ana",
                                 "sessionId": "11111111-1111-1111-1111-111111111111", "timestamp": "2025-06-01T10:00:00.000Z",
                                 "message": {"role": "user", "content": "after"}}) + "\n")
    for command in (["remember", "after"], ["import", str(export)], ["import", "claude-code", str(tmp_path / "projects")]):
        done = full.run(*command, env=env, check=False)
        assert done.returncode != 0 and "limits.store_bytes" in done.stderr, (command, done.stdout, done.stderr)
    assert "after" not in full.run("list", "turns", "--limit", "1000", "--json").stdout
    full.run("import", "claude-code", str(tmp_path / "projects"))  # with room it is taken in: nothing was noted as met
    assert "after" in full.run("list", "turns", "--limit", "1000", "--json").stdout


@pytest.mark.skipif(not LIBRARY.exists(), reason="this build has no library beside it")
def test_a_full_store_refuses_a_program_that_links_it(full):
    full.stop()
    (full.data / "cairn.toml").write_text("[limits]\nstore_bytes = 1000\n")
    lib = ctypes.CDLL(str(LIBRARY))
    handle, out = ctypes.c_void_p(), ctypes.c_void_p()
    assert lib.cairn_open(os.fsencode(full.data), ctypes.byref(handle)) == 0
    for operation, args in (("turn.remember", {"text": "after"}), ("prop.create", {"name": "after", "category": "c"})):
        assert lib.cairn_call(handle, operation.encode(), json.dumps(args).encode(), ctypes.byref(out)) != 0
        assert json.loads(ctypes.string_at(out))["error"]["code"] == FULL
        lib.cairn_free(out)
    lib.cairn_close(handle)


def test_a_full_session_takes_no_import(make_cairn):
    c = make_cairn(env={"CAIRN_LIMITS_SESSION_BYTES": "100"})
    s = session(c)
    conv = conversation(c, s)
    turn(c, conv, "x" * 90)
    record = {"kind": "turn", "turn_id": "turn_" + "0" * 32, "conversation_id": conv, "agent": "a", "role": "user"}
    done = c.post("/api/v2/import", {"records": [{**record, "content": "y" * 20}]})
    assert done["refused_count"] == 1 and "limits.session_bytes" in done["refused"][0]["reason"]
    done = c.post("/api/v2/import", {"records": [{**record, "content": "y" * 10}]})
    assert done["imported"] == 1
