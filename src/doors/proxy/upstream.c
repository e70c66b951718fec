/* libcurl's multi interface on the proxy's loop (curl_multi_socket_action): only the handle whose socket is ready is
 * touched, whatever the number of streams. */
#include "doors/proxy/upstream.h"

#include "base/clock.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <string.h>

enum { HEADERS_MAX = 256, HEADER_BYTES_MAX = 256 << 10, READ_SIZE = 64 << 10 };

struct upstream {
    struct upstream_options o;
    CURLM *multi;
    struct loop_timer timer;
};

struct upstream_call {
    struct upstream *u;
    CURL *easy;
    struct curl_slist *headers;
    struct upstream_events ev;
    struct arena *arena; /* the answer's headers */
    struct http_header *got;
    size_t n_got;
    bool head_given;
    char error[CURL_ERROR_SIZE];
};

static void call_free(struct upstream_call *c)
{
    if (!c)
        return;
    if (c->easy) {
        curl_multi_remove_handle(c->u->multi, c->easy);
        curl_easy_cleanup(c->easy);
    }
    curl_slist_free_all(c->headers);
    arena_free(c->arena);
    mem_free(c);
}

/* ---- libcurl's side ---- */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct upstream_call *c = arg;
    struct str s = str_trim((struct str){line, size * n});
    if (c->head_given)
        return size * n; /* trailers */
    if (!s.n) {
        long status = 0;
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200) {
            c->head_given = true;
            c->ev.head(c->ev.arg, (int)status, c->got, c->n_got);
        }
        return size * n;
    }
    if (str_starts(s, "HTTP/")) { /* a new answer: what came before was only provisional */
        arena_reset(c->arena);
        c->got = arena_array(c->arena, struct http_header, HEADERS_MAX);
        c->n_got = 0;
        return c->got ? size * n : 0;
    }
    if (c->n_got == HEADERS_MAX || !c->got)
        return 0;
    struct str value = s, name = str_cut(&value, ':');
    c->got[c->n_got].name = arena_str(c->arena, str_trim(name));
    c->got[c->n_got].value = arena_str(c->arena, value.p ? str_trim(value) : STR(""));
    c->n_got++;
    return arena_failed(c->arena) ? 0 : size * n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct upstream_call *c = arg;
    return c->ev.data(c->ev.arg, (struct str){bytes, size * n}) ? size * n : CURL_WRITEFUNC_PAUSE;
}

static void fail_text(struct upstream_call *c, CURLcode code, struct err *e)
{
    const char *why = c->error[0] ? c->error : curl_easy_strerror(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        err_set(e, ERR_TIMEOUT, NULL, "the upstream did not answer in time (%s)", why);
    else if (code == CURLE_OUT_OF_MEMORY)
        err_nomem(e);
    else if (c->head_given)
        err_set(e, ERR_UNAVAILABLE, NULL, "the upstream broke off its answer (%s)", why);
    else
        err_set(e, ERR_UNAVAILABLE, NULL, "the upstream cannot be reached (%s)", why);
}

static void finish_calls(struct upstream *u)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(u->multi, &left)) != NULL) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct upstream_call *c = NULL;
        CURLcode code = m->data.result;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        struct err e = {0};
        if (code != CURLE_OK)
            fail_text(c, code, &e);
        struct upstream_events ev = c->ev;
        call_free(c);
        ev.done(ev.arg, e.code, &e);
    }
}

static void on_ready(void *arg, int fd, unsigned events)
{
    struct upstream *u = arg;
    int what = 0, running;
    if (events & LOOP_READ)
        what |= CURL_CSELECT_IN;
    if (events & LOOP_WRITE)
        what |= CURL_CSELECT_OUT;
    if (events & LOOP_ERROR)
        what |= CURL_CSELECT_ERR;
    curl_multi_socket_action(u->multi, fd, what, &running);
    finish_calls(u);
}

static void on_timer(void *arg)
{
    struct upstream *u = arg;
    int running;
    curl_multi_socket_action(u->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_calls(u);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct upstream *u = arg;
    (void)multi;
    if (ms < 0)
        loop_timer_clear(u->o.loop, &u->timer);
    else
        loop_timer_set(u->o.loop, &u->timer, clock_mono_us() + ms * INT64_C(1000));
    return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct upstream *u = arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        loop_watch(u->o.loop, fd, 0, true);
        return 0;
    }
    unsigned events = 0;
    if (what & CURL_POLL_IN)
        events |= LOOP_READ;
    if (what & CURL_POLL_OUT)
        events |= LOOP_WRITE;
    if (!loop_watch(u->o.loop, fd, events, known != NULL))
        return -1;
    curl_multi_assign(u->multi, fd, u); /* anything but NULL says: known */
    return 0;
}

