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
    bool known;      /* vowels are found: most words have no ending that asks for them */
};

/* With sizes that are known when compiled, comparing endings is one instruction or two. */
#define ENDS(s, with)                                                                                                  \
    ((s)->n > sizeof(with) - 1 && memcmp((s)->p + (s)->n - (sizeof(with) - 1), with, sizeof(with) - 1) == 0)

static uint64_t bits_below(size_t n)
{
    return n < 64 ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0);
}

/* Letters as a set of bits. */
#define L(c) (UINT32_C(1) << ((c) - 'a'))

static void find_vowels(struct stem *s)
{
    static const uint32_t AEIOU = L('a') | L('e') | L('i') | L('o') | L('u');
    uint64_t vowels = 0, ys = 0;
    for (size_t i = 0; i < s->n; i++) {
        unsigned letter = (unsigned)(s->p[i] - 'a');
        vowels |= (uint64_t)(AEIOU >> letter & 1) << i;
        ys |= (uint64_t)(letter == 'y' - 'a') << i;
    }
    for (ys &= ~UINT64_C(1); ys; ys &= ys - 1) { /* from the front: one y decides about the next */
        uint64_t y = ys & -ys;
        vowels |= y & ~(vowels << 1);
    }
    s->vowels = vowels;
    s->known = true;
}

static uint64_t vowels_of(struct stem *s)
{
    if (!s->known)
        find_vowels(s);
    return s->vowels;
}

/* Of the first n letters: a bit wherever a vowel is followed by a consonant. m is how many there are. */
static uint64_t turns(struct stem *s, size_t n)
{
    uint64_t v = vowels_of(s);
    return n ? v & ~v >> 1 & bits_below(n - 1) : 0;
}

/* m > least, which is 0 or 1. */
static bool measures(struct stem *s, size_t n, int least)
{
    uint64_t t = turns(s, n);
    return least ? (t & (t - 1)) != 0 : t != 0;
}

static bool has_vowel(struct stem *s, size_t n)
{
    return vowels_of(s) & bits_below(n);
}

static bool vowel(struct stem *s, size_t i)
{
    return i < TOKEN_BYTES && vowels_of(s) >> i & 1;
}

static bool ends_double(struct stem *s, size_t n)
{
    return n >= 2 && s->p[n - 1] == s->p[n - 2] && !vowel(s, n - 1);
}

/* Consonant, vowel, consonant other than w, x, y: hop, but not how. */
static bool ends_short(struct stem *s, size_t n)
{
    return n >= 3 && !vowel(s, n - 3) && vowel(s, n - 2) && !vowel(s, n - 1) && s->p[n - 1] != 'w' &&
           s->p[n - 1] != 'x' && s->p[n - 1] != 'y';
}

static void put(struct stem *s, size_t at, const char *ending, size_t n)
{
    memcpy(s->p + at, ending, n);
    s->n = at + n;
    s->known = false;
}

/* The same with one vowel, whose place among the vowels is known at once. */
static void put_vowel(struct stem *s, size_t at, char vowel)
{
    s->p[at] = vowel;
    s->vowels |= UINT64_C(1) << at % TOKEN_BYTES; /* at is below it: an ending was cut there */
    s->n = at + 1;
}

/* ---- step 1: plurals, -ed, -ing, -y ---- */
static void cut_plural(struct stem *s)
{
    if (s->p[s->n - 1] != 's' || s->p[s->n - 2] == 's')
        return;
    s->n -= ENDS(s, "sses") || ENDS(s, "ies") ? 2 : 1;
}

static void cut_past(struct stem *s)
{
    static const uint32_t DOUBLED = L('l') | L('s') | L('z'); /* fall, miss, buzz: two of them stay */
    size_t cut = ENDS(s, "ed") ? 2 : ENDS(s, "ing") ? 3 : 0;
    if (ENDS(s, "eed")) {
        s->n -= measures(s, s->n - 3, 0);
        return;
    }
    if (!cut || !has_vowel(s, s->n - cut))
        return;
    s->n -= cut;
    if (ENDS(s, "at") || ENDS(s, "bl") || ENDS(s, "iz"))
        put_vowel(s, s->n, 'e');
    else if (ends_double(s, s->n) && !(DOUBLED >> (s->p[s->n - 1] - 'a') & 1))
        s->n--;
    else if (measures(s, s->n, 0) && !measures(s, s->n, 1) && ends_short(s, s->n))
        put_vowel(s, s->n, 'e');
}

static void turn_y(struct stem *s)
{
    if (s->n > 0 && s->p[s->n - 1] == 'y' && has_vowel(s, s->n - 1))
        put_vowel(s, s->n - 1, 'i');
}

/* ---- steps 2 to 4: endings upon endings ---- */
/* Is `from` the ending? Then it is replaced where what is before it has a measure above `least`, and no other is tried.
 */
#define TURN(from, to, least)                                                                                          \
    if (ENDS(s, from)) {                                                                                               \
        if (measures(s, s->n - (sizeof(from) - 1), least))                                                             \
            put(s, s->n - (sizeof(from) - 1), to, sizeof(to) - 1);                                                     \
        return;                                                                                                        \
    }

