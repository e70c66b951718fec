#!/usr/bin/env python3
"""What the proxy adds: the time to the first byte of a stream and to its end, asked directly, through the proxy, and
through the proxy with memory over a session of 10,000 turns. The three take turns, request by request.

Usage: bench/proxy.py [--binary build/cairn] [--json FILE] [--quick]
Prints the figures; --json writes a section for bench/run (tables, bars, notes, raw)."""

import argparse
import http.client
import json
import math
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
import harness  # noqa: E402

EVENTS = 50
SESSION = "bench"
PLAIN_BAR, MEMORY_BAR = 1.0, 5.0
PAUSE = 0.02  # as no person answers at once: the last answer is stored by then


# ---- the upstream: answers at once, in as few system calls as there can be ----


def upstream_main():
    """A process of its own: one thread a connection."""
    server = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(server.getsockname()[1], flush=True)
    chunk = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,' \
            b'"delta":{"content":" word"},"finish_reason":null}]}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    first = head + b"%x\r\n%s\r\n" % (len(chunk), chunk)
    last = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in [chunk] * (EVENTS - 1) + [b"data: [DONE]\n\n"]) + b"0\r\n\r\n"

    def serve(c):
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while read_request(c):
            c.sendall(first)
            c.sendall(last)

    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def read_request(c):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = c.recv(65536)
        if not piece:
            return False
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length"))
    while len(body) < length:
        body += c.recv(65536)
    return True


# ---- the client ----


class Client:
    """One keep-alive connection, with nothing between us and the socket."""

    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, body):
        """Milliseconds to the first byte of the body and to its end, and the answer's head."""
        request = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(body)) + body
        data, first = b"", None
        start = time.perf_counter()
        self.s.sendall(request)
        while not data.endswith(b"0\r\n\r\n"):
            piece = self.s.recv(65536)
            if not piece:
                raise RuntimeError(f"the connection closed after {data[-300:]!r}")
            data += piece
            if first is None and b"data:" in data:
                first = time.perf_counter()
        end = time.perf_counter()
        if not data.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"answered {data[:300]!r}")
        return (first - start) * 1000, (end - start) * 1000, data.split(b"\r\n\r\n")[0].decode()


# ---- the session ----


STOP_WORDS = "the a and to of in is it that we you for on with was this be have not at".split()


def sentence(rng, n=14):
    """As in speech: a third of the words are stop words, the others follow Zipf's law from rank 20 on."""
    return " ".join(rng.choice(STOP_WORDS) if rng.random() < 0.35 else
                    f"w{int(math.exp(rng.uniform(math.log(20), math.log(8000))))}x" for _ in range(n))


def fill(port, turns, rng):
    """A session of conversations of 50 turns each, over the API; returns when the index has them all."""
    call = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(connection, path, body):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        r = connection.getresponse()
        data = r.read()
        if r.status != 201:
            raise RuntimeError(f"{path} answered {r.status}: {data[:300]!r}")
        return json.loads(data)

    session = post(call, "/api/v2/sessions", {"title": SESSION})["session_id"]
    texts = [[sentence(rng) for _ in range(50)] for _ in range(turns // 50)]
    todo, lock = list(texts), threading.Lock()

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while True:
            with lock:
                if not todo:
                    return
                mine = todo.pop()
            made = post(connection, "/api/v2/conversations", {"session_id": session, "directive": mine[0]})
            path = f"/api/v2/conversations/{made['conversation_id']}/turns"
            for i, text in enumerate(mine):
                post(connection, path, {"agent": "user" if i % 2 == 0 else "assistant", "content": text})

    threads = [threading.Thread(target=work) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return session


def body_of(rng, session=None):
    """A chat with some history and a question."""
    messages = [{"role": "system", "content": "You are a helpful assistant."}]
    for _ in range(4):
        messages += [{"role": "user", "content": sentence(rng, 30)}, {"role": "assistant", "content": sentence(rng, 30)}]
    messages.append({"role": "user", "content": f"What did we say about {sentence(rng, 6)}?"})
    body = {"model": "m", "stream": True, "messages": messages}
    return json.dumps({**body, "session_id": session} if session else body).encode()


# ---- measuring ----


def measure(direct, cairn, session, rounds, rng):
    """[first, whole] in ms for each way, in turns."""
    found = {"direct": [], "plain": [], "memory": []}
    heads = []
    clients = {"direct": Client(direct), "plain": Client(cairn), "memory": Client(cairn)}
    for i in range(rounds + 20):
        for way, client in clients.items():
            body = body_of(rng, session if way == "memory" else None)
            first, whole, head = client.ask(body)
            if i >= 20:
                found[way].append((first, whole))
                if way == "memory":
                    heads.append(head)
            time.sleep(PAUSE)
    used = sum("X-Cairn-Memory: on" in h and "turns=0" not in h for h in heads)
    return found, used


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))]


