/* Records by meaning: asking for a kind's vectors to be brought up to date, and comparing with those that are kept. How
 * they are made: similar_fill.c. */
#include "search/similar_int.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <time.h>

/* ---- opening and closing ---- */

static enum err_code set_up_locks(struct similar *s, struct err *e)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return err_nomem(e);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_rwlock_init(&s->rows_lock, NULL);
    pthread_mutex_init(&s->ask_lock, NULL);
    pthread_cond_init(&s->wake, &attr);
    pthread_cond_init(&s->done, &attr);
    pthread_condattr_destroy(&attr);
    return ERR_OK;
}

enum err_code records_open(struct similar *s, struct err *e)
{
    if (!s->store)
        return ERR_OK;
    (void)kinds_all(&s->n_kinds);
    s->kinds = mem_zalloc(s->n_kinds * sizeof *s->kinds);
    enum err_code code = s->kinds ? set_up_locks(s, e) : err_nomem(e);
    if (code) {
        mem_free(s->kinds);
        s->kinds = NULL;
    }
    return code;
}

void records_close(struct similar *s)
{
    if (!s->kinds)
        return;
    if (s->has_thread) {
        pthread_mutex_lock(&s->ask_lock);
        s->stop = true;
        pthread_cond_broadcast(&s->wake);
        pthread_mutex_unlock(&s->ask_lock);
        pthread_join(s->thread, NULL);
    }
    for (size_t i = 0; i < s->n_kinds; i++) {
        for (size_t k = 0; k < s->kinds[i].n; k++)
            mem_free(s->kinds[i].rows[k].v);
        mem_free(s->kinds[i].rows);
    }
    pthread_cond_destroy(&s->done);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->ask_lock);
    pthread_rwlock_destroy(&s->rows_lock);
    mem_free(s->kinds);
}

/* ---- asking ---- */

static void deadline_of(int64_t deadline_us, struct timespec *out)
{
    *out = (struct timespec){.tv_sec = deadline_us / 1000000, .tv_nsec = deadline_us % 1000000 * 1000};
}

/* The thread begins with the first question: a command that asks none needs none. Under ask_lock. */
static bool has_thread(struct similar *s)
{
    if (!s->has_thread && !s->stop)
        s->has_thread = pthread_create(&s->thread, NULL, records_thread, s) == 0;
    return s->has_thread;
}

/* Brought up to date when the store has changed since and it is due; waited for where that was quick before, or where
 * nothing was tried yet: a small store is whole then with its first question. False: they are not all made yet. */
static bool ask(struct similar *s, struct kept_kind *k, int64_t deadline_us)
{
    int64_t now = clock_mono_us(), change = store_change_count(s->store);
    struct timespec until;
    deadline_of(deadline_us, &until);
    pthread_mutex_lock(&s->ask_lock);
    k->wanted_us = now;
    if ((!k->made || k->change != change) && now >= k->due_us && has_thread(s)) {
        unsigned before = k->rounds;
        bool waits = deadline_us && (!k->rounds || k->quick);
        k->asked = true;
        pthread_cond_signal(&s->wake);
        while (waits && k->rounds == before && !s->stop &&
               pthread_cond_timedwait(&s->done, &s->ask_lock, &until) != ETIMEDOUT)
            ;
    }
    bool made = k->made;
    pthread_mutex_unlock(&s->ask_lock);
    return made;
}

/* ---- comparing ---- */

/* Both descend, so one walk meets all pairs. */
static bool compare(const struct similar *s, const struct kept_kind *k, struct small_vector question,
                    const int64_t *seqs, size_t n, float *out)
{
    bool any = false;
    for (size_t i = 0, at = 0; i < n && at < k->n;) {
        const struct kept_row *row = &k->rows[at];
        if (row->seq > seqs[i]) {
            at++;
            continue;
        }
        if (row->seq == seqs[i]) {
            out[i] = small_cosine(question, (struct small_vector){row->v, row->scale}, s->width);
            any = true;
        }
        i++;
    }
    return any;
}

bool similar_records(struct similar *s, struct arena *a, const struct kind *k, struct str question, const int64_t *seqs,
                     size_t n, int64_t deadline_us, float *out)
{
    struct small_vector v = {0};
    for (size_t i = 0; i < n; i++)
        out[i] = NAN;
    if (!s || !s->kinds || !n || !str_trim(question).n ||
        !similar_vectors(s, a, &question, 1, EMBED_QUERY, deadline_us, &v) || !v.v)
        return false;
    size_t ignored;
    struct kept_kind *kept = &s->kinds[k - kinds_all(&ignored)];
    if (!ask(s, kept, deadline_us))
        return false;
    pthread_rwlock_rdlock(&s->rows_lock);
    bool any = compare(s, kept, v, seqs, n, out);
    pthread_rwlock_unlock(&s->rows_lock);
    return any;
}
