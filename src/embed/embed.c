/* Texts to vectors: each text is tokenized and cut into windows; windows are gathered until a pass is full, and what
 * the pass gives is added to the texts' vectors. See embed.h for the rules. */
#include "embed/embedder.h"

#include "base/buf.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

struct batch {
    struct embedder *m;
    struct scratch *scratch;
    float *out;
    size_t cap, rows, n;
    int32_t *ids;    /* [cap] */
    size_t *lengths; /* [cap], n of them; a window has two rows or more, so that this is plenty */
    size_t *owner;   /* [cap] which text the window is of */
    float *weight;   /* [cap] one by the number of the text's windows */
    float *vectors;  /* [cap × hidden] */
};

static size_t window_tokens(const struct embedder *m)
{
    return m->model.config.max_tokens - 2;
}

/* The text's ids with its prefix, without [CLS] and [SEP]. */
static enum err_code tokenize(const struct embedder *m, struct str text, enum embed_use use, struct wordpiece_ids *ids,
                              struct err *e)
{
    struct str prefix = m->prefix_text[use];
    wordpiece_ids_init(ids, EMBED_WINDOWS_MAX * window_tokens(m));
    if (prefix.n == 0) {
        wordpiece_text(&m->words, text, ids);
    } else {
        struct buf both;
        buf_init(&both, 0);
        buf_str(&both, prefix);
        buf_str(&both, text);
        if (both.failed)
            ids->failed = true;
        else
            wordpiece_text(&m->words, buf_view(&both), ids);
        buf_release(&both);
    }
    if (!ids->failed)
        return ERR_OK;
    wordpiece_ids_release(ids);
    return err_nomem(e);
}

enum err_code embed_tokenize(const struct embedder *m, struct str text, enum embed_use use, int32_t *out, size_t cap,
                             size_t *n, struct err *e)
{
    struct wordpiece_ids ids;
    enum err_code rc = tokenize(m, text, use, &ids, e);
    if (rc != ERR_OK)
        return rc;
    *n = ids.n + 2;
    for (size_t i = 0; i < *n && i < cap; i++)
        out[i] = i == 0 ? m->words.cls : i == *n - 1 ? m->words.sep : ids.p[i - 1];
    wordpiece_ids_release(&ids);
    return ERR_OK;
}

/* Divides by the length; false when there is none (all zero, or not a number). */
static bool normalise(float *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] * (double)v[i];
    if (!(sum > 1e-24 && sum < 1e60))
        return false;
    float by = (float)(1 / sqrt(sum));
    for (size_t i = 0; i < n; i++)
        v[i] *= by;
    return true;
}

static enum err_code no_vector(struct err *e)
{
    return err_set(e, ERR_CORRUPT, "model", "the model's weights give no finite vector");
}

static enum err_code flush(struct batch *b, struct err *e)
{
    const struct model_config *c = &b->m->model.config;
    if (b->n == 0)
        return ERR_OK;
    forward_run(&b->m->model, b->scratch, b->ids, b->lengths, b->n, b->vectors);
    for (size_t i = 0; i < b->n; i++) {
        float *v = b->vectors + i * c->hidden, *to = b->out + b->owner[i] * c->hidden;
        if (c->normalise && !normalise(v, c->hidden))
            return no_vector(e);
        for (size_t j = 0; j < c->hidden; j++)
            to[j] += v[j] * b->weight[i];
    }
    b->n = b->rows = 0;
    return ERR_OK;
}

/* One window: [CLS], the prefix if it was taken off the text, n ids, [SEP]. */
static enum err_code add_window(struct batch *b, size_t owner, float weight, const struct wordpiece_ids *prefix,
                                const int32_t *ids, size_t n, struct err *e)
{
    size_t lead = prefix ? prefix->n : 0, rows = n + lead + 2;
    enum err_code rc = b->rows + rows > b->cap ? flush(b, e) : ERR_OK;
    if (rc != ERR_OK)
        return rc;
    int32_t *to = b->ids + b->rows;
    *to++ = b->m->words.cls;
    if (lead)
        memcpy(to, prefix->p, lead * sizeof *to);
    if (n)
        memcpy(to + lead, ids, n * sizeof *to);
    to[lead + n] = b->m->words.sep;
    b->lengths[b->n] = rows;
    b->owner[b->n] = owner;
    b->weight[b->n++] = weight;
    b->rows += rows;
    return ERR_OK;
}

