/* Counting requests: at most so many per key in any minute. The mechanism alone: it knows neither requests nor
 * settings, and is told the time.
 *
 * A sliding window of steps. Time is cut into steps of LIMIT_STEP_MS. A key has a counter for the step that is now and
 * one for each of the LIMIT_STEPS steps before it; a request is granted when their sum is below the limit, and only
 * granted requests are counted:
 *     granted(t)  if  sum of the counters of steps s-LIMIT_STEPS … s  <  limit,   s = floor(t / LIMIT_STEP_MS)
 * The counted time is the minute before now and what has passed of the step at its far end, so never more than `limit`
 * are granted in any minute, wherever it begins; the price is that a grant is forgotten up to one step (5 s) late. A
 * token bucket would take one number a key, but lets nearly twice the limit pass in a minute, which is not what
 * "30 a minute" says.
 *
 * Memory is fixed: a table of sets of eight entries. A new key takes the entry of its set that has been idle for the
 * whole window, else one chosen by the clock algorithm (the first that was not used since the hand passed it). A key
 * that is pushed out begins anew, so a flood of keys loosens limits but never takes memory.
 *
 * Threads: any; each shard of the table has a lock that is held for some hundred nanoseconds. */
#ifndef CAIRN_DOORS_HTTP_LIMIT_H
#define CAIRN_DOORS_HTTP_LIMIT_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

enum {
    LIMIT_STEP_MS = 5000,
    LIMIT_STEPS = 12, /* with LIMIT_STEP_MS: the window of a minute */
    LIMIT_WINDOW_S = LIMIT_STEP_MS / 1000 * LIMIT_STEPS,
    LIMIT_MOST = 60000 /* the largest limit: counters have 16 bits */
};

struct limit_table;
/* `entries` is rounded up to full shards; an entry takes 56 bytes. */
enum err_code limit_table_new(size_t entries, struct limit_table **out, struct err *e);
void limit_table_free(struct limit_table *t); /* NULL is fine; nobody may be using it */

struct limit_verdict {
    bool granted;
    int limit, remaining;
    /* Until the oldest counted request is forgotten, so until `remaining` grows: when refused, the time to wait. */
    int64_t wait_ms;
};
/* Counts a request of `key` when it is granted. The same key with another `class` is another count. limit: 1 to
 * LIMIT_MOST. now_ms: any clock that does not go back; should it, what is newer than now counts as of now. */
void limit_take(struct limit_table *t, struct str key, unsigned class, int limit, int64_t now_ms,
                struct limit_verdict *out);

#endif
