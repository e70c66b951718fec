/* Meaning: opening, closing, and the sense of a question. How turns get their vectors: meaning_feed.c. */
#include "search/meaning_int.h"

#include "base/arena.h"
#include "base/mem.h"
#include "store/turns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a question is cut to: more is not one question, and would take longer than an answer may. */
enum { QUESTION_BYTES = 1000 };

enum err_code meaning_load(struct meaning *m, struct err *e)
{
    struct embedder *embedder = NULL;
    struct vectors *vectors = NULL;
    enum err_code code = embed_open(m->model, NULL, &embedder, e);
    if (code)
        return code;
    struct vectors_options o = {.dir = m->dir,
                                .model_id = embed_model_id(embedder),
                                .dimensions = embed_dimensions(embedder),
                                .read_only = m->read_only};
    code = vectors_open(&o, &vectors, e);
    if (code) {
        embed_close(embedder);
        return code;
    }
    pthread_mutex_lock(&m->lock);
    m->embedder = embedder;
    m->vectors = vectors;
    m->loaded = true;
    pthread_mutex_unlock(&m->lock);
    return ERR_OK;
}

static bool flag(struct meaning *m, const bool *which)
{
    pthread_mutex_lock(&m->lock);
    bool is = *which;
    pthread_mutex_unlock(&m->lock);
    return is;
}

bool meaning_stopping(struct meaning *m)
{
    return flag(m, &m->stop);
}

bool meaning_loaded(struct meaning *m)
{
    return flag(m, &m->loaded);
}

static enum err_code set_up_locks(struct meaning *m, struct err *e)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return err_nomem(e);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    return ERR_OK;
}

enum err_code meaning_open(const struct meaning_options *o, struct meaning **out, struct err *e)
{
    struct meaning *m = mem_zalloc(sizeof *m);
    *out = NULL;
    if (!m)
        return err_nomem(e);
    *m = (struct meaning){.store = o->store, .read_only = o->read_only, .loading = true};
    enum err_code code = set_up_locks(m, e);
    if (code) {
        mem_free(m);
        return code;
    }
    m->dir = mem_strdup(o->dir);
    m->model = mem_strdup(o->model);
    if (!m->dir || !m->model)
        code = err_nomem(e);
    if (code == ERR_OK && pthread_create(&m->thread, NULL, meaning_thread, m) != 0)
        code = err_set(e, ERR_NOMEM, NULL, "cannot start the thread that makes vectors");
    m->has_thread = code == ERR_OK;
    if (code)
        meaning_close(m);
    else
        *out = m;
    return code;
}

void meaning_close(struct meaning *m)
{
    if (!m)
        return;
    if (m->has_thread) {
        pthread_mutex_lock(&m->lock);
        m->stop = true;
        pthread_cond_broadcast(&m->wake);
        pthread_mutex_unlock(&m->lock);
        pthread_join(m->thread, NULL);
    }
    vectors_close(m->vectors);
    embed_close(m->embedder);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
    mem_free(m->dir);
    mem_free(m->model);
    mem_free(m);
}

void meaning_wake(struct meaning *m)
{
    pthread_mutex_lock(&m->lock);
    if (!m->woken) {
        m->woken = true;
        pthread_cond_broadcast(&m->wake);
    }
    pthread_mutex_unlock(&m->lock);
}

static int64_t last_stored(struct meaning *m)
{
    struct store_tx *tx = NULL;
    if (store_read_begin(m->store, &tx, NULL))
        return 0;
    int64_t last = turns_last_seq(tx);
    store_read_end(tx);
    return last;
}

void meaning_state(struct meaning *m, struct meaning_state *out)
{
    struct vectors_state s = {0};
    *out = (struct meaning_state){0};
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    out->loading = m->loading;
    out->loaded = m->loaded;
    pthread_mutex_unlock(&m->lock);
    if (!out->loaded)
        return;
    strncpy(out->id, embed_model_id(m->embedder), sizeof out->id - 1);
    out->dimensions = embed_dimensions(m->embedder);
    int64_t last = last_stored(m);
    vectors_state(m->vectors, &s);
    out->vectors = s.rows;
    out->lag = last > s.last ? last - s.last : 0;
}

/* ---- the sense of a question ---- */
enum err_code meaning_find(struct meaning *m, struct arena *a, struct str text, const struct vector_query *scope,
                           struct sense *out, struct err *e)
{
    *out = (struct sense){0};
    if (!m || !meaning_loaded(m))
        return ERR_OK;
    float *v = arena_array(a, float, embed_dimensions(m->embedder));
    struct vector_query q = *scope;
    out->hits = arena_array(a, struct vector_hit, q.best);
    if (!v || !out->hits)
        return err_nomem(e);
    text.n = text.n < QUESTION_BYTES ? text.n : QUESTION_BYTES;
    enum err_code code = embed_texts(m->embedder, &text, 1, EMBED_QUERY, v, e);
    q.v = v;
    if (code == ERR_OK)
        code = vectors_search(m->vectors, &q, out->hits, &out->n, e);
    if (code == ERR_OK && out->n > 0)
        out->vector = v;
    return code;
}

struct numbered {
    int64_t seq;
    size_t i;
};

static int compare_numbered(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

enum err_code meaning_of(struct meaning *m, struct arena *a, const struct sense *s, const int64_t *seqs, size_t n,
                         float *out, struct err *e)
{
    struct numbered *by = arena_array(a, struct numbered, n + 1);
    int64_t *sorted = arena_array(a, int64_t, n + 1);
    float *cosines = arena_array(a, float, n + 1);
    if (!by || !sorted || !cosines)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        by[i] = (struct numbered){seqs[i], i};
        out[i] = NAN;
    }
    if (n > 1)
        qsort(by, n, sizeof *by, compare_numbered);
    for (size_t i = 0; i < n; i++)
        sorted[i] = by[i].seq;
    enum err_code code = s->vector ? vectors_scores(m->vectors, s->vector, sorted, n, cosines, e) : ERR_OK;
    for (size_t i = 0; s->vector && code == ERR_OK && i < n; i++)
        out[by[i].i] = cosines[i];
    return code;
}
