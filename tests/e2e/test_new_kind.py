"""Adding a record kind takes one entry in the table of kinds and nothing else: src/record/kinds.c is copied, one entry is
put in, that one file is compiled and linked with the other objects, and the new kind is there: in the store that was made
before, over REST, on the command line and in the API's description."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT, binary
from rest import conversation, refused, session, turn, turns

ENTRY = """
    {
    .name = "recipe", .plural = "recipes", .id_prefix = "rcp", .id_name = "recipe_id",
    .order = "created_at DESC", .help = "How to cook something",
    FIELDS(
        {"title", FIELD_TEXT, FIELD_REQUIRED | FIELD_INDEXED | PROSE, 1, NAME_MAX_LEN, NULL, NULL, "Its name"},
        {"course", FIELD_ENUM, FIELD_FILTER, 0, 0, "\\"main\\"", "starter|main|dessert", "Where it belongs"},
        {"minutes", FIELD_INT, FIELD_FILTER, 1, 1440, NULL, NULL, "Time it takes"},
        {"vegan", FIELD_BOOL, FIELD_FILTER, 0, 0, "false", NULL, "Without anything from animals"},
        {"rating", FIELD_REAL, 0, 0, 5, "3.5", NULL, "How good it is"},
        {"cooked_at", FIELD_TIME, 0, 0, 0, NULL, NULL, "When it was last made"},
        {"ingredients", FIELD_ARRAY, 0, 0, 64 * KB, "[]", NULL, "What goes in"},
        {"nutrition", FIELD_OBJECT, 0, 0, 64 * KB, "{}", NULL, "What is in it"},
        {"source", FIELD_TEXT, FIELD_FIXED, 0, KB, NULL, NULL, "Who it is from"})},
"""


def commands():
    """Make's own: how kinds.c is compiled and how the binary under test is linked."""
    out = pathlib.Path(binary()).resolve().parent
    variant = next((v for v in ("asan", "tsan") if v in out.name), "release")
    out = os.path.relpath(out, ROOT)
    printed = subprocess.run(["make", "-n", "-W", "src/record/kinds.c", f"OUT={out}", f"VARIANT={variant}", f"{out}/cairn"],
                             cwd=ROOT, capture_output=True, text=True, check=True).stdout.replace("\\\n", " ")
    compile_, link = None, None
    for line in printed.splitlines():
        if re.search(r"-c -o \S+ src/record/kinds\.c", line):
            compile_ = line
        elif f"-o {out}/cairn " in line:
            link = line
    assert compile_ and link, printed[-3000:]
    return compile_.lstrip("@ "), link.lstrip("@ "), out


@pytest.fixture(scope="module")
def other_binary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kind")
    source = (ROOT / "src" / "record" / "kinds.c").read_text()
    end = source.rindex("};\n/* clang-format on */")
    (folder / "kinds.c").write_text(source[:end] + ENTRY + source[end:])
    compile_, link, out = commands()
    object_ = f"{out}/obj/record/kinds.o"
    compile_ = compile_.replace("src/record/kinds.c", f"{folder}/kinds.c").replace(object_, f"{folder}/kinds.o")
    link = link.replace(object_, f"{folder}/kinds.o").replace(f"-o {out}/cairn ", f"-o {folder}/cairn ")
    subprocess.run(["bash", "-euc", compile_ + "\n" + link], cwd=ROOT, check=True)
    return str(folder / "cairn")


