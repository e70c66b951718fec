/* Requests: their pool, their references, their states, and what is called when a client leaves.
 *
 *   READING ── dispatch ──> RUNNING ── http_answer ──────> ANSWERED
 *      │                       └────── http_stream_begin ─> STREAMING ── http_stream_end ─> ENDED
 *      └── refused by the door itself ──────────────────> ANSWERED
 *
 * `parked` (the connection is suspended in libmicrohttpd) is only ever true in RUNNING and STREAMING, never when
 * `over`. Suspending and resuming both happen under the request's mutex and go with that flag, so a resume can
 * never overtake the suspend it belongs to. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "doors/http/http_int.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_MAX = 64, KEEP_BYTES = 64 * 1024 };

void mutex_init_short(pthread_mutex_t *mu)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(mu, &attr);
    pthread_mutexattr_destroy(&attr);
}

static void request_destroy(struct http_request *r)
{
    arena_free(r->arena);
    buf_release(&r->in);
    buf_release(&r->out);
    pthread_cond_destroy(&r->called);
    pthread_mutex_destroy(&r->mu);
    mem_free(r);
}

static struct http_request *request_make(void)
{
    struct http_request *r = mem_zalloc(sizeof(*r));
    if (!r)
        return NULL;
    r->arena = arena_new();
    if (!r->arena) {
        mem_free(r);
        return NULL;
    }
    mutex_init_short(&r->mu);
    pthread_cond_init(&r->called, NULL);
    buf_init(&r->in, 0);
    buf_init(&r->out, 0);
    return r;
}

struct http_request *request_new(struct http_server *s)
{
    struct request_pool *p = &s->pool;
    pthread_mutex_lock(&p->mu);
    struct http_request *r = p->free;
    if (r) {
        p->free = r->next;
        p->n_free--;
    }
    pthread_mutex_unlock(&p->mu);
    if (!r)
        r = request_make();
    if (!r)
        return NULL;
    r->srv = s;
    r->next = NULL;
    atomic_store_explicit(&r->refs, 1, memory_order_relaxed);
    r->state = REQ_READING;
    r->began_us = clock_mono_us();
    atomic_fetch_add(&s->live, 1);
    return r;
}

struct audit_from http_from(const struct http_request *r)
{
    return (struct audit_from){r->local ? "unix" : "http", str_of(r->from)};
}

/* One large body must not make a pooled request large for ever. */
static void buf_reuse(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_release(b);
    buf_clear(b);
    b->max = 0;
}

/* Back to the pool, blank but for its memory. */
static void request_recycle(struct http_request *r)
{
    struct http_server *s = r->srv;
    struct request_pool *p = &s->pool;
    stream_release(&r->stream);
    arena_reset(r->arena);
    buf_reuse(&r->in);
    buf_reuse(&r->out);
    r->conn = NULL;
    r->mhd = NULL;
    r->method = r->path = r->query = r->id = STR_NONE;
    r->headers = r->reply_headers = NULL;
    r->n_headers = r->n_reply_headers = 0;
    r->body_max = r->swallowed = 0;
    r->seen_head = r->refused = r->close = r->local = r->http10 = r->explained = false;
    r->route = NULL;
    r->cors = STR_NONE;
    r->peer_n = 0;
    r->limit = (struct limit_verdict){0};
    r->call.caller = NULL; /* nobody inherits anybody's rights */
    r->parked = r->over = r->gone = r->telling = false;
    r->on_gone = NULL;
    atomic_init(&r->left, false);
    r->status = 0;
    pthread_mutex_lock(&p->mu);
    bool keep = p->n_free < POOL_MAX;
    if (keep) {
        r->next = p->free;
        p->free = r;
        p->n_free++;
    }
    pthread_mutex_unlock(&p->mu);
    if (!keep)
        request_destroy(r);
    atomic_fetch_sub(&s->live, 1); /* last: http_stop waits for it before it frees the pool */
}

void request_pool_free(struct http_server *s)
{
    while (s->pool.free) {
        struct http_request *r = s->pool.free;
        s->pool.free = r->next;
        request_destroy(r);
    }
    s->pool.n_free = 0;
}

void request_ref(struct http_request *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
}

void request_unref(struct http_request *r)
{
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        request_recycle(r);
}

void request_state(struct http_request *r, enum req_state to)
{
    /* For each state, the states that may come before it. */
    static const unsigned FROM[] = {
        [REQ_READING] = 0,
        [REQ_RUNNING] = 1u << REQ_READING,
        [REQ_ANSWERED] = 1u << REQ_READING | 1u << REQ_RUNNING,
        [REQ_STREAMING] = 1u << REQ_RUNNING,
        [REQ_ENDED] = 1u << REQ_STREAMING,
    };
    bool fine = (FROM[to] & (1u << r->state)) != 0;
    fine = fine && (!r->parked || (!r->over && (r->state == REQ_RUNNING || r->state == REQ_STREAMING)));
    if (!fine) {
        log_event(LOG_ERROR, "http_state_bug", L_INT("from", r->state), L_INT("to", to), L_INT("parked", r->parked),
                  L_INT("over", r->over));
        abort();
    }
    r->state = to;
}

