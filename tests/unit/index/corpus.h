/* Random turns without a store, and a scorer that looks at every one of them, for the tests of segments and ranking. */
#ifndef CAIRN_TEST_INDEX_CORPUS_H
#define CAIRN_TEST_INDEX_CORPUS_H

#include "unit/index/shelf.h"

#include <stdlib.h>
#include <string.h>

struct corpus {
    struct arena *a;
    struct turn *turns; /* by ascending seq */
    size_t n;
    uint32_t seed;
};

static inline uint32_t corpus_random(struct corpus *c, uint32_t below)
{
    c->seed = c->seed * 1664525u + 1013904223u;
    return (c->seed >> 8) % below;
}

/* Low numbers are common, and some words are repeated. */
static inline struct str corpus_text(struct corpus *c, uint32_t words, uint32_t vocabulary)
{
    struct buf b;
    buf_init(&b, 0);
    for (uint32_t n = 1 + corpus_random(c, words), i = 0; i < n; i++) {
        uint32_t x = corpus_random(c, vocabulary), y = corpus_random(c, vocabulary), z = corpus_random(c, vocabulary);
        uint32_t w = x < y ? x : y;
        buf_fmt(&b, "word%u ", w < z ? w : z);
    }
    if (corpus_random(c, 4) == 0)
        buf_cstr(&b, "?");
    return buf_take(&b, c->a);
}

static inline struct corpus corpus_make(size_t n, uint32_t sessions, uint32_t words, uint32_t vocabulary, uint32_t seed)
{
    static const char *const AGENTS[] = {"Ann", "bob", "Mary Ann", ""};
    struct corpus c = {.a = arena_new(), .n = n, .seed = seed};
    int64_t seq = 0, numbers[64] = {0};
    c.turns = arena_array(c.a, struct turn, n + 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t session = corpus_random(&c, sessions), conversation = session * 3 + corpus_random(&c, 3);
        seq += 1 + (corpus_random(&c, 10) == 0);
        c.turns[i] = (struct turn){.seq = seq,
                                   .turn_number = ++numbers[conversation % 64],
                                   .timestamp = 1000000 + (int64_t)corpus_random(&c, 100000),
                                   .id = arena_fmt(c.a, "turn_%zu", i),
                                   .conversation_id = arena_fmt(c.a, "conv_%u", conversation),
                                   .session_id = arena_fmt(c.a, "sess_%u", session),
                                   .project = arena_fmt(c.a, "project%u", session % 3),
                                   .agent = str_of(AGENTS[corpus_random(&c, 4)]),
                                   .role = corpus_random(&c, 2) ? STR("user") : STR("assistant"),
                                   .content = corpus_text(&c, words, vocabulary)};
    }
    return c;
}

static inline void corpus_free(struct corpus *c)
{
    arena_free(c->a);
}

/* Turns first … last-1 as a segment. */
static inline struct segment *corpus_segment(const struct corpus *c, size_t first, size_t last)
{
    struct segment *s = NULL;
    int64_t from = first ? c->turns[first - 1].seq : 0, to = last > first ? c->turns[last - 1].seq : from + 1;
    OK(segment_build(c->turns + first, last - first, from, to, &s, &e));
    return s;
}

static inline struct segment *corpus_merge(struct segment **from, size_t n)
{
    struct sink_done done;
    struct segment *s = NULL;
    struct merge m = {.from = from, .n = n};
    OK(segment_merge(&m, &done, &e));
    OK(segment_of_memory(done.memory, done.size, &s, &e));
    return s;
}

/* ---- the naive scorer ---- */
struct naive_count {
    const struct index_query *q;
    uint32_t *tf;
};

static inline int naive_word(void *arg, struct str form, size_t from, size_t to)
{
    struct naive_count *c = arg;
    (void)from;
    (void)to;
    for (size_t k = 0; k < c->q->n_terms; k++)
        c->tf[k] += str_eq(c->q->terms[k], form);
    return 0;
}

static inline int naive_agent_word(void *arg, const struct token *t)
{
    struct naive_count *c = arg;
    for (size_t k = 0; k < c->q->n_terms; k++)
        c->tf[k] += c->q->terms[k].n && c->q->terms[k].p[0] == '@' && str_eq(str_skip(c->q->terms[k], 1), t->form);
    return 0;
}

static inline bool naive_in_scope(const struct index_query *q, const struct turn *t)
{
    if (q->session_id.p)
        return str_eq(q->session_id, t->session_id);
    return (!q->project.p || str_eq(q->project, t->project)) &&
           (!q->view || scope_view_reads(q->view, t->session_id, t->project));
}

static inline int naive_better(const void *a, const void *b)
{
    const struct index_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->seq > y->seq ? -1 : 1;
}

/* All hits, best first. dead[i]: turn i counts for the weight of words but is not found; NULL: none. */
static inline struct index_hits naive_search(const struct corpus *c, const struct index_query *q, const bool *dead)
{
    struct index_hits out = {0};
    uint32_t *tf = arena_array(c->a, uint32_t, (c->n + 1) * INDEX_TERMS_MAX);
    double turns = 0, bytes = 0, df[INDEX_TERMS_MAX] = {0};
    out.hits = arena_array(c->a, struct index_hit, c->n + 1);
    out.idf = arena_array(c->a, double, INDEX_TERMS_MAX);
    for (size_t i = 0; i < c->n; i++) {
        const struct turn *t = &c->turns[i];
        struct naive_count n = {q, tf + i * INDEX_TERMS_MAX};
        if (!naive_in_scope(q, t))
            continue;
        tokens_walk(t->agent, TOKENS_WORDS, naive_agent_word, &n);
        OK(tokens_each(t->content, naive_word, &n, &e));
        turns++;
        bytes += length_bytes(length_code(t->content.n));
        for (size_t k = 0; k < q->n_terms; k++)
            df[k] += n.tf[k] > 0;
    }
    for (size_t k = 0; k < q->n_terms; k++)
        out.idf[k] = bm25_idf(turns, df[k]) * (q->weights ? q->weights[k] : 1);
    for (size_t i = 0; i < c->n; i++) {
        const struct turn *t = &c->turns[i];
        struct index_hit hit = {.seq = t->seq, .turn_number = t->turn_number, .timestamp = t->timestamp};
        for (size_t k = 0; k < q->n_terms; k++) {
            uint32_t times = tf[i * INDEX_TERMS_MAX + k];
            if (!times)
                continue;
            hit.matched |= 1u << k;
            hit.score += out.idf[k] * bm25_weight(times < TF_MAX ? times : TF_MAX,
                                                  length_bytes(length_code(t->content.n)), bytes / turns);
        }
        out.matches += hit.matched != 0;
        bool wanted = hit.matched && (!dead || !dead[i]) && (!q->from || t->timestamp >= q->from) &&
                      (!q->to || t->timestamp <= q->to) &&
                      (!q->except_conversation.p || !str_eq(q->except_conversation, t->conversation_id));
        if (wanted)
            out.hits[out.n++] = hit;
    }
    qsort(out.hits, out.n, sizeof *out.hits, naive_better);
    return out;
}

#endif
