"""Forgetting: what is erased is in no byte of any file of the data folder, with the server running and without one,
while everything else is as it was; killed anywhere, it is finished later; and a signed receipt tells what went."""

import json
import os
import random
import threading
import time

import pytest
from conftest import Cairn, eventually, key_of_tests
from raw_bytes import where
from rest import conversation, refused, session, turn, turns
from store_sql import sql

CHAT = "/v1/chat/completions"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
FILLER = "the deployment of the billing service went well again and nobody had to stay late this week".split()


class Words:
    """Words that nothing else has, ten letters each: the same seed, the same words."""

    def __init__(self, seed):
        self.random, self.given = random.Random(seed), []

    def __call__(self):
        word = "zq" + "".join(self.random.choice(LETTERS) for _ in range(10))
        self.given.append(word)
        return word

    def text(self):
        words = [self.random.choice(FILLER) for _ in range(self.random.randint(5, 60))]
        words.insert(self.random.randrange(len(words)), self())
        return " ".join(words)


def quick_talk(cairn, words, n, **more):
    """A session with one conversation of n turns, in one request; both ids."""
    said = [{"role": "user", "content": words.text()} for _ in range(n)]
    s = cairn.post("/api/v1/sessions", {"conversation_json": said, **more}, 201)["session_id"]
    return s, sql(cairn, "SELECT id FROM conversation WHERE session_id = ?", s)[0][0]


def talk(cairn, s, words, n=8):
    """A conversation of n turns, summed up, with an event, a person and a label of its own."""
    c = conversation(cairn, s, directive=words.text())
    added = [turn(cairn, c, words.text(), agent="ana" if i % 2 else "ben") for i in range(n)]
    cairn.post(f"/api/v2/conversations/{c}/summarize", {"force": True})
    cairn.post("/api/v1/events", {"session_id": s, "conversation_id": c, "effect_text": words.text()}, 201)
    cairn.post("/api/v1/characters", {"conversation_id": c, "name": words(), "background": words.text()}, 201)
    cairn.post("/api/v1/tags", {"name": words(), "record_kind": "turn", "record_id": added[0]["turn_id"]}, 201)
    return c, [t["turn_id"] for t in added]


def life(cairn, words, conversations=2):
    """A session in which everything happened that leaves traces."""
    s = session(cairn, title=words.text(), description=words.text())
    talks = [talk(cairn, s, words) for _ in range(conversations)]
    cairn.post(f"/api/v2/sessions/{s}/summarize", {"force": True})
    cairn.http.put(f"/api/v2/sessions/{s}/agents/ana/state", json={"state_updates": {"note": words.text()}})
    cairn.post("/api/v1/patterns", {"pattern_type": "workflow", "name": words(), "description": words.text(),
                                    "source_session_id": s}, 201)
    cairn.post("/api/v1/checkpoints", {"title": words(), "content": words.text(), "session_id": s}, 201)
    cairn.post(CHAT, {"model": "m", "messages": [{"role": "user", "content": words.text()}]},
               headers={"X-Cairn-Session": s})
    cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": words()})
    return s, talks


def settled(cairn, s):
    """What follows from the turns behind the writes is there."""
    eventually(lambda: sql(cairn, "SELECT count(*) FROM agent_learning WHERE session_id = ?", s)[0][0],
               what="learning")
    eventually(lambda: sql(cairn, "SELECT count(*) FROM context_load WHERE session_id = ?", s)[0][0] > 1,
               what="traces of recalls")


def contents(cairn, talks):
    return {c: [t["content"] for t in turns(cairn, c)] for c, _ in talks}


def forget(cairn, **what):
    return cairn.post("/api/v2/erasures", what, 200)


def expect_gone(cairn, words, *more):
    assert where(words, cairn.data, cairn.log_path, *more) == {}


def expect_there(cairn, words):
    """But for a word or two that begin on one page of the file and end on another; sealed, none can be seen."""
    if key_of_tests():
        return
    found = where(words, cairn.data)
    assert len(found) >= len(set(words)) - 2, [(i, w) for i, w in enumerate(words) if w not in found]


def doctor(cairn):
    assert "no problems found" in cairn.run("doctor").stdout


