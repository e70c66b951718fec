"""The three-turn cycle (contract §3): directive, analysis, work, review. What each request to the model holds, what is
stored, what a stream tells and when, and that a broken upstream, store or client costs no more than it must."""

import json
import subprocess
import time

import httpx
import pytest
from conftest import ROOT, Cairn, eventually, free_port
from upstream import TEXT, header

CYCLE = "/api/v2/cycle"
PARTS = ["analysis", "work", "review"]
AGENTS = ["beatrice", "codey", "beatrice"]
FACT = "My dog Balthasar is allergic to peanuts."


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream_server):
    c = Cairn(tmp_path_factory.mktemp("cycle") / "data", upstream_server.url).start()
    yield c
    c.http.close()
    assert c.stop() == 0, c.log()


@pytest.fixture
def cairn(server, upstream):
    """One server for all tests that leave it as it was; each uses a session of its own."""
    return server


def run(cairn, directive="Write a haiku about snow.", status=200, headers=None, **more):
    r = cairn.http.post(CYCLE, json={"directive": directive, "model": "m", **more}, headers=headers)
    assert r.status_code == status, f"{r.status_code} {r.text}"
    return r


def turns(cairn, id):
    return cairn.get(f"/api/v2/conversations/{id}", limit=100)["turns"]


def agent(cairn, name, **fields):
    cairn.post("/api/v1/agents", {"name": name, **fields})


def models(cairn, supervisor, executor):
    """Agents whose models are these scripts of the stand-in: so that each part can be answered differently."""
    agent(cairn, "boss", model=supervisor)
    agent(cairn, "hand", model=executor)
    return {"model": None, "supervisor": "boss", "executor": "hand"}


def events_of(text):
    out = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if lines:
            out.append((lines["event"], json.loads(lines["data"])))
    return out


# ---- the three requests ----


def test_three_turns_build_on_each_other(cairn, upstream):
    how = models(cairn, "a,say=Beware%20of%20slush.", "b,say=Snow%20falls.")
    answer = run(cairn, "Write a haiku.", **how).json()
    sent = [r["json"] for r in upstream.requests()]
    assert [r["path"] for r in upstream.requests()] == ["/v1/chat/completions"] * 3
    assert [s["model"].split(",")[0] for s in sent] == ["a", "b", "a"]
    assert [[m["role"] for m in s["messages"]] for s in sent] == [["system", "user"]] * 3
    system, said = [s["messages"][0]["content"] for s in sent], [s["messages"][-1]["content"] for s in sent]
    assert "You are boss" in system[0] and "the analysis" in system[0]
    assert "You are hand" in system[1] and "the work" in system[1]
    assert "You are boss" in system[2] and "the review" in system[2]
    assert said[0] == "Write a haiku."
    assert "Write a haiku." in said[1] and "# Analysis by boss\n\nBeware of slush." in said[1]
    assert said[2] == said[1] + "\n\n# Work by hand\n\nSnow falls."
    assert [answer[p]["content"] for p in PARTS] == ["Beware of slush.", "Snow falls.", "Beware of slush."]
    assert not any(s["stream"] for s in sent)


def test_the_default_agents_have_the_parts(cairn):
    answer = run(cairn).json()
    assert [answer[p]["agent"] for p in PARTS] == AGENTS
    assert [answer[p]["content"] for p in PARTS] == [TEXT] * 3
    assert answer["usage"] == {"prompt_tokens": 27, "completion_tokens": 36, "total_tokens": 63}


