/* A batch of turns and their vectors: read behind the watermark, embedded slice by slice (on several threads where the
 * setting embedding.threads says so), appended in order. What was embedded is kept also when the rest failed. */
#include "search/meaning_int.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/thread.h"
#include "store/turns.h"

#include <time.h>

/* Turns read at once; text of one turn that is looked at (more than all windows of a model hold). After so many slices
 * a thread what there is is appended, so that long texts do not keep the vectors of others waiting. */
enum { BATCH = 128, TEXT_BYTES = 128 * 1024, THREADS_MAX = 16, SLICES_A_THREAD = 8 };
/* Questions go first, but documents are never held up for longer by them. Where more turns than this come in a second,
 * whoever writes them needs the processors more: then there is a pause before each slice. Niceness alone does not do,
 * since a thread that was woken waits for the other's turn to end, some milliseconds for each of its commits. */
enum { MAKE_WAY_MS = 20, LOOK_AGAIN_US = 500, PRESSED_TURNS = 500, PRESSED_PAUSE_MS = 100 };

struct batch {
    struct meaning *m;
    struct arena *a;
    struct turn *turns;
    struct str *texts;
    float *vectors;
    int limit;   /* of turns */
    size_t n;    /* turns */
    size_t done; /* the first so many are embedded */

    /* While several threads work, under `lock`. */
    pthread_mutex_t lock;
    size_t next;   /* the first that no slice has taken */
    size_t bytes;  /* of the texts before it */
    size_t failed; /* where the first slice that failed began; n: none did */
    struct err why;
};

/* ---- reading ---- */
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

static void look_at_pace(struct meaning *m, int64_t last)
{
    int64_t now = clock_mono_us();
    m->pressed = m->looked_us && (last - m->looked_last) * 1000000 > (now - m->looked_us) * PRESSED_TURNS;
    m->looked_us = now;
    m->looked_last = last;
}

static enum err_code read_turns(struct batch *b, struct err *e)
{
    struct vectors_state s;
    struct store_tx *tx = NULL;
    vectors_state(b->m->vectors, &s);
    enum err_code code = store_read_begin(b->m->o.store, &tx, e);
    if (code)
        return code;
    int64_t last = turns_last_seq(tx);
    if (last > 0) /* 0 is also said when the store fails */
        code = check_anchor(b, tx, &s, last, e);
    if (code == ERR_OK && last > s.last)
        code = turns_after(tx, b->a, STR_NONE, s.last, b->limit, false, &b->turns, &b->n, e);
    store_read_end(tx);
    look_at_pace(b->m, last);
    return code;
}

/* "agent: content", since who says it is part of what it means. */
static enum err_code write_texts(struct batch *b, struct err *e)
{
    b->texts = arena_array(b->a, struct str, b->n);
    b->vectors = arena_array(b->a, float, b->n * b->m->encoder->dimensions);
    for (size_t i = 0; b->texts && i < b->n; i++) {
        const struct turn *t = &b->turns[i];
        struct str content = turn_left_out(t) ? STR("") : text_cut(t->content, TEXT_BYTES);
        b->texts[i] = arena_fmt(b->a, "%.*s: %.*s", STR_ARG(t->agent), (int)content.n, content.p ? content.p : "");
    }
    return arena_failed(b->a) ? err_nomem(e) : ERR_OK;
}

/* ---- embedding ---- */
/* Nothing more is begun when a slice failed, or there is enough to append. */
static bool goes_on(const struct batch *b)
{
    size_t most = SLICES_A_THREAD * b->m->encoder->slice_bytes * (size_t)b->m->o.threads;
    return b->failed == b->n && b->bytes < most && b->next < b->n;
}

static bool take_slice(struct batch *b, size_t *from, size_t *n)
{
    const struct encoder *c = b->m->encoder;
    pthread_mutex_lock(&b->lock);
    size_t start = b->bytes;
    bool some = goes_on(b);
    *from = b->next;
    for (*n = 0; some && b->next < b->n && *n < c->slice_texts && (*n == 0 || b->bytes - start < c->slice_bytes); ++*n)
        b->bytes += b->texts[b->next++].n;
    pthread_mutex_unlock(&b->lock);
    return *n > 0;
}

/* ERR_CORRUPT is kept for the file of vectors, which is then made anew: a model's is another matter. */
static void note_failure(struct batch *b, size_t from, const struct err *e)
{
    pthread_mutex_lock(&b->lock);
    if (from < b->failed) {
        b->failed = from;
        b->why = *e;
        b->why.code = e->code == ERR_CORRUPT ? ERR_UNAVAILABLE : e->code;
    }
    pthread_mutex_unlock(&b->lock);
}

/* A question is answered before the next slice begins, if it comes to that soon. */
static void make_way(struct meaning *m)
{
    const struct timespec moment = {0, LOOK_AGAIN_US * 1000L}, pause = {0, PRESSED_PAUSE_MS * 1000000L};
    if (m->pressed)
        nanosleep(&pause, NULL);
    for (int i = 0; atomic_load(&m->asking) > 0 && i < MAKE_WAY_MS * 1000 / LOOK_AGAIN_US; i++)
        nanosleep(&moment, NULL);
}

