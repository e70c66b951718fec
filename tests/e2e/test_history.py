"""Importing Claude Code's transcripts (issue 6): every record is accounted for, nothing is stored twice, a killed import
goes on where it was, sources stay as they were, and what was imported is recalled."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter

import pytest
from conftest import ROOT, binary, eventually, key_of_tests
from histories import EMPTY, History, METADATA, at, manifest, uid, worst
from histories.claude import Session, text, thinking, tool_result, tool_use

NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0"}  # that look does not go with strace
SAMPLES = ROOT.parent / "shared" / "data" / "agent-history"
PROMPTS = ROOT / "tests" / "labelled" / "prompts.jsonl"


@pytest.fixture
def store(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


def imported(store, root, *args):
    return json.loads(store.run("import", "claude-code", str(root), "--json", *args, timeout=300).stdout)


def listed(store, kind, *args):
    page = json.loads(store.run("list", kind, "--limit", "1000", "--json", *args).stdout)
    page = page if isinstance(page, list) else page[kind]
    assert len(page) < 1000, "more than a page"
    return page


def turns(store):
    """Oldest first within each conversation."""
    return sorted(listed(store, "turns"), key=lambda t: (t["conversation_id"], t["turn_number"]))


def said(store, role=None):
    return [t["content"] for t in turns(store) if role in (None, t["role"])]


def told(store):
    """All that is kept of each turn, but for its names."""
    return [(t["role"], t["agent"], t["content"], t["timestamp"], t["metadata"]) for t in turns(store)]


def restored(store, session):
    return store.run("restore-session", session).stdout


def accounted(report):
    assert report["records"] == report["turns_new"] + report["duplicates"] + report["skipped"]
    assert report["lines"] == report["records"] + report["merged"]
    assert sum(report["skipped_by_reason"].values()) == report["skipped"]


def matches(store, h, report):
    """What was imported is what the generator wrote."""
    accounted(report)
    assert Counter(said(store)) == Counter(t.text for t in h.turns)
    assert report["turns_new"] == len(h.turns)
    assert Counter(report["skipped_by_reason"]) == h.skipped
    assert (report["merged"], report["duplicates"]) == (h.merged, h.duplicates)


def known_again(store, root, first):
    again = imported(store, root)
    accounted(again)
    assert (again["turns_new"], again["files_read"]) == (0, 0)
    assert again["duplicates"] == first["turns_new"] + first["duplicates"]
    assert (again["lines"], again["skipped"]) == (first["lines"], first["skipped"])


# ---- real transcripts ----

@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")
def test_real_samples(store, tmp_path):
    before = manifest(SAMPLES)
    report = imported(store, SAMPLES)
    lines = sum(p.read_bytes().count(b"\n") + (not p.read_bytes().endswith(b"\n")) for p in SAMPLES.rglob("*.jsonl"))
    lines += sum(len(json.loads(p.read_text())["entries"]) for p in SAMPLES.rglob("sessions-index.json"))
    accounted(report)
    assert report["lines"] == lines > 6000
    assert set(report["skipped_by_reason"]) == {METADATA, EMPTY} and report["skipped_by_reason"][EMPTY] == 1
    assert json.loads(store.run("stats", "--json").stdout)["total_messages"] == report["turns_new"] > 2500
    known_again(store, SAMPLES, report)
    assert manifest(SAMPLES) == before
    verified = json.loads(store.run("import", "verify", "--json").stdout)
    assert verified["ok"] and verified["files_changed"] == 0 and verified["files"] == report["files_read"]
    assert "no problems found" in store.run("doctor").stdout


def labelled():
    return [json.loads(line) for line in PROMPTS.read_text().split("\n") if line]


def test_human_prompts_are_told_from_all_else(store, tmp_path):
    """Each line in a file of its own, so that none explains another."""
    lines = labelled()
    assert len(lines) >= 60
    for i, one in enumerate(lines):
        folder = tmp_path / "claude" / "projects" / f"p{i}"
        folder.mkdir(parents=True)
        (folder / f"{uid('prompt', i)}.jsonl").write_text(json.dumps(one["line"]) + "\n")
    report = imported(store, tmp_path / "claude")
    accounted(report)
    found = Counter(t["content"].strip() for t in turns(store) if t["role"] == "user")
    wanted = Counter(one["text"].strip() for one in lines if one["human"])
    assert found == wanted, (found - wanted, wanted - found, [o["why"] for o in lines if o.get("text", "").strip() in found - wanted])


# ---- one message, one turn ----

def test_blocks_of_one_message_are_one_turn(store, tmp_path):
    h = History(tmp_path, "claude-code")
    s = Session(h, "blocks")
    s.user("Mill the rye")
    s.assistant(thinking("The stones are dull"), text("I look at the stones."), tool_use("Bash", {"command": "ls stones"}),
                usage=(10, 3), stop="tool_use")
    s.user([tool_result("two dull stones")], text="two dull stones")
    s.assistant(text("Both are dull."), text("Sharpen them."))
    s.write()
    report = imported(store, tmp_path)
    accounted(report)
    assert (report["turns_new"], report["merged"]) == (4, 3)
    got = turns(store)
    assert [(t["role"], t["agent"]) for t in got] == [("user", "user"), ("assistant", "claude-code"), ("tool", "claude-code"),
                                                      ("assistant", "claude-code")]
    answer = got[1]
    assert answer["content"] == 'I look at the stones.\n\n→ Bash {"command":"ls stones"}'
    m = answer["metadata"]
    assert (m["model"], m["usage"]["output_tokens"], m["stop_reason"]) == ("claude-opus-4-5", 5, "tool_use")
    assert m["thinking"] == "The stones are dull" and m["tools"] == [{"name": "Bash", "id": "toolu_1"}]
    assert (m["cwd"], m["branch"], m["version"]) == ("/home/ada/mill", "main", "2.1.40")
    assert got[2]["metadata"]["tools"] == [{"id": "toolu_1"}]
    assert got[3]["content"] == "Both are dull.\n\nSharpen them."
    assert {t["project"] for t in got} == {"mill"}


def test_an_answer_of_a_tool_between_two_lines_of_a_message(store, tmp_path):
    h = History(tmp_path, "claude-code")
    s = Session(h, "between")
    s.user("Both at once")
    s.assistant(text("First."), mid="msg_x")
    s.user([tool_result("of the first")], text="of the first")
    s.assistant(text("Second."), mid="msg_x")
    s.write()
    assert imported(store, tmp_path)["turns_new"] == 3
    assert said(store) == ["Both at once", "First.\n\nSecond.", "of the first"]


def test_sessions_conversations_and_titles(store, tmp_path):
    h = History(tmp_path, "claude-code")
    s = Session(h, "titled")
    s.user("Build a weir")
    s.records.append({"type": "ai-title", "aiTitle": "A weir of oak", "sessionId": s.id})
    s.write()
    agent = Session(h, "agent", sid=s.id)
    agent.user("Look for oak", isSidechain=True, agentId="a1")
    agent.assistant(text("There is oak."), isSidechain=True, agentId="a1")
    h.lines(f"projects/-home-ada-mill/{s.id}/subagents/agent-a1.jsonl", agent.records)
    imported(store, tmp_path)
    (session,) = listed(store, "sessions")
    assert session["title"] == "A weir of oak" and session["user_preferences"]["memory_retention_days"] == 0
    conversations = listed(store, "conversations")
    assert sorted(c["directive"] for c in conversations) == ["A weir of oak", "Look for oak"]
    assert {t["role"] for t in turns(store) if t["content"] == "Look for oak"} == {"assistant"}
    sources = listed(store, "sources")
    assert {x["record_id"] for x in sources} == {c["id"] for c in conversations}
    assert json.loads(store.run("export", session["id"], "--format", "jsonl").stdout.split("\n")[1])["title"] == "A weir of oak"


def test_replayed_context_is_stored_and_left_out_of_recall(store, tmp_path):
    h = History(tmp_path, "claude-code")
    s = Session(h, "replayed")
    s.user("The sluice is made of larch")
    s.user("Summary so far: the quokka sluice", isCompactSummary=True)
    s.user("A reminder of the quokka", isMeta=True)
    s.write()
    a = Session(h, "compacting", sid=s.id)
    a.user("Replay of the quokka for compaction", isSidechain=True)
    h.lines(f"projects/-home-ada-mill/{s.id}/subagents/agent-acompact-1f.jsonl", a.records)
    assert imported(store, tmp_path)["turns_new"] == 4
    recall = json.loads(store.run("recall", "quokka", "--json").stdout)
    assert not [r for r in recall["results"] if "quokka" in r["content"]]
    assert [r["content"] for r in json.loads(store.run("recall", "larch sluice", "--json").stdout)["results"]] == [
        "The sluice is made of larch"]


# ---- what is broken, large or odd ----

WORST = {"padded": worst.padded, "backwards": worst.backwards, "broken_text": worst.broken_text,
         "odd_names": worst.odd_names, "interleaved": worst.interleaved,
         "repeated": lambda root: worst.repeated_lines(root, 1_000_000), "many": lambda root: worst.many(root, 300)}


@pytest.mark.parametrize("name", WORST)
def test_worst_cases(store, tmp_path, name):
    h = WORST[name](tmp_path / "claude")
    report = imported(store, h.root)
    matches(store, h, report)
    known_again(store, h.root, report)


@pytest.mark.parametrize("where", ["image", "output", "prompt"])
def test_one_huge_line(store, tmp_path, where):
    h = worst.huge_line(tmp_path / "claude", 9_000_000, where)
    report = imported(store, h.root)
    accounted(report)
    got = said(store)
    assert got[0] == "Before the huge line" and got[-1] == "After the huge line"
    middle = next(t for t in turns(store) if t["turn_number"] not in (1, len(got)) and t["role"] != "assistant")
    if where == "image":
        assert middle["content"] == "A picture of the weir" and middle["metadata"]["attachments"] == ["image/png"]
    else:
        assert middle["metadata"]["cut"] is True and 900_000 <= len(middle["content"]) <= 1 << 20


def test_a_torn_line_is_read_when_it_is_whole(store, tmp_path):
    h, complete = worst.torn(tmp_path / "claude")
    first = imported(store, h.root)
    accounted(first)
    assert said(store) == [t.text for t in h.turns]
    complete()
    second = imported(store, h.root)
    accounted(second)
    assert second["turns_new"] == 1 and said(store) == [t.text for t in h.turns]
    again = imported(store, h.root)
    assert (again["lines"], again["duplicates"]) == (2, 2)


def test_resumed_sessions_are_stored_once(store, tmp_path):
    h = worst.resumed(tmp_path / "claude")
    report = imported(store, h.root)
    matches(store, h, report)
    known_again(store, h.root, report)


def test_a_file_that_grows_while_it_is_read(store, tmp_path):
    g = worst.Growing(tmp_path / "claude")
    for _ in range(4):
        for _ in range(5):
            g.step()
        report = imported(store, g.h.root)
        accounted(report)
        assert report["turns_new"] in (5, 6)
    g.close()
    assert said(store) == [t.text for t in g.h.turns]


def test_a_file_that_is_written_anew(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "anew")
    s.user("Kept")
    s.user("Dropped from the file later")
    s.write()
    imported(store, h.root)
    del s.records[1]
    s.user("Written instead")
    s.write()
    report = imported(store, h.root)
    accounted(report)
    assert (report["turns_new"], report["duplicates"]) == (1, 1)
    assert len(said(store)) == 3


def test_a_word_said_twice_is_two_turns(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "twice")
    s.user("yes")
    s.user("yes")
    for r in s.records:  # and without ids of their own
        del r["uuid"]
    s.write()
    assert imported(store, h.root)["turns_new"] == 2
    shutil.copy(h.root / s.path(), tmp_path / "claude" / "projects" / "-home-ada-mill" / "copy.jsonl")
    # another name is another session, so without ids these are its own
    assert imported(store, h.root)["turns_new"] == 2


def test_links(store, tmp_path):
    h = worst.links(tmp_path)
    report = imported(store, h.root)
    matches(store, h, report)
    assert "never-read-this-link" not in "".join(said(store))


# ---- harm nothing ----

def test_private_files_are_left_alone(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    Session(h, "beside").user("hello")
    for name in (".credentials.json", "settings.json", "settings.local.json", "backups/x.jsonl"):
        h.secret(name, "{}")
        os.chmod(h.root / name, 0)
    s = Session(h, "s")
    s.user("Only this")
    s.write()
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-o", str(trace), "-e", "trace=file,desc"] if shutil.which("strace") else []
    done = subprocess.run([*command, binary(), "import", "claude-code", str(h.root), "--json", "--data", str(store.data)],
                          capture_output=True, text=True, env={**os.environ, **key_of_tests(), **NO_LEAKS})
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["files_left_alone"] == 4 and report["turns_new"] == 1
    left = {f["path"] for f in json.loads(store.run("import", "manifest", "--json").stdout)["files"] if f["status"] == "left"}
    assert left == {name.split("/")[0] for name in h.left_alone}
    if command:
        calls = [c for c in trace.read_text(errors="replace").splitlines() if "open" in c]
        assert any(s.id in c for c in calls)
        assert not [c for c in calls if any(f'"{part}"' in c for name in h.left_alone for part in name.split("/"))]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not here")
def test_nothing_is_written_below_the_source(store, tmp_path):
    h = worst.many(tmp_path / "claude", 20)
    before = manifest(h.root)
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-f", "-o", str(trace), "-y", "-e", "trace=file,desc,write,pwrite64,ftruncate,fchmod,fchown",
                    binary(), "import", "claude-code", str(h.root), "--data", str(store.data)], check=True,
                   capture_output=True, env={**os.environ, **key_of_tests(), **NO_LEAKS})
    touched = [c for c in trace.read_text(errors="replace").splitlines() if str(h.root) in c]
    assert touched
    harm = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "rename", "unlink", "mkdir", "chmod", "chown", "utime", "truncate",
            "write(", " link(", "symlink(", "mknod", "setxattr")
    assert not [c for c in touched if any(x in c for x in harm)]
    assert manifest(h.root) == before
    verified = json.loads(store.run("import", "verify", "--json").stdout)
    assert (verified["ok"], verified["files_same"]) == (True, 20)
    victim = next(h.root.rglob("*.jsonl"))
    victim.write_bytes(victim.read_bytes().replace(b"line 0", b"LINE 0"))
    done = store.run("import", "verify", "--json", check=False)
    verified = json.loads(done.stdout)
    assert (done.returncode, verified["ok"], verified["files_changed"]) == (1, False, 1)


# ---- stops, samples ----

def state(store):
    """Every session's export, and the manifest, without the times of storing."""
    records = []
    for session in sorted(listed(store, "sessions"), key=lambda x: x["id"]):
        for line in store.run("export", session["id"], "--format", "jsonl").stdout.split("\n"):
            r = json.loads(line) if line else {}
            if r.get("kind") in ("session", "conversation", "turn"):
                records.append({k: v for k, v in r.items() if k not in ("updated_at", "last_active", "version", "attached")})
    return records, json.loads(store.run("import", "manifest", "--json").stdout)["files"]


