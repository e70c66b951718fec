/* A model's weights, ready for the kernels: linear layers packed into panels (floats, or int8 with a scale for each
 * output), norms and position embeddings copied. The table of word embeddings stays in the mapped file in floats; in
 * int8 it has a scale for each row. Immutable. */
#ifndef CAIRN_EMBED_WEIGHTS_H
#define CAIRN_EMBED_WEIGHTS_H

#include "base/arena.h"
#include "embed/config.h"
#include "embed/kernels.h"
#include "embed/safetensors.h"

/* y[n] = x[k] · W + bias: n16 panels; either `panels` (floats) or `q` is there. */
struct linear {
    size_t n, n16, k;
    const float *panels;
    struct int8_weights q;
    const float *bias;
};

struct norm {
    const float *gamma, *beta;
};

struct layer {
    struct linear qkv; /* hidden → 3 × hidden: query, key, value side by side */
    struct linear out; /* hidden → hidden */
    struct norm attention_norm;
    struct linear up;   /* hidden → inner */
    struct linear down; /* inner → hidden */
    struct norm output_norm;
};

/* The word embeddings in int8: value = s8 * scale[row]. */
struct int8_rows {
    const int8_t *p; /* [vocab][hidden] */
    const float *scale;
};

struct weights {
    struct tensor words;    /* [vocab][hidden], borrowed from the file; floats only */
    struct int8_rows q;     /* int8 only */
    const float *positions; /* [positions][hidden], token type 0 already added */
    struct norm embedding_norm;
    const struct layer *layers;
};

/* Multiples of PANEL. */
static inline size_t weights_pad(size_t n)
{
    return (n + PANEL - 1) / PANEL * PANEL;
}

/* n bytes aligned to 64 in the arena; NULL when out of memory. */
void *weights_room(struct arena *a, size_t n);

/* All but `words` lives in the arena; in int8 nothing is borrowed, and the file may be closed. In int8, `most`
 * ([layers][2][hidden], see scratch_note; NULL: not known) says how great the inputs of the linear layers behind a norm
 * get, channel by channel. */
enum err_code weights_load(const struct model_config *c, const struct safetensors *file, bool int8, const float *most,
                           struct arena *a, struct weights *out, struct err *e);

#endif
