/* A text that may have grown since it was told: it is told in parts that are known by themselves, so that of a text
 * that goes on only the rest is new, and of one that was changed what comes behind the change. */
#ifndef CAIRN_HISTORY_GROWN_H
#define CAIRN_HISTORY_GROWN_H

#include "history/format.h"

enum { GROWN_PARTS = 16 };

/* Parts of content[from, to) into out, which has room for GROWN_PARTS; how many. key: the message's. Each is about as
 * long as all before it, and ends with a word: so they are few, and where they end does not depend on what follows. In
 * the arena. */
size_t grown_parts(struct arena *a, struct str key, struct str content, size_t from, size_t to,
                   struct history_part *out);

#endif
