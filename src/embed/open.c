/* Opening a model: its configuration, tokenizer and weights, in this order, from a folder or from a packed one. */
#include "embed/calibrate.h"
#include "embed/packed.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const size_t tokenizer_max = (size_t)64 << 20, weights_max = (size_t)8 << 30;

static void apply_rules(struct wordpiece *w, const struct model_config *c)
{
    /* transformers lets tokenizer_config.json overrule the tokenizer's own file. */
    if (c->lower >= 0) {
        if (w->rules.strip_accents == w->rules.lower && c->strip_accents < 0)
            w->rules.strip_accents = c->lower;
        w->rules.lower = c->lower;
    }
    if (c->strip_accents >= 0)
        w->rules.strip_accents = c->strip_accents;
    if (c->cjk >= 0)
        w->rules.cjk = c->cjk;
    if (c->lower_first) { /* sentence-transformers lowers the text first: "[CLS]" in it is no token any more */
        w->rules.lower = true;
        w->n_specials = 0;
    }
}

static enum err_code open_tokenizer(struct embedder *m, const char *folder, struct str *text, struct err *e)
{
    const struct model_config *c = &m->model.config;
    enum err_code rc = config_file(folder, c->transformer, "tokenizer.json", tokenizer_max, false, m->arena, text, e);
    if (rc == ERR_OK && text->p) {
        rc = wordpiece_open_json(&m->words, m->arena, *text, c->vocab, e);
    } else if (rc == ERR_OK) {
        rc = config_file(folder, c->transformer, "vocab.txt", tokenizer_max, true, m->arena, text, e);
        if (rc == ERR_OK)
            rc = wordpiece_open_lines(&m->words, m->arena, *text, c->vocab, e);
    }
    if (rc == ERR_OK)
        apply_rules(&m->words, c);
    return rc;
}

static enum err_code open_weights(struct embedder *m, const char *folder, struct err *e)
{
    char path[PATH_MAX];
    float *most = NULL;
    struct str sub = m->model.config.transformer;
    int n = snprintf(path, sizeof path, "%s/%.*s%smodel.safetensors", folder, STR_ARG(sub), sub.n ? "/" : "");
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_INVALID, "model", "the path of the model's weights is too long");
    enum err_code rc = file_map(path, weights_max, &m->map, e);
    if (rc == ERR_OK)
        rc = safetensors_open(m->map, &m->file, e);
    if (rc == ERR_OK && m->model.int8)
        rc = calibrate(&m->model.config, m->file, &m->words, m->arena, &most, e);
    if (rc == ERR_OK)
        rc = weights_load(&m->model.config, m->file, m->model.int8, most, m->arena, &m->model.weights, e);
    return rc;
}

/* The prefix's own ids, which every window of a long text begins with. */
static enum err_code open_prefix(struct embedder *m, enum embed_use use, struct str given, struct str own,
                                 struct err *e)
{
    struct str text = given.p ? given : own;
    if (text.n > CONFIG_PREFIX_MAX)
        return err_set(e, ERR_INVALID, "prefix", "a prefix should be at most %d bytes", CONFIG_PREFIX_MAX);
    m->prefix_text[use] = text.n ? arena_str(m->arena, text) : STR("");
    wordpiece_ids_init(&m->prefix[use], m->model.config.max_tokens);
    wordpiece_text(&m->words, text, &m->prefix[use]);
    if (m->prefix[use].failed || !m->prefix_text[use].p)
        return err_nomem(e);
    if (m->prefix[use].n > m->model.config.max_tokens / 2)
        return err_set(e, ERR_INVALID, "prefix", "a prefix should be at most half a window: %zu tokens",
                       m->model.config.max_tokens / 2);
    return ERR_OK;
}

static enum err_code open_prefixes(struct embedder *m, const struct embed_options *o, struct err *e)
{
    enum err_code rc = open_prefix(m, EMBED_QUERY, o->query_prefix, m->model.config.query_prefix, e);
    return rc == ERR_OK ? open_prefix(m, EMBED_DOCUMENT, o->document_prefix, m->model.config.document_prefix, e) : rc;
}

static void close_file(struct embedder *m)
{
    safetensors_close(m->file);
    file_unmap(m->map);
    m->file = NULL;
    m->map = STR_NONE;
}

