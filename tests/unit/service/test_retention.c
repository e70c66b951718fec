/* Retention: what is due and what is not, by time; and that no turn goes which is not summed up. What is seen over HTTP
 * of it, and kills: tests/e2e/test_retention.py. */
#include "service_fixture.h"

#include "base/clock.h"
#include "service/retention.h"
#include "store/retention.h"

static const int64_t DAY = INT64_C(86400000), MINUTE = 60000;

static const char *made(struct fixture *f, const char *operation, const char *key, const char *args)
{
    return fixture_text(f, fixture_ok(f, operation, args), key);
}

static void add_turn(struct fixture *f, const char *conversation, int i)
{
    char args[300];
    snprintf(args, sizeof args,
             "{\"conversation_id\":\"%s\",\"agent\":\"ana\",\"content\":\"Caroline moved to town %d in Spring.\"}",
             conversation, i);
    fixture_ok(f, "turn.add", args);
}

static const char *talk(struct fixture *f, const char *session, int turns)
{
    char args[200];
    snprintf(args, sizeof args, "{\"session_id\":\"%s\",\"directive\":\"News\"}", session);
    const char *conversation = made(f, "conversation.create", "conversation_id", args);
    for (int i = 1; i <= turns; i++)
        add_turn(f, conversation, i);
    return conversation;
}

struct change {
    struct fixture *f;
    const struct kind *kind;
    int64_t seq;
    const char *field;
    int64_t value;
};

static enum err_code change_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct change *c = arg;
    struct record *patch = record_new(c->f->arena, c->kind);
    record_set(patch, c->field, V_INT(c->value));
    return record_update(tx, c->f->arena, c->seq, patch, e);
}

static void set_int(struct fixture *f, const struct kind *k, const char *id, const char *field, int64_t value)
{
    struct err e = {0};
    struct change c = {f, k, fixture_record(f, k, id)->seq, field, value};
    assert_int_equal(store_write(f->svc->store, change_on, &c, &e), ERR_OK);
}

/* As if nobody had used the conversation for so long. */
static void age_talk(struct fixture *f, const char *conversation, int64_t ms)
{
    set_int(f, KIND_CONVERSATION, conversation, "last_turn_at", clock_now_ms() - ms);
    set_int(f, KIND_CONVERSATION, conversation, "stored_at", clock_now_ms() - ms);
}

static struct retention_done run(struct fixture *f, struct retention_wish wish)
{
    struct err e = {0};
    struct retention_done d;
    assert_int_equal(retention_run(f->svc, &wish, &d, &e), ERR_OK);
    assert_int_equal(d.failed, 0);
    return d;
}

static bool is_archived(struct fixture *f, const char *session)
{
    return str_is(record_text(fixture_record(f, KIND_SESSION, session), "status"), "archived");
}

static size_t turns_of(struct fixture *f, const char *conversation)
{
    struct store_tx *tx;
    struct turn *rows;
    struct err e = {0};
    size_t n;
    assert_int_equal(store_read_begin(f->svc->store, &tx, &e), ERR_OK);
    assert_int_equal(turns_page(tx, f->arena, str_of(conversation), 1, 1000, &rows, &n, &e), ERR_OK);
    store_read_end(tx);
    return n;
}

/* ---- sessions ---- */

static void a_session_is_archived_when_its_own_days_are_over_and_not_before(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *wish;
        int64_t days; /* 0: never */
    } cases[] = {
        {"{}", 30},
        {"{\"user_preferences\":{\"memory_retention_days\":5}}", 5},
        {"{\"user_preferences\":{\"memory_retention_days\":365}}", 365},
        {"{\"user_preferences\":{\"memory_retention_days\":0}}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *before = made(f, "session.create", "session_id", cases[i].wish);
        const char *after = made(f, "session.create", "session_id", cases[i].wish);
        int64_t days = cases[i].days ? cases[i].days : 10000;
        set_int(f, KIND_SESSION, before, "last_active", clock_now_ms() - days * DAY + MINUTE);
        set_int(f, KIND_SESSION, after, "last_active", clock_now_ms() - days * DAY);
        assert_int_equal(run(f, (struct retention_wish){0}).archived, cases[i].days ? 1 : 0);
        assert_false(is_archived(f, before));
        assert_int_equal(is_archived(f, after), cases[i].days > 0);
    }
}

static size_t aged_by(struct fixture *f, enum ageing which, int64_t since)
{
    struct store_tx *tx;
    struct err e = {0};
    int64_t seqs[10];
    size_t n;
    assert_int_equal(store_read_begin(f->svc->store, &tx, &e), ERR_OK);
    assert_int_equal(aged(tx, which, 0, since, seqs, 10, &n, &e), ERR_OK);
    store_read_end(tx);
    return n;
}

