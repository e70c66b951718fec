/* English endings, after M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980. A word's vowels are a
 * mask of bits, so the measure m of any beginning of it, [C](VC)^m[V], is counting bits.
 *
 * Not Porter's later algorithm and not a dictionary: what it gets wrong the exact form mends. */
#include "index/tokens_int.h"

#include <string.h>

struct stem {
    char *p;
    size_t n;
    uint64_t vowels; /* bit i: p[i] is one; y is one after a consonant */
};

static uint64_t bits_below(size_t n)
{
    return n < 64 ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0);
}

static void find_vowels(struct stem *s)
{
    static const uint32_t AEIOU = 1 << 0 | 1 << 4 | 1 << 8 | 1 << 14 | 1 << 20;
    uint64_t vowels = 0, before = 1; /* y at the beginning is a consonant */
    for (size_t i = 0; i < s->n; i++) {
        uint64_t v = s->p[i] == 'y' ? !before : AEIOU >> (s->p[i] - 'a') & 1;
        vowels |= v << i;
        before = v;
    }
    s->vowels = vowels;
}

/* m of the first n letters: how often a vowel is followed by a consonant. */
static int measure(const struct stem *s, size_t n)
{
    return n ? __builtin_popcountll(s->vowels & ~s->vowels >> 1 & bits_below(n - 1)) : 0;
}

static bool has_vowel(const struct stem *s, size_t n)
{
    return s->vowels & bits_below(n);
}

static bool vowel(const struct stem *s, size_t i)
{
    return s->vowels >> i & 1;
}

static bool ends_double(const struct stem *s, size_t n)
{
    return n >= 2 && s->p[n - 1] == s->p[n - 2] && !vowel(s, n - 1);
}

/* Consonant, vowel, consonant other than w, x, y: hop, but not how. */
static bool ends_short(const struct stem *s, size_t n)
{
    return n >= 3 && !vowel(s, n - 3) && vowel(s, n - 2) && !vowel(s, n - 1) && s->p[n - 1] != 'w' &&
           s->p[n - 1] != 'x' && s->p[n - 1] != 'y';
}

static bool ends(const struct stem *s, const char *with, size_t n)
{
    return s->n > n && memcmp(s->p + s->n - n, with, n) == 0;
}

static void put(struct stem *s, size_t at, const char *ending, size_t n)
{
    memcpy(s->p + at, ending, n);
    s->n = at + n;
    find_vowels(s);
}

/* ---- step 1: plurals, -ed, -ing, -y ---- */
static void cut_plural(struct stem *s)
{
    if (s->p[s->n - 1] != 's' || s->p[s->n - 2] == 's')
        return;
    s->n -= ends(s, "sses", 4) || ends(s, "ies", 3) ? 2 : 1;
}

static void cut_past(struct stem *s)
{
    size_t cut = ends(s, "ed", 2) ? 2 : ends(s, "ing", 3) ? 3 : 0;
    if (ends(s, "eed", 3)) {
        s->n -= measure(s, s->n - 3) > 0;
        return;
    }
    if (!cut || !has_vowel(s, s->n - cut))
        return;
    s->n -= cut;
    if (ends(s, "at", 2) || ends(s, "bl", 2) || ends(s, "iz", 2))
        put(s, s->n, "e", 1);
    else if (ends_double(s, s->n) && !strchr("lsz", s->p[s->n - 1]))
        s->n--;
    else if (measure(s, s->n) == 1 && ends_short(s, s->n))
        put(s, s->n, "e", 1);
}

static void turn_y(struct stem *s)
{
    if (s->p[s->n - 1] == 'y' && has_vowel(s, s->n - 1))
        put(s, s->n - 1, "i", 1);
}

/* ---- steps 2 to 4: endings upon endings ---- */
struct ending {
    const char *from;
    unsigned char n;
    const char *to;
    unsigned char n_to;
};
#define ENDING(from, to)                                                                                               \
    {                                                                                                                  \
        from, sizeof(from) - 1, to, sizeof(to) - 1                                                                     \
    }
