"""`cairn redact` on standard input: spans of JSON lines, masked text of any length, detectors and masks of the configuration."""

import json
import subprocess

import pytest
from conftest import binary


def redact(tmp_path, *args, text="", config=None, check=True):
    command = [binary(), "redact", "--data", str(tmp_path / "data"), *args]
    if config is not None:
        (tmp_path / "cairn.toml").write_text(config)
        command += ["--config", str(tmp_path / "cairn.toml")]
    done = subprocess.run(command, input=text.encode() if isinstance(text, str) else text, capture_output=True, timeout=120)
    assert not check or done.returncode == 0, done.stderr.decode()
    return done


def spans(tmp_path, *texts, **more):
    done = redact(tmp_path, "--spans", text="".join(json.dumps({"text": t}) + "\n" for t in texts), **more)
    return [json.loads(line)["spans"] for line in done.stdout.decode().splitlines()]


def test_spans_are_in_characters(tmp_path):
    text = "été 😀 mail bob.jones@example.com, SSN 123-45-6789"
    (found,) = spans(tmp_path, text)
    assert [(s["type"], text[s["start"]:s["end"]]) for s in found] == [("email", "bob.jones@example.com"), ("ssn", "123-45-6789")]
    assert all(0.5 <= s["confidence"] <= 1 for s in found)


def test_a_line_in_gives_a_line_out(tmp_path):
    done = redact(tmp_path, "--spans", text='{"text":"a"}\n\n{"text":"x@example.com","more":1}\n{"text":""}')
    lines = done.stdout.decode().split("\n")
    assert lines[0] == lines[3] == '{"spans":[]}' and lines[1] == "" and len(json.loads(lines[2])["spans"]) == 1


@pytest.mark.parametrize("line, part", [("nonsense", "line 2 is no JSON"), ('{"txt":"a"}', 'line 2 is not an object with a text'),
                                        ("[1]", "line 2 is not an object"), ('{"text":"\\ud800"}', "line 2 is no JSON")])
def test_a_wrong_line_is_named(tmp_path, line, part):
    done = redact(tmp_path, "--spans", text='{"text":"a"}\n' + line + "\n", check=False)
    assert done.returncode == 2 and part in done.stderr.decode()


def test_levels(tmp_path):
    text = "anna@example.com at 84.23.99.7 pays with 4111 1111 1111 1111"
    shown = {level: redact(tmp_path, "--level", level, text=text).stdout.decode() for level in ("PUBLIC", "TEAM", "PRIVATE")}
    assert shown["PUBLIC"] == "a***@example.com at **.**.**.* pays with **** **** **** 1111"
    assert shown["TEAM"] == "a***@example.com at 84.23.99.7 pays with **** **** **** 1111"
    assert shown["PRIVATE"] == "anna@example.com at 84.23.99.7 pays with **** **** **** 1111"


def test_a_long_text_keeps_all_but_what_is_masked(tmp_path):
    """Two megabytes through a pipe, with an address in every line, at every offset of the pieces it is read in."""
    lines = [f"{i} {'the river is cold ' * (i % 7)}write to user{i}@example.com now" for i in range(20000)]
    out = redact(tmp_path, text="\n".join(lines)).stdout.decode().split("\n")
    assert out == [line.replace(f"user{i}@", "u***@") for i, line in enumerate(lines)]


def test_bytes_that_are_no_text_pass(tmp_path):
    data = bytes(range(256)) * 40
    assert redact(tmp_path, text=data).stdout == data


def test_detectors_and_masks_of_ones_own(tmp_path):
    config = """[privacy]
allow = ["*@example.org"]
redaction_char = "█"
[privacy.custom.employee]
pattern = 'EMP-[0-9]{6}'
context = "staff|employee"
level = "TEAM"
"""
    out = redact(tmp_path, text="staff EMP-123456, a.b@example.org, a.b@example.com", config=config).stdout.decode()
    assert out == "staff ████████, a.b@example.org, a███@example.com"
    assert [s["type"] for s in spans(tmp_path, "employee EMP-123456", config=config)[0]] == ["employee"]
    marks = redact(tmp_path, text="anna@example.com", config="[privacy]\npreserve_format = false\n").stdout.decode()
    assert marks == "[EMAIL]"


@pytest.mark.parametrize("config, part", [
    ("[privacy.custom.a]\npattern = '('\n", "privacy.custom.a: at character 2"),
    ("[privacy.custom.a]\npattern = '(a+)+b'\n", "privacy.custom.a: the pattern takes too many steps"),
    ("[privacy.custom.a]\npattern = 'x*'\n", "privacy.custom.a: the pattern matches where there is nothing"),
    ("[privacy]\npii_types_to_detect = ['emial']\n", 'did you mean "email"?'),
    ("[privacy]\nredaction_char = 'x'\n", "privacy.redaction_char must be"),
    ("[privacy.custom.a]\npatern = 'x'\n", 'there is no setting "privacy.custom.a.patern"'),
])
def test_a_wrong_configuration_is_told_at_start(tmp_path, config, part):
    done = redact(tmp_path, text="x", config=config, check=False)
    assert done.returncode == 2 and part in done.stderr.decode() and not done.stdout
