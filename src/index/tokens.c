/* The walk over a text, and what a single word gives. Most words are a few ASCII letters with a space after them: they
 * take the short way through two tables. What is written together: tokens_joined.c; beyond ASCII: tokens_unicode.c. */
#include "index/tokens_int.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

const unsigned char TOKEN_LOWER[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8',
    ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h',
    ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q',
    ['r'] = 'r', ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
    ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',
    ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
    ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

void token_give(struct walk *k, enum token_kind kind, const char *form, size_t n, size_t from, size_t to)
{
    if (k->ended || n == 0)
        return;
    struct token t = {{form, n}, from, to, kind};
    k->ended = k->fn(k->arg, &t) != 0 || ++k->n >= TOKENS_PER_TEXT;
}

/* ---- reading a word ---- */
static uint64_t mask_of(size_t n)
{
    return n < 64 ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0);
}

/* The letters and digits at text[at], as many as stand in a block, at most; returns how many. */
static size_t read_block(const char *p, struct word *w)
{
#ifdef __SSE2__
    const __m128i bit = _mm_set1_epi8(0x20), raw = _mm_loadu_si128((const __m128i *)p), low = _mm_or_si128(raw, bit);
    const __m128i from_a = _mm_sub_epi8(low, _mm_set1_epi8('a')), from_0 = _mm_sub_epi8(raw, _mm_set1_epi8('0'));
    const __m128i letter = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8(25)), from_a);
    const __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(from_0, _mm_set1_epi8(9)), from_0);
    const __m128i upper = _mm_andnot_si128(_mm_cmpeq_epi8(_mm_and_si128(raw, bit), bit), letter);
    unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_or_si128(letter, digit));
    size_t n = (size_t)__builtin_ctz(other | 1u << WORD_BLOCK);
    _mm_storeu_si128((__m128i *)(w->form + w->n), low); /* digits have the bit already */
    w->upper |= ((uint64_t)(unsigned)_mm_movemask_epi8(upper) & mask_of(n)) << w->n;
    w->digit |= ((uint64_t)(unsigned)_mm_movemask_epi8(digit) & mask_of(n)) << w->n;
    return n;
#else
    size_t n = 0;
    for (unsigned char c, low; n < WORD_BLOCK && (low = TOKEN_LOWER[c = (unsigned char)p[n]]); n++) {
        w->form[w->n + n] = (char)low;
        w->upper |= (uint64_t)(c != low) << (w->n + n);
        w->digit |= (uint64_t)(low <= '9') << (w->n + n);
    }
    return n;
#endif
}

/* Letters and digits from w->to on. */
static void read_ascii(struct str text, struct word *w)
{
    const unsigned char *p = (const unsigned char *)text.p;
    size_t at = w->to, n = w->n, block = WORD_BLOCK;
    for (; block == WORD_BLOCK && at + WORD_BLOCK <= text.n && n + WORD_BLOCK <= TOKEN_BYTES;
         at += block, w->n = n += block)
        block = read_block(text.p + at, w);
    if (block < WORD_BLOCK) {
        w->to = at;
        return;
    }
    for (unsigned char low; at < text.n && n < TOKEN_BYTES && (low = TOKEN_LOWER[p[at]]); at++, n++) {
        w->form[n] = (char)low;
        w->upper |= (uint64_t)(p[at] != low) << n;
        w->digit |= (uint64_t)(low <= '9') << n;
    }
    while (at < text.n && TOKEN_LOWER[p[at]]) /* longer than a form may be */
        at++;
    w->n = n;
    w->to = at;
}

/* After the comma at `at`: three digits and no fourth. */
static bool thousands(struct str text, size_t at)
{
    return is_digit(byte_at(text, at + 1)) && is_digit(byte_at(text, at + 2)) && is_digit(byte_at(text, at + 3)) &&
           !is_digit(byte_at(text, at + 4));
}

static void take_digits(struct str text, struct word *w, size_t at)
{
    for (; is_digit(byte_at(text, at)); at++)
        if (w->n < TOKEN_BYTES) {
            w->digit |= UINT64_C(1) << w->n;
            w->form[w->n++] = text.p[at];
        }
    w->to = at;
}

/* 1,000 and 3.14 and v1.2.3 are one word each; what follows at once belongs to it (1.5GB, 1.2.3rc1). */
static void read_number(struct str text, struct word *w)
{
    uint64_t rest = w->form[0] == 'v' && w->n > 1 ? 1 : 0; /* v1 */
    if ((w->digit | rest) != mask_of(w->n) || w->n == TOKEN_BYTES)
        return;
    size_t digits = w->n;
    bool grouped = !rest && digits <= 3;
    while (grouped && byte_at(text, w->to) == ',' && thousands(text, w->to))
        take_digits(text, w, w->to + 1);
    while (byte_at(text, w->to) == '.' && is_digit(byte_at(text, w->to + 1))) {
        if (w->n < TOKEN_BYTES) {
            w->digit |= UINT64_C(1) << w->n;
            w->form[w->n++] = '.';
        }
        take_digits(text, w, w->to + 1);
    }
    if (w->n > digits)
        read_ascii(text, w);
}

/* Letters beyond ASCII make a word of another kind; other scripts and signs end it. */
static bool goes_on(struct str text, size_t at)
{
    size_t bytes;
    if (byte_at(text, at) < 0x80)
        return false;
    enum script s = script_at(text, at, &bytes);
    return s == SCRIPT_WORD || s == SCRIPT_MARK || s == SCRIPT_SKIP;
}

static void begin(struct word *w, size_t at)
{
    w->n = 0;
    w->from = w->to = at;
    w->upper = w->digit = 0;
    w->ascii = true;
}

