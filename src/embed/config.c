/* Reads config.json, modules.json, the pooling module's config.json, sentence_bert_config.json, tokenizer_config.json
 * and config_sentence_transformers.json. Bounds are those of models that a CPU can run; what is not known to work is
 * refused rather than run wrongly. */
#include "embed/config.h"

#include "base/file.h"
#include "base/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX = 4 << 20,
    HIDDEN_MAX = 4096,
    LAYERS_MAX = 64,
    HEADS_MAX = 256,
    INNER_MAX = 16384,
    ROWS_MAX = 1 << 20,
    POSITIONS_MAX = 8192,
    TYPES_MAX = 16,
    TOKENS_MIN = 8,
};

struct reading {
    const char *folder;
    struct arena *a;
    struct model_config *c;
    struct err *e;
};

enum err_code config_file(const char *folder, struct str sub, const char *name, size_t max, bool required,
                          struct arena *a, struct str *text, struct err *e)
{
    char path[PATH_MAX];
    struct buf b;
    struct err own = {0};
    *text = STR_NONE;
    int n = snprintf(path, sizeof path, "%s/%.*s%s%s", folder, STR_ARG(sub), sub.n ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, ERR_INVALID, "model", "the path of the model's %s is too long", name);
    buf_init(&b, max);
    enum err_code rc = file_read_all(path, max, &b, &own);
    if (rc == ERR_NOT_FOUND && !required)
        rc = ERR_OK;
    else if (rc == ERR_OK)
        *text = b.n ? arena_str(a, buf_view(&b)) : STR("");
    else if (e && e->code == ERR_OK)
        *e = own;
    buf_release(&b);
    if (rc == ERR_OK && arena_failed(a))
        rc = err_nomem(e);
    return rc;
}

/* A JSON file of the model's; *out is NULL when it is absent and not required. */
static enum err_code read_json(const struct reading *r, struct str sub, const char *name, bool required,
                               const struct json **out)
{
    struct str text;
    struct err own = {0};
    *out = NULL;
    enum err_code rc = config_file(r->folder, sub, name, FILE_MAX, required, r->a, &text, r->e);
    if (rc != ERR_OK || !text.p)
        return rc;
    rc = json_parse(r->a, text, 0, out, &own);
    return rc == ERR_OK ? ERR_OK : err_set(r->e, rc, name, "%s is not valid: %.180s", name, own.message);
}

static enum err_code refuse(const struct reading *r, const char *file, const char *member, struct str got)
{
    return err_set(r->e, ERR_INVALID, file, "%s in %s is \"%.*s\", which is not supported", member, file,
                   (int)(got.n < 60 ? got.n : 60), got.p ? got.p : "");
}

static bool flag(const struct json *o, const char *key, bool otherwise)
{
    const struct json *v = json_get_type(o, key, JSON_BOOL);
    return v ? v->boolean : otherwise;
}

static enum err_code size_member(const struct reading *r, const struct json *o, const char *key, size_t max,
                                 size_t *out)
{
    const struct json *v = json_get_type(o, key, JSON_INT);
    if (!v || v->integer < 1 || (uint64_t)v->integer > max)
        return err_set(r->e, ERR_INVALID, "config.json", "%s in config.json should be a whole number from 1 to %zu",
                       key, max);
    *out = (size_t)v->integer;
    return ERR_OK;
}

static enum err_code check_kind(const struct reading *r, const struct json *o)
{
    static const struct {
        const char *member, *value;
    } needed[] = {{"model_type", "bert"}, {"hidden_act", "gelu"}, {"position_embedding_type", "absolute"}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct str got = json_text(o, needed[i].member);
        if (got.p && !str_is(got, needed[i].value))
            return refuse(r, "config.json", needed[i].member, got);
    }
    return ERR_OK;
}

static bool within(size_t n, size_t least, size_t most)
{
    return n >= least && n <= most;
}

