/* A prompt that a tool writes down twice: in the session's transcript, and in one list of all that was typed, a moment
 * apart and under no common id. The list's line has a key of its session, its words, the minute it was typed in, and
 * how often they were typed in that minute; the transcript's turn gets the keys that its line may have: of its own
 * minute and of the one before, with the session and, as old lists did not say it, without. */
#ifndef CAIRN_HISTORY_PROMPT_H
#define CAIRN_HISTORY_PROMPT_H

#include "history/format.h"

enum { PROMPTS_RECENT = 64 };

/* What was met last, as it is met again soon or not at all. Zeroed: nothing. */
struct prompts {
    struct {
        uint64_t hash;
        uint32_t times;
    } recent[PROMPTS_RECENT];
    size_t next;
};

/* The key of a line of the list. session may be STR_NONE. In the arena; STR_NONE when out of memory. */
struct str prompt_key(struct prompts *p, struct arena *a, struct str session, struct str text, int64_t timestamp);
/* To be called when the turn told last is a person's prompt. Without a time there is none. */
enum err_code prompt_told(struct prompts *p, struct history_in *in, struct str session, struct str text,
                          int64_t timestamp, struct err *e);

#endif
