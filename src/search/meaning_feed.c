/* The thread that makes vectors: loads the model, then embeds the turns behind the vectors' watermark, in batches, at
 * the lowest priority. Turns it has not come to yet are found by words. When another process makes the vectors already
 * it only looks, from time to time, whether that one is gone. */
#include "search/meaning_int.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/turns.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Turns read at once; text embedded at once, so that stopping does not wait long; text of one turn that is looked at
 * (more than all windows of the model hold). */
enum { BATCH = 128, SLICE_BYTES = 8192, SLICE_TURNS = 32, TEXT_BYTES = 128 * 1024 };
enum { LOOK_MS = 1000, GATHER_MS = 20, RETRY_MS = 5000, NICE = 19 };

struct batch {
    struct meaning *m;
    struct arena *a;
    struct turn *turns;
    int limit;      /* of turns */
    size_t n, done; /* turns; embedded */
    float *vectors;
};

/* ---- a batch ---- */
/* Is the file of this store? Another one may have been put in its place from a backup. */
static enum err_code check_anchor(struct batch *b, struct store_tx *tx, const struct vectors_state *s, int64_t last,
                                  struct err *e)
{
    struct turn t;
    struct err found = {0};
    if (s->last == 0)
        return ERR_OK;
    enum err_code code = turn_by_seq(tx, b->a, s->last, &t, &found);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", found.message);
    if (last < s->last || (code == ERR_OK && vectors_anchor(t.id) != s->anchor))
        return err_set(e, ERR_CORRUPT, NULL, "the vectors are of another store");
    return ERR_OK;
}

static enum err_code read_turns(struct batch *b, struct err *e)
{
    struct vectors_state s;
    struct store_tx *tx = NULL;
    vectors_state(b->m->vectors, &s);
    enum err_code code = store_read_begin(b->m->store, &tx, e);
    if (code)
        return code;
    int64_t last = turns_last_seq(tx);
    if (last > 0) /* 0 is also said when the store fails */
        code = check_anchor(b, tx, &s, last, e);
    if (code == ERR_OK && last > s.last)
        code = turns_after(tx, b->a, STR_NONE, s.last, b->limit, false, &b->turns, &b->n, e);
    store_read_end(tx);
    return code;
}

/* "agent: content", since who says it is part of what it means. */
static struct str text_of(struct arena *a, const struct turn *t)
{
    size_t n = t->content.n < TEXT_BYTES ? t->content.n : TEXT_BYTES;
    return arena_fmt(a, "%.*s: %.*s", STR_ARG(t->agent), (int)n, t->content.p ? t->content.p : "");
}

static enum err_code embed_slice(struct batch *b, struct err *e)
{
    struct str texts[SLICE_TURNS];
    size_t n = 0, bytes = 0;
    for (; b->done + n < b->n && n < SLICE_TURNS && (n == 0 || bytes < SLICE_BYTES); n++) {
        texts[n] = text_of(b->a, &b->turns[b->done + n]);
        if (!texts[n].p)
            return err_nomem(e);
        bytes += texts[n].n;
    }
    enum err_code code = embed_texts(b->m->embedder, texts, n, EMBED_DOCUMENT,
                                     b->vectors + b->done * embed_dimensions(b->m->embedder), e);
    b->done += code ? 0 : n;
    return code;
}

static enum err_code append(struct batch *b, struct err *e)
{
    struct vector_row *rows = arena_array(b->a, struct vector_row, b->done + 1);
    if (!rows)
        return err_nomem(e);
    for (size_t i = 0; i < b->done; i++) {
        const struct turn *t = &b->turns[i];
        rows[i] = (struct vector_row){t->seq, t->id, t->session_id, t->project,
                                      b->vectors + i * embed_dimensions(b->m->embedder)};
    }
    return vectors_append(b->m->vectors, rows, b->done, e);
}

