/* Requests to the upstream over libcurl's multi interface: mechanism only, knows neither routes nor memory.
 * Connections are reused, their number is bounded; answers are neither decoded nor redirected.
 *
 * Threads: everything on the loop's thread, and all events too. */
#ifndef CAIRN_DOORS_PROXY_UPSTREAM_H
#define CAIRN_DOORS_PROXY_UPSTREAM_H

#include "doors/http/http.h"
#include "doors/proxy/loop.h"

struct upstream;
struct upstream_call; /* one request under way */

struct upstream_options {
    struct loop *loop; /* outlives it */
    int connect_timeout_ms, total_timeout_ms;
    int max_active;
    bool loopback; /* the upstream is on this machine: no web proxy from the environment */
};

struct upstream_events {
    /* Once, before any data: the final status and its headers as they came (borrowed for the call). */
    void (*head)(void *arg, int status, const struct http_header *headers, size_t n);
    /* False: took none of it, and wants it again after upstream_resume. */
    bool (*data)(void *arg, struct str bytes);
    /* Last of all: ERR_OK, ERR_TIMEOUT, ERR_UNAVAILABLE (no connection, or broken off) … The call is gone after. */
    void (*done)(void *arg, enum err_code code, const struct err *e);
    void *arg;
};

struct upstream_request {
    const char *method, *url;
    const struct http_header *headers; /* exactly these go up, besides Host and Content-Length */
    size_t n_headers;
    struct str body; /* borrowed until done; p == NULL: none */
};

enum err_code upstream_new(const struct upstream_options *o, struct upstream **out, struct err *e);
/* No call may be under way. NULL is fine. */
void upstream_free(struct upstream *u);

enum err_code upstream_send(struct upstream *u, const struct upstream_request *r, const struct upstream_events *ev,
                            struct upstream_call **out, struct err *e);
void upstream_resume(struct upstream_call *c); /* may call `data` before it returns */
/* Closes the connection and forgets the call; no event comes after. Not from within an event. */
void upstream_cancel(struct upstream_call *c);

#endif
