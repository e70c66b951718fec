/* The prefilter comes later: making its database takes some tenths of a second, which a command that looks at one text
 * should not wait for. A thread makes it, begun once so much text has been searched that it pays; until then, and where
 * the processor is not fit for Hyperscan, texts are searched pattern by pattern, with the same finds. */
#include "privacy/privacy_int.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WORTH_IT = 128 << 10 };
enum { WAITING, BEGUN, JOINED };

struct later {
    const struct privacy *p;
    pthread_t thread;
    _Atomic(struct prefilter *) made;
    atomic_size_t bytes; /* searched so far */
    atomic_int state;
};

struct later *later_new(const struct privacy *p)
{
    struct later *l = mem_zalloc(sizeof *l);
    if (l)
        l->p = p;
    return l;
}

static void *make(void *arg)
{
    struct later *l = arg;
    struct prefilter *f = prefilter_make(l->p);
    if (!f)
        log_event(LOG_INFO, "privacy.one_by_one", L_CSTR("why", "Hyperscan cannot be used here"));
    atomic_store_explicit(&l->made, f, memory_order_release);
    return NULL;
}

static void begin(struct later *l)
{
    int waiting = WAITING;
    if (atomic_compare_exchange_strong(&l->state, &waiting, BEGUN) && pthread_create(&l->thread, NULL, make, l) != 0)
        atomic_store(&l->state, JOINED); /* no thread to be had: it goes on as it is */
}

const struct prefilter *later_get(struct later *l, size_t bytes)
{
    const struct prefilter *f = atomic_load_explicit(&l->made, memory_order_acquire);
    if (!f && atomic_load_explicit(&l->state, memory_order_relaxed) == WAITING &&
        atomic_fetch_add_explicit(&l->bytes, bytes, memory_order_relaxed) + bytes > WORTH_IT)
        begin(l);
    return f;
}

const struct prefilter *later_wait(struct later *l)
{
    int begun = BEGUN;
    begin(l);
    if (atomic_compare_exchange_strong(&l->state, &begun, JOINED))
        pthread_join(l->thread, NULL);
    return atomic_load(&l->made);
}

void later_free(struct later *l)
{
    int begun = BEGUN;
    if (!l)
        return;
    if (atomic_compare_exchange_strong(&l->state, &begun, JOINED))
        pthread_join(l->thread, NULL);
    prefilter_free(atomic_load(&l->made));
    mem_free(l);
}
