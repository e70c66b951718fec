/* The driver. See s3.h. */
#include "doors/s3/s3.h"

#include "base/mem.h"
#include "doors/proxy/forward.h"
#include "doors/s3/listing.h"
#include "doors/s3/request.h"
#include "doors/s3/sign.h"

#include <sodium.h>
#include <string.h>

enum { LISTING_MOST = 16 << 20, SMALL = 64 << 10, PAGES_MOST = 1 << 20 };

struct s3 {
    struct cold_driver driver; /* first */
    struct arena *arena;       /* its strings */
    struct str prefix;         /* "" or with a '/' at its end */
    struct s3_at at;
};

static struct s3 *of(struct cold_driver *d)
{
    return (struct s3 *)d;
}

/* ---- what the server says ---- */

static enum err_code refused(const struct s3_reply *r, struct err *e)
{
    const char *word = r->code[0] ? r->code : "no reason given";
    long status = r->status;
    if (strcmp(r->code, "NoSuchBucket") == 0)
        return err_set(e, ERR_INVALID, "cold.bucket", "cold storage's server has no such bucket");
    if (status == 404)
        return err_set(e, ERR_NOT_FOUND, NULL, "there is no such object in cold storage (%s)", word);
    if (status == 401 || status == 403)
        return err_set(e, ERR_DENIED, "cold.key", "cold storage's server refuses: its keys or their rights (%s)", word);
    if (status >= 300 && status < 400)
        return err_set(e, ERR_INVALID, "cold.region", "the bucket is elsewhere: see cold.region and cold.endpoint (%s)",
                       word);
    if (status == 429 || (status >= 500 && status != 501))
        return err_set(e, ERR_UNAVAILABLE, NULL, "cold storage's server answered %ld (%s)", status, word);
    return err_set(e, ERR_INVALID, NULL, "cold storage's server does not take this: %ld (%s)", status, word);
}

static enum err_code ask(struct s3 *s, const struct s3_request *q, struct s3_reply *r, struct err *e)
{
    enum err_code code = s3_ask(&s->at, q, r, e);
    return code || (r->status >= 200 && r->status < 300) ? code : refused(r, e);
}

/* ---- objects ---- */

static void put_name(const struct s3 *s, struct buf *to, struct str name)
{
    buf_init(to, 0);
    buf_str(to, s->prefix);
    buf_str(to, name);
}

static enum err_code put(struct cold_driver *d, struct str name, struct str bytes, struct err *e)
{
    struct s3 *s = of(d);
    struct s3_reply r = {.status = 0};
    struct buf whole;
    put_name(s, &whole, name);
    const struct s3_request q = {
        .method = "PUT", .name = buf_view(&whole), .body = bytes.p ? bytes : STR(""), .most = SMALL};
    enum err_code code = whole.failed ? err_nomem(e) : ask(s, &q, &r, e);
    buf_release(&r.body);
    buf_release(&whole);
    return code;
}

static enum err_code get(struct cold_driver *d, struct str name, size_t most, struct buf *out, struct err *e)
{
    struct s3 *s = of(d);
    struct s3_reply r = {.status = 0};
    struct buf whole;
    put_name(s, &whole, name);
    const struct s3_request q = {.method = "GET", .name = buf_view(&whole), .most = most};
    enum err_code code = whole.failed ? err_nomem(e) : ask(s, &q, &r, e);
    if (!code)
        buf_str(out, buf_view(&r.body));
    if (!code && out->failed)
        code = err_nomem(e);
    buf_release(&r.body);
    buf_release(&whole);
    return code;
}

/* ---- listing ---- */

static void put_parameter(struct buf *q, const char *name, struct str value)
{
    buf_fmt(q, "%s%s=", q->n ? "&" : "", name);
    s3_encode(q, value, false);
}

static enum err_code read_page(struct s3 *s, struct arena *a, const struct buf *query, bool versions,
                               struct s3_listing *l, struct err *e)
{
    struct s3_reply r = {.status = 0};
    const struct s3_request q = {.method = "GET", .query = buf_view(query), .most = LISTING_MOST};
    enum err_code code = query->failed ? err_nomem(e) : ask(s, &q, &r, e);
    if (!code)
        code = s3_listing_read(a, buf_view(&r.body), versions, l, e);
    buf_release(&r.body);
    return code;
}

static enum err_code list_page(struct s3 *s, struct arena *a, struct str prefix, struct str token, struct s3_listing *l,
                               struct err *e)
{
    struct buf query, whole;
    put_name(s, &whole, prefix);
    buf_init(&query, 0);
    if (token.n)
        put_parameter(&query, "continuation-token", token);
    put_parameter(&query, "list-type", STR("2"));
    put_parameter(&query, "prefix", buf_view(&whole));
    query.failed = query.failed || whole.failed;
    enum err_code code = read_page(s, a, &query, false, l, e);
    buf_release(&query);
    buf_release(&whole);
    return code;
}

