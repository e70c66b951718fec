"""Events found in what was said, their causes, a chain told, and how events fade."""

import datetime
import math

from conftest import eventually
from rest import NO_SESSION, conversation, refused, session, turn

ERROR = "The upload test failed in wire.c: the header of the packet is cut."
CAUSE = "Found the reason: the packet header in wire.c is written before its length is known."
FIX = "Fixed the packet header in wire.c: its length is written first now."
PASSES = "The upload test passes since the packet header in wire.c is fixed."


def events(cairn, session_id, **filters):
    """Oldest first."""
    return cairn.get("/api/v1/events", session_id=session_id, **filters)[::-1]


def events_found(cairn, session_id, n):
    return eventually(lambda: len(events(cairn, session_id)) >= n and events(cairn, session_id), what=f"{n} events")


def save(cairn, session_id, text, **more):
    return cairn.post("/api/v1/events", {"session_id": session_id, "effect_text": text, **more}, 201)


def told(cairn, session_id, query=None):
    return cairn.get(f"/api/v2/sessions/{session_id}/causal", **({"query": query} if query else {}))


def hours_ago(hours):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_chain_from_error_to_fix_is_told(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, "Good morning! " + ERROR, agent="ana", role="user")
    turn(cairn, c, "Let me look at it. Why is it cut?", agent="codey", role="assistant")
    turn(cairn, c, CAUSE, agent="codey", role="assistant")
    turn(cairn, c, FIX, agent="codey", role="assistant")
    turn(cairn, c, PASSES, agent="beatrice", role="assistant")
    found = events_found(cairn, s, 4)
    assert [e["effect_text"] for e in found] == [ERROR, CAUSE, FIX, PASSES]
    assert [e["event_type"] for e in found] == ["problem", "finding", "change", "result"]
    assert [e["cause_id"] for e in found] == [None, *(e["event_id"] for e in found[:-1])]
    assert all(e["relationship_text"] for e in found[1:]) and found[0]["turn_id"].startswith("turn_")

    answer = told(cairn, s, "Why does the upload test pass?")
    assert [e["effect_text"] for e in answer["chain"]] == [ERROR, CAUSE, FIX, PASSES]
    assert answer["chain"][0]["place"] == "root_cause" and answer["chain"][-1]["place"] == "asked"
    narrative = answer["causal_narrative"]
    assert narrative.startswith(f'Initially, "{ERROR[:-1]}". This led to "{CAUSE[:-1]}", which in turn caused "{FIX[:-1]}"')
    insights = {i["agent"]: i for i in answer["agent_insights"]}
    assert set(insights) == {"ana", "codey", "beatrice"} and insights["codey"]["events"] == 2
    assert insights["ana"]["contributions"][0]["place"] == "root_cause"
    assert answer["total_events"] == 4 and answer["events"][0]["effect_text"] == PASSES
    assert all(0 < e["vitality"] <= 1 for e in answer["events"])
    assert ERROR in answer["traditional_summary"] or PASSES in answer["traditional_summary"]

    root = told(cairn, s, "the header of the packet is cut")
    assert root["chain"][0]["place"] == "asked" and len(root["chain"]) == 3  # two effects down


def test_what_is_said_through_the_proxy_becomes_events(cairn):
    s = session(cairn)
    for said, answered in ((ERROR, "I see."), ("Go on.", FIX)):
        cairn.post("/v1/chat/completions", {"model": "plain,say=" + answered.replace(" ", "%20").replace(",", "%2C"),
                                            "session_id": s, "messages": [{"role": "user", "content": said}]})
    found = {e["effect_text"]: e for e in events_found(cairn, s, 2)}
    assert found[FIX]["cause_id"] == found[ERROR]["event_id"]


def test_nothing_is_linked_that_is_not_alike(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, "Renamed parse_header to read_header.", role="assistant")
    turn(cairn, c, "I lost my keys at the market.", role="user")
    assert all(e["cause_id"] is None for e in events_found(cairn, s, 2))


