"""Cold storage: what retention lets go is archived first, verified, and can be read back; erasure reaches it too."""

import json

import pytest
from raw_bytes import where
from rest import conversation, refused, session, turn, turns
from store_sql import sql
from test_forget import Words, doctor, forget
from test_retention import age, clean

from conftest import TEST_KEY, eventually, key_of_tests


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
    lines = [json.loads(x) for x in cairn.run("cold", "read", s).stdout.splitlines()]
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
    assert len(where(gone.given, archives)) == (0 if key_of_tests() else 7)
    done = forget(cold, session=s, now=True)
    assert done["receipt"]["receipt"]["cleaned"]["cold_archives"] == 1
    assert where(gone.given, archives, cold.data) == {}
    assert [t["content"] for t in archived(cold, other)[1]] == said


def test_a_person_is_taken_out_of_archives(cold):
    words = Words(4)
    s = session(cold)
    c = conversation(cold, s)
    for text in (words.text(), "write to jane.doe@example.com zqhers", words.text(), words.text(),
                 'it was "Bob"\nBobson'):
        turn(cold, c, text)
    age(cold, 200, s)
    sql(cold, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    assert clean(cold, 100)["turns_removed"] == 5
    assert forget(cold, value="Jane.Doe@example.com", dry_run=True)["turns_in_cold_storage"] == 1
    held = json.loads(cold.run("person", "jane.doe@EXAMPLE.com").stdout)["cold_storage"]
    assert [t["content"] for t in held] == ["write to jane.doe@example.com zqhers"]
    forget(cold, value="Jane.Doe@example.com", now=True)
    assert where(["jane.doe@example.com", "zqhers"], cold.data.parent / "archives", cold.data) == {}
    assert forget(cold, value='"bob"\nBOBSON', now=True)["turns_in_cold_storage"] == 1
    assert len(archived(cold, s)[1]) == 3 and cold.post("/api/v2/cold/verify", {}, 200)["damaged"] == []


def test_without_cold_storage_nothing_is_archived(cairn):
    let_go(cairn, Words(6))
    assert cairn.get("/api/v2/cold") == {"enabled": False, "archives": [], "bytes": 0}


@pytest.mark.skipif(bool(key_of_tests()), reason="begins with a plain store")
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


def test_a_turn_goes_out_of_a_sealed_archive_whose_session_is_deleted(make_cairn):
    folder = make_cairn(start=False).data
    (folder / "cairn.toml").write_text('[cold]\nfolder = "../archives"\n[privacy]\nauto_redact = false\n')
    cold = make_cairn(env={"CAIRN_KEY": TEST_KEY})
    s, _, ids, said = let_go(cold, Words(15), 3)
    cold.http.delete(f"/api/v1/sessions/{s}").raise_for_status()
    assert forget(cold, turn=ids[0], now=True)["receipt"]["receipt"]["cleaned"]["cold_archives"] == 1
    left = [json.loads(x) for x in cold.http.get(f"/api/v2/cold/{s}").text.splitlines()[1:]]
    assert [t["content"] for t in left] == said[1:]


@pytest.mark.skipif(bool(key_of_tests()), reason="begins with a plain store")
def test_archives_follow_the_store_through_all_conversions(cold):
    key = {"CAIRN_KEY": TEST_KEY}
    words, archives = Words(16), cold.data.parent / "archives"
    s, _, ids, said = let_go(cold, words)
    other, *_ = let_go(cold, Words(17))

    def holds(sealed):
        assert len(list(archives.rglob("*.zst"))) == 2
        assert (where(words.given, archives) == {}) == sealed
        lines = cold.http.get(f"/api/v2/cold/{s}").text.splitlines()
        assert [json.loads(x)["content"] for x in lines[1:]] == said
        assert cold.post("/api/v2/cold/verify", {}, 200)["damaged"] == []

    holds(sealed=False)
    cold.run("encrypt", env=key)
    holds(sealed=True)
    cold.run("rekey", "--deep", env=key)
    holds(sealed=True)
    cold.run("decrypt", env=key)
    holds(sealed=False)
    assert restore(cold, s)["restored"] == 7


# ---- a turn that is in cold storage alone ----

def test_a_turn_in_cold_storage_alone_is_erased_by_its_id(cold):
    words = Words(8)
    s, _, ids, said = let_go(cold, words)
    assert forget(cold, turn=ids[3], dry_run=True)["records_total"] == 1
    receipt = forget(cold, turn=ids[3], now=True)["receipt"]["receipt"]
    (changed,) = receipt["cold_archives"]
    assert changed["path"].startswith(f"{s}/") and not changed["removed"] and receipt["cleaned"]["cold_archives"] == 1
    assert receipt["target_id"] == ids[3] and receipt["records"]["turn"] == 1
    assert [t["turn_id"] for t in archived(cold, s)[1]] == ids[:3] + ids[4:]
    assert where([w for w in said[3].split() if "zq" in w], cold.data.parent / "archives", cold.data) == {}
    refused(cold, "POST", "/api/v2/erasures", {"turn": "turn_" + "0" * 32, "now": True}, 404, "NOT_FOUND")
    doctor(cold)


def test_it_is_found_when_nothing_of_it_is_left_in_the_store(cold):
    words = Words(9)
    s, c, ids, said = let_go(cold, words)
    cold.post(f"/api/v2/sessions/{s}/archive", {})
    age(cold, 400, s)
    assert clean(cold, 100)["sessions_expired"] == 1
    sql(cold, "DELETE FROM turn WHERE session_id = ? AND seq < (SELECT max(seq) FROM turn)", s)
    assert forget(cold, turn=ids[0], now=True)["receipt"]["receipt"]["cleaned"]["cold_archives"] == 1
    assert [t["turn_id"] for t in archived(cold, s)[1]] == ids[1:]


def test_the_receipt_names_what_a_value_was_taken_out_of(cold):
    s = session(cold)
    c = conversation(cold, s)
    for text in ("write to jane.doe@example.com", "the lamp is lit", "the boats are in"):
        turn(cold, c, text)
    age(cold, 200, s)
    sql(cold, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    assert clean(cold, 100)["turns_removed"] == 3
    asked = forget(cold, value="jane.doe@example.com")  # due later, but cold storage is done at once
    assert len(archived(cold, s)[1]) == 2
    sql(cold, "UPDATE erasure SET due_at = 1 WHERE id = ?", asked["erasure_id"])
    done = eventually(lambda: sql(cold, "SELECT receipt FROM erasure WHERE id = ? AND state = 'erased'",
                                  asked["erasure_id"]), 20, "the erasure")
    receipt = json.loads(done[0][0])
    assert receipt["receipt"]["cleaned"]["cold_archives"] == 1
    assert receipt["receipt"]["cold_archives"][0]["path"].startswith(f"{s}/{c}/")
    assert cold.post("/api/v2/erasures/verify", {"receipt": receipt}, 200)["genuine"]


# ---- restoring ----

def restore(cairn, s):
    return json.loads(cairn.run("cold", "restore", s, "--json").stdout)


def back(cairn, c):
    return [(t["turn_id"], t["turn_number"], t["content"]) for t in turns(cairn, c)]


def test_turns_come_back_into_their_conversation_and_are_found(cold):
    words = Words(10)
    s, c, ids, said = let_go(cold, words)
    later = turn(cold, c, "we are back at the harbour")
    done = restore(cold, s)
    assert (done["archives"], done["restored"], done["known"], done["erased"]) == (1, 7, 0, 0)
    wanted = [(i, n, text) for n, (i, text) in enumerate(zip(ids, said), 1)]
    assert back(cold, c) == wanted + [(later["turn_id"], 8, "we are back at the harbour")]
    word = said[2].split()[0]
    found = cold.post(f"/api/v2/sessions/{s}/context/search", {"query": word})["results"]
    assert word in json.dumps(found)
    shown = cold.get(f"/api/v2/conversations/{c}")
    assert shown["turns_removed"] == 0 and shown["turn_count"] == 8
    again = restore(cold, s)
    assert (again["restored"], again["known"]) == (0, 7) and back(cold, c)[:7] == wanted
    assert clean(cold, 100)["turns_removed"] == 0, "what was put back is not idle"
    cold.restart()
    assert back(cold, c)[:7] == wanted
    doctor(cold)


def test_what_was_put_back_goes_again_without_a_second_archive(cold):
    s, c, ids, said = let_go(cold, Words(11))
    restore(cold, s)
    age(cold, 200, s)
    assert clean(cold, 100)["turns_removed"] == 7 and turns(cold, c) == []
    assert len(cold.get("/api/v2/cold")["archives"]) == 1
    assert restore(cold, s)["restored"] == 7 and [t[0] for t in back(cold, c)] == ids
    doctor(cold)


def test_what_was_emptied_comes_back_and_what_was_erased_does_not(make_cairn):
    folder = make_cairn(start=False).data
    (folder / "cairn.toml").write_text('[cold]\nfolder = "../archives"\n[privacy]\nauto_redact = false\n'
                                       '[erasure]\ndays = 0\n')
    cold = make_cairn()
    words = Words(12)
    s, c, ids, said = let_go(cold, words)
    eventually(lambda: sql(cold, "SELECT count(*) FROM turn WHERE session_id = ? AND version = 0", s)[0][0] == 7, 30,
               "the aged rows to be emptied")
    (file,) = (cold.data.parent / "archives").rglob("*.zst")
    old = file.read_bytes()
    forget(cold, turn=ids[1], now=True)
    for f in (cold.data.parent / "archives").rglob("*.zst"):
        f.unlink()
    file.write_bytes(old)  # somebody puts back an older copy of the folder
    done = restore(cold, s)
    assert (done["restored"], done["erased"]) == (6, 1)
    assert [t[0] for t in back(cold, c)] == ids[:1] + ids[2:]
    assert restore(cold, s)["known"] == 6
    doctor(cold)


def test_a_damaged_archive_restores_nothing(cold):
    s, c, *_ = let_go(cold, Words(13))
    (file,) = (cold.data.parent / "archives").rglob("*.zst")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    told = cold.run("cold", "restore", s, check=False)
    assert told.returncode != 0 and "damaged" in told.stderr and turns(cold, c) == []
    file.write_bytes(whole)
    assert restore(cold, s)["restored"] == 7


def test_what_has_no_place_any_more_is_told(cold):
    s, c, *_ = let_go(cold, Words(14), 3)
    other = "sess_" + "0" * 32
    refused(cold, "POST", f"/api/v2/cold/{other}/restore", {}, 404, "SESSION_NOT_FOUND")
    fresh = session(cold)
    refused(cold, "POST", f"/api/v2/cold/{fresh}/restore", {}, 404, "NOT_FOUND")
    cold.http.delete(f"/api/v1/conversations/{c}").raise_for_status()
    assert restore(cold, s)["without_conversation"] == 3
    cold.post(f"/api/v2/sessions/{s}/archive", {})
    age(cold, 400, s)
    clean(cold, 100)
    refused(cold, "POST", f"/api/v2/cold/{s}/restore", {}, 401, "SESSION_EXPIRED")
