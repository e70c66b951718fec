"""Every operation at 100k turns, one client over one connection: p50 and p99 of each, beside a hello-world on the same
library and settings. The list of operations is the server's own /openapi.json, so a new one is measured without being
named here, or is told as left out."""

import json
import re
import urllib.parse

import stock
from harness import median

TITLE = "Each operation"
TURNS = 100_000
BUDGET_SECONDS = 1.5  # of requests of one operation in one round, about
# What needs an upstream that answers, or would end what is measured.
LEFT_OUT = re.compile(r"^/v[12]/(chat|completions|embeddings|messages|models|responses)|^/api/v2/(cycle|maintenance)")
COSTLY = {"backup": 3}
# What removes or ends what it is asked about, and so needs a new one for each request: the operation, what is made.
ENDS = {"session.delete": "session", "session.archive": "session", "conversation.delete": "conversation",
        "conversation.archive": "conversation", "pattern.deprecate": "pattern"}


class World:
    """What the arguments of a request are taken from."""

    def __init__(self, bench, server, ids, most):
        self.bench, self.server, self.ids, self.most = bench, server, ids, most
        self.round = 0
        self.kept = {kind: stock.add(server, kind, "kept", most) for kind in stock.BODIES}
        self.told = stock.add_told(server, "told", most, turns=6)
        self.turns = [stock.record_id("turn", "told", i) for i in range(most)]
        server.call("PATCH", f"/api/v1/patterns/{self.kept['pattern'][0]}", {"template": "one that has a version before it"})
        server.call("GET", f"/api/v2/sessions/{self.session(0)}/context?directive=boat")  # leaves a trace of what it recalled
        self.exports = []
        self.tokens = []

    def session(self, i):
        return self.ids["sessions"][i % len(self.ids["sessions"])]

    def conversation(self, i):
        return self.ids["conversations"][i % len(self.ids["conversations"])]

    def question(self, i):
        return self.ids["questions"][i % len(self.ids["questions"])]

    def listed(self, path):
        """Ids of what a kind's list holds, for kinds that only Cairn itself makes."""
        found = self.server.call("GET", f"{path}?limit=50")
        found = found if isinstance(found, list) else next(v for v in found.values() if isinstance(v, list))
        return [r.get("id") for r in found]


def bodies(w, i):
    """Bodies of operations whose arguments are more than a query."""
    return {
        "session.create": {"title": f"session {i}", "user_id": "mira"},
        "session.preferences": {"context_depth": i % 50},
        "session.save": {"title": f"saved {i}", "conversation_json": [{"role": "user", "content": stock.sentence(i)},
                                                                      {"role": "assistant", "content": "Good."}]},
        "session.update": {"title": f"renamed {i}"},
        "session.export": {"format": "jsonl"},
        "conversation.create": {"session_id": w.session(i), "directive": w.question(i)},
        "conversation.summarize": {"force": True}, "session.summarize": {"force": True},
        "turn.add": {"agent": "ana", "content": stock.sentence(i)},
        "turn.remember": {"text": stock.sentence(i), "session": w.session(i)},
        "context.summary": {"summary": f"What there is to know by request {i}."},
        "agent_state.merge": {"state_updates": {"mood": {"n": i}, "new_learned_pattern": {"pattern": f"p{i}"}}},
        "pattern.recommend": {"directive": f"change the schema, step {i}"},
        "pattern.search": {"query": f"schema step {i}"},
        "pattern.used": {"success": i % 3 > 0},
        "pattern.deprecate": {"reason": "no longer done"},
        "conversation.outcome": {"agent": "beatrice", "success": True},
        "records.import": {"records": [{"kind": "prop", "prop_id": stock.record_id("prop", f"imp{w.round}", i),
                                        "name": f"imported {i}"}]},
        "backup": {"path": str(w.bench.tmp / f"backup-{w.round}-{i}.db")},
        "auth.token": {"note": f"request {i}", "expires": "1h"},
    }


