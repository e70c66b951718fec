/* Opening a model: its configuration, tokenizer and weights, in this order, and the id that tells models apart. */
#include "embed/calibrate.h"
#include "embed/embedder.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const size_t tokenizer_max = (size_t)64 << 20, weights_max = (size_t)8 << 30;

/* A digest of megabytes in milliseconds: eight lanes, so that multiplications overlap. It tells models apart; it is no
 * defence against someone who wants two to look alike. */
static void digest(struct str bytes, uint64_t lanes[8])
{
    for (size_t i = 0; i < bytes.n; i += 64) {
        uint64_t block[8] = {0};
        memcpy(block, bytes.p + i, bytes.n - i < sizeof block ? bytes.n - i : sizeof block);
        for (size_t j = 0; j < 8; j++) {
            uint64_t h = (lanes[j] ^ block[j]) * 0x9E3779B97F4A7C15u;
            lanes[j] = h << 29 | h >> 35;
        }
    }
}

static const char *base_name(const char *folder, size_t *n)
{
    size_t end = strlen(folder);
    while (end > 0 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    *n = end - start;
    return folder + start;
}

static void make_id(struct embedder *m, const char *folder, struct str vocabulary)
{
    const struct model_config *c = &m->model.config;
    uint64_t lanes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    char hash[65], settings[160];
    size_t n, kept = 0;
    int used = snprintf(settings, sizeof settings, "1 %zu %zu %zu %zu %d %d %d %g %zu %zu", m->map.n, vocabulary.n,
                        c->heads, c->max_tokens, c->cls, c->normalise, c->lower_first, (double)c->epsilon,
                        m->prefix_text[0].n, m->prefix_text[1].n);
    digest(m->map, lanes);
    digest(vocabulary, lanes);
    digest(m->prefix_text[0], lanes);
    digest(m->prefix_text[1], lanes);
    digest((struct str){settings, (size_t)used}, lanes);
    id_sha256((struct str){(const char *)lanes, sizeof lanes}, hash);
    const char *name = base_name(folder, &n);
    for (size_t i = 0; i < n && kept < EMBED_ID_MAX - 18; i++) {
        bool plain = (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'z') ||
                     (name[i] >= 'A' && name[i] <= 'Z') || strchr("._-", name[i]);
        m->id[kept++] = plain ? name[i] : '_';
    }
    snprintf(m->id + kept, EMBED_ID_MAX - kept, "@%.16s", hash);
}

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

static enum err_code open_all(struct embedder *m, const char *folder, const struct embed_options *o, struct err *e)
{
    struct str vocabulary;
    m->model.kernels = kernels_best();
    m->model.int8 = o->precision == EMBED_INT8;
    arena_limit(m->arena, SIZE_MAX); /* config.c bounds what a model can ask for, and the file's size the rest */
    enum err_code rc = config_read(folder, m->arena, &m->model.config, e);
    if (rc == ERR_OK)
        rc = open_tokenizer(m, folder, &vocabulary, e);
    if (rc == ERR_OK)
        rc = open_prefix(m, EMBED_QUERY, o->query_prefix, m->model.config.query_prefix, e);
    if (rc == ERR_OK)
        rc = open_prefix(m, EMBED_DOCUMENT, o->document_prefix, m->model.config.document_prefix, e);
    if (rc == ERR_OK)
        rc = open_weights(m, folder, e);
    if (rc != ERR_OK)
        return rc;
    make_id(m, folder, vocabulary);
    /* All of the file has been read once; from here on only single rows of it are. Advice: failing is no matter. */
    madvise((void *)(uintptr_t)m->map.p, m->map.n, MADV_DONTNEED);
    madvise((void *)(uintptr_t)m->map.p, m->map.n, MADV_RANDOM);
    return ERR_OK;
}

enum err_code embed_open(const char *folder, const struct embed_options *options, struct embedder **out, struct err *e)
{
    static const struct embed_options usual = {0};
    struct err own = {0};
    *out = NULL;
    struct embedder *m = mem_zalloc(sizeof *m);
    if (!m)
        return err_nomem(e);
    pthread_mutex_init(&m->pool.lock, NULL);
    m->arena = arena_new();
    enum err_code rc = m->arena ? open_all(m, folder, options ? options : &usual, &own) : err_nomem(&own);
    if (rc == ERR_OK) {
        *out = m;
        return rc;
    }
    embed_close(m);
    if (rc == ERR_NOT_FOUND)
        return err_set(e, rc, "model", "there is no model in %.120s: %.110s", folder, own.message);
    if (e && e->code == ERR_OK)
        *e = own;
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
    safetensors_close(m->file);
    file_unmap(m->map);
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
