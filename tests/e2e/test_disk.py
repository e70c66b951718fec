"""When the disk lets the server down: full, read-only, locked, damaged, lost, gone. Errors are clear, what can be read is
read, chats go through and lose nothing, and when the cause is gone all is as before."""

import json
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

import httpx
import pytest

from conftest import Cairn, binary, eventually
from rest import conversation, session, turn, turns

NOBODY = 65534
BIG = "the walnut grows slowly " * 1000


def chat(cairn, text, name="me", model="m"):
    return cairn.http.post("/v1/chat/completions", headers={"X-Cairn-Session": name},
                           json={"model": model, "messages": [{"role": "user", "content": text}]})


def write(cairn, c, content=BIG):
    return cairn.http.post(f"/api/v2/conversations/{c}/turns", json={"content": content})


def search(cairn, s, query):
    return [r["turn_id"] for r in cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": query}, 200)["results"]]


def store_error(r, *words):
    """Refused because of the store: 503 in the contract's shape, with words for a person."""
    assert r.status_code == 503, r.text
    error = r.json()["error"]
    assert error["code"] == "MEMORY_SERVICE_ERROR" and all(w in error["message"] for w in words), error


# ---- a disk of our own ----


class SmallDisk:
    """A tmpfs of a few megabytes."""

    def __init__(self, folder, size="12m"):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", folder], check=True, capture_output=True)

    def fill(self, _cairn):
        with open(self.folder / "ballast", "wb", buffering=0) as f:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass

    def free(self, _cairn):
        (self.folder / "ballast").unlink()

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=True)


