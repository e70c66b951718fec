/* The request to the upstream, and the relay of its answer: bytes go on as they come, a reader looks over their
 * shoulder. When the client's window is full the upstream is paused, so that nothing piles up here. */
#include "base/log.h"
#include "base/metrics.h"
#include "doors/proxy/exchange.h"
#include "doors/proxy/forward.h"

#include <string.h>

static void on_writable(void *arg)
{
    exchange_post(arg, EVENT_WRITABLE);
}

static void on_gone(void *arg)
{
    exchange_post(arg, EVENT_GONE);
}

/* ---- writing to the client ---- */

void exchange_relay(struct exchange *x, struct str bytes)
{
    if (!x->backlog.n && x->stream)
        bytes = str_skip(bytes, http_stream_write(x->stream, bytes));
    buf_str(&x->backlog, bytes);
    if (x->backlog.failed)
        exchange_break(x);
}

void exchange_flush(struct exchange *x)
{
    if (x->backlog.n)
        buf_drop(&x->backlog, http_stream_write(x->stream, buf_view(&x->backlog)));
    if (x->backlog.n)
        return;
    if (x->call && !x->waits)
        upstream_resume(x->call);
    exchange_finish(x);
}

void exchange_finish(struct exchange *x)
{
    if (!x->upstream_done || x->waits || x->backlog.n || !x->stream || x->broken)
        return;
    struct http_stream *s = x->stream;
    x->stream = NULL;
    x->r = NULL;
    x->stage = STAGE_OVER;
    http_stream_end(s, x->upstream_ok);
}

/* ---- what the upstream says ---- */

static bool is_json(struct str type)
{
    ptrdiff_t json = str_find(type, STR("json"));
    return json >= 0;
}

/* Reads along when memory wants the answer and can make something of it. */
static void choose_reader(struct exchange *x, const struct http_header *h, size_t n, bool *streamed)
{
    struct str type = forward_header(h, n, "content-type"), coding = forward_header(h, n, "content-encoding");
    bool plain = !coding.n || str_ieq(coding, STR("identity"));
    *streamed = str_ieq(str_take(type, 17), STR("text/event-stream"));
    if (x->memory == MEMORY_OFF || x->status < 200 || x->status > 299 || !plain || (!*streamed && !is_json(type)))
        return;
    x->answer = answer_new(x->route->wire, *streamed);
}

static int64_t reply_length(const struct exchange *x, const struct http_header *h, size_t n)
{
    int64_t length;
    if (x->status == 204 || x->status == 304)
        return 0;
    return !x->gated && str_int(forward_header(h, n, "content-length"), &length) && length >= 0 ? length : -1;
}

void exchange_begin_reply(struct exchange *x, const struct http_header *h, size_t n, int64_t length)
{
    const struct http_stream_events ev = {.writable = on_writable, .gone = on_gone, .arg = x};
    x->stream = http_stream_begin(x->r, x->status, h, n, length, &ev);
    if (x->stream)
        return;
    x->r = NULL; /* answered already: out of memory */
    exchange_break(x);
}

static void on_head(void *arg, int status, const struct http_header *headers, size_t n)
{
    struct exchange *x = arg;
    bool streamed;
    size_t n_out;
    x->status = status;
    choose_reader(x, headers, n, &streamed);
    struct http_header *out = forward_reply_headers(x->arena, headers, n, 2, &n_out);
    if (!out) {
        exchange_break(x);
        return;
    }
    if (x->note)
        out[n_out++] = (struct http_header){STR("X-Cairn-Memory"), str_of(x->note)};
    if (x->conversation_id[0])
        out[n_out++] = (struct http_header){STR("X-Cairn-Conversation"), str_of(x->conversation_id)};
    if (x->route->v2 && x->answer)
        v2_head(x, out, n_out, streamed);
    if (!x->holds)
        exchange_begin_reply(x, out, n_out, reply_length(x, headers, n));
}

static bool on_data(void *arg, struct str bytes)
{
    struct exchange *x = arg;
    if (x->backlog.n || x->waits)
        return false;
    bool reading = x->answer && !x->ended; /* once it has ended the reader belongs to a job */
    if (x->gated) {
        v2_data(x, bytes);
    } else {
        if (x->holds && answer_body(x->answer).n + bytes.n > ANSWER_BODY_MAX)
            v2_let_go(x);
        if (!x->holds)
            exchange_relay(x, bytes);
        if (reading)
            answer_feed(x->answer, bytes);
    }
    if (reading && !x->ended && answer_over(x->answer) && !x->holds)
        memory_end(x, answer_whole(x->answer));
    memory_pump(x);
    return true;
}

static void failed(struct exchange *x, enum err_code code, const struct err *e)
{
    metric_add(M_PROXY_ERRORS, 1);
    log_event(LOG_WARN, "upstream_failed", L_STR("request_id", x->r ? http_request_id(x->r) : STR_NONE),
              L_CSTR("route", x->route->path), L_INT("status", x->status), L_CSTR("message", e->message));
    if (!x->stream && x->r)
        exchange_fail(x, code == ERR_TIMEOUT ? 504 : 502,
                      code == ERR_TIMEOUT ? "upstream_timeout" : "upstream_unreachable", e->message);
}

static void on_done(void *arg, enum err_code code, const struct err *e)
{
    struct exchange *x = arg;
    x->call = NULL;
    x->upstream_done = true;
    x->upstream_ok = code == ERR_OK;
    metric_add(M_PROXY_ACTIVE, -1);
    if (x->answer && !x->ended)
        answer_end(x->answer);
    bool whole = x->upstream_ok && (!x->answer || answer_whole(x->answer));
    if (!x->ended)
        memory_end(x, whole);
    if (code)
        failed(x, code, e);
    else if (x->holds || x->gated)
        v2_done(x);
    exchange_finish(x);
    exchange_maybe_free(x);
}

/* ---- sending ---- */

static enum err_code send_up(struct exchange *x, struct str body, struct err *e)
{
    struct proxy *p = x->p;
    size_t n, n_up;
    const struct http_header *in = http_headers(x->r, &n);
    const struct forward_up how = {.key = forward_brings_key(x->r, x->route->anthropic) ? NULL : p->o.upstream_key,
                                   .anthropic = x->route->anthropic,
                                   .request = x->r,
                                   .must_read = x->memory != MEMORY_OFF};
    struct str path = http_path(x->r);
    if (x->route->v2)
        path = STR("/v1/chat/completions");
    struct http_header *up = forward_request_headers(x->arena, in, n, &how, &n_up);
    const char *url = forward_url(x->arena, p->base, path, http_query(x->r));
    if (!up || !url)
        return err_nomem(e);
    if (!body.p && !strcmp(x->route->method, "POST"))
        body = STR("");
    const struct upstream_request r = {
        .method = x->route->method, .url = url, .headers = up, .n_headers = n_up, .body = body};
    const struct upstream_events ev = {.head = on_head, .data = on_data, .done = on_done, .arg = x};
    return upstream_send(p->upstream, &r, &ev, &x->call, e);
}

void exchange_send(struct exchange *x, struct str body)
{
    struct err e = {0};
    x->stage = STAGE_FORWARDED;
    metric_add(M_PROXY_REQUESTS, 1);
    if (send_up(x, body, &e) == ERR_OK) {
        metric_add(M_PROXY_ACTIVE, 1);
        return;
    }
    memory_end(x, false);
    struct http_request *r = x->r;
    x->r = NULL;
    x->stage = STAGE_OVER;
    http_answer_error(r, &e);
}
