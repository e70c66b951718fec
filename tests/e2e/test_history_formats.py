"""Importing all sources but Claude Code's transcripts: each is read whole, every record is accounted for, a second import
finds nothing new, the source stays as it was, and what was said is recalled with its place."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Callable

import pytest
from conftest import ROOT, binary, key_of_tests
from histories import (claude_folders, codex, cursor, exports, gemini, generic, line, manifest, memory_context, opencode, stores)


@dataclass
class Source:
    name: str  # as the command takes it
    write: Callable
    ask: str  # words of one that is to be found
    find: str  # and what is found


SOURCES = {
    "codex": Source("codex", codex.whole, "governor archived question", "Archived question about the governor"),
    "jsonl": Source("jsonl", generic.whole, "which tea ambassador", "Which tea for the ambassador?"),
    "chatgpt": Source("chatgpt", exports.chatgpt, "calm angry bees", "How do I calm angry bees?"),
    "chatgpt-shards": Source("chatgpt", lambda r: exports.chatgpt(r, shards=3), "calm angry bees", "How do I calm angry bees?"),
    "chatgpt-zip": Source("chatgpt", lambda r: exports.chatgpt(r, shards=2, zipped=True), "calm angry bees",
                          "How do I calm angry bees?"),
    "chatgpt-broken": Source("chatgpt", exports.chatgpt_broken, "mead good one", "The good one is found, mead"),
    "claude-ai": Source("claude-ai", exports.claude, "how tall lighthouse", "How tall is the lighthouse?"),
    "claude-ai-zip": Source("claude-ai", lambda r: exports.claude(r, zipped=True), "how tall lighthouse",
                            "How tall is the lighthouse?"),
    "gemini": Source("gemini", gemini.whole, "orrery blue paint", "Paint the orrery blue"),
    "opencode": Source("opencode", opencode.sqlite, "weave red cloth", "How do I weave the red cloth of ses_sqlite?"),
    "opencode-log": Source("opencode", lambda r: opencode.sqlite(r, wal=True), "weave red cloth",
                           "How do I weave the red cloth of ses_sqlite?"),
    "opencode-files": Source("opencode", opencode.legacy, "weave red cloth", "How do I weave the red cloth of ses_legacy?"),
    "cursor": Source("cursor", cursor.whole, "hawthorn hedge plant", "When do I plant the hawthorn hedge?"),
    "cursor-log": Source("cursor", lambda r: cursor.whole(r, wal=True), "hawthorn hedge plant",
                         "When do I plant the hawthorn hedge?"),
    "claude-folders": Source("claude-code", claude_folders.whole, "mill wheel creak", "Why does the mill wheel creak?"),
    "memory-context": Source("memory-context", memory_context.whole, "bridge opens noon", "The bridge opens at noon"),
    "ccc": Source("ccc", stores.ccc, "thick dam", "How thick is the dam?"),
    "ccc-before": Source("ccc", stores.ccc_of_before, "dam leak", "Does the dam leak?"),
    "chronicle-weaver": Source("chronicle-weaver", stores.weaver, "caravan night", "The caravan sets out at night"),
}


@pytest.fixture
def store(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


@pytest.fixture(params=SOURCES)
def written(request, tmp_path):
    """A source, and the history that was written for it. Databases with a log stay open, as their tools are running."""
    source = SOURCES[request.param]
    h = source.write(tmp_path / "source")
    yield source, h
    if getattr(h, "open", None):
        h.open.close()


def imported(store, source, h, *args):
    return json.loads(store.run("import", source.name, str(h.root), "--json", *args).stdout)


def turns(store):
    found = json.loads(store.run("list", "turns", "--limit", "1000", "--json").stdout)
    return found if isinstance(found, list) else found["turns"]


def accounted(report):
    assert report["records"] == report["turns_new"] + report["duplicates"] + report["skipped"]
    assert sum(report["skipped_by_reason"].values()) == report["skipped"]
    assert report["files_failed"] == 0


def moment(t):
    return datetime.fromisoformat(t.replace("Z", "+00:00"))


def by_session(pairs):
    """What was said in each session, whatever the sessions are called."""
    sessions = defaultdict(Counter)
    for session, what in pairs:
        sessions[session][what] += 1
    return Counter(frozenset(words.items()) for words in sessions.values())


def read_long_ago(h):
    """Sets the times of access back, so that a kernel that notes them seldom would note them now."""
    for path in h.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, ns=(1_600_000_000 * 10**9, path.stat().st_mtime_ns))


def read_since(h):
    return [str(p) for p in h.root.rglob("*") if p.is_file() and not p.is_symlink() and p.stat().st_atime != 1_600_000_000]


def test_what_is_imported_is_what_was_written(store, written):
    source, h = written
    before = manifest(h.root)
    read_long_ago(h)
    report = imported(store, source, h)
    accounted(report)
    assert read_since(h) == []
    got = turns(store)
    assert all(t["metadata"]["source"]["file"] for t in got)
    assert Counter(t["content"] for t in got) == Counter(t.text for t in h.turns)
    assert by_session((t["session_id"], (t["role"], t["content"])) for t in got) == by_session(
        (t.session, (t.role, t.text)) for t in h.turns)
    told = Counter((t.text, moment(t.at)) for t in h.turns if t.at)
    assert told - Counter((t["content"], moment(t["timestamp"])) for t in got) == Counter()
    assert report["turns_new"] == len(h.turns) + len(h.others)
    assert Counter(report["skipped_by_reason"]) == +h.skipped
    others_are_there(store, h)
    assert (report["merged"], report["duplicates"]) == (h.merged, h.duplicates)
    assert report["files_left_alone"] == len(h.left_alone)
    assert not any("never-read" in json.dumps(t) for t in got)
    is_recalled(store, source, h)
    nothing_is_new(store, source, h, report)
    assert manifest(h.root) == before, "the source is not as it was"


def others_are_there(store, h):
    """Records of other kinds, each with the fields that are told of it."""
    for kind in {kind for kind, _ in h.others}:
        found = json.loads(store.run("list", kind, "--limit", "1000", "--json").stdout)
        found = found if isinstance(found, list) else found[kind]
        assert len(found) == len([k for k, _ in h.others if k == kind]), found
        for fields in (f for k, f in h.others if k == kind):
            assert any(all(r.get(name) == value for name, value in fields.items()) for r in found), (fields, found)


def is_recalled(store, source, h):
    """With its place; what is replayed is not."""
    results = json.loads(store.run("recall", source.ask, "--json", env={"CAIRN_MODEL": "off"}).stdout)["results"]
    place = next(r["source"] for r in results if r["content"] == source.find)
    assert place["origin"] == source.name and place["line"] >= 1
    path = h.root / place["path"].split(str(h.root) + "/", 1)[1]
    if place.get("byte_offset") is not None and path.suffix not in (".zip", ".zst") and "message" not in path.parts:
        there = path.read_bytes()[place["byte_offset"]:place["byte_offset"] + place["bytes"]]
        assert source.find.split()[0].encode() in there
    assert not {t.text for t in h.turns if not t.recall} & {r["content"] for r in results}


def nothing_is_new(store, source, h, first):
    again = imported(store, source, h)
    accounted(again)
    assert (again["turns_new"], again["files_read"]) == (0, 0)
    assert again["duplicates"] == first["turns_new"] + first["duplicates"]
    verified = json.loads(store.run("import", "verify", "--json").stdout)
    assert verified["ok"] and verified["files_changed"] == 0


def test_titles(store, tmp_path):
    for name, write in (("codex", codex.whole), ("chronicle-weaver", stores.weaver), ("gemini", gemini.whole),
                        ("opencode", opencode.sqlite), ("opencode-files", opencode.legacy),
                        ("memory-context", memory_context.whole)):
        h = write(tmp_path / name)
        imported(store, SOURCES[name], h)
        found = json.loads(store.run("list", "sessions", "--limit", "100", "--json").stdout)["sessions"]
        assert set(h.titles.values()) <= {s["title"] for s in found}


def test_a_title_that_somebody_gave_stays(store, tmp_path):
    """A tool tells its title with every import; it is new once."""
    h = opencode.sqlite(tmp_path)
    imported(store, SOURCES["opencode"], h)
    session = next(s for s in json.loads(store.run("list", "sessions", "--json").stdout)["sessions"] if s["title"] == "Weaving the red cloth")
    store.run("call", "session.update", session["session_id"], "title=Mine")
    for path in h.root.rglob("*.db"):
        os.utime(path)
    imported(store, SOURCES["opencode"], h)
    found = json.loads(store.run("list", "sessions", "--json").stdout)["sessions"]
    assert "Mine" in {s["title"] for s in found}


# ---- what comes later ----

def test_a_log_that_goes_on(store, tmp_path):
    """Only what was added is read, whatever stands at the log's beginning."""
    h = generic.whole(tmp_path)
    first = imported(store, SOURCES["jsonl"], h)
    added = line({"role": "user", "content": "One more cup", "session": "tea-house"})
    with open(h.root / "chat.jsonl", "ab") as f:
        f.write(added)
    again = imported(store, SOURCES["jsonl"], h)
    assert (again["turns_new"], again["skipped"], again["lines"]) == (1, first["skipped"], first["lines"] + 1)
    assert again["bytes_read"] == len(added)