def test_a_forgotten_session_is_in_no_byte_of_any_file(cairn):
    gone, kept = Words(1), Words(2)
    first, talks = life(cairn, gone)
    second, others = life(cairn, kept)
    settled(cairn, first)
    before = contents(cairn, others)
    searched = {first: gone.given[-1], second: kept.given[-1]}  # asked for, never said
    expect_there(cairn, gone.given)
    done = forget(cairn, session=first, now=True, reason="she asked")
    assert done["state"] == "erased" and done["records"]["session"] == 1 and done["records"]["turn"] >= 18
    assert done["records"]["pattern"] == 1 and done["records"]["checkpoint"] == 1
    expect_gone(cairn, gone.given)
    assert contents(cairn, others) == before
    expect_there(cairn, [w for w in kept.given if w != searched[second]])
    word = before[others[0][0]][0].split()
    hits = cairn.post(f"/api/v2/sessions/{second}/context/search", {"query": " ".join(w for w in word if "zq" in w)})
    assert any("zq" in json.dumps(h) for h in hits["results"])
    refused(cairn, "GET", f"/api/v2/sessions/{first}", status=404, code="SESSION_NOT_FOUND")
    cairn.restart()
    expect_gone(cairn, gone.given)
    assert contents(cairn, others) == before
    doctor(cairn)
    cairn.stop()
    expect_gone(cairn, gone.given)
    expect_there(cairn, [w for w in kept.given if w != searched[second]])


def test_without_a_server_the_command_erases_by_itself(cairn):
    gone, kept = Words(3), Words(4)
    first, _ = life(cairn, gone, 1)
    second, others = life(cairn, kept, 1)
    before = contents(cairn, others)
    cairn.kill()  # its journal is still there, and its log of writes
    told = cairn.run("forget", "--session", first, "--now", "--json").stdout
    assert json.loads(told)["state"] == "erased"
    expect_gone(cairn, gone.given)
    cairn.start()
    assert contents(cairn, others) == before
    expect_gone(cairn, gone.given)
    doctor(cairn)


@pytest.mark.skipif(bool(key_of_tests()), reason="a sealed store has no dictionaries")
def test_packed_turns_and_the_dictionary_made_of_them(make_cairn):
    cairn = make_cairn()
    gone, kept = Words(5), Words(6)
    mine, _ = quick_talk(cairn, gone, 400)
    _, b = quick_talk(cairn, kept, 400)
    sql(cairn, "UPDATE turn SET created_at = created_at - 864000000")
    assert cairn.post("/api/v2/maintenance", {"pack": True})["pack"]["turns_packed"] > 300
    assert sql(cairn, "SELECT count(*) FROM pack_dictionary")[0][0] == 1
    before = contents(cairn, [(b, [])])
    expect_there(cairn, gone.given[:100])
    done = forget(cairn, session=mine, now=True)
    assert done["receipt"]["receipt"]["cleaned"]["dictionaries"] == 1
    expect_gone(cairn, gone.given)
    assert contents(cairn, [(b, [])]) == before
    cairn.post("/api/v2/maintenance", {"pack": True})
    expect_gone(cairn, gone.given)
    assert contents(cairn, [(b, [])]) == before
    doctor(cairn)


def test_one_turn_goes_and_what_was_made_of_it(cairn):
    gone, kept = Words(7), Words(8)
    s, talks = life(cairn, kept)
    c = talks[0][0]
    t = turn(cairn, c, gone.text())["turn_id"]
    cairn.post(f"/api/v2/conversations/{c}/summarize", {"force": True})
    cairn.post(f"/api/v2/sessions/{s}/summarize", {"force": True})
    after = turn(cairn, c, kept.text())["turn_id"]
    eventually(lambda: sql(cairn, "SELECT min(position) >= (SELECT max(seq) FROM turn) FROM progress")[0][0],
               what="followers")
    n = len(turns(cairn, c))
    done = forget(cairn, turn=t, now=True)
    assert done["records"]["turn"] == 1 and done["scope"] == "turn"
    expect_gone(cairn, gone.given)
    left = turns(cairn, c)
    assert len(left) == n - 1 and left[-1]["turn_id"] == after and t not in [x["turn_id"] for x in left]
    assert left[-1]["turn_number"] == n  # numbers stay as they are
    assert turn(cairn, c, kept.text())["turn_number"] == n + 1
    doctor(cairn)


def test_a_conversation_goes_and_the_session_stays(cairn):
    gone, kept = Words(9), Words(10)
    s = session(cairn, title=kept.text())
    stays, leaves = talk(cairn, s, kept), talk(cairn, s, gone)
    cairn.post(f"/api/v2/sessions/{s}/summarize", {"force": True})
    before = contents(cairn, [stays])
    done = forget(cairn, conversation=leaves[0], now=True)
    assert done["records"]["conversation"] == 1
    expect_gone(cairn, gone.given)
    assert contents(cairn, [stays]) == before
    assert cairn.get(f"/api/v2/sessions/{s}")["session_id"] == s
    doctor(cairn)


