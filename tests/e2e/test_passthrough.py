"""Without a session the proxy is only a proxy: the same bytes of body up, the same bytes back, chunk by chunk as they
come, hang-ups passed on both ways (contract §2). With raw HTTP and with the real clients of OpenAI and Anthropic."""

import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import anthropic
import httpx
import openai
import pytest
from conftest import ROOT, eventually
from upstream import TEXT, TOOL_CALLS, header

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hi"}]


def chat(model="any", **more):
    return {"model": model, "messages": MESSAGES, **more}


# Bodies on purpose not as a JSON library would write them.
BODIES = {
    "plain": (CHAT, b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'),
    "odd spacing": (CHAT, b' {\n\t"messages" : [ {"content":"\\u0068\\u00fc\\/","role":"user"} ] ,"model":"m" } \r\n'),
    "numbers": (CHAT, b'{"model":"m","temperature":1.0,"top_p":1e-1,"seed":12345678901234567890,"messages":[]}'),
    "unknown fields": (CHAT, b'{"model":"m","x_new":{"deep":[1,{"y":null}]},"messages":[],"agent":"a","memory_options":1}'),
    "duplicate keys": (CHAT, b'{"model":"m","model":"n","messages":[]}'),
    "n": (CHAT, b'{"model":"m","n":3,"messages":[]}'),
    "tools": (CHAT, b'{"model":"m,tools=1","tools":[{"type":"function","function":{"name":"f"}}],"messages":[]}'),
    "image": (CHAT, b'{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}}]}]}'),
    "developer": (CHAT, b'{"model":"m","messages":[{"role":"developer","content":"x"}]}'),
    "null session": (CHAT, b'{"session_id":null,"model":"m","messages":[]}'),
    "session in text": (CHAT, b'{"model":"m","messages":[{"role":"user","content":"session_id"}]}'),
    "not JSON": (CHAT, b"{this is not JSON"),
    "not JSON with session": (CHAT, b'{"session_id": "s", '),
    "an array": (CHAT, b'["session_id"]'),
    "bytes": (CHAT, bytes(range(256))),
    "empty": (CHAT, b""),
    "compressed answer": (CHAT, b'{"model":"m,gzip=1","messages":[]}'),
    "chunked answer": (CHAT, b'{"model":"m,chunked=1","messages":[]}'),
    "garbage answer": (CHAT, b'{"model":"m,garbage=1","messages":[]}'),
    "large answer": (CHAT, b'{"model":"m,big=3000000","messages":[]}'),
    "429": (CHAT, b'{"model":"m,status=429,retry=2","messages":[]}'),
    "400": (CHAT, b'{"model":"m,status=400","messages":[]}'),
    "500": (CHAT, b'{"model":"m,status=500","messages":[]}'),
    "503": (CHAT, b'{"model":"m,status=503","messages":[]}'),
    "stream": (CHAT, b'{"model":"m","stream":true,"messages":[]}'),
    "stream with usage": (CHAT, b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}'),
    "stream of choices": (CHAT, b'{"model":"m","n":2,"stream":true,"messages":[]}'),
    "stream of tools": (CHAT, b'{"model":"m,tools=1","stream":true,"messages":[]}'),
    "stream in bits": (CHAT, b'{"model":"m,split=3","stream":true,"messages":[]}'),
    "stream with CRLF": (CHAT, b'{"model":"m,crlf=1","stream":true,"messages":[]}'),
    "stream with error": (CHAT, b'{"model":"m,fail=4","stream":true,"messages":[]}'),
    "compressed stream": (CHAT, b'{"model":"m,gzip=1","stream":true,"messages":[]}'),
    "long stream": (CHAT, b'{"model":"m,chunks=5000","stream":true,"messages":[]}'),
    "v2 without session": ("/v2/chat/completions", b'{"model":"m","messages":[]}'),
    "v2 stream without session": ("/v2/chat/completions", b'{"model":"m","stream":true,"messages":[]}'),
    "completions": ("/v1/completions", b'{"model":"m","prompt":"once"}'),
    "completions stream": ("/v1/completions", b'{"model":"m","prompt":["a"],"stream":true}'),
    "responses": ("/v1/responses", b'{"model":"m","input":"hi"}'),
    "responses stream": ("/v1/responses", b'{"model":"m","input":"hi","stream":true}'),
    "responses tools": ("/v1/responses", b'{"model":"m,tools=1","input":[{"role":"user","content":"hi"}],"stream":true}'),
    "messages": ("/v1/messages", b'{"model":"m","max_tokens":5,"messages":[]}'),
    "messages stream": ("/v1/messages", b'{"model":"m,tools=1","max_tokens":5,"messages":[],"stream":true}'),
    "messages 400": ("/v1/messages", b'{"model":"m,status=400","messages":[]}'),
    "count tokens": ("/v1/messages/count_tokens", b'{"model":"m","messages":[]}'),
    "embeddings": ("/v1/embeddings", b'{"model":"m","input":["a","b"]}'),
    "embeddings base64": ("/v1/embeddings", b'{"model":"m","input":"a","encoding_format":"base64"}'),
}
OURS = {"date", "connection", "transfer-encoding", "content-length", "keep-alive", "x-cairn-memory"}


def ask(base, method, path, body, headers=None):
    """Status, headers without those of the hop, and the raw body (not decompressed)."""
    with httpx.Client(base_url=base, timeout=30) as client:
        given = {"content-type": "application/json", "accept-encoding": "gzip", "user-agent": "test", **(headers or {})}
        with client.stream(method, path, content=body, headers=given) as r:
            raw = b"".join(r.iter_raw())
            kept = sorted((k.lower(), v) for k, v in r.headers.multi_items() if k.lower() not in OURS)
            return r.status_code, kept, raw, r.headers


@pytest.fixture(scope="module")
def shared(tmp_path_factory, upstream_server):
    """One server for all cases: they leave nothing behind."""
    from conftest import REPORTS, Cairn

    c = Cairn(tmp_path_factory.mktemp("pass") / "data", upstream_server.url).start()
    yield c
    status = c.stop()
    assert status == 0 and not REPORTS.search(c.log()), c.log()[-5000:]


@pytest.mark.parametrize("name", BODIES)
def test_same_bytes_both_ways(shared, upstream, name):
    path, body = BODIES[name]
    direct = ask(upstream.url, "POST", path.replace("/v2/", "/v1/"), body)
    sent = upstream.last()
    through = ask(shared.url, "POST", path, body)
    came = upstream.last()
    assert came["body"] == sent["body"] == body
    assert came["path"] == sent["path"] and came["method"] == "POST"
    assert through[0] == direct[0]
    assert through[2] == direct[2]
    assert through[1] == direct[1]
    assert len(through[3].get_list("date")) == 1

    def headers(record):
        return sorted((k.lower(), v) for k, v in record["headers"] if k.lower() not in ("host", "connection"))

    assert headers(came) == headers(sent)


def test_queries_and_models(shared, upstream):
    for path in ("/v1/models", "/v1/models?limit=2&after=a%20b", "/v1/models/small", "/v1/models/org%2Flarge",
                 "/v1/models/org/large"):
        direct = ask(upstream.url, "GET", path, b"")
        through = ask(shared.url, "GET", path, b"")
        assert upstream.last()["path"] == path
        assert through[:3] == direct[:3]


def raw_get(port, path):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        data = b""
        while piece := s.recv(65536):
            data += piece
    return data


def test_paths_cannot_leave_the_route(shared, upstream):
    for path in ("/v1/models/..", "/v1/models/%2e%2e", "/v1/models/../files", "/v1/models/x/%2E%2E/y"):
        assert raw_get(shared.port, path).startswith(b"HTTP/1.1 404")
    assert upstream.requests() == []


def test_large_bodies(shared, upstream):
    body = b'{"model":"m","messages":[{"role":"user","content":"' + b"x" * (31 << 20) + b'"}]}'
    status, _, raw, _ = ask(shared.url, "POST", CHAT, body)
    assert status == 200 and json.loads(raw)["choices"]
    assert upstream.last()["body"] == body
    status, _, raw, _ = ask(shared.url, "POST", CHAT, b"x" * (33 << 20))
    assert status == 413
    error = json.loads(raw)["error"]
    assert set(error) == {"message", "type", "param", "code"}


def test_caller_credentials_pass(shared, upstream):
    ask(shared.url, "POST", CHAT, b"{}", {"authorization": "Bearer caller", "x-cairn-session": ""})
    assert header(upstream.last(), "authorization") == ["Bearer caller"]
    assert header(upstream.last(), "x-cairn-session") == []
    assert header(upstream.last(), "host") == [upstream.url.removeprefix("http://")]


def test_servers_key_replaces_and_never_shows(make_cairn, upstream):
    secret = "sk-server-secret-42"
    c = make_cairn(env={"CAIRN_UPSTREAM_KEY": secret})
    seen = b""
    for path, body in BODIES.values():
        status, headers, raw, all_headers = ask(c.url, "POST", path, body, {"authorization": "Bearer caller"})
        seen += raw + repr(list(all_headers.raw)).encode()
        assert header(upstream.last(), "authorization") == [f"Bearer {secret}"]
        if path.startswith("/v1/messages"):
            assert header(upstream.last(), "x-api-key") == [secret]
    ask(c.url, "POST", CHAT, b'{"model":"m,hangup=1"}')
    seen += c.http.get("/health").content + c.http.get("/metrics").content + c.http.get("/health/memory").content
    assert secret.encode() not in seen
    assert secret not in c.log()


def test_key_from_openai_api_key(make_cairn, upstream):
    c = make_cairn(env={"OPENAI_API_KEY": "sk-other"})
    ask(c.url, "POST", CHAT, b"{}")
    assert header(upstream.last(), "authorization") == ["Bearer sk-other"]


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_upstream_address_with_and_without_v1(make_cairn, upstream, suffix):
    c = make_cairn(upstream=upstream.url + suffix)
    assert ask(c.url, "POST", CHAT, b'{"model":"m"}')[0] == 200
    assert upstream.last()["path"] == CHAT


def test_no_upstream(make_cairn):
    c = make_cairn(upstream=None)
    for path in (CHAT, "/v2/chat/completions", "/v1/responses"):
        status, _, raw, _ = ask(c.url, "POST", path, b'{"session_id":"s","model":"m","messages":[]}')
        error = json.loads(raw)["error"]
        assert status == 503 and set(error) == {"message", "type", "param", "code"}
        assert "CAIRN_UPSTREAM_URL" in error["message"] and "--upstream" in error["message"]
    status, _, raw, _ = ask(c.url, "POST", "/v1/messages", b"{}")
    assert status == 503 and json.loads(raw)["type"] == "error"
    assert "CAIRN_UPSTREAM_URL" in json.loads(raw)["error"]["message"]


def test_upstream_out_of_reach(make_cairn):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    c = make_cairn(upstream=f"http://127.0.0.1:{port}")
    status, _, raw, _ = ask(c.url, "POST", CHAT, b"{}")
    assert status == 502 and set(json.loads(raw)["error"]) == {"message", "type", "param", "code"}
    status, _, raw, _ = ask(c.url, "POST", "/v1/messages", b"{}")
    assert status == 502 and json.loads(raw)["error"]["type"] == "api_error"
    assert c.metric("cairn_proxy_upstream_errors_total") == 2


def test_upstream_hangs_up_without_an_answer(shared, upstream):
    status, _, raw, _ = ask(shared.url, "POST", CHAT, b'{"model":"m,hangup=1","messages":[]}')
    assert status == 502 and json.loads(raw)["error"]["code"]


@pytest.mark.parametrize("body", [b'{"model":"m,drop=5","stream":true,"messages":[]}', b'{"model":"m,drop=50"}'])
def test_upstream_breaks_off(shared, upstream, body):
    """The client has to notice, and gets what came before."""
    got = b""
    with pytest.raises(httpx.RemoteProtocolError):
        with httpx.stream("POST", shared.url + CHAT, content=body) as r:
            for piece in r.iter_raw():
                got += piece
    assert got


@pytest.mark.parametrize("script", ["stall=3", "first=30", "delay=0.05,chunks=1000"])
def test_client_hangs_up(shared, upstream, script):
    """The upstream's request closes at once, while streaming, while it is silent, and before it answers."""
    body = json.dumps(chat("m," + script, stream=True)).encode()
    with socket.create_connection(("127.0.0.1", shared.port)) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        eventually(lambda: upstream.requests(), what="the request")
        if "first" not in script:
            assert s.recv(100)
        time.sleep(0.1)
        assert not upstream.last()["aborted"]
    eventually(lambda: upstream.last()["aborted"], seconds=3, what="the hang-up to arrive")


def test_stream_comes_as_it_is_made(shared, upstream):
    """Never buffered: each event is there long before the next one is made."""
    times = []
    with httpx.stream("POST", shared.url + CHAT, json=chat("m,delay=0.1,chunks=5", stream=True)) as r:
        for line in r.iter_lines():
            if line.startswith("data:"):
                times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 7 and min(gaps) > 0.03, gaps


def test_slow_client_slows_the_upstream(shared, upstream):
    """Backpressure: an endless answer to a client that does not read does not pile up in the server."""
    body = json.dumps(chat("m,chunks=400000", stream=True)).encode()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", shared.port))
    s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def memory():
        status = pathlib.Path(f"/proc/{shared.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    eventually(lambda: upstream.requests() and upstream.last()["sent"] > 1000, what="the stream")
    before = memory()
    time.sleep(1.0)
    sent = upstream.last()["sent"]
    time.sleep(0.5)
    assert upstream.last()["sent"] - sent < 20000 and not upstream.last()["done"]
    assert memory() - before < 20000
    s.close()
    eventually(lambda: upstream.last()["aborted"], what="the hang-up")


def test_many_at_once(shared, upstream):
    """Two hundred streams, each whole and its own."""
    answers = {}

    def one(i):
        with httpx.Client(timeout=60) as client:
            r = client.post(shared.url + CHAT, json=chat(f"m,delay=0.005,say=mine{i}%20is%20{i}", stream=True))
            text = "".join(c["delta"].get("content") or "" for line in r.text.splitlines()
                           if line.startswith("data: {") for c in json.loads(line[6:])["choices"])
            answers[i] = text

    threads = [threading.Thread(target=one, args=(i,)) for i in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == {i: f"mine{i} is {i}" for i in range(200)}


def test_connections_are_reused(shared, upstream):
    with httpx.Client() as client:
        for _ in range(20):
            client.post(shared.url + CHAT, json=chat())
    ports = {r["port"] for r in upstream.requests()}
    assert len(ports) <= 3


def test_no_memory_is_said(shared, upstream):
    assert ask(shared.url, "POST", CHAT, b"{}")[3]["x-cairn-memory"] == "off"
    assert "x-cairn-memory" not in ask(shared.url, "GET", "/v1/models", b"")[3]


# ---- real clients ----


@pytest.fixture
def client(shared, upstream):
    with openai.OpenAI(base_url=shared.url + "/v1", api_key="caller-key", max_retries=2) as c:
        yield c


def test_openai_python(client, upstream):
    r = client.chat.completions.create(model="m", messages=MESSAGES, n=2)
    assert r.choices[0].message.content == TEXT and len(r.choices) == 2 and r.usage.total_tokens == 21
    assert r._request_id == "req_upstream_1"
    assert client.models.list().data[0].id == "small"
    assert client.models.retrieve("org/large").id == "org/large"
    assert client.embeddings.create(model="m", input="x").data[0].embedding == [0.25, -0.5, 1.0]
    assert client.completions.create(model="m", prompt="x").choices[0].text == TEXT
    assert client.responses.create(model="m", input="x").output_text == TEXT
    with client.responses.stream(model="m", input="x") as s:
        assert s.get_final_response().output_text == TEXT


def test_openai_python_streams(client, upstream):
    chunks = list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True,
                                                 stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TEXT
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 21
    with client.chat.completions.stream(model="m,tools=1", messages=MESSAGES) as s:
        calls = s.get_final_completion().choices[0].message.tool_calls
    assert [(c.id, c.function.name, c.function.arguments) for c in calls] == [
        (c["id"], c["function"]["name"], c["function"]["arguments"]) for c in TOOL_CALLS]


def test_openai_python_errors(client, upstream):
    with pytest.raises(openai.RateLimitError) as e:
        client.with_options(max_retries=0).chat.completions.create(model="m,status=429,retry=0", messages=MESSAGES)
    assert e.value.request_id == "req_upstream_1" and e.value.code == "code_429"
    assert e.value.response.headers["retry-after"] == "0"
    upstream.reset()
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="m,status=500,retry=0", messages=MESSAGES)
    assert len(upstream.requests()) == 3
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="m,fail=3", messages=MESSAGES, stream=True))


