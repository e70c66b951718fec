/* The writer: one thread, one connection, all writes. It takes what is queued as one group, runs it in one
 * transaction and answers each job once the commit is durable: an fsync is shared by all that came while the
 * last one was under way.
 *
 * Failures. A job that fails without having changed a row has simply failed. When one fails after changing
 * rows, the group is undone and run again with a savepoint around each job, so that it harms no other. When
 * the database itself gave the transaction up (disk full), the jobs run alone, one transaction each.
 * When COMMIT fails, all of its jobs fail with that error. In no case does a failure end the thread.
 *
 * Locks: the queue's only; it is not held while jobs run. */
#include "store/audit_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/thread.h"

#include <semaphore.h>

enum { GROUP_JOBS = 1000, GROUP_BYTES = 4 << 20, QUEUE_MAX = 100000 };

struct waiting;

struct writer {
    struct store *store;
    struct store_tx *tx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, room;
    struct store_job *head, **tail;
    int queued;
    bool sleeping, stop;
    struct waiting *threads[GROUP_JOBS]; /* of the group being answered */
};

/* Jobs of one group, in order. */
struct group {
    struct store_job *first;
    int n;
};

/* ---- running jobs ---- */

static void run_job(struct writer *w, struct store_job *j)
{
    int64_t before = w->tx->d->changed(w->tx->c);
    w->tx->marks.accounted = false;
    err_clear(&j->err);
    j->code = j->fn(w->tx, j->arg, &j->err);
    if (!w->tx->marks.accounted && w->tx->d->changed(w->tx->c) != before)
        w->tx->marks.all = true;
    if (j->code && !j->err.code)
        (void)err_set(&j->err, j->code, NULL, "the write failed");
}

/* The same words for every job of a group that failed as a whole. */
static void fail_job(struct store_job *j, const struct err *why)
{
    j->code = why->code;
    j->err = *why;
}

/* What was remembered about an undone group is not true any more. */
static void undo_group(struct writer *w)
{
    w->tx->d->rollback(w->tx->c);
    tx_forget(w->tx);
}

/* Commits; a failure goes to every job that had succeeded. */
static void commit_group(struct writer *w, struct group g)
{
    struct err e = {0};
    enum err_code rc = audit_seal(w->tx, &e);
    versions_publish(w->tx);
    if (!rc)
        rc = w->tx->d->commit(w->tx->c, &e);
    versions_publish(w->tx);
    if (rc == ERR_OK)
        return;
    undo_group(w);
    for (struct store_job *j = g.first; g.n > 0; g.n--, j = j->next)
        if (!j->code)
            fail_job(j, &e);
}

static bool begin_group(struct writer *w, struct group g)
{
    struct err e = {0};
    w->tx->bytes = 0;
    w->tx->marks = (struct version_marks){0};
    w->tx->memory->audit.dirty = false;
    if (w->tx->d->begin(w->tx->c, DRIVER_WRITE, &e) == ERR_OK) {
        tx_notice_others(w->tx);
        return true;
    }
    for (struct store_job *j = g.first; g.n > 0; g.n--, j = j->next)
        fail_job(j, &e);
    return false;
}

/* The last resort: a transaction of its own, so that only the job that cannot be done fails. */
static void run_alone(struct writer *w, struct store_job *j)
{
    const struct group one = {.first = j, .n = 1};
    if (!begin_group(w, one))
        return;
    run_job(w, j);
    if (!j->code && w->tx->d->in_transaction(w->tx->c)) {
        commit_group(w, one);
        return;
    }
    undo_group(w);
    if (!j->code)
        j->code = err_set(&j->err, ERR_IO, NULL, "cannot write: the database gave the transaction up");
}

/* Each job in a savepoint. False when the transaction was lost on the way. */
static bool run_guarded(struct writer *w, struct group g)
{
    const struct store_driver *d = w->tx->d;
    for (struct store_job *j = g.first; g.n > 0; g.n--, j = j->next) {
        struct err e = {0};
        if (d->savepoint(w->tx->c, &e)) {
            fail_job(j, &e);
            return false;
        }
        run_job(w, j);
        if (!d->in_transaction(w->tx->c))
            return false;
        if (j->code)
            tx_forget(w->tx);
        if (j->code ? d->undo(w->tx->c, &e) : d->release(w->tx->c, &e))
            return false;
    }
    return true;
}

