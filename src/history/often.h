/* How often something was met in a file: for words that have no id and no time of their own, of which the second is
 * another than the first. By their hashes, in bounded memory. */
#ifndef CAIRN_HISTORY_OFTEN_H
#define CAIRN_HISTORY_OFTEN_H

#include "history/format.h"

enum { OFTEN_MOST = 1 << 20 }; /* different ones; beyond, each counts as a first */

struct often {
    uint64_t *hashes; /* 0: free */
    uint32_t *times;
    size_t n, cap;
};

/* Over all parts, each with its length. Never 0. */
uint64_t often_hash(const struct str *parts, size_t n);
/* Counts it: *before is how often it was counted already. False: out of memory. */
bool often_add(struct often *c, uint64_t hash, size_t *before);
void often_free(struct often *c);

#endif
