/* The store: where every record lives, durably. Callers' entry header.
 *
 * One SQLite database (data/store.db, WAL) behind a driver contract (driver.h). A pool of readers; one
 * writer thread that runs queued jobs in groups, one transaction a group, and answers each job only
 * when the group is durable (synchronous=FULL). Several processes may open one data folder.
 *
 * Threads: a struct store is shared by all threads. A struct store_tx belongs to the thread that got
 * it. Job functions run on the writer thread and must not block on anything but the tx.
 */
#ifndef CAIRN_STORE_STORE_H
#define CAIRN_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "seal/seal.h"

struct store;
struct store_gate;
struct store_tx; /* a connection inside a transaction: read snapshot or the writer's group */

struct store_options {
    const char *dir;                  /* data folder; made when absent (0700) */
    const struct seal_secret *secret; /* NULL: none is given */
    bool converting; /* a secret beside plain data is not for it, but for what comes next: store_seal */
    /* In memory instead of `dir`, in at most so many bytes, never on a disk, for this process alone, gone (overwritten)
     * when it is closed. 0: on the disk. */
    int64_t memory_bytes;
    bool read_only;   /* opens what is there and never writes */
    int readers;      /* pool size, 0: 4 */
    int busy_ms;      /* how long to wait for another process's lock, 0: 10000 */
    bool bulk;        /* much is written and little read: no map of the file, for less memory */
    bool sync_normal; /* synchronous=NORMAL instead of FULL (benchmarks) */
    /* What every text passes before it is stored (store/gate.h); it lives longer than the store. NULL: nothing. */
    const struct store_gate *gate;
};

/* A folder with keys needs their secret, and a new folder with a secret becomes a sealed store: ERR_DENIED without the
 * right one, ERR_CONFLICT for a secret beside data that is plain. Nothing is written or made before that is settled. */
enum err_code store_open(const struct store_options *o, struct store **out, struct err *e);
/* Drains the queue, commits, checkpoints, closes. */
void store_close(struct store *s);
const char *store_dir(const struct store *s); /* NULL: it is in memory */
/* "store_" and 32 hex digits: tells this store from others and from its own past, as a restore makes a new one. What
 * is derived from a store (an index) keeps it, and is made anew when it differs. */
const char *store_identity(const struct store *s);

/* ---- sealing: everything in the data folder but plain text (keys.c) ---- */
/* NULL: plain. It may appear, and turn to another state, while the store is open: ask anew at each file. */
struct keyring *store_keyring(const struct store *s);
/* Before converting: no other process has the store open, and none opens it until store_shared. ERR_BUSY otherwise. */
enum err_code store_sole(struct store *s, struct err *e);
void store_shared(struct store *s);
/* From now on what is written is sealed, and both forms can be read. Makes the keys, unless there are some. */
enum err_code store_seal(struct store *s, const struct seal_secret *secret, struct err *e);
/* keyring_set_state and keyring_renew for a store that is in use: between two writes. */
enum err_code store_seal_state(struct store *s, enum seal_state state, struct err *e);
enum err_code store_seal_renew(struct store *s, struct err *e);
/* Brings all of the database into the form that its keyring asks for. Writes wait meanwhile, none fails. */
enum err_code store_reform(struct store *s, struct err *e);
/* Brings the texts of all records into the form, sealed or plain, that the keyring says now, in short jobs of the
 * writer while everything else goes on. To be called again when it failed or was killed. progress may be NULL. */
enum err_code store_convert_columns(struct store *s, void (*progress)(void *arg, int64_t done, int64_t total),
                                    void *arg, struct err *e);

/* ---- reading: a snapshot until store_read_end ---- */
enum err_code store_read_begin(struct store *s, struct store_tx **out, struct err *e);
/* As above; statements are interrupted after deadline_us (clock_mono_us; 0: none) with ERR_TIMEOUT. */
enum err_code store_read_begin_deadline(struct store *s, int64_t deadline_us, struct store_tx **out, struct err *e);
void store_read_end(struct store_tx *tx);
bool store_tx_writes(const struct store_tx *tx); /* it is the writer's, not a read snapshot */

