/* The gate in front of what is stored: no kind and no field gets past it, and each record is masked for the level of
 * the session it belongs to. The gate of these tests knows three words; which words a real one finds is the privacy
 * room's. */
#include "place.h"

#include "store/gate.h"

#define SECRET "secret-word"
#define CONTACT "contact-word"
#define ADDRESS "address-word"

static bool star(char *text, size_t n, const char *word)
{
    bool any = false;
    size_t w = strlen(word);
    for (size_t i = 0; i + w <= n; i++)
        if (memcmp(text + i, word, w) == 0) {
            memset(text + i, '*', w);
            any = true;
        }
    return any;
}

static int looks;

static enum err_code mask(void *arg, struct arena *a, struct str level, bool json, struct str text, struct str *out,
                          struct err *e)
{
    (void)arg;
    (void)json;
    looks++;
    bool private = str_is(level, "PRIVATE"), team = level.n == 0 || str_is(level, "TEAM");
    char *copy = arena_cstr(a, text);
    if (!copy)
        return err_nomem(e);
    bool any = star(copy, text.n, SECRET);
    any = (!private && star(copy, text.n, CONTACT)) || any;
    any = (!private && !team && star(copy, text.n, ADDRESS)) || any;
    *out = any ? (struct str){copy, text.n} : text;
    return ERR_OK;
}

static const struct store_gate gate = {.mask = mask};

static int gated_setup(void **state)
{
    if (place_setup(state))
        return -1;
    struct place *p = *state;
    store_close(p->store);
    OK(store_open(&(struct store_options){.dir = p->dir, .gate = &gate}, &p->store, &e));
    return 0;
}

static bool holds(struct str text, const char *word)
{
    return str_find(text, str_of(word)) >= 0;
}

static bool is_text(const struct field *f)
{
    return f->type == FIELD_TEXT || f->type == FIELD_OBJECT || f->type == FIELD_ARRAY || f->type == FIELD_JSON;
}

/* Every text of the record says all three words. */
static void plant(struct arena *a, struct record *r)
{
    static const char *const form[] = {[FIELD_TEXT] = "%s %s %s %s",
                                       [FIELD_OBJECT] = "{\"%s\":\"%s %s %s\"}",
                                       [FIELD_ARRAY] = "[\"%s\",\"%s %s %s\"]",
                                       [FIELD_JSON] = "\"%s %s %s %s\""};
    for (size_t i = 0; i < r->kind->n_fields; i++) {
        const struct field *f = &r->kind->fields[i];
        char text[200];
        if (!is_text(f))
            continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, form[f->type], f->name, SECRET, CONTACT, ADDRESS);
#pragma GCC diagnostic pop
        r->v[i] = V_TEXT(arena_str(a, str_of(text)));
    }
}

static void expect_masked(const struct record *r, const char *level)
{
    bool private = strcmp(level, "PRIVATE") == 0, public = strcmp(level, "PUBLIC") == 0;
    for (size_t i = 0; i < r->kind->n_fields; i++) {
        const struct field *f = &r->kind->fields[i];
        struct str s = r->v[i].s;
        if (!is_text(f) || (f->flags & FIELD_EXACT) || r->v[i].type != VALUE_TEXT || !s.n)
            continue;
        if (holds(s, SECRET) || holds(s, CONTACT) != private || holds(s, ADDRESS) == public)
            print_message("%s.%s at %s: %.*s\n", r->kind->name, f->name, level, STR_ARG(s));
        assert_false(holds(s, SECRET));
        assert_int_equal(holds(s, CONTACT), private);
        assert_int_equal(holds(s, ADDRESS), !public);
    }
}

static struct record *stored(struct place *p, const struct kind *k, int64_t seq)
{
    struct store_tx *tx;
    struct record *r = NULL;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_by_seq(tx, p->arena, k, seq, &r, &e));
    store_read_end(tx);
    return r;
}

static struct str new_session(struct place *p, const char *level)
{
    struct record *r = record_new(p->arena, KIND_SESSION);
    record_set(r, "privacy_level", V_TEXT(str_of(level)));
    OK(insert_record(p, r, &e));
    return r->id;
}

