/* Summing up conversations and sessions: when, what is kept, by whom, and upkeep. */
#include "service_fixture.h"

#include "base/text.h"
#include "service/summary.h"
#include "service/summary_upkeep.h"
#include "store/turns.h"

static const char *const SAID[][2] = {
    {"Caroline", "Hey Mel! Good to see you!"},
    {"Melanie", "Hey Caroline! I'm swamped with the kids."},
    {"Caroline", "I went to a support group in Lisbon last Friday."},
    {"Melanie", "Wow, that's cool!"},
    {"Caroline", "I decided to study counseling next year."},
    {"Melanie", "I painted a lake sunrise for my brother."},
};

static const char *made_id(struct fixture *f, const char *operation, const char *args, const char *key)
{
    return fixture_text(f, fixture_ok(f, operation, args), key);
}

/* A conversation of the first n turns that were long ago. */
static const char *talk(struct fixture *f, const char *session, size_t n)
{
    char args[600];
    snprintf(args, sizeof args, "{\"session_id\":\"%s\",\"directive\":\"News\"}", session);
    const char *conversation = made_id(f, "conversation.create", args, "conversation_id");
    for (size_t i = 0; i < n; i++) {
        snprintf(
            args, sizeof args,
            "{\"conversation_id\":\"%s\",\"agent\":\"%s\",\"content\":\"%s\",\"timestamp\":\"2024-01-0%zuT10:00:00Z\"}",
            conversation, SAID[i][0], SAID[i][1], i + 1);
        fixture_ok(f, "turn.add", args);
    }
    return conversation;
}

static const struct json *summarize(struct fixture *f, const char *conversation, bool force)
{
    char args[200];
    snprintf(args, sizeof args, "{\"conversation_id\":\"%s\",\"force\":%s}", conversation, force ? "true" : "false");
    return fixture_ok(f, "conversation.summarize", args);
}

static void a_conversation_is_summed_up_and_carries_its_summary(void **state)
{
    struct fixture *f = *state;
    const char *session = made_id(f, "session.create", "{}", "session_id"), *conversation = talk(f, session, 6);
    const struct json *answer = summarize(f, conversation, false);
    assert_true(json_get(answer, "summarized")->boolean);
    assert_true(str_find(json_text(answer, "summary"), STR("Caroline went to a support group in Lisbon")) >= 0);
    assert_true(str_is(json_text(answer, "method"), "extractive"));
    struct record *c = fixture_record(f, KIND_CONVERSATION, conversation);
    assert_true(str_eq(record_text(c, "context_summary"), json_text(answer, "summary")));
    struct record *r = fixture_record(f, KIND_SUMMARY, fixture_text(f, answer, "summary_id"));
    assert_int_equal(record_int(r, "first_turn"), 1);
    assert_int_equal(record_int(r, "last_turn"), 6);
    assert_true(str_find(record_text(r, "character_developments"), STR("\"Melanie\":[")) >= 0);
}

static void fewer_than_five_turns_need_force(void **state)
{
    struct fixture *f = *state;
    const char *session = made_id(f, "session.create", "{}", "session_id"), *conversation = talk(f, session, 4);
    const struct json *answer = summarize(f, conversation, false);
    assert_false(json_get(answer, "summarized")->boolean);
    assert_true(str_find(json_text(answer, "reason"), STR("five")) >= 0);
    assert_true(json_get(summarize(f, conversation, true), "summarized")->boolean);
}

static void nothing_said_is_nothing_written(void **state)
{
    struct fixture *f = *state;
    const char *session = made_id(f, "session.create", "{}", "session_id"), *conversation = talk(f, session, 0);
    assert_false(json_get(summarize(f, conversation, true), "summarized")->boolean);
    assert_int_equal(record_text(fixture_record(f, KIND_CONVERSATION, conversation), "context_summary").n, 0);
}

static void a_session_is_summed_up_from_its_conversations(void **state)
{
    struct fixture *f = *state;
    char args[200];
    const char *session = made_id(f, "session.create", "{}", "session_id");
    summarize(f, talk(f, session, 6), false);
    talk(f, session, 5); /* without a summary of its own */
    snprintf(args, sizeof args, "{\"session_id\":\"%s\"}", session);
    const struct json *answer = fixture_ok(f, "session.summarize", args);
    assert_int_equal(json_get(answer, "conversation_count")->integer, 2);
    assert_true(str_find(json_text(answer, "summary"), STR("Caroline")) >= 0);
    assert_true(str_eq(record_text(fixture_record(f, KIND_SESSION, session), "summary"), json_text(answer, "summary")));
}

/* ---- upkeep ---- */

static void keep_up(struct fixture *f)
{
    struct err e = {0};
    struct arena *a = arena_new();
    assert_int_equal(summary_upkeep(f->svc, a, &e), ERR_OK);
    arena_free(a);
}

static size_t summaries_of(struct fixture *f, const char *conversation)
{
    char args[200];
    snprintf(args, sizeof args, "{\"conversation_id\":\"%s\"}", conversation);
    const struct json *list = fixture_ok(f, "summary.list", args);
    assert_int_equal(list->type, JSON_ARRAY);
    return list->n;
}

static void what_went_quiet_is_summed_up_once(void **state)
{
    struct fixture *f = *state;
    const char *session = made_id(f, "session.create", "{}", "session_id");
    const char *quiet = talk(f, session, 5), *brief = talk(f, session, 4);
    keep_up(f);
    keep_up(f);
    assert_int_equal(summaries_of(f, quiet), 1);
    assert_int_equal(summaries_of(f, brief), 0);
    assert_true(record_text(fixture_record(f, KIND_SESSION, session), "summary").n > 0);
}

