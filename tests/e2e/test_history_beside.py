"""What lies beside Claude Code's transcripts and belongs to them: outputs of tools in files of their own, lists of
sessions, descriptions of agents, versions of files (issue 6)."""

import hashlib
import json

import pytest
from test_history import accounted, imported, known_again, listed, turns

S = "0a0a0a0a-0000-4000-8000-000000000001"
HOME = "/home/ada/mill"


@pytest.fixture
def store(make_cairn):
    return make_cairn(start=False)


class Root:
    """A folder of Claude Code's, line by line."""

    def __init__(self, path):
        self.path, self.n = path, 0

    def file(self, name, content):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def line(self, kind, content, session=S, **more):
        self.n += 1
        when = f"2026-03-01T10:{self.n // 60:02d}:{self.n % 60:02d}.000Z"
        uuid = f"{self.n:08x}-0000-4000-8000-{hashlib.sha256(session.encode()).hexdigest()[:12]}"
        return {"type": kind, "uuid": uuid, "parentUuid": None, "sessionId": session, "timestamp": when, "cwd": HOME,
                "version": "2.1.120", "isSidechain": False, "message": {"role": kind, "content": content}, **more}

    def answer(self, tool, content, **more):
        return self.line("user", [{"type": "tool_result", "tool_use_id": tool, "content": content}], **more)

    def transcript(self, lines, name=None, project="-home-ada-mill"):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        return self.file(f"projects/{project}/{name or S}.jsonl", text)

    def output(self, name, content, session=S):
        return self.file(f"projects/-home-ada-mill/{session}/tool-results/{name}", content)


def preview(path, text):
    return f"<persisted-output>\nOutput too large (99KB). Full output saved to: {path}\n\nPreview (first 2KB):\n{text}\n...\n"


def where(turn):
    return "recall" not in turn["metadata"]


def found(store, text):
    return [t for t in turns(store) if text in t["content"]]


LONG = "the head of it\n" + "grist\n" * 5000 + "the tail of it\n"


@pytest.mark.parametrize("old", [False, True])
def test_outputs_in_files(store, tmp_path, old):
    """The whole counts, the preview of it is left out of recall; in agents' transcripts of both layouts too."""
    r = Root(tmp_path / "claude")
    path = r.output("toolu_A.txt", LONG)
    lines = [r.line("user", "Grind it"), r.answer("toolu_A", preview(path, "the head of it"))]
    other = r.output("bx91.txt", LONG.replace("tail", "far end"))
    lines.append(r.answer("toolu_B", preview("C:\\Users\\A da\\.claude\\tool-results\\bx91.txt", "the head of it"),
                          toolUseResult={"stdout": "the head of it", "persistedOutputPath": str(other)}))
    r.transcript(lines)
    agent = "agent-a1" if old else f"{S}/subagents/workflows/wf_1/agent-a1"
    sub = r.output("toolu_C.txt", LONG.replace("tail", "side"))
    r.transcript([r.answer("toolu_C", preview(sub, "the head of it"), isSidechain=True, agentId="a1")], name=agent)
    report = imported(store, r.path)
    accounted(report)
    assert (report["turns_new"], report["skipped"]) == (7, 0)
    for words in ("the tail of it", "the far end of it", "the side of it"):
        whole, = found(store, words)
        assert whole["role"] == "tool" and where(whole) and "grist\n" * 5000 in whole["content"]
    previews = found(store, "Preview (first 2KB)")
    assert len(previews) == 3 and not any(where(t) for t in previews)
    assert {t["metadata"]["full_output"] for t in previews} == {"toolu_A.txt", "bx91.txt", "toolu_C.txt"}
    session, = listed(store, "sessions")
    restored = store.run("restore-session", session["id"]).stdout
    assert "Preview (first 2KB)" in restored and "the tail of it" not in restored, "as its transcript is"
    known_again(store, r.path, report)


def test_outputs_that_are_gone_and_small_ones(store, tmp_path):
    r = Root(tmp_path / "claude")
    lines = [r.answer("toolu_A", preview("/x/tool-results/toolu_A.txt", "what is left")),
             r.answer("toolu_B", "a small answer"), r.answer("toolu_C", preview("/x/tool-results/../../x.jsonl", "odd"))]
    lines.append(r.answer("toolu_E", preview("/x/tool-results/toolu_E.txt", LONG)))
    r.transcript(lines)
    r.output("toolu_B.txt", "a small answer")
    r.output("toolu_E.txt", LONG)
    r.output("toolu_D.txt", "nobody points here")
    r.output("chart.png", b"\x89PNG\0\0")
    r.output("hook-1-stdout.txt", "a hook said")
    report = imported(store, r.path)
    accounted(report)
    assert (report["turns_new"], report["duplicates"], report["skipped_by_reason"]) == (6, 2, {"empty": 1})
    assert where(found(store, "what is left")[0]), "the preview is all there is"
    assert len(found(store, "a small answer")) == 1 and len(found(store, "the tail of it")) == 1
    orphan, = found(store, "nobody points here")
    assert where(orphan) and orphan["role"] == "tool"
    assert not where(found(store, "a hook said")[0])
    assert len(listed(store, "sessions")) == 1