/* Names the session in each way that the kind has. */
static bool name_session(struct place *p, struct record *r, struct str session)
{
    if (kind_field(r->kind, STR("session_id")) >= 0)
        record_set(r, "session_id", V_TEXT(session));
    else if (kind_field(r->kind, STR("conversation_id")) >= 0)
        record_set(r, "conversation_id", V_TEXT(add_conversation(p, session)->id));
    else if (kind_field(r->kind, STR("source_session_id")) >= 0)
        record_set(r, "source_session_id", V_TEXT(session));
    else if (kind_field(r->kind, STR("record_kind")) >= 0 && kind_field(r->kind, STR("record_id")) >= 0) {
        record_set(r, "record_kind", V_TEXT(STR("session")));
        record_set(r, "record_id", V_TEXT(session));
    } else
        return false;
    return true;
}

static struct record *planted(struct place *p, const struct kind *k, const char *level, int n)
{
    struct record *r = record_new(p->arena, k);
    plant(p->arena, r);
    for (size_t f = 0; f < k->n_fields; f++)
        if ((k->fields[f].flags & FIELD_REQUIRED) && r->v[f].type == VALUE_UNSET)
            r->v[f] = k->fields[f].type == FIELD_ENUM ? V_TEXT(STR("x")) : V_INT(1);
    if (k->flags & KIND_KEYED)
        r->id = arena_fmt(p->arena, "key-%s-%d", level, n);
    if (k == KIND_SESSION)
        record_set(r, "privacy_level", V_TEXT(str_of(level)));
    return r;
}

static void no_field_of_any_kind_gets_past_it(void **state)
{
    struct place *p = *state;
    static const char *const levels[] = {"PUBLIC", "TEAM", "PRIVATE"};
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t l = 0; l < 3; l++)
        for (size_t i = 0; i < n; i++) {
            struct record *r = planted(p, &all[i], levels[l], 0);
            bool belongs = &all[i] == KIND_SESSION || name_session(p, r, new_session(p, levels[l]));
            OK(insert_record(p, r, &e));
            expect_masked(stored(p, &all[i], r->seq), belongs ? levels[l] : "TEAM");
        }
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

static void update(struct place *p, int64_t seq, struct record *patch)
{
    struct update_args args = {p->arena, seq, patch};
    OK(store_write(p->store, update_job, &args, &e));
}

static void nor_an_update_of_any_kind(void **state)
{
    struct place *p = *state;
    static const char *const levels[] = {"PUBLIC", "TEAM", "PRIVATE"};
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t l = 0; l < 3; l++)
        for (size_t i = 0; i < n; i++) {
            if (all[i].flags & KIND_IMMUTABLE)
                continue;
            struct record *r = planted(p, &all[i], levels[l], 1), *patch = record_new(p->arena, &all[i]);
            bool belongs = &all[i] == KIND_SESSION || name_session(p, r, new_session(p, levels[l]));
            struct record *first = record_new(p->arena, &all[i]);
            for (size_t f = 0; f < all[i].n_fields; f++) { /* what is required and what may not change, as before */
                const struct field *field = &all[i].fields[f];
                bool kept = !is_text(field) || (field->flags & (FIELD_REQUIRED | FIELD_FIXED | FIELD_EXACT));
                first->v[f] = kept ? r->v[f] : V_UNSET;
                patch->v[f] = is_text(field) && !(field->flags & FIELD_EXACT) ? r->v[f] : V_UNSET;
            }
            first->id = r->id;
            OK(insert_record(p, first, &e));
            update(p, first->seq, patch);
            expect_masked(stored(p, &all[i], first->seq), belongs ? levels[l] : "TEAM");
        }
}

static void turns_are_masked_for_their_session_and_keep_the_raw_hash(void **state)
{
    struct place *p = *state;
    static const char *const levels[] = {"PUBLIC", "TEAM", "PRIVATE"};
    const struct str text = STR("a " SECRET " b " CONTACT " c " ADDRESS);
    char hash[65];
    id_sha256(text, hash);
    for (size_t l = 0; l < 3; l++)
        for (int looked = 0; looked < 2; looked++) {
            struct record *c = add_conversation(p, new_session(p, levels[l]));
            struct append_args args = {.turn = {.conversation_id = c->id,
                                                .agent = STR("codey"),
                                                .role = STR("user"),
                                                .content = text,
                                                .metadata = STR("{\"k\":\"" SECRET " " CONTACT " " ADDRESS "\"}"),
                                                .token_count = -1}};
            if (looked)
                turn_look(p->store, &args.turn);
            OK(store_write(p->store, append_job, &args, &e));
            struct record *r = stored(p, KIND_TURN, args.added.seq);
            expect_masked(r, levels[l]);
            assert_true(str_is(record_text(r, "content_hash"), hash));
            assert_int_equal(record_text(r, "content").n, text.n);
        }
}

