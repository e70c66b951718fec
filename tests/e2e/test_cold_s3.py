"""Cold storage in a bucket of an S3-compatible server that checks signatures: what goes in, comes back and is erased;
and what happens when the server refuses, fails, breaks off or is not there."""

import os
import re
import ssl
import threading

import pytest
from bucket import NAME, PLAIN, Bucket
from rest import conversation, session, turn
from store_sql import sql
from test_auth import pair
from test_cold import archived, let_go
from test_forget import Words, forget
from test_retention import age, clean

from conftest import eventually

CONFIG = """[cold]
bucket = "{bucket}"
endpoint = "{endpoint}"
prefix = "cairn/work"

[privacy]
auto_redact = false
"""


@pytest.fixture(scope="module")
def server():
    with Bucket() as b:
        yield b


@pytest.fixture
def bucket(server):
    server.reset()
    return server


@pytest.fixture
def cold(make_cairn, bucket):
    c = make_cairn(start=False, env=bucket.keys)
    (c.data / "cairn.toml").write_text(CONFIG.format(bucket=NAME, endpoint=bucket.endpoint))
    return c.start()


def idle(cairn, words, n=3):
    """A conversation whose turns retention may let go."""
    s = session(cairn)
    c = conversation(cairn, s)
    for _ in range(n):
        turn(cairn, c, words.text())
    age(cairn, 200, s)
    sql(cairn, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    return s, c


def run_retention(cairn):
    return cairn.post("/api/v2/maintenance", {"cleanup_days": 100})["cleanup"]


def left(cairn, c):
    return sql(cairn, "SELECT count(*) FROM turn WHERE conversation_id = ? AND deleted_at IS NULL", c)[0][0]


def test_what_is_let_go_is_in_the_bucket_and_comes_back(cold, bucket):
    s, c, ids, said = let_go(cold, Words(1))
    name, = bucket.names()
    assert re.fullmatch(f"cairn/work/{s}/{c}/000000001-000000007\\.[0-9a-f]{{64}}\\.zst", name)
    listed = cold.get("/api/v2/cold")
    assert [(a["session_id"], a["first"], a["last"]) for a in listed["archives"]] == [(s, 1, 7)]
    assert listed["bytes"] == len(bucket.get(name))
    assert [t["turn_id"] for t in archived(cold, s)[1]] == ids
    assert cold.post("/api/v2/cold/verify", {}, 200) == {"enabled": True, "damaged": [], "archives": 1}
    bucket.put(name, bucket.get(name)[:-1] + b"x")
    assert len(cold.post("/api/v2/cold/verify", {}, 200)["damaged"]) == 1
    bucket.put("cairn/work/notes.txt", b"none of ours")
    bucket.put("others", b"none of ours")
    assert len(cold.get("/api/v2/cold")["archives"]) == 1


@pytest.mark.slow  # 1,000 objects, so that a list has pages
def test_a_list_goes_on_over_pages(cold, bucket):
    s = "sess_" + "0" * 32
    for i in range(1, 1031):
        bucket.put(f"cairn/work/{s}/conv_{'0' * 32}/{i:09}-{i:09}.{'0' * 64}.zst", b"x")
    listed = cold.get("/api/v2/cold")["archives"]
    assert sorted(a["first"] for a in listed) == list(range(1, 1031))


def test_wrong_keys_are_told_and_nothing_is_let_go(make_cairn, bucket):
    wrong = {**bucket.keys, "CAIRN_COLD_KEY": "not-the-key-at-all"}
    cairn = make_cairn(start=False, env=wrong)
    (cairn.data / "cairn.toml").write_text(CONFIG.format(bucket=NAME, endpoint=bucket.endpoint))
    cairn.start()
    _, c = idle(cairn, Words(2))
    done = run_retention(cairn)
    assert (done["turns_removed"], done["failed"]) == (0, 1) and left(cairn, c) == 3
    refused = cairn.http.get("/api/v2/cold")
    assert refused.status_code in (401, 403) and "SignatureDoesNotMatch" in refused.text
    assert "not-the-key-at-all" not in refused.text + cairn.log() and bucket.names() == []


def test_a_bucket_that_is_not_there_is_told(make_cairn, bucket):
    cairn = make_cairn(start=False, env=bucket.keys)
    (cairn.data / "cairn.toml").write_text(CONFIG.format(bucket="no-such-bucket", endpoint=bucket.endpoint))
    cairn.start()
    _, c = idle(cairn, Words(3))
    assert run_retention(cairn)["turns_removed"] == 0 and left(cairn, c) == 3
    r = cairn.http.get("/api/v2/cold")
    assert r.status_code == 400 and "no such bucket" in r.text


def test_the_bucket_may_be_part_of_the_server_s_name(make_cairn, bucket):
    cairn = make_cairn(start=False, env=bucket.keys)
    (cairn.data / "cairn.toml").write_text(CONFIG.format(bucket=NAME, endpoint=f"http://localhost:{bucket.port}")
                                           .replace("[cold]", "[cold]\npath_style = false"))
    cairn.start()
    s, *_ = let_go(cairn, Words(17), 3)
    assert len(bucket.names()) == 1 and all(NAME not in path for _, path in bucket.door.asked)
    assert len(archived(cairn, s)[1]) == 3


BUSY = (503, {"Retry-After": "1"}, b"<Error><Code>SlowDown</Code></Error>")


def test_a_busy_server_is_asked_again(cold, bucket):
    bucket.door.faults = {"PUT": [BUSY, (500, {}, b"")]}
    let_go(cold, Words(4), 3)
    assert [m for m, _ in bucket.door.asked].count("PUT") == 3 and len(bucket.names()) == 1


def test_a_server_that_stays_busy_lets_nothing_go(cold, bucket):
    _, c = idle(cold, Words(5))
    bucket.door.faults = {"PUT": [(503, {}, b"<Error><Code>SlowDown</Code></Error>")] * 100}
    done = run_retention(cold)
    assert (done["turns_removed"], done["failed"]) == (0, 1) and left(cold, c) == 3
    assert 2 <= [m for m, _ in bucket.door.asked].count("PUT") <= 10, "tries are bounded"
    bucket.door.faults = {}
    assert clean(cold, 100)["turns_removed"] == 3


def test_an_upload_that_breaks_off_is_made_again_or_lets_nothing_go(cold, bucket):
    let_go(cold, Words(6), 3)
    bucket.door.faults = {"PUT": ["cut"]}
    let_go(cold, Words(7), 3)
    assert len(bucket.names()) == 2
    _, c = idle(cold, Words(8))
    bucket.door.faults = {"PUT": ["cut"] * 100}
    assert run_retention(cold)["turns_removed"] == 0 and left(cold, c) == 3
    assert len(bucket.names()) == 2, "no half object"


def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(make_cairn, bucket, tmp_path):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*pair(tmp_path, "not the bucket's"))
    port = bucket.port
    bucket.close_door()
    bucket.open_door(port, tls)
    try:
        cairn = make_cairn(start=False, env=bucket.keys)
        (cairn.data / "cairn.toml").write_text(CONFIG.format(bucket=NAME, endpoint=f"https://127.0.0.1:{port}"))
        cairn.start()
        _, c = idle(cairn, Words(21))
        done = run_retention(cairn)
        assert (done["turns_removed"], done["failed"]) == (0, 1) and left(cairn, c) == 3
        assert bucket.door.asked == [] and "SSL" in cairn.log() and str(port) not in cairn.log().split("retention")[-1]
    finally:
        bucket.close_door()
        bucket.open_door(port)


