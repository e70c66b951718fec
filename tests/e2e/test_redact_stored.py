"""Masking what is stored already: `cairn redact --stored` on a store that was filled without masks, and a session whose
level becomes stricter. The old words are then in no file, and in no search."""

import json
import pathlib
import shutil

import pytest

from conftest import TEST_KEY, Cairn, eventually, key_of_tests
from rest import conversation, session, turn, turns
import tiny_model
from store_sql import sql

MAIL = "wilhelmina.vanderberg" + "@" + "example.org"
HOST = "203.0.113." + "77"
TEXT = f"Mail {MAIL} about the machine at {HOST}, it is broken."
OPEN = {"CAIRN_PRIVACY_AUTO_REDACT": "false"}


def bytes_of(f):
    """A running server may have put another file in its place by now: that one is looked at then."""
    try:
        return f.read_bytes() if f.is_file() else b""
    except FileNotFoundError:
        return b""


def opened_copy(c, to):
    """A copy of a sealed data folder, decrypted; the server may be running, so that the copy is one of a moment only with
    luck: then again."""
    for _ in range(10):
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        for f in pathlib.Path(c.data).rglob("*"):
            if f.is_file() and f.name not in ("cairn.toml", "erasure.lock"):
                (to / f.relative_to(c.data)).parent.mkdir(parents=True, exist_ok=True)
                (to / f.relative_to(c.data)).write_bytes(bytes_of(f))
        done = Cairn(to, env=key_of_tests()).run("decrypt", check=False)
        if done.returncode == 0:
            return to
    raise AssertionError(f"the copy cannot be decrypted: {done.stderr}")


def holding(c, word):
    """The files that hold the word, as it is or as the index keeps it. Of a sealed store: once it is opened."""
    data = pathlib.Path(c.data)
    if (data / "keys").exists():
        assert not [f for f in data.rglob("*") if word.encode() in bytes_of(f)], "sealed, it is nowhere to be read"
        data = opened_copy(c, data.parent / "opened")
    return [str(f) for f in data.rglob("*") if word.encode() in bytes_of(f)]


def fill(c, level="PUBLIC"):
    """A session with the text in its turns and in records of several kinds; its id, and its conversation's."""
    s = session(c, privacy_level=level, title=f"About {MAIL}")
    v = conversation(c, s, directive=f"Write to {MAIL}")
    for i in range(30):
        turn(c, v, f"{TEXT} Number {i}.", metadata={"cc": MAIL})
    c.post("/api/v1/patterns", {"pattern_type": "code", "name": f"to {MAIL}", "template": TEXT, "source_session_id": s})
    c.post("/api/v1/checkpoints", {"title": "c", "content": TEXT, "session_id": s, "metadata": {"m": [MAIL]}})
    c.post("/api/v1/characters", {"conversation_id": v, "name": "W", "background": TEXT})
    for name in (f"{MAIL}", "w.vanderberg" + "@" + "example.org"):  # two that have the same mask
        c.post("/api/v1/tags", {"name": name, "record_kind": "session", "record_id": s})
    c.post("/api/v2/recall", {"query": f"what about {MAIL}", "session_id": s})
    return s, v


def found(c, s, words):
    return [h for h in c.post(f"/api/v2/sessions/{s}/context/search", {"query": words})["results"]]


def indexed(c):
    eventually(lambda: c.get("/api/v2/status")["index"]["lag"] == 0, 30)


@pytest.fixture
def filled(make_cairn):
    """What a server without masks has stored, and a server with masks on it."""
    c = make_cairn(env=OPEN)
    s, v = fill(c)
    other, w = fill(c, "PRIVATE")
    indexed(c)
    c.post("/api/v2/maintenance", {"pack": True})
    assert found(c, s, "vanderberg") and holding(c, "vanderberg")
    assert c.stop() == 0
    c.env = {}
    return c, s, v, other, w


@pytest.mark.parametrize("running", [True, False], ids=["server", "alone"])
def test_a_store_from_before_is_masked(filled, running):
    c, s, v, other, w = filled
    if running:
        c.start()
    dry = json.loads(c.run("redact", "--stored", "--dry-run", "--json").stdout)
    assert dry["dry_run"] and dry["masked"] >= 35 and dry["by_kind"]["turn"] == 30 and dry["by_type"]["email"] >= 60
    assert dry["by_type"]["ip"] >= 30 and MAIL not in json.dumps(dry)
    assert holding(c, "vanderberg")
    done = json.loads(c.run("redact", "--stored", "--session", s, "--json").stdout)
    assert done["masked"] >= 30 and done["by_kind"]["turn"] == 30
    again = json.loads(c.run("redact", "--stored", "--session", s, "--json").stdout)
    assert again["masked"] == 0 and again["looked"] >= done["looked"]  # what is learnt behind the writes may have come
    told = c.run("redact", "--stored").stdout
    assert "masked" in told and MAIL not in told
    if not running:
        c.start()
    texts = [t["content"] for t in turns(c, v)]
    assert len(texts) == 30 and all("w***@example.org" in t and HOST not in t for t in texts)
    assert all(MAIL in t["content"] for t in turns(c, w))  # PRIVATE keeps what is no secret
    assert not found(c, s, "vanderberg") and found(c, s, "broken machine")
    assert found(c, other, "vanderberg")
    tags = {t["name"] for t in c.get("/api/v1/tags", record_id=s)}
    assert len(tags) == 2 and MAIL not in tags
    problems = c.run("doctor", check=False)
    assert problems.returncode == 0, problems.stdout + problems.stderr


