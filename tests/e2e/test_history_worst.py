"""The worst that is found on disks, imported: memory that does not grow with what is read, many files, files that go or
grow while they are read, a source that cannot be written at all.

Small here; CAIRN_WORST=full takes the sizes that were seen (an 8 GB transcript, a line of 64 MB, 50,000 files)."""

import json
import os
import shutil
import subprocess
import threading
from collections import Counter

import pytest
from conftest import binary, key_of_tests
from histories import at, exports, manifest, uid, worst

FULL = os.environ.get("CAIRN_WORST") == "full"
MB = 1 << 20


@pytest.fixture
def store(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


def watch_peak(pid, peak, done):
    """The peak of a process's memory, in MB. (What wait4 tells counts this process's own, from before the exec.)"""
    while not done.wait(0.003):
        try:
            with open(f"/proc/{pid}/status") as f:
                peak[0] = max([peak[0], *(int(x.split()[1]) / 1024 for x in f if x.startswith("VmHWM"))])
        except OSError:
            return


def measured(store, root, *args, source="claude-code"):
    """The report, with the peak of memory in MB and the seconds of CPU that it took."""
    process = subprocess.Popen([binary(), "import", source, str(root), "--json", *args, "--data", str(store.data)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, **key_of_tests(), "CAIRN_MODEL": "off"})
    peak, done = [0.0], threading.Event()
    watcher = threading.Thread(target=watch_peak, args=(process.pid, peak, done))
    watcher.start()
    out, err = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    done.set()
    watcher.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, err.decode()
    report = json.loads(out)
    assert report["records"] == report["turns_new"] + report["duplicates"] + report["skipped"]
    assert report["lines"] == report["records"] + report["merged"] and report["files_failed"] == 0
    return report, peak[0], used.ru_utime + used.ru_stime


@pytest.mark.slow  # two real sizes are needed to see that memory does not follow them
def test_memory_does_not_grow_with_a_file(make_cairn, tmp_path):
    """68 % of it one line over and over."""
    sizes = (16 * MB, 8192 * MB) if FULL else (16 * MB, 64 * MB)
    peaks = []
    for i, size in enumerate(sizes):
        store = make_cairn(start=False, name=f"data{i}")
        h = worst.repeated_lines(tmp_path / f"source{i}", size)
        texts, skipped = len(h.turns), sum(h.skipped.values())
        report, peak, _ = measured(store, h.root)
        assert (report["turns_new"], report["skipped"]) == (texts, skipped)
        peaks.append(peak)
        shutil.rmtree(h.root)
    print("peaks", peaks)
    assert peaks[1] < 150 and peaks[1] - peaks[0] < 40, peaks


@pytest.mark.slow  # a line this long is written and read in some seconds
@pytest.mark.parametrize("where", ["image", "output", "prompt"])
def test_memory_does_not_grow_with_a_line(store, tmp_path, where):
    h = worst.huge_line(tmp_path / "source", 64 * MB, where)
    report, peak, _ = measured(store, h.root)
    assert report["turns_new"] >= 3 and report["skipped"] == 0
    print("peak", peak)
    assert peak < 150


@pytest.mark.slow  # what is long is indexed for some seconds
def test_memory_does_not_grow_with_long_turns(store, tmp_path):
    """Fifty kilobytes each, and every word in one turn alone."""
    h = worst.long_turns(tmp_path / "source", (200 if FULL else 40) * MB)
    report, peak, _ = measured(store, h.root)
    assert report["turns_new"] == len(h.turns)
    print("peak", peak)
    assert peak < 150


@pytest.mark.slow  # a conversation this long is written and read in some seconds
@pytest.mark.parametrize("source", ["chatgpt", "claude-ai"])
def test_memory_does_not_grow_with_a_conversation(store, tmp_path, source):
    h = exports.long_conversation(tmp_path / "source", source, (400 if FULL else 40) * MB)
    report, peak, _ = measured(store, h.root, source=source)
    assert report["turns_new"] == len(h.turns)
    assert Counter(report["skipped_by_reason"]) == +h.skipped
    print("peak", peak)
    assert peak < 150


@pytest.mark.slow  # thousands of files
def test_many_files(store, tmp_path):
    """Files that have not changed are looked at, and no more."""
    n = 50_000 if FULL else 3_000
    h = worst.many(tmp_path / "source", n)
    first, _, cpu = measured(store, h.root)
    assert (first["files"], first["turns_new"]) == (n, 2 * n)
    again, peak, cpu_again = measured(store, h.root)
    assert (again["files_read"], again["turns_new"], again["duplicates"]) == (0, 0, 2 * n)
    print("cpu", cpu, cpu_again, peak)
    assert cpu_again < cpu / 4 and peak < 150


def test_very_many_titles(store, tmp_path):
    """A list of sessions that are not here: each is looked at once."""
    (tmp_path / "codex").mkdir()
    (tmp_path / "codex" / "session_index.jsonl").write_text("".join(json.dumps(
        {"id": uid("title", n), "thread_name": f"Title {n}", "updated_at": at(n)}) + "\n" for n in range(60_000)))
    report = json.loads(store.run("import", "codex", str(tmp_path / "codex"), "--json", timeout=120).stdout)
    assert (report["lines"], report["skipped"]) == (60_000, 60_000)


def test_files_that_vanish(store, tmp_path):
    """While they are read, whichever comes first: what is gone is gone, and nothing fails."""
    h = worst.many(tmp_path / "source", 400)
    files = sorted(h.root.rglob("*.jsonl"))

    def vanish():
        for path in files[::2]:
            path.unlink()

    thread = threading.Thread(target=vanish)
    thread.start()
    report, _, _ = measured(store, h.root)
    thread.join()
    assert 400 <= report["turns_new"] <= 800 and report["turns_new"] % 2 == 0
    kept = {p.stem for p in files[1::2]}
    again, _, _ = measured(store, h.root)
    assert again["turns_new"] == 0
    turns = json.loads(store.run("list", "turns", "--limit", "1000", "--json").stdout)
    turns = turns if isinstance(turns, list) else turns["turns"]
    texts = Counter(t["content"] for t in turns)
    wanted = {t.text for t in h.turns if t.session in kept}
    assert len(wanted) == 400 and wanted <= texts.keys() and set(texts.values()) == {1}


def test_a_file_that_grows_meanwhile(store, tmp_path):
    """A line is seen whole or not at all, and in the end each is there once."""
    g = worst.Growing(tmp_path / "source")
    done = threading.Event()

    def grow():
        for _ in range(200):
            g.step()
        done.set()

    thread = threading.Thread(target=grow)
    thread.start()
    rounds = 0
    while not done.is_set() or rounds == 0:
        report, _, _ = measured(store, g.h.root)
        assert "damaged" not in report["skipped_by_reason"]
        rounds += 1
    thread.join()
    g.close()
    measured(store, g.h.root)
    turns = json.loads(store.run("list", "turns", "--limit", "1000", "--json").stdout)
    turns = turns if isinstance(turns, list) else turns["turns"]
    assert Counter(t["content"] for t in turns) == Counter(t.text for t in g.h.turns)


def can_mount():
    return os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(
        ["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="this needs mounts")
def test_a_source_that_cannot_be_written(store, tmp_path):
    """From a mount that is read-only, and whose times of access would tell who read."""
    h = worst.resumed(tmp_path / "source")
    before = manifest(h.root)
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && ! touch "$1/x" 2>/dev/null && exec "$2" import claude-code ' \
             '"$1" --data "$3" --json'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(h.root), binary(), str(store.data)],
                          capture_output=True, text=True, timeout=120, env={**os.environ, **key_of_tests()})
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["turns_new"], report["duplicates"]) == (len(h.turns), h.duplicates)
    assert manifest(h.root) == before
