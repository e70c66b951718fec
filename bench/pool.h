/* Turns with meaning, for stores too large to be embedded: each is two or three real sentences out of a pool whose
 * vectors the embedder made once, among words of words.h, and its vector is the sum of theirs with a little noise, of
 * length 1. The same number always gives the same turn, so that a rival makes the same vectors without a file of them.
 */
#ifndef CAIRN_BENCH_POOL_H
#define CAIRN_BENCH_POOL_H

#include "words.h"

enum { POOL_SENTENCE_MAX = 240 };

struct pool;

/* `path` holds the sentences (4 bytes of length, then the bytes, as `embed` reads them), `path`.vectors their
 * vectors, floats one after another. Ends the process with a message when they are not there or do not fit. */
struct pool *pool_open(const char *path);
void pool_close(struct pool *p);
size_t pool_dimensions(const struct pool *p);

/* What turn `number` says, into out[WORDS_TEXT_MAX]; its length. */
size_t pool_text(const struct pool *p, const struct words *w, uint64_t number, char *out);
/* What it means, into out[dimensions]. */
void pool_vector(const struct pool *p, uint64_t number, float *out);

#endif
