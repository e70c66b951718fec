/* Meaning's inside, divided by file. Not for other rooms. */
#ifndef CAIRN_SEARCH_MEANING_INT_H
#define CAIRN_SEARCH_MEANING_INT_H

#include "search/meaning.h"
#include "store/turns.h"

#include <pthread.h>

/* Of an endpoint that failed: not asked again before `until_us`, and ever later while it goes on failing. */
struct backoff {
    atomic_int failures;
    _Atomic(int64_t) until_us;
};

/* `lock` guards the flags, rate and problem; encoder and vectors are set once, before `loaded`. */
struct meaning {
    struct meaning_options o; /* its strings are copies, in `texts` */
    struct arena *texts;
    atomic_bool stop;
    atomic_bool quick; /* on_demand: a packed model that nobody tried to open yet */
    atomic_int asking; /* questions being embedded here and now: documents make way */

    struct encoder *encoder;
    struct vectors *vectors;
    struct backoff questions;

    pthread_mutex_t opening; /* on_demand: one opens at a time */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool loading, loaded, woken;
    double rate;
    char problem[200];

    /* The thread's own, also read by its helpers: how fast turns come. */
    int64_t looked_us, looked_last; /* when the store was looked at, and the last seq then */
    bool pressed;                   /* very fast */
    int64_t renewing, renew_at;     /* which note of the store's it follows, and up to where (meaning_renew.c) */

    bool has_thread;
    pthread_t thread;
    enum err_code failing; /* the thread's last failure that was logged: each is told once */
};

/* ---- meaning.c ---- */
enum err_code meaning_load(struct meaning *m, struct err *e);
bool meaning_stopping(struct meaning *m);
bool meaning_loaded(struct meaning *m);
void meaning_problem(struct meaning *m, const struct err *e); /* NULL: none any more */

/* ---- meaning_ask.c ---- */
/* Milliseconds to the next try after another failure: 1 s, 2 s … 60 s, or as the endpoint says. */
int backoff_failed(struct backoff *b, const struct err *e);
void backoff_worked(struct backoff *b);
/* Vectors that somebody waits for: from an endpoint within query_ms and a share of the time to the deadline (0: none),
 * and not at all while it is given time to recover (ERR_TIMEOUT). */
enum err_code meaning_in_time(struct meaning *m, struct encoder_task task, int64_t deadline_us, float *out,
                              struct err *e);

/* ---- meaning_batch.c: from turns to vectors ---- */
/* One batch; *n: turns taken, 0: all is in. ERR_BUSY: another process makes the vectors. */
enum err_code meaning_batch(struct meaning *m, size_t *n, struct err *e);
/* Vectors of those turns, or of the first *done of them, in `rows`. Turns and rows stay in the arena. */
enum err_code meaning_embed(struct meaning *m, struct arena *a, struct turn *turns, size_t n, struct vector_row *rows,
                            size_t *done, struct err *e);
/* As vectors_gone_fn: which turns the store (arg) has no more (meaning_purge.c). */
enum err_code meaning_gone(void *store, const int64_t *seqs, size_t n, bool *gone, struct err *e);

/* ---- meaning_renew.c ---- */
/* New vectors for some of the turns that lost theirs; *more: there are others. */
enum err_code meaning_renew(struct meaning *m, bool *more, struct err *e);

/* ---- meaning_feed.c: when ---- */
void *meaning_thread(void *m);

#endif
