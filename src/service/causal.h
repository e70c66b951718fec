/* A chain of causes, told. For the operation causal.get and its tests. */
#ifndef CAIRN_SERVICE_CAUSAL_H
#define CAIRN_SERVICE_CAUSAL_H

#include "service/service.h"
#include "store/records.h"

enum { CAUSAL_CAUSES_MAX = 24, CAUSAL_EFFECTS = 2, CAUSAL_CHAIN_MAX = CAUSAL_CAUSES_MAX + 1 + CAUSAL_EFFECTS };

struct causal_chain {
    const struct record *events[CAUSAL_CHAIN_MAX]; /* root cause first */
    size_t n, asked;                               /* events[asked] is the one that was asked for */
};
/* Walks from `event` to its root cause (at most CAUSAL_CAUSES_MAX steps; a circle ends the walk) and CAUSAL_EFFECTS
 * effects down, always the first effect that was made and is not archived. A cause that
 * was deleted, or that `who` may not read, ends the walk. */
enum err_code causal_walk(struct store_tx *tx, struct arena *a, const struct caller *who, const struct record *event,
                          struct causal_chain *out, struct err *e);
/* "Initially, … This led to …, which in turn caused …." Each event's text is cut to a sentence of 200 bytes. */
struct str causal_tell(struct arena *a, const struct causal_chain *chain);

#endif
