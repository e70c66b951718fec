/* What kernel_float.h needs of AVX2 with FMA: shared by the kernels with and without AVX-VNNI. */
#include <immintrin.h>

#define LANES 8
#define TILE_ROWS 5
#define TILE_PANELS 1
#define FMA(a, b, c) ((vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define ALL(x) ((vf)_mm256_set1_ps(x))
#define VMIN(a, b) ((vf)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define VMAX(a, b) ((vf)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define NARROW(p, v)                                                                                                   \
    do {                                                                                                               \
        __m256i v_ = (__m256i)(v);                                                                                     \
        __m128i two_ = _mm_packus_epi32(_mm256_castsi256_si128(v_), _mm256_extracti128_si256(v_, 1));                  \
        _mm_storel_epi64((__m128i *)(p), _mm_packus_epi16(two_, two_));                                                \
    } while (0)
