/* Preparing a request of our own. Not for those that are passed on: upstream.c. */
#include "doors/proxy/post.h"

#include "doors/proxy/forward.h"

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct post *p = arg;
    buf_put(&p->answer, bytes, size * n);
    return p->answer.failed ? 0 : size * n;
}

/* Called at least once a second while the request is under way. */
static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    const struct post *p = arg;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return p->stop && atomic_load(p->stop);
}

static bool add_header(struct post *p, const char *line)
{
    struct curl_slist *more = curl_slist_append(p->headers, line);
    if (more)
        p->headers = more;
    return more != NULL;
}

bool post_prepare(struct post *p, const struct post_to *to)
{
    CURL *h = p->easy;
    if (p->body.failed || !h || !add_header(p, "Content-Type: application/json") || !add_header(p, "Expect:") ||
        (to->key && !add_header(p, to->key)))
        return false;
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, to->connect_ms);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, to->timeout_ms);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, p);
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.n);
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, p->body.p);
    if (forward_is_loopback(str_of(to->url)))
        curl_easy_setopt(h, CURLOPT_PROXY, "");
    return curl_easy_setopt(h, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK &&
           curl_easy_setopt(h, CURLOPT_URL, to->url) == CURLE_OK;
}
