/* The thread that makes vectors: opens the model, then, at the lowest priority, embeds the turns behind the vectors'
 * watermark, in batches (meaning_batch.c). Turns it has not come to yet are found by words. When another process
 * makes the vectors already it only looks, from time to time, whether that one is gone. An endpoint that does not
 * answer is tried again, ever later.
 *
 * When the vectors of a model are complete for the first time, those of other models go (tidy): nobody would keep them
 * up, so they would also keep what was erased since. */
#include "search/meaning_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#include <errno.h>
#include <time.h>

enum { LOOK_MS = 1000, GATHER_MS = 20, RETRY_MS = 5000 };

/* Waits until woken or stopped, at most ms. True: stop. */
static bool wait_for(struct meaning *m, int ms, bool until_woken)
{
    struct timespec at;
    clock_after(ms, &at);
    pthread_mutex_lock(&m->lock);
    int rc = 0;
    while (!meaning_stopping(m) && !(until_woken && m->woken) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&m->wake, &m->lock, &at);
    m->woken = m->woken && !until_woken;
    pthread_mutex_unlock(&m->lock);
    return meaning_stopping(m);
}

static void tell(struct meaning *m, const char *event, const struct err *e)
{
    if (e->code != m->failing)
        log_error(event, e);
    m->failing = e->code;
    meaning_problem(m, e);
}

/* A damaged file, or one of another store, is emptied. */
static bool mend(struct meaning *m, struct err *e)
{
    log_error("vectors_damaged", e);
    err_clear(e);
    if (vectors_reset(m->vectors, e) == ERR_OK)
        return true;
    tell(m, "vectors_reset_failed", e);
    return false;
}

/* Embeds all there is; else *wait_ms says when what is in the way may be gone. */
static bool drain(struct meaning *m, struct backoff *endpoint, int *wait_ms)
{
    size_t n = 1;
    *wait_ms = RETRY_MS;
    while (n > 0 && !meaning_stopping(m)) {
        struct err e = {0};
        enum err_code code = meaning_batch(m, &n, &e);
        if (code == ERR_CORRUPT && mend(m, &e)) {
            n = 1;
            continue;
        }
        if (code && code != ERR_BUSY)
            tell(m, "vectors_feed_failed", &e);
        if (code && code != ERR_BUSY && m->encoder->remote)
            *wait_ms = backoff_failed(endpoint, &e);
        if (code)
            return false;
        backoff_worked(endpoint);
    }
    if (m->failing)
        meaning_problem(m, NULL);
    m->failing = ERR_OK;
    return true;
}

/* One try to open it is over. Whoever waits for the model hears of it. */
static void tried(struct meaning *m, bool again)
{
    pthread_mutex_lock(&m->lock);
    m->loading = again;
    pthread_cond_broadcast(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

/* An endpoint may come up later; a model that is wrong now stays wrong. */
static bool load(struct meaning *m, struct backoff *endpoint)
{
    int64_t start = clock_mono_us();
    for (;;) {
        struct err e = {0};
        enum err_code code = meaning_load(m, &e);
        bool again = code && code != ERR_INVALID && m->o.endpoint.url;
        if (code && !meaning_stopping(m))
            tell(m, "model_not_loaded", &e);
        tried(m, again);
        if (code == ERR_OK) {
            m->failing = ERR_OK;
            log_event(LOG_INFO, "model_loaded", L_CSTR("id", m->encoder->id), L_CSTR("by", m->encoder->how),
                      L_INT("dimensions", m->encoder->dimensions), L_INT("ms", (clock_mono_us() - start) / 1000));
            return true;
        }
        if (!again && !meaning_stopping(m))
            log_event(LOG_WARN, "no_model", L_CSTR("note", "recall works by words alone"));
        if (!again || wait_for(m, backoff_failed(endpoint, &e), false))
            return false;
    }
}

/* True: some of what there was to do is left. */
static bool renew(struct meaning *m, int *wait_ms, bool *well)
{
    struct err e = {0};
    bool more;
    const enum err_code code = meaning_renew(m, &more, &e);
    if (code && code != ERR_BUSY)
        tell(m, "vectors_renew_failed", &e);
    *well = !code;
    *wait_ms = RETRY_MS;
    return !code && more;
}

static void tidy(struct meaning *m, bool *done)
{
    struct meaning_state s;
    meaning_state(m, &s);
    if (*done || s.lag > 0)
        return;
    *done = true;
    size_t n = vectors_remove_others(m->vectors);
    if (n > 0)
        log_event(LOG_INFO, "vectors_of_other_models_removed", L_INT("files", n));
}

void *meaning_thread(void *arg)
{
    struct meaning *m = arg;
    struct err e = {0};
    struct backoff endpoint = {0};
    bool well = true, tidied = false;
    int wait_ms = 0;
    int64_t seen = -1;
    if (!load(m, &endpoint) || m->o.read_only) /* at once also where the machine is busy: until then only words count */
        return NULL;
    thread_nice(THREAD_NICE_LEAST);
    backoff_worked(&endpoint);
    if (vectors_claim(m->vectors, NULL) == ERR_OK && vectors_check(m->vectors, &e) == ERR_CORRUPT)
        log_error("vectors_damaged", &e); /* the next batch's claim takes it out, and it is made again from there on */
    for (;;) {
        if (wait_for(m, well ? (seen < 0 ? 0 : LOOK_MS) : wait_ms, well) || wait_for(m, GATHER_MS, false))
            return NULL;
        int64_t now = store_change_count(m->o.store);
        if (now == seen && well)
            continue;
        seen = now;
        well = drain(m, &endpoint, &wait_ms);
        if (well)
            tidy(m, &tidied);
        if (well && renew(m, &wait_ms, &well))
            seen = -1; /* there is more to do */
    }
}
