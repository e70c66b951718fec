"""`cairn redact --spans` on labelled texts: the same judge and the same bars as bench/pii.py."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT, binary

sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench"))
import pii  # noqa: E402
import pii_made  # noqa: E402

needs_data = pytest.mark.skipif(not (pii.DATA / "pii" / "generated_large.json").exists(),
                                reason=f"there is no labelled data in {pii.DATA}/pii")


@needs_data
def test_the_bars_on_the_shared_sentences_and_on_locomo():
    clean = pii.false_finds(binary(), pii.locomo())
    missed = [b for b in pii.bars(pii.judge(binary(), pii.shared()), clean) if not b["met"]]
    assert not missed
    assert clean["characters"] > 700_000


def test_the_same_quality_on_texts_of_other_forms():
    made = pii.judge(binary(), pii_made.cases(2800, seed=77))
    assert {t for t, f in made.items() if f["gold"] < 100} == set()
    for t, f in made.items():
        assert (f["precision"] >= 0.98 and f["recall"] >= 0.98), (t, f)


def test_what_only_looks_alike_stays():
    texts = [text for text, _ in pii_made.misses()]
    taken = [(t, s) for t, found in zip(texts, pii.spans(binary(), texts), strict=True) for s in found]
    assert taken == []


def test_masked_texts_hold_no_value_and_nothing_more_to_mask():
    cases = [c for c in pii_made.cases(1400, seed=5) if "%" not in c[0]]
    text = "\n\n".join(t for t, _ in cases)

    def redact(given):
        run = subprocess.run([binary(), "redact"], input=given, capture_output=True, text=True, check=True)
        return run.stdout

    once = redact(text)
    left = [v for t, gold in cases for v in (t[a:b] for a, b, kind in gold if kind != "phone" or b - a > 8) if v in once]
    assert left == []
    assert redact(once) == once


def test_offsets_are_in_code_points():
    (found,) = pii.spans(binary(), ["Grüße 👋 an anna@example.com"])
    assert [(s["start"], s["end"], s["type"]) for s in found] == [(11, 27, "email")]
    assert json.dumps(found)