static void new_turns_make_it_due_again(void **state)
{
    struct fixture *f = *state;
    char args[300];
    const char *session = made_id(f, "session.create", "{}", "session_id"), *quiet = talk(f, session, 5);
    keep_up(f);
    snprintf(args, sizeof args,
             "{\"conversation_id\":\"%s\",\"agent\":\"Melanie\",\"content\":\"I moved to Porto.\",\"timestamp\":"
             "\"2024-02-01T10:00:00Z\"}",
             quiet);
    fixture_ok(f, "turn.add", args);
    keep_up(f);
    assert_int_equal(summaries_of(f, quiet), 2);
}

static void a_talk_under_way_is_left_alone(void **state)
{
    struct fixture *f = *state;
    char args[300];
    const char *session = made_id(f, "session.create", "{}", "session_id"), *busy = talk(f, session, 5);
    snprintf(args, sizeof args, "{\"conversation_id\":\"%s\",\"agent\":\"Melanie\",\"content\":\"I moved to Porto.\"}",
             busy);
    fixture_ok(f, "turn.add", args);
    keep_up(f);
    assert_int_equal(summaries_of(f, busy), 0);
}

static void a_session_that_wants_none_gets_none(void **state)
{
    struct fixture *f = *state;
    const char *session =
        made_id(f, "session.create", "{\"user_preferences\":{\"auto_summarize\":false}}", "session_id");
    const char *quiet = talk(f, session, 6);
    keep_up(f);
    assert_int_equal(summaries_of(f, quiet), 0);
}

static void a_callers_own_session_summary_stays(void **state)
{
    struct fixture *f = *state;
    char args[300];
    const char *session = made_id(f, "session.create", "{}", "session_id");
    snprintf(args, sizeof args, "{\"session_id\":\"%s\",\"context_summary\":\"Mine.\"}", session);
    fixture_ok(f, "context.summary", args);
    talk(f, session, 6);
    keep_up(f);
    assert_true(str_is(record_text(fixture_record(f, KIND_SESSION, session), "summary"), "Mine."));
}

/* ---- by a model ---- */

struct scripted {
    const char *says; /* NULL: no answer */
    struct str system, user;
};

static enum err_code scripted_ask(void *arg, struct arena *a, struct str system, struct str user, int max_tokens,
                                  int timeout_ms, struct str *answer, struct err *e)
{
    struct scripted *s = arg;
    assert_true(max_tokens > 0 && timeout_ms > 0);
    s->system = system;
    s->user = user;
    if (!s->says)
        return err_set(e, ERR_UNAVAILABLE, NULL, "nobody there");
    *answer = arena_str(a, str_of(s->says));
    return ERR_OK;
}

static const struct json *asked(struct fixture *f, struct scripted *s)
{
    const char *session = made_id(f, "session.create", "{}", "session_id"), *conversation = talk(f, session, 6);
    const struct asker asker = {scripted_ask, s};
    f->svc->asker = &asker;
    const struct json *answer = summarize(f, conversation, false);
    f->svc->asker = NULL;
    return answer;
}

static void the_models_answer_is_taken_where_it_is_what_was_asked_for(void **state)
{
    struct scripted s = {
        .says = "Here you are:\n```json\n{\"summary\": \"Two friends talked.\", \"key_topics\": [\"friends\", 3], "
                "\"key_events\": \"none\"}\n```"};
    const struct json *answer = asked(*state, &s);
    assert_true(str_is(json_text(answer, "method"), "model"));
    assert_true(str_is(json_text(answer, "summary"), "Two friends talked."));
    assert_int_equal(json_get(answer, "key_topics")->n, 1);
    assert_true(json_get(answer, "key_events")->n > 1); /* the rules' */
    assert_true(str_find(s.user, STR("Caroline: I went to a support group")) >= 0);
}

static void an_answer_of_no_use_leaves_the_rules_summary(void **state)
{
    static const char *const useless[] = {NULL,
                                          "",
                                          "I cannot.",
                                          "{\"summary\": \"\"}",
                                          "{\"summary\": 3}",
                                          "}{",
                                          "[1]",
                                          "{\"summary\": \"a\", \"summary\": \"b\"}"};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        struct scripted s = {.says = useless[i]};
        const struct json *answer = asked(*state, &s);
        assert_true(str_is(json_text(answer, "method"), "extractive"));
        assert_true(str_find(json_text(answer, "summary"), STR("support group")) >= 0);
    }
}

static void a_models_endless_answer_is_cut(void **state)
{
    char says[3000] = "{\"summary\": \"";
    while (strlen(says) < sizeof says - 40)
        strcat(says, "wörds and more ");
    strcat(says, "\"}");
    struct scripted s = {.says = says};
    struct str text = json_text(asked(*state, &s), "summary");
    assert_true(text_utf8_valid(text));
    assert_true(text_chars(text) <= 200 && text_chars(text) > 150);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_conversation_is_summed_up_and_carries_its_summary),
        T(fewer_than_five_turns_need_force),
        T(nothing_said_is_nothing_written),
        T(a_session_is_summed_up_from_its_conversations),
        T(what_went_quiet_is_summed_up_once),
        T(new_turns_make_it_due_again),
        T(a_talk_under_way_is_left_alone),
        T(a_session_that_wants_none_gets_none),
        T(a_callers_own_session_summary_stays),
        T(the_models_answer_is_taken_where_it_is_what_was_asked_for),
        T(an_answer_of_no_use_leaves_the_rules_summary),
        T(a_models_endless_answer_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
