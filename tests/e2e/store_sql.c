/* Runs one statement on a data folder's database through the store itself, so that tests can look into a sealed one,
 * and move its times, as they do with Python's sqlite3 in a plain one. The key is in $CAIRN_KEY.
 *
 *   store_sql DIR SQL [i:INT | r:REAL | t:TEXT | n]…      a JSON array a row; bytes as {"hex":…} */
#include "base/json_write.h"
#include "seal/seal.h"
#include "store/internal.h"
#include "store/sqlite_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    char **values;
    int n;
    const char *sql;
    struct json_out out;
    struct buf b;
};

static void bind(struct query *q, const char *value)
{
    double real;
    if (value[0] == 'i')
        query_int(q, strtoll(value + 2, NULL, 10));
    else if (value[0] == 'r' && str_double(str_of(value + 2), &real))
        query_real(q, real);
    else if (value[0] == 't')
        query_text(q, str_of(value + 2));
    else
        query_null(q);
}

static void put_hex(struct json_out *w, struct str bytes)
{
    struct buf hex;
    buf_init(&hex, 0);
    for (size_t i = 0; i < bytes.n; i++)
        buf_fmt(&hex, "%02x", (unsigned)(unsigned char)bytes.p[i]);
    jw_object(w);
    jw_kstr(w, "hex", buf_view(&hex));
    jw_end_object(w);
    buf_release(&hex);
}

static void put_column(struct json_out *w, struct driver_stmt *s, int i)
{
    switch (sqlite3_column_type(s->s, i)) {
    case SQLITE_NULL:
        jw_null(w);
        return;
    case SQLITE_INTEGER:
        jw_int(w, sqlite3_column_int64(s->s, i));
        return;
    case SQLITE_FLOAT:
        jw_num(w, sqlite3_column_double(s->s, i));
        return;
    case SQLITE_BLOB:
        put_hex(w, sqlite_driver.column_bytes(s, i));
        return;
    default:
        jw_str(w, sqlite_driver.column_text(s, i));
    }
}

static void put_row(struct job *j, struct driver_stmt *s)
{
    j->out.comma = false;
    jw_array(&j->out);
    for (int i = 0; i < sqlite3_column_count(s->s); i++)
        put_column(&j->out, s, i);
    jw_end_array(&j->out);
    buf_char(&j->b, '\n');
}

static enum err_code run(struct store_tx *tx, void *arg, struct err *e)
{
    struct job *j = arg;
    struct query q;
    query_sql(&q, tx, str_of(j->sql), "run a test's statement", e);
    for (int i = 0; i < j->n; i++)
        bind(&q, j->values[i]);
    while (query_row(&q))
        put_row(j, q.s);
    return query_end(&q);
}

static enum err_code read_only(struct store *s, struct job *j, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(s, &tx, e);
    if (code)
        return code;
    code = run(tx, j, e);
    store_read_end(tx);
    return code;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct store *s = NULL;
    if (argc < 3)
        return 2;
    const char *key = getenv("CAIRN_KEY");
    const struct seal_secret secret = {.key = str_of(key)};
    const struct store_options o = {.dir = argv[1], .secret = key ? &secret : NULL, .readers = 1};
    struct job j = {.values = argv + 3, .n = argc - 3, .sql = argv[2]};
    buf_init(&j.b, 0);
    jw_init(&j.out, &j.b);
    enum err_code code = store_open(&o, &s, &e);
    if (!code)
        code = strncmp(j.sql, "SELECT", 6) == 0 ? read_only(s, &j, &e) : store_write(s, run, &j, &e);
    if (s)
        store_close(s);
    if (code)
        fprintf(stderr, "store_sql: %s\n", e.message);
    else
        fwrite(j.b.p ? j.b.p : "", 1, j.b.n, stdout);
    buf_release(&j.b);
    return code ? 1 : 0;
}
