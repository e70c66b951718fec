/* A small blocking HTTP client for the tests of the HTTP door: it sends exactly the bytes it is told to, so that
 * requests may be broken in any way, and reads one answer at a time. Everything waits ten seconds at most. */
#ifndef CAIRN_TESTS_HTTP_CLIENT_H
#define CAIRN_TESTS_HTTP_CLIENT_H

#include "base/clock.h"
#include "base/log.h"
#include "doors/http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HELPER static __attribute__((unused))

struct answer {
    int status;      /* 0: the connection ended without one */
    char head[8192]; /* status line and headers */
    char *body;      /* NUL-terminated; free it */
    size_t n;
    bool whole; /* the body came to its proper end */
};

struct client {
    int fd;
    char buf[65536];
    size_t n;
};

HELPER void client_open(struct client *c, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval wait = {.tv_sec = 10};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->n = 0;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(c->fd >= 0);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

HELPER void client_close(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

/* False when the other side has closed. */
HELPER bool client_send(struct client *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(c->fd, p, n, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

HELPER bool client_say(struct client *c, const char *text)
{
    return client_send(c, text, strlen(text));
}

/* More bytes into buf: false at the end. */
HELPER bool client_fill(struct client *c)
{
    if (c->n == sizeof(c->buf))
        return false;
    ssize_t k = recv(c->fd, c->buf + c->n, sizeof(c->buf) - c->n, 0);
    if (k <= 0)
        return false;
    c->n += (size_t)k;
    return true;
}

HELPER void client_drop(struct client *c, size_t n)
{
    memmove(c->buf, c->buf + n, c->n - n);
    c->n -= n;
}

/* The value of a header, valid until this thread's next call, or NULL. */
HELPER const char *answer_header(const struct answer *a, const char *name)
{
    static _Thread_local char value[1024];
    size_t n = strlen(name);
    for (const char *p = a->head; (p = strstr(p, "\r\n")) != NULL;) {
        p += 2;
        if (strncasecmp(p, name, n) == 0 && p[n] == ':') {
            const char *end = strstr(p, "\r\n");
            p += n + 1;
            p += strspn(p, " ");
            snprintf(value, sizeof(value), "%.*s", (int)(end ? end - p : (long)strlen(p)), p);
            return value;
        }
    }
    return NULL;
}

HELPER void answer_add(struct answer *a, const char *p, size_t n)
{
    a->body = realloc(a->body, a->n + n + 1);
    assert_non_null(a->body);
    memcpy(a->body + a->n, p, n);
    a->n += n;
    a->body[a->n] = 0;
}

/* Exactly n bytes of body; false when they do not come. */
HELPER bool client_take(struct client *c, struct answer *a, size_t n)
{
    while (n > 0) {
        if (c->n == 0 && !client_fill(c))
            return false;
        size_t k = c->n < n ? c->n : n;
        answer_add(a, c->buf, k);
        client_drop(c, k);
        n -= k;
    }
    return true;
}

/* A line into `line` without its end; false when none comes. */
HELPER bool client_line(struct client *c, char *line, size_t size)
{
    for (;;) {
        char *end = c->n >= 2 ? memmem(c->buf, c->n, "\r\n", 2) : NULL;
        if (end) {
            size_t n = (size_t)(end - c->buf);
            snprintf(line, size, "%.*s", (int)n, c->buf);
            client_drop(c, n + 2);
            return true;
        }
        if (!client_fill(c))
            return false;
    }
}

HELPER void client_chunks(struct client *c, struct answer *a)
{
    char line[64];
    while (client_line(c, line, sizeof(line))) {
        size_t n = strtoul(line, NULL, 16);
        if (n > 0 && !client_take(c, a, n))
            return;
        if (!client_line(c, line, sizeof(line)))
            return;
        if (n == 0) {
            a->whole = true;
            return;
        }
    }
}

/* Reads the head only. */
HELPER void client_head(struct client *c, struct answer *a)
{
    char *end;
    memset(a, 0, sizeof(*a));
    answer_add(a, "", 0);
    while ((end = c->n >= 4 ? memmem(c->buf, c->n, "\r\n\r\n", 4) : NULL) == NULL)
        if (!client_fill(c))
            return;
    size_t n = (size_t)(end - c->buf) + 4;
    assert_true(n < sizeof(a->head));
    memcpy(a->head, c->buf, n);
    client_drop(c, n);
    assert_int_equal(sscanf(a->head, "HTTP/1.1 %d", &a->status), 1);
}

HELPER void client_body(struct client *c, struct answer *a)
{
    const char *length = answer_header(a, "Content-Length"), *chunked;
    if (length) {
        a->whole = client_take(c, a, strtoul(length, NULL, 10));
    } else if ((chunked = answer_header(a, "Transfer-Encoding")) != NULL && strcmp(chunked, "chunked") == 0) {
        client_chunks(c, a);
    } else if (a->status == 204 || a->status == 304) {
        a->whole = true;
    } else {
        do {
            answer_add(a, c->buf, c->n);
            c->n = 0;
        } while (client_fill(c));
        a->whole = true;
    }
}

HELPER void client_answer(struct client *c, struct answer *a, bool head_only)
{
    client_head(c, a);
    if (a->status && !head_only)
        client_body(c, a);
}

HELPER void answer_free(struct answer *a)
{
    free(a->body);
    memset(a, 0, sizeof(*a));
}

/* One request on a connection of its own; `request` is sent as it is. */
HELPER struct answer ask(int port, const char *request)
{
    struct client c;
    struct answer a;
    client_open(&c, port);
    client_say(&c, request);
    client_answer(&c, &a, strncmp(request, "HEAD", 4) == 0);
    client_close(&c);
    return a;
}

#define HOST "Host: localhost\r\n"
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

/* True when the server has closed: what is still to be read is skipped. */
HELPER bool client_closed(struct client *c, int ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int64_t until = clock_mono_us() + (int64_t)ms * 1000;
    while (poll(&p, 1, (int)((until - clock_mono_us()) / 1000) + 1) > 0) {
        char drop[4096];
        ssize_t n = recv(c->fd, drop, sizeof(drop), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && (p.revents & (POLLHUP | POLLERR))))
            return true;
        if (clock_mono_us() > until)
            break;
    }
    return false;
}

HELPER void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

/* Waits until *what has reached `value`; false after ten seconds. */
HELPER bool wait_for(atomic_int *what, int value)
{
    for (int i = 0; i < 10000 && atomic_load(what) < value; i++)
        nap(1);
    return atomic_load(what) >= value;
}

HELPER struct http_server *start_with(struct http_options o)
{
    struct http_server *s = NULL;
    struct err e = {0};
    log_setup(LOG_OFF, false, 2);
    o.listen = o.listen ? o.listen : "127.0.0.1:0";
    if (http_start(&o, &s, &e) != ERR_OK)
        fail_msg("%s", e.message);
    return s;
}

#endif
