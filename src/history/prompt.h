/* Prompts in a list of all that were typed (told as HISTORY_TYPED), beside the transcripts that tell them too, a moment
 * later and under another id. */
#ifndef CAIRN_HISTORY_PROMPT_H
#define CAIRN_HISTORY_PROMPT_H

#include "history/format.h"

/* The key of such a line: by it the line is known when it is read again, or in a copy of the list. session may be
 * STR_NONE. In the arena; STR_NONE when out of memory. */
struct str prompt_key(struct arena *a, struct str session, struct str text, int64_t timestamp);

#endif