def test_every_turn_is_stored_in_order(cairn):
    r = run(cairn, "Paint the fence.", session_id="painter")
    answer = r.json()
    assert r.headers["x-cairn-memory"] == "on; turns=0"
    assert r.headers["x-cairn-conversation"] == answer["conversation_id"]
    stored = turns(cairn, answer["conversation_id"])
    assert [(t["turn_number"], t["role"], t["agent"]) for t in stored] == [
        (1, "user", "wykeve"), (2, "assistant", "beatrice"), (3, "assistant", "codey"), (4, "assistant", "beatrice")]
    assert [t["content"] for t in stored] == ["Paint the fence.", TEXT, TEXT, TEXT]
    assert [t["turn_id"] for t in stored] == [answer["directive_turn_id"]] + [answer[p]["turn_id"] for p in PARTS]
    assert all(answer[p]["stored"] for p in PARTS) and answer["memory_metadata"]["turns_stored"] == 4
    for part, turn in zip(PARTS, stored[1:]):
        m = turn["metadata"]
        assert m["part"] == part and m["model"] == "m" and m["usage"]["total_tokens"] == 21
        assert m["response_time_ms"] >= 0 and "incomplete" not in m
    session = cairn.get("/api/v2/sessions/" + answer["session_id"])
    assert session["conversation_count"] == 1 and session["total_turns"] == 4
    conversation = cairn.get("/api/v2/conversations/" + answer["conversation_id"])
    assert conversation["directive"] == "Paint the fence."


def test_the_same_directive_again_is_a_conversation_of_its_own(cairn):
    first, second = (run(cairn, "Again.", session_id="again").json() for _ in range(2))
    assert first["session_id"] == second["session_id"]
    assert first["conversation_id"] != second["conversation_id"]
    assert len(turns(cairn, second["conversation_id"])) == 4


def test_a_conversation_goes_on(cairn, upstream):
    first = run(cairn, f"Remember this. {FACT}", session_id="goes on").json()
    id = first["conversation_id"]
    second = run(cairn, "What did I say?", conversation_id=id).json()  # it says by itself which session is meant
    assert second["conversation_id"] == id and second["session_id"] == first["session_id"]
    assert [t["turn_number"] for t in turns(cairn, id)] == list(range(1, 9))
    assert FACT in upstream.requests()[3]["json"]["messages"][1]["content"]


def test_recalled_context_goes_into_all_three(cairn, upstream):
    run(cairn, FACT, session_id="recalls")
    upstream.reset()
    question = "What is my dog Balthasar allergic to?"
    r = run(cairn, question, session_id="recalls")
    for sent in upstream.requests():
        roles = [m["role"] for m in sent["json"]["messages"]]
        block = sent["json"]["messages"][1]["content"]
        assert roles == ["system", "user", "user"]
        assert block.startswith("<recalled_memory>") and FACT in block
        assert question in sent["json"]["messages"][2]["content"]
    m = r.json()["memory_metadata"]
    assert m["context_used"] > 0 and m["relevant_conversations"]
    assert r.headers["x-cairn-memory"] == f"on; turns={m['context_used']}"
    upstream.reset()
    plain = run(cairn, question, session_id="recalls", use_context=False).json()
    assert all(len(s["json"]["messages"]) == 2 for s in upstream.requests())
    assert plain["memory_metadata"]["context_used"] == 0 and plain["memory_metadata"]["turns_stored"] == 4


def test_each_agents_own_state_goes_with_its_part(cairn, upstream):
    run(cairn, session_id="states")  # makes the session
    upstream.reset()
    run(cairn, session_id="states")
    assert ["State of agent " + a in s["json"]["messages"][1]["content"]
            for a, s in zip(AGENTS, upstream.requests())] == [True] * 3


# ---- agents ----


def test_agents_by_their_records(cairn, upstream):
    agent(cairn, "ada", system_prompt="You hate loops.", model="large", temperature=0.1, max_tokens=77)
    run(cairn, model=None, supervisor="ada", executor="ada")
    for sent in upstream.requests():
        s = sent["json"]
        assert s["messages"][0]["content"].startswith("You hate loops.\n\nYou are ada")
        assert (s["model"], s["temperature"], s["max_tokens"]) == ("large", 0.1, 77)
    upstream.reset()
    run(cairn, model="m", supervisor="ada", temperature=1.5, max_tokens=5)
    assert {(s["json"]["model"], s["json"]["temperature"], s["json"]["max_tokens"])
            for s in upstream.requests()} == {("m", 1.5, 5)}


def test_an_agent_without_a_record_leaves_numbers_to_the_upstream(cairn, upstream):
    run(cairn, supervisor="nobody", executor="no one")
    assert all("temperature" not in s["json"] and "max_tokens" not in s["json"] for s in upstream.requests())


