/* Pages of other origins: which may talk to this server (server.cors_origins), and what a browser is told about it.
 * Closed by default: no page but one of this machine may write, and none may read.
 *
 * An origin is compared byte for byte with each of the list, as browsers always write it the same way. "*" lets
 * every page in, but never with credentials of the browser's (no Access-Control-Allow-Credentials is ever sent: callers
 * are known by a token that a page has to have, not by anything a browser adds by itself). "null" is the origin of
 * pages opened from a file. */
#include "doors/http/http_int.h"

#include <string.h>

static bool is_gap(char c)
{
    return c == ',' || c == ' ';
}

bool list_has(const char *list, struct str name, bool *any)
{
    struct str rest = list ? str_of(list) : STR_NONE;
    while (rest.n > 0) {
        size_t n = 0;
        while (n < rest.n && !is_gap(rest.p[n]))
            n++;
        struct str one = str_take(rest, n);
        if (any && str_is(one, "*"))
            *any = true;
        if (one.n && str_ieq(one, name))
            return true;
        rest = str_skip(rest, n < rest.n ? n + 1 : n);
    }
    return false;
}

bool cors_allows(const struct http_server *s, struct str origin)
{
    bool any = false;
    return s->cors_origins && (list_has(s->cors_origins, origin, &any) || any);
}

/* One header or more would have to be judged by each in turn: a browser sends one. */
void cors_judge(struct http_request *r)
{
    struct str origin = http_header_get(r, "Origin");
    if (origin.n && cors_allows(r->srv, origin))
        r->cors = origin;
}

static bool add(struct MHD_Response *res, const char *name, const char *value)
{
    return MHD_add_response_header(res, name, value) == MHD_YES;
}

/* What a page may not see without being told so. */
#define EXPOSED                                                                                                        \
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-Window, X-Request-Id, Link, "            \
    "X-Total-Count, X-Cairn-Memory, Retry-After"

bool cors_headers(const struct http_request *r, struct MHD_Response *res)
{
    if (!r->srv->cors_origins)
        return true;
    /* Also where it is refused: a cache must not give one origin's answer to another. */
    bool fine = add(res, "Vary", "Origin");
    if (!r->cors.n)
        return fine;
    return fine && add(res, "Access-Control-Allow-Origin", r->cors.p) &&
           add(res, "Access-Control-Expose-Headers", EXPOSED);
}

/* A browser's question before the real request. The headers it asks for are allowed as they are: none of them gives a
 * page more than its token does. */
size_t cors_preflight(struct http_request *r, struct str methods, struct http_header *out)
{
    size_t n = 0;
    struct str wanted = http_header_get(r, "Access-Control-Request-Headers");
    if (!r->cors.n || !http_header_get(r, "Access-Control-Request-Method").n)
        return 0;
    out[n++] = (struct http_header){STR("Access-Control-Allow-Methods"), methods};
    if (wanted.n)
        out[n++] = (struct http_header){STR("Access-Control-Allow-Headers"), wanted};
    out[n++] = (struct http_header){STR("Access-Control-Max-Age"), STR("600")};
    return n;
}
