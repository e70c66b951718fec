/* Folding: is this turn nearly the same text as one already chosen? Repeated answers and quoted history would
 * else fill a budget with one thing said ten times. Compares sets of words, so order and case do not count. */
#include "search/intern.h"

#include <stdlib.h>

/* Long texts are judged by their first words; two texts are the same when they share nine words of ten. */
enum { FOLD_WORDS = 400 };
static const double FOLD_SHARE = 0.9;

static bool word_byte(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static int compare_hash(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

struct fingerprint fingerprint_of(struct arena *a, struct str text)
{
    uint32_t *w = arena_array(a, uint32_t, FOLD_WORDS);
    size_t n = 0, distinct = 0;
    if (!w)
        return (struct fingerprint){NULL, 0};
    for (size_t i = 0; i < text.n && n < FOLD_WORDS;) {
        uint32_t hash = 2166136261u; /* FNV-1a */
        size_t start = i;
        for (; i < text.n && word_byte((unsigned char)text.p[i]); i++) {
            unsigned char c = (unsigned char)text.p[i];
            hash = (hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 16777619u;
        }
        if (i > start)
            w[n++] = hash;
        else
            i++;
    }
    if (n > 1)
        qsort(w, n, sizeof *w, compare_hash);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || w[i] != w[i - 1])
            w[distinct++] = w[i];
    return (struct fingerprint){w, distinct};
}

bool fingerprint_same(struct fingerprint a, struct fingerprint b)
{
    size_t small = a.n < b.n ? a.n : b.n, large = a.n < b.n ? b.n : a.n;
    size_t shared = 0;
    if (small == 0 || (double)small < FOLD_SHARE * (double)large)
        return false;
    for (size_t i = 0, k = 0; i < a.n && k < b.n;) {
        shared += a.words[i] == b.words[k];
        uint32_t x = a.words[i], y = b.words[k];
        i += x <= y;
        k += y <= x;
    }
    return (double)shared >= FOLD_SHARE * (double)(a.n + b.n - shared);
}
