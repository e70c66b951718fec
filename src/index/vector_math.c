/* Arithmetic of vectors: a query of 16 bits by codes of 8, and how many bits of two vectors differ. All variants give
 * the same numbers. A query keeps to 14 bits: the sum of two products fits 32 bits, and so do 4,096 / 16 of them. */
#include "index/vectors_int.h"

#include <math.h>
#include <string.h>

enum { QUERY_MOST = 8191, CODE_MOST = 127 };

static int64_t dot_portable(const int16_t *query, const int8_t *codes, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i += VECTOR_ALIGN) {
        int32_t part = 0;
        for (size_t k = i; k < i + VECTOR_ALIGN; k++)
            part += query[k] * codes[k];
        sum += part;
    }
    return sum;
}

static unsigned differ_portable(const uint64_t *a, const uint64_t *b, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned)__builtin_popcountll(a[i] ^ b[i]);
    return sum;
}

static const struct vector_math PORTABLE = {"portable", dot_portable, differ_portable};

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static int64_t dot_avx2(const int16_t *query, const int8_t *codes, size_t n)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 16) {
        __m256i c = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(codes + i)));
        __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)(query + i));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(c, q));
    }
    int32_t part[8];
    _mm256_storeu_si256((__m256i *)(void *)part, sum);
    int64_t total = 0;
    for (int i = 0; i < 8; i++)
        total += part[i];
    return total;
}

__attribute__((target("popcnt"))) static unsigned differ_popcnt(const uint64_t *a, const uint64_t *b, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (unsigned)__builtin_popcountll(a[i] ^ b[i]);
    return sum;
}

__attribute__((target("avx512f,avx512bw"))) static int64_t dot_avx512(const int16_t *query, const int8_t *codes,
                                                                      size_t n)
{
    __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64) {
        __m512i a = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(codes + i)));
        __m512i b = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(codes + i + 32)));
        even = _mm512_add_epi32(even, _mm512_madd_epi16(a, _mm512_loadu_si512(query + i)));
        odd = _mm512_add_epi32(odd, _mm512_madd_epi16(b, _mm512_loadu_si512(query + i + 32)));
    }
    return (int64_t)_mm512_reduce_add_epi64(
        _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(_mm512_add_epi32(even, odd))),
                         _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(_mm512_add_epi32(even, odd), 1))));
}

static const struct vector_math AVX2 = {"avx2", dot_avx2, differ_popcnt};
static const struct vector_math AVX512 = {"avx512", dot_avx512, differ_popcnt};
#endif

size_t vector_maths(const struct vector_math *out[VECTOR_MATHS_MAX])
{
    size_t n = 0;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("popcnt"))
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

static float largest(const float *v, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabsf(v[i]) > most ? fabsf(v[i]) : most; /* never NAN */
    return isfinite(most) ? most : 0;
}

static long rounded(float x, float most, long limit)
{
    if (most <= 0 || isnan(x))
        return 0;
    long r = lroundf(x / most * (float)limit);
    return r > limit ? limit : r < -limit ? -limit : r;
}

void vector_encode(const float *v, size_t dimensions, size_t width, int8_t *codes, uint64_t *bits, float *scale)
{
    float most = largest(v, dimensions);
    memset(codes, 0, width);
    memset(bits, 0, width / 8);
    for (size_t i = 0; i < dimensions; i++) {
        codes[i] = (int8_t)rounded(v[i], most, CODE_MOST);
        bits[i / 64] |= (uint64_t)(v[i] > 0) << (i % 64);
    }
    *scale = most / CODE_MOST;
}

void vector_query(const float *v, size_t dimensions, size_t width, int16_t *out, uint64_t *bits, float *scale)
{
    float most = largest(v, dimensions);
    memset(out, 0, width * sizeof *out);
    memset(bits, 0, width / 8);
    for (size_t i = 0; i < dimensions; i++) {
        out[i] = (int16_t)rounded(v[i], most, QUERY_MOST);
        bits[i / 64] |= (uint64_t)(v[i] > 0) << (i % 64);
    }
    *scale = most / QUERY_MOST;
}
