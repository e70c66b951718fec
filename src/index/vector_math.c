/* Arithmetic of vectors: a query of 14 bits by values of nine, how many bits differ, and which names are the same. All
 * variants give the same numbers. 8,191 * 511 * 2 * (4,096 / 16) fits 31 bits: the sums of a lane never overflow. */
#include "index/vectors_int.h"

#include <string.h>

/* ---- any processor ---- */
static int64_t dot_portable(const int16_t *query, const uint64_t *bits, const uint8_t *codes, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i += 64, bits++)
        for (size_t k = 0; k < 64; k++)
            sum += query[i + k] * (int32_t)((*bits >> k & 1) << 8 | codes[i + k]);
    return sum;
}

static inline __attribute__((always_inline)) unsigned count_differing(const uint64_t *a, const uint64_t *b,
                                                                      size_t words)
{
    unsigned sum = 0;
    for (size_t w = 0; w < words; w++)
        sum += (unsigned)__builtin_popcountll(a[w] ^ b[w]);
    return sum;
}

/* Of a whole block; inlined where the processor counts bits itself. */
static inline __attribute__((always_inline)) void differ_by_word(const uint64_t *query, const uint64_t *bits,
                                                                 const uint64_t *next, size_t words, unsigned most,
                                                                 uint16_t *out, uint64_t mask[VECTOR_MASK])
{
    memset(mask, 0, VECTOR_MASK * sizeof *mask);
    for (size_t i = 0; i < VECTORS_BLOCK; i++, bits += words, next += words) {
        __builtin_prefetch(next);
        unsigned sum = count_differing(query, bits, words);
        out[i] = (uint16_t)sum;
        mask[i / 64] |= (uint64_t)(sum <= most) << i % 64;
    }
}

static void differ_portable(const uint64_t *query, const uint64_t *bits, const uint64_t *next, size_t words,
                            unsigned most, uint16_t out[VECTORS_BLOCK], uint64_t mask[VECTOR_MASK])
{
    differ_by_word(query, bits, next, words, most, out, mask);
}

static unsigned differ_one_portable(const uint64_t *query, const uint64_t *bits, size_t words)
{
    return count_differing(query, bits, words);
}

static void equal_portable(const uint32_t *column, uint32_t value, uint64_t mask[VECTOR_MASK])
{
    for (size_t w = 0; w < VECTOR_MASK; w++) {
        uint64_t found = 0;
        for (size_t i = 0; i < 64; i++)
            found |= (uint64_t)(column[64 * w + i] == value) << i;
        mask[w] = found;
    }
}

static const struct vector_math PORTABLE = {"portable", dot_portable, differ_portable, differ_one_portable,
                                            equal_portable};

#if defined(__x86_64__)
#include <immintrin.h>

/* ---- AVX2 ---- */
__attribute__((target("avx2"))) static int64_t dot_avx2(const int16_t *query, const uint64_t *bits,
                                                        const uint8_t *codes, size_t n)
{
    const __m256i one =
        _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, (int16_t)0x8000);
    const __m256i ninth = _mm256_set1_epi16(256);
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 16) {
        int16_t part = (int16_t)(bits[i / 64] >> i % 64);
        __m256i set = _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16(part), one), one);
        __m256i c = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(codes + i)));
        __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)(query + i));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_or_si256(c, _mm256_and_si256(set, ninth)), q));
    }
    int32_t part[8];
    _mm256_storeu_si256((__m256i *)(void *)part, sum);
    int64_t total = 0;
    for (int i = 0; i < 8; i++)
        total += part[i];
    return total;
}

__attribute__((target("popcnt"))) static void differ_popcnt(const uint64_t *query, const uint64_t *bits,
                                                            const uint64_t *next, size_t words, unsigned most,
                                                            uint16_t out[VECTORS_BLOCK], uint64_t mask[VECTOR_MASK])
{
    if (words == 6) /* 384 dimensions: the compiler lays it out */
        differ_by_word(query, bits, next, 6, most, out, mask);
    else
        differ_by_word(query, bits, next, words, most, out, mask);
}

__attribute__((target("popcnt"))) static unsigned differ_one_popcnt(const uint64_t *query, const uint64_t *bits,
                                                                    size_t words)
{
    return count_differing(query, bits, words);
}

__attribute__((target("avx2"))) static void equal_avx2(const uint32_t *column, uint32_t value,
                                                       uint64_t mask[VECTOR_MASK])
{
    const __m256i want = _mm256_set1_epi32((int)value);
    for (size_t w = 0; w < VECTOR_MASK; w++) {
        uint64_t found = 0;
        for (size_t i = 0; i < 64; i += 8) {
            __m256i c = _mm256_loadu_si256((const __m256i *)(const void *)(column + 64 * w + i));
            found |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(c, want))) << i;
        }
        mask[w] = found;
    }
}

