"""An embeddings endpoint instead of a model of our own (embedding.url): recall by meaning through it, and what happens
when it is late, down, refuses, or answers nonsense. The endpoint is a small server in this process."""

import http.server
import json
import threading
import time

import pytest
from conftest import eventually
from rest import conversation, session, turn

KEY = "sk-embedding-secret-77"
TOPICS = [{"puppy", "pet", "dog", "shelter"}, {"violin", "music", "orchestra"}, {"flight", "lisbon", "travel", "abroad"},
          {"invoice", "unpaid", "bill"}, {"tap", "kitchen", "drips"}]
SAID = ["We adopted a puppy from the shelter last weekend.", "The invoice for March is still unpaid.",
        "My sister plays the violin in an orchestra.", "The kitchen tap drips all night.",
        "Our flight to Lisbon leaves at seven in the morning."]
ASKED = {"Which pet do they own?": 0, "Does anyone in the family make music?": 2, "When do they travel abroad?": 4}


def vector(text, shift=0):
    """One dimension a topic, and one that all texts share."""
    words = {w.strip(".,?!:").lower() for w in text.split()}
    v = [0.05] + [float(len(words & t)) for t in TOPICS]
    return v[shift:] + v[:shift]


class Endpoint:
    """OpenAI's embeddings. `script(request)` may return (status, headers, body) in place of the usual answer."""

    def __init__(self):
        self.requests, self.script, self.delay, self.lock = [], None, 0, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                request = {"path": self.path, "key": self.headers.get("Authorization"), "body": body,
                           "port": self.client_address[1]}
                with outer.lock:
                    outer.requests.append(request)
                if outer.delay:
                    time.sleep(outer.delay)
                status, headers, answer = (outer.script and outer.script(request)) or (200, {}, usual(body))
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    for k, v in {"Content-Type": "application/json", **headers}.items():
                        self.send_header(k, v)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass  # whoever asked waits no more

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def texts(self):
        with self.lock:
            return [t for r in self.requests for t in r["body"]["input"]]


def usual(body):
    return {"object": "list", "model": body["model"], "usage": {"prompt_tokens": 5 * len(body["input"]), "total_tokens": 0},
            "data": [{"object": "embedding", "index": i, "embedding": vector(t)} for i, t in enumerate(body["input"])][::-1]}


@pytest.fixture
def endpoint():
    e = Endpoint()
    yield e
    e.server.shutdown()


def settings(endpoint, **more):
    """As the environment; no model of our own is named, so that the endpoint is what counts."""
    return {"CAIRN_MODEL": "", "CAIRN_EMBEDDING_URL": endpoint.url, "CAIRN_EMBEDDING_MODEL": "topics",
            "CAIRN_EMBEDDING_KEY": KEY, **more}


def health(cairn):
    return cairn.get("/health/memory")["embedding_model"]


def has_vectors(cairn, n, seconds=20):
    eventually(lambda: health(cairn).get("vectors") == n and health(cairn)["lag"] == 0, seconds, f"{n} vectors")


def fill(cairn, texts=SAID):
    s = session(cairn)
    for text in texts:
        turn(cairn, conversation(cairn, s), text, agent="ann", role="user")
    return s


def recall(cairn, s, text):
    return cairn.post("/api/v2/recall", {"query": text, "session_id": s, "explain": True})["results"]


def test_recall_by_meaning_through_it(make_cairn, endpoint):
    cairn = make_cairn(env=settings(endpoint))
    s = fill(cairn)
    has_vectors(cairn, len(SAID))
    for question, i in ASKED.items():
        best = recall(cairn, s, question)[0]
        assert best["content"] == SAID[i] and best["why"]["meaning"] > 0, question
    h = health(cairn)
    assert h["by"] == "endpoint" and h["dimensions"] == 6 and h["id"].startswith("topics@") and "problem" not in h
    for r in endpoint.requests:
        assert r["path"] == "/v1/embeddings" and r["key"] == f"Bearer {KEY}"
        assert r["body"]["model"] == "topics" and r["body"]["encoding_format"] == "float"
    assert len({r["port"] for r in endpoint.requests}) <= 4  # connections are kept
    seen = json.dumps(cairn.get("/health/memory")) + cairn.http.get("/metrics").text + cairn.log()
    assert KEY not in seen and KEY not in cairn.run("config").stdout


def test_documents_go_in_batches(make_cairn, endpoint):
    cairn = make_cairn(env={**settings(endpoint), "CAIRN_MODEL": "off"})
    s = session(cairn)
    c = conversation(cairn, s)
    for i in range(200):
        turn(cairn, c, f"the violin {i}", agent="ann", role="user")
    cairn.stop()
    cairn.env["CAIRN_MODEL"] = ""
    cairn.start()
    has_vectors(cairn, 200)
    sizes = [len(r["body"]["input"]) for r in endpoint.requests]
    assert max(sizes) == 64 and len(sizes) <= 8


