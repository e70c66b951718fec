/* Streamed answers: a ring between one producer (any thread) and libmicrohttpd's reader (an HTTP thread).
 *
 * The reader finds the ring empty: the connection is parked, the next write wakes it. The producer finds the ring
 * full: its write is cut short, and `writable` is called when the reader has emptied half of it. The ring starts
 * small and grows to the window, because most streams never hold more than a few events. */
#include "base/mem.h"
#include "doors/http/http_int.h"

#include <string.h>
#include <sys/socket.h>

enum { RING_FIRST = 8 * 1024 };

/* ---- the ring ---- */

/* Doubles up to the window; what is in it is laid out from the start again. */
static bool ring_grow(struct ring *g, size_t want)
{
    size_t cap = g->cap ? g->cap : RING_FIRST;
    while (cap < want)
        cap *= 2;
    if (cap > HTTP_WINDOW)
        cap = HTTP_WINDOW;
    if (cap == g->cap)
        return true;
    char *p = mem_alloc(cap);
    if (!p)
        return false;
    size_t first = g->cap - g->start < g->n ? g->cap - g->start : g->n;
    if (g->n) {
        memcpy(p, g->p + g->start, first);
        memcpy(p + first, g->p, g->n - first);
    }
    mem_free(g->p);
    g->p = p;
    g->cap = cap;
    g->start = 0;
    return true;
}

/* Takes what fits, also when it could not grow. */
static size_t ring_put(struct ring *g, struct str s)
{
    if (g->n + s.n > g->cap && !ring_grow(g, g->n + s.n) && g->cap == g->n)
        return 0;
    size_t room = g->cap - g->n, n = s.n < room ? s.n : room;
    size_t at = g->cap ? (g->start + g->n) % g->cap : 0;
    size_t first = g->cap - at < n ? g->cap - at : n;
    if (n) {
        memcpy(g->p + at, s.p, first);
        memcpy(g->p, s.p + first, n - first);
    }
    g->n += n;
    return n;
}

static size_t ring_take(struct ring *g, char *to, size_t max)
{
    size_t n = g->n < max ? g->n : max;
    size_t first = g->cap - g->start < n ? g->cap - g->start : n;
    if (n == 0)
        return 0;
    memcpy(to, g->p + g->start, first);
    memcpy(to + first, g->p, n - first);
    g->n -= n;
    g->start = g->n ? (g->start + n) % g->cap : 0; /* empty: from the start, so that few pages are touched */
    return n;
}

void stream_release(struct http_stream *s)
{
    mem_free(s->ring.p);
    memset(s, 0, sizeof(*s));
}

/* ---- the producer's side ---- */

static struct http_request *request_of(struct http_stream *s)
{
    return (struct http_request *)((char *)s - offsetof(struct http_request, stream));
}

struct http_stream *http_stream_begin(struct http_request *r, int status, const struct http_header *headers, size_t n,
                                      int64_t length, const struct http_stream_events *ev)
{
    struct http_header *h = answer_copy_headers(r, headers, n);
    if (!h) {
        struct err e = {0};
        err_nomem(&e);
        http_answer_error(r, &e);
        return NULL;
    }
    pthread_mutex_lock(&r->mu);
    r->on_gone = NULL;
    request_quiet(r);
    r->status = status;
    r->reply_headers = h;
    r->n_reply_headers = n;
    r->stream.length = length;
    if (ev)
        r->stream.ev = *ev;
    request_state(r, REQ_STREAMING);
    request_tell_later(r);
    request_unlock_wake(r);
    return &r->stream;
}

size_t http_stream_write(struct http_stream *s, struct str bytes)
{
    struct http_request *r = request_of(s);
    pthread_mutex_lock(&r->mu);
    if (r->gone || r->over) {
        pthread_mutex_unlock(&r->mu);
        return bytes.n;
    }
    size_t taken = ring_put(&s->ring, bytes);
    s->wants_writable = taken < bytes.n;
    if (taken == 0 && s->ring.n == 0 && bytes.n > 0) { /* no memory for a ring at all: the stream breaks off */
        taken = bytes.n;
        s->wants_writable = false;
        r->gone = true;
        request_tell_later(r);
    }
    if (taken > 0)
        request_unlock_wake(r);
    else
        pthread_mutex_unlock(&r->mu);
    return taken;
}

void http_stream_end(struct http_stream *s, bool ok)
{
    struct http_request *r = request_of(s);
    pthread_mutex_lock(&r->mu);
    s->ev.gone = NULL;
    s->wants_writable = false;
    request_quiet(r);
    s->ok = ok;
    request_state(r, REQ_ENDED);
    request_unlock_wake(r);
    request_unref(r);
}

/* ---- the reader's side ---- */

/* With the ring empty: what the reader is told. Under mu. */
static ssize_t read_nothing(struct http_request *r)
{
    struct http_stream *s = &r->stream;
    if (r->state == REQ_ENDED) {
        bool whole = s->ok && (s->length < 0 || s->sent == s->length);
        return whole ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (atomic_load(&r->srv->stopping))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    MHD_suspend_connection(r->mhd);
    r->parked = true;
    return 0;
}

ssize_t stream_read(void *cls, uint64_t pos, char *to, size_t max)
{
    (void)pos;
    struct http_request *r = cls;
    struct http_stream *s = &r->stream;
    ssize_t result = MHD_CONTENT_READER_END_WITH_ERROR;
    pthread_mutex_lock(&r->mu);
    if (!r->gone) {
        size_t n = ring_take(&s->ring, to, max);
        s->sent += (int64_t)n;
        result = n ? (ssize_t)n : read_nothing(r);
        if (n && s->wants_writable && s->ring.n <= HTTP_WINDOW / 2) {
            s->wants_writable = false;
            request_call(r, s->ev.writable, s->ev.arg);
        }
    }
    pthread_mutex_unlock(&r->mu);
    if (result == MHD_CONTENT_READER_END_WITH_ERROR)
        /* libmicrohttpd closes the socket only at its next event, which may be the client's own time-out. */
        shutdown(r->conn->fd, SHUT_RDWR);
    return result;
}

void stream_let_go(struct http_request *r)
{
    struct http_stream *s = &r->stream;
    if (r->state != REQ_STREAMING || !s->wants_writable)
        return;
    s->wants_writable = false; /* nobody reads any more: writes are taken and dropped, which he has to learn */
    request_call(r, s->ev.writable, s->ev.arg);
}
