/* Sessions, conversations, turns and records through their operations, without a server. */
#include "service_fixture.h"

static const char *make_session(struct fixture *f)
{
    return fixture_text(f, fixture_ok(f, "session.create", "{\"title\":\"Trip\"}"), "session_id");
}

static const char *make_conversation(struct fixture *f, const char *session)
{
    struct str args = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"directive\":\"Packing\"}", session);
    return fixture_text(f, fixture_ok(f, "conversation.create", args.p), "conversation_id");
}

static void a_session_begins_with_its_agents(void **state)
{
    struct fixture *f = *state;
    const char *id = make_session(f);
    const struct json *s = fixture_ok(f, "session.get", arena_fmt(f->arena, "{\"id\":\"%s\"}", id).p);
    assert_string_equal(fixture_text(f, s, "status"), "active");
    assert_string_equal(fixture_text(f, s, "privacy_level"), "TEAM");
    assert_int_equal(json_get(s, "conversation_count")->integer, 0);
    assert_int_equal(json_get(json_get(s, "user_preferences"), "memory_retention_days")->integer, 30);
    struct str args = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"agent\":\"beatrice\"}", id);
    const struct json *state_json = json_get(fixture_ok(f, "agent_state.show", args.p), "state");
    assert_true(json_get(json_get(state_json, "personality_traits"), "detail_orientation")->number == 0.9);
}

static void initial_context_is_remembered(void **state)
{
    struct fixture *f = *state;
    const struct json *s = fixture_ok(f, "session.create", "{\"initial_context\":\"The launch is on Friday\"}");
    const char *id = fixture_text(f, s, "session_id");
    struct str args = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"query\":\"when is the launch?\"}", id);
    const struct json *results = json_get(fixture_ok(f, "context.search", args.p), "results");
    assert_int_equal(results->n, 1);
}

static void turns_are_numbered_without_gaps(void **state)
{
    struct fixture *f = *state;
    const char *conversation = make_conversation(f, make_session(f));
    for (int i = 1; i <= 25; i++) {
        struct str args = arena_fmt(f->arena, "{\"conversation_id\":\"%s\",\"agent\":\"ana\",\"content\":\"turn %d\"}",
                                    conversation, i);
        const struct json *t = fixture_ok(f, "turn.add", args.p);
        assert_int_equal(json_get(t, "turn_number")->integer, i);
        assert_true(json_get(t, "stored")->boolean);
    }
    struct str args = arena_fmt(f->arena, "{\"conversation_id\":\"%s\",\"limit\":10}", conversation);
    const struct json *page = fixture_ok(f, "conversation.get", args.p);
    assert_int_equal(json_get(page, "turns")->n, 10);
    assert_string_equal(fixture_text(f, page, "next_cursor"), "11");
    args = arena_fmt(f->arena, "{\"conversation_id\":\"%s\",\"limit\":20,\"cursor\":\"11\"}", conversation);
    page = fixture_ok(f, "conversation.get", args.p);
    assert_int_equal(json_get(page, "turns")->n, 15);
    assert_int_equal(json_get(page, "next_cursor")->type, JSON_NULL);
}

static void a_writer_sees_its_turn_at_once(void **state)
{
    struct fixture *f = *state;
    const char *session = make_session(f), *conversation = make_conversation(f, session);
    struct str args = arena_fmt(f->arena,
                                "{\"conversation_id\":\"%s\",\"agent\":\"ana\",\"content\":\"The blue backpack holds "
                                "forty litres\"}",
                                conversation);
    fixture_ok(f, "turn.add", args.p);
    args = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"query\":\"how big is the backpack?\"}", session);
    const struct json *results = json_get(fixture_ok(f, "context.search", args.p), "results");
    assert_int_equal(results->n, 1);
    assert_string_equal(fixture_text(f, &results->items[0], "conversation_id"), conversation);
}

static void preferences_and_states_merge(void **state)
{
    struct fixture *f = *state;
    const char *id = make_session(f);
    struct str args = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"context_depth\":3,\"theme\":\"dark\"}", id);
    const struct json *p = json_get(fixture_ok(f, "session.preferences", args.p), "updated_preferences");
    assert_int_equal(json_get(p, "context_depth")->integer, 3);
    assert_int_equal(json_get(p, "memory_retention_days")->integer, 30);
    assert_string_equal(fixture_text(f, p, "theme"), "dark");
    assert_null(json_get(p, "session_id"));
    args = arena_fmt(f->arena,
                     "{\"session_id\":\"%s\",\"agent\":\"codey\",\"state_updates\":{\"personality_traits\":"
                     "{\"humour\":0.4},\"new_learned_pattern\":{\"pattern\":\"tests first\"}}}",
                     id);
    fixture_ok(f, "agent_state.merge", args.p);
    const struct json *merged = json_get(fixture_ok(f, "agent_state.merge", args.p), "state");
    assert_int_equal(json_get(merged, "learned_patterns")->n, 2);
    assert_true(json_get(json_get(merged, "personality_traits"), "creativity_level")->number == 0.8);
    assert_null(json_get(merged, "new_learned_pattern"));
}

