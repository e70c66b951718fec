"""Exports: all that is held about a session, in three formats, streamed, and read in again without loss."""

import json
import os
import subprocess
import time

import pytest
from conftest import binary, eventually
from rest import conversation, session, turn

TEXTS = ["We chose PostgreSQL over MySQL, because of JSON.", "# not a heading\n<script>alert(1)</script> & [a](b)",
         "Code:\n```c\nint main(void) { return 0; } /* <b> */\n```\ndone", "日本語 🐟 e\u0301", "open fence\n~~~\nnever closed"]


@pytest.fixture
def told(cairn):
    """A session with two conversations and one record of every kind that belongs to it."""
    s = session(cairn, title="All of it", tags=["x"])
    for d in ("first", "second"):
        c = conversation(cairn, s, directive=d)
        for text in TEXTS:
            turn(cairn, c, text, metadata={"model": "m", "n": [1, {"a": None}]})
    t = turn(cairn, c, "the labelled one")
    for kind, body in [("characters", {"name": "Joanna", "conversation_id": c}),
                       ("summaries", {"session_id": s, "text": "They talked."}),
                       ("events", {"session_id": s, "conversation_id": c, "effect_text": "the build broke"}),
                       ("checkpoints", {"title": "before", "session_id": s, "content": "state"}),
                       ("patterns", {"pattern_type": "code", "name": "early return", "source_session_id": s}),
                       ("tags", {"name": "kept", "record_kind": "turn", "record_id": t["turn_id"]})]:
        answer = cairn.http.post(f"/api/v1/{kind}", json=body)
        assert answer.status_code == 201, answer.text
    state = f"/api/v2/sessions/{s}/agents/ana/state"  # what is learnt from turns is learnt behind the writes
    eventually(lambda: cairn.http.get(state).status_code == 200 and
               cairn.get(state)["state"]["interaction_history"]["total_interactions"] == 2 * len(TEXTS) + 1, what="learning")
    return s


def export(cairn, s, **options):
    made = cairn.post(f"/api/v2/sessions/{s}/export", options, 201)
    assert made["status"] == "ready" and made["export_id"].startswith("exp_")
    answer = cairn.http.get(made["download_url"])
    assert answer.status_code == 200, answer.text
    return answer


def lines(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def comparable(text):
    """Everything but when it was written out, which moves the session's last_active too."""
    return [{k: v for k, v in json.loads(line).items() if k not in ("exported_at", "last_active")}
            for line in text.splitlines()]


def settled(cairn, s):
    """Nothing follows from what was said any more: two exports, some time apart, are the same."""
    before = comparable(export(cairn, s, format="jsonl").text)
    time.sleep(0.5)
    return comparable(export(cairn, s, format="jsonl").text) == before


def run(*args):
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "CAIRN_MODEL": "off"})


def test_jsonl_holds_a_line_for_every_record(cairn, told):
    answer = export(cairn, told, format="jsonl")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "attachment" in answer.headers["content-disposition"]
    all = lines(answer)
    assert all[0]["cairn_export"] == 1 and all[0]["complete"] is True
    assert all[-1] == {"records": len(all) - 2}
    kinds = [r["kind"] for r in all[1:-1]]
    assert kinds.count("turn") == 2 * len(TEXTS) + 1 and kinds.count("conversation") == 2
    for kind in ("session", "agent_state", "character", "summary", "event", "checkpoint", "pattern"):
        assert kind in kinds
    labelled = next(r for r in all if r.get("content") == "the labelled one")
    assert [t["name"] for t in labelled["attached"]] == ["kept"]


def test_json_nests_turns_in_their_conversation(cairn, told):
    tree = export(cairn, told, format="json").json()
    assert tree["session"]["title"] == "All of it"
    assert [[t["content"] for t in c["turns"]][: len(TEXTS)] for c in tree["conversations"]] == [TEXTS, TEXTS]
    assert tree["conversations"][1]["characters"][0]["name"] == "Joanna"
    assert tree["summaries"][0]["text"] == "They talked."
    flat = lines(export(cairn, told, format="jsonl"))
    assert tree["records"] == flat[-1]["records"]


def test_markdown_is_for_people_and_what_was_said_cannot_mark_it_up(cairn, told):
    text = export(cairn, told, format="markdown").text
    assert text.startswith("# All of it\n") and "\n## first\n" in text and "\n## second\n" in text
    assert "<script>" not in text and "\n# not a heading" not in text and "[a](b)" not in text
    assert "\n```c\nint main(void) { return 0; } /* <b> */\n```\n" in text
    assert text.count("~~~") % 2 == 0


def test_metadata_and_states_can_be_left_out(cairn, told):
    all = lines(export(cairn, told, format="jsonl", include_metadata=False, include_agent_states=False))
    assert not [r for r in all if r.get("kind") == "agent_state"]
    assert all[3]["kind"] == "turn" and all[3]["metadata"] == {}


