"""The API's page in a real browser (Debian's chromium): it shows every operation, on wide and narrow screens, in dark
and light, and takes nothing from elsewhere."""

import json
import os
import shutil
import subprocess

import pytest

from conftest import ROOT


def seen(cairn, width, scheme, tmp_path):
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not there: tools/setup test installs it"
    env = {**os.environ, "NODE_MODULES": str(ROOT / "build/node"), "CHROMIUM": chromium, "HOME": str(tmp_path)}
    done = subprocess.run(["node", ROOT / "tests/e2e/page.mjs", cairn.url + "/docs", str(width), scheme,
                           tmp_path / "page.png"], capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("width,scheme", [(1200, "light"), (400, "dark")])
def test_the_page_shows_every_operation_and_needs_nothing_else(cairn, tmp_path, width, scheme):
    page = seen(cairn, width, scheme, tmp_path)
    paths = cairn.get("/openapi.json")["paths"]
    assert sorted(page["operations"]) == sorted(f"{m.upper()} {p}" for p, methods in paths.items() for m in methods)
    assert page["errors"] == []
    assert [u for u in page["asked"] if not u.startswith("data:")] == [cairn.url + "/docs"]
    assert page["open"] == 1, "an operation does not open"
    assert page["overflow"] <= 0, "the page is wider than the screen"
    assert page["dark"] == (scheme == "dark") and page["background"] == "light dark"


def test_no_script_and_nothing_from_elsewhere_may_be_loaded(cairn):
    r = cairn.http.get("/docs")
    assert "default-src 'none'" in r.headers["Content-Security-Policy"]
    assert "<script" not in r.text and "src=" not in r.text
    assert r.text.count("<details>") == r.text.count("</details>") > 50
