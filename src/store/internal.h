/* What the files of the store share: the store, a connection with its cached statements, and the small
 * query interface all SQL goes through. */
#ifndef CAIRN_STORE_INTERNAL_H
#define CAIRN_STORE_INTERNAL_H

#include "base/id.h"
#include "record/record.h"
#include "store/driver.h"
#include "store/statements.h"
#include "store/store.h"
#include "store/versions.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SQL_CACHE = 48, SQL_CACHE_TEXT = 8192, READERS_MAX = 64 };
enum { HEAD_SLOTS = 512, TOUCH_SLOTS = 256, VERSION_MARKS = 256 };

/* Generated statements that every kind has once (record_sql.c). */
enum kind_sql { SQL_GET_ID, SQL_GET_KEYED, SQL_GET_SEQ, SQL_INSERT, SQL_DELETE, SQL_AFTER, SQL_COUNT, SQL_KINDS };

struct cached_sql {
    struct driver_stmt *s;
    char *sql;
    size_t n;
    uint64_t used; /* tick of the last use */
};

/* What the writer remembers between turns, so that most of them need no look-up: conversations with their
 * sessions (as they are inside the open transaction), and when sessions were last marked active. An entry counts only
 * while `era` is the writer's: whatever may have changed these rows otherwise (another process, an undone
 * group, an update by any other statement) begins a new era. */
struct head {
    int64_t seq, turn_count, last_turn_at, session_seq, last_active, key_slot;
    bool has_session, expired;
    char level[12];                    /* the session's privacy_level */
    char project[416], session_id[72]; /* org/slug, 200 bytes each */
};
struct head_slot {
    uint64_t era;
    char conversation_id[72];
    struct head head;
};
struct touch_slot {
    uint64_t era;
    int64_t session_seq, at;
};
struct audit_end { /* of the audit chain, inside the open transaction */
    uint64_t era;
    int64_t seq;
    unsigned char hash[32];
    bool dirty; /* the open group has added rows */
};
struct turn_memory {
    uint64_t era; /* from 1 */
    struct audit_end audit;
    int64_t change_counter;
    struct head_slot heads[HEAD_SLOTS];
    struct touch_slot touched[TOUCH_SLOTS];
};

/* What the open group has touched (versions.c). */
struct version_marks {
    uint32_t slots[VERSION_MARKS];
    size_t n;
    bool all;       /* more than fits, or nobody knows what */
    bool accounted; /* the job under way has said what it touches */
};

/* One connection and the transaction on it. */
struct store_tx {
    struct store *store;
    const struct store_driver *d;
    struct driver_conn *c;
    struct driver_stmt *fixed[STMT_COUNT];
    struct driver_stmt **of_kind; /* [kind_number * SQL_KINDS + which] */
    struct cached_sql cache[SQL_CACHE];
    uint64_t tick;
    bool writer;                       /* statements may write */
    bool begun;                        /* readers begin with their first statement */
    size_t bytes;                      /* text bound by the writer since the group began */
    struct turn_memory *memory;        /* the writer's, else NULL */
    struct version_marks marks;        /* the writer's */
    const struct store_reader *reader; /* for whom it reads; NULL: as it is stored (gate.h) */
    struct unpacker *unpacker;         /* made with the first packed content, else NULL */
    struct packer *packer;             /* made with the first content that is packed at once, else NULL */
    struct store_tx *next;             /* the pool's */
};

enum err_code tx_open(struct store *s, bool writer, struct store_tx **out, struct err *e);
void tx_close(struct store_tx *tx);
/* Rows of conversations or sessions may have changed by other means than turn_append. */
void tx_forget(struct store_tx *tx);
/* At the beginning of a group: forgets when another connection has committed since the last one. */
void tx_notice_others(struct store_tx *tx);

/* ---- queries: sticky; bind in order, then rows, then always query_end ---- */
struct query {
    struct store_tx *tx;
    struct driver_stmt *s; /* NULL when it could not be prepared */
    struct err *e;
    enum err_code rc;
    int bound;
};
void query_fixed(struct query *q, struct store_tx *tx, enum statement which, struct err *e);
void query_kind(struct query *q, struct store_tx *tx, const struct kind *k, enum kind_sql which, struct err *e);
/* Any other text; the connection keeps the SQL_CACHE last used. `what` must be a literal. */
void query_sql(struct query *q, struct store_tx *tx, struct str sql, const char *what, struct err *e);
void query_null(struct query *q);
void query_int(struct query *q, int64_t v);
void query_real(struct query *q, double v);
void query_text(struct query *q, struct str v);           /* borrowed until query_end; STR_NONE binds NULL */
void query_bytes(struct query *q, struct str v);          /* borrowed as text is */
void query_value(struct query *q, const struct value *v); /* UNSET binds NULL */
bool query_row(struct query *q);                          /* false: no more, or an error (see rc) */
enum err_code query_end(struct query *q);                 /* rc */
enum err_code query_run(struct query *q);                 /* for statements without rows: step and end */
int64_t query_col_int(struct query *q, int i);
/* Copied into the arena; NULL gives STR_NONE. Out of memory makes the query fail. */
struct str query_col_text(struct query *q, struct arena *a, int i);

