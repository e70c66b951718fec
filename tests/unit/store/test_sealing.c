/* Sealed columns: what belongs to a session opens with its key alone, in its own place alone; once the key is destroyed
 * it reads as nothing, from a backup too; converting loses nothing and can be broken off. */
#include "unit/store/place.h"

#include "base/mem.h"
#include "store/pack.h"
#include "store/sealing.h"
#include "store/usage.h"

static const char WORD[] = "harpoon";

struct said {
    struct str session, conversation, turn;
};

static struct record *insert(struct place *p, const struct kind *k, struct str session, const char *field,
                             const char *text)
{
    struct record *r = record_new(p->arena, k);
    if (session.p)
        record_set(r, "session_id", V_TEXT(session));
    record_set(r, field, V_TEXT(str_of(text)));
    struct insert_args args = {p->arena, r};
    OK(store_write(p->store, insert_job, &args, &e));
    return r;
}

static enum err_code turn_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct turn_added added;
    struct said *s = arg;
    struct turn_new t = {.conversation_id = s->conversation,
                         .agent = STR("ann"),
                         .role = STR("user"),
                         .content = STR("she threw the harpoon"),
                         .metadata = STR("{\"note\":\"harpoon\",\"response_time_ms\":7}"),
                         .token_count = -1};
    return turn_append(tx, &t, &added, e);
}

static struct said say(struct place *p)
{
    struct said s = {.session = insert(p, KIND_SESSION, STR_NONE, "title", "a harpoon in the title")->id};
    s.conversation = insert(p, KIND_CONVERSATION, s.session, "directive", "the harpoon, please")->id;
    OK(store_write(p->store, turn_job, &s, &e));
    (void)insert(p, KIND_SUMMARY, s.session, "text", "about a harpoon");
    (void)insert(p, KIND_CHECKPOINT, s.session, "title", "harpoon state");
    return s;
}

static struct turn only_turn(struct place *p, const struct said *s)
{
    struct store_tx *tx;
    struct turn *t;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    OK(turns_page(tx, p->arena, s->conversation, 1, 10, &t, &n, &e));
    store_read_end(tx);
    assert_int_equal(n, 1);
    return *t;
}

static struct str text_of(struct place *p, const struct kind *k, struct str id, const char *field)
{
    struct store_tx *tx;
    struct record *r;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, k, id, STR_NONE, &r, &e));
    store_read_end(tx);
    return record_text(r, field);
}

/* In any column of any row as it lies in the table; *rows: how many columns there are. */
static int columns_with_word(struct place *p)
{
    size_t n;
    const struct kind *all = kinds_all(&n);
    int found = 0;
    struct store_tx *tx;
    OK(store_read_begin(p->store, &tx, &e));
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < all[i].n_fields; f++) {
            char sql[256];
            struct query q;
            struct err why = {0};
            int len = snprintf(sql, sizeof sql,
                               "SELECT count(*) FROM \"%s\" WHERE instr(CAST(\"%s\" AS BLOB), CAST('%s' AS"
                               " BLOB)) > 0",
                               all[i].name, all[i].fields[f].name, WORD);
            query_sql(&q, tx, (struct str){sql, (size_t)len}, "look", &why);
            found += query_row(&q) ? (int)query_col_int(&q, 0) : 0;
            assert_int_equal(query_end(&q), ERR_OK);
        }
    store_read_end(tx);
    return found;
}

static int64_t slot_of(struct place *p, struct str session)
{
    struct store_tx *tx;
    struct record *r;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, KIND_SESSION, session, STR_NONE, &r, &e));
    store_read_end(tx);
    return r->v[kind_field(KIND_SESSION, STR("key_slot"))].i;
}

static void all_is_there(struct place *p, const struct said *s)
{
    struct turn t = only_turn(p, s);
    assert_true(str_is(t.content, "she threw the harpoon"));
    assert_true(str_is(t.metadata, "{\"note\":\"harpoon\",\"response_time_ms\":7}"));
    assert_true(str_is(text_of(p, KIND_SESSION, s->session, "title"), "a harpoon in the title"));
    assert_true(str_is(text_of(p, KIND_CONVERSATION, s->conversation, "directive"), "the harpoon, please"));
}

