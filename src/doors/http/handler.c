/* libmicrohttpd's callbacks: they turn a connection's bytes into a request, hand it out, and park the connection
 * until the answer is there. All run on an HTTP thread; none may block.
 *
 * For one request: handler_uri (request line), handler_access (head), handler_access for each piece of the body,
 * handler_access once more (whole): dispatched. When not answered at once the connection is parked; when woken
 * libmicrohttpd calls handler_access again and the answer is queued. handler_completed ends it. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "doors/http/http_int.h"
#include "service/audit.h"
#include "service/caller.h"

#include <string.h>
#include <sys/socket.h>

enum { QUERY_PIECES_MAX = 256 };

/* "http://host/path" (which a proxy may send) without its first part. */
static struct str strip_authority(struct str uri)
{
    if (uri.n == 0 || uri.p[0] == '/')
        return uri;
    ptrdiff_t at = str_find(uri, STR("://"));
    if (at < 0 || at > 5)
        return uri;
    struct str rest = str_skip(uri, (size_t)at + 3);
    ptrdiff_t slash = str_find(rest, STR("/"));
    return slash < 0 ? STR("/") : str_skip(rest, (size_t)slash);
}

/* libmicrohttpd keeps an entry for each parameter in the connection's small memory; when that is full before it has
 * asked us anything, it answers nothing until the reaper comes. So we do. */
static void too_many_parameters(struct http_conn *c)
{
    struct err e = {0};
    err_named(&e, ERR_TOO_LARGE, "HEADERS_TOO_LARGE", "a query has at most %d parameters", QUERY_PIECES_MAX);
    conn_last_words(c, 431, &e);
    shutdown(c->fd, SHUT_RDWR);
}

static size_t query_pieces(struct str query)
{
    size_t n = 0;
    for (size_t i = 0; i < query.n; i++)
        n += query.p[i] == '&';
    return n;
}

void *handler_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *s = cls;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_conn *c = info ? info->socket_context : NULL;
    struct http_request *r = c ? request_new(s) : NULL;
    if (!r)
        return NULL;
    r->conn = c;
    r->mhd = mhd;
    r->local = c->local;
    memcpy(r->from, c->from, sizeof r->from);
    if (s->limits.table)
        limit_note_address(r);
    struct str all = arena_str(r->arena, str_of(uri));
    r->query = all.p ? strip_authority(all) : STR("");
    r->path = str_cut(&r->query, '?');
    pthread_mutex_lock(&c->mu);
    c->current = r;
    pthread_mutex_unlock(&c->mu);
    conn_deadline(c, s->head_seconds);
    if (query_pieces(r->query) > QUERY_PIECES_MAX)
        too_many_parameters(c);
    return r;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n,
                                    const char *value, size_t value_n)
{
    (void)kind, (void)key, (void)value;
    size_t *bytes = cls;
    *bytes += key_n + value_n + 2;
    return MHD_YES;
}

/* Where copied headers go: one block of bytes, one array. */
struct copying {
    struct http_request *r;
    char *to;
    size_t max;
};

static struct str copy_piece(struct copying *c, const char *p, size_t n)
{
    struct str s = {c->to, n};
    if (n)
        memcpy(c->to, p, n);
    c->to[n] = 0;
    c->to += n + 1;
    return s;
}

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n, const char *value,
                                   size_t value_n)
{
    (void)kind;
    struct copying *c = cls;
    if (c->r->n_headers == c->max)
        return MHD_NO;
    struct http_header *h = &c->r->headers[c->r->n_headers++];
    h->name = copy_piece(c, key, key_n);
    struct str v = {value, value_n};
    /* White space around a value is no part of it. But what says where the body ends stays as libmicrohttpd took it,
     * so that head_check and libmicrohttpd cannot read it differently. */
    if (!str_ieq(h->name, STR("Content-Length")) && !str_ieq(h->name, STR("Transfer-Encoding")))
        v = str_trim(v);
    h->value = copy_piece(c, v.p, v.n);
    return MHD_YES;
}

/* The headers are copied because a request may outlive its connection. */
static enum err_code copy_head(struct http_request *r, const char *method, struct err *e)
{
    size_t bytes = 0;
    int n = MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, count_header, &bytes);
    r->method = arena_str(r->arena, str_of(method));
    struct copying c = {.r = r, .max = n > 0 ? (size_t)n : 0};
    c.to = arena_alloc(r->arena, bytes + 1);
    r->headers = arena_array(r->arena, struct http_header, c.max ? c.max : 1);
    if (!r->path.p || !r->method.p || !c.to || !r->headers)
        return err_nomem(e);
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, copy_header, &c);
    return ERR_OK;
}