def test_a_stricter_level_masks_what_is_stored(make_cairn):
    c = make_cairn()
    s, v = fill(c, "PRIVATE")
    indexed(c)
    assert all(MAIL in t["content"] for t in turns(c, v)) and holding(c, "vanderberg")
    c.http.patch(f"/api/v1/sessions/{s}", json={"privacy_level": "TEAM"})
    texts = eventually(lambda: (t := [t["content"] for t in turns(c, v)]) and all("w***@example.org" in x for x in t) and t)
    assert all(HOST in t for t in texts)
    eventually(lambda: not holding(c, "vanderberg"), 20)
    assert found(c, s, "broken machine")
    c.http.patch(f"/api/v1/sessions/{s}", json={"privacy_level": "PUBLIC"})
    eventually(lambda: all(HOST not in t["content"] for t in turns(c, v)))
    eventually(lambda: not holding(c, HOST), 20)
    c.http.patch(f"/api/v1/sessions/{s}", json={"privacy_level": "PRIVATE"})  # masks are never undone
    assert c.restart()
    assert all(HOST not in t["content"] and "w***@example.org" in t["content"] for t in turns(c, v))
    assert not holding(c, "vanderberg") and not holding(c, HOST) and not found(c, s, "vanderberg")


def test_killed_before_it_is_done_the_next_start_goes_on(make_cairn):
    c = make_cairn()
    s, v = fill(c, "PRIVATE")
    indexed(c)
    c.http.patch(f"/api/v1/sessions/{s}", json={"privacy_level": "PUBLIC"})
    c.kill()
    c.start()
    eventually(lambda: all(MAIL not in t["content"] and HOST not in t["content"] for t in turns(c, v)), 20)
    eventually(lambda: not holding(c, "vanderberg") and not holding(c, HOST), 20)


def test_without_a_server_it_is_done_at_once(make_cairn):
    c = make_cairn()
    s, v = fill(c, "PRIVATE")
    indexed(c)
    assert c.stop() == 0
    c.run("edit", "session", s, "privacy_level=PUBLIC")
    assert not holding(c, "vanderberg") and not holding(c, HOST)


def test_a_store_from_before_masks_is_told_of(make_cairn):
    """As an older Cairn leaves it: without the note that all has passed the gate."""
    c = make_cairn()
    assert c.get("/health/memory")["privacy"] == {"stored_masked": True, "advice": None}
    turn(c, conversation(c, session(c)), TEXT)
    assert c.stop() == 0
    sql(c, "DELETE FROM store_meta WHERE key = 'masked'")
    sql(c, "UPDATE turn SET content = ?", TEXT)
    assert "cairn redact --stored" in c.run("doctor").stdout
    c.start()
    assert "redact --stored" in c.get("/health/memory")["privacy"]["advice"]
    assert json.loads(c.run("redact", "--stored", "--json").stdout)["by_kind"] == {"turn": 1}
    assert c.get("/health/memory")["privacy"]["stored_masked"] and not holding(c, "vanderberg")


def test_what_is_stored_in_a_sealed_store_is_masked_too(make_cairn):
    if key_of_tests():
        pytest.skip("all tests here do so")
    sealed = {"CAIRN_KEY": TEST_KEY}
    c = make_cairn(env={**OPEN, **sealed})
    s, v = fill(c)
    indexed(c)
    c.stop()
    c.env = sealed
    done = json.loads(c.run("redact", "--stored", "--json", env=sealed).stdout)
    assert done["by_kind"]["turn"] == 30 and done["masked"] >= 35
    c.start()
    assert all("w***@example.org" in t["content"] and HOST not in t["content"] for t in turns(c, v))
    assert sql(c, "SELECT count(*) FROM turn WHERE instr(opened(content, id, 'turn', 'content'), 'vanderberg')") == [(0,)]
    assert found(c, s, "broken machine")
    c.stop()
    c.run("decrypt", env=sealed)
    assert not holding(c, "vanderberg") and not holding(c, HOST) and holding(c, "w***@example.org")


def test_what_is_wrong_is_told(cairn):
    assert "go with --stored" in cairn.run("redact", "--dry-run", input="x", check=False).stderr
    r = cairn.http.post("/api/v2/redact", json={"cursor": "x"})
    assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "cursor"
    r = cairn.http.post("/api/v2/redact", json={"session_id": "sess_" + "0" * 32})
    assert r.status_code == 404


def test_turns_masked_later_get_new_vectors(make_cairn, tmp_path):
    """Nothing is left of the vectors of the old words, and what was masked is found by its meaning again."""
    c = make_cairn(env={"CAIRN_MODEL": str(tiny_model.make(tmp_path / "tiny")), **OPEN})
    s = session(c)
    conv = conversation(c, s)
    other = conversation(c, session(c))
    for i in range(4):
        turn(c, conv, f"{TEXT} The {i}th letter was about the harbour.")
        turn(c, other, f"A plain text, number {i}.")

    def meaning():
        return c.get("/health/memory")["embedding_model"]

    eventually(lambda: meaning()["vectors"] == 8, what="the first vectors")
    files = sum(f.stat().st_size for f in (c.data / "index").glob("vectors-*.bin"))
    c.stop()
    del c.env["CAIRN_PRIVACY_AUTO_REDACT"]
    c.start()
    done = json.loads(c.run("redact", "--stored", "--json").stdout)
    assert done["masked"] >= 4, done
    eventually(lambda: meaning()["vectors"] == 8 and meaning()["lag"] == 0, what="vectors of the masked words")
    assert sum(f.stat().st_size for f in (c.data / "index").glob("vectors-*.bin")) > files  # they were rewritten
    words = turns(c, conv)[2]["content"]
    assert MAIL not in words
    best = c.post("/api/v2/recall", {"query": f"me: {words}", "session_id": s})["results"][0]
    assert best["content"] == words
    assert c.run("doctor").returncode == 0
