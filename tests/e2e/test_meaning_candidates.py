"""Candidates by meaning with the real model: what is chosen for a text that shares no word with it. Skipped where
tools/get-model has not brought the model."""
import os
import pathlib

import pytest

from conftest import eventually
from rest import conversation, session, turn

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(os.environ.get("CAIRN_TEST_MODEL") or ROOT / "build" / "model" / "all-MiniLM-L6-v2")
needs_model = pytest.mark.skipif(not (MODEL / "config.json").exists(), reason=f"there is no model in {MODEL}")


@pytest.fixture
def knowing(make_cairn):
    """A server with the model loaded."""
    cairn = make_cairn(env={"CAIRN_MODEL": str(MODEL)})
    eventually(lambda: cairn.get("/health/memory")["embedding_model"]["loaded"], what="the model")
    return cairn


def told(cairn, *texts):
    """The session's events, oldest first, each with the texts of its cause."""
    s = session(cairn)
    c = conversation(cairn, s)
    for text in texts:
        turn(cairn, c, text, agent="ana", role="user")
    found = eventually(lambda: len(cairn.get("/api/v1/events", session_id=s)) >= len(texts)
                       and cairn.get("/api/v1/events", session_id=s)[::-1], what="the events")
    of = {e["event_id"]: e["effect_text"] for e in found}
    return [(e["effect_text"], of.get(e["cause_id"])) for e in found]


FAILS = "Emails to new members never arrive, the sign-up mail is broken."
FOUND = "It turned out that the SMTP password had expired, so no welcome message was sent."
STOLEN = "My bike got stolen outside the office yesterday."
BOUGHT = "I bought a much stronger lock because someone took my bicycle."
OTHER = "We decided to write the handbook in English."


@needs_model
def test_a_cause_told_in_other_words_is_found(knowing):
    assert told(knowing, FAILS, OTHER, FOUND) == [(FAILS, None), (OTHER, None), (FOUND, FAILS)]
    assert told(knowing, STOLEN, OTHER, BOUGHT) == [(STOLEN, None), (OTHER, None), (BOUGHT, STOLEN)]
    saved = knowing.post("/api/v1/events", {"session_id": session(knowing), "effect_text": BOUGHT}, 201)
    assert saved["cause_id"] is None  # of another session


def test_without_a_model_words_alone_tell_causes(cairn):
    assert told(cairn, FAILS, OTHER, FOUND) == [(FAILS, None), (OTHER, None), (FOUND, None)]
