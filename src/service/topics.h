/* What texts are about, in a few words. */
#ifndef CAIRN_SERVICE_TOPICS_H
#define CAIRN_SERVICE_TOPICS_H

#include "base/arena.h"
#include "base/err.h"

/* The `max` words that occur in most of the texts (at least four letters, no stop words), most frequent
 * first, as a JSON array of strings in the arena. */
enum err_code topics_of(struct arena *a, const struct str *texts, size_t n, size_t max, struct str *out, struct err *e);

#endif
