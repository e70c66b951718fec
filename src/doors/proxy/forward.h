/* What crosses the proxy besides the body: the upstream's address for a path, which headers go up and which come back,
 * and errors of the proxy's own in the shape a route's clients expect. Policy only, no state. */
#ifndef CAIRN_DOORS_PROXY_FORWARD_H
#define CAIRN_DOORS_PROXY_FORWARD_H

#include "base/arena.h"
#include "doors/http/http.h"

/* ERR_INVALID unless it is an http(s) address without query, fragment and credentials. */
enum err_code forward_check_base(struct str base, struct err *e);
bool forward_is_loopback(struct str base);
/* base "http://h" or "http://h/v1" (with or without slashes at the end) + "/v1/models" -> "http://h/v1/models".
 * NULL when out of memory. */
const char *forward_url(struct arena *a, struct str base, struct str path, struct str query);
/* True when a path has a "." or ".." segment, plain or percent-encoded: it would leave the route. */
bool forward_path_escapes(struct str path);

struct forward_up {
    const char *key;                    /* the server's, NULL: the caller's own credentials pass */
    bool anthropic;                     /* /v1/messages: the key goes into x-api-key too */
    const struct http_request *request; /* its headers that hold a token of Cairn's stay here; NULL: there are none */
    bool must_read;                     /* ask for an answer that is not compressed */
};
/* Whether the caller brings a key of their own for the upstream: whoever shows their token in X-Cairn-Token has
 * Authorization (and x-api-key on Anthropic's routes) free for one. */
bool forward_brings_key(const struct http_request *r, bool anthropic);
/* All but hop-by-hop headers, Host, Content-Length, Expect and X-Cairn-*. NULL when out of memory. */
struct http_header *forward_request_headers(struct arena *a, const struct http_header *in, size_t n,
                                            const struct forward_up *how, size_t *n_out);
/* All but hop-by-hop headers, Content-Length and Date (the server's own); `extra` more may be appended. */
struct http_header *forward_reply_headers(struct arena *a, const struct http_header *in, size_t n, size_t extra,
                                          size_t *n_out);
/* The value of a header, STR_NONE when absent. */
struct str forward_header(const struct http_header *h, size_t n, const char *name);

/* Answers for an upstream that is missing (503), out of reach (502) or late (504): OpenAI's four fields, or
 * Anthropic's shape. */
void forward_error(struct http_request *r, bool anthropic, int status, const char *code, const char *message);

#endif
