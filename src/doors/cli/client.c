/* The server's client: one HTTP request over the Unix socket in the data folder. A socket file that a killed
 * server left behind refuses the connection; then there is no server, and the caller opens the data itself. */
#include "doors/cli/command.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/file.h"

enum { CONNECT_MS = 1000, TOTAL_S = 120, REPLY_MAX = 256 << 20 };

struct reply {
    struct buf body;
    struct arena *arena;
    struct str next_cursor;
};

/* For curl: fewer bytes than it gave make it stop with CURLE_WRITE_ERROR. */
static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
    struct reply *r = arg;
    buf_put(&r->body, p, size * n);
    return r->body.failed ? 0 : size * n;
}

/* Link: <…?cursor=XYZ&limit=5>; rel="next" */
static size_t take_header(char *p, size_t size, size_t n, void *arg)
{
    struct reply *r = arg;
    struct str line = {p, size * n};
    if (line.n < 5 || !str_ieq(str_take(line, 5), STR("link:")) || str_find(line, STR("rel=\"next\"")) < 0)
        return size * n;
    ptrdiff_t at = str_find(line, STR("cursor="));
    if (at >= 0 && !r->next_cursor.p) {
        struct str c = str_skip(line, (size_t)at + 7);
        size_t end = 0;
        while (end < c.n && c.p[end] != '&' && c.p[end] != '>' && c.p[end] != '"')
            end++;
        r->next_cursor = arena_str(r->arena, str_take(c, end));
    }
    return size * n;
}

/* No proxy of the environment may come between; a name is needed in the URL, but is not looked up. */
static enum err_code set_options(CURL *h, struct cli *c, const char *socket, const char *url, const char *method,
                                 struct str body, struct reply *r, struct err *e)
{
    CURLcode bad = curl_easy_setopt(h, CURLOPT_UNIX_SOCKET_PATH, socket);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_URL, url);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L); /* an id may be ".." */
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_PROXY, "");
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_TIMEOUT, c->patience_s ? c->patience_s : (long)TOTAL_S);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_WRITEDATA, r);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
    bad = bad ? bad : curl_easy_setopt(h, CURLOPT_HEADERDATA, r);
    if (!bad && body.p) {
        bad = curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        bad = bad ? bad : curl_easy_setopt(h, CURLOPT_POSTFIELDS, body.p);
    }
    if (bad)
        return err_set(e, ERR_INTERNAL, NULL, "cannot prepare a request to the server on %s: %s", c->data,
                       curl_easy_strerror(bad));
    return ERR_OK;
}

/* Only a connection that nobody took counts as "no server": after that the request may have been carried out,
 * and doing it again here could do it twice. */
static enum err_code perform(CURL *h, struct cli *c, struct reply *r, bool *running, struct err *e)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!headers || curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers)) {
        curl_slist_free_all(headers);
        return err_nomem(e);
    }
    CURLcode got = curl_easy_perform(h);
    curl_slist_free_all(headers);
    *running = got != CURLE_COULDNT_CONNECT;
    if (got == CURLE_OK || !*running)
        return ERR_OK;
    if (r->body.failed)
        return err_set(e, ERR_TOO_LARGE, NULL, "the server's answer is longer than %d MiB", REPLY_MAX >> 20);
    if (got == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, NULL, "the server that has %s did not answer within %ld s", c->data,
                       c->patience_s ? c->patience_s : (long)TOTAL_S);
    return err_set(e, ERR_UNAVAILABLE, NULL, "the server that has %s broke off: %s", c->data, curl_easy_strerror(got));
}

static enum err_code request(CURL *h, struct cli *c, const char *socket, const char *method, struct str target,
                             struct str body, struct client_reply *out, bool *running, struct err *e)
{
    struct reply r = {.arena = c->arena};
    long status = 0;
    struct str url = arena_fmt(c->arena, "http://cairn%.*s", STR_ARG(target));
    if (!url.p)
        return err_nomem(e);
    buf_init(&r.body, REPLY_MAX);
    enum err_code code = set_options(h, c, socket, url.p, method, body, &r, e);
    if (!code)
        code = perform(h, c, &r, running, e);
    if (!code && *running) {
        curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
        out->status = (int)status;
        out->body = arena_str(c->arena, r.body.n ? buf_view(&r.body) : STR(""));
        out->next_cursor = r.next_cursor;
        if (!out->body.p)
            code = err_nomem(e);
    }
    buf_release(&r.body);
    return code;
}

enum err_code client_request(struct cli *c, const char *method, struct str target, struct str body,
                             struct client_reply *out, bool *running, struct err *e)
{
    struct str path = arena_fmt(c->arena, "%s/cairn.sock", c->data);
    *running = false;
    *out = (struct client_reply){0};
    if (!path.p)
        return err_nomem(e);
    if (path.n >= sizeof((struct sockaddr_un *)0)->sun_path || !file_exists(path.p))
        return ERR_OK; /* such a path cannot be a socket's: the server has none then */
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return err_nomem(e);
    CURL *h = curl_easy_init();
    enum err_code code = h ? request(h, c, path.p, method, target, body, out, running, e) : err_nomem(e);
    curl_easy_cleanup(h);
    curl_global_cleanup();
    return code;
}

/* An answer of any kind, even an error, shows that somebody is there. */
bool client_server_runs(struct cli *c)
{
    struct client_reply r;
    bool running = false;
    enum err_code code = client_request(c, "GET", STR("/health"), STR_NONE, &r, &running, NULL);
    return running || code;
}
