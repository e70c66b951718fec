/* CRUD on every kind, driven by the table itself, and what must be refused. */
#include "place.h"

/* A value that suits the field. */
static struct value sample(struct arena *a, const struct field *f, int n)
{
    switch (f->type) {
    case FIELD_INT:
        return V_INT(1 + n);
    case FIELD_TIME:
        return V_INT(1700000000000 + n);
    case FIELD_BOOL:
        return V_INT(n % 2);
    case FIELD_REAL:
        return V_REAL(n % 2 ? 0.25 : 0.5);
    case FIELD_ENUM: {
        struct str rest = str_of(f->choices);
        return V_TEXT(str_cut(&rest, '|'));
    }
    case FIELD_OBJECT:
        return V_TEXT(arena_fmt(a, "{\"n\":%d}", n));
    case FIELD_ARRAY:
        return V_TEXT(arena_fmt(a, "[%d]", n));
    case FIELD_JSON:
        return V_TEXT(arena_fmt(a, "%d", n));
    case FIELD_TEXT:
        break;
    }
    return V_TEXT(arena_fmt(a, "%s %d ✓", f->name, n));
}

static struct record *sample_record(struct arena *a, const struct kind *k, int n)
{
    struct record *r = record_new(a, k);
    for (size_t i = 0; i < k->n_fields; i++)
        r->v[i] = sample(a, &k->fields[i], n);
    if (k->flags & KIND_KEYED)
        r->id = arena_fmt(a, "key-%d", n);
    return r;
}

static void expect_same(const struct record *x, const struct record *y)
{
    assert_int_equal(x->seq, y->seq);
    assert_true(str_eq(x->id, y->id));
    assert_true(str_eq(x->project, y->project));
    assert_int_equal(x->created_at, y->created_at);
    for (size_t i = 0; i < x->kind->n_fields; i++) {
        assert_int_equal(x->v[i].type, y->v[i].type);
        assert_int_equal(x->v[i].i, y->v[i].i);
        assert_true(x->v[i].d == y->v[i].d);
        assert_true(str_eq(x->v[i].s, y->v[i].s));
    }
}

static struct record *get(struct place *p, const struct kind *k, struct str id, struct str project)
{
    struct store_tx *tx;
    struct record *r = NULL;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, k, id, project, &r, &e));
    store_read_end(tx);
    return r;
}

static enum err_code try_get(struct place *p, const struct kind *k, struct str id, struct str project, struct err *e)
{
    struct store_tx *tx;
    struct record *r;
    enum err_code rc = store_read_begin(p->store, &tx, e);
    if (!rc) {
        rc = record_get(tx, p->arena, k, id, project, &r, e);
        store_read_end(tx);
    }
    return rc;
}

struct update_args {
    struct arena *a;
    int64_t seq;
    struct record *patch;
};

static enum err_code update_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct update_args *u = arg;
    return record_update(tx, u->a, u->seq, u->patch, e);
}

static enum err_code update(struct place *p, int64_t seq, struct record *patch, struct err *e)
{
    struct update_args args = {p->arena, seq, patch};
    return store_write(p->store, update_job, &args, e);
}

struct delete_args {
    struct arena *a;
    const struct kind *k;
    int64_t seq;
};

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct delete_args *d = arg;
    return record_delete(tx, d->a, d->k, d->seq, e);
}

static enum err_code delete_record(struct place *p, const struct kind *k, int64_t seq, struct err *e)
{
    struct delete_args args = {p->arena, k, seq};
    return store_write(p->store, delete_job, &args, e);
}

static void every_kind_is_stored_and_read_back(void **state)
{
    struct place *p = *state;
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++) {
        struct record *r = sample_record(p->arena, &all[i], 7), *by_seq;
        OK(insert_record(p, r, &e));
        assert_true(r->seq > 0);
        expect_same(get(p, &all[i], r->id, STR_NONE), r);
        struct store_tx *tx;
        int64_t count;
        OK(store_read_begin(p->store, &tx, &e));
        OK(record_by_seq(tx, p->arena, &all[i], r->seq, &by_seq, &e));
        expect_same(by_seq, r);
        OK(record_count(tx, &all[i], STR_NONE, &count, &e));
        assert_int_equal(count, 1);
        OK(record_count(tx, &all[i], STR("elsewhere"), &count, &e));
        assert_int_equal(count, 0);
        store_read_end(tx);
    }
}

static void every_kind_is_updated_and_deleted(void **state)
{
    struct place *p = *state;
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++) {
        const struct kind *k = &all[i];
        struct record *r = sample_record(p->arena, k, 1), *patch = sample_record(p->arena, k, 2);
        patch->id = STR_NONE;
        for (size_t j = 0; j < k->n_fields; j++)
            if (k->fields[j].flags & FIELD_FIXED)
                patch->v[j] = V_UNSET;
        OK(insert_record(p, r, &e));
        if (k->flags & KIND_IMMUTABLE) {
            WANT(ERR_CONFLICT, update(p, r->seq, patch, &e));
        } else {
            OK(update(p, r->seq, patch, &e));
            struct record *again = get(p, k, r->id, STR_NONE);
            assert_int_equal(again->version, 2);
            for (size_t j = 0; j < k->n_fields; j++) {
                const struct value *wanted = patch->v[j].type == VALUE_UNSET ? &r->v[j] : &patch->v[j];
                assert_true(str_eq(again->v[j].s, wanted->s));
                assert_int_equal(again->v[j].i, wanted->i);
            }
        }
        OK(delete_record(p, k, r->seq, &e));
        WANT(ERR_NOT_FOUND, delete_record(p, k, r->seq, &e));
        WANT(ERR_NOT_FOUND, try_get(p, k, r->id, STR_NONE, &e));
    }
}

