/* Operations that write their answer in pieces (OP_STREAM): the worker that runs one waits while its client is slow.
 * So that slow clients cannot take all workers, at most half of them stream at a time, and one that takes nothing for
 * half a minute is cut off. An error before the first piece is answered like any other; after it the connection is
 * cut, so that the client sees that the answer is not whole. */
#include "base/clock.h"
#include "base/log.h"
#include "doors/http/http_int.h"

#include <errno.h>

enum { STALLED_MS = 30000 };

static void on_writable(void *arg)
{
    struct run_stream *rs = arg;
    pthread_mutex_lock(&rs->mu);
    rs->room = true;
    pthread_cond_signal(&rs->some);
    pthread_mutex_unlock(&rs->mu);
}

static void on_gone(void *arg)
{
    struct run_stream *rs = arg;
    pthread_mutex_lock(&rs->mu);
    rs->gone = true;
    pthread_cond_signal(&rs->some);
    pthread_mutex_unlock(&rs->mu);
}

/* False: he has left, or takes nothing. */
static bool wait_for_room(struct run_stream *rs)
{
    struct timespec at;
    int rc = 0;
    clock_after(STALLED_MS, &at);
    pthread_mutex_lock(&rs->mu);
    while (!rs->room && !rs->gone && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&rs->some, &rs->mu, &at);
    bool room = rs->room && !rs->gone;
    rs->room = false;
    pthread_mutex_unlock(&rs->mu);
    return room;
}

static enum err_code begin(struct http_request *r, struct run_stream *rs, struct err *e)
{
    const struct http_stream_events ev = {.writable = on_writable, .gone = on_gone, .arg = rs};
    struct http_header h[RUN_HEADERS];
    size_t n = run_headers(r, h);
    rs->stream = http_stream_begin(r, r->call.status, h, n, -1, &ev);
    rs->answered = true; /* also when it could not begin: then with a 500 */
    return rs->stream ? ERR_OK : err_nomem(e);
}

static enum err_code flush(struct op_call *call, struct err *e)
{
    struct http_request *r = call->door;
    struct run_stream *rs = r->run_stream;
    enum err_code code = rs->stream ? ERR_OK : begin(r, rs, e);
    struct str rest = buf_view(&r->out);
    while (!code && rest.n) {
        rest = str_skip(rest, http_stream_write(rs->stream, rest));
        if (rest.n && !wait_for_room(rs))
            code = err_set(e, ERR_UNAVAILABLE, NULL, "the client takes no more of the answer");
    }
    pthread_mutex_lock(&rs->mu);
    bool gone = rs->gone;
    pthread_mutex_unlock(&rs->mu);
    buf_clear(&r->out);
    return !code && gone ? err_set(e, ERR_UNAVAILABLE, NULL, "the client has left") : code;
}

/* True: the answer is over, or nobody waits for one. */
static bool end(struct http_request *r, struct run_stream *rs, enum err_code code, struct err *e)
{
    if (!rs->answered)
        return false;
    if (!code && rs->stream)
        code = flush(&r->call, e);
    if (code)
        log_event(LOG_INFO, "stream_broken_off", L_STR("request_id", r->id), L_STR("route", r->route->pattern),
                  L_CSTR("message", e->message));
    if (rs->stream)
        http_stream_end(rs->stream, code == ERR_OK);
    return true;
}

bool run_streamed(struct http_request *r, enum err_code *code, struct err *e)
{
    struct run_stream rs = {0};
    pthread_condattr_t monotonic;
    atomic_int *streams = &r->srv->streams;
    bool over = false;
    if (atomic_fetch_add(streams, 1) >= (r->srv->work.n_threads + 1) / 2) {
        *code = err_set(e, ERR_UNAVAILABLE, NULL, "other downloads are under way; try again in a moment");
        e->retry_after_ms = 1000;
    } else {
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_mutex_init(&rs.mu, NULL);
        pthread_cond_init(&rs.some, &monotonic);
        pthread_condattr_destroy(&monotonic);
        r->run_stream = &rs;
        r->call.flush = flush;
        *code = op_run(&r->call, e);
        over = end(r, &rs, *code, e); /* r may be gone after it */
        pthread_cond_destroy(&rs.some);
        pthread_mutex_destroy(&rs.mu);
    }
    atomic_fetch_sub(streams, 1);
    return over;
}