def test_a_log_of_conversations_that_goes_on(store, tmp_path):
    """A line is several records here; the place is kept all the same."""
    h = generic.History(tmp_path, "jsonl")
    generic.conversations(h)
    assert imported(store, SOURCES["jsonl"], h)["turns_new"] == 7
    for n in range(2):
        added = line({"messages": [{"role": "user", "content": f"And white, {n}?"}, {"role": "assistant", "content": "Also."}]})
        with open(h.root / "training.jsonl", "ab") as f:
            f.write(added)
        again = imported(store, SOURCES["jsonl"], h)
        assert (again["turns_new"], again["lines"], again["bytes_read"]) == (2, 10 + 2 * n, len(added))


def test_a_conversation_that_is_a_long_line(store, tmp_path):
    """Longer than is parsed as a whole: its messages are read one by one, and the place is kept behind it."""
    h = generic.History(tmp_path, "jsonl")
    said = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"{n} " + "leaves and water " * 2000} for n in range(180)]
    h.lines("long.jsonl", [{"title": "Long", "messages": said, "id": "long"}, {"role": "user", "content": "Behind it", "session": "s"}])
    report = imported(store, SOURCES["jsonl"], h)
    accounted(report)
    assert (report["turns_new"], report["skipped"]) == (181, 0)
    assert Counter(t["content"] for t in turns(store)) == Counter([m["content"] for m in said] + ["Behind it"])
    assert len({t["session_id"] for t in turns(store)}) == 2
    with open(h.root / "long.jsonl", "ab") as f:
        f.write(line({"role": "user", "content": "Later", "session": "s"}))
    again = imported(store, SOURCES["jsonl"], h)
    assert (again["turns_new"], again["bytes_read"]) == (1, 53)
    assert "Long" in {s["title"] for s in json.loads(store.run("list", "sessions", "--json").stdout)["sessions"]}


