/* The kernels for AVX2 with AVX-VNNI: processors that dot bytes in hardware but have no AVX-512. */
#if defined(__x86_64__)
#define TARGET __attribute__((target("avx2,fma,avxvnni")))
#include "embed/kernel_avx2.h"

#include "embed/kernel_float.h"

#define TILE8_ROWS 5
#define TILE8_PANELS 1

struct part {
    __m256i w;
};

struct quad {
    __m256i x;
};

INLINE void part_load(struct part *p, const int8_t *b)
{
    p->w = _mm256_load_si256((const __m256i *)b);
}

INLINE void quad_load(struct quad *q, const uint8_t *a)
{
    int32_t four;
    memcpy(&four, a, sizeof four);
    q->x = _mm256_set1_epi32(four);
}

INLINE void dot(vi *sum, const struct quad *q, const struct part *p)
{
    *sum = (vi)_mm256_dpbusd_avx_epi32((__m256i)*sum, q->x, p->w);
}

#include "embed/kernel_int8.h"

const struct kernels kernels_avxvnni = {"avx-vnni", matmul_float, matmul_int8, quantise,
                                        softmax,    scale,        gelu,        add_norm};
#endif