static void unknown_ids_have_the_contracts_codes(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    assert_int_equal(fixture_call(f, "session.get", "{\"id\":\"sess_nothing\"}", NULL, &e), ERR_NOT_FOUND);
    assert_string_equal(err_api_name(&e), "SESSION_NOT_FOUND");
    e = (struct err){0};
    assert_int_equal(fixture_call(f, "turn.add", "{\"conversation_id\":\"conv_nothing\",\"content\":\"x\"}", NULL, &e),
                     ERR_NOT_FOUND);
    assert_string_equal(err_api_name(&e), "CONVERSATION_NOT_FOUND");
    e = (struct err){0};
    assert_int_equal(fixture_call(f, "conversation.create", "{\"session_id\":\"sess_nothing\"}", NULL, &e),
                     ERR_NOT_FOUND);
    assert_string_equal(err_api_name(&e), "SESSION_NOT_FOUND");
}

static void archiving_archives_the_conversations(void **state)
{
    struct fixture *f = *state;
    const char *id = make_session(f);
    make_conversation(f, id);
    make_conversation(f, id);
    const struct json *a = fixture_ok(f, "session.archive", arena_fmt(f->arena, "{\"session_id\":\"%s\"}", id).p);
    assert_int_equal(json_get(a, "conversations_archived")->integer, 2);
    const struct json *s = fixture_ok(f, "session.get", arena_fmt(f->arena, "{\"id\":\"%s\"}", id).p);
    assert_string_equal(fixture_text(f, s, "status"), "archived");
}

static void summaries_keep_their_history(void **state)
{
    struct fixture *f = *state;
    const char *id = make_session(f);
    struct str one = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"context_summary\":\"first\"}", id);
    struct str two = arena_fmt(f->arena, "{\"session_id\":\"%s\",\"context_summary\":\"second\"}", id);
    assert_false(json_get(fixture_ok(f, "context.summary", one.p), "archived_previous")->boolean);
    assert_true(json_get(fixture_ok(f, "context.summary", two.p), "archived_previous")->boolean);
    const struct json *c = fixture_ok(f, "context.get", arena_fmt(f->arena, "{\"session_id\":\"%s\"}", id).p);
    assert_string_equal(fixture_text(f, c, "context_summary"), "second");
    assert_int_equal(fixture_ok(f, "summary.list", "{}")->n, 2);
}

static void remember_makes_its_place(void **state)
{
    struct fixture *f = *state;
    const struct json *a = fixture_ok(f, "turn.remember", "{\"text\":\"Staging listens on port 6543\"}");
    const struct json *b = fixture_ok(f, "turn.remember", "{\"text\":\"Production listens on port 5432\"}");
    assert_string_equal(fixture_text(f, a, "conversation_id"), fixture_text(f, b, "conversation_id"));
    assert_int_equal(json_get(b, "turn_number")->integer, 2);
    const struct json *r = fixture_ok(f, "recall", "{\"query\":\"which port does staging use?\",\"explain\":true}");
    const struct json *results = json_get(r, "results");
    assert_true(results->n >= 1);
    assert_string_equal(fixture_text(f, &results->items[0], "id"), fixture_text(f, a, "turn_id"));
    assert_non_null(json_get(&results->items[0], "why"));
}

static void records_of_any_kind_are_saved_changed_and_deleted(void **state)
{
    struct fixture *f = *state;
    fixture_ok(f, "preference.create", "{\"key\":\"theme\",\"value\":{\"dark\":true}}");
    fixture_ok(f, "preference.create", "{\"key\":\"theme\",\"value\":{\"dark\":false}}");
    const struct json *list = fixture_ok(f, "preference.list", "{}");
    assert_int_equal(list->n, 1);
    const struct json *p = fixture_ok(f, "preference.get", "{\"id\":\"theme\"}");
    assert_false(json_get(json_get(p, "value"), "dark")->boolean);
    fixture_ok(f, "preference.delete", "{\"id\":\"theme\"}");
    struct err e = {0};
    assert_int_equal(fixture_call(f, "preference.get", "{\"id\":\"theme\"}", NULL, &e), ERR_NOT_FOUND);
}

static void counts_are_true(void **state)
{
    struct fixture *f = *state;
    make_conversation(f, make_session(f));
    fixture_ok(f, "turn.remember", "{\"text\":\"one\"}");
    const struct json *s = fixture_ok(f, "stats", "{}");
    assert_int_equal(json_get(s, "conversations")->integer, 2);
    assert_int_equal(json_get(s, "total_messages")->integer, 1);
    assert_int_equal(json_get(s, "messages_this_week")->integer, 1);
    assert_int_equal(json_get(json_get(s, "kinds"), "sessions")->integer, 2);
    const struct json *h = fixture_ok(f, "health.memory", "{}");
    assert_string_equal(fixture_text(f, h, "status"), "ok");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_session_begins_with_its_agents),
        WITH(initial_context_is_remembered),
        WITH(turns_are_numbered_without_gaps),
        WITH(a_writer_sees_its_turn_at_once),
        WITH(preferences_and_states_merge),
        WITH(unknown_ids_have_the_contracts_codes),
        WITH(archiving_archives_the_conversations),
        WITH(summaries_keep_their_history),
        WITH(remember_makes_its_place),
        WITH(records_of_any_kind_are_saved_changed_and_deleted),
        WITH(counts_are_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