static void missing_values_take_their_defaults(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *again = get(p, KIND_SESSION, s->id, STR_NONE);
    assert_true(str_is(again->project, "default"));
    assert_true(str_is(record_text(again, "status"), "active"));
    assert_true(id_has_form(again->id, "sess"));
    assert_int_equal(again->version, 1);
    struct record *c = record_new(p->arena, KIND_CONVERSATION);
    REFUSED(ERR_INVALID, "session_id", insert_record(p, c, &e));
}

static void the_same_id_twice_is_a_conflict(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *twin = record_new(p->arena, KIND_SESSION);
    twin->id = s->id;
    REFUSED(ERR_CONFLICT, "session_id", insert_record(p, twin, &e));
    /* … and the writer goes on. */
    (void)add_session(p);
}

static void names_are_unique_among_the_living(void **state)
{
    struct place *p = *state;
    struct record *a = record_new(p->arena, KIND_AGENT), *b = record_new(p->arena, KIND_AGENT);
    a->id = b->id = STR("codey");
    OK(insert_record(p, a, &e));
    REFUSED(ERR_CONFLICT, "name", insert_record(p, b, &e));
    OK(delete_record(p, KIND_AGENT, a->seq, &e));
    OK(insert_record(p, b, &e));
    assert_int_equal(get(p, KIND_AGENT, STR("codey"), STR_NONE)->seq, b->seq);
}

static void a_project_sees_its_own_before_the_organisations(void **state)
{
    struct place *p = *state;
    struct record *org = record_new(p->arena, KIND_AGENT), *own = record_new(p->arena, KIND_AGENT);
    org->id = own->id = STR("codey");
    own->project = STR("p");
    OK(insert_record(p, org, &e));
    assert_int_equal(get(p, KIND_AGENT, STR("codey"), STR("p"))->seq, org->seq);
    OK(insert_record(p, own, &e));
    assert_int_equal(get(p, KIND_AGENT, STR("codey"), STR("p"))->seq, own->seq);
    assert_int_equal(get(p, KIND_AGENT, STR("codey"), STR("q"))->seq, org->seq);
}

static void what_is_fixed_stays(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *c = add_conversation(p, s->id);
    struct record *patch = record_new(p->arena, KIND_CONVERSATION);
    record_set(patch, "session_id", V_TEXT(STR("sess_other")));
    REFUSED(ERR_INVALID, "session_id", update(p, c->seq, patch, &e));
    /* An output that was read may be sent back as it is. */
    record_set(patch, "session_id", V_TEXT(s->id));
    patch->id = c->id;
    patch->project = STR("default");
    record_set(patch, "directive", V_TEXT(STR("another")));
    OK(update(p, c->seq, patch, &e));
    assert_true(str_is(record_text(get(p, KIND_CONVERSATION, c->id, STR_NONE), "directive"), "another"));
    patch->project = STR("elsewhere");
    REFUSED(ERR_INVALID, "project", update(p, c->seq, patch, &e));
    WANT(ERR_NOT_FOUND, update(p, 999, patch, &e));
}

static void text_of_any_bytes_survives(void **state)
{
    struct place *p = *state;
    static const char odd[] = "a\0b ' \" ; -- \xf0\x9f\x98\x80 %s ?1";
    struct record *r = record_new(p->arena, kind_find(STR("checkpoint")));
    record_set(r, "title", V_TEXT(STR("x")));
    record_set(r, "content", V_TEXT(((struct str){odd, sizeof odd - 1})));
    record_set(r, "description", V_TEXT(STR("")));
    OK(insert_record(p, r, &e));
    struct record *again = get(p, r->kind, r->id, STR_NONE);
    assert_int_equal(record_text(again, "content").n, sizeof odd - 1);
    assert_memory_equal(record_text(again, "content").p, odd, sizeof odd - 1);
    assert_int_equal(record_value(again, "description")->type, VALUE_TEXT);
    assert_int_equal(record_text(again, "description").n, 0);
}

static void the_feed_gives_all_in_order_also_the_deleted(void **state)
{
    struct place *p = *state;
    struct record *made[5], **rows;
    size_t n;
    struct store_tx *tx;
    for (int i = 0; i < 5; i++)
        made[i] = add_session(p);
    OK(delete_record(p, KIND_SESSION, made[2]->seq, &e));
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_after(tx, p->arena, KIND_SESSION, made[0]->seq, 3, &rows, &n, &e));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i]->seq, made[i + 1]->seq);
    assert_true(rows[1]->deleted_at > 0);
    assert_int_equal(rows[0]->deleted_at, 0);
    OK(record_after(tx, p->arena, KIND_SESSION, made[4]->seq, 3, &rows, &n, &e));
    assert_int_equal(n, 0);
    store_read_end(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_is_stored_and_read_back, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(every_kind_is_updated_and_deleted, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(missing_values_take_their_defaults, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_same_id_twice_is_a_conflict, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(names_are_unique_among_the_living, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_project_sees_its_own_before_the_organisations, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_is_fixed_stays, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(text_of_any_bytes_survives, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_feed_gives_all_in_order_also_the_deleted, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