/* All jobs in the open transaction. False when they must be run again more carefully. Cuts the group short
 * when it has grown large. */
static bool run_plain(struct writer *w, struct group *g)
{
    const struct store_driver *d = w->tx->d;
    int done = 0;
    for (struct store_job *j = g->first; done < g->n && w->tx->bytes < GROUP_BYTES; done++, j = j->next) {
        int64_t before = d->changed(w->tx->c);
        run_job(w, j);
        if (!d->in_transaction(w->tx->c) || (j->code && d->changed(w->tx->c) != before))
            return false;
    }
    g->n = done;
    return true;
}

/* Upkeep that SQL allows in no transaction. Rows keep their numbers, yet what is remembered is looked up again. */
static void run_outside(struct writer *w, struct store_job *j)
{
    j->code = j->fn(w->tx, j->arg, &j->err);
    tx_forget(w->tx);
}

static void run_group(struct writer *w, struct group *g)
{
    if (g->first->alone) {
        run_outside(w, g->first);
        return;
    }
    if (!begin_group(w, *g))
        return;
    if (run_plain(w, g)) {
        commit_group(w, *g);
        return;
    }
    undo_group(w);
    if (!begin_group(w, *g))
        return;
    if (run_guarded(w, *g)) {
        commit_group(w, *g);
        return;
    }
    undo_group(w);
    struct store_job *j = g->first;
    for (int i = 0; i < g->n; i++, j = j->next)
        run_alone(w, j);
}

/* ---- telling the owners ---- */

/* A thread that waits in store_write. Waking one costs more than writing a turn, so the writer wakes the first
 * of a group only; each wakes two more, as in a heap. */
struct waiting {
    struct store_job job; /* first */
    sem_t done;
    struct waiting *next[2];
};

/* Stands for "a thread waits"; answer() does the waking. Called only when there is no writer. */
static void wake(struct store_job *job)
{
    (void)sem_post(&((struct waiting *)job)->done);
}

static void count_answers(int n, int failed)
{
    metric_add(M_STORE_WRITES, n - failed);
    if (failed)
        metric_add(M_STORE_FAILURES, failed);
    if (failed < n)
        metric_add(M_STORE_GROUPS, 1);
}

/* Tells each job's owner. The job may be gone once done() was called or its thread woken. */
static void answer(struct writer *w, struct group g)
{
    int64_t now = clock_mono_us();
    int failed = 0, threads = 0;
    struct store_job *j = g.first;
    for (int i = 0; i < g.n; i++) {
        struct store_job *next = j->next;
        metric_observe_us(M_STORE_SECONDS, now - j->queued_us);
        failed += j->code != ERR_OK;
        if (j->done == wake)
            w->threads[threads++] = (struct waiting *)j;
        else
            j->done(j);
        j = next;
    }
    for (int i = 1; i < threads; i++)
        w->threads[(i - 1) / 2]->next[(i - 1) % 2] = w->threads[i];
    if (threads)
        wake(&w->threads[0]->job);
    count_answers(g.n, failed);
}

/* ---- the thread ---- */

/* Waits for work and takes up to a group's worth. An empty group: stopped and nothing left. */
static struct group take_group(struct writer *w)
{
    struct group g = {0};
    (void)pthread_mutex_lock(&w->lock);
    while (!w->head && !w->stop) {
        w->sleeping = true;
        thread_wipe_registers();
        (void)pthread_cond_wait(&w->work, &w->lock);
        w->sleeping = false;
    }
    g.first = w->head;
    struct store_job *last = NULL;
    for (struct store_job *j = w->head; j && g.n < GROUP_JOBS && !(g.n && (j->alone || last->alone)); j = j->next) {
        last = j;
        g.n++;
    }
    if (last) {
        w->head = last->next;
        last->next = NULL;
        if (!w->head)
            w->tail = &w->head;
    }
    w->queued -= g.n;
    metric_set(M_STORE_QUEUE, w->queued);
    (void)pthread_cond_broadcast(&w->room);
    (void)pthread_mutex_unlock(&w->lock);
    return g;
}