@pytest.mark.slow  # a dozen processes are killed
def test_killed_imports_end_as_an_undisturbed_one(make_cairn, tmp_path):
    h = worst.repeated_lines(tmp_path / "claude", 8_000_000, share=0.5)
    worst.resumed(tmp_path / "claude", 6)
    calm, killed = make_cairn("calm", start=False), make_cairn("killed", start=False)
    imported(calm, h.root)
    command = [binary(), "import", "claude-code", str(h.root), "--data", str(killed.data)]
    kills = 0
    for i in range(40):
        p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **key_of_tests()})
        time.sleep(0.05 + 0.03 * i)
        if p.poll() is None:
            p.kill()
            kills += 1
        if p.wait() == 0:
            break
    assert kills >= 3
    imported(killed, h.root)
    assert state(killed) == state(calm)
    assert "no problems found" in killed.run("doctor").stdout


def test_dry_run_limit_and_since(store, tmp_path):
    h = worst.many(tmp_path / "claude", 10, each=4)
    dry = imported(store, h.root, "--dry-run")
    assert (dry["turns_new"], dry["lines"]) == (40, 40)
    assert listed(store, "sessions") == []
    sample = imported(store, h.root, "--limit", "7")
    assert 7 <= sample["turns_new"] <= 8
    late = imported(store, h.root, "--since", at(3))
    accounted(late)
    assert late["skipped_by_reason"]["older"] > 0
    rest = imported(store, h.root)
    assert rest["turns_new"] > 0 and len(said(store)) == 40
    known_again(store, h.root, rest)


