/* Letters beyond ASCII. Folding is Unicode's compatibility decomposition and case folding, then accents are dropped and
 * what is left is composed again: full-width letters, ligatures and accented letters meet their plain forms however
 * they were typed, and letters that only look like a letter with an accent stay (Cyrillic short i, kana with sound
 * marks).
 *
 * Scripts without spaces (Chinese, Japanese, Korean, Thai, Lao, Khmer, Myanmar) give pairs of characters, each with the
 * marks that belong to it: a text that has a word of two or more has all its pairs. A run ends where the script
 * changes, which in Japanese is mostly where a word ends. */
#include "index/tokens_int.h"

#include <string.h>
#include <utf8proc.h>

/* ---- which script ---- */
struct range {
    int32_t from, to;
    enum script script;
};
static const struct range RANGES[] = {
    {0x0E00, 0x0EFF, SCRIPT_SOUTHEAST}, {0x1000, 0x109F, SCRIPT_SOUTHEAST}, {0x1100, 0x11FF, SCRIPT_HANGUL},
    {0x1780, 0x17FF, SCRIPT_SOUTHEAST}, {0x2E80, 0x2FDF, SCRIPT_HAN},       {0x3005, 0x3007, SCRIPT_HAN},
    {0x3021, 0x3029, SCRIPT_HAN},       {0x3038, 0x303B, SCRIPT_HAN},       {0x3041, 0x312F, SCRIPT_KANA},
    {0x3130, 0x318F, SCRIPT_HANGUL},    {0x31F0, 0x31FF, SCRIPT_KANA},      {0x3400, 0x9FFF, SCRIPT_HAN},
    {0xA960, 0xA97F, SCRIPT_HANGUL},    {0xAA60, 0xAA7F, SCRIPT_SOUTHEAST}, {0xAC00, 0xD7FF, SCRIPT_HANGUL},
    {0xF900, 0xFAFF, SCRIPT_HAN},       {0xFF66, 0xFF9F, SCRIPT_KANA},      {0xFFA0, 0xFFDC, SCRIPT_HANGUL},
    {0x1B000, 0x1B16F, SCRIPT_KANA},    {0x20000, 0x3FFFF, SCRIPT_HAN},
};

static enum script without_spaces(int32_t c)
{
    for (size_t i = 0; i < sizeof RANGES / sizeof *RANGES && RANGES[i].from <= c; i++)
        if (c <= RANGES[i].to)
            return RANGES[i].script;
    return SCRIPT_WORD;
}

static enum script script_of(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
        return SCRIPT_MARK;
    case UTF8PROC_CATEGORY_CF: /* but for the space of no width, which parts words where no spaces are written */
        return c == 0x200B ? SCRIPT_NONE : SCRIPT_SKIP;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return c == 0xFF9E || c == 0xFF9F ? SCRIPT_MARK : without_spaces(c); /* half-width sound marks */
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return without_spaces(c) == SCRIPT_HAN ? SCRIPT_HAN : SCRIPT_WORD;
    default:
        return SCRIPT_NONE;
    }
}

/* The code point at `at` and its bytes; -1 and 1 where there is none. */
static int32_t point_at(struct str text, size_t at, size_t *bytes)
{
    utf8proc_int32_t c = -1;
    size_t left = text.n - at;
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)text.p + at, left < 4 ? (utf8proc_ssize_t)left : 4, &c);
    *bytes = n > 0 ? (size_t)n : 1;
    return n > 0 ? c : -1;
}

enum script script_at(struct str text, size_t at, size_t *bytes)
{
    int32_t c = point_at(text, at, bytes);
    return c < 0 ? SCRIPT_NONE : script_of(c);
}

/* ---- folding ---- */
enum { POINTS_MAX = 128, EXPANDS_MAX = 24 }; /* of a word; of one code point (18 at most) */
struct points {
    int32_t c[POINTS_MAX + EXPANDS_MAX];
    size_t n;
};

/* Adds a code point, decomposed; marks go where the standard orders them, however they were typed. */
static void add_point(struct points *p, int32_t c)
{
    int border = 0;
    if (p->n >= POINTS_MAX)
        return;
    utf8proc_ssize_t n = utf8proc_decompose_char(c, p->c + p->n, EXPANDS_MAX,
                                                 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD, &border);
    for (size_t end = p->n + (n > 0 && n <= EXPANDS_MAX ? (size_t)n : 0); p->n < end; p->n++) {
        int32_t moved = p->c[p->n];
        int class = utf8proc_get_property(moved)->combining_class;
        size_t at = p->n;
        for (; class && at > 0 && utf8proc_get_property(p->c[at - 1])->combining_class > class; at--)
            p->c[at] = p->c[at - 1];
        p->c[at] = moved;
    }
}

