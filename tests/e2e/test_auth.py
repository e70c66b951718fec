"""Callers' tokens: who is let in and who is not, both algorithms, revocation, permissions of every operation, the proxy,
HTTPS, and which addresses a server may listen on."""

import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import json
import re
import ssl
import subprocess
import time

import anthropic
import httpx
import jwt
import openai
import pytest
from conftest import binary, eventually
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OPEN = {"CAIRN_AUTH": "true", "CAIRN_LIMITS_ENABLED": "off"}
PERMISSIONS = ("read", "write", "memory", "admin")


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream_server):
    """One server with auth on for the tests that leave it as it is."""
    from conftest import REPORTS, Cairn

    c = Cairn(tmp_path_factory.mktemp("auth") / "data", upstream_server.url,
              env=OPEN | {"CAIRN_UPSTREAM_KEY": "the-servers-own-key"})
    c.start()
    yield c
    c.http.close()
    assert c.stop() == 0
    assert not REPORTS.search(c.log()), c.log()


def token(cairn, *flags):
    done = cairn.run("auth", "token", *flags)
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.stdout), done.stdout
    return done.stdout.strip()


def bearer(value):
    return {"Authorization": f"Bearer {value}"}


def key_file(cairn, name):
    """The JSON Web Key, for a program that signs tokens itself."""
    return json.loads((cairn.data / "auth" / name).read_text())


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def raw(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def keys(server):
    token(server)  # makes them
    return {"HS256": key_file(server, "hs256.json"), "EdDSA": key_file(server, "ed25519.json")}


def claims(**more):
    now = int(time.time())
    return {"jti": "made-by-a-test", "org": "default", "sub": "default", "permissions": ["read"], "iat": now,
            "exp": now + 600} | more


def signed(keys, body, header=None, secret=None):
    """A token put together by hand, so that also what no library would make can be tried."""
    head = {"alg": "HS256", "typ": "JWT"} | (header or {})
    text = f"{b64(head)}.{b64(body)}"
    secret = raw(keys["HS256"]["k"]) if secret is None else secret
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def refused(server, value, why):
    r = server.http.get("/api/v2/status", headers=bearer(value))
    assert r.status_code == 401, r.text
    assert r.headers["WWW-Authenticate"] == "Bearer"
    error = r.json()["error"]
    assert error["code"] == "INVALID_SESSION_TOKEN"
    assert why in error["message"], error["message"]
    assert value not in r.text or len(value) < 8
    return error["message"]


# ---- who is let in ----


def test_without_a_token_only_the_open_pages_answer(server):
    for path in ("/", "/health", "/health/memory", "/docs", "/openapi.json"):
        assert server.http.get(path).status_code == 200, path
    for path in ("/api/v2/status", "/api/v2/sessions", "/metrics"):
        r = server.http.get(path)
        assert (r.status_code, r.json()["error"]["code"]) == (401, "INVALID_SESSION_TOKEN"), path
        assert "Bearer" in r.json()["error"]["message"]
    assert server.http.get("/no/such/path").status_code == 404


def test_errors_of_the_proxy_have_their_clients_shapes(server):
    r = server.http.post("/v1/chat/completions", json={"model": "m", "messages": []})
    assert r.status_code == 401
    assert set(r.json()["error"]) == {"message", "type", "param", "code"}
    r = server.http.post("/v1/messages", json={"model": "m", "messages": []})
    assert (r.status_code, r.json()["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_token_of_the_command_opens_the_server(server, algorithm):
    t = token(server, "--permissions", "read", "--algorithm", algorithm)
    assert server.http.get("/api/v2/status", headers=bearer(t)).status_code == 200
    assert server.http.get("/api/v2/status", headers={"X-Cairn-Token": t}).status_code == 200
    assert server.http.get("/metrics", headers=bearer(t)).status_code == 200


def test_the_unix_socket_needs_no_token(server):
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(server.data / "cairn.sock"))) as c:
        assert c.get("http://cairn/api/v2/status").status_code == 200


def test_tokens_made_without_a_server_open_it_later(make_cairn):
    c = make_cairn(start=False)
    t = token(c, "--project", "web", "--permissions", "read,write", "--expires", "90d", "--org", "acme", "--algorithm",
              "EdDSA")
    for name in ("hs256.json", "ed25519.json"):
        assert (c.data / "auth" / name).stat().st_mode & 0o777 == 0o600
    assert (c.data / "auth").stat().st_mode & 0o777 == 0o700
    c.env = OPEN
    c.start()
    assert c.http.get("/api/v2/sessions", headers=bearer(t)).status_code == 200


def test_a_server_that_began_without_keys_learns_them(make_cairn):
    c = make_cairn(env=OPEN)
    assert not (c.data / "auth").exists()
    assert c.http.get("/api/v2/status", headers=bearer(token(c))).status_code == 200


def test_a_refused_upload_is_told_why(server):
    r = server.http.post("/api/v2/sessions", content=b'{"title":"' + b"x" * 3_000_000 + b'"}')
    assert (r.status_code, r.json()["error"]["code"]) == (401, "INVALID_SESSION_TOKEN")


# ---- each refusal ----


REFUSALS = {
    "no expiry": (lambda k: signed(k, {n: v for n, v in claims().items() if n != "exp"}), "no expiry"),
    "expired": (lambda k: signed(k, claims(exp=int(time.time()) - 1)), "expired"),
    "expiry as text": (lambda k: signed(k, claims(exp="tomorrow")), "no expiry"),
    "not yet": (lambda k: signed(k, claims(nbf=int(time.time()) + 300)), "not valid yet"),
    "issued ahead": (lambda k: signed(k, claims(iat=int(time.time()) + 300)), "not sensible"),
    "wrong secret": (lambda k: signed(k, claims(), secret=b"another secret of thirty-two byt"), "signature is wrong"),
    "no signature": (lambda k: signed(k, claims()).rsplit(".", 1)[0] + ".", "three parts"),
    "alg none": (lambda k: f"{b64({'alg': 'none'})}.{b64(claims())}.", "three parts"),
    "alg none, signed": (lambda k: signed(k, claims(), {"alg": "none"}), "algorithm is not taken"),
    "alg HS512": (lambda k: signed(k, claims(), {"alg": "HS512"}), "algorithm is not taken"),
    "alg in capitals": (lambda k: signed(k, claims(), {"alg": "hs256"}), "algorithm is not taken"),
    "public key as secret": (lambda k: signed(k, claims(), secret=raw(k["EdDSA"]["x"])), "signature is wrong"),
    "public key as secret, by its id": (
        lambda k: signed(k, claims(), {"kid": k["EdDSA"]["kid"]}, raw(k["EdDSA"]["x"])), "not signed with a key"),
    "HMAC said to be EdDSA": (lambda k: signed(k, claims(), {"alg": "EdDSA"}), "signature is wrong"),
    "unknown key": (lambda k: signed(k, claims(), {"kid": "key_x"}), "not signed with a key"),
    "critical extension": (lambda k: signed(k, claims(), {"crit": ["b64"], "b64": False}), "critical extensions"),
    "another type": (lambda k: signed(k, claims(), {"typ": "JWE"}), "typ must be"),
    "no organisation": (lambda k: signed(k, claims(org="")), "org must be"),
    "slash in the project": (lambda k: signed(k, claims(sub="a/b")), "sub must be"),
    "no project": (lambda k: signed(k, {n: v for n, v in claims().items() if n != "sub"}), "sub must be"),
    "no id": (lambda k: signed(k, claims(jti=7)), "jti must be"),
    "unknown permission": (lambda k: signed(k, claims(permissions=["read", "root"])), "permissions must be"),
    "no permission": (lambda k: signed(k, claims(permissions=[])), "permissions must be"),
    "permissions as number": (lambda k: signed(k, claims(permissions=31)), "permissions must be"),
    "for another audience": (lambda k: signed(k, claims(aud="somebody")), "somebody else"),
    "payload no object": (lambda k: signed(k, [1]), "payload is not a JSON object"),
    "not base64url": (lambda k: "a+/=.b.c", "header is not base64url"),
    "too long": (lambda k: signed(k, claims(note="x" * 5000)), "longer than 4096"),
    "rubbish": (lambda k: "open-sesame", "three parts"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refuses(server, keys, name):
    make, why = REFUSALS[name]
    refused(server, make(keys), why)


def test_refuses_duplicate_members(server, keys):
    def with_text(head, body):
        text = f"{b64(head)}.{b64(body)}"
        return f"{text}.{b64(hmac.new(raw(keys['HS256']['k']), text.encode(), hashlib.sha256).digest())}"

    body = json.dumps(claims())
    assert server.http.get("/api/v2/status", headers=bearer(with_text(b'{"alg":"HS256"}', body.encode()))).is_success
    refused(server, with_text(b'{"alg":"HS256"}', (body[:-1] + ',"sub":"other"}').encode()), "duplicate members")
    refused(server, with_text(b'{"alg":"HS256","alg":"none"}', body.encode()), "duplicate members")


def test_refuses_a_changed_letter_anywhere(server, keys):
    good = signed(keys, claims())
    assert server.http.get("/api/v2/status", headers=bearer(good)).status_code == 200
    for i in range(0, len(good), 7):
        changed = good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1:]
        assert server.http.get("/api/v2/status", headers=bearer(changed)).status_code == 401, i


def test_refuses_other_schemes_and_two_headers(server, keys):
    good = signed(keys, claims())
    for value in ("Basic dXNlcjpwYXNz", good, "Bearer"):
        assert server.http.get("/api/v2/status", headers={"Authorization": value}).status_code == 401, value
    assert server.http.get("/api/v2/status", headers={"Authorization": f"bearer {good}"}).status_code == 200
    two = [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
    assert server.http.get("/api/v2/status", headers=two).status_code == 401


def test_a_token_ends_while_it_is_in_use(server, keys):
    t = signed(keys, claims(exp=int(time.time()) + 2))
    assert server.http.get("/api/v2/status", headers=bearer(t)).status_code == 200
    eventually(lambda: server.http.get("/api/v2/status", headers=bearer(t)).status_code == 401, what="the expiry")


def test_an_algorithm_can_be_ruled_out(make_cairn):
    c = make_cairn(env=OPEN | {"CAIRN_AUTH_ALGORITHMS": "EdDSA"})
    t = token(c, "--permissions", "read")
    assert jwt.get_unverified_header(t)["alg"] == "EdDSA"
    assert c.http.get("/api/v2/status", headers=bearer(t)).status_code == 200
    by_hand = signed({"HS256": key_file(c, "hs256.json")}, claims())
    r = c.http.get("/api/v2/status", headers=bearer(by_hand))
    assert r.status_code == 401 and "not signed with a key" in r.json()["error"]["message"]


# ---- other people's programs ----


def test_pyjwt_makes_tokens_that_cairn_takes(server, keys):
    ed = jwt.PyJWK(keys["EdDSA"], algorithm="EdDSA").key
    for t in (jwt.encode(claims(), raw(keys["HS256"]["k"]), algorithm="HS256"),
              jwt.encode(claims(permissions="read write"), ed, algorithm="EdDSA", headers={"kid": keys["EdDSA"]["kid"]}),
              jwt.encode(claims(aud=["cairn", "b"], iss="us", nbf=int(time.time())), ed, algorithm="EdDSA")):
        assert server.http.get("/api/v2/status", headers=bearer(t)).status_code == 200


def test_pyjwt_reads_the_tokens_that_cairn_makes(server, keys):
    hs = token(server, "--project", "web", "--org", "acme", "--permissions", "read,admin", "--expires", "2h")
    body = jwt.decode(hs, raw(keys["HS256"]["k"]), algorithms=["HS256"])
    assert (body["sub"], body["org"], body["permissions"]) == ("web", "acme", ["read", "admin"])
    assert body["exp"] - body["iat"] in (7199, 7200, 7201)
    public = {n: v for n, v in keys["EdDSA"].items() if n != "d"}
    ed = jwt.decode(token(server, "--algorithm", "EdDSA"), jwt.PyJWK(public, algorithm="EdDSA").key, algorithms=["EdDSA"])
    assert ed["jti"].startswith("tok_")


# ---- the register ----


def test_tokens_are_listed_but_never_shown_again(server):
    t = token(server, "--project", "shop", "--note", "for the shop", "--permissions", "read")
    listed = json.loads(server.run("auth", "list", "--json").stdout)
    mine = listed["tokens"][0]
    assert (mine["project"], mine["note"], mine["permissions"], mine["revoked"]) == ("shop", "for the shop", "read", False)
    assert mine["made_by"] == "local" and mine["token_id"].startswith("tok_")
    assert t not in json.dumps(listed) and t not in server.run("auth", "list").stdout
    for f in server.data.rglob("*"):
        assert not f.is_file() or t.encode() not in f.read_bytes(), f
    assert t not in server.log()


def test_a_revoked_token_is_refused_at_once(server):
    t = token(server, "--permissions", "read")
    name = jwt.decode(t, options={"verify_signature": False})["jti"]
    assert server.http.get("/api/v2/status", headers=bearer(t)).status_code == 200
    admin = token(server, "--permissions", "admin")
    r = server.http.delete(f"/api/v2/auth/tokens/{name}", headers=bearer(admin))
    assert r.status_code == 200 and r.json()["revoked"] is True
    assert "revoked" in refused(server, t, "revoked")
    again = server.http.delete(f"/api/v2/auth/tokens/{name}", headers=bearer(admin))
    assert again.json()["revoked_at"] == r.json()["revoked_at"]
    assert server.http.delete("/api/v2/auth/tokens/tok_no", headers=bearer(admin)).status_code == 404


def test_a_running_server_sees_another_process_revoke(make_cairn):
    c = make_cairn(env=OPEN)
    t = token(c, "--permissions", "read")
    name = jwt.decode(t, options={"verify_signature": False})["jti"]
    assert c.http.get("/api/v2/status", headers=bearer(t)).status_code == 200
    (c.data / "cairn.sock").rename(c.data / "hidden.sock")  # so the command opens the data folder itself
    c.run("auth", "revoke", name)
    (c.data / "hidden.sock").rename(c.data / "cairn.sock")
    eventually(lambda: c.http.get("/api/v2/status", headers=bearer(t)).status_code == 401, what="the revocation")
    c.restart()
    assert c.http.get("/api/v2/status", headers=bearer(t)).status_code == 401


def test_an_admin_gives_out_no_more_than_they_have(server):
    admin = token(server, "--project", "web", "--org", "acme", "--permissions", "read,admin")

    def wish(**body):
        return server.http.post("/api/v2/auth/tokens", json=body, headers=bearer(admin))

    made = wish(permissions="read", expires="1h")
    assert made.status_code == 201
    assert (made.json()["org"], made.json()["project"]) == ("acme", "web")
    for body in ({"permissions": "write"}, {"permissions": "read", "project": "shop"}, {"permissions": "read", "org": "b"},
                 {"permissions": "read", "project": "*"}):
        r = wish(**body)
        assert (r.status_code, r.json()["error"]["code"]) == (403, "FORBIDDEN"), body
    for body in ({"permissions": "root"}, {"permissions": "read", "expires": "soon"}, {"permissions": "read", "expires": "11y"},
                 {"permissions": "read", "project": "a/b"}, {"permissions": "read", "algorithm": "none"}):
        assert wish(**body).status_code == 400, body
    other = token(server, "--project", "shop", "--org", "acme", "--permissions", "admin")
    listed = server.http.get("/api/v2/auth/tokens", headers=bearer(other)).json()["tokens"]
    assert all(t["project"] == "shop" for t in listed) and listed
    assert server.http.delete(f"/api/v2/auth/tokens/{made.json()['token_id']}", headers=bearer(other)).status_code == 404


# ---- sessions ----


def test_a_session_comes_with_a_token_of_its_own(server):
    t = token(server, "--project", "*", "--permissions", "read,write", "--expires", "1h")
    s = server.http.post("/api/v2/sessions", json={"title": "A", "project": "web"}, headers=bearer(t)).json()
    mine, parent = (jwt.decode(x, options={"verify_signature": False}) for x in (s["token"], t))
    assert (mine["sub"], mine["permissions"]) == ("web", ["read", "write"])
    assert mine["exp"] <= parent["exp"]
    assert server.http.get(f"/api/v2/sessions/{s['session_id']}", headers=bearer(s["token"])).status_code == 200
    r = server.http.post("/api/v2/sessions", json={"project": "shop"}, headers=bearer(s["token"]))
    assert r.status_code == 403


def test_a_sessions_token_ends_with_the_one_it_came_from(server):
    t = token(server, "--permissions", "read,write")
    name = jwt.decode(t, options={"verify_signature": False})["jti"]
    first = server.http.post("/api/v2/sessions", json={}, headers=bearer(t)).json()["token"]
    second = server.http.post("/api/v2/sessions", json={}, headers=bearer(first)).json()["token"]
    assert server.http.get("/api/v2/sessions", headers=bearer(second)).status_code == 200
    server.run("auth", "revoke", name)
    for x in (t, first, second):
        refused(server, x, "revoked")


def test_without_auth_a_session_has_no_token(cairn):
    assert cairn.post("/api/v2/sessions", {})["token"] is None


# ---- permission × operation ----


def test_every_operation_asks_for_its_permission(server):
    """From /openapi.json: each operation with each single permission. Who may not gets 403 naming the permission; who
    may gets any other answer, be it that the path's made-up ids are not there."""
    spec = server.get("/openapi.json")
    assert spec["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    tokens = {p: token(server, "--permissions", p) for p in PERMISSIONS}
    seen, jobs = {"none": 0} | dict.fromkeys(PERMISSIONS, 0), []
    for path, methods in spec["paths"].items():
        for method, op in methods.items():
            seen[op["x-permission"]] += 1
            assert op["security"] == ([] if op["x-permission"] == "none" else [{"bearer": []}])
            # Nothing may happen: ids that are not there, and a body that no operation takes.
            url = re.sub(r"\{[^}]*\}", "not-there", path)
            jobs += [(op, method, url, p) for p in (None, *PERMISSIONS)]

    def ask(job):
        op, method, url, p = job
        r = server.http.request(method.upper(), url, headers=bearer(tokens[p]) if p else {},
                                content=b"[]" if method not in ("get", "delete") else None)
        return r.status_code, r.text

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for job, (status, text) in zip(jobs, pool.map(ask, jobs)):
            op, method, url, p = job
            needs = op["x-permission"]
            expected = None if needs == "none" or p == needs else 403 if p else 401
            if expected:
                assert status == expected and (not p or f"permission {needs}" in text), (job[1:], needs, status, text)
            else:
                # no organisation's admin may that; or nobody over TCP
                of_the_store = status == 403 and ("for its operator" in text or "for the owner alone" in text)
                assert status not in (401, 403) or of_the_store, (job[1:], needs, status, text)
    assert min(seen.values()) > 0, seen


# ---- the proxy ----


def chat(server, headers, **body):
    return server.http.post("/v1/chat/completions", headers=headers,
                            json={"model": "m", "messages": [{"role": "user", "content": "hello"}]} | body)


def went_up(upstream):
    return {k.lower(): v for k, v in dict(upstream.last()["headers"]).items()}


def test_the_openai_client_uses_a_token_as_its_key(server, upstream):
    t = token(server, "--permissions", "memory,read")
    with openai.OpenAI(base_url=server.url + "/v1", api_key=t, max_retries=0) as client:
        done = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}],
                                              extra_body={"session_id": "with-a-token"})
        assert done.choices[0].message.content
        assert went_up(upstream)["authorization"] == "Bearer the-servers-own-key"
        assert t not in repr(upstream.last())
    with openai.OpenAI(base_url=server.url + "/v1", api_key=token(server, "--permissions", "read"), max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    with openai.OpenAI(base_url=server.url + "/v1", api_key="sk-nothing", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_the_anthropic_client_uses_a_token_as_its_key(server, upstream):
    t = token(server, "--permissions", "memory")
    for key in ({"api_key": t}, {"auth_token": t}):
        with anthropic.Anthropic(base_url=server.url, max_retries=0, **key) as client:
            done = client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
            assert done.content[0].text
        up = went_up(upstream)
        assert up["x-api-key"] == "the-servers-own-key" and t not in repr(upstream.last())
    with anthropic.Anthropic(base_url=server.url, max_retries=0, api_key="sk-nothing") as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
    assert server.http.get("/v1/models", headers={"x-api-key": t}).status_code == 401


def test_a_chat_is_remembered_in_the_tokens_project(server):
    t = token(server, "--permissions", "memory,read", "--project", "chats", "--org", "acme")
    assert chat(server, bearer(t), session_id="mine").status_code == 200

    def stored():
        return server.http.get("/api/v2/sessions", params={"project": "chats"}, headers=bearer(t)).json()["sessions"]

    eventually(stored, what="the session")


def test_the_callers_own_key_goes_up_beside_a_token(server, upstream):
    t = token(server, "--permissions", "memory")
    assert chat(server, {"X-Cairn-Token": t, "Authorization": "Bearer the-callers-key"}).status_code == 200
    up = went_up(upstream)
    assert up["authorization"] == "Bearer the-callers-key" and "x-cairn-token" not in up
    assert chat(server, {"X-Cairn-Token": t}).status_code == 200
    assert went_up(upstream)["authorization"] == "Bearer the-servers-own-key"


def test_no_token_ever_reaches_the_upstream(make_cairn, upstream):
    c = make_cairn(env=OPEN)  # no key of the server's own: nothing would replace the header
    t, second = token(c, "--permissions", "memory"), token(c, "--permissions", "memory")
    for headers in (bearer(t), {"X-Cairn-Token": t} | bearer(t), {"X-Cairn-Token": t} | bearer(second),
                    bearer(t) | {"x-api-key": second}, {"X-Cairn-Token": t, "Authorization": second}):
        assert chat(c, headers).status_code == 200
        up = repr(upstream.last())
        assert t not in up and second not in up, headers


# ---- where a server listens, and how ----


def serve_fails(tmp_path, *args, env=None):
    done = subprocess.run([binary(), "serve", "--data", str(tmp_path / "d"), *args], capture_output=True, text=True, timeout=30,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CAIRN_MODEL": "off"} | (env or {}))
    assert done.returncode != 0
    return done.stderr


def test_other_addresses_are_refused_without_auth(tmp_path):
    for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        message = serve_fails(tmp_path, "--listen", address)
        assert "not a loopback address" in message and "auth" in message and "cairn auth token" in message


def test_other_addresses_are_served_with_auth_and_a_warning(make_cairn):
    c = make_cairn(start=False, env=OPEN)
    c.args = ["--listen", f"0.0.0.0:{c.port}"]
    command = [binary(), "serve", "--data", str(c.data), *c.args]
    with open(c.log_path, "ab") as log:
        c.process = subprocess.Popen(command, stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin", "HOME": str(c.data),
                                                                           "CAIRN_MODEL": "off"} | OPEN)
    c.wait_ready()
    assert c.http.get("/api/v2/status").status_code == 401
    assert c.http.get("/api/v2/status", headers=bearer(token(c))).status_code == 200
    assert c.http.get("/api/v2/status", headers=bearer(token(c)) | {"Host": "memory.example"}).status_code == 200
    assert "tokens_in_the_clear" in c.log()


def pair(folder, name):
    """A certificate of its own signing, for 127.0.0.1."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(key, hashes.SHA256()))
    cert_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    cert_path.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return str(cert_path), str(key_path)


def test_https_from_a_certificate_pair(make_cairn, tmp_path, upstream):
    cert, key = pair(tmp_path, "ours")
    c = make_cairn(start=False, env=OPEN | {"CAIRN_TLS_CERT": cert, "CAIRN_TLS_KEY": key})
    c.http.close()
    trust = ssl.create_default_context(cafile=cert)
    c.url = f"https://127.0.0.1:{c.port}"
    c.http = httpx.Client(base_url=c.url, timeout=30, verify=trust)
    c.start()
    t = token(c)
    assert c.http.get("/api/v2/status").status_code == 401
    assert c.http.get("/api/v2/status", headers=bearer(t)).status_code == 200
    big = "x" * 500_000
    s = c.http.post("/api/v2/sessions", json={"title": "over TLS"}, headers=bearer(t)).json()
    made = c.http.post("/api/v2/conversations", json={"session_id": s["session_id"], "directive": "d"}, headers=bearer(t)).json()
    r = c.http.post(f"/api/v2/conversations/{made['conversation_id']}/turns", json={"agent": "ana", "content": big},
                    headers=bearer(t))
    assert r.status_code == 201
    back = c.http.get(f"/api/v2/conversations/{made['conversation_id']}", headers=bearer(t)).json()
    assert back["turns"][0]["content"] == big
    with openai.OpenAI(base_url=c.url + "/v1", api_key=t, max_retries=0, http_client=httpx.Client(verify=trust)) as client:
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}], stream=True)
        assert "".join(x.choices[0].delta.content or "" for x in stream if x.choices)
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{c.port}/health")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(httpx.HTTPError):
        httpx.get(c.url + "/health", verify=old)
    assert "https://" in c.log() and "tokens_in_the_clear" not in c.log()


def test_wrong_certificate_files_are_named(tmp_path):
    (cert, key), (_, other_key) = pair(tmp_path, "one"), pair(tmp_path, "two")
    (tmp_path / "rubbish").write_text("no certificate")

    def start(c, k):
        return serve_fails(tmp_path, env={n: v for n, v in (("CAIRN_TLS_CERT", c), ("CAIRN_TLS_KEY", k)) if v})

    assert "does not belong to the certificate" in start(cert, other_key)
    assert "absent.crt" in start(str(tmp_path / "absent.crt"), key)
    assert "not a certificate and its key" in start(str(tmp_path / "rubbish"), key)
    assert "only one is set" in start(cert, None)
    assert "only one is set" in start(None, key)
