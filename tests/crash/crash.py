#!/usr/bin/env python3
"""Kills the server, again and again, at random moments under load, and checks what it had promised.

Each round starts the server on the same data folder, checks what was acknowledged before, lets clients write (turns into
shared conversations, new sessions and conversations, chats through the proxy) and sends SIGKILL: mostly in the middle of
the writes, now and then during the start or during an orderly stop. After each start:

  * every acknowledged turn is there, with its number and its content;
  * the numbers of a conversation are 1, 2, 3 … and no text is there twice or was never sent;
  * a random acknowledged turn is found by search;
  * a chat whose request went out with memory on has left its user's turn, and its answer whole or marked incomplete.

At intervals and at the end `cairn doctor --json` must be clean. Only the standard library is used.

    crash.py --binary build/cairn [--rounds 200] [--seed S] [--clients 8] [--data DIR]

The seed is printed: the same one makes the same choices again (the kernel's timing is its own)."""

import argparse
import http.client
import http.server
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TURNS_A_CONVERSATION = 400  # then it is retired and a new one is begun
CONVERSATIONS = 6  # shared by all clients, so that they meet
DOCTOR_EVERY = 25
ANSWER = "one two three four five six seven eight"


class Broken(Exception):
    """A promise was not kept."""


# ---- a model's server of a few lines ----