def test_messages_in_a_document(store, tmp_path):
    """An array, or one conversation, in a file that is named by itself."""
    forms = {"array.json": lambda said: said, "one.json": lambda said: {"id": "x", "messages": said},
             "pretty.json": lambda said: [{"messages": said}]}
    for name, form in forms.items():
        said = [{"role": "user", "content": f"Is it in {name}?"}, {"role": "assistant", "content": f"It is, in {name}."}]
        (tmp_path / name).write_text(json.dumps(form(said), indent=2 if name == "pretty.json" else None))
        report = json.loads(store.run("import", str(tmp_path / name), "--json").stdout)
        assert (report["source"], report["turns_new"]) == ("jsonl", 2), name


def test_a_torn_rollout_that_is_completed(store, tmp_path):
    h = codex.History(tmp_path, "codex")
    r = codex.Rollout(h, "torn")
    r.meta()
    r.say("A whole line")
    r.say("A line in two goes")
    whole = [line(x) for x in r.records]
    path = h.file(r.name(), b"".join(whole[:-2]) + whole[-2][:40])
    assert imported(store, SOURCES["codex"], h)["turns_new"] == 1
    with open(path, "ab") as f:
        f.write(whole[-2][40:] + whole[-1])
    report = imported(store, SOURCES["codex"], h)
    accounted(report)
    assert report["turns_new"] == 1
    assert Counter(t["content"] for t in turns(store)) == Counter(["A whole line", "A line in two goes"])
    assert len({t["session_id"] for t in turns(store)}) == 1


