/* The router: from method and path to a route. Built once at start, read by all threads after.
 *
 * A trie by path segment. A node's literal children are sorted; "{name}" is the one child that takes any
 * segment. Literal beats "{name}", but only where it leads to a route for the method; so GET /patterns/search
 * may still be the pattern called "search" while POST /patterns/search is the search. */
#ifndef CAIRN_DOORS_HTTP_ROUTER_H
#define CAIRN_DOORS_HTTP_ROUTER_H

#include "doors/http/http.h"

enum { ROUTE_SEGMENTS = 16, ROUTE_PARAMS = 8 };
enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_PUT, ROUTE_PATCH, ROUTE_DELETE, ROUTE_METHODS };

struct route {
    const char *method;
    struct str pattern;         /* "/api/v2/sessions/{session_id}": what logs show instead of the path */
    const struct operation *op; /* or else: */
    http_handler *fn;
    void *arg;
    const struct operation *serves;  /* fn's: the table's entry for this route, NULL: none */
    enum permission permission;      /* what a caller's token must hold */
    struct str params[ROUTE_PARAMS]; /* names, in the path's order */
    size_t n_params;
};

struct route_match {
    const struct route *route;       /* NULL: none */
    struct str values[ROUTE_PARAMS]; /* decoded, in the arena given to router_match or borrowed from the path */
    unsigned allowed;                /* methods that the path has, bits by route_method; 0: no such path */
};

struct router;
struct router *router_new(void); /* NULL when out of memory */
void router_free(struct router *rt);
/* Each of op's paths; op must outlive the router. ERR_CONFLICT when a route is there already. */
enum err_code router_add_op(struct router *rt, const struct operation *op, struct err *e);
enum err_code router_add(struct router *rt, const struct http_route *route, struct err *e);
/* path: percent-encoded, without the query. HEAD finds GET's route. ERR_INVALID when the path's encoding is
 * wrong; ERR_OK otherwise, also when nothing was found. */
enum err_code router_match(const struct router *rt, struct arena *a, struct str method, struct str path,
                           struct route_match *out, struct err *e);
/* "GET, HEAD, POST, OPTIONS" into the arena. */
struct str router_allow(struct arena *a, unsigned allowed);

/* Percent-decoding into the arena ('+' becomes a space when `plus`); borrowed when there is nothing to decode.
 * ERR_INVALID on a bad escape, a NUL byte or text that is not UTF-8. `field` is named in the error. */
enum err_code url_decode(struct arena *a, struct str s, bool plus, const char *field, struct str *out, struct err *e);
/* Unreserved bytes as they are, all others as %XX. */
void url_encode(struct buf *b, struct str s);

#endif
