"""Imports that are killed, again and again, at any moment: the end is that of an undisturbed one, record for record.

CAIRN_KILLS is how many kills (20), CAIRN_KILLS_SEED makes the same choices again (the kernel's timing is its own)."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter

import pytest
from conftest import binary, eventually, key_of_tests
from histories import History, claude_folders, codex, cursor, exports, gemini, generic, line, memory_context, opencode, stores, worst
from histories.claude import Session

KILLS = int(os.environ.get("CAIRN_KILLS", "20"))
MB = 1 << 20

# What differs from store to store: ids made by chance, and times of writing. Tables that tell of runs are left out.
DIFFERENT = {"seq", "reading", "created_at", "updated_at", "version", "stored_at", "last_active"}
OWN_IDS = {"agent_state", "source"}
OF_RUNS = {"import_run", "checkpoint", "audit_entry", "schema_migration", "store_meta"}
ASKED = ("weir oak wheel", "calm angry bees", "how tall lighthouse", "hawthorn hedge plant", "orrery blue paint", "thick dam",
         "Resumed for the time", "governor archived question", "caravan night", "bridge opens noon", "sluice stone")


def claude(root):
    """All of its folders, a transcript of some megabytes, and sessions that were resumed."""
    claude_folders.whole(root)
    worst.repeated_lines(root, 4 * MB, share=0.3)
    worst.resumed(root, 6)
    worst.many(root, 60)


def rollouts(root):
    h = codex.whole(root)
    r = codex.Rollout(h, "long")
    r.meta()
    for i in range(1500):
        r.say(f"{i} " + worst.prose(i))
    h.lines(r.name(), r.records)


def chats(root):
    generic.whole(root)
    History(root, "jsonl").lines("long.jsonl", [
        {"role": "user", "content": f"{i} " + worst.prose(i), "session": f"s{i % 7}"} for i in range(3000)])


SOURCES = (("claude-code", claude), ("codex", rollouts), ("gemini", gemini.whole), ("opencode", opencode.sqlite),
           ("cursor", cursor.whole), ("chatgpt", lambda r: exports.long_conversation(r, "chatgpt", 2 * MB)),
           ("claude-ai", exports.claude), ("jsonl", chats), ("memory-context", memory_context.whole), ("ccc", stores.ccc),
           ("chronicle-weaver", stores.weaver))


@pytest.fixture
def new_store(make_cairn, tmp_path):
    """Stores that make the same keys and ids: copies of one in which nothing is yet."""
    first = make_cairn("empty", start=False)
    (tmp_path / "nothing").mkdir()
    imported(first, "jsonl", tmp_path / "nothing")

    def new(name):
        shutil.copytree(first.data, tmp_path / name)
        return make_cairn(name, start=False)

    return new


@pytest.fixture
def chance():
    seed = int(os.environ.get("CAIRN_KILLS_SEED") or random.randrange(1 << 32))
    print(f"CAIRN_KILLS_SEED={seed}")
    return random.Random(seed)


def command(store, *words):
    environment = {**os.environ, **key_of_tests(), "CAIRN_MODEL": "off"}
    return subprocess.Popen([binary(), *map(str, words), "--data", str(store.data)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment)


def imported(store, name, root):
    p = command(store, "import", name, root, "--json")
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0, err
    return json.loads(out)


# ---- what is compared ----

# Numbers of rows are those of their order.
BY_NUMBERS = {
    "import_said": "select s.words, s.time, t.id, s.how from import_said s left join turn t on t.seq = s.turn",
    "import_place": "select c.id, t.id, p.line from import_place p left join turn t on t.seq = p.turn"
                    " left join conversation c on c.seq = p.conversation"}


def rows(store):
    """Every record of the store."""
    if key_of_tests():  # sealed: what it tells by itself
        return Counter(listed(store))
    found = Counter()
    db = sqlite3.connect(f"file:{store.data}/store.db?mode=ro", uri=True)
    tables = [n for (n,) in db.execute("select name from sqlite_master where type = 'table'") if n not in OF_RUNS]
    assert {"session", "conversation", "turn", "import_file", "import_key"} <= set(tables)
    for table, by_id in BY_NUMBERS.items():
        tables.remove(table)
        found.update((table, *row) for row in db.execute(by_id))
    for table in tables:
        columns = [c[1] for c in db.execute(f'pragma table_info("{table}")')]
        kept = [c for c in columns if c not in DIFFERENT and not (c == "id" and table in OWN_IDS)]
        names = ", ".join(f'"{c}"' for c in kept)
        found.update((table, *zip(kept, row)) for row in db.execute(f'select {names} from "{table}"'))
    db.close()
    return found


def listed(store):
    for kind in ("sessions", "conversations", "turns"):
        page = json.loads(store.run("list", kind, "--limit", "1000", "--json").stdout)
        for x in page if isinstance(page, list) else page[kind]:
            yield kind[:-1], json.dumps({k: v for k, v in x.items() if k not in DIFFERENT}, sort_keys=True)


def answers(store):
    found = {}
    for words in ASKED:
        results = json.loads(store.run("recall", words, "--json", env={"CAIRN_MODEL": "off"}).stdout)["results"]
        found[words] = {r["id"]: r["score"] for r in results}
    return found


def told(report):
    return {k: v for k, v in report.items() if k not in ("seconds", "bytes_read")}


def final(store, roots):
    """Records, what the index answers, and what one more import of each source says."""
    again = {name: told(imported(store, name, roots[name])) for name, _ in SOURCES}
    assert all(r["turns_new"] == 0 for r in again.values()), again
    assert "no problems found" in store.run("doctor").stdout
    return rows(store), answers(store), again


def same(killed, calm):
    missing, more = list(calm[0] - killed[0]), list(killed[0] - calm[0])
    assert (missing[:3], more[:3]) == ([], [])
    for words in ASKED:
        assert killed[1][words] == pytest.approx(calm[1][words], abs=1e-3)  # what is young ages
    assert killed[2] == calm[2]


# ---- killing ----

def index_files(store):
    try:
        return set(os.listdir(store.data / "index"))
    except OSError:
        return set()


def kill(p, store, chance, seconds):
    """At any moment, or when the index's files change: a segment is written, the list of them replaced, some merged."""
    end = time.monotonic() + chance.uniform(0, seconds)
    changes, before = chance.choice((0, 0, 1, 2, 3)), index_files(store)
    while p.poll() is None:
        if changes:
            now = index_files(store)
            changes -= now != before
            before = now
            if not changes:
                break
        elif time.monotonic() >= end:
            break
        time.sleep(0.0003)
    if p.poll() is None:
        p.kill()
    p.communicate()
    return p.returncode == -signal.SIGKILL