def test_one_entry_makes_a_kind(make_cairn, other_binary, monkeypatch):
    cairn = make_cairn()
    s = session(cairn, title="before")
    c = conversation(cairn, s)
    turn(cairn, c, "written by the binary that knows no recipes")
    assert cairn.http.get("/api/v1/recipes").status_code == 404
    cairn.stop()
    usual = binary()

    monkeypatch.setenv("CAIRN_BINARY", other_binary)
    cairn.start()
    assert len(turns(cairn, c)) == 1
    soup = {"title": "Lentil soup", "minutes": 40, "vegan": True, "ingredients": ["lentils", "water"],
            "nutrition": {"kcal": 320.5}, "source": "grandmother", "cooked_at": "2024-02-03T18:00:00+01:00"}
    made = cairn.post("/api/v1/recipes", soup, 201)
    assert re.fullmatch("rcp_[0-9a-f]{32}", made["id"]) and made["recipe_id"] == made["id"]
    want = {**soup, "course": "main", "rating": 3.5, "cooked_at": "2024-02-03T17:00:00.000Z", "project": "default"}
    assert {**made, **want} == made
    cairn.post("/api/v1/recipes", {"title": "Cake", "course": "dessert", "minutes": 90}, 201)
    assert cairn.get(f"/api/v1/recipes/{made['id']}") == made
    titles = lambda **q: [r["title"] for r in cairn.get("/api/v1/recipes", **q)]
    assert titles() == ["Cake", "Lentil soup"]
    assert titles(course="dessert") == ["Cake"] and titles(vegan="true") == ["Lentil soup"] and titles(minutes=90) == ["Cake"]
    changed = cairn.http.patch(f"/api/v1/recipes/{made['id']}", json={"rating": 4.5}).json()
    assert changed["rating"] == 4.5 and changed["version"] == 2 and changed["title"] == "Lentil soup"

    refused(cairn, "POST", "/api/v1/recipes", {}, field="title")
    refused(cairn, "POST", "/api/v1/recipes", {"title": "x", "minuts": 1}, field="minuts", says="did you mean \"minutes\"")
    refused(cairn, "POST", "/api/v1/recipes", {"title": "x", "course": "snack"}, field="course", says="starter")
    refused(cairn, "POST", "/api/v1/recipes", {"title": "x", "minutes": 0}, field="minutes")
    refused(cairn, "POST", "/api/v1/recipes", {"title": "x", "rating": 5.1}, field="rating")
    refused(cairn, "POST", "/api/v1/recipes", {"title": "x", "ingredients": "salt"}, field="ingredients")
    refused(cairn, "PATCH", f"/api/v1/recipes/{made['id']}", {"source": "me"}, field="source")
    refused(cairn, "GET", "/api/v1/recipes?course=snack", field="course")
    refused(cairn, "GET", "/api/v1/recipes/rcp_0", status=404, code="NOT_FOUND")

    api = cairn.get("/openapi.json")
    assert {"get", "post"} <= set(api["paths"]["/api/v1/recipes"])
    assert {"get", "patch", "delete"} <= set(api["paths"]["/api/v1/recipes/{id}"])
    assert "Time it takes" in json.dumps(api) and "dessert" in json.dumps(api)
    assert cairn.get("/api/v1/stats")["kinds"]["recipes"] == 2

    for server in (True, False):  # through the socket, then by opening the folder
        if not server:
            cairn.stop()
        added = json.loads(cairn.run("add", "recipe", "title=Bread", "minutes=240", 'ingredients=["flour"]', "--json").stdout)
        assert added["minutes"] == 240 and added["ingredients"] == ["flour"]
        assert "Bread" in cairn.run("list", "recipes").stdout
        listed = json.loads(cairn.run("list", "recipe", "--course", "dessert", "--json").stdout)
        assert [r["title"] for r in listed] == ["Cake"]
        assert json.loads(cairn.run("show", added["id"], "--json").stdout) == added
        cairn.run("edit", added["id"], "rating=5")
        cairn.run("remove", added["id"])
        assert "Bread" not in cairn.run("list", "recipes").stdout
        wrong = cairn.run("add", "recipe", "title=x", "minutes=long", check=False)
        assert wrong.returncode == 2 and "minutes" in wrong.stderr
    assert "How to cook something" in cairn.run("help", "list").stdout
    assert 'CREATE TABLE IF NOT EXISTS "recipe"' in cairn.run("schema").stdout
    assert json.loads(cairn.run("doctor", "--json").stdout)["ok"]

    cairn.start()
    gone = cairn.http.delete(f"/api/v1/recipes/{made['id']}")
    assert gone.status_code == 200 and titles() == ["Cake"]
    cairn.stop()
    monkeypatch.setenv("CAIRN_BINARY", usual)
    cairn.start()
    assert len(turns(cairn, c)) == 1, "and the binary without it goes on with the same folder"