def test_a_message_that_grows(store, tmp_path):
    """First there were only words; tools that ran are added later, one by one."""
    h = gemini.History(tmp_path, "gemini")
    call = {"id": "t1", "name": "paint", "args": {"n": 1}}
    lines = [{"sessionId": "s", "projectHash": "x"}, gemini.message("a", "user", "Paint it", 1),
             gemini.message("b", "gemini", "It is blue.", 2)]
    h.lines("tmp/p/chats/session-1.jsonl", lines)
    assert imported(store, SOURCES["gemini"], h)["turns_new"] == 2
    lines.append(gemini.message("b", "gemini", "It is blue.", 2, toolCalls=[call]))
    h.lines("tmp/p/chats/session-1.jsonl", lines)
    imported(store, SOURCES["gemini"], h)
    lines.append(gemini.message("b", "gemini", "It is blue.", 2, toolCalls=[call, {**call, "id": "t2", "args": {"n": 2}}]))
    lines.append(gemini.message("c", "user", "Thanks", 3))
    h.lines("tmp/p/chats/session-1.jsonl", lines)
    accounted(imported(store, SOURCES["gemini"], h))
    words = "\n\n".join(t["content"] for t in turns(store))
    assert {t["project"] for t in turns(store)} == {"p"}  # by the folder's name
    for once in ("It is blue.", '→ paint {"n":1}', '→ paint {"n":2}', "Thanks", "Paint it"):
        assert words.count(once) == 1, words
    assert imported(store, SOURCES["gemini"], h)["turns_new"] == 0


def test_an_answer_that_comes_while_it_is_imported(store, tmp_path):
    """It is one turn, and each import has it as long as it is by then."""
    whole = {tool: " ".join(f"{tool}{n}" for n in range(200)) for tool in ("gemini", "cursor", "opencode")}
    h = gemini.History(tmp_path / "gemini", "gemini")
    lines = [{"sessionId": "s", "projectHash": "x"}, gemini.message("a", "user", "Tell it", 1)]
    for end in (100, 700, len(whole["gemini"])):
        lines.append(gemini.message("b", "gemini", whole["gemini"][:end], 2))
        h.lines("tmp/p/chats/session-1.jsonl", lines)
        accounted(imported(store, SOURCES["gemini"], h))
    lines.append(gemini.message("c", "user", "Thanks", 3))
    h.lines("tmp/p/chats/session-1.jsonl", lines)
    assert imported(store, SOURCES["gemini"], h)["turns_new"] == 1
    c = cursor.History(tmp_path / "cursor", "cursor")
    db = sqlite3.connect(c.path("globalStorage/state.vscdb"))
    db.execute("create table cursorDiskKV (key text unique on conflict replace, value blob)")
    for n, end in enumerate((100, 700, len(whole["cursor"]))):
        db.execute("insert into cursorDiskKV values('bubbleId:c:b', ?)", (json.dumps({"type": 2, "bubbleId": "b", "text": whole["cursor"][:end]}),))
        db.execute("insert into cursorDiskKV values('composerData:c', ?)", (json.dumps({
            "composerId": "c", "createdAt": cursor.at_ms(0), "lastUpdatedAt": cursor.at_ms(n),
            "fullConversationHeadersOnly": [{"bubbleId": "b", "type": 2}]}),))
        db.commit()
        accounted(imported(store, SOURCES["cursor"], c))
    db.close()
    o = opencode.History(tmp_path / "opencode", "opencode")
    for end in (100, 700, len(whole["opencode"])):
        o.json("storage/message/ses_x/msg_1.json", {"id": "msg_1", "sessionID": "ses_x", "role": "assistant",
                                                    "time": {"created": opencode.at_ms(0), "updated": end}})
        o.json("storage/part/msg_1/prt_1.json", {"type": "text", "text": whole["opencode"][:end]})
        accounted(imported(store, SOURCES["opencode"], o))
    by_agent = defaultdict(list)
    for t in turns(store):
        by_agent[t["agent"]].append(t["content"])
    for agent in ("gemini", "cursor", "opencode"):
        assert by_agent[agent] == [whole[agent]], agent


