/* Asking an embeddings endpoint: one request a task, on the calling thread, over connections that are kept. How an
 * answer is read: endpoint_answer.c. */
#include "doors/proxy/endpoint.h"

#include "base/arena.h"
#include "base/id.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/text.h"
#include "doors/proxy/endpoint_int.h"
#include "doors/proxy/forward.h"
#include "doors/proxy/post.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A request takes so many texts at most, and of a document so much (in tokens no more than OpenAI's models take). */
enum { SLICE_TEXTS = 64, SLICE_BYTES = 64 << 10, DOCUMENT_BYTES = 8000, SHORT_BYTES = 250 };
enum { CONNECT_MS = 10000, DIAL_MS = 15000, ANSWER_SPARE = 64 << 10, NUMBER_BYTES = 32 };
static const char PROBE[] = "dimensions"; /* what is embedded to see whether it works */

struct remote {
    struct encoder encoder; /* first */
    struct arena *arena;
    struct endpoint at;
    const char *url, *key; /* whole; "Authorization: Bearer …", NULL: none */
    struct post_idle idle;
};

/* One request. */
struct request {
    const struct remote *r;
    struct post http;
};

/* ---- a request ---- */
static void write_body(struct request *q, const struct str *texts, size_t n)
{
    struct json_out w;
    jw_init(&w, &q->http.body);
    jw_object(&w);
    if (q->r->at.model[0])
        jw_kcstr(&w, "model", q->r->at.model);
    jw_key(&w, "input");
    jw_array(&w);
    for (size_t i = 0; i < n; i++)
        jw_str(&w, texts[i].n ? texts[i] : STR(" ")); /* an empty one is refused by some */
    jw_end_array(&w);
    jw_kcstr(&w, "encoding_format", "float");
    jw_end_object(&w);
}

/* Not libcurl's own words, which name the host: health shows this to anybody. */
static enum err_code not_sent(CURLcode rc, struct err *e)
{
    if (rc == CURLE_OUT_OF_MEMORY)
        return err_nomem(e);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, NULL, "the embeddings endpoint did not answer in time");
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the embeddings endpoint is asked no more: we are stopping");
    if (rc == CURLE_WRITE_ERROR)
        return err_set(e, ERR_UNAVAILABLE, NULL, "the embeddings endpoint's answer is longer than it can be");
    return err_set(e, ERR_UNAVAILABLE, NULL, "the embeddings endpoint cannot be asked (%s)", curl_easy_strerror(rc));
}

