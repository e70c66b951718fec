"""Completion scripts, asked by the shells themselves: all three offer the same."""

import json
import shutil
import subprocess

import pytest

from conftest import binary

SHELLS = ["bash", "zsh", "fish"]


def quoted(words):
    return " ".join("'" + w + "'" for w in words)


def ask_bash(script, words):
    return f"""source {script}
COMP_WORDS=({quoted(words)}); COMP_CWORD={len(words) - 1}; _cairn; printf '%s\\n' "${{COMPREPLY[@]}}" """


def ask_zsh(script, words):
    """compadd works inside the line editor only: here it prints what fits the word."""
    return f"""source {script}
compadd() {{ while [ "$1" != -- ]; do shift; done; shift; for w in "$@"; do case $w in {words[-1]}*) print -r -- $w;; esac; done }}
_files() {{ print -rl -- {words[-1]}*(N) }}
words=({quoted(words)}); CURRENT={len(words)}; _cairn"""


def ask_fish(script, words):
    return f"source {script}; complete -C '{' '.join(words)}'"


ASK = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish}
QUIET = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}


@pytest.fixture(scope="module", params=SHELLS)
def complete(request, tmp_path_factory):
    """complete("cairn", "ser") in each shell: the set of what it offers."""
    shell = request.param
    assert shutil.which(shell), f"{shell} is missing; tools/setup test installs it"
    folder = tmp_path_factory.mktemp(shell)
    script = folder / "script"
    script.write_text(subprocess.run([binary(), "completions", shell], capture_output=True, text=True, check=True,
                                     timeout=60).stdout)
    checked = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")

    def run(*words, cwd=folder):
        done = subprocess.run([shell, *QUIET[shell], "-c", ASK[shell](script, words)], capture_output=True, text=True,
                              timeout=60, cwd=cwd, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)})
        assert done.stderr == "", done.stderr
        return {line.split("\t")[0] for line in done.stdout.splitlines() if line}

    run.folder = folder
    return run


def names(*args):
    out = subprocess.run([binary(), *args, "--json"], capture_output=True, text=True, timeout=60, check=True).stdout
    return {entry["name"] for entry in json.loads(out)}


def test_commands(complete):
    assert complete("cairn", "ser") == {"serve"}
    assert {"serve", "recall", "list", "session", "call", "config", "help"} <= complete("cairn", "")
    assert "docs" not in complete("cairn", "")  # hidden
    assert complete("cairn", "help", "reca") == {"recall"}


def test_second_words(complete):
    assert "archive" in complete("cairn", "session", "")


def test_flags(complete):
    assert complete("cairn", "serve", "--lis") == {"--listen"}
    assert complete("cairn", "recall", "--max-r") == {"--max-results"}
    assert {"--data", "--json"} <= complete("cairn", "stats", "--")


def test_kinds_their_filters_and_fields(complete):
    assert complete("cairn", "list", "sess") == {"sessions"}
    assert complete("cairn", "show", "sess") == {"session"}
    assert "--cursor" in complete("cairn", "list", "sessions", "--c")
    assert "--cursor" in complete("cairn", "list", "session", "--c")
    assert complete("cairn", "add", "agent", "tempe") == {"temperature="}


def test_values_of_flags(complete):
    assert complete("cairn", "serve", "--log-level", "") == {"debug", "info", "warn", "error", "off"}
    assert complete("cairn", "list", "sessions", "--status", "a") == {"active", "archived"}
    assert complete("cairn", "schema", "--dialect", "p") == {"postgres"}


def test_flags_before_the_command(complete):
    assert complete("cairn", "--data", "/somewhere", "--json", "list", "sess") == {"sessions"}


def test_files_after_flags_that_name_one(complete):
    (complete.folder / "here.toml").write_text("")
    assert "here.toml" in complete("cairn", "config", "--check", "her")


def test_every_operation_and_setting_is_offered(complete):
    assert names("call") <= complete("cairn", "call", "")
    assert names("config") <= complete("cairn", "config", "")
    assert complete("cairn", "call", "session.get", "i") == {"id="}


def test_nothing_in_a_script_is_run():
    """No name of a table holds what a shell would expand."""
    for shell in SHELLS:
        script = subprocess.run([binary(), "completions", shell], capture_output=True, text=True, check=True).stdout
        found = [line for line in script.splitlines() if "found='" in line or "string split ' ' -- '" in line]
        assert len(found) > 50 and not [line for line in found if set(line) & set("$`\\\"")]


def test_another_shell_is_refused():
    done = subprocess.run([binary(), "completions", "tcsh"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "bash" in done.stderr
