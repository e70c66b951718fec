/* Connections and the reaper: the thread that sees what libmicrohttpd does not look at.
 *
 * Every client socket is also in the reaper's own epoll set, edge-triggered and for the client's end only, so
 * that a client that leaves is noticed at once, even while its connection is suspended, at the cost of one system
 * call a connection. Four times a second the reaper looks for connections that are past the deadline of what they
 * are in (head, body, idle) and shuts their sockets; libmicrohttpd then closes them.
 *
 * A socket is only touched with conns.mu held and its connection in the table; libmicrohttpd closes it after
 * conn_notify has taken it out; so a number that the system has given to another socket is never hit. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "doors/http/http_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SWEEP_MS = 250, EVENTS = 64 };
#define WAKE_TAG UINT64_MAX

static int64_t mono_ms(void)
{
    return clock_mono_us() / 1000;
}

void conn_deadline(struct http_conn *c, int64_t seconds)
{
    atomic_store_explicit(&c->deadline_ms, seconds ? mono_ms() + seconds * 1000 : 0, memory_order_relaxed);
}

void conn_last_words(struct http_conn *c, int status, const struct err *e)
{
    struct buf body, all;
    if (!c->local && c->srv->tls.cert) /* plain bytes amid TLS are no words */
        return;
    buf_init(&body, 4096);
    buf_init(&all, 8192);
    error_body(&body, STR("/"), status, e, STR_NONE);
    const char *reason = MHD_get_reason_phrase_for((unsigned)status);
    buf_fmt(&all,
            "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
            status, reason ? reason : "Error", body.n);
    buf_str(&all, buf_view(&body));
    if (!all.failed && !body.failed) {
        /* What does not fit at once is not worth waiting for. */
        ssize_t sent = send(c->fd, all.p, all.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            log_event(LOG_DEBUG, "http_last_words_lost", L_INT("errno", errno));
    }
    buf_release(&all);
    buf_release(&body);
}

/* ---- the table ---- */

/* An address without its port, which tells nobody anything afterwards. */
static void note_from(struct http_conn *c)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    struct ucred who = {0};
    socklen_t who_n = sizeof who;
    if (c->local) {
        if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &who_n) == 0)
            (void)snprintf(c->from, sizeof c->from, "uid %u", (unsigned)who.uid);
    } else if (getpeername(c->fd, (struct sockaddr *)&a, &n) == 0) {
        const void *address = a.ss_family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)&a)->sin6_addr
                                                      : (const void *)&((struct sockaddr_in *)&a)->sin_addr;
        if (!inet_ntop(a.ss_family, address, c->from, sizeof c->from))
            c->from[0] = '\0';
    }
}

static struct http_conn *conn_new(struct http_server *s, int fd, bool local)
{
    struct http_conn *c = mem_zalloc(sizeof(*c));
    if (!c)
        return NULL;
    c->srv = s;
    c->fd = fd;
    c->local = local;
    pthread_mutex_init(&c->mu, NULL);
    conn_deadline(c, s->head_seconds);
    note_from(c);
    return c;
}

/* Into the table and under the reaper's eye. A slot's generation tells an old event from one of its next user's. */
static bool conn_enter(struct conns *t, struct http_conn *c)
{
    pthread_mutex_lock(&t->mu);
    bool room = t->n_free > 0;
    if (room) {
        c->slot = t->free_slots[--t->n_free];
        c->generation = ++t->generations[c->slot];
        t->slots[c->slot] = c;
    }
    pthread_mutex_unlock(&t->mu);
    if (!room)
        return false;
    struct epoll_event ev = {.events = EPOLLRDHUP | EPOLLET, .data.u64 = (uint64_t)c->slot << 32 | c->generation};
    if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
        log_event(LOG_WARN, "http_watch_failed", L_INT("errno", errno));
    if (atomic_fetch_add(&t->open, 1) == 0) {
        uint64_t one = 1; /* the reaper slept without a limit */
        if (write(t->wake, &one, sizeof(one)) < 0)
            log_event(LOG_WARN, "http_wake_failed", L_INT("errno", errno));
    }
    metric_add(M_HTTP_CONNECTIONS, 1);
    return true;
}

static void conn_leave(struct conns *t, struct http_conn *c)
{
    pthread_mutex_lock(&t->mu);
    epoll_ctl(t->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    t->slots[c->slot] = NULL;
    t->free_slots[t->n_free++] = c->slot;
    pthread_mutex_unlock(&t->mu);
    atomic_fetch_sub(&t->open, 1);
    metric_add(M_HTTP_CONNECTIONS, -1);
}

void conn_notify(void *cls, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
    struct listener *l = cls;
    struct http_server *s = l->srv;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct http_conn *c = fd ? conn_new(s, fd->connect_fd, l->path[0] != 0) : NULL;
        if (c && !conn_enter(&s->conns, c)) {
            pthread_mutex_destroy(&c->mu);
            mem_free(c);
            c = NULL;
        }
        if (!c && fd)
            shutdown(fd->connect_fd, SHUT_RDWR);
        *context = c;
    } else if (*context) {
        struct http_conn *c = *context;
        *context = NULL;
        handler_conn_closed(c);
        conn_leave(&s->conns, c);
        pthread_mutex_destroy(&c->mu);
        mem_free(c);
    }
}

/* ---- the reaper ---- */

/* The request under way on the connection, with a reference, or NULL. */
static struct http_request *conn_current(struct http_conn *c, bool closed)
{
    pthread_mutex_lock(&c->mu);
    if (closed)
        c->peer_closed = true;
    struct http_request *r = c->current;
    if (r)
        request_ref(r);
    pthread_mutex_unlock(&c->mu);
    return r;
}