def path_of(w, name, path, i):
    """The path with its parameters; None when there is nothing to ask about."""
    kind = name.removeprefix("v1.").split(".")[0]
    fill = {"session_id": w.session(i), "conversation_id": w.conversation(i), "agent": "beatrice"}
    ending = ENDS.get(name) or (kind if name.endswith(".delete") and kind in stock.BODIES else None)
    if ending in ("session", "conversation"):
        fill["id"] = fill["session_id"] = stock.record_id(ending, f"end{w.round}", i)
    elif ending:
        fill["id"] = stock.record_id(ending, f"end{w.round}", i)
    elif name == "auth.revoke":
        fill["id"] = w.tokens[i % len(w.tokens)] if w.tokens else None
    elif "{export_id}" in path:
        fill["export_id"] = w.exports[i % len(w.exports)]
    elif kind == "session":
        fill["id"] = w.session(i)
    elif kind == "conversation":
        fill["id"] = w.conversation(i)
    elif kind == "turn":
        fill["id"] = w.turns[i % len(w.turns)]
    elif "{id}" in path:
        if kind not in w.kept:
            w.kept[kind] = w.listed(path.removesuffix("/{id}"))
        fill["id"] = w.kept[kind][i % len(w.kept[kind])] if w.kept[kind] else None
    wanted = re.findall(r"\{(\w+)\}", path)
    if any(fill.get(n) is None for n in wanted):
        return None
    return re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(fill[m[1]], safe=""), path)


def query_of(w, parameters, i):
    """Required parameters, and what is searched for; lists are asked as a page of 50."""
    texts = {"q": w.question(i).split()[0], "directive": w.question(i), "query": w.question(i)}
    known = [p for p in parameters if p["in"] == "query" and p["name"] in texts]
    known = [p for p in known if p.get("required") or p["name"] != "q"]
    return "?" + urllib.parse.urlencode({p["name"]: texts[p["name"]] for p in known}) if known else ""


def request_of(w, op, i):
    """One line for load.c, or None."""
    name = re.sub(r"\.\d+$", "", op["name"])  # another path of the same operation
    path = path_of(w, name, op["path"], i)
    if path is None:
        return None
    kind, _, what = name.partition(".")
    body = bodies(w, i).get(name)
    if body is None and op["method"] in ("POST", "PUT", "PATCH"):
        if what == "create" and kind in stock.BODIES:
            body = {**stock.BODIES[kind](i), **({MUST_DIFFER[kind]: f"made-{w.round}-{i}"} if kind in MUST_DIFFER else {})}
        elif what == "update":
            body = {"metadata": {"n": i}} if kind in ("agent", "character") else UPDATES[kind](i)
        else:
            body = {n: w.question(i) for n in op["required"]}
    return stock.line(op["name"], op["method"], path + query_of(w, op["parameters"], i), body)


MUST_DIFFER = {**stock.NAMED, "tag": "name"}
UPDATES = {"project": lambda i: {"name": f"renamed {i}"}, "prop": lambda i: {"description": f"changed {i}"},
           "pattern": lambda i: {"description": f"said differently {i}"}, "summary": lambda i: {"text": f"changed {i}"},
           "event": lambda i: {"relationship_text": f"changed {i}"}, "preference": lambda i: {"value": {"n": -i}},
           "tag": lambda i: {"name": f"renamed-{i}"}}


def prepare(w, op, n):
    """New things for operations that end them, exports and tokens for those that take one."""
    name = re.sub(r"\.\d+$", "", op["name"])
    kind = ENDS.get(name) or (name.removesuffix(".delete") if name.endswith(".delete") else None)
    if kind in ("session", "conversation"):
        stock.add_told(w.server, f"end{w.round}", n, turns=3)
    elif kind in stock.BODIES:
        stock.add(w.server, kind, f"end{w.round}", n)
    elif name == "auth.revoke":
        w.tokens = [w.server.call("POST", "/api/v2/auth/tokens", {"expires": "1h"})["token_id"] for _ in range(n)]
    elif name == "export.download":
        w.exports = [w.server.call("POST", f"/api/v2/sessions/{w.session(i)}/export", {"format": "jsonl"})["export_id"]
                     for i in range(n)]


