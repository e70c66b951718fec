/* Reading turns, tails and marks; sessions by their own names; archiving. */
#include "place.h"

static struct record *add_named_session(struct place *p, const char *alias, const char *project)
{
    struct record *r = record_new(p->arena, KIND_SESSION);
    record_set(r, "alias", V_TEXT(str_of(alias)));
    r->project = str_of(project);
    OK(insert_record(p, r, &e));
    return r;
}

static void turns_after_a_number(void **state)
{
    struct place *p = *state;
    struct record *s1 = add_session(p), *s2 = add_session(p);
    struct str c1 = add_conversation(p, s1->id)->id, c2 = add_conversation(p, s2->id)->id;
    for (int i = 0; i < 6; i++)
        OK(append_turn(p->store, i % 2 ? c2 : c1, STR("x"), NULL, &e)); /* s1: 1 3 5, s2: 2 4 6 */
    struct store_tx *tx;
    struct turn *t;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    assert_int_equal(turns_last_seq(tx), 6);
    OK(turns_after(tx, p->arena, STR_NONE, 2, 3, false, &t, &n, &e));
    assert_int_equal(n, 3);
    assert_int_equal(t[0].seq, 3);
    OK(turns_after(tx, p->arena, STR_NONE, 2, 3, true, &t, &n, &e));
    assert_int_equal(n, 3);
    assert_int_equal(t[0].seq, 4);
    assert_int_equal(t[2].seq, 6);
    OK(turns_after(tx, p->arena, s2->id, 2, 9, false, &t, &n, &e));
    assert_int_equal(n, 2);
    assert_int_equal(t[0].seq, 4);
    OK(turns_after(tx, p->arena, s1->id, 0, 2, true, &t, &n, &e));
    assert_int_equal(n, 2);
    assert_int_equal(t[0].seq, 3);
    assert_int_equal(t[1].seq, 5);
    struct turn one;
    OK(turn_by_seq(tx, p->arena, 5, &one, &e));
    assert_true(str_eq(one.conversation_id, c1));
    WANT(ERR_NOT_FOUND, turn_by_seq(tx, p->arena, 7, &one, &e));
    WANT(ERR_NOT_FOUND, turn_by_id(tx, p->arena, STR("turn_x"), &one, &e));
    store_read_end(tx);
}

/* Both ways of finding a session's new turns give the same: the scan and the one through its conversations. */
static enum err_code append_batch(struct store_tx *tx, void *arg, struct err *e)
{
    struct str *conversations = arg;
    enum err_code rc = ERR_OK;
    struct turn_added added;
    for (int i = 0; i < 20500 && !rc; i++)
        rc = turn_append(tx,
                         &(struct turn_new){.conversation_id = conversations[i % 100 ? 0 : 1],
                                            .agent = STR("a"),
                                            .role = STR("user"),
                                            .content = STR("x"),
                                            .content_hash = STR("-"),
                                            .token_count = 1},
                         &added, e);
    return rc;
}

static void a_rare_session_among_many_turns(void **state)
{
    struct place *p = *state;
    struct record *rare = add_session(p);
    struct str conversations[] = {add_conversation(p, add_session(p)->id)->id, add_conversation(p, rare->id)->id};
    OK(store_write(p->store, append_batch, conversations, &e));
    struct store_tx *tx;
    struct turn *via, *scan;
    size_t n, m;
    OK(store_read_begin(p->store, &tx, &e));
    OK(turns_after(tx, p->arena, rare->id, 0, 300, false, &via, &n, &e));
    OK(turns_after(tx, p->arena, rare->id, 501, 300, false, &scan, &m, &e));
    assert_int_equal(n, 205);
    assert_int_equal(m, 199);
    for (size_t i = 0; i < m; i++)
        assert_int_equal(via[i + 6].seq, scan[i].seq);
    OK(turns_after(tx, p->arena, rare->id, 0, 10, true, &via, &n, &e));
    OK(turns_after(tx, p->arena, rare->id, 501, 10, true, &scan, &m, &e));
    assert_int_equal(n, 10);
    for (size_t i = 0; i < m; i++)
        assert_int_equal(via[i].seq, scan[i].seq);
    store_read_end(tx);
}