def figures(found):
    out = {}
    for way, pairs in found.items():
        for at, what in ((0, "first"), (1, "whole")):
            values = [p[at] for p in pairs]
            out[f"{way}_{what}_p50_ms"] = statistics.median(values)
            out[f"{way}_{what}_p99_ms"] = percentile(values, 0.99)
    return out


def section(f, rounds, turns, used):
    names = {"direct": "direct", "plain": "through the proxy", "memory": f"with memory, {turns:,} turns"}
    rows = []
    for way, name in names.items():
        added = f[f"{way}_first_p50_ms"] - f["direct_first_p50_ms"]
        rows.append([name] + [f"{f[f'{way}_{k}_ms']:.2f}" for k in ("first_p50", "first_p99", "whole_p50", "whole_p99")]
                    + ["" if way == "direct" else f"{added:.2f}"])
    plain = f["plain_first_p50_ms"] - f["direct_first_p50_ms"]
    memory = f["memory_first_p50_ms"] - f["direct_first_p50_ms"]
    return {
        "tables": [{"columns": ["way", "first byte p50 ms", "p99", f"whole stream of {EVENTS} events p50 ms", "p99",
                                "added to the first byte, p50"], "rows": rows}],
        "bars": [{"what": f"first byte of a stream later by < {PLAIN_BAR:.0f} ms at the median, without memory",
                  "got": f"{plain:.2f} ms", "met": plain < PLAIN_BAR},
                 {"what": f"… by < {MEMORY_BAR:.0f} ms with memory over a session of 10,000 turns",
                  "got": f"{memory:.2f} ms", "met": memory < MEMORY_BAR and turns >= 10000 and used > rounds * 0.9}],
        "notes": [f"{rounds} streamed chats each, in turns, one at a time over keep-alive connections, {PAUSE * 1000:.0f} ms "
                  f"between them; the upstream answers at once. {used} of {rounds} chats with memory carried recalled turns."],
        "raw": {**f, "added_plain_ms": plain, "added_memory_ms": memory, "rounds": rounds, "turns": turns, "recalled": used},
    }


def quantile(server, name):
    """The server's own median, in ms: the bucket in which it lies."""
    text = server.request("GET", "/metrics").decode()
    buckets = [(float(le), float(n)) for le, n in re.findall(rf'^{name}_bucket\{{le="([^"+]+)"\}} (\S+)$', text, re.M)]
    return next((le * 1000 for le, n in buckets if n >= buckets[-1][1] / 2), None)


def run(binary, quick):
    rounds, turns = (40, 500) if quick else (400, 10_000)
    rng = random.Random(5)
    upstream = subprocess.Popen([sys.executable, __file__, "--upstream"], stdout=subprocess.PIPE, text=True,
                                preexec_fn=harness.die_with_parent)
    try:
        direct = int(upstream.stdout.readline())
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as tmp:
            port = harness.free_port()
            command = [binary, "serve", "--listen", f"127.0.0.1:{port}", "--data", f"{tmp}/data", "--upstream",
                       f"http://127.0.0.1:{direct}"]
            with harness.Process(command, f"{tmp}/cairn.log", port) as server:
                server.answers("/health")
                session = fill(port, turns, rng)
                server.wait_for_index(120)
                found, used = measure(direct, port, session, rounds, rng)
                recall = quantile(server, "cairn_recall_seconds")
                memory = quantile(server, "cairn_proxy_memory_seconds")
    finally:
        upstream.terminate()
        upstream.wait()
    return section({**figures(found), "recall_p50_ms": recall, "chat_begin_p50_ms": memory}, rounds, turns, used)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--binary", default=str(pathlib.Path(__file__).resolve().parents[1] / "build" / "cairn"))
    p.add_argument("--json")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--upstream", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.upstream:
        upstream_main()
    found = run(args.binary, args.quick)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(found, indent=1))
    print(json.dumps({**found["raw"], "bars": found["bars"]}, indent=1))


if __name__ == "__main__":
    main()
