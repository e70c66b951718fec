/* Readers see one snapshot, many at once, stop at their deadline, and learn of what others commit. */
#include "place.h"

#include "base/clock.h"

static int64_t count(struct place *p, struct store_tx *tx)
{
    int64_t n = -1;
    (void)p;
    OK(record_count(tx, KIND_TURN, STR_NONE, &n, &e));
    return n;
}

static void a_snapshot_does_not_move(void **state)
{
    struct place *p = *state;
    struct str c = add_conversation(p, add_session(p)->id)->id;
    struct store_tx *old, *new;
    OK(store_read_begin(p->store, &old, &e));
    assert_int_equal(count(p, old), 0);
    OK(append_turn(p->store, c, STR("x"), NULL, &e));
    OK(store_read_begin(p->store, &new, &e));
    assert_int_equal(count(p, new), 1);
    assert_int_equal(count(p, old), 0);
    assert_int_equal(turns_last_seq(old), 0);
    store_read_end(old);
    store_read_end(new);
}

static void more_readers_than_the_pool_keeps(void **state)
{
    struct place *p = *state;
    struct store_tx *tx[40];
    for (int i = 0; i < 40; i++) {
        OK(store_read_begin(p->store, &tx[i], &e));
        assert_int_equal(count(p, tx[i]), 0);
    }
    for (int i = 0; i < 40; i++)
        store_read_end(tx[i]);
}

static void waiting_for_a_reader_ends_at_the_deadline(void **state)
{
    struct place *p = *state;
    struct store_tx *tx[64], *more;
    for (int i = 0; i < 64; i++)
        OK(store_read_begin(p->store, &tx[i], &e));
    WANT(ERR_TIMEOUT, store_read_begin_deadline(p->store, clock_mono_us() + 20000, &more, &e));
    store_read_end(tx[63]);
    OK(store_read_begin_deadline(p->store, clock_mono_us() + 10000000, &more, &e));
    store_read_end(more);
    for (int i = 0; i < 63; i++)
        store_read_end(tx[i]);
}

struct many {
    struct arena *a;
    struct str conversation;
};

static enum err_code append_many(struct store_tx *tx, void *arg, struct err *e)
{
    struct many *m = arg;
    enum err_code rc = ERR_OK;
    struct turn_added added;
    for (int i = 0; i < 20000 && !rc; i++)
        rc = turn_append(tx,
                         &(struct turn_new){.conversation_id = m->conversation,
                                            .agent = STR("a"),
                                            .role = STR("user"),
                                            .content = STR("something to look through"),
                                            .content_hash = STR("-"),
                                            .token_count = 1},
                         &added, e);
    return rc;
}

static void a_long_statement_is_cut_off(void **state)
{
    struct place *p = *state;
    struct many m = {p->arena, add_conversation(p, add_session(p)->id)->id};
    OK(store_write(p->store, append_many, &m, &e));
    struct list_page page;
    struct list_filter f[] = {{"agent", V_TEXT(STR("nobody"))}};
    struct list_query q = {.kind = KIND_TURN, .filters = f, .n_filters = 1, .limit = 5};
    struct store_tx *tx;
    OK(store_read_begin_deadline(p->store, clock_mono_us() - 1, &tx, &e));
    WANT(ERR_TIMEOUT, record_list(tx, p->arena, &q, &page, &e));
    store_read_end(tx);
    /* The connection is as good as before. */
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_list(tx, p->arena, &q, &page, &e));
    assert_int_equal(page.n, 0);
    store_read_end(tx);
}

static int append_elsewhere(struct place *p, int number)
{
    struct store *s;
    struct store_tx *tx;
    struct list_page page;
    (void)number;
    if (store_open(&(struct store_options){.dir = p->dir}, &s, NULL) || store_read_begin(s, &tx, NULL))
        return 1;
    enum err_code rc =
        record_list(tx, p->arena, &(struct list_query){.kind = KIND_CONVERSATION, .limit = 1}, &page, NULL);
    store_read_end(tx);
    if (rc || page.n != 1)
        return 2;
    rc = append_turn(s, page.rows[0]->id, STR("y"), NULL, NULL);
    store_close(s);
    return rc != ERR_OK;
}

static void the_change_counter_sees_every_process(void **state)
{
    struct place *p = *state;
    struct str c = add_conversation(p, add_session(p)->id)->id;
    struct other other = other_start(p, append_elsewhere);
    int64_t first = store_change_count(p->store);
    assert_int_equal(store_change_count(p->store), first);
    OK(append_turn(p->store, c, STR("x"), NULL, &e));
    int64_t second = store_change_count(p->store);
    assert_int_not_equal(second, first);
    other_step(&other);
    assert_int_not_equal(store_change_count(p->store), second);
    /* … and the writer does not trust what it remembered. */
    struct turn_added t;
    OK(append_turn(p->store, c, STR("z"), &t, &e));
    assert_int_equal(t.turn_number, 3);
    other_end(&other);
}

static void called(void *arg)
{
    ++*(int *)arg;
}

static void commits_are_announced(void **state)
{
    struct place *p = *state;
    int calls = 0;
    store_on_commit(p->store, called, &calls);
    (void)add_session(p);
    store_close(p->store); /* the announcement may come after the answer */
    p->store = NULL;
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_does_not_move, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(more_readers_than_the_pool_keeps, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(waiting_for_a_reader_ends_at_the_deadline, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_long_statement_is_cut_off, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_change_counter_sees_every_process, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(commits_are_announced, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
