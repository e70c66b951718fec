/* BM25 over all segments of a search, the best `limit` documents first (equals: the newest).
 *
 * The result is that of scoring every document: what is skipped is only what cannot be among the best any more.
 * Documents are gone through in windows of WINDOW numbers. For each window the skips of a term's blocks say what the
 * term can add at most. While the best are not all found yet, every posting counts. Then the terms that together cannot
 * lift a document among the best any more (the common ones, mostly) are only looked up for documents that another term
 * has brought: MaxScore, by windows. Sums made on the way are floats and only decide what to look at (with SLACK for
 * their rounding); a score that counts is summed in doubles, in the order of the terms.
 *
 * Cost: all postings of the terms in the scope at worst (equally long lists of equally common words), a fraction of it
 * as a rule. The deadline is looked at after each window. */
#include "index/engine.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Turns are short and of one kind, so length and repetition say less than in documents: b 0.4 and k1 0.9 did best on
 * five conversations (b 0.75, k1 1.2, usual for documents: 1.2 points of R@10 less). */
static const double K1 = 0.9, B = 0.4;
enum {
    WINDOW = 4096,
    WORD = 64,
    CHEAP = 16,       /* postings that can be gone through while one document is looked up */
    COUNT_ALL = 10000 /* postings in the scope: with no more than this, all matches are counted */
};
static const double SLACK = 1e-5;

double bm25_weight(double tf, double bytes, double average)
{
    return tf * (K1 + 1) / (tf + K1 * (1 - B + B * bytes / average));
}

double bm25_idf(double turns, double df)
{
    return log(1 + (turns - df + 0.5) / (df + 0.5));
}

/* ---- the weight of terms ---- */
/* In how many of the part's documents the term stands: by skips, without reading the list. */
static bool count_df(const struct part_of *p, const struct list *l, struct cursor *c, int64_t *df)
{
    *df = 0;
    if (l->df == 0)
        return true;
    if (p->n_ranges == 1 && p->ranges[0].from == 0 && p->ranges[0].to == p->s->foot.n_docs) {
        *df = l->df;
        return true;
    }
    if (!cursor_open(c, p->s, *l))
        return false;
    for (size_t i = 0; i < p->n_ranges; i++) {
        uint32_t from, to;
        if (!cursor_rank(c, p->ranges[i].from, &from) || !cursor_rank(c, p->ranges[i].to, &to))
            return false;
        *df += (int64_t)to - from;
    }
    return true;
}

enum err_code rank_weigh(struct ranking *r, struct err *e)
{
    struct cursor c;
    int64_t most = 0, all = 0;
    for (size_t k = 0; k < r->q->n_terms; k++) {
        int64_t df = 0, n;
        for (size_t i = 0; i < r->n_parts; i++) {
            if (!count_df(&r->parts[i], &r->parts[i].lists[k], &c, &n))
                return segment_bad(r->parts[i].s, e);
            df += n;
        }
        r->idf[k] = bm25_idf((double)r->turns, (double)df) * (r->q->weights ? r->q->weights[k] : 1);
        most = df > most ? df : most;
        all += df;
    }
    r->matches = most;
    r->count_all = all <= COUNT_ALL;
    return ERR_OK;
}

/* ---- the best so far: a heap with the worst on top ---- */
static bool better(const struct ranked *a, const struct ranked *b)
{
    return a->score != b->score ? a->score > b->score : a->seq > b->seq;
}

static void sift(struct ranked *h, size_t n, size_t i)
{
    for (;;) {
        size_t worst = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (better(&h[worst], &h[c]))
                worst = c;
        if (worst == i)
            return;
        struct ranked t = h[i];
        h[i] = h[worst];
        h[worst] = t;
        i = worst;
    }
}

static void offer(struct ranking *r, const struct ranked *c)
{
    if (r->n < r->limit) {
        r->best[r->n++] = *c;
        if (r->n == r->limit)
            for (size_t i = r->n / 2; i-- > 0;)
                sift(r->best, r->n, i);
    } else if (r->n > 0 && better(c, &r->best[0])) {
        r->best[0] = *c;
        sift(r->best, r->n, 0);
    }
}