class LimitedFiles:
    """Where nothing can be mounted: files of the server may not grow, which says the same (EFBIG for ENOSPC)."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def fill(self, cairn):
        wal = cairn.data / "store.db-wal"
        resource.prlimit(cairn.process.pid, resource.RLIMIT_FSIZE, (max(wal.stat().st_size, 4096), resource.RLIM_INFINITY))

    def free(self, cairn):
        resource.prlimit(cairn.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self):
        pass


def can_mount():
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as d:
        done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", d], capture_output=True)
        return done.returncode == 0 and subprocess.run(["umount", d]).returncode == 0


MOUNTS = can_mount()


@pytest.fixture(params=[SmallDisk, LimitedFiles] if MOUNTS else [LimitedFiles])
def small(request, tmp_path):
    disk = request.param(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.fixture
def on_small(small, upstream, request):
    cairn = Cairn(small.folder / "data", upstream.url)
    cairn.log_path = small.folder.parent / "data.log"
    request.node.cairns = [cairn]
    cairn.start()
    yield cairn
    cairn.http.close()
    if cairn.alive():
        assert cairn.stop() == 0


def fill_until_refused(cairn, c):
    """The turns that were acknowledged on the way."""
    kept = []
    for i in range(2000):
        r = write(cairn, c, f"{i} {BIG}")
        if r.status_code != 201:
            return kept, r
        kept.append(f"{i} {BIG}")
    raise AssertionError("the disk did not get full")


def test_full_disk(on_small, small, upstream):
    cairn = on_small
    s = session(cairn)
    c = conversation(cairn, s)
    kept = [turn(cairn, c, f"the hazelnut number {i}") and f"the hazelnut number {i}" for i in range(20)]
    assert chat(cairn, "hello there").headers["x-cairn-memory"].startswith("on")
    small.fill(cairn)

    more, refusal = fill_until_refused(cairn, c)
    store_error(refusal, "no space is left")
    kept += more
    for _ in range(5):
        store_error(write(cairn, c), "no space is left")
    assert [t["content"] for t in turns(cairn, c)] == kept, "reading goes on"
    assert search(cairn, s, "hazelnut"), "and recall"
    assert cairn.run("recall", "hazelnut").stdout.count("hazelnut") >= 1
    assert cairn.get("/health")["status"] == "ok"

    said = [f"keep {w} in mind while the disk is full" for w in ("apples", "pears", "plums")]
    for i, text in enumerate(said):
        r = chat(cairn, text, f"full{i}")
        assert r.status_code == 200 and r.json()["choices"][0]["message"]["content"]
    waiting = cairn.metric("cairn_journal_waiting")

    small.free(cairn)
    t = eventually(lambda: (lambda r: r.json() if r.status_code == 201 else None)(write(cairn, c, "after")), what="space again")
    assert t["turn_number"] == len(kept) + 1, "no number was lost on a turn that was refused"
    assert waiting > 0 or isinstance(small, LimitedFiles)
    eventually(lambda: cairn.metric("cairn_journal_waiting") == 0, 20, "what waited to be stored")
    for text in said:
        found = cairn.post("/api/v2/recall", {"query": text}, 200)["results"]
        mine = [r for r in found if r["content"] == text]
        assert len(mine) == 1
        roles = [x["role"] for x in turns(cairn, mine[0]["conversation_id"])]
        assert roles == ["user", "assistant"], "nothing of a chat is lost"
    assert [t["content"] for t in turns(cairn, c)] == kept + ["after"]
    assert cairn.stop() == 0
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]


@pytest.mark.parametrize("mounted", [True] if MOUNTS else [])
def test_reading_on_a_full_disk_without_a_server(tmp_path, upstream, mounted):
    disk = SmallDisk(tmp_path / "disk")
    try:
        cairn = Cairn(disk.folder / "data", upstream.url)
        cairn.log_path = tmp_path / "data.log"
        cairn.start()
        s = session(cairn)
        turn(cairn, conversation(cairn, s), "the hazelnut is ripe")
        assert cairn.stop() == 0
        disk.fill(cairn)
        assert "hazelnut" in cairn.run("recall", "hazelnut").stdout
        assert s in cairn.run("show", s).stdout
        refused = cairn.run("remember", "more", check=False)
        assert refused.returncode == 1 and "no space is left" in refused.stderr
        disk.free(cairn)
        cairn.run("remember", "more")
        cairn.http.close()
    finally:
        disk.close()


# ---- read-only ----


class ReadOnlyMount:
    prefix = []

    def __init__(self, folder):
        self.disk = SmallDisk(folder, "64m")
        self.folder = folder

    def set(self, how):
        subprocess.run(["mount", "-o", f"{how},remount", self.folder], check=True)

    def close(self):
        self.disk.close()


class ReadOnlyFolder:
    """Folders and files that the one who reads may not write. Root may write everything, so it becomes nobody."""

    def __init__(self, _folder):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cairn-ro-"))
        self.root = os.geteuid() == 0
        self.prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if self.root else []
        self.folder.chmod(0o755)

    def set(self, how):
        for path in [self.folder, *self.folder.rglob("*")]:
            if self.root:
                os.chown(path, 0, 0)
            path.chmod((0o555 if how == "ro" else 0o755) if path.is_dir() else (0o444 if how == "ro" else 0o644))

    def close(self):
        self.set("rw")
        shutil.rmtree(self.folder)


@pytest.fixture(params=[ReadOnlyMount, ReadOnlyFolder] if MOUNTS else [ReadOnlyFolder])
def read_only(request, tmp_path, upstream):
    place = request.param(tmp_path / "disk")
    cairn = Cairn(place.folder / "data", upstream.url)
    cairn.log_path = tmp_path / "data.log"
    request.node.cairns = [cairn]
    cairn.start()
    cairn.place = place
    cairn.s = session(cairn, title="Orchard")
    cairn.c = conversation(cairn, cairn.s)
    cairn.t = turn(cairn, cairn.c, "the hazelnut is ripe")["turn_id"]
    assert cairn.stop() == 0
    place.set("ro")
    yield cairn
    cairn.kill()
    cairn.http.close()
    place.close()


def run_as(cairn, *args):
    return subprocess.run([*cairn.place.prefix, binary(), *args, "--data", str(cairn.data)], capture_output=True, text=True,
                          timeout=60, env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]})


def test_the_command_line_on_read_only_data(read_only):
    cairn = read_only
    for args, word in ((("recall", "hazelnut"), "hazelnut"), (("search", "--session-id", cairn.s, "hazelnut"), "hazelnut"),
                       (("list", "session"), "Orchard"), (("show", cairn.s), "Orchard"), (("show", cairn.t), "hazelnut"),
                       (("stats",), ""), (("doctor",), "no problems")):
        done = run_as(cairn, *args)
        assert done.returncode == 0 and word in done.stdout, f"{args}: {done.stdout}{done.stderr}"
    for args in (("remember", "more"), ("add", "prop", "name=lamp")):
        done = run_as(cairn, *args)
        assert done.returncode == 1 and "cannot be written" in done.stderr + done.stdout or \
            "reading only" in done.stderr, f"{args}: {done.returncode} {done.stdout}{done.stderr}"
    cairn.place.set("rw")
    cairn.run("remember", "more")
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]


def test_a_server_on_read_only_data(read_only, upstream):
    cairn = read_only
    usual = subprocess.Popen
    if cairn.place.prefix:  # the server becomes nobody, too
        subprocess.Popen = lambda command, **more: usual([*cairn.place.prefix, *command], **more)
    try:
        cairn.start()
    finally:
        subprocess.Popen = usual
    assert [t["content"] for t in turns(cairn, cairn.c)] == ["the hazelnut is ripe"]
    assert search(cairn, cairn.s, "hazelnut") == [cairn.t]
    store_error(write(cairn, cairn.c, "more"), "only")
    store_error(cairn.http.post("/api/v2/sessions", json={}))
    health = cairn.get("/health/memory")
    assert health["status"] == "degraded" and health["database"]["status"] == "read_only"
    r = chat(cairn, "hello", "new")
    assert r.status_code == 200 and r.json()["choices"]
    assert cairn.stop() == 0


def test_old_turns_are_found_on_read_only_data(read_only):
    """By the index, not only by looking through the newest turns."""
    cairn = read_only
    cairn.place.set("rw")
    cairn.start()
    text = "\n".join(f"remark {i}" for i in range(5300))
    with httpx.Client(base_url=cairn.url, timeout=60) as http:
        for line in text.split("\n"):
            assert http.post(f"/api/v2/conversations/{cairn.c}/turns", json={"content": line}).status_code == 201
    eventually(lambda: cairn.get("/health/memory")["index"]["lag"] == 0, what="the index to be complete")
    assert cairn.stop() == 0
    cairn.place.set("ro")
    done = run_as(cairn, "search", "--session-id", cairn.s, "hazelnut")
    assert done.returncode == 0 and "the hazelnut is ripe" in done.stdout, done.stdout + done.stderr


# ---- locked ----


def test_locked_for_a_moment(cairn):
    c = conversation(cairn, session(cairn))
    turn(cairn, c, "before")
    db = sqlite3.connect(cairn.data / "store.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    answers = []
    t = threading.Thread(target=lambda: answers.append(write(cairn, c, "during")))
    t.start()
    time.sleep(1)
    assert not answers, "it waits"
    with httpx.Client(base_url=cairn.url) as other:
        assert len(other.get(f"/api/v2/conversations/{c}").json()["turns"]) == 1, "reading does not"
    db.execute("ROLLBACK")
    t.join()
    assert answers[0].status_code == 201
    db.close()


@pytest.mark.slow  # it waits for two deadlines of ten seconds
def test_locked_for_too_long(make_cairn, upstream):
    cairn = make_cairn()
    c = conversation(cairn, session(cairn))
    turn(cairn, c, "before")
    db = sqlite3.connect(cairn.data / "store.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    answers = []
    writer = threading.Thread(target=lambda: answers.append(write(cairn, c, "during")))
    writer.start()
    with httpx.Client(base_url=cairn.url, timeout=30) as other:
        r = other.post("/v1/chat/completions", headers={"X-Cairn-Session": "locked"},
                       json={"model": "m", "messages": [{"role": "user", "content": "keep the chestnut"}]})
    assert r.status_code == 200 and r.json()["choices"], "chats go through"
    cli = subprocess.run([binary(), "remember", "x", "--data", str(cairn.data)], capture_output=True, text=True, timeout=60)
    assert cli.returncode == 1 and "another process" in cli.stderr
    writer.join()
    store_error(answers[0], "another process")
    db.execute("ROLLBACK")
    db.close()
    eventually(lambda: write(cairn, c, "after").status_code == 201, 20, "writing again")
    assert [t["content"] for t in turns(cairn, c)] == ["before", "after"]

    def stored():
        found = cairn.post("/api/v2/recall", {"query": "chestnut"}, 200)["results"]
        return [r for r in found if r["content"] == "keep the chestnut"]

    found = eventually(stored, 20, "the chat's turns")
    eventually(lambda: len(turns(cairn, found[0]["conversation_id"])) == 2, 20, "its answer")


# ---- damaged and lost ----


def filled(make_cairn):
    cairn = make_cairn()
    s = session(cairn)
    c = conversation(cairn, s)
    for i in range(300):
        turn(cairn, c, f"hazelnut {i} " + "x" * 500)
    return cairn, s, c


def start_and_see(cairn):
    """(status, log) of a server that may refuse to start."""
    before = len(cairn.log())
    cairn.start(wait=False)
    try:
        cairn.wait_ready(10)
        return None, cairn.log()[before:]
    except AssertionError:
        status = cairn.process.poll()
        cairn.process = None
        return status, cairn.log()[before:]


@pytest.mark.parametrize("how", ["text", "zeros"])
def test_what_is_no_store_is_refused(make_cairn, how):
    cairn, s, c = filled(make_cairn)
    cairn.stop()
    store = cairn.data / "store.db"
    whole = store.read_bytes()
    store.write_bytes(b"this is not a database " * 500 if how == "text" else bytes(len(whole)))
    status, log = start_and_see(cairn)
    assert status not in (None, 0) and status > 0, log
    assert "damaged" in log and "doctor" in log and "restore" in log
    done = cairn.run("recall", "hazelnut", check=False)
    assert done.returncode == 1 and "damaged" in done.stderr and "restore" in done.stderr
    assert store.read_bytes() != whole and len(store.read_bytes()) > 0, "and nothing was made new in its place"
    store.write_bytes(whole)
    cairn.start()
    assert len(turns(cairn, c)) == 300


def test_damaged_pages_are_errors_and_doctor_names_them(make_cairn, tmp_path):
    cairn, s, c = filled(make_cairn)
    cairn.run("backup", str(tmp_path / "good.db"))
    cairn.stop()
    store = cairn.data / "store.db"
    data = bytearray(store.read_bytes())
    for page in range(len(data) // 4096 // 2, len(data) // 4096):  # the second half
        data[page * 4096 : page * 4096 + 4096] = b"\xa5" * 4096
    store.write_bytes(bytes(data))
    done = cairn.run("doctor", "--json", check=False)
    assert done.returncode == 1
    assert (json.loads(done.stdout)["problems"] if done.stdout else done.stderr)
    status, log = start_and_see(cairn)
    if status is None:
        r = cairn.http.get(f"/api/v2/conversations/{c}", params={"limit": 1000})
        store_error(r, "damaged")
        assert cairn.get("/health")["status"] == "ok"
        cairn.stop()
    else:
        assert "damaged" in log and "restore" in log
    cairn.run("restore", str(tmp_path / "good.db"))
    cairn.start()
    assert len(turns(cairn, c)) == 300 and search(cairn, s, "hazelnut")


@pytest.mark.parametrize("how", ["lost", "nonsense", "empty", "old"])
def test_the_index_is_made_again(make_cairn, how):
    cairn, s, c = filled(make_cairn)
    index = cairn.data / "index"
    cairn.stop()
    old = {f: f.read_bytes() for f in index.iterdir()}
    if how == "old":
        cairn.start()
        last = turn(cairn, c, "a pistachio")["turn_id"]
        search(cairn, s, "pistachio")
        cairn.stop()
        for f, content in old.items():
            f.write_bytes(content)
    elif how == "lost":
        shutil.rmtree(index)
    for f in old if how in ("nonsense", "empty") else []:
        f.write_bytes(b"nonsense" * 1000 if how == "nonsense" else b"")
    cairn.start()
    assert len(search(cairn, s, "hazelnut")) == 10
    if how == "old":
        assert search(cairn, s, "pistachio")[0] == last
    eventually(lambda: cairn.get("/health/memory")["index"]["lag"] == 0, what="the index to be complete")
    assert len(cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "hazelnut", "max_results": 100}, 200)["results"]) == 100
    cairn.stop()
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]


def test_the_index_is_lost_under_a_running_server(make_cairn):
    cairn, s, c = filled(make_cairn)
    eventually(lambda: cairn.get("/health/memory")["index"]["lag"] == 0, what="the index to be complete")
    for f in (cairn.data / "index").iterdir():
        f.unlink()
    for i in range(30):
        t = turn(cairn, c, f"pistachio{i}")["turn_id"]
        assert search(cairn, s, f"pistachio{i}")[0] == t
    assert search(cairn, s, "hazelnut")
    cairn.restart()
    assert search(cairn, s, "hazelnut") and search(cairn, s, "pistachio7")


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_the_folder_vanishes_under_a_running_server(make_cairn, upstream, tmp_path, how):
    cairn, s, c = filled(make_cairn)
    if how == "removed":
        shutil.rmtree(cairn.data)
    else:
        cairn.data.rename(tmp_path / "elsewhere")
    for _ in range(3):
        store_error(write(cairn, c, "lost?"), "start again")
    assert cairn.http.get(f"/api/v2/conversations/{c}").status_code in (200, 503)
    assert cairn.http.post(f"/api/v2/sessions/{s}/context/search", json={"query": "hazelnut"}).status_code in (200, 503)
    r = chat(cairn, "hello")
    assert r.status_code == 200 and r.json()["choices"]
    assert cairn.get("/health")["status"] == "ok" and cairn.alive()
    cairn.process.send_signal(signal.SIGTERM)
    assert cairn.process.wait(30) in (0, 1)
    cairn.process = None
    if how == "moved":
        (tmp_path / "elsewhere").rename(cairn.data)
        cairn.start()
        assert len(turns(cairn, c)) == 300
