"""The command line as people use it: beside a running server and without one, on a terminal and in a pipe."""

import json
import os
import pty
import re
import select
import signal
import subprocess

import pytest

from conftest import Cairn, binary, eventually


def on_terminal(args, columns=80, env=None):
    """Runs cairn with a terminal on stdin, stdout and stderr; gives its status and what it showed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm", "COLUMNS": str(columns), **(env or {})})
        os.execv(binary(), [binary(), *args])
    shown = b""
    while True:
        ready, _, _ = select.select([fd], [], [], 30)
        assert ready, "nothing for 30 s"
        try:
            piece = os.read(fd, 65536)
        except OSError:  # the other end closed
            break
        if not piece:
            break
        shown += piece
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode().replace("\r\n", "\n")


@pytest.fixture
def folder(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


def test_same_answers_with_and_without_a_server(cairn):
    cairn.run("remember", "the boat leaves from pier seven", "--session", "trip", "--agent", "mira")
    cairn.run("add", "agent", "name=ada", "temperature=0.25", 'capabilities=["math"]')
    session = json.loads(cairn.run("list", "sessions", "--json").stdout)
    session = (session["sessions"] if isinstance(session, dict) else session)[0]["id"]
    turn = json.loads(cairn.run("list", "turns", "--json").stdout)[0]["id"]
    questions = [
        ("recall", "which pier?"), ("search", "boat", "--session", session), ("search", "boat", "--session", "trip"),
        ("search", "boat", "--session", "no such"), ("list", "turns"), ("list", "agents"),
        ("show", session), ("show", turn), ("show", "agent", "ada"), ("show", "agent", "ada", "--json"),
        ("list", "turn", "--limit", "1", "--json"), ("show", "turn_" + "0" * 32), ("recall", "x", "--max-results", "0"),
        ("show", "agent", "nobody"),
    ]

    def ask():
        answers = []
        for q in questions:
            done = cairn.run(*q, check=False)
            # scores move with the clock, and a search is a use of its session
            out = re.sub(r"0\.\d{3,}|last_active +\S+|\"took_ms\":[\d.e-]+|\"search_time_ms\":[\d.e-]+", "#", done.stdout)
            answers.append((q, done.returncode, out, done.stderr))
        return answers

    with_server = ask()
    cairn.stop()
    assert ask() == with_server
    assert "pier seven" in with_server[0][2] and "mira" in with_server[0][2]
    assert [a[1] for a in with_server] == [0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 2, 3]
    assert "pier seven" in with_server[2][2]  # a session by the caller's own name for it


def test_it_talks_to_the_server_that_runs(cairn):
    before = cairn.metric("cairn_http_requests_total")
    cairn.run("remember", "said over the socket", "--session", "trip")
    cairn.run("recall", "socket")
    assert cairn.metric("cairn_http_requests_total") >= before + 2
    assert cairn.metric("cairn_store_writes_total") >= 1
    found = cairn.post("/api/v2/recall", {"query": "socket"})
    assert "said over the socket" in json.dumps(found)


def test_a_stale_socket_is_no_server(cairn):
    cairn.run("remember", "before the kill", "--session", "trip")
    cairn.kill()
    assert (cairn.data / "cairn.sock").exists()
    assert "before the kill" in cairn.run("recall", "kill").stdout
    cairn.run("remember", "after the kill", "--session", "trip")
    cairn.start()
    assert "after the kill" in json.dumps(cairn.post("/api/v2/recall", {"query": "kill"}))


def test_remember_reads_standard_input(folder):
    done = folder.run("remember", "-", "--session", "trip", input="line one\nline two é 漢字\n")
    assert "remembered turn_" in done.stdout
    turn = json.loads(folder.run("list", "turns", "--json").stdout)[0]
    assert turn["content"] == "line one\nline two é 漢字"
    assert folder.run("remember", "-", "--session", "trip", input="", check=False).returncode == 2


def test_many_writers_at_once(cairn):
    """CLI processes and the server write into one conversation: every turn is there, numbers without a gap."""
    cairn.run("remember", "first", "--session", "busy")
    commands = [[binary(), "remember", f"word{i}", "--session", "busy", "--data", str(cairn.data)] for i in range(12)]
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL) for c in commands]
    assert [p.wait(60) for p in running] == [0] * 12
    cairn.stop()
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL) for c in commands]  # each opens the folder itself
    assert [p.wait(60) for p in running] == [0] * 12
    turns = json.loads(folder_turns(cairn))
    by_conversation = {}
    for t in turns:
        by_conversation.setdefault(t["conversation_id"], []).append(t["turn_number"])
    assert sum(map(len, by_conversation.values())) == 25
    for numbers in by_conversation.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]


def folder_turns(cairn):
    return cairn.run("list", "turns", "--limit", "1000", "--json").stdout


def test_json_is_the_answer_as_it_is(cairn):
    cairn.run("remember", "tab\there, \"quotes\", \x1b[31m and ü", "--session", "trip")
    printed = cairn.run("list", "turns", "--json").stdout
    assert printed.endswith("\n") and printed.rstrip("\n") == cairn.http.get("/api/v1/turns").text
    assert json.loads(cairn.run("version", "--json").stdout)["version"] in cairn.run("version").stdout


def test_stored_text_cannot_command_a_terminal(folder):
    evil = "a\x1b]0;owned\x07b\x9bc\u202ed\re\x7f"
    folder.run("remember", "-", "--session", "\x1b[2Jtrip", input=evil)
    for args in (["recall", "a"], ["list", "turns"], ["list", "sessions"], ["recall", "owned"]):
        for status, shown in (on_terminal([*args, "--data", str(folder.data)], env={"NO_COLOR": "1"}),
                              (0, folder.run(*args).stdout)):
            assert status == 0
            assert not set(shown) & set("\x1b\x07\x7f\x9b\u202e\r"), (args, shown)
    turn = json.loads(folder.run("list", "turns", "--json").stdout)[0]["id"]
    shown = folder.run("show", turn).stdout
    assert "\\x1b]0;owned\\x07b\\x9bc\\u202ed" in shown


def test_terminal_output_fits_and_is_coloured(folder):
    folder.run("remember", "漢字 and a long text " + "word " * 100, "--session", "trip")
    for columns in (60, 100):
        status, shown = on_terminal(["list", "turns", "--data", str(folder.data)], columns)
        assert status == 0 and "\x1b[36mturn_" in shown and "…" in shown
        for line in re.sub(r"\x1b\[[0-9;]*[mK]", "", shown).splitlines():
            wide = sum(2 if "\u2e80" <= c <= "\uffdc" else 1 for c in line)
            assert wide <= columns, (wide, line)
    status, shown = on_terminal(["list", "turns", "--data", str(folder.data)], env={"NO_COLOR": "1"})
    assert status == 0 and "\x1b" not in shown
    assert "\x1b" not in folder.run("list", "turns").stdout and "…" not in folder.run("list", "turns").stdout[:200]


def test_a_reader_that_leaves_is_no_error(folder):
    folder.run("remember", "-", "--session", "trip", input="x " * 200000)
    reader = subprocess.Popen([binary(), "list", "turns", "--json", "--data", str(folder.data)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    reader.stdout.read(10)
    reader.stdout.close()
    assert reader.stderr.read() == b"" and reader.wait(30) == 0


def test_output_that_cannot_be_written_is_an_error(folder):
    folder.run("remember", "something", "--session", "trip")
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), "list", "turns", "--data", str(folder.data)], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=30)
    assert done.returncode == 1 and "cannot print the answer" in done.stderr and "No space" in done.stderr


def test_backup_while_writing_then_restore(cairn, tmp_path):
    cairn.run("remember", "kept in the backup", "--session", "trip")
    writer = subprocess.Popen(["sh", "-c", f"for i in 1 2 3 4 5 6; do {binary()} remember more$i --session trip --data "
                               f"{cairn.data} >/dev/null; done"])
    copy = tmp_path / "copy.db"
    assert "verified" in cairn.run("backup", str(copy)).stdout
    writer.wait(60)
    refused = cairn.run("restore", str(copy), check=False)
    assert refused.returncode == 1 and "server is running" in refused.stderr
    cairn.stop()
    cairn.run("remember", "gone with the restore: zeppelin", "--session", "trip")
    assert "zeppelin" in cairn.run("recall", "zeppelin").stdout
    cairn.run("restore", str(copy))
    assert "zeppelin" not in cairn.run("recall", "zeppelin").stdout
    assert "kept in the backup" in cairn.run("recall", "backup").stdout
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]
    not_a_backup = tmp_path / "junk"
    not_a_backup.write_text("not a database at all")
    assert cairn.run("restore", str(not_a_backup), check=False).returncode == 1
    assert "kept in the backup" in cairn.run("recall", "backup").stdout


def test_doctor_finds_damage(folder):
    folder.run("remember", "some text", "--session", "trip")
    assert folder.run("doctor").returncode == 0
    for f in (folder.data / "index").rglob("*"):
        if f.is_file():
            f.write_bytes(os.urandom(5000))
    found = folder.run("doctor", check=False)  # an index is made anew when it is damaged: either way it ends well
    assert found.returncode in (0, 1)
    assert folder.run("doctor", "--reindex").returncode == 0
    assert "some text" in folder.run("recall", "text").stdout


def test_environment_and_flags(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CAIRN_", "XDG_"))}

    def run(*args, **more):
        return subprocess.run([binary(), *args], env={**env, **more}, capture_output=True, text=True, timeout=30)

    assert run("remember", "by environment", CAIRN_DATA=str(a)).returncode == 0
    assert "by environment" in run("recall", "environment", "--data", str(a), CAIRN_DATA=str(b)).stdout
    assert not b.exists()
    assert run("remember", "by XDG", XDG_DATA_HOME=str(b)).returncode == 0
    assert (b / "cairn").is_dir()
    assert run("remember", "by home", HOME=str(tmp_path / "home"), XDG_DATA_HOME="").returncode == 0
    assert (tmp_path / "home/.local/share/cairn").is_dir()
    none = run("recall", "x", HOME="", XDG_DATA_HOME="")
    assert none.returncode == 2 and "--data" in none.stderr


def test_serve_takes_its_settings_from_the_environment(tmp_path):
    c = Cairn(tmp_path / "data")
    env = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_")}
    env.update(CAIRN_LISTEN=f"127.0.0.1:{c.port}", CAIRN_DATA=str(c.data), CAIRN_LOG_LEVEL="error")
    server = subprocess.Popen([binary(), "serve"], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        eventually(lambda: (c.data / "cairn.sock").exists() and c.run("stats", check=False).returncode == 0)
        assert c.get("/health")
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    printed = server.stdout.read()
    assert str(c.port) in printed and str(c.data) in printed
    for args in (["serve", "--listen", "nonsense"], ["serve", "--log-level", "loud"]):
        assert c.run(*args, check=False).returncode == 2


def test_slips_are_named(folder):
    for args, words in (
        (["recal", "x"], 'did you mean "recall"'),
        (["recall", "x", "--sesion", "s"], "did you mean --session"),
        (["list", "sesions"], 'did you mean "session"'),
        (["add", "agent", "name=a", "temprature=1"], 'did you mean "temperature"'),
    ):
        done = folder.run(*args, check=False)
        assert done.returncode == 2 and words in done.stderr and done.stdout == "", (args, done)
        assert done.stderr.startswith("cairn: ") and len(done.stderr.splitlines()) == 2  # the error and a hint


def test_every_command_has_help(folder):
    overview = folder.run("help").stdout
    for name in re.findall(r"^  ([a-z]+) ", overview, re.M):
        assert folder.run("help", name).stdout == folder.run(name, "--help").stdout
    assert not any(folder.data.iterdir())  # nothing was opened for it


def test_schema_is_sql(folder):
    import sqlite3

    db = sqlite3.connect(":memory:")
    db.executescript(folder.run("schema").stdout)
    tables = {r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"session", "conversation", "turn", "agent"} <= tables
    assert "BIGINT" in folder.run("schema", "--dialect", "postgres").stdout
