/* Noting what was recalled: packing and the queue. See context_load.h; writing it is context_load_write.c. */
#include "service/context_load.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "service/audit.h"
#include "service/caller.h"
#include "service/context_load_int.h"

#include <string.h>

/* ---- packing: head, the texts one after another, then for each item kind, length of the id, score, id ---- */

enum { ID_BYTES_MAX = 255 };

static char *put(char *at, const void *p, size_t n)
{
    if (n)
        memcpy(at, p, n);
    return at + n;
}

static size_t packed_size(const struct load_head *h, const struct context_load *l)
{
    size_t n = sizeof *h;
    for (size_t i = 0; i < LOAD_TEXTS; i++)
        n += h->texts[i];
    for (size_t i = 0; i < h->n; i++)
        n += LOAD_ITEM_HEAD + (l->items[i].id.n < ID_BYTES_MAX ? l->items[i].id.n : ID_BYTES_MAX);
    return n;
}

static char *put_item(char *at, const struct load_item *item)
{
    unsigned char kind = (unsigned char)kind_number(item->kind);
    unsigned char n = (unsigned char)(item->id.n < ID_BYTES_MAX ? item->id.n : ID_BYTES_MAX);
    at = put(at, &kind, 1);
    at = put(at, &n, 1);
    at = put(at, &item->score, sizeof item->score);
    return put(at, item->id.p, n);
}

struct str context_load_pack(struct arena *a, const struct context_load *l)
{
    struct str texts[LOAD_TEXTS] = {l->session_id, l->conversation_id, l->project,
                                    text_cut(l->query, LOAD_QUERY_BYTES)};
    struct load_head h = {.purpose = (uint32_t)l->purpose,
                          .n = (uint32_t)(l->n < LOAD_ITEMS_MAX ? l->n : LOAD_ITEMS_MAX),
                          .tokens = l->tokens};
    for (size_t i = 0; i < LOAD_TEXTS; i++)
        h.texts[i] = (uint32_t)texts[i].n;
    size_t size = packed_size(&h, l);
    char *p = arena_alloc(a, size), *at = p;
    if (!p)
        return STR_NONE;
    at = put(at, &h, sizeof h);
    for (size_t i = 0; i < LOAD_TEXTS; i++)
        at = put(at, texts[i].p, texts[i].n);
    for (size_t i = 0; i < h.n; i++)
        at = put_item(at, &l->items[i]);
    return (struct str){p, size};
}

void context_load_hits(struct arena *a, struct context_load *l, const struct recall_result *r)
{
    struct load_item *items = r->n ? arena_array(a, struct load_item, r->n) : NULL;
    for (size_t i = 0; items && i < r->n; i++) {
        const struct recall_hit *h = &r->hits[i];
        items[i] = (struct load_item){KIND_TURN, h->turn.id, h->score};
        l->tokens += h->turn.token_count;
    }
    l->items = items;
    l->n = items ? r->n : 0;
}

/* ---- the queue ---- */

struct context_loads {
    pthread_mutex_t mu;
    struct load_note *first, **last;
    size_t n;
};

struct context_loads *context_loads_new(void)
{
    struct context_loads *q = mem_zalloc(sizeof *q);
    if (!q)
        return NULL;
    pthread_mutex_init(&q->mu, NULL);
    q->last = &q->first;
    return q;
}

void context_loads_free(struct context_loads *q)
{
    if (!q)
        return;
    for (struct load_note *n = q->first, *next; n; n = next) {
        next = n->next;
        mem_free(n);
    }
    pthread_mutex_destroy(&q->mu);
    mem_free(q);
}

/* True: the queue owns the note now. */
static bool push(struct context_loads *q, struct load_note *n)
{
    pthread_mutex_lock(&q->mu);
    bool room = q->n < LOAD_QUEUE;
    if (room) {
        *q->last = n;
        q->last = &n->next;
        q->n++;
    }
    pthread_mutex_unlock(&q->mu);
    return room;
}

struct load_note *context_loads_take(struct context_loads *q)
{
    pthread_mutex_lock(&q->mu);
    struct load_note *all = q->first;
    q->first = NULL;
    q->last = &q->first;
    q->n = 0;
    pthread_mutex_unlock(&q->mu);
    return all;
}

void context_load_note(struct context_loads *q, struct str reader, struct str packed, int64_t took_us)
{
    if (!q || !packed.n)
        return;
    struct load_note *n = mem_alloc(sizeof *n + reader.n + packed.n);
    if (n) {
        *n =
            (struct load_note){.at_ms = clock_now_ms(), .took_us = took_us, .reader_n = reader.n, .packed_n = packed.n};
        put(put(n->bytes, reader.p, reader.n), packed.p, packed.n);
    }
    if (!n || !push(q, n)) {
        mem_free(n);
        metric_add(M_LOADS_DROPPED, 1);
    }
}

void context_load_served(struct op_call *call, const struct context_load *l, int64_t start_us)
{
    for (size_t i = 0; i < l->n; i++)
        audit_touch(call, l->items[i].kind, l->items[i].id);
    audit_place(call, l->session_id, STR_NONE);
    if (!call->svc->loads)
        return;
    call->load = context_load_pack(call->arena, l);
    context_load_note(call->svc->loads, caller_of(call)->name, call->load, clock_mono_us() - start_us);
}
