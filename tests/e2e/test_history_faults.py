"""Imports while something goes wrong: a full disk, a locked or damaged store, sources that are broken, cannot be read or
go away. It is said plainly what it was, nothing is lost or half there, and the next import completes it. And the other
way round: nothing that an import does changes a source."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import tempfile
import threading
import time
from collections import Counter

import pytest
from conftest import ROOT, Cairn, binary, eventually, key_of_tests
from histories import History, exports, line, manifest, opencode, cursor, worst
from histories.claude import Session
from test_disk import MOUNTS, NOBODY, SmallDisk
from test_history_counts import transcript as question
from test_history_formats import SOURCES

MB = 1 << 20
INSTRUMENTED = any(x in binary() for x in ("asan", "tsan"))


@pytest.fixture
def store(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


def ran(store, *words, env=None, prefix=(), before=None, timeout=120):
    environment = {**os.environ, **key_of_tests(), "CAIRN_MODEL": "off", **(env or {})}
    return subprocess.run([*prefix, binary(), *map(str, words), "--data", str(store.data)], capture_output=True, text=True,
                          env=environment, preexec_fn=before, timeout=timeout)


def imported(store, root, source="claude-code", **how):
    done = ran(store, "import", source, root, "--json", **how)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(store, root, *words, source="claude-code", **how):
    done = ran(store, "import", source, root, **how)
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert all(w in done.stderr for w in words) and "\x1b" not in done.stderr, done.stderr
    return done


def texts(store):
    """What all turns say."""
    if not key_of_tests():
        db = sqlite3.connect(f"file:{store.data}/store.db?mode=ro", uri=True)
        found = Counter(text for (text,) in db.execute("select content from turn where deleted_at is null"))
        db.close()
        return found
    found, more = Counter(), []
    while more is not None:
        found.update(t["content"] for t in json.loads(ran(store, "list", "turns", "--limit", "1000", "--json", *more).stdout))
        last = ran(store, "list", "turns", "--limit", "1000", *more).stdout.splitlines()[-1]
        more = last.split()[1:] if last.startswith("more: ") else None
    return found


def whole(store, h):
    """After what went wrong: one more import, and all is there once."""
    report = imported(store, h.root)
    assert report["files_failed"] == report["folders_failed"] == 0
    assert texts(store) == Counter(t.text for t in h.turns)
    assert imported(store, h.root)["turns_new"] == 0
    assert "no problems found" in ran(store, "doctor").stdout


# ---- what is in a file's place ----

def transcript(folder, name, text):
    s = Session(History(folder.parent.parent, "claude-code"), text)
    s.user(text)
    with open(os.fsencode(folder) + b"/" + os.fsencode(name), "wb") as f:
        f.write(b"".join(line(r) for r in s.records))


@pytest.fixture
def strange(tmp_path):
    """What may stand where a transcript is looked for; and the texts of those that are some."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="cairn-strange-"))  # tmp_path is closed to others
    folder = root / "projects" / "-p"
    folder.mkdir(parents=True)
    root.chmod(0o755)
    os.mkfifo(folder / "fifo.jsonl")
    os.mkfifo(root / "history.jsonl")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "socket.jsonl"))
    (folder / "folder.jsonl").mkdir()
    (folder / "link.jsonl").symlink_to("/dev/zero")
    if os.geteuid() == 0:
        os.mknod(folder / "device.jsonl", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    names = {"plain.jsonl": "In a plain file", "new\nline\x1b[31m\x07\u202e" + "x" * 200 + ".jsonl": "In a file with an odd name"}
    deep = folder / ("y" * 250) / ("z" * 250)
    deep.mkdir(parents=True)
    for name, text in names.items():
        transcript(folder, name, text)
    transcript(deep, "deep.jsonl", "In a file with a long path")
    yield root, folder, {*names.values(), "In a file with a long path"}
    listening.close()
    for path in (root, root / "projects", folder):
        path.chmod(0o755)
    shutil.rmtree(root)


def test_what_is_no_file_is_passed_over(store, strange):
    """None of these is waited for."""
    root, folder, said = strange
    report = imported(store, root, timeout=30)
    assert (report["files"], report["turns_new"], report["files_failed"]) == (3, 3, 0) and set(texts(store)) == said
    for name in ("fifo", "socket", "folder"):
        done = ran(store, "import", folder / f"{name}.jsonl", timeout=30)
        assert done.returncode in (0, 2) and "Traceback" not in done.stderr
    assert ran(store, "import", "claude-code", folder / "fifo.jsonl", timeout=30).returncode == 1
    shown = ran(store, "import", "manifest").stdout + ran(store, "import", "verify").stdout
    assert not any(c in shown for c in "\x1b\x07\u202e")


@pytest.fixture
def nobody(make_cairn):
    """A store of somebody who may not read everything, in a folder that they may enter: (store, folder, prefix of commands)."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="cairn-nobody-"))
    home.chmod(0o755)
    store = make_cairn(start=False)
    store.data = home / "data"
    store.data.mkdir()
    prefix = []
    if os.geteuid() == 0:
        os.chown(store.data, NOBODY, NOBODY)
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    yield store, home, prefix
    shutil.rmtree(home)


def test_files_and_folders_that_may_not_be_read(strange, nobody):
    root, folder, said = strange
    store, _, prefix = nobody
    try:
        (folder / "plain.jsonl").chmod(0)
        (root / "projects" / "-closed").mkdir(mode=0)
        done = ran(store, "import", "claude-code", root, "--json", prefix=prefix)
        report = json.loads(done.stdout)
        assert done.returncode == 0 and (report["turns_new"], report["files_failed"], report["folders_failed"]) == (2, 1, 1)
        for name in ("projects/-p/plain.jsonl", "projects/-closed"):
            assert any(name in x and "Permission denied" in x for x in done.stderr.splitlines()), done.stderr
        files = json.loads(ran(store, "import", "manifest", "--json", prefix=prefix).stdout)["files"]
        assert [f["path"] for f in files if f["status"] == "failed"] == ["projects/-p/plain.jsonl"]
        (folder / "plain.jsonl").chmod(0o644)
        (root / "projects" / "-closed").rmdir()
        report = imported(store, root, prefix=prefix)
        assert (report["turns_new"], report["files_read"], report["files_failed"], report["folders_failed"]) == (1, 1, 0, 0)
        (folder / "plain.jsonl").chmod(0)
        os.utime(folder / "plain.jsonl", (1, 1))
        report = imported(store, root, prefix=prefix)
        assert (report["turns_new"], report["files_failed"]) == (0, 1)
        (folder / "plain.jsonl").chmod(0o644)
        report = imported(store, root, prefix=prefix)
        assert (report["turns_new"], report["files_read"], report["files_failed"]) == (0, 1, 0)
        root.chmod(0)
        done = ran(store, "import", "claude-code", root, prefix=prefix)
        assert done.returncode == 1 and "Permission denied" in done.stderr and str(root) in done.stderr
    finally:
        root.chmod(0o755)


def test_verify_says_what_it_cannot_read(nobody):
    store, home, prefix = nobody
    paths = [question(home / "claude" / "projects" / "-x" / f"{n}.jsonl", n) for n in range(2)]
    imported(store, home / "claude", prefix=prefix)
    paths[0].chmod(0)
    done = ran(store, "import", "verify", "--json", prefix=prefix)
    assert done.returncode == 1 and json.loads(done.stdout)["unreadable"] == [str(paths[0])]


def test_one_source_of_several_that_cannot_be_looked_at(nobody):
    """The others are imported."""
    store, home, prefix = nobody
    question(home / ".claude" / "projects" / "-x" / "1.jsonl", 1)
    (home / ".codex").write_text("no folder, and nobody may read it")
    (home / ".codex").chmod(0)
    env = {"HOME": str(home), "XDG_CONFIG_HOME": f"{home}/.config"}
    done = ran(store, "import", "--yes", "--json", prefix=prefix, env=env)
    assert done.returncode == 1 and ".codex: Permission denied" in done.stderr
    assert [r["turns_new"] for r in json.loads(done.stdout)["sources"]] == [1]


# ---- sources that are broken ----

def pages_lost(content):
    return content[:8192] + b"\xa5" * (len(content) - 8192)


BROKEN = {"database-pages": ("opencode", opencode.sqlite, "opencode.db", pages_lost),
          "database-none": ("cursor", cursor.whole, "globalStorage/state.vscdb", lambda c: b"this is no database " * 500),
          "zip-middle": ("chatgpt", lambda r: exports.chatgpt(r, zipped=True), "export.zip", lambda c: c[:40] + bytes(360) + c[400:]),
          "zip-torn": ("claude-ai", lambda r: exports.claude(r, zipped=True), "export.zip", lambda c: c[:len(c) // 2])}


@pytest.mark.parametrize("how", BROKEN)
def test_broken_sources(store, tmp_path, how):
    source, write, name, harm = BROKEN[how]
    h = write(tmp_path / "source")
    path = h.root / name
    good = path.read_bytes()
    path.write_bytes(harm(good))
    done = ran(store, "import", source, h.root, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["turns_new"] == 0
    if name.endswith(".zip"):
        assert report["skipped_by_reason"]["damaged"] >= 1
    else:
        assert report["files_failed"] == 1 and name in done.stderr and "database" in done.stderr
        assert [f["path"] for f in json.loads(ran(store, "import", "manifest", "--json").stdout)["files"]
                if f["status"] == "failed"] == [name]
    path.write_bytes(good)
    os.utime(path, (1_800_000_000, 1_800_000_000))
    report = imported(store, h.root, source)
    assert report["turns_new"] == len(h.turns) and report["files_failed"] == 0
    assert texts(store) == Counter(t.text for t in h.turns)


@pytest.fixture(scope="module")
def bad_source(tmp_path_factory):
    library = tmp_path_factory.mktemp("bad") / "bad_source.so"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "tests/e2e/bad_source.c"], check=True)
    return library


@pytest.mark.skipif("tsan" in binary(), reason="its reads are not those of the library before it")
@pytest.mark.parametrize("number", [5, 116], ids=["EIO", "ESTALE"])
def test_the_source_s_disk_goes_bad(make_cairn, tmp_path, bad_source, number):
    h = worst.many(tmp_path / "source", 20)
    worst.resumed(tmp_path / "source", 4)
    more = worst.repeated_lines(tmp_path / "source", 3 * MB, share=0.2)
    calm = make_cairn("calm", start=False)
    imported(calm, h.root)
    for at in (0, 7, 30):
        store = make_cairn(f"at-{at}", start=False)
        done = ran(store, "import", "claude-code", h.root, "--json", env={
            "LD_PRELOAD": str(bad_source), "BAD_SOURCE": str(h.root), "BAD_AT": str(at), "BAD_ERRNO": str(number),
            "ASAN_OPTIONS": "verify_asan_link_order=0"})
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["files_failed"] > 0 and os.strerror(number) in done.stderr and len(done.stderr.splitlines()) <= 21
        assert report["records"] == report["turns_new"] + report["duplicates"] + report["skipped"]
        imported(store, h.root)
        assert texts(store) == texts(calm)
        assert imported(store, h.root)["turns_new"] == 0
    assert len(more.turns) > 100


def test_the_source_vanishes_midway(store, tmp_path):
    h = worst.many(tmp_path / "source", 600)
    worst.repeated_lines(tmp_path / "source", 6 * MB, share=0.1)
    process = subprocess.Popen([binary(), "import", "claude-code", str(h.root), "--json", "--data", str(store.data)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **key_of_tests()})
    eventually((store.data / "store.db").exists)
    h.root.rename(tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "elsewhere")
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 1, 3), err
    if process.returncode == 0:
        report = json.loads(out)
        assert report["records"] == report["turns_new"] + report["duplicates"] + report["skipped"]
    else:
        assert "cairn: " in err
    done = ran(store, "import", "claude-code", h.root)
    assert done.returncode == 3 and "No such file" in done.stderr
    assert "no problems found" in ran(store, "doctor").stdout


# ---- the store ----

@pytest.mark.skipif(not MOUNTS, reason="this needs mounts")
def test_the_disk_is_full(tmp_path, upstream):
    h = worst.repeated_lines(tmp_path / "source", 12 * MB, share=0.1)
    disk = SmallDisk(tmp_path / "disk", "8m")
    try:
        store = Cairn(disk.folder / "data", upstream.url)
        said = refused(store, h.root, "no space is left")
        assert said.stdout == "" or "{" not in said.stdout
        kept = texts(store)
        assert 0 < sum(kept.values()) < len(h.turns) and kept <= Counter(t.text for t in h.turns)
        refused(store, h.root, "no space is left")
        subprocess.run(["mount", "-o", "size=128m,remount", disk.folder], check=True)
        whole(store, h)
        store.http.close()
    finally:
        disk.close()


def test_files_may_not_grow(store, tmp_path):
    """The same where nothing can be mounted, and of the index's files too."""
    h = worst.repeated_lines(tmp_path / "source", 6 * MB, share=0.1)
    for size in (300_000, 1_500_000, 4_000_000):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        done = ran(store, "import", "claude-code", h.root, before=limit)
        assert done.returncode == 1 and done.stderr.startswith("cairn: "), (size, done.stdout, done.stderr)
    whole(store, h)


def test_the_store_is_locked_for_a_moment(store, tmp_path):
    h = worst.many(tmp_path / "source", 30)
    imported(store, h.root)
    more = worst.resumed(tmp_path / "source", 3)
    db = sqlite3.connect(store.data / "store.db", isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    threading.Timer(1, lambda: db.execute("ROLLBACK")).start()
    assert imported(store, h.root)["turns_new"] == len(more.turns)
    db.close()


@pytest.mark.slow  # it waits for two deadlines of ten seconds
def test_the_store_is_locked_for_too_long(store, tmp_path):
    h = worst.many(tmp_path / "source", 5)
    first = h.turns[:]
    imported(store, h.root)
    more = worst.resumed(tmp_path / "source", 3)
    db = sqlite3.connect(store.data / "store.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    refused(store, h.root, "another process", "try again")
    db.execute("ROLLBACK")
    db.close()
    assert texts(store) == Counter(t.text for t in first)
    h.turns += more.turns
    whole(store, h)


@pytest.mark.skipif(bool(key_of_tests()), reason="of plain files")
def test_the_store_is_damaged(store, tmp_path):
    h = worst.many(tmp_path / "source", 30)
    imported(store, h.root)
    path = store.data / "store.db"
    good = path.read_bytes()
    path.write_bytes(b"this is no database " * 5000)
    refused(store, h.root, "damaged", "restore")
    path.write_bytes(good[:4096] + b"\xa5" * (len(good) - 4096))
    more = worst.resumed(tmp_path / "source", 3)
    refused(store, h.root, "damaged")
    path.write_bytes(good)
    h.turns += more.turns
    whole(store, h)


@pytest.mark.skipif(INSTRUMENTED, reason="sanitizers take more memory than there is")
def test_there_is_no_memory(store, tmp_path):
    """An end that says so or none at all: never a crash."""
    h = worst.repeated_lines(tmp_path / "source", 4 * MB, share=0.1)
    said = []
    for megabytes in (40, 50, 60):
        done = ran(store, "import", "claude-code", h.root,
                   before=lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * MB, megabytes * MB)))
        assert done.returncode in (0, 1, 127), (megabytes, done.returncode, done.stderr)
        assert done.returncode != 1 or "cairn: " in done.stderr
        said.append(done.returncode)
    assert 1 in said, said
    whole(store, h)


# ---- and nothing at the source ----

HARM = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "unlink", "rename", "mkdir", "rmdir", "chmod", "chown", "utime", "truncate",
        "F_SETLK", "F_OFD_SETLK", "flock(", " link(", "linkat(", "symlink", "mknod", "setxattr", "removexattr", "fallocate")
