/* Small vectors: floats of a vector of length 1 packed into bytes, and their cosine. Plain loops over blocks of a fixed
 * length, which the compiler turns into vector instructions. */
#include "search/similar_int.h"

#include <math.h>
#include <string.h>

size_t small_width(size_t dimensions)
{
    return (dimensions + VECTOR_STEP - 1) / VECTOR_STEP * VECTOR_STEP;
}

void small_pack(const float *v, size_t dimensions, int8_t *out, float *scale)
{
    enum { MOST = 127 };
    float most = 0;
    for (size_t i = 0; i < dimensions; i++)
        most = fmaxf(most, fabsf(v[i]));
    memset(out, 0, small_width(dimensions));
    *scale = most / MOST;
    for (size_t i = 0; i < dimensions && most > 0; i++)
        out[i] = (int8_t)lrintf(v[i] / *scale);
}

static int32_t block(const int8_t *x, const int8_t *y)
{
    int32_t sum = 0;
    for (int i = 0; i < VECTOR_STEP; i++)
        sum += x[i] * y[i];
    return sum;
}

float small_cosine(struct small_vector x, struct small_vector y, size_t width)
{
    int32_t sum = 0;
    if (!x.v || !y.v)
        return NAN;
    for (size_t i = 0; i < width; i += VECTOR_STEP)
        sum += block(x.v + i, y.v + i);
    return fmaxf(-1, fminf(1, (float)sum * x.scale * y.scale));
}
