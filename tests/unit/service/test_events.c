/* Events found behind the writes, their causes by rules and by a model, their chain told, their vitality. */
#include "service_fixture.h"

#include "base/clock.h"
#include "config/config.h"
#include "service/background.h"
#include "service/caller.h"
#include "service/causal.h"
#include "service/vitality.h"

#include <math.h>
#include <stdatomic.h>

static const char *const ERROR = "The upload test failed in wire.c: the header of the packet is cut.";
static const char *const FIX = "Fixed the packet header in wire.c, it is no longer cut.";

static const char *session(struct fixture *f)
{
    return fixture_text(f, fixture_ok(f, "session.create", "{}"), "session_id");
}

static const char *conversation(struct fixture *f, const char *session_id)
{
    const struct json *c = fixture_ok(f, "conversation.create", fixture_args(f, "{\"session_id\":\"%s\"}", session_id));
    return fixture_text(f, c, "conversation_id");
}

static void say(struct fixture *f, const char *conversation_id, const char *agent, const char *role, const char *text)
{
    fixture_ok(f, "turn.add",
               fixture_args(f, "{\"conversation_id\":\"%s\",\"agent\":\"%s\",\"role\":\"%s\",\"content\":\"%s\"}",
                            conversation_id, agent, role, text));
}

static void catch_up(struct fixture *f)
{
    struct err e = {0};
    assert_int_equal(background_catch_up(f->svc, &e), ERR_OK);
}

/* Newest first. */
static const struct json *events(struct fixture *f, const char *session_id)
{
    return fixture_ok(f, "event.list", fixture_args(f, "{\"session_id\":\"%s\"}", session_id));
}

static const struct json *save(struct fixture *f, const char *session_id, const char *text, const char *more)
{
    return fixture_ok(f, "event.create",
                      fixture_args(f, "{\"session_id\":\"%s\",\"effect_text\":\"%s\"%s}", session_id, text, more));
}

static struct record *stored(struct fixture *f, const char *id)
{
    struct store_tx *tx;
    struct record *r;
    struct err e = {0};
    assert_int_equal(store_read_begin(f->svc->store, &tx, &e), ERR_OK);
    assert_int_equal(record_get(tx, f->arena, KIND_EVENT, str_of(id), STR_NONE, &r, &e), ERR_OK);
    store_read_end(tx);
    return r;
}

/* ---- finding ---- */

static void turns_become_events_once(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *c = conversation(f, s);
    say(f, c, "ana", "user", ERROR);
    say(f, c, "bo", "assistant", "Let me look at it.");
    say(f, c, "shell", "tool", "error: the tool failed with status 1");
    say(f, c, "bo", "assistant", FIX);
    catch_up(f);
    catch_up(f);
    const struct json *found = events(f, s);
    assert_int_equal(found->n, 2);
    const struct json *fix = &found->items[0], *error = &found->items[1];
    assert_true(str_is(json_text(fix, "effect_text"), FIX));
    assert_true(str_is(json_text(fix, "agent"), "bo"));
    assert_true(str_is(json_text(fix, "event_type"), "change"));
    assert_true(str_eq(json_text(fix, "cause_id"), json_text(error, "id")));
    assert_true(json_text(fix, "relationship_text").n > 0);
    assert_true(json_text(error, "turn_id").n > 0 && str_is(json_text(error, "conversation_id"), c));
    assert_null(json_text(error, "cause_id").p);
}

static void other_sessions_hold_no_cause(void **state)
{
    struct fixture *f = *state;
    const char *one = session(f), *two = session(f);
    say(f, conversation(f, one), "ana", "user", ERROR);
    say(f, conversation(f, two), "ana", "user", FIX);
    catch_up(f);
    assert_null(json_text(&events(f, two)->items[0], "cause_id").p);
}

static void settings_bound_what_is_found(void **state)
{
    struct fixture *f = *state;
    const struct config_flag one = {STR("events.per_turn"), STR("1")};
    const char *s = session(f), *c = conversation(f, s);
    struct err e = {0};
    assert_int_equal(config_load(f->arena, NULL, &one, 1, &f->svc->options.config, &e), ERR_OK);
    say(f, c, "ana", "user", "We walked home. The root cause was a broken header. It rained and I stayed.");
    catch_up(f);
    const struct json *found = events(f, s);
    assert_int_equal(found->n, 1);
    assert_true(str_is(json_text(&found->items[0], "event_type"), "finding"));
}

/* ---- by hand ---- */