# ---- after it ----

def test_recall_and_chat_use_it_with_file_and_line(make_cairn, upstream, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "fact")
    s.user("How wide is the weir?")
    s.assistant(text("The weir at Hartlepool is seventeen ells wide."))
    s.write()
    cairn = make_cairn()
    imported(cairn, h.root)
    found = eventually(lambda: cairn.post("/api/v2/recall", {"query": "How wide is the weir at Hartlepool?"})["results"])
    hit = next(r for r in found if "seventeen ells" in r["content"])
    assert hit["source"]["path"].endswith(f"{s.id}.jsonl") and hit["source"]["line"] == 2
    cairn.http.post("/v1/chat/completions", headers={"X-Cairn-Session": "another"},
                    json={"model": "m", "messages": [{"role": "user", "content": "How wide is the weir at Hartlepool?"}]})
    sent = json.dumps(upstream.requests()[-1]["json"])
    assert "seventeen ells" in sent and f"{s.id}.jsonl:2" in sent
    shown = cairn.run("show", "turn", hit["id"], "--source").stdout
    assert f"{s.id}.jsonl:2" in shown


def test_what_was_erased_does_not_come_back(make_cairn, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "erased")
    s.user("The secret of the mill is a hidden wheel")
    s.write()
    cairn = make_cairn()
    imported(cairn, h.root)
    (session,) = cairn.get("/api/v1/sessions")
    cairn.http.delete(f"/api/v1/sessions/{session['session_id']}").raise_for_status()
    s.user("Said after it was deleted")
    s.write()
    report = imported(cairn, h.root)
    accounted(report)
    assert report["turns_new"] == 0 and report["skipped_by_reason"] == {"deleted": 1}
    assert cairn.get("/api/v1/sessions") == []


