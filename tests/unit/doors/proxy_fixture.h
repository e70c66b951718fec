/* A whole server in this process for the tests of the proxy: service, proxy and HTTP door on a temporary folder, in
 * front of an upstream made of bare sockets (so that injected faults do not reach it). */
#ifndef CAIRN_TESTS_PROXY_FIXTURE_H
#define CAIRN_TESTS_PROXY_FIXTURE_H

#include "http_client.h"

#include "base/file.h"
#include "base/mem.h"
#include "doors/proxy/proxy.h"
#include "service/background.h"
#include "service/service.h"

#include <netinet/tcp.h>
#include <pthread.h>

/* What the upstream answers, by a word in the request's body. */
#define STREAM_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define STREAM_EVENTS                                                                                                  \
    "data: "                                                                                                           \
    "{\"id\":\"c\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n"   \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" you\"},\"finish_reason\":\"stop\"}]}\n\n"
#define STREAM_DONE "data: [DONE]\n\n"
#define PLAIN_BODY                                                                                                     \
    "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hello "                        \
    "you\"},\"finish_reason\":\"stop\"}]}"

struct upstream_stub {
    int fd, port;
    pthread_t thread;
    atomic_int requests, open;
    atomic_bool stop;
};

HELPER void stub_send(int fd, const char *text)
{
    size_t n = strlen(text);
    ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);
    (void)sent; /* a caller that left is a case too */
}

HELPER void stub_chunk(int fd, const char *text)
{
    char out[4096];
    snprintf(out, sizeof out, "%zx\r\n%s\r\n", strlen(text), text);
    stub_send(fd, out);
}

/* Until the caller leaves, or the test ends. */
HELPER void stub_stall(struct upstream_stub *u, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&u->stop) && poll(&p, 1, 20) == 0)
        ;
}

HELPER bool stub_answer(struct upstream_stub *u, int fd, const char *body)
{
    char head[256];
    if (strstr(body, "\"silent\"")) {
        stub_stall(u, fd);
        return false;
    }
    if (!strstr(body, "\"stream\":true")) {
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 sizeof PLAIN_BODY - 1, PLAIN_BODY);
        stub_send(fd, head);
        return true;
    }
    stub_send(fd, STREAM_HEAD);
    stub_chunk(fd, STREAM_EVENTS);
    if (strstr(body, "\"stall\"")) {
        stub_stall(u, fd);
        return false;
    }
    stub_chunk(fd, STREAM_DONE);
    stub_send(fd, "0\r\n\r\n");
    return true;
}

struct stub_caller {
    struct upstream_stub *u;
    int fd;
};

HELPER void *stub_serve(void *arg)
{
    struct stub_caller *caller = arg;
    struct upstream_stub *u = caller->u;
    char text[16384];
    size_t n = 0;
    bool more = true;
    while (more) {
        char *end = NULL, *length;
        ssize_t got = recv(caller->fd, text + n, sizeof text - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        text[n] = 0;
        if ((end = strstr(text, "\r\n\r\n")) == NULL)
            continue;
        length = strcasestr(text, "content-length:");
        size_t want = (size_t)(end + 4 - text) + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
        if (n < want)
            continue;
        atomic_fetch_add(&u->requests, 1);
        more = stub_answer(u, caller->fd, end);
        n = 0;
    }
    close(caller->fd);
    free(caller);
    atomic_fetch_sub(&u->open, 1);
    return NULL;
}

HELPER void *stub_accept(void *arg)
{
    struct upstream_stub *u = arg;
    for (;;) {
        int fd = accept(u->fd, NULL, NULL);
        if (fd < 0 || atomic_load(&u->stop)) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        const int at_once = 1; /* small writes would wait 40 ms for the acknowledgement of the one before */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        pthread_t t;
        struct stub_caller *caller = malloc(sizeof *caller);
        *caller = (struct stub_caller){u, fd};
        atomic_fetch_add(&u->open, 1);
        pthread_create(&t, NULL, stub_serve, caller);
        pthread_detach(t);
    }
}

HELPER void stub_start(struct upstream_stub *u)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    u->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(u->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(u->fd, 64), 0);
    assert_int_equal(getsockname(u->fd, (struct sockaddr *)&a, &n), 0);
    u->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&u->thread, NULL, stub_accept, u), 0);
}

