/* Where numbers may be, told by their digits alone: a text has many digits, and each would have Hyperscan begin several
 * forms anew. What is told is more than what matches: enough digits near each other, behind what may stand before a
 * number. Digits, letters and colons are read off a bit for each of 64 bytes, so that only digits and colons cost. */
#include "privacy/privacy_int.h"

#include "privacy/bits.h"

enum { NEAR = 3, FAR = 9, HEX = 4, IBAN_REST = 11 }; /* bytes between a number's digits, by what reads it */

struct bits {
    uint64_t digits, letters, colons;
};

struct numbers {
    struct str text;
    numbers_tell *tell;
    void *arg;
    size_t digit, colon;   /* the last one's place, SIZE_MAX: none yet */
    bool letter;           /* one stands behind the last digit */
    unsigned five, twelve; /* digits so far, FAR and NEAR each other; 0: nothing that may begin a number */
    unsigned run, dots;    /* digits on end, and single dots with up to three digits between */
};

#ifdef __SSE2__
static struct bits bits_of(const unsigned char *p)
{
    struct bits b = {0};
    for (int i = 0; i < BITS; i += 16) {
        const __m128i x = _mm_loadu_si128((const __m128i *)(p + i));
        b.digits |= bits_put(bits_within(x, '0', 10), i);
        b.letters |= bits_put(bits_letters(x), i);
        b.colons |= bits_put(_mm_cmpeq_epi8(x, _mm_set1_epi8(':')), i);
    }
    return b;
}
#else
static struct bits bits_of(const unsigned char *p)
{
    struct bits b = {0};
    for (int i = 0; i < BITS; i++) {
        b.digits |= (uint64_t)(p[i] >= '0' && p[i] <= '9') << i;
        b.letters |= (uint64_t)((p[i] | 32) >= 'a' && (p[i] | 32) <= 'z') << i;
        b.colons |= (uint64_t)(p[i] == ':') << i;
    }
    return b;
}
#endif

static bool letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* No sign of a word before it, or an escape: \n, %20. Where the text begins nobody can tell. */
static bool border(struct str text, size_t at)
{
    if (at < 3)
        return true;
    const char c = text.p[at - 1];
    return !(letter(c) || digit(c) || c == '_') || text.p[at - 2] == '\\' || text.p[at - 3] == '%';
}

/* DE89 and what may follow: the second of the first digits is at `at`. */
static bool is_lettered(struct str text, size_t at)
{
    if (at < 3 || !letter(text.p[at - 2]) || !letter(text.p[at - 3]) || !border(text, at - 3))
        return false;
    size_t i = at + 1;
    for (int k = 0; k < IBAN_REST; k++, i++) {
        const size_t from = i;
        while (i < text.n && i - from < NEAR && !letter(text.p[i]) && !digit(text.p[i]))
            i++;
        if (i >= text.n || !(letter(text.p[i]) || digit(text.p[i])))
            return false;
    }
    return true;
}

/* apart: letters stand between it and the digit before. */
static void on_digit(struct numbers *n, size_t at, bool apart)
{
    const size_t gap = at - n->digit - 1;
    const bool begins = (!n->five || !n->twelve || apart || gap > NEAR) && border(n->text, at);
    n->five = n->five && !apart && gap <= FAR ? n->five + 1 : begins;
    n->twelve = n->twelve && !apart && gap <= NEAR ? n->twelve + 1 : begins;
    if (gap) {
        const bool dot = gap == 1 && n->text.p[at - 1] == '.';
        n->dots = !dot ? 0 : n->dots && n->run <= 3 ? n->dots + 1 : 1;
        n->run = 0;
    }
    n->run++;
    n->digit = at;
    if (n->five >= 5)
        n->tell(n->arg, NUMBER_FIVE, at + 1, n->five > 5);
    if (n->twelve >= 9)
        n->tell(n->arg, NUMBER_NINE, at + 1, n->twelve > 9);
    if (n->twelve >= 12)
        n->tell(n->arg, NUMBER_TWELVE, at + 1, n->twelve > 12);
    if (n->dots >= 3 && n->run == 1)
        n->tell(n->arg, NUMBER_DOTTED, at + 1, n->dots > 3);
    if (n->run == 2 && is_lettered(n->text, at))
        n->tell(n->arg, NUMBER_LETTERED, at + 1, false);
}

static bool hex(char c)
{
    return digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static void on_colon(struct numbers *n, size_t at)
{
    const size_t before = n->colon;
    n->colon = at;
    if (before == SIZE_MAX || at - before - 1 > HEX)
        return;
    for (size_t i = before + 1; i < at; i++)
        if (!hex(n->text.p[i]))
            return;
    n->tell(n->arg, NUMBER_COLONS, at + 1, false);
}

static void block(struct numbers *n, struct bits b, size_t at)
{
    uint64_t letters = b.letters;
    for (uint64_t rest = b.digits | b.colons; rest; rest &= rest - 1) {
        const int i = __builtin_ctzll(rest);
        if (b.colons >> i & 1) {
            on_colon(n, at + (size_t)i);
            continue;
        }
        const uint64_t since = letters >> i << i;
        on_digit(n, at + (size_t)i, n->letter || since != letters);
        n->letter = false;
        letters = since;
    }
    n->letter = n->letter || letters;
}

void numbers_see(struct str text, numbers_tell *tell, void *arg)
{
    struct numbers n = {.text = text, .tell = tell, .arg = arg, .digit = SIZE_MAX, .colon = SIZE_MAX};
    for (size_t at = 0; at < text.n; at += BITS) {
        unsigned char rest[BITS];
        const unsigned char *p = bits_bytes(text, at, rest);
        block(&n, bits_of(p), at);
        if (p == rest)
            explicit_bzero(rest, sizeof rest);
    }
}
