"""Those that recall is compared with, each a process that answers one line with one line: FTS5 and an exact scan
(rival.c), and Chroma (chroma_rival.py, in a virtual environment of its own)."""

import json
import os
import pathlib
import re
import subprocess

import harness

READY_SECONDS = 600


class Rival:
    """A process that says "ready" and then answers. Its processor time and memory come from /proc."""

    def __init__(self, bench, command, env=None):
        self.log = open(bench.tmp / "rival.log", "ab")
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, preexec_fn=harness.die_with_parent,
                                        env=harness.clean_environment(env))
        self.made = self.line()

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            self.process.wait(20)
            tail = pathlib.Path(self.log.name).read_text(errors="replace")[-1000:]
            raise RuntimeError(f"{self.process.args[0]} ended with status {self.process.returncode}:\n{tail}")
        return text.strip()

    def ask(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M).group(1)) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Fts:
    """FTS5 and an exact scan over the turns of a store that `fill meaning` made."""

    def __init__(self, bench, data, material, turns, sessions):
        self.words = bench.tmp / "rival.db"
        self.fed = feed_fts(bench, data, self.words)
        self.rival = Rival(bench, [bench.out / "rival", "ask", data / "store.db", self.words, material.pool,
                                   material.model, turns, sessions])

    def ask(self, where, question):
        """Milliseconds: embedding the question, words, vectors, all of it."""
        *times, _ = self.rival.ask(f"{where}\t{question}").split()
        return [int(t) / 1000 for t in times]

    def close(self):
        self.rival.__exit__()
        drop_fts(self.words)


def feed_fts(bench, data, words):
    return json.loads(bench.tool("rival", "feed", data / "store.db", words))


def drop_fts(words):
    for suffix in ("", "-wal", "-shm"):
        pathlib.Path(f"{words}{suffix}").unlink(missing_ok=True)


def chroma_python(bench):
    """Makes the environment when it is not there (a minute); in --quick it is used only when it is."""
    python = harness.ROOT / "build" / "venv-chroma" / "bin" / "python"
    done = python.parents[1] / ".done-1"
    if not done.exists() and not bench.quick:
        bench.say("installing Chroma into build/venv-chroma")
        bench.tool("/usr/bin/python3", "-m", "venv", python.parents[1])
        bench.tool(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r",
                   harness.HERE / "requirements-chroma.txt")
        done.touch()
    return python if done.exists() else None


class Chroma:
    """The same vectors under their numbers, with the session's number as metadata. The vectors of the questions are
    handed to it; what embedding them costs is added by who reports."""

    def __init__(self, bench, python, material, turns, sessions, query_vectors):
        self.bench, self.folder = bench, bench.folder("chroma")
        vectors = bench.tmp / "chroma-vectors"
        bench.tool("rival", "vectors", material.pool, turns, vectors)
        try:
            self.rival = Rival(bench, [python, harness.HERE / "chroma_rival.py", self.folder, vectors, query_vectors,
                                       turns, sessions])
        finally:
            vectors.unlink()
        self.made = json.loads(self.rival.made)

    def ask(self, where, number):
        return int(self.rival.ask(f"{where}\t{number}")) / 1000

    def close(self):
        self.rival.__exit__()
        self.bench.drop(self.folder)
