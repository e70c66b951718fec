/* Meaning asked: the sense of a question and the cosines of turns. An endpoint that is late or
 * fails costs an answer its meaning and nothing else: for a while it is then not asked at all. */
#include "search/meaning_int.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum {
    QUESTION_BYTES = 1000, /* more is not one question, and would take longer than an answer may */
    BACKOFF_MS = 1000,
    BACKOFF_MOST_MS = 60000,
    LATE_SHARE = 60, /* percent of what is left before a deadline that an endpoint may take */
};

/* ---- endpoints that fail ---- */
int backoff_failed(struct backoff *b, const struct err *e)
{
    int failures = atomic_fetch_add(&b->failures, 1);
    int64_t ms = (int64_t)BACKOFF_MS << (failures < 6 ? failures : 6);
    if (e->retry_after_ms > ms)
        ms = e->retry_after_ms;
    ms = ms < BACKOFF_MOST_MS ? ms : BACKOFF_MOST_MS;
    atomic_store(&b->until_us, clock_mono_us() + ms * 1000);
    return (int)ms;
}

void backoff_worked(struct backoff *b)
{
    atomic_store(&b->failures, 0);
    atomic_store(&b->until_us, 0);
}

/* ---- the sense of a question ---- */
/* How long an endpoint may take for it; 0: it is not to be asked now. */
static int patience(struct meaning *m, int64_t deadline_us)
{
    int64_t now = clock_mono_us(), ms = m->o.query_ms;
    if (now < atomic_load(&m->questions.until_us))
        return 0;
    if (deadline_us) {
        int64_t left = (deadline_us - now) / 1000 * LATE_SHARE / 100;
        ms = left < ms ? left : ms;
    }
    return ms > 0 ? (int)ms : 0;
}

enum err_code meaning_in_time(struct meaning *m, struct encoder_task task, int64_t deadline_us, float *out,
                              struct err *e)
{
    struct err own = {0};
    const struct encoder *c = m->encoder;
    if (c->remote && (task.timeout_ms = patience(m, deadline_us)) == 0)
        return err_set(e, ERR_TIMEOUT, NULL, "the embeddings endpoint is given time to recover");
    atomic_fetch_add(&m->asking, 1);
    enum err_code code = c->encode(c, &task, out, &own);
    atomic_fetch_sub(&m->asking, 1);
    if (!code) {
        backoff_worked(&m->questions);
        return ERR_OK;
    }
    if (c->remote && code != ERR_NOMEM) {
        int ms = backoff_failed(&m->questions, &own);
        log_event(LOG_WARN, "question_without_meaning", L_CSTR("message", own.message), L_INT("next_try_ms", ms));
    }
    return err_set(e, code, NULL, "%s", own.message);
}

/* *out stays NULL where there is no vector in time. */
static enum err_code question(struct meaning *m, struct arena *a, struct str text, const struct vector_query *scope,
                              float **out, struct err *e)
{
    struct err own = {0};
    float *v = arena_array(a, float, m->encoder->dimensions);
    if (!v)
        return err_nomem(e);
    const struct encoder_task task = {.texts = &text, .n = 1, .use = EMBED_QUERY};
    enum err_code code = meaning_in_time(m, task, scope->deadline_us, v, &own);
    if (code && (!m->encoder->remote || code == ERR_NOMEM))
        return err_set(e, code, NULL, "%s", own.message);
    *out = code ? NULL : v;
    return ERR_OK;
}

/* On demand only what is opened in milliseconds is opened for a question, and once. */
static bool is_there(struct meaning *m)
{
    if (m->o.on_demand && !meaning_loaded(m) && atomic_exchange(&m->quick, false) && meaning_wait(m, 0, NULL))
        return false;
    return meaning_loaded(m);
}

enum err_code meaning_find(struct meaning *m, struct arena *a, struct str text, const struct vector_query *scope,
                           struct sense *out, struct err *e)
{
    *out = (struct sense){0};
    if (!m || !is_there(m))
        return ERR_OK;
    float *v = NULL;
    struct vector_query q = *scope;
    enum err_code code = question(m, a, text_cut(text, QUESTION_BYTES), scope, &v, e);
    if (code || !v)
        return code;
    out->hits = arena_array(a, struct vector_hit, q.best);
    if (!out->hits)
        return err_nomem(e);
    q.v = v;
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
