/* Calibration: which channels are great is a trait of the model and hardly of the text, so that a few sentences tell
 * (one gives nearly the same accuracy). Without it MiniLM's worst texts come out at a cosine of 0.994, with it 0.997.
 */
#include "embed/calibrate.h"

#include <string.h>

enum { TOKENS_MAX = 64, PARTS = 2 };

static const char TEXT[] =
    "How do I fix the error in line 42 of main.c? Hey Anna! That sounds great, see you at 5pm on "
    "Saturday :) The quick brown fox jumps over the lazy dog.";

static size_t sample_ids(const struct wordpiece *words, size_t max, int32_t out[TOKENS_MAX], bool *failed)
{
    struct wordpiece_ids ids;
    wordpiece_ids_init(&ids, (max < TOKENS_MAX ? max : TOKENS_MAX) - 2);
    wordpiece_text(words, STR(TEXT), &ids);
    size_t n = ids.n + 2;
    *failed = ids.failed;
    out[0] = words->cls;
    if (ids.n)
        memcpy(out + 1, ids.p, ids.n * sizeof *out);
    out[n - 1] = words->sep;
    wordpiece_ids_release(&ids);
    return n;
}

enum err_code calibrate(const struct model_config *c, const struct safetensors *file, const struct wordpiece *words,
                        struct arena *a, float **most, struct err *e)
{
    struct model m = {.config = *c, .kernels = kernels_best()};
    struct arena *own = arena_new();
    struct scratch *s = NULL;
    int32_t ids[TOKENS_MAX];
    bool failed;
    enum err_code rc = ERR_OK;
    if (own)
        arena_limit(own, SIZE_MAX);
    size_t n = sample_ids(words, c->max_tokens, ids, &failed);
    *most = arena_array(a, float, c->layers *PARTS * c->hidden);
    float *vector = own ? arena_array(own, float, c->hidden) : NULL;
    if (vector && *most && !failed)
        s = scratch_new(&m, TOKENS_MAX);
    rc = s ? weights_load(c, file, false, NULL, own, &m.weights, e) : err_nomem(e);
    if (rc == ERR_OK) {
        scratch_note(s, *most);
        forward_run(&m, s, ids, &n, 1, vector);
    }
    scratch_free(s);
    arena_free(own);
    return rc;
}
