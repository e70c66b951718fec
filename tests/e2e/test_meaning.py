"""Recall by meaning with the real model: skipped where tools/get-model has not brought it."""
import os
import pathlib
import time

import pytest
import tiny_model
from conftest import eventually

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


def health(cairn):
    return cairn.get("/health/memory")["embedding_model"]


def test_a_folder_without_a_model_is_told_and_words_decide(make_cairn, tmp_path):
    broken = tiny_model.make(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"\x10" * 100)
    for i, (folder, said) in enumerate([(tmp_path / "none", "there is no model in"), (broken, "model.safetensors")]):
        cairn = make_cairn(name=f"data{i}", env={"CAIRN_MODEL": str(folder)})
        problem = eventually(lambda: health(cairn).get("problem"), what="a problem")
        assert said in problem and health(cairn)["loading"] is False and "words alone" in health(cairn)["note"]
        assert "model_not_loaded" in cairn.log() and "words alone" in cairn.log()
        session = fill(cairn)
        assert ask(cairn, session, "the unpaid invoice")[0]["content"] == SAID[1]


def test_without_a_model_the_log_says_so_once(make_cairn):
    cairn = make_cairn(env={"CAIRN_MODEL": "off"})
    fill(cairn)
    assert cairn.log().count("no_model") == 1 and "recall works by words alone" in cairn.log()


def test_a_model_in_the_data_folder_is_found(make_cairn, tmp_path):
    cairn = make_cairn(start=False, env={"CAIRN_MODEL": ""})
    tiny_model.make(cairn.data / "model")
    cairn.start()
    fill(cairn)
    wait_for_vectors(cairn, len(SAID))
    assert health(cairn)["id"].startswith("model@")
    said = cairn.run("model", env={"CAIRN_MODEL": ""}).stdout
    assert f"path        {cairn.data}/model" in said and "24" in said


def test_another_model_makes_its_own_vectors(make_cairn, tmp_path):
    """And the first one's go, once the second one's are all there; the two are never mixed."""
    one, two = tiny_model.make(tmp_path / "one", seed=1), tiny_model.make(tmp_path / "two", seed=2)
    cairn = make_cairn(env={"CAIRN_MODEL": str(one)})
    session = fill(cairn)
    first = wait_for_vectors(cairn, len(SAID))["id"]
    files = set((cairn.data / "index").glob("vectors-*"))
    cairn.stop()
    cairn.env["CAIRN_MODEL"] = str(two)
    cairn.start()
    assert ask(cairn, session, "the unpaid invoice")[0]["content"] == SAID[1]
    second = wait_for_vectors(cairn, len(SAID))["id"]
    assert first.split("@")[1] != second.split("@")[1]
    eventually(lambda: not any(f.exists() for f in files), what="the first model's vectors to go")
    # The very words that were embedded are nearest to themselves in either space, and in no mixture of both.
    best = ask(cairn, session, "ann: " + SAID[3])[0]
    assert best["content"] == SAID[3] and best["why"]["meaning"] > 0
    eventually(lambda: "vectors_of_other_models_removed" in cairn.log(), what="a word of it in the log")


def test_vectors_come_within_moments_of_the_write(make_cairn, tmp_path):
    """While many others are written too: a burst starves nobody, and no write waits for it."""
    cairn = make_cairn(env={"CAIRN_MODEL": str(tiny_model.make(tmp_path / "one"))})
    for _ in range(8):
        fill(cairn)
    model = wait_for_vectors(cairn, 8 * len(SAID))
    assert model["seconds_left"] == 0 and model["vectors_per_second"] > 0 and model["by"] == "this process"


def test_the_setting_and_the_flag_name_the_model(make_cairn, tmp_path):
    model = tiny_model.make(tmp_path / "by-flag")
    cairn = make_cairn(args=["--model", str(model)], env={"CAIRN_MODEL": ""})
    eventually(lambda: health(cairn).get("loaded"), what="the model")
    assert health(cairn)["id"].startswith("by-flag@")
    cairn.stop()
    cairn.args = []
    (cairn.data / "cairn.toml").write_text(f'[search]\nmodel = "{tiny_model.make(tmp_path / "by-file", seed=3)}"\n')
    cairn.start()
    eventually(lambda: health(cairn).get("id", "").startswith("by-file@"), what="the other model")


def test_packed_in_one_file(make_cairn, tmp_path):
    """The same model, the same vectors: nothing is made again."""
    model = tiny_model.make(tmp_path / "tiny")
    cairn = make_cairn(env={"CAIRN_MODEL": str(model)})
    fill(cairn)
    first = wait_for_vectors(cairn, len(SAID))
    packed = tmp_path / "tiny.cairn"
    assert "packed" in cairn.run("model", "--pack", str(packed), env={"CAIRN_MODEL": str(model)}).stdout
    texts = ["the river is cold", "blue in winter"]
    same = [cairn.run("embed", *texts, env={"CAIRN_MODEL": str(m)}).stdout
            for m in (model, packed)]
    assert same[0] == same[1] and len(same[0]) > 100
    cairn.stop()
    cairn.env["CAIRN_MODEL"] = str(packed)
    cairn.start()
    eventually(lambda: health(cairn).get("loaded"), what="the model")
    assert health(cairn)["id"] == first["id"] and health(cairn)["vectors"] == len(SAID) and health(cairn)["lag"] == 0
    # and in the data folder it is found by itself
    cairn.stop()
    cairn.env["CAIRN_MODEL"] = ""
    (cairn.data / "model.cairn").write_bytes(packed.read_bytes())
    cairn.start()
    assert eventually(lambda: health(cairn).get("id"), what="the model") == first["id"]
    # A damaged one is told, and words decide.
    cairn.stop()
    data = bytearray(packed.read_bytes())
    data[len(data) // 2] ^= 1
    (cairn.data / "model.cairn").write_bytes(data)
    cairn.start()
    assert eventually(lambda: health(cairn).get("problem"), what="a problem")
    assert health(cairn)["loaded"] is False
