/* A prompt that a tool writes down twice: in the session's transcript, and in one list of all that was typed, a moment
 * apart and under no common id. */
#ifndef CAIRN_HISTORY_PROMPT_H
#define CAIRN_HISTORY_PROMPT_H

#include "history/format.h"

/* The key of a line of the list: its words and the minute it was typed in. In the arena; STR_NONE when out of memory.
 */
struct str history_prompt_key(struct arena *a, struct str text, int64_t timestamp);
/* To be called when the turn told last is a person's prompt: it gets the keys that the list's line may have, of its
 * minute and of the one before. Without a time there is none. */
enum err_code history_prompt_told(struct history_in *in, struct str text, int64_t timestamp, struct err *e);

#endif