bool config_sound(const struct model_config *c)
{
    return within(c->hidden, 1, HIDDEN_MAX) && within(c->layers, 1, LAYERS_MAX) && within(c->heads, 1, HEADS_MAX) &&
           within(c->inner, 1, INNER_MAX) && within(c->vocab, 1, ROWS_MAX) &&
           within(c->positions, TOKENS_MIN, POSITIONS_MAX) && within(c->types, 1, TYPES_MAX) &&
           within(c->max_tokens, TOKENS_MIN, c->positions) && c->hidden % c->heads == 0 && c->hidden % 4 == 0 &&
           c->inner % 4 == 0 && c->epsilon >= 0 && c->epsilon < 1;
}

static enum err_code read_sizes(const struct reading *r)
{
    struct model_config *c = r->c;
    const struct json *o;
    enum err_code rc = read_json(r, c->transformer, "config.json", true, &o);
    if (rc == ERR_OK)
        rc = check_kind(r, o);
    const struct {
        const char *key;
        size_t max, *out;
    } sizes[] = {
        {"hidden_size", HIDDEN_MAX, &c->hidden},       {"num_hidden_layers", LAYERS_MAX, &c->layers},
        {"num_attention_heads", HEADS_MAX, &c->heads}, {"intermediate_size", INNER_MAX, &c->inner},
        {"vocab_size", ROWS_MAX, &c->vocab},           {"max_position_embeddings", POSITIONS_MAX, &c->positions},
        {"type_vocab_size", TYPES_MAX, &c->types}};
    for (size_t i = 0; rc == ERR_OK && i < sizeof sizes / sizeof *sizes; i++)
        rc = size_member(r, o, sizes[i].key, sizes[i].max, sizes[i].out);
    if (rc != ERR_OK)
        return rc;
    const struct json *eps = json_get(o, "layer_norm_eps");
    c->epsilon = eps && (eps->type == JSON_DOUBLE || eps->type == JSON_INT) ? (float)eps->number : 1e-12f;
    if (!(c->epsilon >= 0 && c->epsilon < 1))
        return err_set(r->e, ERR_INVALID, "config.json", "layer_norm_eps in config.json should be from 0 to 1");
    if (c->hidden % c->heads != 0 || c->hidden % 4 != 0 || c->inner % 4 != 0)
        return err_set(r->e, ERR_INVALID, "config.json",
                       "hidden_size should be a multiple of num_attention_heads, and it and intermediate_size of 4");
    return ERR_OK;
}

