/* How a session's memory is used: counts and sums over its rows, for analytics; and the upkeep of context loads. */
#ifndef CAIRN_STORE_USAGE_H
#define CAIRN_STORE_USAGE_H

#include "base/arena.h"
#include "store/store.h"

/* What belongs to a session and is not deleted. Cheap: from counts and indexes. */
struct usage_counts {
    int64_t conversations, turns, summaries, events, patterns, agent_states, checkpoints, context_loads;
};
enum err_code usage_counts(struct store_tx *tx, struct str session_id, struct usage_counts *out, struct err *e);

/* The turns of one agent in one role. Bytes are of the contents as they are stored, so less than what was said where
 * they are packed. */
struct usage_speaker {
    struct str agent, role; /* agent STR_NONE: all who came after the first USAGE_SPEAKERS, together */
    int64_t turns, tokens, bytes;
    int64_t responses;                   /* turns whose metadata have a response_time_ms */
    double response_ms, response_max_ms; /* their sum and the longest */
    int64_t first, last;                 /* timestamps, ms */
};
enum { USAGE_SPEAKERS = 256, USAGE_DAYS = 90 };
struct usage_turns {
    struct usage_speaker speakers[USAGE_SPEAKERS + 1]; /* in order of appearance */
    size_t n;
    int64_t by_hour[24]; /* UTC */
    /* The last USAGE_DAYS days up to the newest turn's, each at its number modulo USAGE_DAYS. */
    struct {
        int64_t day, turns; /* days since 1970; turns 0: none */
    } by_day[USAGE_DAYS];
};
/* All turns of a session, in one pass: about a microsecond each. Added up here and not by SQL, which would sort them
 * for its groups first. */
enum err_code usage_turns(struct store_tx *tx, struct arena *a, struct str session_id, struct usage_turns *out,
                          struct err *e);

/* A session (STR_NONE: recalls of no session) with more than `keep` context loads: those up to `upto` (seq) are too
 * many. */
struct usage_over {
    struct str session_id;
    int64_t upto;
};
enum err_code context_loads_over(struct store_tx *tx, struct arena *a, int64_t keep, int limit, struct usage_over **out,
                                 size_t *n, struct err *e);
/* In a store_fn: deletes at most `limit` of them for good. */
enum err_code context_loads_delete(struct store_tx *tx, const struct usage_over *o, int limit, int64_t *deleted,
                                   struct err *e);

#endif
