"""Several processes on one data folder: two servers and the command line at once; and stopping well under load."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from conftest import eventually, sse_events
from rest import conversation, session, turn, turns


@pytest.fixture
def pair(make_cairn):
    """Two servers, one folder."""
    return make_cairn(), make_cairn()


def test_concurrent_writes_into_one_conversation(pair):
    a, b = pair
    c = conversation(a, session(a))
    turn(b, c, "the first")
    promised, lock = {}, threading.Lock()

    def over_rest(server, name):
        for i in range(40):
            t = turn(server, c, f"{name} {i}")
            with lock:
                promised[t["turn_id"]] = (t["turn_number"], f"{name} {i}")

    def on_the_command_line(name):
        for i in range(10):
            t = json.loads(a.run("remember", "--conversation-id", c, f"{name} {i}", "--json").stdout)
            with lock:
                promised[t["turn_id"]] = (t["turn_number"], f"{name} {i}")

    jobs = [(over_rest, s, f"{n}{k}") for n, s in (("a", a), ("b", b)) for k in range(4)]
    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(*j) for j in jobs] + [pool.submit(on_the_command_line, "cli")]
        for f in futures:
            f.result()
    assert len(promised) == 8 * 40 + 10
    for server in pair:
        kept = turns(server, c)
        assert [t["turn_number"] for t in kept] == list(range(1, 332))
        assert {t["turn_id"]: (t["turn_number"], t["content"]) for t in kept[1:]} == promised
    assert json.loads(a.run("doctor", "--json").stdout)["ok"]


def test_each_sees_the_others_turns_in_recall(pair):
    a, b = pair
    s = session(a)
    c = conversation(b, s)
    for i in range(10):
        for here, there, name in ((a, b, "amber"), (b, a, "bronze")):
            t = turn(here, c, f"the {name}{i} door is open")
            eventually(lambda: t["turn_id"] in [r["turn_id"] for r in there.post(
                f"/api/v2/sessions/{s}/context/search", {"query": f"{name}{i}"}, 200)["results"]], 2, "the other's turn")
    out = json.loads(a.run("recall", "bronze7 door", "--json").stdout)
    assert any("bronze7" in r["content"] for r in out["results"])


def test_the_command_line_beside_a_server_and_alone(cairn):
    cairn.run("remember", "The", "well", "is", "behind", "the", "barn")
    assert "behind the barn" in cairn.run("recall", "where is the barn").stdout
    found = cairn.post("/api/v2/recall", {"query": "barn"}, 200)["results"]
    assert found[0]["content"] == "The well is behind the barn"
    cairn.stop()
    cairn.run("remember", "The pump is in the cellar")
    assert "cellar" in cairn.run("recall", "pump").stdout
    cairn.start()
    assert cairn.post("/api/v2/recall", {"query": "pump cellar"}, 200)["results"]


def test_many_short_processes_at_once(make_cairn):
    cairn = make_cairn(start=False)  # nobody listens: each opens the folder itself, the first one makes it
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda i: json.loads(cairn.run("remember", f"note {i}", "--json").stdout), range(24)))
    assert sorted(d["turn_number"] for d in done) == list(range(1, 25))
    assert len({d["conversation_id"] for d in done}) == 1
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]


def test_one_killed_process_does_not_harm_the_other(pair):
    a, b = pair
    c = conversation(a, session(a))
    over = threading.Event()

    def write():
        try:
            while not over.is_set():
                turn(b, c, "b")
        except httpx.HTTPError:
            pass

    writer = threading.Thread(target=write)
    writer.start()
    for i in range(20):
        turn(a, c, "a")
    b.kill()
    over.set()
    writer.join()
    for i in range(20):
        turn(a, c, "a")
    kept = turns(a, c)
    assert [t["turn_number"] for t in kept] == list(range(1, len(kept) + 1))
    assert [t["content"] for t in kept].count("a") == 40
    b.start()
    assert len(turns(b, c)) == len(kept)


def test_a_dead_servers_streams_are_stored_by_the_next_start_beside_a_live_one(make_cairn, upstream):
    """The journal of a process that lives is left alone; that of one that died is taken over."""
    a, b = make_cairn(), make_cairn()
    begun, over = threading.Event(), []

    def stream(server, name, text):
        try:
            with server.http.stream("POST", "/v1/chat/completions", headers={"X-Cairn-Session": name},
                                    json={"model": "m,chunks=100,delay=0.02", "stream": True,
                                          "messages": [{"role": "user", "content": text}]}) as r:
                conversations[name] = r.headers["x-cairn-conversation"]
                for line in r.iter_lines():
                    if "word5" in line:
                        begun.set()
        except httpx.HTTPError:
            pass
        over.append(name)

    conversations = {}
    threads = [threading.Thread(target=stream, args=(s, n, f"asked {n}")) for s, n in ((a, "alive"), (b, "dead"))]
    threads[1].start()
    begun.wait(20)
    threads[0].start()
    eventually(lambda: "alive" in conversations, what="the other stream")
    b.kill()
    third = make_cairn()
    broken = turns(third, conversations["dead"])
    assert [t["role"] for t in broken] == ["user", "assistant"] and broken[1]["metadata"]["incomplete"] is True
    for t in threads:
        t.join()
    whole = eventually(lambda: (lambda t: t if len(t) == 2 else None)(turns(third, conversations["alive"])), what="its end")
    assert whole[1]["content"].endswith("word99") and "incomplete" not in whole[1]["metadata"]


# ---- stopping ----


def test_an_orderly_stop_under_load_keeps_what_it_acknowledged(cairn):
    c = conversation(cairn, session(cairn))
    promised, lock, stopping = {}, threading.Lock(), threading.Event()
    strange = []

    def write(name):
        with httpx.Client(base_url=cairn.url, timeout=30) as http:
            for i in range(100000):
                try:
                    r = http.post(f"/api/v2/conversations/{c}/turns", json={"content": f"{name} {i}"})
                except httpx.HTTPError:
                    return
                if r.status_code == 201:
                    with lock:
                        promised[r.json()["turn_id"]] = (r.json()["turn_number"], f"{name} {i}")
                elif r.status_code == 503 and stopping.is_set():
                    return
                else:
                    strange.append((r.status_code, r.text))
                    return

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    time.sleep(0.4)
    stopping.set()
    assert cairn.stop() == 0
    for t in threads:
        t.join()
    assert not strange and len(promised) > 50
    cairn.start()
    kept = {t["turn_id"]: (t["turn_number"], t["content"]) for t in turns(cairn, c)}
    assert {k: kept.get(k) for k in promised} == promised
    assert sorted(n for n, _ in kept.values()) == list(range(1, len(kept) + 1))


@pytest.mark.parametrize("model, whole", [("m,chunks=40,delay=0.02", True), ("m,stall=10,chunks=40", False)])
def test_an_orderly_stop_finishes_a_stream_or_marks_it(make_cairn, upstream, model, whole):
    cairn = make_cairn()
    seen, begun = [], threading.Event()

    def stream():
        try:
            with cairn.http.stream("POST", "/v1/chat/completions", headers={"X-Cairn-Session": "me"},
                                   json={"model": model, "stream": True,
                                         "messages": [{"role": "user", "content": "tell me"}]}) as r:
                seen.append(r.headers["x-cairn-conversation"])
                for line in r.iter_lines():
                    seen.append(line)
                    if "word5" in line:
                        begun.set()
        except httpx.HTTPError as e:
            seen.append(f"broken off: {e!r}")

    t = threading.Thread(target=stream)
    t.start()
    assert begun.wait(20)
    assert cairn.stop(60) == 0
    t.join()
    text = "".join(e["choices"][0]["delta"].get("content") or "" for e in sse_events("\n".join(seen[1:])) if e.get("choices"))
    cairn.start()
    kept = turns(cairn, seen[0])
    assert [k["role"] for k in kept] == ["user", "assistant"]
    if whole:
        assert "data: [DONE]" in seen and text.endswith("word39")
        assert kept[1]["content"] == text and "incomplete" not in kept[1]["metadata"]
    else:
        assert kept[1]["metadata"]["incomplete"] is True and kept[1]["content"].startswith("word0 word1")


def test_a_stopped_server_leaves_nothing_running_and_no_socket(cairn):
    cairn.stop()
    assert not (cairn.data / "cairn.sock").exists()
    assert not list((cairn.data / "journal").glob("*.log"))
    with pytest.raises(httpx.HTTPError):
        cairn.http.get("/health")
