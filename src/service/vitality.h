/* Vitality: how alive the memory of an event is, 0..1. It fades by exp(-0.001 per hour) from the time it is noted for
 * (`vitality_at`), rises by 0.2 when the event is recalled and by 0.1 when it is named as a cause, and is 1 at most.
 * Fading has no memory, so a stored pair (vitality, vitality_at) may be replaced by any later one on the same curve:
 * reading computes, and a task writes the fading down only where it has become visible. Below 0.05 an event is
 * archived: out of lists, recall and narratives, but not deleted; recalling it by id brings it back. */
#ifndef CAIRN_SERVICE_VITALITY_H
#define CAIRN_SERVICE_VITALITY_H

#include "service/service.h"
#include "store/records.h"

#define VITALITY_RECALLED 0.2
#define VITALITY_NAMED_CAUSE 0.1

/* What `stored`, noted at `at` (ms), has faded to at `now`; per_hour: setting events.fade_per_hour. */
double vitality_faded(double stored, int64_t at, int64_t now, double per_hour);
/* The event's vitality at `now`. */
double vitality_of(const struct service *svc, const struct record *event, int64_t now);

/* In a store_fn: the event is alive again by so much, and no longer archived. An unknown id is no error. */
enum err_code vitality_raise(struct store_tx *tx, struct arena *a, struct str event_id, double by, double per_hour,
                             int64_t now, struct err *e);
/* The same for at most 100 events, as a write of its own that nobody waits for; what fails is only not raised. Later
 * writes see it. Any thread. */
void vitality_rise(struct service *svc, const struct str *ids, size_t n, double by);

struct vitality_done {
    int64_t seen, written, archived;
};
/* Looks at all events and writes down what has faded; the arena is only for small things. Blocks; may take seconds for
 * many events. */
enum err_code vitality_run(struct service *svc, struct arena *a, struct vitality_done *done, struct err *e);
/* The same as an upkeep task. */
enum err_code vitality_task(struct service *svc, struct arena *a, struct err *e);

#endif
