"""Backup while in use, verified; restore; doctor."""

import json
import shutil
import threading

from rest import conversation, refused, session, turn, turns
from store_sql import sql

from conftest import key_of_tests


def doctor(cairn, *args):
    return json.loads(cairn.run("doctor", "--json", *args).stdout)


def test_a_backup_under_load_restores_whole(make_cairn, tmp_path):
    cairn = make_cairn()
    s = session(cairn, title="kept")
    c = conversation(cairn, s)
    for i in range(50):
        turn(cairn, c, f"before {i}")
    over = threading.Event()

    def write():
        i = 0
        while not over.is_set():
            turn(cairn, c, f"during {i}")
            i += 1

    writer = threading.Thread(target=write)
    writer.start()
    path = str(tmp_path / "copy.db")
    made = cairn.post("/api/v2/backup", {"path": path}, 201)
    over.set()
    writer.join()
    assert made["path"] == path and made["verified"] is True and made["bytes"] > 0 and made["seconds"] >= 0
    all_now = [t["content"] for t in turns(cairn, c)]
    cairn.stop()

    other = make_cairn("other", start=False)
    if key_of_tests():  # a sealed store's backup is of no use without its keys
        shutil.copytree(cairn.data / "keys", other.data / "keys")
    other.run("restore", path)
    assert doctor(other)["ok"]
    other.start()
    kept = [t["content"] for t in turns(other, c)]
    assert len(kept) >= 50 and kept == all_now[: len(kept)], "a moment of the original"
    assert other.get(f"/api/v2/sessions/{s}")["title"] == "kept"
    found = other.post(f"/api/v2/sessions/{s}/context/search", {"query": "before 7"}, 200)
    assert found["results"]
    assert turn(other, c, "after")["turn_number"] == len(kept) + 1


def test_restore_replaces_and_keeps_the_old_one(make_cairn, tmp_path):
    cairn = make_cairn()
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, "the old walnut")
    path = str(tmp_path / "copy.db")
    cairn.run("backup", path)
    turn(cairn, c, "the new hazelnut")
    busy = cairn.run("restore", path, check=False)
    assert busy.returncode != 0 and "running" in busy.stderr, "not under a server"
    cairn.stop()
    cairn.run("restore", path)
    assert (cairn.data / "store.db.before-restore").exists()
    cairn.start()
    assert [t["content"] for t in turns(cairn, c)] == ["the old walnut"]
    assert cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "hazelnut"}, 200)["results"] == []
    assert cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "walnut"}, 200)["results"]


def test_bad_paths(cairn, tmp_path):
    refused(cairn, "POST", "/api/v2/backup", {"path": "relative.db"}, field="path", says="absolute")
    refused(cairn, "POST", "/api/v2/backup", {}, field="path", says="missing")
    (tmp_path / "there").write_text("precious")
    refused(cairn, "POST", "/api/v2/backup", {"path": str(tmp_path / "there")}, 409, "CONFLICT")
    assert (tmp_path / "there").read_text() == "precious"
    r = cairn.http.post("/api/v2/backup", json={"path": "/nowhere/at/all.db"})
    assert r.status_code == 503 and r.json()["error"]["message"]


def test_what_is_no_backup_is_refused(make_cairn, tmp_path):
    cairn = make_cairn()
    c = conversation(cairn, session(cairn))
    turn(cairn, c, "precious")
    good = tmp_path / "good.db"
    cairn.run("backup", str(good))
    cairn.stop()
    data = bytearray(good.read_bytes())
    damaged = {"empty": b"", "text": b"not a database at all" * 500, "cut": bytes(data[: len(data) // 2]),
               "torn": bytes(data[:8192]) + b"\xa5" * 8192 + bytes(data[16384:])}
    for name, content in damaged.items():
        bad = tmp_path / f"{name}.db"
        bad.write_bytes(content)
        done = cairn.run("restore", str(bad), check=False)
        assert done.returncode != 0 and done.stderr.startswith("cairn: "), f"{name}: {done.stdout}{done.stderr}"
    missing = cairn.run("restore", str(tmp_path / "none.db"), check=False)
    assert missing.returncode != 0 and "there is no file" in missing.stderr
    cairn.start()
    assert [t["content"] for t in turns(cairn, c)] == ["precious"]


def test_doctor_finds_what_is_wrong(cairn, tmp_path):
    c = conversation(cairn, session(cairn))
    for i in range(3):
        turn(cairn, c, f"m{i}")
    cairn.stop()
    assert doctor(cairn)["ok"]
    sql(cairn, "DELETE FROM turn WHERE turn_number = 2")
    sql(cairn, "UPDATE conversation SET session_id = 'sess_gone'")
    done = cairn.run("doctor", "--json", check=False)
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["ok"] and found["problem_count"] >= 2
    assert all(c in p or "sess_gone" in p for p in found["problems"]), found["problems"]
    people = cairn.run("doctor", check=False)
    assert people.returncode == 1 and "problem" in people.stdout


def test_doctor_makes_the_index_again(cairn):
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "a walnut")
    cairn.stop()
    for f in (cairn.data / "index").iterdir():
        f.write_bytes(b"nonsense" * 1000)
    cairn.run("doctor", "--reindex")
    assert doctor(cairn)["ok"]
    cairn.start()
    assert cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "walnut"}, 200)["results"]


def test_schema_moves_back_and_forward(cairn):
    c = conversation(cairn, session(cairn))
    turn(cairn, c, "kept")
    cairn.stop()
    newest = doctor(cairn)["schema_newest"]
    assert doctor(cairn, "--migrate", "1")["schema_version"] in (1, newest)
    assert doctor(cairn, "--migrate", "-1")["schema_version"] == newest
    cairn.start()
    assert [t["content"] for t in turns(cairn, c)] == ["kept"]
