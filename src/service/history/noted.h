/* What one file of a source says of another (a transcript: what the versions of files are versions of), kept for the
 * rest of an import. Bounded: what would be too much is forgotten, and whoever asks is told that nothing is known. */
#ifndef CAIRN_SERVICE_HISTORY_NOTED_H
#define CAIRN_SERVICE_HISTORY_NOTED_H

#include "base/arena.h"

enum { NOTED_SLOTS = 1 << 12, NOTED_BYTES = 4 << 20 };

/* Zeroed: nothing is noted. */
struct noted {
    struct arena *arena;
    struct noted_one **slots;
    size_t bytes;
};
void noted_free(struct noted *n);
/* The last counts. False: out of memory. */
bool noted_put(struct noted *n, struct str key, struct str value);
/* STR_NONE: nothing. Until the next noted_put. */
struct str noted_get(const struct noted *n, struct str key);

#endif
