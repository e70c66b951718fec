/* The driver contract: what a database must do for the store. Implementers' header; callers of the store
 * never see it. SQLite is the first driver (sqlite_*.c), PostgreSQL is to be the second.
 *
 * A driver must
 * - give each connection to one thread at a time only; never take locks of the store's own;
 * - make a committed write transaction durable (unless sync_normal) before commit() returns ERR_OK;
 * - give read transactions one snapshot from their first statement to their end;
 * - serialise write transactions, also of other processes: begin(DRIVER_WRITE) waits for them up to busy_ms
 *   and then fails with ERR_BUSY, having changed nothing;
 * - number parameters from 1 (SQL is written with ?1, ?2 …; a driver may rewrite them);
 * - borrow bound text only until the statement is reset, and keep a column's text until the next step;
 * - map its errors to: ERR_DISK_FULL, ERR_READ_ONLY, ERR_BUSY, ERR_CORRUPT, ERR_NOMEM, ERR_IO, ERR_TIMEOUT (deadline),
 *   ERR_CONFLICT (a unique index), ERR_TOO_LARGE, else ERR_INTERNAL; the message says what was being done.
 * A driver may
 * - end a transaction by itself when it fails (disk full): in_transaction() then says so;
 * - keep what it learns about a connection (prepared begin and commit, sizes).
 * Every call that can fail asks mem_fail_now() first, so that tests can make it fail. */
#ifndef CAIRN_STORE_DRIVER_H
#define CAIRN_STORE_DRIVER_H

#include "base/err.h"
#include "record/ddl.h"

struct driver_conn; /* the driver's own */
struct driver_stmt;
struct driver_memory; /* a place in memory for one database, which is then never on a disk */
struct driver_files;  /* how files are read and written: sealed, or as they are */
struct keyring;

enum driver_mode { DRIVER_READ, DRIVER_WRITE };

struct driver_options {
    const char *path;
    struct driver_files *files; /* must outlive the connection; NULL: as they are */
    bool read_only;             /* must not write anything, not even to create */
    bool create;                /* make the database when it is absent */
    int busy_ms;
    bool bulk; /* no map of the file: less memory */
    bool sync_normal;
    struct driver_memory *memory; /* the database is there, `path` but a name; NULL: on the disk */
    /* SQL's opened(value, id, kind, field): a value that is bytes is opened by this to text, or is NULL where it cannot
     * be; any other is given back as it is. Called by the connection's thread. */
    bool (*opened)(void *arg, struct str value, struct str kind, struct str id, struct str field, struct buf *out);
    void *opened_arg;
};

struct store_driver {
    const char *name;
    enum sql_dialect dialect;

    /* ---- files ---- */
    /* keys NULL: plain. All connections of a store share one, for what it holds is asked at each read and write. */
    enum err_code (*files_open)(struct keyring *keys, struct driver_files **out, struct err *e);
    void (*files_close)(struct driver_files *f); /* NULL is fine */
    void (*files_keys)(struct driver_files *f, struct keyring *keys);

    /* ---- connections ---- */
    enum err_code (*open)(const struct driver_options *o, struct driver_conn **out, struct err *e);
    void (*close)(struct driver_conn *c);
    bool (*writable)(struct driver_conn *c);
    /* Statements fail with ERR_TIMEOUT from then on (clock_mono_us; 0: never). */
    void (*set_deadline)(struct driver_conn *c, int64_t deadline_us);

    /* ---- in memory ---- */
    /* Of at most so many bytes. Closed after all its connections; what was in it is overwritten. */
    enum err_code (*memory_open)(int64_t most, struct driver_memory **out, struct err *e);
    void (*memory_close)(struct driver_memory *m); /* NULL is fine */
    int64_t (*memory_bytes)(struct driver_memory *m);

    /* ---- transactions ---- */
    enum err_code (*begin)(struct driver_conn *c, enum driver_mode mode, struct err *e);
    enum err_code (*commit)(struct driver_conn *c, struct err *e); /* after a failure: rollback() */
    void (*rollback)(struct driver_conn *c);                       /* fine without a transaction */
    bool (*in_transaction)(struct driver_conn *c);
    /* One level of undo inside a write transaction. */
    enum err_code (*savepoint)(struct driver_conn *c, struct err *e);
    enum err_code (*release)(struct driver_conn *c, struct err *e);
    enum err_code (*undo)(struct driver_conn *c, struct err *e); /* to the savepoint, and drops it */
    int64_t (*changed)(struct driver_conn *c);                   /* rows changed since open, never less */

