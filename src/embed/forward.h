/* The forward pass: token ids to pooled vectors. The model is shared and constant; all that changes is in a scratch,
 * one for each thread that runs. */
#ifndef CAIRN_EMBED_FORWARD_H
#define CAIRN_EMBED_FORWARD_H

#include "embed/weights.h"

struct model {
    struct model_config config;
    struct weights weights;
    const struct kernels *kernels;
    bool int8;
};

struct scratch;

/* Room for `rows` tokens at once; NULL when out of memory. */
struct scratch *scratch_new(const struct model *m, size_t rows);
void scratch_free(struct scratch *s);
/* From now on the passes note in most[layers][2][hidden] the greatest absolute value that each channel has where it
 * goes into attention and into the feed-forward part. NULL ends it. */
void scratch_note(struct scratch *s, float *most);

/* Sequences of ids one after another, lengths[i] of them each (1 to config.max_tokens), at most the scratch's rows in
 * all. No padding: every linear layer sees the rows of all sequences as one matrix, attention sees each sequence alone.
 * out[i] (hidden floats, one sequence after another) is pooled, not normalised. Ids are below config.vocab. */
void forward_run(const struct model *m, struct scratch *s, const int32_t *ids, const size_t *lengths, size_t n,
                 float *out);

#endif