static void tails_are_the_last_turns_newest_conversation_first(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p);
    struct str a = add_conversation(p, s->id)->id, b = add_conversation(p, s->id)->id;
    struct append_args args = {.turn = {.conversation_id = a,
                                        .agent = STR("x"),
                                        .role = STR("assistant"),
                                        .content = STR("one"),
                                        .timestamp = 4000000000000,
                                        .token_count = 1}};
    OK(store_write(p->store, append_job, &args, &e));
    args.turn.conversation_id = b;
    args.turn.timestamp = 5000000000000;
    args.turn.content = STR("two");
    OK(store_write(p->store, append_job, &args, &e));
    struct record *empty = add_conversation(p, s->id);
    struct store_tx *tx;
    struct conversation_tail *t;
    size_t n;
    char hash[65];
    OK(store_read_begin(p->store, &tx, &e));
    OK(conversations_tails(tx, p->arena, s->id, 10, &t, &n, &e));
    assert_int_equal(n, 3);
    assert_true(str_eq(t[0].conversation_id, b));
    assert_true(str_eq(t[1].conversation_id, a));
    assert_true(str_eq(t[2].conversation_id, empty->id));
    assert_int_equal(t[0].turn_count, 1);
    assert_true(str_is(t[0].role, "assistant"));
    id_sha256(STR("two"), hash);
    assert_true(str_is(t[0].content_hash, hash));
    assert_null(t[2].role.p);
    OK(conversations_tails(tx, p->arena, s->id, 1, &t, &n, &e));
    assert_int_equal(n, 1);
    struct turn_mark *marks;
    OK(turn_marks(tx, p->arena, b, 1, 5, &marks, &n, &e));
    assert_int_equal(n, 1);
    assert_true(str_is(marks[0].content_hash, hash));
    struct session_counts counts;
    OK(session_counts(tx, s->id, &counts, &e));
    assert_int_equal(counts.conversations, 3);
    assert_int_equal(counts.turns, 2);
    store_read_end(tx);
}

static void a_session_is_found_by_its_own_name(void **state)
{
    struct place *p = *state;
    struct record *mine = add_named_session(p, "main", "p"), *theirs = add_named_session(p, "main", "q"), *found;
    struct store_tx *tx;
    OK(store_read_begin(p->store, &tx, &e));
    OK(session_by_alias(tx, p->arena, STR("p"), STR("main"), &found, &e));
    assert_int_equal(found->seq, mine->seq);
    OK(session_by_alias(tx, p->arena, STR("q"), STR("main"), &found, &e));
    assert_int_equal(found->seq, theirs->seq);
    REFUSED(ERR_NOT_FOUND, "SESSION_NOT_FOUND", session_by_alias(tx, p->arena, STR("r"), STR("main"), &found, &e));
    store_read_end(tx);
}

struct archive {
    struct str session;
    int64_t n, now;
};

static enum err_code archive_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct archive *a = arg;
    return conversations_archive(tx, a->session, &a->n, e);
}

static enum err_code touch_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct archive *a = arg;
    return session_touch(tx, a->session, a->now, e);
}

static void archiving_takes_the_active_ones(void **state)
{
    struct place *p = *state;
    struct archive a = {.session = add_session(p)->id};
    for (int i = 0; i < 3; i++)
        (void)add_conversation(p, a.session);
    OK(store_write(p->store, archive_job, &a, &e));
    assert_int_equal(a.n, 3);
    OK(store_write(p->store, archive_job, &a, &e));
    assert_int_equal(a.n, 0);
}

static void touching_moves_forward_and_not_too_often(void **state)
{
    struct place *p = *state;
    struct archive a = {.session = add_session(p)->id};
    static const struct {
        int64_t now, then;
    } steps[] = {{5000, 5000}, {5500, 5000}, {6500, 6500}, {100, 6500}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct store_tx *tx;
        struct record *r;
        a.now = steps[i].now;
        OK(store_write(p->store, touch_job, &a, &e));
        OK(store_read_begin(p->store, &tx, &e));
        OK(record_get(tx, p->arena, KIND_SESSION, a.session, STR_NONE, &r, &e));
        store_read_end(tx);
        assert_int_equal(record_int(r, "last_active"), steps[i].then);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(turns_after_a_number, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_rare_session_among_many_turns, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(tails_are_the_last_turns_newest_conversation_first, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(a_session_is_found_by_its_own_name, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(archiving_takes_the_active_ones, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(touching_moves_forward_and_not_too_often, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