def test_a_disabled_agent_is_refused(cairn, upstream):
    agent(cairn, "idle", enabled=False)
    error = run(cairn, executor="idle", status=400).json()["error"]
    assert error["details"]["field"] == "executor" and "disabled" in error["message"]
    assert upstream.requests() == []


def test_agents_and_model_by_the_settings(make_cairn, upstream):
    c = make_cairn(env={"CAIRN_CYCLE_HUMAN": "mia", "CAIRN_CYCLE_SUPERVISOR": "sue", "CAIRN_CYCLE_EXECUTOR": "eve",
                        "CAIRN_UPSTREAM_MODEL": "house"})
    answer = run(c, model=None, session_id="set").json()
    assert [t["agent"] for t in turns(c, answer["conversation_id"])] == ["mia", "sue", "eve", "sue"]
    assert {s["json"]["model"] for s in upstream.requests()} == {"house"}
    answer = run(c, session_id="set", human="tom", executor="ed").json()
    assert [t["agent"] for t in turns(c, answer["conversation_id"])] == ["tom", "sue", "ed", "sue"]


# ---- streams ----


def test_events_in_order(cairn, upstream):
    r = run(cairn, "Stream it.", session_id="streams", stream=True)
    assert r.headers["content-type"].startswith("text/event-stream")
    events = events_of(r.text)
    assert [n for n, _ in events if n != "part.delta"] == (
        ["cycle.start"] + ["part.start", "part.end"] * 3 + ["cycle.end"])
    at = None
    texts = dict.fromkeys(PARTS, "")
    for name, data in events:
        if name == "part.start":
            at = data["part"]
            assert data["agent"] == AGENTS[PARTS.index(at)] and data["model"] == "m"
        elif name == "part.delta":
            assert data["part"] == at
            texts[at] += data["delta"]
        elif name == "part.end":
            assert data["part"] == at and data["stored"] and data["metadata"]["usage"]["total_tokens"] == 21
    assert texts == dict.fromkeys(PARTS, TEXT)
    end = events[-1][1]
    assert [end[p]["content"] for p in PARTS] == [TEXT] * 3
    assert [end[p]["turn_id"] for p in PARTS] == [d["turn_id"] for n, d in events if n == "part.end"]
    assert end["conversation_id"] == events[0][1]["conversation_id"] == r.headers["x-cairn-conversation"]
    assert [t["content"] for t in turns(cairn, end["conversation_id"])] == ["Stream it."] + [TEXT] * 3
    assert all(s["json"]["stream"] and s["json"]["stream_options"] == {"include_usage": True}
               for s in upstream.requests())


def test_the_accept_header_asks_for_a_stream(cairn):
    accept = {"Accept": "text/event-stream"}
    assert events_of(run(cairn, headers=accept).text)[-1][0] == "cycle.end"
    assert run(cairn, headers=accept, stream=False).json()["review"]["content"] == TEXT


def stream(cairn, **more):
    return cairn.http.stream("POST", CYCLE, json={"directive": "Go on.", "model": "m", "stream": True, **more})


def wait_for(lines, word, times=1):
    for line in lines:
        times -= word in line
        if not times:
            return
    raise AssertionError(f"the stream ended without {word}")


def test_words_come_before_the_upstream_has_finished(cairn, upstream):
    with stream(cairn, model="m,stall=3") as r:
        lines = r.iter_lines()
        wait_for(lines, "part.delta")
        assert not upstream.last()["done"]


def test_a_client_that_leaves_closes_the_upstreams_request(cairn, upstream):
    how = models(cairn, "m", "m,chunks=200,delay=0.02")
    with stream(cairn, session_id="leaves", **how) as r:
        lines = r.iter_lines()
        wait_for(lines, '"part":"work","delta"', times=3)
        id = r.headers["x-cairn-conversation"]
    eventually(lambda: upstream.last()["aborted"], what="the upstream's request to be closed")
    stored = eventually(lambda: len(t := turns(cairn, id)) == 3 and t, what="what came of the work")
    assert stored[2]["agent"] == "hand" and stored[2]["content"].startswith("word0 word1")
    assert stored[2]["metadata"]["incomplete"] is True and "incomplete" not in stored[1]["metadata"]
    assert len(upstream.requests()) == 2


