/* What the store's SQL can call beyond SQLite's own: opened(value, id, kind, field), see driver.h. */
#include "store/sqlite_driver.h"

#include "base/buf.h"
#include "base/mem.h"

static struct str bytes_of(sqlite3_value *v)
{
    const void *p = sqlite3_value_blob(v); /* before its size */
    return (struct str){p ? p : "", (size_t)sqlite3_value_bytes(v)};
}

static void opened(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    struct driver_conn *c = sqlite3_user_data(ctx);
    struct buf out;
    (void)n;
    if (sqlite3_value_type(v[0]) != SQLITE_BLOB) {
        sqlite3_result_value(ctx, v[0]);
        return;
    }
    buf_init(&out, 0);
    if (c->opened && c->opened(c->opened_arg, bytes_of(v[0]), bytes_of(v[2]), bytes_of(v[1]), bytes_of(v[3]), &out))
        sqlite3_result_text64(ctx, out.p ? out.p : "", out.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    else
        sqlite3_result_null(ctx);
    buf_release(&out);
}

enum err_code sqlite_add_functions(struct driver_conn *c, struct err *e)
{
    enum { ARGUMENTS = 4 };
    int rc = mem_fail_now() ? SQLITE_NOMEM
                            : sqlite3_create_function_v2(c->db, "opened", ARGUMENTS,
                                                         SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, c,
                                                         opened, NULL, NULL, NULL);
    return rc ? sqlite_fail(c, rc, "open the database", e) : ERR_OK;
}
