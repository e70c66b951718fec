/* DDL in both dialects; SQLite's is loaded (PostgreSQL's is in tests/e2e/test_postgres_ddl.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/ddl.h"

#include <sqlite3.h>
#include <string.h>

static const struct field odd_fields[] = {
    {"order", FIELD_TEXT, FIELD_INDEXED, 0, 9, "\"it's\"", NULL, "a word of SQL, and a quote in the default"},
    {"group", FIELD_BOOL, FIELD_REQUIRED, 0, 0, "true", NULL, "another"},
    {"blob", FIELD_OBJECT, 0, 0, 0, "{\"a\":\"'\"}", NULL, "JSON with a quote"},
    {"real", FIELD_REAL, 0, 0, 0, "0.5", NULL, "a number"},
    {"when", FIELD_TIME, 0, 0, 0, NULL, NULL, "a time"},
};
static const struct kind odd = {.name = "select",
                                .plural = "selects",
                                .id_prefix = "odd",
                                .id_name = "odd_id",
                                .fields = odd_fields,
                                .n_fields = 5,
                                .unique = "order, group",
                                .order = "order DESC, when",
                                .help = "names that need quoting"};

static sqlite3 *load(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL))
        fail_msg("%s", sqlite3_errmsg(db));
    return db;
}

static void all_kinds_load_twice(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    ddl_all(&b, SQL_SQLITE);
    buf_char(&b, '\0');
    assert_false(b.failed);
    sqlite3 *db = load(b.p);
    assert_int_equal(sqlite3_exec(db, b.p, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    buf_release(&b);
}

static void odd_names_and_defaults_survive(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    ddl_kind(&b, &odd, SQL_SQLITE);
    buf_char(&b, '\0');
    sqlite3 *db = load(b.p);
    sqlite3_stmt *s;
    assert_int_equal(
        sqlite3_exec(db,
                     "INSERT INTO \"select\" (id, project, created_at, updated_at) VALUES ('a', 'p', 1, 1);"
                     "INSERT INTO \"select\" (id, project, created_at, updated_at, \"order\")"
                     " VALUES ('b', 'p', 1, 1, 'z')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT \"order\", \"group\", \"blob\", \"real\", version, seq FROM \"select\"",
                                        -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(s, 0), "it's");
    assert_int_equal(sqlite3_column_int(s, 1), 1);
    assert_string_equal((const char *)sqlite3_column_text(s, 2), "{\"a\":\"'\"}");
    assert_true(sqlite3_column_double(s, 3) == 0.5);
    assert_int_equal(sqlite3_column_int(s, 4), 1);
    assert_int_equal(sqlite3_column_int(s, 5), 1);
    sqlite3_finalize(s);
    /* The unique columns hold among the living only. */
    const char *twin = "INSERT INTO \"select\" (id, project, created_at, updated_at) VALUES ('c', 'p', 1, 1)";
    assert_int_equal(sqlite3_exec(db, twin, NULL, NULL, NULL), SQLITE_CONSTRAINT);
    assert_int_equal(sqlite3_exec(db, "UPDATE \"select\" SET deleted_at = 1 WHERE id = 'a'", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, twin, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    buf_release(&b);
}

static void columns_can_be_added_with_their_default(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "CREATE TABLE \"select\" (id); INSERT INTO \"select\" VALUES (1);\n");
    for (size_t i = 0; i < odd.n_fields; i++)
        ddl_add_column(&b, &odd, &odd.fields[i], SQL_SQLITE);
    buf_cstr(&b, "UPDATE \"select\" SET id = \"group\"");
    buf_char(&b, '\0');
    sqlite3_close(load(b.p));
    buf_release(&b);
}

static void dialects_hold_the_same_columns(void **state)
{
    (void)state;
    struct buf lite, post;
    buf_init(&lite, 0);
    buf_init(&post, 0);
    ddl_all(&lite, SQL_SQLITE);
    ddl_all(&post, SQL_POSTGRES);
    buf_char(&post, '\0');
    size_t lines[2] = {0, 0};
    for (size_t i = 0; i < lite.n; i++)
        lines[0] += lite.p[i] == '\n';
    for (size_t i = 0; i < post.n; i++)
        lines[1] += post.p[i] == '\n';
    assert_int_equal(lines[0], lines[1]);
    assert_null(strstr(post.p, " INTEGER PRIMARY KEY"));
    assert_non_null(strstr(post.p, "\"timestamp\" BIGINT"));
    assert_non_null(strstr(post.p, "\"temperature\" DOUBLE PRECISION"));
    buf_release(&lite);
    buf_release(&post);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_load_twice),
        cmocka_unit_test(odd_names_and_defaults_survive),
        cmocka_unit_test(columns_can_be_added_with_their_default),
        cmocka_unit_test(dialects_hold_the_same_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