def test_openai_python_leaves_a_stream(client, upstream):
    stream = client.chat.completions.create(model="m,delay=0.05,chunks=1000", messages=MESSAGES, stream=True)
    for _, _chunk in zip(range(3), stream):
        pass
    stream.close()
    eventually(lambda: upstream.last()["aborted"], seconds=3, what="the hang-up")


def test_anthropic_python(shared, upstream):
    with anthropic.Anthropic(base_url=shared.url, api_key="caller-key", max_retries=0) as c:
        r = c.messages.create(model="m", max_tokens=9, messages=MESSAGES)
        assert r.content[0].text == TEXT and r._request_id
        assert header(upstream.last(), "x-api-key") == ["caller-key"]
        with c.messages.stream(model="m,tools=1", max_tokens=9, messages=MESSAGES) as s:
            final = s.get_final_message()
        assert final.content[0].text == TEXT and final.content[1].input == {"city": "Oslo"}
        assert c.messages.count_tokens(model="m", messages=MESSAGES).input_tokens == 14
        with pytest.raises(anthropic.RateLimitError):
            c.messages.create(model="m,status=429,retry=1", max_tokens=9, messages=MESSAGES)


NODE = """
const OpenAI = require('openai');
(async () => {
  const c = new OpenAI({baseURL: process.argv[2] + '/v1', apiKey: 'caller-key', maxRetries: 0});
  const messages = [{role: 'user', content: 'hi'}];
  const plain = await c.chat.completions.create({model: 'm', messages});
  const stream = await c.chat.completions.create({model: 'm', messages, stream: true});
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  let status = 0, id = '';
  try { await c.chat.completions.create({model: 'm,status=429,retry=1', messages}); }
  catch (e) { status = e.status; id = e.headers['x-request-id'] ?? e.headers.get?.('x-request-id'); }
  const left = await c.chat.completions.create({model: 'm,delay=0.05,chunks=1000', messages, stream: true});
  for await (const chunk of left) break;
  console.log(JSON.stringify({plain: plain.choices[0].message.content, text, status, id}));
})();
"""


def test_openai_node(shared, upstream, tmp_path):
    script = tmp_path / "client.js"
    script.write_text(NODE)
    done = subprocess.run(["node", str(script), shared.url], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NODE_PATH": str(ROOT / "build" / "node" / "node_modules")})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"plain": TEXT, "text": TEXT, "status": 429, "id": "req_upstream_1"}
    eventually(lambda: upstream.last()["aborted"], seconds=3, what="the hang-up")
