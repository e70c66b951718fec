"""Checkpoints: by hand, by a hook of a git repository, by itself when a session is archived; and never changed."""

import json
import os
import pathlib
import subprocess

import pytest
from rest import conversation, refused, session, turn

from conftest import ROOT, Cairn, binary


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    c = Cairn(tmp_path_factory.mktemp("checkpoints") / "data").start()
    yield c
    c.http.close()
    assert c.stop() == 0, c.log()


def environment(folder, data, **more):
    """Of a program run in `folder`: no settings of whoever runs the tests, and no repository above the tests' own
    folders."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CAIRN_", "GIT_"))}
    return {**env, "CAIRN_DATA": str(data), "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "CAIRN_MODEL": "off",
            "GIT_CEILING_DIRECTORIES": str(data.parent.parent), "GIT_CONFIG_NOSYSTEM": "1",
            "PATH": f"{pathlib.Path(binary()).resolve().parent}:{env['PATH']}", **more}


def run(folder, data, *args, status=0, **more):
    done = subprocess.run([binary(), "checkpoint", *args], cwd=folder, capture_output=True, text=True, timeout=60,
                          env=environment(folder, data, **more))
    assert done.returncode == status, done.stdout + done.stderr
    return done


def git(folder, data, *args):
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, timeout=60,
                          env=environment(folder, data))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.fixture
def repository(server, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, server.data, "init", "-q")
    git(folder, server.data, "config", "user.name", "Ana")
    git(folder, server.data, "config", "user.email", "ana@example.org")
    return folder


def commit(server, folder, message):
    said = git(folder, server.data, "commit", "-q", "--allow-empty", "-m", message)[1]
    return git(folder, server.data, "rev-parse", "HEAD")[0], said


def kept(cairn, title):
    """The checkpoints of that title, newest first."""
    return [c for c in cairn.get("/api/v1/checkpoints", limit=100) if c["title"] == title]


def test_a_checkpoint_has_the_commit_of_the_folder_it_is_taken_in(server, repository):
    head, _ = commit(server, repository, "The lamp turns")
    below = repository / "src" / "lamp"
    below.mkdir(parents=True)
    s = session(server)
    done = run(below, server.data, "Lamp", "turns", "--session", s, "--message", "It turns\nevery ten seconds")
    assert (done.stdout, done.stderr) == ("", ""), "a hook that went well is silent"
    made, = kept(server, "Lamp turns")
    assert (made["git_commit"], made["session_id"], made["description"]) == (head, s, "It turns\nevery ten seconds")
    assert [c["checkpoint_id"] for c in server.get("/api/v1/checkpoints", git_commit=head)] == [made["checkpoint_id"]]
    second, _ = commit(server, repository, "The lamp is red")
    shown = json.loads(run(repository, server.data, "Lamp red", "--json").stdout)
    assert shown["git_commit"] == second != head
    assert server.get(f"/api/v1/checkpoints/{shown['checkpoint_id']}")["title"] == "Lamp red"


def test_a_commit_that_is_given_goes_before_that_of_the_folder(server, repository):
    head, _ = commit(server, repository, "One")
    run(repository, server.data, "Given commit", "--commit", "0" * 40)
    assert kept(server, "Given commit")[0]["git_commit"] == "0" * 40 != head


def test_each_commit_is_kept_by_the_hook_that_the_help_shows(server, repository):
    shown = subprocess.run([binary(), "help", "checkpoint"], capture_output=True, text=True, timeout=60).stdout
    lines = [line.strip() for line in shown.splitlines()]
    at = lines.index("#!/bin/sh")
    script = lines[at:at + 2]
    assert script[1] in (ROOT / "docs" / "cookbook.md").read_text(), "the cookbook shows the same"
    hook = repository / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("\n".join(script) + "\n")
    hook.chmod(0o755)
    commits = []
    for message in ("Paint the door", "--force is no flag here", 'Quotes "and" $(dollars); stay'):
        head, said = commit(server, repository, message)
        assert said == ""
        commits.append((message, head))
    assert [(c["title"], c["git_commit"]) for m, _ in commits for c in kept(server, m)] == commits


def empty_repository(folder, data):
    git(folder, data, "init", "-q")
    return {}


def no_repository(folder, data):
    return {}


def no_git(folder, data):
    return {"PATH": str(folder)}


def fake_git(script):
    def make(folder, data):
        path = folder / "git"
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}"}
    return make


COMMIT = "a" * 40
WITHOUT = {"no git": no_git, "no repository": no_repository, "no commit yet": empty_repository,
           "a git that fails": fake_git(f"echo {COMMIT}; exit 1"), "words": fake_git("echo HEAD is detached"),
           "an endless answer": fake_git("exec yes " + COMMIT), "an answer with more": fake_git(f"echo {COMMIT}{COMMIT}")}


@pytest.mark.parametrize("how", WITHOUT)
def test_without_a_commit_to_be_had_the_checkpoint_is_kept_all_the_same(server, tmp_path, how):
    folder = tmp_path / "work"
    folder.mkdir()
    env = WITHOUT[how](folder, server.data)
    done = run(folder, server.data, f"Kept with {how}", **env)
    assert (done.stdout, done.stderr) == ("", "")
    assert kept(server, f"Kept with {how}")[0]["git_commit"] is None


def test_the_answer_of_git_is_taken_from_the_path(server, tmp_path):
    run(tmp_path, server.data, "From a stand-in", **fake_git(f"echo {COMMIT}")(tmp_path, server.data))
    assert kept(server, "From a stand-in")[0]["git_commit"] == COMMIT


def test_checkpoints_are_kept_without_a_server_too(make_cairn, tmp_path):
    cairn = make_cairn(start=False)
    run(tmp_path, cairn.data, "Before any server")
    cairn.start()
    assert len(kept(cairn, "Before any server")) == 1


def test_slips_are_told(server, tmp_path):
    assert "title" in run(tmp_path, server.data, status=2).stderr
    assert "--messages" in run(tmp_path, server.data, "x", "--messages", "y", status=2).stderr
    assert "title" in run(tmp_path, server.data, "t" * 501, status=2).stderr


def test_an_archived_session_leaves_a_checkpoint_of_its_state(server):
    s = session(server, title="Harbour")
    c = conversation(server, s, directive="Tour")
    turn(server, c, "The harbour museum wants a guided tour in May.")
    server.http.put(f"/api/v2/sessions/{s}/agents/codey/state", json={"state_updates": {"mood": "calm"}}).raise_for_status()
    done = server.post(f"/api/v2/sessions/{s}/archive", {})
    made, = server.get("/api/v1/checkpoints", session_id=s)
    assert made["checkpoint_id"] == done["checkpoint_id"]
    assert made["title"] == "Archived: Harbour" and made["metadata"]["automatic"] is True
    assert "calm" in made["content"] and c in made["content"], "states and conversations"
    server.post(f"/api/v2/sessions/{s}/restore", {})
    server.post(f"/api/v2/sessions/{s}/archive", {})
    assert len(server.get("/api/v1/checkpoints", session_id=s)) == 2, "each time it is archived"
    assert server.get(f"/api/v1/checkpoints/{made['checkpoint_id']}") == made


def test_a_checkpoint_cannot_be_changed(server, tmp_path):
    made = server.post("/api/v1/checkpoints", {"title": "As it was", "content": "The state"}, 201)
    path = f"/api/v1/checkpoints/{made['checkpoint_id']}"
    for method in ("PATCH", "PUT"):
        r = server.http.request(method, path, json={"title": "Another"})
        assert r.status_code == 405 and r.json()["error"]["code"] == "METHOD_NOT_ALLOWED", r.text
    refused(server, "POST", "/api/v1/checkpoints", {"title": "Again", "checkpoint_id": made["checkpoint_id"]},
            409, "CONFLICT")
    done = server.run("edit", made["checkpoint_id"], "title=Another", check=False)
    assert done.returncode == 2 and done.stderr
    assert server.get(path) == made
