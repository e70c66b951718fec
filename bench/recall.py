#!/usr/bin/env python3
"""Retrieval on LoCoMo at turn level, through the public REST API only.

Ten long conversations between two people, 1,982 questions with the turns that hold the evidence. Each LoCoMo
conversation becomes a session, each of its sittings a conversation, each utterance a turn with its own timestamp
(the speaker as the agent; the caption of a picture, never its search query, in brackets). Each question is one
POST /sessions/{id}/context/search; what comes back is compared with the evidence.

Tuned on the first five conversations only; the last five and all ten are reported beside them. Works against any
server (--url) or starts one (--binary). Nothing but the standard library.
"""
import argparse
import calendar
import concurrent.futures
import http.client
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DATA = os.path.join(os.path.dirname(ROOT), "shared", "data", "locomo10.json")
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December"]
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
SECONDS_A_TURN = 10
VECTORS_SECONDS = 600
MEASURES = ["R@5", "R@10", "R@20", "all@10", "nDCG@10"]


# ---- the data ----

def start_of(text):
    """'1:56 pm on 8 May, 2023' in seconds since 1970."""
    m = re.fullmatch(r"(\d+):(\d+) (am|pm) on (\d+) (\w+), (\d+)", text.strip())
    if not m:
        raise ValueError("not a LoCoMo date: " + text)
    hour = int(m[1]) % 12 + (12 if m[3] == "pm" else 0)
    return calendar.timegm((int(m[6]), MONTHS.index(m[5]) + 1, int(m[4]), hour, int(m[2]), 0))


def sittings(sample):
    """[(number, [turn, …])] in order; a turn is its number, agent, content and time."""
    talk = sample["conversation"]
    numbers = sorted(int(m[1]) for m in (re.fullmatch(r"session_(\d+)", k) for k in talk) if m)
    out = []
    for number in numbers:
        at = start_of(talk[f"session_{number}_date_time"])
        turns = []
        for i, t in enumerate(talk[f"session_{number}"]):
            text = t["text"]
            if t.get("blip_caption"):
                text += f" [image: {t['blip_caption']}]"
            turns.append({"ref": reference(t["dia_id"]), "agent": t["speaker"], "content": text,
                          "at": at + i * SECONDS_A_TURN})
        out.append((number, turns))
    return out


def reference(dia_id):
    m = re.fullmatch(r"D:?(\d+):(\d+)", dia_id)
    return int(m[1]), int(m[2])


def questions(sample, known):
    """Questions with evidence that names turns: several may share a string, some are misspelt ('D8:6; D9:17')."""
    out = []
    for q in sample["qa"]:
        gold = set()
        for e in q.get("evidence") or []:
            gold |= {(int(a), int(b)) for a, b in re.findall(r"D:?(\d+):(\d+)", e)}
        gold &= known
        if gold:
            out.append({"text": q["question"], "gold": gold, "category": q["category"]})
    return out


# ---- the API ----

class Client:
    """One connection a thread."""

    def __init__(self, url):
        u = urllib.parse.urlsplit(url)
        self.host, self.port, self.path = u.hostname, u.port or 80, u.path.rstrip("/")
        self.local = threading.local()

    def get(self, path):
        conn = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            conn.request("GET", self.path + path)
            return json.loads(conn.getresponse().read())
        finally:
            conn.close()

    def post(self, path, body):
        data = json.dumps(body).encode()
        for attempt in range(5):
            conn = getattr(self.local, "conn", None)
            if conn is None:
                conn = self.local.conn = http.client.HTTPConnection(self.host, self.port, timeout=60)
            try:
                conn.request("POST", self.path + path, data, {"Content-Type": "application/json"})
                reply = conn.getresponse()
                text = reply.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                conn.close()
                self.local.conn = None
                if attempt == 4:
                    raise
                continue
            if reply.status == 429:
                time.sleep(float(reply.getheader("Retry-After") or 1))
                continue
            if reply.status >= 300:
                raise RuntimeError(f"POST {path}: {reply.status} {text[:300].decode(errors='replace')}")
            return json.loads(text)
        raise RuntimeError(f"POST {path}: still refused after five tries")


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def store(client, sample, pool):
    """Writes one sample; returns its session id and turn ids → references."""
    session = client.post("/api/v2/sessions", {"title": sample["sample_id"]})["session_id"]

    def one(sitting):
        number, turns = sitting
        conv = client.post("/api/v2/conversations", {"session_id": session, "directive": f"Sitting {number}"})
        ids = {}
        for t in turns:
            turn = client.post(f"/api/v2/conversations/{conv['conversation_id']}/turns",
                               {"agent": t["agent"], "role": "user", "content": t["content"],
                                "timestamp": stamp(t["at"])})
            ids[turn["turn_id"]] = t["ref"]
        return ids

    refs = {}
    for ids in pool.map(one, sittings(sample)):
        refs.update(ids)
    return session, refs


def wait_for_vectors(client):
    """Until every turn stored has a vector; gives the model's id, or None when words decide alone."""
    end = time.monotonic() + VECTORS_SECONDS
    while time.monotonic() < end:
        model = client.get("/health/memory").get("embedding_model", {})
        if model.get("loaded") and model.get("lag", 0) == 0:
            return model.get("id", "a model without a name")
        if not model.get("loaded") and not model.get("loading"):
            return None
        time.sleep(0.05)
    raise RuntimeError(f"the vectors are not ready after {VECTORS_SECONDS} s")


