/* What weights.c and linear.c share while a model is loaded. */
#ifndef CAIRN_EMBED_WEIGHTS_INT_H
#define CAIRN_EMBED_WEIGHTS_INT_H

#include "embed/weights.h"

#include <math.h>

enum { TENSOR_NAME_MAX = 160 };

struct loading {
    const struct model_config *c;
    const struct safetensors *file;
    struct arena *a;
    struct err *e;
    const char *prefix; /* of all names: "" or "bert." */
    bool int8;
    const float *most; /* [layers][2][hidden] or NULL, see weights_load */
    float *row;        /* scratch for the widest row */
};

/* The tensor "<prefix><name><suffix>", shape checked. */
enum err_code weights_get(const struct loading *l, const char *name, const char *suffix, size_t rows, size_t cols,
                          struct tensor *t);

enum { INT8_MOST = 127 };

/* What to multiply the row by so that its greatest number becomes INT8_MOST; 0: all zero, or not finite. */
float int8_factor(const float *w, size_t n);

static inline int8_t int8_round(float w, float by)
{
    float v = rintf(w * by);
    return (int8_t)(v >= -INT8_MOST && v <= INT8_MOST ? v : 0); /* not a number: 0 */
}

/* Linear layers "<names[i]>.weight" of n × k with "<names[i]>.bias", side by side as one of n_names * n outputs.
 * `most`: the greatest absolute values of its k inputs, NULL when not known. */
enum err_code linear_load(const struct loading *l, const char *const *names, size_t n_names, size_t n, size_t k,
                          const float *most, struct linear *out);

#endif
