"""Candidates by meaning with the real model: what is chosen for a text that shares no word with it. Skipped where
tools/get-model has not brought the model."""
import os
import pathlib

import conftest
import pytest
from rest import conversation, session, turn
from test_scope import Caller


def eventually(condition, what="a condition"):
    """Vectors are made at the lowest priority, so a busy machine takes its time."""
    return conftest.eventually(condition, seconds=60, what=what)


ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(os.environ.get("CAIRN_TEST_MODEL") or ROOT / "build" / "model" / "all-MiniLM-L6-v2")
needs_model = pytest.mark.skipif(not (MODEL / "config.json").exists(), reason=f"there is no model in {MODEL}")


@pytest.fixture
def knowing(make_cairn):
    """A server with the model loaded."""
    cairn = make_cairn(env={"CAIRN_MODEL": str(MODEL)})
    eventually(lambda: cairn.get("/health/memory")["embedding_model"]["loaded"], what="the model")
    return cairn


def told(cairn, *texts):
    """The session's events, oldest first, each with the texts of its cause."""
    s = session(cairn)
    c = conversation(cairn, s)
    for text in texts:
        turn(cairn, c, text, agent="ana", role="user")
    found = eventually(lambda: len(cairn.get("/api/v1/events", session_id=s)) >= len(texts)
                       and cairn.get("/api/v1/events", session_id=s)[::-1], what="the events")
    of = {e["event_id"]: e["effect_text"] for e in found}
    return [(e["effect_text"], of.get(e["cause_id"])) for e in found]


FAILS = "Emails to new members never arrive, the sign-up mail is broken."
FOUND = "It turned out that the SMTP password had expired, so no welcome message was sent."
STOLEN = "My bike got stolen outside the office yesterday."
BOUGHT = "I bought a much stronger lock because someone took my bicycle."
OTHER = "We decided to write the handbook in English."


@needs_model
@pytest.mark.slow  # a follower waits a third of a second for vectors: an instrumented model takes longer
def test_a_cause_told_in_other_words_is_found(knowing):
    assert told(knowing, FAILS, OTHER, FOUND) == [(FAILS, None), (OTHER, None), (FOUND, FAILS)]
    assert told(knowing, STOLEN, OTHER, BOUGHT) == [(STOLEN, None), (OTHER, None), (BOUGHT, STOLEN)]
    saved = knowing.post("/api/v1/events", {"session_id": session(knowing), "effect_text": BOUGHT}, 201)
    assert saved["cause_id"] is None  # of another session


def test_without_a_model_words_alone_tell_causes(cairn):
    assert told(cairn, FAILS, OTHER, FOUND) == [(FAILS, None), (OTHER, None), (FOUND, None)]


# ---- search across kinds ----

KEPT = [("prop", {"name": "Elven lantern", "description": "It glows when danger is near."}),
        ("prop", {"name": "Rusty kettle", "description": "Boils water for tea."}),
        ("character", {"name": "Mirela", "description": "A physician who heals the wounded of the village."}),
        ("checkpoint", {"title": "Payments", "description": "Invoices are sent by email now."}),
        ("pattern", {"pattern_type": "workflow", "name": "Test before commit",
                     "description": "Run the whole test suite before anything is committed."}),
        ("summary", {"text": "The team moved the database to another data centre."})]
ASKED = {"a lamp that warns of peril": "prop", "which doctor lives there": "character", "how do customers get bills": "checkpoint",
         "check everything prior to pushing code": "pattern", "have we moved to other servers": "summary"}
PLURALS = {"summary": "summaries"}


def keep(cairn, **more):
    return [cairn.post(f"/api/v1/{PLURALS.get(kind, kind + 's')}", {**body, **more}, 201)["id"] for kind, body in KEPT]


@needs_model
def test_records_are_found_by_what_they_mean(knowing):
    ids = dict(zip([k for k, _ in KEPT][1:], keep(knowing)[1:]))
    lantern = next(p["id"] for p in knowing.get("/api/v1/props") if p["name"] == "Elven lantern")
    for asked, kind in ASKED.items():
        want = lantern if kind == "prop" else ids[kind]
        best = eventually(lambda: next(iter(knowing.get("/api/v1/search", q=asked)), None), what=asked)
        assert (best["kind"], best["id"]) == (kind, want), asked
        assert 0 < best["score"] < 1
        recalled = knowing.post("/api/v2/recall", {"query": asked, "kinds": ["all"]})["results"]
        assert recalled[0]["id"] == want, asked


@needs_model
def test_words_still_lead(knowing):
    keep(knowing)
    named = knowing.post("/api/v1/props", {"name": "Item QX-4471", "description": "A thing."}, 201)["id"]
    for q in ("where is QX-4471", "which thing for the dark is the QX-4471"):
        assert knowing.get("/api/v1/search", q=q)[0]["id"] == named
    assert knowing.get("/api/v1/search", q="kettle")[0]["title"] == "Rusty kettle"


