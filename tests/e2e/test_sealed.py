"""A sealed store is the same store: every answer of a plain one comes out of it as it was, word for word and in the same
order, sealed, after a restart, and when it is plain again. A session's own key ends it in backups."""

import json
import os
import subprocess
import sys
import time

from conftest import ROOT, TEST_KEY, eventually

ENV = {"CAIRN_KEY": TEST_KEY}
# What differs from one asking to the next, sealed or not.
VOLATILE = {"took_ms", "search_time_ms", "last_active", "updated_at", "uptime_seconds", "version", "vitality", "vitality_at", "exported_at", "request_id",
            "export_id", "context_load_id"}

TALK = ["We decided to use the blue harpoon because the red one failed twice.",
        "Captain Ahab keeps the harpoon in the forecastle, next to the spare rope.",
        "The deployment of billing-service 2.4.1 failed with ERR_TIMEOUT in /srv/app/main.py.",
        "Rolled it back to 2.4.0, which fixed the timeout; next time run the smoke test first.",
        "Übermorgen fährt das Schiff nach Málaga, sagte die Lotsin.",
        "The meeting moved from Monday to Thursday the 14th of March 2024."]


def fill(cairn):
    sessions = []
    for i in range(3):
        s = cairn.post("/api/v2/sessions", {"title": f"Voyage {i} of the Pequod", "description": "About harpoons and ropes",
                                            "tags": ["whale", f"n{i}"], "user_id": "ann"})["session_id"]
        for k in range(2):
            c = cairn.post("/api/v2/conversations", {"session_id": s, "directive": f"Plan harpoon {k}"})["conversation_id"]
            for n, text in enumerate(TALK):
                cairn.post(f"/api/v2/conversations/{c}/turns",
                           {"agent": "beatrice" if n % 2 else "wykeve", "content": f"{text} ({i}.{k})",
                            "metadata": {"response_time_ms": 10 * n + i, "note": "rope"}})
            cairn.post(f"/api/v2/conversations/{c}/summarize", {"force": True})
        sessions.append((s, c))
    cairn.post("/api/v1/characters", {"name": "Ahab", "description": "A captain with a harpoon", "conversation_id": c})
    cairn.post("/api/v1/props", {"name": "Harpoon", "description": "Made of iron"})
    cairn.post("/api/v1/patterns", {"pattern_type": "workflow", "name": "Throw", "description": "Aim, then throw the harpoon",
                                    "source_session_id": s, "tags": ["whale"]})
    cairn.post("/api/v1/checkpoints", {"title": "Before the storm", "content": "All ropes are tied", "session_id": s})
    return sessions


def plain(answer):
    if isinstance(answer, dict):
        return {k: plain(v) for k, v in answer.items() if k not in VOLATILE}
    return [plain(v) for v in answer] if isinstance(answer, list) else answer


def answers(cairn, sessions):
    out = {}
    for s, c in sessions:
        asked = [("GET", f"/api/v2/sessions/{s}", {}), ("GET", f"/api/v2/conversations/{c}", {"limit": 100}),
                 ("GET", f"/api/v2/conversations/{c}/window", {}),
                 ("GET", f"/api/v2/sessions/{s}/context", {"directive": "where is the harpoon"}),
                 ("GET", f"/api/v2/sessions/{s}/agents/beatrice/state", {}),
                 ("POST", f"/api/v2/sessions/{s}/context/search", {"query": "harpoon rope", "max_results": 50}),
                 ("POST", "/api/v2/recall", {"query": "why did the deployment fail", "session_id": s, "explain": True,
                                             "max_tokens": 2000, "max_results": 20})]
        for method, path, given in asked:
            r = cairn.http.request(method, path, **({"params": given} if method == "GET" else {"json": given}))
            assert r.status_code == 200, f"{path}: {r.text}"
            out[f"{method} {path} {given}"] = plain(r.json())
        out[f"analytics {s}"] = plain(cairn.get(f"/api/v2/sessions/{s}/analytics")["interaction_patterns"])
        export = cairn.post(f"/api/v2/sessions/{s}/export", {"format": "jsonl"})
        lines = [json.loads(line) for line in cairn.http.get(export["download_url"]).text.splitlines()]
        out[f"export {s}"] = sorted((plain(r) for r in lines if r.get("kind") != "context_load"), key=str)
    for path, given in [("/api/v2/sessions", {"limit": 50}), ("/api/v1/sessions", {"tag": "whale"}),
                        ("/api/v1/sessions", {"find": "voyage 1"}), ("/api/v1/search", {"q": "harpoon", "limit": 50}),
                        ("/api/v1/patterns", {}), ("/api/v1/characters", {"name": "Ahab"}), ("/api/v1/checkpoints", {}),
                        ("/api/v1/conversations", {"find": "harpoon 1"}), ("/api/v1/stats", {})]:
        r = cairn.http.get(path, params=given)
        got = plain(r.json())
        if path == "/api/v1/stats":  # traces of what was asked here come behind the answers
            for traces in ("context_loads", "exports", "audit_entries"):
                del got["kinds"][traces]
        out[f"{path} {given}"] = (r.status_code, got, r.headers.get("X-Total-Count"))
    return out


