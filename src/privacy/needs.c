/* What a text must have at all for some detectors to be worth a look: two digits or colons for numbers, a run of signs
 * without a gap for tokens. Most of what people say has neither, and telling costs a fraction of what looking costs:
 * both are read off a bit for each of 64 bytes. */
#include "privacy/privacy_int.h"

#include "privacy/bits.h"

/* A bit for each byte of a block. */
struct bits {
    uint64_t number; /* [0-9:] */
    uint64_t token;  /* [A-Za-z0-9_.+/=~:|$%@-] */
};

#ifdef __SSE2__
static __m128i is(__m128i x, char c)
{
    return _mm_cmpeq_epi8(x, _mm_set1_epi8(c));
}

static struct bits bits_of(const unsigned char *p)
{
    struct bits b = {0};
    for (int i = 0; i < BITS; i += 16) {
        const __m128i x = _mm_loadu_si128((const __m128i *)(p + i));
        const __m128i sign = _mm_andnot_si128(is(x, ','), bits_within(x, '+', ':' - '+' + 1));
        const __m128i bar = is(_mm_and_si128(x, _mm_set1_epi8(~2)), '|'); /* | and ~ */
        const __m128i other = _mm_or_si128(_mm_or_si128(is(x, '='), is(x, '@')), _mm_or_si128(is(x, '_'), bar));
        const __m128i token =
            _mm_or_si128(_mm_or_si128(bits_letters(x), sign), _mm_or_si128(other, bits_within(x, '$', 2)));
        b.token |= bits_put(token, i);
        b.number |= bits_put(bits_within(x, '0', 11), i);
    }
    return b;
}
#else
static const bool of_token[256] = {
    ['$'] = 1, ['%'] = 1,         ['+'] = 1, ['-'] = 1,         ['.'] = 1, ['/'] = 1, ['0' ... ':'] = 1,
    ['='] = 1, ['@' ... 'Z'] = 1, ['_'] = 1, ['a' ... 'z'] = 1, ['|'] = 1, ['~'] = 1,
};

static struct bits bits_of(const unsigned char *p)
{
    struct bits b = {0};
    for (int i = 0; i < BITS; i++) {
        b.token |= (uint64_t)of_token[p[i]] << i;
        b.number |= (uint64_t)(p[i] >= '0' && p[i] <= ':') << i;
    }
    return b;
}
#endif

static struct bits bits_at(struct str text, size_t at)
{
    unsigned char rest[BITS];
    const unsigned char *p = bits_bytes(text, at, rest);
    const struct bits b = bits_of(p);
    if (p == rest)
        explicit_bzero(rest, sizeof rest);
    return b;
}

/* DETECTOR_RUN bits on end, in x or from the end of the block before on. */
static bool has_run(uint64_t before, uint64_t x)
{
    uint64_t runs = x & x >> 1;
    runs &= runs >> 2;
    runs &= runs >> 4; /* eight on end */
    _Static_assert(DETECTOR_RUN == 15, "eight and seven");
    if (runs & runs >> 7)
        return true;
    const int ends = before == UINT64_MAX ? BITS : __builtin_clzll(~before);
    const int begins = x == UINT64_MAX ? BITS : __builtin_ctzll(~x);
    return ends + begins >= DETECTOR_RUN;
}

unsigned needs_met(struct str text)
{
    const unsigned all = 1u << NEEDS_NOTHING | 1u << NEEDS_NUMBER | 1u << NEEDS_RUN;
    unsigned met = 1u << NEEDS_NOTHING;
    uint64_t before = 0;
    bool one = false; /* a number's sign was seen */
    for (size_t at = 0; at < text.n && met != all; at += BITS) {
        const struct bits b = bits_at(text, at);
        if (b.number && (one || (b.number & (b.number - 1))))
            met |= 1u << NEEDS_NUMBER;
        one = one || b.number;
        if (has_run(before, b.token))
            met |= 1u << NEEDS_RUN;
        before = b.token;
    }
    return met;
}
