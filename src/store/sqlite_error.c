/* SQLite's result codes in our words. Why one place: callers act on the code (retry, refuse, tell), people read
 * the message, and neither should know SQLite. */
#include "store/sqlite_driver.h"

#include <errno.h>

/* By the primary code; extended ones only where they mean something else to us. */
static enum err_code code_of(int rc, int number)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_DISK_FULL;
    case SQLITE_READONLY:
        return rc == SQLITE_READONLY_DBMOVED ? ERR_UNAVAILABLE : ERR_READ_ONLY;
    case SQLITE_PERM:
        return ERR_READ_ONLY;
    case SQLITE_CANTOPEN:
        return err_code_of_errno(number);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_DATA) /* a page that did not open (sqlite_vfs.c) */
            return ERR_CORRUPT;
        return rc == SQLITE_IOERR_NOMEM ? ERR_NOMEM : err_code_of_errno(number);
    case SQLITE_INTERRUPT:
        return ERR_TIMEOUT;
    case SQLITE_CONSTRAINT:
        return ERR_CONFLICT;
    case SQLITE_TOOBIG:
        return ERR_TOO_LARGE;
    default:
        return ERR_INTERNAL;
    }
}

/* Which page it was is known where pages are sealed. */
static enum err_code damaged(struct driver_conn *c, int rc, const char *what, const char *detail, struct err *e)
{
    struct driver_files *f = c ? c->files : NULL;
    if (rc == SQLITE_IOERR_DATA && f)
        return err_set(e, ERR_CORRUPT, NULL,
                       "cannot %s: page %lld of the database does not open with the key: it was changed or damaged",
                       what, (long long)atomic_load(&f->bad_page));
    if (f && atomic_load(&f->foreign))
        return err_set(e, ERR_DENIED, NULL,
                       "cannot %s: the database is sealed, and the folder `keys` that belongs to it is not there",
                       what);
    return err_set(e, ERR_CORRUPT, NULL, "cannot %s: the database is damaged or not one (%s)", what, detail);
}

enum err_code sqlite_fail(struct driver_conn *c, int rc, const char *what, struct err *e)
{
    int last = errno; /* SQLite does not always keep the system's reason, but it was the last to fail */
    sqlite3 *db = c ? c->db : NULL;
    enum err_code code = code_of(rc, db ? sqlite3_system_errno(db) : 0);
    if (code == ERR_IO && (last == EFBIG || last == EDQUOT))
        code = ERR_DISK_FULL;
    const char *detail = db && (sqlite3_errcode(db) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    switch (code) {
    case ERR_DISK_FULL:
        return err_set(e, code, NULL, "cannot %s: no space is left on the disk that holds the data", what);
    case ERR_READ_ONLY:
        return err_set(e, code, NULL, "cannot %s: the data folder cannot be written", what);
    case ERR_UNAVAILABLE:
        return err_set(e, code, NULL, "cannot %s: the database was moved or replaced while it was open; start again",
                       what);
    case ERR_BUSY:
        return err_set(e, code, NULL, "cannot %s: another process has had the data locked for too long", what);
    case ERR_CORRUPT:
        return damaged(c, rc, what, detail, e);
    case ERR_NOMEM:
        return err_nomem(e);
    case ERR_TIMEOUT:
        return err_set(e, code, NULL, "cannot %s in the time allowed", what);
    default:
        return err_set(e, code, NULL, "cannot %s: %s", what, detail);
    }
}