# ---- measuring ----

def measure(found, gold):
    def recall(k):
        return len(gold & set(found[:k])) / len(gold)

    gain = sum(1 / math.log2(i + 2) for i, f in enumerate(found[:10]) if f in gold)
    ideal = sum(1 / math.log2(i + 2) for i in range(min(10, len(gold))))
    return [recall(5), recall(10), recall(20), float(gold <= set(found[:10])), gain / ideal]


def mean(rows):
    return [100 * sum(r[i] for r in rows) / len(rows) for i in range(len(MEASURES))] if rows else None


def summary(results):
    """Results of some samples: overall and by category."""
    out = {"all": {"questions": len(results), "figures": mean([r["figures"] for r in results])}}
    for c, name in CATEGORIES.items():
        rows = [r["figures"] for r in results if r["category"] == c]
        if rows:
            out[name] = {"questions": len(rows), "figures": mean(rows)}
    return out


def show(title, groups):
    print(f"\n{title}")
    print(f"  {'':<14}{'questions':>10}" + "".join(f"{m:>9}" for m in MEASURES))
    for name, g in groups.items():
        print(f"  {name:<14}{g['questions']:>10}" + "".join(f"{v:>9.1f}" for v in g["figures"]))


def run(client, samples, jobs):
    results, times, written, storing, waiting, model = [], [], 0, 0.0, 0.0, None
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for number, sample in enumerate(samples):
            begin = time.monotonic()
            session, refs = store(client, sample, pool)
            storing += time.monotonic() - begin
            written += len(refs)
            begin = time.monotonic()
            model = wait_for_vectors(client)
            waiting += time.monotonic() - begin

            def ask(q, session=session, refs=refs, number=number):
                begin = time.monotonic()
                answer = client.post(f"/api/v2/sessions/{session}/context/search",
                                     {"query": q["text"], "max_results": 100})
                took = time.monotonic() - begin
                found = [refs[r["turn_id"]] for r in answer["results"]]
                return {"sample": number, "category": q["category"], "figures": measure(found, q["gold"])}, took

            for result, took in pool.map(ask, questions(sample, set(refs.values()))):
                results.append(result)
                times.append(took * 1000)
            print(f"  {sample['sample_id']}: {len(refs)} turns, {len(results)} questions so far", file=sys.stderr)
    times.sort()
    return results, {"model": model, "turns": written, "turns_per_second": written / storing,
                     "vectors_wait_seconds": waiting,
                     "search_mean_ms": sum(times) / len(times), "search_p99_ms": times[int(len(times) * 0.99)]}


# ---- a server of our own ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(binary, folder):
    port = free_port()
    with open(os.path.join(folder, "server.log"), "wb") as log:
        server = subprocess.Popen([binary, "serve", "--listen", f"127.0.0.1:{port}", "--data",
                                   os.path.join(folder, "data")], stdout=log, stderr=log)
    for _ in range(200):
        try:
            conn = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            conn.request("GET", "/health")
            if conn.getresponse().status == 200:
                return server, f"http://127.0.0.1:{port}"
        except OSError:
            pass
        if server.poll() is not None:
            break
        time.sleep(0.05)
    stop(server)
    with open(os.path.join(folder, "server.log"), errors="replace") as log:
        sys.exit(f"the server did not start: {log.read()[-2000:]}")


def stop(server):
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def main():
    p = argparse.ArgumentParser(description="LoCoMo at turn level over the REST API")
    where = p.add_mutually_exclusive_group()
    where.add_argument("--url", help="a running server, such as http://127.0.0.1:5111")
    where.add_argument("--binary", default=os.path.join(ROOT, "build", "cairn"), help="the cairn to start")
    p.add_argument("--data-file", default=DATA, help="locomo10.json")
    p.add_argument("--jobs", type=int, default=1, help="requests at once (1: times are those of an idle server)")
    p.add_argument("--json", help="write the figures to this file")
    args = p.parse_args()
    if not os.path.exists(args.data_file):
        print(f"SKIPPED: {args.data_file} is not there; nothing was measured", file=sys.stderr)
        return
    with open(args.data_file, encoding="utf-8") as f:
        samples = json.load(f)

    server, folder = None, None
    try:
        url = args.url
        if not url:
            folder = tempfile.mkdtemp(prefix="cairn-recall-")
            server, url = serve(args.binary, folder)
        results, speed = run(Client(url), samples, max(1, args.jobs))
    finally:
        if server:
            stop(server)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)

    half = len(samples) // 2
    groups = {"first": summary([r for r in results if r["sample"] < half]),
              "last": summary([r for r in results if r["sample"] >= half]),
              "all": summary(results)}
    show("first half (tuned on)", groups["first"])
    show("last half (not tuned on)", groups["last"])
    show("all", groups["all"])
    print(f"\n{speed['turns']} turns stored, {speed['turns_per_second']:.0f} a second; "
          f"search mean {speed['search_mean_ms']:.2f} ms, p99 {speed['search_p99_ms']:.2f} ms (client side)")
    print(f"model: {speed['model'] or 'none, by words alone'}; waited {speed['vectors_wait_seconds']:.1f} s for vectors")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"measures": MEASURES, "groups": groups, "speed": speed}, f, indent=1)
    print(f"locomo R@10 {groups['all']['all']['figures'][1]:.1f}")


if __name__ == "__main__":
    main()
