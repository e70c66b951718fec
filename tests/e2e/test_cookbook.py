"""docs/cookbook.md: every recipe is run as it stands, and prints what the page says."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import ROOT, Cairn, binary, free_port

PAGE = (ROOT / "docs" / "cookbook.md").read_text()
RECIPES = [(m.group(1), m.group(2)) for m in re.finditer(r"^## \d+\. (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)]
RUN = {"sh": ["bash", "-eu"], "python": [sys.executable, "-"], "js": ["node", "--input-type=module", "-"]}


def blocks(recipe, kinds):
    return [(m.group(1), m.group(2)) for m in re.finditer(r"^```(\w+)\n(.*?)^```$", recipe, re.S | re.M) if m.group(1) in kinds]


@pytest.fixture(scope="module")
def server(tmp_path_factory, upstream_server):
    upstream_server.reset()
    c = Cairn(tmp_path_factory.mktemp("cookbook") / "data", upstream_server.url).start()
    yield c
    c.http.close()
    assert c.stop() == 0, c.log()


def test_there_are_ten_recipes_each_with_code_and_what_it_prints():
    assert len(RECIPES) == 10
    for title, recipe in RECIPES:
        assert blocks(recipe, RUN) and blocks(recipe, {"output"}), title


@pytest.mark.parametrize("title,recipe", RECIPES, ids=[t.replace(" ", "-") for t, _ in RECIPES])
def test_the_recipe_prints_what_the_page_says(server, tmp_path, title, recipe):
    env = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_") and k != "OPENAI_API_KEY"}
    env.update({"CAIRN_URL": server.url, "CAIRN_DATA": str(server.data), "FREE_PORT": str(free_port()), "CAIRN_MODEL": "off",
                "PATH": f"{pathlib.Path(binary()).resolve().parent}:{env['PATH']}", "HOME": str(tmp_path),
                "XDG_CONFIG_HOME": str(tmp_path)})
    (tmp_path / "node_modules").symlink_to(ROOT / "build/node/node_modules")
    printed = ""
    for kind, code in blocks(recipe, RUN):
        done = subprocess.run(RUN[kind], input=code, capture_output=True, text=True, timeout=40, env=env, cwd=tmp_path)
        assert done.returncode == 0, f"{title}:\n{done.stdout}{done.stderr}"
        printed += done.stdout
    for _, output in blocks(recipe, {"output"}):
        for line in output.splitlines():
            wanted = ".*".join(re.escape(part) for part in line.split("…"))
            assert re.search(rf"^{wanted}$", printed, re.M), f"{title}: no line {line!r} in:\n{printed}"
