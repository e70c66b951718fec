/* A whole server: opens what it needs in order, waits for a signal, and closes in the opposite order, so that every
 * answered write is stored and every stream that was under way is kept as far as it came. See serve.h. */
#include "doors/http/serve.h"

#include "base/log.h"
#include "config/config.h"
#include "doors/http/http.h"
#include "doors/proxy/asker.h"
#include "doors/proxy/endpoint.h"
#include "doors/proxy/proxy.h"
#include "doors/s3/s3.h"
#include "service/advice.h"
#include "service/cold.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DEFAULT_DRAIN_MS = 10000, FILES_BESIDE = 2048 };

struct serving {
    const struct serve_options *o;
    char listen[80], socket[512];
    struct service *svc;
    struct proxy *proxy;
    struct model_asker *asker;
    struct http_server *http;
};

/* A connection is a descriptor, and the usual limit of 1,024 is less than the connections we take: those over TCP,
 * a quarter more over the Unix socket, and what store and upstream need. */
static void raise_file_limit(const struct serve_options *o)
{
    struct rlimit l;
    int64_t most = o->max_connections > 0 ? o->max_connections : config_int(o->config, "server.max_connections");
    rlim_t wanted = (rlim_t)(most + most / 4 + FILES_BESIDE);
    if (getrlimit(RLIMIT_NOFILE, &l) != 0 || l.rlim_cur >= wanted)
        return;
    l.rlim_cur = l.rlim_max == RLIM_INFINITY || l.rlim_max > wanted ? wanted : l.rlim_max;
    if (l.rlim_cur < wanted)
        log_event(LOG_WARN, "few_files",
                  L_CSTR("message", "this system lets a process have fewer files open than server.max_connections "
                                    "needs; raise its limit (ulimit -n, LimitNOFILE)"),
                  L_INT("limit", l.rlim_cur));
    if (setrlimit(RLIMIT_NOFILE, &l) != 0)
        log_event(LOG_DEBUG, "file_limit_kept", L_INT("limit", l.rlim_cur));
}

static enum err_code open_service(struct serving *s, struct err *e)
{
    const struct service_options so = {.dir = s->o->dir,
                                       .config = s->o->config,
                                       .background = true,
                                       .keeps_ephemeral = true,
                                       .dial = endpoint_dial,
                                       .cold = s3_dial,
                                       .sync_normal = s->o->sync_normal,
                                       .upstream_url = s->o->upstream_url,
                                       .upstream_key = s->o->upstream_key != NULL,
                                       .memory_deadline_ms = s->o->memory_deadline_ms,
                                       .memory_max_tokens = s->o->memory_max_tokens};
    enum err_code code = operations_init(e);
    return code == ERR_OK ? service_open(&so, &s->svc, e) : code;
}

static enum err_code open_proxy(struct serving *s, struct err *e)
{
    const struct proxy_options po = {.svc = s->svc,
                                     .upstream_url = s->o->upstream_url,
                                     .upstream_key = s->o->upstream_key,
                                     .connect_timeout_ms = s->o->connect_timeout_ms,
                                     .total_timeout_ms = s->o->total_timeout_ms};
    return proxy_start(&po, &s->proxy, e);
}

static enum err_code open_asker(struct serving *s, struct err *e)
{
    const struct asker_options ao = {.svc = s->svc,
                                     .upstream_url = s->o->upstream_url,
                                     .upstream_key = s->o->upstream_key,
                                     .model = config_text(s->o->config, "upstream.model"),
                                     .connect_timeout_ms = s->o->connect_timeout_ms};
    return asker_open(&ao, &s->asker, e);
}

static enum err_code open_http(struct serving *s, struct err *e)
{
    const struct serve_options *o = s->o;
    struct http_options ho = {.svc = s->svc,
                              .listen = o->listen ? o->listen : "127.0.0.1:5111",
                              .workers = o->workers,
                              .max_connections = o->max_connections,
                              .slow_seconds = o->slow_seconds};
    int n = snprintf(s->socket, sizeof(s->socket), "%s/cairn.sock", o->dir);
    ho.unix_socket = o->unix_socket ? o->unix_socket : n < (int)sizeof(s->socket) ? s->socket : NULL;
    if (ho.unix_socket && !ho.unix_socket[0])
        ho.unix_socket = NULL;
    ho.routes = proxy_routes(s->proxy, &ho.n_routes);
    return http_start(&ho, &s->http, e);
}

