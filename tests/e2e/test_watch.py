"""`cairn watch` takes in what is written wherever it comes to be: in new folders, through links, in files that replace others,
in a root that comes later or is made anew; also where the system has no watch left, and behind another process's lock."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import threading

import pytest
from conftest import binary, eventually, key_of_tests
from histories import at, uid


class Watch:
    """A running `cairn watch` of a home folder, and how many turns it has told of."""

    def __init__(self, store, home, before=()):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("CAIRN_", "XDG_", "CLAUDE_", "CODEX_"))}
        self.process = subprocess.Popen(
            [*before, binary(), "watch", "--data", str(store.data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**env, **key_of_tests(), "HOME": str(home), "CAIRN_MODEL": "off"})
        self.turns, self.expected, self.log = 0, 0, []
        self.threads = [threading.Thread(target=self.read), threading.Thread(target=self.read_log)]
        for t in self.threads:
            t.start()

    def read(self):
        for line in self.process.stdout:
            self.turns += int(re.fullmatch(r"\S+: (\d+) turns new\n", line)[1])

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def takes(self, n=1):
        self.expected += n
        eventually(lambda: self.turns >= self.expected or self.process.poll() is not None, 30, f"turn {self.expected}")
        assert self.turns == self.expected and self.process.poll() is None

    def end(self):
        self.process.terminate()
        status = self.process.wait(30)
        for t in self.threads:
            t.join()
        return status


@pytest.fixture
def watch(make_cairn, tmp_path):
    store = make_cairn(start=False)
    running = []

    def start(*before):
        running.append(Watch(store, tmp_path, before))
        running[-1].store = store
        return running[-1]
    yield start
    for w in running:
        w.process.kill()
        w.end()


def says(path, n):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as f:
        f.write(json.dumps({"type": "user", "uuid": uid("watch", path.stem, n), "sessionId": path.stem, "timestamp": at(n),
                            "cwd": "/home/ada", "message": {"role": "user", "content": f"Of {path.stem} the line {n}"}}) + "\n")


def everything(w, home):
    projects = home / ".claude" / "projects"
    says(projects / "-a" / "first.jsonl", 1)  # the root is not there before
    w.takes()
    says(projects / "-a" / "first.jsonl", 2)
    w.takes()
    says(projects / "-b" / "second.jsonl", 1)
    w.takes()
    says(projects / "-b" / "second" / "subagents" / "workflows" / "wf_1" / "agent-deep.jsonl", 1)
    w.takes()
    shutil.copy(projects / "-b" / "second.jsonl", home / "second.jsonl")
    says(home / "second.jsonl", 2)
    os.rename(home / "second.jsonl", projects / "-b" / "second.jsonl")
    w.takes()
    says(home / "elsewhere" / "third.jsonl", 1)
    (projects / "-link").symlink_to(home / "elsewhere")
    w.takes()
    says(home / "elsewhere" / "third.jsonl", 2)
    w.takes()
    says(home / "moved" / "fourth.jsonl", 1)
    os.rename(home / "moved", projects / "-moved")
    w.takes()
    says(projects / "-moved" / "fourth.jsonl", 2)
    w.takes()
    for n in (1, 3):
        shutil.rmtree(home / ".claude")
        says(projects / "-a" / f"fifth-{n}.jsonl", n)
        w.takes()
        says(projects / "-a" / f"fifth-{n}.jsonl", n + 1)
        w.takes()


def test_wherever_it_is_written(watch, tmp_path):
    w = watch()
    everything(w, tmp_path)
    assert w.end() == 0 and w.log == []


def test_a_system_without_watches(watch, tmp_path):
    """Then it looks by itself, and says so once."""
    limit = "/proc/sys/user/max_inotify_watches"
    fewer = ["unshare", "--user", "--map-root-user", "sh", "-c", f'echo 3 >{limit} && exec "$@"', "sh"]
    if subprocess.run([*fewer, "true"], capture_output=True, check=False).returncode:
        pytest.skip("the number of watches cannot be bounded here")
    w = watch(*fewer)
    everything(w, tmp_path)
    assert w.end() == 0 and len(w.log) == 1 and "fs.inotify" in w.log[0]


@pytest.mark.skipif(bool(os.environ.get("CAIRN_TEST_KEY")), reason="a sealed store is not opened by others")
def test_behind_a_lock(watch, tmp_path):
    w, path = watch(), tmp_path / ".claude" / "projects" / "-a" / "first.jsonl"
    says(path, 1)
    w.takes()
    other = sqlite3.connect(w.store.data / "store.db", isolation_level=None)
    other.execute("begin immediate")
    says(path, 2)
    says(path.with_stem("second"), 1)
    assert w.process.poll() is None and w.turns == 1
    other.execute("rollback")
    other.close()
    w.takes(2)
    assert w.end() == 0
