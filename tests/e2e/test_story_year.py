"""A year of one user's life with an assistant: a hundred thousand turns in 365 days, some three thousand conversations, a
session a week. Most of it is small talk about six topics. Between it stand a dozen facts that were true for a while and
then changed: an address, a phone number, a job. The story asks what a memory is asked after a year: what is true now,
what was true in spring, what happened in one week of October, and whether all of it is still there.

The year is generated, the same in every run, and taken in as an export is. $CAIRN_YEAR_TURNS makes it longer or shorter;
the instrumented binaries get a tenth of it."""

import datetime
import json
import os
import random
import re

import pytest

from conftest import REPORTS, Cairn, binary, eventually

TURNS = int(os.environ.get("CAIRN_YEAR_TURNS") or (10_000 if re.search("asan|tsan", binary()) else 100_000))
DAYS, TALK = 365, 28  # a conversation has 28 turns: 14 times something is said and answered
NEW_YEAR = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)

TOPICS = {
    "garden": "tomatoes compost hedge seeds slugs watering roses pruning greenhouse mulch",
    "kitchen": "bread oven lentils dough pepper soup pan garlic rice yoghurt",
    "running": "intervals shoes pace hill knee stretching trail marathon route breathing",
    "work": "meeting budget slides deadline invoice report colleague contract schedule review",
    "music": "cello scales rehearsal bow concert rhythm melody practice choir strings",
    "travel": "train luggage ticket museum hostel map island ferry harbour passport",
}
SAID = ["Today I thought about the {0} and then about the {1}.", "Do you think the {0} goes well with the {1}?",
        "I spent an hour on the {0}, the {1} has to wait.", "Somebody told me that the {0} matters more than the {1}."]
ANSWERED = ["Begin with the {0}, the {1} comes by itself.", "Take your time with the {0}; how is the {1} doing?",
            "Both matter, but I would look at the {0} before the {1}.", "That sounds good. Write down the {0} first."]

# What changes: a question, and what is said about it on which day of the year.
FACTS = [
    ("Which street do I live in?", [(12, "By the way, I live in the street called Annenstrasse."),
                                    (201, "We moved! The street I live in is called Rua das Flores now.")]),
    ("Which company employs me as an engineer?", [(20, "The company that employs me as an engineer is Northwind Optics."),
                                                  (243, "The company that employs me as an engineer is Bluefin Robotics since Monday.")]),
    ("What is the number of my locker at the climbing gym?", [(33, "My locker number at the climbing gym is 4471."),
                                                              (150, "My locker number at the climbing gym changed to 9032."),
                                                              (300, "My locker number at the climbing gym changed to 1188.")]),
    ("Who is my dentist?", [(40, "My dentist is Doctor Halvorsen, in the old town."),
                            (210, "My dentist is Doctor Quintela now, near the river.")]),
    ("How much does my cat Biscuit weigh?", [(55, "The vet says that my cat Biscuit weighs 5.9 kilos."),
                                             (320, "The vet says that my cat Biscuit weighs 4.6 kilos.")]),
    ("Which bicycle do I ride?", [(61, "The bicycle I ride is a green Peugeot."),
                                  (180, "The bicycle I ride is a black Brompton, the green Peugeot was stolen.")]),
    ("What is the wifi of the cabin called?", [(75, "The wifi of the cabin is called ottersleep."),
                                                 (275, "The wifi of the cabin is called heronwake from this week on.")]),
    ("When does the pottery class begin?", [(82, "The pottery class begins at six on Tuesdays."),
                                            (260, "The pottery class begins at seven on Thursdays.")]),
    ("Which medicine do I take for hay fever?", [(95, "The medicine I take for hay fever is cetirizine."),
                                                 (134, "The medicine I take for hay fever is bilastine.")]),
    ("Who waters my orchids when I am away?", [(101, "Florian waters my orchids when I am away."),
                                               (230, "Ludmila waters my orchids when I am away.")]),
]


def moment(day, minute=0):
    return NEW_YEAR + datetime.timedelta(days=day, minutes=minute)