/* The client has sent its end or is gone altogether; which of the two cannot be told, and clients of ours do not
 * close half of a connection. Only who waits for the answer is told; a plain answer is still sent. */
static void on_client_end(struct conns *t, uint64_t tag)
{
    uint32_t slot = (uint32_t)(tag >> 32), generation = (uint32_t)tag;
    struct http_request *r = NULL;
    pthread_mutex_lock(&t->mu);
    if (slot < t->cap && t->slots[slot] && t->generations[slot] == generation)
        r = conn_current(t->slots[slot], true);
    pthread_mutex_unlock(&t->mu);
    if (!r)
        return;
    pthread_mutex_lock(&r->mu);
    request_gone(r);
    pthread_mutex_unlock(&r->mu);
    request_unref(r);
}

/* Cuts what is past its deadline. One that was sending a request is told why; an idle one is just closed. */
static void sweep(struct conns *t)
{
    int64_t now = mono_ms();
    pthread_mutex_lock(&t->mu);
    for (uint32_t i = 0; i < t->cap; i++) {
        struct http_conn *c = t->slots[i];
        int64_t at = c ? atomic_load_explicit(&c->deadline_ms, memory_order_relaxed) : 0;
        if (at == 0 || now < at)
            continue;
        atomic_store_explicit(&c->deadline_ms, 0, memory_order_relaxed);
        pthread_mutex_lock(&c->mu);
        bool reading = c->current != NULL;
        pthread_mutex_unlock(&c->mu);
        if (reading) {
            struct err e = {0};
            err_set(&e, ERR_TIMEOUT, NULL, "the request did not come whole within the time allowed");
            snprintf(e.name, sizeof(e.name), "REQUEST_TIMEOUT");
            conn_last_words(c, 408, &e);
        }
        shutdown(c->fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&t->mu);
}

static void *reaper_loop(void *arg)
{
    struct conns *t = arg;
    struct epoll_event ev[EVENTS];
    int64_t next = 0;
    while (!atomic_load(&t->stop)) {
        int n = epoll_wait(t->epoll, ev, EVENTS, atomic_load(&t->open) > 0 ? SWEEP_MS : -1);
        for (int i = 0; i < n; i++) {
            uint64_t counter;
            if (ev[i].data.u64 != WAKE_TAG)
                on_client_end(t, ev[i].data.u64);
            else if (read(t->wake, &counter, sizeof(counter)) < 0 && errno != EAGAIN)
                log_event(LOG_WARN, "http_wake_failed", L_INT("errno", errno));
        }
        int64_t now = mono_ms();
        if (now >= next) {
            sweep(t);
            next = now + SWEEP_MS;
        }
    }
    return NULL;
}

/* One at a time, with the table let go in between: callbacks of theirs run here. New requests cannot be missed, for
 * `stopping` is set already. */
void conns_cut_all(struct http_server *s)
{
    struct conns *t = &s->conns;
    for (uint32_t i = 0; i < t->cap; i++) {
        pthread_mutex_lock(&t->mu);
        struct http_request *r = t->slots[i] ? conn_current(t->slots[i], true) : NULL;
        pthread_mutex_unlock(&t->mu);
        if (!r)
            continue;
        pthread_mutex_lock(&r->mu);
        request_gone(r);
        request_unlock_wake(r);
        request_unref(r);
    }
}

static void conns_release(struct conns *t)
{
    if (t->epoll >= 0)
        close(t->epoll);
    if (t->wake >= 0)
        close(t->wake);
    mem_free(t->slots);
    mem_free(t->generations);
    mem_free(t->free_slots);
    t->slots = NULL;
    t->generations = t->free_slots = NULL;
    t->cap = 0;
    t->epoll = t->wake = -1;
}

enum err_code conns_start(struct http_server *s, uint32_t max, struct err *e)
{
    struct conns *t = &s->conns;
    enum err_code code = ERR_OK;
    pthread_mutex_init(&t->mu, NULL);
    t->cap = max;
    t->slots = mem_zalloc(max * sizeof(struct http_conn *));
    t->generations = mem_zalloc(max * sizeof(uint32_t));
    t->free_slots = mem_zalloc(max * sizeof(uint32_t));
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!t->slots || !t->generations || !t->free_slots) {
        code = err_nomem(e);
        goto out;
    }
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WAKE_TAG};
    if (t->epoll < 0 || t->wake < 0 || epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->wake, &ev) != 0) {
        code = err_errno(e, "watch connections", NULL);
        goto out;
    }
    for (uint32_t i = 0; i < max; i++)
        t->free_slots[t->n_free++] = max - 1 - i;
    int rc = pthread_create(&t->reaper, NULL, reaper_loop, t);
    t->reaper_runs = rc == 0;
    if (rc != 0)
        code = err_set(e, ERR_UNAVAILABLE, NULL, "cannot start a thread: %s", strerror(rc));
out:
    if (code != ERR_OK) {
        conns_release(t);
        pthread_mutex_destroy(&t->mu);
    }
    return code;
}

void conns_stop(struct http_server *s)
{
    struct conns *t = &s->conns;
    if (!t->reaper_runs)
        return;
    atomic_store(&t->stop, true);
    uint64_t one = 1;
    if (write(t->wake, &one, sizeof(one)) < 0)
        log_event(LOG_WARN, "http_wake_failed", L_INT("errno", errno));
    pthread_join(t->reaper, NULL);
    t->reaper_runs = false;
    conns_release(t);
    pthread_mutex_destroy(&t->mu);
}
