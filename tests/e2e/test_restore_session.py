"""Writing an imported session back: a transcript in Claude Code's own form, that says what the session said, and that an
import takes in again as the same."""

import json
from collections import Counter

import pytest
from conftest import ROOT
from histories import History, at, codex, uid, worst
from histories.claude import Session, text, thinking, tool_result, tool_use

SAMPLE = (ROOT.parent / "shared/data/agent-history/claude-code-2.1/docs/examples/claude-history-simple/export/source/session.jsonl")


@pytest.fixture
def store(make_cairn):
    return make_cairn(start=False)


def imported(store, source, path):
    return json.loads(store.run("import", source, str(path), "--json").stdout)


def turns(store):
    found = json.loads(store.run("list", "turns", "--limit", "1000", "--json").stdout)
    return found if isinstance(found, list) else found["turns"]


def restored(store, session):
    return [json.loads(x) for x in store.run("restore-session", session).stdout.strip().split("\n")]


def mill(root):
    h = History(root, "claude-code")
    s = Session(h, "mill")
    s.user("Mill the rye\n\n→ Bash {\"not\":\"a tool\"}")
    s.assistant(thinking("The stones are dull"), text("I look\n\nat the stones."), tool_use("Bash", {"command": "ls"}, "toolu_1"),
                text("And at the sluice."), tool_use("Read", {"file_path": "/w/sluice\n\n.c"}, "toolu_2"), usage=(10, 3), stop="tool_use")
    s.user([tool_result("two dull stones", "toolu_1", error=True)], text="two dull stones")
    s.user("<command-name>/model</command-name>")
    s.user("Go on", isMeta=True)
    s.assistant(text("Both are dull."))
    s.user("Look there", isSidechain=True, agentId="a1")
    s.write()
    return h, s


def test_a_session_says_what_it_said(store, tmp_path):
    h, s = mill(tmp_path)
    imported(store, "claude-code", h.root)
    lines = restored(store, s.id)
    assert [x["type"] for x in lines] == ["user", "assistant", "user", "user", "user", "assistant"]
    assert {x["sessionId"] for x in lines} == {s.id} and {x["cwd"] for x in lines} == {"/home/ada/mill"}
    assert {x["isSidechain"] for x in lines} == {False} and {x["gitBranch"] for x in lines} == {"main"}
    assert lines[0]["parentUuid"] is None
    assert [x["parentUuid"] for x in lines[1:]] == [x["uuid"] for x in lines[:-1]]
    assert lines[0]["uuid"] == s.records[0]["uuid"] and lines[0]["timestamp"] == at(1)
    assert lines[0]["message"] == {"role": "user", "content": "Mill the rye\n\n→ Bash {\"not\":\"a tool\"}"}
    answer = lines[1]["message"]
    assert answer["content"] == [
        text("I look\n\nat the stones."), tool_use("Bash", {"command": "ls"}, "toolu_1"), text("And at the sluice."),
        tool_use("Read", {"file_path": "/w/sluice\n\n.c"}, "toolu_2")]
    assert (answer["model"], answer["stop_reason"], answer["usage"]["output_tokens"]) == ("claude-opus-4-5", "tool_use", 7)
    assert lines[2]["message"]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "two dull stones",
                                               "is_error": True}]
    assert lines[4]["isMeta"] is True and "isMeta" not in lines[3]


def round_trip(make_cairn, store, session, tmp_path):
    """What is restored, imported into an empty store, is the same."""
    lines = store.run("restore-session", session).stdout
    name = json.loads(lines.split("\n")[0])["sessionId"]
    path = tmp_path / "again" / "projects" / "p" / f"{name}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(lines)
    other = make_cairn(name="other", start=False)
    report = imported(other, "claude-code", tmp_path / "again")
    assert "damaged" not in report["skipped_by_reason"] and "unknown" not in report["skipped_by_reason"]
    return other


