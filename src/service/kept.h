/* Kept answers: between the cache of bytes (answer_cache.h) and op_run. Knows what makes two calls the same and which
 * writes end an answer's validity; the cache itself knows neither. */
#ifndef CAIRN_SERVICE_KEPT_H
#define CAIRN_SERVICE_KEPT_H

#include "service/operation.h"

struct kept {
    struct str key; /* STR_NONE: this one is not kept */
    uint64_t version;
};

/* True: the answer was there and has been written to call->out. Call it before the operation reads anything; *k then
 * says what kept_store needs. Only with call->svc->cache. */
bool kept_find(struct op_call *call, struct kept *k);
/* Keeps what the operation has written behind the first `before` bytes of call->out, and what it recalled (call->load),
 * so that a kept answer leaves the same trace as a fresh one (context_load.h). */
void kept_store(struct op_call *call, const struct kept *k, size_t before);

#endif
