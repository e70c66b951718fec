/* The proxy's routes, its start and its stop. */
#include "doors/proxy/proxy.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "doors/proxy/cycle.h"
#include "doors/proxy/embeddings.h"
#include "doors/proxy/forward.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
    CONNECT_TIMEOUT_MS = 30000,
    TOTAL_TIMEOUT_MS = 600000,
    MAX_ACTIVE = 256,
    MEMORY_DEADLINE_MS = 250,
    PLACES = 1000,
    WORKERS = 6,
    STOP_SECONDS = 10
};

static const struct proxy_route routes[] = {
    {.method = "POST", .path = "/v1/chat/completions", .wire = &wire_chat},
    {.method = "POST", .path = "/v2/chat/completions", .wire = &wire_chat, .v2 = true},
    {.method = "POST", .path = "/api/v2/cycle", .cycle = true},
    {.method = "POST", .path = "/v1/completions", .wire = &wire_completions},
    {.method = "POST", .path = "/v1/responses", .wire = &wire_responses},
    {.method = "POST", .path = "/v1/messages", .wire = &wire_messages, .anthropic = true},
    {.method = "POST", .path = "/v1/messages/count_tokens", .anthropic = true},
    {.method = "POST", .path = "/v1/embeddings", .embeddings = true},
    {.method = "GET", .path = "/v1/models"},
    /* Some servers' model names hold slashes. */
    {.method = "GET", .path = "/v1/models/{id}"},
    {.method = "GET", .path = "/v1/models/{owner}/{id}"},
    {.method = "GET", .path = "/v1/models/{host}/{owner}/{id}"},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

const char proxy_no_upstream[] = "no upstream is configured: set CAIRN_UPSTREAM_URL or start with --upstream URL, for "
                                 "example https://api.openai.com/v1";

/* What a route's handler is given. */
struct route_arg {
    struct proxy *p;
    const struct proxy_route *route;
};

static void handle(struct http_request *r, void *arg)
{
    const struct route_arg *a = arg;
    if (a->route->cycle) {
        cycle_start(a->p, r);
    } else if (a->route->embeddings) {
        embeddings_start(a->p, a->route, r);
    } else if (!a->p->base.p) {
        forward_error(r, a->route->anthropic, 503, "upstream_not_configured", proxy_no_upstream);
    } else if (forward_path_escapes(http_path(r))) {
        forward_error(r, a->route->anthropic, 404, "not_found", "there is nothing at this path");
    } else {
        exchange_start(a->p, a->route, r);
    }
}

static bool make_routes(struct proxy *p)
{
    p->routes = mem_zalloc(ROUTES * sizeof p->routes[0]);
    p->route_args = mem_zalloc(ROUTES * sizeof p->route_args[0]);
    if (!p->routes || !p->route_args)
        return false;
    for (size_t i = 0; i < ROUTES; i++) {
        p->route_args[i] = (struct route_arg){p, &routes[i]};
        p->routes[i] = (struct http_route){routes[i].method, routes[i].path, handle, &p->route_args[i],
                                           PERM_READ /* where no operation says otherwise */};
    }
    return true;
}

static int or_default(int given, int otherwise)
{
    return given > 0 ? given : otherwise;
}

static void proxy_free(struct proxy *p)
{
    workers_stop(p->workers);
    if (p->loop)
        loop_end(p->loop);
    upstream_free(p->upstream);
    loop_free(p->loop);
    placed_free(p->placed);
    mem_free(p->routes);
    mem_free(p->route_args);
    pthread_cond_destroy(&p->none);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

static enum err_code start_threads(struct proxy *p, struct err *e)
{
    const struct proxy_options *o = &p->o;
    enum err_code code = loop_new(&p->loop, e);
    if (!code)
        code = upstream_new(
            &(struct upstream_options){.loop = p->loop,
                                       .connect_timeout_ms = or_default(o->connect_timeout_ms, CONNECT_TIMEOUT_MS),
                                       .total_timeout_ms = or_default(o->total_timeout_ms, TOTAL_TIMEOUT_MS),
                                       .max_active = or_default(o->max_active, MAX_ACTIVE),
                                       .loopback = p->base.p && forward_is_loopback(p->base)},
            &p->upstream, e);
    if (!code)
        code = workers_start(WORKERS, &p->workers, e);
    if (!code)
        code = loop_run(p->loop, e);
    return code;
}

enum err_code proxy_start(const struct proxy_options *o, struct proxy **out, struct err *e)
{
    struct proxy *p = mem_zalloc(sizeof *p);
    if (!p)
        return err_nomem(e);
    p->o = *o;
    p->deadline_us = or_default(o->svc->options.memory_deadline_ms, MEMORY_DEADLINE_MS) * INT64_C(1000);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t mono;
    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_cond_init(&p->none, &mono);
    pthread_condattr_destroy(&mono);
    if (o->upstream_key && !o->upstream_key[0])
        p->o.upstream_key = NULL;
    enum err_code code = ERR_OK;
    if (o->upstream_url && o->upstream_url[0]) {
        p->base = str_of(o->upstream_url);
        code = forward_check_base(p->base, e);
    }
    if (!code)
        code = placed_new(PLACES, &p->placed, e);
    if (!code && !make_routes(p))
        code = err_nomem(e);
    if (!code)
        code = start_threads(p, e);
    if (code) {
        proxy_free(p);
        return code;
    }
    *out = p;
    return ERR_OK;
}

const struct http_route *proxy_routes(struct proxy *p, size_t *n)
{
    *n = ROUTES;
    return p->routes;
}

/* Tells all exchanges to end, and waits until their turns are stored or journalled. */
static bool end_exchanges(struct proxy *p)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    for (struct exchange *x = p->exchanges; x; x = x->next)
        exchange_post(x, EVENT_STOP);
    cycle_stop_all(p);
    int rc = 0;
    while ((p->exchanges || p->cycles) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&p->none, &p->lock, &until);
    bool none = !p->exchanges && !p->cycles;
    pthread_mutex_unlock(&p->lock);
    return none;
}

void proxy_stop(struct proxy *p)
{
    if (!p)
        return;
    if (end_exchanges(p))
        proxy_free(p);
    else /* somebody still holds on to one: better to leave it than to pull it away */
        log_event(LOG_ERROR, "proxy_exchanges_never_ended", L_INT("seconds", STOP_SECONDS));
}