def test_a_record_of_any_kind(cairn):
    gone, kept = Words(11), Words(12)
    ids = [cairn.post("/api/v1/props", {"name": w(), "description": w.text()}, 201)["id"] for w in (gone, kept)]
    cairn.post("/api/v1/tags", {"name": gone(), "record_kind": "prop", "record_id": ids[0]}, 201)
    done = json.loads(cairn.run("forget", "--record", "prop", ids[0], "--now", "--json").stdout)
    assert done["records"] == {"prop": 1, "tag": 1}
    expect_gone(cairn, gone.given)
    expect_there(cairn, kept.given)
    refused(cairn, "POST", "/api/v2/erasures", {"record": "prop", "id": ids[0]}, 404, "NOT_FOUND")
    refused(cairn, "POST", "/api/v2/erasures", {"record": "token", "id": "x"}, field="record")
    refused(cairn, "POST", "/api/v2/erasures", {"record": "prop"}, field="id")
    refused(cairn, "POST", "/api/v2/erasures", {}, field="session")
    refused(cairn, "POST", "/api/v2/erasures", {"session": "a", "turn": "b"})


def test_a_project(cairn):
    gone, kept = Words(13), Words(14)
    for project, words in (("old", gone), ("new", kept)):
        s = session(cairn, project=project, title=words.text())
        talk(cairn, s, words)
        cairn.post("/api/v1/preferences", {"key": f"k{project}", "value": words.text(), "project": project}, 201)
    plan = forget(cairn, project="old", dry_run=True)
    assert plan["dry_run"] and plan["records"]["turn"] == 8
    expect_there(cairn, gone.given)
    done = forget(cairn, project="old", now=True)
    assert done["records"]["turn"] == 8
    expect_gone(cairn, gone.given)
    expect_there(cairn, kept.given)
    assert [x["title"] for x in cairn.get("/api/v2/sessions", project="old")["sessions"]] == []
    doctor(cairn)