static void turn_double_ending(struct stem *s)
{
    switch (s->p[s->n - 2]) {
    case 'a':
        TURN("ational", "ate", 0)
        TURN("tional", "tion", 0)
        break;
    case 'c':
        TURN("enci", "ence", 0)
        TURN("anci", "ance", 0)
        break;
    case 'e':
        TURN("izer", "ize", 0)
        break;
    case 'g':
        TURN("logi", "log", 0)
        break;
    case 'l':
        TURN("bli", "ble", 0)
        TURN("alli", "al", 0)
        TURN("entli", "ent", 0)
        TURN("eli", "e", 0)
        TURN("ousli", "ous", 0)
        break;
    case 'o':
        TURN("ization", "ize", 0)
        TURN("ation", "ate", 0)
        TURN("ator", "ate", 0)
        break;
    case 's':
        TURN("alism", "al", 0)
        TURN("iveness", "ive", 0)
        TURN("fulness", "ful", 0)
        TURN("ousness", "ous", 0)
        break;
    case 't':
        TURN("aliti", "al", 0)
        TURN("iviti", "ive", 0)
        TURN("biliti", "ble", 0)
        break;
    default:
        break;
    }
}

static void turn_ending(struct stem *s)
{
    switch (s->p[s->n - 1]) {
    case 'e':
        TURN("icate", "ic", 0)
        TURN("ative", "", 0)
        TURN("alize", "al", 0)
        break;
    case 'i':
        TURN("iciti", "ic", 0)
        break;
    case 'l':
        TURN("ical", "ic", 0)
        TURN("ful", "", 0)
        break;
    case 's':
        TURN("ness", "", 0)
        break;
    default:
        break;
    }
}

/* -ion goes only after s or t. */
static void cut_ion(struct stem *s)
{
    char before = s->p[s->n - 4];
    if ((before == 's' || before == 't') && measures(s, s->n - 3, 1))
        s->n -= 3;
}

static void cut_ending(struct stem *s)
{
    switch (s->p[s->n - 2]) {
    case 'a':
        TURN("al", "", 1)
        break;
    case 'c':
        TURN("ance", "", 1)
        TURN("ence", "", 1)
        break;
    case 'e':
        TURN("er", "", 1)
        break;
    case 'i':
        TURN("ic", "", 1)
        break;
    case 'l':
        TURN("able", "", 1)
        TURN("ible", "", 1)
        break;
    case 'n':
        TURN("ant", "", 1)
        TURN("ement", "", 1)
        TURN("ment", "", 1)
        TURN("ent", "", 1)
        break;
    case 'o':
        if (ENDS(s, "ion"))
            cut_ion(s);
        TURN("ou", "", 1)
        break;
    case 's':
        TURN("ism", "", 1)
        break;
    case 't':
        TURN("ate", "", 1)
        TURN("iti", "", 1)
        break;
    case 'u':
        TURN("ous", "", 1)
        break;
    case 'v':
        TURN("ive", "", 1)
        break;
    case 'z':
        TURN("ize", "", 1)
        break;
    default:
        break;
    }
}

/* ---- step 5 ---- */
static void tidy(struct stem *s)
{
    if (s->p[s->n - 1] == 'e') {
        size_t left = s->n - 1;
        s->n -= measures(s, left, 1) || (measures(s, left, 0) && !ends_short(s, left));
    }
    if (s->p[s->n - 1] == 'l' && ends_double(s, s->n) && measures(s, s->n - 1, 1))
        s->n--;
}

/* Whether a word that ends so can have one of the endings of steps 2 to 4: most have none, and this tells it at once.
 * By the last letter, those that may stand before it. */
static bool may_end_again(const struct stem *s)
{
    static const uint32_t BEFORE[26] = {
        ['c' - 'a'] = L('i'),
        ['e' - 'a'] = L('c') | L('l') | L('t') | L('v') | L('z'),
        ['i' - 'a'] = L('c') | L('g') | L('l') | L('t'),
        ['l' - 'a'] = L('a') | L('u'),
        ['m' - 'a'] = L('s'),
        ['n' - 'a'] = L('o'),
        ['r' - 'a'] = L('e') | L('o'),
        ['s' - 'a'] = L('s') | L('u'),
        ['t' - 'a'] = L('n'),
        ['u' - 'a'] = L('o'),
    };
    return s->n > 2 && BEFORE[s->p[s->n - 1] - 'a'] >> (s->p[s->n - 2] - 'a') & 1;
}

/* The same for all steps. */
static bool may_end(char before, char last)
{
    static const uint32_t ANY = 0x3ffffff;
    static const uint32_t BEFORE[26] = {
        ['c' - 'a'] = L('i'),
        ['d' - 'a'] = L('e'),
        ['e' - 'a'] = ANY,
        ['g' - 'a'] = L('n'),
        ['i' - 'a'] = L('c') | L('g') | L('l') | L('t'),
        ['l' - 'a'] = L('a') | L('l') | L('u'),
        ['m' - 'a'] = L('s'),
        ['n' - 'a'] = L('o'),
        ['r' - 'a'] = L('e') | L('o'),
        ['s' - 'a'] = ANY,
        ['t' - 'a'] = L('n'),
        ['u' - 'a'] = L('o'),
        ['y' - 'a'] = ANY,
    };
    return BEFORE[last - 'a'] >> (before - 'a') & 1;
}

size_t token_stem(char *word, size_t n)
{
    struct stem s = {.p = word, .n = n};
    if (n < 3 || !may_end(word[n - 2], word[n - 1]))
        return n;
    cut_plural(&s);
    if (s.n > 2)
        cut_past(&s);
    turn_y(&s);
    if (may_end_again(&s)) {
        turn_double_ending(&s);
        if (may_end_again(&s))
            turn_ending(&s);
        if (may_end_again(&s))
            cut_ending(&s);
    }
    tidy(&s);
    return s.n;
}
