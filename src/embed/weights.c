/* Loads and packs weights. PyTorch keeps a linear layer as [outputs][inputs], so that one row of the file is one
 * column of the product; a row is read (and converted), scaled to int8 if wanted, and spread over its panel. */
#include "embed/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ALIGN = 64, NAME_MAX_BYTES = 160, INT8_MOST = 127 };

struct loading {
    const struct model_config *c;
    const struct safetensors *file;
    struct arena *a;
    struct err *e;
    const char *prefix; /* of all names: "" or "bert." */
    bool int8;
    float *row; /* scratch for the widest row */
};

void *weights_room(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - ALIGN)
        return NULL;
    char *p = arena_alloc(a, n + ALIGN);
    return p ? p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN : NULL;
}

static enum err_code get(const struct loading *l, const char *name, size_t rows, size_t cols, struct tensor *t)
{
    char full[NAME_MAX_BYTES];
    snprintf(full, sizeof full, "%s%s", l->prefix, name);
    return safetensors_get(l->file, full, rows, cols, t, l->e);
}

static enum err_code load_vector(const struct loading *l, const char *name, size_t n, const float **out)
{
    struct tensor t;
    enum err_code rc = get(l, name, 1, n, &t);
    float *v = rc == ERR_OK ? weights_room(l->a, weights_pad(n) * sizeof *v) : NULL;
    if (rc != ERR_OK)
        return rc;
    if (!v)
        return err_nomem(l->e);
    tensor_row(&t, 0, v);
    *out = v;
    return ERR_OK;
}

static enum err_code load_norm(const struct loading *l, const char *name, struct norm *out)
{
    char part[NAME_MAX_BYTES];
    snprintf(part, sizeof part, "%s.weight", name);
    enum err_code rc = load_vector(l, part, l->c->hidden, &out->gamma);
    snprintf(part, sizeof part, "%s.bias", name);
    return rc == ERR_OK ? load_vector(l, part, l->c->hidden, &out->beta) : rc;
}

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

/* Column `at` of the product from its k weights. Casts away const: the room is ours until the load is done. */
static void pack_int8(const struct linear *to, size_t at, const float *w)
{
    int8_t *panel = (int8_t *)(uintptr_t)to->q.panels + at / PANEL * PANEL * to->k + at % PANEL * 4;
    float most = 0;
    int32_t sum = 0;
    for (size_t i = 0; i < to->k; i++)
        most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
    float by = most > 1e-30f && most < 1e30f ? INT8_MOST / most : 0;
    for (size_t i = 0; i < to->k; i++) {
        float v = rintf(w[i] * by);
        int8_t q = (int8_t)(v >= -INT8_MOST && v <= INT8_MOST ? v : 0); /* not a number: 0 */
        panel[i / 4 * 4 * PANEL + i % 4] = q;
        sum += q;
    }
    ((float *)(uintptr_t)to->q.scale)[at] = by > 0 ? most / INT8_MOST : 0;
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
    char part[NAME_MAX_BYTES];
    struct tensor w, b;
    snprintf(part, sizeof part, "%s.weight", name);
    enum err_code rc = get(l, part, n, to->k, &w);
    snprintf(part, sizeof part, "%s.bias", name);
    if (rc == ERR_OK)
        rc = get(l, part, 1, n, &b);
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

static enum err_code load_linear(const struct loading *l, const char *name, size_t n, size_t k, struct linear *out)
{
    enum err_code rc = linear_room(l, n, k, out);
    return rc == ERR_OK ? load_columns(l, name, n, 0, out) : rc;
}

static enum err_code load_qkv(const struct loading *l, const char *layer, struct linear *out)
{
    static const char *const parts[] = {"query", "key", "value"};
    char name[NAME_MAX_BYTES];
    size_t hidden = l->c->hidden;
    enum err_code rc = linear_room(l, 3 * hidden, hidden, out);
    for (size_t i = 0; rc == ERR_OK && i < 3; i++) {
        snprintf(name, sizeof name, "%s.attention.self.%s", layer, parts[i]);
        rc = load_columns(l, name, hidden, i * hidden, out);
    }
    return rc;
}

static enum err_code load_layer(const struct loading *l, size_t index, struct layer *out)
{
    char layer[48], name[NAME_MAX_BYTES];
    size_t hidden = l->c->hidden, inner = l->c->inner;
    snprintf(layer, sizeof layer, "encoder.layer.%zu", index);
    enum err_code rc = load_qkv(l, layer, &out->qkv);
    snprintf(name, sizeof name, "%s.attention.output.dense", layer);
    if (rc == ERR_OK)
        rc = load_linear(l, name, hidden, hidden, &out->out);
    snprintf(name, sizeof name, "%s.attention.output.LayerNorm", layer);
    if (rc == ERR_OK)
        rc = load_norm(l, name, &out->attention_norm);
    snprintf(name, sizeof name, "%s.intermediate.dense", layer);
    if (rc == ERR_OK)
        rc = load_linear(l, name, inner, hidden, &out->up);
    snprintf(name, sizeof name, "%s.output.dense", layer);
    if (rc == ERR_OK)
        rc = load_linear(l, name, hidden, inner, &out->down);
    snprintf(name, sizeof name, "%s.output.LayerNorm", layer);
    return rc == ERR_OK ? load_norm(l, name, &out->output_norm) : rc;
}

static enum err_code load_positions(const struct loading *l, struct weights *out)
{
    const struct model_config *c = l->c;
    struct tensor t, type;
    enum err_code rc = get(l, "embeddings.position_embeddings.weight", c->positions, c->hidden, &t);
    if (rc == ERR_OK)
        rc = get(l, "embeddings.token_type_embeddings.weight", c->types, c->hidden, &type);
    if (rc != ERR_OK)
        return rc;
    float *all = weights_room(l->a, c->positions * c->hidden * sizeof *all);
    if (!all)
        return err_nomem(l->e);
    tensor_row(&type, 0, l->row);
    for (size_t i = 0; i < c->positions; i++) {
        tensor_row(&t, i, all + i * c->hidden);
        for (size_t j = 0; j < c->hidden; j++)
            all[i * c->hidden + j] += l->row[j];
    }
    out->positions = all;
    return ERR_OK;
}

enum err_code weights_load(const struct model_config *c, const struct safetensors *file, bool int8, struct arena *a,
                           struct weights *out, struct err *e)
{
    struct loading l = {.c = c, .file = file, .a = a, .e = e, .int8 = int8, .prefix = ""};
    if (safetensors_has(file, "bert.embeddings.word_embeddings.weight"))
        l.prefix = "bert.";
    l.row = arena_array(a, float, c->inner > c->hidden ? c->inner : c->hidden);
    struct layer *layers = arena_array(a, struct layer, c->layers);
    if (!l.row || !layers)
        return err_nomem(e);
    out->layers = layers;
    enum err_code rc = get(&l, "embeddings.word_embeddings.weight", c->vocab, c->hidden, &out->words);
    if (rc == ERR_OK)
        rc = load_positions(&l, out);
    if (rc == ERR_OK)
        rc = load_norm(&l, "embeddings.LayerNorm", &out->embedding_norm);
    for (size_t i = 0; rc == ERR_OK && i < c->layers; i++)
        rc = load_layer(&l, i, &layers[i]);
    return rc;
}