/* ---- tests ---- */

static void no_column_holds_a_text(void **state)
{
    struct place *p = *state;
    struct said s = say(p), other = say(p);
    assert_int_equal(columns_with_word(p), 0);
    all_is_there(p, &s);
    assert_int_not_equal(slot_of(p, s.session), slot_of(p, other.session));
}

/* Lists can neither be filtered nor sorted by what is sealed. */
static void what_is_sealed_is_not_looked_at_by_lists(void **state)
{
    (void)state;
    size_t n;
    const struct kind *all = kinds_all(&n);
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < all[i].n_fields; f++) {
            const struct field *x = &all[i].fields[f];
            if (!field_seals(&all[i], x))
                continue;
            assert_false(x->flags & (FIELD_INDEXED | FIELD_FILTER));
            assert_null(all[i].order && strstr(all[i].order, x->name) == all[i].order ? x->name : NULL);
            assert_null(all[i].unique ? strstr(all[i].unique, x->name) : NULL);
        }
}

static int64_t count_found(struct place *p, const struct list_query *q)
{
    struct store_tx *tx;
    int64_t n;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_list_count(tx, p->arena, q, &n, &e));
    store_read_end(tx);
    return n;
}

static void sql_that_looks_into_texts_still_finds(void **state)
{
    struct place *p = *state;
    const struct str words[] = {STR("throne"), STR("harpoo")};
    struct said s = say(p);
    struct list_query q = {.kind = KIND_SESSION, .limit = 10, .find = STR("HARPOON in")};
    assert_int_equal(count_found(p, &q), 1);
    q.find = STR("harpoons");
    assert_int_equal(count_found(p, &q), 0);
    q = (struct list_query){.kind = KIND_SUMMARY, .limit = 10, .words = words, .n_words = 2};
    assert_int_equal(count_found(p, &q), 1);
    struct store_tx *tx;
    struct usage_turns *u = arena_alloc(p->arena, sizeof *u);
    OK(store_read_begin(p->store, &tx, &e));
    OK(usage_turns(tx, p->arena, s.session, u, &e));
    store_read_end(tx);
    assert_int_equal(u->speakers[0].responses, 1);
    assert_int_equal((int)u->speakers[0].response_ms, 7);
    assert_int_equal(u->speakers[0].bytes, strlen("she threw the harpoon"));
}

static enum err_code swap_job(struct store_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return tx->d->exec(tx->c,
                       "UPDATE session SET title = (SELECT x.title FROM session x WHERE x.seq = 3 - session.seq)",
                       "exchange", e);
}

static void a_value_opens_in_its_own_place_alone(void **state)
{
    struct place *p = *state;
    struct said s = say(p);
    (void)say(p);
    OK(store_write(p->store, swap_job, NULL, &e));
    struct store_tx *tx;
    struct record *r;
    OK(store_read_begin(p->store, &tx, &e));
    WANT(ERR_CORRUPT, record_get(tx, p->arena, KIND_SESSION, s.session, STR_NONE, &r, &e));
    store_read_end(tx);
}

static void reads_as_nothing(struct place *p, const struct said *s)
{
    struct turn t = only_turn(p, s);
    assert_int_equal(t.content.n, 0);
    assert_true(str_is(t.metadata, "{}"));
    assert_null(text_of(p, KIND_SESSION, s->session, "title").p);
}

/* A backup from before is put back beside the keys as they are now. */
static void a_destroyed_key_ends_its_session_in_backups_too(void **state)
{
    struct place *p = *state;
    char backup[128];
    struct said s = say(p), other = say(p);
    snprintf(backup, sizeof backup, "%s/copy.db", p->dir);
    OK(store_backup(p->store, backup, NULL, NULL, &e));
    OK(keyring_destroy(store_keyring(p->store), slot_of(p, s.session), &e));
    reads_as_nothing(p, &s);
    all_is_there(p, &other);
    store_close(p->store);
    p->store = NULL;
    OK(store_restore(p->dir, &PLACE_SECRET, backup, &e));
    place_reopen(p);
    all_is_there(p, &other);
    struct store_tx *tx;
    struct record *r;
    struct turn *t;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    WANT(ERR_NOT_FOUND, record_get(tx, p->arena, KIND_SESSION, s.session, STR_NONE, &r, &e));
    OK(turns_page(tx, p->arena, s.conversation, 1, 10, &t, &n, &e));
    store_read_end(tx);
    assert_int_equal(n, 0);
}