    /* ---- statements ---- */
    enum err_code (*exec)(struct driver_conn *c, const char *script, const char *what, struct err *e);
    /* `what` ("read a session") is kept for messages; it must outlive the statement. */
    enum err_code (*prepare)(struct driver_conn *c, struct str sql, const char *what, struct driver_stmt **out,
                             struct err *e);
    void (*finalize)(struct driver_stmt *s);
    /* Binding cannot fail by itself: a failure comes out of the next step. */
    void (*bind_null)(struct driver_stmt *s, int i);
    void (*bind_int)(struct driver_stmt *s, int i, int64_t v);
    void (*bind_real)(struct driver_stmt *s, int i, double v);
    void (*bind_text)(struct driver_stmt *s, int i, struct str v);
    void (*bind_bytes)(struct driver_stmt *s, int i, struct str v); /* borrowed as text is */
    enum err_code (*step)(struct driver_stmt *s, bool *row, struct err *e);
    void (*reset)(struct driver_stmt *s);              /* ends the statement and forgets its bindings */
    bool (*column_null)(struct driver_stmt *s, int i); /* columns count from 0 */
    int64_t (*column_int)(struct driver_stmt *s, int i);
    double (*column_real)(struct driver_stmt *s, int i);
    struct str (*column_text)(struct driver_stmt *s, int i);
    bool (*column_is_bytes)(struct driver_stmt *s, int i); /* bound by bind_bytes, not text */
    struct str (*column_bytes)(struct driver_stmt *s, int i);
    int64_t (*last_seq)(struct driver_conn *c); /* seq of the row that the last INSERT made */

    /* ---- upkeep ---- */
    /* Changes whenever another connection, of any process, has committed. */
    enum err_code (*change_counter)(struct driver_conn *c, int64_t *out, struct err *e);
    /* Calls each(arg, table, column) for all columns of the store's tables, (arg, index, NULL) for its indexes. */
    enum err_code (*schema)(struct driver_conn *c, void (*each)(void *arg, struct str name, struct str column),
                            void *arg, struct err *e);
    /* Quick upkeep between groups (a checkpoint when one is due); failures only delay it. */
    void (*tidy)(struct driver_conn *c, bool idle);
    /* Gives freed room back to the disk. Outside a transaction; takes as long as writing the database does. */
    enum err_code (*vacuum)(struct driver_conn *c, struct err *e);
    /* Nothing of what was ever written is in a log any more: all is in the database's own file. Outside a transaction.
     * Waits up to wait_ms for readers of older snapshots, then ERR_BUSY. */
    enum err_code (*empty_log)(struct driver_conn *c, int wait_ms, struct err *e);
    /* Overwrites what deleted rows have left in the next n pages of the file, from *page on, which moves; *more: there
     * are more. Inside a write transaction that was begun on an emptied log and will change something, else ERR_BUSY.
     */
    enum err_code (*scrub)(struct driver_conn *c, int64_t *page, int64_t n, bool *more, struct err *e);
    /* Brings the whole database into the form that the keys ask for now, in one transaction, and empties the log of all
     * that has the other. Outside a transaction. ERR_BUSY while readers hold old snapshots: call again. */
    enum err_code (*reform)(struct driver_conn *c, int wait_ms, struct err *e);
    /* True when no page of the database's file has the other form. */
    enum err_code (*formed)(struct driver_conn *c, bool *out, struct err *e);
    /* A consistent copy to a new file, in steps; progress may be NULL. */
    enum err_code (*backup)(struct driver_conn *c, const char *path, void (*progress)(void *, int done, int total),
                            void *arg, struct err *e);
    /* Reports damage of the database itself. */
    enum err_code (*check)(struct driver_conn *c, void (*report)(void *arg, const char *problem), void *arg,
                           struct err *e);
    /* ERR_BUSY when any other connection has the database open; holds all others off until close(). */
    enum err_code (*lock_file)(const char *path, struct driver_files *files, struct driver_conn **out, struct err *e);
};

extern const struct store_driver sqlite_driver;

#endif