static bool is_accent(int32_t c)
{
    return (c >= 0x0300 && c <= 0x036F) || (c >= 0x1AB0 && c <= 0x1AFF) || (c >= 0x1DC0 && c <= 0x1DFF) ||
           (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xFE20 && c <= 0xFE2F) ||
           (c >= 0x0591 && c <= 0x05C7) || (c >= 0x0610 && c <= 0x061A) || (c >= 0x064B && c <= 0x065F) ||
           c == 0x0670 || (c >= 0x06D6 && c <= 0x06ED) || c == 0x0640 /* the Arabic line that stretches words */;
}

/* Letters of their own, not accented ones: short i and short u, yi. */
static bool is_own_letter(int32_t base, int32_t mark)
{
    return (mark == 0x0306 && (base == 0x0438 || base == 0x0443)) || (mark == 0x0308 && base == 0x0456);
}

/* Without accents and signs, composed, as UTF-8 of at most `room` bytes. */
static size_t fold_points(struct points *p, char *out, size_t room)
{
    size_t kept = 0, n = 0;
    for (size_t i = 0; i < p->n; i++) {
        enum script s = script_of(p->c[i]);
        bool accent = is_accent(p->c[i]) && !(kept && is_own_letter(p->c[kept - 1], p->c[i]));
        if (p->c[i] == 0x2044) /* the bar of a fraction */
            p->c[kept++] = '/';
        else if (!accent && s != SCRIPT_NONE && s != SCRIPT_SKIP)
            p->c[kept++] = p->c[i];
    }
    utf8proc_ssize_t composed =
        utf8proc_normalize_utf32(p->c, (utf8proc_ssize_t)kept, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    for (size_t i = 0; composed > 0 && i < (size_t)composed; i++) {
        utf8proc_uint8_t bytes[4];
        size_t size = (size_t)utf8proc_encode_char(p->c[i], bytes);
        if (n + size > room)
            break;
        memcpy(out + n, bytes, size);
        n += size;
    }
    return n;
}

size_t unicode_word(struct str text, size_t at, struct word *w)
{
    struct points p;
    p.n = 0;
    w->from = at;
    for (size_t bytes; at < text.n; at += bytes) {
        int32_t c = point_at(text, at, &bytes);
        enum script s = c < 0 ? SCRIPT_NONE : script_of(c);
        if (s != SCRIPT_WORD && s != SCRIPT_MARK && s != SCRIPT_SKIP)
            break;
        add_point(&p, c);
    }
    w->to = at;
    w->n = fold_points(&p, w->form, TOKEN_BYTES);
    w->upper = w->digit = 0;
    w->ascii = true;
    for (size_t i = 0; i < w->n; i++) {
        unsigned char c = (unsigned char)w->form[i];
        w->ascii = w->ascii && TOKEN_LOWER[c] == c;
        w->digit |= (uint64_t)(c >= '0' && c <= '9') << i;
    }
    return w->to;
}

/* ---- scripts without spaces ---- */
struct unit { /* a character and its marks, folded */
    char form[TOKEN_BYTES / 2];
    size_t n, from, to;
};

/* Korean may be typed letter by letter: what follows the first letter of a syllable belongs to it. */
static bool continues(enum script of, enum script s, int32_t c)
{
    return s == SCRIPT_MARK || s == SCRIPT_SKIP || (of == SCRIPT_HANGUL && c >= 0x1160 && c <= 0x11FF);
}

static size_t read_unit(struct str text, size_t at, enum script of, struct unit *u)
{
    struct points p;
    p.n = 0;
    u->from = at;
    for (size_t bytes; at < text.n; at += bytes) {
        int32_t c = point_at(text, at, &bytes);
        if (at != u->from && (c < 0 || !continues(of, script_of(c), c)))
            break;
        add_point(&p, c);
    }
    u->to = at;
    u->n = fold_points(&p, u->form, sizeof u->form);
    return at;
}

static void give_pair(struct walk *k, const struct unit *a, const struct unit *b)
{
    char pair[2 * sizeof a->form];
    memcpy(pair, a->form, a->n);
    memcpy(pair + a->n, b->form, b->n);
    token_give(k, TOKEN_WORD, pair, a->n + b->n, a->from, b->to);
}

/* A Chinese character is often a word by itself, so each is also found alone. */
static void give_alone(struct walk *k, enum script s, const struct unit *u)
{
    if (s == SCRIPT_HAN && !k->words_only)
        token_give(k, TOKEN_PART, u->form, u->n, u->from, u->to);
}

size_t unicode_run(struct walk *k, size_t at)
{
    struct unit units[2];
    size_t bytes, n = 0;
    enum script of = script_at(k->text, at, &bytes);
    while (at < k->text.n && !k->ended && script_at(k->text, at, &bytes) == of) {
        at = read_unit(k->text, at, of, &units[n % 2]);
        if (units[n % 2].n == 0)
            continue;
        if (n > 0) {
            give_pair(k, &units[(n + 1) % 2], &units[n % 2]);
            give_alone(k, of, &units[(n + 1) % 2]);
        }
        n++;
    }
    if (n == 1)
        token_give(k, TOKEN_WORD, units[0].form, units[0].n, units[0].from, units[0].to);
    else if (n > 1)
        give_alone(k, of, &units[(n + 1) % 2]);
    return at;
}
