"""Configuration: which source counts, what is refused, and that secrets are never shown."""

import json
import os
import subprocess

import pytest

from conftest import binary, free_port


@pytest.fixture
def folder(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


def toml(cairn, text, name="cairn.toml"):
    path = cairn.data / name
    path.write_text(text)
    return str(path)


def shown(cairn, name, *args, env=None):
    (setting,) = json.loads(cairn.run("config", name, "--json", *args, env=env).stdout)
    return setting["value"], setting["from"]


def serve(cairn, *args, env=None):
    """A server that should refuse to start: its status and what it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_") and k != "OPENAI_API_KEY"}
    environment.update({"XDG_CONFIG_HOME": str(cairn.data.parent / "config"), **(env or {})})
    done = subprocess.run([binary(), "serve", "--data", str(cairn.data), *args], capture_output=True, text=True,
                          timeout=60, env=environment)
    return done.returncode, done.stderr


def test_environment_over_file_over_default(folder):
    assert shown(folder, "memory.tokens") == (1500, "default")
    file = toml(folder, "[memory]\ntokens = 700\n")
    assert shown(folder, "memory.tokens") == (700, f"{file}:2")
    assert shown(folder, "memory.tokens", env={"CAIRN_MEMORY_TOKENS": "800"}) == (800, "CAIRN_MEMORY_TOKENS")
    assert shown(folder, "memory.tokens", env={"CAIRN_MEMORY_TOKENS": ""}) == (700, f"{file}:2")


def test_a_flag_of_serve_goes_over_all(make_cairn):
    cairn = make_cairn(start=False)  # its --listen is a flag
    toml(cairn, f'[server]\nlisten = "127.0.0.1:{free_port()}"\n')
    cairn.env = {"CAIRN_LISTEN": f"127.0.0.1:{free_port()}"}
    cairn.start()
    assert cairn.get("/health")["status"]


def test_where_the_file_is_looked_for(folder, tmp_path):
    home = tmp_path / "config"
    (home / "cairn").mkdir(parents=True)
    (home / "cairn" / "cairn.toml").write_text("[memory]\ntokens = 100\n")
    assert shown(folder, "memory.tokens")[0] == 100
    toml(folder, "[memory]\ntokens = 200\n")
    assert shown(folder, "memory.tokens")[0] == 200  # and not both together
    by_variable = toml(folder, "[memory]\ntokens = 300\n", "by_variable.toml")
    assert shown(folder, "memory.tokens", env={"CAIRN_CONFIG": by_variable})[0] == 300
    by_flag = toml(folder, "[memory]\ntokens = 400\n", "by_flag.toml")
    assert shown(folder, "memory.tokens", "--config", by_flag, env={"CAIRN_CONFIG": by_variable})[0] == 400
    missing = folder.run("config", "--config", "/nowhere/cairn.toml", check=False)
    assert missing.returncode == 2 and "there is no configuration file /nowhere/cairn.toml" in missing.stderr


def test_an_unknown_key_names_the_nearest(folder):
    toml(folder, "[memory]\n\ntoken = 3\n")
    status, said = serve(folder)
    assert status == 2
    assert 'cairn.toml:3: there is no setting "memory.token"; did you mean "memory.tokens"?' in said
    done = folder.run("config", "memory.token", check=False)
    assert done.returncode == 2 and 'did you mean "memory.tokens"?' in done.stderr


@pytest.mark.parametrize("text, said", [
    ("[memory]\ntokens = 49\n", 'cairn.toml:2: memory.tokens must be a whole number from 50 to 1000000, not "49"'),
    ("[memory]\ntokens = \"many\"\n", "memory.tokens must be a whole number from 50 to 1000000, not text in quotes"),
    ("[server]\nlog_level = \"loud\"\n", 'one of debug|info|warn|error|off, not "loud"'),
    ("[server]\nlisten = 5111\n", "server.listen must be a line of 3 to 300 bytes in quotes, not a number"),
    ("[server\n", "cairn.toml:1: this is not TOML"),
    ("\xff\xfe", "this is not TOML"),
])
def test_a_bad_value_in_the_file(folder, text, said):
    file = toml(folder, "")
    with open(file, "wb") as f:
        f.write(text.encode("latin-1"))
    status, words = serve(folder)
    assert status == 2 and said in words
    checked = folder.run("config", "--check", file, check=False)
    assert checked.returncode == 2 and said in checked.stderr


def test_a_bad_value_in_a_variable_or_flag(folder):
    status, said = serve(folder, env={"CAIRN_CONNECT_TIMEOUT": "soon"})
    assert status == 2
    assert 'CAIRN_CONNECT_TIMEOUT: upstream.connect_seconds must be a whole number from 1 to 3600, not "soon"' in said
    status, said = serve(folder, "--connect-timeout", "0")
    assert status == 2 and "--connect-timeout: upstream.connect_seconds must be" in said
    status, said = serve(folder, "--upstream-key", "sk-secret")
    assert status == 2 and "has no flag --upstream-key" in said and "sk-secret" not in said


def test_secrets_are_never_shown(make_cairn):
    secret = "sk-0123456789abcdef"
    cairn = make_cairn(start=False, env={"CAIRN_LOG_LEVEL": "debug"})
    file = toml(cairn, f'[upstream]\nkey = "{secret}"\n')
    cairn.start()
    assert shown(cairn, "upstream.key") == ("set", f"{file}:2")
    seen = [cairn.run("config").stdout, cairn.run("config", "--json").stdout, cairn.get("/health/memory"), cairn.log()]
    cairn.stop()
    for env in ({"CAIRN_UPSTREAM_KEY": secret}, {"OPENAI_API_KEY": secret}, {"CAIRN_UPSTREAM_KEY": secret + "\x01"}):
        done = cairn.run("config", check=False, env=env)
        seen += [done.stdout, done.stderr]
    for line in (f"key = {secret}", f'key = "{secret}', f'key = "{secret}" "{secret}"', f'key "{secret}"', secret):
        toml(cairn, "[upstream]\n" + line + "\n")
        done = cairn.run("config", check=False)
        assert done.returncode == 2
        seen += [done.stdout, done.stderr]
    assert not [s for s in seen if secret[:8] in str(s)]


def test_another_programs_key_is_the_last_resort(make_cairn, upstream):
    """OPENAI_API_KEY is for whoever else runs here: a key that was set for Cairn must not be replaced by it."""
    cairn = make_cairn(start=False, env={"OPENAI_API_KEY": "sk-other"})
    assert shown(cairn, "upstream.key", env={"OPENAI_API_KEY": "sk-other"}) == ("set", "OPENAI_API_KEY")
    file = toml(cairn, '[upstream]\nkey = "sk-file"\n')
    assert shown(cairn, "upstream.key", env={"OPENAI_API_KEY": "sk-other"}) == ("set", f"{file}:2")
    env = {"OPENAI_API_KEY": "sk-other", "CAIRN_UPSTREAM_KEY": "sk-own"}
    assert shown(cairn, "upstream.key", env=env) == ("set", "CAIRN_UPSTREAM_KEY")


def test_a_section_and_a_plain_table(folder):
    lines = folder.run("config", "memory").stdout.splitlines()
    assert lines[0].split() == ["setting", "value", "from"]
    assert all(line.startswith("memory.") for line in lines[1:]) and len(lines) >= 4
    every = folder.run("config").stdout
    assert "\x1b" not in every and "server.listen" in every


def test_commands_without_a_server_take_the_file_too(folder):
    toml(folder, "[memory]\ntokens = 1\n")
    done = folder.run("remember", "a text", check=False)
    assert done.returncode == 2 and "cairn.toml:2: memory.tokens must be" in done.stderr
    toml(folder, "[memory]\ntokens = 500\n")
    folder.run("remember", "a text")


def test_checking_a_file_says_that_it_is_in_order(folder):
    file = toml(folder, "# a comment\n[memory]\ntokens = 500\n[upstream]\n", "new.toml")
    assert folder.run("config", "--check", file).stdout == f"{file} is in order: 1 setting\n"
    assert json.loads(folder.run("config", "--check", file, "--json").stdout) == {"ok": True, "settings": 1}
