/* The server: starts and stops everything of this room in order.
 *
 * Threads: libmicrohttpd's two to four for TCP and one for the Unix socket, the reaper, the workers. Stopping:
 * quiet (no new connections, no keep-alive), drain (what runs may finish), cut (the rest is told that its client is
 * gone), then libmicrohttpd, the workers and the reaper end, in that order. A request that an answerer still holds
 * after that is a bug elsewhere: the server is then left in memory rather than pulled from under it. */
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "doors/http/http_int.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { GIVE_BACK_MS = 5000 };

/* What is older than TLS 1.2 is broken. */
static const char TLS_PRIORITIES[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

/* More than four only fight over the listening socket: what takes long is on the workers anyway. */
static unsigned loop_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 2 ? 2 : cores > 4 ? 4 : (unsigned)cores;
}

static size_t keep_escapes(void *cls, struct MHD_Connection *mhd, char *s)
{
    (void)cls, (void)mhd;
    return strlen(s); /* we decode ourselves */
}

static struct MHD_Daemon *daemon_start(struct http_server *s, struct listener *l, unsigned threads, unsigned max)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_TURBO;
    struct MHD_OptionItem more[5] = {{MHD_OPTION_END, 0, NULL}};
    size_t n = 0;
    if (threads >= 2) /* a pool of one is refused */
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)threads, NULL};
    if (l == &s->tcp && s->tls.cert) {
        flags |= MHD_USE_TLS;
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, s->tls.cert};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, s->tls.key};
        more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES};
    }
    more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    l->srv = s;
    return MHD_start_daemon(flags, 0, NULL, NULL, handler_access, s, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)l->fd,
                            MHD_OPTION_CONNECTION_LIMIT, max, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)HTTP_POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)s->idle_seconds,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, handler_uri, s,
                            MHD_OPTION_NOTIFY_COMPLETED, handler_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
                            conn_notify, l, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY, more,
                            MHD_OPTION_END);
}

static enum err_code build_router(struct http_server *s, const struct http_options *o, struct err *e)
{
    size_t n;
    enum err_code code = ERR_OK;
    const struct operation *ops = operations_all(&n);
    s->router = router_new();
    if (!s->router)
        return err_nomem(e);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        if (ops[i].fn && !(ops[i].flags & OP_PROXY))
            code = router_add_op(s->router, &ops[i], e);
    for (size_t i = 0; i < o->n_routes && code == ERR_OK; i++)
        code = router_add(s->router, &o->routes[i], e);
    return code == ERR_OK ? extras_add(s, e) : code;
}

static const struct config *config_of(const struct http_options *o)
{
    return o->svc ? o->svc->options.config : NULL;
}

static void settings(struct http_server *s, const struct http_options *o)
{
    const struct config *c = config_of(o);
    s->svc = o->svc;
    s->max_body = o->max_body ? o->max_body : (size_t)config_int(c, "server.max_body");
    s->max_proxy_body = o->max_body ? o->max_body : (size_t)config_int(c, "server.max_proxy_body");
    s->slow_seconds = o->slow_seconds > 0 ? o->slow_seconds : (int)config_int(c, "server.slow_seconds");
    s->head_seconds = (int)config_int(c, "server.head_seconds");
    if (s->head_seconds > s->slow_seconds)
        s->head_seconds = s->slow_seconds;
    s->idle_seconds = (int)config_int(c, "server.idle_seconds");
    s->cors_origins = o->cors_origins ? o->cors_origins : config_text(c, "server.cors_origins");
    s->hosts = config_text(c, "server.hosts");
    s->auth = o->auth || config_bool(c, "auth.enabled");
    s->tcp.fd = s->local.fd = -1;
    id_random(&s->id_base, sizeof(s->id_base));
    pthread_mutex_init(&s->pool.mu, NULL);
}

