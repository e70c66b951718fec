/* Packing: what was packed reads the same by every way, shrinks the store, and can be undone; damage is told. */
#include "place.h"

#include "store/pack.h"

#include <sqlite3.h>

enum { TURNS = 3000 };
static const int64_t LATER = INT64_C(4102444800000);

/* Chat-like, no two alike, and every hundredth as dense as noise. */
static struct str text_of(struct arena *a, int i)
{
    static const char *const who[] = {"Caroline", "Melanie", "Joanna", "Nate"};
    static const char *const what[] = {"the deployment of the billing service", "the trip to the mountains",
                                       "a flaky test in the importer", "the painting class"};
    if (i % 100 == 99)
        return arena_fmt(a, "%08x%08x%08x", i * 2654435761u, i * 40503u, i * 97u);
    return arena_fmt(a,
                     "%s told me about %s again, number %d, and said that %s would look at it on day %d of the month.",
                     who[i % 4], what[i / 4 % 4], i, who[(i + 1) % 4], i % 28);
}

static struct str fill(struct place *p)
{
    struct str c = add_conversation(p, add_session(p)->id)->id;
    for (int i = 0; i < TURNS; i++)
        OK(append_turn(p->store, c, text_of(p->arena, i), NULL, &e));
    return c;
}

static struct pack_result pack_all(struct place *p, int64_t before)
{
    struct pack_result r = {.more = true}, all = {0};
    while (r.more) {
        OK(store_pack(p->store, before, 700, &r, &e));
        all.packed += r.packed;
        all.looked += r.looked;
        all.bytes_before += r.bytes_before;
        all.bytes_after += r.bytes_after;
    }
    return all;
}

static int64_t sql(struct place *p, const char *text)
{
    char path[100];
    sqlite3 *db;
    sqlite3_stmt *s;
    snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &s, NULL), SQLITE_OK);
    int64_t v = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return v;
}

static void expect_all(struct place *p, struct str conversation)
{
    struct store_tx *tx;
    struct turn *t;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    OK(turns_page(tx, p->arena, conversation, 1, TURNS, &t, &n, &e));
    assert_int_equal(n, TURNS);
    for (int i = 0; i < TURNS; i++)
        assert_true(str_eq(t[i].content, text_of(p->arena, i)));
    struct record *r;
    OK(record_get(tx, p->arena, KIND_TURN, t[7].id, STR_NONE, &r, &e));
    assert_true(str_eq(record_text(r, "content"), text_of(p->arena, 7)));
    store_read_end(tx);
}

static void packed_turns_read_the_same_and_take_half_the_room(void **state)
{
    struct place *p = *state;
    struct str c = fill(p);
    struct pack_result r = pack_all(p, LATER);
    assert_int_equal(r.looked, TURNS);
    assert_true(r.packed >= TURNS * 9 / 10 && r.packed < TURNS); /* noise stays as it is */
    assert_true(r.bytes_after * 2 < r.bytes_before);
    assert_int_equal(sql(p, "SELECT count(*) FROM turn WHERE typeof(content) = 'blob'"), r.packed);
    assert_int_equal(sql(p, "SELECT count(*) FROM pack_dictionary"), 1);
    expect_all(p, c);
    place_reopen(p);
    expect_all(p, c);
    assert_int_equal(pack_all(p, LATER).looked, 0);
}

static struct str long_text(struct arena *a, size_t bytes)
{
    struct buf b;
    buf_init(&b, 0);
    for (int i = 1; b.n < bytes; i++)
        buf_str(&b, text_of(a, i));
    return buf_take(&b, a);
}

/* Long contents that may be, and neither short nor huge ones. They read the same, and later packing and a
 * schema without it know them. */
static void what_is_imported_is_packed_at_once(void **state)
{
    struct place *p = *state;
    struct str c = add_conversation(p, add_session(p)->id)->id;
    const struct str texts[] = {long_text(p->arena, 8000), text_of(p->arena, 1), long_text(p->arena, 2000000),
                                long_text(p->arena, 8000)};
    for (int i = 0; i < 4; i++) {
        struct append_args args = {.turn = {.conversation_id = c,
                                            .agent = STR("codey"),
                                            .role = STR("user"),
                                            .content = texts[i],
                                            .token_count = -1,
                                            .pack = i < 3}};
        OK(store_write(p->store, append_job, &args, &e));
    }
    if (!store_keyring(p->store))
        assert_int_equal(
            sql(p, "SELECT sum(typeof(content) = 'blob') * 10 + max((typeof(content) = 'blob') * seq) FROM turn"), 11);
    for (int again = 0; again < 3; again++) {
        struct store_tx *tx;
        struct turn *t;
        size_t n;
        OK(store_read_begin(p->store, &tx, &e));
        OK(turns_page(tx, p->arena, c, 1, 10, &t, &n, &e));
        assert_int_equal(n, 4);
        for (int i = 0; i < 4; i++)
            assert_true(str_eq(t[i].content, texts[i]));
        store_read_end(tx);
        if (again == 0)
            assert_int_equal(pack_all(p, LATER).packed, 3); /* the others */
        if (again == 1)
            OK(store_migrate(p->store, 2, &e));
        if (again == 1)
            OK(store_migrate(p->store, -1, &e));
    }
}