/* The door's own refusal: answered without anybody having been asked. */
static void refuse(struct http_request *r, int status, const struct err *e)
{
    r->refused = true;
    r->close = true;
    buf_clear(&r->out);
    error_body(&r->out, r->path, status, e, r->id);
    struct http_header *h = arena_array(r->arena, struct http_header, 2);
    if (h) {
        h[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
        h[1] = (struct http_header){STR("WWW-Authenticate"), STR("Bearer")};
    }
    r->reply_headers = h;
    r->n_reply_headers = !h ? 0 : status == 401 ? 2 : 1;
    pthread_mutex_lock(&r->mu);
    r->status = status;
    request_state(r, REQ_ANSWERED);
    pthread_mutex_unlock(&r->mu);
}

/* A GET of no known path, or one of a path with other methods: as an error like any other, but the connection
 * stays. */
static void refuse_route(struct http_request *r, enum err_code found, struct err *e)
{
    int status = 404;
    struct http_header *h = NULL;
    if (found != ERR_OK) {
        status = err_http_status(found);
    } else if (r->match.allowed) {
        status = 405;
        err_named(e, ERR_INVALID, "METHOD_NOT_ALLOWED", "%.*s is not a method of this path",
                  STR_ARG(str_take(r->method, 16)));
        h = arena_array(r->arena, struct http_header, 4); /* and what a preflight asks */
        if (h)
            *h = (struct http_header){STR("Allow"), router_allow(r->arena, r->match.allowed)};
    } else {
        err_named(e, ERR_NOT_FOUND, "NOT_FOUND", "there is nothing at this path; GET /docs lists what there is");
    }
    if (h && h->value.p && str_is(r->method, "OPTIONS")) {
        answer_ready(r, 204, h, 1 + cors_preflight(r, h->value, h + 1));
        return;
    }
    error_body(&r->out, r->path, status, e, r->id);
    struct http_header *all = arena_array(r->arena, struct http_header, 2);
    if (!all) {
        answer_ready(r, status, NULL, 0);
        return;
    }
    all[0] = (struct http_header){STR("Content-Type"), STR("application/json")};
    if (h && h->value.p)
        all[1] = *h;
    answer_ready(r, status, all, h && h->value.p ? 2 : 1);
}

/* Finds the route, and whether the caller may take it. A path that leads nowhere is answered later, in dispatch. */
static enum err_code admit(struct http_request *r, struct err *e)
{
    if (!r->srv->auth || r->local)
        return ERR_OK;
    if (router_match(r->srv->router, r->arena, r->method, r->path, &r->match, NULL) == ERR_OK)
        r->route = r->match.route;
    return authorize(r, e);
}

/* Nothing of the token: who showed a bad one is nobody. */
static void note_denied(struct http_request *r, enum err_code code)
{
    const struct caller *who = r->call.caller;
    if (code != ERR_DENIED && code != ERR_FORBIDDEN)
        return;
    const struct route *to = r->route;
    audit_deed_note(r->srv->svc, &(struct audit_deed){.action = to->op ? to->op->name : to->pattern.p,
                                                      .actor = who ? who->name : STR("unknown"),
                                                      .from = http_from(r),
                                                      .request_id = r->id,
                                                      .outcome = "denied",
                                                      .project = who ? who->project : STR_NONE});
}

static enum MHD_Result take_head(struct http_request *r, const char *method, const char *version)
{
    struct http_server *s = r->srv;
    struct err e = {0};
    int status = 500;
    r->seen_head = true;
    r->http10 = strcmp(version, "HTTP/1.1") != 0;
    enum err_code code = copy_head(r, method, &e);
    r->id = request_make_id(r, http_header_get(r, "X-Request-Id"));
    bool proxied = str_starts(r->path, "/v1/") || str_starts(r->path, "/v2/");
    r->body_max = proxied ? s->max_proxy_body : s->max_body;
    cors_judge(r);
    if (code == ERR_OK)
        code = head_check(r, &status, &e);
    if (code == ERR_OK && (code = admit(r, &e)) != ERR_OK) {
        status = err_http_status(code);
        note_denied(r, code);
    }
    int64_t length = head_length(r);
    conn_deadline(r->conn, s->slow_seconds);
    if (code == ERR_OK) {
        if (length > 0 && !buf_room(&r->in, length < 65536 ? (size_t)length : 65536)) {
            err_nomem(&e);
            refuse(r, 500, &e);
            return answer_queue(r);
        }
        return MHD_YES;
    }
    refuse(r, status, &e);
    /* A body that is already on its way is read and dropped, so that the client gets to see why. */
    bool swallow = (status == 413 || status == 401 || status == 403) &&
                   length <= (int64_t)r->body_max + HTTP_SWALLOW_MAX && !http_header_get(r, "Expect").p;
    return swallow ? MHD_YES : answer_queue(r);
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t n)
{
    struct err e = {0};
    if (!r->refused && r->in.n + n > r->body_max) {
        err_named(&e, ERR_TOO_LARGE, "PAYLOAD_TOO_LARGE", "the body has more than %zu bytes, which is the most taken",
                  r->body_max);
        refuse(r, 413, &e);
    }
    if (r->refused) { /* closing at once would reset the connection, and the answer would be lost with it */
        r->swallowed += n;
        if (r->swallowed <= HTTP_SWALLOW_MAX + r->body_max)
            return MHD_YES;
        err_named(&e, ERR_TOO_LARGE, "PAYLOAD_TOO_LARGE", "the body is too large");
        conn_last_words(r->conn, 413, &e);
        return MHD_NO;
    }
    buf_put(&r->in, data, n);
    if (r->in.failed) {
        err_nomem(&e);
        refuse(r, 500, &e);
    }
    return MHD_YES;
}

static void dispatch(struct http_request *r)
{
    struct err e = {0};
    conn_deadline(r->conn, 0);
    pthread_mutex_lock(&r->mu);
    request_state(r, REQ_RUNNING);
    pthread_mutex_unlock(&r->mu);
    request_ref(r); /* the answerer's: http_answer or http_stream_end gives it back */
    /* The client may have left before there was anybody to tell; http_on_gone and streams look at `gone`. */
    pthread_mutex_lock(&r->conn->mu);
    bool gone = r->conn->peer_closed;
    pthread_mutex_unlock(&r->conn->mu);
    if (gone) {
        pthread_mutex_lock(&r->mu);
        r->gone = true;
        pthread_mutex_unlock(&r->mu);
    }
    enum err_code code = ERR_OK;
    if (!r->route) {
        code = router_match(r->srv->router, r->arena, r->method, r->path, &r->match, &e);
        r->route = r->match.route;
    }
    if (!r->route)
        refuse_route(r, code, &e);
    else if (r->route->op)
        run_start(r);
    else
        r->route->fn(r, r->route->arg);
}

/* Queues the answer when it is there, else parks the connection until it is. */
static enum MHD_Result answer_or_park(struct http_request *r)
{
    enum MHD_Result result = MHD_YES;
    pthread_mutex_lock(&r->mu);
    bool running = r->state == REQ_RUNNING;
    /* Read under mu: http_stop sets it before it goes through all requests, so none is parked behind its back. */
    if (running && atomic_load(&r->srv->stopping)) {
        result = MHD_NO;
    } else if (running) {
        MHD_suspend_connection(r->mhd);
        r->parked = true;
    }
    pthread_mutex_unlock(&r->mu);
    return running ? result : answer_queue(r);
}

enum MHD_Result handler_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *n, void **context)
{
    (void)cls, (void)mhd, (void)url;
    struct http_request *r = *context;
    if (!r)
        return MHD_NO;
    if (!r->seen_head)
        return take_head(r, method, version);
    if (*n > 0) {
        size_t taken = *n;
        *n = 0;
        return take_body(r, data, taken);
    }
    pthread_mutex_lock(&r->mu);
    bool whole = r->state == REQ_READING;
    pthread_mutex_unlock(&r->mu);
    if (whole)
        dispatch(r);
    return answer_or_park(r);
}

