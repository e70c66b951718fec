/* Retention: what nobody has used for long is put by, then summed up and let go.
 *
 *   active   → archived  when a session was idle for its own memory_retention_days (30; below 1: never by itself)
 *   archived → expired   after retention.expire_days more without use; it keeps its summary, all else goes
 *   a conversation's turns go when it was idle for retention.conversation_days
 *
 * Summed up first, always: the summary is written in the same transaction that lets the first turns go, and the store
 * lets none go that is not summed up (store/retention.h). So it may be killed at any point: what was begun is finished
 * by a later run. Deletion is soft. What was imported counts as used when it was imported. */
#ifndef CAIRN_SERVICE_RETENTION_H
#define CAIRN_SERVICE_RETENTION_H

#include "service/service.h"

struct retention_wish {
    int64_t days; /* in place of both settings; 0: the settings. A session's own retention stays */
    bool dry_run; /* only counts what is due */
    int limit;    /* at most so many sessions and so many conversations; 0: 200 */
};
struct retention_done {
    int64_t archived, expired; /* sessions */
    int64_t conversations;     /* whose turns went */
    int64_t turns;             /* that went (dry run: 0) */
    int64_t failed;            /* logged; tried again by the next run */
    bool more;                 /* the bounds were reached: there may be more that is due */
};
/* Blocks, a minute at most; each write is short. Not on an HTTP thread, and not inside a transaction. */
enum err_code retention_run(struct service *svc, const struct retention_wish *w, struct retention_done *done,
                            struct err *e);

/* As an upkeep task. */
enum { RETENTION_SECONDS = 600 };
enum err_code retention_task(struct service *svc, struct arena *a, struct err *e);

#endif
