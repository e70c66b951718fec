/* Search by meaning. For each block that is not spared by its summary: the rows that pass the filters; how many bits of
 * theirs differ from the question's; those among the nearest so far are kept. Then the nearest by bits are scored by
 * all nine bits of each dimension, and the best of them are the answer. Where no more rows pass than are scored anyhow,
 * the answer is exact.
 *
 * How near is near falls while more are found: `most` is such that, of the rows seen, `enough` differ in so many bits
 * or fewer. Memory: a few times `enough`, more only where very many rows differ in the same number of bits. */
#include "index/vectors_int.h"

#include "base/clock.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How many are scored after the first pass: RESCORE for each one wanted, and RESCORE_LEAST more; so few rows of a block
 * are looked at one by one; after so many blocks, and so many rows scored, the clock is looked at; rows fetched ahead.
 */
enum { RESCORE = 5, RESCORE_LEAST = 2000, FEW = 16, LOOK_BLOCKS = 16, LOOK_ROWS = 256, AHEAD = 8 };
enum { CACHE_LINE = 64 };

struct found {
    uint32_t block;
    uint16_t row, differ;
};
struct scan {
    const struct vector_query *q;
    const struct vector_math *math;
    struct snapshot s;
    struct filter filter;
    struct vector_asked asked;
    size_t width;
    struct vector_hit *best; /* a heap, the worst on top */
    size_t n;
    struct found *found;
    size_t n_found, room, enough, kept; /* kept: of the found, those that differ in at most `most` bits */
    unsigned most;
    uint32_t rows[VECTORS_DIMENSIONS_MAX + VECTOR_ALIGN + 1]; /* kept ones by how many bits differ */
};

/* ---- the best ---- */
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

/* ---- scoring ---- */
static const uint64_t *bits_of(const struct block *b, size_t i, size_t width)
{
    return b->bits + i * (width / 64);
}

static float score_row(const struct scan *c, const struct block *b, size_t i)
{
    int64_t dot = c->math->dot(c->asked.v, bits_of(b, i, c->width), b->codes + i * c->width, c->width);
    return vector_score(&c->asked, dot, b->step[i]);
}

static float score_tail(const struct scan *c, const char *row)
{
    const struct tail_row *r = (const void *)row;
    int64_t dot = c->math->dot(c->asked.v, tail_row_bits(row), tail_row_codes(row, c->width), c->width);
    return vector_score(&c->asked, dot, (uint8_t)r->step);
}

static void fetch(const void *p, size_t n)
{
    for (size_t at = 0; at < n; at += CACHE_LINE)
        __builtin_prefetch((const char *)p + at);
}

static void fetch_row(const struct scan *c, const struct block *b, size_t i)
{
    __builtin_prefetch(b->step + i);
    fetch(bits_of(b, i, c->width), c->width / 8);
    fetch(b->codes + i * c->width, c->width);
}

static enum err_code late(const struct scan *c, struct err *e)
{
    bool passed = c->q->deadline_us && clock_mono_us() > c->q->deadline_us;
    return passed ? err_set(e, ERR_TIMEOUT, NULL, "the search took too long") : ERR_OK;
}

/* ---- the first pass ---- */
/* Makes room: by dropping what is too far by now, or else by growing. */
static enum err_code make_room(struct scan *c, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_found; i++)
        if (c->found[i].differ <= c->most)
            c->found[n++] = c->found[i];
    c->n_found = n;
    if (n + VECTORS_BLOCK <= c->room)
        return ERR_OK;
    size_t room = 2 * (n + VECTORS_BLOCK);
    struct found *more = mem_grow(c->found, room * sizeof *more);
    if (!more)
        return err_nomem(e);
    c->found = more;
    c->room = room;
    return ERR_OK;
}

static void keep(struct scan *c, struct found f)
{
    c->found[c->n_found++] = f;
    c->rows[f.differ]++;
    c->kept++;
    while (c->kept - c->rows[c->most] >= c->enough)
        c->kept -= c->rows[c->most--];
}

/* The bits of the block after k, which lie as those of k do; its head is asked for already. */
static const uint64_t *fetch_next(const struct scan *c, const struct block *b, size_t k)
{
    if (k + 1 >= c->s.blocks)
        return b->bits;
    const char *next = vectors_block(c->s.v, c->s.mapping, k + 1);
    __builtin_prefetch(next);
    __builtin_prefetch(next + CACHE_LINE);
    return (const void *)(next + ((const char *)b->bits - (const char *)b->head));
}

/* Its session and project are looked up (and waited for) only where there is a view. */
static bool reads(struct scan *c, const struct block *b, size_t i)
{
    return !c->filter.slots || filter_reads(&c->filter, b->session[i], b->project[i]);
}

static void scan_dense(struct scan *c, const struct block *b, size_t k, const uint64_t mask[VECTOR_MASK])
{
    uint16_t differ[VECTORS_BLOCK];
    uint64_t near[VECTOR_MASK];
    c->math->differ(c->asked.bits, b->bits, fetch_next(c, b, k), c->width / 64, c->most, differ, near);
    for (size_t w = 0; w < VECTOR_MASK; w++)
        for (uint64_t left = near[w] & mask[w]; left; left &= left - 1) {
            size_t i = 64 * w + (size_t)__builtin_ctzll(left);
            if (differ[i] <= c->most && reads(c, b, i))
                keep(c, (struct found){(uint32_t)k, (uint16_t)i, differ[i]});
        }
}

