/* What open.c, embed.c and pool.c share: the embedder's inside. */
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

struct embedder {
    struct arena *arena; /* weights, strings */
    struct str map;      /* model.safetensors */
    struct safetensors *file;
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

struct scratch *pool_take(struct embedder *m); /* NULL when out of memory */
void pool_give(struct embedder *m, struct scratch *s);

#endif