/* ---- writing ---- */
/* Runs in the writer's group. May run more than once (the group is retried job by job when one fails), so it
 * must depend only on its arguments and the tx. What it changed is undone when it returns non-zero. */
typedef enum err_code store_fn(struct store_tx *tx, void *arg, struct err *e);

struct store_job {
    store_fn *fn;
    void *arg;
    /* Called once on the writer thread (in store_submit when the store is read-only) when the job is durable (code
     * ERR_OK) or has failed. Must be quick. The job belongs to the caller again from then on. */
    void (*done)(struct store_job *job);
    enum err_code code;
    struct err err;
    bool alone;             /* runs outside any transaction, between two groups: only for the store's own upkeep */
    int64_t queued_us;      /* set by store_submit */
    struct store_job *next; /* the queue's */
};

/* Never blocks, except that it waits while more than 100,000 jobs are queued. */
void store_submit(struct store *s, struct store_job *job);
/* Submits and waits until durable or failed. */
enum err_code store_write(struct store *s, store_fn *fn, void *arg, struct err *e);

/* ---- upkeep ---- */
struct store_stats {
    int64_t bytes, wal_bytes;
    int schema_version;
    bool writable;
};
enum err_code store_stats(struct store *s, struct store_stats *out, struct err *e);
/* The size of the database's file alone (in memory: of all it takes there): cheap enough to look at before each write.
 * Any thread. */
int64_t store_bytes(const struct store *s);
/* With its write-ahead log, where all that is new stays for a while: what it takes of the disk. Any thread. */
int64_t store_disk_bytes(const struct store *s);
/* Online copy to `path` (a new file), then opened and integrity-checked; removed again when it fails. */
enum err_code store_backup(struct store *s, const char *path, void (*progress)(void *, int done, int total), void *arg,
                           struct err *e);
/* Writes the database anew without the room that deleted and packed rows have left, and gives that room back to the
 * disk. Done by the writer's thread between two groups: writes wait meanwhile, none fails; reads go on, on their
 * snapshots. Needs as much free disk as the database is large, twice. While a reader holds an old snapshot the file
 * shrinks later. Another process's writes wait too, for as long as its busy time. Blocks. */
struct store_vacuumed {
    int64_t bytes_before, bytes_after; /* on the disk: the database with its log */
};
enum err_code store_vacuum(struct store *s, struct store_vacuumed *out, struct err *e);
/* Puts a verified backup in place of the data in dir; refuses while another process has the store open.
 * A sealed store takes backups that its own keys sealed, a plain one plain ones.
 * The replaced database is kept beside it as store.db.before-restore. */
enum err_code store_restore(const char *dir, const struct seal_secret *secret, const char *backup, struct err *e);
/* Calls report(arg, problem) for each problem found: integrity, orphans, gaps in turn numbers, wrong counts. */
enum err_code store_check(struct store *s, void (*report)(void *arg, const char *problem), void *arg, struct err *e);
/* Moves the schema to `version` (down or up), each step in a transaction; -1: the newest. */
enum err_code store_migrate(struct store *s, int version, struct err *e);
int store_schema_newest(void);
/* 32 random bytes that the store keeps under that name, made when first asked for; they go with its backups. A store
 * that cannot be written and has none gives new ones each time. Never on the writer's thread. */
enum err_code store_secret(struct store *s, const char *name, unsigned char out[32], struct err *e);
/* Called on the writer thread after each durable group; NULL: nobody. Set by any thread at any time: what the caller
 * wrote before is seen by fn, and once this has returned the one before is not called any more. */
void store_on_commit(struct store *s, void (*fn)(void *), void *arg);
/* Changes whenever any process commits (PRAGMA data_version and own commits). */
int64_t store_change_count(struct store *s);

#endif
