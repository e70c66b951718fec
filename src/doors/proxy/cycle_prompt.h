/* What a cycle asks the model at each of its three turns. Pure: texts in, a chat/completions body out. */
#ifndef CAIRN_DOORS_PROXY_CYCLE_PROMPT_H
#define CAIRN_DOORS_PROXY_CYCLE_PROMPT_H

#include "base/buf.h"
#include "service/cycle.h"

enum cycle_part { CYCLE_ANALYSIS, CYCLE_WORK, CYCLE_REVIEW, CYCLE_PARTS };

const char *cycle_part_name(enum cycle_part part); /* "analysis" */
/* Who has that turn. */
const struct cycle_agent *cycle_part_agent(const struct cycle_plan *plan, enum cycle_part part);

/* The body of the request for `part`: system message (the agent's own prompt, then what this turn is for), the recalled
 * `block` as a message of its own (STR_NONE: none), then the directive with the `said` texts of the parts before.
 * Out of memory: `out` has failed. */
void cycle_prompt(const struct cycle_plan *plan, enum cycle_part part, struct str block,
                  const struct str said[CYCLE_PARTS], struct buf *out);

#endif
