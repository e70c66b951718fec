/* Preparing a request of our own. Not for those that are passed on: upstream.c. */
#include "doors/proxy/post.h"

#include "doors/proxy/forward.h"

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    const struct post_sink *s = arg;
    buf_put(s->answer, bytes, size * n);
    return s->answer->failed ? 0 : size * n;
}

/* Called at least once a second while the request is under way. */
static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    const struct post_sink *s = arg;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return s->stop && atomic_load(s->stop);
}

static bool add_header(struct post *p, const char *line)
{
    struct curl_slist *more = curl_slist_append(p->headers, line);
    if (more)
        p->headers = more;
    return more != NULL;
}

/* ---- handles at rest ---- */

void post_idle_init(struct post_idle *p)
{
    *p = (struct post_idle){.n = 0};
    pthread_mutex_init(&p->lock, NULL);
}

CURL *post_idle_take(struct post_idle *p)
{
    CURL *easy = NULL;
    pthread_mutex_lock(&p->lock);
    if (p->n > 0)
        easy = p->easy[--p->n];
    pthread_mutex_unlock(&p->lock);
    return easy ? easy : curl_easy_init();
}

void post_idle_give(struct post_idle *p, CURL *easy)
{
    if (!easy)
        return;
    curl_easy_reset(easy); /* options go, connections stay */
    pthread_mutex_lock(&p->lock);
    if (p->n < POST_IDLE) {
        p->easy[p->n++] = easy;
        easy = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    if (easy)
        curl_easy_cleanup(easy);
}

void post_idle_release(struct post_idle *p)
{
    while (p->n > 0)
        curl_easy_cleanup(p->easy[--p->n]);
    pthread_mutex_destroy(&p->lock);
}

/* ---- one request ---- */

bool post_rules(CURL *h, const char *url, long connect_ms, long timeout_ms, struct post_sink *sink)
{
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, sink);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, sink);
    if (forward_is_loopback(str_of(url)))
        curl_easy_setopt(h, CURLOPT_PROXY, "");
    return curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK;
}

bool post_prepare(struct post *p, const struct post_to *to)
{
    CURL *h = p->easy;
    if (p->body.failed || !h || !add_header(p, "Content-Type: application/json") || !add_header(p, "Expect:") ||
        (to->key && !add_header(p, to->key)))
        return false;
    p->sink = (struct post_sink){&p->answer, p->stop};
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)p->body.n);
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, p->body.p);
    return curl_easy_setopt(h, CURLOPT_HTTPHEADER, p->headers) == CURLE_OK &&
           post_rules(h, to->url, to->connect_ms, to->timeout_ms, &p->sink);
}
