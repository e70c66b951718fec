/* Turns get the numbers 1, 2, 3 … of their conversation, whoever appends at the same time. */
#include "place.h"

#include "base/clock.h"

#include <pthread.h>

static void numbers_ascend_without_gap(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *c = add_conversation(p, s->id);
    for (int i = 1; i <= 20; i++) {
        struct turn_added t;
        OK(append_turn(p->store, c->id, STR("hello"), &t, &e));
        assert_int_equal(t.turn_number, i);
        assert_true(id_has_form(str_of(t.id), "turn"));
    }
    struct store_tx *tx;
    struct record *again;
    struct turn *turns;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, KIND_CONVERSATION, c->id, STR_NONE, &again, &e));
    assert_int_equal(record_int(again, "turn_count"), 20);
    OK(turns_page(tx, p->arena, c->id, 5, 4, &turns, &n, &e));
    assert_int_equal(n, 4);
    assert_int_equal(turns[0].turn_number, 5);
    assert_int_equal(turns[3].turn_number, 8);
    assert_true(str_is(turns[0].content, "hello"));
    assert_true(str_eq(turns[0].session_id, s->id));
    OK(turns_last(tx, p->arena, c->id, 15, 3, &turns, &n, &e));
    assert_int_equal(n, 3);
    assert_int_equal(turns[0].turn_number, 18);
    assert_int_equal(turns[2].turn_number, 20);
    store_read_end(tx);
}

static void the_same_id_is_stored_once(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *c = add_conversation(p, s->id), *other = add_conversation(p, s->id);
    char id[ID_MAX];
    id_make("turn", id);
    struct append_args args = {.turn = {.id = str_of(id),
                                        .conversation_id = c->id,
                                        .agent = STR("a"),
                                        .role = STR("user"),
                                        .content = STR("once"),
                                        .timestamp = 1234,
                                        .token_count = 7}};
    OK(store_write(p->store, append_job, &args, &e));
    struct turn_added first = args.added;
    args.turn.content = STR("twice");
    OK(store_write(p->store, append_job, &args, &e));
    assert_int_equal(args.added.seq, first.seq);
    assert_int_equal(args.added.turn_number, 1);
    assert_int_equal(args.added.timestamp, 1234);
    args.turn.conversation_id = other->id;
    WANT(ERR_CONFLICT, store_write(p->store, append_job, &args, &e));
    struct store_tx *tx;
    struct turn t;
    OK(store_read_begin(p->store, &tx, &e));
    OK(turn_by_id(tx, p->arena, str_of(id), &t, &e));
    assert_true(str_is(t.content, "once"));
    assert_int_equal(t.token_count, 7);
    assert_int_equal(turns_last_seq(tx), first.seq);
    store_read_end(tx);
}

static void what_is_missing_or_expired_is_said(void **state)
{
    struct place *p = *state;
    REFUSED(ERR_NOT_FOUND, "CONVERSATION_NOT_FOUND", append_turn(p->store, STR("conv_nope"), STR("x"), NULL, &e));
    struct record *s = record_new(p->arena, KIND_SESSION);
    record_set(s, "status", V_TEXT(STR("expired")));
    OK(insert_record(p, s, &e));
    struct record *c = add_conversation(p, s->id);
    REFUSED(ERR_GONE, "SESSION_EXPIRED", append_turn(p->store, c->id, STR("x"), NULL, &e));
}

static void wrong_turns_are_refused(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, add_session(p)->id);
    struct append_args args = {.turn = {.conversation_id = c->id, .agent = STR("a"), .role = STR("boss")}};
    REFUSED(ERR_INVALID, "role", store_write(p->store, append_job, &args, &e));
    args.turn.role = STR("user");
    args.turn.agent = STR("");
    REFUSED(ERR_INVALID, "agent", store_write(p->store, append_job, &args, &e));
    args.turn.agent = STR("a");
    args.turn.id = STR("turn_1");
    REFUSED(ERR_INVALID, "turn_id", store_write(p->store, append_job, &args, &e));
}

static void last_active_moves_at_most_once_a_second(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *c = add_conversation(p, s->id), *again;
    OK(append_turn(p->store, c->id, STR("x"), NULL, &e));
    struct store_tx *tx;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, KIND_SESSION, s->id, STR_NONE, &again, &e));
    store_read_end(tx);
    int64_t first = record_int(again, "last_active");
    assert_true(first > 0);
    OK(append_turn(p->store, c->id, STR("x"), NULL, &e));
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, KIND_SESSION, s->id, STR_NONE, &again, &e));
    store_read_end(tx);
    assert_true(record_int(again, "last_active") == first || record_int(again, "last_active") >= first + 1000);
}

/* ---- many at once ---- */

enum { THREADS = 8, EACH = 60, PROCESSES = 3 };

struct appender {
    struct store *store;
    struct str conversation;
    int failures;
};

static void *append_many(void *arg)
{
    struct appender *a = arg;
    for (int i = 0; i < EACH; i++)
        a->failures += append_turn(a->store, a->conversation, STR("many"), NULL, NULL) != ERR_OK;
    return NULL;
}

/* Runs THREADS appenders on one store; returns the failures. */
static int append_in_threads(struct store *s, struct str conversation)
{
    pthread_t threads[THREADS];
    struct appender a[THREADS];
    int failures = 0;
    for (int i = 0; i < THREADS; i++) {
        a[i] = (struct appender){.store = s, .conversation = conversation};
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &a[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        failures += a[i].failures;
    }
    return failures;
}

static void count_problem(void *arg, const char *problem)
{
    print_message("%s\n", problem);
    ++*(int *)arg;
}

static void expect_turns(struct place *p, struct str conversation, int64_t wanted)
{
    struct turn *turns;
    size_t n;
    struct store_tx *tx;
    OK(store_read_begin(p->store, &tx, &e));
    OK(turns_page(tx, p->arena, conversation, 1, 100000, &turns, &n, &e));
    store_read_end(tx);
    assert_int_equal(n, wanted);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(turns[i].turn_number, i + 1);
    int problems = 0;
    OK(store_check(p->store, count_problem, &problems, &e));
    assert_int_equal(problems, 0);
}

static void threads_leave_no_gap_and_no_double(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, add_session(p)->id);
    assert_int_equal(append_in_threads(p->store, c->id), 0);
    expect_turns(p, c->id, THREADS * EACH);
}

static void processes_leave_no_gap_and_no_double(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, add_session(p)->id);
    /* SQLite connections do not survive a fork: each process opens its own store. */
    store_close(p->store);
    p->store = NULL;
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            struct store *s;
            int failures = 1;
            if (store_open(&(struct store_options){.dir = p->dir, .busy_ms = 20000}, &s, NULL) == ERR_OK) {
                failures = append_in_threads(s, c->id);
                store_close(s);
            }
            _exit(failures != 0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    place_reopen(p);
    expect_turns(p, c->id, (int64_t)PROCESSES * THREADS * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_ascend_without_gap, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_same_id_is_stored_once, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_or_expired_is_said, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(wrong_turns_are_refused, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(last_active_moves_at_most_once_a_second, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(threads_leave_no_gap_and_no_double, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(processes_leave_no_gap_and_no_double, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