def by_turn(store, session=None):
    return Counter((t["role"], t["content"].strip(), t["timestamp"]) for t in turns(store) if session in (None, t["session_id"]))


def test_it_comes_in_again_as_it_was(make_cairn, store, tmp_path):
    h, s = mill(tmp_path / "source")
    imported(store, "claude-code", h.root)
    other = round_trip(make_cairn, store, s.id, tmp_path)
    assert by_turn(store) - by_turn(other) == Counter({("assistant", "Look there", at(s.clock)): 1})  # the side chain's
    assert by_turn(other) - by_turn(store) == Counter()
    again = imported(store, "claude-code", tmp_path / "again")
    assert again["turns_new"] == 0


def test_a_resumed_session_is_whole(make_cairn, store, tmp_path):
    """Its file began with the lines of the one before, and that one's with those of another."""
    h = worst.resumed(tmp_path / "source", files=4)
    imported(store, "claude-code", h.root)
    for n in range(4):
        words = [x["message"]["content"] if x["type"] == "user" else x["message"]["content"][0]["text"]
                 for x in restored(store, uid("claude", f"resumed-{n}"))]
        assert words == [t.text for t in h.turns[:2 * (n + 1)]]
    lines = restored(store, uid("claude", "resumed-3"))
    assert {x["sessionId"] for x in lines} == {uid("claude", "resumed-3")}
    assert [x["parentUuid"] for x in lines[1:]] == [x["uuid"] for x in lines[:-1]]


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared samples are not here")
def test_a_real_one(make_cairn, store, tmp_path):
    imported(store, "claude-code", SAMPLE)
    session = turns(store)[0]["session_id"]
    other = round_trip(make_cairn, store, session, tmp_path)
    lost = by_turn(store) - by_turn(other)
    assert all(role == "system" for role, _, _ in lost)  # notes of the tool's own
    assert by_turn(other) - by_turn(store) == Counter()
    assert sum(by_turn(other).values()) > 150


def test_lines_of_the_tool_itself(store, tmp_path):
    h = History(tmp_path, "claude-code")
    s = Session(h, "own")
    s.user("Which tools are there?")
    for subtype in ("local_command", "informational", "away_summary"):
        s.envelope("system", subtype=subtype, content=f"Said by the tool: {subtype}", level="info")
    s.write()
    imported(store, "claude-code", h.root)
    lines = restored(store, s.id)
    assert [(x["type"], x.get("subtype"), x["uuid"]) for x in lines] == [(r["type"], r.get("subtype"), r["uuid"]) for r in s.records]
    assert [x["content"] for x in lines[1:]] == [r["content"] for r in s.records[1:]]


def test_what_came_late_stands_where_it_was(store, tmp_path):
    """The end was imported first, then the whole."""
    h = History(tmp_path, "claude-code")
    s = Session(h, "late")
    for n in range(6):
        s.user(f"Question {n}")
        s.assistant(text(f"Answer {n}"))
    s.write()
    store.run("import", "claude-code", str(h.root), "--since", at(8))
    assert len(restored(store, s.id)) < 12
    imported(store, "claude-code", h.root)
    assert [x["uuid"] for x in restored(store, s.id)] == [r["uuid"] for r in s.records]


def test_sessions_of_other_tools(make_cairn, store, tmp_path):
    h = History(tmp_path / "codex", "codex")
    r = codex.everything(h)
    r.write()
    imported(store, "codex", h.root)
    lines = restored(store, r.id)
    assert {x["sessionId"] for x in lines} == {r.id}
    assert [x["message"]["content"] for x in lines if x["type"] == "user" and not x.get("isMeta")][:1] == [
        "Why does the brass valve stick at 41 degrees?"]
    assert any(b["type"] == "text" and "brass expands" in b["text"] for x in lines if x["type"] == "assistant"
               for b in x["message"]["content"])


def test_sessions_that_are_not_there(store):
    done = store.run("restore-session", uid("nobody"), check=False)
    assert done.returncode == 3 and "session" in done.stderr
