/* The doctor's eyes: each kind of damage between records is found and named. */
#include "place.h"

#include <sqlite3.h>

struct report {
    int n;
    char last[400];
};

static void note(void *arg, const char *problem)
{
    struct report *r = arg;
    r->n++;
    (void)snprintf(r->last, sizeof r->last, "%s", problem);
}

static void raw(struct place *p, const char *sql)
{
    char path[100];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct str fill(struct place *p)
{
    struct str c = add_conversation(p, add_session(p)->id)->id;
    for (int i = 0; i < 5; i++)
        OK(append_turn(p->store, c, STR("x"), NULL, &e));
    return c;
}

static struct report check(struct place *p)
{
    struct report r = {0};
    OK(store_check(p->store, note, &r, &e));
    return r;
}

static void a_sound_store_has_no_problems(void **state)
{
    (void)fill(*state);
    assert_int_equal(check(*state).n, 0);
}

struct damage {
    const char *sql, *says;
    int problems;
};

static const struct damage damages[] = {
    {"DELETE FROM turn WHERE turn_number = 3", "turns numbered 1 to 5", 2},
    {"DELETE FROM turn WHERE turn_number = 5", "counts 5 turns but has 4", 1},
    {"UPDATE conversation SET turn_count = 9", "counts 9 turns but has 5", 1},
    {"DELETE FROM session", "which does not exist", 1},
    {"DELETE FROM conversation", "which does not exist", 5},
    {"UPDATE turn SET session_id = 'sess_other' WHERE turn_number = 2", "another session", 1},
};

static void each_damage_is_named(void **state)
{
    struct place *p = *state;
    (void)fill(p);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        bool found = false;
        struct report r = {0};
        const char *backup = arena_fmt(p->arena, "%s/b%zu", p->dir, i).p;
        OK(store_backup(p->store, backup, NULL, NULL, &e));
        raw(p, damages[i].sql);
        r = check(p);
        if (r.n != damages[i].problems)
            fail_msg("%s: %d problems, the last: %s", damages[i].sql, r.n, r.last);
        found = strstr(r.last, damages[i].says) != NULL || r.n > 1;
        assert_true(found);
        store_close(p->store);
        p->store = NULL;
        OK(store_restore(p->dir, NULL, backup, &e));
        place_reopen(p);
        assert_int_equal(check(p).n, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_store_has_no_problems, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(each_damage_is_named, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
