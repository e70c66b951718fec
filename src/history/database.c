/* Statements over a database that is only read: see database.h. */
#include "history/database_int.h"

#include "base/file.h"
#include "base/mem.h"
#include "history/path.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUE_MOST = 64 << 20, NAME_MOST = 256, CACHE_KIB = 4096, STEPS = 100000 };

struct database {
    const struct history_in *in;
    struct database_files files;
    sqlite3 *db;
    unsigned char head[DATABASE_HEAD + DATABASE_LOG_HEAD]; /* as it was at the beginning */
};

struct rows {
    sqlite3_stmt *s;
};

/* The counter of changes and the log's salts tell whether anything was written. */
static enum err_code read_head(const struct database *d, unsigned char *out, struct err *e)
{
    size_t got;
    memset(out, 0, DATABASE_HEAD + DATABASE_LOG_HEAD);
    enum err_code code = file_read_at(d->files.fd, 0, out, DATABASE_HEAD, &got, e);
    if (!code && d->files.log >= 0)
        code = file_read_at(d->files.log, 0, out + DATABASE_HEAD, DATABASE_LOG_HEAD, &got, e);
    return code;
}

static int open_log(const struct history_in *in)
{
    char name[NAME_MOST];
    struct err none = {0};
    struct str base = path_base(in->path);
    if (in->dir < 0 || base.n + strlen("-wal") >= sizeof name)
        return -1;
    snprintf(name, sizeof name, "%.*s-wal", STR_ARG(base));
    return history_sibling(in, name, &none);
}

static enum err_code fail(struct database *d, const char *what, struct err *e)
{
    int rc = sqlite3_errcode(d->db) & 0xff;
    if (rc == SQLITE_NOMEM)
        return err_nomem(e);
    return err_set(e,
                   rc == SQLITE_TOOBIG  ? ERR_TOO_LARGE
                   : rc == SQLITE_IOERR ? ERR_IO
                                        : ERR_CORRUPT,
                   NULL, "cannot %s: %.160s", what, sqlite3_errmsg(d->db));
}

/* Alone, so that no shared memory is asked for; nothing in files; no values that would take all memory. */
static enum err_code set_up(struct database *d, struct err *e)
{
    char script[160];
    snprintf(
        script, sizeof script,
        "pragma locking_mode=exclusive; pragma temp_store=memory; pragma cache_size=-%d; pragma trusted_schema=off; "
        "select count(*) from sqlite_schema;",
        CACHE_KIB);
    (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, VALUE_MOST);
    return sqlite3_exec(d->db, script, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : fail(d, "read the database", e);
}

static void release(struct database *d)
{
    (void)sqlite3_close(d->db);
    database_files_close(&d->files);
    if (d->files.log >= 0)
        close(d->files.log);
    mem_free(d);
}

static int is_to_stop(void *arg)
{
    const struct database *d = arg;
    return history_stopped(d->in);
}

enum err_code database_open(const struct history_in *in, struct database **out, struct err *e)
{
    struct database *d = mem_zalloc(sizeof *d);
    struct stat st;
    *out = NULL;
    if (!d)
        return err_nomem(e);
    d->in = in;
    d->files.fd = in->fd;
    d->files.size = in->size;
    d->files.log = open_log(in);
    d->files.log_size = d->files.log >= 0 && !fstat(d->files.log, &st) ? st.st_size : 0;
    enum err_code code = read_head(d, d->head, e);
    if (!code)
        code = database_files_open(&d->files, e);
    if (!code && sqlite3_open_v2("history", &d->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, d->files.name))
        code = d->db ? fail(d, "open the database", e) : err_nomem(e);
    if (!code && in->stop)
        sqlite3_progress_handler(d->db, STEPS, is_to_stop, d);
    if (!code)
        code = set_up(d, e);
    if (code)
        release(d);
    else
        *out = d;
    return code;
}

enum err_code database_close(struct database *d, struct err *e)
{
    unsigned char now[DATABASE_HEAD + DATABASE_LOG_HEAD];
    if (!d)
        return ERR_OK;
    enum err_code code = read_head(d, now, e);
    if (!code && memcmp(now, d->head, sizeof now) != 0)
        code = err_set(e, ERR_BUSY, NULL, "it was written to while it was read; the next import takes the rest");
    release(d);
    return code;
}

/* ---- statements ---- */

enum err_code database_query(struct database *d, const char *sql, const struct str *args, size_t n, struct rows **out,
                             struct err *e)
{
    struct rows *r = mem_zalloc(sizeof *r);
    *out = NULL;
    if (!r)
        return err_nomem(e);
    int rc = sqlite3_prepare_v2(d->db, sql, -1, &r->s, NULL);
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc =
            sqlite3_bind_text64(r->s, (int)i + 1, args[i].p ? args[i].p : "", args[i].n, SQLITE_TRANSIENT, SQLITE_UTF8);
    if (rc != SQLITE_OK) {
        rows_free(r);
        return fail(d, "ask the database", e);
    }
    *out = r;
    return ERR_OK;
}

enum err_code rows_next(struct rows *r, bool *found, struct err *e)
{
    int rc = sqlite3_step(r->s);
    *found = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return ERR_OK;
    if ((rc & 0xff) == SQLITE_NOMEM)
        return err_nomem(e);
    return err_set(e, (rc & 0xff) == SQLITE_TOOBIG ? ERR_TOO_LARGE : ERR_CORRUPT, NULL,
                   "cannot read the database: %.160s", sqlite3_errmsg(sqlite3_db_handle(r->s)));
}

struct str rows_text(struct rows *r, int column)
{
    if (sqlite3_column_type(r->s, column) == SQLITE_NULL)
        return STR_NONE;
    const void *p = sqlite3_column_blob(r->s, column);
    return (struct str){p ? p : "", p ? (size_t)sqlite3_column_bytes(r->s, column) : 0};
}

int64_t rows_int(struct rows *r, int column)
{
    return sqlite3_column_int64(r->s, column);
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    (void)sqlite3_finalize(r->s);
    mem_free(r);
}

/* A view or a virtual table of that name could be made to run for ever. */
bool database_has(struct database *d, const char *table, const char *column)
{
    static const char sql[] =
        "select 1 from sqlite_schema where type = 'table' and name = ?1 and sql not like 'create virtual%' "
        "and (?2 = '' or exists (select 1 from pragma_table_info(?1) where name = ?2))";
    struct err none = {0};
    struct rows *r = NULL;
    const struct str args[] = {str_of(table), column ? str_of(column) : STR("")};
    bool found = false;
    if (!database_query(d, sql, args, 2, &r, &none))
        (void)rows_next(r, &found, &none);
    rows_free(r);
    return found;
}