def test_an_event_by_hand_is_linked_and_its_cause_lives_longer(cairn):
    s = session(cairn)
    error = save(cairn, s, ERROR, vitality=0.5)
    fix = save(cairn, s, FIX)
    assert fix["cause_id"] == error["event_id"] and fix["relationship_text"]
    assert math.isclose(cairn.get(f"/api/v1/events/{error['event_id']}")["vitality"], 0.6, abs_tol=0.001)
    other = save(cairn, s, "The garden was watered.", cause_id=fix["event_id"], relationship_text="by chance")
    assert other["cause_id"] == fix["event_id"] and other["relationship_text"] == "by chance"


def test_bad_events_are_refused(cairn):
    s = session(cairn)
    refused(cairn, "POST", "/api/v1/events", {"session_id": s}, field="effect_text")
    refused(cairn, "POST", "/api/v1/events", {"effect_text": "It failed.", "cause_id": "evt_none"}, field="cause_id")
    refused(cairn, "POST", "/api/v1/events", {"effect_text": "It failed.", "session_id": NO_SESSION}, 404,
            "SESSION_NOT_FOUND")
    refused(cairn, "GET", f"/api/v2/sessions/{NO_SESSION}/causal?query=x", None, 404, "SESSION_NOT_FOUND")


def test_a_session_without_events_has_nothing_to_tell(cairn):
    answer = told(cairn, session(cairn), "why?")
    assert answer["causal_narrative"] == "" and answer["chain"] == [] and answer["events"] == []


def test_recalling_raises_vitality(cairn):
    s = session(cairn)
    event = save(cairn, s, ERROR, vitality=0.5)
    assert told(cairn, s, "upload test")["events"][0]["vitality"] <= 0.5
    path = f"/api/v1/events/{event['event_id']}"
    eventually(lambda: math.isclose(cairn.get(path)["vitality"], 0.7, abs_tol=0.001), what="the rise")


def test_an_event_that_recall_finds_lives_longer(cairn):
    s = session(cairn)
    event = save(cairn, s, ERROR, vitality=0.5)
    path = f"/api/v1/events/{event['event_id']}"

    def found():
        return cairn.post("/api/v2/recall", {"query": "upload test", "kinds": ["event"], "session_id": s})["results"]

    assert [r["id"] for r in found()] == [event["event_id"]]
    eventually(lambda: math.isclose(cairn.get(path)["vitality"], 0.7, abs_tol=0.001), what="the rise")
    assert cairn.http.patch(path, json={"status": "archived"}).status_code == 200
    assert found() == []


def test_settings_bound_what_is_found(make_cairn):
    cairn = make_cairn(env={"CAIRN_EVENTS_PER_TURN": "1"})
    s = session(cairn)
    turn(cairn, conversation(cairn, s), "We walked home. The root cause was a broken header. It rained and I stayed.")
    assert [e["event_type"] for e in events_found(cairn, s, 1)] == ["finding"]


def test_a_faded_event_is_told_no_more(cairn):
    s = session(cairn)
    event = save(cairn, s, ERROR)
    path = f"/api/v1/events/{event['event_id']}"
    r = cairn.http.patch(path, json={"vitality_at": hours_ago(700)})
    assert r.status_code == 200
    shown = told(cairn, s, "upload test")["events"][0]["vitality"]
    assert math.isclose(shown, math.exp(-0.7), abs_tol=0.01)
    eventually(lambda: cairn.get(path)["vitality"] != 1, what="the rise")
    cairn.http.patch(path, json={"vitality": 1, "vitality_at": hours_ago(3100)})  # exp(-3.1) is below 0.05
    assert told(cairn, s, "upload test")["chain"] == []


def test_archived_events_are_out_of_lists_but_not_deleted(cairn):
    s = session(cairn)
    event = save(cairn, s, ERROR)
    assert cairn.http.patch(f"/api/v1/events/{event['event_id']}", json={"status": "archived"}).status_code == 200
    assert events(cairn, s) == [] and told(cairn, s, "upload test")["chain"] == []
    assert [e["event_id"] for e in events(cairn, s, status="archived")] == [event["event_id"]]
    assert save(cairn, s, FIX)["cause_id"] is None
