/* The name that was probably meant, for "did you mean" in every room's messages. */
#ifndef CAIRN_BASE_NEAR_H
#define CAIRN_BASE_NEAR_H

#include "base/str.h"

/* Looking for the nearest of several names, one after the other; `best` is STR_NONE while none is near. */
struct near {
    struct str wanted, best;
    size_t edits; /* of best; at the start how far off a name may at most be, and one more */
};
struct near near_begin(struct str wanted);
void near_try(struct near *n, struct str name); /* borrowed */

/* The one of n names that is nearest to `s` by edit distance, letters' case aside; NULL when none is near. */
const char *near_name(struct str s, const char *const *names, size_t n);

#endif
