/* Loads a model's tensors: norms, positions and, by linear.c, the linear layers. */
#include "embed/weights_int.h"

#include <stdio.h>
#include <string.h>

enum { ALIGN = 64 };

void *weights_room(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - ALIGN)
        return NULL;
    char *p = arena_alloc(a, n + ALIGN);
    return p ? p + (ALIGN - (uintptr_t)p % ALIGN) % ALIGN : NULL;
}

enum err_code weights_get(const struct loading *l, const char *name, const char *suffix, size_t rows, size_t cols,
                          struct tensor *t)
{
    char full[TENSOR_NAME_MAX];
    snprintf(full, sizeof full, "%s%s%s", l->prefix, name, suffix);
    return safetensors_get(l->file, full, rows, cols, t, l->e);
}

static enum err_code load_vector(const struct loading *l, const char *name, const char *suffix, const float **out)
{
    struct tensor t;
    size_t n = l->c->hidden;
    enum err_code rc = weights_get(l, name, suffix, 1, n, &t);
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
    enum err_code rc = load_vector(l, name, ".weight", &out->gamma);
    return rc == ERR_OK ? load_vector(l, name, ".bias", &out->beta) : rc;
}

/* A layer's tensors by name, each made from the layer's number. */
struct names {
    char text[8][TENSOR_NAME_MAX];
};

static void layer_names(size_t index, struct names *out)
{
    static const char *const parts[] = {
        "attention.self.query",       "attention.self.key", "attention.self.value", "attention.output.dense",
        "attention.output.LayerNorm", "intermediate.dense", "output.dense",         "output.LayerNorm"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        snprintf(out->text[i], sizeof out->text[i], "encoder.layer.%zu.%s", index, parts[i]);
}

static enum err_code load_layer(const struct loading *l, size_t index, struct layer *out)
{
    struct names names;
    layer_names(index, &names);
    const char *const qkv[] = {names.text[0], names.text[1], names.text[2]};
    const char *const attention_out = names.text[3], *const up = names.text[5], *const down = names.text[6];
    size_t hidden = l->c->hidden, inner = l->c->inner;
    const float *most = l->most ? l->most + 2 * index * hidden : NULL;
    enum err_code rc = linear_load(l, qkv, 3, hidden, hidden, most, &out->qkv);
    if (rc == ERR_OK)
        rc = linear_load(l, &attention_out, 1, hidden, hidden, NULL, &out->out);
    if (rc == ERR_OK)
        rc = load_norm(l, names.text[4], &out->attention_norm);
    if (rc == ERR_OK)
        rc = linear_load(l, &up, 1, inner, hidden, most ? most + hidden : NULL, &out->up);
    if (rc == ERR_OK)
        rc = linear_load(l, &down, 1, hidden, inner, NULL, &out->down);
    return rc == ERR_OK ? load_norm(l, names.text[7], &out->output_norm) : rc;
}

static enum err_code load_positions(const struct loading *l, struct weights *out)
{
    const struct model_config *c = l->c;
    struct tensor t, type;
    enum err_code rc = weights_get(l, "embeddings.position_embeddings", ".weight", c->positions, c->hidden, &t);
    if (rc == ERR_OK)
        rc = weights_get(l, "embeddings.token_type_embeddings", ".weight", c->types, c->hidden, &type);
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

/* The rows are looked up, not multiplied, so that a byte a number costs little accuracy, and a table of 12 MB instead
 * of 47 is one that can be carried in the program. */
static enum err_code quantise_words(const struct loading *l, struct weights *out)
{
    const struct tensor *t = &out->words;
    int8_t *p = weights_room(l->a, t->rows * t->cols);
    float *scale = weights_room(l->a, t->rows * sizeof *scale);
    if (!p || !scale)
        return err_nomem(l->e);
    for (size_t i = 0; i < t->rows; i++) {
        tensor_row(t, i, l->row);
        float by = int8_factor(l->row, t->cols);
        for (size_t j = 0; j < t->cols; j++)
            p[i * t->cols + j] = int8_round(l->row[j], by);
        scale[i] = by > 0 ? 1 / by : 0;
    }
    out->q = (struct int8_rows){p, scale};
    return ERR_OK;
}

enum err_code weights_load(const struct model_config *c, const struct safetensors *file, bool int8, const float *most,
                           struct arena *a, struct weights *out, struct err *e)
{
    struct loading l = {.c = c, .file = file, .a = a, .e = e, .int8 = int8, .most = most, .prefix = ""};
    if (safetensors_has(file, "bert.embeddings.word_embeddings.weight"))
        l.prefix = "bert.";
    l.row = arena_array(a, float, c->inner > c->hidden ? c->inner : c->hidden);
    struct layer *layers = arena_array(a, struct layer, c->layers);
    if (!l.row || !layers)
        return err_nomem(e);
    out->layers = layers;
    enum err_code rc = weights_get(&l, "embeddings.word_embeddings", ".weight", c->vocab, c->hidden, &out->words);
    if (rc == ERR_OK && int8)
        rc = quantise_words(&l, out);
    if (rc == ERR_OK)
        rc = load_positions(&l, out);
    if (rc == ERR_OK)
        rc = load_norm(&l, "embeddings.LayerNorm", &out->embedding_norm);
    for (size_t i = 0; rc == ERR_OK && i < c->layers; i++)
        rc = load_layer(&l, i, &layers[i]);
    return rc;
}