def test_a_database_that_goes_on(store, tmp_path):
    """The tool goes on writing to its log; what is new is taken in, and nothing twice."""
    h = opencode.sqlite(tmp_path, wal=True)
    first = imported(store, SOURCES["opencode"], h)
    later = 10_000_000_000_000
    h.open.execute("insert into message values('msg_later','ses_sqlite',?,?,?)",
                   (later, later, json.dumps({"role": "user", "time": {"created": later}})))
    h.open.execute("insert into part values('prt_later','msg_later','ses_sqlite',?,?,?)",
                   (later, later, json.dumps({"type": "text", "text": "And a blue border?"})))
    h.open.commit()
    report = imported(store, SOURCES["opencode"], h)
    h.open.close()
    assert report["turns_new"] == 1
    assert len(turns(store)) == first["turns_new"] + 1


def test_prompts_are_stored_once_with_their_transcript(store, tmp_path):
    """A prompt is in the transcript and in the list of prompts, some milliseconds apart."""
    h = claude_folders.History(tmp_path, "claude-code")
    s = claude_folders.Session(h, "both", cwd="/home/ada/mill", clock=100)
    s.user("In the transcript too")
    s.user("yes")
    s.user("yes")
    s.write()
    h.lines("history.jsonl", [
        {"display": text, "pastedContents": {}, "timestamp": claude_folders.at_ms(clock) - 40, "project": "/home/ada/mill",
         "sessionId": s.id} for text, clock in (("In the transcript too", 101), ("yes", 102), ("yes", 103), ("Only here", 104))])
    report = imported(store, SOURCES["claude-folders"], h)
    accounted(report)
    assert Counter(t["content"] for t in turns(store)) == Counter(["In the transcript too", "yes", "yes", "Only here"])
    assert (report["turns_new"], report["duplicates"]) == (4, 3)
    assert len({t["session_id"] for t in turns(store)}) == 1


# ---- where they usually are ----

def test_everything_that_is_found(store, tmp_path):
    """Each tool's files in their usual places, below the home folder: all are found, and nothing is asked with --yes."""
    home = tmp_path / "home"
    found = {"claude-code": claude_folders.whole(home / ".claude"), "codex": codex.whole(home / ".codex"),
             "gemini": gemini.whole(home / ".gemini"), "opencode": opencode.sqlite(home / ".local/share/opencode"),
             "cursor": cursor.whole(home / ".config/Cursor/User")}
    private = {"HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "CODEX_HOME": "", "CLAUDE_CONFIG_DIR": ""}
    store.run("import", "--yes", "--json", env=private)
    got = Counter(t["content"] for t in turns(store))
    assert got == sum((Counter(t.text for t in h.turns) for h in found.values()), Counter())


SAMPLES = ROOT.parent / "shared" / "data" / "agent-history" / "chat-exports"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
@pytest.mark.parametrize("name,least", [("chatgpt", 9), ("claude-ai", 9)])
def test_real_exports(store, name, least):
    """Conversations saved one by one, beside files that are none."""
    before = manifest(SAMPLES)
    report = json.loads(store.run("import", name, str(SAMPLES), "--json").stdout)
    accounted(report)
    assert report["turns_new"] >= least and "damaged" not in report["skipped_by_reason"]
    again = json.loads(store.run("import", name, str(SAMPLES), "--json").stdout)
    assert (again["turns_new"], again["files_read"]) == (0, 0)
    assert manifest(SAMPLES) == before


# ---- a file by itself ----

@pytest.mark.parametrize("name,file", [("codex", "archived_sessions/*.jsonl"), ("jsonl", "chat.jsonl"),
                                       ("chatgpt", "conversations.json"), ("chatgpt-zip", "export.zip"),
                                       ("claude-ai", "conversations.json"), ("claude-ai-zip", "export.zip"),
                                       ("gemini", "tmp/new/chats/*.jsonl"), ("opencode", "opencode.db"),
                                       ("cursor", "globalStorage/state.vscdb"),
                                       ("memory-context", "dedup_state/unique_messages.jsonl"), ("ccc", ".cccmemory.db"),
                                       ("chronicle-weaver", "data/chronicle_weaver.db")])
def test_a_file_tells_what_it_is(store, tmp_path, name, file):
    h = SOURCES[name].write(tmp_path)
    path = sorted(h.root.glob(file))[0]
    report = json.loads(store.run("import", str(path), "--json").stdout)
    assert report["source"] == SOURCES[name].name
    assert report["turns_new"] > 0 and report["files"] == 1


# ---- what is not to happen ----

@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
@pytest.mark.parametrize("name", ["opencode-log", "cursor-log", "chatgpt-zip", "codex", "claude-folders"])
def test_nothing_is_written_at_the_source(store, tmp_path, name):
    """Databases most of all: no side file, no lock, no time changed."""
    source, trace = SOURCES[name], tmp_path / "trace"
    h = source.write(tmp_path / "source")
    before = manifest(h.root)
    subprocess.run(["strace", "-f", "-y", "-o", str(trace), "-e",
                    "trace=file,write,pwrite64,ftruncate,fchmod,fchown,flock,fcntl,futimesat,utimensat",
                    binary(), "import", source.name, str(h.root), "--data", str(store.data), "--json"],
                   check=True, capture_output=True, timeout=120, env={**key_of_tests(), "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"})
    assert manifest(h.root) == before
    if getattr(h, "open", None):
        h.open.close()
    calls = [c for c in trace.read_text(errors="replace").split("\n") if str(h.root) in c]
    assert any("openat" in c for c in calls), "the source was read"
    wrong = [c for c in calls if any(w in c for w in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "unlink", "rename", "mkdir",
                                                      "chmod", "chown", "utime", "truncate", "F_SETLK", "flock(", " link("))
             or " write(" in c or "pwrite64(" in c]
    assert wrong == []
    opened = [c for c in calls if re.search(r"\bopen(at)?\(", c)]
    assert not any(private in c for c in opened for private in h.left_alone)


