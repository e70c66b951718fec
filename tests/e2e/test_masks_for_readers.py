"""Who reads is shown what his level allows, whatever is stored: another project the masks of TEAM, another organisation
those of PUBLIC, and whoever asks for stricter ones (mask) gets them. The store here was told to keep contact data."""

import json

import pytest

from test_scope import Caller

MAIL = "wilhelmina.vanderberg" + "@" + "example.org"
HOST = "203.0.113." + "77"
KEY = "gh" + "p_" + "A1b2C3d4E5" * 3 + "F6g7H8"
TEXT = f"The lighthouse: mail {MAIL}, machine {HOST}, key {KEY}."


@pytest.fixture
def readers(make_cairn):
    c = make_cairn(args=["--auth"], env={"CAIRN_PRIVACY_AUTO_REDACT": "false"})
    own, sibling, foreign = (Caller(c, org, project, "read,write,memory,admin")
                             for org, project in [("acme", "web"), ("acme", "shop"), ("zeta", "web")])
    ids = {}
    for level in ("PUBLIC", "TEAM"):
        s = own.post("/api/v2/sessions", {"title": TEXT, "privacy_level": level})["session_id"]
        v = own.post("/api/v2/conversations", {"session_id": s, "directive": TEXT})["conversation_id"]
        own.post(f"/api/v2/conversations/{v}/turns", {"content": TEXT, "metadata": {"cc": [MAIL], "at": HOST}})
        own.post("/api/v1/patterns", {"source_session_id": s, "name": "n", "pattern_type": "code", "template": TEXT})
        ids[level] = s, v
    return own, sibling, foreign, ids


def everything(reader, session, conversation, **more):
    """What all that reads shows of it."""
    out = [reader.get(f"/api/v2/sessions/{session}", **more), reader.get("/api/v1/sessions", **more),
           reader.get(f"/api/v1/conversations/{conversation}", **more), reader.get("/api/v1/turns", **more),
           reader.get(f"/api/v2/conversations/{conversation}", **more),
           reader.get(f"/api/v2/conversations/{conversation}/window", **more),
           reader.get(f"/api/v2/sessions/{session}/context", directive="lighthouse", **more),
           reader.get("/api/v1/patterns", **more), reader.get("/api/v1/search", q="lighthouse", **more),
           reader.post("/api/v2/recall", {"query": "lighthouse", **more}),
           reader.post(f"/api/v2/sessions/{session}/context/search", {"query": "lighthouse", **more})]
    text = "\n".join(json.dumps(o) for o in out)
    export = reader.ask("GET", f"/api/v2/sessions/{session}/export", params={"format": "jsonl", **more})
    assert export.status_code == 200 and all("lighthouse" in json.dumps(o) for o in out), out
    return text + export.text


def test_each_reader_gets_the_masks_of_his_level(readers):
    own, sibling, foreign, ids = readers
    for level, (s, v) in ids.items():
        text = everything(own, s, v)
        assert MAIL in text and HOST in text and KEY not in text
        text = everything(sibling, s, v)
        assert MAIL not in text and HOST in text and KEY not in text and "w***@example.org" in text
    text = everything(foreign, *ids["PUBLIC"])
    assert MAIL not in text and HOST not in text and KEY not in text and "w***@example.org" in text
    assert foreign.ask("GET", f"/api/v2/sessions/{ids['TEAM'][0]}").status_code == 404


def test_stricter_masks_can_be_asked_for(readers):
    own, sibling, _, ids = readers
    s, v = ids["TEAM"]
    text = everything(own, s, v, mask="TEAM")
    assert MAIL not in text and HOST in text
    text = everything(own, s, v, mask="PUBLIC")
    assert MAIL not in text and HOST not in text
    assert MAIL in everything(own, s, v, mask="PRIVATE")
    text = everything(sibling, s, v, mask="PRIVATE")  # never looser than his own
    assert MAIL not in text
    assert HOST not in everything(sibling, s, v, mask="PUBLIC")
    assert MAIL in everything(own, s, v)  # answers that are kept are not mixed up
    assert own.ask("GET", f"/api/v2/sessions/{s}", params={"mask": "EPHEMERAL"}).status_code == 400
