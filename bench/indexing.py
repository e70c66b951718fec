"""What indexing costs and how soon it shows: turns a second into the index of words against FTS5's inserts, turns a
second with vectors, the time from a write to its being found by words and by meaning, and whether indexing slows
durable writes."""

import http.client
import json
import threading
import time

import meaning_data
import rivals
import writes
from harness import median

TITLE = "Indexing"
BAR_FTS, BAR_WRITES = 5.0, 0.95
WAYS = ["alone", "words", "meaning"]
TALK_BYTES = 390
LOOK_SECONDS = 0.001
WAIT_SECONDS = 60


# ---- rates ----

def words_rates(bench, material, turns, rounds):
    """Rounds of both from the same store, turn about; what is made is thrown away each time."""
    data, words = bench.folder("indexing"), bench.tmp / "rival.db"
    bench.tool("fill", "turns", data, turns, 1000)
    found = {"cairn": [], "fts": []}
    for _ in range(rounds):
        found["fts"].append(rivals.feed_fts(bench, data, words))
        rivals.drop_fts(words)
        bench.drop(data / "index")
        made = json.loads(bench.tool("indexing", "feed", data))
        made["bytes"] = sum(f.stat().st_size for f in (data / "index").rglob("*") if f.is_file())
        found["cairn"].append(made)
    bench.drop(data)
    for who, runs in found.items():
        bench.say(f"{who}: {median([r['turns'] / r['seconds'] for r in runs]):,.0f} turns/s")
    return found


def long_talk(material, count):
    """Real talk as turns of about TALK_BYTES."""
    out, text = [], ""
    for t in material.talk:
        text = f"{text} {t}".strip()
        if len(text) >= TALK_BYTES:
            out.append(text[:1000])
            text = ""
        if len(out) == count:
            break
    return out


class Writer:
    """One connection that posts turns into a conversation of its own."""

    def __init__(self, server):
        self.server = server
        self.session = server.call("POST", "/api/v2/sessions", {"title": "bench"})["session_id"]
        made = server.call("POST", "/api/v2/conversations",
                           {"session_id": self.session, "directive": "bench", "use_context": False})
        self.path = f"/api/v2/conversations/{made['conversation_id']}/turns"
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def post(self, path, body):
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"POST {path} answered {reply.status}: {text[:300]!r}")
        return json.loads(text)

    def turn(self, text):
        return self.post(self.path, {"agent": "anna", "content": text})["turn_id"]

    def close(self):
        self.connection.close()


def model_state(server):
    return server.call("GET", "/health/memory")["embedding_model"]


def vectors_rate(bench, material, texts):
    """Stored first by a server without a model, then the time from the loaded model to the last vector."""
    data = bench.folder("vectors")
    with bench.cairn(data) as server:
        writer = Writer(server)
        for t in texts:
            writer.turn(t)
        writer.close()
        server.wait_for_index(WAIT_SECONDS)
    with bench.cairn(data, env=material.env()) as server:
        while not model_state(server)["loaded"]:
            time.sleep(LOOK_SECONDS)
        start, cpu, state = time.perf_counter(), server.cpu_seconds(), model_state(server)
        already = state["vectors"]
        while state["lag"] > 0:
            time.sleep(0.01)
            state = model_state(server)
        seconds = time.perf_counter() - start
        cpu = server.cpu_seconds() - cpu
    bench.drop(data)
    n = len(texts) - already
    bench.say(f"with vectors: {n / seconds:,.0f} turns/s")
    return {"turns": n, "bytes": sum(map(len, texts)) / len(texts), "seconds": seconds, "cpu_seconds": cpu}


# ---- from write to visible ----

class Watch(threading.Thread):
    """When the vectors reached which count."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.seen, self.stop = server, [], threading.Event()
        self.base = model_state(server)["vectors"]

    def run(self):
        while not self.stop.is_set():
            n = model_state(self.server)["vectors"] - self.base
            if not self.seen or n > self.seen[-1][1]:
                self.seen.append((time.perf_counter(), n))
            time.sleep(LOOK_SECONDS)

    def when(self, n):
        return next((at for at, count in self.seen if count >= n), None)


def write_and_recall(writer, talk, pace):
    """Each turn is followed by its writer's own recall for a word that it alone has."""
    found, begin = [], time.perf_counter()
    for i, text in enumerate(talk):
        time.sleep(max(begin + i / pace - time.perf_counter(), 0))
        word = f"quokka{i:05d}x"
        turn, stored = writer.turn(f"{text} {word}"), time.perf_counter()
        got = writer.post("/api/v2/recall", {"query": f"who spoke of {word}?", "session_id": writer.session})
        found.append({"stored": stored, "recalled_ms": (time.perf_counter() - stored) * 1000,
                      "missed": turn not in [r["id"] for r in got["results"]]})
    return found