/* ---- AVX-512 ---- */
#define AVX512_TARGET __attribute__((target("avx512f,avx512bw,avx512vpopcntdq")))

AVX512_TARGET static int64_t dot_avx512(const int16_t *query, const uint64_t *bits, const uint8_t *codes, size_t n)
{
    const __m512i ninth = _mm512_set1_epi16(256);
    __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64, bits++) {
        __m512i a = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(codes + i)));
        __m512i b = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(codes + i + 32)));
        a = _mm512_mask_add_epi16(a, (__mmask32)*bits, a, ninth);
        b = _mm512_mask_add_epi16(b, (__mmask32)(*bits >> 32), b, ninth);
        even = _mm512_add_epi32(even, _mm512_madd_epi16(a, _mm512_loadu_si512(query + i)));
        odd = _mm512_add_epi32(odd, _mm512_madd_epi16(b, _mm512_loadu_si512(query + i + 32)));
    }
    __m512i sum = _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(even)),
                                   _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(even, 1)));
    sum = _mm512_add_epi64(sum, _mm512_cvtepi32_epi64(_mm512_castsi512_si256(odd)));
    sum = _mm512_add_epi64(sum, _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(odd, 1)));
    return (int64_t)_mm512_reduce_add_epi64(sum);
}

/* Eight words of each row (fewer at its end) at a time: how many bits differ in each word is at most 64, so it fits a
 * byte, and one instruction sums the eight bytes of each of eight rows. */
AVX512_TARGET static void differ_avx512(const uint64_t *query, const uint64_t *bits, const uint64_t *next, size_t words,
                                        unsigned most, uint16_t out[VECTORS_BLOCK], uint64_t mask[VECTOR_MASK])
{
    uint8_t counts[VECTORS_BLOCK * 8] __attribute__((aligned(64)));
    for (size_t w = 0; w < words; w += 8) {
        __mmask8 there = (__mmask8)(words - w < 8 ? (1u << (words - w)) - 1 : 255);
        const __m512i q = _mm512_maskz_loadu_epi64(there, query + w);
        for (size_t i = 0; i < VECTORS_BLOCK; i++) {
            __builtin_prefetch(next + i * words + w);
            __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi64(there, bits + i * words + w), q);
            _mm_storel_epi64((__m128i *)(void *)(counts + 8 * i), _mm512_cvtepi64_epi8(_mm512_popcnt_epi64(x)));
        }
        for (size_t i = 0; i < VECTORS_BLOCK; i += 8) {
            __m512i sums = _mm512_sad_epu8(_mm512_load_si512(counts + 8 * i), _mm512_setzero_si512());
            __m128i *to = (__m128i *)(void *)(out + i);
            __m128i eight = _mm512_cvtepi64_epi16(sums);
            _mm_storeu_si128(to, w ? _mm_add_epi16(eight, _mm_loadu_si128(to)) : eight);
        }
    }
    const __m512i limit = _mm512_set1_epi16((int16_t)most);
    for (size_t i = 0; i < VECTORS_BLOCK; i += 64)
        mask[i / 64] = (uint64_t)_mm512_cmple_epu16_mask(_mm512_loadu_si512(out + i), limit) |
                       (uint64_t)_mm512_cmple_epu16_mask(_mm512_loadu_si512(out + i + 32), limit) << 32;
}

AVX512_TARGET static void equal_avx512(const uint32_t *column, uint32_t value, uint64_t mask[VECTOR_MASK])
{
    const __m512i want = _mm512_set1_epi32((int)value);
    for (size_t w = 0; w < VECTOR_MASK; w++) {
        uint64_t found = 0;
        for (size_t i = 0; i < 64; i += 16)
            found |= (uint64_t)_mm512_cmpeq_epi32_mask(_mm512_loadu_si512(column + 64 * w + i), want) << i;
        mask[w] = found;
    }
}

static const struct vector_math AVX2 = {"avx2", dot_avx2, differ_popcnt, differ_one_popcnt, equal_avx2};
static const struct vector_math AVX512 = {"avx512", dot_avx512, differ_avx512, differ_one_popcnt, equal_avx512};
#endif

size_t vector_maths(const struct vector_math *out[VECTOR_MATHS_MAX])
{
    size_t n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vpopcntdq"))
        out[n++] = &AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        out[n++] = &AVX2;
#endif
    out[n++] = &PORTABLE;
    return n;
}

const struct vector_math *vector_math(void)
{
    const struct vector_math *all[VECTOR_MATHS_MAX];
    (void)vector_maths(all);
    return all[0];
}
