/* Learning behind the writes: the mark moves with the write, states merge and stay bounded; traces of recalls, their
 * queue, its bound and their upkeep. */
#include "service_fixture.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "config/config.h"
#include "service/background.h"
#include "service/context_load.h"
#include "service/learning.h"

static const char *session(struct fixture *f)
{
    return fixture_text(f, fixture_ok(f, "session.create", "{}"), "session_id");
}

static const char *conversation(struct fixture *f, const char *session_id)
{
    const struct json *c = fixture_ok(f, "conversation.create", fixture_args(f, "{\"session_id\":\"%s\"}", session_id));
    return fixture_text(f, c, "conversation_id");
}

static void say(struct fixture *f, const char *conversation_id, const char *text)
{
    fixture_ok(
        f, "turn.add",
        fixture_args(f, "{\"conversation_id\":\"%s\",\"agent\":\"greta\",\"content\":\"%s\"}", conversation_id, text));
}

static void catch_up(struct fixture *f)
{
    struct err e = {0};
    assert_int_equal(background_catch_up(f->svc, &e), ERR_OK);
}

static const struct json *state_of(struct fixture *f, const char *session_id)
{
    const char *a = fixture_args(f, "{\"session_id\":\"%s\",\"agent\":\"greta\"}", session_id);
    return json_get(fixture_ok(f, "agent_state.show", a), "state");
}

static int64_t interactions(struct fixture *f, const char *session_id)
{
    return json_get(json_get(state_of(f, session_id), "interaction_history"), "total_interactions")->integer;
}

/* ---- the follower ---- */

static void test_opening_again_counts_nothing_twice(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *c = conversation(f, s);
    for (int i = 0; i < 5; i++)
        say(f, c, "the red canoe");
    catch_up(f);
    catch_up(f);
    assert_int_equal(interactions(f, s), 5);
    service_close(f->svc);
    fixture_open(f);
    catch_up(f);
    assert_int_equal(interactions(f, s), 5);
    say(f, c, "the red canoe");
    catch_up(f);
    assert_int_equal(interactions(f, s), 6);
}

struct lesson_write {
    struct arena *arena;
    void *plan;
    bool fail;
};

static enum err_code apply_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct lesson_write *w = arg;
    enum err_code code = learning_apply(tx, w->arena, w->plan, e);
    return !code && w->fail ? err_set(e, ERR_IO, NULL, "the mark could not be written") : code;
}

/* What apply wrote is undone with the job that was to move the mark, and may be applied again as often as it takes. */
static void test_a_batch_that_is_undone_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f);
    struct turn t = {.session_id = str_of(s),
                     .project = STR("default"),
                     .agent = STR("greta"),
                     .role = STR("assistant"),
                     .content = STR("red canoe red canoe"),
                     .timestamp = clock_now_ms()};
    struct follow_batch b = {f->svc, f->arena, &t, 1};
    struct lesson_write w = {.arena = f->arena, .fail = true};
    struct err e = {0};
    assert_int_equal(learning_think(&b, &w.plan, &e), ERR_OK);
    assert_non_null(w.plan);
    assert_int_equal(store_write(f->svc->store, apply_on, &w, &e), ERR_IO);
    const char *a = fixture_args(f, "{\"session_id\":\"%s\",\"agent\":\"greta\"}", s);
    assert_int_equal(fixture_call(f, "agent_state.show", a, NULL, &e), ERR_NOT_FOUND);
    w.fail = false;
    assert_int_equal(store_write(f->svc->store, apply_on, &w, &e), ERR_OK);
    assert_int_equal(interactions(f, s), 1);
}

static void test_a_state_grown_too_large_learns_no_more_and_stays_whole(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *c = conversation(f, s);
    size_t n = STATE_BYTES_MAX;
    char *text = arena_alloc(f->arena, n + 200), *at = text;
    at += sprintf(at, "{\"session_id\":\"%s\",\"agent\":\"greta\",\"state_updates\":{\"big\":\"", s);
    memset(at, 'x', n);
    strcpy(at + n, "\"}}");
    fixture_ok(f, "agent_state.merge", text);
    say(f, c, "the red canoe");
    catch_up(f);
    assert_null(json_get(state_of(f, s), "interaction_history"));
    assert_int_equal(json_text(state_of(f, s), "big").n, n);
}

static void test_a_model_is_told_what_helps_and_no_counts(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    struct str brief;
    struct str full = STR("{\"role\":\"executor\",\"interaction_history\":{\"total_interactions\":7,\"mood\":\"calm\"},"
                          "\"preferred_topics\":[],\"execution_history\":[1],\"successful_patterns\":[1,2,3,4,5,"
                          "{\"pattern\":\"Mend it\",\"successes\":2}]}");
    assert_int_equal(state_brief(f->arena, full, &brief, &e), ERR_OK);
    assert_true(str_is(brief, "{\"role\":\"executor\",\"interaction_history\":{\"mood\":\"calm\"},"
                              "\"successful_patterns\":[2,3,4,5,\"Mend it\"]}"));
    assert_int_equal(state_brief(f->arena, STR("{\"interaction_history\":{\"total_interactions\":7}}"), &brief, &e),
                     ERR_OK);
    assert_null(brief.p);
    assert_int_equal(state_brief(f->arena, STR("no JSON"), &brief, &e), ERR_OK);
    assert_null(brief.p);
}

