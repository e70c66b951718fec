/* The name that was probably meant, for "did you mean" in every room's messages. */
#ifndef CAIRN_BASE_NEAR_H
#define CAIRN_BASE_NEAR_H

#include "base/str.h"

/* The one of n names that is nearest to `s` by edit distance, letters' case aside; NULL when none is near. */
const char *near_name(struct str s, const char *const *names, size_t n);

#endif
