/* The life of an exchange: made by an HTTP thread, then moved from stage to stage by events on the loop's thread. */
#include "doors/proxy/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "doors/proxy/forward.h"
#include "service/caller.h"

#include <string.h>

enum { BACKLOG_MAX = 80 << 20, STATUS_CLIENT_GONE = 499 };

void exchange_post(struct exchange *x, enum exchange_event event)
{
    loop_post(x->p->loop, &x->task, (unsigned)event); /* x may be gone after */
}

void exchange_break(struct exchange *x)
{
    x->broken = true;
    exchange_post(x, EVENT_BROKEN);
}

static void on_gone(void *arg)
{
    exchange_post(arg, EVENT_GONE);
}

void exchange_fail(struct exchange *x, int status, const char *code, const char *message)
{
    struct http_request *r = x->r;
    x->r = NULL;
    x->stage = STAGE_OVER;
    forward_error(r, x->route->anthropic, status, code, message);
}

/* ---- stages ---- */

static void answer_abandoned(struct exchange *x, unsigned why)
{
    if (why & EVENT_STOP)
        exchange_fail(x, 503, "server_stopping", "the server is stopping; try again");
    else if (why & EVENT_BROKEN)
        exchange_fail(x, 500, "out_of_memory", "the server is out of memory");
    else
        exchange_fail(x, STATUS_CLIENT_GONE, "client_gone", "the client left");
}

/* Nothing more can come of it. What came of the answer is stored as incomplete. */
static void abandon(struct exchange *x, unsigned why)
{
    if (x->call) {
        upstream_cancel(x->call);
        metric_add(M_PROXY_ACTIVE, -1);
    }
    x->call = NULL;
    loop_timer_clear(x->p->loop, &x->timer);
    x->waits = false;
    memory_end(x, false);
    if (x->stream)
        http_stream_end(x->stream, false);
    else if (x->r)
        answer_abandoned(x, why);
    x->stream = NULL;
    x->r = NULL;
    x->stage = STAGE_OVER;
}

/* The first event of all. */
static void start(struct exchange *x)
{
    if (x->stage == STAGE_OVER) {
        x->memory = MEMORY_OFF;
        return;
    }
    http_on_gone(x->r, on_gone, x);
    if (x->memory == MEMORY_READING) { /* limits count by session, which is not known yet */
        memory_read(x);
    } else if (http_limit(x->r, STR_NONE)) {
        exchange_send(x, http_body(x->r));
    } else {
        x->r = NULL;
        x->stage = STAGE_OVER;
    }
}

static void on_timer(void *arg)
{
    struct exchange *x = arg;
    if (x->waits)
        v2_finish(x);
    else if (x->stage == STAGE_RECALLING)
        memory_late(x);
    exchange_maybe_free(x);
}

static void turn(void *arg, unsigned events)
{
    struct exchange *x = arg;
    unsigned over = events & (EVENT_GONE | EVENT_BROKEN | EVENT_STOP);
    if (over && x->stage != STAGE_OVER)
        abandon(x, over);
    if (events & EVENT_START)
        start(x);
    if (events & EVENT_READ)
        memory_on_read(x);
    if (events & EVENT_BEGUN)
        memory_on_begun(x);
    if (events & EVENT_DELTA)
        memory_on_delta(x);
    if (events & EVENT_STORED)
        memory_on_stored(x);
    if (events & EVENT_WRITABLE && x->stream)
        exchange_flush(x);
    exchange_maybe_free(x);
}

/* ---- making and freeing ---- */

static void release(struct exchange *x)
{
    answer_free(x->answer);
    buf_release(&x->backlog);
    buf_release(&x->with_block);
    buf_release(&x->without);
    buf_release(&x->delta);
    buf_release(&x->after);
    arena_free(x->job_arena);
    arena_free(x->arena);
    mem_free(x);
}

void exchange_maybe_free(struct exchange *x)
{
    struct proxy *p = x->p;
    if (x->r || x->call || !memory_over(x))
        return;
    loop_timer_clear(p->loop, &x->timer);
    pthread_mutex_lock(&p->lock);
    if (x->prev)
        x->prev->next = x->next;
    else
        p->exchanges = x->next;
    if (x->next)
        x->next->prev = x->prev;
    if (!p->exchanges && !p->cycles)
        pthread_cond_broadcast(&p->none);
    pthread_mutex_unlock(&p->lock);
    loop_unpost(p->loop, &x->task);
    release(x);
}

static struct exchange *make(struct proxy *p, const struct proxy_route *route, struct http_request *r)
{
    struct exchange *x = mem_zalloc(sizeof *x);
    if (!x)
        return NULL;
    x->arena = arena_new();
    if (!x->arena) {
        mem_free(x);
        return NULL;
    }
    x->p = p;
    x->route = route;
    x->r = r;
    x->started_us = clock_mono_us();
    x->task = (struct loop_task){.fn = turn, .arg = x};
    x->timer = (struct loop_timer){.fn = on_timer, .arg = x};
    atomic_init(&x->stored, false);
    buf_init(&x->backlog, BACKLOG_MAX);
    buf_init(&x->with_block, 0);
    buf_init(&x->without, 0);
    buf_init(&x->delta, 0);
    buf_init(&x->after, BACKLOG_MAX);
    if (route->wire)
        x->note = "off";
    return x;
}

/* Memory needs the body beyond the life of the request: it works on a copy. */
static bool prepare_memory(struct exchange *x)
{
    struct str header = str_trim(http_header_get(x->r, "X-Cairn-Session")), body = http_body(x->r);
    if (!x->route->wire || (!header.n && !ask_might_name(body)))
        return true;
    x->job_arena = arena_new();
    if (!x->job_arena)
        return false;
    x->header_session = arena_str(x->job_arena, header.p ? header : STR(""));
    x->raw = arena_str(x->job_arena, body.p ? body : STR(""));
    x->caller = caller_copy(http_caller(x->r), x->job_arena);
    x->request_id = arena_str(x->job_arena, http_request_id(x->r));
    x->from = (struct audit_from){"proxy", arena_str(x->job_arena, http_from(x->r).peer)};
    x->memory = MEMORY_READING;
    return !arena_failed(x->job_arena);
}

/* False when the proxy is stopping. Else x is the loop's from here on. */
static bool enter(struct exchange *x)
{
    struct proxy *p = x->p;
    pthread_mutex_lock(&p->lock);
    bool open = !p->stopping;
    if (open) {
        x->next = p->exchanges;
        if (x->next)
            x->next->prev = x;
        p->exchanges = x;
        exchange_post(x, EVENT_START);
    }
    pthread_mutex_unlock(&p->lock);
    return open;
}

void exchange_start(struct proxy *p, const struct proxy_route *route, struct http_request *r)
{
    struct exchange *x = make(p, route, r);
    if (!x || !prepare_memory(x)) {
        struct err e = {0};
        err_nomem(&e);
        http_answer_error(r, &e);
    } else if (enter(x)) {
        return;
    } else {
        forward_error(r, route->anthropic, 503, "server_stopping", "the server is stopping; try again");
    }
    if (x)
        release(x);
}
