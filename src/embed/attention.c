/* Self-attention of one sequence, in floats. For each head K and V are laid out as weight panels, so that both
 * products are the kernels' matmul; rows of queries go through in blocks whose scores stay in the first-level cache. */
#include "embed/forward_int.h"

#include <math.h>
#include <string.h>

/* keys[panel][d][16]: key j's number i lies at panel j/16, row i, place j%16. Places past the length are zero. */
static void lay_keys(float *keys, const float *k, size_t stride, size_t length, size_t d)
{
    for (size_t j = 0; j < weights_pad(length); j++) {
        float *to = keys + j / PANEL * PANEL * d + j % PANEL;
        for (size_t i = 0; i < d; i++)
            to[i * PANEL] = j < length ? k[j * stride + i] : 0;
    }
}

/* values[panel][L][16]: column i of V lies at panel i/16, place i%16. */
static void lay_values(float *values, const float *v, size_t stride, size_t length, size_t d)
{
    for (size_t p = 0; p * PANEL < d; p++) {
        size_t n = d - p * PANEL < PANEL ? d - p * PANEL : PANEL;
        for (size_t j = 0; j < length; j++) {
            float *to = values + (p * length + j) * PANEL;
            const float *from = v + j * stride + p * PANEL;
            if (n == PANEL) { /* of a size known to the compiler */
                memcpy(to, from, PANEL * sizeof *to);
            } else {
                memcpy(to, from, n * sizeof *to);
                memset(to + n, 0, (PANEL - n) * sizeof *to);
            }
        }
    }
}

static void one_head(const struct model *m, struct scratch *s, const float *q, size_t length, float *out)
{
    const struct kernels *k = m->kernels;
    size_t d = m->config.hidden / m->config.heads, wide = weights_pad(d), padded = weights_pad(length);
    float factor = 1.0f / sqrtf((float)d);
    for (size_t r = 0; r < length; r += QUERY_ROWS) {
        size_t n = length - r < QUERY_ROWS ? length - r : QUERY_ROWS;
        float sums[QUERY_ROWS];
        k->matmul_float(n, padded / PANEL, d, q + r * s->qkv_wide, s->qkv_wide, s->keys, NULL, s->scores, padded);
        for (size_t i = 0; i < n; i++)
            sums[i] = k->softmax(s->scores + i * padded, length, padded, factor);
        k->matmul_float(n, wide / PANEL, length, s->scores, padded, s->values, NULL, s->mixed, wide);
        for (size_t i = 0; i < n; i++)
            k->scale(s->mixed + i * wide, d, 1.0f / sums[i], out + (r + i) * s->wide);
    }
}

void attention_run(const struct model *m, struct scratch *s, size_t first, size_t length)
{
    size_t hidden = m->config.hidden, d = hidden / m->config.heads;
    for (size_t h = 0; h < m->config.heads; h++) {
        const float *q = s->qkv + first * s->qkv_wide + h * d;
        lay_keys(s->keys, q + hidden, s->qkv_wide, length, d);
        lay_values(s->values, q + 2 * hidden, s->qkv_wide, length, d);
        one_head(m, s, q, length, s->context + first * s->wide + h * d);
    }
}
