/* Headers, addresses and error shapes of the proxy. */
#include "doors/proxy/forward.h"

#include "base/json_write.h"
#include "service/caller.h"

#include <string.h>

/* ---- the address ---- */

static struct str without_scheme(struct str base)
{
    if (str_starts(base, "https://"))
        return str_skip(base, 8);
    return str_starts(base, "http://") ? str_skip(base, 7) : STR_NONE;
}

enum err_code forward_check_base(struct str base, struct err *e)
{
    struct str rest = without_scheme(base), host = rest;
    host = str_cut(&host, '/');
    if (!rest.p || !host.n || base.n > 2000)
        return err_set(e, ERR_INVALID, "upstream",
                       "the upstream's address must be like http://host:port or "
                       "https://host/v1");
    for (size_t i = 0; i < base.n; i++)
        if ((unsigned char)base.p[i] <= ' ' || base.p[i] == '?' || base.p[i] == '#' || base.p[i] == 127)
            return err_set(e, ERR_INVALID, "upstream", "the upstream's address must have no spaces, query or fragment");
    if (memchr(host.p, '@', host.n))
        return err_set(e, ERR_INVALID, "upstream",
                       "the upstream's address must not hold credentials; put the key in CAIRN_UPSTREAM_KEY");
    return ERR_OK;
}

bool forward_is_loopback(struct str base)
{
    struct str host = without_scheme(base);
    host = str_cut(&host, '/');
    return str_starts(host, "127.") || str_starts(host, "[::1]") || str_is(host, "localhost") ||
           str_starts(host, "localhost:");
}

const char *forward_url(struct arena *a, struct str base, struct str path, struct str query)
{
    while (str_ends(base, "/"))
        base.n--;
    struct str host = without_scheme(base);
    str_cut(&host, '/'); /* leaves the address's own path: a host may be called v1 */
    if ((str_is(host, "v1") || str_ends(host, "/v1")) && str_starts(path, "/v1"))
        path = str_skip(path, 3);
    struct str url = query.n ? arena_fmt(a, "%.*s%.*s?%.*s", STR_ARG(base), STR_ARG(path), STR_ARG(query))
                             : arena_fmt(a, "%.*s%.*s", STR_ARG(base), STR_ARG(path));
    return url.p;
}

/* Length of a dot at the start of s, plain or as %2e; 0 when there is none. */
static size_t dot_length(struct str s)
{
    if (str_starts(s, "."))
        return 1;
    return str_starts(s, "%2e") || str_starts(s, "%2E") ? 3 : 0;
}

bool forward_path_escapes(struct str path)
{
    while (path.p) {
        struct str segment = str_cut(&path, '/');
        size_t first = dot_length(segment);
        if (!first)
            continue;
        segment = str_skip(segment, first);
        segment = str_skip(segment, dot_length(segment));
        if (!segment.n)
            return true;
    }
    return false;
}

/* ---- headers ---- */

static bool is_one_of(struct str name, const char *const *names)
{
    for (; *names; names++)
        if (str_ieq(name, str_of(*names)))
            return true;
    return false;
}

struct str forward_header(const struct http_header *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(h[i].name, str_of(name)))
            return h[i].value;
    return STR_NONE;
}

/* Named in a Connection header: meant for this hop only. */
static bool named_by_connection(const struct http_header *h, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (!str_ieq(h[i].name, STR("connection")))
            continue;
        for (struct str rest = h[i].value; rest.p;)
            if (str_ieq(str_trim(str_cut(&rest, ',')), name))
                return true;
    }
    return false;
}

static bool is_hop(const struct http_header *h, size_t n, struct str name)
{
    static const char *const hop[] = {"connection",
                                      "keep-alive",
                                      "proxy-authenticate",
                                      "proxy-authorization",
                                      "proxy-connection",
                                      "te",
                                      "trailer",
                                      "transfer-encoding",
                                      "upgrade",
                                      "content-length",
                                      NULL};
    return is_one_of(name, hop) || named_by_connection(h, n, name);
}