/* ---- our side ---- */

enum err_code upstream_new(const struct upstream_options *o, struct upstream **out, struct err *e)
{
    struct upstream *u = mem_zalloc(sizeof *u);
    if (!u)
        return err_nomem(e);
    u->o = *o;
    u->timer = (struct loop_timer){.fn = on_timer, .arg = u};
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        mem_free(u);
        return err_set(e, ERR_INTERNAL, NULL, "libcurl does not start");
    }
    u->multi = curl_multi_init();
    if (!u->multi) {
        upstream_free(u);
        return err_nomem(e);
    }
    curl_multi_setopt(u->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(u->multi, CURLMOPT_SOCKETDATA, u);
    curl_multi_setopt(u->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(u->multi, CURLMOPT_TIMERDATA, u);
    curl_multi_setopt(u->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(u->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)o->max_active);
    curl_multi_setopt(u->multi, CURLMOPT_MAXCONNECTS, (long)o->max_active);
    loop_on_ready(o->loop, on_ready, u);
    *out = u;
    return ERR_OK;
}

void upstream_free(struct upstream *u)
{
    if (!u)
        return;
    if (u->multi)
        curl_multi_cleanup(u->multi);
    loop_timer_clear(u->o.loop, &u->timer);
    curl_global_cleanup();
    mem_free(u);
}

static bool add_header(struct upstream_call *c, const char *line)
{
    struct curl_slist *more = curl_slist_append(c->headers, line);
    if (more)
        c->headers = more;
    return more != NULL;
}

static bool has_header(const struct upstream_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_ieq(r->headers[i].name, str_of(name)))
            return true;
    return false;
}

/* The headers given and no others: those that libcurl would add by itself are taken away. */
static bool set_headers(struct upstream_call *c, const struct upstream_request *r)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        const struct http_header *h = &r->headers[i];
        struct str line = h->value.n ? arena_fmt(c->arena, "%.*s: %.*s", STR_ARG(h->name), STR_ARG(h->value))
                                     : arena_fmt(c->arena, "%.*s;", STR_ARG(h->name));
        if (!line.p || !add_header(c, line.p))
            return false;
    }
    static const char *const ours[] = {"Accept", "Content-Type", "User-Agent", "Expect"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        struct str line = arena_fmt(c->arena, "%s:", ours[i]);
        if (!has_header(r, ours[i]) && (!line.p || !add_header(c, line.p)))
            return false;
    }
    arena_reset(c->arena);
    return curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers) == CURLE_OK;
}

static bool set_request(struct upstream_call *c, const struct upstream_request *r)
{
    CURL *h = c->easy;
    bool ok = curl_easy_setopt(h, CURLOPT_URL, r->url) == CURLE_OK;
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    if (r->body.p) {
        ok = ok && curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) == CURLE_OK &&
             curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body.n ? r->body.p : "") == CURLE_OK;
    }
    ok = ok && curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK;
    return ok && set_headers(c, r);
}

static void set_transport(struct upstream_call *c)
{
    const struct upstream_options *o = &c->u->o;
    CURL *h = c->easy;
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)READ_SIZE);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)o->total_timeout_ms);
    if (o->loopback)
        curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(h, CURLOPT_PRIVATE, c);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
}

enum err_code upstream_send(struct upstream *u, const struct upstream_request *r, const struct upstream_events *ev,
                            struct upstream_call **out, struct err *e)
{
    struct upstream_call *c = mem_zalloc(sizeof *c);
    if (!c)
        return err_nomem(e);
    c->u = u;
    c->ev = *ev;
    c->arena = arena_new();
    c->easy = curl_easy_init();
    if (!c->arena || !c->easy) {
        call_free(c);
        return err_nomem(e);
    }
    arena_limit(c->arena, HEADER_BYTES_MAX);
    set_transport(c);
    if (!set_request(c, r)) {
        call_free(c);
        return err_nomem(e);
    }
    if (curl_multi_add_handle(u->multi, c->easy) != CURLM_OK) {
        call_free(c);
        return err_set(e, ERR_UNAVAILABLE, NULL, "the request to the upstream cannot be started");
    }
    *out = c;
    return ERR_OK;
}

void upstream_resume(struct upstream_call *c)
{
    curl_easy_pause(c->easy, CURLPAUSE_CONT);
}

void upstream_cancel(struct upstream_call *c)
{
    call_free(c);
}