/* ---- generated SQL (record_sql.c) ---- */
void sql_of_kind(struct buf *out, const struct kind *k, enum kind_sql which);
void sql_columns(struct buf *out, const struct kind *k);
bool sql_names_session(const struct kind *k);              /* it is a session, or has a session_id */
void sql_returning(struct buf *out, const struct kind *k); /* " RETURNING …" that session's id, or nothing */
struct record *query_record(struct query *q, struct arena *a, const struct kind *k);

/* ---- what belongs to what (cascade.c) ---- */
/* The ways (0, 1) in which rows of a kind belong to the session or conversation ?1, as SQL; NULL: no such way. */
const char *cascade_way(const struct kind *k, bool session, int number);
/* The same for the project ?1, itself or by its sessions and conversations. */
const char *cascade_project_way(const struct kind *k, int number);

/* ---- pool of readers ---- */
struct readers;
struct readers *readers_new(struct store *s, int keep);
void readers_free(struct readers *r);

/* ---- the writer ---- */
struct writer;
enum err_code writer_start(struct store *s, struct store_tx *tx, struct writer **out, struct err *e);
void writer_stop(struct writer *w); /* drains, closes its connection */

/* Stores a turn under a number that its conversation has given before and that no row has now; nothing is counted. For
 * restoring (restore.c). Writer only. */
struct turn_new;
struct turn_added;
enum err_code turn_insert_as(struct store_tx *tx, const struct turn_new *t, int64_t number, struct turn_added *out,
                             struct err *e);

/* Runs fn by itself between two groups, outside any transaction: upkeep that needs that. Waits. */
enum err_code store_alone(struct store *s, store_fn *fn, void *arg, struct err *e);

/* ---- versions (versions.c) ---- */
void versions_open(struct store *s);
void versions_close(struct store *s);
/* Every statement that changes rows says what it touches; a job that changes rows and says nothing counts as
 * touching everything. */
void tx_mark(struct store_tx *tx, uint64_t key);
/* A record that belongs to the session, or (STR_NONE) to none. */
void tx_mark_record(struct store_tx *tx, const struct kind *k, struct str session_id);
void versions_publish(struct store_tx *tx); /* raises what the group has marked */

/* ---- packed contents (unpack.c, pack_int.h) ---- */
struct unpacker;
void unpacker_free(struct unpacker *u);
struct packer;
void packer_free(struct packer *p);

/* ---- keys (keys.c): dir, path, driver and busy_ms must be set, lock be -1 ---- */
enum err_code store_keys_open(struct store *s, const struct store_options *o, struct err *e);
void store_keys_close(struct store *s);

/* ---- schema ---- */
enum err_code schema_prepare(struct store *s, struct store_tx *tx, struct err *e);
enum err_code schema_version(struct store_tx *tx, int *out, struct err *e);
enum err_code schema_move(struct store_tx *tx, int version, struct err *e);
enum err_code schema_new_identity(struct store_tx *tx, struct err *e);

struct store {
    char *dir, *path;             /* data folder, <dir>/store.db; in memory: NULL and a name */
    struct driver_memory *memory; /* NULL: on the disk */
    const struct store_driver *driver;
    struct driver_files *files;        /* how all connections read and write */
    _Atomic(struct keyring *) keyring; /* NULL: plain */
    struct keyring *retired[8];        /* of conversions while it was open */
    size_t n_retired;
    int lock; /* descriptor, -1: none (keys.c) */
    int busy_ms;
    bool sync_normal, writable, bulk;
    const struct store_gate *gate; /* NULL: none */
    char identity[ID_MAX];
    struct readers *readers;
    struct writer *writer;     /* NULL when not writable */
    struct versions *versions; /* mapped, NULL: none */
    pthread_mutex_t watch_lock;
    struct driver_conn *watch; /* for the change counter, opened on first use */
    int64_t last_change;
    pthread_mutex_t commit_lock; /* held while on_commit runs: none runs any more once it is unset */
    void (*on_commit)(void *);
    void *on_commit_arg;
};

/* For the writer: a group is durable. */
void store_committed(struct store *s);

#endif
