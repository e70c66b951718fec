/* Finding patterns for a text, by its words and, where a model is loaded, by what it means: search and recommendation.
 * See find.c. */
#ifndef CAIRN_SERVICE_PATTERNS_FIND_H
#define CAIRN_SERVICE_PATTERNS_FIND_H

#include "search/similar.h"
#include "service/caller.h"
#include "store/patterns.h"

enum { PATTERN_SCAN_MAX = 20000 };

struct pattern_query {
    struct similar *similar; /* NULL: by words alone */
    const struct caller *caller;
    struct str text;         /* what is asked */
    struct str pattern_type; /* STR_NONE: any */
    struct str project;      /* full name; STR_NONE: all that the caller may read */
    bool recommend;          /* rank by worth and leave out deprecated ones; else by similarity alone */
    int64_t now;             /* ms */
};
struct pattern_match {
    int64_t seq;
    double score, similarity, quality, success_rate, recency; /* 0 … 1 */
};

/* All that share a word with the query or are near it in meaning, best first, in the arena. Looks at the newest
 * PATTERN_SCAN_MAX patterns. */
enum err_code patterns_match(struct store_tx *tx, struct arena *a, const struct pattern_query *q,
                             struct pattern_match **out, size_t *n, struct err *e);

#endif
