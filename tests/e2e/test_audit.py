"""The audit log: whatever is done to records leaves a row, in the write's own transaction or within a second; nobody's
words are ever in one; and whoever changes rows behind Cairn's back is found out."""

import concurrent.futures
import json
import re
import subprocess
import threading

from store_sql import sql

from conftest import binary, eventually

AUTH = {"CAIRN_AUTH": "true", "CAIRN_LIMITS_ENABLED": "off"}


def session(cairn, **fields):
    return cairn.post("/api/v2/sessions", {"title": "plans", **fields})["session_id"]


def conversation(cairn, session_id, directive="what to do"):
    return cairn.post("/api/v2/conversations", {"session_id": session_id, "directive": directive})["conversation_id"]


def turn(cairn, conversation_id, content="we take the boat from pier seven"):
    return cairn.post(f"/api/v2/conversations/{conversation_id}/turns", {"agent": "ada", "content": content})["turn_id"]


def rows(cairn, **filters):
    return cairn.get("/api/v2/audit", limit=1000, **filters)["entries"]


def names(row):
    """All ids that a row names."""
    return {row["record_id"], row["session_id"], *(i for ids in row["details"].get("records", {}).values() for i in ids)}


def verify(cairn, *flags):
    done = cairn.run("audit", "verify", "--json", *flags, check=False)
    return done.returncode, json.loads(done.stdout)


# ---- what is noted ----


def test_writes_and_reads_say_who_did_what_when_why_and_from_where(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    t = turn(cairn, c)
    r = cairn.http.get(f"/api/v2/conversations/{c}", params={"access_reason": "looking into ticket 7"},
                       headers={"X-Request-Id": "ticket-7"})
    assert r.status_code == 200
    found = rows(cairn)
    assert [r["id"] for r in found] == sorted((r["id"] for r in found), reverse=True)
    by_action = {r["action"]: r for r in reversed(found)}
    for action, record in (("session.create", s), ("conversation.create", c), ("turn.add", t), ("conversation.get", c)):
        row = by_action[action]
        assert (row["actor"], row["outcome"], row["door"], row["peer"]) == ("local", "ok", "http", "127.0.0.1"), row
        assert row["record_id"] == record and row["session_id"] == s and row["project"] == "default", row
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["timestamp"])
    read = by_action["conversation.get"]
    assert read["reason"] == "looking into ticket 7" and read["request_id"] == "ticket-7" and t in names(read)
    over_socket = cairn.run("show", t)
    assert over_socket.returncode == 0
    row = rows(cairn, action="turn.get")[0]
    assert row["door"] == "unix" and row["peer"].startswith("uid ") and row["record_id"] == t


