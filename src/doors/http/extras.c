/* What the door answers by itself: that it lives, its metrics, and its own description. */
#include "base/metrics.h"
#include "doors/http/http_int.h"

static void answer_with(struct http_request *r, const char *type, struct str body)
{
    /* The page has its style within it, and nothing else. */
    const struct http_header h[] = {
        {STR("Content-Type"), str_of(type)},
        {STR("X-Content-Type-Options"), STR("nosniff")},
        {STR("Content-Security-Policy"), STR("default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri "
                                             "'none'; form-action 'none'; frame-ancestors 'none'")},
    };
    http_answer(r, &(struct http_reply){.status = 200, .headers = h, .n_headers = 3, .body = body});
}

static void get_root(struct http_request *r, void *arg)
{
    (void)arg;
    struct str body = arena_fmt(r->arena,
                                "{\"service\":\"cairn\",\"version\":\"%s\",\"docs\":\"/docs\","
                                "\"openapi\":\"/openapi.json\",\"health\":\"/health\"}",
                                cairn_version());
    answer_with(r, "application/json", body);
}

static void get_health(struct http_request *r, void *arg)
{
    (void)arg;
    bool stops = atomic_load_explicit(&r->srv->draining, memory_order_relaxed);
    answer_with(r, "application/json",
                arena_fmt(r->arena, "{\"status\":\"%s\",\"service\":\"cairn\",\"version\":\"%s\"}",
                          stops ? "stopping" : "ok", cairn_version()));
}

static void get_metrics(struct http_request *r, void *arg)
{
    (void)arg;
    struct buf b;
    buf_init(&b, 1 << 20);
    metrics_write(&b);
    answer_with(r, "text/plain; version=0.0.4; charset=utf-8", buf_view(&b));
    buf_release(&b);
}

/* Made afresh each time: nobody asks often, and kept texts would only take memory. */
static void get_made(struct http_request *r, void (*write)(const struct http_server *s, struct buf *b),
                     const char *type)
{
    struct buf b;
    struct err e = {0};
    buf_init(&b, 8 << 20);
    write(r->srv, &b);
    if (!b.failed) {
        answer_with(r, type, buf_view(&b));
    } else {
        err_nomem(&e);
        http_answer_error(r, &e);
    }
    buf_release(&b);
}

static void write_openapi(const struct http_server *s, struct buf *b)
{
    openapi_write(b, s->auth);
}

static void write_docs(const struct http_server *s, struct buf *b)
{
    (void)s;
    docs_write(b);
}

static void get_openapi(struct http_request *r, void *arg)
{
    (void)arg;
    get_made(r, write_openapi, "application/json");
}

static void get_docs(struct http_request *r, void *arg)
{
    (void)arg;
    get_made(r, write_docs, "text/html; charset=utf-8");
}

static const struct operation described[] = {
    {.method = "GET",
     .status = 200,
     .name = "root",
     .path = "/",
     .summary = "Name the service",
     .answer = "{service:text, version:text, docs:text, openapi:text, health:text}"},
    {.method = "GET",
     .status = 200,
     .name = "health",
     .path = "/health",
     .summary = "Say that the server lives",
     .answer = "{status:text, service:text, version:text}"},
    {.method = "GET",
     .status = 200,
     .name = "v1.health",
     .path = "/api/v1/health",
     .summary = "The same, where clients of the v1 API look for it",
     .answer = "{status:text, service:text, version:text}"},
    {.method = "GET",
     .status = 200,
     .name = "metrics",
     .path = "/metrics",
     .permission = PERM_READ, /* counts tell outsiders how much is going on */
     .flags = OP_TEXT,
     .summary = "Metrics in Prometheus' text format",
     .answer = "text/plain: metrics"},
    {.method = "GET",
     .status = 200,
     .name = "openapi",
     .path = "/openapi.json",
     .summary = "This description",
     .answer = "{openapi:text, info:object, paths:object, components:object, …}"},
    {.method = "GET",
     .status = 200,
     .name = "docs",
     .path = "/docs",
     .flags = OP_TEXT,
     .summary = "The API on one page",
     .answer = "text/html: a page"},
};
enum { EXTRAS = sizeof(described) / sizeof(described[0]) };
static http_handler *const HANDLERS[EXTRAS] = {get_root, get_health, get_health, get_metrics, get_openapi, get_docs};

const struct operation *extras_all(size_t *n)
{
    *n = EXTRAS;
    return described;
}

enum err_code extras_add(struct http_server *s, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < EXTRAS && code == ERR_OK; i++) {
        const struct http_route route = {described[i].method, described[i].path, HANDLERS[i], NULL,
                                         described[i].permission};
        code = router_add(s->router, &route, e);
    }
    return code;
}