def entry(session, **more):
    return {"sessionId": session, "fullPath": f"/x/{session}.jsonl", "fileMtime": 1772355600000, "firstPrompt": "Grind it",
            "messageCount": 4, "created": "2026-02-01T10:00:00.000Z", "modified": "2026-02-01T11:00:00.000Z",
            "gitBranch": "main", "projectPath": HOME, "isSidechain": False, **more}


def test_lists_of_sessions(store, tmp_path):
    """They give titles; of sessions without a transcript they are all there is."""
    r = Root(tmp_path / "claude")
    named, gone = S.replace("1", "2"), S.replace("1", "3")
    r.transcript([r.line("user", "Grind it"), {"type": "ai-title", "aiTitle": "By the tool", "sessionId": S}])
    r.transcript([r.line("user", "Grind that", session=named)], name=named)
    entries = [entry(S, summary="An old summary"), entry(named, summary="A summary", customTitle="My own mill"),
               entry(gone, firstPrompt="How deep is the millpond?", summary="Depth of the pond"),
               entry(S.replace("1", "4"), firstPrompt="No prompt"), entry(S.replace("1", "5"), isSidechain=True),
               entry(S.replace("1", "6"), firstPrompt="<command-name>/clear</command-name>"), {"version": 1}, 7]
    index = r.file("projects/-home-ada-mill/sessions-index.json", json.dumps({"version": 1, "entries": entries}))
    report = imported(store, r.path)
    accounted(report)
    assert report["turns_new"] == 3 and report["skipped_by_reason"] == {"metadata": 6, "unknown": 2}
    assert {s["title"] for s in listed(store, "sessions")} == {"By the tool", "My own mill", "Depth of the pond"}
    one, = found(store, "millpond")
    assert (one["role"], one["project"], where(one)) == ("system", "mill", True)
    assert one["metadata"]["branch"] == "main" and one["metadata"]["messages"] == 4
    assert one["timestamp"].startswith("2026-02-01T10:00:00")
    known_again(store, r.path, report)
    (r.path / "projects" / "-home-ada-mill" / f"{S}.jsonl").unlink()
    entries[0]["messageCount"] = 5
    index.write_text(json.dumps({"version": 1, "entries": entries}))
    again = imported(store, r.path)
    assert again["turns_new"] == 0, "its first prompt was met while its transcript was there"


def test_a_title_of_the_persons_own_stays(store, tmp_path):
    r = Root(tmp_path / "claude")
    lines = [r.line("user", "Grind it"), {"type": "custom-title", "customTitle": "Mine", "sessionId": S}]
    r.transcript(lines)
    imported(store, r.path)
    r.transcript(lines + [r.line("user", "And on"), {"type": "ai-title", "aiTitle": "The tool's", "sessionId": S},
                          {"type": "summary", "summary": "A summary", "leafUuid": "x"}])
    imported(store, r.path)
    assert [s["title"] for s in listed(store, "sessions")] == ["Mine"]
    r.transcript(lines + [r.line("user", "And on"), {"type": "custom-title", "customTitle": "Mine too", "sessionId": S}])
    imported(store, r.path)
    assert [s["title"] for s in listed(store, "sessions")] == ["Mine too"]


def test_descriptions_of_agents(store, tmp_path):
    r = Root(tmp_path / "claude")
    r.transcript([r.line("user", "Look for cracks")])
    for name, kind in (("a1", "Explore"), ("a2", "mill-kit:stone-reviewer"), ("a3", "mail ada@example.org")):
        side = {"isSidechain": True, "agentId": name}
        r.transcript([r.line("user", f"Task {name}", **side), r.line("assistant", f"Done {name}", **side)],
                     name=f"{S}/subagents/agent-{name}")
        r.file(f"projects/-home-ada-mill/{S}/subagents/agent-{name}.meta.json",
               json.dumps({"agentType": kind, "description": f"Finds {name}", "toolUseId": "toolu_1", "spawnDepth": 1}))
    r.transcript([r.line("assistant", "Done a4", isSidechain=True, agentId="a4", attributionAgent="Plan")],
                 name=f"{S}/subagents/agent-a4")
    accounted(imported(store, r.path))
    spoke = {t["content"]: t["agent"] for t in turns(store) if t["content"].startswith("Done")}
    assert spoke == {"Done a1": "Explore", "Done a2": "mill-kit:stone-reviewer", "Done a3": "claude-code", "Done a4": "Plan"}
    assert found(store, "Task a1")[0]["metadata"]["task"] == "Finds a1"
    assert found(store, "Done a1")[0]["metadata"]["agent_type"] == "Explore"


