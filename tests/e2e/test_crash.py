"""The crash harness (tests/crash/crash.py), 200 kills long and with encryption 40, and that it would notice a broken promise."""

import importlib.util
import os
import subprocess
import sys

import pytest

from conftest import ROOT, binary

HARNESS = ROOT / "tests" / "crash" / "crash.py"


def load():
    spec = importlib.util.spec_from_file_location("crash", HARNESS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("env, rounds", [({}, "200"), ({"CAIRN_KEY": "00112233445566778899aabbccddeeff" * 2}, "40")],
                         ids=["plain", "encrypted"])
def test_nothing_acknowledged_is_lost_in_many_kills(env, rounds):
    rounds = os.environ.get("CRASH_ROUNDS", rounds)
    command = [sys.executable, str(HARNESS), "--binary", binary(), "--rounds", rounds]
    if os.environ.get("CRASH_SEED"):
        command += ["--seed", os.environ["CRASH_SEED"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, env={**os.environ, **env})
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("lie", ["number", "text", "id", "sent"])
def test_the_harness_notices(cairn, lie):
    crash = load()
    session = cairn.post("/api/v2/sessions", {})["session_id"]
    conversation = cairn.post("/api/v2/conversations", {"session_id": session})["conversation_id"]
    book = crash.Book(1)
    book.begin(conversation, session)
    for text in ("first", "second"):
        book.sent[conversation].add(text)
        t = cairn.post(f"/api/v2/conversations/{conversation}/turns", {"agent": "ana", "content": text})
        book.promise(conversation, t["turn_id"], t["turn_number"], text)
    crash.check(cairn.port, book)
    promised = book.promised[conversation]
    turn, (number, text) = list(promised.items())[0]
    if lie == "number":
        promised[turn] = (3, text)
    elif lie == "text":
        promised[turn] = (number, "another")
    elif lie == "id":
        promised["turn_" + 32 * "0"] = (3, "third")
    else:
        book.sent[conversation].discard("second")
    with pytest.raises(crash.Broken):
        crash.check(cairn.port, book, everything=True)