static int compare_ranked(const void *a, const void *b)
{
    return better(b, a) - better(a, b);
}

/* ---- one part ---- */
struct walk { /* one term in one part */
    struct cursor scan, probe;
    double most;             /* what it can add in the window at most */
    uint32_t block, blocks;  /* its first block in the window, how many */
    float one[LENGTH_CODES]; /* what it adds where it stands once, for each length */
};
struct passing {
    struct ranking *r;
    const struct part_of *p;
    uint32_t part;
    struct walk *walks;
    size_t n;
};

static double score_of(const struct ranking *r, size_t k, unsigned tf, int length)
{
    return r->idf[k] * ((double)tf * (K1 + 1) / ((double)tf + r->norm[length]));
}

/* What a block of term k can add. */
static double block_most(const struct ranking *r, size_t k, const struct skip *s)
{
    double most = 0;
    for (unsigned i = 0; i < 4; i++)
        if (s->shortest[i] != LENGTH_NONE)
            most = fmax(most, score_of(r, k, i < 3 ? i + 1 : s->tf_most, s->shortest[i]));
    return most;
}

/* What term k can add to a document in [from, to). */
static bool window_most(struct ranking *r, struct walk *w, size_t k, uint32_t from, uint32_t to)
{
    struct cursor *c = &w->scan;
    w->most = 0;
    w->blocks = 1;
    if (c->list.df == 0)
        return true;
    if (!c->skips) { /* one short block */
        if (!cursor_load(c, 0))
            return false;
        for (uint32_t i = 0; i < c->n && w->most == 0; i++)
            if (c->docs[i] >= from && c->docs[i] < to)
                w->most = r->idf[k] * (K1 + 1);
        return true;
    }
    w->block = cursor_block_of(c, w->block, from);
    w->blocks = 0;
    for (uint32_t b = w->block; b < c->n_blocks && (b == w->block || cursor_skip(c, b - 1).last + 1 < to); b++) {
        struct skip s = cursor_skip(c, b);
        w->most = fmax(w->most, block_most(r, k, &s));
        w->blocks++;
    }
    return true;
}

struct window {
    uint32_t from, to;
    const uint8_t *lengths; /* of its documents */
    float sum[WINDOW];      /* of the terms that were added */
    uint64_t touched[WINDOW / WORD];
    uint32_t n_touched;
};

/* To every document of the window that has the term; with `touched_only`, to those that another one has brought. */
static void add_block(struct ranking *r, struct walk *w, size_t k, struct window *v, bool touched_only)
{
    const struct cursor *c = &w->scan;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t at = c->docs[i] - v->from;
        if (at >= v->to - v->from) /* before the window it wraps round and is larger still */
            continue;
        uint64_t *touched = &v->touched[at / WORD], bit = (uint64_t)1 << (at % WORD);
        bool known = *touched & bit;
        if (touched_only && !known)
            continue;
        uint8_t length = v->lengths[at];
        v->sum[at] += c->tf[i] == 1 ? w->one[length] : (float)score_of(r, k, c->tf[i], length);
        v->n_touched += !known;
        *touched |= bit;
    }
}

static bool add_term(struct ranking *r, struct walk *w, size_t k, struct window *v, bool touched_only)
{
    struct cursor *c = &w->scan;
    for (uint32_t b = c->skips ? w->block : 0; b < c->n_blocks; b++) {
        if (!cursor_load(c, b))
            return false;
        if (c->docs[0] >= v->to)
            break;
        add_block(r, w, k, v, touched_only);
        if (c->docs[c->n - 1] >= v->to)
            break;
    }
    return true;
}

/* ---- candidates ---- */
static bool in_time(const struct index_query *q, int64_t t)
{
    return (!q->from || t >= q->from) && (!q->to || t <= q->to);
}