def test_names_of_files_are_found_another_time(store, tmp_path):
    """A version that comes when its session's transcript is not read: the transcript is looked through."""
    r = Root(tmp_path / "claude")
    a, c = hashed(f"{HOME}/src/stone.c"), hashed(f"{HOME}/new.c")
    r.transcript([r.line("user", "Grind it"), snapshot({"new.c": (None, 1)}),
                  snapshot({"src/stone.c": (a + "@v1", 1), "new.c": (c + "@v2", 2)})])
    imported(store, r.path)
    r.file(f"file-history/{S}/{a}@v1", "one\n")
    r.file(f"file-history/{S}/{c}@v2", "new\n")
    r.file("projects/-home-ada-mill/memory/MEMORY.md", "The weir is of oak\n")
    accounted(imported(store, r.path))
    assert found(store, "one\n")[0]["content"] == "/home/ada/mill/src/stone.c, version 1:\none\n"
    assert found(store, "new\n")[0]["content"] == "/home/ada/mill/new.c, version 2 (a new file):\nnew\n"
    assert found(store, "of oak")[0]["project"] == "mill"


def test_notes_belong_to_the_project_of_their_folder(store, tmp_path):
    r = Root(tmp_path / "claude")
    r.transcript([r.line("user", "Grind it")])
    r.file("projects/-home-ada-mill/memory/MEMORY.md", "The weir is of oak\n")
    r.file("plans/blue-fox.md", "# Sharpen the stones\n")
    accounted(imported(store, r.path))
    assert [t["project"] for t in found(store, "of oak")] == ["mill"]
    assert {s["title"] for s in listed(store, "sessions")} >= {"memory MEMORY", "plan blue-fox"}


def test_transcripts_tell_what_they_are(store, tmp_path):
    """Whatever their first line is, and with spaces in it."""
    r = Root(tmp_path)
    firsts = [{"type": "pr-link", "sessionId": S, "prNumber": 1, "timestamp": "2026-03-01T10:00:00Z"}, snapshot({}),
              {"type": "summary", "summary": "x", "leafUuid": "y"}, {"type": "mode", "mode": "normal", "sessionId": S}]
    for i, first in enumerate(firsts):
        path = r.file(f"t{i}.jsonl", json.dumps(first) + "\n" + json.dumps(r.line("user", f"Prompt {i}")) + "\n")
        assert json.loads(store.run("import", str(path), "--json").stdout)["source"] == "claude-code"
    typed = {"display": "Prompt 9", "pastedContents": {}, "timestamp": 1772355600000, "project": HOME}
    path = r.file("history.jsonl", json.dumps(typed) + "\n")
    assert json.loads(store.run("import", str(path), "--json").stdout)["turns_new"] == 1
    assert {t["content"] for t in turns(store)} == {f"Prompt {i}" for i in (0, 1, 2, 3, 9)}


def snapshot(files):
    backups = {name: {"backupFileName": kept, "version": n, "backupTime": "2026-03-01T10:00:00.000Z"}
               for name, (kept, n) in files.items()}
    return {"type": "file-history-snapshot", "messageId": "m", "isSnapshotUpdate": True,
            "snapshot": {"messageId": "m", "timestamp": "2026-03-01T10:00:00.000Z", "trackedFileBackups": backups}}


def hashed(path):
    return hashlib.sha256(path.encode()).hexdigest()[:16]


def test_versions_have_the_names_of_their_files(store, tmp_path):
    """By the snapshots of the transcript: paths from the folder that the session began in, ".." in them, new files."""
    r = Root(tmp_path / "claude")
    a, b, c = hashed(f"{HOME}/src/stone.c"), hashed("/home/ada/notes.md"), hashed(f"{HOME}/new.c")
    moved = r.line("user", "Elsewhere", cwd="/tmp/elsewhere")
    r.transcript([snapshot({}), r.line("user", "Grind it"), snapshot({"src/stone.c": (a + "@v1", 1), "new.c": (None, 1)}), moved,
                  snapshot({"src/stone.c": (a + "@v2", 2), "../notes.md": (b + "@v1", 1), "new.c": (c + "@v2", 2)})])
    for name, text in ((a + "@v1", "one\ntwo\n"), (a + "@v2", "one\n2\n"), (b + "@v1", "notes\n"), (c + "@v2", "new\n"),
                       ("0123456789abcdef@v1", "nameless\n")):
        r.file(f"file-history/{S}/{name}", text)
    report = imported(store, r.path)
    accounted(report)
    assert report["turns_new"] == 7 and report["skipped_by_reason"] == {"metadata": 3}
    stone = found(store, "/home/ada/mill/src/stone.c, version")
    assert sorted(t["content"] for t in stone) == ["/home/ada/mill/src/stone.c, version 1:\none\ntwo\n",
                                                   "/home/ada/mill/src/stone.c, version 2:\n@@ -2 +2 @@\n-two\n+2\n"]
    assert not any(where(t) for t in stone) and {t["metadata"]["path"] for t in stone} == {f"{HOME}/src/stone.c"}
    assert found(store, "notes\n")[0]["metadata"]["path"] == "/home/ada/notes.md"
    new, = found(store, "new.c, version 2 (a new file):\nnew\n")
    assert new["metadata"]["new_file"] is True and new["metadata"]["change"] is False
    assert "path" not in found(store, "nameless")[0]["metadata"]
    known_again(store, r.path, report)