def test_a_plain_caller_that_leaves_stops_the_cycle_too(cairn, upstream):
    with pytest.raises(httpx.ReadTimeout):
        cairn.http.post(CYCLE, json={"directive": "d", "model": "m,first=60"}, timeout=0.5)
    eventually(lambda: upstream.last()["aborted"], what="the upstream's request to be closed")


def test_a_slow_reader_holds_the_upstream_back(cairn, upstream):
    """Nothing piles up: while the client does not read, the upstream cannot send it all."""
    import socket

    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        s.connect(("127.0.0.1", cairn.port))
        body = json.dumps({"directive": "d", "model": "m,chunks=400000", "stream": True}).encode()
        s.sendall(b"POST /api/v2/cycle HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        eventually(upstream.requests, what="the first request")
        sent, again = -1, eventually(lambda: upstream.last()["sent"], what="the first events")
        while sent != again:  # until it moves no more
            time.sleep(0.3)
            sent, again = again, upstream.last()["sent"]
        assert 0 < sent < 400000
    eventually(lambda: upstream.last()["aborted"], what="the upstream's request to be closed")


# ---- a broken upstream ----


def broken_at(cairn, part, script):
    """Agents of whom the one that has `part` fails there."""
    good = {"boss": "m,say=Think.", "hand": "m,say=Done."}
    who = "hand" if part == "work" else "boss"
    return models(cairn, *({**good, who: f"m,{script}"}[a] for a in ("boss", "hand")))


@pytest.mark.parametrize("script, status, code", [
    ("status=500", 502, "UPSTREAM_FAILED"), ("status=429,retry=7", 503, "UPSTREAM_FAILED"),
    ("status=503", 503, "UPSTREAM_FAILED"), ("status=504", 504, "UPSTREAM_FAILED"),
    ("hangup", 502, "UPSTREAM_UNREACHABLE"), ("garbage", 502, "UPSTREAM_FAILED")])
@pytest.mark.parametrize("part", ["analysis", "work"])
def test_a_failed_part_is_named_and_what_came_before_is_kept(cairn, upstream, part, script, status, code):
    name = f"fails {part} {script}"
    r = run(cairn, session_id=name, status=status, **broken_at(cairn, part, script))
    answer, n = r.json(), PARTS.index(part)
    assert answer["error"]["code"] == code and answer["error"]["details"]["part"] == part
    assert part in answer["error"]["message"]
    if script != "hangup":  # libcurl itself tries a connection anew that it had kept and that is dead
        assert len(upstream.requests()) == n + 1
    assert [answer[p] and answer[p]["content"] for p in PARTS] == ["Think."] * n + [None] * (3 - n)
    assert [t["agent"] for t in turns(cairn, answer["conversation_id"])] == ["wykeve", "boss"][: n + 1]
    assert answer["memory_metadata"]["turns_stored"] == n + 1
    if "retry" in script:
        assert r.headers["retry-after"] == "7" and answer["error"]["retry_after"] == 7
    if "status" in script:
        details = answer["error"]["details"]
        assert script.startswith(f"status={details['upstream_status']}")
        assert "The stand-in answers" in details["upstream_answer"]


def test_the_review_fails(cairn, upstream):
    """Both of the supervisor's parts have one model: here the stand-in is told by the review's own request."""
    agent(cairn, "boss", model="m,say=Think.,review=500")
    agent(cairn, "hand", model="m,say=Done.")
    answer = run(cairn, session_id="no review", model=None, supervisor="boss", executor="hand", status=502).json()
    assert answer["error"]["details"]["part"] == "review" and len(upstream.requests()) == 3
    assert (answer["analysis"]["content"], answer["work"]["content"], answer["review"]) == ("Think.", "Done.", None)
    stored = turns(cairn, answer["conversation_id"])
    assert [t["agent"] for t in stored] == ["wykeve", "boss", "hand"]


@pytest.mark.parametrize("script", ["drop=4", "fail=4"])
def test_a_part_that_breaks_off_is_stored_as_incomplete(cairn, upstream, script):
    r = run(cairn, session_id="breaks " + script, stream=True, **broken_at(cairn, "work", "chunks=9," + script))
    name, data = events_of(r.text)[-1]
    assert name == "error" and data["error"]["details"] == {"part": "work", "status": 502}
    assert data["analysis"]["content"] == "Think." and data["review"] is None
    assert data["work"]["content"] == "word0 word1 word2" and data["work"]["incomplete"] is True
    stored = turns(cairn, data["conversation_id"])
    assert data["work"]["stored"] and stored[2]["content"] == "word0 word1 word2" and stored[2]["metadata"]["incomplete"] is True
    assert stored[2]["turn_id"] == data["work"]["turn_id"]


def test_a_late_upstream(make_cairn, upstream):
    c = make_cairn(args=["--total-timeout", "1"])
    answer = run(c, status=504, **broken_at(c, "work", "first=30")).json()
    assert answer["error"]["code"] == "UPSTREAM_TIMEOUT" and answer["error"]["details"]["part"] == "work"
    assert answer["analysis"]["content"] == "Think."


def test_no_upstream(make_cairn):
    nobody = make_cairn("nobody", upstream=f"http://127.0.0.1:{free_port()}")
    assert run(nobody, status=502).json()["error"]["code"] == "UPSTREAM_UNREACHABLE"
    none = make_cairn("none", upstream=None)
    error = run(none, status=503).json()["error"]
    assert error["code"] == "UPSTREAM_NOT_CONFIGURED" and "CAIRN_UPSTREAM_URL" in error["message"]


def test_a_killed_server_keeps_what_came(make_cairn, upstream):
    c = make_cairn()
    with stream(c, session_id="stops", **models(c, "m,say=Think.", "m,stall=4")) as r:
        lines = r.iter_lines()
        wait_for(lines, '"part":"work","delta"')
        id = r.headers["x-cairn-conversation"]
        # what was relayed a moment ago is on its way to the journal
        eventually(lambda: any("Hello" in f.read_text() for f in (c.data / "journal").glob("*.log")), what="the journal")
        c.kill()
    c.start()
    stored = turns(c, id)
    assert [t["agent"] for t in stored] == ["wykeve", "boss", "hand"]
    assert stored[2]["metadata"]["incomplete"] is True


# ---- without memory ----


def test_without_a_session_nothing_is_kept(cairn):
    r = run(cairn)
    answer = r.json()
    assert r.headers["x-cairn-memory"] == "off" and "x-cairn-conversation" not in r.headers
    assert answer["conversation_id"] is None and answer["session_id"] is None
    assert not any(answer[p]["stored"] or answer[p]["turn_id"] for p in PARTS)


@pytest.fixture
def bad(tmp_path, make_cairn):
    """A server whose store can be made slow or broken by bad.disk.write_text()."""
    library, switch = tmp_path / "bad_disk.so", tmp_path / "bad"
    source = ROOT / "tests" / "e2e" / "bad_disk.c"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    c = make_cairn(env={"LD_PRELOAD": str(library), "BAD_DISK": str(switch),
                        "ASAN_OPTIONS": "verify_asan_link_order=0"})
    c.disk = switch
    yield c
    switch.unlink(missing_ok=True)


@pytest.mark.parametrize("how", ["400", "fail"])
@pytest.mark.parametrize("streamed", [False, True])
def test_goes_on_without_memory_and_stores_later(bad, upstream, how, streamed):
    run(bad, "First.", session_id="ann")
    upstream.reset()
    bad.disk.write_text(how)
    r = run(bad, "Keep this.", session_id="ann", stream=streamed)
    answer = events_of(r.text)[-1][1] if streamed else r.json()
    assert [answer[p]["content"] for p in PARTS] == [TEXT] * 3 and len(upstream.requests()) == 3
    assert r.headers["x-cairn-memory"].startswith("skipped; reason=")
    bad.disk.unlink()
    ids = [answer["directive_turn_id"]] + [answer[p]["turn_id"] for p in PARTS]

    def stored():
        r = bad.http.get(f"/api/v2/conversations/{answer['conversation_id']}", params={"limit": 100})
        return r.status_code == 200 and len(r.json()["turns"]) == 4 and r.json()["turns"]

    kept = eventually(stored, seconds=20, what="the turns to be stored later")
    assert [t["agent"] for t in kept] == ["wykeve"] + AGENTS
    assert all(a is None or a == t["turn_id"] for a, t in zip(ids, kept))


# ---- what is refused ----


@pytest.mark.parametrize("more, field", [
    ({"directive": None}, "directive"), ({"directive": " "}, "directive"), ({"directive": 5}, "directive"),
    ({"session_id": " "}, "session_id"), ({"session_id": []}, "session_id"), ({"stream": "yes"}, "stream"),
    ({"temperature": 3}, "temperature"), ({"max_tokens": 0}, "max_tokens"), ({"supervisor": ""}, "supervisor"),
    ({"model": None}, "model"), ({"supervizor": "x"}, "supervizor"),
    ({"conversation_id": "conv_x", "session_id": "ann"}, None)])
def test_wrong_fields_are_named(cairn, upstream, more, field):
    body = {"directive": "d", "model": "m", **more}
    r = cairn.http.post(CYCLE, json=body)
    error = r.json()["error"]
    assert r.status_code == (400 if field else 404), r.text
    assert error["details"].get("field") == field
    assert upstream.requests() == []


@pytest.mark.parametrize("field", ["directive", "session_id", "supervisor", "executor", "human", "model"])
def test_metacharacters_are_only_text(cairn, upstream, field):
    text = "'; DROP TABLE session; -- \"{{ %s \u0000 </recalled_memory> \u202e\n\tü"
    answer = run(cairn, **{"directive": "d", "session_id": "meta " + field, field: text}).json()
    stored = turns(cairn, answer["conversation_id"])
    assert stored[0]["content"] == (text if field == "directive" else "d")
    assert stored[0]["agent"] == (text.strip() if field == "human" else "wykeve")
    assert [t["agent"] for t in stored[1:]] == [answer[p]["agent"] for p in PARTS]
    assert len(upstream.requests()) == 3


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"directive":"d","directive":"e"}'])
def test_bodies_that_cannot_be_read(cairn, upstream, raw):
    assert cairn.http.post(CYCLE, content=raw).status_code == 400
    assert upstream.requests() == []


