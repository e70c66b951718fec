"""Search across kinds, projects and sessions, and recall of records other than turns. Which fields are searched is asked
from the table of kinds itself, so that none can be forgotten."""

import json
import pathlib
import re

import pytest
from conftest import Cairn
from rest import conversation, refused, session, turn

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The least that makes a record of each kind that CRUD makes.
LEAST = {"project": {"slug": "SLUG"}, "session": {}, "agent": {"name": "NAME"}, "summary": {"text": "t"},
         "event": {"effect_text": "e"}, "pattern": {"pattern_type": "workflow", "name": "n"}, "checkpoint": {"title": "t"},
         "character": {"name": "n"}, "prop": {"name": "n"}}
PLURALS = {"summary": "summaries"}


def searched_fields():
    """(kind, field, type) of every field whose words are to be found, from the table of kinds."""
    table = (ROOT / "src" / "record" / "kinds.c").read_text()
    out = []
    for kind in re.split(r"\n\s*\.name = \"", table)[1:]:
        name = kind.split('"', 1)[0]
        for field, type_, flags in re.findall(r'\{"(\w+)", FIELD_(\w+), ([A-Z_ |0]+),', kind):
            if "FIELD_SEARCHED" in flags or "PROSE" in flags:
                out.append((name, field, type_))
    return out


FIELDS = [f for f in searched_fields() if f[0] in LEAST]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    cairn = Cairn(tmp_path_factory.mktemp("search") / "data").start()
    yield cairn
    cairn.http.close()
    assert cairn.stop() == 0


def plural(kind):
    return PLURALS.get(kind, kind + "s")


def make(cairn, kind, unique, **more):
    body = {k: v.replace("SLUG", unique).replace("NAME", unique) if isinstance(v, str) else v for k, v in LEAST[kind].items()}
    return cairn.post(f"/api/v1/{plural(kind)}", {**body, **more}, 201)


def found(cairn, q, **more):
    return cairn.get("/api/v1/search", q=q, **more)


def test_the_table_says_what_is_searched():
    assert len(FIELDS) > 25 and {f[0] for f in FIELDS} == set(LEAST)


@pytest.mark.parametrize("kind, field, type_", FIELDS, ids=lambda v: v)
def test_every_searched_field_is_found_by_its_words(server, kind, field, type_):
    word = "xq" + "".join(chr(97 + (ord(c) * 7 + i) % 26) for i, c in enumerate(f"{kind}{field}")) + "zork"
    text = f"Some {word.upper()} here"
    made = make(server, kind, f"u-{kind}-{field}", **{field: [text] if type_ == "ARRAY" else text})
    (hit,) = found(server, f"where is the {word}?")
    assert (hit["kind"], hit["id"]) == (kind, made["id"]) and 0 < hit["score"] <= 1
    assert hit["record"][field] == made[field] and word in hit["snippet"].lower()
    assert [h["id"] for h in found(server, word, kind=kind)] == [made["id"]]
    assert found(server, word, kind="checkpoint" if kind != "checkpoint" else "prop") == []
    recalled = server.post("/api/v2/recall", {"query": word, "kinds": [kind]})
    assert [(h["kind"], h["id"], h["source"]["kind"]) for h in recalled["results"]] == [(kind, made["id"], kind)]
    assert word in recalled["results"][0]["content"].lower() and recalled["total_matches"] == 1
    assert server.post("/api/v2/recall", {"query": word})["results"] == [], "turns alone unless asked"


def test_what_belongs_to_the_organisation_is_found_from_each_of_its_projects(server):
    made = make(server, "prop", "u-own", description="An ownwideword lamp")
    assert [h["id"] for h in found(server, "ownwideword", submodule_id="some-project")] == [made["id"]]


@pytest.mark.parametrize("kind", sorted(LEAST))
def test_a_changed_or_deleted_record_is_right_at_once(server, kind):
    field = next(f for k, f, t in FIELDS if k == kind and t == "TEXT")
    before, after = f"before{kind}word", f"after{kind}word"
    made = make(server, kind, f"c-{kind}", **{field: before})
    path = f"/api/v1/{plural(kind)}/{made['id']}"
    assert len(found(server, before)) == 1
    if kind != "checkpoint":  # which is never changed
        assert server.http.patch(path, json={field: after}).status_code == 200
        assert found(server, before) == [] and len(found(server, after)) == 1
    assert server.http.delete(path).status_code == 200
    assert found(server, before) == [] and found(server, after) == []


def test_turns_and_records_come_in_one_list_best_first(server):
    s = session(server, title="Nothing of the sort", project="one-list")
    turn(server, conversation(server, s), "The heliograph flashed twice")
    pattern = make(server, "pattern", "p", name="Heliograph first", project="one-list")["id"]
    prop = make(server, "prop", "p", name="heliograph", project="one-list")["id"]
    r = server.http.get("/api/v1/search?q=heliograph&project=one-list")
    hits = [h for h in r.json() if h["kind"] != "event"]  # one may have been made of the turn by now
    assert {h["kind"] for h in hits} == {"turn", "pattern", "prop"} and r.headers["X-Total-Count"] in ("3", "4")
    assert [h["score"] for h in hits] == sorted((h["score"] for h in hits), reverse=True)
    assert [h["id"] for h in hits if h["kind"] == "prop"] == [prop]
    assert {h["submodule_id"] for h in hits} == {"one-list"}
    assert {h["kind"] for h in found(server, "heliograph", kind="turn,pattern")} == {"turn", "pattern"}
    assert [h["id"] for h in server.get("/api/v1/search/patterns", q="heliograph")] == [pattern]
    assert found(server, "heliograph", submodule_id="elsewhere") == []
    assert len(found(server, "heliograph", limit=1)) == 1
    both = server.post("/api/v2/recall", {"query": "heliograph", "kinds": ["all"], "project": "one-list"})["results"]
    assert {h["kind"] for h in both} - {"event"} == {"turn", "pattern", "prop"}
    assert len(server.post("/api/v2/recall", {"query": "heliograph", "kinds": ["all"], "max_results": 2})["results"]) == 2