static bool is_ours(struct str name)
{
    return str_ieq(str_take(name, 8), STR("x-cairn-"));
}

static bool is_credential(struct str name)
{
    return str_ieq(name, STR("authorization")) || str_ieq(name, STR("x-api-key"));
}

bool forward_brings_key(const struct http_request *r, bool anthropic)
{
    size_t n;
    const struct http_header *h = http_headers(r, &n);
    if (!http_header_get(r, "X-Cairn-Token").p || http_caller(r)->everything)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool key = str_ieq(h[i].name, STR("Authorization")) || (anthropic && str_ieq(h[i].name, STR("x-api-key")));
        if (key && !http_header_is_token(r, &h[i]))
            return true;
    }
    return false;
}

static bool put_key(struct arena *a, struct http_header *out, size_t *k, const struct forward_up *how)
{
    struct str bearer = arena_fmt(a, "Bearer %s", how->key);
    out[(*k)++] = (struct http_header){STR("Authorization"), bearer};
    if (how->anthropic)
        out[(*k)++] = (struct http_header){STR("x-api-key"), str_of(how->key)};
    return bearer.p != NULL;
}

struct http_header *forward_request_headers(struct arena *a, const struct http_header *in, size_t n,
                                            const struct forward_up *how, size_t *n_out)
{
    static const char *const never[] = {"host", "expect", NULL};
    struct http_header *out = arena_array(a, struct http_header, n + 3);
    size_t k = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct str name = in[i].name;
        if (is_hop(in, n, name) || is_one_of(name, never) || is_ours(name))
            continue;
        if (how->request && is_credential(name) && http_header_is_token(how->request, &in[i]))
            continue;
        if (how->key && (str_ieq(name, STR("authorization")) || (how->anthropic && str_ieq(name, STR("x-api-key")))))
            continue;
        if (how->must_read && str_ieq(name, STR("accept-encoding")))
            continue;
        out[k++] = in[i];
    }
    if (how->must_read)
        out[k++] = (struct http_header){STR("Accept-Encoding"), STR("identity")};
    if (how->key && !put_key(a, out, &k, how))
        return NULL;
    *n_out = k;
    return out;
}

struct http_header *forward_reply_headers(struct arena *a, const struct http_header *in, size_t n, size_t extra,
                                          size_t *n_out)
{
    static const char *const never[] = {"date", NULL};
    struct http_header *out = arena_array(a, struct http_header, n + extra);
    size_t k = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!is_hop(in, n, in[i].name) && !is_one_of(in[i].name, never) && !is_ours(in[i].name))
            out[k++] = in[i];
    *n_out = k;
    return out;
}

/* ---- errors ---- */

static void write_error(struct buf *b, bool anthropic, int status, const char *code, const char *message)
{
    struct json_out w;
    jw_init(&w, b);
    jw_object(&w);
    if (anthropic)
        jw_kcstr(&w, "type", "error");
    jw_key(&w, "error");
    jw_object(&w);
    jw_kcstr(&w, "type",
             !anthropic      ? "api_error"
             : status == 503 ? "overloaded_error"
             : status == 504 ? "timeout_error"
                             : "api_error");
    jw_kcstr(&w, "message", message);
    if (!anthropic) {
        jw_kstr(&w, "param", STR_NONE);
        jw_kcstr(&w, "code", code);
    }
    jw_end_object(&w);
    jw_end_object(&w);
}

void forward_error(struct http_request *r, bool anthropic, int status, const char *code, const char *message)
{
    struct buf b;
    buf_init(&b, 0);
    write_error(&b, anthropic, status, code, message);
    const struct http_header type = {STR("Content-Type"), STR("application/json")};
    http_answer(r, &(struct http_reply){.status = status, .headers = &type, .n_headers = 1, .body = buf_view(&b)});
    buf_release(&b);
}