/* To the millisecond; archiving itself counts as a change, however long ago the last use was. */
static void an_archived_session_is_due_from_when_it_was_archived(void **state)
{
    struct fixture *f = *state;
    char args[100];
    const char *session = made(f, "session.create", "session_id", "{}");
    snprintf(args, sizeof args, "{\"session_id\":\"%s\"}", session);
    assert_int_equal(aged_by(f, AGED_ARCHIVED, INT64_MAX), 0);
    fixture_ok(f, "session.archive", args);
    set_int(f, KIND_SESSION, session, "last_active", clock_now_ms() - 400 * DAY);
    int64_t at = fixture_record(f, KIND_SESSION, session)->updated_at;
    assert_int_equal(aged_by(f, AGED_ARCHIVED, at - 1), 0);
    assert_int_equal(aged_by(f, AGED_ARCHIVED, at), 1);
    set_int(f, KIND_SESSION, session, "last_active", at + 10000); /* looked at since */
    assert_int_equal(aged_by(f, AGED_ARCHIVED, at + 9999), 0);
    assert_int_equal(aged_by(f, AGED_ARCHIVED, at + 10000), 1);
    assert_int_equal(run(f, (struct retention_wish){.days = 1}).expired, 0);
}

static void a_run_stops_at_its_limit_and_says_that_there_is_more(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 5; i++)
        set_int(f, KIND_SESSION, made(f, "session.create", "session_id", "{}"), "last_active",
                clock_now_ms() - 40 * DAY);
    assert_int_equal(run(f, (struct retention_wish){.dry_run = true}).archived, 5);
    for (int i = 0; i < 3; i++) {
        struct retention_done d = run(f, (struct retention_wish){.limit = 2});
        assert_int_equal(d.archived, i < 2 ? 2 : 1);
        assert_int_equal(d.more, i < 2);
    }
}

/* ---- turns ---- */

static void a_conversation_is_shed_when_its_days_are_over_and_not_before(void **state)
{
    struct fixture *f = *state;
    const char *session = made(f, "session.create", "session_id", "{}");
    const char *before = talk(f, session, 5), *after = talk(f, session, 5);
    age_talk(f, before, 10 * DAY - MINUTE);
    age_talk(f, after, 10 * DAY);
    struct retention_done d = run(f, (struct retention_wish){.days = 10});
    assert_int_equal(d.conversations, 1);
    assert_int_equal(d.turns, 5);
    assert_int_equal(turns_of(f, before), 5);
    assert_int_equal(turns_of(f, after), 0);
    assert_true(record_text(fixture_record(f, KIND_CONVERSATION, after), "context_summary").n > 0);
}

struct removal {
    const char *conversation;
    int64_t removed, left;
};

static enum err_code remove_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct removal *r = arg;
    return turns_remove(tx, str_of(r->conversation), &r->removed, &r->left, e);
}

static void expect_removed(struct fixture *f, const char *conversation, int64_t removed, size_t left)
{
    struct err e = {0};
    struct removal r = {conversation, -1, -1};
    assert_int_equal(store_write(f->svc->store, remove_on, &r, &e), ERR_OK);
    assert_int_equal(r.removed, removed);
    assert_int_equal(r.left, 0);
    assert_int_equal(turns_of(f, conversation), left);
}

static void turns_go_as_far_as_they_are_summed_up_and_no_further(void **state)
{
    struct fixture *f = *state;
    const char *conversation = talk(f, made(f, "session.create", "session_id", "{}"), 6);
    expect_removed(f, conversation, 0, 6);
    set_int(f, KIND_CONVERSATION, conversation, "summarized_turn", 4);
    expect_removed(f, conversation, 4, 2);
    expect_removed(f, conversation, 0, 2);
    add_turn(f, conversation, 7);
    expect_removed(f, conversation, 0, 3);
    set_int(f, KIND_CONVERSATION, conversation, "summarized_turn", 7);
    expect_removed(f, conversation, 3, 0);
}

/* The model takes its time; meanwhile the talk goes on. */
struct interruption {
    struct fixture *f;
    const char *conversation;
    int asked;
};

static enum err_code ask_meanwhile(void *arg, struct arena *a, struct str system, struct str user, int max_tokens,
                                   int timeout_ms, struct str *answer, struct err *e)
{
    struct interruption *i = arg;
    (void)a, (void)system, (void)user, (void)max_tokens, (void)timeout_ms, (void)e;
    if (i->asked++ == 0)
        add_turn(i->f, i->conversation, 99);
    *answer = STR("{\"summary\": \"They talked of towns.\"}");
    return ERR_OK;
}

static void a_turn_added_while_the_summary_is_made_keeps_all_of_them(void **state)
{
    struct fixture *f = *state;
    const char *conversation = talk(f, made(f, "session.create", "session_id", "{}"), 6);
    struct interruption i = {.f = f, .conversation = conversation};
    const struct asker asker = {ask_meanwhile, &i};
    age_talk(f, conversation, 100 * DAY);
    f->svc->asker = &asker;
    struct retention_done d = run(f, (struct retention_wish){.days = 10});
    f->svc->asker = NULL;
    assert_int_equal(i.asked, 1);
    assert_int_equal(d.conversations, 0);
    assert_int_equal(d.turns, 0);
    assert_int_equal(turns_of(f, conversation), 7);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_session_is_archived_when_its_own_days_are_over_and_not_before),
        T(an_archived_session_is_due_from_when_it_was_archived),
        T(a_run_stops_at_its_limit_and_says_that_there_is_more),
        T(a_conversation_is_shed_when_its_days_are_over_and_not_before),
        T(turns_go_as_far_as_they_are_summed_up_and_no_further),
        T(a_turn_added_while_the_summary_is_made_keeps_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