def test_out_of_sight_at_once_and_erased_when_it_is_due(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[erasure]\ndays = 0\n")
    cairn = make_cairn()
    words = Words(15)
    s, _ = life(cairn, words, 1)
    done = cairn.http.delete(f"/api/v1/sessions/{s}", params={"gdpr_request": "true"}).json()
    assert done["erasure_requested"] and done["due_at"] and done["erasure_id"].startswith("ers_")
    refused(cairn, "GET", f"/api/v2/sessions/{s}", status=404, code="SESSION_NOT_FOUND")
    record = lambda: cairn.get(f"/api/v1/erasures/{done['erasure_id']}")  # noqa: E731
    eventually(lambda: record()["state"] == "erased", 30, "the erasure")
    assert record()["receipt"]["receipt"]["scope"] == "session"
    expect_gone(cairn, words.given)


def test_a_conversation_is_erased_with_a_receipt_when_its_deletion_asks_for_it(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[erasure]\ndays = 0\n")
    cairn = make_cairn()
    gone, kept = Words(19), Words(20)
    s = session(cairn)
    talk(cairn, s, kept)
    leaves = talk(cairn, s, gone)[0]
    done = cairn.http.delete(f"/api/v1/conversations/{leaves}", params={"gdpr_request": "true"}).json()
    assert done["turns_deleted"] == 8 and done["erasure_requested"] and done["due_at"]
    record = lambda: cairn.get(f"/api/v1/erasures/{done['erasure_id']}")  # noqa: E731
    eventually(lambda: record()["state"] == "erased", 30, "the erasure")
    assert record()["receipt"]["receipt"]["scope"] == "conversation"
    expect_gone(cairn, gone.given)
    expect_there(cairn, kept.given)


def test_what_was_deleted_without_a_request_goes_too(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[erasure]\ndays = 0\n")
    cairn = make_cairn()
    words, kept = Words(16), Words(17)
    s, _ = life(cairn, words, 1)
    talk(cairn, session(cairn), kept)
    assert cairn.http.delete(f"/api/v1/sessions/{s}").status_code == 200
    eventually(lambda: where(words.given, cairn.data) == {}, 90, "the erasure")
    expect_there(cairn, kept.given)
    doctor(cairn)


def test_before_it_is_due_it_is_only_out_of_sight(cairn):
    words = Words(18)
    s, _ = life(cairn, words, 1)
    plan = json.loads(cairn.run("forget", "--session", s, "--dry-run", "--json").stdout)
    assert plan["dry_run"] and plan["records"]["session"] == 1 and "erasure_id" not in plan
    done = forget(cairn, session=s)
    assert done["state"] == "requested" and "receipt" not in done
    refused(cairn, "GET", f"/api/v2/sessions/{s}", status=404, code="SESSION_NOT_FOUND")
    expect_there(cairn, words.given)
    sql(cairn, "UPDATE erasure SET due_at = 1")
    eventually(lambda: where(words.given, cairn.data) == {}, 30, "the erasure")


PERSON = "Jane.Doe@Example.com"


def test_a_person_by_value(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[privacy]\nauto_redact = false\n")
    cairn = make_cairn()
    kept = Words(19)
    theirs = session(cairn, user_id="jane.doe@example.com", title="Hers")
    turn(cairn, conversation(cairn, theirs), "nothing that names anybody, zqonlyhers")
    s = session(cairn, title="Notes on jane.doe@EXAMPLE.com and others", description=kept.text())
    c = conversation(cairn, s)
    turn(cairn, c, kept.text())
    turn(cairn, c, f"write to {PERSON}, zqwithname")
    turn(cairn, c, kept.text())
    cairn.post("/api/v1/preferences", {"key": "jane.doe@example.com", "value": "zqinpreference"}, 201)
    plan = forget(cairn, value=PERSON, dry_run=True)
    assert plan["records"]["turn"] == 1 and plan["records"]["preference"] == 1 and plan["sessions"] == [theirs]
    done = forget(cairn, value=PERSON, now=True)
    assert done["records"]["turn"] == 1 and done["texts_changed"] == 1
    expect_gone(cairn, ["jane.doe@example.com", "zqonlyhers", "zqwithname", "zqinpreference"])
    expect_there(cairn, kept.given)
    assert cairn.get(f"/api/v2/sessions/{s}")["title"] == "Notes on [erased] and others"
    assert forget(cairn, value=PERSON, dry_run=True)["records_total"] == 0
    doctor(cairn)


def test_a_receipt_is_signed_and_tells_what_went(cairn, make_cairn):
    words = Words(20)
    s, _ = life(cairn, words, 1)
    receipt = forget(cairn, session=s, now=True, reason="she asked")["receipt"]
    said = receipt["receipt"]
    assert said["target_id"] == s and said["reason"] == "she asked" and said["records"]["session"] == 1
    assert said["backups_that_may_hold_it"] == []
    verify = lambda r, at=cairn: at.post("/api/v2/erasures/verify", {"receipt": r}, 200)  # noqa: E731
    assert verify(receipt) == {"genuine": True, "of_this_store": True}
    file = cairn.data.parent / "receipt.json"
    file.write_text(json.dumps(receipt, indent=4))
    assert "genuine" in cairn.run("receipt", "verify", str(file)).stdout
    said["records"]["session"] = 2
    assert verify(receipt)["genuine"] is False
    file.write_text(json.dumps(receipt))
    assert cairn.run("receipt", "verify", str(file), check=False).returncode == 1
    said["records"]["session"] = 1
    other = make_cairn("other")
    assert verify(receipt, other)["of_this_store"] is False and verify(receipt, other)["genuine"] is True
    refused(cairn, "POST", "/api/v2/erasures/verify", {"receipt": {"receipt": {}}}, field="receipt")
    listed = cairn.get("/api/v1/erasures")
    assert [x["receipt"]["receipt"]["erasure_id"] for x in listed] == [said["erasure_id"]]
    assert said["erasure_id"] in cairn.run("list", "erasures").stdout


@pytest.mark.slow
def test_killed_anywhere_it_is_finished_by_the_next_start(make_cairn):
    cairn = make_cairn()
    kept = Words(1000)
    talk(cairn, session(cairn), kept)
    rounds = int(os.environ.get("CAIRN_FORGET_KILLS", "5"))
    chance = random.Random(5)
    for i in range(rounds):
        words = Words(2000 + i)
        s, _ = quick_talk(cairn, words, 300, title=words.text())
        sender = Cairn(cairn.data)  # a client of its own, whose request dies with the server
        sender.http.base_url = cairn.url
        thread = threading.Thread(target=lambda: quietly(sender, s))
        thread.start()
        time.sleep(chance.uniform(0, 0.4))
        cairn.kill()
        thread.join()
        sender.http.close()
        cairn.start()
        if not sql(cairn, "SELECT 1 FROM erasure WHERE target_id = ?", s):
            assert forget(cairn, session=s, now=True)["state"] == "erased"
        eventually(lambda: where(words.given, cairn.data) == {}, 40, f"round {i}")
        eventually(lambda: sql(cairn, "SELECT state FROM erasure WHERE target_id = ?", s) == [("erased",)], 20)
        expect_there(cairn, kept.given)
    doctor(cairn)


def quietly(client, s):
    try:
        client.http.post("/api/v2/erasures", json={"session": s, "now": True})
    except Exception:  # the server was killed
        pass


def test_in_a_sealed_store_old_backups_lose_the_session(make_cairn):
    key = {"CAIRN_KEY": "00112233445566778899aabbccddeeff" * 2}
    cairn = make_cairn(env=key)
    gone, kept = Words(21), Words(22)
    first, talks = life(cairn, gone, 1)
    second, others = life(cairn, kept, 1)
    before = contents(cairn, others)
    old = cairn.data.parent / "old.db"
    cairn.post("/api/v2/backup", {"path": str(old)})
    done = forget(cairn, session=first, now=True)
    assert done["receipt"]["receipt"]["cleaned"]["session_keys_destroyed"] == 1
    assert contents(cairn, others) == before
    expect_gone(cairn, gone.given + kept.given, old)
    assert "no problems found" in cairn.run("doctor", env=key).stdout
    cairn.stop()
    cairn.run("restore", str(old), env=key)
    cairn.start()
    assert contents(cairn, others) == before
    told = cairn.http.get(f"/api/v2/conversations/{talks[0][0]}").text
    assert not [w for w in gone.given if w in told]


def test_a_person_who_was_masked_on_the_way_in(cairn):
    kept = Words(23)
    c = conversation(cairn, session(cairn))
    turn(cairn, c, f"write to {PERSON} zqmasked")
    turn(cairn, c, kept.text())
    plan = forget(cairn, value=PERSON, dry_run=True)
    assert plan["records_total"] == 0 and plan["records_with_its_mask"] >= 1
    plan = forget(cairn, value=PERSON, dry_run=True, masked=True)
    assert plan["records"]["turn"] == 1 and "records_with_its_mask" not in plan
    assert forget(cairn, value=PERSON, now=True, masked=True)["records"]["turn"] == 1
    expect_gone(cairn, ["zqmasked"])
    expect_there(cairn, kept.given)


def test_masks_that_are_stable_are_one_person_s_own(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[privacy]\nstable = true\n")
    cairn = make_cairn()
    c = conversation(cairn, session(cairn))
    turn(cairn, c, f"write to {PERSON} zqhers")
    turn(cairn, c, "write to john.doe@example.com zqhis")
    assert forget(cairn, value=PERSON, now=True)["records"]["turn"] == 1
    expect_gone(cairn, ["zqhers"])
    expect_there(cairn, ["zqhis"])


# ---- several at once ----

def passes(cairn):
    """How often the whole file was gone through (these stores are one slice long)."""
    return int((sql(cairn, "SELECT value FROM store_meta WHERE key = 'scrubbed'") or [(0,)])[0][0])


def test_what_is_due_at_once_goes_in_one_pass(cairn):
    gone, kept = Words(30), Words(31)
    sessions = [quick_talk(cairn, gone, 5)[0] for _ in range(5)]
    other, c = quick_talk(cairn, kept, 5)
    before = contents(cairn, [(c, None)])
    asked = [forget(cairn, session=s)["erasure_id"] for s in sessions]
    assert passes(cairn) == 0
    sql(cairn, "UPDATE erasure SET due_at = 1")
    done = eventually(lambda: (r := sql(cairn, "SELECT id, receipt FROM erasure WHERE state = 'erased'")) and
                      len(r) == 5 and r, 40, "the erasures")
    assert passes(cairn) == 1
    assert {i for i, _ in done} == set(asked)
    for _, receipt in done:
        receipt = json.loads(receipt)
        assert cairn.post("/api/v2/erasures/verify", {"receipt": receipt}, 200)["genuine"]
        assert receipt["receipt"]["records"]["turn"] == 5 and receipt["receipt"]["cleaned"]["index"]
    expect_gone(cairn, gone.given)
    assert contents(cairn, [(c, None)]) == before
    doctor(cairn)


def test_a_person_s_sessions_go_in_one_pass(cairn):
    words = Words(32)
    for _ in range(3):
        quick_talk(cairn, words, 3, user_id="jane.doe@example.com")
    c = conversation(cairn, session(cairn))
    turn(cairn, c, "jane.doe@example.com was here")
    done = forget(cairn, value="jane.doe@example.com", now=True)
    assert done["state"] == "erased" and len(done["sessions"]) == 3 and passes(cairn) == 1
    states = sql(cairn, "SELECT scope, state FROM erasure ORDER BY scope")
    assert states == [("session", "erased")] * 3 + [("value", "erased")]
    expect_gone(cairn, words.given)
