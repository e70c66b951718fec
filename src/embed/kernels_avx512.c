/* The kernels for AVX-512 with VNNI. In int8 a tile is 6 rows by 4 panels: 24 sums, 10 loads for 24 products, and lines
 * of the result that lie side by side, which was 4 to 10 % faster than 8 by 2 (with 12 by 2 gcc 12 spills).
 * In floats 8 rows by 2 panels.
 *
 * Sanitizers are kept out of this file: a check before each load of an unrolled tile takes a compiler minutes. The
 * other instruction sets' kernels are checked, and they are the same loops with smaller tiles. */
#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET                                                                                                         \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"), no_sanitize("address"),           \
                   no_sanitize("undefined"), no_sanitize("thread")))
#define LANES 16
#define ALL(x) ((vf)_mm512_set1_ps(x))
#define VMIN(a, b) ((vf)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define VMAX(a, b) ((vf)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define NARROW(p, v) _mm_storeu_si128((__m128i *)(p), _mm512_cvtepi32_epi8((__m512i)(v)))
#define FMA(a, b, c) ((vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define TILE_ROWS 8
#define TILE_PANELS 2
#include "embed/kernel_float.h"

#define TILE8_ROWS 6
#define TILE8_PANELS 4

struct part {
    __m512i w;
};

struct quad {
    __m512i x;
};

INLINE void part_load(struct part *p, const int8_t *b)
{
    p->w = _mm512_load_si512((const void *)b);
}

INLINE void quad_load(struct quad *q, const uint8_t *a)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    q->x = _mm512_set1_epi32(four);
}

INLINE void dot(vi *sum, const struct quad *q, const struct part *p)
{
    *sum = (vi)_mm512_dpbusd_epi32((__m512i)*sum, q->x, p->w);
}

#include "embed/kernel_int8.h"

const struct kernels kernels_avx512 = {"avx512-vnni", matmul_float, matmul_int8, quantise,
                                       softmax,       scale,        gelu,        add_norm};
#endif
