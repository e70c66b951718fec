/* The float kernels, written once with vectors of LANES floats and compiled by each kernels_*.c for its instruction
 * set: it defines TARGET (a target attribute or nothing), LANES, the tile (TILE_ROWS × TILE_PANELS panels), whose sums
 * fit in registers, and what vector operators cannot say well: FMA(a, b, c) = a * b + c (which the compiler may not
 * make of them in standard C), ALL(x) = x in every lane, VMIN and VMAX, which give b where either is not a number, and
 * NARROW(p, v): lanes 0 to 255 as bytes at p. No include guard on purpose; everything is static. */
#include "embed/kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef float vf __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define INLINE TARGET static inline __attribute__((always_inline))
enum { PARTS = PANEL / LANES };
#define UNROLL _Pragma("GCC unroll 32")
#define AT(p) (*(vf *)(p))
#define LOAD(p) (*(const vf *)(p))

/* One tile: c[rows][16 * panels] over all of k. `rows` and `panels` are constants where this is inlined. */
INLINE void float_tile(size_t rows, size_t panels, size_t k, const float *a, size_t lda, const float *b,
                       const float *bias, float *c, size_t ldc)
{
    vf sum[TILE_ROWS][TILE_PANELS * PARTS];
    UNROLL for (size_t r = 0; r < rows; r++)
    {
        UNROLL for (size_t j = 0; j < panels * PARTS; j++) sum[r][j] = bias ? LOAD(bias + j * LANES) : (vf){0};
    }
    for (size_t i = 0; i < k; i++) {
        vf w[TILE_PANELS * PARTS];
        UNROLL for (size_t j = 0; j < panels * PARTS; j++) w[j] =
            LOAD(b + (j / PARTS) * k * PANEL + i * PANEL + (j % PARTS) * LANES);
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            vf x = ALL(a[r * lda + i]);
            UNROLL for (size_t j = 0; j < panels * PARTS; j++) sum[r][j] = FMA(x, w[j], sum[r][j]);
        }
    }
    UNROLL for (size_t r = 0; r < rows; r++)
    {
        UNROLL for (size_t j = 0; j < panels * PARTS; j++) AT(c + r * ldc + j * LANES) = sum[r][j];
    }
}

/* All rows against `panels` panels. */
INLINE void float_rows(size_t m, size_t panels, size_t k, const float *a, size_t lda, const float *b, const float *bias,
                       float *c, size_t ldc)
{
    size_t r = 0;
    for (; r + TILE_ROWS <= m; r += TILE_ROWS)
        float_tile(TILE_ROWS, panels, k, a + r * lda, lda, b, bias, c + r * ldc, ldc);
    if (TILE_ROWS > 4 && r + 4 <= m) {
        float_tile(TILE_ROWS < 4 ? TILE_ROWS : 4, panels, k, a + r * lda, lda, b, bias, c + r * ldc, ldc);
        r += 4;
    }
    for (; r < m; r++)
        float_tile(1, panels, k, a + r * lda, lda, b, bias, c + r * ldc, ldc);
}

TARGET static void matmul_float(size_t m, size_t n16, size_t k, const float *a, size_t lda, const float *b,
                                const float *bias, float *c, size_t ldc)
{
    size_t p = 0;
    for (; p + TILE_PANELS <= n16; p += TILE_PANELS)
        float_rows(m, TILE_PANELS, k, a, lda, b + p * PANEL * k, bias ? bias + p * PANEL : NULL, c + p * PANEL, ldc);
    for (; p < n16; p++)
        float_rows(m, 1, k, a, lda, b + p * PANEL * k, bias ? bias + p * PANEL : NULL, c + p * PANEL, ldc);
}

/* All lanes into one, in pairs, so that no step waits for all before it. */
#define FOLD(name, joined)                                                                                             \
    INLINE float name(const vf *v)                                                                                     \
    {                                                                                                                  \
        float t[LANES];                                                                                                \
        memcpy(t, v, sizeof t);                                                                                        \
        UNROLL for (size_t half = LANES / 2; half > 0; half /= 2)                                                      \
        {                                                                                                              \
            UNROLL for (size_t i = 0; i < half; i++)                                                                   \
            {                                                                                                          \
                float a = t[i], b = t[i + half];                                                                       \
                t[i] = (joined);                                                                                       \
            }                                                                                                          \
        }                                                                                                              \
        return t[0];                                                                                                   \
    }
FOLD(sum_of, a + b)
FOLD(least_of, a < b ? a : b)
FOLD(most_of, a > b ? a : b)

/* *x = e^*x for *x <= 0, to about 2 units in the last place; below -87 as at -87, 1.6e-38. */
INLINE void exp_negative(vf *x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number in the low bits */
    vf v = VMAX(*x, ALL(-87.0f));
    vf n = FMA(v, ALL(1.44269504f), ALL(shift));
    vi exponent = (vi)n << 23;
    n -= shift;
    vf r = FMA(n, ALL(2.12194440e-4f), FMA(n, ALL(-0.693359375f), v)); /* ln 2 in two parts */
    vf p = ALL(1.0f / 5040);
    p = FMA(p, r, ALL(1.0f / 720));
    p = FMA(p, r, ALL(1.0f / 120));
    p = FMA(p, r, ALL(1.0f / 24));
    p = FMA(p, r, ALL(1.0f / 6));
    p = FMA(p, r, ALL(0.5f));
    p = FMA(p, r, ALL(1.0f));
    p = FMA(p, r, ALL(1.0f));
    *x = (vf)((vi)p + exponent);
}