static enum err_code read_pooling(const struct reading *r, struct str folder)
{
    const struct json *o;
    enum err_code rc = read_json(r, folder, "config.json", true, &o);
    if (rc != ERR_OK)
        return rc;
    struct str named = json_text(o, "pooling_mode"); /* newer files name it, older ones have a switch for each */
    bool cls = named.p ? str_is(named, "cls") : flag(o, "pooling_mode_cls_token", false);
    bool mean = named.p ? str_is(named, "mean") : flag(o, "pooling_mode_mean_tokens", false);
    static const char *const others[] = {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                                         "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
    for (size_t i = 0; !named.p && i < sizeof others / sizeof *others; i++)
        if (flag(o, others[i], false))
            return refuse(r, "the pooling config.json", others[i], STR("true"));
    if (cls == mean)
        return err_set(r->e, ERR_INVALID, "1_Pooling/config.json",
                       "pooling should be either mean or CLS, as the pooling module's config.json says");
    if (!flag(o, "include_prompt", true))
        return refuse(r, "the pooling config.json", "include_prompt", STR("false"));
    r->c->cls = cls;
    return ERR_OK;
}

/* A module's folder inside the model's, from a file that is not trusted. */
static bool safe_path(struct str path)
{
    if (path.n > 100 || (path.n > 0 && path.p[0] == '/') || memchr(path.p ? path.p : "", 0, path.n))
        return false;
    while (path.p) {
        struct str part = str_cut(&path, '/');
        if (str_is(part, ".."))
            return false;
    }
    return true;
}

static enum err_code read_module(const struct reading *r, const struct json *m)
{
    struct str type = json_text(m, "type"), path = json_text(m, "path");
    if (!type.p || !path.p || !safe_path(path))
        return err_set(r->e, ERR_INVALID, "modules.json",
                       "each module in modules.json needs a type and a path inside it");
    if (str_ends(type, ".Transformer")) {
        r->c->transformer = path;
        return ERR_OK;
    }
    if (str_ends(type, ".Pooling"))
        return read_pooling(r, path);
    if (!str_ends(type, ".Normalize"))
        return refuse(r, "modules.json", "a module's type", type);
    r->c->normalise = true;
    return ERR_OK;
}

static enum err_code read_modules(const struct reading *r)
{
    const struct json *o;
    enum err_code rc = read_json(r, STR(""), "modules.json", false, &o);
    if (rc != ERR_OK || !o)
        return rc; /* without one, sentence-transformers takes the mean as it is */
    if (o->type != JSON_ARRAY)
        return err_set(r->e, ERR_INVALID, "modules.json", "modules.json should be an array of modules");
    for (size_t i = 0; rc == ERR_OK && i < o->n; i++)
        rc = read_module(r, &o->items[i]);
    return rc;
}

static int tri(const struct json *o, const char *key)
{
    const struct json *v = json_get_type(o, key, JSON_BOOL);
    return v ? v->boolean : -1;
}

static enum err_code read_tokens(const struct reading *r)
{
    struct model_config *c = r->c;
    const struct json *o, *t, *v;
    enum err_code rc = read_json(r, c->transformer, "sentence_bert_config.json", false, &o);
    if (rc == ERR_OK)
        rc = read_json(r, c->transformer, "tokenizer_config.json", false, &t);
    if (rc != ERR_OK)
        return rc;
    c->lower_first = flag(o, "do_lower_case", false);
    c->lower = tri(t, "do_lower_case");
    c->strip_accents = tri(t, "strip_accents");
    c->cjk = tri(t, "tokenize_chinese_chars");
    c->max_tokens = c->positions;
    v = json_get_type(o, "max_seq_length", JSON_INT);
    if (!v)
        v = json_get_type(t, "model_max_length", JSON_INT);
    if (v && v->integer < TOKENS_MIN)
        return err_set(r->e, ERR_INVALID, "sentence_bert_config.json", "max_seq_length should be %d or more",
                       TOKENS_MIN);
    if (v && (uint64_t)v->integer < c->max_tokens)
        c->max_tokens = (size_t)v->integer;
    return c->max_tokens >= TOKENS_MIN
               ? ERR_OK
               : err_set(r->e, ERR_INVALID, "config.json", "max_position_embeddings should be %d or more", TOKENS_MIN);
}

static enum err_code read_prompts(const struct reading *r)
{
    static const char *const names[] = {"document", "passage", "corpus"};
    const struct json *o;
    enum err_code rc = read_json(r, STR(""), "config_sentence_transformers.json", false, &o);
    if (rc != ERR_OK)
        return rc;
    const struct json *prompts = json_get_type(o, "prompts", JSON_OBJECT);
    r->c->query_prefix = json_text(prompts, "query");
    for (size_t i = 0; !r->c->document_prefix.n && i < sizeof names / sizeof *names; i++)
        r->c->document_prefix = json_text(prompts, names[i]);
    if (r->c->query_prefix.n > CONFIG_PREFIX_MAX || r->c->document_prefix.n > CONFIG_PREFIX_MAX)
        return err_set(r->e, ERR_INVALID, "config_sentence_transformers.json", "prompts should be at most %d bytes",
                       CONFIG_PREFIX_MAX);
    return ERR_OK;
}

enum err_code config_read(const char *folder, struct arena *a, struct model_config *c, struct err *e)
{
    struct reading r = {folder, a, c, e};
    *c = (struct model_config){0};
    enum err_code rc = read_modules(&r);
    if (rc == ERR_OK)
        rc = read_sizes(&r);
    if (rc == ERR_OK)
        rc = read_tokens(&r);
    return rc == ERR_OK ? read_prompts(&r) : rc;
}
