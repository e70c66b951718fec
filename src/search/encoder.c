/* The encoder of this process: an embedder behind encoder.h. */
#include "search/encoder.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

/* So much text takes some tens of milliseconds: stopping, and a question, need not wait for more. */
enum { SLICE_TEXTS = 32, SLICE_BYTES = 8192 };
static const size_t PACKED_MAX = (size_t)8 << 30;

struct local {
    struct encoder encoder; /* first */
    struct embedder *embedder;
    struct str map; /* of a packed file, which the embedder uses where it lies */
};

static const struct embedder *of(const struct encoder *c)
{
    return ((const struct local *)c)->embedder;
}

/* Counted apart: only who asks for it pays for reading the texts twice. */
static enum err_code count_tokens(const struct encoder *c, const struct encoder_task *t, struct err *e)
{
    enum err_code code = ERR_OK;
    *t->tokens = 0;
    for (size_t i = 0; !code && i < t->n; i++) {
        size_t n = 0;
        code = embed_tokenize(of(c), t->texts[i], t->use, NULL, 0, &n, e);
        *t->tokens += (int64_t)n;
    }
    return code;
}

static enum err_code encode(const struct encoder *c, const struct encoder_task *t, float *out, struct err *e)
{
    enum err_code code = t->tokens ? count_tokens(c, t, e) : ERR_OK;
    return code ? code : embed_texts(of(c), t->texts, t->n, t->use, out, e);
}

static void close_local(struct encoder *c)
{
    struct local *l = (struct local *)c;
    embed_close(l->embedder);
    file_unmap(l->map);
    mem_free(l);
}

bool encoder_is_packed(const char *path)
{
    struct stat st;
    return !path || (stat(path, &st) == 0 && S_ISREG(st.st_mode));
}

static enum err_code open_embedder(struct local *l, const char *path, struct str packed, struct err *e)
{
    if (!path)
        return embed_open_packed(packed, NULL, &l->embedder, e);
    if (!encoder_is_packed(path))
        return embed_open(path, NULL, &l->embedder, e);
    enum err_code code = file_map(path, PACKED_MAX, &l->map, e);
    return code ? code : embed_open_packed(l->map, NULL, &l->embedder, e);
}

enum err_code encoder_open(const char *path, struct str packed, struct encoder **out, struct err *e)
{
    struct local *l = mem_zalloc(sizeof *l);
    *out = NULL;
    if (!l)
        return err_nomem(e);
    enum err_code code = open_embedder(l, path, packed, e);
    if (code) {
        file_unmap(l->map);
        mem_free(l);
        return code;
    }
    l->encoder = (struct encoder){.dimensions = embed_dimensions(l->embedder),
                                  .slice_texts = SLICE_TEXTS,
                                  .slice_bytes = SLICE_BYTES,
                                  .how = embed_kernels(l->embedder),
                                  .encode = encode,
                                  .close = close_local};
    strncpy(l->encoder.id, embed_model_id(l->embedder), sizeof l->encoder.id - 1);
    *out = &l->encoder;
    return ERR_OK;
}

void encoder_close(struct encoder *c)
{
    if (c)
        c->close(c);
}

struct str encoder_name(const struct encoder *c)
{
    struct str rest = str_of(c->id);
    for (size_t i = rest.n; i > 0; i--) {
        if (rest.p[i - 1] == '@')
            return str_take(rest, i - 1);
    }
    return rest;
}
