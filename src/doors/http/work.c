/* The worker pool: a queue and a few threads for what may block, so that the HTTP threads never do.
 * Requests are queued through their own `next`, so that handing one over allocates nothing. */
#include "base/mem.h"
#include "base/thread.h"
#include "doors/http/http_int.h"

#include <string.h>

enum { WORK_QUEUE_MAX = 65536 };

/* True when a sleeping worker has to be woken, by a signal after mu is let go. One at a time: a woken worker that
 * finds more to do wakes the next, so that a burst of short jobs does not wake them all for nothing. Under mu. */
static bool work_rouse(struct work *w)
{
    if (w->idle == 0 || w->waking || (!w->requests && !w->jobs))
        return false;
    w->waking = true;
    return true;
}

/* The next thing to do, or false when told to stop and nothing is left. */
static bool work_take(struct work *w, struct http_request **r, struct job **j)
{
    pthread_mutex_lock(&w->mu);
    while (!w->requests && !w->jobs && !w->stop) {
        w->idle++;
        thread_wipe_registers();
        pthread_cond_wait(&w->some, &w->mu);
        w->idle--;
        w->waking = false;
    }
    *r = NULL;
    *j = NULL;
    if (w->jobs) {
        *j = w->jobs;
        w->jobs = (*j)->next;
        if (!w->jobs)
            w->jobs_end = &w->jobs;
    } else if (w->requests) {
        *r = w->requests;
        w->requests = (*r)->next;
        if (!w->requests)
            w->requests_end = &w->requests;
    }
    if (*r || *j)
        w->queued--;
    bool rouse = work_rouse(w);
    pthread_mutex_unlock(&w->mu);
    if (rouse)
        pthread_cond_signal(&w->some);
    return *r || *j;
}

static void *work_loop(void *arg)
{
    struct work *w = arg;
    struct http_request *r;
    struct job *j;
    while (work_take(w, &r, &j)) {
        if (r) {
            run_on_worker(r);
        } else {
            j->fn(j->arg);
            mem_free(j);
        }
    }
    return NULL;
}

enum err_code work_start(struct work *w, int threads, struct err *e)
{
    const int most = (int)(sizeof(w->threads) / sizeof(w->threads[0]));
    memset(w, 0, sizeof(*w));
    mutex_init_short(&w->mu);
    pthread_cond_init(&w->some, NULL);
    w->requests_end = &w->requests;
    w->jobs_end = &w->jobs;
    for (int i = 0; i < threads && i < most; i++) {
        int rc = pthread_create(&w->threads[i], NULL, work_loop, w);
        if (rc != 0) {
            work_stop(w);
            work_free(w);
            return err_set(e, ERR_UNAVAILABLE, NULL, "cannot start a worker thread: %s", strerror(rc));
        }
        w->n_threads++;
    }
    return ERR_OK;
}

void work_stop(struct work *w)
{
    pthread_mutex_lock(&w->mu);
    w->stop = true;
    pthread_cond_broadcast(&w->some);
    pthread_mutex_unlock(&w->mu);
    for (int i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    w->n_threads = 0;
}

void work_free(struct work *w)
{
    pthread_cond_destroy(&w->some);
    pthread_mutex_destroy(&w->mu);
}

/* True when there is room; the caller holds mu. */
static bool work_room(struct work *w)
{
    if (w->stop || w->queued >= WORK_QUEUE_MAX)
        return false;
    w->queued++;
    return true;
}

enum err_code work_request(struct work *w, struct http_request *r)
{
    pthread_mutex_lock(&w->mu);
    bool taken = work_room(w);
    if (taken) {
        r->next = NULL;
        *w->requests_end = r;
        w->requests_end = &r->next;
    }
    bool rouse = work_rouse(w);
    pthread_mutex_unlock(&w->mu);
    if (rouse)
        pthread_cond_signal(&w->some);
    return taken ? ERR_OK : ERR_UNAVAILABLE;
}

enum err_code http_work(struct http_server *s, void (*fn)(void *arg), void *arg)
{
    struct work *w = &s->work;
    struct job *j = mem_alloc(sizeof(*j));
    if (!j)
        return ERR_NOMEM;
    *j = (struct job){.fn = fn, .arg = arg};
    pthread_mutex_lock(&w->mu);
    bool taken = work_room(w);
    if (taken) {
        *w->jobs_end = j;
        w->jobs_end = &j->next;
    }
    bool rouse = work_rouse(w);
    pthread_mutex_unlock(&w->mu);
    if (rouse)
        pthread_cond_signal(&w->some);
    if (!taken)
        mem_free(j);
    return taken ? ERR_OK : ERR_UNAVAILABLE;
}