def test_a_records_access_log(cairn):
    s, other = session(cairn), session(cairn)
    c = conversation(cairn, s)
    t = turn(cairn, c, "the lighthouse keeper owns a parrot")
    turn(cairn, conversation(cairn, other), "nothing to do with it")
    cairn.post("/api/v2/recall", {"query": "lighthouse parrot"})
    cairn.post(f"/api/v2/sessions/{s}/context/search", {"query": "parrot"})
    log = rows(cairn, record_id=t)
    assert {r["action"] for r in log} == {"turn.add", "recall", "context.search"}
    assert all(t in names(r) for r in log)
    assert {r["action"] for r in rows(cairn, session_id=s)} >= {"session.create", "conversation.create", "turn.add", "context.search"}
    assert not [r for r in rows(cairn, session_id=other) if t in names(r)]
    assert rows(cairn, record_id=t, action="recall") and not rows(cairn, record_id=t, actor="somebody")
    # page by page it is the same
    paged, cursor = [], None
    while True:
        page = cairn.get("/api/v2/audit", limit=2, **({"cursor": cursor} if cursor else {}))
        paged += [r["id"] for r in page["entries"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert paged[-20:] == list(range(len(paged[-20:]), 0, -1))
    listed = cairn.run("audit", "list", "--record", t).stdout
    assert "turn.add" in listed and "recall" in listed and "session.create" not in listed


def test_which_records_were_recalled_into_which_request(cairn):
    s = session(cairn)
    t = turn(cairn, conversation(cairn, s), "the harbour master's name is Ingrid")
    body = {"model": "m", "messages": [{"role": "user", "content": "what is the harbour master called?"}]}
    r = cairn.http.post("/v1/chat/completions", json=body, headers={"X-Cairn-Session": s, "X-Request-Id": "chat-1"})
    assert r.status_code == 200, r.text

    def both():
        found = {r["action"]: r for r in rows(cairn) if r["request_id"] == "chat-1"}
        stored = [r for r in rows(cairn, action="chat.store") if r["request_id"] == "chat-1"]
        turns = {i for r in stored for i in names(r) if i.startswith("turn_")}
        return found if "chat.recall" in found and len(turns) == 2 else None

    found = eventually(both, what="the rows of a chat")
    recalled = found["chat.recall"]
    assert t in names(recalled) and recalled["session_id"] == s and recalled["door"] == "proxy", recalled
    assert recalled["peer"] == "127.0.0.1" and found["chat.store"]["session_id"] == s


def test_reads_that_are_alike_are_counted_in_one_row(cairn):
    s = session(cairn)
    for _ in range(300):
        assert cairn.http.get(f"/api/v2/sessions/{s}").status_code == 200
    found = rows(cairn, action="session.get")
    assert sum(r["details"].get("times", 1) for r in found) == 300
    assert len(found) < 150


def test_kept_answers_leave_the_rows_of_fresh_ones(cairn):
    s = session(cairn)
    t = turn(cairn, conversation(cairn, s), "the ferry leaves at noon")
    for _ in range(4):
        cairn.get(f"/api/v2/sessions/{s}/context", directive="ferry")
    assert cairn.metric("cairn_cache_hits_total") >= 1
    found = rows(cairn, action="context.get")
    assert sum(r["details"].get("times", 1) for r in found) == 4
    assert all(t in names(r) and r["session_id"] == s for r in found), found


def test_what_is_refused_is_noted_without_the_token(make_cairn):
    cairn = make_cairn(env=AUTH)
    token = cairn.run("auth", "token", "--permissions", "read").stdout.strip()
    bad = token[:-6] + "AAAAAA"
    assert cairn.http.get("/api/v1/sessions", headers={"Authorization": f"Bearer {bad}"}).status_code == 401
    assert cairn.http.get("/api/v1/sessions").status_code == 401
    assert cairn.http.post("/api/v2/sessions", json={}, headers={"Authorization": f"Bearer {token}"}).status_code == 403
    assert cairn.http.get("/api/v2/sessions/sess_" + "0" * 32, headers={"Authorization": f"Bearer {token}"}).status_code == 404
    found = json.loads(cairn.run("audit", "list", "--limit", "100", "--json").stdout)["entries"]
    denied = [r for r in found if r["outcome"] == "denied"]
    assert {(r["actor"].split("_")[0], r["action"]) for r in denied} == {("unknown", "v1.session.list"), ("tok", "session.create")}
    missed = [r for r in found if r["outcome"] == "failed"]
    assert [r["record_id"] for r in missed] == ["sess_" + "0" * 32]
    made = [r for r in found if r["action"] == "auth.token"]
    assert made and made[0]["record_kind"] == "token" and made[0]["record_id"].startswith("tok_")
    everything = json.dumps(found)
    for part in token.split("."):
        assert part[:24] not in everything


def test_background_work_backup_and_restore_are_noted(cairn):
    s = session(cairn)
    c = conversation(cairn, s)
    for i in range(3):
        turn(cairn, c, f"on day {i} the server failed because the disk was full")
    eventually(lambda: rows(cairn, actor="cairn", action="background.learning"), 20, "a row of the background's")
    cairn.run("backup", str(cairn.data.parent / "copy.db"))
    turn(cairn, c, "after the copy")
    cairn.stop()
    cairn.run("restore", str(cairn.data.parent / "copy.db"))
    cairn.start()
    actions = [r["action"] for r in rows(cairn)]
    assert actions.index("restore") > actions.index("service.start")
    assert "service.stop" not in actions  # it came after the copy, and went with what was put back
    assert verify(cairn)[1]["ok"]


# ---- what is not ----

SECRET = "zinnober"


def planted(schema, components, depth=0):
    """A value for this schema in which every text says SECRET."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[1]]
    kind = schema.get("type", "string")
    kind = next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        known = {k: planted(v, components, depth + 1) for k, v in schema.get("properties", {}).items() if depth < 3}
        return known | {f"{SECRET} key": f"{SECRET} value"} if not known else known
    if kind == "array":
        return [planted(schema.get("items", {}), components, depth + 1)]
    if kind == "string" and schema.get("format") == "date-time":
        return "2026-01-01T00:00:00.000Z"
    return {"integer": 1, "number": 0.5, "boolean": True, "string": f"the {SECRET} text"}[kind]


def plant_everywhere(cairn):
    """Every operation of the API, with SECRET in each of its arguments. What it answers does not matter."""
    spec = cairn.get("/openapi.json")
    components = spec["components"]["schemas"]
    done = {}
    for path, methods in spec["paths"].items():
        for method, op in methods.items():
            if op["operationId"] in ("backup", "maintenance") or "parameters" in method:
                continue
            url, query = path, {}
            for p in op.get("parameters", []):
                p = spec["components"]["parameters"][p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p
                if p["in"] == "path":
                    url = url.replace("{%s}" % p["name"], f"the {SECRET} id")
                elif p["in"] == "query" and p["name"] not in ("access_reason", "project", "submodule_id"):
                    schema = p.get("schema") or p["content"]["application/json"]["schema"]
                    value = planted(schema, components)
                    query[p["name"]] = value if "schema" in p else json.dumps(value)
            body = None
            content = op.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                body = planted(content["schema"], components)
                if isinstance(body, dict):
                    for own in ("project", "submodule_id", "access_reason", "id"):
                        body.pop(own, None)
            r = cairn.http.request(method.upper(), url, params=query, json=body)
            done[op["operationId"]] = r.status_code
            if query:  # some arguments exclude each other
                for k, v in query.items():
                    cairn.http.request(method.upper(), url, params={k: v}, json=body)
    return done


def use_everything(cairn):
    """Operations that succeed, with SECRET in whatever text they take."""
    text = f"the {SECRET} text"
    s = session(cairn, title=text, description=text, user_id=text, tags=[text], user_preferences={text: text},
                initial_context=text)
    c = conversation(cairn, s, text)
    turn(cairn, c, text)
    cairn.post(f"/api/v2/conversations/{c}/turns", {"agent": text, "content": text, "metadata": {text: text}})
    cairn.post("/api/v2/remember", {"text": text, "session": text, "agent": text})
    for path, body in (("preferences", {"key": text, "value": text, "category": text}), ("agents", {"name": text}),
                       ("props", {"name": text, "category": text}), ("characters", {"name": text, "conversation_id": c}),
                       ("checkpoints", {"title": text, "content": text}),
                       ("patterns", {"name": text, "pattern_type": "code", "template": text}),
                       ("events", {"effect_text": text, "session_id": s})):
        cairn.post(f"/api/v1/{path}", body)
        cairn.get(f"/api/v1/{path}")
    cairn.get(f"/api/v1/preferences/{text}")
    cairn.get(f"/api/v1/agents/{text}")
    cairn.post("/api/v1/tags", {"name": text, "record_kind": "session", "record_id": s})
    cairn.post("/api/v2/recall", {"query": text})
    cairn.get("/api/v1/search", q=text)
    cairn.get(f"/api/v2/sessions/{s}/context", directive=text)
    cairn.http.put(f"/api/v2/sessions/{s}/context/summary", json={"summary": text})
    cairn.http.put(f"/api/v2/sessions/{s}/agents/{text}/state", json={"state_updates": {text: text}, "update_reason": text})
    cairn.post(f"/api/v2/conversations/{c}/outcome", {"agent": text, "success": True, "note": text})
    cairn.get(f"/api/v2/sessions/{s}/export")
    cairn.http.post("/v1/chat/completions", headers={"X-Cairn-Session": text},
                    json={"model": text, "messages": [{"role": "user", "content": text}], "metadata": {text: text}})
    cairn.http.get(f"/api/v2/sessions/{text}")


def test_no_words_of_anybodys_are_in_any_row(cairn):
    answers = plant_everywhere(cairn)
    assert len(answers) > 100
    use_everything(cairn)
    cairn.stop()
    found = sql(cairn, "SELECT * FROM audit_entry")
    actions = {r[8] for r in found}
    assert len(found) > 100 and {"turn.add", "recall", "preference.create", "chat.store"} <= actions, actions
    said = [r for r in found if any(SECRET in str(v).lower() for v in r)]
    assert not said, said[:5]
    # and yet a name finds its rows
    cairn.start()
    assert {r["action"] for r in rows(cairn, record_id=f"the {SECRET} text")} >= {"preference.create", "preference.get", "agent.get"}


def test_a_reason_that_tells_a_secret_is_masked(cairn):
    s = session(cairn)
    card = "4111 1111 1111" + " 1111"
    cairn.get(f"/api/v1/sessions/{s}", access_reason=f"asked by bob@example.org about {card}")
    reason = rows(cairn, action="v1.session.get")[0]["reason"]
    assert reason.startswith("asked by ") and card not in reason and "bob@" not in reason


# ---- the chain ----


def test_tampering_is_found_and_ends_with_status_1(cairn):
    c = conversation(cairn, session(cairn))
    for i in range(5):
        turn(cairn, c, f"turn {i}")
    cairn.stop()
    status, whole = verify(cairn)
    assert (status, whole["ok"]) == (0, True) and whole["rows"] >= 8
    assert verify(cairn, "--expect", whole["head"]) [1]["ok"]
    assert verify(cairn, "--expect", "0" * 64)[0] == 1
    sql(cairn, "CREATE TABLE kept AS SELECT * FROM audit_entry")
    for change, first in (("UPDATE audit_entry SET actor = 'nobody' WHERE seq = 5", 5),
                          ("DELETE FROM audit_entry WHERE seq = 4", 4),
                          ("DELETE FROM audit_entry WHERE seq >= (SELECT max(seq) - 1 FROM audit_entry)", None),
                          ("UPDATE audit_entry SET details = '{}' WHERE seq = (SELECT min(seq) FROM audit_entry WHERE action = 'audit.verify')",
                           None)):
        sql(cairn, change)
        status, verdict = verify(cairn)
        if change.endswith("'audit.verify')"):  # it is as it was
            assert status == 0
            continue
        assert status == 1 and not verdict["ok"] and (first is None or verdict["broken"] == first), (change, verdict)
        said = cairn.run("audit", "verify", check=False)
        assert said.returncode == 1 and f"row {verdict['broken']} " in said.stdout
        sql(cairn, "DELETE FROM audit_entry; ")
        sql(cairn, "INSERT INTO audit_entry SELECT * FROM kept")
        sql(cairn, "UPDATE store_meta SET value = (SELECT seq || ' ' || hash FROM audit_entry ORDER BY seq DESC LIMIT 1)"
                   " WHERE key = 'audit_head'")
    assert verify(cairn)[1]["ok"]


def test_an_export_can_be_checked_elsewhere(cairn, tmp_path):
    c = conversation(cairn, session(cairn))
    for i in range(30):
        turn(cairn, c, f"turn {i}")
    text = cairn.run("audit", "export").stdout
    lines = text.splitlines()
    end = json.loads(lines[-1])
    assert end["rows"] == len(lines) - 1 >= 32 and json.loads(lines[-2])["hash"] == end["head"]
    assert all(json.loads(a)["hash"] == json.loads(b)["prev_hash"] for a, b in zip(lines[:-2], lines[1:-1]))

    def check(text):
        file = tmp_path / "audit.jsonl"
        file.write_text(text)
        done = subprocess.run([binary(), "audit", "verify", "--file", file, "--json"], capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    assert check(text)[0] == 0
    assert check("\n".join(lines[:-1]))[0] == 1  # cut short
    assert check("\n".join(lines[:7] + lines[8:]))[1]["broken"] == 8
    assert check(text.replace("turn.add", "turn.get", 1))[0] == 1
    moved = json.loads(lines[9])
    moved["timestamp"] = "2020-01-01T00:00:00.000Z"
    assert check("\n".join(lines[:9] + [json.dumps(moved)] + lines[10:]))[1]["broken"] == 10
    assert "no row" in check("nonsense\n")[1]


def test_a_write_and_its_row_are_both_there_or_neither(cairn):
    c = conversation(cairn, session(cairn))
    stop = threading.Event()

    def write():
        while not stop.is_set():
            try:
                turn(cairn, c, "until the kill")
            except Exception:
                return

    for _ in range(2):
        stop.clear()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(write)
            eventually(lambda: cairn.metric("cairn_store_writes_total") > 60, what="writes")
            cairn.kill()
            stop.set()
        stored = {r[0] for r in sql(cairn, "SELECT id FROM turn")}
        noted = {r[0] for r in sql(cairn, "SELECT record_id FROM audit_entry WHERE action = 'turn.add' AND outcome = 'ok'")}
        assert stored == noted and len(stored) > 20
        assert verify(cairn)[1]["ok"]
        cairn.start()


def test_several_processes_write_one_chain(cairn):
    cairn.run("remember", "first", "--session", "many")
    cairn.stop()

    def remember(i):
        return cairn.run("remember", f"note {i}", "--session", f"s{i % 3}")

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(remember, range(12)))
    status, verdict = verify(cairn)
    assert status == 0, verdict
    assert sql(cairn, "SELECT count(*) FROM audit_entry WHERE action = 'turn.remember'") == [(13,)]
    assert sql(cairn, "SELECT count(*) FROM audit_entry WHERE action = 'turn.remember' AND door = 'cli'") == [(12,)]


# ---- who sees it ----


def test_an_organisations_admin_sees_its_rows_only(make_cairn):
    cairn = make_cairn(env=AUTH)

    def token(*flags):
        return {"Authorization": "Bearer " + cairn.run("auth", "token", *flags).stdout.strip()}

    acme = token("--org", "acme", "--project", "*", "--permissions", "read,write,memory,admin")
    shop = token("--org", "acme", "--project", "shop", "--permissions", "read,write,memory,admin")
    mine = token("--project", "*", "--permissions", "read,write,memory,admin")
    reader = token("--org", "acme", "--project", "*", "--permissions", "read,write")
    for head, project in ((acme, "web"), (shop, "shop"), (mine, "web")):
        r = cairn.http.post("/api/v2/sessions", json={"title": "x", "project": project}, headers=head)
        assert r.status_code == 201, r.text

    def projects(head):
        r = cairn.http.get("/api/v2/audit", params={"limit": 1000, "action": "session.create"}, headers=head)
        assert r.status_code == 200, r.text
        return {row["project"] for row in r.json()["entries"]}

    assert projects(acme) == {"web", "shop"} and projects(shop) == {"shop"} and projects(mine) == {"web"}
    everybody = json.loads(cairn.run("audit", "list", "--action", "session.create", "--json").stdout)["entries"]
    assert {r["project"] for r in everybody} == {"acme/web", "acme/shop", "web"}
    assert cairn.http.get("/api/v2/audit", headers=reader).status_code == 403
    for path in ("verify", "export"):
        assert cairn.http.get(f"/api/v2/audit/{path}", headers=acme).status_code == 403
    assert verify(cairn)[1]["ok"]


def test_switched_off_it_says_so_once(make_cairn):
    cairn = make_cairn()
    session(cairn)
    cairn.stop()
    cairn.env["CAIRN_PRIVACY_AUDIT_ENABLED"] = "false"
    for _ in range(2):
        cairn.start()
        session(cairn)
        cairn.stop()
    del cairn.env["CAIRN_PRIVACY_AUDIT_ENABLED"]
    cairn.start()
    session(cairn)
    actions = [r["action"] for r in rows(cairn)][::-1]
    assert actions.count("session.create") == 2 and actions.count("audit.off") == 1
    off = actions.index("audit.off")
    assert actions[off - 1] == "service.stop" and actions[off + 1] == "service.start"
    assert verify(cairn)[1]["ok"]
