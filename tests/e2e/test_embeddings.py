"""Embeddings made here: /v1/embeddings in OpenAI's shape (with its Python and Node clients, which ask for base64), the
REST route, `cairn embed` in pipes and on a terminal. Whose they are: ours when our model is asked for by name, else the
upstream's, byte for byte."""

import base64
import json
import os
import pty
import struct
import subprocess
import time

import httpx
import openai
import pytest
import tiny_model
from conftest import ROOT, Cairn, binary, eventually

HIDDEN = tiny_model.HIDDEN
TEXTS = ["the river is cold", "blue in winter", "", "run"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model.make(tmp_path_factory.mktemp("models") / "tiny-one")


@pytest.fixture
def server(make_cairn, model, upstream):
    c = make_cairn(env={"CAIRN_MODEL": str(model)})
    eventually(lambda: c.get("/health/memory")["embedding_model"]["loaded"], what="the model")
    return c


@pytest.fixture
def alone(make_cairn, model):
    """Without an upstream."""
    c = make_cairn(name="alone", upstream=None, env={"CAIRN_MODEL": str(model)})
    eventually(lambda: c.get("/health/memory")["embedding_model"]["loaded"], what="the model")
    return c


def embed(c, body, path="/v1/embeddings"):
    return c.http.post(path, json=body)


def vectors(answer):
    return [d["embedding"] for d in answer["data"]]


def from_base64(text):
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def norm(v):
    return sum(x * x for x in v) ** 0.5


def test_ours_by_name_and_the_rest_forwarded(server, upstream):
    for name in ("cairn", "tiny-one", server.get("/health/memory")["embedding_model"]["id"]):
        answer = embed(server, {"model": name, "input": TEXTS}).json()
        assert answer["object"] == "list" and answer["model"] == "tiny-one"
        assert [d["index"] for d in answer["data"]] == [0, 1, 2, 3]
        assert all(d["object"] == "embedding" and len(d["embedding"]) == HIDDEN for d in answer["data"])
        assert all(abs(norm(v) - 1) < 1e-5 for v in vectors(answer))
    assert upstream.requests() == []
    for body in ({"model": "m", "input": "cairn"}, {"input": "tiny-one"}, {"model": "Cairn", "input": ["a"]},
                 {"model": "m", "input": ["tiny-one", "cairn"]}):
        raw = (" " + json.dumps(body)).encode()
        assert server.http.post("/v1/embeddings", content=raw).status_code == 200
        assert upstream.last()["body"] == raw
    raw = b'{"model": "cairn", not JSON'
    server.http.post("/v1/embeddings", content=raw)
    assert upstream.last()["body"] == raw


def test_without_an_upstream_all_are_ours(alone):
    answer = embed(alone, {"model": "text-embedding-3-small", "input": "run"}).json()
    assert answer["model"] == "tiny-one" and len(vectors(answer)[0]) == HIDDEN
    assert embed(alone, {"input": "run"}).json() == answer


def test_neither_model_nor_upstream(make_cairn):
    c = make_cairn(upstream=None)
    r = embed(c, {"input": "x"})
    error = r.json()["error"]
    assert r.status_code == 503 and set(error) == {"message", "type", "param", "code"}
    assert "CAIRN_MODEL" in error["message"] and "CAIRN_UPSTREAM_URL" in error["message"]
    r = embed(c, {"input": "x"}, "/api/v2/embeddings")
    assert r.status_code == 503 and "CAIRN_MODEL" in r.json()["error"]["message"]


def test_base64_holds_the_same_floats(alone):
    plain = vectors(embed(alone, {"model": "cairn", "input": TEXTS}).json())
    coded = vectors(embed(alone, {"model": "cairn", "input": TEXTS, "encoding_format": "base64"}).json())
    assert [from_base64(t) for t in coded] == [list(struct.unpack(f"<{HIDDEN}f", struct.pack(f"<{HIDDEN}f", *v)))
                                               for v in plain]


def test_one_by_one_or_together_is_the_same(alone):
    together = vectors(embed(alone, {"model": "cairn", "input": TEXTS}).json())
    for text, v in zip(TEXTS, together):
        assert vectors(embed(alone, {"model": "cairn", "input": text}).json()) == [v]


def test_usage_counts_tokens(alone):
    usage = embed(alone, {"model": "cairn", "input": ["the river", "zz"]}).json()["usage"]
    # [CLS] the river [SEP] and [CLS] z ##z [SEP]
    assert usage == {"prompt_tokens": 8, "total_tokens": 8}


def test_many_texts(alone):
    texts = [f"the river {i}" for i in range(2048)]
    answer = embed(alone, {"model": "cairn", "input": texts}).json()
    assert [d["index"] for d in answer["data"]] == list(range(2048))
    assert vectors(answer)[700] == vectors(embed(alone, {"model": "cairn", "input": texts[700]}).json())[0]


@pytest.mark.parametrize("body, field", [
    ({"model": "cairn"}, "input"),
    ({"model": "cairn", "input": []}, "input"),
    ({"model": "cairn", "input": [1, 2, 3]}, "input"),
    ({"model": "cairn", "input": [[1, 2], [3]]}, "input"),
    ({"model": "cairn", "input": {"text": "x"}}, "input"),
    ({"model": "cairn", "input": ["x", None]}, "input"),
    ({"model": "cairn", "input": ["x"] * 2049}, "input"),
    ({"model": "cairn", "input": "x", "dimensions": 7}, "dimensions"),
    ({"model": "cairn", "input": "x", "encoding_format": "int8"}, "encoding_format"),
    ({"model": "cairn", "input": "x", "input_type": "passage"}, "input_type"),
])
def test_what_is_wrong_is_told_in_openais_shape(server, upstream, body, field):
    r = embed(server, body)
    error = r.json()["error"]
    assert r.status_code == 400 and set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error" and error["param"] == field
    assert upstream.requests() == []


def test_too_much_text(alone):
    r = embed(alone, {"model": "cairn", "input": ["x" * (1 << 20)] * 5})
    assert r.status_code == 413 and "4194304 bytes" in r.json()["error"]["message"]


def test_unknown_members_are_passed_over_as_others_do(alone):
    assert embed(alone, {"model": "cairn", "input": "x", "dimensions": HIDDEN, "user": "u", "truncate": True}
                 ).status_code == 200
    # but not on our own route, where a slip should be told
    r = embed(alone, {"input": "x", "truncate": True}, "/api/v2/embeddings")
    assert r.status_code == 400 and "truncate" in r.json()["error"]["message"]


def test_our_own_route(alone):
    assert embed(alone, {"input": TEXTS}, "/api/v2/embeddings").json() == \
        embed(alone, {"model": "cairn", "input": TEXTS}).json()
    r = embed(alone, {"input": "x", "model": "other"}, "/api/v2/embeddings")
    assert r.status_code == 404 and "tiny-one" in r.json()["error"]["message"]


# ---- real clients ----

@pytest.mark.parametrize("coding", [None, "float", "base64"])
def test_openai_python(server, coding):
    with openai.OpenAI(base_url=server.url + "/v1", api_key="x", max_retries=0) as client:
        more = {} if coding is None else {"encoding_format": coding}
        r = client.embeddings.create(model="cairn", input=TEXTS, **more)
        expected = vectors(embed(server, {"model": "cairn", "input": TEXTS}).json())
        for got, want in zip(r.data, expected):
            got = from_base64(got.embedding) if coding == "base64" else got.embedding
            assert got == pytest.approx(want, abs=1e-7)
        assert r.usage.prompt_tokens > 8 and r.model == "tiny-one"
        with pytest.raises(openai.BadRequestError) as wrong:
            client.embeddings.create(model="cairn", input=TEXTS, dimensions=7)
        assert wrong.value.param == "dimensions"


NODE = """
const OpenAI = require('openai');
(async () => {
  const c = new OpenAI({baseURL: process.argv[2] + '/v1', apiKey: 'x', maxRetries: 0});
  const usual = await c.embeddings.create({model: 'cairn', input: ['the river', 'run']});
  const floats = await c.embeddings.create({model: 'cairn', input: 'the river', encoding_format: 'float'});
  let status = 0;
  try { await c.embeddings.create({model: 'cairn', input: []}); } catch (e) { status = e.status; }
  console.log(JSON.stringify({usual: usual.data.map(d => Array.from(d.embedding)), floats: floats.data[0].embedding,
                              tokens: usual.usage.prompt_tokens, status}));
})();
"""


def test_openai_node(server, tmp_path):
    script = tmp_path / "client.js"
    script.write_text(NODE)
    done = subprocess.run(["node", str(script), server.url], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NODE_PATH": str(ROOT / "build" / "node" / "node_modules")})
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert len(got["usual"]) == 2 and len(got["usual"][0]) == HIDDEN and got["status"] == 400
    assert got["usual"][0] == pytest.approx(got["floats"], abs=1e-6) and got["tokens"] == 7


# ---- the command line ----

def cli(model, *args, input=None, data="/nonexistent/data", check=True, **env):
    done = subprocess.run([binary(), "embed", *args, "--data", str(data)], input=input, capture_output=True, text=True,
                          timeout=60, env={"PATH": os.environ["PATH"], "CAIRN_MODEL": str(model), **env})
    assert not check or done.returncode == 0, done.stderr
    return done


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_embed_in_a_pipe(model, tmp_path):
    given = lines(cli(model, "the river is cold", "blue in winter"))
    assert [len(v) for v in given] == [HIDDEN, HIDDEN]
    # Lines of standard input, an empty one too: as many come out as went in.
    assert lines(cli(model, input="the river is cold\n\nblue in winter\n")) == [given[0], lines(cli(model, ""))[0], given[1]]
    assert lines(cli(model, "-", input="blue in winter")) == [given[1]]
    as_json = '"the river is cold"\n{"text": "blue in winter"}\n\n{"id": 7, "content": "blue in winter"}\n'
    assert lines(cli(model, "--jsonl", input=as_json)) == [given[0], given[1], given[1]]
    coded = cli(model, "--base64", "the river is cold").stdout.strip()
    assert from_base64(coded) == pytest.approx(given[0], abs=1e-7)
    assert not (tmp_path / "nonexistent").exists() and cli(model, input="").stdout == ""


def test_embed_many_lines(model):
    texts = [f"{'the river ' * (i % 7)}{i}" for i in range(3000)]
    done = lines(cli(model, input="\n".join(texts)))
    assert len(done) == 3000 and done[2777] == lines(cli(model, texts[2777]))[0]


def test_embed_as_json(model):
    answer = json.loads(cli(model, "--json", "run", "the river").stdout)
    assert answer["object"] == "list" and len(answer["data"]) == 2 and answer["usage"]["prompt_tokens"] == 7


def test_embed_on_a_terminal(model):
    """A line about each text, not 384 numbers; what a terminal would obey is written out."""
    master, slave = pty.openpty()
    done = subprocess.run([binary(), "embed", "the river", "a\x1b[2Jb", "--data", "/nonexistent/data"], stdout=slave,
                          stderr=subprocess.PIPE, timeout=60,
                          env={"PATH": os.environ["PATH"], "CAIRN_MODEL": str(model), "TERM": "dumb"})
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert done.returncode == 0
    assert f"{HIDDEN} dimensions" in shown and "the river" in shown and len(shown.splitlines()) == 2
    assert "\x1b[2J" not in shown and "\\x1b" in shown


@pytest.mark.parametrize("args, said", [
    (["--jsonl"], "line 2"),
    (["--modl", "x"], "did you mean"),
    (["x", "--model", "other"], "not \"other\""),
])
def test_embed_tells_what_is_wrong(model, args, said):
    done = cli(model, *args, input='"x"\n{"no": "text"}\n', check=False)
    assert done.returncode in (2, 3) and said in done.stderr and "[" not in done.stdout


def test_embed_without_a_model():
    for folder, said in (("off", "tools/get-model"), ("/nonexistent/model", "/nonexistent/model")):
        done = cli(folder, "x", check=False)
        assert done.returncode == 1 and said in done.stderr and done.stdout == ""


def test_embed_asks_the_server(server, model):
    """It answers as the server's model does, whatever this command's environment names."""
    assert lines(cli("off", "the river", data=server.data)) == lines(cli(model, "the river"))


def test_any_process_that_opens_the_folder_embeds(model, tmp_path):
    """The operation without a server, in a process of its own, as a program with libcairn has it."""
    c = Cairn(tmp_path / "own")
    done = c.run("call", "embed", "--json", 'input=["the river"]', env={"CAIRN_MODEL": str(model)})
    assert json.loads(done.stdout)["data"][0]["embedding"] == lines(cli(model, "the river"))[0]
    c.http.close()


def test_a_reader_that_left(model):
    """`cairn embed … | head -1` is no error."""
    text = "\n".join("the river is cold" for _ in range(5000))
    done = subprocess.run(f"{binary()} embed --data /nonexistent/data | head -n 1 | wc -l; echo ${{PIPESTATUS[0]}}",
                          shell=True, executable="/bin/bash", input=text, capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "CAIRN_MODEL": str(model)})
    assert done.stdout.split() == ["1", "0"], done.stderr


@pytest.mark.parametrize("path", ["/v1/embeddings", "/api/v2/embeddings"])
def test_a_client_that_leaves_ends_the_work(alone, path):
    """Workers are few: what nobody waits for any more is not gone on with. The server would not stop in time else."""
    for _ in range(8):
        with pytest.raises(httpx.TimeoutException):
            alone.http.post(path, json={"input": ["the river is cold " * 110] * 2040}, timeout=0.1)
    start = time.monotonic()
    assert len(embed(alone, {"input": "run"}, path).json()["data"]) == 1
    eventually(lambda: alone.log().count("nobody waits") == 8, 20, "all of them to end")
    assert alone.stop() == 0 and time.monotonic() - start < 25