/* Row by row, where hardly any of them passes. */
static void scan_few(struct scan *c, const struct block *b, size_t k, const uint64_t mask[VECTOR_MASK])
{
    for (size_t w = 0; w < VECTOR_MASK; w++)
        for (uint64_t left = mask[w]; left; left &= left - 1) {
            size_t i = 64 * w + (size_t)__builtin_ctzll(left);
            unsigned differ = c->math->differ_one(c->asked.bits, bits_of(b, i, c->width), c->width / 64);
            if (differ <= c->most && reads(c, b, i))
                keep(c, (struct found){(uint32_t)k, (uint16_t)i, (uint16_t)differ});
        }
}

static enum err_code first_pass(struct scan *c, struct err *e)
{
    for (size_t k = 0; k < c->s.blocks; k++) {
        struct block b;
        uint64_t mask[VECTOR_MASK];
        if (k % LOOK_BLOCKS == 0 && late(c, e))
            return ERR_TIMEOUT;
        if (!snapshot_block(&c->s, k, &b) || filter_skips(&c->filter, snapshot_summary(&c->s, k)))
            continue;
        size_t n = filter_block(&c->filter, &b, mask);
        if (n == 0)
            continue;
        if (c->n_found + VECTORS_BLOCK > c->room && make_room(c, e))
            return ERR_NOMEM;
        if (n <= FEW)
            scan_few(c, &b, k, mask);
        else
            scan_dense(c, &b, k, mask);
    }
    return ERR_OK;
}

/* ---- the second ---- */
static void fetch_found(const struct scan *c, size_t i)
{
    struct block b;
    if (i < c->n_found && snapshot_block(&c->s, c->found[i].block, &b))
        fetch_row(c, &b, c->found[i].row);
}

static enum err_code second_pass(struct scan *c, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_found; i++)
        if (c->found[i].differ <= c->most)
            c->found[n++] = c->found[i];
    c->n_found = n;
    for (size_t i = 0; i < AHEAD; i++)
        fetch_found(c, i);
    for (size_t i = 0; i < n; i++) {
        struct block b;
        const struct found *f = &c->found[i];
        fetch_found(c, i + AHEAD);
        if (snapshot_block(&c->s, f->block, &b) && snapshot_codes(&c->s, f->block)) {
            float score = score_row(c, &b, f->row);
            if (c->n < c->q->best || score >= c->best[0].score) /* few are: the others' seqs are not waited for */
                offer(c, (struct vector_hit){b.head->first + b.seq[f->row], score});
        }
        if (i % LOOK_ROWS == 0 && late(c, e))
            return ERR_TIMEOUT;
    }
    return ERR_OK;
}

static void scan_tail(struct scan *c)
{
    for (size_t i = c->s.tail_from; i < c->s.tail_to; i++) {
        const char *row = snapshot_tail(&c->s, i);
        const struct tail_row *r = (const void *)row;
        if (filter_row(&c->filter, r))
            offer(c, (struct vector_hit){r->seq, score_tail(c, row)});
    }
}

static void prepare(struct scan *c, struct vectors *v, const float *query)
{
    c->math = v->math;
    c->width = v->width;
    vector_ask(query, v->dimensions, v->width, &c->asked);
    (void)snapshot_take(v, &c->s, NULL);
}

static enum err_code run(struct scan *c, struct err *e)
{
    c->most = (unsigned)c->width;
    c->enough = c->q->best * RESCORE + RESCORE_LEAST;
    c->room = 4 * c->enough + VECTORS_BLOCK;
    c->found = mem_alloc(c->room * sizeof *c->found);
    if (!c->found)
        return err_nomem(e);
    scan_tail(c);
    enum err_code code = first_pass(c, e);
    return code ? code : second_pass(c, e);
}

enum err_code vectors_search(struct vectors *v, const struct vector_query *q, struct vector_hit *out, size_t *n,
                             struct err *e)
{
    *n = 0;
    if (q->best == 0 || q->best > VECTORS_BEST_MAX)
        return err_set(e, ERR_INVALID, NULL, "1 to %d vectors can be asked for", VECTORS_BEST_MAX);
    struct scan *c = mem_zalloc(sizeof *c);
    if (!c)
        return err_nomem(e);
    c->q = q;
    c->best = out;
    prepare(c, v, q->v);
    enum err_code code = filter_prepare(&c->filter, q, v->math, e);
    if (code == ERR_OK)
        code = run(c, e);
    if (code == ERR_OK && c->n > 1)
        qsort(out, c->n, sizeof *out, best_first);
    *n = code ? 0 : c->n;
    snapshot_drop(&c->s);
    filter_release(&c->filter);
    mem_free(c->found);
    mem_free(c);
    return code;
}

/* ---- the scores of some ---- */
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

static float score_of_seq(const struct scan *c, int64_t seq, size_t *k, size_t *t)
{
    struct block b;
    while (*k < c->s.blocks && (!snapshot_block(&c->s, *k, &b) || snapshot_summary(&c->s, *k)->through < seq))
        ++*k;
    if (*k < c->s.blocks) {
        size_t i = row_of(&b, seq);
        return i < b.head->n && snapshot_codes(&c->s, *k) ? score_row(c, &b, i) : NAN;
    }
    for (; *t < c->s.tail_to; ++*t) {
        const char *row = snapshot_tail(&c->s, *t);
        if (((const struct tail_row *)(const void *)row)->seq >= seq)
            return ((const struct tail_row *)(const void *)row)->seq == seq ? score_tail(c, row) : NAN;
    }
    return NAN;
}

enum err_code vectors_scores(struct vectors *v, const float *query, const int64_t *seqs, size_t n, float *out,
                             struct err *e)
{
    struct scan *c = mem_zalloc(sizeof *c);
    if (!c)
        return err_nomem(e);
    prepare(c, v, query);
    size_t k = 0, t = c->s.tail_from;
    for (size_t i = 0; i < n; i++)
        out[i] = score_of_seq(c, seqs[i], &k, &t);
    snapshot_drop(&c->s);
    mem_free(c);
    return ERR_OK;
}
