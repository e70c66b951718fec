"""What is met again: one message is stored once, whichever file, tool or import tells it again; a word said twice is two
turns; and a session that is restored says all that its transcript says, wherever its words are stored."""

import itertools
import json
import os
import random
import subprocess
from collections import Counter
from datetime import datetime

import pytest
from conftest import binary, key_of_tests
from histories import History, at, at_ms, sha256, stores, uid
from histories.claude import Session, text, thinking, tool_result, tool_use

PROMPTS = ("How deep is the mill pond in summer?", "yes", "And in a dry winter, how deep is it?", "yes")
ANSWERS = ("Two metres at the sluice, less at the weir.", "Done.", "One metre, and it freezes to the ground.", "Done.")


@pytest.fixture
def store(make_cairn):
    return make_cairn(start=False)


def imported(store, source, path, *args):
    report = json.loads(store.run("import", source, str(path), "--json", *args).stdout)
    assert report["records"] == report["turns_new"] + report["duplicates"] + report["skipped"]
    assert report["lines"] == report["records"] + report["merged"]
    return report


def turns(store):
    page = json.loads(store.run("list", "turns", "--limit", "1000", "--json").stdout)
    return page if isinstance(page, list) else page["turns"]


def said(store):
    return Counter(t["content"] for t in turns(store))


def words_of(record):
    """What a person sees of a line."""
    content = record["message"]["content"]
    if isinstance(content, str):
        return (record["type"], content)
    return (record["type"], *(b.get("text") or b.get("name") or str(b.get("content")) for b in content))


def transcript(records):
    return [words_of(r) for r in records if r["type"] in ("user", "assistant")]


def restored(store, session):
    lines = store.run("restore-session", session).stdout.strip()
    return transcript([json.loads(x) for x in lines.split("\n") if x])


def conversation(h, name="pond", clock=0, rounds=4):
    s = Session(h, name, clock=clock)
    for i in range(rounds):
        s.user(PROMPTS[i % 4])
        s.assistant(text(ANSWERS[i % 4]))
    s.write()
    return s


def copy_of(h, s, name, upto=None, own=(), **more):
    """A file that begins with lines of s."""
    c = Session(h, name, clock=1000)
    c.records = [{**r, "sessionId": c.id, **more} for r in s.records[:upto]]
    for words in own:
        c.user(words)
    c.write()
    return c


# ---- sessions that begin with another's lines ----

