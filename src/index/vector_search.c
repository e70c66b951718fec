/* Search by meaning: all rows of the scope are scored, or, when there are very many, those whose one-bit vectors
 * are nearest. Memory: the heap of the best, and two bytes a row in the latter case. */
#include "index/vectors_int.h"

#include "base/clock.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How many are scored after the one-bit pass, for each one wanted, and at least. */
enum { RESCORE = 24, RESCORE_LEAST = 4000, OUTSIDE = UINT16_MAX };

/* Which rows may be read: asked once for each run of rows of one session. */
struct reading {
    uint64_t *sessions; /* hash << 1 | may be read; NULL: all rows may */
    uint64_t *projects; /* hash */
    size_t n_sessions, n_projects;
    bool known, verdict; /* of the row before */
    uint32_t session, project;
};

struct scan {
    const struct vectors *v;
    const struct vector_query *q;
    const struct vector_math *math;
    struct snapshot s;
    uint32_t session, project;
    int16_t query[VECTORS_DIMENSIONS_MAX + VECTOR_ALIGN];
    uint64_t bits[VECTORS_DIMENSIONS_MAX / 64 + 1];
    float scale;
    struct vector_hit *best; /* a heap, the worst on top */
    size_t n;
    struct reading reading;
};

static int compare_marks(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The view's names as the hashes that rows know them by, sorted. */
static enum err_code prepare_reading(struct reading *r, const struct scope_view *v, struct err *e)
{
    if (!v)
        return ERR_OK;
    r->sessions = mem_alloc((v->n + 1) * sizeof *r->sessions);
    r->projects = mem_alloc((v->n_projects + 1) * sizeof *r->projects);
    if (!r->sessions || !r->projects)
        return err_nomem(e);
    for (size_t i = 0; i < v->n; i++)
        r->sessions[i] = (uint64_t)vector_hash(v->exceptions[i].session_id) << 1 | v->exceptions[i].reads;
    for (size_t i = 0; i < v->n_projects; i++)
        r->projects[i] = vector_hash(v->projects[i]);
    r->n_sessions = v->n;
    r->n_projects = v->n_projects;
    qsort(r->sessions, r->n_sessions, sizeof *r->sessions, compare_marks);
    qsort(r->projects, r->n_projects, sizeof *r->projects, compare_marks);
    return ERR_OK;
}

static bool has_mark(const uint64_t *marks, size_t n, uint64_t mark)
{
    return n > 0 && bsearch(&mark, marks, n, sizeof mark, compare_marks) != NULL;
}

/* Of two sessions with one hash the readable one decides: whoever asks looks the turn up in the store. */
static bool may_read(struct reading *r, uint32_t session, uint32_t project)
{
    if (!r->sessions || (r->known && r->session == session && r->project == project))
        return !r->sessions || r->verdict;
    r->known = true;
    r->session = session;
    r->project = project;
    if (has_mark(r->sessions, r->n_sessions, (uint64_t)session << 1 | 1))
        r->verdict = true;
    else if (has_mark(r->sessions, r->n_sessions, (uint64_t)session << 1))
        r->verdict = false;
    else
        r->verdict = has_mark(r->projects, r->n_projects, project);
    return r->verdict;
}

static bool in_scope(struct scan *c, const struct block *b, size_t i)
{
    if (c->q->session_id.p)
        return b->session[i] == c->session;
    return (!c->q->project.p || b->project[i] == c->project) && may_read(&c->reading, b->session[i], b->project[i]);
}

static float score_of(const struct scan *c, const struct block *b, size_t i)
{
    int64_t dot = c->math->dot(c->query, b->codes + i * c->v->width, c->v->width);
    return (float)dot * c->scale * b->scale[i];
}

static bool worse(const struct vector_hit *a, const struct vector_hit *b)
{
    return a->score != b->score ? a->score < b->score : a->seq < b->seq; /* of equals the newer one is better */
}

static void sink(struct vector_hit *h, size_t n, size_t i)
{
    for (;;) {
        size_t low = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < n; k++)
            if (worse(&h[k], &h[low]))
                low = k;
        if (low == i)
            return;
        struct vector_hit t = h[i];
        h[i] = h[low];
        h[low] = t;
        i = low;
    }
}

static void offer(struct scan *c, struct vector_hit h)
{
    if (c->n < c->q->best) {
        c->best[c->n++] = h;
        if (c->n == c->q->best)
            for (size_t i = c->n / 2; i-- > 0;)
                sink(c->best, c->n, i);
    } else if (worse(&c->best[0], &h)) {
        c->best[0] = h;
        sink(c->best, c->n, 0);
    }
}

static int best_first(const void *a, const void *b)
{
    return worse(b, a) ? -1 : worse(a, b);
}

static enum err_code late(const struct scan *c, struct err *e)
{
    bool passed = c->q->deadline_us && clock_mono_us() > c->q->deadline_us;
    return passed ? err_set(e, ERR_TIMEOUT, NULL, "the search took too long") : ERR_OK;
}