void request_quiet(struct http_request *r)
{
    while (r->calling && !pthread_equal(r->caller, pthread_self()))
        pthread_cond_wait(&r->called, &r->mu);
}

void request_call(struct http_request *r, void (*fn)(void *), void *arg)
{
    if (!fn)
        return;
    request_quiet(r);
    /* A callback may end its own stream, which may call another: `calling` then stays until the outer one returns. */
    bool nested = r->calling;
    r->calling = true;
    r->caller = pthread_self();
    pthread_mutex_unlock(&r->mu);
    fn(arg);
    pthread_mutex_lock(&r->mu);
    if (!nested) {
        r->calling = false;
        pthread_cond_broadcast(&r->called);
    }
}

void request_unlock_wake(struct http_request *r)
{
    bool wake = r->parked;
    struct http_server *s = r->srv;
    struct MHD_Connection *mhd = r->mhd;
    if (wake)
        atomic_fetch_add(&s->waking, 1); /* http_stop must not end libmicrohttpd before we are through */
    r->parked = false;
    pthread_mutex_unlock(&r->mu);
    if (!wake)
        return;
    MHD_resume_connection(mhd);
    atomic_fetch_sub(&s->waking, 1);
}

/* Calls whoever is to be told now, each at most once. Under mu. */
static void request_tell(struct http_request *r)
{
    if (!r->gone)
        return;
    if (r->state == REQ_RUNNING) {
        void (*fn)(void *) = r->on_gone;
        r->on_gone = NULL;
        request_call(r, fn, r->on_gone_arg);
    } else if (r->state == REQ_STREAMING) {
        request_unlock_wake(r); /* so that libmicrohttpd finds the stream broken and closes the connection */
        pthread_mutex_lock(&r->mu);
        void (*fn)(void *) = r->stream.ev.gone;
        r->stream.ev.gone = NULL;
        r->stream.wants_writable = false;
        request_call(r, fn, r->stream.ev.arg);
    }
}

void request_gone(struct http_request *r)
{
    if (r->gone)
        return;
    r->gone = true;
    request_tell(r);
}

void request_tell_later(struct http_request *r)
{
    if (!r->gone || r->telling)
        return;
    request_ref(r);
    r->telling = true;
    if (work_request(&r->srv->work, r) != ERR_OK) {
        r->telling = false;
        request_unref(r); /* not the last one: the caller has another */
    }
}

void request_told(struct http_request *r)
{
    pthread_mutex_lock(&r->mu);
    r->telling = false;
    request_tell(r);
    pthread_mutex_unlock(&r->mu);
    request_unref(r);
}

void http_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg)
{
    pthread_mutex_lock(&r->mu);
    if (r->state == REQ_RUNNING) {
        r->on_gone = gone;
        r->on_gone_arg = arg;
        request_tell_later(r);
    }
    pthread_mutex_unlock(&r->mu);
}

/* Ids go into logs and headers: only what can do no harm there. */
static bool id_fine(struct str s)
{
    if (s.n == 0 || s.n > HTTP_ID_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (c && strchr("-_.:/+=", c) != NULL);
        if (!fine)
            return false;
    }
    return true;
}

struct str request_make_id(struct http_request *r, struct str given)
{
    if (id_fine(given))
        return given;
    /* Distinct within a process by the counter, between processes by the random base; spread by splitmix64. */
    uint64_t x = r->srv->id_base + atomic_fetch_add(&r->srv->id_next, 1) * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    static const char HEX[] = "0123456789abcdef";
    char *id = arena_alloc(r->arena, 21);
    if (!id)
        return STR("req_0");
    memcpy(id, "req_", 4);
    for (int i = 0; i < 16; i++)
        id[4 + i] = HEX[(x >> (60 - 4 * i)) & 15];
    return (struct str){id, 20};
}

struct str http_method(const struct http_request *r)
{
    return r->method;
}

struct str http_path(const struct http_request *r)
{
    return r->path;
}

struct str http_query(const struct http_request *r)
{
    return r->query;
}

struct str http_body(const struct http_request *r)
{
    return buf_view(&r->in);
}

struct str http_header_get(const struct http_request *r, const char *name)
{
    struct str want = str_of(name);
    for (size_t i = 0; i < r->n_headers; i++)
        if (str_ieq(r->headers[i].name, want))
            return r->headers[i].value;
    return STR_NONE;
}

const struct http_header *http_headers(const struct http_request *r, size_t *n)
{
    *n = r->n_headers;
    return r->headers;
}

struct arena *http_arena(struct http_request *r)
{
    return r->arena;
}

struct str http_request_id(const struct http_request *r)
{
    return r->id;
}

struct http_server *http_server_of(const struct http_request *r)
{
    return r->srv;
}