def test_its_embeddings_are_served_too(make_cairn, endpoint):
    cairn = make_cairn(env=settings(endpoint), upstream=None)
    eventually(lambda: health(cairn)["loaded"], what="the endpoint")
    answer = cairn.post("/v1/embeddings", {"model": "topics", "input": ["a dog", "music"]})
    assert answer["usage"]["prompt_tokens"] == 10 and answer["model"] == "topics"
    norm = sum(x * x for x in vector("a dog")) ** 0.5
    assert answer["data"][0]["embedding"] == pytest.approx([x / norm for x in vector("a dog")], abs=1e-6)
    done = cairn.run("embed", "a dog", env=settings(endpoint))
    assert json.loads(done.stdout) == answer["data"][0]["embedding"]


def test_cairn_embed_without_a_server(make_cairn, endpoint):
    cairn = make_cairn(start=False)
    assert len(json.loads(cairn.run("embed", "a dog", env=settings(endpoint)).stdout)) == 6
    said = cairn.run("model", env=settings(endpoint)).stdout
    assert "topics@" in said and "embedding.url" in said


def test_a_question_does_not_wait_for_a_late_endpoint(make_cairn, endpoint):
    cairn = make_cairn(env=settings(endpoint, CAIRN_EMBEDDING_QUERY_MS="100"))
    s = fill(cairn)
    has_vectors(cairn, len(SAID))
    endpoint.delay = 3
    start = time.monotonic()
    found = recall(cairn, s, "the unpaid invoice")
    assert found[0]["content"] == SAID[1] and all(r["why"]["meaning"] == 0 for r in found)
    first = time.monotonic() - start
    before = len(endpoint.requests)
    for _ in range(5):
        recall(cairn, s, "the unpaid invoice")
    assert len(endpoint.requests) == before  # while it is given time to recover nobody waits at all
    assert first < 2  # and not three seconds: the delay did not come through
    endpoint.delay = 0
    eventually(lambda: any(r["why"]["meaning"] for r in recall(cairn, s, "Which pet do they own?")), 20, "meaning again")


def test_a_chat_goes_on_with_what_words_find(make_cairn, endpoint, upstream):
    """Memory's deadline is kept: a late endpoint takes a part of it, and what words find is put in all the same."""
    cairn = make_cairn(env=settings(endpoint), args=["--memory-deadline", "4000"])
    eventually(lambda: health(cairn)["loaded"], what="the endpoint")
    chat = {"model": "m", "session_id": "me", "messages": [{"role": "user", "content": "Our cellar key hangs behind the clock."}]}
    cairn.post("/v1/chat/completions", chat)
    has_vectors(cairn, 2)
    endpoint.delay = 20
    chat["messages"] = [{"role": "user", "content": "Where does the cellar key hang?"}]
    start = time.monotonic()
    r = cairn.http.post("/v1/chat/completions", json=chat)
    assert r.status_code == 200 and r.headers["x-cairn-memory"].startswith("on; turns=")
    assert time.monotonic() - start < 10 and b"behind the clock" in upstream.last()["body"]


def test_an_endpoint_that_is_down_at_first(make_cairn, endpoint):
    endpoint.script = lambda r: (503, {}, {"error": {"message": f"{KEY} is fine, we are not"}})
    cairn = make_cairn(env=settings(endpoint))
    s = fill(cairn)
    h = eventually(lambda: health(cairn).get("problem") and health(cairn), what="a problem")
    assert h["loaded"] is False and h["loading"] is True and "503" in h["problem"] and "words alone" in h["note"]
    assert recall(cairn, s, "the unpaid invoice")[0]["content"] == SAID[1]
    r = cairn.http.post("/api/v2/embeddings", json={"input": "x"})
    assert r.status_code == 503 and "503" in r.json()["error"]["message"]
    endpoint.script = None
    has_vectors(cairn, len(SAID))
    assert "problem" not in health(cairn) and KEY not in cairn.log()


def test_retry_after_is_kept_to(make_cairn, endpoint):
    cairn = make_cairn(env=settings(endpoint))
    eventually(lambda: health(cairn)["loaded"], what="the endpoint")
    endpoint.script = lambda r: (429, {"Retry-After": "3"}, {})
    fill(cairn)
    eventually(lambda: "429" in health(cairn).get("problem", ""), what="the limit")
    asked = len(endpoint.requests)
    time.sleep(1.5)
    assert len(endpoint.requests) == asked
    endpoint.script = None
    has_vectors(cairn, len(SAID))


def test_a_wrong_key_is_told(make_cairn, endpoint):
    endpoint.script = lambda r: (401, {}, {"error": {"message": "no"}})
    cairn = make_cairn(env=settings(endpoint))
    problem = eventually(lambda: health(cairn).get("problem"), what="a problem")
    assert "401" in problem and "key" in problem and KEY not in problem + cairn.log()


