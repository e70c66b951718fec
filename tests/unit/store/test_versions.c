/* Versions: what a write raises and what it leaves alone, in this process and from another. */
#include "place.h"

#include "store/versions.h"

static uint64_t version_of(struct place *p, uint64_t key)
{
    uint64_t v = 0;
    assert_true(store_version(p->store, &key, 1, &v));
    return v;
}

static void a_turn_raises_its_own_session_only(void **state)
{
    struct place *p = *state;
    struct record *s1 = add_session(p), *s2 = add_session(p);
    struct str c1 = add_conversation(p, s1->id)->id;
    uint64_t mine = version_of(p, version_key(s1->id)), other = version_of(p, version_key(s2->id));
    OK(append_turn(p->store, c1, STR("x"), NULL, &e));
    assert_true(version_of(p, version_key(s1->id)) != mine);
    assert_int_equal(version_of(p, version_key(s2->id)), other);
}

struct change {
    struct arena *a;
    struct record *r;
    enum { UPDATE, DELETE, TOUCH } what;
};

static enum err_code change_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct change *c = arg;
    struct record *patch;
    switch (c->what) {
    case UPDATE:
        patch = record_new(c->a, c->r->kind);
        record_set(patch, c->r->kind == KIND_SUMMARY ? "text" : "title", V_TEXT(STR("new")));
        return record_update(tx, c->a, c->r->seq, patch, e);
    case DELETE:
        return record_delete(tx, c->a, c->r->kind, c->r->seq, e);
    case TOUCH:
        return session_touch(tx, c->r->id, INT64_C(4000000000000), e);
    }
    return ERR_OK;
}

static void change(struct place *p, struct record *r, int what)
{
    struct change c = {p->arena, r, what};
    OK(store_write(p->store, change_job, &c, &e));
}

static void changing_or_deleting_a_record_raises_its_session(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *sum = record_new(p->arena, KIND_SUMMARY);
    record_set(sum, "session_id", V_TEXT(s->id));
    record_set(sum, "text", V_TEXT(STR("old")));
    uint64_t at = version_of(p, version_key(s->id));
    OK(insert_record(p, sum, &e));
    uint64_t inserted = version_of(p, version_key(s->id));
    assert_true(inserted != at);
    change(p, sum, UPDATE);
    uint64_t updated = version_of(p, version_key(s->id));
    assert_true(updated != inserted);
    change(p, sum, DELETE);
    uint64_t deleted = version_of(p, version_key(s->id));
    assert_true(deleted != updated);
    change(p, s, UPDATE);
    assert_true(version_of(p, version_key(s->id)) != deleted);
}

static void last_active_has_a_version_of_its_own(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p);
    uint64_t whole = version_of(p, version_key(s->id)), active = version_of(p, version_active(s->id));
    change(p, s, TOUCH);
    assert_int_equal(version_of(p, version_key(s->id)), whole);
    assert_true(version_of(p, version_active(s->id)) != active);
}

static void a_record_of_no_session_raises_its_kind(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *prop = record_new(p->arena, kind_find(STR("prop")));
    uint64_t session = version_of(p, version_key(s->id)), kind = version_of(p, version_key(STR("prop")));
    record_set(prop, "name", V_TEXT(STR("lamp")));
    OK(insert_record(p, prop, &e));
    assert_int_equal(version_of(p, version_key(s->id)), session);
    assert_true(version_of(p, version_key(STR("prop"))) != kind);
}

static void a_trace_of_use_raises_nothing(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *load = record_new(p->arena, KIND_CONTEXT_LOAD);
    uint64_t at = version_of(p, version_key(s->id));
    record_set(load, "session_id", V_TEXT(s->id));
    OK(insert_record(p, load, &e));
    assert_int_equal(version_of(p, version_key(s->id)), at);
}

static int write_there(struct place *p, int number)
{
    (void)number;
    place_reopen(p);
    struct record *r = record_new(p->arena, KIND_SUMMARY);
    record_set(r, "session_id", V_TEXT(STR("sess_shared")));
    record_set(r, "text", V_TEXT(STR("from another process")));
    struct err e = {0};
    int failed = insert_record(p, r, &e) != ERR_OK;
    store_close(p->store);
    p->store = NULL;
    return failed;
}

static void another_process_raises_ours(void **state)
{
    struct place *p = *state;
    struct other o = other_start(p, write_there);
    uint64_t shared = version_of(p, version_key(STR("sess_shared"))), alone = version_of(p, version_key(STR("sess_x")));
    other_step(&o);
    assert_true(version_of(p, version_key(STR("sess_shared"))) != shared);
    assert_int_equal(version_of(p, version_key(STR("sess_x"))), alone);
    other_end(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_turn_raises_its_own_session_only, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(changing_or_deleting_a_record_raises_its_session, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(last_active_has_a_version_of_its_own, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_record_of_no_session_raises_its_kind, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_trace_of_use_raises_nothing, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(another_process_raises_ours, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