def visible(bench, material, count, pace):
    """Writes `count` turns, so many a second, and sees when they are found by words and have their vectors."""
    data = bench.folder("visible")
    talk = long_talk(material, count)
    with bench.cairn(data, env=material.env()) as server:
        writer = Writer(server)
        while not model_state(server)["loaded"]:
            time.sleep(LOOK_SECONDS)
        watch = Watch(server)
        watch.start()
        try:
            found = write_and_recall(writer, talk, pace)
            end = time.perf_counter() + WAIT_SECONDS
            while watch.when(len(talk)) is None and time.perf_counter() < end:
                time.sleep(0.01)
        finally:
            watch.stop.set()
            watch.join()
            writer.close()
    bench.drop(data)
    if watch.when(len(talk)) is None:
        raise RuntimeError(f"after {WAIT_SECONDS} s {watch.seen[-1]} of {len(talk)} vectors are there")
    times = sorted((watch.when(i + 1) - f["stored"]) * 1000 for i, f in enumerate(found))
    return {"pace": pace, "turns": len(talk), "missed": sum(f["missed"] for f in found),
            "meaning_ms": times, "recalled_ms": sorted(f["recalled_ms"] for f in found)}


def part(times, share):
    return times[min(int(len(times) * share), len(times) - 1)]


# ---- durable writes ----

def store_writes(bench, material, seconds, rounds):
    """64 clients inside one process; the order of the three turns about from round to round."""
    found = {w: [] for w in WAYS}
    for i in range(rounds):
        for way in WAYS[i % 3:] + WAYS[:i % 3]:
            data = bench.folder("indexing-writes")
            found[way].append(json.loads(bench.tool("indexing", "writes", data, way, material.model, seconds, 64)))
            bench.drop(data)
    for way in WAYS:
        bench.say(f"64 clients, {way}: {median([r['rate'] for r in found[way]]):,.0f} turns/s")
    return found


def http_writes(bench, material, seconds, rounds):
    """64 clients of a server: one that indexes words, and one that makes vectors too."""
    found = {"words": [], "meaning": []}
    for i in range(rounds):
        for way in sorted(found, reverse=i % 2 == 0):
            data = bench.folder("indexing-writes")
            with bench.cairn(data, env=material.env() if way == "meaning" else None) as server:
                while way == "meaning" and not model_state(server)["loaded"]:
                    time.sleep(LOOK_SECONDS)
                found[way].append(writes.load(bench, server, 64, seconds))
            bench.drop(data)
    bench.say("64 clients over HTTP: " + ", ".join(f"{w} {median([r['rate'] for r in runs]):,.0f} turns/s"
                                                   for w, runs in found.items()))
    return found


def ratio(found, way, base="alone"):
    return median([a["rate"] / b["rate"] for a, b in zip(found[way], found[base])])


# ---- telling ----

def rate_rows(words, vectors):
    def row(name, runs):
        return [name, f"{median([r['turns'] / r['seconds'] for r in runs]):,.0f}",
                f"{median([r['cpu_seconds'] / r['turns'] for r in runs]) * 1e6:.1f}",
                f"{median([r['bytes'] / r['turns'] for r in runs]):.0f}"]
    per_turn = vectors["cpu_seconds"] / vectors["turns"] * 1e6
    return [row("words", words["cairn"]), row("FTS5", words["fts"]),
            ["words and vectors, in the server", f"{vectors['turns'] / vectors['seconds']:,.0f}", f"{per_turn:,.0f}",
             "–"]]


def visible_rows(runs):
    rows = []
    for r in runs:
        rows.append([f"{r['pace']}", r["turns"], f"{r['turns'] - r['missed']} of {r['turns']}",
                     f"{part(r['recalled_ms'], 0.5):.2f}", f"{part(r['recalled_ms'], 0.99):.2f}",
                     f"{part(r['meaning_ms'], 0.5):.0f}", f"{part(r['meaning_ms'], 0.99):.0f}"])
    return rows


