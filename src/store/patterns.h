/* Looking through patterns quickly: the few columns by which they are ranked, without their texts. */
#ifndef CAIRN_STORE_PATTERNS_H
#define CAIRN_STORE_PATTERNS_H

#include "base/arena.h"
#include "store/store.h"

struct pattern_row {
    int64_t seq;
    struct str project;       /* full name */
    struct str privacy_level; /* of the session it was found in; STR_NONE: of none */
    struct str pattern_type;
    struct str terms; /* STR_NONE: not made yet */
    double quality, success_rate;
    int64_t last_used, created_at; /* ms; last_used 0: never */
    bool deprecated;
};

/* The newest `limit` patterns of all projects. Strings live in the arena. */
enum err_code patterns_scan(struct store_tx *tx, struct arena *a, int limit, struct pattern_row **out, size_t *n,
                            struct err *e);
/* The same of one type in one project. */
enum err_code patterns_alike(struct store_tx *tx, struct arena *a, struct str pattern_type, struct str project,
                             int limit, struct pattern_row **out, size_t *n, struct err *e);

#endif