def test_what_is_imported_is_masked(store, tmp_path):
    key = "ghp_" + "Zk3Qw8Rt5Yu2Io9Pa4Sd7Fg1Hj6Kl0Zx3CvB"
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "masked", cwd="/home/ada.lovelace@example.com/mill")
    s.user(f"The token is {key} and my address ada.lovelace@example.com")
    s.assistant(tool_use("Bash", {"command": f"curl -H 'Authorization: Bearer {key}' x"}))
    s.write()
    imported(store, h.root)
    store.run("doctor")
    everything = b"".join(p.read_bytes() for p in store.data.rglob("*") if p.is_file())
    assert key.encode() not in everything and b"ada.lovelace@example.com" not in everything
    assert len(said(store)) == 2


# ---- what was found wrong once ----

def test_what_a_message_grew_by_is_not_lost(store, tmp_path):
    """A copy that was cut off in the middle of a message came first."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "grown")
    s.user("Three blocks, please")
    s.assistant(text("Block a."), text("Block b."), text("Block c."))
    whole = s.records[:]
    s.records = whole[:3]
    s.write()
    imported(store, h.root)
    s.records = whole
    other = tmp_path / "later"
    path = other / s.path()
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in whole))
    accounted(imported(store, other))
    assert said(store, "assistant") == ["Block a.\n\nBlock b.\n\nBlock c."]
    assert imported(store, other)["turns_new"] == 0


def imported_line_by_line(store, session):
    records = session.records[:]
    for n in range(1, len(records) + 1):
        session.records = records[:n]
        session.write()
        imported(store, session.history.root)


def test_a_message_that_comes_line_by_line_is_one_turn(make_cairn, tmp_path):
    """As a watch meets it: each line of a message is told when it is written. In the end all is as if it had come at once."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "growing")
    s.user("Look at the aardvark")
    s.assistant(thinking("Which one?"), text("I look."), tool_use("Read", {"file": "aardvark.md"}), text("It sleeps."),
                tool_use("Bash", {"command": "wake"}, "toolu_2"), mid="msg_look", usage=(10, 3))
    s.user([tool_result("asleep"), tool_result("woken", "toolu_2")], text="asleep\nwoken")
    s.assistant(text("It is awake."), text("It eats ants."), mid="msg_eats")
    whole, bit_by_bit = make_cairn(start=False), make_cairn(start=False)
    imported_line_by_line(bit_by_bit, s)
    imported(whole, h.root)
    assert told(bit_by_bit) == told(whole)
    assert said(whole, "assistant")[-1] == "It is awake.\n\nIt eats ants." and len(turns(whole)) == 4
    assert restored(bit_by_bit, s.id) == restored(whole, s.id)
    assert json.loads(bit_by_bit.run("recall", "ants", "--json").stdout)["results"]
    shown = json.loads(bit_by_bit.run("import", "manifest", "--json").stdout)
    assert shown == json.loads(whole.run("import", "manifest", "--json").stdout)
    assert imported(bit_by_bit, h.root)["turns_new"] == 0
    assert "no problems found" in bit_by_bit.run("doctor").stdout