def write_rows(found):
    names = {"alone": "the store alone", "words": "words indexed behind", "meaning": "words and vectors behind"}
    return [[names[w], f"{median([r['rate'] for r in found[w]]):,.0f}", f"{ratio(found, w):.2f}",
             f"{median([r['p50_ms'] for r in found[w]]):.2f}", f"{median([r['p99_ms'] for r in found[w]]):.2f}",
             f"{median([r['lag'] for r in found[w]]):,.0f}"] for w in WAYS]


def http_rows(found):
    names = {"words": "words indexed behind", "meaning": "words and vectors behind"}
    return [[names[w], f"{median([r['rate'] for r in runs]):,.0f}", f"{ratio(found, w, 'words'):.2f}",
             f"{median([r['p50_ms'] for r in runs]):.2f}", f"{median([r['p99_ms'] for r in runs]):.2f}"]
            for w, runs in found.items()]


def bars_of(words, seen, found, http):
    faster = median([(c["turns"] / c["seconds"]) / (f["turns"] / f["seconds"])
                     for c, f in zip(words["cairn"], words["fts"])])
    missed, turns = sum(r["missed"] for r in seen), sum(r["turns"] for r in seen)
    bars = [{"what": f"indexing words ≥ {BAR_FTS:.0f}× FTS5's inserts", "got": f"{faster:.1f}×",
             "met": faster >= BAR_FTS},
            {"what": "what was written is found by words in its writer's next recall", "got":
             f"{turns - missed} of {turns}", "met": missed == 0}]
    for way, name in (("words", "words"), ("meaning", "words and meaning")):
        got = ratio(found, way)
        bars.append({"what": f"durable writes of 64 clients not slowed by indexing {name}", "got": f"{got:.2f}×",
                     "met": got >= BAR_WRITES})
    got = ratio(http, "meaning", "words")
    bars.append({"what": "durable writes of 64 HTTP clients not slowed by making vectors", "got": f"{got:.2f}×",
                 "met": got >= BAR_WRITES})
    return bars


def run(bench):
    why = meaning_data.missing()
    if why:
        return {"skipped": why}
    material = meaning_data.material(bench)
    turns, rounds, count, seconds = (10_000, 1, 40, 1) if bench.quick else (200_000, 5, 300, 4)
    words = words_rates(bench, material, turns, rounds)
    vectors = vectors_rate(bench, material, long_talk(material, 100 if bench.quick else 1500))
    seen = [visible(bench, material, count, pace) for pace in (10, 50)]
    found = store_writes(bench, material, seconds, rounds)
    http = http_writes(bench, material, seconds, rounds)
    return {
        "tables": [
            {"caption": f"Taking in {turns:,} turns", "rows": rate_rows(words, vectors),
             "columns": ["", "turns/s", "CPU µs/turn", "bytes/turn on the disk"]},
            {"caption": "From write to visible", "rows": visible_rows(seen),
             "columns": ["turns written a second", "turns", "found by words at once", "that recall p50 ms", "p99 ms",
                         "vector there p50 ms", "p99 ms"]},
            {"caption": "Durable writes of 64 clients (in one process, synchronous=FULL)", "rows": write_rows(found),
             "columns": ["", "turns/s", "of the store alone", "p50 ms", "p99 ms", "turns not indexed at the end"]},
            {"caption": "The same over HTTP", "rows": http_rows(http),
             "columns": ["", "turns/s", "of words alone", "p50 ms", "p99 ms"]}],
        "bars": bars_of(words, seen, found, http),
        "notes": [f"Words: from an open store to the last of {turns:,} turns being in the index (`indexing feed`), "
                  "against a contentless FTS5 table (porter unicode61) that is fed from the same store in groups of a "
                  f"thousand, WAL, synchronous=NORMAL; {rounds} rounds, turn about. FTS5 keeps no columns to filter by. "
                  f"Vectors: real talk of {vectors['bytes']:.0f} bytes a turn, by the server's background threads, from "
                  "the loaded model to the last vector. The time until a vector is there is seen from outside, by "
                  "asking /health/memory again and again, which takes part of the two cores.",
                  f"Writes: medians of {rounds} rounds of {seconds} s; the ratio is the median of the rounds' ratios. "
                  "Indexing runs at the lowest priority and catches up afterwards."],
        "raw": {"words": words, "vectors": vectors, "visible": seen, "writes": found, "http": http},
    }