def difference(a, b, at=""):
    """Where they differ, but for what scores lose while the clock goes on; None: nowhere."""
    if isinstance(a, float) and isinstance(b, float):
        return None if abs(a - b) < 1e-4 else f"{at}: {a} {b}"
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next(filter(None, (difference(a[k], b[k], f"{at}.{k}") for k in a)), None)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return next(filter(None, (difference(x, y, f"{at}[{i}]") for i, (x, y) in enumerate(zip(a, b)))), None)
    return None if a == b else f"{at}: {a} {b}"


def settled(cairn, sessions):
    """What is learnt behind the writes has been learnt: states stay as they are."""
    before, after = ({s: cairn.get(f"/api/v2/sessions/{s}/agents/beatrice/state")["state"] for s, _ in sessions}
                     for _ in range(2) if not time.sleep(1))
    return before == after


def same(before, after):
    assert before.keys() == after.keys()
    for key in before:
        assert difference(before[key], after[key]) is None, key


def test_every_answer_is_that_of_the_plain_store(make_cairn):
    cairn = make_cairn()
    sessions = fill(cairn)
    eventually(lambda: settled(cairn, sessions), seconds=30, what="what is learnt behind the writes")
    before = answers(cairn, sessions)
    cairn.run("encrypt", env=ENV)
    same(before, answers(cairn, sessions))
    cairn.stop()
    cairn.env.update(ENV)
    cairn.start()
    same(before, answers(cairn, sessions))
    cairn.run("maintenance", "--vacuum", env=ENV)
    same(before, answers(cairn, sessions))
    cairn.run("decrypt", env=ENV)
    same(before, answers(cairn, sessions))


def test_what_is_erased_cannot_be_read_from_a_backup_put_back(make_cairn, tmp_path):
    """The key of an erased session is destroyed: an old backup, beside the keys as they are now, has the others alone."""
    cairn = make_cairn(env=ENV)
    sessions = fill(cairn)
    (gone, its), (kept, other) = sessions[0], sessions[1]
    copy = tmp_path / "copy.db"
    cairn.run("backup", str(copy), env=ENV)
    before = plain(cairn.get(f"/api/v2/conversations/{other}", limit=100))
    cairn.run("forget", "--session", gone, "--now", env=ENV)
    assert cairn.http.get(f"/api/v2/sessions/{gone}").status_code == 404
    cairn.stop()
    cairn.run("restore", str(copy), env=ENV)
    cairn.start()
    assert difference(before, plain(cairn.get(f"/api/v2/conversations/{other}", limit=100))) is None
    assert cairn.get(f"/api/v2/sessions/{kept}")["title"] == "Voyage 1 of the Pequod"
    assert cairn.http.get(f"/api/v2/sessions/{gone}").status_code == 404
    assert cairn.http.get(f"/api/v2/conversations/{its}").status_code == 404
    found = cairn.post("/api/v2/recall", {"query": "harpoon forecastle rope", "max_results": 50, "max_tokens": 8000})
    assert found["results"] and all(r.get("session_id") != gone for r in found["results"])


def test_the_tests_of_memory_pass_sealed():
    """A few of the others' files, as they are, on sealed data folders."""
    files = ["test_search_all.py", "test_kept_answers.py"]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                           *(str(ROOT / "tests" / "e2e" / f) for f in files)],
                          cwd=ROOT, env={**os.environ, "CAIRN_TEST_KEY": "1"}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
