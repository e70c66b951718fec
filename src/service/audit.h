/* The audit log: who did what to which records, when, why and from where. Entry header for operations and for what
 * works behind them. The chain of rows itself is the store's (store/audit.h).
 *
 * What an operation touches it says while it works (audit_touch …), and most need not: records that are looked up,
 * listed or shown by the common functions say so themselves. op_run makes a row of it:
 * - of a write, in the transaction of the write: both are there after a crash, or neither;
 * - of anything else, queued and written behind within a second (audit_queue.h). Reads that are alike but for their
 *   request and time share a row that counts them.
 * Contents are never in it: no text of a record, no question, no title. Ids of Cairn's form are; names that callers
 * give (keys, agents' names) stand there as "~" and a keyed hash, which is enough to find a record's rows by its name.
 *
 * Off (setting privacy.audit_enabled) or read-only, svc->audit is NULL and all of this does nothing. */
#ifndef CAIRN_SERVICE_AUDIT_H
#define CAIRN_SERVICE_AUDIT_H

#include "record/record.h"
#include "service/audit_trace.h"
#include "store/audit.h"

struct service;
struct op_call;
struct audit;

/* ---- for operations: what they touch ---- */
/* A record of any kind that is read or written; at most AUDIT_IDS are named, all are counted. Strings are copied. */
void audit_touch(struct op_call *c, const struct kind *k, struct str id);
/* The same, and the row is about this one: what is made, when others were looked up before. */
void audit_made(struct op_call *c, const struct kind *k, struct str id);
/* As audit_touch, with the session and project it belongs to. */
void audit_touch_record(struct op_call *c, const struct record *r);
void audit_place(struct op_call *c, struct str session_id, struct str project);
/* A figure worth keeping: audit_count(c, "turns_removed", 12). At most AUDIT_COUNTS. */
void audit_count(struct op_call *c, const char *name, int64_t n);

/* ---- for what is no operation: background work, doors, commands ---- */
struct audit_deed {
    const char *action;     /* "retention.expire" */
    struct str actor;       /* STR_NONE: cairn itself */
    struct audit_from from; /* {0}: internal */
    struct str request_id, reason;
    const char *outcome;      /* NULL: "ok"; "denied", "failed" */
    struct str project;       /* where the trace names none; STR_NONE: it concerns the store as a whole */
    struct audit_trace trace; /* what was touched: audit_trace_add … */
};
/* In a write transaction. */
enum err_code audit_deed_write(struct service *s, struct store_tx *tx, const struct audit_deed *d, struct err *e);
/* Queued. */
void audit_deed_note(struct service *s, const struct audit_deed *d);
/* One deed of Cairn's own on one record, in a write transaction. */
enum err_code audit_own(struct service *s, struct store_tx *tx, const char *action, const struct record *r,
                        const char *figure, int64_t n, struct err *e);

/* ---- for op_run ---- */
bool audit_wanted(const struct op_call *c);
/* In the operation's write transaction, after its own work. */
enum err_code audit_call_write(struct op_call *c, struct store_tx *tx, struct err *e);
/* How it ended, unless its row is written already. */
void audit_call_note(struct op_call *c, enum err_code code);

/* What the row says of the records, behind a kept answer, so that a kept answer's row is like a fresh one's. */
void audit_keep(struct op_call *c, struct buf *b);
void audit_kept(struct op_call *c, struct str bytes);

/* ---- life ---- */
enum err_code audit_open(struct service *s, struct err *e); /* sets s->audit, or leaves it NULL */
void audit_close(struct service *s);                        /* writes what is queued */
void audit_tick(struct service *s);                         /* now and then: what is queued goes to the writer */
/* Upkeep tasks: files rows under the records they name; cuts off what is older than audit.keep_days. */
enum err_code audit_index_task(struct service *s, struct arena *a, struct err *e);
enum err_code audit_cut_task(struct service *s, struct arena *a, struct err *e);

/* A record's id as rows name it. In the arena or the id itself; STR_NONE when out of memory. */
struct str audit_id(const struct audit *a, struct arena *arena, struct str id);

#endif