static enum err_code open_all(struct serving *s, struct err *e)
{
    if (!s->o->dir || !s->o->dir[0])
        return err_set(e, ERR_INVALID, "data", "a server needs a data folder");
    enum err_code code = open_service(s, e);
    if (code == ERR_OK)
        code = open_proxy(s, e);
    if (code == ERR_OK)
        code = open_asker(s, e);
    if (code == ERR_OK)
        code = open_http(s, e);
    return code;
}

/* First the door, while the proxy can still end what goes through it; the service last, for both write to it. */
static void close_all(struct serving *s)
{
    asker_stop(s->asker); /* whoever waits for a model goes on by rules */
    if (s->svc)
        cold_stop(s->svc); /* whoever waits for a bucket gives up */
    http_stop(s->http, s->o->drain_ms > 0 ? s->o->drain_ms : DEFAULT_DRAIN_MS);
    if (s->proxy)
        proxy_stop(s->proxy);
    if (s->svc)
        service_close(s->svc);
    asker_free(s->asker);
}

/* The address as a client writes it: the host that was asked for, the port that was given. */
static void announce(struct serving *s)
{
    struct str listen = str_of(s->o->listen ? s->o->listen : "127.0.0.1:5111"), host = STR("127.0.0.1");
    for (size_t i = listen.n; i > 0; i--) {
        if (listen.p[i - 1] == ':') {
            host = str_take(listen, i - 1);
            break;
        }
    }
    snprintf(s->listen, sizeof(s->listen), "%.*s:%d", STR_ARG(str_take(host, 64)), http_port(s->http));
    log_event(LOG_INFO, "serving", L_CSTR("listen", s->listen), L_CSTR("version", cairn_version()),
              L_CSTR("upstream", s->o->upstream_url ? s->o->upstream_url : "none"));
    if (!s->o->upstream_url)
        log_event(LOG_WARN, "no_upstream",
                  L_CSTR("message",
                         "chat answers 503 until an upstream is named (--upstream URL or CAIRN_UPSTREAM_URL); "
                         "storing, recalling and searching work"));
    else if (!s->o->upstream_key)
        log_event(LOG_INFO, "no_upstream_key",
                  L_CSTR("message", "no key is set (CAIRN_UPSTREAM_KEY or OPENAI_API_KEY); the caller's own "
                                    "Authorization header is passed on"));
    if (s->o->quiet)
        return;
    const char *scheme = http_has_tls(s->http) ? "https" : "http";
    printf("chat    point an OpenAI client at %s://%s/v1 and put \"session_id\" into its requests\n"
           "search  cairn recall \"what did we decide?\"   (or see %s://%s/docs)\n"
           "data    %s\n",
           scheme, s->listen, scheme, s->listen, s->o->dir);
    fflush(stdout);
}

/* While we stop: somebody who asks again does not want to wait. */
static void *second_signal(void *arg)
{
    int got;
    if (sigwait(arg, &got) == 0)
        _exit(130);
    return NULL;
}

int serve_run(const struct serve_options *o)
{
    struct serving s = {.o = o};
    struct err e = {0};
    sigset_t stop, before;
    pthread_t hurry;
    int got = 0;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, &before); /* before any thread is made: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit(o);
    enum err_code code = open_all(&s, &e);
    if (code == ERR_OK) {
        announce(&s);
        if (o->ready)
            o->ready(http_port(s.http), o->ready_arg);
        sigwait(&stop, &got);
        log_event(LOG_INFO, "stopping", L_INT("signal", got));
    } else {
        fprintf(stderr, "cairn: %s\n", e.message);
        const char *advice = advice_of(&e);
        if (advice)
            fprintf(stderr, "  %s\n", advice);
    }
    bool watched = pthread_create(&hurry, NULL, second_signal, &stop) == 0;
    close_all(&s);
    if (watched) {
        pthread_cancel(hurry);
        pthread_join(hurry, NULL);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == ERR_OK)
        log_event(LOG_INFO, "stopped", L_INT("signal", got));
    return err_exit_status(code);
}