/* What was looked at beforehand holds for those bytes alone: a caller who swaps the text gets nothing past. */
static void a_look_beforehand_spares_the_writer_and_no_more(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, new_session(p, "TEAM"));
    struct append_args args = {.turn = {.conversation_id = c->id,
                                        .agent = STR("codey"),
                                        .role = STR("user"),
                                        .content = STR("nothing to see"),
                                        .metadata = STR("{\"a\":1}"),
                                        .token_count = -1}};
    turn_look(p->store, &args.turn);
    int before = looks;
    OK(store_write(p->store, append_job, &args, &e));
    assert_int_equal(looks, before);
    args.turn.content = STR("now a " SECRET);
    OK(store_write(p->store, append_job, &args, &e));
    assert_false(holds(record_text(stored(p, KIND_TURN, args.added.seq), "content"), SECRET));
}

static void the_place_a_patch_moves_it_to_counts(void **state)
{
    struct place *p = *state;
    struct record *r = record_new(p->arena, kind_find(STR("character"))), *patch = record_new(p->arena, r->kind);
    record_set(r, "name", V_TEXT(STR("x")));
    record_set(r, "conversation_id", V_TEXT(add_conversation(p, new_session(p, "PRIVATE"))->id));
    OK(insert_record(p, r, &e));
    record_set(patch, "background", V_TEXT(STR(CONTACT " " ADDRESS)));
    record_set(patch, "conversation_id", V_TEXT(add_conversation(p, new_session(p, "PUBLIC"))->id));
    update(p, r->seq, patch);
    struct str text = record_text(stored(p, r->kind, r->seq), "background");
    assert_false(holds(text, CONTACT) || holds(text, ADDRESS));
}

static void a_patch_of_the_level_is_masked_for_the_new_one(void **state)
{
    struct place *p = *state;
    struct record *s = record_new(p->arena, KIND_SESSION), *patch = record_new(p->arena, KIND_SESSION);
    record_set(s, "privacy_level", V_TEXT(STR("PUBLIC")));
    OK(insert_record(p, s, &e));
    record_set(patch, "privacy_level", V_TEXT(STR("PRIVATE")));
    record_set(patch, "title", V_TEXT(STR(SECRET " " CONTACT)));
    update(p, s->seq, patch);
    struct str title = record_text(stored(p, KIND_SESSION, s->seq), "title");
    assert_true(holds(title, CONTACT) && !holds(title, SECRET));
    assert_true(
        holds(record_text(patch, "title"), SECRET)); /* the caller's patch is left as it was: a job may run again */
}

static void what_is_fixed_may_be_given_again_raw(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, new_session(p, "TEAM")), *patch = record_new(p->arena, KIND_TURN);
    struct turn_added added;
    OK(append_turn(p->store, c->id, STR("say " SECRET), &added, &e));
    record_set(patch, "content", V_TEXT(STR("say " SECRET)));
    record_set(patch, "token_count", V_INT(7));
    update(p, added.seq, patch);
    assert_int_equal(record_int(stored(p, KIND_TURN, added.seq), "token_count"), 7);
}

static void levels_have_an_order(void **state)
{
    (void)state;
    assert_true(str_is(gate_stricter(STR("PRIVATE"), STR("TEAM")), "TEAM"));
    assert_true(str_is(gate_stricter(STR_NONE, STR("PRIVATE")), "TEAM"));
    assert_true(str_is(gate_stricter(STR("PRIVATE"), STR("PRIVATE")), "PRIVATE"));
    assert_true(str_is(gate_stricter(STR("EPHEMERAL"), STR("PRIVATE")), "PUBLIC"));
    assert_true(str_is(gate_stricter(STR("TEAM"), STR("PUBLIC")), "PUBLIC"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, gated_setup, place_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_field_of_any_kind_gets_past_it),
        TEST(nor_an_update_of_any_kind),
        TEST(turns_are_masked_for_their_session_and_keep_the_raw_hash),
        TEST(a_look_beforehand_spares_the_writer_and_no_more),
        TEST(the_place_a_patch_moves_it_to_counts),
        TEST(a_patch_of_the_level_is_masked_for_the_new_one),
        TEST(what_is_fixed_may_be_given_again_raw),
        TEST(levels_have_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