/* Without the Unix socket the server still serves: another server on the same data has it, perhaps. */
static enum err_code listen_both(struct http_server *s, const struct http_options *o, unsigned max, struct err *e)
{
    enum err_code code = listen_tcp(o->listen, s->auth, &s->tcp, &s->port, e);
    if (code != ERR_OK)
        return code;
    if (s->auth && !s->tls.cert && !listen_is_loopback(o->listen))
        log_event(LOG_WARN, "tokens_in_the_clear",
                  L_CSTR("message",
                         "auth is on but HTTPS is not (server.tls_cert, server.tls_key): tokens and all that is "
                         "said can be read on the way, unless something before this server speaks TLS"));
    struct err why = {0};
    if (o->unix_socket && listen_unix(o->unix_socket, &s->local, &why) != ERR_OK)
        log_event(LOG_WARN, "http_no_unix_socket", L_CSTR("message", why.message));
    s->tcp_daemon = daemon_start(s, &s->tcp, loop_threads(), max);
    if (s->tcp_daemon && s->local.fd >= 0)
        s->local_daemon = daemon_start(s, &s->local, 1, max / 4 ? max / 4 : 1);
    if (!s->tcp_daemon)
        s->tcp.fd = -1; /* libmicrohttpd may have closed it */
    if (s->tcp_daemon && s->local.fd >= 0 && !s->local_daemon)
        s->local.fd = -1;
    if (!s->tcp_daemon || (o->unix_socket && !why.code && !s->local_daemon))
        return err_set(e, ERR_UNAVAILABLE, "listen", "cannot start the HTTP server on %s", o->listen);
    return ERR_OK;
}

enum err_code http_start(const struct http_options *o, struct http_server **out, struct err *e)
{
    const struct config *c = config_of(o);
    int64_t most = o->max_connections > 0 ? o->max_connections : config_int(c, "server.max_connections");
    unsigned max = (unsigned)most;
    struct http_server *s = mem_zalloc(sizeof(*s));
    *out = NULL;
    if (!s)
        return err_nomem(e);
    settings(s, o);
    enum err_code code = tls_load(o->tls_cert ? o->tls_cert : config_text(c, "server.tls_cert"),
                                  o->tls_key ? o->tls_key : config_text(c, "server.tls_key"), &s->tls, e);
    if (code == ERR_OK)
        code = work_start(&s->work, o->workers > 0 ? o->workers : (int)config_int(c, "server.workers"), e);
    s->work_runs = code == ERR_OK;
    if (code == ERR_OK)
        code = build_router(s, o, e);
    if (code == ERR_OK)
        code = limits_start(&s->limits, c, s->auth, o->per_minute, e);
    if (code == ERR_OK)
        code = conns_start(s, max + max / 4 + 64, e);
    if (code == ERR_OK)
        code = listen_both(s, o, max, e);
    if (code != ERR_OK) {
        http_stop(s, 0);
        return code;
    }
    *out = s;
    return ERR_OK;
}

int http_port(const struct http_server *s)
{
    return s->port;
}

bool http_has_tls(const struct http_server *s)
{
    return s->tls.cert != NULL;
}

/* ---- stopping ---- */

/* True when all requests were given up within `ms`. */
static bool wait_live(struct http_server *s, int ms)
{
    int64_t until = clock_mono_us() + (int64_t)ms * 1000;
    while (atomic_load(&s->live) > 0) {
        if (clock_mono_us() >= until)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return true;
}

static void stop_daemons(struct http_server *s)
{
    if (s->tcp_daemon)
        MHD_stop_daemon(s->tcp_daemon);
    if (s->local_daemon)
        MHD_stop_daemon(s->local_daemon);
    s->tcp_daemon = s->local_daemon = NULL;
}

static void server_free(struct http_server *s)
{
    router_free(s->router);
    tls_release(&s->tls);
    request_pool_free(s);
    limits_stop(&s->limits);
    if (s->work_runs)
        work_free(&s->work);
    pthread_mutex_destroy(&s->pool.mu);
    mem_free(s);
}

void http_stop(struct http_server *s, int drain_ms)
{
    if (!s)
        return;
    atomic_store(&s->draining, true);
    if (s->tcp_daemon)
        MHD_quiesce_daemon(s->tcp_daemon);
    if (s->local_daemon)
        MHD_quiesce_daemon(s->local_daemon);
    listen_stop(&s->tcp);
    listen_stop(&s->local);
    wait_live(s, drain_ms);
    atomic_store(&s->stopping, true);
    if (s->conns.reaper_runs)
        conns_cut_all(s);
    while (atomic_load(&s->waking) > 0)
        sched_yield();
    stop_daemons(s);
    listen_close(&s->tcp);
    listen_close(&s->local);
    bool all = wait_live(s, GIVE_BACK_MS);
    if (s->work_runs)
        work_stop(&s->work);
    conns_stop(s);
    if (all || wait_live(s, 0))
        server_free(s);
    else
        log_event(LOG_ERROR, "http_requests_never_answered", L_INT("requests", atomic_load(&s->live)));
}
