/* What context_load.c and context_load_write.c share: the packed form and the queue's notes. */
#ifndef CAIRN_SERVICE_CONTEXT_LOAD_INT_H
#define CAIRN_SERVICE_CONTEXT_LOAD_INT_H

#include "service/context_load.h"

#include <pthread.h>

enum { LOAD_SESSION, LOAD_CONVERSATION, LOAD_PROJECT, LOAD_QUERY, LOAD_TEXTS };
/* Before each item's id: its kind's number, the id's length, the score. */
enum { LOAD_ITEM_HEAD = 2 + sizeof(double) };

struct load_head {
    uint32_t purpose, n;
    int64_t tokens;
    uint32_t texts[LOAD_TEXTS]; /* lengths */
};

struct load_note {
    struct load_note *next;
    int64_t at_ms, took_us;
    size_t reader_n, packed_n;
    char bytes[]; /* the reader's name, then the packed load */
};

/* All notes in the order in which they came, to be freed with mem_free; NULL: none. */
struct load_note *context_loads_take(struct context_loads *q);

#endif
