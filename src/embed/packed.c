/* A quantised model as one run of bytes, so that it can be carried inside the program: what open.c makes of a folder in
 * int8, ready to use where it lies. Not for interchange: a model's folder is what people keep.
 *
 *   8 bytes   "CAIRNEMB"
 *   4         version of this format, 1
 *   4         CRC-32C of all that follows
 *   …         struct head, numbers of fixed width
 *   texts     name, query prefix, document prefix, tokenizer (wordpiece_packed.c), one after another
 *   parts     words, their scales, positions (as many as a window has), the norm; then for each layer its linears
 *             (bias, panels, scale, sum, smooth if it has one) and norms. Each part begins at a multiple of 64.
 *
 * Little endian, as memory is on the machines this is for; others refuse it. How long each part is follows from the
 * head's sizes, so that there are no offsets to distrust: the parts must end exactly where the bytes do.
 * One function, walk(), goes through the parts for writing and for reading. */
#include "embed/packed.h"

#include "base/crc.h"

#include <string.h>

enum { VERSION = 1, ALIGN = 64, TEXT_MAX = 64 << 20 };
static const char MAGIC[8] = "CAIRNEMB";
static const size_t packed_max = (size_t)4 << 30;

struct start {
    char magic[8];
    uint32_t version, crc;
};

struct head {
    uint32_t hidden, layers, heads, inner, vocab, positions, types, max_tokens;
    float epsilon;
    uint32_t cls, normalise, lower_first;
    uint64_t source_lanes[8], source_weights, source_vocabulary; /* see struct source */
    uint32_t name, query_prefix, document_prefix, tokenizer;     /* bytes of the texts */
};

struct walk {
    struct buf *to; /* NULL when reading */
    struct str from;
    size_t at;
    bool failed;
};

/* The next n bytes: written from p, or found in the bytes read. */
static const void *part(struct walk *w, const void *p, size_t n)
{
    static const char zeros[ALIGN];
    size_t gap = (ALIGN - w->at % ALIGN) % ALIGN;
    if (w->to) {
        buf_put(w->to, zeros, gap);
        buf_put(w->to, p, n);
        w->failed |= w->to->failed;
    } else if (w->failed || gap > w->from.n - w->at || n > w->from.n - w->at - gap) {
        w->failed = true;
        return NULL;
    } else {
        p = w->from.p + w->at + gap;
    }
    w->at += gap + n;
    return p;
}

static void walk_linear(struct walk *w, struct linear *l, size_t n, size_t k, bool smooth)
{
    size_t padded = weights_pad(n);
    l->n = n;
    l->n16 = padded / PANEL;
    l->k = k;
    l->bias = part(w, l->bias, padded * sizeof *l->bias);
    l->q.panels = part(w, l->q.panels, padded * k);
    l->q.scale = part(w, l->q.scale, padded * sizeof *l->q.scale);
    l->q.sum = part(w, l->q.sum, padded * sizeof *l->q.sum);
    l->q.smooth = smooth ? part(w, l->q.smooth, k * sizeof *l->q.smooth) : NULL;
}

static void walk_norm(struct walk *w, struct norm *n, size_t hidden)
{
    n->gamma = part(w, n->gamma, hidden * sizeof *n->gamma);
    n->beta = part(w, n->beta, hidden * sizeof *n->beta);
}

static void walk(struct walk *w, const struct model_config *c, struct weights *to, struct layer *layers)
{
    size_t hidden = c->hidden;
    to->q.p = part(w, to->q.p, c->vocab * hidden);
    to->q.scale = part(w, to->q.scale, c->vocab * sizeof *to->q.scale);
    to->positions = part(w, to->positions, c->max_tokens * hidden * sizeof *to->positions);
    walk_norm(w, &to->embedding_norm, hidden);
    for (size_t i = 0; i < c->layers; i++) {
        struct layer *l = &layers[i];
        walk_linear(w, &l->qkv, 3 * hidden, hidden, true);
        walk_linear(w, &l->out, hidden, hidden, false);
        walk_norm(w, &l->attention_norm, hidden);
        walk_linear(w, &l->up, c->inner, hidden, true);
        walk_linear(w, &l->down, hidden, c->inner, false);
        walk_norm(w, &l->output_norm, hidden);
    }
}

static struct head head_of(const struct embedder *m)
{
    const struct model_config *c = &m->model.config;
    struct head h = {
        .hidden = (uint32_t)c->hidden,
        .layers = (uint32_t)c->layers,
        .heads = (uint32_t)c->heads,
        .inner = (uint32_t)c->inner,
        .vocab = (uint32_t)c->vocab,
        .positions = (uint32_t)c->positions,
        .types = (uint32_t)c->types,
        .max_tokens = (uint32_t)c->max_tokens,
        .epsilon = c->epsilon,
        .cls = c->cls,
        .normalise = c->normalise,
        .lower_first = c->lower_first,
        .source_weights = m->source.weights,
        .source_vocabulary = m->source.vocabulary,
        .name = (uint32_t)m->source.name.n,
        .query_prefix = (uint32_t)m->prefix_text[EMBED_QUERY].n,
        .document_prefix = (uint32_t)m->prefix_text[EMBED_DOCUMENT].n,
    };
    memcpy(h.source_lanes, m->source.lanes, sizeof h.source_lanes);
    return h;
}

