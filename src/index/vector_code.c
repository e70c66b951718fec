/* Floats of length 1 to nine bits a dimension, and a question to fourteen. The bit and the code of a dimension are one
 * number from 0 to 511 that stands for (number - 255.5) steps: there is no zero, and the highest of the nine bits is
 * the sign, which is what a scan compares.
 *
 * The step is one of 256 that grow by 1.6 %, from what 4,096 equal dimensions need to what a single one does. */
#include "index/vectors_int.h"

#include <math.h>
#include <string.h>

enum { QUERY_MOST = 8191, STEPS_TRIED = 8 };
static const float MIDDLE = 255.5F;
/* The largest dimension of a vector of length 1 lies between 1 / sqrt(VECTORS_DIMENSIONS_MAX) = 1/64 and 1. */
static const double GROWTH = 1.0164430687900992; /* 64 to the power of 1/255 */

void vector_steps(float out[VECTOR_STEPS])
{
    double step = 1 / (double)MIDDLE;
    for (int i = VECTOR_STEPS; i-- > 0;) {
        out[i] = (float)step;
        step /= GROWTH;
    }
}

static float largest(const float *v, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabsf(v[i]) > most ? fabsf(v[i]) : most; /* never NAN */
    return isfinite(most) ? most : 0;
}

static int number_of(float x, float step)
{
    float at = isnan(x) ? 0 : floorf(x / step + MIDDLE + 0.5F);
    return at < 0 ? 0 : at > 511 ? 511 : (int)at;
}

/* How far the coded vector's projection on the vector itself is from its length: this part of the error does not
 * average out for those that are near to the question, which are the ones that count. */
static double miss(const float *v, size_t n, float step)
{
    double dot = 0, length = 0;
    for (size_t i = 0; i < n; i++) {
        double x = isnan(v[i]) ? 0 : (double)v[i];
        dot += x * (double)(((float)number_of(v[i], step) - MIDDLE) * step);
        length += x * x;
    }
    return fabs(dot - length);
}

/* Of the few smallest steps that reach the largest dimension, the one with the least of that error. */
static uint8_t choose_step(const float *v, size_t n, const float steps[VECTOR_STEPS])
{
    float most = largest(v, n);
    int least = 0;
    while (least < VECTOR_STEPS - 1 && steps[least] * MIDDLE < most)
        least++;
    int best = least;
    double best_miss = INFINITY;
    for (int s = least; s < least + STEPS_TRIED && s < VECTOR_STEPS; s++) {
        double m = miss(v, n, steps[s]);
        if (m < best_miss) {
            best = s;
            best_miss = m;
        }
    }
    return (uint8_t)best;
}

void vector_encode(const float *v, size_t dimensions, size_t width, uint8_t *codes, uint64_t *bits, uint8_t *step)
{
    float steps[VECTOR_STEPS];
    vector_steps(steps);
    *step = choose_step(v, dimensions, steps);
    memset(codes, 0, width);
    memset(bits, 0, width / 8);
    for (size_t i = 0; i < dimensions; i++) {
        int number = number_of(v[i], steps[*step]);
        codes[i] = (uint8_t)(number & 255);
        bits[i / 64] |= (uint64_t)(number >> 8) << (i % 64);
    }
}

void vector_ask(const float *v, size_t dimensions, size_t width, struct vector_asked *out)
{
    float most = largest(v, dimensions);
    vector_steps(out->steps);
    memset(out->v, 0, width * sizeof *out->v);
    memset(out->bits, 0, width / 8);
    out->sum = 0;
    for (size_t i = 0; i < dimensions; i++) {
        long x = most > 0 && !isnan(v[i]) ? lroundf(v[i] / most * QUERY_MOST) : 0;
        x = x > QUERY_MOST ? QUERY_MOST : x < -QUERY_MOST ? -QUERY_MOST : x; /* infinities were not counted */
        out->v[i] = (int16_t)x;
        out->sum += x;
        out->bits[i / 64] |= (uint64_t)(v[i] > 0) << (i % 64);
    }
    out->scale = most / QUERY_MOST;
}