/* ---- traces ---- */

static const struct json *loads(struct fixture *f, const char *session_id)
{
    return fixture_ok(f, "context_load.list", fixture_args(f, "{\"session_id\":\"%s\",\"limit\":1000}", session_id));
}

static void note(struct fixture *f, const char *session_id, const char *query, size_t items)
{
    struct load_item list[LOAD_ITEMS_MAX + 5];
    for (size_t i = 0; i < items; i++)
        list[i] = (struct load_item){KIND_TURN, str_of("turn_0123456789"), i ? 0.5 : -1};
    struct context_load l = {
        .purpose = LOAD_SEARCH, .session_id = str_of(session_id), .query = str_of(query), .items = list, .n = items};
    context_load_note(f->svc->loads, STR("me"), context_load_pack(f->arena, &l), 1500);
}

static void test_what_is_noted_is_written_as_it_was(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f);
    note(f, s, "canoe", 2);
    note(f, s, "", LOAD_ITEMS_MAX + 5);
    catch_up(f);
    const struct json *all = loads(f, s);
    assert_int_equal(all->n, 2);
    assert_int_equal(json_get(&all->items[0], "items")->n, LOAD_ITEMS_MAX);
    assert_true(str_is(json_text(&all->items[1], "query"), "canoe"));
    assert_true(str_is(json_text(&all->items[1], "purpose"), "search"));
    assert_true(str_is(json_text(&all->items[1], "reader"), "me"));
    assert_true(json_get(&all->items[1], "took_ms")->number == 1.5);
    const struct json *items = json_get(&all->items[1], "items");
    assert_int_equal(json_get(&items->items[0], "score")->type, JSON_NULL);
    assert_true(json_get(&items->items[1], "score")->number == 0.5);
}

static void test_a_trace_of_a_session_that_is_gone_is_not_written(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *other = session(f);
    fixture_ok(f, "session.delete", fixture_args(f, "{\"id\":\"%s\"}", s));
    note(f, s, "lost", 1);
    note(f, other, "kept", 1);
    catch_up(f);
    assert_int_equal(loads(f, s)->n, 0);
    assert_int_equal(loads(f, other)->n, 1);
}

static void test_a_full_queue_drops_and_counts_it(void **state)
{
    struct fixture *f = *state;
    struct context_loads *q = context_loads_new();
    struct context_load l = {.purpose = LOAD_RECALL, .project = STR("default"), .query = STR("canoe")};
    struct str packed = context_load_pack(f->arena, &l);
    int64_t before = metric_get(M_LOADS_DROPPED);
    for (int i = 0; i < LOAD_QUEUE + 10; i++)
        context_load_note(q, STR("me"), packed, 1);
    assert_int_equal(metric_get(M_LOADS_DROPPED) - before, 10);
    context_load_note(q, STR("me"), STR_NONE, 1);
    context_load_note(NULL, STR("me"), packed, 1);
    assert_int_equal(metric_get(M_LOADS_DROPPED) - before, 10);
    context_loads_free(q);
    context_loads_free(NULL);
}

static void test_only_the_newest_traces_of_each_session_are_kept(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *few = session(f);
    struct err e = {0};
    char query[16];
    for (int i = 0; i < 700; i++) {
        snprintf(query, sizeof query, "q%d", i);
        note(f, s, query, 0);
    }
    note(f, few, "alone", 0);
    catch_up(f);
    assert_int_equal(context_loads_trim(f->svc, f->arena, &e), ERR_OK); /* 1,000 are kept unless set */
    assert_int_equal(loads(f, s)->n, 700);
    const struct config_flag twenty = {STR("learning.context_loads_kept"), STR("20")};
    assert_int_equal(config_load(f->arena, NULL, &twenty, 1, &f->svc->options.config, &e), ERR_OK);
    assert_int_equal(context_loads_trim(f->svc, f->arena, &e), ERR_OK);
    const struct json *left = loads(f, s);
    assert_int_equal(left->n, 20);
    assert_true(str_is(json_text(&left->items[0], "query"), "q699"));
    assert_true(str_is(json_text(&left->items[19], "query"), "q680"));
    assert_int_equal(loads(f, few)->n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opening_again_counts_nothing_twice, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_batch_that_is_undone_leaves_no_trace, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_state_grown_too_large_learns_no_more_and_stays_whole, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_model_is_told_what_helps_and_no_counts, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_noted_is_written_as_it_was, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_trace_of_a_session_that_is_gone_is_not_written, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_a_full_queue_drops_and_counts_it, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_only_the_newest_traces_of_each_session_are_kept, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