bool rank_wants(const struct ranking *r, const struct part_of *p, uint32_t doc, bool *wanted)
{
    *wanted = !segment_is_dead(p->s, doc) && !(doc >= p->except.from && doc < p->except.to);
    if (!*wanted || (!r->q->from && !r->q->to))
        return true;
    const int64_t *t = segment_part(p->s, PART_TIME, doc, 1, sizeof *t);
    *wanted = t && in_time(r->q, *t);
    return t != NULL;
}

/* The order of terms in a window: those that are added, then the others, the one that can add most first. */
struct order {
    size_t term[INDEX_TERMS_MAX];
    size_t n, n_added;
    double rest[INDEX_TERMS_MAX + 1]; /* what the terms from here on can add together */
};

/* False: its segment is bad. */
static bool score_exactly(struct passing *g, uint32_t doc, int length)
{
    struct ranking *r = g->r;
    struct ranked c = {.part = g->part, .doc = doc};
    bool wanted;
    for (size_t k = 0; k < g->n; k++) {
        unsigned tf;
        if (!cursor_tf(&g->walks[k].probe, doc, &tf))
            return false;
        if (tf == 0)
            continue;
        c.score += score_of(r, k, tf, length);
        c.matched |= (uint32_t)1 << k;
    }
    if (r->n == r->limit && (r->n == 0 || c.score < r->best[0].score))
        return true;
    if (!rank_wants(r, g->p, doc, &wanted))
        return false;
    const uint32_t *seq = segment_part(g->p->s, PART_SEQ, doc, 1, sizeof *seq);
    if (!seq)
        return false;
    c.seq = g->p->s->foot.base + *seq;
    if (wanted)
        offer(r, &c);
    return true;
}

static bool full(const struct ranking *r)
{
    return r->n == r->limit;
}

static double bar(const struct ranking *r)
{
    return full(r) && r->limit > 0 ? r->best[0].score * (1 - SLACK) : 0;
}

static bool consider(struct passing *g, const struct window *v, const struct order *o, uint32_t at)
{
    struct ranking *r = g->r;
    double sum = v->sum[at], least = bar(r);
    uint32_t doc = v->from + at;
    for (size_t i = o->n_added; i < o->n; i++) {
        unsigned tf;
        if (sum + o->rest[i] < least)
            return true;
        if (!cursor_tf(&g->walks[o->term[i]].probe, doc, &tf))
            return false;
        if (tf)
            sum += score_of(r, o->term[i], tf, v->lengths[at]);
    }
    return sum < least || score_exactly(g, doc, v->lengths[at]);
}

static bool consider_all(struct passing *g, struct window *v, const struct order *o)
{
    for (uint32_t i = 0; i * WORD < v->to - v->from; i++) {
        uint64_t bits = v->touched[i];
        v->touched[i] = 0;
        for (; bits; bits &= bits - 1, g->r->touched++)
            if (!consider(g, v, o, i * WORD + (uint32_t)__builtin_ctzll(bits)))
                return false;
    }
    return true;
}

/* ---- windows ---- */
/* The strongest first; those at the end that together stay below the bar are not added. */
static void order_terms(struct passing *g, struct order *o)
{
    o->n = 0;
    for (size_t k = 0; k < g->n; k++) {
        size_t i = o->n;
        if (g->walks[k].most == 0)
            continue;
        for (; i > 0 && g->walks[o->term[i - 1]].most < g->walks[k].most; i--)
            o->term[i] = o->term[i - 1];
        o->term[i] = k;
        o->n++;
    }
    o->rest[o->n] = 0;
    o->n_added = o->n;
    for (size_t i = o->n; i-- > 0;)
        o->rest[i] = o->rest[i + 1] + g->walks[o->term[i]].most;
    while (full(g->r) && !g->r->count_all && o->n_added > 0 && o->rest[o->n_added - 1] < bar(g->r))
        o->n_added--;
}

/* Of the other terms, those of which the window has few postings for each document in question: going through them
 * costs less than looking each document up. */