@needs_model
def test_what_was_changed_or_deleted_is_right_at_once(knowing):
    keep(knowing)
    asked = "a lamp that warns of peril"
    lantern = eventually(lambda: next(iter(knowing.get("/api/v1/search", q=asked)), None))["id"]
    knowing.http.patch(f"/api/v1/props/{lantern}", json={"name": "Cheese", "description": "Goat cheese from the hills."})
    eventually(lambda: all(h["id"] != lantern for h in knowing.get("/api/v1/search", q=asked)), what="the new meaning")
    eventually(lambda: next(iter(knowing.get("/api/v1/search", q="dairy food")), {"id": None})["id"] == lantern)
    knowing.http.delete(f"/api/v1/props/{lantern}")
    assert all(h["id"] != lantern for h in knowing.get("/api/v1/search", q="dairy food"))


def test_without_a_model_nothing_is_found_by_meaning(cairn):
    keep(cairn)
    for asked in ("lamp warning of peril", "doctor", "bills"):
        assert cairn.get("/api/v1/search", q=asked) == []


# ---- a session's context ----

PEOPLE = [("Mirela", "A physician who heals the wounded."), ("Tomas", "A blacksmith with a loud voice."),
          ("Ilse", "Keeps the tavern at the crossroads."), ("Bruno", "A fisherman from the north coast.")]
THINGS = [("Elven lantern", "It glows when danger is near."), ("Rusty kettle", "Boils water for tea."),
          ("Oak table", "Seats eight."), ("Silver flute", "Plays by itself at midnight.")]


def a_story(cairn):
    s = session(cairn)
    c = conversation(cairn, s, directive="The village")
    for name, what in PEOPLE:
        cairn.post("/api/v1/characters", {"conversation_id": c, "name": name, "description": what}, 201)
    for i, (name, what) in enumerate(THINGS):
        thing = cairn.post("/api/v1/props", {"name": name, "description": what}, 201)["id"]
        for _ in range(4 - i if name != "Elven lantern" else 0):
            cairn.post(f"/api/v1/props/{thing}/used", {})
    return s


def chosen(cairn, s, directive=None):
    context = cairn.get(f"/api/v2/sessions/{s}/context", **({"directive": directive} if directive else {}))
    return [c["name"] for c in context["characters"]], [p["name"] for p in context["props"]]


@needs_model
def test_people_and_things_are_chosen_by_what_the_directive_means(knowing):
    s = a_story(knowing)
    eventually(lambda: chosen(knowing, s, "someone is hurt, fetch a doctor")[0][0] == "Mirela", what="the physician")
    eventually(lambda: chosen(knowing, s, "is there a lamp that warns of peril?")[1][0] == "Elven lantern", what="the lamp")
    eventually(lambda: chosen(knowing, s, "music in the night")[1][0] == "Silver flute", what="the flute")
    assert all(len(x) == 3 for x in chosen(knowing, s, "music in the night"))


def test_without_a_model_words_choose_and_the_usual_order_fills_up(cairn):
    s = a_story(cairn)
    usual = chosen(cairn, s)
    assert usual[1] == ["Rusty kettle", "Oak table", "Silver flute"] and len(usual[0]) == 3
    people, things = chosen(cairn, s, "Who is the physician, and where is the lantern?")
    assert people == ["Mirela", *[p for p in usual[0] if p != "Mirela"][:2]]
    assert things == ["Elven lantern", *usual[1][:2]]
    assert chosen(cairn, s, "zzz qqq") == usual


def relevant(cairn, s, directive):
    return [r["conversation_id"] for r in cairn.post("/api/v2/conversations", {"session_id": s, "directive": directive},
                                                     201)["relevant_context"]]


def test_a_conversation_is_relevant_by_its_title_too(cairn):
    s = session(cairn)
    trip = conversation(cairn, s, directive="Packing for the Norway trip")
    said = conversation(cairn, s, directive="Something else")
    turn(cairn, said, "Norway has a coast of two thousand kilometres.")
    conversation(cairn, s, directive="Invoices of March")
    assert sorted(relevant(cairn, s, "What about Norway?")) == sorted([trip, said])
    context = cairn.get(f"/api/v2/sessions/{s}/context", directive="packing")
    assert context["relevant_conversations"][0]["conversation_id"] == trip
    assert 0 < context["relevant_conversations"][0]["relevance_score"] <= 1


@needs_model
def test_a_conversation_is_relevant_by_what_it_is_about(knowing):
    s = session(knowing)
    pets = conversation(knowing, s, directive="Adopting a puppy from the shelter")
    conversation(knowing, s, directive="Invoices of March")
    context = eventually(lambda: next(iter(knowing.get(f"/api/v2/sessions/{s}/context", directive="getting a dog")
                                           ["relevant_conversations"]), None), what="the conversation")
    assert context["conversation_id"] == pets


# ---- patterns ----

CHOICE = ("We chose SQLite over Postgres for the cache because it needs no server beside the program.",
          "For caching we went with SQLite rather than PostgreSQL because no daemon has to run.")
PATTERNS = "/api/v1/patterns"


def sighted(cairn, texts):
    """Each in a batch of its own: once the one before has been seen."""
    c = conversation(cairn, session(cairn, project="web"))
    for n, text in enumerate(texts, 1):
        turn(cairn, c, text, role="assistant")
        eventually(lambda: sum(p["frequency"] for p in cairn.get(PATTERNS, project="web")) == n, what=text)
    return cairn.get(PATTERNS, project="web")