static enum err_code list(struct cold_driver *d, struct str prefix, cold_object_fn *fn, void *arg, struct err *e)
{
    struct s3 *s = of(d);
    struct s3_listing l = {.more = true};
    struct arena *a = arena_new(), *next = NULL;
    enum err_code code = a ? ERR_OK : err_nomem(e);
    for (int page = 0; !code && l.more; page++) {
        next = arena_new();
        struct str token = l.token;
        code = !next               ? err_nomem(e)
               : page < PAGES_MOST ? list_page(s, next, prefix, token, &l, e)
                                   : err_set(e, ERR_UNAVAILABLE, NULL, "cold storage's list has no end");
        for (size_t i = 0; !code && i < l.n; i++)
            if (l.objects[i].key.n > s->prefix.n && str_eq(str_take(l.objects[i].key, s->prefix.n), s->prefix))
                code = fn(arg, str_skip(l.objects[i].key, s->prefix.n), l.objects[i].bytes, e);
        arena_free(a); /* the token of the last page was in it */
        a = next;
    }
    arena_free(a);
    return code;
}

/* ---- removing, with every version ---- */

static enum err_code remove_version(struct s3 *s, struct str key, struct str version, struct err *e)
{
    struct s3_reply r = {.status = 0};
    struct buf query;
    buf_init(&query, 0);
    if (version.n)
        put_parameter(&query, "versionId", version);
    const struct s3_request q = {.method = "DELETE", .name = key, .query = buf_view(&query), .most = SMALL};
    struct err why = {0};
    enum err_code code = query.failed ? err_nomem(&why) : ask(s, &q, &r, &why);
    buf_release(&r.body);
    buf_release(&query);
    return code && code != ERR_NOT_FOUND ? err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message)
                                         : ERR_OK;
}

/* The newest at the end, so that whoever is stopped in between finds the object still listed. */
static enum err_code remove_page(struct s3 *s, const struct s3_listing *l, struct str key, bool latest, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < l->n; i++)
        if (str_eq(l->objects[i].key, key) && l->objects[i].version.n && l->objects[i].latest == latest)
            code = remove_version(s, key, l->objects[i].version, e);
    return code;
}

static enum err_code versions_page(struct s3 *s, struct arena *a, struct str key, struct s3_listing *l, struct err *e)
{
    struct buf query;
    buf_init(&query, 0);
    if (l->more && l->key_marker.n)
        put_parameter(&query, "key-marker", l->key_marker);
    put_parameter(&query, "prefix", key);
    if (l->more && l->at_version.n)
        put_parameter(&query, "version-id-marker", l->at_version);
    put_parameter(&query, "versions", STR(""));
    enum err_code code = read_page(s, a, &query, true, l, e);
    buf_release(&query);
    return code;
}

static enum err_code remove_versions(struct s3 *s, struct arena *a, struct str key, struct err *e)
{
    struct s3_listing l = {.more = false}, first;
    enum err_code code = versions_page(s, a, key, &l, e);
    first = l;
    for (int page = 0; !code && page < PAGES_MOST; page++) {
        code = remove_page(s, &l, key, false, e);
        if (code || !l.more)
            break;
        code = versions_page(s, a, key, &l, e);
    }
    return code ? code : remove_page(s, &first, key, true, e); /* the newest is listed first */
}

/* Where versions cannot be listed there must be none: a plain deletion would only put the object out of sight. */
static enum err_code remove_plainly(struct s3 *s, struct str key, struct err *e)
{
    struct s3_reply r = {.status = 0};
    struct err why = {0};
    const struct s3_request q = {.method = "HEAD", .name = key, .most = SMALL};
    enum err_code code = ask(s, &q, &r, &why);
    buf_release(&r.body);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code)
        return err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message);
    if (r.versioned)
        return err_set(e, ERR_DENIED, "cold.bucket",
                       "the bucket keeps older versions of what is deleted, which these keys may not list");
    return remove_version(s, key, STR_NONE, e);
}

static enum err_code remove_object(struct cold_driver *d, struct str name, struct err *e)
{
    struct s3 *s = of(d);
    struct err why = {0};
    struct buf key;
    struct arena *a = arena_new();
    put_name(s, &key, name);
    enum err_code code = a && !key.failed ? remove_versions(s, a, buf_view(&key), &why) : err_nomem(&why);
    if (code == ERR_DENIED || (code == ERR_INVALID && !why.field[0])) /* it may not be listed, or there are none */
        code = remove_plainly(s, buf_view(&key), e);
    else if (code)
        err_set(e, code, why.field[0] ? why.field : NULL, "%s", why.message);
    buf_release(&key);
    arena_free(a);
    return code;
}

/* ---- opening ---- */

static bool made_of(const char *text, const char *letters)
{
    return text[strspn(text, letters)] == '\0';
}