static enum err_code open_folder(struct embedder *m, const char *folder, const struct embed_options *o, struct err *e)
{
    struct str vocabulary;
    enum err_code rc = config_read(folder, m->arena, &m->model.config, e);
    if (rc == ERR_OK)
        rc = open_tokenizer(m, folder, &vocabulary, e);
    if (rc == ERR_OK)
        rc = open_prefixes(m, o, e);
    if (rc == ERR_OK)
        rc = open_weights(m, folder, e);
    if (rc == ERR_OK)
        rc = source_of(m, folder, m->map, vocabulary, e);
    if (rc != ERR_OK)
        return rc;
    if (m->model.int8) {
        close_file(m);
        return rc;
    }
    /* All of the file has been read once; from here on only single rows of it are. Advice: failing is no matter. */
    madvise((void *)(uintptr_t)m->map.p, m->map.n, MADV_DONTNEED);
    madvise((void *)(uintptr_t)m->map.p, m->map.n, MADV_RANDOM);
    return rc;
}

static enum err_code open_packed(struct embedder *m, struct str bytes, const struct embed_options *o, struct err *e)
{
    if (!m->model.int8)
        return err_set(e, ERR_INVALID, "precision", "a packed model is int8 and cannot be opened in floats");
    if ((uintptr_t)bytes.p % 64 != 0) { /* as the kernels read it */
        char *copy = weights_room(m->arena, bytes.n);
        if (!copy)
            return err_nomem(e);
        memcpy(copy, bytes.p, bytes.n);
        bytes.p = copy;
    }
    enum err_code rc = packed_read(m, bytes, e);
    return rc == ERR_OK ? open_prefixes(m, o, e) : rc;
}

/* From `folder`, or, when it is NULL, from `bytes`. */
static enum err_code open_any(const char *folder, struct str bytes, const struct embed_options *options,
                              struct embedder **out, struct err *e)
{
    static const struct embed_options usual = {0};
    const struct embed_options *o = options ? options : &usual;
    *out = NULL;
    struct embedder *m = mem_zalloc(sizeof *m);
    if (!m)
        return err_nomem(e);
    pthread_mutex_init(&m->pool.lock, NULL);
    m->model.kernels = kernels_best();
    m->model.int8 = o->precision == EMBED_INT8;
    m->arena = arena_new();
    if (m->arena)
        arena_limit(m->arena, SIZE_MAX); /* config.c bounds what a model can ask for, and the file's size the rest */
    enum err_code rc = !m->arena ? err_nomem(e) : folder ? open_folder(m, folder, o, e) : open_packed(m, bytes, o, e);
    if (rc != ERR_OK) {
        embed_close(m);
        return rc;
    }
    make_id(m);
    *out = m;
    return rc;
}

enum err_code embed_open(const char *folder, const struct embed_options *options, struct embedder **out, struct err *e)
{
    struct err own = {0};
    enum err_code rc = open_any(folder, STR_NONE, options, out, &own);
    if (rc == ERR_NOT_FOUND)
        return err_set(e, rc, "model", "there is no model in %.120s: %.110s", folder, own.message);
    if (e && rc != ERR_OK && e->code == ERR_OK)
        *e = own;
    return rc;
}

enum err_code embed_open_packed(struct str bytes, const struct embed_options *options, struct embedder **out,
                                struct err *e)
{
    return open_any(NULL, bytes, options, out, e);
}

enum err_code embed_pack(const char *folder, const char *file, struct err *e)
{
    struct embedder *m;
    struct buf bytes;
    enum err_code rc = embed_open(folder, NULL, &m, e);
    if (rc != ERR_OK)
        return rc;
    rc = packed_write(m, &bytes, e);
    if (rc == ERR_OK)
        rc = file_write_atomic(file, buf_view(&bytes), e);
    buf_release(&bytes);
    embed_close(m);
    return rc;
}

void embed_close(struct embedder *m)
{
    if (!m)
        return;
    while (m->pool.n > 0)
        scratch_free(m->pool.idle[--m->pool.n]);
    pthread_mutex_destroy(&m->pool.lock);
    for (size_t i = 0; i < 2; i++)
        wordpiece_ids_release(&m->prefix[i]);
    wordpiece_release(&m->words);
    close_file(m);
    arena_free(m->arena);
    mem_free(m);
}

size_t embed_dimensions(const struct embedder *m)
{
    return m->model.config.hidden;
}

size_t embed_max_tokens(const struct embedder *m)
{
    return m->model.config.max_tokens;
}

const char *embed_model_id(const struct embedder *m)
{
    return m->id;
}

const char *embed_kernels(const struct embedder *m)
{
    return m->model.kernels->name;
}