static void an_event_by_hand_is_linked_too(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f);
    const struct json *error = save(f, s, ERROR, ""), *fix = save(f, s, FIX, "");
    assert_true(str_eq(json_text(fix, "cause_id"), json_text(error, "id")));
    const struct json *named =
        save(f, s, "Nothing alike was bought.", fixture_args(f, ",\"cause_id\":\"%s\"", fixture_text(f, error, "id")));
    assert_true(str_eq(json_text(named, "cause_id"), json_text(error, "id")));
}

static void a_cause_that_is_not_there_is_refused(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};
    assert_int_equal(
        fixture_call(f, "event.create", "{\"effect_text\":\"It failed.\",\"cause_id\":\"evt_none\"}", NULL, &e),
        ERR_INVALID);
    assert_string_equal(e.field, "cause_id");
    err_clear(&e);
    assert_int_equal(
        fixture_call(f, "event.create", "{\"effect_text\":\"It failed.\",\"session_id\":\"sess_none\"}", NULL, &e),
        ERR_NOT_FOUND);
}

/* ---- a model ---- */

static const char *said;
static int asked;

static enum err_code answer_said(void *arg, struct arena *a, struct str system, struct str user, int max_tokens,
                                 int timeout_ms, struct str *answer, struct err *e)
{
    (void)arg, (void)system, (void)max_tokens, (void)timeout_ms;
    asked++;
    assert_true(str_find(user, STR("packet")) >= 0);
    if (!said)
        return err_set(e, ERR_TIMEOUT, NULL, "too slow");
    *answer = arena_str(a, str_of(said));
    return ERR_OK;
}

static void the_model_judges_where_there_is_one(void **state)
{
    static const struct asker model = {answer_said, NULL};
    struct fixture *f = *state;
    const char *s = session(f);
    const struct json *error = save(f, s, ERROR, "");
    atomic_store(&f->svc->asker, &model);
    said = "1: the header was cut\nand more";
    const struct json *fix = save(f, s, FIX, "");
    assert_true(str_eq(json_text(fix, "cause_id"), json_text(error, "id")));
    assert_true(str_is(json_text(fix, "relationship_text"), "the header was cut"));
    said = "0";
    assert_null(json_text(save(f, s, FIX, ""), "cause_id").p);
    said = "99: no such number";
    assert_null(json_text(save(f, s, FIX, ""), "cause_id").p);
    said = NULL; /* it fails: the rules judge */
    assert_true(json_text(save(f, s, FIX, ""), "cause_id").n > 0);
    assert_int_equal(asked, 4);
    atomic_store(&f->svc->asker, NULL);
}

/* ---- the narrative ---- */

static void walk_from(struct fixture *f, const char *id, struct causal_chain *chain)
{
    struct store_tx *tx;
    struct err e = {0};
    const struct record *event = stored(f, id);
    assert_int_equal(store_read_begin(f->svc->store, &tx, &e), ERR_OK);
    assert_int_equal(causal_walk(tx, f->arena, &CALLER_LOCAL, event, chain, &e), ERR_OK);
    store_read_end(tx);
}

/* Each is the cause of the next. */
static void make_chain(struct fixture *f, const char **ids, int n)
{
    const char *s = session(f), *more = "";
    for (int i = 0; i < n; i++) {
        ids[i] = fixture_text(f, save(f, s, fixture_args(f, "Step %d happened.", i), more), "id");
        more = fixture_args(f, ",\"cause_id\":\"%s\"", ids[i]);
    }
}

static void the_walk_goes_to_the_root_and_two_effects_down(void **state)
{
    struct fixture *f = *state;
    const char *ids[6];
    struct causal_chain chain;
    make_chain(f, ids, 6);
    walk_from(f, ids[2], &chain);
    assert_int_equal(chain.n, 5);
    assert_int_equal(chain.asked, 2);
    assert_true(str_is(chain.events[0]->id, ids[0]) && str_is(chain.events[4]->id, ids[4]));
    assert_true(str_is(causal_tell(f->arena, &chain),
                       "Initially, \"Step 0 happened\". This led to \"Step 1 happened\", which in turn caused "
                       "\"Step 2 happened\". That led to \"Step 3 happened\", which in turn caused "
                       "\"Step 4 happened\"."));
}

static void circles_and_long_chains_end(void **state)
{
    struct fixture *f = *state;
    const char *ids[CAUSAL_CAUSES_MAX + 8];
    struct causal_chain chain;
    make_chain(f, ids, CAUSAL_CAUSES_MAX + 8);
    walk_from(f, ids[CAUSAL_CAUSES_MAX + 7], &chain);
    assert_int_equal(chain.n, CAUSAL_CAUSES_MAX + 1);
    make_chain(f, ids, 3);
    fixture_ok(f, "event.update", fixture_args(f, "{\"id\":\"%s\",\"cause_id\":\"%s\"}", ids[0], ids[2]));
    walk_from(f, ids[1], &chain);
    assert_int_equal(chain.n, 3);
}

