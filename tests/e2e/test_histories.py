"""The made-up histories themselves: each field and quirk of the formats' description is in them, they are the same in each
run, and what they say of themselves adds up."""

import json
import pathlib
import sqlite3
import zipfile

import pytest

from histories import (claude_folders, codex, cursor, exports, gemini, generic, manifest, memory_context, opencode, stores, worst)

SOURCES = {
    "claude": claude_folders.whole, "codex": codex.whole, "gemini": gemini.whole, "opencode": opencode.sqlite,
    "opencode-legacy": opencode.legacy, "cursor": cursor.whole, "chatgpt": exports.chatgpt, "claude-ai": exports.claude,
    "jsonl": generic.whole, "memory-context": memory_context.whole, "ccc": stores.ccc, "chronicle-weaver": stores.weaver,
}

# What the description names. Each must be in a file's bytes or in a file's name.
NAMED = {
    "claude": """display pastedContents timestamp project sessionId contentHash content [Pasted+text+#1 paste-cache/ todos/
        -agent- pending in_progress completed activeForm priority tasks/ subject status blocks file-history/ @v1 @v2
        trackedFileBackups backupFileName version backupTime isSnapshotUpdate ../shared/ debug/ [DEBUG] debug/latest
        shell-snapshots/snapshot-bash- session-env/ plans/ stats-cache.json image-cache/ sessions/ statsig/ memory/
        .credentials.json settings.json backups/""",
    "codex": """sessions/2026/03/01/rollout- archived_sessions/ .jsonl.zst session_meta turn_context response_item event_msg
        compacted world_state input_text output_text reasoning summary encrypted_content function_call arguments call_id
        function_call_output custom_tool_call custom_tool_call_output web_search_call <environment_context> history.jsonl
        session_id conversation_id ts session_index.jsonl thread_name updated_at""",
    "gemini": """tmp/ chats/session- .json .jsonl sessionId projectHash startTime lastUpdated messages $set $rewindTo id
        timestamp type user gemini info error warning content toolCalls thoughts tokens model""",
    "opencode": "opencode.db session message part project_id parent_id directory title time_created",
    "opencode-legacy": "storage/session/p1/ storage/message/ storage/part/",
    "cursor": "state.vscdb cursorDiskKV composerData: fullConversationHeadersOnly bubbleId: cursorAuth/accessToken text type",
    "chatgpt": "conversations.json id title create_time mapping message parent children current_node content_type parts text",
    "claude-ai": """conversations.json uuid name created_at chat_messages sender human assistant text content attachments
        file_name extracted_content files""",
    "jsonl": "role content timestamp session",
    "memory-context": """dedup_state/unique_messages.jsonl hash content timestamp global_hashes.json checkpoint_index.json
        exports/ .txt checkpoints/ .md memory-context.db""",
    "ccc": ".cccmemory.db conversations messages external_id",
    "chronicle-weaver": """conversations messages agent_configurations character_states prop_items conversation_summaries
        user_preferences""",
}


def everything_in(root):
    names = "\n".join(str(p.relative_to(root)) for p in sorted(root.rglob("*")))
    return names.encode() + b"\n" + b"\n".join(p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file())


@pytest.mark.parametrize("name", SOURCES)
def test_every_field_that_the_description_names(tmp_path, name):
    SOURCES[name](tmp_path / name)
    content = everything_in(tmp_path / name)
    missing = [word for word in NAMED[name].split() if word.replace("+", " ").encode() not in content]
    assert missing == []


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_in_each_run(tmp_path, name):
    first, second = (SOURCES[name](tmp_path / run / "x") for run in ("first", "second"))
    assert first.turns == second.turns and first.skipped == second.skipped
    assert all(t.text and t.session for t in first.turns)
    assert manifest(first.root).keys() == manifest(second.root).keys()


def test_records_of_a_log_are_its_lines(tmp_path):
    h = generic.whole(tmp_path / "generic")
    conversations = [json.loads(x) for x in (h.root / "training.jsonl").read_text().splitlines()]  # a message is a record
    assert h.records == (h.root / "chat.jsonl").read_bytes().count(b"\n") + sum(
        len(c.get("messages") or c["conversations"]) for c in conversations)
    h = worst.resumed(tmp_path / "resumed")
    assert h.records == sum(p.read_bytes().count(b"\n") for p in h.root.rglob("*.jsonl"))
    assert h.duplicates == sum(2 * i for i in range(10))
    h = worst.repeated_lines(tmp_path / "repeated", 200_000)
    (path,) = h.root.rglob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    assert h.records == len(lines)
    wasted = sum(len(x) for x in lines if x == max(lines, key=lines.count))
    assert 0.6 < wasted / path.stat().st_size < 0.75


def test_logs_beside_databases_hold_what_the_databases_lack(tmp_path):
    for h, name, table in ((cursor.whole(tmp_path / "c", wal=True), "globalStorage/state.vscdb", "cursorDiskKV"),
                           (opencode.sqlite(tmp_path / "o", wal=True), "opencode.db", "message")):
        path = h.root / name
        assert pathlib.Path(f"{path}-wal").stat().st_size > 0
        alone = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
        assert alone.execute(f"select count(*) from {table}").fetchone() == (0,)
        alone.close()
        h.open.close()


def test_exports_in_their_zip(tmp_path):
    h = exports.chatgpt(tmp_path / "zip", shards=3, zipped=True)
    with zipfile.ZipFile(h.root / "export.zip") as z:
        shards = [n for n in z.namelist() if n.startswith("conversations-")]
        assert len(shards) == 3 and "../escape.json" in z.namelist()
        assert {c["id"] for n in shards for c in json.loads(z.read(n))} == {t.session for t in h.turns}


def test_the_labelled_prompts_are_many_and_of_both_sorts():
    path = pathlib.Path(__file__).resolve().parents[1] / "labelled" / "prompts.jsonl"
    cases = [json.loads(x) for x in path.read_text().strip().split("\n")]
    human = [c for c in cases if c["human"]]
    assert len(cases) >= 60 and 25 <= len(human) <= len(cases) - 25
    assert all(c["text"].strip() and c["why"] for c in human)
    assert {c["line"]["type"] for c in cases} >= {"user", "assistant", "system", "attachment", "queue-operation", "progress"}