def test_a_server_that_does_not_answer_holds_up_no_stop(cold, bucket):
    """Its time is cold.seconds, 60; a stop that waits for it takes longer than stop() has patience."""
    _, c = idle(cold, Words(20))
    bucket.door.faults = {"PUT": ["hang"] * 9}
    ask = threading.Thread(target=lambda: cold.http.post("/api/v2/maintenance", json={"cleanup_days": 100}))
    ask.start()
    eventually(lambda: any(m == "PUT" for m, _ in bucket.door.asked), what="the upload")
    assert cold.stop(20) == 0
    ask.join()
    bucket.door.faults = {}
    cold.start()
    assert left(cold, c) == 3 and clean(cold, 100)["turns_removed"] == 3


@pytest.mark.parametrize("back", [(200, {}, b"something else"), (404, {}, b"<Error><Code>NoSuchKey</Code></Error>"),
                                  (403, {}, b"<Error><Code>AccessDenied</Code></Error>")])
def test_nothing_is_let_go_that_does_not_read_back(cold, bucket, back):
    _, c = idle(cold, Words(9))
    sent = lambda: [m for m, p in bucket.door.asked if m == "PUT"]
    class Gets(list):
        """Lists are answered, objects are not."""
        def __bool__(self):
            return bool(sent())
        def pop(self, i):
            return back
    bucket.door.faults = {"GET": Gets()}
    done = run_retention(cold)
    assert sent() and (done["turns_removed"], done["failed"]) == (0, 1) and left(cold, c) == 3