static bool add_cheap(struct passing *g, struct window *v, struct order *o)
{
    for (; o->n_added < o->n; o->n_added++) {
        struct walk *w = &g->walks[o->term[o->n_added]];
        if ((uint64_t)w->blocks * POSTINGS_BLOCK > (uint64_t)v->n_touched * CHEAP)
            return true;
        if (!add_term(g->r, w, o->term[o->n_added], v, true))
            return false;
    }
    return true;
}

static bool pass_window(struct passing *g, struct window *v)
{
    struct order o;
    for (size_t k = 0; k < g->n; k++)
        if (!window_most(g->r, &g->walks[k], k, v->from, v->to))
            return false;
    order_terms(g, &o);
    if (o.n_added == 0)
        return true;
    v->lengths = segment_part(g->p->s, PART_LENGTH, v->from, v->to - v->from, 1);
    if (!v->lengths)
        return false;
    memset(v->sum, 0, (v->to - v->from) * sizeof *v->sum);
    v->n_touched = 0;
    for (size_t i = 0; i < o.n_added; i++)
        if (!add_term(g->r, &g->walks[o.term[i]], o.term[i], v, false))
            return false;
    return add_cheap(g, v, &o) && consider_all(g, v, &o);
}

static enum err_code pass_part(struct passing *g, struct window *v, struct err *e)
{
    const struct index_query *q = g->r->q;
    for (size_t i = 0; i < g->p->n_ranges; i++) {
        struct range range = g->p->ranges[i];
        for (uint32_t from = range.from; from < range.to; from = v->to) {
            v->from = from;
            v->to = range.to - from < WINDOW ? range.to : from + WINDOW;
            if (!pass_window(g, v))
                return segment_bad(g->p->s, e);
            if (q->deadline_us && clock_mono_us() > q->deadline_us)
                return err_set(e, ERR_TIMEOUT, NULL, "the search took too long");
        }
    }
    return ERR_OK;
}

static bool begin_part(struct passing *g)
{
    bool any = false;
    for (size_t k = 0; k < g->n; k++) {
        struct walk *w = &g->walks[k];
        w->block = 0;
        if (!cursor_open(&w->scan, g->p->s, g->p->lists[k]) || !cursor_open(&w->probe, g->p->s, g->p->lists[k]))
            return false;
        any = any || g->p->lists[k].df > 0;
    }
    return any;
}

static void make_tables(struct ranking *r, struct walk *walks)
{
    double average = r->turns > 0 && r->bytes > 0 ? (double)r->bytes / (double)r->turns : 1;
    for (int i = 0; i < LENGTH_CODES; i++)
        r->norm[i] = K1 * (1 - B + B * (double)length_bytes(i) / average);
    for (size_t k = 0; k < r->q->n_terms; k++)
        for (int i = 0; i < LENGTH_CODES; i++)
            walks[k].one[i] = (float)score_of(r, k, 1, i);
}

enum err_code rank_run(struct ranking *r, struct arena *a, struct err *e)
{
    struct walk *walks = arena_array(a, struct walk, r->q->n_terms + 1);
    struct window *v = arena_alloc(a, sizeof *v);
    r->best = arena_array(a, struct ranked, r->limit + 1);
    if (!walks || !v || !r->best)
        return err_nomem(e);
    r->n = 0;
    r->touched = 0;
    make_tables(r, walks);
    for (size_t i = 0; i < r->n_parts; i++) {
        struct passing g = {.r = r, .p = &r->parts[i], .part = (uint32_t)i, .walks = walks, .n = r->q->n_terms};
        if (!begin_part(&g)) {
            if (atomic_load(&g.p->s->bad))
                return segment_bad(g.p->s, e);
            continue;
        }
        enum err_code code = pass_part(&g, v, e);
        if (code)
            return code;
    }
    if (r->touched > r->matches || r->count_all)
        r->matches = r->touched;
    if (r->n > 1)
        qsort(r->best, r->n, sizeof *r->best, compare_ranked);
    return ERR_OK;
}
