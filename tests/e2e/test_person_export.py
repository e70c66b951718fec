"""All that is held about a person, found by a value: every record that mentions it, and nothing else."""

import json

from rest import conversation, refused, session, turn

PERSON = "Jane.Doe@Example.com"


def fill(cairn):
    s = session(cairn, title="Notes on jane.doe@EXAMPLE.com")
    c = conversation(cairn, s)
    named = turn(cairn, c, f"write to {PERSON} about the harbour")["turn_id"]
    turn(cairn, c, "write to somebody else about the mountains")
    key = cairn.post("/api/v1/preferences", {"key": "jane.doe@example.com", "value": {"colour": "green"}}, 201)["id"]
    wide = cairn.post("/api/v1/props", {"name": "badge", "description": "of JANE.DOE\uff20example.com"}, 201)["id"]
    cairn.post("/api/v1/tags", {"name": "important", "record_kind": "turn", "record_id": named}, 201)
    return s, named, key, wide


def test_every_record_that_mentions_it(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[privacy]\nauto_redact = false\n")
    cairn = make_cairn()
    s, named, key, wide = fill(cairn)
    got = cairn.get("/api/v2/people/export", value=PERSON)
    assert {(r["kind"], r["id"]) for r in got["records"]} == {("session", s), ("turn", named), ("preference", key),
                                                              ("prop", wide)}
    assert got["records_total"] == 4 and "mountains" not in json.dumps(got)
    by_kind = {r["kind"]: r for r in got["records"]}
    assert by_kind["turn"]["content"].startswith("write to") and by_kind["preference"]["value"] == {"colour": "green"}
    assert [a["name"] for a in by_kind["turn"]["attached"]] == ["important"]
    assert any(a["action"] == "turn.add" for a in by_kind["turn"]["audit"])
    told = json.loads(cairn.run("person", PERSON).stdout)
    assert [r["id"] for r in told["records"]] == [r["id"] for r in got["records"]]
    refused(cairn, "GET", "/api/v2/people/export?value=ab", field="value")
    cairn.post("/api/v2/erasures", {"value": PERSON, "now": True}, 200)
    assert cairn.get("/api/v2/people/export", value=PERSON)["records_total"] == 0


def test_it_streams_what_is_long(make_cairn):
    (make_cairn(start=False).data / "cairn.toml").write_text("[privacy]\nauto_redact = false\n")
    cairn = make_cairn()
    said = [{"role": "user", "content": f"number {i} for {PERSON} " + "and so on " * 50} for i in range(500)]
    cairn.post("/api/v1/sessions", {"conversation_json": said}, 201)
    got = cairn.get("/api/v2/people/export", value="jane.doe@example.com")
    turns = [r for r in got["records"] if r["kind"] == "turn"]
    assert [r["turn_number"] for r in turns] == list(range(1, 501))
