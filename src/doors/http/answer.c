/* Answering: whole answers, errors in the three shapes that clients know, and handing either to libmicrohttpd. */
#include "base/log.h"
#include "doors/http/http_int.h"

#include <stdio.h>
#include <string.h>

enum { STREAM_BLOCK = 16 * 1024 };

/* ---- errors ---- */

/* The type decides what client libraries raise and whether they try again. */
static const char *openai_type(int status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 429:
        return "rate_limit_error";
    default:
        return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

/* Anthropic's own list of types, one a status. */
static const char *anthropic_type(int status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 404:
        return "not_found_error";
    case 413:
        return "request_too_large";
    case 429:
        return "rate_limit_error";
    case 503:
        return "overloaded_error";
    case 504:
        return "timeout_error";
    default:
        return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

static void write_openai(struct json_out *w, int status, const struct err *e)
{
    jw_kcstr(w, "message", e->message);
    jw_kcstr(w, "type", openai_type(status));
    jw_key(w, "param");
    if (e->field[0])
        jw_cstr(w, e->field);
    else
        jw_null(w);
    jw_kcstr(w, "code", err_api_name(e));
}

static void write_cairn(struct json_out *w, const struct err *e)
{
    jw_kcstr(w, "code", err_api_name(e));
    jw_kcstr(w, "message", e->message);
    jw_key(w, "details");
    jw_object(w);
    if (e->field[0])
        jw_kcstr(w, "field", e->field);
    jw_end_object(w);
    if (e->retry_after_ms)
        jw_kint(w, "retry_after", (e->retry_after_ms + 999) / 1000);
}

void error_body(struct buf *b, struct str path, int status, const struct err *e, struct str request_id)
{
    struct json_out w;
    bool anthropic = str_is(path, "/v1/messages") || str_starts(path, "/v1/messages/");
    jw_init(&w, b);
    jw_object(&w);
    if (anthropic)
        jw_kcstr(&w, "type", "error");
    jw_key(&w, "error");
    jw_object(&w);
    if (anthropic) {
        jw_kcstr(&w, "type", anthropic_type(status));
        jw_kcstr(&w, "message", e->message);
    } else if (str_starts(path, "/v1/") || str_starts(path, "/v2/")) {
        write_openai(&w, status, e);
    } else {
        write_cairn(&w, e);
    }
    jw_end_object(&w);
    if (anthropic && request_id.p)
        jw_kstr(&w, "request_id", request_id);
    jw_end_object(&w);
}

void answer_error_status(struct http_request *r, int status, const struct err *e)
{
    struct http_header *h = arena_array(r->arena, struct http_header, 2);
    size_t n = 0;
    buf_clear(&r->out);
    error_body(&r->out, r->path, status, e, r->id);
    if (h) {
        h[n++] = (struct http_header){STR("Content-Type"), STR("application/json")};
        if (e->retry_after_ms)
            h[n] =
                (struct http_header){STR("Retry-After"), arena_fmt(r->arena, "%u", (e->retry_after_ms + 999) / 1000)};
        n += e->retry_after_ms && h[n].value.p;
    }
    r->explained = status >= 500;
    if (r->explained)
        log_event(LOG_WARN, "http_error", L_STR("request_id", r->id),
                  L_STR("route", r->route ? r->route->pattern : STR("-")), L_INT("status", status),
                  L_CSTR("code", err_api_name(e)), L_CSTR("message", e->message));
    answer_ready(r, status, h, n);
}

void http_answer_error(struct http_request *r, const struct err *e)
{
    struct err bug = {0};
    if (e->code == ERR_OK) {
        err_set(&bug, ERR_INTERNAL, NULL, "the request failed without saying why");
        e = &bug;
    }
    answer_error_status(r, err_http_status(e->code), e);
}

/* ---- whole answers ---- */

/* Framing is libmicrohttpd's alone, and a line break in a value would let an answer's author write headers of his
 * own, or a second answer. */
bool answer_header_fine(const struct http_header *h)
{
    static const char *const OURS[] = {"Content-Length", "Connection", "Date", "Transfer-Encoding"};
    if (!h->name.p || !h->value.p || h->name.n == 0 || memchr(h->name.p, 0, h->name.n))
        return false;
    for (size_t i = 0; i < sizeof(OURS) / sizeof(OURS[0]); i++)
        if (str_ieq(h->name, str_of(OURS[i])))
            return false;
    for (size_t i = 0; i < h->value.n; i++)
        if (h->value.p[i] == '\r' || h->value.p[i] == '\n' || h->value.p[i] == 0)
            return false;
    return true;
}

void answer_ready(struct http_request *r, int status, const struct http_header *headers, size_t n)
{
    if (r->out.failed)
        status = 500; /* and no body: there is no memory for one */
    pthread_mutex_lock(&r->mu);
    r->on_gone = NULL;
    request_quiet(r);
    r->status = status;
    r->reply_headers = (struct http_header *)headers;
    r->n_reply_headers = n;
    request_state(r, REQ_ANSWERED);
    request_unlock_wake(r);
    request_unref(r);
}

/* Copies into the arena, NUL-terminated as libmicrohttpd wants them. NULL when out of memory. */
struct http_header *answer_copy_headers(struct http_request *r, const struct http_header *headers, size_t n)
{
    struct http_header *to = arena_array(r->arena, struct http_header, n ? n : 1);
    for (size_t i = 0; to && i < n; i++) {
        to[i].name = arena_str(r->arena, headers[i].name);
        to[i].value = headers[i].value.n ? arena_str(r->arena, headers[i].value) : STR("");
        if (!to[i].name.p || !to[i].value.p)
            return NULL;
    }
    return to;
}

void http_answer(struct http_request *r, const struct http_reply *reply)
{
    struct http_header *h = answer_copy_headers(r, reply->headers, reply->n_headers);
    buf_clear(&r->out);
    buf_str(&r->out, reply->body);
    if (!h || r->out.failed) {
        struct err e = {0};
        err_nomem(&e);
        http_answer_error(r, &e);
        return;
    }
    answer_ready(r, reply->status, h, reply->n_headers);
}

/* ---- handing it over ---- */

/* The body is not copied: r lives until libmicrohttpd has sent it. */
static struct MHD_Response *response_make(struct http_request *r)
{
    pthread_mutex_lock(&r->mu);
    bool whole = r->state == REQ_ANSWERED;
    pthread_mutex_unlock(&r->mu);
    if (whole) {
        bool bodyless = r->status == 204 || r->status == 304 || r->out.failed;
        return MHD_create_response_from_buffer(bodyless ? 0 : r->out.n, r->out.p ? r->out.p : (char *)"",
                                               MHD_RESPMEM_PERSISTENT);
    }
    uint64_t size = r->stream.length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)r->stream.length;
    return MHD_create_response_from_callback(size, STREAM_BLOCK, stream_read, r, NULL);
}

enum MHD_Result answer_queue(struct http_request *r)
{
    struct MHD_Response *res = response_make(r);
    if (!res)
        return MHD_NO;
    bool fine = true, has_id = false;
    for (size_t i = 0; i < r->n_reply_headers; i++) {
        const struct http_header *h = &r->reply_headers[i];
        if (!answer_header_fine(h))
            continue;
        has_id = has_id || str_ieq(h->name, STR("X-Request-Id"));
        fine = fine && MHD_add_response_header(res, h->name.p, h->value.p) == MHD_YES;
    }
    if (!has_id && r->id.p)
        fine = fine && MHD_add_response_header(res, "X-Request-Id", r->id.p) == MHD_YES;
    fine = fine && limit_headers(r, res) && cors_headers(r, res);
    /* While we stop, a connection kept alive would only be cut later. */
    if (r->close || atomic_load_explicit(&r->srv->draining, memory_order_relaxed))
        fine = fine && MHD_add_response_header(res, "Connection", "close") == MHD_YES;
    enum MHD_Result result = fine ? MHD_queue_response(r->mhd, (unsigned)r->status, res) : MHD_NO;
    MHD_destroy_response(res);
    return result;
}
