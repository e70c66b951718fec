"""The manual page: clean for both readers of manuals, and nothing left out."""

import json
import re
import subprocess

import pytest

from conftest import binary


@pytest.fixture(scope="module")
def page():
    return subprocess.run([binary(), "man"], capture_output=True, text=True, timeout=60, check=True).stdout


def test_groff_has_nothing_to_complain_of(page):
    done = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_mandoc_has_nothing_to_complain_of(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, capture_output=True, text=True,
                          timeout=60)
    wrong = [line for line in done.stdout.splitlines() if "missing date" not in line]  # a build has no date, a version has
    assert not wrong, "\n".join(wrong[:20])


def test_it_names_every_command_flag_and_setting(page):
    shown = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200"], input=page, capture_output=True, text=True,
                           timeout=60).stdout
    shown = re.sub(".\b", "", shown)  # bold and underlined by overstriking
    overview = subprocess.run([binary(), "help"], capture_output=True, text=True, timeout=60).stdout
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", overview, re.M)
    assert len(commands) > 15 and not [c for c in commands if f"cairn {c}" not in shown]
    flags = re.findall(r"^  (--\S+)", subprocess.run([binary(), "help", "serve"], capture_output=True, text=True,
                                                     timeout=60).stdout, re.M)
    assert len(flags) > 5 and not [f for f in flags if f not in shown]
    settings = json.loads(subprocess.run([binary(), "config", "--json"], capture_output=True, timeout=60).stdout)
    assert not [s["name"] for s in settings if s["name"] not in shown]
