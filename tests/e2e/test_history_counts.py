"""What is known of files after an import (issue 6). Every line is accounted for, whatever happened to the files: in the
manifest and in each report new + merged + duplicates + skipped are the lines that are there. And each file that was read is
as it was, or verify says what became of it."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import binary, key_of_tests
from histories import at, codex, cursor, exports, line, opencode, uid, worst

SEED = int(os.environ.get("CAIRN_SEED", "0")) or random.randrange(1 << 30)


@pytest.fixture
def store(make_cairn):
    return make_cairn(start=False)


def command(store, source, root):
    return [binary(), "import", source, str(root), "--data", str(store.data), "--json"]


def environment():
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_") or k == "CAIRN_BINARY"}
    return {**kept, **key_of_tests(), "CAIRN_MODEL": "off"}


def imported(store, root, source="claude-code"):
    report = json.loads(store.run("import", source, str(root), "--json", timeout=300).stdout)
    assert report["lines"] == report["turns_new"] + report["merged"] + report["duplicates"] + report["skipped"]
    assert report["skipped"] == sum(report["skipped_by_reason"].values())
    return report


def manifest(store):
    """By path, each with sums that come out."""
    files = json.loads(store.run("import", "manifest", "--json").stdout)["files"]
    for f in files:
        c = f["counts"]
        assert f["lines"] == c["lines"] == c["new"] + c["merged"] + c["duplicates"] + c["skipped"], f
        assert c["skipped"] == sum(c["why"].values()), f
        assert all(n >= 0 for n in c["why"].values()), f
    return {f["path"]: f for f in files}


class Files:
    """Transcripts that a seeded hand writes on, tears and writes anew."""

    def __init__(self, root, rnd):
        self.root, self.rnd, self.n = root / "projects" / "-home-rye", rnd, 0
        self.root.mkdir(parents=True)
        self.torn = {}

    def record(self, session):
        self.n += 1
        made = {"uuid": uid(SEED, self.n), "parentUuid": None, "sessionId": session, "timestamp": at(self.n), "cwd": "/home/rye",
                "isSidechain": False, "version": "2.0.1"}
        what = self.rnd.randrange(6)
        if what == 0:
            return {**made, "type": "progress", "data": {"n": self.n}}
        if what == 1:
            return {**made, "type": "somethingNew", "data": self.n}
        if what < 4:
            return {**made, "type": "user", "message": {"role": "user", "content": f"Question {self.n}"}}
        return {**made, "type": "assistant", "message": {
            "id": f"msg_{self.n // 3}", "role": "assistant", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1},
            "content": [{"type": "text", "text": f"Answer {self.n}"}]}}

    def lines(self, session):
        found = []
        for _ in range(self.rnd.randrange(1, 40)):
            dice = self.rnd.randrange(20)
            found.append(b"{broken\n" if dice == 0 else b"\n" if dice == 1 else found[-1] if dice == 2 and found
                         else json.dumps(self.record(session)).encode() + b"\n")
        return found

    def change(self):
        path = self.root / f"{uid('session', self.rnd.randrange(5))}.jsonl"
        what = self.rnd.randrange(10)
        rest = self.torn.pop(path, b"")
        if what == 0 and path.exists():
            path.unlink()
        elif what == 1 or not path.exists():
            path.with_suffix(".new").write_bytes(b"".join(self.lines(path.stem)))
            path.with_suffix(".new").rename(path)
        elif what == 2:
            with open(path, "r+b") as f:
                f.truncate(self.rnd.randrange(path.stat().st_size + 1))
                f.seek(0, 2)
                f.write(b"\n")
        else:
            with open(path, "ab") as f:
                f.write(rest + b"".join(self.lines(path.stem)))
        if what in (3, 4, 5):
            whole = json.dumps(self.record(path.stem)).encode() + b"\n"
            cut = len(whole) - 1 if what == 3 else self.rnd.randrange(1, len(whole) - 1)
            with open(path, "ab") as f:
                f.write(whole[:cut])
            self.torn[path] = whole[cut:]

    def expected(self):
        """Lines of each file; a last one without its end counts when it is whole."""
        found = {}
        for path in self.root.iterdir():
            *lines, last = path.read_bytes().split(b"\n")
            found[str(path.relative_to(self.root.parent.parent))] = len(lines) + (last.endswith(b"}") and valid(last))
        return found


def valid(text):
    try:
        return bool(json.loads(text))
    except ValueError:
        return False


def test_sums_come_out_whatever_becomes_of_the_files(store, tmp_path):
    print("CAIRN_SEED", SEED)
    rnd = random.Random(SEED)
    files = Files(tmp_path / "claude", rnd)
    for _ in range(14):
        for _ in range(rnd.randrange(1, 5)):
            files.change()
        if rnd.randrange(3) == 0:
            p = subprocess.Popen(command(store, "claude-code", tmp_path / "claude"), stdout=subprocess.DEVNULL, env=environment())
            time.sleep(rnd.random() * 0.1)
            p.send_signal(signal.SIGKILL)
            p.wait()
        report = imported(store, tmp_path / "claude")
        there = files.expected()
        known = manifest(store)
        assert {p: known[p]["lines"] for p in there} == there
        assert report["lines"] == sum(there.values())
        assert {known[p]["status"] for p in there} <= {"read"}


def test_two_imports_at_once_count_each_line_once(store, tmp_path):
    worst.many(tmp_path / "claude", 200)
    running = [subprocess.Popen(command(store, "claude-code", tmp_path / "claude"), stdout=subprocess.PIPE, env=environment())
               for _ in range(3)]
    said = [p.communicate(timeout=300)[0] for p in running]  # one may find the data locked for too long, where all is slow
    assert any(p.returncode == 0 for p in running)
    imported(store, tmp_path / "claude")
    lines = {str(p.relative_to(tmp_path / "claude")): p.read_bytes().count(b"\n")
             for p in (tmp_path / "claude").rglob("*.jsonl")}
    turns = json.loads(store.run("stats", "--json").stdout)["total_messages"]
    assert turns == sum(lines.values()) and {p: f["lines"] for p, f in manifest(store).items()} == lines
    if all(p.returncode == 0 for p in running):
        assert sum(json.loads(r)["turns_new"] for r in said) == turns
    again = imported(store, tmp_path / "claude")
    assert (again["turns_new"], again["lines"], again["files_read"]) == (0, turns, 0)


@pytest.mark.parametrize("source", ["opencode", "cursor"])
def test_a_database_that_is_read_again_counts_its_rows_once(store, tmp_path, source):
    h = opencode.sqlite(tmp_path / source) if source == "opencode" else cursor.whole(tmp_path / source)
    first, before = imported(store, h.root, source), manifest(store)
    for path in h.root.rglob("*"):
        if path.suffix in (".db", ".vscdb"):
            with sqlite3.connect(path) as db:
                db.execute("create table other (x)")
    again, after = imported(store, h.root, source), manifest(store)
    assert again["files_read"] == 1
    assert (again["turns_new"], again["lines"]) == (0, first["lines"])
    assert {p: f["lines"] for p, f in after.items()} == {p: f["lines"] for p, f in before.items()}


# ---- verify ----

KEY = "ghp_" + "Zk3Qw8Rt5Yu2Io9Pa4Sd7Fg1Hj6Kl0Zx3CvB"


def verified(store, status=0):
    p = store.run("import", "verify", "--json", check=False)
    found = json.loads(p.stdout)
    assert p.returncode == status and found["ok"] == (status == 0)
    assert found["files"] == sum(found["files_" + what] for what in ("same", "grown", "changed", "gone", "unreadable"))
    assert all(found["files_" + what] == len(found[what]) for what in ("changed", "gone", "unreadable"))
    return found


def transcript(path, n):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "user", "uuid": uid("verify", n), "sessionId": uid("verify", "s", n), "timestamp": at(n),
                                "message": {"role": "user", "content": f"Question {n}"}}) + "\n")
    return path


@pytest.mark.parametrize("place", ["claude", KEY + "/claude", "of " + KEY + "/" + KEY])
def test_verify_finds_files_whatever_they_are_called(store, tmp_path, place):
    """Names that were masked when they were stored, and those that are no UTF-8."""
    root = tmp_path / place
    named = [transcript(root / "projects" / folder / name, n) for n, (folder, name) in enumerate((
        ("-x", "a.jsonl"), ("-x", KEY + ".jsonl"), ("-" + KEY, "a.jsonl"), (KEY, KEY + ".jsonl"), ("-x", "new\nline.jsonl"),
        ("-x", os.fsdecode(b"bad\xff.jsonl")), (os.fsdecode(b"\xff"), os.fsdecode(b"\xfe\xff.jsonl"))))]
    assert imported(store, root)["turns_new"] == len(named)
    assert KEY not in store.run("import", "verify").stdout
    assert verified(store)["files_same"] == len(named)
    for n, path in enumerate(named[:-1]):
        before = path.read_bytes()
        path.write_bytes(before.replace(b"Question", b"Quession"))
        assert verified(store, status=1)["files_changed"] == 1, path
        path.write_bytes(before + before)
        assert verified(store)["files_grown"] == n + 1
    named[-1].unlink()
    assert verified(store)["files_gone"] == 1
    named[1].unlink()
    named[1].mkdir()
    assert verified(store, status=1)["files_changed"] == 1


def test_verify_names_what_is_not_as_it_was(store, tmp_path):
    paths = [transcript(tmp_path / "claude" / "projects" / "-x" / f"{n}.jsonl", n) for n in range(5)]
    imported(store, tmp_path / "claude")
    times = [p.stat().st_mtime_ns for p in paths]
    verified(store)
    assert [p.stat().st_mtime_ns for p in paths] == times
    paths[0].unlink()
    paths[1].write_text("")
    paths[2].unlink()
    paths[2].symlink_to(paths[3])
    found = verified(store, status=1)
    assert found["gone"] == [str(paths[0])] and sorted(found["changed"]) == [str(paths[1]), str(paths[2])]
    said = store.run("import", "verify", check=False)
    assert said.returncode == 1
    assert f"gone        {paths[0]}\n" in said.stdout and f"changed     {paths[1]}\n" in said.stdout
    assert "5 files: 2 as they were, 0 grown, 2 changed, 1 gone, 0 unreadable\n" in said.stdout


# ---- where it is looked ----

def test_a_machine_without_agents(store, tmp_path):
    """Nothing to do is no failure; what was looked for is said."""
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "XDG_CONFIG_HOME": f"{home}/.config", "CLAUDE_CONFIG_DIR": f"{home}/a,{home}/b"}
    for args in ((), ("--yes",), ("--dry-run",), ("claude-code", "--dry-run")):
        said = store.run("import", *args, env=env).stdout
        assert "nothing of " in said and f"{home}/a, {home}/b, {home}/.config/claude" in said
        assert (f"{home}/.codex" in said) == ("claude-code" not in args)
    assert json.loads(store.run("import", "--dry-run", "--json", env=env).stdout) == {"sources": []}
    assert json.loads(store.run("import", "codex", "--dry-run", "--json", env=env).stdout)["files"] == 0
    failed = store.run("import", "claude-code", env=env, check=False)
    assert failed.returncode == 3 and f"looked for {home}/a, {home}/b" in failed.stderr
    for args in (("nonsense",), ("nonsense", str(home)), (str(home),), (str(home / "gone"),)):
        failed = store.run("import", *args, env=env, check=False)
        assert failed.returncode in (2, 3) and "sources are claude-code, codex" in failed.stderr


def test_several_roots(store, tmp_path):
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": f"{tmp_path}/.config", "CLAUDE_CONFIG_DIR": f"{tmp_path}/a,{tmp_path}/b"}
    for n, root in enumerate(("a", "b", ".config/claude")):
        transcript(tmp_path / root / "projects" / "-x" / f"{n}.jsonl", n)
    found = json.loads(store.run("import", "claude-code", "--json", env=env).stdout)["sources"]
    assert [r["turns_new"] for r in found] == [1, 1, 1]
    assert {f["root"] for f in json.loads(store.run("import", "manifest", "--json").stdout)["files"]} == {
        f"{tmp_path}/a", f"{tmp_path}/b", f"{tmp_path}/.config/claude"}


def test_what_tells_of_all_takes_no_more_words(store):
    for more in (("extra",), ("--since", "2026-01-01"), ("--limit", "3"), ("--dry-run",), ("--yes",), ("--project", "x")):
        for what in ("status", "verify", "manifest"):
            assert store.run("import", what, *more, check=False).returncode == 2


@pytest.mark.parametrize("source,below", [("claude-code", "projects"), ("codex", "sessions")])
def test_what_a_tool_wrote_may_lie_elsewhere(store, tmp_path, source, below):
    """Its folder is a link to another disk; projects in it may be links too, but never to what is above them."""
    kept, root = tmp_path / "disk" / "kept", tmp_path / "root"
    if source == "codex":
        r = codex.Rollout(codex.History(tmp_path / "made", "codex"), "linked")
        r.meta()
        r.say("Kept elsewhere")
        path = kept / "2026" / "rollout-2026-03-01T09-00-00-x.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(line(x) for x in r.records))
    else:
        transcript(kept / "-x" / "1.jsonl", 1)
        (kept / "-link").symlink_to(transcript(tmp_path / "other" / "2.jsonl", 2).parent)
        (kept / "-up").symlink_to(tmp_path)
        (kept / "-loop").symlink_to(kept)
    root.mkdir()
    (root / below).symlink_to(kept)
    (root / "outside").symlink_to(kept)
    assert imported(store, root, source)["turns_new"] == (1 if source == "codex" else 2)
    assert imported(store, root, source)["files_read"] == 0
    verified(store)


def test_a_file_that_was_changed_within(store, tmp_path):
    """As long as before: it is read anew, and is as it was from then on."""
    path = transcript(tmp_path / "claude" / "projects" / "-x" / "1.jsonl", 1)
    with open(path, "a") as f:
        f.write("\n" * 9000)
    imported(store, tmp_path / "claude")
    path.write_text(path.read_text().replace("Question", "Quession"))
    verified(store, status=1)
    report = imported(store, tmp_path / "claude")
    assert (report["files_read"], report["turns_new"], report["lines"]) == (1, 0, 9001)
    assert verified(store)["files_same"] == 1
    os.utime(path)
    assert imported(store, tmp_path / "claude")["turns_new"] == 0
    assert verified(store)["files_same"] == 1


def test_a_database_that_was_imported_again_is_as_it_was(store, tmp_path):
    h = opencode.sqlite(tmp_path / "opencode")
    imported(store, h.root, "opencode")
    path = next(h.root.rglob("*.db"))
    size = path.stat().st_size
    with sqlite3.connect(path) as db:
        db.execute("update session set title = 'Another'")
    assert path.stat().st_size == size
    verified(store, status=1)
    imported(store, h.root, "opencode")
    assert verified(store)["files_same"] == 1


def test_an_import_leaves_a_checkpoint(store, tmp_path):
    """One for all that it brought, and none where nothing was new."""
    def checkpoints():
        return json.loads(store.run("list", "checkpoints", "--json").stdout)
    worst.many(tmp_path / "claude", 3)
    store.run("import", "claude-code", str(tmp_path / "claude"), "--dry-run")
    assert checkpoints() == []
    imported(store, tmp_path / "claude")
    imported(store, tmp_path / "claude")
    made, = checkpoints()
    assert made["title"] == "Imported: Claude Code, 6 turns" and made["project"] == "default"
    assert made["metadata"]["reason"] == "imported" and json.loads(made["content"])["turns_new"] == 6
    transcript(tmp_path / "claude" / "projects" / "-x" / "1.jsonl", 1)
    store.run("import", "claude-code", str(tmp_path / "claude"), "--project", "mill")
    assert {c["project"]: c["title"] for c in checkpoints()} == {
        "default": made["title"], "mill": "Imported: Claude Code, 1 turns"}


def test_where_nothing_was_imported(make_cairn, tmp_path):
    """The monthly look at what was imported is no failure where nothing was."""
    store = make_cairn(start=False)
    shutil.rmtree(store.data, ignore_errors=True)
    assert verified(store)["files"] == 0
    assert json.loads(store.run("import", "status", "--json").stdout) == {"runs": []}
    assert json.loads(store.run("import", "manifest", "--json").stdout) == {"files": []}
    assert not store.data.exists()


def test_a_turn_knows_its_place_after_a_move(store, tmp_path):
    path = transcript(tmp_path / "claude" / "projects" / "-x" / "1.jsonl", 1)
    imported(store, tmp_path / "claude")
    turn = json.loads(store.run("list", "turns", "--json").stdout)[0]["id"]
    assert store.run("show", turn, "--source").stdout == f"{path}:1 (byte 0)\n"
    (tmp_path / "claude").rename(tmp_path / "moved")
    assert store.run("show", turn, "--source").stdout == f"{path}:1 (byte 0)\n"
    assert imported(store, tmp_path / "moved")["turns_new"] == 0
    assert store.run("show", turn, "--source").stdout == f"{tmp_path}/moved/projects/-x/1.jsonl:1 (byte 0)\n"


def test_a_file_that_was_asked_for_and_cannot_be_read(store, tmp_path):
    """Is told by the status; one among many files is told by name alone."""
    (tmp_path / "source").mkdir()
    junk = tmp_path / "source" / "opencode.db"
    junk.write_bytes(b"This is no database. " * 300)
    alone = store.run("import", "opencode", str(junk), check=False)
    assert alone.returncode == 1 and "file is not a database" in alone.stderr
    among = store.run("import", "opencode", str(junk.parent), check=False)
    assert among.returncode == 0 and "file is not a database" in among.stderr


def test_the_place_of_a_turn_in_a_zip(store, tmp_path):
    h = exports.claude(tmp_path / "export", zipped=True)
    imported(store, next(h.root.rglob("*.zip")), "claude-ai")
    turn = json.loads(store.run("list", "turns", "--json").stdout)[0]["id"]
    entry = json.loads(store.run("show", turn, "--source", "--json").stdout)["entry"]
    assert entry.endswith("conversations.json") and f" in {entry}\n" in store.run("show", turn, "--source").stdout
