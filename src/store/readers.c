/* The pool of reading connections. A reader is taken for one snapshot and given back; the pool keeps some open
 * and opens more under load, up to READERS_MAX. With a deadline a statement is interrupted, and waiting for
 * a connection ends, when the time is up.
 *
 * A snapshot begins with its first statement, so taking a reader and using it once costs no extra lock. */
#include "store/internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <time.h>

struct readers {
    struct store *store;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    struct store_tx *free_list;
    int keep, open, idle;
};

struct readers *readers_new(struct store *s, int keep)
{
    struct readers *r = mem_zalloc(sizeof *r);
    if (!r)
        return NULL;
    r->store = s;
    r->keep = keep > 0 && keep < READERS_MAX ? keep : 4;
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->returned, &attr);
    (void)pthread_condattr_destroy(&attr);
    return r;
}

/* All readers must have been given back: a snapshot must not outlive its store. */
void readers_free(struct readers *r)
{
    if (!r)
        return;
    while (r->free_list) {
        struct store_tx *tx = r->free_list;
        r->free_list = tx->next;
        tx_close(tx);
    }
    (void)pthread_cond_destroy(&r->returned);
    (void)pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

/* Waits for a reader to come back. False when the deadline passed. Called with the lock held. */
static bool wait_returned(struct readers *r, int64_t deadline_us)
{
    if (!deadline_us)
        return pthread_cond_wait(&r->returned, &r->lock) == 0;
    struct timespec until = {.tv_sec = deadline_us / 1000000, .tv_nsec = deadline_us % 1000000 * 1000};
    return pthread_cond_timedwait(&r->returned, &r->lock, &until) == 0;
}

/* A free reader, or NULL when the caller is to open one (which is counted already). */
static enum err_code take(struct readers *r, int64_t deadline_us, struct store_tx **out, struct err *e)
{
    enum err_code rc = ERR_OK;
    (void)pthread_mutex_lock(&r->lock);
    while (!r->free_list && r->open >= READERS_MAX && !rc)
        if (!wait_returned(r, deadline_us))
            rc = err_set(e, ERR_TIMEOUT, NULL, "cannot begin to read in the time allowed: %d readers are busy",
                         READERS_MAX);
    *out = rc ? NULL : r->free_list;
    if (*out) {
        r->free_list = (*out)->next;
        r->idle--;
    } else if (!rc) {
        r->open++;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return rc;
}

/* A connection that could not be opened makes room for another try. */
static void forget(struct readers *r)
{
    (void)pthread_mutex_lock(&r->lock);
    r->open--;
    (void)pthread_cond_signal(&r->returned);
    (void)pthread_mutex_unlock(&r->lock);
}

enum err_code store_read_begin_deadline(struct store *s, int64_t deadline_us, struct store_tx **out, struct err *e)
{
    struct readers *r = s->readers;
    enum err_code rc = take(r, deadline_us, out, e);
    if (!rc && !*out && (rc = tx_open(s, false, out, e)))
        forget(r);
    if (!rc)
        s->driver->set_deadline((*out)->c, deadline_us);
    return rc;
}

enum err_code store_read_begin(struct store *s, struct store_tx **out, struct err *e)
{
    return store_read_begin_deadline(s, 0, out, e);
}

/* Ending a read transaction writes nothing; should it fail, the connection is in doubt and is not kept. */
void store_read_end(struct store_tx *tx)
{
    if (!tx)
        return;
    struct readers *r = tx->store->readers;
    struct err e = {0};
    tx->d->set_deadline(tx->c, 0);
    bool good = !tx->begun || tx->d->commit(tx->c, &e) == ERR_OK;
    tx->begun = false;
    tx->bytes = 0;
    tx->reader = NULL;
    if (!good)
        tx->d->rollback(tx->c);
    (void)pthread_mutex_lock(&r->lock);
    bool keep = good && r->idle < r->keep;
    if (keep) {
        tx->next = r->free_list;
        r->free_list = tx;
        r->idle++;
    } else {
        r->open--;
    }
    (void)pthread_cond_signal(&r->returned);
    (void)pthread_mutex_unlock(&r->lock);
    if (!keep)
        tx_close(tx);
}