@needs_model
@pytest.mark.slow  # a follower waits a third of a second for vectors: an instrumented model takes longer
def test_a_pattern_told_in_other_words_merges(knowing):
    (p,) = sighted(knowing, CHOICE)
    assert p["frequency"] == 2 and p["pattern_type"] == "decision"


def test_without_a_model_patterns_in_other_words_stay_two(cairn):
    assert [p["frequency"] for p in sighted(cairn, CHOICE)] == [1, 1]


@needs_model
def test_patterns_are_found_and_recommended_by_what_they_mean(knowing):
    keep(knowing)
    other = knowing.post(PATTERNS, {"pattern_type": "code", "name": "Retry with a growing delay",
                                    "description": "Wait longer after each failed request."}, 201)["id"]
    best = eventually(lambda: next(iter(knowing.post(f"{PATTERNS}/search", {"query": "pause a while before trying once more"})), None))
    assert best["id"] == other and 0 < best["score"] < 1
    best = knowing.post(f"{PATTERNS}/recommend", {"query": "check everything prior to pushing code"})[0]
    assert best["name"] == "Test before commit" and 0 < best["score_parts"]["similarity"] < 1


# ---- every way to recall ----

PUPPY = "We adopted a puppy from the shelter last weekend."
ASKED_PET = "Which pet do they own?"


@needs_model
def test_every_way_to_recall_goes_by_meaning(knowing, upstream):
    s = session(knowing)
    told_in = conversation(knowing, s, directive="x")
    for text in (PUPPY, "The invoice for March is still unpaid.", "Our flight leaves at seven in the morning."):
        turn(knowing, told_in, text)
    eventually(lambda: knowing.get("/health/memory")["embedding_model"]["lag"] == 0, what="the vectors")
    assert knowing.post("/api/v2/recall", {"query": ASKED_PET, "session_id": s})["results"][0]["content"] == PUPPY
    found = knowing.post(f"/api/v2/sessions/{s}/context/search", {"query": ASKED_PET})["results"][0]
    assert "puppy" in found["snippet"]
    context = knowing.get(f"/api/v2/sessions/{s}/context", directive=ASKED_PET)
    assert context["relevant_turns"][0]["content"] == PUPPY
    assert told_in in [c["conversation_id"] for c in context["relevant_conversations"]]
    assert relevant(knowing, s, ASKED_PET)[0] == told_in
    assert "puppy" in knowing.get("/api/v1/search", q=ASKED_PET, kind="turn")[0]["snippet"]
    assert knowing.get("/api/v1/search/sessions", q=ASKED_PET)[0]["id"] == s
    assert PUPPY in knowing.run("recall", ASKED_PET).stdout
    r = knowing.http.post("/v1/chat/completions", headers={"X-Cairn-Session": s},
                          json={"model": "m", "messages": [{"role": "user", "content": ASKED_PET}]})
    assert r.status_code == 200
    block = upstream.last()["json"]["messages"][0]["content"]
    assert "<recalled_memory>" in block and PUPPY in block


# ---- what may not be read plays no part ----

SECRET = {"title": "Payroll", "description": "Salaries are paid on the last Friday of the month."}
SHARED = {"title": "Staff", "description": "Wages go out before the weekend."}


@needs_model
def test_what_may_not_be_read_is_not_found_by_meaning_and_changes_no_score(make_cairn):
    cairn = make_cairn(env={"CAIRN_MODEL": str(MODEL), "CAIRN_AUTH": "true", "CAIRN_LIMITS_ENABLED": "off"})
    reader = Caller(cairn, "acme", "web", "read,write,memory")
    own = reader.post("/api/v1/checkpoints", SHARED)["id"]
    asked = "when do employees get their money"
    search = lambda: [(h["id"], h["score"]) for h in reader.get("/api/v1/search", q=asked)]  # noqa: E731
    before = eventually(search, what="the own record")
    assert [h[0] for h in before] == [own]

    other = Caller(cairn, "zeta", "web", "read,write,memory")
    hidden = other.post("/api/v1/checkpoints", SECRET)["id"]
    sibling = Caller(cairn, "acme", "shop", "read,write,memory")
    private = sibling.post("/api/v2/sessions", {"privacy_level": "PRIVATE"})["session_id"]
    sibling.post("/api/v1/checkpoints", {**SECRET, "session_id": private})
    theirs = eventually(lambda: other.get("/api/v1/search", q=asked), what="the other's record")
    assert [h["id"] for h in theirs] == [hidden]
    assert search() == before
    patterns = reader.post("/api/v1/patterns/search", {"query": asked})
    assert patterns == []
    sibling.post("/api/v1/patterns", {"pattern_type": "workflow", "name": "Pay wages on Friday", "source_session_id": private})
    eventually(lambda: sibling.post("/api/v1/patterns/search", {"query": asked}), what="the sibling's pattern")
    assert reader.post("/api/v1/patterns/search", {"query": asked}) == []
