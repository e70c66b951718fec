/* Statements of the SQLite driver, and the driver's table. Thin on purpose: one call of ours is one of
 * SQLite's, plus the error in words and the door for injected failures. */
#include "store/sqlite_driver.h"

#include "base/mem.h"

enum err_code sqlite_exec(struct driver_conn *c, const char *script, const char *what, struct err *e)
{
    int rc = mem_fail_now() ? SQLITE_IOERR : sqlite3_exec(c->db, script, NULL, NULL, NULL);
    return rc ? sqlite_fail(c, rc, what, e) : ERR_OK;
}

/* For questions asked once; anything asked often is prepared. */
enum err_code sqlite_value(struct driver_conn *c, const char *sql, const char *what, int64_t *out, struct err *e)
{
    sqlite3_stmt *s = NULL;
    *out = 0;
    int rc = mem_fail_now() ? SQLITE_IOERR : sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);
    if (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    enum err_code code = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : sqlite_fail(c, rc, what, e);
    (void)sqlite3_finalize(s);
    return code;
}

static int64_t changed(struct driver_conn *c)
{
    return sqlite3_total_changes64(c->db);
}

static int64_t last_seq(struct driver_conn *c)
{
    return sqlite3_last_insert_rowid(c->db);
}

static enum err_code prepare(struct driver_conn *c, struct str sql, const char *what, struct driver_stmt **out,
                             struct err *e)
{
    *out = NULL;
    struct driver_stmt *s = mem_zalloc(sizeof *s);
    if (!s)
        return err_nomem(e);
    s->c = c;
    s->what = what;
    int rc = sqlite3_prepare_v3(c->db, sql.p, (int)sql.n, SQLITE_PREPARE_PERSISTENT, &s->s, NULL);
    if (rc) {
        mem_free(s);
        return sqlite_fail(c, rc, what, e);
    }
    *out = s;
    return ERR_OK;
}

static void finalize(struct driver_stmt *s)
{
    if (!s)
        return;
    (void)sqlite3_finalize(s->s);
    mem_free(s);
}

/* The first failure stays, and comes out of the step. */
static void bound(struct driver_stmt *s, int rc)
{
    if (rc && !s->bind_rc)
        s->bind_rc = rc;
}

static void bind_null(struct driver_stmt *s, int i)
{
    bound(s, sqlite3_bind_null(s->s, i));
}

static void bind_int(struct driver_stmt *s, int i, int64_t v)
{
    bound(s, sqlite3_bind_int64(s->s, i, v));
}

static void bind_real(struct driver_stmt *s, int i, double v)
{
    bound(s, sqlite3_bind_double(s->s, i, v));
}

static void bind_text(struct driver_stmt *s, int i, struct str v)
{
    /* A NULL pointer would bind NULL; an empty text is not that. */
    bound(s, sqlite3_bind_text64(s->s, i, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8));
}

static void bind_bytes(struct driver_stmt *s, int i, struct str v)
{
    bound(s, sqlite3_bind_blob64(s->s, i, v.p ? v.p : "", v.n, SQLITE_STATIC));
}

/* A failed step says why at once: with prepare_v3 it gives the full code, not only after the reset. */
static enum err_code step(struct driver_stmt *s, bool *row, struct err *e)
{
    *row = false;
    if (s->bind_rc)
        return sqlite_fail(s->c, s->bind_rc, s->what, e);
    if (mem_fail_now())
        return sqlite_fail(s->c, SQLITE_IOERR, s->what, e);
    int rc = sqlite3_step(s->s);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : sqlite_fail(s->c, rc, s->what, e);
}

/* Bindings are let go too: they borrow text that may be gone by the next use. */
static void reset(struct driver_stmt *s)
{
    (void)sqlite3_reset(s->s);
    (void)sqlite3_clear_bindings(s->s);
    s->bind_rc = SQLITE_OK;
}

static bool column_null(struct driver_stmt *s, int i)
{
    return sqlite3_column_type(s->s, i) == SQLITE_NULL;
}

static int64_t column_int(struct driver_stmt *s, int i)
{
    return sqlite3_column_int64(s->s, i);
}

static double column_real(struct driver_stmt *s, int i)
{
    return sqlite3_column_double(s->s, i);
}

/* Text before its length: SQLite may convert on the first call, which changes the second's answer. */
static struct str column_text(struct driver_stmt *s, int i)
{
    const char *p = (const char *)sqlite3_column_text(s->s, i);
    return p ? (struct str){p, (size_t)sqlite3_column_bytes(s->s, i)} : STR_NONE;
}

static bool column_is_bytes(struct driver_stmt *s, int i)
{
    return sqlite3_column_type(s->s, i) == SQLITE_BLOB;
}

static struct str column_bytes(struct driver_stmt *s, int i)
{
    const char *p = sqlite3_column_blob(s->s, i);
    return p ? (struct str){p, (size_t)sqlite3_column_bytes(s->s, i)} : STR_NONE;
}

const struct store_driver sqlite_driver = {
    .name = "sqlite",
    .dialect = SQL_SQLITE,
    .open = sqlite_open,
    .close = sqlite_close,
    .writable = sqlite_writable,
    .set_deadline = sqlite_set_deadline,
    .memory_open = sqlite_memory_open,
    .memory_close = sqlite_memory_close,
    .memory_bytes = sqlite_memory_bytes,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .in_transaction = sqlite_in_transaction,
    .savepoint = sqlite_savepoint,
    .release = sqlite_release,
    .undo = sqlite_undo,
    .changed = changed,
    .exec = sqlite_exec,
    .prepare = prepare,
    .finalize = finalize,
    .bind_null = bind_null,
    .bind_int = bind_int,
    .bind_real = bind_real,
    .bind_text = bind_text,
    .bind_bytes = bind_bytes,
    .step = step,
    .reset = reset,
    .column_null = column_null,
    .column_int = column_int,
    .column_real = column_real,
    .column_text = column_text,
    .column_is_bytes = column_is_bytes,
    .column_bytes = column_bytes,
    .last_seq = last_seq,
    .change_counter = sqlite_change_counter,
    .schema = sqlite_schema,
    .tidy = sqlite_tidy,
    .vacuum = sqlite_vacuum,
    .empty_log = sqlite_empty_log,
    .scrub = sqlite_scrub,
    .backup = sqlite_backup,
    .check = sqlite_check,
    .lock_file = sqlite_lock_file,
    .files_open = sqlite_files_open,
    .files_close = sqlite_files_close,
    .files_keys = sqlite_files_keys,
    .reform = sqlite_reform,
    .formed = sqlite_formed,
};
