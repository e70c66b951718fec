/* Deleting sessions and conversations with all that belongs to them: whatever the table of kinds says belongs to one.
 */
#include "place.h"

/* A value that a required field takes. */
static struct value some_value(const struct field *f)
{
    struct str choices = str_of(f->choices);
    switch (f->type) {
    case FIELD_ENUM:
        return V_TEXT(str_cut(&choices, '|'));
    case FIELD_ARRAY:
        return V_TEXT(STR("[]"));
    case FIELD_OBJECT:
    case FIELD_JSON:
        return V_TEXT(STR("{}"));
    case FIELD_TEXT:
        return V_TEXT(STR("x"));
    default:
        return V_INT(1);
    }
}

static struct record *add(struct place *p, const struct kind *k, const char *field, struct str id, struct str session)
{
    struct record *r = record_new(p->arena, k);
    for (size_t i = 0; i < k->n_fields; i++)
        if (k->fields[i].flags & FIELD_REQUIRED)
            r->v[i] = some_value(&k->fields[i]);
    record_set(r, "session_id", V_TEXT(session)); /* loads of context always name theirs */
    record_set(r, field, V_TEXT(id));
    if (k->flags & KIND_KEYED)
        r->id = STR("x");
    OK(insert_record(p, r, &e));
    return r;
}

static bool alive(struct place *p, const struct kind *k, int64_t seq)
{
    struct store_tx *tx;
    struct record *r;
    OK(store_read_begin(p->store, &tx, &e));
    enum err_code code = record_by_seq(tx, p->arena, k, seq, &r, NULL);
    store_read_end(tx);
    assert_true(code == ERR_OK || code == ERR_NOT_FOUND);
    return code == ERR_OK;
}

struct deletion {
    struct str id;
    bool session;
    struct dropped dropped;
};

static enum err_code delete_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct deletion *d = arg;
    return d->session ? session_delete(tx, d->id, &d->dropped, e) : conversation_delete(tx, d->id, &d->dropped, e);
}

static bool made_by_hand(const struct kind *k)
{
    return k == KIND_SESSION || k == KIND_CONVERSATION || k == KIND_TURN;
}

/* One record of each kind that has the field, and a tag on it. */
static size_t add_all(struct place *p, const char *field, struct str id, struct str session, struct record **out)
{
    size_t n_kinds, n = 0;
    const struct kind *kinds = kinds_all(&n_kinds);
    for (size_t i = 0; i < n_kinds; i++) {
        if (made_by_hand(&kinds[i]) || kind_field(&kinds[i], str_of(field)) < 0)
            continue;
        struct record *r = out[n++] = add(p, &kinds[i], field, id, session);
        struct record *tag = out[n++] = record_new(p->arena, kind_find(STR("tag")));
        record_set(tag, "name", V_TEXT(STR("label")));
        record_set(tag, "record_kind", V_TEXT(str_of(kinds[i].name)));
        record_set(tag, "record_id", V_TEXT(r->id));
        OK(insert_record(p, tag, &e));
    }
    return n;
}

static void all_kinds_that_name_a_session_go_with_it(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *other = add_session(p), *gone[80], *kept[80];
    struct record *c = add_conversation(p, s->id), *c2 = add_conversation(p, other->id);
    OK(append_turn(p->store, c->id, STR("x"), NULL, &e));
    OK(append_turn(p->store, c->id, STR("y"), NULL, &e));
    OK(append_turn(p->store, c2->id, STR("z"), NULL, &e));
    size_t n = add_all(p, "session_id", s->id, s->id, gone);
    n += add_all(p, "conversation_id", c->id, s->id, gone + n);
    size_t n_kept = add_all(p, "session_id", other->id, other->id, kept);
    assert_true(n >= 16);
    struct deletion d = {.id = s->id, .session = true};
    OK(store_write(p->store, delete_on, &d, &e));
    assert_int_equal(d.dropped.conversations, 1);
    assert_int_equal(d.dropped.turns, 2);
    assert_false(alive(p, KIND_SESSION, s->seq));
    assert_false(alive(p, KIND_CONVERSATION, c->seq));
    assert_false(alive(p, KIND_TURN, 1));
    assert_true(alive(p, KIND_TURN, 3));
    for (size_t i = 0; i < n; i++)
        assert_false(alive(p, gone[i]->kind, gone[i]->seq));
    for (size_t i = 0; i < n_kept; i++)
        assert_true(alive(p, kept[i]->kind, kept[i]->seq));
}

static void numbers_of_turns_are_never_given_again(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *c = add_conversation(p, s->id);
    OK(append_turn(p->store, c->id, STR("x"), NULL, &e));
    struct deletion d = {.id = c->id};
    OK(store_write(p->store, delete_on, &d, &e));
    assert_int_equal(d.dropped.turns, 1);
    REFUSED(ERR_NOT_FOUND, "CONVERSATION_NOT_FOUND", append_turn(p->store, c->id, STR("y"), NULL, &e));
    assert_true(alive(p, KIND_SESSION, s->seq));
    OK(store_write(p->store, delete_on, &d, &e));
    assert_int_equal(d.dropped.turns, 0); /* nothing is left to drop */
}

static void report(void *arg, const char *problem)
{
    print_message("%s\n", problem);
    ++*(int *)arg;
}

static void the_store_checks_afterwards(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p), *c = add_conversation(p, s->id);
    int problems = 0;
    for (int i = 0; i < 5; i++)
        OK(append_turn(p->store, c->id, STR("x"), NULL, &e));
    struct deletion d = {.id = s->id, .session = true};
    OK(store_write(p->store, delete_on, &d, &e));
    OK(store_check(p->store, report, &problems, &e));
    assert_int_equal(problems, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_kinds_that_name_a_session_go_with_it, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(numbers_of_turns_are_never_given_again, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_store_checks_afterwards, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