HELPER void stub_stop(struct upstream_stub *u)
{
    atomic_store(&u->stop, true);
    shutdown(u->fd, SHUT_RDWR);
    pthread_join(u->thread, NULL);
    close(u->fd);
    for (int i = 0; i < 5000 && atomic_load(&u->open) > 0; i++)
        nap(1);
}

struct place {
    struct upstream_stub up;
    char dir[64], url[64];
    struct service *svc;
    struct proxy *proxy;
    struct http_server *http;
    int port;
};

HELPER void place_open(struct place *p, struct proxy_options po)
{
    struct err e = {0};
    struct service_options so = {.dir = p->dir, .background = true, .sync_normal = true};
    if (service_open(&so, &p->svc, &e) != ERR_OK)
        fail_msg("%s", e.message);
    po.svc = p->svc;
    po.upstream_url = p->url;
    if (proxy_start(&po, &p->proxy, &e) != ERR_OK)
        fail_msg("%s", e.message);
    struct http_options ho = {.svc = p->svc};
    ho.routes = proxy_routes(p->proxy, &ho.n_routes);
    p->http = start_with(ho);
    p->port = http_port(p->http);
}

HELPER void place_close(struct place *p)
{
    http_stop(p->http, 2000);
    proxy_stop(p->proxy);
    service_close(p->svc);
}

HELPER struct place *place_new(struct proxy_options po)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->dir, "/tmp/cairn-proxy-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    stub_start(&p->up);
    snprintf(p->url, sizeof p->url, "http://127.0.0.1:%d/v1", p->up.port);
    place_open(p, po);
    return p;
}

HELPER void place_free(struct place *p)
{
    char command[128];
    place_close(p);
    stub_stop(&p->up);
    operations_free();
    snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    assert_int_equal(system(command), 0);
    free(p);
}

HELPER void post_to(struct client *c, const char *path, const char *body)
{
    char text[8192];
    snprintf(text, sizeof text,
             "POST %s HTTP/1.1\r\n" HOST "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", path,
             strlen(body), body);
    client_say(c, text);
}

HELPER struct answer post(int port, const char *path, const char *body)
{
    struct client c;
    struct answer a;
    client_open(&c, port);
    post_to(&c, path, body);
    client_answer(&c, &a, false);
    client_close(&c);
    return a;
}

/* Every so often on a new folder: where a fault hit the index's feed, the feed rests for seconds and each recall reads
 * all turns since by itself; were they ever more, so were the places, and no number of them would be enough. What works
 * behind the writes would take its share of the faults too: it is ended, and has tests of its own. */
static inline struct place *fresh_place(struct place *old)
{
    if (old)
        place_free(old);
    struct place *p = place_new((struct proxy_options){0});
    background_close(p->svc->background);
    p->svc->background = NULL;
    return p;
}

/* Stops the proxy while an answer streams: the client is cut off, what had come is stored and marked, and the folder
 * serves again. Frees all three. `a`: the head of that answer. */
static inline void stop_keeps_what_came(struct place *p, struct client *c, struct answer *a)
{
    char request[256];
    snprintf(request, sizeof request, "GET /api/v2/conversations/%s HTTP/1.1\r\n" HOST "\r\n",
             answer_header(a, "X-Cairn-Conversation"));
    proxy_stop(p->proxy);
    assert_true(client_closed(c, 5000));
    client_close(c);
    answer_free(a);
    *a = ask(p->port, request);
    assert_int_equal(a->status, 200);
    assert_non_null(strstr(a->body, "\"content\":\"Hello you\""));
    assert_non_null(strstr(a->body, "\"incomplete\":true"));
    answer_free(a);
    http_stop(p->http, 1000);
    service_close(p->svc);
    place_open(p, (struct proxy_options){0}); /* the same folder serves again */
    place_free(p);
}

#endif