def test_a_hostile_zip(store, tmp_path):
    """Names that lead elsewhere are never used; a zip that is none is a damaged record."""
    h = exports.chatgpt(tmp_path / "in" / "source", zipped=True)
    (h.root / "broken.zip").write_bytes(b"PK\3\4 and nothing else")
    report = imported(store, SOURCES["chatgpt"], h)
    assert report["skipped_by_reason"]["damaged"] == 1
    assert report["turns_new"] == len(h.turns)
    assert not list(tmp_path.rglob("escape.json"))


def test_what_a_terminal_showed_tells_itself(store, tmp_path):
    export = tmp_path / "2026-03-01-talk.txt"
    export.write_text(" ▐▛███▜▌   Claude Code v2.0.1\r\n\r\n> Which way to\r\n  the ferry?\r\n\r\n⏺ Down the hill.\r\n")
    report = json.loads(store.run("import", str(export), "--json").stdout)
    assert (report["source"], report["turns_new"]) == ("memory-context", 2)
    assert {t["content"] for t in turns(store)} == {"Which way to\nthe ferry?", "Down the hill."}


def test_a_file_of_something_else(store, tmp_path):
    """What it is, or that nobody knows, is said in words."""
    exports.chatgpt(tmp_path / "source", zipped=True)
    export = tmp_path / "source" / "export.zip"
    (tmp_path / "other.zip").write_bytes(b"PK\3\4 and nothing else")
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as z:
        z.writestr("letter.txt", "Dear Ada")
    said = store.run("import", "claude-ai", str(export)).stdout
    assert f"looks like ChatGPT export: cairn import chatgpt {export}" in said
    report = json.loads(store.run("import", "chatgpt", str(tmp_path / "letters.zip"), "--json").stdout)
    assert report["skipped_by_reason"] == {"unknown": 1}
    done = store.run("import", str(tmp_path / "other.zip"), check=False)
    assert done.returncode == 2 and "say which" in done.stderr


@pytest.mark.skipif(not shutil.which("zip"), reason="zip is not here")
def test_a_zip_with_a_password(store, tmp_path):
    h = exports.chatgpt(tmp_path / "source")
    subprocess.run(["zip", "-q", "-P", "none", "locked.zip", "conversations.json"], cwd=h.root, check=True)
    report = json.loads(store.run("import", "chatgpt", str(h.root / "locked.zip"), "--json").stdout)
    assert report["skipped_by_reason"] == {"encrypted": 1} and report["turns_new"] == 0