/* Nothing waits: the moment for upkeep. */
static bool idle(struct writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    bool none = !w->head;
    (void)pthread_mutex_unlock(&w->lock);
    return none;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    for (;;) {
        struct group all = take_group(w);
        if (!all.n)
            return NULL;
        while (all.n > 0) {
            struct group now = all;
            run_group(w, &now);
            struct store_job *j = all.first;
            for (int i = 0; i < now.n; i++)
                j = j->next;
            answer(w, now);
            all = (struct group){.first = j, .n = all.n - now.n};
        }
        store_committed(w->store);
        w->tx->d->tidy(w->tx->c, idle(w));
    }
}

enum err_code writer_start(struct store *s, struct store_tx *tx, struct writer **out, struct err *e)
{
    struct writer *w = mem_zalloc(sizeof *w);
    if (!w)
        return err_nomem(e);
    w->store = s;
    w->tx = tx;
    w->tail = &w->head;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->work, NULL);
    (void)pthread_cond_init(&w->room, NULL);
    if (mem_fail_now() || pthread_create(&w->thread, NULL, writer_main, w)) {
        mem_free(w);
        return err_set(e, ERR_NOMEM, NULL, "cannot start the writer's thread");
    }
    *out = w;
    return ERR_OK;
}

/* Everything queued before the stop is still written; nobody may submit after it. */
void writer_stop(struct writer *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    tx_close(w->tx);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_cond_destroy(&w->room);
    (void)pthread_mutex_destroy(&w->lock);
    mem_free(w);
}

/* ---- callers ---- */

void store_submit(struct store *s, struct store_job *job)
{
    struct writer *w = s->writer;
    job->code = ERR_OK;
    job->next = NULL;
    job->queued_us = clock_mono_us();
    err_clear(&job->err);
    if (!w) {
        job->code = err_set(&job->err, ERR_READ_ONLY, NULL,
                            "cannot write: the data folder %.120s is open for reading only", s->dir);
        job->done(job);
        return;
    }
    (void)pthread_mutex_lock(&w->lock);
    while (w->queued >= QUEUE_MAX)
        (void)pthread_cond_wait(&w->room, &w->lock);
    *w->tail = job;
    w->tail = &job->next;
    w->queued++;
    bool wake = w->sleeping;
    if (wake)
        (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
}

static enum err_code submit_and_wait(struct store *s, store_fn *fn, void *arg, bool alone, struct err *e)
{
    struct waiting w = {.job = {.fn = fn, .arg = arg, .done = wake, .alone = alone}};
    (void)sem_init(&w.done, 0, 0);
    store_submit(s, &w.job);
    while (sem_wait(&w.done)) {
    } /* only interrupted by signals */
    for (int i = 0; i < 2; i++)
        if (w.next[i])
            (void)sem_post(&w.next[i]->done);
    (void)sem_destroy(&w.done);
    if (w.job.code && e && !e->code)
        *e = w.job.err;
    return w.job.code;
}

enum err_code store_write(struct store *s, store_fn *fn, void *arg, struct err *e)
{
    return submit_and_wait(s, fn, arg, false, e);
}

enum err_code store_alone(struct store *s, store_fn *fn, void *arg, struct err *e)
{
    return submit_and_wait(s, fn, arg, true, e);
}

static enum err_code vacuum_job(struct store_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return tx->d->vacuum(tx->c, e);
}

enum err_code store_vacuum(struct store *s, struct store_vacuumed *out, struct err *e)
{
    out->bytes_before = store_disk_bytes(s);
    enum err_code rc = store_alone(s, vacuum_job, NULL, e);
    out->bytes_after = store_disk_bytes(s);
    return rc;
}
