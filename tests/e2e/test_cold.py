"""Cold storage: what retention lets go is archived first, verified, and can be read back; erasure reaches it too."""

import json

import pytest
from raw_bytes import where
from rest import conversation, session, turn
from test_forget import Words, forget, sql
from test_retention import age, clean


@pytest.fixture
def cold(make_cairn):
    folder = make_cairn(start=False).data
    (folder / "cairn.toml").write_text('[cold]\nfolder = "../archives"\n\n[privacy]\nauto_redact = false\n')
    return make_cairn()


def let_go(cairn, words, n=7):
    """A conversation whose turns retention has let go; its session, itself, and what was said."""
    s = session(cairn)
    c = conversation(cairn, s)
    said = [words.text() for _ in range(n)]
    ids = [turn(cairn, c, text)["turn_id"] for text in said]
    age(cairn, 200, s)
    sql(cairn, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    assert clean(cairn, 100)["turns_removed"] == n
    return s, c, ids, said


def archived(cairn, s):
    """Heads and turns of a session's archives."""
    lines = [json.loads(x) for x in cairn.run("cold", "restore", s).stdout.splitlines()]
    return [x for x in lines if "cairn_cold" in x], [x for x in lines if "cairn_cold" not in x]


def test_what_is_let_go_is_archived_first_and_can_be_read(cold):
    s, c, ids, said = let_go(cold, Words(1))
    listed = cold.get("/api/v2/cold")["archives"]
    assert [(a["session_id"], a["conversation_id"], a["first"], a["last"]) for a in listed] == [(s, c, 1, 7)]
    heads, turns = archived(cold, s)
    assert heads[0]["turns"] == 7 and [t["content"] for t in turns] == said and [t["turn_id"] for t in turns] == ids
    assert [t["turn_number"] for t in turns] == list(range(1, 8))
    assert cold.post("/api/v2/cold/verify", {}, 200) == {"enabled": True, "damaged": [], "archives": 1}
    file, = (cold.data.parent / "archives").rglob("*.zst")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    damaged = cold.post("/api/v2/cold/verify", {}, 200)["damaged"]
    assert [d["conversation_id"] for d in damaged] == [c] and "checksum" in damaged[0]["problem"]


def test_nothing_is_let_go_that_could_not_be_archived(cold):
    (cold.data.parent / "archives").write_text("a file where the folder should be")
    s = session(cold)
    c = conversation(cold, s)
    for i in range(6):
        turn(cold, c, f"we keep lamp number {i} in the tower")
    age(cold, 200, s)
    sql(cold, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    done = cold.post("/api/v2/maintenance", {"cleanup_days": 100})["cleanup"]
    assert done["turns_removed"] == 0 and done["failed"] == 1
    assert cold.get(f"/api/v2/conversations/{c}")["turns"][0]["content"].endswith("lamp number 0 in the tower")
    (cold.data.parent / "archives").unlink()
    assert clean(cold, 100)["turns_removed"] == 6


def test_erasure_reaches_what_was_archived(cold):
    gone, kept = Words(2), Words(3)
    s, *_ = let_go(cold, gone)
    other, _, ids, said = let_go(cold, kept)
    archives = cold.data.parent / "archives"
    assert len(where(gone.given, archives)) == 7
    done = forget(cold, session=s, now=True)
    assert done["receipt"]["receipt"]["cleaned"]["cold_archives"] == 1
    assert where(gone.given, archives, cold.data) == {}
    assert [t["content"] for t in archived(cold, other)[1]] == said


def test_a_person_is_taken_out_of_archives(cold):
    words = Words(4)
    s = session(cold)
    c = conversation(cold, s)
    for text in (words.text(), "write to jane.doe@example.com zqhers", words.text(), words.text(), words.text()):
        turn(cold, c, text)
    age(cold, 200, s)
    sql(cold, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    assert clean(cold, 100)["turns_removed"] == 5
    assert forget(cold, value="Jane.Doe@example.com", dry_run=True)["turns_in_cold_storage"] == 1
    forget(cold, value="Jane.Doe@example.com", now=True)
    assert where(["jane.doe@example.com", "zqhers"], cold.data.parent / "archives", cold.data) == {}
    assert len(archived(cold, s)[1]) == 4 and cold.post("/api/v2/cold/verify", {}, 200)["damaged"] == []


def test_without_cold_storage_nothing_is_archived(cairn):
    let_go(cairn, Words(6))
    assert cairn.get("/api/v2/cold") == {"enabled": False, "archives": [], "bytes": 0}


def test_in_a_sealed_store_an_archive_is_lost_with_the_session_s_key(cold):
    key = {"CAIRN_KEY": "00112233445566778899aabbccddeeff" * 2}
    words = Words(7)
    s = session(cold)
    c = conversation(cold, s)
    said = [words.text() for _ in range(6)]
    for text in said:
        turn(cold, c, text)
    age(cold, 200, s)
    sql(cold, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    cold.stop()
    cold.env.update(key)
    cold.run("encrypt", env=key)
    cold.start()
    assert clean(cold, 100)["turns_removed"] == 6
    archives = cold.data.parent / "archives"
    assert where(words.given, archives) == {}  # sealed
    assert [t["content"] for t in map(json.loads, cold.http.get(f"/api/v2/cold/{s}").text.splitlines()[1:])] == said
    copy = {p: p.read_bytes() for p in archives.rglob("*.zst")}
    forget(cold, session=s, now=True)
    assert not list(archives.rglob("*.zst"))
    for path, kept_elsewhere in copy.items():
        path.write_bytes(kept_elsewhere)
    problem = cold.post("/api/v2/cold/verify", {}, 200)["damaged"][0]["problem"]
    assert "destroyed" in problem or "gone" in problem, problem