def test_a_dead_server_lets_nothing_go_and_erases_nothing(cold, bucket):
    gone = Words(10)
    s, *_ = let_go(cold, gone, 3)
    _, c = idle(cold, Words(11))
    port = bucket.port
    bucket.close_door()
    try:
        assert run_retention(cold)["turns_removed"] == 0 and left(cold, c) == 3
        failed = cold.http.post("/api/v2/erasures", json={"session": s, "now": True})
        assert failed.status_code >= 500
    finally:
        bucket.open_door(port)
    assert len(bucket.names()) == 1
    assert clean(cold, 100)["turns_removed"] == 3


def test_erasure_reaches_the_bucket_with_every_version(cold, bucket):
    bucket.s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Enabled"})
    gone, kept = Words(12), Words(13)
    s, *_ = let_go(cold, gone)
    other, _, ids, said = let_go(cold, kept)
    name = next(n for n in bucket.names() if s in n)
    bucket.put(name, bucket.get(name))
    assert len([v for v in bucket.versions() if v["Key"] == name]) == 2
    receipt = forget(cold, session=s, now=True)["receipt"]["receipt"]
    assert receipt["cleaned"]["cold_archives"] == 1
    assert [v for v in bucket.versions() if s in v["Key"]] == []
    assert [t["content"] for t in archived(cold, other)[1]] == said
    assert forget(cold, turn=ids[2], now=True)["receipt"]["receipt"]["cleaned"]["cold_archives"] == 1
    assert [t["turn_id"] for t in archived(cold, other)[1]] == ids[:2] + ids[3:]
    assert len([v for v in bucket.versions() if other in v["Key"]]) == 1


def test_erasure_reaches_a_bucket_that_never_had_versions(make_cairn, bucket):
    cairn = make_cairn(start=False, env=bucket.keys)
    (cairn.data / "cairn.toml").write_text(CONFIG.format(bucket=PLAIN, endpoint=bucket.endpoint))
    cairn.start()
    s, *_ = let_go(cairn, Words(18), 3)
    other, _, ids, _ = let_go(cairn, Words(19), 3)
    forget(cairn, session=s, now=True)
    forget(cairn, turn=ids[0], now=True)
    assert len(bucket.names(PLAIN)) == 1 and [t["turn_id"] for t in archived(cairn, other)[1]] == ids[1:]
    forget(cairn, session=other, now=True)
    assert bucket.names(PLAIN) == []


def test_a_person_is_taken_out_of_the_bucket(cold, bucket):
    words = Words(14)
    s = session(cold)
    c = conversation(cold, s)
    for text in (words.text(), "write to jane.doe@example.com zqhers", words.text()):
        turn(cold, c, text)
    age(cold, 200, s)
    sql(cold, "UPDATE session SET user_preferences = '{\"memory_retention_days\":0}' WHERE id = ?", s)
    assert clean(cold, 100)["turns_removed"] == 3
    done = forget(cold, value="Jane.Doe@example.com", now=True)
    assert [len(a["path"]) > 0 for a in done["receipt"]["receipt"]["cold_archives"]] == [True]
    assert len(archived(cold, s)[1]) == 2 and len(bucket.names()) == 1
    assert cold.post("/api/v2/cold/verify", {}, 200)["damaged"] == []


