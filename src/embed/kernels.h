/* The arithmetic of the forward pass, once for each instruction set. A table is chosen once, when a model is opened;
 * all of them compute the same: the int8 products bit for bit, floats up to rounding.
 *
 * Matrices are row after row. A weight matrix B of k × n lies in panels of 16 columns, the last one filled with zeros:
 *   floats  [n/16][k][16]          B[i][j] at panel j/16, row i, place j%16
 *   int8    [n/16][k/4][16][4]     four rows of a column side by side, as the dot-product instructions want them
 * `n16` counts panels. Pointers to floats may be unaligned, int8 panels are aligned to 64 bytes. */
#ifndef CAIRN_EMBED_KERNELS_H
#define CAIRN_EMBED_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { PANEL = 16 };

/* A weight matrix in int8: value = s8 * scale[column]; sum[column] is the column's sum of s8. Row i of the matrix was
 * divided by smooth[i], with which input i is to be multiplied before it is quantised; NULL: all 1. */
struct int8_weights {
    const int8_t *panels;
    const float *smooth;
    const float *scale;
    const int32_t *sum;
};

/* Activations in uint8, each row with a scale and a zero point of its own: value = (u8 - zero[row]) * scale[row]. */
struct uint8_rows {
    const uint8_t *p; /* m × k, k bytes a row */
    const float *scale;
    const int32_t *zero;
};

struct kernels {
    const char *name;
    /* c[m][16 * n16] = a[m][k] · b + bias. Rows of a and c are lda and ldc floats apart; bias may be NULL. */
    void (*matmul_float)(size_t m, size_t n16, size_t k, const float *a, size_t lda, const float *b, const float *bias,
                         float *c, size_t ldc);
    /* The same in int8: k is a multiple of 4. */
    void (*matmul_int8)(size_t m, size_t n16, size_t k, const struct uint8_rows *a, const struct int8_weights *b,
                        const float *bias, float *c, size_t ldc);
    /* x[n] * smooth[n] to bytes: *scale and *zero so that the least and the greatest of them (and 0) are just within.
     * smooth may be NULL. */
    void (*quantise)(const float *x, const float *smooth, size_t n, uint8_t *out, float *scale, int32_t *zero);
    /* x[n] = exp(factor * (x - max x)), x[n] up to x[padded] = 0 or nearly; returns the sum. padded is n to the next
     * PANEL. */
    float (*softmax)(float *x, size_t n, size_t padded, float factor);
    /* out[n] = x[n] * by */
    void (*scale)(const float *x, size_t n, float by, float *out);
    /* x[n] = x * Φ(x), with the error function, not the tanh form. */
    void (*gelu)(float *x, size_t n);
    /* x[n] = (x + y - mean) / sqrt(variance + epsilon) * gamma + beta */
    void (*add_norm)(float *x, const float *y, size_t n, const float *gamma, const float *beta, float epsilon);
};

/* The best that this processor can run. */
const struct kernels *kernels_best(void);
/* All that it can run, best first, for tests; returns how many, at most KERNELS_MAX. */
enum { KERNELS_MAX = 4 };
size_t kernels_all(const struct kernels *out[KERNELS_MAX]);

extern const struct kernels kernels_portable;
#if defined(__x86_64__)
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avxvnni;
extern const struct kernels kernels_avx512;
#endif

#endif
