/* BERT's encoder, post-norm: embeddings, then for each layer x = norm(x + attention(x)), x = norm(x +
 * down(gelu(up(x)))). Floats flow between the blocks in both precisions; int8 only means that a linear layer quantises
 * its input rows and multiplies bytes. The feed-forward part runs in blocks of rows, so that its wide middle stays in
 * the cache. */
#include "embed/forward_int.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

static void *room(struct scratch *s, size_t n, size_t size)
{
    return weights_room(s->arena, n * size);
}

static bool scratch_fill(struct scratch *s, const struct model_config *c)
{
    size_t d = c->hidden / c->heads, longest = weights_pad(c->max_tokens);
    size_t bytes = s->rows * c->hidden > INNER_ROWS * c->inner ? s->rows * c->hidden : INNER_ROWS * c->inner;
    s->x = room(s, s->rows * s->wide, sizeof *s->x);
    s->y = room(s, s->rows * s->wide, sizeof *s->y);
    s->context = room(s, s->rows * s->wide, sizeof *s->context);
    s->qkv = room(s, s->rows * s->qkv_wide, sizeof *s->qkv);
    s->up = room(s, INNER_ROWS * s->inner, sizeof *s->up);
    s->bytes = room(s, bytes, 1);
    s->scale = room(s, s->rows, sizeof *s->scale);
    s->zero = room(s, s->rows, sizeof *s->zero);
    s->keys = room(s, longest * d, sizeof *s->keys);
    s->values = room(s, longest * weights_pad(d), sizeof *s->values);
    s->scores = room(s, QUERY_ROWS * longest, sizeof *s->scores);
    s->mixed = room(s, QUERY_ROWS * weights_pad(d), sizeof *s->mixed);
    return !arena_failed(s->arena);
}

struct scratch *scratch_new(const struct model *m, size_t rows)
{
    const struct model_config *c = &m->config;
    struct scratch *s = mem_zalloc(sizeof *s);
    if (!s)
        return NULL;
    s->rows = rows < INNER_ROWS ? INNER_ROWS : rows; /* scale and zero also serve the blocks */
    s->wide = weights_pad(c->hidden);
    s->inner = weights_pad(c->inner);
    s->qkv_wide = weights_pad(3 * c->hidden);
    s->arena = arena_new();
    if (s->arena)
        arena_limit(s->arena, SIZE_MAX); /* the model's sizes are bounded already */
    if (!s->arena || !scratch_fill(s, c)) {
        scratch_free(s);
        return NULL;
    }
    return s;
}

void scratch_note(struct scratch *s, float *most)
{
    s->note = most;
}

void scratch_free(struct scratch *s)
{
    if (!s)
        return;
    arena_free(s->arena);
    mem_free(s);
}

/* out[rows][16 * n16] = x[rows][k] · W + bias */
static void apply(const struct model *m, struct scratch *s, const struct linear *l, size_t rows, const float *x,
                  size_t stride, float *out, size_t out_stride)
{
    if (!m->int8) {
        m->kernels->matmul_float(rows, l->n16, l->k, x, stride, l->panels, l->bias, out, out_stride);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        m->kernels->quantise(x + r * stride, l->q.smooth, l->k, s->bytes + r * l->k, &s->scale[r], &s->zero[r]);
    struct uint8_rows in = {s->bytes, s->scale, s->zero};
    m->kernels->matmul_int8(rows, l->n16, l->k, &in, &l->q, l->bias, out, out_stride);
}

static void add_norm(const struct model *m, struct scratch *s, const struct norm *n, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        m->kernels->add_norm(s->x + r * s->wide, s->y + r * s->wide, m->config.hidden, n->gamma, n->beta,
                             m->config.epsilon);
}

static void word_row(const struct model *m, size_t id, float *out)
{
    if (!m->int8) {
        tensor_row(&m->weights.words, id, out);
        return;
    }
    const int8_t *q = m->weights.q.p + id * m->config.hidden;
    float scale = m->weights.q.scale[id];
    for (size_t i = 0; i < m->config.hidden; i++)
        out[i] = (float)q[i] * scale;
}

static void embed_rows(const struct model *m, struct scratch *s, const int32_t *ids, const size_t *lengths, size_t n)
{
    size_t hidden = m->config.hidden, row = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < lengths[i]; j++, row++) {
            word_row(m, (size_t)ids[row], s->x + row * s->wide);
            memcpy(s->y + row * s->wide, m->weights.positions + j * hidden, hidden * sizeof(float));
        }
    add_norm(m, s, &m->weights.embedding_norm, row);
}

static void feed_forward(const struct model *m, struct scratch *s, const struct layer *l, size_t rows)
{
    for (size_t r = 0; r < rows; r += INNER_ROWS) {
        size_t n = rows - r < INNER_ROWS ? rows - r : INNER_ROWS;
        apply(m, s, &l->up, n, s->x + r * s->wide, s->wide, s->up, s->inner);
        for (size_t i = 0; i < n; i++)
            m->kernels->gelu(s->up + i * s->inner, m->config.inner);
        apply(m, s, &l->down, n, s->up, s->inner, s->y + r * s->wide, s->wide);
    }
}

/* most[i] = the greatest |x| that channel i has had. */
static void note_most(const struct scratch *s, size_t rows, size_t hidden, float *most)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < hidden; i++) {
            float v = fabsf(s->x[r * s->wide + i]);
            most[i] = v > most[i] ? v : most[i];
        }
}

static void run_layer(const struct model *m, struct scratch *s, size_t index, const size_t *lengths, size_t n,
                      size_t rows)
{
    const struct layer *l = &m->weights.layers[index];
    float *note = s->note ? s->note + 2 * index * m->config.hidden : NULL;
    if (note)
        note_most(s, rows, m->config.hidden, note);
    apply(m, s, &l->qkv, rows, s->x, s->wide, s->qkv, s->qkv_wide);
    for (size_t i = 0, first = 0; i < n; first += lengths[i++])
        attention_run(m, s, first, lengths[i]);
    apply(m, s, &l->out, rows, s->context, s->wide, s->y, s->wide);
    add_norm(m, s, &l->attention_norm, rows);
    if (note)
        note_most(s, rows, m->config.hidden, note + m->config.hidden);
    feed_forward(m, s, l, rows);
    add_norm(m, s, &l->output_norm, rows);
}

static void pool(const struct model *m, const struct scratch *s, const size_t *lengths, size_t n, float *out)
{
    size_t hidden = m->config.hidden;
    const float *x = s->x;
    for (size_t i = 0; i < n; x += lengths[i++] * s->wide, out += hidden) {
        size_t rows = m->config.cls ? 1 : lengths[i];
        memcpy(out, x, hidden * sizeof *out);
        for (size_t r = 1; r < rows; r++)
            for (size_t j = 0; j < hidden; j++)
                out[j] += x[r * s->wide + j];
        for (size_t j = 0; j < hidden; j++)
            out[j] /= (float)rows;
    }
}

void forward_run(const struct model *m, struct scratch *s, const int32_t *ids, const size_t *lengths, size_t n,
                 float *out)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows += lengths[i];
    embed_rows(m, s, ids, lengths, n);
    for (size_t i = 0; i < m->config.layers; i++)
        run_layer(m, s, i, lengths, n, rows);
    pool(m, s, lengths, n, out);
}