static enum err_code run_batch(struct batch *b, struct err *e)
{
    enum err_code code = vectors_claim(b->m->vectors, e);
    if (code == ERR_OK)
        code = read_turns(b, e);
    if (code || b->n == 0)
        return code;
    b->vectors = arena_array(b->a, float, b->n *embed_dimensions(b->m->embedder));
    if (!b->vectors)
        return err_nomem(e);
    while (code == ERR_OK && b->done < b->n && !meaning_stopping(b->m))
        code = embed_slice(b, e);
    struct err later = {0};
    enum err_code kept = append(b, &later); /* what there is, also when the rest failed */
    return code ? code : kept ? err_set(e, kept, NULL, "%s", later.message) : ERR_OK;
}

/* A hundred very long turns may be more than memory has room for: then fewer. */
enum err_code meaning_batch(struct meaning *m, size_t *n, struct err *e)
{
    *n = 0;
    for (int limit = BATCH;; limit = limit > 16 ? limit / 16 : 1) {
        struct batch b = {.m = m, .a = arena_new(), .limit = limit};
        struct err own = {0};
        if (!b.a)
            return err_nomem(e);
        enum err_code code = run_batch(&b, &own);
        *n = b.done;
        arena_free(b.a);
        if (code == ERR_OK)
            return ERR_OK;
        if (code != ERR_NOMEM || limit == 1)
            return err_set(e, code, NULL, "%s", own.message);
    }
}

/* ---- the thread ---- */
/* Waits until woken or stopped, at most ms. True: stop. */
static bool wait_for(struct meaning *m, int ms, bool until_woken)
{
    struct timespec at;
    clock_after(ms, &at);
    pthread_mutex_lock(&m->lock);
    int rc = 0;
    while (!m->stop && !(until_woken && m->woken) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&m->wake, &m->lock, &at);
    bool stop = m->stop;
    m->woken = m->woken && !until_woken;
    pthread_mutex_unlock(&m->lock);
    return stop;
}

static void tell(struct meaning *m, const char *event, const struct err *e)
{
    if (e->code != m->failing)
        log_error(event, e);
    m->failing = e->code;
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

/* Embeds all there is; false when something is in the way that waiting may mend. */
static bool drain(struct meaning *m)
{
    size_t n = 1;
    while (n > 0 && !meaning_stopping(m)) {
        struct err e = {0};
        enum err_code code = meaning_batch(m, &n, &e);
        if (code == ERR_CORRUPT && mend(m, &e)) {
            n = 1;
            continue;
        }
        if (code && code != ERR_BUSY)
            tell(m, "vectors_feed_failed", &e);
        if (code)
            return false;
    }
    m->failing = ERR_OK;
    return true;
}

static bool load(struct meaning *m)
{
    struct err e = {0};
    int64_t start = clock_mono_us();
    enum err_code code = meaning_load(m, &e);
    pthread_mutex_lock(&m->lock);
    m->loading = false;
    pthread_mutex_unlock(&m->lock);
    if (code == ERR_OK)
        log_event(LOG_INFO, "model_loaded", L_CSTR("id", embed_model_id(m->embedder)),
                  L_CSTR("kernels", embed_kernels(m->embedder)), L_INT("ms", (clock_mono_us() - start) / 1000));
    else
        log_error("model_not_loaded", &e);
    return code == ERR_OK;
}

void *meaning_thread(void *arg)
{
    struct meaning *m = arg;
    struct err e = {0};
    bool well = true;
    int64_t seen = -1;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread; failing is no harm */
    if (!load(m) || m->read_only)
        return NULL;
    if (vectors_claim(m->vectors, NULL) == ERR_OK && vectors_check(m->vectors, &e) == ERR_CORRUPT)
        (void)mend(m, &e);
    for (;;) {
        if (wait_for(m, well ? (seen < 0 ? 0 : LOOK_MS) : RETRY_MS, well) || wait_for(m, GATHER_MS, false))
            return NULL;
        int64_t now = store_change_count(m->store);
        if (now == seen && well)
            continue;
        seen = now;
        well = drain(m);
    }
}
