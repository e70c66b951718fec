"""The executable with the model inside (make release): alone in an empty folder, without a network, it stores and
recalls by meaning. Skipped where it was not built, which takes the model (tools/get-model)."""

import json
import os
import shutil
import signal
import subprocess

import pytest
from conftest import ROOT, eventually

PROGRAM = ROOT / "build" / "release" / "cairn"
PLAIN = ROOT / "build" / "cairn"
pytestmark = [pytest.mark.skipif(not PROGRAM.exists(), reason=f"there is no {PROGRAM}: make release builds it"),
              pytest.mark.skipif("CAIRN_BINARY" in os.environ, reason="it is of the release build alone")]

SAID = ["We adopted a puppy from the shelter last weekend.", "The invoice for March is still unpaid.",
        "My sister plays the violin in an orchestra."]


@pytest.fixture
def alone(tmp_path):
    """A folder with nothing but the program, and a way to run it there."""
    shutil.copy(PROGRAM, tmp_path / "cairn")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def run(*args, check=True):
        done = subprocess.run(["./cairn", *args], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    run.folder, run.env = tmp_path, env
    return run


def without_network():
    """Nothing can be reached from there, not even loopback; where the kernel does not let us, the test runs without."""
    command = ["unshare", "--user", "--net", "--map-root-user"]
    return command if subprocess.run([*command, "true"], capture_output=True).returncode == 0 else []


@pytest.fixture
def serving(alone):
    """A server without a network: the command line reaches it through the socket in the data folder."""
    with open(alone.folder / "log", "w") as log:
        server = subprocess.Popen([*without_network(), "./cairn", "serve", "--listen", "127.0.0.1:0"], cwd=alone.folder,
                                  env=alone.env, stdout=log, stderr=log)
    eventually(lambda: "serving" in (alone.folder / "log").read_text(), what="the server")
    yield server
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0


def model(run):
    return json.loads(run("call", "health.memory", "--json"))["embedding_model"]


def best(run, question):
    return json.loads(run("recall", question, "--json", "--explain"))["results"][0]


def test_sizes():
    assert PLAIN.stat().st_size < 3 << 20, "the plain program"
    assert PROGRAM.stat().st_size < 30 << 20, "the one with the model inside"


def test_it_stores_and_recalls_by_meaning(alone, serving):
    for text in SAID:
        alone("remember", text)
    eventually(lambda: (m := model(alone))["loaded"] and m["vectors"] == 3 and m["lag"] == 0, 30, "the vectors")
    assert model(alone)["id"].startswith("all-MiniLM-L6-v2@") and model(alone)["dimensions"] == 384
    for question, i in {"Which pet do they own?": 0, "Does anyone in the family make music?": 2}.items():
        found = best(alone, question)
        assert found["content"] == SAID[i] and found["why"]["meaning"] > 0
    assert set(os.listdir(alone.folder)) <= {"cairn", "log", ".local"}  # no file beside it but the data


def test_recall_without_a_server_too(alone, serving):
    alone("remember", SAID[0])
    eventually(lambda: (m := model(alone))["loaded"] and m["vectors"] == 1, 30, "the vectors")
    serving.send_signal(signal.SIGTERM)
    serving.wait(30)
    found = best(alone, "Which pet do they own?")
    assert found["content"] == SAID[0] and found["why"]["meaning"] > 0


def test_the_same_vectors_as_from_the_folder(alone):
    folder = ROOT / "build" / "model" / "all-MiniLM-L6-v2"
    text = "Our flight to Lisbon leaves at seven in the morning."
    inside = alone("embed", text)
    assert inside == subprocess.run([str(PLAIN), "embed", text, "--data", str(alone.folder / "none")], text=True,
                                    capture_output=True, env={**alone.env, "CAIRN_MODEL": str(folder)}).stdout
    assert "inside the program" in alone("model")


def test_a_model_that_is_named_goes_before_it(alone):
    import tiny_model

    tiny_model.make(alone.folder / "tiny")
    alone.env["CAIRN_MODEL"] = str(alone.folder / "tiny")
    assert len(json.loads(alone("embed", "the river"))) == tiny_model.HIDDEN
    alone.env["CAIRN_MODEL"] = "off"
    assert "words alone" in alone("model")
