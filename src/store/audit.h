/* The audit log's rows: who did what to which record, when, why, from where. Append-only and chained: each row's hash
 * covers the hash of the row before it, so that a row changed, left out, added or exchanged later is found. Contents of
 * records are never in it; what may be is the service's to see to (service/audit.h).
 *
 * A row's hash is SHA-256 of, in this order:
 *   the hash of the row before it (32 bytes; zeros before row 1)
 *   one byte: the version of this form, 1
 *   seq, then the time in milliseconds (8 bytes each, least significant first)
 *   actor, action, record_kind, record_id, project, session, reason, outcome, request_id, door, peer, details:
 *     each as its length in 4 bytes, least significant first, and its bytes (UTF-8)
 * Rows are numbered 1, 2, 3 … without a gap. The newest row's number and hash are in store_meta as well ("audit_head"),
 * so that rows cut off at the end are missed. Rows that grew too old are cut off at the beginning; a row `audit.cut`
 * says up to which, and its hash, so the rest can still be checked. Whoever can write the database and knows this could
 * make a whole new chain: against that only a head helps that was written down elsewhere (`expect`). */
#ifndef CAIRN_STORE_AUDIT_H
#define CAIRN_STORE_AUDIT_H

#include "base/arena.h"
#include "store/store.h"

enum { AUDIT_HASH = 32, AUDIT_HEX = 2 * AUDIT_HASH + 1, AUDIT_SALT = 32 };
/* The row that begins a chain, and the one that says what was cut off. */
#define AUDIT_BEGIN "audit.begin"
#define AUDIT_CUT "audit.cut"
/* The project of what concerns the store as a whole: shown to its operator only. */
#define AUDIT_STORE "*"

struct audit_row {
    int64_t seq, at; /* seq: given by audit_append */
    struct str actor, action, record_kind, record_id, project, session, reason, outcome, request_id, door, peer;
    struct str details; /* a JSON object: ids and figures */
    struct str hash;    /* hex, as it is stored */
    bool odd;           /* read from the store: what no row of ours has */
};

/* The hash that r should have behind `prev`. */
void audit_hash(const unsigned char prev[AUDIT_HASH], const struct audit_row *r, unsigned char out[AUDIT_HASH]);

/* In a write transaction: adds r (but for seq and hash) at the end of the chain, which begins with the first row. */
enum err_code audit_append(struct store_tx *tx, const struct audit_row *r, struct err *e);
/* The write job under way changes nothing but the audit log: no kept answer depends on it. */
void audit_only(struct store_tx *tx);

/* The chain's end, as store_meta has it; seq 0: there is none yet. */
struct audit_head {
    int64_t seq;
    char hash[AUDIT_HEX];
};
enum err_code audit_head(struct store_tx *tx, struct audit_head *out, struct err *e);
/* The store's own key for telling names apart without keeping them. Zeros where there is none. */
enum err_code audit_salt(struct store_tx *tx, unsigned char out[AUDIT_SALT], struct err *e);

/* ---- reading ---- */
enum audit_scope {
    AUDIT_ALL,         /* the operator's */
    AUDIT_DEFAULT_ORG, /* projects without a '/' */
    AUDIT_ORG,         /* projects that begin with `project` ("acme/") */
    AUDIT_PROJECT      /* exactly `project` */
};
struct audit_query {
    enum audit_scope scope;
    struct str project;
    struct str actor, action, outcome; /* STR_NONE: any */
    struct str record, session;        /* as rows name them: rows that name this record, that session; STR_NONE: any */
    int64_t from, to;                  /* ms; 0: open */
    int64_t before;                    /* only rows with a lower seq, 0: all */
    int limit;
};
/* Newest first, in the arena. */
enum err_code audit_list(struct store_tx *tx, struct arena *a, const struct audit_query *q, struct audit_row **rows,
                         size_t *n, struct err *e);
/* Calls fn for each row with seq > after, ascending, at most limit; the row lives only during the call. *last: the seq
 * of the last one, `after` when there is none. */
typedef enum err_code audit_fn(void *arg, const struct audit_row *r, struct err *e);
enum err_code audit_walk(struct store_tx *tx, int64_t after, int64_t limit, audit_fn *fn, void *arg, int64_t *last,
                         struct err *e);
/* The hash before the first row that is left: of the newest AUDIT_CUT; zeros where nothing was cut. */
enum err_code audit_anchor(struct store_tx *tx, unsigned char out[AUDIT_HASH], struct err *e);

/* Store job (arg: struct audit_indexing): files rows under the records they name, so that audit_list finds them
 * quickly; what is not filed yet is looked through. */
struct audit_indexing {
    int limit;
    bool more;
};
enum err_code audit_index(struct store_tx *tx, void *arg, struct err *e);

/* Store job (arg: struct audit_cutting): cuts off rows older than `before` at the beginning, at most limit. */
struct audit_cutting {
    int64_t before, now; /* ms */
    int limit;
    int64_t cut; /* how many went */
};
enum err_code audit_cut(struct store_tx *tx, void *arg, struct err *e);

/* ---- checking ---- */
struct audit_checker {
    unsigned char hash[AUDIT_HASH], anchor[AUDIT_HASH];
    char expect[AUDIT_HEX]; /* "": nothing is expected */
    int64_t rows, first, last;
    bool anchored, expected;
    int64_t broken; /* the first row where the chain breaks, 0: none */
    char problem[200];
};
/* `anchor`: the hash before the first row. `expect`: hex, or NULL: a hash that must be a row's. */
void audit_check_begin(struct audit_checker *c, const unsigned char anchor[AUDIT_HASH], const char *expect);
/* False: it breaks here (or has before). */
bool audit_check_row(struct audit_checker *c, const struct audit_row *r);
/* head: what the chain's end should be, NULL: not known. */
bool audit_check_end(struct audit_checker *c, const struct audit_head *head);

#endif
