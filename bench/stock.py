"""A filled store to ask things of: made turns, and records of every kind with ids that are known beforehand, so that
requests about them can be written down before they are sent. Used by the benchmarks of operations and of mixed load."""

import json
import random
import time

# What a new record of each kind needs, for the i-th one. A kind that is not here is only listed.
BODIES = {
    "project": lambda i: {"slug": f"project-{i}", "name": f"Project {i}"},
    "agent": lambda i: {"name": f"agent-{i}", "display_name": f"Agent {i}", "model": "m"},
    "character": lambda i: {"name": f"Character {i}", "description": "keeps the lighthouse at the harbour"},
    "prop": lambda i: {"name": f"Prop {i}", "category": f"category {i % 10}", "description": "a compass of silver"},
    "pattern": lambda i: {"pattern_type": "workflow", "name": f"Pattern {i}", "category": f"category {i % 10}",
                          "description": f"How step {i} of changing the schema is done without stopping the server"},
    "checkpoint": lambda i: {"title": f"Checkpoint {i}", "content": "what was known at this point " * 10},
    "summary": lambda i: {"text": f"They spoke about matter {i} and agreed on the next step."},
    "event": lambda i: {"effect_text": f"The build number {i} failed because of a missing header."},
    "preference": lambda i: {"key": f"key-{i}", "value": {"n": i}},
    "tag": lambda i: {"name": f"tag-{i}", "record_kind": "prop", "record_id": record_id("prop", "kept", i)},
}
NAMED = {"project": "slug", "agent": "name", "preference": "key"}
PREFIX = {"character": "char", "prop": "prop", "pattern": "pat", "checkpoint": "chk", "summary": "sum", "event": "evt",
          "tag": "tag", "session": "sess", "conversation": "conv", "turn": "turn"}
GROUPS = 1 << 40


def record_id(kind, group, i):
    """The id of the i-th record of a group of them."""
    number = sum(ord(c) << 8 * k for k, c in enumerate(group[-8:]))
    if kind in NAMED:
        return f"{group}-{i}"
    return f"{PREFIX[kind]}_{number * GROUPS + i:032x}"


def stocked(bench, turns, env=None):
    """A server over that many turns in a thousand sessions (fewer where there are fewer turns), fed; and their ids."""
    data = bench.folder("stock")
    sessions = 1000 if turns >= 50_000 else turns // 50
    ids = bench.fill(data, turns, sessions)
    ids["questions"] = bench.tool("fill", "questions", turns, 2000, 0).splitlines()
    server = bench.cairn(data, env=env)
    server.wait_for_index(600)
    settle(server)
    return data, server, ids


def settle(server, seconds=300):
    """Waits until the work behind the writes is done: looking for events and patterns in all these turns takes a while,
    and a store that grew turn by turn has it behind it."""
    end, before, quiet = time.monotonic() + seconds, server.cpu_seconds(), 0
    while quiet < 3:
        time.sleep(0.5)
        now = server.cpu_seconds()
        quiet, before = quiet + 1 if now - before <= 0.03 else 0, now
        if time.monotonic() > end:
            raise RuntimeError(f"the server is still at work after {seconds} s")


def take_in(server, records):
    """Stores records with the ids they name."""
    for at in range(0, len(records), 500):
        done = server.call("POST", "/api/v2/import", {"records": records[at:at + 500]})
        if done.get("refused_count"):
            raise RuntimeError(f"records were refused: {done['refused'][:3]}")


def add(server, kind, group, n, **more):
    """n records of a kind under record_id(kind, group, i); the ids."""
    ids = [record_id(kind, group, i) for i in range(n)]
    fields = [{**BODIES.get(kind, lambda i: {})(i), **more} for i in range(n)]
    take_in(server, [{"kind": kind, **f, NAMED.get(kind, f"{kind}_id"): i} for i, f in zip(ids, fields)])
    return ids


def add_told(server, group, n, turns=0):
    """n sessions, each with one conversation and some turns in it; (session ids, conversation ids)."""
    sessions = add(server, "session", group, n)
    talks = [record_id("conversation", group, i) for i in range(n)]
    records = []
    for i, (s, c) in enumerate(zip(sessions, talks)):
        records.append({"kind": "conversation", "conversation_id": c, "session_id": s, "directive": f"talk {i}"})
        records += [{"kind": "turn", "turn_id": record_id("turn", group, i * turns + k), "conversation_id": c,
                     "agent": "ana", "role": "user", "content": sentence(i * turns + k)} for k in range(turns)]
    take_in(server, records)
    return sessions, talks


def sentence(i):
    rng = random.Random(i)
    names, things = ["Ines", "Tobias", "Mara", "Florian"], ["the boat", "the bakery", "the report", "the old bridge"]
    return (f"{rng.choice(names)} went to look at {rng.choice(things)} on day {i}, found that it had changed since the "
            f"spring and told {rng.choice(names)} about it in the evening.")


def line(sort, method, path, body=None, header=""):
    """A request as load.c reads it."""
    return "\t".join([sort, method, path, "" if body is None else json.dumps(body), header]) + "\n"