@pytest.mark.parametrize("answer", [
    b"", b"<html>", {"data": []}, {"data": [{"index": 0, "embedding": "AAAA"}]}, {"data": [{"index": 0, "embedding": []}]},
    {"data": [{"index": 0, "embedding": [None]}]}, {"data": [{"index": 0, "embedding": [0, 0]}]}, b"[" * 1000,
    b'{"data":[{"index":0,"embedding":[' + b"1," * 300000 + b"1]}]}"],
    ids=["nothing", "page", "no vector", "base64", "empty", "null", "zeros", "deep", "endless"])
def test_nonsense_is_no_answer(make_cairn, endpoint, answer):
    endpoint.script = lambda r: (200, {}, answer)
    cairn = make_cairn(env=settings(endpoint))
    assert "answer" in eventually(lambda: health(cairn).get("problem"), what="a problem")
    assert health(cairn)["loaded"] is False


def test_a_text_it_refuses_does_not_hold_up_the_others(make_cairn, endpoint):
    """Too long: cut until it is taken. Never taken: without a meaning, and found by its words."""
    def script(r):
        texts = r["body"]["input"]
        if any("forbidden" in t or len(t) > 2000 for t in texts):
            return 400, {}, {"error": {"message": "this text cannot be embedded", "type": "invalid_request_error"}}

    endpoint.script = script
    cairn = make_cairn(env=settings(endpoint))
    s = fill(cairn, [SAID[0], "the forbidden word", "the violin " * 700, SAID[4]])
    has_vectors(cairn, 4)
    assert recall(cairn, s, "Which pet do they own?")[0]["content"] == SAID[0]
    assert recall(cairn, s, "which orchestra?")[0]["content"].startswith("the violin")
    assert recall(cairn, s, "forbidden")[0]["content"] == "the forbidden word"
    assert "problem" not in health(cairn)


def test_another_model_name_is_another_space(make_cairn, endpoint):
    cairn = make_cairn(env=settings(endpoint))
    s = fill(cairn)
    has_vectors(cairn, len(SAID))
    first = health(cairn)["id"]
    cairn.stop()
    cairn.env["CAIRN_EMBEDDING_MODEL"] = "turned"

    def turned(r):
        if r["body"]["model"] == "turned":
            a = usual(r["body"])
            for d in a["data"]:
                d["embedding"] = vector(r["body"]["input"][d["index"]], shift=2)
            return 200, {}, a

    endpoint.script = turned
    cairn.start()
    has_vectors(cairn, len(SAID))
    assert health(cairn)["id"].startswith("turned@") and health(cairn)["id"].split("@")[1] != first.split("@")[1]
    for question, i in ASKED.items():
        assert recall(cairn, s, question)[0]["content"] == SAID[i]
    eventually(lambda: len(list((cairn.data / "index").glob("vectors-*.bin"))) == 1, what="the old vectors to go")


def test_recall_goes_on_while_another_model_takes_over(make_cairn, endpoint):
    """Slowly: what has its new vector is found by meaning, all else by its words, and health says how far it is."""
    cairn = make_cairn(env={**settings(endpoint), "CAIRN_MODEL": "off"})
    s = session(cairn)
    c = conversation(cairn, s)
    turn(cairn, c, SAID[0], agent="ann", role="user")
    for i in range(400):
        turn(cairn, c, f"filler number {i}", agent="ann", role="user")
    turn(cairn, c, SAID[2], agent="ann", role="user")
    cairn.stop()
    cairn.env["CAIRN_MODEL"] = ""
    endpoint.delay = 0.4
    cairn.start()
    h = eventually(lambda: (lambda h: h.get("vectors", 0) > 0 and h["lag"] > 0 and h)(health(cairn)), 20, "some vectors")
    assert 0 < h["vectors"] < 402 and h["vectors_per_second"] > 0 and h["seconds_left"] > 0
    endpoint.delay = 0.05
    found = recall(cairn, s, "Which pet do they own?")
    assert found and found[0]["content"] == SAID[0] and found[0]["why"]["meaning"] > 0
    assert recall(cairn, s, "who plays the violin?")[0]["content"] == SAID[2]
    has_vectors(cairn, 402, 30)
    assert health(cairn)["seconds_left"] == 0


def test_stopping_does_not_wait_for_it(make_cairn, endpoint):
    endpoint.delay = 30
    cairn = make_cairn(env=settings(endpoint))
    fill(cairn)
    eventually(lambda: endpoint.requests, what="a request")
    start = time.monotonic()
    assert cairn.stop() == 0
    assert time.monotonic() - start < 10


def test_an_address_that_is_none(make_cairn, endpoint):
    for url in ("ftp://x", "http://user:pw@host/v1"):
        cairn = make_cairn(name="bad" + url[:3] + str(len(url)), env={**settings(endpoint), "CAIRN_EMBEDDING_URL": url})
        problem = eventually(lambda: health(cairn).get("problem"), what="a problem")
        assert "embedding.url" in problem and "pw@" not in problem
        assert health(cairn)["loading"] is False
