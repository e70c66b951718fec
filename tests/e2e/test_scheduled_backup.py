"""Backups that the server makes by itself: verified, pruned, shown by health."""

import time

from rest import conversation, session, turn, turns

from conftest import eventually

HOURLY = {"CAIRN_BACKUP_EVERY_HOURS": "1", "CAIRN_BACKUP_KEEP": "2", "CAIRN_BACKUP_KEEP_DAYS": "0"}


def names(folder):
    return sorted(p.name for p in folder.glob("*")) if folder.exists() else []


def name_at(hours_ago):
    return time.strftime("cairn-%Y%m%dT%H%M%SZ.db", time.gmtime(time.time() - hours_ago * 3600))


def test_backups_are_made_pruned_and_restorable(make_cairn, tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    older = [name_at(hours) for hours in (30, 20, 10)]
    for name in older:
        (folder / name).write_bytes(b"SQLite format 3\0 and more")
    (folder / name_at(40)).write_bytes(b"not a database")
    (folder / "cairn-notes.db").write_bytes(b"SQLite format 3\0 somebody else's")
    (folder / (name_at(50) + ".part")).write_bytes(b"broken off")
    cairn = make_cairn()
    s = session(cairn, title="kept")
    c = conversation(cairn, s, directive="Tour")
    turn(cairn, c, "The harbour museum wants a guided tour in May.")
    cairn.stop()
    cairn.env.update({**HOURLY, "CAIRN_BACKUP_FOLDER": str(folder)})
    cairn.start()
    health = eventually(lambda: (h := cairn.get("/health/memory")["backups"])["status"] == "ok" and h, 30, "a backup")
    assert 0 <= health["age_seconds"] < 3600
    left = eventually(lambda: (n := names(folder)) and len(n) == 4 and n, 30, "pruning")
    assert "cairn-notes.db" in left, "only what has its form of name goes"
    assert sum((folder / n).read_bytes()[:15] != b"SQLite format 3" for n in left) == 1, "only databases go"
    assert sum(n in left for n in older) == 1, "two are kept: the new one and the newest of the old ones"
    assert older[-1] in left
    newest = max(n for n in left if n != "cairn-notes.db")
    other = make_cairn("other", start=False)
    other.run("restore", str(folder / newest))
    cairn.stop()
    other.start()
    assert other.get(f"/api/v2/sessions/{s}")["title"] == "kept"
    assert [t["content"] for t in turns(other, c)] == ["The harbour museum wants a guided tour in May."]
    hits = other.post(f"/api/v2/sessions/{s}/context/search", {"query": "harbour museum"})["results"]
    assert [h["conversation_id"] for h in hits] == [c], "and it is found again"


def test_a_backup_that_fails_is_told_by_health(make_cairn, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cairn = make_cairn(env={**HOURLY, "CAIRN_BACKUP_FOLDER": str(tmp_path / "file" / "below")})
    eventually(lambda: cairn.get("/health/memory")["backups"]["status"] == "failed", 30, "a failure told")
    assert cairn.get("/health/memory")["backups"]["last_at"] is None