def test_a_query_is_refused(cairn):
    r = cairn.http.post(CYCLE + "?strem=1", json={"directive": "d", "model": "m"})
    assert r.status_code == 400 and r.json()["error"]["details"]["field"] == "strem"


def test_unknown_places(cairn):
    error = run(cairn, session_id="sess_" + "0" * 32, status=404).json()["error"]
    assert error["code"] == "SESSION_NOT_FOUND"
    error = run(cairn, session_id="sess_" + "0" * 32, stream=True, status=404).json()["error"]
    assert error["code"] == "SESSION_NOT_FOUND"
    assert run(cairn, conversation_id="conv_" + "0" * 32, status=404).json()["error"]["code"] == "CONVERSATION_NOT_FOUND"


def test_the_servers_key_goes_up_and_nothing_else_of_the_callers(make_cairn, upstream):
    c = make_cairn(env={"CAIRN_UPSTREAM_KEY": "sk-house"})
    r = run(c, session_id="keys", headers={"X-Own": "1", "Authorization": "Bearer sk-mine"})
    for sent in upstream.requests():
        assert header(sent, "authorization") == ["Bearer sk-house"]
        assert header(sent, "x-own") == [] and header(sent, "content-type") == ["application/json"]
    assert "sk-house" not in r.text and "sk-house" not in c.log()


def test_the_api_description_knows_it(cairn):
    post = cairn.get("/openapi.json")["paths"]["/api/v2/cycle"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["directive"] and "supervisor" in schema["properties"]