static void *embed_slices(void *arg)
{
    struct batch *b = arg;
    const struct encoder *c = b->m->encoder;
    size_t from, n;
    while (!meaning_stopping(b->m) && take_slice(b, &from, &n)) {
        struct err why = {0};
        const struct encoder_task task = {.texts = b->texts + from, .n = n, .use = EMBED_DOCUMENT};
        if (!c->remote)
            make_way(b->m);
        if (c->encode(c, &task, b->vectors + from * c->dimensions, &why))
            note_failure(b, from, &why);
    }
    return NULL;
}

static void *helper(void *arg)
{
    thread_nice(THREAD_NICE_LEAST);
    return embed_slices(arg);
}

/* Helpers live for one batch: making one costs less than a hundredth of what it embeds. */
static enum err_code embed_all(struct batch *b, struct err *e)
{
    pthread_t helpers[THREADS_MAX];
    int wanted = b->m->o.threads < THREADS_MAX ? b->m->o.threads - 1 : THREADS_MAX - 1, n = 0;
    pthread_mutex_init(&b->lock, NULL);
    b->failed = b->n;
    while (n < wanted && (size_t)n + 1 < b->n && pthread_create(&helpers[n], NULL, helper, b) == 0)
        n++;
    embed_slices(b);
    while (n > 0)
        pthread_join(helpers[--n], NULL);
    pthread_mutex_destroy(&b->lock);
    b->done = b->failed < b->next ? b->failed : b->next;
    if (b->failed == b->n)
        return ERR_OK;
    if (e)
        *e = b->why;
    return b->why.code;
}

static void fill_rows(const struct batch *b, struct vector_row *rows)
{
    for (size_t i = 0; i < b->done; i++) {
        const struct turn *t = &b->turns[i];
        rows[i] = (struct vector_row){.seq = t->seq,
                                      .turn_id = t->id,
                                      .session_id = t->session_id,
                                      .project = t->project,
                                      .v = b->vectors + i * b->m->encoder->dimensions,
                                      .conversation_id = t->conversation_id,
                                      .timestamp = t->timestamp};
    }
}

enum err_code meaning_embed(struct meaning *m, struct arena *a, struct turn *turns, size_t n, struct vector_row *rows,
                            size_t *done, struct err *e)
{
    struct batch b = {.m = m, .a = a, .turns = turns, .n = n};
    enum err_code code = write_texts(&b, e);
    if (!code)
        code = embed_all(&b, e);
    if (!code)
        fill_rows(&b, rows);
    *done = code ? 0 : b.done;
    return code;
}

static enum err_code append(struct batch *b, struct err *e)
{
    struct vector_row *rows = arena_array(b->a, struct vector_row, b->done + 1);
    if (!rows)
        return err_nomem(e);
    fill_rows(b, rows);
    return vectors_append_living(b->m->vectors, rows, b->done, meaning_gone, b->m->o.store, e);
}

static enum err_code run_batch(struct batch *b, struct err *e)
{
    enum err_code code = vectors_claim(b->m->vectors, e);
    if (code == ERR_OK)
        code = read_turns(b, e);
    if (code || b->n == 0)
        return code;
    code = write_texts(b, e);
    if (code)
        return code;
    code = embed_all(b, e);
    struct err later = {0};
    enum err_code kept = append(b, &later); /* what there is, also when the rest failed */
    return code ? code : kept ? err_set(e, kept, NULL, "%s", later.message) : ERR_OK;
}

/* Turns a second, lately: a slow moving mean, so that what it says of the time left does not jump. */
static void note_rate(struct meaning *m, size_t n, int64_t us)
{
    double rate = us > 0 ? (double)n * 1e6 / (double)us : 0;
    pthread_mutex_lock(&m->lock);
    m->rate = m->rate > 0 ? 0.8 * m->rate + 0.2 * rate : rate;
    pthread_mutex_unlock(&m->lock);
}

/* A hundred very long turns may be more than memory has room for: then fewer. */
enum err_code meaning_batch(struct meaning *m, size_t *n, struct err *e)
{
    *n = 0;
    for (int limit = BATCH;; limit = limit > 16 ? limit / 16 : 1) {
        struct batch b = {.m = m, .a = arena_new(), .limit = limit};
        struct err own = {0};
        int64_t start = clock_mono_us();
        if (!b.a)
            return err_nomem(e);
        enum err_code code = run_batch(&b, &own);
        *n = b.done;
        if (b.done > 0)
            note_rate(m, b.done, clock_mono_us() - start);
        arena_free(b.a);
        if (code == ERR_OK)
            return ERR_OK;
        if (code != ERR_NOMEM || limit == 1) {
            if (e)
                *e = own;
            return code;
        }
    }
}
