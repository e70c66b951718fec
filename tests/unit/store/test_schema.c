/* The schema: versions forward and back with the data kept, what is missing added, what is not ours left alone. */
#include "place.h"

#include "base/clock.h"
#include "record/ddl.h"

#include <sqlite3.h>
#include <sys/stat.h>

/* Straight into the file, past the store. */
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

static int64_t raw_value(struct place *p, const char *sql)
{
    char path[100];
    sqlite3 *db;
    sqlite3_stmt *s;
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int64_t v = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return v;
}

static void close_store(struct place *p)
{
    store_close(p->store);
    p->store = NULL;
}

static int version_of(struct place *p)
{
    struct store_stats stats;
    OK(store_stats(p->store, &stats, &e));
    return stats.schema_version;
}

static void a_new_store_has_the_newest_schema(void **state)
{
    struct place *p = *state;
    assert_int_equal(version_of(p), store_schema_newest());
    assert_true(id_has_form(str_of(store_identity(p->store)), "store"));
}

static void back_and_forth_keeps_the_data(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, add_session(p)->id);
    OK(append_turn(p->store, c->id, STR("kept"), NULL, &e));
    for (int version = store_schema_newest(); version >= 1; version--) {
        OK(store_migrate(p->store, version, &e));
        assert_int_equal(version_of(p), version);
    }
    OK(append_turn(p->store, c->id, STR("still works"), NULL, &e));
    close_store(p);
    assert_int_equal(raw_value(p, "SELECT count(*) FROM sqlite_master WHERE name = 'store_meta'"), 0);
    place_reopen(p);
    assert_int_equal(version_of(p), store_schema_newest());
    OK(append_turn(p->store, c->id, STR("and on"), NULL, &e));
    close_store(p);
    assert_int_equal(raw_value(p, "SELECT count(*) FROM turn"), 3);
    assert_int_equal(raw_value(p, "SELECT count(*) FROM sqlite_master WHERE name = 'store_meta'"), 1);
}

static void nothing_is_dropped_with_its_records(void **state)
{
    struct place *p = *state;
    OK(store_migrate(p->store, 0, &e));
    assert_int_equal(version_of(p), 0);
    place_reopen(p);
    (void)add_session(p);
    WANT(ERR_CONFLICT, store_migrate(p->store, 0, &e));
    assert_int_equal(version_of(p), store_schema_newest());
    WANT(ERR_INVALID, store_migrate(p->store, store_schema_newest() + 1, &e));
}

static void a_newer_schema_is_refused(void **state)
{
    struct place *p = *state;
    close_store(p);
    raw(p, "INSERT INTO schema_migration VALUES (9999, 'from the future', 0)");
    struct err e = {0};
    assert_int_equal(store_open(&(struct store_options){.dir = p->dir}, &p->store, &e), ERR_UNAVAILABLE);
    assert_non_null(strstr(e.message, "newer Cairn (schema 9999"));
    assert_null(p->store);
}

static void missing_tables_columns_and_indexes_are_added(void **state)
{
    struct place *p = *state;
    struct record *s = add_session(p);
    close_store(p);
    raw(p, "DROP TABLE prop; DROP INDEX ix_session_status; DROP INDEX ix_session_privacy_level;"
           " ALTER TABLE session DROP COLUMN privacy_level;"
           " CREATE TABLE theirs (x); INSERT INTO theirs VALUES (42); ALTER TABLE session ADD COLUMN theirs");
    place_reopen(p);
    struct store_tx *tx;
    struct record *again;
    OK(store_read_begin(p->store, &tx, &e));
    OK(record_get(tx, p->arena, KIND_SESSION, s->id, STR_NONE, &again, &e));
    store_read_end(tx);
    assert_true(str_is(record_text(again, "privacy_level"), "TEAM")); /* the default reaches old rows */
    struct record *prop = record_new(p->arena, kind_find(STR("prop")));
    record_set(prop, "name", V_TEXT(STR("lamp")));
    OK(insert_record(p, prop, &e));
    close_store(p);
    assert_int_equal(raw_value(p, "SELECT x FROM theirs"), 42);
    assert_int_equal(raw_value(p, "SELECT count(*) FROM sqlite_master WHERE name = 'ix_session_status'"), 1);
}

static void another_programs_database_is_refused(void **state)
{
    struct place *p = *state;
    char path[100];
    close_store(p);
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(unlink(path), 0);
    raw(p, "CREATE TABLE photos (x)");
    WANT(ERR_CORRUPT, store_open(&(struct store_options){.dir = p->dir}, &p->store, &e));
    assert_int_equal(raw_value(p, "SELECT count(*) FROM sqlite_master"), 1);
}

static void a_damaged_file_is_refused_clearly(void **state)
{
    struct place *p = *state;
    char path[100];
    close_store(p);
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    OK(file_write_atomic(path, STR("this is no database, whatever its name may say, and it is long enough for a page"),
                         &e));
    struct err e = {0};
    assert_int_equal(store_open(&(struct store_options){.dir = p->dir}, &p->store, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.message, "damaged"));
}

