/* What open.c, model_id.c, packed.c, embed.c and pool.c share: the embedder's inside. */
#ifndef CAIRN_EMBED_EMBEDDER_H
#define CAIRN_EMBED_EMBEDDER_H

#include "embed/embed.h"
#include "embed/forward.h"
#include "embed/wordpiece.h"

#include <pthread.h>

enum {
    BATCH_ROWS = 128, /* tokens of one pass, when texts are short: more gains nothing */
    POOL_IDLE = 8,    /* scratches kept for later; more are freed when given back */
};

/* Scratches that wait for a call. A lock is held for a few instructions only. */
struct pool {
    pthread_mutex_t lock;
    struct scratch *idle[POOL_IDLE];
    size_t n;
};

/* What a model was made from, as far as its id goes: a digest of weights and vocabulary and how many bytes they had. */
struct source {
    uint64_t lanes[8], weights, vocabulary;
    struct str name; /* the folder's, not cleaned yet */
};

struct embedder {
    struct arena *arena; /* weights, strings */
    struct str map;      /* model.safetensors; nothing in int8 */
    struct safetensors *file;
    struct source source;
    struct model model;
    struct wordpiece words;
    struct wordpiece_ids prefix[2]; /* by enum embed_use */
    struct str prefix_text[2];
    char id[EMBED_ID_MAX];
    struct pool pool;
};

/* Rows that one pass may have. */
static inline size_t embedder_rows(const struct embedder *m)
{
    return m->model.config.max_tokens > BATCH_ROWS ? m->model.config.max_tokens : BATCH_ROWS;
}

enum err_code source_of(struct embedder *m, const char *folder, struct str weights, struct str vocabulary,
                        struct err *e);
void make_id(struct embedder *m); /* from source, config and prefixes */

struct scratch *pool_take(struct embedder *m); /* NULL when out of memory */
void pool_give(struct embedder *m, struct scratch *s);

#endif