static size_t count(struct scan *c)
{
    struct block b;
    size_t n = 0;
    if (!c->q->session_id.p && !c->q->project.p && !c->q->view)
        return (size_t)c->s.rows;
    for (size_t at = 0; snapshot_next(&c->s, c->v->width, &at, &b);)
        for (size_t i = 0; i < b.head->n; i++)
            n += in_scope(c, &b, i);
    return n;
}

/* The next block, unless there are more rows than were counted. */
static bool next(const struct scan *c, size_t *at, size_t rows, struct block *b)
{
    return snapshot_next(&c->s, c->v->width, at, b) && rows + b->head->n <= (size_t)c->s.rows;
}

/* Scores the rows of the scope; with `differ`, those of them that differ in at most `most` bits. */
static enum err_code score_rows(struct scan *c, const uint16_t *differ, unsigned most, struct err *e)
{
    struct block b;
    size_t row = 0;
    for (size_t at = 0; next(c, &at, row, &b);) {
        for (size_t i = 0; i < b.head->n; i++, row++)
            if (differ ? differ[row] <= most : in_scope(c, &b, i))
                offer(c, (struct vector_hit){b.head->first + b.seq[i], score_of(c, &b, i)});
        if (late(c, e))
            return ERR_TIMEOUT;
    }
    return ERR_OK;
}

/* How many bits of each row differ (OUTSIDE: not in the scope), and below which number enough of them lie. */
static enum err_code pass_bits(struct scan *c, uint16_t *differ, unsigned *most, struct err *e)
{
    struct block b;
    uint32_t rows[VECTORS_DIMENSIONS_MAX + VECTOR_ALIGN] = {0};
    size_t row = 0, words = c->v->width / 64, enough = c->q->best * RESCORE;
    enough = enough < RESCORE_LEAST ? RESCORE_LEAST : enough;
    for (size_t at = 0; next(c, &at, row, &b);) {
        for (size_t i = 0; i < b.head->n; i++, row++) {
            differ[row] = OUTSIDE;
            if (!in_scope(c, &b, i))
                continue;
            unsigned d = c->math->differ(c->bits, b.bits + i * words, words);
            differ[row] = (uint16_t)d;
            rows[d]++;
        }
        if (late(c, e))
            return ERR_TIMEOUT;
    }
    size_t sum = 0;
    for (*most = 0; *most < c->v->width; ++*most)
        if ((sum += rows[*most]) >= enough)
            break;
    return ERR_OK;
}

static enum err_code scan_many(struct scan *c, struct err *e)
{
    unsigned most = 0;
    uint16_t *differ = mem_alloc((size_t)c->s.rows * sizeof *differ);
    if (!differ)
        return err_nomem(e);
    enum err_code code = pass_bits(c, differ, &most, e);
    if (code == ERR_OK)
        code = score_rows(c, differ, most, e);
    mem_free(differ);
    return code;
}

static void prepare(struct scan *c, struct vectors *v, const float *query)
{
    c->v = v;
    c->math = vector_math();
    vector_query(query, v->dimensions, v->width, c->query, c->bits, &c->scale);
    snapshot_take(v, &c->s);
}

enum err_code vectors_search(struct vectors *v, const struct vector_query *q, struct vector_hit *out, size_t *n,
                             struct err *e)
{
    struct scan c = {.q = q, .best = out, .session = vector_hash(q->session_id), .project = vector_hash(q->project)};
    *n = 0;
    if (q->best == 0 || q->best > VECTORS_BEST_MAX)
        return err_set(e, ERR_INVALID, NULL, "1 to %d vectors can be asked for", VECTORS_BEST_MAX);
    prepare(&c, v, q->v);
    enum err_code code = prepare_reading(&c.reading, q->session_id.p ? NULL : q->view, e);
    if (!code)
        code = c.s.rows > VECTORS_EXACT_MAX && count(&c) > VECTORS_EXACT_MAX ? scan_many(&c, e)
                                                                             : score_rows(&c, NULL, 0, e);
    snapshot_drop(&c.s);
    mem_free(c.reading.sessions);
    mem_free(c.reading.projects);
    if (code)
        return code;
    if (c.n > 1)
        qsort(out, c.n, sizeof *out, best_first);
    *n = c.n;
    return ERR_OK;
}

/* The row of a block whose seq is `seq`, or n. */
static size_t row_of(const struct block *b, int64_t seq)
{
    size_t low = 0, high = b->head->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (b->head->first + b->seq[mid] < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low < b->head->n && b->head->first + b->seq[low] == seq ? low : b->head->n;
}

enum err_code vectors_scores(struct vectors *v, const float *query, const int64_t *seqs, size_t n, float *out,
                             struct err *e)
{
    struct scan c = {.q = NULL};
    struct block b;
    size_t k = 0;
    (void)e;
    prepare(&c, v, query);
    for (size_t at = 0; k < n && snapshot_next(&c.s, v->width, &at, &b);) {
        for (; k < n && seqs[k] < b.head->first; k++)
            out[k] = NAN;
        for (; k < n && seqs[k] <= b.head->last; k++) {
            size_t i = row_of(&b, seqs[k]);
            out[k] = i < b.head->n ? score_of(&c, &b, i) : NAN;
        }
    }
    for (; k < n; k++)
        out[k] = NAN;
    snapshot_drop(&c.s);
    return ERR_OK;
}