static enum err_code check_status(const struct request *q, struct err *e)
{
    long status = 0;
    curl_off_t after = 0;
    curl_easy_getinfo(q->http.easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(q->http.easy, CURLINFO_RETRY_AFTER, &after);
    if (status == 200)
        return ERR_OK;
    enum err_code code = status == 429                                     ? ERR_LIMIT
                         : status == 401 || status == 403                  ? ERR_DENIED
                         : status == 400 || status == 413 || status == 422 ? ERR_INVALID
                                                                           : ERR_UNAVAILABLE;
    err_set(e, code, NULL, "the embeddings endpoint answered with status %ld%s", status,
            code == ERR_DENIED ? ": is the key right?" : "");
    if (e && after > 0)
        e->retry_after_ms = after < 3600 ? (unsigned)after * 1000 : 3600000;
    return code;
}

static enum err_code post(struct remote *r, const struct str *texts, size_t n, int timeout_ms,
                          struct endpoint_answer *out, struct err *e)
{
    struct request q = {.r = r, .http = {.easy = post_idle_take(&r->idle), .stop = r->at.stop}};
    const struct post_to to = {r->url, r->key, CONNECT_MS, timeout_ms};
    size_t dimensions = r->encoder.dimensions ? r->encoder.dimensions : ENCODER_DIMENSIONS_MAX;
    enum err_code code;
    buf_init(&q.http.body, 0);
    buf_init(&q.http.answer, ANSWER_SPARE + n * dimensions * NUMBER_BYTES);
    write_body(&q, texts, n);
    if (!post_prepare(&q.http, &to)) {
        code = err_nomem(e);
    } else {
        CURLcode rc = curl_easy_perform(q.http.easy);
        code = rc == CURLE_OK ? check_status(&q, e) : not_sent(rc, e);
    }
    if (!code)
        code = endpoint_read(buf_view(&q.http.answer), n, out, e);
    curl_slist_free_all(q.http.headers);
    post_idle_give(&r->idle, q.http.easy);
    buf_release(&q.http.body);
    buf_release(&q.http.answer);
    return code;
}

/* ---- texts that are refused ---- */
static bool works(struct remote *r)
{
    float *v = mem_alloc(r->encoder.dimensions * sizeof *v);
    struct endpoint_answer a = {.out = v, .dimensions = r->encoder.dimensions};
    struct str probe = str_of(PROBE);
    bool fine = v && post(r, &probe, 1, r->at.timeout_ms, &a, NULL) == ERR_OK;
    mem_free(v);
    return fine;
}

/* A document that is too long for the model is cut until it is not. One that is refused even when it is short, by an
 * endpoint that works, gets no meaning: zeros, so that the turns after it get theirs. */
static enum err_code send_shorter(struct remote *r, struct str text, float *v, struct err *e)
{
    struct err why = {0};
    struct endpoint_answer a = {.out = v, .dimensions = r->encoder.dimensions};
    enum err_code code = ERR_INVALID;
    for (; code == ERR_INVALID; text = text_cut(text, text.n / 2)) {
        err_clear(&why);
        code = post(r, &text, 1, r->at.timeout_ms, &a, &why);
        if (text.n <= SHORT_BYTES)
            break;
    }
    if (code == ERR_INVALID && works(r)) {
        memset(v, 0, r->encoder.dimensions * sizeof *v);
        return ERR_OK;
    }
    if (code && e)
        *e = why;
    return code;
}

/* ---- the encoder ---- */
static enum err_code encode_slice(struct remote *r, const struct encoder_task *t, const struct str *texts, size_t n,
                                  float *out, struct err *e)
{
    struct err why = {0};
    struct endpoint_answer a = {.out = out, .dimensions = r->encoder.dimensions};
    enum err_code code = post(r, texts, n, t->timeout_ms > 0 ? t->timeout_ms : r->at.timeout_ms, &a, &why);
    if (code == ERR_INVALID && t->use == EMBED_DOCUMENT) {
        code = ERR_OK;
        err_clear(&why);
        for (size_t i = 0; !code && i < n; i++)
            code = send_shorter(r, texts[i], out + i * r->encoder.dimensions, &why);
    }
    if (t->tokens)
        *t->tokens += a.tokens;
    if (code && e)
        *e = why;
    return code;
}

static enum err_code encode(const struct encoder *c, const struct encoder_task *t, float *out, struct err *e)
{
    struct remote *r = (struct remote *)(uintptr_t)c; /* the connections are the one part that changes */
    enum err_code code = ERR_OK;
    if (t->tokens)
        *t->tokens = 0;
    for (size_t from = 0; !code && from < t->n; from += SLICE_TEXTS) {
        struct str texts[SLICE_TEXTS];
        size_t n = t->n - from < SLICE_TEXTS ? t->n - from : SLICE_TEXTS;
        for (size_t i = 0; i < n; i++)
            texts[i] = text_cut(t->texts[from + i], DOCUMENT_BYTES);
        code = encode_slice(r, t, texts, n, out + from * c->dimensions, e);
    }
    return code;
}

static void close_remote(struct encoder *c)
{
    struct remote *r = (struct remote *)c;
    post_idle_release(&r->idle);
    arena_free(r->arena);
    curl_global_cleanup();
    mem_free(r);
}

/* ---- dialling ---- */
/* Address and model stand for the space that its vectors are in: nothing else of it is known. */
static void make_id(struct remote *r, struct arena *a)
{
    char hash[65];
    struct str all = arena_fmt(a, "%s\n%s\n%zu", r->url, r->at.model, r->encoder.dimensions);
    const char *name = r->at.model[0] ? r->at.model : "endpoint";
    size_t n = 0;
    id_sha256(all, hash);
    for (; name[n] && n < ENCODER_NAME_MAX; n++)
        r->encoder.id[n] = (unsigned char)name[n] > ' ' && name[n] != '@' ? name[n] : '_';
    snprintf(r->encoder.id + n, sizeof r->encoder.id - n, "@%.16s", hash);
}

static bool copy_address(struct remote *r, const struct endpoint *at)
{
    r->at = *at;
    r->at.url = arena_cstr(r->arena, str_of(at->url));
    r->at.model = arena_cstr(r->arena, str_of(at->model ? at->model : ""));
    r->at.timeout_ms = at->timeout_ms > 0 ? at->timeout_ms : DIAL_MS;
    r->url = forward_url(r->arena, str_of(at->url), STR("/v1/embeddings"), STR_NONE);
    if (at->key && at->key[0])
        r->key = arena_fmt(r->arena, "Authorization: Bearer %s", at->key).p;
    r->encoder.how = "endpoint";
    return !arena_failed(r->arena);
}

static enum err_code find_dimensions(struct remote *r, struct err *e)
{
    struct err why = {0};
    float *v = arena_array(r->arena, float, ENCODER_DIMENSIONS_MAX);
    struct endpoint_answer a = {.out = v};
    struct str probe = str_of(PROBE);
    if (!v)
        return err_nomem(e);
    enum err_code code = post(r, &probe, 1, r->at.timeout_ms < DIAL_MS ? r->at.timeout_ms : DIAL_MS, &a, &why);
    if (code) /* what is refused now may be taken later: the model may be loaded by then */
        return err_set(e, code == ERR_INVALID ? ERR_UNAVAILABLE : code, NULL, "%s", why.message);
    r->encoder.dimensions = a.dimensions;
    make_id(r, r->arena);
    return arena_failed(r->arena) ? err_nomem(e) : ERR_OK;
}

enum err_code endpoint_dial(const struct endpoint *at, struct encoder **out, struct err *e)
{
    struct err why = {0};
    *out = NULL;
    if (forward_check_base(str_of(at->url), &why))
        return err_set(
            e, ERR_INVALID, "embedding.url",
            "embedding.url must be an address like http://host:port or https://host/v1, without credentials");
    struct remote *r = mem_zalloc(sizeof *r);
    if (!r)
        return err_nomem(e);
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        mem_free(r);
        return err_set(e, ERR_INTERNAL, NULL, "libcurl does not start");
    }
    post_idle_init(&r->idle);
    r->encoder = (struct encoder){.slice_texts = SLICE_TEXTS,
                                  .slice_bytes = SLICE_BYTES,
                                  .remote = true,
                                  .encode = encode,
                                  .close = close_remote};
    r->arena = arena_new();
    enum err_code code = r->arena && copy_address(r, at) ? find_dimensions(r, e) : err_nomem(e);
    if (code)
        close_remote(&r->encoder);
    else
        *out = &r->encoder;
    return code;
}
