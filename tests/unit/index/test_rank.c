/* Ranking gives exactly what scoring every turn gives: any corpus, any division into segments, any filter. */
#include "unit/index/corpus.h"

enum { PARTS_MAX = 12 };

struct setting { /* a corpus and the segments that it lies in */
    struct corpus c;
    struct segment *parts[PARTS_MAX];
    size_t n_parts;
    bool *dead;
};

static void divide(struct setting *s, size_t parts)
{
    size_t from = 0;
    for (size_t i = 0; i < parts; i++) {
        size_t to = i + 1 == parts ? s->c.n : from + corpus_random(&s->c, (uint32_t)((s->c.n - from) / 2 + 1));
        s->parts[i] = corpus_segment(&s->c, from, to);
        if (i > 0) { /* as in an index: each begins where the one before ended */
            struct segment *two[2] = {s->parts[i - 1], s->parts[i]};
            two[1]->foot.from = two[0]->foot.to;
        }
        from = to;
    }
    s->n_parts = parts;
}

static void merge_some(struct setting *s)
{
    if (s->n_parts < 3)
        return;
    struct segment *merged = corpus_merge(s->parts + 1, 2);
    segment_drop(s->parts[1]);
    segment_drop(s->parts[2]);
    s->parts[1] = merged;
    memmove(s->parts + 2, s->parts + 3, (s->n_parts - 3) * sizeof *s->parts);
    s->n_parts--;
}

static void kill_some(struct setting *s, uint32_t one_in)
{
    s->dead = arena_array(s->c.a, bool, s->c.n + 1);
    for (size_t i = 0; i < s->c.n; i++) {
        uint32_t doc;
        if (corpus_random(&s->c, one_in))
            continue;
        s->dead[i] = true;
        for (size_t k = 0; k < s->n_parts; k++)
            if (segment_find_seq(s->parts[k], s->c.turns[i].seq, &doc))
                segment_set_dead(s->parts[k], doc);
    }
}

static struct setting make(size_t n, uint32_t sessions, uint32_t words, uint32_t vocabulary, size_t parts,
                           uint32_t seed)
{
    struct setting s = {.c = corpus_make(n, sessions, words, vocabulary, seed)};
    divide(&s, parts);
    return s;
}

static void release(struct setting *s)
{
    for (size_t i = 0; i < s->n_parts; i++)
        segment_drop(s->parts[i]);
    corpus_free(&s->c);
}

static struct ranking rank(struct setting *s, const struct index_query *q)
{
    struct arena *a = s->c.a;
    struct ranking r = {.q = q, .limit = (size_t)q->limit, .parts = arena_array(a, struct part_of, PARTS_MAX)};
    for (size_t i = 0; i < s->n_parts; i++) {
        struct part_of *p = &r.parts[r.n_parts++];
        p->s = s->parts[i];
        OK(extent_make(a, q, p, &e));
        p->lists = arena_array(a, struct list, INDEX_TERMS_MAX);
        for (size_t k = 0; k < q->n_terms; k++)
            assert_true(terms_find(p->s, q->terms[k], &p->lists[k]));
        r.turns += p->turns;
        r.bytes += p->bytes;
    }
    OK(rank_weigh(&r, &e));
    OK(rank_run(&r, a, &e));
    return r;
}

static void same_as_naive(struct setting *s, const struct index_query *q)
{
    struct index_hits want = naive_search(&s->c, q, s->dead);
    struct ranking got = rank(s, q);
    size_t n = want.n < (size_t)q->limit ? want.n : (size_t)q->limit;
    assert_int_equal(got.n, n);
    for (size_t k = 0; k < q->n_terms; k++)
        assert_true(got.idf[k] == want.idf[k]);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got.best[i].seq, want.hits[i].seq);
        assert_true(got.best[i].score == want.hits[i].score);
        assert_int_equal(got.best[i].matched, want.hits[i].matched);
    }
    assert_true(got.count_all ? got.matches == want.matches : got.matches <= want.matches);
}

static struct str term(struct corpus *c, uint32_t vocabulary)
{
    static const char *const NAMES[] = {"@ann", "@bob", "@mari", "nobody"};
    uint32_t w = corpus_random(c, vocabulary + 2);
    return w < vocabulary ? arena_fmt(c->a, "word%u", w) : str_of(NAMES[corpus_random(c, 4)]);
}

