/* Similarity by stems. See terms.h. Kept terms are compared as text, eight bytes at a time: both sides are sorted, so
 * one walk finds what they share. */
#include "service/patterns/terms.h"

#include "base/text.h"
#include "index/index.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 8 * 1024, W = PATTERN_TERM_CHARS, BUCKETS = 1 << 16 };

static uint32_t hash(struct str s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return h;
}

static int by_value(const void *pa, const void *pb)
{
    uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
    return a < b ? -1 : a > b;
}

enum err_code pattern_terms(struct arena *a, struct str text, struct str *out, struct err *e)
{
    struct index_term *terms;
    size_t n, kept = 0;
    enum err_code code = index_terms(a, text_cut(text, TEXT_BYTES), true, &terms, &n, e);
    uint32_t *h = code ? NULL : arena_array(a, uint32_t, n + 1);
    char *s = h ? arena_alloc(a, (size_t)PATTERN_TERMS_MAX * W + 1) : NULL;
    if (!s)
        return code ? code : err_nomem(e);
    n = n < PATTERN_TERMS_MAX ? n : PATTERN_TERMS_MAX; /* the beginning says what it is about */
    for (size_t i = 0; i < n; i++)
        h[i] = hash(terms[i].text);
    qsort(h, n, sizeof *h, by_value);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || h[i] != h[i - 1])
            (void)snprintf(s + kept++ * W, W + 1, "%08x", h[i]);
    }
    *out = (struct str){s, kept * W};
    return ERR_OK;
}

/* Rare stems tell patterns apart, those that all have say little. */
static double idf(size_t n, unsigned having)
{
    return log(1 + ((double)n + 1) / (having + 0.5));
}

/* ---- nearest ---- */

/* In how many rows a stem is, by a bucket of its hash: two stems in one bucket only make each other commoner. */
static unsigned bucket(const char *term)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (unsigned)(term[i] <= '9' ? term[i] - '0' : term[i] - 'a' + 10);
    return v & (BUCKETS - 1);
}

static void count_terms(struct str terms, unsigned *having)
{
    for (size_t i = 0; i + W <= terms.n; i += W)
        having[bucket(terms.p + i)]++;
}

static double norm(struct str terms, const unsigned *having, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i + W <= terms.n; i += W) {
        double w = idf(n, having[bucket(terms.p + i)]);
        sum += w * w;
    }
    return sum;
}

static double cosine(struct str a, struct str b, const unsigned *having, size_t n)
{
    double shared = 0;
    for (size_t i = 0, k = 0; i + W <= a.n && k + W <= b.n;) {
        int d = memcmp(a.p + i, b.p + k, W);
        if (d == 0) {
            double w = idf(n, having[bucket(a.p + i)]);
            shared += w * w;
        }
        i += d <= 0 ? W : 0;
        k += d >= 0 ? W : 0;
    }
    double both = norm(a, having, n) * norm(b, having, n);
    return both > 0 ? shared / sqrt(both) : 0;
}

enum err_code patterns_nearest(struct arena *a, struct str terms, const struct pattern_row *rows, size_t n,
                               const struct pattern_row **best, double *similarity, struct err *e)
{
    unsigned *having = arena_array(a, unsigned, BUCKETS);
    *best = NULL;
    *similarity = 0;
    if (!having)
        return err_nomem(e);
    count_terms(terms, having);
    for (size_t i = 0; i < n; i++)
        count_terms(rows[i].terms, having);
    for (size_t i = 0; i < n; i++) {
        double s = cosine(terms, rows[i].terms, having, n + 1);
        if (!*best || s > *similarity) {
            *best = &rows[i];
            *similarity = s;
        }
    }
    return ERR_OK;
}

/* ---- coverage ---- */

/* Bit i: the row has the query's i-th stem. */
static uint64_t found_in(struct str query, struct str terms)
{
    uint64_t bits = 0;
    for (size_t i = 0, k = 0; i + W <= query.n && k + W <= terms.n;) {
        int d = memcmp(query.p + i, terms.p + k, W);
        bits |= d == 0 ? UINT64_C(1) << (i / W) : 0;
        i += d <= 0 ? W : 0;
        k += d >= 0 ? W : 0;
    }
    return bits;
}

enum err_code patterns_coverage(struct arena *a, struct str query_terms, const struct pattern_row *rows, size_t n,
                                double *out, struct err *e)
{
    struct str query = str_take(query_terms, (size_t)QUERY_TERMS_MAX * W);
    unsigned having[QUERY_TERMS_MAX] = {0};
    double weight[QUERY_TERMS_MAX], all = 0;
    size_t n_terms = query.n / W;
    uint64_t *bits = arena_array(a, uint64_t, n + 1);
    if (!bits)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        bits[i] = found_in(query, rows[i].terms);
        for (size_t t = 0; t < n_terms; t++)
            having[t] += bits[i] >> t & 1;
    }
    for (size_t t = 0; t < n_terms; t++)
        all += weight[t] = idf(n, having[t]);
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t t = 0; t < n_terms; t++)
            sum += bits[i] >> t & 1 ? weight[t] : 0;
        out[i] = all > 0 ? sum / all : 0;
    }
    return ERR_OK;
}
