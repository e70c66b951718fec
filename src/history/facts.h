/* What is known of a turn beside its words: facts, whose form shows that nothing of a person's can be in them (ids,
 * model and version, counts), and all else. The gate need not look at facts, and they are most of what there is. */
#ifndef CAIRN_HISTORY_FACTS_H
#define CAIRN_HISTORY_FACTS_H

#include "base/json_write.h"

struct history_notes {
    struct buf facts, texts; /* members of a JSON object, without braces */
    struct json_out f, t;
};
void notes_init(struct history_notes *n);
void notes_clear(struct history_notes *n); /* keeps the memory */
void notes_free(struct history_notes *n);
bool notes_failed(const struct history_notes *n);
/* A member, on the side where it belongs; nothing for an empty text. */
void notes_put(struct history_notes *n, const char *name, struct str value);
void notes_flag(struct history_notes *n, const char *name);
/* An object of figures (and words without harm), or one that is like any other. */
void notes_object(struct history_notes *n, const char *name, const struct json *o);

/* UUIDs, ids with a known beginning, versions, short words with small numbers or a date: nothing in which
 * a secret, a number of a person's or an address could be. */
bool history_harmless(struct str s);

#endif
