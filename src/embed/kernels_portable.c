/* The kernels for any processor: vectors of four floats, which every 64-bit one has, and plain int8 loops. Also what
 * the others are measured against. */
#define TARGET
#define LANES 4
#define FMA(a, b, c) ((a) * (b) + (c))
#define TILE_ROWS 2
#define TILE_PANELS 1
#include "embed/kernel_float.h"

#define TILE8_ROWS 2
#define TILE8_PANELS 1

struct part {
    int32_t w[4][LANES]; /* [row of the four][column] */
};

struct quad {
    int32_t x[4];
};

INLINE void part_load(struct part *p, const int8_t *b)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < LANES; j++)
            p->w[i][j] = b[j * 4 + i];
}

INLINE void quad_load(struct quad *q, const uint8_t *a)
{
    for (size_t i = 0; i < 4; i++)
        q->x[i] = a[i];
}

INLINE void dot(vi *sum, const struct quad *q, const struct part *p)
{
    for (size_t i = 0; i < 4; i++)
        *sum += *(const vi *)p->w[i] * q->x[i];
}

#include "embed/kernel_int8.h"

const struct kernels kernels_portable = {"portable", matmul_float, matmul_int8, quantise, softmax, gelu, add_norm};
