/* Events of sessions: what is known of them, what is new, and what caused it. The follower that finds them behind the
 * writes, and saving one by hand, are in events.c; how causes are judged in event_judge.c; the rules in event_cause.c.
 */
#ifndef CAIRN_SERVICE_EVENTS_H
#define CAIRN_SERVICE_EVENTS_H

#include "base/id.h"
#include "service/background.h"
#include "service/event_cause.h"
#include "service/service.h"
#include "store/records.h"

/* The session's events that count as candidates (not archived), oldest first, with room for `more` behind them. */
struct event_pool {
    struct str session_id;
    struct event_known *known;
    size_t n;
};
enum err_code event_pool_read(struct store_tx *tx, struct arena *a, struct str session_id, size_t more,
                              const struct event_bounds *b, struct event_pool *out, struct err *e);
/* The settings events.* */
struct event_bounds event_bounds_of(const struct service *svc);

/* Where a cause was found: */
struct event_link {
    struct str cause_id, how; /* STR_NONE: no cause */
};
/* The cause of `effect` among the pool: by the upstream's model where there is one and *asks is not used up, else by
 * rules. Blocks while the model thinks: not on an HTTP thread, not inside a transaction. A model that fails is not
 * asked again (*asks becomes 0). */
enum err_code event_judge(struct service *svc, struct arena *a, const struct event_pool *pool,
                          const struct event_known *effect, const struct event_bounds *b, int *asks,
                          struct event_link *out, struct err *e);

/* background_table.c */
enum err_code events_think(const struct follow_batch *b, void **plan, struct err *e);
enum err_code events_apply(struct store_tx *tx, struct arena *a, void *plan, struct err *e);

#endif