size_t token_read_word(struct str text, size_t at, struct word *w)
{
    begin(w, at);
    read_ascii(text, w);
    if (goes_on(text, w->to))
        return unicode_word(text, at, w);
    unsigned char next = byte_at(text, w->to);
    if ((next == '.' || next == ',') && is_digit(byte_at(text, w->to + 1)))
        read_number(text, w);
    return w->to;
}

/* ---- what a word gives ---- */
/* Where parts begin: lower then Upper (camelCase), the last of several capitals before a small letter (HTTPServer), and
 * between letters and digits. Without camels, what changes twice between letters and digits is a hash or the like. */
static uint64_t borders(const struct word *w)
{
    enum { PARTS_MAX = 8, CHANGES_MAX = 2 };
    uint64_t all = mask_of(w->n), letter = all & ~w->digit, lower = letter & ~w->upper;
    uint64_t changes = (w->digit & letter << 1) | (letter & w->digit << 1);
    uint64_t next_lower = lower >> 1;
    if (w->form[w->n - 1] == 's') /* PDFs */
        next_lower &= ~(w->n > 1 ? UINT64_C(1) << (w->n - 2) : 0);
    uint64_t camel = (w->upper & lower << 1) | (w->upper & w->upper << 1 & next_lower);
    if (__builtin_popcountll(changes) > (camel ? CHANGES_MAX : 1) || __builtin_popcountll(camel | changes) >= PARTS_MAX)
        return 0;
    return (camel | changes) & all & ~UINT64_C(1);
}

/* A letter alone says nothing, but for a digit before its unit (5pm). */
static void give_parts(struct walk *k, const struct word *w, uint64_t border)
{
    char stem[TOKEN_BYTES];
    for (size_t from = 0, to; from < w->n; from = to) {
        uint64_t later = border & ~mask_of(from + 1);
        to = later ? (size_t)__builtin_ctzll(later) : w->n;
        uint64_t digit = w->digit >> from & mask_of(to - from);
        size_t n = to - from;
        memcpy(stem, w->form + from, n);
        if ((n == 1 && !(digit && from == 0)) || token_stops(stem, n))
            continue;
        token_give(k, TOKEN_PART, stem, digit || !w->ascii ? n : token_stem(stem, n), w->from, w->to);
    }
}

void token_give_word(struct walk *k, const struct word *w)
{
    char stem[TOKEN_BYTES], exact[1 + TOKEN_BYTES];
    size_t n = w->n;
    if (n == 0)
        return;
    if (w->ascii && token_stops(w->form, n)) {
        if (!k->no_stops)
            token_give(k, TOKEN_STOP, w->form, n, w->from, w->to);
        return;
    }
    memcpy(stem, w->form, TOKEN_BYTES); /* the whole room: cheaper than as much as is used */
    if (w->ascii && !w->digit)
        n = token_stem(stem, n);
    token_give(k, TOKEN_WORD, stem, n, w->from, w->to);
    if (k->words_only)
        return;
    if (w->n < TOKEN_BYTES && (n != w->n || stem[n - 1] != w->form[n - 1])) {
        exact[0] = '=';
        memcpy(exact + 1, w->form, TOKEN_BYTES);
        token_give(k, TOKEN_EXACT, exact, w->n + 1, w->from, w->to);
    }
    if (w->upper >> 1 || w->digit) {
        uint64_t border = borders(w);
        if (border)
            give_parts(k, w, border);
    }
}

/* ---- the walk ---- */
/* One character or run that is no word with spaces around it. */
static size_t beyond_ascii(struct walk *k, size_t at)
{
    size_t bytes;
    enum script s = script_at(k->text, at, &bytes);
    return s == SCRIPT_WORD ? tokens_joined(k, at) : s >= SCRIPT_HAN ? unicode_run(k, at) : at + bytes;
}

/* Whether nothing can be written together with the word before `end`, at a glance: a space follows, or a full stop and
 * then a space. */
static bool stands_alone(struct str text, size_t end)
{
    unsigned char c = byte_at(text, end);
    if (c <= ' ')
        return true;
    return (c == '.' || c == ',' || c == '!' || c == '?' || c == ':') && byte_at(text, end + 1) <= ' ';
}

static size_t ascii_word(struct walk *k, size_t at)
{
    struct word w;
    unsigned char before = at ? (unsigned char)k->text.p[at - 1] : 0;
    begin(&w, at);
    read_ascii(k->text, &w);
    if (before == '#' || before == '@' || !stands_alone(k->text, w.to))
        return tokens_joined(k, at);
    token_give_word(k, &w);
    return w.to;
}

static void walk(struct walk *k)
{
    for (size_t at = 0; at < k->text.n && !k->ended;) {
        unsigned char c = (unsigned char)k->text.p[at];
        at = TOKEN_LOWER[c] ? ascii_word(k, at) : c < 0x80 ? at + 1 : beyond_ascii(k, at);
    }
}

void tokens_walk(struct str text, enum tokens_wanted wanted, token_kind_fn *fn, void *arg)
{
    struct walk k = {.text = text, .words_only = wanted == TOKENS_WORDS, .fn = fn, .arg = arg};
    walk(&k);
}

struct every { /* one call of tokens_each */
    token_fn *fn;
    void *arg;
};

static int give_every(void *arg, const struct token *t)
{
    const struct every *each = arg;
    return each->fn(each->arg, t->form, t->from, t->to);
}

enum err_code tokens_each(struct str text, token_fn *fn, void *arg, struct err *e)
{
    struct every each = {fn, arg};
    struct walk k = {.text = text, .no_stops = true, .fn = give_every, .arg = &each};
    (void)e;
    walk(&k);
    return ERR_OK;
}