enum { OPENERS = 6, ROUNDS = 5 };

/* Waits for the pipe's other end to close, so that all begin at once; opens, writes, closes. */
static void open_at_once(const char *dir, int gate)
{
    char c;
    struct store *s;
    struct err e = {0};
    (void)!read(gate, &c, 1);
    if (store_open(&(struct store_options){.dir = dir}, &s, &e)) {
        print_err(&e);
        _exit(1);
    }
    struct arena *a = arena_new();
    struct insert_args args = {a, record_new(a, KIND_SESSION)};
    int failed = store_write(s, insert_job, &args, &e) != ERR_OK;
    store_close(s);
    _exit(failed);
}

static void many_processes_make_one_new_store(void **state)
{
    struct place *p = *state;
    close_store(p);
    for (int round = 0; round < ROUNDS; round++) {
        const char *dir = arena_fmt(p->arena, "%s/new%d", p->dir, round).p;
        int gate[2], status;
        pid_t pids[OPENERS];
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < OPENERS; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                close(gate[1]);
                open_at_once(dir, gate[0]);
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < OPENERS; i++) {
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_int_equal(status, 0);
        }
        struct store_tx *tx;
        int64_t n;
        OK(store_open(&(struct store_options){.dir = dir}, &p->store, &e));
        OK(store_read_begin(p->store, &tx, &e));
        OK(record_count(tx, KIND_SESSION, STR_NONE, &n, &e));
        store_read_end(tx);
        assert_int_equal(n, OPENERS);
        close_store(p);
    }
}

static void the_files_are_private(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "backup"};
    (void)add_session(p);
    OK(store_backup(p->store, arena_fmt(p->arena, "%s/backup", p->dir).p, NULL, NULL, &e));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        assert_int_equal(stat(arena_fmt(p->arena, "%s/%s", p->dir, names[i]).p, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

/* As an ordinary user, for whom permissions count. Returns the child's status. */
static int as_nobody(int (*fn)(struct place *), struct place *p)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(geteuid() == 0 && setuid(65534) ? 99 : fn(p));
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static int read_but_not_write(struct place *p)
{
    struct store *s;
    struct store_stats stats;
    struct store_tx *tx;
    struct err e = {0};
    int64_t n = 0;
    if (store_open(&(struct store_options){.dir = p->dir}, &s, &e))
        return 1;
    if (store_stats(s, &stats, &e) || stats.writable)
        return 2;
    if (store_read_begin(s, &tx, &e) || record_count(tx, KIND_TURN, STR_NONE, &n, &e) || n != 1)
        return 3;
    store_read_end(tx);
    struct append_args args = {.turn = {.conversation_id = STR("conv_x")}};
    if (store_write(s, append_job, &args, &e) != ERR_READ_ONLY || !strstr(e.message, p->dir))
        return 4;
    store_close(s);
    return 0;
}

static void a_folder_that_cannot_be_written_is_read(void **state)
{
    struct place *p = *state;
    struct record *c = add_conversation(p, add_session(p)->id);
    OK(append_turn(p->store, c->id, STR("x"), NULL, &e));
    close_store(p);
    char path[100];
    (void)snprintf(path, sizeof path, "%s/store.db", p->dir);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(p->dir, 0555), 0);
    assert_int_equal(as_nobody(read_but_not_write, p), 0);
    assert_int_equal(chmod(p->dir, 0700), 0);
}

static int cannot_create(struct place *p)
{
    struct store *s;
    struct err e = {0};
    char dir[100];
    (void)snprintf(dir, sizeof dir, "%s/below", p->dir);
    return store_open(&(struct store_options){.dir = dir}, &s, &e) != ERR_READ_ONLY;
}

static void a_store_that_cannot_be_made_is_said(void **state)
{
    struct place *p = *state;
    close_store(p);
    assert_int_equal(chmod(p->dir, 0555), 0);
    assert_int_equal(as_nobody(cannot_create, p), 0);
    assert_int_equal(chmod(p->dir, 0700), 0);
    WANT(ERR_NOT_FOUND,
         store_open(&(struct store_options){.dir = "/tmp/cairn-no-such-place", .read_only = true}, &p->store, &e));
}

static void reading_only_changes_nothing(void **state)
{
    struct place *p = *state;
    close_store(p);
    raw(p, "DROP TABLE prop");
    WANT(ERR_READ_ONLY, store_open(&(struct store_options){.dir = p->dir, .read_only = true}, &p->store, &e));
    assert_int_equal(raw_value(p, "SELECT count(*) FROM sqlite_master WHERE name = 'prop'"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_store_has_the_newest_schema, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(back_and_forth_keeps_the_data, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_dropped_with_its_records, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(missing_tables_columns_and_indexes_are_added, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(another_programs_database_is_refused, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_refused_clearly, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_is_read, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_made_is_said, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(many_processes_make_one_new_store, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(the_files_are_private, place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(reading_only_changes_nothing, place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
