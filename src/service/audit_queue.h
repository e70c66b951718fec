/* Audit rows of what changes nothing in the store (reads, refusals), written behind in batches by the store's writer.
 * Noting one takes well under a microsecond: alike ones that wait at the same time become one row with a count. A batch
 * goes when AUDIT_BATCH wait, when the oldest waits for a second, or at the end of the process. What finds the queue
 * full waits a little; what cannot be queued even then is counted, and the next batch says how many there were
 * (audit.gap). A batch that cannot be written is tried again. Killed processes lose what was waiting, which the row
 * `service.start` without a `service.stop` before it tells. */
#ifndef CAIRN_SERVICE_AUDIT_QUEUE_H
#define CAIRN_SERVICE_AUDIT_QUEUE_H

#include "store/audit.h"

struct audit_queue;
struct audit_queue *audit_queue_new(struct store *store); /* NULL: out of memory */
void audit_queue_free(struct audit_queue *q);             /* after audit_queue_flush */
/* Takes a copy. alike: may be counted together with others of the same bytes. Any thread. */
void audit_queue_add(struct audit_queue *q, const struct audit_row *r, bool alike);
/* One that should have been noted could not be: a row says so. */
void audit_queue_lose(struct audit_queue *q);
void audit_queue_tick(struct audit_queue *q);
/* Writes all that waits, and waits for it. */
enum err_code audit_queue_flush(struct audit_queue *q, struct err *e);

#endif
