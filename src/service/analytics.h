/* Analytics of a session: the three parts, each a file's work. Everything is computed from stored rows; what nothing is
 * known about is null. See operations_learning.c for the shape. */
#ifndef CAIRN_SERVICE_ANALYTICS_H
#define CAIRN_SERVICE_ANALYTICS_H

#include "service/operation_run.h"
#include "store/usage.h"

struct analytics {
    struct usage_counts counts;
    struct usage_turns turns;
    struct record **states; /* of agents, at most 1,000 */
    size_t n_states;
    struct record **loads; /* context loads, newest first, at most 1,000 */
    size_t n_loads;
};

/* One report of a success or failure, from an agent's execution_history. */
struct analytics_outcome {
    int64_t at; /* ms */
    bool success;
};

void analytics_write_interactions(struct op_call *c, struct analytics *a);
/* analytics_loads.c */
enum err_code analytics_write_effectiveness(struct op_call *c, const struct analytics *a, struct err *e);
/* All outcomes that agents' states still hold, oldest first. */
enum err_code analytics_outcomes(struct arena *arena, const struct analytics *a, struct analytics_outcome **out,
                                 size_t *n, struct err *e);

/* A member with the mean, or null where there is nothing to take it of. */
void analytics_mean(struct json_out *w, const char *key, double sum, int64_t n);

#endif