/* status 0: the client was gone before there was an answer. */
static void count(const struct http_request *r, int status)
{
    bool failed = status >= 500 && !r->explained;
    int64_t us = clock_mono_us() - r->began_us;
    metric_add(M_HTTP_REQUESTS, 1);
    metric_observe_us(M_HTTP_SECONDS, us);
    if (status >= 500)
        metric_add(M_HTTP_ERRORS, 1);
    log_event(failed ? LOG_WARN : LOG_DEBUG, "http_request", L_STR("request_id", r->id), L_STR("method", r->method),
              L_STR("route", r->route ? r->route->pattern : STR("-")), L_INT("status", status),
              L_NUM("ms", (double)us / 1000.0));
}

/* From here on the reaper cannot find r; whoever still holds a reference finds it `over`. */
static void request_left(struct http_request *r, bool whole)
{
    struct http_conn *c = r->conn;
    pthread_mutex_lock(&c->mu);
    c->current = NULL;
    pthread_mutex_unlock(&c->mu);
    conn_deadline(c, r->srv->idle_seconds);
    pthread_mutex_lock(&r->mu);
    r->parked = false;
    r->over = true;
    if (!whole)
        request_gone(r);
    stream_let_go(r);
    int status = r->status;
    pthread_mutex_unlock(&r->mu);
    count(r, status);
    request_unref(r);
}

void handler_completed(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode toe)
{
    (void)cls, (void)mhd;
    struct http_request *r = *context;
    *context = NULL;
    if (r)
        request_left(r, toe == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    thread_wipe_registers();
}

void handler_conn_closed(struct http_conn *c)
{
    if (c->current)
        request_left(c->current, false);
}
