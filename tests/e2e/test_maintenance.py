"""Maintenance on demand: packing, vacuum, vitality, retention; each beside clients that go on, one at a time."""

import json
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from rest import conversation, refused, session, turn, turns
from store_sql import sql

from conftest import eventually, key_of_tests

DAY = 86_400_000
PLAIN = pytest.mark.skipif(bool(key_of_tests()), reason="holds the database by Python's sqlite3")
WORDS = ("the harbour lamp turns every ten seconds and keeps the boats away from rocks while wind and tide go on "
         "under a sky full of gulls that nobody has ever counted").split()


def maintain(cairn, **what):
    return cairn.post("/api/v2/maintenance", what, 200)


def long_text(i):
    words = random.Random(i)
    return f"Entry lamp{i}: " + " ".join(words.choice(WORDS) for _ in range(600))


def fill(cairn, n=400):
    """Conversations of long turns, four at a time; {conversation: contents in order}."""
    s = session(cairn)

    def one(k):
        c = conversation(cairn, s, directive=f"Log {k}")
        return c, [turn(cairn, c, long_text(i))["turn_id"] and long_text(i) for i in range(k, n, 4)]

    with ThreadPoolExecutor(4) as pool:
        return s, dict(pool.map(one, range(4)))


def contents(cairn, conversation_id):
    return [t["content"] for t in turns(cairn, conversation_id)]


def found(cairn, s, i):
    """Its words are found, and the turn that comes first is the one that has them."""
    hits = cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": f"lamp{i}"})["results"]
    return bool(hits) and f"lamp{i}" in json.dumps(hits[0])


def on_disk(cairn):
    return sum(p.stat().st_size for p in (cairn.data / "store.db", cairn.data / "store.db-wal") if p.exists())


@pytest.fixture
def packing(make_cairn):
    return make_cairn(env={"CAIRN_STORE_PACK_AFTER_DAYS": "0"})


def test_packed_turns_read_the_same_and_vacuum_gives_their_room_back(packing):
    s, said = fill(packing)
    eventually(lambda: found(packing, s, 7), what="the index")
    done = maintain(packing, pack=True)["pack"]
    assert done["turns_packed"] > 300 and not done["more"], done
    assert done["bytes_after"] < done["bytes_before"] / 2, done
    kept = sum(n for n, in sql(packing, "SELECT length(CAST(content AS BLOB)) FROM turn"))
    assert kept < sum(len(t) for c in said.values() for t in c) / 2, "it is so in the store too"
    size = on_disk(packing)
    freed = maintain(packing, vacuum=True)["vacuum"]
    assert freed["bytes_after"] < freed["bytes_before"] * 0.8, freed
    assert freed["bytes_before"] >= size > on_disk(packing) / 0.8, freed
    for c, texts in said.items():
        assert contents(packing, c) == texts
    assert all(found(packing, s, i) for i in (0, 7, 399))
    assert maintain(packing, pack=True)["pack"]["turns_packed"] <= 1, "what is packed is not packed again"
    packing.restart()
    assert all(contents(packing, c) == texts for c, texts in said.items())
    assert found(packing, s, 11)
    assert "no problems found" in packing.run("doctor").stdout


def test_turns_written_and_read_during_maintenance_are_all_there(make_cairn):
    env = {"CAIRN_STORE_PACK_AFTER_DAYS": "0"}
    a, b = make_cairn(env=env), make_cairn(env=env)  # two servers, one folder
    s, said = fill(a, 200)
    stop, failures, written = threading.Event(), [], {}

    def write(server, name):
        c = conversation(server, s, directive=name)
        written[c] = []
        while not stop.is_set():
            text = f"{name} says word{name}{len(written[c])}"
            turn(server, c, text)
            written[c].append(text)

    def read(server):
        while not stop.is_set():
            c, texts = random.choice(list(said.items()))
            if contents(server, c) != texts:
                failures.append(c)

    def run(fn, *args):
        try:
            fn(*args)
        except BaseException as e:  # noqa: BLE001  told by the test
            failures.append(repr(e))

    jobs = [(write, a, "ana"), (write, a, "ben"), (write, b, "cleo"), (read, a), (read, b)]
    threads = [threading.Thread(target=run, args=j) for j in jobs]
    for t in threads:
        t.start()
    try:
        eventually(lambda: failures or len(written) == 3 and all(written.values()), what="the first writes")
        for _ in range(4):
            before = {c: len(t) for c, t in written.items()}
            maintain(a, pack=True, vacuum=True)
            eventually(lambda: failures or all(len(t) > before[c] for c, t in written.items()), what="writes to go on")
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert failures == []
    for c, texts in [*said.items(), *written.items()]:
        assert contents(a, c) == texts and contents(b, c) == texts
    for c, texts in written.items():
        word = texts[-1].split()[-1]
        for server in (a, b):
            eventually(lambda: word in json.dumps(server.post(f"/api/v2/sessions/{s}/context/search", {"query": word})),
                       what="recall of what was written meanwhile")
    assert "no problems found" in a.run("doctor").stdout


