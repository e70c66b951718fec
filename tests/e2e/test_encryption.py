"""Encryption at rest: no stored text is readable in any file of the data folder, with the server running, stopped or
killed; only the right key opens it and nothing is written without; data is encrypted and decrypted while it is in use, and
a kill at any moment leaves it readable and the command able to go on."""

import ctypes
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

import httpx
import pytest

from conftest import binary

KEY = "00112233445566778899aabbccddeeff" * 2
OTHER = "ff112233445566778899aabbccddeeff" * 2
ENV = {"CAIRN_KEY": KEY}
WORDS = "zanzibarquartz"  # in every text, so that one search of all bytes finds any of them
FORMS = [f(WORDS).encode(e) for f in (str.lower, str.upper, str.title) for e in ("utf-8", "utf-16-le")]


def readable(cairn):
    """Files of the data folder, and the log, in which a stored text can be read."""
    files = [p for p in cairn.data.rglob("*") if p.is_file()] + [cairn.log_path]
    return sorted({p.name for p in files if any(f in p.read_bytes() for f in FORMS)})


def no_text(cairn):
    """The index's threads may be about to put a new file in place of one from before: looked at again for a while."""
    end = time.monotonic() + 20
    while (found := readable(cairn)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not found


def fill(cairn, mark=WORDS):
    """A text of every kind, over HTTP, the proxy and the command line."""
    s = cairn.post("/api/v2/sessions", {"title": f"{mark} title", "description": f"{mark} description",
                                        "tags": [f"{mark}-tag"], "user_id": f"{mark}-user"})["session_id"]
    c = cairn.post("/api/v2/conversations", {"session_id": s, "directive": f"{mark} directive"})["conversation_id"]
    for i in range(5):
        cairn.post(f"/api/v2/conversations/{c}/turns", {"agent": f"{mark}-agent", "content": f"{mark} turn {i}. We decided"
                                                        f" to use {mark} because it failed.", "metadata": {mark: mark}})
    chat = {"model": "m", "messages": [{"role": "user", "content": f"{mark} asked through the proxy"}], "session_id": s}
    cairn.post("/v1/chat/completions", chat)
    for kind, body in (("characters", {"name": f"{mark} character"}), ("props", {"name": f"{mark} prop"}),
                       ("checkpoints", {"title": f"{mark} checkpoint", "content": f"{mark} content"}),
                       ("patterns", {"pattern_type": "code", "name": f"{mark} pattern", "description": f"{mark}!"})):
        cairn.post(f"/api/v1/{kind}", body)
    cairn.run("remember", f"{mark} from the command line", "--session", s, env=ENV)
    cairn.get(f"/api/v2/sessions/{s}/context", directive=f"{mark} context")
    return s, c


class Setting(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_char_p)]


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("read_only", ctypes.c_int), ("background", ctypes.c_int),
                ("settings", ctypes.POINTER(Setting)), ("n_settings", ctypes.c_size_t)]


def by_library(cairn, mark=WORDS):
    """What the library stores; a sanitizer's build of it does not load into a bare Python."""
    if "CAIRN_BINARY" in os.environ:
        return
    lib = ctypes.CDLL(str(pathlib.Path(binary()).resolve().parent / "libcairn.so"))
    handle, out = ctypes.c_void_p(), ctypes.c_void_p()
    key = Setting(b"encryption.key", KEY.encode())
    options = Options(ctypes.sizeof(Options), 0, 0, ctypes.pointer(key), 1)
    assert lib.cairn_open_with(os.fsencode(cairn.data), ctypes.byref(options), ctypes.byref(handle)) == 0
    for operation, args in [("turn.remember", {"text": f"{mark} by the library", "session": f"{mark} library"}),
                            ("prop.create", {"name": f"{mark} of the library", "description": f"{mark} too"})]:
        assert lib.cairn_call(handle, operation.encode(), json.dumps(args).encode(), ctypes.byref(out)) == 0
        lib.cairn_free(out)
    lib.cairn_close(handle)


