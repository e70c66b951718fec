/* Databases read without a trace: with and without a log, changed in the meantime, and what is none. */
#include "unit/base/unit.h"

#include "base/buf.h"
#include "history/database.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/cairn-test-database-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/x.db", dir);
    return 0;
}

static int remove_dir(void **state)
{
    char command[96];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

/* Left open when the log is to stay. */
static sqlite3 *write_database(const char *mode, const char *script)
{
    sqlite3 *db;
    char pragma[64];
    snprintf(pragma, sizeof pragma, "pragma journal_mode=%s; pragma wal_autocheckpoint=0", mode);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, pragma, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, script, NULL, NULL, NULL), SQLITE_OK);
    return db;
}

struct reading {
    struct history_in in;
    struct database *d;
    struct err err;
};

static enum err_code begin(struct reading *r)
{
    struct stat st;
    *r = (struct reading){.in = {.path = STR("x.db")}};
    r->in.dir = open(dir, O_RDONLY | O_DIRECTORY);
    r->in.fd = open(path, O_RDONLY);
    assert_int_equal(fstat(r->in.fd, &st), 0);
    r->in.size = st.st_size;
    return database_open(&r->in, &r->d, &r->err);
}

static enum err_code end(struct reading *r)
{
    enum err_code code = database_close(r->d, &r->err);
    close(r->in.fd);
    close(r->in.dir);
    return code;
}

/* The texts of the first column, in brackets. */
static void assert_rows(struct reading *r, const char *sql, const char *arg, const char *expected)
{
    const struct str text = str_of(arg);
    struct rows *rows;
    struct buf b;
    bool found = true;
    buf_init(&b, 0);
    assert_int_equal(database_query(r->d, sql, &text, arg ? 1 : 0, &rows, &r->err), ERR_OK);
    while (!rows_next(rows, &found, &r->err) && found)
        buf_fmt(&b, "[%.*s]", STR_ARG(rows_text(rows, 0)));
    buf_char(&b, '\0');
    assert_string_equal(b.p, expected);
    buf_release(&b);
    rows_free(rows);
}

static int files_beside(void)
{
    DIR *d = opendir(dir);
    int n = 0;
    assert_non_null(d);
    for (const struct dirent *x; (x = readdir(d));)
        n += x->d_name[0] != '.';
    closedir(d);
    return n;
}

static const char script[] = "create table t(a, b); insert into t values('one', x'0061'), ('two', null)";

static void test_plain(void **state)
{
    static const char *const modes[] = {"delete",
                                        "wal"}; /* closed well, a log is gone, and the file still says there is one */
    struct reading r;
    (void)state;
    for (int i = 0; i < 2; i++) {
        sqlite3_close(write_database(modes[i], script));
        assert_int_equal(files_beside(), 1);
        assert_int_equal(begin(&r), ERR_OK);
        assert_rows(&r, "select a from t order by a", NULL, "[one][two]");
        assert_rows(&r, "select a from t where a = ?1", "two", "[two]");
        assert_rows(&r, "select b from t where b is null", NULL, "[]");
        assert_true(database_has(r.d, "t", "b"));
        assert_true(database_has(r.d, "t", NULL));
        assert_false(database_has(r.d, "t", "c"));
        assert_int_equal(files_beside(), 1);
        assert_int_equal(end(&r), ERR_OK);
        assert_int_equal(files_beside(), 1);
        unlink(path);
    }
}

/* What is only in the log is seen, and nothing is made, not even the log's index, when that is taken away. */
static void test_log(void **state)
{
    struct stat before, after;
    struct reading r;
    char shared[112], log[112];
    (void)state;
    sqlite3 *db = write_database("wal", script);
    snprintf(shared, sizeof shared, "%s-shm", path);
    snprintf(log, sizeof log, "%s-wal", path);
    assert_int_equal(unlink(shared), 0);
    assert_int_equal(stat(log, &before), 0);
    assert_true(before.st_size > 0);
    assert_int_equal(begin(&r), ERR_OK);
    assert_rows(&r, "select a from t order by a", NULL, "[one][two]");
    assert_int_equal(end(&r), ERR_OK);
    assert_int_equal(files_beside(), 2);
    assert_int_equal(stat(log, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    sqlite3_close(db);
}

static void test_nothing_can_be_written(void **state)
{
    struct reading r;
    struct rows *rows = NULL;
    bool found;
    (void)state;
    sqlite3_close(write_database("delete", script));
    assert_int_equal(begin(&r), ERR_OK);
    assert_int_equal(database_query(r.d, "insert into t values(1, 2)", NULL, 0, &rows, &r.err), ERR_OK);
    assert_int_not_equal(rows_next(rows, &found, &r.err), ERR_OK);
    rows_free(rows);
    assert_int_equal(end(&r), ERR_OK);
}

static void test_written_to_in_the_meantime(void **state)
{
    struct reading r;
    sqlite3 *db;
    (void)state;
    sqlite3_close(write_database("delete", script));
    assert_int_equal(begin(&r), ERR_OK);
    assert_rows(&r, "select count(*) from t", NULL, "[2]");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "insert into t values(1, 2)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(end(&r), ERR_BUSY);
}

static void test_what_is_no_database(void **state)
{
    struct reading r;
    (void)state;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        fputs("no database ", f);
    fclose(f);
    assert_int_equal(begin(&r), ERR_CORRUPT);
    assert_null(r.d);
    assert_int_equal(end(&r), ERR_OK);
}

/* Names that stand for endless work are no tables. */
static void test_views(void **state)
{
    struct reading r;
    (void)state;
    sqlite3_close(write_database(
        "delete", "create view v as with recursive c(x) as (select 1 union all select x from c) select x from c"));
    assert_int_equal(begin(&r), ERR_OK);
    assert_false(database_has(r.d, "v", NULL));
    assert_false(database_has(r.d, "v", "x"));
    assert_int_equal(end(&r), ERR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),
        TEST(test_log),
        TEST(test_nothing_can_be_written),
        TEST(test_written_to_in_the_meantime),
        TEST(test_what_is_no_database),
        TEST(test_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