def test_a_copy_is_a_session_too(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = conversation(h)
    assert imported(store, "claude-code", h.root)["turns_new"] == 8
    c = copy_of(h, s, "copy")
    report = imported(store, "claude-code", h.root / c.path())
    assert (report["turns_new"], report["duplicates"]) == (0, 8)
    assert restored(store, c.id) == restored(store, s.id) == transcript(s.records)
    assert sum(said(store).values()) == 8


def test_forks_in_any_order(make_cairn, tmp_path):
    """A whole session, one that went on from its middle, one that went on from that: each is whole in the end."""
    for n, order in enumerate(itertools.permutations(range(3))):
        h = History(tmp_path / str(n), "claude-code")
        s = conversation(h)
        middle = copy_of(h, s, "middle", 4, ("Now something else", "yes"))
        last = copy_of(h, middle, "last", 5, ("And back again",))
        store = make_cairn(name=f"order-{n}", start=False)
        for i in order:
            imported(store, "claude-code", h.root / (s, middle, last)[i].path())
        for one in (s, middle, last):
            assert restored(store, one.id) == transcript(one.records)
        assert said(store) == Counter(w[1] for w in transcript(s.records)) + Counter(["Now something else", "yes", "And back again"])


@pytest.mark.parametrize("upto", (2, 3, 4, 5))
def test_forks_behind_an_answer_of_several_lines(store, tmp_path, upto):
    """The next line's parent is the answer's last line; and one that breaks off within it."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "lines")
    s.user("Measure the weir, please")
    s.assistant(thinking("Hm."), text("I measure it."), tool_use("Bash", {"command": "ls"}, "toolu_1"))
    s.user([tool_result("forty metres", "toolu_1")])
    s.write()
    fork = copy_of(h, s, "fork", upto, ("And its depth?",))
    imported(store, "claude-code", h.root)
    shown = restored(store, fork.id)
    assert shown[0] == ("user", "Measure the weir, please") and shown[-1] == ("user", "And its depth?")
    assert shown[1][:2] == ("assistant", "I measure it.") and len(shown) == (4 if upto == 5 else 3)


def test_two_sessions_in_one_file(store, tmp_path):
    """Two processes write one file in turns; another copy has one of them alone."""
    h = History(tmp_path / "claude", "claude-code")
    a, b = Session(h, "a"), Session(h, "b")
    for i in range(6):
        a.user(f"Said in the first, number {i}")
        b.user(f"Said in the second, number {i}")
    b.write()
    a.records = [r for pair in zip(a.records, b.records) for r in pair]
    a.write()
    report = imported(store, "claude-code", h.root)
    assert (report["turns_new"], report["duplicates"]) == (12, 6)
    assert restored(store, a.id) == transcript(a.records)
    assert restored(store, b.id) == transcript(b.records)


def test_a_copy_of_what_waited_in_the_queue(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "queue")
    s.user("Begin to dig the pond")
    s.records.append({"type": "queue-operation", "operation": "enqueue", "timestamp": at(2), "sessionId": s.id,
                      "content": "And mind the frogs"})
    s.write()
    assert imported(store, "claude-code", h.root)["turns_new"] == 2
    copy_of(h, s, "fork")
    assert imported(store, "claude-code", h.root)["turns_new"] == 0
    assert said(store) == Counter(["Begin to dig the pond", "And mind the frogs"])


def test_a_session_that_was_erased_stays_away(make_cairn, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = conversation(h)
    c = copy_of(h, s, "copy", own=("Said in the copy alone",))
    cairn = make_cairn()
    imported(cairn, "claude-code", h.root)
    (session,) = {t["session_id"] for t in turns(cairn) if t["content"] == "Said in the copy alone"}
    cairn.run("forget", "--session", session, "--now")
    h.lines(f"projects/elsewhere/{c.id}.jsonl", c.records)
    assert imported(cairn, "claude-code", h.root)["turns_new"] == 0
    assert "Said in the copy alone" not in said(cairn)
    assert [x["session_id"] for x in cairn.get("/api/v1/sessions")] == [turns(cairn)[0]["session_id"]]


# ---- lists of prompts ----

def when(record):
    return int(datetime.fromisoformat(record["timestamp"].replace("Z", "+00:00")).timestamp() * 1000)


def typed(h, s, *more):
    prompts = [r for r in s.records if r["type"] == "user"]
    h.lines("history.jsonl", [
        {"display": r["message"]["content"], "pastedContents": {}, "timestamp": when(r) - 35, "project": s.cwd,
         "sessionId": s.id} for r in prompts] + list(more))


def test_prompts_before_their_transcript(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = conversation(h)
    typed(h, s, {"display": "Typed and never sent on", "timestamp": at_ms(50), "project": s.cwd, "sessionId": s.id})
    (h.root / s.path()).rename(tmp_path / "later")
    assert imported(store, "claude-code", h.root)["turns_new"] == 5
    (tmp_path / "later").rename(h.root / s.path())
    report = imported(store, "claude-code", h.root)
    assert report["turns_new"] == 4
    assert said(store) == Counter(PROMPTS) + Counter(ANSWERS) + Counter(["Typed and never sent on"])
    assert [w for w in restored(store, s.id) if w[1] != "Typed and never sent on"] == transcript(s.records)


def test_prompts_that_are_watched(store, tmp_path):
    """The list gets its line at once, the transcript a moment later; and the same word again and again."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "watched")
    s.user("The first word")
    s.write()
    path, history = h.root / s.path(), h.path("history.jsonl")
    history.touch()
    p = subprocess.Popen([binary(), "watch", "claude-code", str(h.root), "--data", str(store.data)], stdout=subprocess.PIPE,
                         text=True, env={**os.environ, **key_of_tests()})
    try:
        assert p.stdout.readline() == "claude-code: 1 turns new\n"
        for words in ("yes", "yes", "Go on with the second sluice"):
            s.user(words)
            with open(history, "a") as f:
                f.write(json.dumps({"display": words, "timestamp": at_ms(s.clock) - 20, "project": s.cwd, "sessionId": s.id}) + "\n")
            assert p.stdout.readline() == "claude-code: 1 turns new\n"
            s.assistant(text("Done."))
            with open(path, "a") as f:
                f.writelines(json.dumps(r) + "\n" for r in s.records[-2:])
            assert p.stdout.readline() == "claude-code: 1 turns new\n"
    finally:
        p.terminate()
        assert p.wait(20) == 0
    assert said(store) == Counter(["The first word", "yes", "yes", "Go on with the second sluice", *["Done."] * 3])
    assert restored(store, s.id) == transcript(s.records)


@pytest.mark.parametrize("late", (False, True))
def test_prompts_without_a_session(store, tmp_path, late):
    """Old lists name the folder only: the same word in another folder is another prompt; so is a command's text."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "old")
    s.user("hi")
    s.user("<command-name>/review</command-name>\n<command-message>review</command-message>\n<command-args>all the weirs</command-args>")
    lines = [{"display": "hi", "timestamp": at_ms(1) - 20, "project": s.cwd},
             {"display": "/review all the weirs", "timestamp": at_ms(2) - 20, "project": s.cwd, "sessionId": s.id},
             {"display": "/review all the ponds", "timestamp": at_ms(3), "project": s.cwd, "sessionId": s.id},
             {"display": "hi", "timestamp": at_ms(1) - 25, "project": "/home/ada/other"}]
    if late:
        h.lines("history.jsonl", lines)
        imported(store, "claude-code", h.root)
    s.write()
    h.lines("history.jsonl", lines)
    imported(store, "claude-code", h.root)
    found = Counter(t["content"].split("\n")[0] for t in turns(store))
    assert found == Counter({"hi": 2, "<command-name>/review</command-name>": 1, "/review all the ponds": 1})


# ---- the same message from elsewhere ----

def as_jsonl(h, s, name="export.jsonl", cut=False, timed=True, session=True):
    lines = []
    for r in s.records:
        kind, *words = words_of(r)
        line = {"role": kind, "content": words[0]}
        if timed:
            line["timestamp"] = r["timestamp"][:19] + "Z" if cut else r["timestamp"]
        if session:
            line["session"] = s.id
        lines.append(line)
    return h.lines(name, lines)


def as_unique(h, s):
    """Each message once, by the hash of its words."""
    words = dict.fromkeys(words_of(r)[1] for r in s.records)
    h.lines("dedup_state/unique_messages.jsonl", [
        {"hash": sha256(w), "content": w, "timestamp": at(5000), "role": "user" if w in PROMPTS else "assistant"} for w in words])
    return h.root


def sources(tmp_path, s, h):
    """Ways to tell the session again, as arguments of an import."""
    jsonl, cut, bare, copied = (History(tmp_path / n, "jsonl") for n in ("jsonl", "cut", "bare", "copied"))
    unique = History(tmp_path / "unique", "memory-context")
    return {"claude": ("claude-code", h.root), "jsonl": ("jsonl", as_jsonl(jsonl, s)), "cut": ("jsonl", as_jsonl(cut, s, cut=True)),
            "copied": ("jsonl", as_jsonl(copied, s, "under another name.jsonl", session=False)),
            "unique": ("memory-context", as_unique(unique, s))}


@pytest.mark.parametrize("order", list(itertools.permutations(("claude", "jsonl", "unique"))) + [
    ("claude", "cut"), ("cut", "claude"), ("jsonl", "copied"), ("copied", "cut", "unique", "claude"), ("unique", "copied")],
    ids="-".join)
def test_told_again_by_others(store, tmp_path, order):
    h = History(tmp_path / "claude", "claude-code")
    s = conversation(h)
    ways = sources(tmp_path, s, h)
    new = sum(imported(store, *ways[way])["turns_new"] for way in order)
    assert said(store) == Counter(PROMPTS) + Counter(ANSWERS)
    assert new == 8
    if "claude" in order:
        assert restored(store, s.id) == transcript(s.records)
        kept = [json.loads(x) for x in store.run("restore-session", s.id).stdout.strip().split("\n")]
        assert [x["uuid"] for x in kept] == [r["uuid"] for r in s.records]
        assert len({t["session_id"] for t in turns(store)}) == 1
    for way in order:
        assert imported(store, *ways[way])["turns_new"] == 0


def test_equal_words_at_other_times_are_other_turns(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    conversation(h, "one", 0)
    conversation(h, "two", 100)
    other = History(tmp_path / "jsonl", "jsonl")
    other.lines("third.jsonl", [{"role": "user", "content": "yes", "timestamp": at(500)},
                                {"role": "user", "content": "yes", "timestamp": at(501)}])
    imported(store, "claude-code", h.root)
    assert imported(store, "jsonl", other.root)["turns_new"] == 2
    assert said(store)["yes"] == 6


def test_since_counts_for_what_has_no_time_of_its_own(store, tmp_path):
    h = History(tmp_path / "jsonl", "jsonl")
    h.lines("x.jsonl", [{"role": "user", "content": "Said at nine o'clock", "timestamp": at(0)},
                        {"role": "assistant", "content": "Answered right after that"},
                        {"role": "user", "content": "Said at ten o'clock", "timestamp": at(3600)},
                        {"role": "assistant", "content": "Answered after that, too"}])
    report = imported(store, "jsonl", h.root, "--since", at(1800))
    assert (report["turns_new"], report["skipped_by_reason"]) == (2, {"older": 2})
    assert said(store) == Counter(["Said at ten o'clock", "Answered after that, too"])


def test_a_sample_has_no_more_than_was_asked_for(store, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = conversation(h, rounds=30)
    for limit, all_now in ((1, 1), (5, 6), (20, 26)):
        assert imported(store, "claude-code", h.root, "--limit", str(limit))["turns_new"] == limit
        assert sum(said(store).values()) == all_now
    assert imported(store, "claude-code", h.root)["turns_new"] == 34
    assert restored(store, s.id) == transcript(s.records)


def test_what_was_erased_does_not_come_back_by_another_source(make_cairn, tmp_path):
    h = History(tmp_path / "claude", "claude-code")
    s = conversation(h)
    cairn = make_cairn()
    imported(cairn, "claude-code", h.root)
    (session,) = cairn.get("/api/v1/sessions")
    cairn.http.delete(f"/api/v1/sessions/{session['session_id']}").raise_for_status()
    for source, path in list(sources(tmp_path, s, h).values())[1:]:
        imported(cairn, source, path)
        assert said(cairn) == Counter()


def test_the_tool_s_own_copy_is_the_better_one(store, tmp_path):
    """Tools, ids and figures come with the transcript, though the words were there before."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "tools")
    s.user("Which sluice is the oldest one here?")
    s.assistant(text("I look into the list of sluices."), tool_use("Bash", {"command": "ls"}, "toolu_1"))
    s.user([tool_result("oak, 1783, at the weir", "toolu_1")])
    s.assistant(text("The oak one at the weir, of 1783."))
    s.write()
    other = History(tmp_path / "jsonl", "jsonl")
    other.lines("x.jsonl", [{"role": "user", "content": "Which sluice is the oldest one here?", "timestamp": at(1)},
                            {"role": "assistant", "content": "The oak one at the weir,  of 1783.\r\n", "timestamp": at(5)}])
    assert imported(store, "jsonl", other.root)["turns_new"] == 2
    report = imported(store, "claude-code", h.root)
    assert (report["turns_new"], report["duplicates"]) == (2, 2)
    (asked,) = [t for t in turns(store) if t["role"] == "user"]
    assert asked["metadata"]["uuid"] == s.records[0]["uuid"]
    assert len(restored(store, s.id)) == 4
    assert len(json.loads(store.run("recall", "oldest sluice", "--json").stdout)["results"]) >= 1


@pytest.mark.parametrize("first", ("claude", "unique"))
def test_an_answer_that_others_keep_without_its_tools(store, tmp_path, first):
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "tools")
    s.user("Which sluice is the oldest one here?")
    s.assistant(text("I look."), tool_use("Bash", {"command": "ls"}, "toolu_1"))
    s.write()
    unique = History(tmp_path / "unique", "memory-context")
    unique.lines("dedup_state/unique_messages.jsonl", [
        {"hash": sha256(w), "content": w, "timestamp": at(99), "role": r}
        for r, w in (("user", "Which sluice is the oldest one here?"), ("assistant", "I look."))])
    ways = [("claude-code", h.root), ("memory-context", unique.root)]
    for source, path in ways if first == "claude" else ways[::-1]:
        imported(store, source, path)
    assert sorted(t["content"].split("\n")[0] for t in turns(store)) == ["I look.", "Which sluice is the oldest one here?"]
    assert len(restored(store, s.id)) == 2


