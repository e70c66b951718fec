/* Transactions of the SQLite driver, and the checkpoint. BEGIN IMMEDIATE takes the one write lock of all
 * processes at once, so a group never finds out half-way that it has to wait. */
#include "store/sqlite_driver.h"

#include "base/mem.h"

/* Pages of 4 KiB. From IDLE on, a checkpoint is made when nothing waits; from BUSY on also between two groups. A WAL
 * that a long reader holds is not tried again before AGAIN more pages. */
enum { CHECKPOINT_IDLE = 1000, CHECKPOINT_BUSY = 4000, CHECKPOINT_AGAIN = 2000 };

/* BEGIN and COMMIT are prepared once: parsing them would cost more than an empty transaction. */
static enum err_code run(struct driver_conn *c, sqlite3_stmt **s, const char *sql, const char *what, struct err *e)
{
    int rc = SQLITE_OK;
    if (mem_fail_now())
        return sqlite_fail(c, SQLITE_IOERR, what, e);
    if (!*s)
        rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    if (rc)
        return sqlite_fail(c, rc, what, e);
    rc = sqlite3_step(*s);
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : sqlite_fail(c, rc, what, e);
    (void)sqlite3_reset(*s);
    return code;
}

enum err_code sqlite_begin(struct driver_conn *c, enum driver_mode mode, struct err *e)
{
    if (mode == DRIVER_READ)
        return run(c, &c->begin_read, "BEGIN", "begin to read", e);
    return run(c, &c->begin_write, "BEGIN IMMEDIATE", "begin to write", e);
}

/* Written into a file that is gone from its folder, a turn would be acknowledged and lost. */
static bool moved_away(struct driver_conn *c)
{
    int moved = 0;
    return sqlite3_txn_state(c->db, "main") == SQLITE_TXN_WRITE &&
           sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

enum err_code sqlite_commit(struct driver_conn *c, struct err *e)
{
    if (moved_away(c))
        return sqlite_fail(c, SQLITE_READONLY_DBMOVED, "write to the database", e);
    return run(c, &c->commit, "COMMIT", "write to the database", e);
}

/* An error here has no one to tell it to: without a transaction there is nothing left to undo. */
void sqlite_rollback(struct driver_conn *c)
{
    if (sqlite_in_transaction(c))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

bool sqlite_in_transaction(struct driver_conn *c)
{
    return sqlite3_get_autocommit(c->db) == 0;
}

enum err_code sqlite_savepoint(struct driver_conn *c, struct err *e)
{
    return sqlite_exec(c, "SAVEPOINT job", "begin to write", e);
}

enum err_code sqlite_release(struct driver_conn *c, struct err *e)
{
    return sqlite_exec(c, "RELEASE job", "write to the database", e);
}

enum err_code sqlite_undo(struct driver_conn *c, struct err *e)
{
    return sqlite_exec(c, "ROLLBACK TO job; RELEASE job", "undo a write", e);
}

/* Passive: it never waits for readers and never makes them wait. */
void sqlite_tidy(struct driver_conn *c, bool idle)
{
    if (c->wal_pages < (idle ? CHECKPOINT_IDLE : CHECKPOINT_BUSY) ||
        c->wal_pages < c->wal_pages_left + CHECKPOINT_AGAIN)
        return;
    int in_wal = 0, taken = 0;
    int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &taken);
    if (rc == SQLITE_OK && in_wal == taken) {
        c->wal_pages = 0; /* the next write begins the WAL anew */
        c->wal_pages_left = 0;
    } else {
        c->wal_pages_left = c->wal_pages;
    }
}
