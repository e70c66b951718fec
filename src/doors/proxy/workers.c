/* The pool: one queue, one thread from the start (so that a job can always run), more while jobs wait. */
#include "doors/proxy/workers.h"

#include "base/mem.h"

#include <pthread.h>
#include <signal.h>

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct work *first, *last;
    int idle, n, max;
    bool stop;
    pthread_t threads[];
};

static void *worker(void *arg)
{
    struct workers *w = arg;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->first && !w->stop) {
            w->idle++;
            pthread_cond_wait(&w->more, &w->lock);
            w->idle--;
        }
        struct work *job = w->first;
        if (!job)
            break;
        w->first = job->next;
        if (!w->first)
            w->last = NULL;
        pthread_mutex_unlock(&w->lock);
        job->fn(job->arg); /* the job may be freed by now */
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Under the lock, or before anyone else knows the pool. */
static bool add_thread(struct workers *w)
{
    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&w->threads[w->n], NULL, worker, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        w->n++;
    return ok;
}

enum err_code workers_start(int max, struct workers **out, struct err *e)
{
    struct workers *w = mem_zalloc(sizeof *w + (size_t)max * sizeof w->threads[0]);
    if (!w)
        return err_nomem(e);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    w->max = max;
    if (!add_thread(w)) {
        pthread_cond_destroy(&w->more);
        pthread_mutex_destroy(&w->lock);
        mem_free(w);
        return err_set(e, ERR_NOMEM, NULL, "cannot start the proxy's workers");
    }
    *out = w;
    return ERR_OK;
}

void workers_run(struct workers *w, struct work *job)
{
    pthread_mutex_lock(&w->lock);
    job->next = NULL;
    bool waits = w->first != NULL;
    if (w->last)
        w->last->next = job;
    else
        w->first = job;
    w->last = job;
    /* Another thread when nobody is free; when it cannot be had, those there will come to it. */
    if ((!w->idle || waits) && w->n < w->max)
        add_thread(w);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
}

void workers_stop(struct workers *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->more);
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < w->n; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}
