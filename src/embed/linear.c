/* Packs linear layers. PyTorch keeps one as [outputs][inputs], so that a row of the file is a column of the product;
 * a row is read (and converted), scaled to int8 if wanted, and spread over its panel. */
#include "embed/weights_int.h"

#include <math.h>

static enum err_code linear_room(const struct loading *l, size_t n, size_t k, struct linear *out)
{
    size_t padded = weights_pad(n);
    *out = (struct linear){.n = n, .n16 = padded / PANEL, .k = k};
    out->bias = weights_room(l->a, padded * sizeof(float));
    if (l->int8) {
        out->q.panels = weights_room(l->a, padded * k);
        out->q.scale = weights_room(l->a, padded * sizeof(float));
        out->q.sum = weights_room(l->a, padded * sizeof(int32_t));
        return out->bias && out->q.panels && out->q.scale && out->q.sum ? ERR_OK : err_nomem(l->e);
    }
    out->panels = weights_room(l->a, padded * k * sizeof(float));
    return out->bias && out->panels ? ERR_OK : err_nomem(l->e);
}

/* A few channels behind a norm are far greater than the rest (in MiniLM one is, twenty times), and would leave the
 * others a fraction of a byte's 256 steps. Each input is multiplied by a number that levels inputs and weights alike,
 * sqrt(most weight / most input), and its weights are divided by it. Powers of two, so that nothing is rounded and
 * every machine gets the same. */
static enum err_code smooth_inputs(const struct loading *l, const char *const *names, size_t n_names, size_t n,
                                   const float *most, struct linear *to)
{
    float *by = weights_room(l->a, to->k * sizeof *by);
    if (!by)
        return err_nomem(l->e);
    for (size_t p = 0; p < n_names; p++) {
        struct tensor w;
        enum err_code rc = weights_get(l, names[p], ".weight", n, to->k, &w);
        if (rc != ERR_OK)
            return rc;
        for (size_t i = 0; i < n; i++) {
            tensor_row(&w, i, l->row);
            for (size_t j = 0; j < to->k; j++)
                by[j] = fabsf(l->row[j]) > by[j] ? fabsf(l->row[j]) : by[j];
        }
    }
    for (size_t j = 0; j < to->k; j++) {
        float root = sqrtf(by[j] / most[j]);
        by[j] = root > 1e-6f && root < 1e6f ? exp2f(rintf(log2f(root))) : 1;
    }
    to->q.smooth = by;
    return ERR_OK;
}

float int8_factor(const float *w, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
    return most > 1e-30f && most < 1e30f ? INT8_MOST / most : 0;
}

/* Column `at` of the product from its k weights. Casts away const: the room is ours until the load is done. */
static void pack_int8(const struct linear *to, size_t at, float *w)
{
    int8_t *panel = (int8_t *)(uintptr_t)to->q.panels + at / PANEL * PANEL * to->k + at % PANEL * 4;
    int32_t sum = 0;
    for (size_t i = 0; to->q.smooth && i < to->k; i++)
        w[i] /= to->q.smooth[i];
    float by = int8_factor(w, to->k);
    for (size_t i = 0; i < to->k; i++) {
        int8_t q = int8_round(w[i], by);
        panel[i / 4 * 4 * PANEL + i % 4] = q;
        sum += q;
    }
    ((float *)(uintptr_t)to->q.scale)[at] = by > 0 ? 1 / by : 0;
    ((int32_t *)(uintptr_t)to->q.sum)[at] = sum;
}

static void pack_float(const struct linear *to, size_t at, const float *w)
{
    float *panel = (float *)(uintptr_t)to->panels + at / PANEL * PANEL * to->k + at % PANEL;
    for (size_t i = 0; i < to->k; i++)
        panel[i * PANEL] = w[i];
}

/* "<name>.weight" of n × k and "<name>.bias" into the columns from `at` on. */
static enum err_code load_columns(const struct loading *l, const char *name, size_t n, size_t at,
                                  const struct linear *to)
{
    struct tensor w, b;
    enum err_code rc = weights_get(l, name, ".weight", n, to->k, &w);
    if (rc == ERR_OK)
        rc = weights_get(l, name, ".bias", 1, n, &b);
    if (rc != ERR_OK)
        return rc;
    tensor_row(&b, 0, (float *)(uintptr_t)to->bias + at);
    for (size_t i = 0; i < n; i++) {
        tensor_row(&w, i, l->row);
        if (l->int8)
            pack_int8(to, at + i, l->row);
        else
            pack_float(to, at + i, l->row);
    }
    return ERR_OK;
}

enum err_code linear_load(const struct loading *l, const char *const *names, size_t n_names, size_t n, size_t k,
                          const float *most, struct linear *out)
{
    enum err_code rc = linear_room(l, n_names * n, k, out);
    if (rc == ERR_OK && l->int8 && most)
        rc = smooth_inputs(l, names, n_names, n, most, out);
    for (size_t i = 0; rc == ERR_OK && i < n_names; i++)
        rc = load_columns(l, names[i], n, i * n, out);
    return rc;
}
