/* The HTTP door: libmicrohttpd behind our own request and reply, shared by the REST routes (made
 * from the operations table) and the proxy. Listens on TCP and on a Unix socket in the data folder.
 *
 * Threads: an event loop of two to four threads; quick operations run on them, others on a pool of workers;
 * a reaper cuts slow senders and notices clients that leave while their request waits. */
#ifndef CAIRN_DOORS_HTTP_HTTP_H
#define CAIRN_DOORS_HTTP_HTTP_H

#include "base/arena.h"
#include "base/err.h"
#include "service/service.h"

struct http_server;
struct http_request; /* lives until its reply is over */

/* A route that is not an operation. Its handler may answer later, from any thread; it is called on an HTTP
 * thread when the whole body is there. */
typedef void http_handler(struct http_request *r, void *arg);
struct http_route {
    const char *method, *path; /* exact */
    http_handler *fn;
    void *arg;
    enum permission permission; /* where no operation of the table serves it: what a caller's token must hold */
};

struct http_options {
    struct service *svc;
    const char *listen;      /* "127.0.0.1:5111", "[::1]:0" */
    const char *unix_socket; /* path, NULL: none */
    /* Where 0 or NULL, what the service's settings say (server.*, limits.*), or their defaults. */
    size_t max_body; /* bytes, of operations and the proxy alike */
    int workers;
    int max_connections;
    int slow_seconds;                /* a request must have come whole by then (headers: server.head_seconds) */
    const char *cors_origins;        /* origins of pages that may talk to this server, "*": all */
    const int *per_minute;           /* requests a minute by enum limit_class */
    bool auth;                       /* callers over TCP must show a token; false: what the settings say */
    const char *tls_cert, *tls_key;  /* PEM files: HTTPS over TCP */
    const struct http_route *routes; /* what is no operation: the proxy's; must outlive the server */
    size_t n_routes;
};
enum err_code http_start(const struct http_options *o, struct http_server **out, struct err *e);
int http_port(const struct http_server *s);
bool http_has_tls(const struct http_server *s); /* HTTPS over TCP */
/* Stops accepting, lets running requests finish for at most `drain_ms`, then closes. */
void http_stop(struct http_server *s, int drain_ms);

/* ---- a request ---- */
struct http_header {
    struct str name, value;
};
struct str http_method(const struct http_request *r);
struct str http_path(const struct http_request *r);  /* without the query, still percent-encoded */
struct str http_query(const struct http_request *r); /* raw, after the '?' ; STR_NONE */
struct str http_body(const struct http_request *r);  /* whole, as it came */
struct str http_header_get(const struct http_request *r, const char *name);      /* case-insensitive; STR_NONE */
const struct http_header *http_headers(const struct http_request *r, size_t *n); /* in order, as they came */
struct arena *http_arena(struct http_request *r);                                /* freed when the reply is over */
struct str http_request_id(const struct http_request *r); /* X-Request-Id of the caller, or made */
/* Who asks: made of the token where auth is on, else CALLER_LOCAL. Lives as long as the request. */
const struct caller *http_caller(const struct http_request *r);
/* Headers of the request that hold a token of Cairn's, and must go nowhere else. */
bool http_header_is_token(const struct http_request *r, const struct http_header *h);
/* By which door it came and from where, for the audit. */
struct audit_from http_from(const struct http_request *r);
struct http_server *http_server_of(const struct http_request *r);

/* ---- answering: exactly one of these, once, from any thread ---- */
struct http_reply {
    int status;
    const struct http_header *headers; /* without Content-Length, Connection, Date */
    size_t n_headers;
    struct str body; /* copied */
};
void http_answer(struct http_request *r, const struct http_reply *reply);
/* Contract §3's error shape (`/api`), OpenAI's (`/v1`, `/v2`) or Anthropic's (`/v1/messages`), by path. */
void http_answer_error(struct http_request *r, const struct err *e);

/* A streamed answer: bytes are relayed as they are written. `length` < 0: chunked.
 * stream_write takes what fits in the window (256 KiB) and returns how much it took; when less than n, `writable(arg)`
 * is called once (any thread) when there is room again. `gone(arg)` is called at most once (any thread) when the client
 * left before the end (within 0.2 s, also while nothing is written); after it stream_write takes all and drops it.
 * stream_end must be called exactly once in every case.
 *
 * After http_stream_end, and for http_on_gone after http_answer or http_stream_begin, no callback runs and none will:
 * these calls wait for one that runs on another thread. So do not make them while holding a lock that the callbacks
 * take. From within a callback they may be made. */
struct http_stream_events {
    void (*writable)(void *arg);
    void (*gone)(void *arg);
    void *arg;
};
struct http_stream *http_stream_begin(struct http_request *r, int status, const struct http_header *headers, size_t n,
                                      int64_t length,
                                      const struct http_stream_events *ev); /* NULL: out of memory, answered 500 */
size_t http_stream_write(struct http_stream *s, struct str bytes);
/* ok=false: the answer broke off; the connection is cut so that the client notices. */
void http_stream_end(struct http_stream *s, bool ok);

/* `gone` for a request that has not been answered yet (the client left while we were waiting for the upstream). */
void http_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg);

/* For routes that are no operations but serve one (the proxy's): counts the request against its limit, for `session`
 * (STR_NONE: none is named, it counts for the caller). True, or it is answered: 429 with the time to wait. Once a
 * request, before its answer is begun; any thread. */
bool http_limit(struct http_request *r, struct str session);

/* Runs fn(arg) on a worker thread. */
enum err_code http_work(struct http_server *s, void (*fn)(void *arg), void *arg);

#endif
