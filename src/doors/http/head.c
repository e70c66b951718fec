/* Judging a request's head: what is refused before anything is done with it. Two things matter most here: that
 * nobody can make us and a proxy before us disagree on where a request ends (smuggling), and that no page in a
 * user's browser can talk to a server on the user's own machine (DNS rebinding, cross-site requests). */
#include "doors/http/http_int.h"

#include <stdio.h>
#include <string.h>

static enum err_code refuse(struct err *e, int *status, int with, enum err_code code, const char *name,
                            const char *message)
{
    *status = with;
    return err_named(e, code, name, "%s", message);
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c && strchr("!#$%&'*+-.^_`|~", c) != NULL);
        if (!fine)
            return false;
    }
    return s.n > 0;
}

/* No control characters other than a tab. */
static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Not more than fit into an int64, and no sign. */
static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n < 19;
}

/* What the headers say about the body's length. */
struct framing {
    struct str length, encoding;
    unsigned lengths, encodings;
    bool differ;
};

static struct framing framing_of(const struct http_request *r)
{
    struct framing f = {0};
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct http_header *h = &r->headers[i];
        if (str_ieq(h->name, STR("Content-Length"))) {
            f.differ = f.differ || (f.lengths && !str_eq(f.length, h->value));
            f.length = h->value;
            f.lengths++;
        } else if (str_ieq(h->name, STR("Transfer-Encoding"))) {
            f.encoding = h->value;
            f.encodings++;
        }
    }
    return f;
}

int64_t head_length(const struct http_request *r)
{
    int64_t n;
    struct str s = http_header_get(r, "Content-Length");
    return s.p && is_digits(s) && str_int(s, &n) ? n : -1;
}

static enum err_code check_framing(const struct http_request *r, int *status, struct err *e)
{
    struct framing f = framing_of(r);
    if (f.lengths && f.encodings)
        return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST",
                      "a request has either Content-Length or Transfer-Encoding, not both");
    if (f.encodings && r->http10)
        return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST", "HTTP/1.0 knows no Transfer-Encoding");
    if (f.differ)
        return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST", "the Content-Length headers differ");
    if (f.lengths && !is_digits(f.length))
        return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST", "Content-Length is a plain number of bytes");
    if (f.encodings > 1 || (f.encodings && !str_ieq(f.encoding, STR("chunked"))))
        return refuse(e, status, 501, ERR_INVALID, "NOT_IMPLEMENTED",
                      "the only Transfer-Encoding taken is \"chunked\"");
    return ERR_OK;
}

static enum err_code check_sizes(const struct http_request *r, int *status, struct err *e)
{
    size_t total = r->path.n + r->query.n;
    for (size_t i = 0; i < r->n_headers; i++)
        total += r->headers[i].name.n + r->headers[i].value.n + 4;
    if (total > HTTP_HEAD_MAX || r->n_headers >= HTTP_HEADERS_MAX)
        return refuse(e, status, 431, ERR_TOO_LARGE, "HEADERS_TOO_LARGE",
                      "a request's path and headers have at most 16 KiB and 100 lines");
    for (size_t i = 0; i < r->n_headers; i++)
        if (!is_token(r->headers[i].name) || !is_clean(r->headers[i].value))
            return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST", "a header is not well-formed");
    if (!is_token(r->method) || r->method.n > 16)
        return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST", "the method is not well-formed");
    if (r->path.n == 0 || (r->path.p[0] != '/' && !str_is(r->path, "*")) || !is_clean(r->path) || !is_clean(r->query))
        return refuse(e, status, 400, ERR_INVALID, "BAD_REQUEST", "the request's path is not well-formed");
    return ERR_OK;
}

/* "127." and then only digits and dots: an address of its own, so no name that somebody could point at us. */
static bool is_127(struct str host)
{
    size_t dots = 0;
    for (size_t i = 0; i < host.n; i++) {
        dots += host.p[i] == '.';
        if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
            return false;
    }
    return str_starts(host, "127.") && dots == 3 && host.n <= 15;
}

bool head_loopback_name(struct str host_port)
{
    struct str host, port;
    if (str_starts(host_port, "[")) {
        ptrdiff_t end = str_find(host_port, STR("]"));
        if (end < 0)
            return false;
        host = str_take(host_port, (size_t)end + 1);
        port = str_skip(host_port, (size_t)end + 1);
        if (port.n > 0 && port.p[0] != ':')
            return false;
        port = port.n > 0 ? str_skip(port, 1) : STR_NONE;
    } else {
        port = host_port;
        host = str_cut(&port, ':');
    }
    if (port.p && (!is_digits(port) || port.n > 5))
        return false;
    return str_ieq(host, STR("localhost")) || str_is(host, "[::1]") || is_127(host);
}

/* An origin is scheme://host[:port]; "null" is none of ours. */
static bool origin_fine(struct str origin)
{
    ptrdiff_t at = str_find(origin, STR("://"));
    return at > 0 && head_loopback_name(str_skip(origin, (size_t)at + 3));
}

/* A name of this machine, or one that the settings name. */
static bool host_fine(const struct http_server *s, struct str host_port)
{
    struct str rest = host_port, host = str_cut(&rest, ':');
    return head_loopback_name(host_port) || list_has(s->hosts, host_port, NULL) || list_has(s->hosts, host, NULL);
}

/* Where another address is served, a page of the same server writes too: its origin is the Host it asked. */
static bool same_origin(struct str origin, struct str host)
{
    ptrdiff_t at = str_find(origin, STR("://"));
    return at > 0 && host.n && str_ieq(str_skip(origin, (size_t)at + 3), host);
}

static bool page_may_write(const struct http_request *r, struct str origin)
{
    return origin_fine(origin) || cors_allows(r->srv, origin) || same_origin(origin, http_header_get(r, "Host"));
}

static enum err_code check_who(const struct http_request *r, int *status, struct err *e)
{
    /* Where auth is on a page would need a token, which no browser adds by itself; and the host's name is the
     * operator's business, who may say which there are. */
    bool auth = r->srv->auth;
    if (r->local || (auth && !r->srv->hosts))
        return ERR_OK;
    /* Reading across sites is the browser's business: without CORS headers it shows a page nothing. */
    bool reads = str_is(r->method, "GET") || str_is(r->method, "HEAD") || str_is(r->method, "OPTIONS");
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct http_header *h = &r->headers[i];
        if (str_ieq(h->name, STR("Host")) && !host_fine(r->srv, h->value))
            return refuse(
                e, status, 403, ERR_DENIED, "HOST_NOT_ALLOWED",
                "this server answers only to localhost, 127.0.0.1 and [::1] as its host name, and to those of "
                "server.hosts");
        if (!reads && !auth && str_ieq(h->name, STR("Origin")) && !page_may_write(r, h->value))
            return refuse(e, status, 403, ERR_DENIED, "ORIGIN_NOT_ALLOWED",
                          "pages from other sites may not change anything here");
    }
    return ERR_OK;
}

enum err_code head_check(struct http_request *r, int *status, struct err *e)
{
    enum err_code code = check_sizes(r, status, e);
    if (code == ERR_OK)
        code = check_framing(r, status, e);
    if (code == ERR_OK)
        code = check_who(r, status, e);
    if (code != ERR_OK || head_length(r) <= (int64_t)r->body_max)
        return code;
    *status = 413;
    return err_named(e, ERR_TOO_LARGE, "PAYLOAD_TOO_LARGE", "the body has %lld bytes; at most %zu are taken",
                     (long long)head_length(r), r->body_max);
}
