/* Vectors of texts by the embedding model, in the shape of OpenAI's embeddings: REST, the command line and the library
 * call this operation, and the proxy answers /v1/embeddings by it when the model asked for is ours. Nothing is stored.
 *
 * Texts are embedded on the calling thread, a slice at a time, and written as they come, so that a large request takes
 * little memory beside its answer. */
#include "service/embeddings.h"
#include "service/features.h"

#include "base/number.h"
#include "service/service.h"

#include <sodium.h>
#include <string.h>

enum { INPUTS_MAX = 2048, INPUT_BYTES_MAX = 4 << 20, SLICE = 64, SLICE_BYTES = 64 << 10, LOAD_MS = 10000 };

struct request {
    struct str *texts;
    size_t n;
    enum embed_use use;
    bool base64;
    size_t dimensions;
    float *vectors; /* of a slice */
    int64_t tokens;
};

/* ---- what is asked ---- */
bool embeddings_ours(struct meaning *m, struct str model)
{
    if (!m)
        return false;
    if (str_is(model, "cairn"))
        return true;
    struct meaning_state s;
    meaning_state(m, &s);
    return s.loaded && (str_is(model, s.id) || str_eq(model, meaning_name(m)));
}

static enum err_code check_model(struct op_call *c, struct err *e)
{
    struct str model = op_text(c, "model"), own = meaning_name(c->svc->meaning);
    if (!model.p || embeddings_ours(c->svc->meaning, model))
        return ERR_OK;
    return err_set(e, ERR_NOT_FOUND, "model", "the embedding model here is \"%.*s\" (or \"cairn\"), not \"%.*s\"",
                   STR_ARG(own), STR_ARG(str_take(model, 60)));
}

static enum err_code check_dimensions(struct op_call *c, size_t own, struct err *e)
{
    if (op_int(c, "dimensions", (int64_t)own) == (int64_t)own)
        return ERR_OK;
    return err_set(e, ERR_INVALID, "dimensions", "this model's vectors have %zu dimensions and cannot be cut", own);
}

static enum err_code take_text(struct request *r, const struct json *v, size_t *bytes, struct err *e)
{
    if (v->type == JSON_INT || v->type == JSON_ARRAY)
        return err_set(e, ERR_INVALID, "input",
                       "input holds token ids: give the texts, for token ids of another tokenizer mean nothing here");
    if (v->type != JSON_STRING)
        return err_set(e, ERR_INVALID, "input", "input must be a text or an array of texts, not of %s",
                       json_type_name(v->type));
    *bytes += v->s.n;
    if (*bytes > INPUT_BYTES_MAX)
        return err_set(e, ERR_TOO_LARGE, "input", "input may have at most %d bytes in all", INPUT_BYTES_MAX);
    r->texts[r->n++] = v->s;
    return ERR_OK;
}

static enum err_code take_input(struct op_call *c, struct request *r, struct err *e)
{
    const struct json *input = op_json(c, "input");
    size_t bytes = 0, n = input->type == JSON_ARRAY ? input->n : 1;
    if (n == 0 || n > INPUTS_MAX)
        return err_set(e, ERR_INVALID, "input", "input must be a text or an array of 1 to %d texts", INPUTS_MAX);
    r->texts = arena_array(c->arena, struct str, n);
    if (!r->texts)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < n; i++)
        code = take_text(r, input->type == JSON_ARRAY ? &input->items[i] : input, &bytes, e);
    return code;
}

/* ---- the answer ---- */
/* The bytes of the floats, least significant first, as every machine this runs on has them. */
static void write_base64(struct op_call *c, const float *v, size_t n)
{
    size_t bytes = n * sizeof *v, room = sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL);
    buf_char(c->out->b, '"');
    char *p = buf_room(c->out->b, room);
    if (p) {
        sodium_bin2base64(p, room, (const unsigned char *)v, bytes, sodium_base64_VARIANT_ORIGINAL);
        buf_added(c->out->b, room - 1); /* without the NUL */
    }
    buf_char(c->out->b, '"');
}

static void write_floats(struct op_call *c, const float *v, size_t n)
{
    buf_char(c->out->b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_char(c->out->b, ',');
        char *p = buf_room(c->out->b, NUMBER_TEXT);
        if (p)
            buf_added(c->out->b, number_write_float(v[i], p));
    }
    buf_char(c->out->b, ']');
}

static void write_vector(struct op_call *c, const struct request *r, size_t index, const float *v)
{
    jw_object(c->out);
    jw_kcstr(c->out, "object", "embedding");
    jw_kint(c->out, "index", (int64_t)index);
    jw_key(c->out, "embedding");
    if (r->base64)
        write_base64(c, v, r->dimensions);
    else
        write_floats(c, v, r->dimensions);
    c->out->comma = true;
    jw_end_object(c->out);
}

/* From *from on, which then is the next one's. */
static enum err_code write_slice(struct op_call *c, struct request *r, size_t *from, struct err *e)
{
    size_t n = 0;
    int64_t tokens = 0;
    for (size_t bytes = 0; *from + n < r->n && n < SLICE && (n == 0 || bytes < SLICE_BYTES); n++)
        bytes += r->texts[*from + n].n;
    if (c->left && atomic_load(c->left))
        return err_set(e, ERR_UNAVAILABLE, NULL, "nobody waits for these embeddings any more");
    const struct encoder_task task = {.texts = r->texts + *from, .n = n, .use = r->use, .tokens = &tokens};
    enum err_code code = meaning_encode(c->svc->meaning, &task, r->vectors, e);
    r->tokens += tokens;
    for (size_t i = 0; !code && i < n; i++)
        write_vector(c, r, *from + i, r->vectors + i * r->dimensions);
    *from += n;
    return code;
}

static enum err_code write_answer(struct op_call *c, struct request *r, struct err *e)
{
    enum err_code code = ERR_OK;
    r->vectors = arena_array(c->arena, float, SLICE * r->dimensions);
    if (!r->vectors)
        return err_nomem(e);
    jw_object(c->out);
    jw_kcstr(c->out, "object", "list");
    jw_key(c->out, "data");
    jw_array(c->out);
    for (size_t from = 0; !code && from < r->n;)
        code = write_slice(c, r, &from, e);
    jw_end_array(c->out);
    jw_kstr(c->out, "model", meaning_name(c->svc->meaning));
    jw_key(c->out, "usage");
    jw_object(c->out);
    jw_kint(c->out, "prompt_tokens", r->tokens);
    jw_kint(c->out, "total_tokens", r->tokens);
    jw_end_object(c->out);
    jw_end_object(c->out);
    return code;
}

enum err_code embeddings_make(struct op_call *c, struct err *e)
{
    struct request r = {.base64 = str_is(op_text(c, "encoding_format"), "base64"),
                        .use = str_is(op_text(c, "input_type"), "query") ? EMBED_QUERY : EMBED_DOCUMENT};
    enum err_code code = take_input(c, &r, e);
    if (code)
        return code;
    if (!c->svc->meaning)
        return err_set(e, ERR_UNAVAILABLE, NULL,
                       "there is no embedding model: tools/get-model fetches one, CAIRN_MODEL names one");
    code = meaning_wait(c->svc->meaning, LOAD_MS, e);
    if (!code)
        code = check_model(c, e);
    r.dimensions = meaning_dimensions(c->svc->meaning);
    if (!code)
        code = check_dimensions(c, r.dimensions, e);
    return code ? code : write_answer(c, &r, e);
}