def written(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def made_id(prefix, n):
    return f"{prefix}_{n:032x}"


def week_of(day):
    return made_id("sess", 1 + day // 7)


def small_talk(rng, topic, i):
    words = rng.sample(TOPICS[topic].split(), 2)
    return rng.choice(ANSWERED if i % 2 else SAID).format(*words)


def records():
    """The year as the lines of an export: sessions, conversations, and turns in the order in which they were said."""
    rng = random.Random(2025)
    facts = {(day, i): text for i, (_, told) in enumerate(FACTS) for day, text in told}
    said = talks = 0
    for day in range(DAYS):
        if day % 7 == 0:
            yield {"kind": "session", "session_id": week_of(day), "title": f"Week {1 + day // 7}", "user_id": "mira",
                   "created_at": written(moment(day)), "last_active": written(moment(day))}
        planted = [text for (d, _), text in facts.items() if d == day]
        # As many conversations as bring the year to its length, and one at least when there is something to tell.
        until = TURNS * (day + 1) // DAYS
        while said < until or planted:
            topic = rng.choice(list(TOPICS))
            talks += 1
            c = made_id("conv", talks)
            start = 7 * 60 + (talks * 53) % 600
            yield {"kind": "conversation", "conversation_id": c, "session_id": week_of(day), "directive": f"About the {topic}",
                   "created_at": written(moment(day, start))}
            for i in range(TALK):
                text = planted.pop() if planted and i == 6 else small_talk(rng, topic, i)
                said += 1
                yield {"kind": "turn", "turn_id": made_id("turn", said), "conversation_id": c,
                       "agent": "assistant" if i % 2 else "mira", "role": "assistant" if i % 2 else "user",
                       "timestamp": written(moment(day, start + i)), "content": text}


@pytest.fixture(scope="module")
def year(tmp_path_factory, upstream_server):
    """A server that has taken the year in, and what the file of it held."""
    folder = tmp_path_factory.mktemp("year")
    file, counts = folder / "year.jsonl", {}
    with open(file, "w") as f:
        f.write('{"cairn_export":1,"complete":true}\n')
        for r in records():
            f.write(json.dumps(r) + "\n")
            counts[r["kind"]] = counts.get(r["kind"], 0) + 1
        f.write(json.dumps({"records": sum(counts.values())}) + "\n")
    c = Cairn(folder / "data", upstream_server.url)
    done = json.loads(c.run("import", str(file), "--json", timeout=300).stdout)
    assert (done["imported"], done["known"], done["refused"]) == (sum(counts.values()), 0, 0), done
    c.start()
    eventually(lambda: c.get("/api/v2/status")["index"]["lag"] == 0, seconds=120, what="the year to be in the index")
    c.counts = counts
    yield c
    c.http.close()
    assert c.stop(120) == 0 and not REPORTS.search(c.log()), c.log()[-20000:]


def recall(cairn, question, **more):
    return cairn.post("/api/v2/recall", {"query": question, **more}, 200)["results"]


def pages(cairn, path, key, limit, **more):
    """Every item of a list, page by page to its end."""
    out, cursor = [], {}
    while True:
        page = cairn.get(path, limit=limit, **cursor, **more)
        assert len(page[key]) <= limit
        out += page[key]
        if not page["next_cursor"]:
            return out
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("question, told", FACTS, ids=[q for q, _ in FACTS])
def test_what_was_told_is_recalled_with_its_date(year, question, told):
    found = {r["content"]: r["timestamp"] for r in recall(year, question, max_results=5)}
    day, text = told[-1]
    assert text in found, f"{question}: {list(found)}"
    assert found[text].startswith(moment(day).strftime("%Y-%m-%d"))


@pytest.mark.parametrize("question, told", FACTS, ids=[q for q, _ in FACTS])
def test_asked_as_of_a_day_the_answer_is_what_was_true_then(year, question, told):
    for (_, text), (changed, newer) in zip(told, told[1:]):
        found = [r["content"] for r in recall(year, question, max_results=5, as_of=written(moment(changed)))]
        assert text in found and newer not in found, found
    nothing_yet = recall(year, question, as_of=written(moment(told[0][0])))
    assert not {r["content"] for r in nothing_yet} & {text for _, text in told}


def test_one_week_remembers_only_itself(year):
    question, told = FACTS[2]
    for day, text in told:
        found = [r["content"] for r in recall(year, question, session_id=week_of(day), max_results=5)]
        assert text in found and not set(found) & {t for d, t in told if d != day}


def test_a_search_within_days_finds_what_was_said_on_them(year):
    day, text = FACTS[5][1][1]
    span = {"start": written(moment(day)), "end": written(moment(day + 1))}
    found = year.post(f"/api/v2/sessions/{week_of(day)}/context/search", {"query": "bicycle", "time_range": span}, 200)
    assert text in [r["snippet"] for r in found["results"]]
    span["end"] = written(moment(day))
    span["start"] = written(moment(day - 1))
    found = year.post(f"/api/v2/sessions/{week_of(day)}/context/search", {"query": "bicycle", "time_range": span}, 200)
    assert text not in [r["snippet"] for r in found["results"]]


def test_the_counts_are_those_of_the_year(year):
    counts = year.get("/api/v2/status")["counts"]
    assert counts["turns"] == year.counts["turn"] >= TURNS
    assert (counts["sessions"], counts["conversations"]) == (year.counts["session"], year.counts["conversation"])
    stats = year.get("/api/v1/stats")
    assert stats["total_messages"] == year.counts["turn"] and stats["conversations"] == year.counts["conversation"]
    assert stats["messages_this_week"] in (0, year.counts["turn"]), "all of it was said long ago"


def test_every_session_is_in_the_list_once_and_knows_its_size(year):
    sessions = pages(year, "/api/v2/sessions", "sessions", limit=10)
    assert len({s["session_id"] for s in sessions}) == len(sessions) == year.counts["session"]
    newest_first = [s["created_at"] for s in sessions]
    assert newest_first == sorted(newest_first, reverse=True)
    one = [year.get(f"/api/v2/sessions/{week_of(day)}") for day in range(0, DAYS, 7)]
    assert sum(s["total_turns"] for s in one) == year.counts["turn"]
    assert sum(s["conversation_count"] for s in one) == year.counts["conversation"]


def test_the_conversations_of_a_week_are_paged_to_their_end(year):
    expected = year.get(f"/api/v2/sessions/{week_of(100)}")["conversation_count"]
    seen, path = [], f"/api/v1/conversations?session_id={week_of(100)}&limit=7"
    while path:
        r = year.http.get(path)
        assert r.status_code == 200 and int(r.headers["x-total-count"]) == expected
        seen += [c["conversation_id"] for c in r.json()]
        path = r.links["next"]["url"] if "next" in r.links else None
    assert len(seen) == len(set(seen)) == expected


def test_every_turn_of_the_year_is_listed_once(year):
    seen, numbers, path = 0, set(), "/api/v1/turns?limit=1000"
    while path:
        r = year.http.get(path)
        assert r.status_code == 200, r.text
        numbers.update(int(t["turn_id"].removeprefix("turn_"), 16) for t in r.json())
        seen += len(r.json())
        path = r.links["next"]["url"] if "next" in r.links else None
    assert seen == year.counts["turn"] and numbers == set(range(1, seen + 1))


def test_the_context_of_a_week_is_bounded(year):
    day, text = FACTS[0][1][1]
    c = year.get(f"/api/v2/sessions/{week_of(day)}/context", directive=FACTS[0][0])
    assert text in [t["content"] for t in c["relevant_turns"]]
    assert len(c["relevant_turns"]) <= 10 and len(c["key_topics"]) <= 10
    assert len(c["characters"]) <= 3 and len(c["props"]) <= 3 and len(c["previous_conversations"]) <= 5
    for several in ("recent_conversations", "relevant_conversations"):
        assert 0 < len(c[several]) <= 10
    few = year.get(f"/api/v2/sessions/{week_of(day)}/context", directive=FACTS[0][0], max_turns=2, max_tokens=100)
    assert 1 <= len(few["relevant_turns"]) <= 2


def test_one_day_is_exported_alone(year):
    day, text = FACTS[1][1][1]
    span = {"start": written(moment(day)), "end": written(moment(day + 1))}
    made = year.post(f"/api/v2/sessions/{week_of(day)}/export", {"format": "jsonl", "time_range": span}, 201)
    lines = [json.loads(line) for line in year.http.get(made["download_url"]).text.splitlines()]
    turns = [r for r in lines if r.get("kind") == "turn"]
    assert text in [t["content"] for t in turns] and len(turns) % TALK == 0
    assert {t["timestamp"][:10] for t in turns} == {moment(day).strftime("%Y-%m-%d")}


def test_the_doctor_is_content(year):
    found = json.loads(year.run("doctor", "--json", timeout=300).stdout)
    assert found["ok"], found
