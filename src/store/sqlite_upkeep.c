/* Upkeep of the SQLite driver: what the schema is, whether others committed, copies, damage, sole use. */
#include "store/sqlite_driver.h"

#include "base/mem.h"

#include <time.h>

enum { BACKUP_PAGES = 512, BACKUP_BUSY_MAX = 2000, VACUUM_READERS_MS = 1000 };

/* The pragma changes when another connection has committed, of this process or another. */
enum err_code sqlite_change_counter(struct driver_conn *c, int64_t *out, struct err *e)
{
    static const char *const what = "look for changes";
    int rc = mem_fail_now() ? SQLITE_IOERR : SQLITE_OK;
    *out = 0;
    if (!rc && !c->data_version)
        rc = sqlite3_prepare_v3(c->db, "PRAGMA data_version", -1, SQLITE_PREPARE_PERSISTENT, &c->data_version, NULL);
    if (rc)
        return sqlite_fail(c, rc, what, e);
    rc = sqlite3_step(c->data_version);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(c->data_version, 0);
    enum err_code code = rc == SQLITE_ROW ? ERR_OK : sqlite_fail(c, rc, what, e);
    (void)sqlite3_reset(c->data_version);
    return code;
}

static struct str column(sqlite3_stmt *s, int i)
{
    const char *p = (const char *)sqlite3_column_text(s, i);
    return p ? (struct str){p, (size_t)sqlite3_column_bytes(s, i)} : STR_NONE;
}

/* One statement for all tables: asking table by table would parse SQL twenty times. */
enum err_code sqlite_schema(struct driver_conn *c, void (*each)(void *, struct str, struct str), void *arg,
                            struct err *e)
{
    static const char *const what = "read the schema";
    sqlite3_stmt *s = NULL;
    int rc = mem_fail_now() ? SQLITE_IOERR
                            : sqlite3_prepare_v2(c->db,
                                                 "SELECT m.name, p.name FROM sqlite_master m JOIN"
                                                 " pragma_table_info(m.name) p WHERE m.type = 'table' UNION ALL"
                                                 " SELECT name, NULL FROM sqlite_master WHERE type = 'index'",
                                                 -1, &s, NULL);
    while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        each(arg, column(s, 0), column(s, 1));
        rc = SQLITE_OK;
    }
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : sqlite_fail(c, rc, what, e);
    (void)sqlite3_finalize(s);
    return code;
}

/* Every page, every index entry; a hundred problems are enough to know. */
enum err_code sqlite_check(struct driver_conn *c, void (*report)(void *, const char *), void *arg, struct err *e)
{
    static const char *const what = "check the database";
    sqlite3_stmt *s = NULL;
    int rc = mem_fail_now() ? SQLITE_IOERR : sqlite3_prepare_v2(c->db, "PRAGMA integrity_check(100)", -1, &s, NULL);
    while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *problem = (const char *)sqlite3_column_text(s, 0);
        if (!problem || sqlite3_stricmp(problem, "ok") != 0)
            report(arg, problem ? problem : "unknown damage");
        rc = SQLITE_OK;
    }
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : sqlite_fail(c, rc, what, e);
    (void)sqlite3_finalize(s);
    return code;
}

/* Copies page by page in steps, so that writers get their turn in between. */
static int copy(sqlite3_backup *b, void (*progress)(void *, int, int), void *arg)
{
    int rc, waits = 0;
    do {
        rc = mem_fail_now() ? SQLITE_IOERR : sqlite3_backup_step(b, BACKUP_PAGES);
        int total = sqlite3_backup_pagecount(b);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
            if (++waits > BACKUP_BUSY_MAX)
                return rc;
            nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
        } else if (progress) {
            progress(arg, total - sqlite3_backup_remaining(b), total);
        }
    } while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
    return rc;
}

enum err_code sqlite_backup(struct driver_conn *c, const char *path, void (*progress)(void *, int, int), void *arg,
                            struct err *e)
{
    static const char *const what = "write the backup";
    struct driver_conn to = {.busy_ms = c->busy_ms, .files = c->files};
    int rc = mem_fail_now()
                 ? SQLITE_CANTOPEN
                 : sqlite3_open_v2(path, &to.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                   c->files ? c->files->name : NULL);
    enum err_code code = rc ? sqlite_fail(&to, rc, what, e) : ERR_OK;
    sqlite3_backup *b = NULL;
    if (!code)
        sqlite_make_private(path);
    if (!code && !(b = sqlite3_backup_init(to.db, "main", c->db, "main")))
        code = sqlite_fail(&to, sqlite3_errcode(to.db), what, e);
    if (!code) {
        rc = copy(b, progress, arg);
        int end = sqlite3_backup_finish(b);
        if (rc != SQLITE_DONE || end != SQLITE_OK)
            code = sqlite_fail(&to, rc != SQLITE_DONE ? rc : end, what, e);
    }
    /* One file that needs no WAL beside it; this also syncs. */
    if (!code)
        code = sqlite_exec(&to, "PRAGMA journal_mode=DELETE", what, e);
    (void)sqlite3_close(to.db);
    return code;
}

enum err_code sqlite_lock_file(const char *path, struct driver_files *files, struct driver_conn **out, struct err *e)
{
    const struct driver_options o = {.path = path, .files = files, .busy_ms = 1000};
    enum err_code rc = sqlite_open(&o, out, e);
    if (rc)
        return rc;
    /* Leaving WAL takes the exclusive lock and fails as long as any other connection is open. */
    rc = sqlite_exec(*out, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE",
                     "get the database for itself", e);
    if (rc) {
        sqlite_close(*out);
        *out = NULL;
    }
    return rc;
}

/* The new database is first written to a temporary file, which must not be in memory, then through the WAL, so a crash
 * leaves the old one or the new one. Only the checkpoint shortens the file; it waits for readers a moment, and where
 * they stay it is left to the next one. */
enum err_code sqlite_vacuum(struct driver_conn *c, struct err *e)
{
    static const char *const what = "vacuum the database";
    enum err_code code = mem_fail_now() ? sqlite_fail(c, SQLITE_IOERR, what, e)
                                        : sqlite_exec(c, "PRAGMA temp_store=FILE; VACUUM", what, e);
    (void)sqlite3_exec(c->db, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
    if (code)
        return code;
    (void)sqlite_empty_log(c, VACUUM_READERS_MS, NULL);
    return ERR_OK;
}