def test_results_of_tools_stand_with_their_calls(store, tmp_path):
    imported(store, SOURCES["claude-ai"], exports.claude(tmp_path))
    tools = [t["metadata"]["tools"] for t in turns(store) if t["metadata"].get("tools")]
    assert tools == [[{"name": "ruler", "result": "40 m"}]]


def test_a_bomb(store, tmp_path):
    """A zip that unpacks to much more than it is: given up, the rest is read."""
    h = exports.chatgpt(tmp_path / "source")
    with zipfile.ZipFile(h.root / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        with z.open("conversations.json", "w", force_zip64=True) as f:
            f.write(b"[")
            for _ in range(1100):
                f.write(b" " * (1 << 20))
    report = imported(store, SOURCES["chatgpt"], h)
    assert (report["files_failed"], report["turns_new"]) == (1, len(h.turns))


def test_what_is_private_is_opened_by_no_format(store, tmp_path):
    names = [".credentials.json", ".claude.json", ".env", "settings.json", "settings.local.json", "auth.json", "oauth_creds.json",
             "token.json", "google_accounts.json", "chats/settings.json", "plans/.credentials.md", "session-env/s/.env",
             "storage/message/s/auth.json", "exports/credentials.txt"]
    for name in names:
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"role":"user","content":"never-read-this-token"}')
    opened = []
    for name in sorted({s.name for s in SOURCES.values()}):
        trace = tmp_path / "trace"
        subprocess.run(["strace", "-f", "-y", "-o", str(trace), "-e", "trace=open,openat", binary(), "import", name,
                        str(tmp_path / "source"), "--data", str(store.data), "--json"], check=True, capture_output=True,
                       timeout=120, env={**key_of_tests(), "PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"})
        opened += [(name, c) for c in trace.read_text(errors="replace").split("\n") if str(tmp_path / "source") in c
                   and any(f'"{private.split("/")[-1]}"' in c for private in names)]
    assert opened == []


# ---- the same again, and not the same ----

def test_files_that_were_only_touched(store, tmp_path):
    """A copy of all, with other times, brings nothing new, not even what was erased."""
    h = claude_folders.whole(tmp_path / "source")
    imported(store, SOURCES["claude-folders"], h)
    plan = next(t for t in turns(store) if "brave wheel" in t["content"])
    store.run("forget", "turn", plan["turn_id"], "--yes", check=False)
    for path in h.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1_700_000_000, 1_700_000_000))
    report = imported(store, SOURCES["claude-folders"], h)
    assert report["turns_new"] == 0


def test_logs_of_the_same_name(store, tmp_path):
    """Two chats without ids, times and sessions, in two folders: two sessions, each whole."""
    h = generic.History(tmp_path, "jsonl")
    for name in ("one", "two"):
        h.lines(f"{name}/chat.jsonl", [{"role": "user", "content": "hi"}, {"role": "assistant", "content": f"hello {name}"},
                                       {"role": "user", "content": "hi"}])
    report = imported(store, SOURCES["jsonl"], h)
    assert report["turns_new"] == 6
    assert by_session((t["session_id"], t["content"]) for t in turns(store)) == Counter(
        [frozenset({("hi", 2), ("hello one", 1)}), frozenset({("hi", 2), ("hello two", 1)})])
    path = h.root / "one" / "chat.jsonl"
    path.write_bytes(line({"role": "system", "content": "a line at the top"}) + path.read_bytes())
    report = imported(store, SOURCES["jsonl"], h)
    assert (report["turns_new"], report["duplicates"]) == (1, 6)


def test_conversations_of_a_store_of_hashes_are_whole(store, tmp_path):
    h = memory_context.History(tmp_path, "memory-context")
    for name in ("one", "two"):
        h.file(f"exports/{name}.txt", "> yes\n\n⏺ yes\n\n> yes\n")
    h.lines("dedup_state/unique_messages.jsonl", [memory_context.message("yes", 1), memory_context.message("no", 2)])
    report = imported(store, SOURCES["memory-context"], h)
    assert (report["turns_new"], report["duplicates"]) == (7, 1)
    assert Counter(t["content"] for t in turns(store)) == Counter({"yes": 6, "no": 1})