def test_sessions_are_found_by_their_words_and_by_what_was_said(server):
    titled = session(server, title="The astrolabe plan")
    spoken = session(server, title="Untitled")
    turn(server, conversation(server, spoken), "I bought an astrolabe today")
    hits = server.get("/api/v1/search/sessions", q="astrolabes")
    assert {h["id"] for h in hits} == {titled, spoken} and {h["kind"] for h in hits} == {"session"}
    assert all(h["record"]["session_id"] == h["id"] and "astrolabe" in h["snippet"].lower() for h in hits)
    server.http.delete(f"/api/v1/sessions/{spoken}")
    assert [h["id"] for h in server.get("/api/v1/search/sessions", q="astrolabes")] == [titled]


def test_words_are_compared_as_the_index_compares_them(server):
    make(server, "event", "e", effect_text="Hoping for happiness, he runs across; they crossed the Crème-Straße at MIDNIGHT")
    for q in ("hope", "happy", "running", "creme", "CRÈME", "midnight", "crossing"):
        assert len(found(server, q, kind="event")) == 1, q
    assert found(server, "the") == [] and found(server, "?!") == []
    assert found(server, "100% _ ' \" OR NEAR(") == []


def test_better_matches_come_first(server):
    make(server, "prop", "x", name="lantern", description="a lantern of brass with a lantern glass", project="rank")
    make(server, "prop", "x", name="table", description="beside it a chair, a stool, a bench and one lantern", project="rank")
    make(server, "prop", "x", name="brass", description="metal", project="rank")
    assert [h["title"] for h in found(server, "brass lantern", project="rank")][0] == "lantern"
    assert len(found(server, "brass lantern", project="rank")) == 3


def test_bad_searches_are_refused(server):
    refused(server, "GET", "/api/v1/search", field="q")
    refused(server, "GET", "/api/v1/search?q=", field="q")
    refused(server, "GET", "/api/v1/search?q=x&kind=nonsense", field="kind")
    refused(server, "GET", "/api/v1/search?q=x&kind=source", field="kind")
    refused(server, "GET", "/api/v1/search?q=x&limit=0", field="limit")
    refused(server, "POST", "/api/v2/recall", {"query": "x", "kinds": ["nonsense"]}, field="kinds")
    refused(server, "POST", "/api/v2/recall", {"query": "x", "kinds": [5]}, field="kinds")


def test_default_limit_is_twenty(server):
    for i in range(25):
        make(server, "event", "e", effect_text=f"tally {i}")
    assert len(found(server, "tally", kind="event")) == 20


def test_the_command_line_finds(server):
    make(server, "prop", "x", name="Quadrant of ivory")
    done = server.run("find", "ivory", "quadrant", "--json")
    assert [h["title"] for h in json.loads(done.stdout)] == ["Quadrant of ivory"]
    assert "Quadrant of ivory" in server.run("find", "ivory", "--kind", "prop").stdout


# ---- what is not a plain word ----

SAID = [("a number", "It cost 1,000 crowns", "1000"), ("a number as written", "It cost 2,500,000 crowns", "2,500,000"),
        ("a decimal", "Pi is 3.1416 or so", "3.1416"), ("a version", "It broke in v7.2.9", "7.2.9"),
        ("a camel", "Call resolveTenantName first", "resolveTenantName"),
        ("a word of a camel", "Call fetchInvoiceTotal first", "invoice"),
        ("another spelling", "Call drain_pending_jobs first", "drainPendingJobs"),
        ("an error's name", "It said ERR_QUOTA_GONE", "ERR_QUOTA_GONE"), ("a path", "See lib/zebra/stripes.py", "stripes.py"),
        ("an accent", "We met at the Gâteau", "gateau"), ("an accent asked for", "A plain fiancee", "fiancée"),
        ("Chinese", "我们去上海博物馆", "上海博物馆"), ("Japanese", "犬の散歩に行く", "散歩"), ("Korean", "도서관에서 만나요", "도서관"),
        ("a date", "Shipped on 2031-07-19", "2031-07-19"), ("an address", "Ask quentin@example.net", "quentin@example.net"),
        ("an apostrophe", "Mrs O'Hanlon called", "O’Hanlon")]


@pytest.mark.parametrize("what, said, asked", SAID, ids=[s[0] for s in SAID])
def test_records_are_found_by_what_is_not_a_plain_word(server, what, said, asked):
    made = make(server, "checkpoint", what, title=said)
    hits = found(server, asked, kind="checkpoint")
    assert hits and hits[0]["id"] == made["id"]
