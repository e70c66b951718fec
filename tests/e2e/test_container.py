"""Dockerfile and compose.yaml. No image is built here: that takes a container engine and a registry. What can be checked
is: everything they name is there, their settings are settings, and the server behaves as they promise when started with
the very variables and commands that stand in them (on loopback, and in a folder of the test's)."""

import json
import re
import shlex

import pytest
import yaml

from conftest import ROOT


def stages():
    """[[instruction, rest]…] a stage"""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.M))
    found = []
    for line in filter(None, text.splitlines()):
        instruction, rest = line.split(None, 1)
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, rest))
    return found


def of(stage, instruction):
    return [rest for name, rest in stage if name == instruction]


@pytest.fixture(scope="module")
def final():
    return stages()[-1]


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["cairn"]


def variables(stage):
    return dict(pair.split("=", 1) for rest in of(stage, "ENV") for pair in shlex.split(rest))


def test_what_is_copied_is_in_the_sources():
    build, final = stages()
    ignored = (ROOT / ".dockerignore").read_text().split()
    for rest in of(build, "COPY"):
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists() and source not in ignored
    (copied,) = of(final, "COPY")
    where, source, _ = copied.split()
    assert where == "--from=build" and re.search(r"FROM .* AS build$", (ROOT / "Dockerfile").read_text(), re.M)
    assert source.startswith("/src/build/deb/cairn_") and of(build, "WORKDIR") == ["/src"]
    targets = re.findall(r"make (?:-j\S+ )?(\w+)", " ".join(of(build, "RUN")))
    assert targets == ["all", "deb"] and all(re.search(rf"^{t}:", (ROOT / "Makefile").read_text(), re.M) for t in targets)
    for needed in ("src", "include", "packaging", "examples", "docs", "tools", "Makefile", "CHANGELOG.md"):
        assert (ROOT / needed).exists() and needed not in ignored  # what make all and make deb read


def test_it_runs_as_somebody_who_owns_nothing_but_the_data(final):
    assert of(final, "USER") == ["cairn"] and of(final, "VOLUME") == ["/var/lib/cairn"]
    setup = " ".join(of(final, "RUN"))
    assert "useradd --system --uid 10001" in setup and "install -d -o cairn -g cairn -m 700 /var/lib/cairn" in setup


def test_the_server_it_starts_asks_for_tokens_and_is_healthy(final, make_cairn):
    env = variables(final)
    assert env.pop("CAIRN_DATA") == "/var/lib/cairn" and env.pop("CAIRN_LISTEN") == "0.0.0.0:5111"
    assert of(final, "ENTRYPOINT") == ['["cairn"]'] and of(final, "CMD") == ['["serve"]']
    cairn = make_cairn(env=env)
    assert cairn.http.get("/api/v2/status").status_code == 401
    made = json.loads(cairn.run("auth", "token", "--project", "web", "--json").stdout)
    assert cairn.http.get("/api/v2/status", headers={"Authorization": f"Bearer {made['token']}"}).status_code == 200
    check = json.loads(of(final, "HEALTHCHECK")[0].split("CMD ")[1])
    assert check[0] == "cairn" and cairn.run(*check[1:]).returncode == 0


def test_every_variable_is_a_setting(final, service, make_cairn):
    known = {s["variable"] if "variable" in s else s["name"] for s in
             json.loads(make_cairn(start=False).run("config", "--json").stdout)}
    text = (ROOT / "docs/configuration.md").read_text()
    for name in {**variables(final), **service["environment"]}:
        assert name in known or name == "CAIRN_DATA" or f"`{name}`" in text, name


def test_compose_publishes_on_loopback_only_and_gives_nothing_away(service):
    assert service["ports"] == ["127.0.0.1:5111:5111"]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["cairn-data:/var/lib/cairn"]
    whole = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert set(whole) == {"services", "volumes"} and set(whole["volumes"]) == {"cairn-data"}
    assert all(v == "${%s:-}" % k for k, v in service["environment"].items())  # no secret stands in the file
