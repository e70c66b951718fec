/* What int8 needs to know of a model's activations. */
#ifndef CAIRN_EMBED_CALIBRATE_H
#define CAIRN_EMBED_CALIBRATE_H

#include "embed/forward.h"
#include "embed/wordpiece.h"

/* Runs the model in floats over a few sentences of ours and notes each channel's greatest values: (*most)[layers][2]
 * [hidden] in the arena, see scratch_note. Takes the float weights' memory for the time being. */
enum err_code calibrate(const struct model_config *c, const struct safetensors *file, const struct wordpiece *words,
                        struct arena *a, float **most, struct err *e);

#endif
