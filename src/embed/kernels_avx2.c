/* The kernels for AVX2 with FMA (Intel from 2013, AMD from 2015). It has no int8 dot product: bytes are widened to 16
 * bits, even and odd ones apart, and multiplied in pairs, which is exact. (vpmaddubsw would be shorter, but its 16-bit
 * sums saturate.) */
#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma")))
#include "embed/kernel_avx2.h"

#include "embed/kernel_float.h"

#define TILE8_ROWS 4
#define TILE8_PANELS 1

struct part {
    __m256i even, odd;
};

struct quad {
    __m256i even, odd;
};

INLINE void part_load(struct part *p, const int8_t *b)
{
    __m256i w = _mm256_load_si256((const __m256i *)b);
    p->even = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8);
    p->odd = _mm256_srai_epi16(w, 8);
}

INLINE void quad_load(struct quad *q, const uint8_t *a)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    __m256i x = _mm256_set1_epi32(four);
    q->even = _mm256_and_si256(x, _mm256_set1_epi16(255));
    q->odd = _mm256_srli_epi16(x, 8);
}

INLINE void dot(vi *sum, const struct quad *q, const struct part *p)
{
    __m256i two = _mm256_add_epi32(_mm256_madd_epi16(q->even, p->even), _mm256_madd_epi16(q->odd, p->odd));
    *sum = (vi)_mm256_add_epi32((__m256i)*sum, two);
}

#include "embed/kernel_int8.h"

const struct kernels kernels_avx2 = {"avx2", matmul_float, matmul_int8, quantise, softmax, scale, gelu, add_norm};
#endif
