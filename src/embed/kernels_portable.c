/* The kernels for any processor: vectors of four floats, which every 64-bit one has, and plain int8 loops. Also what
 * the others are measured against. */
#define TARGET
#define LANES 4
#define FMA(a, b, c) ((a) * (b) + (c))
#define ALL(x) ((vf){(x), (x), (x), (x)})
#define SELECT(mask, yes, no) ((vf)(((mask) & (vi)(yes)) | (~(mask) & (vi)(no))))
#define VMIN(a, b) SELECT((a) < (b), (a), (b))
#define VMAX(a, b) SELECT((a) > (b), (a), (b))
#define NARROW(p, v)                                                                                                   \
    do {                                                                                                               \
        vi v_ = (v);                                                                                                   \
        for (size_t j_ = 0; j_ < LANES; j_++)                                                                          \
            (p)[j_] = (uint8_t)v_[j_];                                                                                 \
    } while (0)
#define TILE_ROWS 2
#define TILE_PANELS 1
#include "embed/kernel_float.h"

#define TILE8_ROWS 2
#define TILE8_PANELS 1

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE(four, i) ((four) << (24 - 8 * (i)) >> 24)
#else
#define BYTE(four, i) ((four) << (8 * (i)) >> 24)
#endif

struct part {
    vi w[4]; /* [row of the four][column] */
};

struct quad {
    int32_t x[4];
};

/* Of each column's four bytes, in a lane of 32 bits, one is shifted to the top and back with its sign. */
INLINE void part_load(struct part *p, const int8_t *b)
{
    vi four = *(const vi *)b;
    for (int i = 0; i < 4; i++)
        p->w[i] = BYTE(four, i);
}

INLINE void quad_load(struct quad *q, const uint8_t *a)
{
    for (size_t i = 0; i < 4; i++)
        q->x[i] = a[i];
}

INLINE void dot(vi *sum, const struct quad *q, const struct part *p)
{
    for (size_t i = 0; i < 4; i++)
        *sum += p->w[i] * q->x[i];
}

#include "embed/kernel_int8.h"

const struct kernels kernels_portable = {"portable", matmul_float, matmul_int8, quantise,
                                         softmax,    scale,        gelu,        add_norm};
