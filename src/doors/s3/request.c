/* Signing, sending, and trying again. See request.h. */
#include "doors/s3/request.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "doors/proxy/post.h"
#include "doors/s3/listing.h"
#include "doors/s3/sign.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TRIES = 3, WAIT_MS = 200, WAIT_MOST_MS = 5000, CONNECT_MS = 10000, NAP_MS = 20, SPARE = 64 << 10 };

/* ---- one try ---- */

struct attempt {
    struct s3_at *at;
    const struct s3_request *q;
    struct buf path, url, authorization;
    char hash[S3_HASH], time[S3_TIME];
    struct curl_slist *headers;
    bool failed;
};

static void add_header(struct attempt *t, const char *name, const char *value)
{
    struct buf line;
    buf_init(&line, 0);
    buf_fmt(&line, value ? "%s: %s" : "%s:", name, value); /* without a value: not sent */
    buf_char(&line, '\0');
    struct curl_slist *more = line.failed ? NULL : curl_slist_append(t->headers, line.p);
    t->failed = t->failed || !more;
    t->headers = more ? more : t->headers;
    buf_release(&line);
}

static void sign(struct attempt *t)
{
    const struct s3_at *at = t->at;
    const struct s3_header headers[] = {{"host", str_of(at->host)},
                                        {"x-amz-content-sha256", str_of(t->hash)},
                                        {"x-amz-date", str_of(t->time)},
                                        {"x-amz-security-token", str_of(at->token)}};
    const struct s3_to_sign s = {.key_id = at->key_id,
                                 .key = at->key,
                                 .region = at->region,
                                 .method = t->q->method,
                                 .path = buf_view(&t->path),
                                 .query = t->q->query,
                                 .headers = headers,
                                 .n_headers = at->token ? 4 : 3,
                                 .body_sha256 = t->hash,
                                 .time = t->time};
    s3_sign(&s, &t->authorization);
    buf_char(&t->authorization, '\0');
    t->failed = t->failed || t->authorization.failed;
    if (t->failed)
        return;
    for (size_t i = 0; i < s.n_headers; i++) {
        char *value = mem_alloc(headers[i].value.n + 1);
        t->failed = t->failed || !value;
        if (value)
            (void)snprintf(value, headers[i].value.n + 1, "%.*s", STR_ARG(headers[i].value));
        if (value)
            add_header(t, headers[i].name, value);
        mem_free(value);
    }
    add_header(t, "Authorization", t->authorization.p);
    add_header(t, "Content-Type", t->q->body.p ? "application/octet-stream" : NULL);
    add_header(t, "Expect", NULL);
}

static void prepare(struct attempt *t)
{
    buf_init(&t->path, 0);
    buf_init(&t->url, 0);
    buf_init(&t->authorization, 0);
    buf_cstr(&t->path, t->at->base);
    s3_encode(&t->path, t->q->name, true);
    buf_fmt(&t->url, "%s%.*s%s%.*s", t->at->origin, STR_ARG(buf_view(&t->path)), t->q->query.n ? "?" : "",
            STR_ARG(t->q->query));
    buf_char(&t->url, '\0');
    t->failed = t->path.failed || t->url.failed;
    id_sha256(t->q->body, t->hash);
    s3_time(clock_now_ms(), t->time);
    sign(t);
}

static void release(struct attempt *t)
{
    buf_release(&t->path);
    buf_release(&t->url);
    buf_release(&t->authorization);
    curl_slist_free_all(t->headers);
}

static CURLcode perform(struct attempt *t, CURL *easy, struct s3_reply *out, int64_t *after_ms)
{
    struct post_sink sink = {.answer = &out->body, .stop = &t->at->stop};
    struct curl_header *h = NULL;
    curl_off_t after = 0;
    bool ready = post_rules(easy, t->url.p, CONNECT_MS, t->at->timeout_ms, &sink) &&
                 curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
                 curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, t->q->method) == CURLE_OK &&
                 curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
    if (ready && strcmp(t->q->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (ready && t->q->body.p) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->q->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->q->body.p);
    }
    CURLcode rc = ready ? curl_easy_perform(easy) : CURLE_OUT_OF_MEMORY;
    if (rc)
        return rc;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out->status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after);
    *after_ms = after > 0 ? (int64_t)after * 1000 : 0;
    out->versioned = curl_easy_header(easy, "x-amz-version-id", 0, CURLH_HEADER, -1, &h) == CURLHE_OK;
    if (out->status >= 300)
        s3_error_code(buf_view(&out->body), out->code);
    return CURLE_OK;
}

static CURLcode try_once(struct s3_at *at, const struct s3_request *q, struct s3_reply *out, int64_t *after_ms)
{
    struct attempt t = {.at = at, .q = q};
    buf_clear(&out->body);
    out->status = 0;
    out->code[0] = '\0';
    prepare(&t);
    CURL *easy = t.failed || mem_fail_now() ? NULL : post_idle_take(&at->idle);
    CURLcode rc = easy ? perform(&t, easy, out, after_ms) : CURLE_OUT_OF_MEMORY;
    post_idle_give(&at->idle, easy);
    release(&t);
    return rc;
}

/* ---- again ---- */

static bool worth_again(CURLcode rc, long status)
{
    switch (rc) {
    case CURLE_OK:
        return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return true;
    default: /* what took too long once is not asked for three times as long */
        return false;
    }
}

/* False: we are stopping. */
static bool wait_for(const struct s3_at *at, int64_t ms)
{
    const struct timespec nap = {0, NAP_MS * 1000000L};
    for (int64_t end = clock_mono_us() + ms * 1000; clock_mono_us() < end;) {
        if (atomic_load(&at->stop))
            return false;
        nanosleep(&nap, NULL);
    }
    return !atomic_load(&at->stop);
}

/* Not libcurl's own words, which name the host. */
static enum err_code not_sent(CURLcode rc, const struct s3_reply *r, struct err *e)
{
    if (rc == CURLE_OUT_OF_MEMORY)
        return err_nomem(e);
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, NULL, "cold storage's server did not answer in time");
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return err_set(e, ERR_UNAVAILABLE, NULL, "cold storage is asked no more: we are stopping");
    if (rc == CURLE_WRITE_ERROR && r->body.failed)
        return err_set(e, ERR_TOO_LARGE, NULL, "the answer of cold storage's server is longer than it may be");
    return err_set(e, ERR_UNAVAILABLE, NULL, "cold storage's server cannot be asked (%s)", curl_easy_strerror(rc));
}

enum err_code s3_ask(struct s3_at *at, const struct s3_request *q, struct s3_reply *out, struct err *e)
{
    CURLcode rc = CURLE_ABORTED_BY_CALLBACK;
    int64_t after_ms = 0, wait_ms = 0;
    *out = (struct s3_reply){.status = 0};
    buf_init(&out->body, q->most > SPARE ? q->most : SPARE); /* an error's words have room in any case */
    for (int i = 0; i < TRIES && (i == 0 || worth_again(rc, out->status)); i++) {
        wait_ms = i == 0 ? 0 : after_ms ? after_ms : (int64_t)WAIT_MS << i;
        after_ms = 0;
        rc = wait_for(at, wait_ms < WAIT_MOST_MS ? wait_ms : WAIT_MOST_MS) ? try_once(at, q, out, &after_ms)
                                                                           : CURLE_ABORTED_BY_CALLBACK;
    }
    if (!rc)
        return ERR_OK;
    out->status = 0;
    return not_sent(rc, out, e);
}