def by_import(cairn, mark=WORDS):
    ids = {k: f"{k}_{'7' * 32}" for k in ("sess", "conv", "turn", "char")}
    records = [{"kind": "session", "id": ids["sess"], "title": f"{mark} imported"},
               {"kind": "conversation", "id": ids["conv"], "session_id": ids["sess"], "directive": f"{mark} directive"},
               {"kind": "turn", "id": ids["turn"], "conversation_id": ids["conv"], "agent": "ana", "role": "user",
                "content": f"{mark} imported turn", "metadata": {"note": f"{mark} note"}}]
    done = cairn.post("/api/v2/import", {"records": records})
    assert (done["imported"], done["refused_count"]) == (3, 0), done


def contents(cairn, conversation):
    return [t["content"] for t in cairn.get(f"/api/v2/conversations/{conversation}", limit=100)["turns"]]


def state(cairn):
    return cairn.get("/health/memory")["encryption"]["state"]


def test_no_text_is_readable_running_stopped_or_killed(make_cairn):
    cairn = make_cairn(env=ENV)
    assert state(cairn) == "on"
    s, c = fill(cairn)
    by_import(cairn)
    by_library(cairn)
    no_text(cairn)
    kept = json.dumps(cairn.get("/api/v1/turns", limit=100)) + json.dumps(cairn.get("/api/v1/props"))
    assert "imported turn" in kept and ("of the library" in kept) == ("CAIRN_BINARY" not in os.environ)
    found = cairn.post("/api/v2/recall", {"query": f"{WORDS} turn", "session_id": s})
    assert found["results"]
    cairn.kill()
    no_text(cairn)
    cairn.start()
    assert len(contents(cairn, c)) == 5
    cairn.run("backup", str(cairn.data / "copy.db"), env=ENV)
    no_text(cairn)
    cairn.stop()
    no_text(cairn)
    assert KEY not in cairn.log()
    assert cairn.run("doctor", env=ENV).returncode == 0


def test_only_the_right_key_opens_it(make_cairn):
    cairn = make_cairn(env=ENV)
    fill(cairn)
    cairn.stop()
    before = {p: p.read_bytes() for p in cairn.data.rglob("*") if p.is_file()}
    for env in ({}, {"CAIRN_KEY": OTHER}, {"CAIRN_PASSPHRASE": "a passphrase of some length"}, {"CAIRN_KEY": "short"}):
        for command in (["recall", WORDS], ["remember", "x", "--session", "s"], ["doctor"], ["stats"],
                        ["restore", str(cairn.data / "store.db")], ["serve", "--listen", "127.0.0.1:0"]):
            done = cairn.run(*command, env=env, check=False)
            assert done.returncode != 0 and ("key" in done.stderr or "CAIRN_KEY" in done.stderr), (env, command, done)
            assert WORDS not in done.stdout
    assert {p: p.read_bytes() for p in cairn.data.rglob("*") if p.is_file()} == before


def test_of_damaged_keys_it_is_told_what_helps(make_cairn):
    """No backup holds the keys, so a backup is no help; and a pipe in their place is not waited for."""
    cairn = make_cairn(env=ENV)
    fill(cairn)
    cairn.stop()
    for name in ("header", "slots"):
        file = cairn.data / "keys" / name
        whole = file.read_bytes()
        file.write_bytes(b"x" * len(whole))
        for command in (["recall", WORDS], ["serve", "--listen", "127.0.0.1:0"]):
            done = cairn.run(*command, env=ENV, check=False)
            assert done.returncode != 0 and f"keys/{name}" in done.stderr, done
            assert "copy of the folder keys" in done.stderr and "cairn restore" not in done.stderr, done
        file.unlink()
        os.mkfifo(file, 0o600)
        done = cairn.run("recall", WORDS, env=ENV, check=False)
        assert done.returncode != 0 and WORDS not in done.stdout, done
        file.unlink()
        file.write_bytes(whole)
    assert WORDS in cairn.run("recall", WORDS, env=ENV).stdout


