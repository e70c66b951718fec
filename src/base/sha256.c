/* SHA-256. What is here: collecting blocks, padding, and the compression function written with the SHA instructions of
 * x86-64 (FIPS 180-4 tells what is computed, the processor's manual what each instruction does). Elsewhere libsodium
 * compresses: its state has the same members, so one struct serves both. */
#include "base/sha256.h"

#include <sodium.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

bool sha256_is_native(void)
{
    unsigned a, b, c, d;
    bool sse41 = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1) && (c & bit_SSSE3);
    return sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* The instructions want the eight words as (a,b,e,f) and (c,d,g,h), the first of each highest. */
__attribute__((target("sha,sse4.1,ssse3"))) static void compress(uint32_t state[8], const unsigned char *p,
                                                                 size_t blocks)
{
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[0]), 0xb1);  /* c d a b */
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[4]), 0x1b); /* e f g h */
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; blocks; blocks--, p += SHA256_BLOCK) {
        __m128i w[4], abef_before = abef, cdgh_before = cdgh;
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + (size_t)16 * (size_t)i)), swap);
        for (int i = 0; i < 16; i++) { /* four rounds each */
            __m128i now = w[i & 3];
            __m128i sum = _mm_add_epi32(now, _mm_loadu_si128((const __m128i *)&constants[4 * i]));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
            __m128i next = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);  /* a b e f, from the lowest */
    high = _mm_shuffle_epi32(cdgh, 0xb1); /* g h c d */
    _mm_storeu_si128((__m128i *)&state[0], _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((__m128i *)&state[4], _mm_alignr_epi8(high, low, 8));
}
#else
bool sha256_is_native(void)
{
    return false;
}

static void compress(uint32_t state[8], const unsigned char *p, size_t blocks)
{
    (void)state, (void)p, (void)blocks; /* never called: it is not native */
}
#endif

/* ---- libsodium's, behind the same struct ---- */

static void with_sodium(struct sha256 *h, const void *p, size_t n, unsigned char *out)
{
    crypto_hash_sha256_state s;
    memcpy(s.state, h->state, sizeof s.state);
    s.count = h->bytes * 8;
    memcpy(s.buf, h->rest, sizeof s.buf);
    if (out) {
        crypto_hash_sha256_final(&s, out);
        return;
    }
    crypto_hash_sha256_update(&s, p, n);
    memcpy(h->state, s.state, sizeof s.state);
    memcpy(h->rest, s.buf, sizeof s.buf);
    h->bytes += n;
}

/* ---- the calls ---- */

void sha256_begin_portable(struct sha256 *h)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    *h = (struct sha256){0};
    memcpy(h->state, first, sizeof first);
}

void sha256_begin(struct sha256 *h)
{
    static _Thread_local signed char native = -1; /* asking the processor takes longer than hashing a block */
    if (native < 0)
        native = sha256_is_native();
    sha256_begin_portable(h);
    h->native = native > 0;
}

void sha256_add(struct sha256 *h, const void *p, size_t n)
{
    const unsigned char *at = p;
    size_t held = h->bytes % SHA256_BLOCK, some = SHA256_BLOCK - held;
    if (!h->native) {
        with_sodium(h, n ? p : "", n, NULL);
        return;
    }
    if (!n)
        return;
    h->bytes += n;
    if (held && n >= some) {
        memcpy(h->rest + held, at, some);
        compress(h->state, h->rest, 1);
        at += some;
        n -= some;
        held = 0;
    }
    if (!held && n >= SHA256_BLOCK) {
        compress(h->state, at, n / SHA256_BLOCK);
        at += n - n % SHA256_BLOCK;
        n %= SHA256_BLOCK;
    }
    memcpy(h->rest + held, at, n);
}

void sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES])
{
    unsigned char tail[2 * SHA256_BLOCK] = {0};
    size_t held = h->bytes % SHA256_BLOCK, n = held < SHA256_BLOCK - 8 ? SHA256_BLOCK : 2 * SHA256_BLOCK;
    if (!h->native) {
        with_sodium(h, NULL, 0, out);
        return;
    }
    memcpy(tail, h->rest, held);
    tail[held] = 0x80;
    for (size_t i = 0; i < 8; i++)
        tail[n - 1 - i] = (unsigned char)(h->bytes * 8 >> (8 * i));
    compress(h->state, tail, n / SHA256_BLOCK);
    for (size_t i = 0; i < SHA256_BYTES; i++)
        out[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}
