"""Fixtures of the end-to-end tests: a running Cairn (`cairn`, `make_cairn`) and a stand-in for the model's server
(`upstream`).

Cairn's binary is build/cairn, or $CAIRN_BINARY (an asan or tsan build, say). Its log is shown when a test fails, and a
sanitizer's report in it fails the test.

With CAIRN_TEST_KEY=1 every data folder is sealed, and all tests but those of plain files must pass as ever."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from upstream import Upstream  # noqa: E402

REPORTS = re.compile(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|UndefinedBehaviorSanitizer|"
                     "http_requests_never_answered")


TEST_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2


def key_of_tests():
    return {"CAIRN_KEY": TEST_KEY} if os.environ.get("CAIRN_TEST_KEY") else {}


def binary():
    return os.environ.get("CAIRN_BINARY") or str(ROOT / "build" / "cairn")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Cairn:
    """One server and its data folder. stop() ends it well, kill() at once; start() again keeps data and port."""

    def __init__(self, data, upstream=None, args=(), env=None):
        self.data = pathlib.Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.upstream = upstream
        self.args = list(args)
        self.env = dict(env or {})
        self.log_path = self.data.parent / (self.data.name + ".log")
        self.process = None
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def start(self, wait=True):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_") and k != "OPENAI_API_KEY"}
        environment["XDG_CONFIG_HOME"] = str(self.data.parent / "config")  # not that of whoever runs the tests
        environment["CAIRN_MODEL"] = "off"  # most tests are of other things than meaning
        environment.update({**key_of_tests(), **self.env})
        command = [binary(), "serve", "--listen", f"127.0.0.1:{self.port}", "--data", str(self.data), *self.args]
        if self.upstream:
            command += ["--upstream", self.upstream]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"cairn ended with status {self.process.returncode}:\n{self.log()}")
            try:
                if self.http.get("/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.01)
        raise AssertionError(f"cairn did not answer /health within {seconds} s:\n{self.log()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds=30):
        """Graceful stop; returns the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"cairn did not stop within {seconds} s:\n{self.log()}") from None
        self.process = None
        return status

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def run(self, *args, input=None, check=True, env=None, timeout=60):
        """A CLI command on this data folder: cairn.run("search", "words", "--json")."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_")}
        environment["XDG_CONFIG_HOME"] = str(self.data.parent / "config")
        environment.update({**key_of_tests(), **(env or {})})
        done = subprocess.run([binary(), *args, "--data", str(self.data)], input=input, capture_output=True, text=True,
                              timeout=timeout, env=environment)
        assert not check or done.returncode == 0, f"cairn {args}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    # -- what tests ask for again and again --

    def get(self, path, **params):
        r = self.http.get(path, params=params or None)
        assert r.status_code == 200, f"GET {path}: {r.status_code} {r.text}"
        return r.json()

    def post(self, path, body, status=None, headers=None):
        r = self.http.post(path, json=body, headers=headers)
        assert r.status_code in ((status,) if status else (200, 201, 202)), f"POST {path}: {r.status_code} {r.text}"
        return r.json()

    def metric(self, name):
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")


@pytest.fixture
def make_cairn(tmp_path, upstream, request):
    """make_cairn(name="data", upstream=URL or None, args=[...], env={...}) starts a server; stopped at the end."""
    made = []

    def make(name="data", upstream=upstream.url, args=(), env=None, start=True):
        c = Cairn(tmp_path / name, upstream, args, env)
        made.append(c)
        request.node.cairns = made
        return c.start() if start else c

    yield make
    problems = []
    for c in made:
        c.http.close()
        if c.alive():
            status = c.stop()
            if status != 0:
                problems.append(f"exit status {status}")
        if REPORTS.search(c.log()):
            problems.append("a sanitizer reported")
        if problems:
            raise AssertionError(f"{problems} from {c.data}:\n{c.log()[-20000:]}")


@pytest.fixture
def cairn(make_cairn):
    """A server with a data folder of its own, in front of `upstream`."""
    return make_cairn()


@pytest.fixture(scope="session")
def upstream_server():
    with Upstream() as u:
        yield u


@pytest.fixture
def upstream(upstream_server):
    """The model's server's stand-in (see upstream.py), with an empty record of requests."""
    upstream_server.reset()
    return upstream_server


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for c in getattr(item, "cairns", []):
            report.sections.append((f"log of {c.data}", c.log()[-8000:]))


def sse_events(text):
    """The JSON objects of an event stream's data lines, `[DONE]` left out."""
    out = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line.startswith("data:") and line[5:].strip() not in ("", "[DONE]"):
            out.append(json.loads(line[5:]))
    return out


def eventually(fn, seconds=10, what="a condition"):
    """fn() until it is truthy; its value."""
    end = time.monotonic() + seconds
    while True:
        value = fn()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
