"""Nothing leaks (contract §5): each gold value of the types that Cairn detects goes in through each door, and is then in
no byte of the data folder, in no log, in no answer at PUBLIC level and in no metric; also when the server is killed in
the middle. What the detectors find at all is the detectors' own test: here are the values that `cairn redact --spans`
finds, which must be nearly all of them.

A door is given whole texts, so that values stand in what people write around them."""

import ctypes
import json
import os
import pathlib
import random
import subprocess
import threading
import urllib.parse

import pytest

from conftest import ROOT, binary, eventually
from rest import conversation, session

GOLD = ROOT.parent / "shared" / "data" / "pii" / "generated_large.json"
TYPES = {"EMAIL_ADDRESS", "PHONE_NUMBER", "US_SSN", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def some(rnd, n, letters=LETTERS):
    return "".join(rnd.choice(letters) for _ in range(n))


def secrets(rnd):
    """(text, value) of secrets made up here, from parts."""
    upper = LETTERS[:26] + "234567"
    values = [
        ("the key is {} for now", "AK" + "IA" + some(rnd, 16, upper)),
        ("use {} to push", "gh" + "p_" + some(rnd, 36)),
        ("token {}", "glp" + "at-" + some(rnd, 20)),
        ("export OPENAI_API_KEY={}", "sk-" + "proj-" + some(rnd, 48)),
        ("ANTHROPIC_API_KEY={}", "sk-" + "ant-api03-" + some(rnd, 93) + "AA"),
        ("the maps key {} is new", "AI" + "za" + some(rnd, 35)),
        ("slack says {}", "xo" + "xb-" + some(rnd, 12, "0123456789") + "-" + some(rnd, 12, "0123456789") + "-" + some(rnd, 24)),
        ("stripe {}", "sk_" + "live_" + some(rnd, 24)),
        ("//packages.example.com/:_authToken={}", "np" + "m_" + some(rnd, 36)),
    ]
    found = [(form.format(v), v) for form, v in values]
    password = some(rnd, 14) + "9!x"
    found.append((f"password = \"{password}\"", password))
    found.append((f"DATABASE_URL=postgres://app:{password[::-1]}@db.internal:5432/app", password[::-1]))
    block = "\n".join(some(rnd, 64, LETTERS + "+/") for _ in range(12))
    key = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + block + "\n-----END RSA " + "PRIVATE KEY-----"
    found.append((f"here it is:\n{key}\nkeep it", block.split("\n")[5]))
    return found


def spans(texts):
    """What `cairn redact --spans` finds in each text."""
    lines = "".join(json.dumps({"text": t}) + "\n" for t in texts)
    done = subprocess.run([binary(), "redact", "--spans"], input=lines, capture_output=True, text=True, check=True,
                          env={**os.environ, "XDG_CONFIG_HOME": "/nowhere"})
    return [json.loads(line)["spans"] for line in done.stdout.splitlines()]


def read_gold():
    """[(text, [values])]"""
    out = []
    for one in json.loads(GOLD.read_text()):
        wanted = [s["entity_value"] for s in one["spans"] if s["entity_type"] in TYPES]
        if wanted:
            out.append((one["full_text"], wanted))
    rnd = random.Random(5)
    for _ in range(8):
        out += [(text, [value]) for text, value in secrets(rnd)]
    return out


@pytest.fixture(scope="module")
def texts():
    """Texts with the values in them that are found, and that nearly all are."""
    gold = read_gold()
    kept, all_values, missed = [], 0, []
    for (text, wanted), found in zip(gold, spans([t for t, _ in gold])):
        covered = [text[s["start"]:s["end"]] for s in found]
        values = [v for v in wanted if any(v in c for c in covered)]
        all_values += len(wanted)
        missed += [v for v in wanted if v not in values]
        if len(values) == len(wanted):
            kept.append((text, values))
    assert all_values > 500 and len(missed) <= 0.05 * all_values, missed
    return kept


def values_of(texts):
    """Long enough not to be there by chance."""
    return sorted({v for _, values in texts for v in values if len(v) >= 8})


def look(values, where, what):
    """No value is in these bytes."""
    if isinstance(where, str):
        where = where.encode()
    leaked = [v for v in values if v.encode() in where or json.dumps(v)[1:-1].encode() in where]
    assert not leaked, f"{len(leaked)} of {len(values)} in {what}: {leaked[:5]}"


def look_at_files(values, cairn):
    files = [f for f in pathlib.Path(cairn.data).rglob("*") if f.is_file()]
    assert any(f.name == "store.db" for f in files)
    for f in files:
        try:
            look(values, f.read_bytes(), f)
        except FileNotFoundError:  # a running server has put another in its place
            pass
    look(values, cairn.log(), "the log")


def sample(texts, n, seed):
    return random.Random(seed).sample(texts, n)


@pytest.fixture
def leaky(make_cairn):
    """A server that logs all it can, whose new sessions are PUBLIC."""
    return make_cairn(env={"CAIRN_PRIVACY_DEFAULT_LEVEL": "PUBLIC", "CAIRN_LOG_LEVEL": "debug"})


# ---- the doors: each takes texts and puts them in ----

def by_turns(c, texts):
    id = conversation(c, session(c, privacy_level="PUBLIC"))
    for i, (text, _) in enumerate(texts):
        c.post(f"/api/v2/conversations/{id}/turns", {"agent": "ana", "content": text, "metadata": {"note": text, "n": i}})


def by_v1_sessions(c, texts):
    messages = [{"role": "user", "content": t, "note": t} for t, _ in texts]
    c.post("/api/v1/sessions", {"title": texts[0][0][:400], "description": texts[1][0], "tags": [texts[2][0][:60]],
                                "summary": texts[3][0], "user_preferences": {"about": texts[4][0]},
                                "privacy_level": "PUBLIC", "conversation_json": messages})


def by_import(c, texts):
    s, v = "sess_" + "5" * 32, "conv_" + "5" * 32
    records = [{"kind": "session", "id": s, "privacy_level": "PUBLIC", "title": texts[0][0][:400]},
               {"kind": "conversation", "id": v, "session_id": s, "directive": texts[1][0]}]
    records += [{"kind": "turn", "id": "turn_%032x" % i, "conversation_id": v, "agent": "ana", "role": "user",
                 "content": t, "metadata": {"t": t}} for i, (t, _) in enumerate(texts)]
    for i in range(0, len(records), 500):
        done = c.post("/api/v2/import", {"records": records[i:i + 500]})
        assert done["refused_count"] == 0, done


def by_records(c, texts):
    s = session(c, privacy_level="PUBLIC", title=texts[0][0][:400], initial_context=texts[1][0])
    v = conversation(c, s, directive=texts[2][0], metadata={"x": texts[3][0]})
    for i, (t, _) in enumerate(texts):
        short = t[:190]
        c.post("/api/v1/patterns", {"pattern_type": "code", "name": short, "description": t, "template": t, "example": t,
                                    "variations": [t], "category": short, "tags": [t], "details": {"a": {"b": [t]}},
                                    "source_session_id": s})
        c.post("/api/v1/checkpoints", {"title": short, "description": t, "content": t, "session_id": s, "metadata": {"m": t}})
        c.post("/api/v1/characters", {"conversation_id": v, "name": short, "description": t, "background": t,
                                      "personality_traits": [t], "current_mood": t[:400], "current_location": t[:400],
                                      "relationships": {"to": t}, "inventory": [t], "stats": {"s": t}, "metadata": {"m": t}})
        c.post("/api/v1/events", {"session_id": s, "conversation_id": v, "effect_text": t, "relationship_text": t})
        c.post("/api/v1/summaries", {"session_id": s, "text": t, "key_topics": [t], "key_events": [t], "plot_points": [t],
                                     "character_developments": {"who": t}})
        c.http.put(f"/api/v2/sessions/{s}/agents/codey/state", json={"state_updates": {"f": t}, "update_reason": t})
        c.http.put(f"/api/v2/sessions/{s}/preferences", json={"user_preferences": {"p": t}})
        c.http.put(f"/api/v2/sessions/{s}/context/summary", json={"summary": t})
        c.http.patch(f"/api/v1/sessions/{s}", json={"description": t, "tags": [t]})
        c.post(f"/api/v2/conversations/{v}/outcome", {"agent": "codey", "success": True, "note": t})


def by_records_of_no_session(c, texts):
    """Of these, addresses of machines stay: they are the project's own (TEAM)."""
    for i, (t, _) in enumerate(texts):
        short = t[:190]
        c.post("/api/v1/props", {"name": short, "category": short, "subcategory": short, "description": t, "tags": [t],
                                 "image_path": t, "rarity": short, "properties": {"p": t}})
        c.post("/api/v1/preferences", {"key": f"k{i}", "value": {"v": [t]}, "description": t})
        c.post("/api/v1/agents", {"name": f"agent{i}", "display_name": short, "system_prompt": t, "capabilities": [t],
                                  "metadata": {"m": t}})
        c.post("/api/v1/projects", {"slug": f"p{i}", "name": short})


def by_questions(c, texts):
    s = session(c, privacy_level="PUBLIC")
    for t, _ in texts:
        c.post("/api/v2/recall", {"query": t, "session_id": s, "access_reason": t[:900]})
        c.post(f"/api/v2/sessions/{s}/context/search", {"query": t, "access_reason": t[:900]})
        c.http.get(f"/api/v2/sessions/{s}/context", params={"directive": t, "access_reason": t[:900]})
        c.http.get("/api/v1/search", params={"q": t, "access_reason": t[:900]})
        c.http.get("/api/v1/patterns", params={"q": t[:190], "category": t[:190]})
        c.http.get(f"/nowhere/{urllib.parse.quote(t[:300], safe='')}", params={"q": t})
        c.http.post("/api/v2/conversations", json={"session_id": s, t[:60]: t})  # refused
        c.http.post("/api/v1/patterns", json={"pattern_type": t, "name": "x"})  # refused


def script(say, *more):
    """Makes the stand-in answer so (upstream.py), without the model's name that is stored."""
    return {"x-script": ",".join(["s", "say=" + urllib.parse.quote(say, safe=""), *more])}


def ask(c, path, name, text, say, stream):
    body = {"model": "m", "session_id": name, "stream": stream}
    if path.endswith("completions") and "chat" not in path:
        body["prompt"] = text
    elif path.endswith("responses"):
        body["input"] = text
    else:
        body["messages"] = [{"role": "user", "content": text}]
        body["max_tokens"] = 99
    r = c.http.post(path, json=body, headers=script(say, "split=7"))
    assert r.status_code == 200, r.text


def by_proxy(c, texts):
    paths = ["/v1/chat/completions", "/v2/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"]
    for i, (t, _) in enumerate(texts):
        ask(c, paths[i % 5], f"chat{i % 7}", t, texts[-1 - i][0], stream=i % 2 == 0)


def by_cycle(c, texts):
    for t, _ in texts:
        r = c.http.post("/api/v2/cycle", json={"directive": t, "session_id": "cycling", "model": "m"})
        assert r.status_code == 200, r.text


def by_command_line(c, texts):
    for t, _ in texts:
        c.run("remember", "-", "--session", "notes", input=t)
        c.run("checkpoint", "--message", t, "--session", "notes", "--", t[:190])


def by_library(c, texts):
    lib = ctypes.CDLL(str(pathlib.Path(binary()).resolve().parent / "libcairn.so"))
    handle, out = ctypes.c_void_p(), ctypes.c_void_p()
    assert lib.cairn_open(os.fsencode(c.data), ctypes.byref(handle)) == 0
    for t, _ in texts:
        for operation, args in [("turn.remember", {"text": t, "session": "by library"}),
                                ("prop.create", {"name": t[:190], "description": t})]:
            assert lib.cairn_call(handle, operation.encode(), json.dumps(args).encode(), ctypes.byref(out)) == 0
            lib.cairn_free(out)
    lib.cairn_close(handle)


def answers(c):
    """All that can be read back, masked as for PUBLIC."""
    out = []
    for kind in ["sessions", "conversations", "patterns", "checkpoints", "characters", "props", "preferences", "agents",
                 "summaries", "events", "tags", "turns", "context_loads", "agent_states"]:
        r = c.http.get(f"/api/v1/{kind}", params={"limit": 1000, "mask": "PUBLIC"})
        assert r.status_code in (200, 404), r.text
        out.append(r.text)
    for s in c.http.get("/api/v1/sessions", params={"limit": 1000}).json():
        out.append(c.http.get(f"/api/v2/sessions/{s['id']}/export", params={"format": "jsonl", "mask": "PUBLIC"}).text)
        out.append(c.http.get(f"/api/v2/sessions/{s['id']}/context", params={"directive": "card", "mask": "PUBLIC"}).text)
    out.append(json.dumps(c.post("/api/v2/recall", {"query": "my card number and address", "mask": "PUBLIC"})))
    return "\n".join(out)


def settle(c):
    """What follows from turns is done, and what was recalled is written down."""
    eventually(lambda: c.get("/api/v2/status")["index"]["lag"] == 0, 30, "the index")
    c.post("/api/v2/maintenance", {"pack": True, "vacuum": True}, 200)  # with a checkpoint of the log of writes


DOORS = [(by_turns, 400), (by_v1_sessions, 400), (by_import, 400), (by_records, 25), (by_questions, 30), (by_proxy, 60),
         (by_cycle, 3), (by_command_line, 6), (by_library, 12)]


@pytest.mark.parametrize("door,n", DOORS, ids=[d.__name__ for d, _ in DOORS])
def test_no_value_is_left_anywhere(leaky, texts, door, n):
    if door is by_library and "CAIRN_BINARY" in os.environ:
        pytest.skip("the library of a sanitized build does not load into a bare Python")
    given = sample(texts, min(n, len(texts)), n) if n < len(texts) else texts
    values = values_of(given)
    door(leaky, given)
    settle(leaky)
    look_at_files(values, leaky)
    look(values, leaky.http.get("/metrics").text, "the metrics")
    look(values, answers(leaky), "the answers")
    assert leaky.stop() == 0
    look_at_files(values, leaky)


def test_records_of_no_session_are_masked_as_for_the_team(leaky, texts):
    given = [(t, v) for t, v in sample(texts, 60, 3) if not any(s["type"] == "ip" for s in spans([t])[0])][:25]
    by_records_of_no_session(leaky, given)
    settle(leaky)
    look_at_files(values_of(given), leaky)
    look(values_of(given), answers(leaky), "the answers")


def test_killed_in_the_middle_nothing_is_left_either(leaky, texts):
    given = sample(texts, 120, 9)
    values = values_of(given)

    def use(some):
        try:
            by_proxy(leaky, some)
            by_turns(leaky, some)
        except Exception:  # the server is gone
            pass

    for round in range(2):
        threads = [threading.Thread(target=use, args=(given[i::3],)) for i in range(3)]
        for t in threads:
            t.start()
        eventually(lambda: len(leaky.get("/api/v1/turns", limit=1)) > 0 if round == 0 else True, 10, "first turns")
        leaky.kill()
        for t in threads:
            t.join()
        look_at_files(values, leaky)
        leaky.start()
        settle(leaky)
        look_at_files(values, leaky)


def test_a_stream_that_is_cut_leaves_no_half_of_a_value(leaky, upstream):
    """The journal has the answer as it comes: what may still become a value waits in memory."""
    value = "margarethe.obermoser" + "@" + "example.com"
    text = f"Write to {value} when it is done, {value} again. " * 40
    body = {"model": "m", "session_id": "cut", "stream": True,
            "messages": [{"role": "user", "content": "Whom do I write to?"}]}
    journal = pathlib.Path(leaky.data) / "journal"

    def use():
        try:
            headers = script(text, "split=3", "delay=0.02")
            with leaky.http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as r:
                for _ in r.iter_raw():
                    pass
        except Exception:
            pass

    t = threading.Thread(target=use)
    t.start()
    eventually(lambda: b"".join(f.read_bytes() for f in journal.glob("*")).count(b"m***@example.com") >= 3, 20)
    leaky.kill()
    t.join()
    look_at_files([value, value.split("@")[0], "margarethe", "obermoser"], leaky)
    leaky.start()
    eventually(lambda: "m***@example.com" in json.dumps(leaky.get("/api/v1/turns", limit=9)), 10)
    look_at_files([value, value.split("@")[0], "margarethe", "obermoser"], leaky)


def test_a_chat_goes_on_although_what_it_said_is_masked(cairn, upstream):
    """Clients send their own raw words again: they are recognised, and nothing is stored twice."""
    first = "My mail is jane.roe" + "@" + "example.com, and the key is gh" + "p_" + "A1b2C3d4E5" * 3 + "F6g7H8."
    body = {"model": "m", "session_id": "me", "messages": [{"role": "user", "content": first}]}

    def chat():
        return cairn.http.post("/v1/chat/completions", json=body, headers=script("Noted.")).headers["x-cairn-conversation"]

    def stored(id, n):
        """Once there are n."""
        path = f"/api/v2/conversations/{id}"
        return eventually(lambda: (r := cairn.http.get(path)).status_code == 200 and len(r.json()["turns"]) == n and
                          [t["content"] for t in r.json()["turns"]])

    id = chat()
    stored(id, 2)
    body["messages"] += [{"role": "assistant", "content": "Noted."}, {"role": "user", "content": "What is my mail?"}]
    assert chat() == id
    said = stored(id, 4)
    assert "jane.roe" not in json.dumps(said) and "j***" in said[0] and said[2] == "What is my mail?"
    assert "recalled_memory" not in upstream.last()["body"].decode()  # all of it is in the request already
    assert "jane.roe" in upstream.last()["body"].decode()  # what is sent passes as it is