enum err_code packed_write(const struct embedder *m, struct buf *out, struct err *e)
{
    struct start start = {.version = VERSION};
    struct head head = head_of(m);
    struct weights weights = m->model.weights; /* what walk() sets is what is there */
    struct buf tokenizer;
    buf_init(out, packed_max);
    buf_init(&tokenizer, TEXT_MAX);
    wordpiece_pack(&m->words, &tokenizer);
    head.tokenizer = (uint32_t)tokenizer.n;
    memcpy(start.magic, MAGIC, sizeof MAGIC);
    buf_put(out, &start, sizeof start);
    buf_put(out, &head, sizeof head);
    buf_str(out, m->source.name);
    buf_str(out, m->prefix_text[EMBED_QUERY]);
    buf_str(out, m->prefix_text[EMBED_DOCUMENT]);
    buf_str(out, buf_view(&tokenizer));
    struct walk w = {.to = out, .at = out->n};
    /* Of the layers too nothing changes. */
    walk(&w, &m->model.config, &weights, (struct layer *)(uintptr_t)weights.layers);
    bool failed = w.failed || tokenizer.failed;
    buf_release(&tokenizer);
    if (failed)
        return err_nomem(e);
    start.crc = crc32c(out->p + sizeof start, out->n - sizeof start);
    memcpy(out->p, &start, sizeof start);
    return ERR_OK;
}

static enum err_code damaged(struct err *e, const char *why)
{
    return err_set(e, ERR_CORRUPT, "model", "the packed model %s", why);
}

static enum err_code check_start(struct str bytes, struct err *e)
{
    struct start s;
    if (bytes.n < sizeof s + sizeof(struct head) || memcmp(bytes.p, MAGIC, sizeof MAGIC) != 0)
        return damaged(e, "is none of ours");
    memcpy(&s, bytes.p, sizeof s);
    if (s.version != VERSION)
        return damaged(e, "is of another version");
    return s.crc == crc32c(bytes.p + sizeof s, bytes.n - sizeof s) ? ERR_OK : damaged(e, "does not match its checksum");
}

/* The texts after the head, in their order; false when they do not fit. */
static bool take_text(struct str *rest, uint32_t n, struct str *out)
{
    if (n > rest->n)
        return false;
    *out = n ? str_take(*rest, n) : STR("");
    *rest = str_skip(*rest, n);
    return true;
}

static enum err_code read_head(struct embedder *m, struct str bytes, struct str *tokenizer, size_t *parts,
                               struct err *e)
{
    struct head h;
    struct model_config *c = &m->model.config;
    struct str rest = str_skip(bytes, sizeof(struct start));
    memcpy(&h, rest.p, sizeof h);
    rest = str_skip(rest, sizeof h);
    *c = (struct model_config){.hidden = h.hidden,
                               .layers = h.layers,
                               .heads = h.heads,
                               .inner = h.inner,
                               .vocab = h.vocab,
                               .positions = h.positions,
                               .types = h.types,
                               .max_tokens = h.max_tokens,
                               .epsilon = h.epsilon,
                               .cls = h.cls,
                               .normalise = h.normalise,
                               .lower_first = h.lower_first};
    m->source = (struct source){.weights = h.source_weights, .vocabulary = h.source_vocabulary};
    memcpy(m->source.lanes, h.source_lanes, sizeof h.source_lanes);
    if (!config_sound(c))
        return damaged(e, "has sizes that no model has");
    if (!take_text(&rest, h.name, &m->source.name) || !take_text(&rest, h.query_prefix, &c->query_prefix) ||
        !take_text(&rest, h.document_prefix, &c->document_prefix) || !take_text(&rest, h.tokenizer, tokenizer))
        return damaged(e, "is too short for its texts");
    *parts = (size_t)(rest.p - bytes.p);
    return ERR_OK;
}

/* The one number that the kernels compute with before it is a float: 255 times it must fit in 32 bits. */
static bool sums_sound(const struct linear *l)
{
    int64_t most = (int64_t)l->k * 128;
    for (size_t i = 0; i < l->n16 * PANEL; i++)
        if (l->q.sum[i] > most || l->q.sum[i] < -most)
            return false;
    return true;
}

enum err_code packed_read(struct embedder *m, struct str bytes, struct err *e)
{
    struct str tokenizer;
    size_t parts = 0;
    const struct model_config *c = &m->model.config;
    enum err_code rc = check_start(bytes, e);
    if (rc == ERR_OK)
        rc = read_head(m, bytes, &tokenizer, &parts, e);
    if (rc == ERR_OK)
        rc = wordpiece_unpack(&m->words, tokenizer, c->vocab, e);
    if (rc != ERR_OK)
        return rc;
    struct layer *layers = arena_calloc(m->arena, c->layers, sizeof *layers);
    if (!layers)
        return err_nomem(e);
    m->model.weights.layers = layers;
    struct walk w = {.from = bytes, .at = parts};
    walk(&w, c, &m->model.weights, layers);
    if (w.failed || w.at != bytes.n)
        return damaged(e, "is not as long as its sizes say");
    for (size_t i = 0; i < c->layers; i++)
        if (!sums_sound(&layers[i].qkv) || !sums_sound(&layers[i].out) || !sums_sound(&layers[i].up) ||
            !sums_sound(&layers[i].down))
            return damaged(e, "has sums that its columns cannot have");
    return ERR_OK;
}