/* A text of more than one window. */
static enum err_code add_windows(struct batch *b, size_t owner, const struct wordpiece_ids *prefix,
                                 const struct wordpiece_ids *ids, struct err *e)
{
    size_t lead = prefix->n;
    if (lead > 0 && memcmp(ids->p, prefix->p, lead * sizeof *ids->p) != 0)
        lead = 0; /* prefix and text ran together into other pieces: leave it where it is */
    const int32_t *p = ids->p + lead;
    size_t n = ids->n - lead, body = window_tokens(b->m) - lead, step = body - body / 4;
    size_t windows = 1 + (n - body + step - 1) / step;
    if (windows > EMBED_WINDOWS_MAX)
        windows = EMBED_WINDOWS_MAX;
    for (size_t i = 0; i < windows; i++) {
        size_t start = i * step < n - body ? i * step : n - body;
        enum err_code rc = add_window(b, owner, 1.0f / (float)windows, lead ? prefix : NULL, p + start, body, e);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static enum err_code add_text(struct batch *b, size_t owner, struct str text, enum embed_use use, struct err *e)
{
    struct wordpiece_ids ids;
    enum err_code rc = tokenize(b->m, text, use, &ids, e);
    if (rc != ERR_OK)
        return rc;
    if (ids.n <= window_tokens(b->m))
        rc = add_window(b, owner, 1, NULL, ids.p, ids.n, e);
    else
        rc = add_windows(b, owner, &b->m->prefix[use], &ids, e);
    wordpiece_ids_release(&ids);
    return rc;
}

static enum err_code batch_open(struct batch *b, struct arena *a, struct err *e)
{
    b->cap = embedder_rows(b->m);
    b->ids = arena_array(a, int32_t, b->cap);
    b->lengths = arena_array(a, size_t, b->cap);
    b->owner = arena_array(a, size_t, b->cap);
    b->weight = arena_array(a, float, b->cap);
    b->vectors = arena_calloc(a, b->cap / 2, b->m->model.config.hidden * sizeof(float));
    b->scratch = pool_take(b->m);
    return arena_failed(a) || !b->scratch ? err_nomem(e) : ERR_OK;
}

static enum err_code run_all(struct batch *b, const struct str *texts, size_t n, enum embed_use use, struct err *e)
{
    size_t hidden = b->m->model.config.hidden;
    enum err_code rc = ERR_OK;
    memset(b->out, 0, n * hidden * sizeof *b->out);
    for (size_t i = 0; rc == ERR_OK && i < n; i++)
        rc = add_text(b, i, texts[i], use, e);
    if (rc == ERR_OK)
        rc = flush(b, e);
    for (size_t i = 0; rc == ERR_OK && i < n && b->m->model.config.normalise; i++)
        if (!normalise(b->out + i * hidden, hidden))
            rc = no_vector(e);
    return rc;
}

enum err_code embed_texts(const struct embedder *m, const struct str *texts, size_t n, enum embed_use use, float *out,
                          struct err *e)
{
    /* The pool is the one part of an embedder that changes; it has its own lock. */
    struct batch b = {.m = (struct embedder *)(uintptr_t)m, .out = out};
    if (n == 0)
        return ERR_OK;
    struct arena *a = arena_new();
    enum err_code rc = a ? batch_open(&b, a, e) : err_nomem(e);
    if (rc == ERR_OK)
        rc = run_all(&b, texts, n, use, e);
    if (b.scratch)
        pool_give(b.m, b.scratch);
    arena_free(a);
    return rc;
}
