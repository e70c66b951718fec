"""Recall by meaning with the real model: skipped where tools/get-model has not brought it."""
import os
import pathlib
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(os.environ.get("CAIRN_TEST_MODEL") or ROOT / "build" / "model" / "all-MiniLM-L6-v2")
needs_model = pytest.mark.skipif(not (MODEL / "config.json").exists(), reason=f"there is no model in {MODEL}")

SAID = ["We adopted a puppy from the shelter last weekend.", "The invoice for March is still unpaid.",
        "My sister plays the violin in an orchestra.", "The kitchen tap drips all night.",
        "Our flight to Lisbon leaves at seven in the morning."]
ASKED = {"Which pet do they own?": 0, "Does anyone in the family make music?": 2, "When do we travel abroad?": 4}


def wait_for_vectors(cairn, n):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        model = cairn.http.get("/health/memory").json()["embedding_model"]
        if model["loaded"] and model["vectors"] >= n and model["lag"] == 0:
            return model
        time.sleep(0.05)
    raise AssertionError(f"no vectors: {model}")


def ask(cairn, session, text):
    answer = cairn.http.post("/api/v2/recall", json={"query": text, "session_id": session, "explain": True}).json()
    return answer["results"]


def fill(cairn):
    session = cairn.http.post("/api/v2/sessions", json={"title": "talk"}).json()["session_id"]
    for text in SAID:
        conversation = cairn.http.post("/api/v2/conversations", json={"session_id": session, "directive": "x"}).json()
        cairn.http.post(f"/api/v2/conversations/{conversation['conversation_id']}/turns",
                        json={"agent": "ann", "role": "user", "content": text})
    return session


@needs_model
def test_a_turn_is_found_by_what_it_means(make_cairn):
    cairn = make_cairn(env={"CAIRN_MODEL": str(MODEL)})
    session = fill(cairn)
    model = wait_for_vectors(cairn, len(SAID))
    assert model["dimensions"] == 384 and model["id"].startswith("all-MiniLM-L6-v2@")
    for question, i in ASKED.items():
        best = ask(cairn, session, question)[0]
        assert best["content"] == SAID[i], question
        assert best["why"]["meaning"] > 0


def test_without_a_model_words_decide_and_it_says_so(make_cairn):
    cairn = make_cairn(env={"CAIRN_MODEL": "off"})
    session = fill(cairn)
    model = cairn.http.get("/health/memory").json()["embedding_model"]
    assert model["loaded"] is False and "words alone" in model["note"]
    assert [r["content"] for r in ask(cairn, session, "the unpaid invoice")][0] == SAID[1]
    assert all(r["why"]["meaning"] == 0 for r in ask(cairn, session, "the unpaid invoice"))
