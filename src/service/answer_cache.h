/* Answers kept for operations that are asked again and again between two writes (OP_CACHED: a session, its context): a
 * bounded least-recently-used cache. An answer is valid while the version of what it depends on stays the same
 * (store/versions.h) and for at most 30 seconds, because recency counts in what it says.
 *
 * Threads: any. Locks are per shard and held for a look-up or a copy, never while something is computed. */
#ifndef CAIRN_SERVICE_ANSWER_CACHE_H
#define CAIRN_SERVICE_ANSWER_CACHE_H

#include "base/buf.h"
#include "base/err.h"

struct answer_cache;

/* `bytes`: the most that keys and answers may take. NULL: out of memory. */
struct answer_cache *answer_cache_new(size_t bytes);
void answer_cache_free(struct answer_cache *c); /* NULL is fine */

/* Appends the answer kept for `key` at `version` to `out`; false when there is none. now_ms: clock_mono_us() / 1000. */
bool answer_cache_get(struct answer_cache *c, struct str key, uint64_t version, int64_t now_ms, struct buf *out);
/* Keeps a copy; the oldest used make room. Answers over an eighth of a shard's share, and what memory cannot be had
 * for, are simply not kept. */
void answer_cache_put(struct answer_cache *c, struct str key, uint64_t version, int64_t now_ms, struct str answer);

#endif
