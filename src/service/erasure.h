/* Erasure: what somebody asked to be forgotten, or deleted long enough ago, goes for good.
 *
 *   requested → erasing → erased
 *
 * A request is a record of its own (kind `erasure`, without any content), written in the transaction that deletes
 * softly: from then on nothing of it is listed, found or recalled. What was made of it goes with it (erasure_derived.c:
 * patterns, summaries, what agents have learnt, events and their links). When it is due (erasure.days later, or at
 * once) it is erased for good: rows, dictionaries, index, vectors, journal, the database's unused pages and its log
 * (erasure_finish.c). Whoever is killed in between: the request is still there, and the background task goes on.
 * What was deleted without a request is erased the same way after the same days (scope `aged`).
 *
 * At the end stands a receipt (receipt.h), kept in the record. */
#ifndef CAIRN_SERVICE_ERASURE_H
#define CAIRN_SERVICE_ERASURE_H

#include "base/id.h"
#include "service/service.h"
#include "store/erase.h"
#include "store/turns.h"

/* One record that is to go, as far as its tombstone needs it. */
struct erasure_item {
    const struct kind *kind;
    int64_t seq;
    struct str id, project;
    struct str shown; /* the id that the tombstone tells */
};

struct erasure_new {
    const char *scope;                /* of the kind's choices */
    const struct record *target;      /* session, conversation or other record; NULL: a value or a project */
    struct str project;               /* its project; of scope "project" the one that goes */
    const struct erasure_item *items; /* scopes turn, record, value: what goes first; more may be added */
    size_t n_items;
    struct str requested_by, reason; /* reason may be STR_NONE */
    int64_t due_at;                  /* ms */
    int64_t before;                  /* scope aged: what was deleted up to then */
    char id[ID_MAX];                 /* made by the caller: id_make("ers", id) */
};
/* In a store_fn: writes the request and deletes softly. */
enum err_code erasure_request(struct store_tx *tx, struct arena *a, const struct erasure_new *n,
                              struct dropped *dropped, struct err *e);
/* In a store_fn: takes more records onto the list and deletes them. */
enum err_code erasure_add(struct store_tx *tx, struct arena *a, struct str erasure_id, const struct erasure_item *items,
                          size_t n, struct err *e);
/* When a request that is made now is due by the settings. */
int64_t erasure_due(const struct service *svc);

/* Blocks; not on an HTTP thread, not inside a transaction. */
enum err_code erasure_derive(struct service *svc, struct str erasure_id, struct err *e);
/* Erases them for good, whatever their due dates, in one pass through the files, and writes the receipts. One pass at a
 * time among all processes; a second waits. One that fails (the first is told, all are logged) stops no other. */
enum err_code erasure_finish(struct service *svc, const struct str *erasure_ids, size_t n, struct err *e);

/* As an upkeep task. */
enum { ERASURE_SECONDS = 2 };
enum err_code erasure_task(struct service *svc, struct arena *a, struct err *e);

/* The erasure's record, in the arena. */
enum err_code erasure_read(struct service *svc, struct arena *a, struct str id, struct record **out, struct err *e);

#endif
