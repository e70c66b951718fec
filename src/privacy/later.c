/* What is quick comes later: machine code of the patterns takes some hundredths of a second to make, the prefilter's
 * databases take a tenth, and a command that looks at one short text should not wait for them. A thread makes both,
 * begun once so much text has been searched that it pays; until then texts are searched by the interpreter, pattern by
 * pattern, with the same finds. Who has much to search waits: the slow way takes as long for some hundred KB. So it
 * stays where no memory may be made executable, and without the prefilter where the processor is not fit for Hyperscan.
 */
#include "privacy/privacy_int.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WORTH_IT = 16 << 10, LARGE = 2 << 10, HUGE = 256 << 10 };
enum { WAITING, BEGUN, JOINED };

struct later {
    const struct privacy *p;
    pthread_t thread;
    pthread_mutex_t making; /* whoever needs a part first makes it, others wait; not taken once all is there */
    atomic_bool tried_quick, tried_first;
    struct pattern *quick;
    _Atomic(const struct pattern *) patterns; /* `quick`, once it is whole */
    _Atomic(struct prefilter *) made;
    atomic_size_t bytes; /* searched so far */
    atomic_int state;
};

struct later *later_new(const struct privacy *p)
{
    struct later *l = mem_zalloc(sizeof *l);
    if (l) {
        l->p = p;
        pthread_mutex_init(&l->making, NULL);
    }
    return l;
}

static void release(struct later *l)
{
    for (size_t i = 0; l->quick && i < l->p->n; i++)
        pattern_release(&l->quick[i]);
    mem_free(l->quick);
    l->quick = NULL;
}

/* Copies, since others are matching by p's own. */
static bool quicken(struct later *l)
{
    l->quick = mem_zalloc((l->p->n + 1) * sizeof *l->quick);
    bool ok = l->quick != NULL;
    for (size_t i = 0; ok && i < l->p->n; i++)
        ok = pattern_copy(&l->p->patterns[i], &l->quick[i]) && pattern_quicken(&l->quick[i]);
    if (!ok)
        release(l);
    return ok;
}

static void make_quick(struct later *l)
{
    pthread_mutex_lock(&l->making);
    if (!atomic_load(&l->tried_quick)) {
        if (quicken(l))
            atomic_store_explicit(&l->patterns, l->quick, memory_order_release);
        else
            log_event(LOG_INFO, "privacy.interpreted", L_CSTR("why", "no executable memory may be made"));
        atomic_store(&l->tried_quick, true);
    }
    pthread_mutex_unlock(&l->making);
}

static void make_first(struct later *l)
{
    pthread_mutex_lock(&l->making);
    if (!atomic_load(&l->tried_first)) {
        struct prefilter *f = prefilter_make(l->p);
        if (!f)
            log_event(LOG_INFO, "privacy.one_by_one", L_CSTR("why", "Hyperscan cannot be used here"));
        atomic_store_explicit(&l->made, f, memory_order_release);
        atomic_store(&l->tried_first, true);
    }
    pthread_mutex_unlock(&l->making);
}

static void *make(void *arg)
{
    make_quick(arg);
    make_first(arg);
    return NULL;
}

static void begin(struct later *l)
{
    int waiting = WAITING;
    if (atomic_compare_exchange_strong(&l->state, &waiting, BEGUN) && pthread_create(&l->thread, NULL, make, l) != 0)
        atomic_store(&l->state, JOINED); /* no thread to be had: it goes on as it is */
}

struct means later_get(const struct privacy *p, size_t bytes)
{
    struct later *l = p->later;
    struct means m = {p->patterns, NULL};
    if (!l)
        return m;
    if (bytes > LARGE && !atomic_load_explicit(&l->tried_quick, memory_order_acquire))
        make_quick(l); /* the interpreter would take longer for this text than making machine code does */
    if (bytes > HUGE && !atomic_load_explicit(&l->tried_first, memory_order_acquire))
        make_first(l);
    m.first = atomic_load_explicit(&l->made, memory_order_acquire);
    const struct pattern *quick = atomic_load_explicit(&l->patterns, memory_order_acquire);
    if (quick)
        m.patterns = quick;
    if (!m.first && atomic_load_explicit(&l->state, memory_order_relaxed) == WAITING &&
        atomic_fetch_add_explicit(&l->bytes, bytes, memory_order_relaxed) + bytes > WORTH_IT)
        begin(l);
    return m;
}

void privacy_expect(const struct privacy *p, size_t bytes)
{
    (void)later_get(p, bytes);
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
    release(l);
    pthread_mutex_destroy(&l->making);
    mem_free(l);
}