def test_a_server_without_versions_is_asked_whether_it_has_some(cold, bucket):
    s, *_ = let_go(cold, Words(15))
    none = (501, {}, b"<Error><Code>NotImplemented</Code></Error>")
    bucket.door.faults = {"GET": [none]}
    # what lists objects comes first, so take the fault for the list of versions alone
    class Versions(list):
        def pop(self, i):
            return none if "versions" in bucket.door.asked[-1][1] else None
        def __bool__(self):
            return True
    bucket.door.faults = {"GET": Versions()}
    assert forget(cold, session=s, now=True)["receipt"]["receipt"]["cleaned"]["cold_archives"] == 1
    assert bucket.names() == []


# ---- settings ----



WRONG = [('bucket = "b-1"', {}, "cold.endpoint"),
         ('bucket = "b-1"\nendpoint = "http://127.0.0.1:1"', {}, "CAIRN_COLD_KEY"),
         ('bucket = "b-1"\nendpoint = "http://example.com"', "keys", "https"),
         ('bucket = "b-1"\nendpoint = "https://u:p@example.com"', "keys", "without credentials"),
         ('bucket = "B_1"\nendpoint = "https://example.com"', "keys", "small letters"),
         ('bucket = "b-1"\nendpoint = "https://example.com"\nprefix = "../up"', "keys", "cold.prefix"),
         ('bucket = "b-1"\nendpoint = "https://example.com"\nfolder = "x"', "keys", "not both")]


@pytest.mark.parametrize("text,env,told", WRONG, ids=[str(i) for i in range(len(WRONG))])
def test_a_server_does_not_start_with_settings_that_cannot_be_right(make_cairn, text, env, told):
    cairn = make_cairn(start=False, env={"CAIRN_COLD_KEY_ID": "id", "CAIRN_COLD_KEY": "key"} if env else {})
    (cairn.data / "cairn.toml").write_text("[cold]\n" + text)
    with pytest.raises(AssertionError, match="ended with status"):
        cairn.start()
    assert told in cairn.log()


def test_keys_stand_in_a_file_only_that_is_its_owner_s_alone(make_cairn, bucket):
    cairn = make_cairn(start=False)
    text = CONFIG.format(bucket=NAME, endpoint=bucket.endpoint)
    keys = text.replace("[cold]", f'[cold]\nkey_id = "{bucket.keys["CAIRN_COLD_KEY_ID"]}"\n'
                                  f'key = "{bucket.keys["CAIRN_COLD_KEY"]}"')
    path = cairn.data / "cairn.toml"
    path.write_text(keys)
    path.chmod(0o640)
    refused = cairn.run("config", check=False)
    assert refused.returncode == 2 and "chmod 600" in refused.stderr
    assert bucket.keys["CAIRN_COLD_KEY"] not in refused.stderr
    path.chmod(0o600)
    shown = cairn.run("config").stdout
    assert bucket.keys["CAIRN_COLD_KEY"] not in shown and re.search(r"cold\.key\b.*set", shown)
    file = cairn.data / "bucket.keys"
    file.write_text("\n".join(bucket.keys.values()) + "\n")
    path.write_text(text.replace("[cold]", f'[cold]\nkey_file = "{file}"'))
    os.chmod(file, 0o644)
    with pytest.raises(AssertionError):
        cairn.start()
    assert "chmod 600" in cairn.log()
    os.chmod(file, 0o600)
    cairn.start()
    let_go(cairn, Words(16), 3)
    assert len(bucket.names()) == 1


def test_a_command_that_has_nothing_to_do_with_cold_storage_goes_on(cold):
    cold.stop()
    assert cold.run("status").returncode == 0
    told = cold.run("cold", "list", check=False)
    assert told.returncode != 0 and "CAIRN_COLD_KEY" in told.stderr