static bool printable(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

#define SMALL_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define LETTERS SMALL_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"

static enum err_code check(const struct cold_bucket *b, struct err *e)
{
    struct err why = {0};
    struct str endpoint = str_of(b->endpoint), prefix = str_of(b->prefix);
    if (forward_check_base(endpoint, &why) || (str_starts(endpoint, "http://") && !forward_is_loopback(endpoint)))
        return err_set(e, ERR_INVALID, "cold.endpoint",
                       "cold.endpoint must be an address like https://host or http://127.0.0.1:port, without "
                       "credentials");
    if (!made_of(b->bucket, SMALL_LETTERS ".") || b->bucket[0] == '.' || b->bucket[0] == '-' || strstr(b->bucket, ".."))
        return err_set(e, ERR_INVALID, "cold.bucket", "cold.bucket is of small letters, digits, - and .");
    if (!made_of(b->region, SMALL_LETTERS))
        return err_set(e, ERR_INVALID, "cold.region", "cold.region is of small letters, digits and -");
    if (!made_of(b->prefix, LETTERS "/") || str_starts(prefix, "/") || strstr(b->prefix, "//") ||
        forward_path_escapes(prefix))
        return err_set(e, ERR_INVALID, "cold.prefix", "cold.prefix is of letters, digits, - _ . and single / between");
    if (!made_of(b->key_id, LETTERS) || !printable(b->key) || (b->token && !printable(b->token)))
        return err_set(e, ERR_INVALID, "cold.key", "cold.key_id and cold.key are no keys: see for spaces in them");
    return ERR_OK;
}

/* Splits the endpoint and puts the bucket where it belongs. */
static bool make_address(struct s3 *s, const struct cold_bucket *b)
{
    struct arena *a = s->arena;
    struct str scheme = str_take(str_of(b->endpoint), str_starts(str_of(b->endpoint), "https") ? 8 : 7);
    struct str rest = str_skip(str_of(b->endpoint), scheme.n), host = str_cut(&rest, '/');
    const char *default_port = scheme.n == 8 ? ":443" : ":80";
    if (str_ends(host, default_port))
        host.n -= strlen(default_port);
    while (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    s->at.host = b->path_style ? arena_cstr(a, host) : arena_fmt(a, "%s.%.*s", b->bucket, STR_ARG(host)).p;
    s->at.origin = arena_fmt(a, "%.*s%s", STR_ARG(scheme), s->at.host ? s->at.host : "").p;
    s->at.base = arena_fmt(a, "%s%.*s%s%s/", rest.n ? "/" : "", STR_ARG(rest), b->path_style ? "/" : "",
                           b->path_style ? b->bucket : "")
                     .p;
    return !arena_failed(a);
}

static bool copy(struct s3 *s, const struct cold_bucket *b)
{
    struct arena *a = s->arena;
    struct str prefix = str_of(b->prefix);
    s->prefix = arena_fmt(a, "%s%s", b->prefix, prefix.n && !str_ends(prefix, "/") ? "/" : "");
    s->at.region = arena_cstr(a, str_of(b->region));
    s->at.key_id = arena_cstr(a, str_of(b->key_id));
    s->at.key = arena_cstr(a, str_of(b->key));
    s->at.token = b->token ? arena_cstr(a, str_of(b->token)) : NULL;
    s->at.timeout_ms = b->timeout_ms;
    return make_address(s, b);
}

static void stop(struct cold_driver *d)
{
    atomic_store(&of(d)->at.stop, true);
}

static void wipe(const char *secret)
{
    if (secret)
        sodium_memzero((char *)(uintptr_t)secret, strlen(secret)); /* our own copy */
}

static void close_s3(struct cold_driver *d)
{
    struct s3 *s = of(d);
    post_idle_release(&s->at.idle);
    wipe(s->at.key);
    wipe(s->at.token);
    arena_free(s->arena);
    mem_free(s);
}

enum err_code s3_dial(const struct cold_bucket *at, struct cold_driver **out, struct err *e)
{
    *out = NULL;
    enum err_code code = check(at, e);
    if (code)
        return code;
    struct s3 *s = mem_zalloc(sizeof *s);
    if (!s)
        return err_nomem(e);
    post_idle_init(&s->at.idle);
    s->driver = (struct cold_driver){
        .put = put, .get = get, .list = list, .remove = remove_object, .stop = stop, .close = close_s3};
    if (sodium_init() < 0 || curl_global_init(CURL_GLOBAL_DEFAULT))
        code = err_set(e, ERR_INTERNAL, NULL, "libcurl does not start");
    s->arena = code ? NULL : arena_new();
    if (!code && (!s->arena || !copy(s, at)))
        code = err_nomem(e);
    if (code)
        close_s3(&s->driver);
    else
        *out = &s->driver;
    return code;
}