CALLS = ("trace=file,write,pwrite64,writev,pwritev,ftruncate,fchmod,fchown,fchmodat,flock,fcntl,futimesat,utimensat,fallocate,"
         "fsetxattr,setxattr,removexattr")


def times(root):
    """Of folders and files: when they were read and written."""
    return {str(p.relative_to(root)): (p.lstat().st_atime_ns, p.lstat().st_mtime_ns, p.lstat().st_ctime_ns)
            for p in [root, *root.rglob("*")]}


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
@pytest.mark.parametrize("name", SOURCES)
def test_no_command_changes_a_source(store, tmp_path, name):
    """Seen from without: what import, verify, manifest, show and watch ask the system for, and every file's times."""
    source, trace = SOURCES[name], tmp_path / "trace"
    h = source.write(tmp_path / "source")
    for path in h.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, ns=(1_600_000_000 * 10**9, path.stat().st_mtime_ns))
    before, contents = times(h.root), manifest(h.root)
    read = {**times(h.root)}
    traced = ["strace", "-f", "-y", "-o", str(trace), "-e", CALLS]
    leaks = {"ASAN_OPTIONS": "detect_leaks=0"}
    calls = []
    for words in (["import", source.name, h.root, "--dry-run"], ["import", source.name, h.root], ["import", source.name, h.root],
                  ["import", "verify"], ["import", "manifest"], ["import", "status"]):
        done = ran(store, *words, "--json", prefix=traced, env=leaks)
        assert done.returncode == 0, done.stderr
        calls += trace.read_text(errors="replace").split("\n")
    watch = subprocess.Popen([*traced, binary(), "watch", source.name, str(h.root), "--data", str(store.data)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                             env={**os.environ, **key_of_tests(), **leaks})
    eventually(lambda: str(h.root) in trace.read_text(errors="replace"))
    time.sleep(0.3)
    os.killpg(watch.pid, signal.SIGTERM)  # strace itself does not heed it
    watch.wait(20)
    calls += trace.read_text(errors="replace").split("\n")
    assert [k for k, v in times(h.root).items() if v[1:] != before[k][1:] or (v[0] != read[k][0] and (h.root / k).is_file())] == []
    assert manifest(h.root) == contents
    if getattr(h, "open", None):
        h.open.close()
    calls = [c for c in calls if str(h.root) in c]
    assert any("openat" in c for c in calls), "the source was read"
    assert [c for c in calls if any(w in c for w in HARM) or "write" in c.split("(")[0]] == []
