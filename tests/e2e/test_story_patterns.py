"""A team's pattern library over three projects, told from the first time somebody writes down how a thing is done to the
day it is given up. Nobody fills in a form: agents and people talk, Cairn listens."""

import pytest

from conftest import eventually
from rest import conversation, session, turn

PATTERNS = "/api/v1/patterns"


def talk(cairn, project, *words):
    """A conversation in a project; each of the words is a turn."""
    c = conversation(cairn, session(cairn, project=project))
    for i, w in enumerate(words):
        turn(cairn, c, w, agent="assistant" if i % 2 else "ana", role="assistant" if i % 2 else "user")


def library(cairn, project):
    return cairn.get(PATTERNS, project=project)


def test_a_teams_pattern_library_over_three_projects(cairn):
    # In the shop, Ana asks how to change the database without breaking anything, and is told.
    talk(cairn, "shop",
         "How do we change the schema without breaking the running shop?",
         "Whenever the schema changes, follow these steps:\n"
         "1. Add the new column and let it be empty\n"
         "2. Deploy the code that writes both columns\n"
         "3. Copy the old values in small batches\n"
         "4. Switch the readers to the new column\n"
         "5. Drop the old column a week later\n",
         "Thanks, that is clear. Lunch?")
    shop = eventually(lambda: library(cairn, "shop"))
    assert [p["pattern_type"] for p in shop] == ["workflow"], "one turn of three held a pattern"
    assert shop[0]["details"]["steps"][3] == "Switch the readers to the new column"

    # Billing decides on its queue, and two weeks later somebody explains the same choice in other words: that is one
    # pattern, seen twice, and the second wording is kept as a variation.
    talk(cairn, "billing", "Why is there no Kafka here?",
         "We chose Postgres over Kafka for the job queue because one database is easier to back up than two systems.")
    first = eventually(lambda: library(cairn, "billing"))[0]
    talk(cairn, "billing", "And the queue?",
         "For the job queue we chose Postgres over Kafka, because one database is easier to back up than two systems are.")
    merged = eventually(lambda: [p for p in library(cairn, "billing") if p["frequency"] == 2])[0]
    assert merged["id"] == first["id"] and len(library(cairn, "billing")) == 1 and len(merged["variations"]) == 1
    assert merged["quality_score"] > first["quality_score"]

    # The app is new. Its agent is about to rename a column and asks what the team knows. It has no pattern of its own.
    assert library(cairn, "app") == []
    advice = cairn.post(PATTERNS + "/recommend", {"directive": "change the schema: rename a column readers use"}, 200)
    steps = advice[0]
    assert steps["id"] == shop[0]["id"] and steps["submodule_id"] == "shop"

    # It works, and works again; the third time a batch is too large and the shop stands still.
    for success in (True, True, False):
        used = cairn.post(f"{PATTERNS}/{steps['id']}/used", {"success": success}, 200)
    assert used["reuse_count"] == 3 and used["success_rate"] == pytest.approx(2 / 3)
    assert used["quality_score"] == pytest.approx(0.4 * 2 / 3 + 0.3 * 1 / 20 + 0.3 * 3 / 10)

    # So the steps are made better. The pattern keeps its id; how it was said before stays to be read.
    better = steps["template"].replace("in small batches", "in batches of 500 with a pause")
    changed = cairn.http.patch(f"{PATTERNS}/{steps['id']}", json={"template": better}).json()
    assert changed["text_version"] == 2 and changed["reuse_count"] == 3
    now, before = cairn.get(f"{PATTERNS}/{steps['id']}/versions")
    assert "batches of 500" in now["template"] and "small batches" in before["template"]
    assert now["parent_pattern_id"] == before["id"]

    # A year later a tool does all of it. Nobody is sent down the old path any more, but the library does not forget.
    cairn.post(f"{PATTERNS}/{steps['id']}/deprecate", {"reason": "the migration tool does it"}, 200)
    advice = cairn.post(PATTERNS + "/recommend", {"directive": "change the schema: rename a column"}, 200)
    assert steps["id"] not in [p["id"] for p in advice]
    kept = cairn.get(f"{PATTERNS}/{steps['id']}")
    assert kept["deprecated"] and kept["deprecated_reason"] == "the migration tool does it"
