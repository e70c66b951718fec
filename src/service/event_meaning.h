/* Events by meaning: how near the earlier events are to a new one, on the scale on which their words are compared
 * (event_cause.h), so that one bound and one rule serve both. Thread-safe. */
#ifndef CAIRN_SERVICE_EVENT_MEANING_H
#define CAIRN_SERVICE_EVENT_MEANING_H

#include "search/similar.h"
#include "service/event_cause.h"

/* *out lives in the arena. False: nothing is known (no model, or not in time), so words decide alone. */
bool event_near(struct similar *s, struct arena *a, const struct event_known *known, size_t n,
                const struct event_known *effect, struct event_near *out);

#endif