static void what_is_imported_into_a_sealed_store_is_packed_too(void **state)
{
    what_is_imported_is_packed_at_once(state);
    struct place *p = *state;
    assert_non_null(store_keyring(p->store));
}

static int sealed_setup(void **state)
{
    place_is_sealed = true;
    return place_setup(state);
}

static int sealed_teardown(void **state)
{
    place_is_sealed = false;
    return place_teardown(state);
}

static void what_is_younger_waits(void **state)
{
    struct place *p = *state;
    struct str c = fill(p);
    assert_int_equal(pack_all(p, 1000).looked, 0);
    expect_all(p, c);
}

static void a_schema_without_packing_gets_plain_text_back(void **state)
{
    struct place *p = *state;
    struct str c = fill(p);
    assert_true(pack_all(p, LATER).packed > 0);
    OK(store_migrate(p->store, 2, &e));
    assert_int_equal(sql(p, "SELECT count(*) FROM turn WHERE typeof(content) = 'blob'"), 0);
    OK(store_migrate(p->store, -1, &e));
    expect_all(p, c);
    assert_true(pack_all(p, LATER).packed > 0);
    expect_all(p, c);
}

static void damage_is_told(void **state)
{
    struct place *p = *state;
    struct str c = fill(p);
    (void)pack_all(p, LATER);
    static const char *const damages[] = {
        "UPDATE turn SET content = substr(content, 1, length(content) - 3) WHERE seq = 1",
        "UPDATE turn SET content = x'28b52ffd' WHERE seq = 1",
        "UPDATE turn SET content = x'' WHERE seq = 1",
        "UPDATE turn SET content = x'28b52ffde0ffffffffffffffffffffffff' WHERE seq = 1",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        (void)sql(p, damages[i]);
        place_reopen(p);
        struct store_tx *tx;
        struct turn *t;
        size_t n;
        OK(store_read_begin(p->store, &tx, &e));
        WANT(ERR_CORRUPT, turns_page(tx, p->arena, c, 1, 5, &t, &n, &e));
        OK(turns_page(tx, p->arena, c, 2, 5, &t, &n, &e));
        store_read_end(tx);
    }
}

static void count_problem(void *arg, const char *problem)
{
    assert_non_null(strstr(problem, "turn number 5"));
    ++*(int *)arg;
}

static void doctor_names_the_damaged_turn(void **state)
{
    struct place *p = *state;
    int problems = 0;
    (void)fill(p);
    (void)pack_all(p, LATER);
    OK(store_check(p->store, count_problem, &problems, &e));
    assert_int_equal(problems, 0);
    (void)sql(p, "UPDATE turn SET content = x'28b52ffd' WHERE seq = 5");
    place_reopen(p);
    OK(store_check(p->store, count_problem, &problems, &e));
    assert_int_equal(problems, 1);
}

static void a_lost_dictionary_is_told(void **state)
{
    struct place *p = *state;
    struct str c = fill(p);
    (void)pack_all(p, LATER);
    (void)sql(p, "DELETE FROM pack_dictionary");
    place_reopen(p);
    struct store_tx *tx;
    struct turn *t;
    size_t n;
    OK(store_read_begin(p->store, &tx, &e));
    WANT(ERR_CORRUPT, turns_page(tx, p->arena, c, 1, 5, &t, &n, &e));
    store_read_end(tx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packed_turns_read_the_same_and_take_half_the_room, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_is_younger_waits, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_is_imported_is_packed_at_once, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_is_imported_into_a_sealed_store_is_packed_too, sealed_setup,
                                        sealed_teardown),
        cmocka_unit_test_setup_teardown(a_schema_without_packing_gets_plain_text_back, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(damage_is_told, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(doctor_names_the_damaged_turn, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_lost_dictionary_is_told, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