TARGET static float softmax(float *x, size_t n, size_t padded, float factor)
{
    for (size_t i = n; i < padded; i++)
        x[i] = -INFINITY;
    vf top = ALL(-INFINITY), total = {0};
    for (size_t i = 0; i < padded; i += LANES)
        top = VMAX(top, AT(x + i));
    float max = most_of(&top);
    for (size_t i = 0; i < padded; i += LANES) {
        vf v = (AT(x + i) - max) * factor;
        exp_negative(&v);
        AT(x + i) = v;
        total += v;
    }
    return sum_of(&total);
}

TARGET static void scale(const float *x, size_t n, float by, float *out)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        AT(out + i) = LOAD(x + i) * by;
    for (; i < n; i++)
        out[i] = x[i] * by;
}

/* 2 Φ(x) - 1 = erf(x/√2) as an odd rational function of x/√2, fitted by weighted least squares on [0, 3.9]: off by at
 * most 4.1e-8 before rounding. */
INLINE void gelu_vector(vf *x)
{
    vf v = *x * 0.70710678f;
    v = VMIN(VMAX(v, ALL(-3.9f)), ALL(3.9f));
    vf t = v * v;
    vf p = FMA(t, ALL(2.01184213e-8f), ALL(-1.99690613e-6f));
    p = FMA(p, t, ALL(1.47474099e-4f));
    p = FMA(p, t, ALL(3.89628639e-3f));
    p = FMA(p, t, ALL(5.11489926e-2f));
    p = FMA(p, t, ALL(2.04225213e-1f));
    p = FMA(p, t, ALL(1.1283788f));
    vf q = FMA(t, ALL(1.00660103e-3f), ALL(1.4730534e-2f));
    q = FMA(q, t, ALL(1.16785681e-1f));
    q = FMA(q, t, ALL(5.14318899e-1f));
    q = FMA(q, t, ALL(1.0f));
    vf half = *x * 0.5f;
    *x = FMA(half, v * p / q, half);
}

TARGET static void gelu(float *x, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        gelu_vector((vf *)(x + i));
    if (i < n) {
        float tail[LANES] = {0};
        memcpy(tail, x + i, (n - i) * sizeof *x);
        gelu_vector((vf *)tail);
        memcpy(x + i, tail, (n - i) * sizeof *x);
    }
}

INLINE float mean_of(const float *x, size_t n)
{
    vf total = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        total += LOAD(x + i);
    float sum = sum_of(&total);
    for (; i < n; i++)
        sum += x[i];
    return sum / (float)n;
}

INLINE float variance_of(const float *x, size_t n, float mean)
{
    vf total = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf off = LOAD(x + i) - mean;
        total = FMA(off, off, total);
    }
    float sum = sum_of(&total);
    for (; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum / (float)n;
}

TARGET static void add_norm(float *x, const float *y, size_t n, const float *gamma, const float *beta, float epsilon)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        AT(x + i) += LOAD(y + i);
    for (; i < n; i++)
        x[i] += y[i];
    float mean = mean_of(x, n);
    float by = 1.0f / sqrtf(variance_of(x, n, mean) + epsilon);
    for (i = 0; i + LANES <= n; i += LANES)
        AT(x + i) = (AT(x + i) - mean) * by * LOAD(gamma + i) + LOAD(beta + i);
    for (; i < n; i++)
        x[i] = (x[i] - mean) * by * gamma[i] + beta[i];
}

/* One pass finds the range, one writes the bytes. `smooth` is NULL or not where this is inlined. */
INLINE void quantise_row(const float *x, const float *smooth, size_t n, uint8_t *out, float *step_out, int32_t *zero)
{
    vf low = {0}, high = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf v = LOAD(x + i);
        if (smooth)
            v *= LOAD(smooth + i);
        low = VMIN(v, low);
        high = VMAX(v, high);
    }
    float least = least_of(&low), most = most_of(&high);
    for (; i < n; i++) {
        float v = smooth ? x[i] * smooth[i] : x[i];
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    float step = (most - least) / 255.0f;
    bool sound = step > 1e-30f && step < 1e30f; /* else all zero, or not finite: the row counts as zeros */
    float by = sound ? 1.0f / step : 0, middle = sound ? rintf(-least * by) : 0;
    *step_out = sound ? step : 0;
    *zero = (int32_t)middle;
    const float shift = 12582912.0f; /* 1.5 * 2^23: rounds, see exp_negative */
    for (i = 0; i + LANES <= n; i += LANES) {
        vf v = LOAD(x + i);
        if (smooth)
            v *= LOAD(smooth + i);
        v = v * by + middle;
        v = VMIN(VMAX(v, ALL(0.0f)), ALL(255.0f)) + shift;
        NARROW(out + i, (vi)v & 255);
    }
    for (; i < n; i++) {
        float v = rintf((smooth ? x[i] * smooth[i] : x[i]) * by + middle);
        out[i] = (uint8_t)(v > 255 ? 255 : v > 0 ? v : 0); /* not a number: 0 */
    }
}

TARGET static void quantise(const float *x, const float *smooth, size_t n, uint8_t *out, float *step_out, int32_t *zero)
{
    if (smooth)
        quantise_row(x, smooth, n, out, step_out, zero);
    else
        quantise_row(x, NULL, n, out, step_out, zero);
}