def ask(w, op, n):
    w.round += 1
    prepare(w, op, n)
    lines = [request_of(w, op, i) for i in range(n)]
    if None in lines:
        return None
    file = w.bench.tmp / "operation.txt"
    file.write_text("".join(lines))
    return json.loads(w.bench.tool("load", "each", w.server.port, 1, file))


def operations_of(server):
    found = []
    for path, methods in server.call("GET", "/openapi.json")["paths"].items():
        for method, o in methods.items():
            schema = o.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            found.append({"name": o["operationId"], "method": method.upper(), "path": path,
                          "parameters": o.get("parameters", []), "required": schema.get("required", [])})
    return [o for o in found if not LEFT_OUT.match(o["path"])]


def measure(w, op, rounds):
    """Medians over the rounds; how often it is asked depends on how long it takes."""
    first = ask(w, op, 2)
    if first is None:
        return {"left_out": "there is nothing of its kind to ask for"}
    n = int(min(max(BUDGET_SECONDS * 1000 / max(first["p50_ms"], 0.01), 5), w.most))
    runs = [ask(w, op, min(n, COSTLY.get(op["name"], n))) for _ in range(rounds)]
    return {k: median([r[k] for r in runs]) for k in ("p50_ms", "p99_ms", "counted")}


def hello_p50(bench, n, rounds):
    with bench.hello() as hello:
        file = bench.tmp / "hello.txt"
        file.write_text(stock.line("hello", "GET", "/") * n)
        return median([json.loads(bench.tool("load", "each", hello.port, 1, file))["p50_ms"] for _ in range(rounds)])


def run(bench):
    turns, most, rounds = (10_000, 20, 1) if bench.quick else (TURNS, 300, 3)
    base = hello_p50(bench, 20 * most, 3)
    data, server, ids = stock.stocked(bench, turns)
    found, left_out = {}, {}
    with server:
        w = World(bench, server, ids, most)
        for op in operations_of(server):
            try:
                r = measure(w, op, rounds)
            except (RuntimeError, KeyError) as e:
                r = {"left_out": " ".join(str(e).split())[-200:]}
            (left_out if "left_out" in r else found)[op["name"]] = r
        base = median([base, hello_p50(bench, 20 * most, 3)])
        memory = server.memory_mb()
    bench.drop(data)
    empty = {n: r["left_out"] for n, r in left_out.items() if r["left_out"].startswith("there is nothing")}
    broken = {n: r["left_out"] for n, r in left_out.items() if n not in empty}
    rows = [[n, f"{r['p50_ms']:.2f}", f"{r['p99_ms']:.2f}", f"{r['p50_ms'] / base:.1f}", f"{r['counted']:.0f}"]
            for n, r in sorted(found.items(), key=lambda x: -x[1]["p50_ms"])]
    return {
        "tables": [{"columns": ["operation", "p50 ms", "p99 ms", "p50 of hello-world's", "requests a round"], "rows": rows}],
        "bars": [{"what": "every operation that needs no upstream answers what was asked", "met": not broken,
                  "got": f"{len(found)} of {len(found) + len(broken)}" + "".join(f"; {n}" for n in broken)}],
        "notes": [f"{turns:,} turns; hello-world's p50 over one connection is {base:.3f} ms. Medians of {rounds} rounds; an "
                  "operation is asked fewer times where it takes long, and then p99 is its longest. Each request is about "
                  "another record or question; answers that the server keeps between writes are among them. Writes are "
                  f"durable, so they stand on the disk. The server's memory at the end: {memory['VmRSS']:.0f} MB."]
        + ([f"Nothing there to ask for: {', '.join(empty)}."] if empty else [])
        + [f"{n}: {why}" for n, why in broken.items()],
        "raw": {"operations": found, "left_out": left_out, "hello_p50_ms": base, "memory_mb": memory},
    }
