"""`cairn call`: every operation by its name, and commands of two words."""

import json

import pytest


@pytest.fixture
def folder(make_cairn):
    """A data folder without a server."""
    return make_cairn(start=False)


@pytest.fixture(params=["with a server", "without"])
def either(make_cairn, request):
    return make_cairn(start=request.param == "with a server")


def test_alone_it_lists_the_operations(folder):
    names = [o["name"] for o in json.loads(folder.run("call", "--json").stdout)]
    assert {"session.create", "recall", "agent.update", "status"} <= set(names)
    assert "chat.completions" not in names  # through the proxy only
    lines = folder.run("call").stdout.splitlines()
    assert len(lines) == len(names) + 1 and lines[1].startswith(names[0])


def test_arguments_as_words_flags_and_json(either):
    def ids(*args, input=None):
        return json.loads(either.run("call", *args, "--json", input=input).stdout)["session_id"]

    made = [ids("session.create", "title=by word", "user_id=mira"), ids("session.create", "--title", "by flag"),
            ids("session.create", "-", input='{"title": "by JSON é", "tags": ["a"], "user_id": null}'),
            ids("session.create", "-", "user_id=mira", input='{"title": "both"}')]
    shown = [json.loads(either.run("call", "session.get", f"id={i}", "--json").stdout) for i in made]
    assert [s["title"] for s in shown] == ["by word", "by flag", "by JSON é", "both"]
    assert [s.get("user_id") for s in shown] == ["mira", None, None, "mira"]
    assert shown[2]["tags"] == ["a"]


def test_records_take_their_fields(either):
    either.run("call", "agent.create", "name=ada", "temperature=0.25")
    either.run("call", "agent.create", "-", input='{"name": "bob", "capabilities": ["math"]}')
    agents = {a["name"]: a for a in json.loads(either.run("call", "agent.list", "--json").stdout)}
    assert agents["ada"]["temperature"] == 0.25 and agents["bob"]["capabilities"] == ["math"]
    both = either.run("call", "agent.create", "-", "name=x", input='{"name": "y"}', check=False)
    assert both.returncode == 2 and "not both" in both.stderr


def test_a_body_that_may_hold_anything(either):
    session = json.loads(either.run("call", "session.create", "--json").stdout)["session_id"]
    done = either.run("call", "session.preferences", f"session_id={session}", "-", "--json", input='{"colour": "blue"}')
    assert json.loads(done.stdout)["updated_preferences"]["colour"] == "blue"


@pytest.mark.parametrize("args, input, said", [
    (["sesion.get"], None, 'did you mean "session.get"?'),
    (["session.get"], None, "session.get is missing its id"),
    (["session.create", "titel=x"], None, 'does not know what to do with "titel=x"'),
    (["session.create", "-"], '{"titel": "x"}', 'unknown member "titel"; did you mean "title"?'),
    (["session.create", "-"], '["x"]', "must hold a JSON object, not an array"),
    (["session.create", "-"], '{"title": ', "JSON"),
    (["session.create", "-"], "", "empty"),
    (["session.create", "-", "title=a"], '{"title": "b"}', "title is given twice"),
    (["session.list", "limit=0"], None, "limit must be from 1 to 1000"),
    (["chat.completions"], None, "POST /v1/chat/completions"),
])
def test_what_is_wrong_is_said(folder, args, input, said):
    done = folder.run("call", *args, input=input, check=False)
    assert done.returncode == 2 and said in done.stderr and not done.stdout


def test_a_text_with_odd_bytes_goes_through_whole(either):
    text = "a\u0000b --title=x\n= é"
    either.run("call", "turn.remember", "-", input=json.dumps({"text": text, "session": "odd"}))
    assert [t["content"] for t in json.loads(either.run("list", "turns", "--json").stdout)] == [text]


def test_help_for_an_operation(folder):
    shown = folder.run("call", "session.create", "--help").stdout
    assert "cairn call session.create" in shown and "--title" in shown
    assert "key=value" in folder.run("call", "--help").stdout


def test_commands_of_two_words(either):
    session = json.loads(either.run("call", "session.create", "--json").stdout)["session_id"]
    done = either.run("session", "archive", session, "--json")
    assert json.loads(done.stdout)["status"] == "archived"
    assert "session archive" in either.run("help").stdout
    assert "usage: cairn session archive" in either.run("help", "session", "archive").stdout
    for words, said in ((["session"], "session needs a second word"),
                        (["session", "archiv"], 'did you mean "session archive"?')):
        done = either.run(*words, check=False)
        assert done.returncode == 2 and said in done.stderr