/* In the order in which they are tried: the longer before those that they end with. */
static const struct ending STEP2[] = {
    ENDING("ational", "ate"), ENDING("tional", "tion"), ENDING("enci", "ence"), ENDING("anci", "ance"),
    ENDING("izer", "ize"),    ENDING("logi", "log"),    ENDING("bli", "ble"),   ENDING("alli", "al"),
    ENDING("entli", "ent"),   ENDING("eli", "e"),       ENDING("ousli", "ous"), ENDING("ization", "ize"),
    ENDING("ation", "ate"),   ENDING("ator", "ate"),    ENDING("alism", "al"),  ENDING("iveness", "ive"),
    ENDING("fulness", "ful"), ENDING("ousness", "ous"), ENDING("aliti", "al"),  ENDING("iviti", "ive"),
    ENDING("biliti", "ble"),
};
static const struct ending STEP3[] = {
    ENDING("icate", "ic"), ENDING("ative", ""), ENDING("alize", "al"), ENDING("iciti", "ic"),
    ENDING("ical", "ic"),  ENDING("ful", ""),   ENDING("ness", ""),
};
static const struct ending STEP4[] = {
    ENDING("al", ""),   ENDING("ance", ""), ENDING("ence", ""), ENDING("er", ""),    ENDING("ic", ""),
    ENDING("able", ""), ENDING("ible", ""), ENDING("ant", ""),  ENDING("ement", ""), ENDING("ment", ""),
    ENDING("ent", ""),  ENDING("ion", ""),  ENDING("ou", ""),   ENDING("ism", ""),   ENDING("ate", ""),
    ENDING("iti", ""),  ENDING("ous", ""),  ENDING("ive", ""),  ENDING("ize", ""),
};

/* The first that fits is replaced when what is before it has a measure above `least`. */
static void replace(struct stem *s, const struct ending *all, size_t n, int least)
{
    for (size_t i = 0; i < n; i++) {
        const struct ending *x = &all[i];
        if (s->p[s->n - 1] != x->from[x->n - 1] || !ends(s, x->from, x->n))
            continue;
        size_t left = s->n - x->n;
        bool ion = x->n == 3 && memcmp(x->from, "ion", 3) == 0;
        if (measure(s, left) > least && (!ion || s->p[left - 1] == 's' || s->p[left - 1] == 't'))
            put(s, left, x->to, x->n_to);
        return;
    }
}

/* ---- step 5 ---- */
static void tidy(struct stem *s)
{
    if (s->p[s->n - 1] == 'e') {
        int m = measure(s, s->n - 1);
        s->n -= m > 1 || (m == 1 && !ends_short(s, s->n - 1));
    }
    if (s->p[s->n - 1] == 'l' && ends_double(s, s->n) && measure(s, s->n - 1) > 1)
        s->n--;
}

/* Whether a word with this last letter can have an ending at all: most have none. */
static bool may_end(char last)
{
    static const char LAST[] = "cdegilmnrstuy";
    uint32_t mask = 0;
    for (size_t i = 0; i + 1 < sizeof LAST; i++)
        mask |= UINT32_C(1) << (LAST[i] - 'a');
    return mask >> (last - 'a') & 1;
}

#define REPLACE(s, step, least) replace(s, step, sizeof(step) / sizeof *(step), least)
size_t token_stem(char *word, size_t n)
{
    struct stem s = {word, n, 0};
    if (n < 3 || !may_end(word[n - 1]))
        return n;
    find_vowels(&s);
    cut_plural(&s);
    if (s.n > 2)
        cut_past(&s);
    turn_y(&s);
    REPLACE(&s, STEP2, 0);
    REPLACE(&s, STEP3, 0);
    REPLACE(&s, STEP4, 1);
    tidy(&s);
    return s.n;
}