@pytest.mark.parametrize("first", ("claude", "ccc"))
def test_copies_under_the_tool_s_ids(store, tmp_path, first):
    """CCC keeps the lines' ids, and of the lines less than the tool."""
    h = History(tmp_path / "claude", "claude-code")
    s = Session(h, "copied", sid=stores.SESSION)
    s.user("How thick is the dam?")
    s.assistant(text("Nine metres at its foot."), tool_use("Bash", {"command": "ls"}, "toolu_1"))
    for n, record in enumerate(s.records, 1):
        record["uuid"] = uid("ccc", n)
    s.write()
    copies = stores.ccc(tmp_path / "ccc")
    ways = [("claude-code", h.root), ("ccc", copies.root)]
    for source, path in ways if first == "claude" else ways[::-1]:
        imported(store, source, path)
    found = [t["content"].split("\n")[0] for t in turns(store)]
    assert found.count("How thick is the dam?") == found.count("Nine metres at its foot.") == 1
    assert restored(store, s.id) == [("user", "How thick is the dam?"), ("assistant", "Nine metres at its foot.", "Bash")]
    for source, path in ways:
        assert imported(store, source, path)["turns_new"] == 0


# ---- any order ----

@pytest.mark.parametrize("seed", range(4))
def test_any_order_gives_the_same(make_cairn, tmp_path, seed):
    """Sessions with forks, told in several ways, in any order: the same turns, and each session is whole."""
    chance = random.Random(seed)
    h = History(tmp_path / "claude", "claude-code")
    told, sessions = [], []
    for n in range(3):
        s = Session(h, f"any-{seed}-{n}", clock=n * 1000)
        for i in range(chance.randint(2, 5)):
            s.user(chance.choice(("yes", "no", f"Question {i} of session {n}, which is long enough")))
            s.assistant(text(f"Answer {i} of session {n}, which is long enough"))
        s.write()
        fork = copy_of(h, s, f"fork-{seed}-{n}", chance.randint(1, len(s.records)), [f"Said in fork {n} only, and nowhere else"])
        sessions += [s, fork]
        other = History(tmp_path / f"other-{n}", "jsonl")
        told += [("claude-code", h.root / s.path()), ("claude-code", h.root / fork.path()),
                 ("jsonl", as_jsonl(other, s, "a.jsonl", cut=chance.random() < .5)),
                 ("memory-context", as_unique(History(tmp_path / f"unique-{n}", "memory-context"), fork))]
    expected = Counter(w[1] for s in sessions[::2] for w in transcript(s.records))
    expected += Counter(f"Said in fork {n} only, and nowhere else" for n in range(3))
    for n in range(3):
        chance.shuffle(told)
        store = make_cairn(name=f"any-{n}", start=False)
        for source, path in told:
            imported(store, source, path)
        assert said(store) == expected, told
        for s in sessions:
            assert restored(store, s.id) == transcript(s.records), told