def test_a_key_beside_plain_data_is_refused(make_cairn):
    cairn = make_cairn()
    fill(cairn)
    cairn.stop()
    done = cairn.run("recall", WORDS, env=ENV, check=False)
    assert done.returncode != 0 and "cairn encrypt" in done.stderr
    assert not (cairn.data / "keys").exists()
    assert cairn.run("recall", WORDS).stdout


def test_the_key_is_not_taken_from_the_configuration(make_cairn):
    cairn = make_cairn(start=False)
    (cairn.data / "cairn.toml").write_text(f'[encryption]\nkey = "{KEY}"\n')
    done = cairn.run("remember", "x", "--session", "s", check=False)
    assert done.returncode == 2 and "encryption.key" in done.stderr and KEY not in done.stderr
    secret = cairn.data / "secret"
    secret.write_text(KEY)
    (cairn.data / "cairn.toml").write_text(f'[encryption]\nkey_file = "{secret}"\n')
    secret.chmod(0o644)
    assert "chmod 600" in cairn.run("remember", "x", "--session", "s", check=False).stderr
    secret.chmod(0o600)
    cairn.run("remember", f"{WORDS} in a file", "--session", "s")
    assert (cairn.data / "keys" / "header").exists()


def test_there_and_back_and_other_keys_without_a_server(make_cairn):
    cairn = make_cairn()
    s, c = fill(cairn)
    cairn.stop()
    assert readable(cairn)
    cairn.run("encrypt", env=ENV)
    no_text(cairn)
    assert "encrypted already" in cairn.run("encrypt", env=ENV, check=False).stderr
    cairn.run("rekey", env={**ENV, "CAIRN_NEW_PASSPHRASE": "correct horse battery"})
    words = {"CAIRN_PASSPHRASE": "correct horse battery"}
    assert cairn.run("recall", WORDS, env=ENV, check=False).returncode != 0
    cairn.run("rekey", "--deep", env={**words, "CAIRN_NEW_KEY": OTHER})
    no_text(cairn)
    assert cairn.run("doctor", env={"CAIRN_KEY": OTHER}).returncode == 0
    cairn.run("decrypt", env={"CAIRN_KEY": OTHER})
    assert not (cairn.data / "keys").exists()
    cairn.start()
    assert len(contents(cairn, c)) == 5 and state(cairn) == "off"


class Writer(threading.Thread):
    """Writes turns until it is stopped; a turn that was acknowledged is in `done`."""

    def __init__(self, cairn):
        super().__init__(daemon=True)
        self.session = cairn.post("/api/v2/sessions", {})["session_id"]
        self.conversation = cairn.post("/api/v2/conversations", {"session_id": self.session})["conversation_id"]
        self.http = httpx.Client(base_url=cairn.url, timeout=60)
        self.done, self.failed, self.over = [], [], False

    def run(self):
        n = 0
        while not self.over:
            n += 1
            try:
                r = self.http.post(f"/api/v2/conversations/{self.conversation}/turns",
                                   json={"agent": "a", "content": f"{WORDS} {n}"})
            except httpx.HTTPError:
                return  # killed
            (self.done if r.status_code == 201 else self.failed).append(n)

    def end(self):
        self.over = True
        self.join(60)


def all_there(cairn, writer):
    got, cursor = [], None
    while True:
        page = cairn.get(f"/api/v2/conversations/{writer.conversation}", limit=100, **({"cursor": cursor} if cursor else {}))
        got += [int(t["content"].split()[1]) for t in page["turns"]]
        cursor = page.get("next_cursor")
        if not cursor:
            break
    assert set(writer.done) <= set(got) and got == sorted(set(got))