@PLAIN
def test_a_reader_keeps_its_view_and_the_file_shrinks_after_it(packing):
    fill(packing, 200)
    maintain(packing, pack=True)
    reader = sqlite3.connect(f"file:{packing.data / 'store.db'}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    rows = reader.execute("SELECT id, content FROM turn ORDER BY seq").fetchall()
    held = maintain(packing, vacuum=True)["vacuum"]
    turn(packing, conversation(packing, session(packing)), "Written beside the reader")
    assert reader.execute("SELECT id, content FROM turn ORDER BY seq").fetchall() == rows
    reader.execute("ROLLBACK")
    reader.close()
    after = maintain(packing, vacuum=True)["vacuum"]
    assert after["bytes_after"] < held["bytes_before"] * 0.8, (held, after)


def test_vitality_is_written_down_and_what_has_faded_is_archived(cairn):
    s = session(cairn)
    ids = [cairn.post("/api/v1/events", {"session_id": s, "effect_text": f"Event {i}"}, 201)["event_id"] for i in range(3)]
    for days, i in ((0, ids[0]), (20, ids[1]), (400, ids[2])):
        sql(cairn, "UPDATE event SET vitality = 1, vitality_at = vitality_at - ? WHERE id = ?", days * DAY, i)
    assert maintain(cairn, vitality=True, dry_run=True)["vitality"]["events_written"] == 0
    assert sql(cairn, "SELECT DISTINCT vitality FROM event") == [(1,)]
    done = maintain(cairn, vitality=True)["vitality"]
    assert (done["events_seen"], done["events_written"], done["events_archived"]) == (3, 2, 1)
    now = [sql(cairn, "SELECT vitality, status FROM event WHERE id = ?", i)[0] for i in ids]
    assert now[0] == (1, "active")
    assert now[1] == (pytest.approx(0.6188, abs=0.001), "active")  # exp(-0.001 * 480 h)
    assert now[2][0] < 0.05 and now[2][1] == "archived"
    assert {e["event_id"] for e in cairn.get("/api/v1/events", session_id=s)} == set(ids[:2])
    assert maintain(cairn, vitality=True)["vitality"]["events_written"] == 0, "it is written once"


def test_a_dry_run_of_everything_changes_nothing(packing):
    s, said = fill(packing, 40)
    at = int(time.time() * 1000) - 100 * DAY
    sql(packing, "UPDATE session SET last_active = ?, updated_at = ? WHERE id = ?", at, at, s)
    sql(packing, "UPDATE conversation SET last_turn_at = ?, stored_at = ? WHERE session_id = ?", at, at, s)
    wish = {"cleanup_days": 30, "vitality": True, "pack": True, "vacuum": True}
    everything = "SELECT id, status, last_active FROM session UNION ALL SELECT id, content, deleted_at FROM turn"
    before = sql(packing, everything)
    done = maintain(packing, dry_run=True, **wish)
    assert done["dry_run"] is True and done["cleanup"]["sessions_archived"] == 1
    assert (done["pack"]["turns_packed"], done["cleanup"]["turns_removed"]) == (0, 0)
    assert done["vacuum"]["bytes_before"] == done["vacuum"]["bytes_after"] > 0
    assert sql(packing, everything) == before
    done = maintain(packing, **wish)
    assert done["dry_run"] is False and done["cleanup"]["failed"] == 0, packing.log()
    assert (done["cleanup"]["conversations_summarized"], done["cleanup"]["turns_removed"]) == (4, 40)
    assert done["cleanup"]["sessions_archived"] == 1
    assert all(contents(packing, c) == [] for c in said)
    assert len(packing.get("/api/v1/summaries", session_id=s, limit=100)) >= 4


@PLAIN
def test_one_at_a_time(cairn):
    """The first waits for a lock that the test holds, so it is surely under way when the second comes."""
    lock = sqlite3.connect(cairn.data / "store.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    first = []

    def run():
        while not first or first[-1].status_code == 409:  # a 409 is the test's own look
            first.append(cairn.http.post("/api/v2/maintenance", json={"vacuum": True}))

    t = threading.Thread(target=run)
    t.start()
    look = {"vacuum": True, "dry_run": True}
    try:
        eventually(lambda: cairn.http.post("/api/v2/maintenance", json=look).status_code == 409, 3, "a refusal")
        error = refused(cairn, "POST", "/api/v2/maintenance", look, 409, "MAINTENANCE_RUNNING")
        assert "try again" in error["message"]
    finally:
        lock.execute("ROLLBACK")
        lock.close()
        t.join()
    assert first[-1].status_code == 200, first[-1].text
    assert maintain(cairn, vacuum=True)["vacuum"]["seconds"] >= 0, "it is free again"


def test_maintenance_says_what_it_needs(cairn):
    refused(cairn, "POST", "/api/v2/maintenance", {}, 400, says="cleanup_days")
    refused(cairn, "POST", "/api/v2/maintenance", {"dry_run": True}, 400)
    refused(cairn, "POST", "/api/v2/maintenance", {"cleanup_days": 0}, 400, field="cleanup_days")
    refused(cairn, "POST", "/api/v2/maintenance", {"vacuum": "yes"}, 400, field="vacuum")


def test_the_command_line_runs_it_with_and_without_a_server(packing):
    s, said = fill(packing, 20)
    shown = json.loads(packing.run("maintenance", "--vacuum", "--json").stdout)
    assert shown["vacuum"]["bytes_after"] > 0 and "pack" not in shown
    packing.stop()
    shown = json.loads(packing.run("maintenance", "--pack", "--json",
                                   env={"CAIRN_STORE_PACK_AFTER_DAYS": "0", "CAIRN_MODEL": "off"}).stdout)
    assert shown["pack"]["turns_packed"] >= 19
    packing.start()
    assert all(contents(packing, c) == texts for c, texts in said.items())
