/* A bit for each of 64 bytes that is of some sort: what needs.c and numbers.c read texts by, before anything looks
 * closer. Whoever uses it says what the sorts are, for sixteen bytes at a time and for one. */
#ifndef CAIRN_PRIVACY_BITS_H
#define CAIRN_PRIVACY_BITS_H

#include "base/str.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BITS = 64 };

#ifdef __SSE2__
/* 0xff in each byte from `first` on, so many of them. */
static inline __m128i bits_within(__m128i x, char first, int n)
{
    return _mm_cmplt_epi8(_mm_sub_epi8(x, _mm_set1_epi8((char)(first + 128))), _mm_set1_epi8((char)(n - 128)));
}

static inline __m128i bits_letters(__m128i x)
{
    return bits_within(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 26);
}

static inline uint64_t bits_put(__m128i is, int at)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(is) << at;
}
#endif

/* The bytes from `at` on: the text's own, or for its last ones a copy in `rest`, with zeros behind, which the caller
 * wipes (no text stays on a stack: EPHEMERAL). */
static inline const unsigned char *bits_bytes(struct str text, size_t at, unsigned char rest[BITS])
{
    const unsigned char *p = (const unsigned char *)text.p + at;
    if (text.n - at >= BITS)
        return p;
    memset(rest, 0, BITS);
    memcpy(rest, p, text.n - at);
    return rest;
}

#endif
