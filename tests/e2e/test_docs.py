"""The reference pages under docs/ are what the tables say today."""

import json
import subprocess

import pytest

from conftest import ROOT, binary


def page(name):
    return subprocess.run([binary(), "docs", name], capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("name", ["operations", "records", "configuration"])
def test_the_page_that_is_checked_in_is_up_to_date(name):
    written = (ROOT / "docs" / f"{name}.md").read_text()
    assert written == page(name), f"docs/{name}.md is not what the tables say any more: run `make docs` and commit it"


def test_every_operation_and_setting_has_its_place():
    def ask(*args):
        return json.loads(subprocess.run([binary(), *args, "--json"], capture_output=True, timeout=60).stdout)

    operations, settings = page("operations"), page("configuration")
    assert not [o["name"] for o in ask("call")
                if f"\n## {o['name']}\n" not in operations and f"| `{o['name']}` |" not in operations]
    assert not [s["name"] for s in ask("config") if settings.count(f"| `{s['name']}` |") != 1]


def test_tables_are_well_formed():
    for name in ("operations", "records", "configuration"):
        columns = None
        for line in page(name).splitlines():
            if not line.startswith("|"):
                columns = None
                continue
            n = line.replace("\\|", "").count("|")
            assert columns in (None, n), line
            columns = n