def test_a_paste_that_is_asked_for_too_often(store, tmp_path):
    h = claude_folders.History(tmp_path, "claude-code")
    h.file("paste-cache/ab.txt", "x y " * 250_000)
    h.lines("history.jsonl", [
        {"display": "[Pasted text #1] " * 3000, "pastedContents": {"1": {"id": 1, "type": "text", "contentHash": "ab"}},
         "timestamp": 1772000000000, "project": "/p", "sessionId": "s"},
        {"display": "and on", "timestamp": 1772000001000, "project": "/p", "sessionId": "s"}])
    report = imported(store, SOURCES["claude-folders"], h)
    accounted(report)
    assert report["turns_new"] == 2
    assert {t["content"][:6] for t in turns(store)} == {"x y x ", "and on"}


def test_characters_change_and_names_stay(store, tmp_path):
    """A later state takes the place of the one before; what has a name that somebody uses here is left as it is."""
    store.run("call", "agent.create", "name=narrator", "display_name=Mine")
    h = stores.weaver(tmp_path)
    report = imported(store, SOURCES["chronicle-weaver"], h)
    accounted(report)
    assert report["duplicates"] == 1  # the narrator
    path = h.root / "data/chronicle_weaver.db"
    db = sqlite3.connect(path)
    db.execute("update character_states set current_mood='furious', last_seen='2026-03-02 09:00:00' where name='Mira'")
    db.execute("insert into messages(id,conversation_id,role,content,timestamp) values(99,3,'user','And on','2026-03-02 09:00:00')")
    db.commit()
    db.close()
    report = imported(store, SOURCES["chronicle-weaver"], h)
    accounted(report)
    assert report["turns_new"] == 2

    def of(kind):
        found = json.loads(store.run("list", kind, "--json").stdout)
        return found if isinstance(found, list) else found[kind]

    assert Counter((c["name"], c["current_mood"]) for c in of("characters")) == Counter([("Mira", "furious"), ("Tam", None), ("Giant", None)])
    assert {a["display_name"] for a in of("agents") if a["name"] == "narrator"} == {"Mine"}
    mira = next(c["id"] for c in of("characters") if c["name"] == "Mira")
    store.run("forget", "character", mira, "--yes", check=False)
    os.utime(path)
    assert imported(store, SOURCES["chronicle-weaver"], h)["turns_new"] == 0


def test_numbers_of_two_databases(store, tmp_path):
    """The same numbers in both, and nothing of one is taken for a part of the other."""
    for name, day, said in (("one", "2026-03-01", "The first caravan"), ("two", "2026-04-01", "The second caravan")):
        h = stores.History(tmp_path / name, "chronicle-weaver")
        db = sqlite3.connect(h.path("data/chronicle_weaver.db"))
        db.executescript("""
            create table conversations(id integer primary key, title text, created_at datetime, summary text);
            create table messages(id integer primary key, conversation_id integer, role text, content text, timestamp datetime);
            create table character_states(id integer primary key, name text, conversation_id integer);
        """)
        db.execute("insert into conversations values(1, 'Road', ?, null)", (f"{day} 09:00:00.000000",))
        db.execute("insert into messages values(1, 1, 'user', ?, ?)", (said, f"{day} 09:00:01"))
        db.execute("insert into character_states values(1, 'Mira', 1)")
        db.commit()
        db.close()
        assert imported(store, SOURCES["chronicle-weaver"], h)["turns_new"] == 2
    assert len({t["session_id"] for t in turns(store)}) == 2


def test_copies_that_another_memory_keeps(store, tmp_path):
    """CCC's rows have the ids of the lines they were made of: what was imported from these is known."""
    h = claude_folders.History(tmp_path / "claude", "claude-code")
    s = claude_folders.Session(h, "copied", sid=stores.SESSION)
    s.user("How thick is the dam?")
    s.assistant({"type": "text", "text": "Nine metres"}, {"type": "text", "text": "at its foot."})
    for n, record in enumerate(s.records, 1):
        record["uuid"] = stores.uid("ccc", n)
    s.write()
    assert imported(store, SOURCES["claude-folders"], h)["turns_new"] == 2
    copies = stores.ccc(tmp_path / "ccc")
    report = imported(store, SOURCES["ccc"], copies)
    assert (report["turns_new"], report["duplicates"]) == (len(copies.turns) + len(copies.others) - 2, 2)