class Model(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not body.get("stream"):
            self.answer("application/json", json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                        "choices": [{"index": 0, "finish_reason": "stop",
                                     "message": {"role": "assistant", "content": ANSWER}}]}).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for word in ANSWER.split(" "):
                chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                         "choices": [{"index": 0, "finish_reason": None,
                                      "delta": {"content": word if word == "one" else " " + word}}]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                time.sleep(0.002)
            last = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            self.wfile.write(f"data: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode())
        except OSError:
            pass
        self.close_connection = True

    def answer(self, kind, data):
        try:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class ModelServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # the proxy in front of it is killed all the time


# ---- the server under test ----


class Server:
    def __init__(self, binary, data, upstream):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.command = [binary, "serve", "--listen", f"127.0.0.1:{self.port}", "--data", data, "--upstream", upstream]
        self.log = data + ".log"
        self.process = None

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Broken(f"the server did not start: status {self.process.returncode}\n{self.tail()}")
            try:
                if ask(self.port, "GET", "/health")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.003)
        raise Broken(f"the server was not ready within {seconds} s\n{self.tail()}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def tail(self):
        with open(self.log, errors="replace") as f:
            return f.read()[-4000:]


def ask(port, method, path, body=None, headers=None, connection=None):
    """(status, headers, parsed body)"""
    c = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        c.request(method, path, json.dumps(body) if body is not None else None,
                  {"Content-Type": "application/json", **(headers or {})})
        r = c.getresponse()
        data = r.read()
        return r.status, r.headers, json.loads(data) if data else None
    finally:
        if not connection:
            c.close()


# ---- what was sent and what was promised ----


class Book:
    """Kept under one lock. Texts are unique, so that a text tells which attempt a stored turn came from."""

    def __init__(self, seed):
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.sent = {}  # conversation -> set of texts that were sent to it
        self.promised = {}  # conversation -> {turn id: (number, text)}
        self.session_of = {}
        self.open = []  # conversations that still take turns
        self.fresh = set()  # conversations with promises not checked yet
        self.chats = {}  # session name -> {user text: conversation or None}
        self.count = self.chatted = self.broken_off = 0
        self.words = 0

    def text(self):
        with self.lock:
            self.words += 1
            return f"word{self.words:x}q{self.random.randrange(1 << 40):x} said at {self.words}"

    def promise(self, conversation, turn, number, text):
        with self.lock:
            known = self.promised.setdefault(conversation, {})
            if turn in known or any(number == n for n, _ in known.values()):
                raise Broken(f"{conversation}: number {number} or id {turn} was given twice")
            known[turn] = (number, text)
            self.fresh.add(conversation)
            self.count += 1
            if number >= TURNS_A_CONVERSATION and conversation in self.open:
                self.open.remove(conversation)

    def begin(self, conversation, session):
        with self.lock:
            self.session_of[conversation] = session
            self.sent.setdefault(conversation, set())
            self.promised.setdefault(conversation, {})
            self.open.append(conversation)
            self.fresh.add(conversation)


class Client(threading.Thread):
    """Writes until the server is gone."""

    def __init__(self, port, book, seed):
        super().__init__(daemon=True)
        self.port, self.book, self.random = port, book, random.Random(seed)
        self.problem = None

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            while True:
                self.one(connection)
        except (OSError, http.client.HTTPException, ValueError):
            pass  # killed: what was not answered is not promised
        except Broken as e:
            self.problem = str(e)
        finally:
            connection.close()

    def one(self, c):
        dice = self.random.random()
        with self.book.lock:
            open_now = list(self.book.open)
        if len(open_now) < CONVERSATIONS or dice < 0.02:
            self.begin(c)
        elif dice < 0.06:
            self.remember(c)
        elif dice < 0.10:
            self.chat()
        else:
            self.turn(c, self.random.choice(open_now))

    def begin(self, c):
        status, _, s = ask(self.port, "POST", "/api/v2/sessions", {"title": "crash"}, connection=c)
        if status != 201:
            raise Broken(f"a session was refused: {status} {s}")
        session = s["session_id"]
        status, _, v = ask(self.port, "POST", "/api/v2/conversations", {"session_id": session, "use_context": False},
                           connection=c)
        if status != 201:
            raise Broken(f"a conversation was refused: {status} {v}")
        self.book.begin(v["conversation_id"], session)

    def turn(self, c, conversation):
        text = self.book.text()
        with self.book.lock:
            self.book.sent[conversation].add(text)
        status, _, t = ask(self.port, "POST", f"/api/v2/conversations/{conversation}/turns",
                           {"agent": "ana", "content": text}, connection=c)
        if status != 201 or not t["stored"]:
            raise Broken(f"a turn was refused: {status} {t}")
        self.book.promise(conversation, t["turn_id"], t["turn_number"], text)

    def remember(self, c):
        """Session and conversation made on the way."""
        text, name = self.book.text(), f"notes-{self.random.randrange(50)}"
        status, _, t = ask(self.port, "POST", "/api/v2/remember", {"text": text, "session": name}, connection=c)
        if status != 201:
            raise Broken(f"remember was refused: {status} {t}")
        with self.book.lock:
            self.book.session_of[t["conversation_id"]] = t["session_id"]
        self.book.promise(t["conversation_id"], t["turn_id"], t["turn_number"], text)

    def chat(self):
        """A new name for a session each time, so that its one conversation is known by it."""
        text = self.book.text()
        name = f"chat-{self.random.randrange(1 << 60):x}"
        stream = self.random.random() < 0.7
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            c.request("POST", "/v2/chat/completions",
                      json.dumps({"model": "m", "stream": stream, "session_id": name,
                                  "messages": [{"role": "user", "content": text}]}),
                      {"Content-Type": "application/json"})
            r = c.getresponse()
            conversation = r.headers.get("X-Cairn-Conversation")
            if r.status != 200:
                raise Broken(f"a chat was refused: {r.status} {r.read()[:300]}")
            if (r.headers.get("X-Cairn-Memory") or "").startswith("on"):
                with self.book.lock:
                    self.book.chats[name] = (text, conversation)
            self.take_metadata(r.read(), name, text)
        finally:
            c.close()

    def take_metadata(self, body, name, text):
        for line in body.replace(b"data: ", b"").split(b"\n"):
            if b"memory_metadata" in line:
                m = json.loads(line)["memory_metadata"]
                if m["turn_stored"]:  # a promise of both turns
                    self.book.promise(m["conversation_id"], m["turn_id"], 2, ANSWER)


# ---- checking ----


def turns_of(port, conversation):
    out, cursor = [], ""
    while True:
        status, _, v = ask(port, "GET", f"/api/v2/conversations/{conversation}?limit=1000{cursor}")
        if status != 200:
            raise Broken(f"{conversation} cannot be read: {status} {v}")
        out += v["turns"]
        if not v["next_cursor"]:
            return v, out
        cursor = f"&cursor={v['next_cursor']}"


def check_conversation(port, book, conversation):
    v, turns = turns_of(port, conversation)
    numbers = [t["turn_number"] for t in turns]
    if numbers != list(range(1, len(turns) + 1)) or v["turn_count"] != len(turns):
        raise Broken(f"{conversation}: numbers {numbers[:20]}… and turn_count {v['turn_count']}")
    by_id = {t["turn_id"]: t for t in turns}
    for turn, (number, text) in book.promised.get(conversation, {}).items():
        t = by_id.get(turn)
        if not t or t["turn_number"] != number or t["content"] != text:
            raise Broken(f"{conversation}: turn {turn} was acknowledged as {number} {text!r}, and is {t}")
    texts = [t["content"] for t in turns]
    if conversation in book.sent:
        if len(set(texts)) != len(texts):
            raise Broken(f"{conversation}: a text is there twice")
        strange = set(texts) - book.sent[conversation]
        if strange:
            raise Broken(f"{conversation}: nobody sent {strange}")


def check_chat(port, book, name, text, conversation):
    """The user's turn is there once; the answer, where there is one, is whole or marked."""
    if not conversation:
        raise Broken(f"chat {name}: memory was on, but no conversation was named")
    _, turns = turns_of(port, conversation)
    if not turns or turns[0]["content"] != text or turns[0]["role"] != "user" or len(turns) > 2:
        raise Broken(f"chat {name}: {text!r} was sent, and {conversation} holds {turns}")
    if len(turns) == 2:
        answer = turns[1]
        whole = answer["content"] == ANSWER
        if not ANSWER.startswith(answer["content"]) or (not whole and not answer["metadata"].get("incomplete")):
            raise Broken(f"chat {name}: the answer's turn is {answer}")
        book.broken_off += not whole
    book.chatted += 1


def check_search(port, book):
    conversations = [c for c in book.promised if book.promised[c] and c in book.session_of]
    for conversation in book.random.sample(conversations, min(2, len(conversations))):
        turn, (_, text) = book.random.choice(list(book.promised[conversation].items()))
        session = book.session_of[conversation]
        status, _, found = ask(port, "POST", f"/api/v2/sessions/{session}/context/search",
                               {"query": text.split(" ")[0], "max_results": 100})
        if status != 200 or turn not in [r["turn_id"] for r in found["results"]]:
            raise Broken(f"search in {session} does not find {turn} ({text!r}): {status} {str(found)[:500]}")


def check(port, book, everything=False):
    conversations = list(book.promised) if everything else list(book.fresh)
    for conversation in conversations:
        check_conversation(port, book, conversation)
    book.fresh.clear()
    for name, (text, conversation) in book.chats.items():
        check_chat(port, book, name, text, conversation)
    book.chats.clear()
    check_search(port, book)


def doctor(binary, data):
    done = subprocess.run([binary, "doctor", "--data", data, "--json"], capture_output=True, text=True, timeout=300)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise Broken(f"doctor: status {done.returncode}: {done.stdout}{done.stderr}") from None
    if done.returncode or not found["ok"]:
        raise Broken(f"doctor found {found['problem_count']} problems: {found['problems'][:10]}")


# ---- rounds ----


def kill_during_start(server, dice):
    server.spawn()
    time.sleep(dice.random() * 0.03)
    server.kill()


def round_of(server, book, dice, clients):
    if dice.random() < 0.1:
        kill_during_start(server, dice)
    server.spawn()
    server.wait_ready()
    check(server.port, book)
    threads = [Client(server.port, book, dice.getrandbits(64)) for _ in range(clients)]
    for t in threads:
        t.start()
    time.sleep(dice.random() ** 2 * 0.25)
    if dice.random() < 0.1:  # an orderly stop that is not waited for
        server.process.send_signal(signal.SIGTERM)
        time.sleep(dice.random() * 0.02)
    server.kill()
    for t in threads:
        t.join(60)
        if t.problem:
            raise Broken(t.problem)


def run(args, data):
    dice, book = random.Random(args.seed), Book(args.seed)
    model = ModelServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    server = Server(args.binary, data, f"http://127.0.0.1:{model.server_address[1]}")
    begun = time.monotonic()
    try:
        for n in range(1, args.rounds + 1):
            round_of(server, book, dice, args.clients)
            if n % DOCTOR_EVERY == 0:
                doctor(args.binary, data)
                took = time.monotonic() - begun
                print(f"crash: {n} rounds, {book.count} turns acknowledged, {took / n:.2f} s a round", flush=True)
        server.spawn()
        server.wait_ready()
        check(server.port, book, everything=True)
        server.process.send_signal(signal.SIGTERM)
        if server.process.wait(60) != 0:
            raise Broken(f"an orderly stop ended with status {server.process.returncode}\n{server.tail()}")
        doctor(args.binary, data)
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
        model.shutdown()
    print(f"crash: {args.rounds} kills, {book.count} turns acknowledged, {book.chatted} chats ({book.broken_off} broken off), "
          f"none lost (seed {args.seed})")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--binary", required=True)
    p.add_argument("--rounds", type=int, default=200)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--data", help="an empty folder to use, and keep")
    args = p.parse_args()
    if args.seed is None:
        args.seed = random.SystemRandom().getrandbits(32)
    print(f"crash: {args.rounds} rounds, {args.clients} clients, seed {args.seed}", flush=True)
    for name in [k for k in os.environ if k.startswith("CAIRN_")]:
        del os.environ[name]
    folder = args.data or tempfile.mkdtemp(prefix="cairn-crash-")
    try:
        run(args, os.path.join(folder, "data"))
    except Broken as e:
        print(f"crash: BROKEN (seed {args.seed}, data kept in {folder}): {e}")
        return 1
    if not args.data:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
