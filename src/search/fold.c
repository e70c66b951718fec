/* Folding: is this turn nearly the same text as one already chosen? Repeated answers and quoted history would
 * else fill a budget with one thing said ten times. Compares sets of words, so order and case do not count, nor do
 * words that say nothing; a number, a name or a "not" more or less makes another text, however long both are. */
#include "search/intern.h"

#include <stdlib.h>
#include <string.h>

/* Long texts are judged by their first words; two texts are the same when they share this much of their words. */
enum { FOLD_WORDS = 400 };
static const double FOLD_SHARE = 0.85;

static bool word_byte(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '\'';
}

static int compare_hash(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t hash_of(struct str word)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 16777619u;
    }
    return hash;
}

static bool negates(struct str word)
{
    return str_ieq(word, STR("not")) || str_ieq(word, STR("no")) || str_ieq(word, STR("never")) ||
           (word.n > 3 && str_ieq(str_skip(word, word.n - 3), STR("n't")));
}

/* A word that another text must have too: with a digit, a name inside a sentence, a "not". */
static bool decides(struct str word, bool starts)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] >= '0' && word.p[i] <= '9')
            return true;
    bool capital = word.p[0] >= 'A' && word.p[0] <= 'Z', shouted = word.n > 1 && word.p[1] >= 'A' && word.p[1] <= 'Z';
    return (capital && !shouted && !starts && word.n > 1) || negates(word);
}

static size_t make_set(uint32_t *w, size_t n)
{
    size_t distinct = 0;
    if (n > 1)
        qsort(w, n, sizeof *w, compare_hash);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || w[i] != w[i - 1])
            w[distinct++] = w[i];
    return distinct;
}

struct fingerprint fingerprint_of(struct arena *a, struct str text)
{
    size_t most = text.n / 2 + 1 < FOLD_WORDS ? text.n / 2 + 1 : FOLD_WORDS;
    struct fingerprint f = {0};
    uint32_t *w = arena_array(a, uint32_t, 2 * most);
    size_t n = 0, deciding = 0;
    if (!w)
        return f;
    bool starts = true;
    for (size_t i = 0; i < text.n && n < most;) {
        size_t start = i;
        while (i < text.n && word_byte((unsigned char)text.p[i]))
            i++;
        struct str word = {text.p + start, i - start};
        if (word.n == 0) {
            starts = starts || strchr(".!?\n", text.p[i]);
            i++;
            continue;
        }
        uint32_t hash = hash_of(word);
        if (decides(word, starts))
            w[most + deciding++] = hash;
        w[n++] = hash;
        starts = false;
    }
    f.words = w;
    f.n = make_set(w, n);
    deciding = make_set(w + most, deciding);
    for (size_t i = 0; i < deciding; i++)
        f.decisive = f.decisive * 31 + w[most + i];
    for (size_t i = 0; i < f.n; i++)
        f.sketch |= (uint64_t)1 << (w[i] & 63);
    return f;
}

static size_t shared(struct fingerprint a, struct fingerprint b)
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < a.n && k < b.n;) {
        uint32_t x = a.words[i], y = b.words[k];
        n += x == y;
        i += x <= y;
        k += y <= x;
    }
    return n;
}

bool fingerprint_same(struct fingerprint a, struct fingerprint b)
{
    size_t small = a.n < b.n ? a.n : b.n, large = a.n < b.n ? b.n : a.n;
    if (small == 0 || a.decisive != b.decisive || (double)small < FOLD_SHARE * (double)large)
        return false;
    size_t both = shared(a, b);
    return (double)both >= FOLD_SHARE * (double)(a.n + b.n - both);
}

double fingerprint_shared(struct fingerprint a, struct fingerprint b)
{
    size_t small = a.n < b.n ? a.n : b.n;
    if (small == 0 || !(a.sketch & b.sketch))
        return 0;
    size_t both = shared(a, b);
    return (double)both / (double)(a.n + b.n - both);
}
