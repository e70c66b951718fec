"""Summaries of conversations and sessions: on request over both APIs and the command line, in the context, and by the
upstream's model."""

import json
import urllib.parse

from rest import NO_CONVERSATION, NO_SESSION, conversation, refused, session, turn

TALK = [("Caroline", "Hey Mel! Good to see you! How have you been?"),
        ("Melanie", "Hey Caroline! I'm swamped with the kids and work."),
        ("Caroline", "I went to an LGBTQ support group yesterday and it was so powerful."),
        ("Melanie", "Wow, that's cool, Caroline! What happened?"),
        ("Caroline", "The support group has made me feel accepted."),
        ("Melanie", "I painted a lake sunrise last year.")]


def talk(cairn, s=None, turns=TALK):
    s = s or session(cairn)
    c = conversation(cairn, s, directive="News")
    for agent, text in turns:
        turn(cairn, c, text, agent=agent)
    return s, c


def summarize(cairn, c, api="v2", **body):
    return cairn.post(f"/api/{api}/conversations/{c}/summarize", body)


def test_a_conversation_is_summed_up_in_the_third_person(cairn):
    s, c = talk(cairn)
    made = summarize(cairn, c)
    assert made["summarized"] is True and made["method"] == "extractive"
    assert "Caroline went to an LGBTQ support group yesterday" in made["summary"]
    assert len(made["summary"]) <= 200 and "Hey" not in made["summary"]
    assert 0 < len(made["key_topics"]) <= 10 and 0 < len(made["key_events"]) <= 5
    assert set(made["character_developments"]) == {"Caroline", "Melanie"}
    assert (made["first_turn"], made["last_turn"]) == (1, 6)
    assert cairn.get(f"/api/v2/conversations/{c}")["context_summary"] == made["summary"]


def test_earlier_summaries_stay_as_history(cairn):
    s, c = talk(cairn)
    first = summarize(cairn, c)
    turn(cairn, c, "I moved to Porto in May and started a job at the harbour museum.", agent="Melanie")
    second = summarize(cairn, c, api="v1")
    kept = cairn.get("/api/v1/summaries", conversation_id=c)
    assert [k["summary_id"] for k in kept] == [second["summary_id"], first["summary_id"]]
    assert kept[0]["last_turn"] == 7 and "Porto" in " ".join(second["key_events"])


def test_fewer_than_five_turns_are_summed_up_only_with_force(cairn):
    s, c = talk(cairn, turns=TALK[2:5])
    refused_one = summarize(cairn, c)
    assert refused_one["summarized"] is False and "five" in refused_one["reason"]
    assert cairn.get("/api/v1/summaries", conversation_id=c) == []
    assert "support group" in summarize(cairn, c, force=True)["summary"]


def test_a_session_is_summed_up_from_its_conversations_and_its_context_shows_it(cairn):
    s, c = talk(cairn)
    of_conversation = summarize(cairn, c)
    made = cairn.post(f"/api/v2/sessions/{s}/summarize", {})
    assert made["conversation_count"] == 1 and "Caroline" in made["summary"]
    context = cairn.get(f"/api/v2/sessions/{s}/context", directive="the support group")
    assert context["context_summary"] == made["summary"] and context["key_topics"] == made["key_topics"]
    assert context["previous_conversations"][0]["summary"] == of_conversation["summary"]
    assert context["current_conversation_summary"] == of_conversation["summary"]
    assert cairn.get(f"/api/v2/sessions/{s}")["summary"] == made["summary"]
    new = cairn.post("/api/v2/conversations", {"session_id": s, "directive": "the support group again"})
    assert new["relevant_context"][0]["summary"] == of_conversation["summary"]


def test_the_command_line_sums_up_a_conversation(cairn):
    _, c = talk(cairn)
    assert "support group" in cairn.run("summarize", c).stdout


def test_what_does_not_exist_cannot_be_summed_up(cairn):
    refused(cairn, "POST", f"/api/v2/conversations/{NO_CONVERSATION}/summarize", {}, 404, "CONVERSATION_NOT_FOUND")
    refused(cairn, "POST", f"/api/v2/sessions/{NO_SESSION}/summarize", {}, 404, "SESSION_NOT_FOUND")


def test_a_wrong_argument_is_named(cairn):
    _, c = talk(cairn)
    refused(cairn, "POST", f"/api/v2/conversations/{c}/summarize", {"force": "yes"}, field="force")
    refused(cairn, "POST", f"/api/v2/conversations/{c}/summarize", {"strength": 1}, field="strength")


def test_length_is_a_setting(make_cairn):
    cairn = make_cairn(env={"CAIRN_SUMMARIES_CHARACTERS": "80"})
    _, c = talk(cairn)
    assert 0 < len(summarize(cairn, c)["summary"]) <= 80


# ---- by the upstream's model ----

ANSWER = {"summary": "Two friends talked.", "key_topics": ["friends"]}


def asking(make_cairn, script, **env):
    """A server whose model answers as the script says (see upstream.py)."""
    return make_cairn(env={"CAIRN_UPSTREAM_MODEL": "small," + script, "CAIRN_UPSTREAM_KEY": "sk-secret-of-the-test", **env})


def says(text):
    return "say=" + urllib.parse.quote(text, safe="")


def test_a_model_that_is_named_sums_up(make_cairn, upstream):
    cairn = asking(make_cairn, says(json.dumps(ANSWER)))
    _, c = talk(cairn)
    made = summarize(cairn, c)
    assert (made["method"], made["summary"], made["key_topics"]) == ("model", "Two friends talked.", ["friends"])
    assert made["key_events"], "what the model left out is found by rules"
    assert cairn.get("/api/v1/summaries", conversation_id=c)[0]["method"] == "model"
    asked = upstream.last()
    assert asked["path"] == "/v1/chat/completions" and asked["json"]["stream"] is False
    assert "support group" in asked["json"]["messages"][1]["content"]
    assert ("authorization", "Bearer sk-secret-of-the-test") in [(k.lower(), v) for k, v in asked["headers"]]
    assert "sk-secret-of-the-test" not in cairn.log() + json.dumps(made)


def by_rules(cairn):
    _, c = talk(cairn)
    made = summarize(cairn, c)
    assert made["method"] == "extractive" and "support group" in made["summary"]
    assert "summary_by_rules" in cairn.log()


def test_a_model_that_refuses_leaves_it_to_the_rules(make_cairn):
    by_rules(asking(make_cairn, "status=500"))


def test_an_answer_that_is_not_what_was_asked_for_leaves_it_to_the_rules(make_cairn):
    by_rules(asking(make_cairn, says("I would rather not.")))


def test_an_answer_that_is_no_json_leaves_it_to_the_rules(make_cairn):
    by_rules(asking(make_cairn, "garbage=1"))


def test_an_endless_answer_leaves_it_to_the_rules(make_cairn):
    by_rules(asking(make_cairn, "big=3000000"))


def test_a_model_that_hangs_up_leaves_it_to_the_rules(make_cairn):
    by_rules(asking(make_cairn, "hangup=1"))


def test_a_model_that_is_too_slow_leaves_it_to_the_rules(make_cairn):
    by_rules(asking(make_cairn, "first=20", CAIRN_SUMMARIES_MODEL_SECONDS="1"))


def test_an_upstream_that_is_not_there_leaves_it_to_the_rules(make_cairn):
    cairn = make_cairn(upstream="http://127.0.0.1:1", env={"CAIRN_UPSTREAM_MODEL": "small"})
    by_rules(cairn)
