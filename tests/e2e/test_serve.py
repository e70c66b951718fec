"""The server as a process: what it says, where it listens, how it stops."""

import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import httpx
import pytest

from conftest import binary, eventually

CHAT = "/v1/chat/completions"


def asking(model, **more):
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}


def refused(*args):
    done = subprocess.run([binary(), "serve", *args], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    return done


def test_three_lines(cairn):
    def said():
        return [line for line in cairn.log().splitlines() if not line.startswith("{")]

    eventually(lambda: len(said()) >= 3)  # it answers a moment before it says so
    lines = said()
    assert len(lines) == 3
    assert f"http://127.0.0.1:{cairn.port}/v1" in lines[0]
    assert "cairn recall" in lines[1]
    assert str(cairn.data) in lines[2]


def test_says_what_is_missing_and_still_works(make_cairn):
    c = make_cairn(upstream=None)
    eventually(lambda: "no_upstream" in c.log() and "CAIRN_UPSTREAM_URL" in c.log())
    c.post("/api/v2/remember", {"text": "the kettle is in the cellar"})
    assert "cellar" in json.dumps(c.post("/api/v2/recall", {"query": "kettle"}))
    assert c.http.post(CHAT, json=asking("m")).status_code == 503


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.168.1.1:0", "[::]:0"])
def test_refuses_to_listen_elsewhere_without_auth(tmp_path, address):
    done = refused("--listen", address, "--data", str(tmp_path))
    assert done.returncode == 2
    assert "not a loopback address" in done.stderr and "auth" in done.stderr


@pytest.mark.parametrize("address", ["example.org:0", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_told_what_one_looks_like(tmp_path, address):
    done = refused("--listen", address, "--data", str(tmp_path))
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr


def test_says_that_the_port_is_taken(cairn, tmp_path):
    done = refused("--listen", f"127.0.0.1:{cairn.port}", "--data", str(tmp_path / "other"))
    assert "in use" in done.stderr and "--listen" in done.stderr


def test_listens_on_ipv6_loopback(tmp_path):
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    command = [binary(), "serve", "--listen", "[::1]:0", "--data", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        url = server.stdout.readline().split("client at ")[1].split("/v1")[0]
        assert url.startswith("http://[::1]:")
        assert httpx.get(url + "/health").json()["status"] == "ok"
    finally:
        server.terminate()
        assert server.wait(10) == 0
        server.stdout.close()


def test_unix_socket(make_cairn):
    c = make_cairn()
    path = c.data / "cairn.sock"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    over = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)))
    assert over.get("http://any.name/health").status_code == 200
    # A second server on the same data leaves it alone and says so.
    other = make_cairn(name="data")
    eventually(lambda: "http_no_unix_socket" in other.log())
    assert other.get("/health")["status"] == "ok"
    assert other.stop() == 0
    assert over.get("http://any.name/health").status_code == 200
    over.close()
    # A killed one's is replaced, a stopped one's is gone.
    c.kill()
    assert path.exists()
    c.start()
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as again:
        assert again.get("http://any.name/health").status_code == 200
    assert c.stop() == 0
    assert not path.exists()


def test_two_servers_see_each_others_writes(make_cairn):
    a, b = make_cairn(), make_cairn(name="data")
    for i, server in enumerate((a, b, a, b)):
        server.post("/api/v2/remember", {"text": f"number {i}", "session": "both"})
    counts = [len(s.get("/api/v2/sessions")["sessions"]) for s in (a, b)]
    assert counts[0] == counts[1] == 1


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_stops_orderly(make_cairn, sig):
    c = make_cairn()
    c.post("/api/v2/remember", {"text": "kept"})
    idle = socket.create_connection(("127.0.0.1", c.port))
    c.process.send_signal(sig)
    assert c.process.wait(10) == 0
    assert '"stopped"' in c.log()
    idle.close()


def test_stop_lets_a_stream_end(make_cairn):
    c = make_cairn()
    got = []

    def read():
        with c.http.stream("POST", CHAT, json=asking("m,delay=0.02,chunks=30", stream=True)) as r:
            for line in r.iter_lines():
                got.append(line)

    reader = threading.Thread(target=read)
    reader.start()
    eventually(lambda: len(got) > 4)
    c.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    with pytest.raises(OSError):  # nobody else gets in any more
        socket.create_connection(("127.0.0.1", c.port), timeout=1).close()
    reader.join(20)
    assert "data: [DONE]" in got
    assert c.process.wait(10) == 0


def test_a_second_signal_does_not_wait(make_cairn):
    c = make_cairn()
    with c.http.stream("POST", CHAT, json=asking("m,stall=2,chunks=9", stream=True)) as r:
        lines = r.iter_lines()  # kept: dropping it would hang up
        assert next(lines).startswith("data:")
        c.process.send_signal(signal.SIGTERM)
        eventually(lambda: '"stopping"' in c.log())
        c.process.send_signal(signal.SIGTERM)
        assert c.process.wait(5) == 130
    c.process = None


def test_foreign_hosts_and_pages_are_refused(cairn):
    def status(method, path, **headers):
        return cairn.http.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}).status_code

    assert status("GET", "/health", Host="evil.example") == 403
    assert status("GET", "/health", Host="localhost:1") == 200
    assert status("POST", "/api/v2/sessions", Origin="https://evil.example") == 403
    assert status("POST", CHAT, Origin="https://evil.example") == 403
    assert status("GET", "/health", Origin="https://evil.example") == 200


def test_logs_routes_and_not_contents(make_cairn):
    c = make_cairn(args=["--log-level", "debug"])
    session = c.post("/api/v2/sessions", {"title": "a secret title"})["session_id"]
    c.get(f"/api/v2/sessions/{session}")
    line = eventually(lambda: next((x for x in c.log().splitlines() if "/api/v2/sessions/{id}" in x), None))
    event = json.loads(line)
    assert event["event"] == "http_request" and event["method"] == "GET" and event["status"] == 200
    assert event["request_id"].startswith("req_") and event["ms"] >= 0
    assert "secret title" not in c.log()


def test_many_clients_at_once(cairn):
    """100 clients, each with a connection of its own, ten writes each."""
    failures = []

    def client(n):
        try:
            with httpx.Client(base_url=cairn.url, timeout=60) as http:
                for i in range(10):
                    r = http.post("/api/v2/remember", json={"text": f"{n} {i}", "session": "many"})
                    assert r.status_code == 201, r.text
        except Exception as e:  # shown below
            failures.append(e)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(100)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures[:3]
    assert cairn.metric("cairn_http_requests_total") >= 1000


def test_port_is_free_again_after_a_stop(make_cairn):
    c = make_cairn()
    for _ in range(3):
        assert c.stop() == 0
        c.start()
