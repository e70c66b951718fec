"""Causes of events by the rules (no model to ask), on cases that people labelled: turns are stored over REST, events and
their causes are found behind the writes, and every link that was made is judged. Once with similarity by words alone,
once by words and meaning where an embedding model is there.

A case names the turn whose cause is asked for and the turns that count as its cause, or none; `also` lists other links
that are right; in a `paraphrase` cause and effect share few words, or are near in meaning without being cause and
effect. Precision is over every link made in any case, recall over the cases with a cause. The rules were tuned on one
half of the cases only."""

import json
import time

import harness

TITLE = "Causes of events"
PRECISION, RECALL, PRECISION_MEANING = 0.8, 0.6, 0.95
CASES = harness.ROOT / "tests" / "labelled" / "causes.jsonl"
MODEL = harness.ROOT / "build" / "model" / "all-MiniLM-L6-v2"


def store(server, case):
    """The case in a session of its own; the ids of its turns."""
    session = server.call("POST", "/api/v2/sessions", {})["session_id"]
    conversation = server.call("POST", "/api/v2/conversations", {"session_id": session})["conversation_id"]
    path = f"/api/v2/conversations/{conversation}/turns"
    turns = [server.call("POST", path, {"agent": role, "role": role, "content": text})["turn_id"]
             for role, text in case["turns"]]
    return session, turns


def events(server, session):
    found = server.call("GET", f"/api/v1/events?session_id={session}&limit=200")
    return found if isinstance(found, list) else found["items"]


def wait_until_seen(server):
    """Turns are followed in order: once a last one has become an event, all before it have been seen."""
    session, _ = store(server, {"turns": [["user", "The last deploy failed with an error."]]})
    end = time.monotonic() + 60
    while not events(server, session):
        if time.monotonic() > end:
            raise RuntimeError("the events were not found within a minute")
        time.sleep(0.05)


def links(server, session, turns):
    """Links that were made, as (turn of the cause, turn of the effect); and how many turns became events."""
    found = events(server, session)
    turn_of = {e["event_id"]: turns.index(e["turn_id"]) for e in found}
    return [(turn_of[e["cause_id"]], turn_of[e["event_id"]]) for e in found if e["cause_id"]], len(set(turn_of.values()))


def judge(case, made):
    right = {(c, case["effect"]) for c in case["cause"]} | {tuple(x) for x in case["also"]}
    wrong = [x for x in made if x not in right and x[0] != x[1]]
    return {"made": len(made), "wrong": wrong, "found": any(e == case["effect"] and (c, e) in right for c, e in made)}


def figures(results):
    made = sum(r["made"] for r in results)
    wrong = sum(len(r["wrong"]) for r in results)
    caused = [r for r in results if r["case"]["effect"] is not None]
    return {"cases": len(results), "with_cause": len(caused), "links": made, "wrong": wrong,
            "precision": (made - wrong) / made if made else 0.0,
            "recall": sum(r["found"] for r in caused) / len(caused) if caused else 0.0}


def mistakes(results):
    out = []
    for r in results:
        case = r["case"]
        for c, e in r["wrong"]:
            out.append([case["id"], "wrong link", f"{case['turns'][c][1]} → {case['turns'][e][1]}"])
        if case["effect"] is not None and not r["found"]:
            cause = case["turns"][case["cause"][0]][1]
            out.append([case["id"], "not found", f"{cause} → {case['turns'][case['effect']][1]}"])
    return out


def model_is_there(server):
    end = time.monotonic() + 30
    model = server.call("GET", "/health/memory")["embedding_model"]
    while model.get("loading") and time.monotonic() < end:
        time.sleep(0.05)
        model = server.call("GET", "/health/memory")["embedding_model"]
    return model["loaded"]


def measure(bench, cases, model):
    """None when the model that is wanted is not there."""
    if model and not (MODEL / "config.json").exists():
        return None
    data = bench.folder("causes")
    with bench.cairn(data, env={"CAIRN_MODEL": str(MODEL) if model else "off"}) as server:
        if model_is_there(server) != model:
            raise RuntimeError("the model was not loaded within half a minute")
        stored = [store(server, c) for c in cases]
        wait_until_seen(server)
        results = []
        for case, (session, turns) in zip(cases, stored):
            made, seen = links(server, session, turns)
            results.append({"case": case, "seen": seen, **judge(case, made)})
    bench.drop(data)
    return results


def parts_of(results):
    plain = [r for r in results if not r["case"].get("paraphrase")]
    other = [r for r in results if r["case"].get("paraphrase")]
    half = lambda some, name: [r for r in some if r["case"]["set"] == name]
    return {"all": results, "tuned on": half(results, "tune"), "held out": half(results, "held"),
            "shared words": plain, "shared words, held out": half(plain, "held"),
            "other words": other, "other words, held out": half(other, "held")}


def run(bench):
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    cases = cases[:10] if bench.quick else cases
    ways = {"words": measure(bench, cases, False), "words and meaning": measure(bench, cases, True)}
    rows, bars, raw, notes = [], [], {}, []
    tables = []
    for way, results in ways.items():
        if results is None:
            notes.append("Meaning was not measured: there is no embedding model (tools/get-model brings one).")
            continue
        by_part = {name: figures(part) for name, part in parts_of(results).items()}
        rows += [[way, name, f["cases"], f["with_cause"], f["links"], f["wrong"], f"{f['precision']:.2f}",
                  f"{f['recall']:.2f}"] for name, f in by_part.items() if f["cases"]]
        judged = by_part["shared words" if way == "words" else "all"]
        precision, least = (PRECISION, RECALL) if way == "words" else (PRECISION_MEANING, RECALL)
        bars += [{"what": f"by {way}: precision of links ≥ {precision}", "got": f"{judged['precision']:.2f}",
                  "met": judged["precision"] >= precision},
                 {"what": f"by {way}: recall of causes ≥ {least}", "got": f"{judged['recall']:.2f}",
                  "met": judged["recall"] >= least}]
        tables.append({"caption": f"What is wrong, by {way}", "columns": ["case", "mistake", "cause → effect"],
                       "rows": mistakes(results)})
        raw[way] = {"parts": by_part, "made": [[r["case"]["id"], r["made"], r["wrong"]] for r in results]}
    return {
        "tables": [{"columns": ["similarity by", "cases", "of them", "with a cause", "links made", "wrong", "precision",
                                "recall"], "rows": rows}, *tables],
        "bars": bars,
        "notes": notes + [
            "The cases were written for this from what real transcripts of coding agents and conversations between "
            "people look like, re-told; half of them have no cause.",
            "They are short and cleaner than life, and labels and rules have one author: in whole transcripts of coding "
            "agents less is right; what is wrong there is mostly one thing told twice in other words."],
        "raw": raw,
    }