static bool has(const struct str *terms, size_t n, struct str t)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(terms[i], t))
            return true;
    return false;
}

static struct index_query random_query(struct setting *s, uint32_t sessions, uint32_t vocabulary)
{
    static const int LIMITS[] = {1, 3, 10, 50, 1000};
    struct corpus *c = &s->c;
    struct str *terms = arena_array(c->a, struct str, INDEX_TERMS_MAX);
    struct index_query q = {.terms = terms, .limit = LIMITS[corpus_random(c, 5)]};
    for (uint32_t n = 1 + corpus_random(c, 8), i = 0; i < n; i++) {
        struct str t = term(c, vocabulary);
        if (!has(terms, q.n_terms, t))
            terms[q.n_terms++] = t;
    }
    uint32_t scope = corpus_random(c, 4);
    if (scope == 1)
        q.session_id = arena_fmt(c->a, "sess_%u", corpus_random(c, sessions + 1));
    if (scope == 2)
        q.project = arena_fmt(c->a, "project%u", corpus_random(c, 4));
    if (corpus_random(c, 3) == 0)
        q.from = 1000000 + (int64_t)corpus_random(c, 100000);
    if (corpus_random(c, 3) == 0)
        q.to = 1000000 + (int64_t)corpus_random(c, 100000);
    if (corpus_random(c, 3) == 0)
        q.except_conversation = arena_fmt(c->a, "conv_%u", corpus_random(c, sessions * 3));
    return q;
}

static void small_corpora(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        uint32_t sessions = 1 + seed % 7, vocabulary = 5 + seed * 3;
        struct setting s = make(1 + (size_t)seed * 13, sessions, 1 + seed % 40, vocabulary, 1 + seed % 9, seed);
        if (seed % 2)
            merge_some(&s);
        if (seed % 3 == 0)
            kill_some(&s, 2 + seed % 5);
        for (int i = 0; i < 20; i++) {
            struct index_query q = random_query(&s, sessions, vocabulary);
            same_as_naive(&s, &q);
        }
        release(&s);
    }
}

/* Many postings: blocks, skips, windows, and terms that are not followed any more. */
static void large_corpora(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 3; seed++) {
        uint32_t sessions = seed == 1 ? 1 : 15, vocabulary = 60;
        struct setting s = make(20000, sessions, 20, vocabulary, 2 * seed, 100 + seed);
        if (seed == 3)
            kill_some(&s, 3);
        for (int i = 0; i < 15; i++) {
            struct index_query q = random_query(&s, sessions, vocabulary);
            same_as_naive(&s, &q);
        }
        release(&s);
    }
}

/* What may be read is an odd set of sessions. */
static void views(void **state)
{
    (void)state;
    struct setting s = make(2000, 16, 10, 40, 4, 77);
    struct scope_view view = {.scope = {.limited = true, .org = STR("default"), .project = STR("project1")}};
    uint32_t slots[16] = {0};
    view.slots = slots;
    view.n_slots = 16;
    for (int i = 0; i < 40; i++) {
        struct index_query q = random_query(&s, 16, 40);
        q.session_id = STR_NONE;
        q.view = &view;
        view.scope.project = i % 2 ? STR("project2") : STR("project1");
        view.scope.org = i % 3 ? STR("default") : STR("acme");
        same_as_naive(&s, &q);
    }
    release(&s);
}

/* A text that repeats a word more often than is counted. */
static void repetitions_are_counted_up_to_a_bound(void **state)
{
    (void)state;
    struct setting s = {.c = corpus_make(200, 1, 5, 5, 5)};
    struct str one = STR("word1");
    struct index_query q = {.terms = &one, .n_terms = 1, .limit = 10};
    for (size_t i = 0; i < 200; i += 50) {
        struct buf b;
        buf_init(&b, 0);
        for (int k = 0; k < 200 + (int)i; k++)
            buf_cstr(&b, "word1 ");
        s.c.turns[i].content = buf_take(&b, s.c.a);
    }
    divide(&s, 2);
    same_as_naive(&s, &q);
    release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_corpora), cmocka_unit_test(large_corpora),
                                       cmocka_unit_test(views),
                                       cmocka_unit_test(repetitions_are_counted_up_to_a_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