def test_a_message_that_goes_on_behind_an_answer_is_one_turn(make_cairn, tmp_path):
    """Two tools at once: the second is told when the first has answered."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "parallel")
    s.user("Ask both")
    s.assistant(text("I ask."), tool_use("Bash", {"command": "first"}), mid="msg_both")
    s.user([tool_result("one")], text="one")
    s.assistant(tool_use("Bash", {"command": "second"}, "toolu_2"), mid="msg_both")
    s.user([tool_result("two", "toolu_2")], text="two")
    whole, bit_by_bit = make_cairn(start=False), make_cairn(start=False)
    imported_line_by_line(bit_by_bit, s)
    imported(whole, h.root)
    assert sorted(told(bit_by_bit), key=repr) == sorted(told(whole), key=repr) and len(turns(whole)) == 4
    assert restored(bit_by_bit, s.id) == restored(whole, s.id)


def test_an_erased_message_that_grows_brings_back_only_what_is_new(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "erased")
    s.user("Say three things")
    s.assistant(text("Secret plan."), text("Weather."), text("Tides."))
    whole = s.records[:]
    s.records = whole[:3]
    s.write()
    imported(store, h.root)
    [gone] = [t["turn_id"] for t in turns(store) if t["role"] == "assistant"]
    store.run("forget", "--turn", gone, "--now")
    s.records = whole
    s.write()
    imported(store, h.root)
    assert said(store, "assistant") == ["Tides."]


def test_names_of_files_are_masked(store, tmp_path):
    key = "ghp_" + "Zk3Qw8Rt5Yu2Io9Pa4Sd7Fg1Hj6Kl0Zx3CvB"
    folder = tmp_path / "claude" / "projects" / "-x"
    folder.mkdir(parents=True)
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "named")
    s.user("In a file with a secret name")
    for name in (os.fsencode(key), b"bad\xff"):
        with open(os.fsencode(folder) + b"/" + name + b".jsonl", "wb") as f:
            f.write(b"".join(json.dumps({**r, "uuid": uid(name.hex())}).encode() + b"\n" for r in s.records))
    assert imported(store, h.root)["turns_new"] == 2
    store.run("doctor")
    assert key.encode() not in b"".join(p.read_bytes() for p in store.data.rglob("*") if p.is_file())
    assert len(listed(store, "sessions")) == 2


def test_titles_are_not_words_of_a_turn_and_erased_ones_stay_away(make_cairn, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "titles")
    s.user("The zanzibar plan is on the fridge")
    title = {"type": "custom-title", "customTitle": "Zanzibar by hand", "sessionId": s.id}
    s.write()
    cairn = make_cairn()
    imported(cairn, h.root)
    (session,) = cairn.get("/api/v1/sessions")
    assert "zanzibar" not in session["title"] and session["title"].startswith("mill, 2026-03-01")
    s.records.append(title)
    s.write()
    imported(cairn, h.root)
    (session,) = cairn.get("/api/v1/sessions")
    assert session["title"] == "Zanzibar by hand"
    cairn.run("forget", "--session", session["session_id"], "--now")
    s.records.append(title)
    s.user("Said later")
    s.write()
    imported(cairn, h.root)
    assert "Zanzibar" not in json.dumps(cairn.get("/api/v1/sessions"))


def test_an_export_of_another_store_is_known(make_cairn, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "exported")
    s.user("Once is enough")
    s.write()
    first, second = make_cairn("first", start=False), make_cairn("second", start=False)
    imported(first, h.root)
    (session,) = listed(first, "sessions")
    export = tmp_path / "export.jsonl"
    export.write_text(first.run("export", session["id"], "--format", "jsonl").stdout)
    second.run("import", str(export))
    report = imported(second, h.root)
    accounted(report)
    assert (report["turns_new"], report["duplicates"]) == (0, 1) and said(second) == ["Once is enough"]


def test_counts_of_a_file_with_a_prompt_in_the_queue(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "queued")
    s.user("First")
    s.records.append({"type": "queue-operation", "operation": "enqueue", "content": "Never came", "timestamp": at(9),
                      "sessionId": s.id})
    for i in range(3):
        s.user(f"Then {i}")
    s.write()
    assert imported(store, h.root)["turns_new"] == 5
    s.user("More")
    s.write()
    report = imported(store, h.root)
    accounted(report)
    again = imported(store, h.root)
    assert (report["turns_new"], again["lines"], again["duplicates"]) == (1, 6, 6)


def test_other_names_for_the_same_place(store, tmp_path):
    h = worst.many(tmp_path / "claude", 2)
    first = imported(store, h.root)
    (tmp_path / "link").symlink_to(h.root)
    for name in (f"{h.root}/", f"{h.root}/projects/../", str(tmp_path / "link")):
        again = imported(store, name)
        assert (again["files_read"], again["duplicates"]) == (0, first["turns_new"])
    file = next(h.root.rglob("*.jsonl"))
    (tmp_path / "one.jsonl").symlink_to(file)
    assert imported(store, tmp_path / "one.jsonl")["files"] == 1


def test_links_out_of_the_root_are_not_followed(store, tmp_path):
    h = worst.many(tmp_path / "claude", 1)
    outside = worst.many(tmp_path / "outside", 1)
    (h.root / "x").symlink_to(outside.root)
    (h.root / "disk").symlink_to("/")
    (h.root / "projects" / "disk").symlink_to("/")
    (h.root / "projects" / "above").symlink_to(tmp_path)
    assert imported(store, h.root)["files"] == 1


def test_a_sample_knows_where_its_turns_came_from(store, tmp_path):
    h = worst.many(tmp_path / "claude", 1, each=3)
    imported(store, h.root, "--limit", "1")
    shown = store.run("show", turns(store)[0]["id"], "--source").stdout
    assert shown.strip().startswith(str(next(h.root.rglob("*.jsonl"))))


def test_a_message_of_endless_lines(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "endless")
    s.assistant(*[text(f"{i} " + "endless " * 2000) for i in range(200)], mid="msg_endless")
    s.write()
    report = imported(store, h.root)
    accounted(report)
    words = "".join(said(store))
    assert all(f"{i} endless" in words for i in range(200)) and 2 <= report["turns_new"] <= 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_file_without_end_is_left_when_it_is_asked_for(store, tmp_path, number):
    """Its checksum alone would take minutes; what came before it is stored, and the next import goes on."""
    h = worst.many(tmp_path / "claude", 3)
    path = h.path("projects/-endless/endless.jsonl")
    with open(path, "wb") as f:
        f.truncate(60 << 30)  # takes no room
    os.utime(path, (4e9, 4e9))
    p = subprocess.Popen([binary(), "import", "claude-code", str(h.root), "--data", str(store.data), "--json"],
                         stdout=subprocess.PIPE, env={**os.environ, **key_of_tests(), "CAIRN_MODEL": "off"})
    eventually(lambda: str(path) in open_files(p.pid))
    p.send_signal(number)
    report = json.loads(p.communicate(timeout=30)[0])
    assert p.returncode == 1 and report["stopped"] and report["turns_new"] == len(h.turns)
    path.unlink()
    assert imported(store, h.root)["turns_new"] == 0


def open_files(pid):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            pass
    return found


def test_watch_takes_in_what_is_written(store, tmp_path):
    g = worst.Growing(tmp_path / "claude")
    p = subprocess.Popen([binary(), "watch", "claude-code", str(g.h.root), "--data", str(store.data)], stdout=subprocess.PIPE,
                         text=True, env={**os.environ, **key_of_tests()})
    try:
        assert p.stdout.readline() == "claude-code: 1 turns new\n"
        g.step()
        assert p.stdout.readline() == "claude-code: 1 turns new\n"
        new = Session(g.h, "new folder", cwd="/home/ada/weir")
        new.user("In a folder that was not there")
        new.write()
        assert p.stdout.readline() == "claude-code: 1 turns new\n"
        g.step()
        assert p.stdout.readline() == "claude-code: 1 turns new\n"
    finally:
        p.terminate()
        assert p.wait(20) == 0
    g.close()
    assert Counter(said(store)) == Counter(t.text for t in g.h.turns)
    assert len(json.loads(store.run("import", "status", "--json").stdout)["runs"]) == 4