def test_a_time_range_keeps_only_its_turns(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    for day in range(1, 6):
        turn(cairn, c, f"day {day}", timestamp=f"2026-03-0{day}T12:00:00Z")
    got = lines(export(cairn, s, format="jsonl", time_range={"start": "2026-03-02T00:00:00Z", "end": "2026-03-04T00:00:00Z"}))
    assert [r["content"] for r in got if r.get("kind") == "turn"] == ["day 2", "day 3"]
    assert got[0]["complete"] is False
    for wrong in ({"start": "yesterday"}, {"from": "2026-03-02T00:00:00Z"},
                  {"start": "2026-03-04T00:00:00Z", "end": "2026-03-02T00:00:00Z"}):
        answer = cairn.http.post(f"/api/v2/sessions/{s}/export", json={"time_range": wrong})
        assert answer.status_code == 400 and answer.json()["error"]["details"]["field"] == "time_range"


def test_turns_stored_after_the_export_was_made_are_not_in_it(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, "before")
    made = cairn.post(f"/api/v2/sessions/{s}/export", {"format": "jsonl"}, 201)
    turn(cairn, c, "after")
    text = cairn.http.get(made["download_url"]).text
    assert "before" in text and "after" not in text


def test_a_session_that_is_not_there_and_a_format_that_is_not_known_are_told(cairn, told):
    answer = cairn.http.post(f"/api/v2/sessions/sess_{'0' * 32}/export", json={})
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "SESSION_NOT_FOUND"
    answer = cairn.http.post(f"/api/v2/sessions/{told}/export", json={"format": "xml"})
    assert answer.status_code == 400 and "markdown" in answer.json()["error"]["message"]
    assert cairn.http.get("/api/v2/exports/exp_none/download").status_code == 404


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_an_export_read_in_elsewhere_is_the_same_again(cairn, told, make_cairn, tmp_path, format):
    file = tmp_path / f"e.{format}"
    eventually(lambda: settled(cairn, told), what="what follows from turns")
    original = export(cairn, told, format="jsonl").text
    file.write_text(export(cairn, told, format=format).text)
    there = make_cairn("there")
    done = run("import", str(file), "--data", str(there.data), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["known"] == 0
    assert there.get(f"/api/v2/sessions/{told}")["last_active"] in file.read_text()
    again = export(there, told, format="jsonl").text
    assert comparable(again) == comparable(original)
    assert len(there.get(f"/api/v2/sessions/{told}/context?directive=PostgreSQL")["relevant_turns"]) > 0
    done = json.loads(run("import", str(file), "--data", str(there.data), "--json").stdout)
    assert done["imported"] == 0 and done["refused"] == 0


def test_without_a_server_the_command_line_exports_and_imports_too(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    assert run("remember", "the cat is called Mo", "--data", str(a)).returncode == 0
    s = json.loads(run("list", "sessions", "--data", str(a), "--json").stdout)
    s = (s["sessions"] if isinstance(s, dict) else s)[0]["id"]
    out = run("export", s, "--format", "jsonl", "--data", str(a))
    assert out.returncode == 0 and "the cat is called Mo" in out.stdout
    (tmp_path / "e.jsonl").write_text(out.stdout)
    done = run("import", str(tmp_path / "e.jsonl"), "--data", str(b))
    assert done.returncode == 0 and "0 refused" in done.stdout
    assert "Mo" in run("recall", "what is the cat called", "--data", str(b)).stdout


def test_a_cut_off_export_and_a_file_that_is_none_are_told(cairn, told, tmp_path, make_cairn):
    there = make_cairn("there")
    whole = export(cairn, told, format="jsonl").text.splitlines(keepends=True)
    for text, word in [("".join(whole[:-1]), "cut off"), ("", "empty"), ("{\"a\":1}\n{}\n", "no export of Cairn"),
                       ("not json\n", "JSON"), ("[]", "no export of Cairn")]:
        file = tmp_path / "bad.jsonl"
        file.write_text(text)
        done = run("import", str(file), "--data", str(there.data))
        assert done.returncode == 2 and word in done.stderr, (text[:40], done.stderr)


def test_records_that_cannot_be_taken_in_are_named_and_stop_no_other(cairn):
    c, s = "conv_" + "a" * 32, "sess_" + "a" * 32
    records = [{"kind": "session", "session_id": s}, {"kind": "conversation", "conversation_id": c, "session_id": s},
               {"kind": "turn", "turn_id": "turn_" + "b" * 32, "conversation_id": "conv_" + "f" * 32, "content": "x",
                "agent": "me", "role": "user"},
               {"kind": "nonsense"}, {"kind": "turn", "turn_id": "turn_" + "a" * 32, "conversation_id": c,
                                      "content": "kept", "agent": "me", "role": "user"}, 7]
    done = cairn.post("/api/v2/import", {"records": records}, 200)
    assert done["imported"] == 3 and done["refused_count"] == 3
    assert [r["record"] for r in done["refused"]] == [3, 4, 6]
    assert [t["content"] for t in cairn.get(f"/api/v2/conversations/{c}")["turns"]] == ["kept"]


def test_a_large_session_streams_and_a_client_that_leaves_harms_nobody(make_cairn):
    there = make_cairn()
    s = session(there)
    c = conversation(there, s)
    for _ in range(8):
        turn(there, c, "x" * 1_000_000)
    for _ in range(6):
        with there.http.stream("GET", f"/api/v2/sessions/{s}/export?format=jsonl") as answer:
            assert answer.status_code == 200
            next(answer.iter_bytes(1000))
    whole = there.http.get(f"/api/v2/sessions/{s}/export?format=jsonl")
    assert whole.status_code == 200 and len(whole.content) > 8_000_000