static void no_problem(void *arg, const char *problem)
{
    (void)arg;
    fail_msg("%s", problem);
}

/* Packed, then sealed; without a dictionary, which would hold pieces of others' texts. */
static void contents_are_packed_under_the_seal(void **state)
{
    struct place *p = *state;
    struct pack_result r;
    struct said s = {.session = insert(p, KIND_SESSION, STR_NONE, "title", "t")->id};
    s.conversation = insert(p, KIND_CONVERSATION, s.session, "directive", "d")->id;
    char *text = arena_alloc(p->arena, 4001);
    for (int i = 0; i < 500; i++)
        memcpy(text + i * 8, "harpoon ", 8);
    struct turn_new t = {
        .conversation_id = s.conversation, .agent = STR("ann"), .role = STR("user"), .content = {text, 4000}};
    struct append_args args = {.turn = t};
    OK(store_write(p->store, append_job, &args, &e));
    OK(store_pack(p->store, INT64_MAX, 100, &r, &e));
    assert_int_equal(r.packed, 1);
    struct turn got = only_turn(p, &s);
    assert_true(str_eq(got.content, t.content));
    assert_int_equal(columns_with_word(p), 0);
    OK(store_pack(p->store, INT64_MAX, 100, &r, &e));
    assert_int_equal(r.packed, 0);
    OK(store_check(p->store, no_problem, NULL, &e));
}

static void texts_are_converted_there_and_back(void **state)
{
    struct place *p = *state;
    struct keyring *k = store_keyring(p->store);
    struct said s = say(p);
    for (int i = 0; i < 4; i++) {
        bool plain = i % 2 == 0;
        OK(keyring_set_state(k, plain ? SEAL_OPENING : SEAL_SEALING, &e));
        struct said meanwhile = say(p);
        OK(store_convert_columns(p->store, NULL, NULL, &e));
        assert_true((columns_with_word(p) > 0) == plain);
        all_is_there(p, &s);
        all_is_there(p, &meanwhile);
    }
    assert_int_not_equal(slot_of(p, s.session), 0);
    OK(store_reform(p->store, &e)); /* the pages below */
    OK(keyring_set_state(k, SEAL_SEALED, &e));
    OK(keyring_renew(k, &e));
    OK(store_reform(p->store, &e));
    OK(store_convert_columns(p->store, NULL, NULL, &e));
    OK(keyring_set_state(k, SEAL_SEALED, &e));
    all_is_there(p, &s);
}

/* Every failure of it leaves all readable, and the next call finishes. */
static void a_conversion_that_fails_goes_on(void **state)
{
    struct place *p = *state;
    struct keyring *k = store_keyring(p->store);
    struct said s = say(p);
    bool plain = true;
    for (int n = 0; n < 400; n += 7) {
        struct err why = {0};
        OK(keyring_set_state(k, plain ? SEAL_OPENING : SEAL_SEALING, &e));
        mem_fail_after(n, false);
        (void)store_convert_columns(p->store, NULL, NULL, &why);
        mem_fail_after(-1, false);
        all_is_there(p, &s);
        OK(store_convert_columns(p->store, NULL, NULL, &e));
        assert_true((columns_with_word(p) > 0) == plain);
        plain = !plain;
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        T(no_column_holds_a_text),
        T(what_is_sealed_is_not_looked_at_by_lists),
        T(sql_that_looks_into_texts_still_finds),
        T(a_value_opens_in_its_own_place_alone),
        T(a_destroyed_key_ends_its_session_in_backups_too),
        T(contents_are_packed_under_the_seal),
        T(texts_are_converted_there_and_back),
        T(a_conversion_that_fails_goes_on),
    };
    place_is_sealed = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