/* ---- vitality ---- */

static void vitality_fades_by_the_formula(void **state)
{
    const int64_t hour = 3600000;
    (void)state;
    assert_true(fabs(vitality_faded(1, 0, 1000 * hour, 0.001) - exp(-1)) < 1e-9);
    assert_true(fabs(vitality_faded(0.5, 7 * hour, 17 * hour, 0.001) - 0.5 * exp(-0.01)) < 1e-9);
    assert_true(vitality_faded(0.7, 100, 50, 0.001) == 0.7); /* a clock that went back raises nothing */
    assert_true(vitality_faded(0.7, 0, 1000 * hour, 0) == 0.7);
}

/* As if it had last been touched so many hours ago. */
static void set_back(struct fixture *f, const char *id, double vitality, int hours)
{
    char at[CLOCK_TEXT];
    clock_format(clock_now_ms() - (int64_t)hours * 3600000, at);
    fixture_ok(f, "event.update",
               fixture_args(f, "{\"id\":\"%s\",\"vitality\":%g,\"vitality_at\":\"%s\"}", id, vitality, at));
}

static void run_vitality(struct fixture *f, int64_t written, int64_t archived)
{
    struct vitality_done done;
    struct err e = {0};
    assert_int_equal(vitality_run(f->svc, f->arena, &done, &e), ERR_OK);
    assert_int_equal(done.written, written);
    assert_int_equal(done.archived, archived);
}

static void below_the_bound_events_are_archived_and_come_back_when_recalled(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *old = fixture_text(f, save(f, s, ERROR, ""), "id");
    const char *faded = fixture_text(f, save(f, s, "I lost my keys at the lake.", ""), "id");
    run_vitality(f, 0, 0);
    set_back(f, old, 1, 3100);  /* exp(-3.1) = 0.045 */
    set_back(f, faded, 1, 500); /* exp(-0.5) = 0.607 */
    run_vitality(f, 2, 1);
    run_vitality(f, 0, 0);
    assert_true(str_is(record_text(stored(f, old), "status"), "archived"));
    assert_true(fabs(record_real(stored(f, faded), "vitality") - exp(-0.5)) < 0.001);
    assert_int_equal(events(f, s)->n, 1);
    assert_int_equal(
        fixture_ok(f, "event.list", fixture_args(f, "{\"session_id\":\"%s\",\"status\":\"archived\"}", s))->n, 1);
    assert_null(json_text(save(f, s, FIX, ""), "cause_id").p); /* no cause any more */
    struct str id = str_of(old);
    vitality_rise(f->svc, &id, 1, VITALITY_RECALLED);
    save(f, s, "The roof was mended.", ""); /* written after it: so the rise is there now */
    assert_true(str_is(record_text(stored(f, old), "status"), "active"));
    assert_true(fabs(record_real(stored(f, old), "vitality") - (exp(-3.1) + 0.2)) < 0.001);
}

static void a_named_cause_rises_by_a_tenth_and_never_above_one(void **state)
{
    struct fixture *f = *state;
    const char *s = session(f), *error = fixture_text(f, save(f, s, ERROR, ""), "id");
    set_back(f, error, 0.5, 0);
    save(f, s, FIX, "");
    assert_true(fabs(record_real(stored(f, error), "vitality") - 0.6) < 0.001);
    set_back(f, error, 0.95, 0);
    save(f, s, FIX, fixture_args(f, ",\"cause_id\":\"%s\"", error));
    assert_true(record_real(stored(f, error), "vitality") == 1.0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(turns_become_events_once),
                                       TEST(other_sessions_hold_no_cause),
                                       TEST(settings_bound_what_is_found),
                                       TEST(an_event_by_hand_is_linked_too),
                                       TEST(a_cause_that_is_not_there_is_refused),
                                       TEST(the_model_judges_where_there_is_one),
                                       TEST(the_walk_goes_to_the_root_and_two_effects_down),
                                       TEST(circles_and_long_chains_end),
                                       cmocka_unit_test(vitality_fades_by_the_formula),
                                       TEST(below_the_bound_events_are_archived_and_come_back_when_recalled),
                                       TEST(a_named_cause_rises_by_a_tenth_and_never_above_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