def test_converting_loses_no_write_of_a_running_server(make_cairn):
    cairn = make_cairn()
    fill(cairn)
    writer = Writer(cairn)
    writer.start()
    cairn.run("encrypt", env=ENV)
    assert state(cairn) == "on"
    cairn.run("rekey", "--deep")
    cairn.run("decrypt")
    assert state(cairn) == "off"
    cairn.run("encrypt", env=ENV)
    writer.end()
    assert writer.done and not writer.failed
    all_there(cairn, writer)
    cairn.stop()
    no_text(cairn)
    assert cairn.run("serve", "--listen", "127.0.0.1:0", check=False).returncode != 0
    cairn.env = ENV
    cairn.start()
    all_there(cairn, writer)
    no_text(cairn)


def test_the_secret_travels_over_the_unix_socket_only(cairn):
    for what in ("encrypt", "decrypt", "rekey"):
        r = cairn.http.post(f"/api/v2/encryption/{what}", json={})
        assert r.status_code == 403 and "Unix socket" in r.text
    assert state(cairn) == "off"


def test_backups_are_told_of(make_cairn, tmp_path):
    cairn = make_cairn()
    s, c = fill(cairn)
    cairn.run("backup", str(cairn.data / "plain.db"))
    done = json.loads(cairn.run("encrypt", "--json", env=ENV).stdout)
    assert [p.endswith("/plain.db") for p in done["files_left"]] == [True]
    (cairn.data / "plain.db").unlink()
    copy = str(cairn.data / "sealed.db")
    cairn.run("backup", copy, env=ENV)
    assert cairn.run("decrypt", check=False).returncode != 0
    refused = cairn.run("rekey", "--deep", env=ENV, check=False)
    assert refused.returncode != 0 and "lose_backups" in refused.stderr
    cairn.stop()
    cairn.run("restore", copy, env=ENV)
    assert cairn.run("restore", copy, env={"CAIRN_KEY": OTHER}, check=False).returncode != 0
    no_text(cairn)
    cairn.run("decrypt", "--lose-backups", env=ENV)
    assert "keys" in cairn.run("restore", copy, check=False).stderr
    cairn.start()
    assert len(contents(cairn, c)) == 5


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [int(os.environ.get("CRASH_ROUNDS_ENCRYPTION", "6"))])
def test_killed_at_any_moment_it_goes_on(make_cairn, rounds):
    """SIGKILL in the middle of encrypt, rekey and decrypt, in a process of its own and in a server under writes."""
    cairn = make_cairn()
    s, c = fill(cairn)
    expected = contents(cairn, c)
    for i in range(60):  # some megabytes, so that there is a middle
        cairn.post(f"/api/v2/conversations/{c}/turns", {"agent": "a", "content": f"{WORDS} {i} " + "lorem ipsum " * 4000})
    cairn.stop()
    chosen = random.Random(5)
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith("CAIRN_")}, **ENV}
    for n in range(rounds):
        for command, *flags in (("encrypt",), ("rekey", "--deep"), ("decrypt", "--lose-backups")):
            with_server = n % 2 == 1
            if with_server:
                sealed = (cairn.data / "keys" / "header").exists()
                cairn.env = ENV if sealed else {}
                cairn.start()
            job = subprocess.Popen([binary(), command, *flags, "--data", str(cairn.data)], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chosen.random() * 0.25)
            if with_server:
                cairn.kill()
                job.wait(60)
            else:
                job.send_signal(signal.SIGKILL)
                job.wait(60)
            sealed = (cairn.data / "keys" / "header").exists()
            done = cairn.run("doctor", env=ENV if sealed else {}, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            again = cairn.run(command, *flags, env=ENV if sealed or command == "encrypt" else {}, check=False)
            assert again.returncode == 0 or "already" in again.stderr or "not encrypted" in again.stderr, again.stderr
            if command != "decrypt":
                no_text(cairn)
    cairn.env = {}
    cairn.start()
    assert contents(cairn, c)[:5] == expected