@pytest.mark.slow  # many kills
def test_killed_imports_end_as_undisturbed_ones(new_store, tmp_path, chance):
    roots, seconds = {}, {}
    for name, write in SOURCES:
        roots[name] = tmp_path / "sources" / name
        h = write(roots[name])
        if getattr(h, "open", None):
            h.open.close()
    calm = new_store("calm")
    for name, _ in SOURCES:
        began = time.monotonic()
        imported(calm, name, roots[name])
        seconds[name] = time.monotonic() - began
    wanted, kills, rounds = final(calm, roots), 0, 0
    while kills < KILLS:
        rounds += 1
        assert rounds <= KILLS, f"{kills} kills in {rounds} rounds"
        store = new_store(f"killed-{rounds}")
        for name, _ in SOURCES:
            for _ in range(3 if seconds[name] > 2 * min(seconds.values()) else 1):
                kills += kill(command(store, "import", name, roots[name]), store, chance, seconds[name])
            imported(store, name, roots[name])
        same(final(store, roots), wanted)
    print(f"{kills} kills in {rounds} rounds")


class Talk:
    """Transcripts of two tools below a home folder, that grow line by line, some of them in two goes."""

    def __init__(self, home):
        self.home, self.n = home, 0
        self.sessions = [Session(History(home / ".claude", "claude-code"), f"talk-{i}", cwd=f"/home/ada/p{i}") for i in range(4)]
        self.rollout = codex.Rollout(codex.History(home / ".codex", "codex"), "talk")
        self.rollout.meta()

    def step(self, chance):
        self.n += 1
        if chance.random() < 0.3:
            said, path = self.rollout, self.home / ".codex" / self.rollout.name()
            said.say(f"Line {self.n} for the other tool")
        else:
            said = chance.choice(self.sessions)
            path = self.home / ".claude" / said.path()
            said.user(f"Line {self.n} of the talk")
        path.parent.mkdir(parents=True, exist_ok=True)
        blob = b"".join(line(r) for r in said.records)
        said.records.clear()
        cut = chance.randrange(len(blob))
        with open(path, "ab", buffering=0) as f:
            for part in (blob[:cut], blob[cut:]):
                f.write(part)
                time.sleep(chance.uniform(0, 0.02))


def all_found(store, home, *words):
    private = {"HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "CODEX_HOME": "", "CLAUDE_CONFIG_DIR": ""}
    environment = {**os.environ, **key_of_tests(), "CAIRN_MODEL": "off", **private}
    return subprocess.Popen([binary(), *words, "--data", str(store.data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, env=environment)


@pytest.mark.slow  # many kills
def test_killed_watches_end_as_one_import(new_store, tmp_path, chance):
    """What was written while it was dead is taken in by the next, and nothing twice."""
    talk, store, calm, kills = Talk(tmp_path / "home"), new_store("killed"), new_store("calm"), 0
    talk.step(chance)
    for _ in range(KILLS):
        p = all_found(store, talk.home, "watch")
        end = time.monotonic() + chance.uniform(0.02, 0.7)
        while time.monotonic() < end:
            talk.step(chance)
        p.kill()
        p.communicate()
        kills += p.returncode == -signal.SIGKILL
    for one in (store, calm):
        p = all_found(one, talk.home, "import", "--yes", "--json")
        out, err = p.communicate(timeout=120)
        assert p.returncode == 0, err
    assert kills == KILLS and "no problems found" in store.run("doctor").stdout
    # which lines a mark had been behind, and how often a tail was read, is the watches' own
    killed, wanted = (Counter(r for r in rows(s) if r[0] != "import_file") for s in (store, calm))
    assert (list(wanted - killed)[:3], list(killed - wanted)[:3]) == ([], [])
    assert sum(r[0] == "turn" for r in killed) == talk.n
    for s in (store, calm):
        p = all_found(s, talk.home, "import", "--yes", "--json")
        reports = json.loads(p.communicate(timeout=120)[0])["sources"]
        assert sum(r["turns_new"] for r in reports) == 0 and sum(r["duplicates"] for r in reports) == talk.n
