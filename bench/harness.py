"""What the benchmarks share: servers that are started and surely stopped, tools, medians, facts of the machine.

Everything lives in a temporary folder below build/bench, so that it is on the disk and an fsync is real."""

import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = ROOT / "bench"


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def median(values):
    return statistics.median(values)


def clean_environment(env=None):
    """Without a model, unless `env` says so: most of what is measured here is storing, serving, and recall by words.
    What is None in `env` is left out."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CAIRN_", "OPENAI_"))}
    return {k: v for k, v in {**kept, "CAIRN_MODEL": "off", **(env or {})}.items() if v is not None}


@contextlib.contextmanager
def settled(data):
    """A server on this folder lets what follows from turns (events, patterns, summaries) be, as if another process did
    it: a million turns that were written a moment ago are an hour's work, which is not what is measured."""
    data.mkdir(parents=True, exist_ok=True)
    with open(data / "background.lock", "ab") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


class Process:
    """A server under test, by its process id: processor time and memory come from /proc."""

    def __init__(self, command, log, port, env=None):
        self.port = port
        self.log = open(log, "ab")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=clean_environment(env), preexec_fn=die_with_parent)

    def answers(self, path, seconds=30):
        """Asks until it answers 200; returns the seconds since the start."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}; see {self.log.name}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                    s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                    first = s.recv(64)
                if first.startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - self.began
                raise RuntimeError(f"{path} answered {first[:40]!r}")
            except (ConnectionRefusedError, ConnectionResetError):
                time.sleep(0.0002)
        raise RuntimeError(f"no answer on port {self.port} within {seconds} s")

    def request(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            c.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            r = c.getresponse()
            data = r.read()
        finally:
            c.close()
        if r.status >= 300:
            raise RuntimeError(f"{method} {path} answered {r.status}: {data[:300]!r}")
        return data

    def call(self, method, path, body=None):
        return json.loads(self.request(method, path, body))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        """VmRSS (now), VmHWM (most so far), RssAnon (its own), RssFile (mapped files: binary, libraries, store)."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {k: int(v) / 1024 for k, v in re.findall(r"^(VmRSS|VmHWM|RssAnon|RssFile):\s+(\d+) kB", text, re.M)}

    def metric(self, name):
        found = re.search(rf"^{name} (\S+)$", self.request("GET", "/metrics").decode(), re.M)
        return float(found.group(1))

    def index_lag(self):
        return self.call("GET", "/api/v2/status")["index"]["lag"]

    def wait_for_index(self, seconds):
        """Seconds until the index holds all; raises when it does not get there."""
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            if self.metric("cairn_index_lag") == 0 and self.index_lag() == 0:
                return time.perf_counter() - start
            time.sleep(0.1)
        raise RuntimeError(f"the index is {self.index_lag()} turns behind after {seconds} s")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Bench:
    def __init__(self, binary, out, quick):
        self.binary = pathlib.Path(binary).resolve()
        self.out = pathlib.Path(out).resolve()
        self.quick = quick
        self.out.mkdir(parents=True, exist_ok=True)
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="tmp-", dir=self.out))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard < 65536 else 65536, hard))

    def close(self):
        shutil.rmtree(self.tmp, ignore_errors=True)

    def say(self, text):
        print(f"  {text}", flush=True)

    def folder(self, name):
        path = self.tmp / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def drop(self, path):
        shutil.rmtree(path, ignore_errors=True)

    def tool(self, *command, timeout=900, env=None):
        """Runs one of the C programs (or any other) and returns what it printed."""
        command = [str(c) for c in command]
        if "/" not in command[0] and (self.out / command[0]).exists():
            command[0] = str(self.out / command[0])
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, preexec_fn=die_with_parent,
                              env=clean_environment(env))
        if done.returncode:
            raise RuntimeError(f"{os.path.basename(command[0])} failed ({done.returncode}):\n"
                               f"{(done.stderr or done.stdout)[-2000:]}")
        return done.stdout

    def hello(self):
        port = free_port()
        server = Process([str(self.out / "hello"), str(port)], self.tmp / "hello.log", port)
        server.answers("/")
        return server

    def release(self):
        """The executable with the model inside, made when it is not there, and the environment it is alone in."""
        self.tool("make", "-s", "-C", ROOT, "release")
        return ROOT / "build" / "release" / "cairn", {"CAIRN_MODEL": None, "HOME": str(self.tmp), "XDG_DATA_HOME": None}

    def cairn(self, data, wait="/health", env=None, binary=None):
        port = free_port()
        server = Process([str(binary or self.binary), "serve", "--listen", f"127.0.0.1:{port}", "--data", str(data)],
                         self.tmp / "cairn.log", port, env)
        if wait:
            server.answers(wait)
        return server

    def fill(self, data, turns, sessions):
        """Makes a store; returns {"sessions", "conversations"}: some of their ids."""
        return json.loads(self.tool("fill", "turns", data, turns, sessions))

    def wrk(self, server, paths, seconds, connections=64):
        """One run over keep-alive connections; the processor time is the server's own."""
        script = self.tmp / "paths.txt"
        script.write_text("\n".join(paths) + "\n")
        cpu = server.cpu_seconds()
        text = self.tool("wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", HERE / "rotate.lua",
                         f"http://127.0.0.1:{server.port}", timeout=seconds + 60, env={"PATHS": str(script)})
        cpu = server.cpu_seconds() - cpu
        if "Non-2xx" in text or "Socket errors" in text:
            raise RuntimeError(f"wrk met errors:\n{text}")
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        return {"rate": float(re.search(r"Requests/sec:\s+(\S+)", text).group(1)),
                "p50_ms": wrk_time(text, "50%"), "p99_ms": wrk_time(text, "99%"), "cpu_us": cpu / requests * 1e6}


def wrk_time(text, label):
    number, unit = re.search(rf"^\s+{re.escape(label)}\s+([\d.]+)(us|ms|s|m)$", text, re.M).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


# ---- what the figures belong to ----

def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def commit():
    name = output_of("git", "rev-parse", "--short", "HEAD") or "unknown"
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", "--", "src", "include", "Makefile")
    return name + (" and changes" if changed else "")


def machine():
    cpu = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", cpu)
    flags = set((re.search(r"^flags\s*:\s*(.*)", cpu, re.M) or [None, ""])[1].split())
    matter = [f for f in ("avx2", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "sha_ni", "vaes") if f in flags]
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 1048576
    out = ROOT / "build"
    return {
        "processor": f"{model.group(1).strip() if model else 'unknown'}, {os.cpu_count()} cores shared by server and "
                     f"load generator",
        "flags": " ".join(matter) or "none of note",
        "memory": f"{memory:.1f} GB",
        "kernel": f"{os.uname().sysname} {os.uname().release}",
        "file system": (output_of("df", "--output=fstype", out if out.exists() else ROOT).split() or ["unknown"])[-1],
        "libraries": ", ".join(f"{p} {output_of('pkg-config', '--modversion', p)}"
                               for p in ("libmicrohttpd", "sqlite3", "simdjson", "libcurl")),
    }
