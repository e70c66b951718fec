/* The life of a cycle: made by an HTTP thread, then moved on by events on the loop's thread, from part to part. */
#include "doors/proxy/cycle.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "doors/proxy/forward.h"
#include "service/caller.h"

#include <stdio.h>

enum { BACKLOG_MAX = 80 << 20, STORED_WAIT_US = 1000000, STATUS_CLIENT_GONE = 499 };

void cycle_post(struct cycle *c, enum exchange_event event)
{
    loop_post(c->p->loop, &c->task, (unsigned)event); /* c may be gone after */
}

void cycle_break(struct cycle *c)
{
    c->broken = true;
    cycle_post(c, EVENT_BROKEN);
}

struct cycle_turn *cycle_turn(struct cycle *c)
{
    return &c->turns[c->part];
}

/* ---- from part to part ---- */

/* Where it is, or will be once the store can be written: its id was made beforehand. */
static void name_conversation(struct cycle *c)
{
    if (!c->conversation_id.n)
        c->conversation_id = c->plan.conversation.n ? c->plan.conversation : str_of(c->ids.conversation);
}

/* Memory is waited for no longer; what is said is kept all the same. */
static void skip_memory(struct cycle *c, const char *note)
{
    c->note = note;
    c->late = true;
    if (c->remembers)
        name_conversation(c);
    metric_add(M_PROXY_SKIPPED, 1);
}

static void ask(struct cycle *c)
{
    loop_timer_clear(c->p->loop, &c->timer);
    c->state = CYCLE_ASKING;
    if (c->part == CYCLE_ANALYSIS)
        cycle_tell_start(c);
    cycle_tell_part(c);
    if (!c->broken)
        cycle_ask(c);
}

static void begin_part(struct cycle *c)
{
    struct cycle_turn *t = cycle_turn(c);
    t->reached = true;
    t->started_us = clock_mono_us();
    if (!c->remembers || c->late) {
        ask(c);
    } else {
        c->state = CYCLE_RECALLING;
        loop_timer_set(c->p->loop, &c->timer, t->started_us + c->p->deadline_us);
    }
    cycle_remember(c);
}

static void part_over(struct cycle *c)
{
    loop_timer_clear(c->p->loop, &c->timer);
    if (!c->failed_status)
        cycle_tell_stored(c);
    if (c->failed_status || c->part == CYCLE_REVIEW) {
        cycle_tell_end(c);
        return;
    }
    c->part = (enum cycle_part)(c->part + 1);
    begin_part(c);
}

void cycle_store_part(struct cycle *c)
{
    c->state = CYCLE_STORING;
    if (!c->remembers || c->late)
        part_over(c);
    else
        loop_timer_set(c->p->loop, &c->timer, clock_mono_us() + STORED_WAIT_US);
}

void cycle_fail(struct cycle *c, int status, const char *code, const char *message)
{
    c->failed_status = status;
    err_named(&c->failure, status == 504 ? ERR_TIMEOUT : ERR_UNAVAILABLE, code, "%s", message);
    log_event(LOG_WARN, "cycle_failed", L_STR("request_id", c->r ? http_request_id(c->r) : STR_NONE),
              L_CSTR("part", cycle_part_name(c->part)), L_INT("status", status), L_CSTR("message", message));
    cycle_store_part(c);
}

/* ---- events ---- */

static void refuse(struct cycle *c, const struct err *e)
{
    struct http_request *r = c->r;
    c->r = NULL;
    c->state = CYCLE_OVER;
    c->remembers = false;
    if (r)
        http_answer_error(r, e);
}

static void on_read(struct cycle *c)
{
    c->job = false;
    if (c->state == CYCLE_OVER)
        return;
    struct str session = c->code ? STR_NONE : c->plan.session;
    if (!http_limit(c->r, session)) { /* what is wrong counts too */
        c->r = NULL;
        c->state = CYCLE_OVER;
        return;
    }
    if (!c->code && !c->p->base.p)
        c->code = err_named(&c->err, ERR_UNAVAILABLE, "UPSTREAM_NOT_CONFIGURED", "%s", proxy_no_upstream);
    if (c->code) {
        refuse(c, &c->err);
        return;
    }
    c->remembers = session.n > 0;
    c->note = c->remembers ? "on; turns=0" : "off";
    c->allowed = !c->remembers || chat_memory_allowed(c->p->o.svc);
    if (!c->remembers && c->plan.conversation.n)
        skip_memory(c, "skipped; reason=error");
    else if (!c->allowed)
        skip_memory(c, "skipped; reason=unavailable");
    if (!cycle_prepare(c)) {
        struct err e = {0};
        err_nomem(&e);
        refuse(c, &e);
        return;
    }
    begin_part(c);
}

static bool callers_fault(enum err_code code)
{
    return code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_GONE || code == ERR_CONFLICT ||
           code == ERR_DENIED || code == ERR_FORBIDDEN || code == ERR_LIMIT || code == ERR_TOO_LARGE;
}

/* The chat's context does not outlive the chat. */
static void keep_context(struct cycle *c, struct cycle_turn *t)
{
    const struct chat_context *x = &t->context;
    snprintf(t->id, sizeof t->id, "%s", chat_turn_id(t->chat));
    if (x->session_id.n)
        c->session_id = arena_str(c->arena, x->session_id);
    if (x->conversation_id.n)
        c->conversation_id = arena_str(c->arena, x->conversation_id);
    else
        name_conversation(c);
    if (t->code)
        return;
    c->agent_state |= x->agent_state_applied;
    if (c->memory_part == CYCLE_ANALYSIS) {
        c->relevant = x->relevant.n ? arena_str(c->arena, x->relevant) : STR_NONE;
        c->context_used = x->context_used;
    }
}

/* Memory has answered for a part, maybe too late for the talk. */
static void on_begun(struct cycle *c)
{
    struct cycle_turn *t = &c->turns[c->memory_part];
    bool waited_for = c->state == CYCLE_RECALLING && c->memory_part == c->part;
    c->job = false;
    t->memory = t->chat ? PART_OPEN : PART_DONE;
    if (t->chat)
        keep_context(c, t);
    else
        c->remembers = false; /* the session is not to be had: later parts would fare no better */
    if (!waited_for)
        return;
    if (!t->chat && c->part == CYCLE_ANALYSIS && callers_fault(t->code)) {
        refuse(c, &t->err);
        return;
    }
    if (t->code) {
        bool slow = t->code == ERR_TIMEOUT || t->code == ERR_BUSY;
        log_error("memory_skipped", &t->err);
        skip_memory(c, slow ? "skipped; reason=timeout" : "skipped; reason=error");
    } else if (c->part == CYCLE_ANALYSIS) {
        const char *note = arena_fmt(c->arena, "on; turns=%d", c->context_used).p;
        c->note = note ? note : c->note;
    }
    ask(c);
}

static void on_stored(struct cycle *c)
{
    struct cycle_turn *t = &c->turns[c->memory_part];
    bool waited_for = c->state == CYCLE_STORING && c->memory_part == c->part;
    c->job = false;
    t->chat = NULL;
    t->memory = PART_DONE;
    if (c->memory_part < CYCLE_REVIEW)
        c->memory_part = (enum cycle_part)(c->memory_part + 1);
    if (waited_for && !atomic_load(&t->stored))
        skip_memory(c, "skipped; reason=error");
    if (waited_for)
        part_over(c);
}

static void on_timer(void *arg)
{
    struct cycle *c = arg;
    if (c->state == CYCLE_RECALLING) {
        skip_memory(c, "skipped; reason=timeout");
        ask(c);
    } else if (c->state == CYCLE_STORING) {
        skip_memory(c, "skipped; reason=timeout");
        part_over(c);
    }
    cycle_maybe_free(c);
}

static void answer_abandoned(struct cycle *c, unsigned why)
{
    struct http_request *r = c->r;
    struct err e = {0};
    if (why & EVENT_GONE) {
        forward_error(r, false, STATUS_CLIENT_GONE, "client_gone", "the client left");
        return;
    }
    if (why & EVENT_STOP)
        err_named(&e, ERR_UNAVAILABLE, "SERVER_STOPPING", "the server is stopping; try again");
    else
        err_nomem(&e);
    http_answer_error(r, &e);
}

/* Nothing more can come of it. What came of the part under way is stored as incomplete. */
static void abandon(struct cycle *c, unsigned why)
{
    if (c->call) {
        upstream_cancel(c->call);
        metric_add(M_PROXY_ACTIVE, -1);
    }
    c->call = NULL;
    loop_timer_clear(c->p->loop, &c->timer);
    if (cycle_turn(c)->reached && !cycle_turn(c)->ended)
        cycle_end_part(c, false);
    if (c->stream)
        http_stream_end(c->stream, false);
    else if (c->r)
        answer_abandoned(c, why);
    c->stream = NULL;
    c->r = NULL;
    c->state = CYCLE_OVER;
}

static void on_gone(void *arg)
{
    cycle_post(arg, EVENT_GONE);
}

static void run(void *arg, unsigned events)
{
    struct cycle *c = arg;
    unsigned over = events & (EVENT_GONE | EVENT_BROKEN | EVENT_STOP);
    if (over && (c->state != CYCLE_OVER || c->stream))
        abandon(c, over);
    if (events & EVENT_START && c->state != CYCLE_OVER) {
        http_on_gone(c->r, on_gone, c);
        cycle_read_body(c);
    }
    if (events & EVENT_READ)
        on_read(c);
    if (events & EVENT_BEGUN)
        on_begun(c);
    if (events & EVENT_DELTA)
        c->job = false;
    if (events & EVENT_STORED)
        on_stored(c);
    if (events & EVENT_WRITABLE && c->stream)
        cycle_flush(c);
    cycle_remember(c);
    cycle_maybe_free(c);
}

/* ---- making and freeing ---- */

static void release(struct cycle *c)
{
    for (int i = 0; i < CYCLE_PARTS; i++) {
        answer_free(c->turns[i].answer);
        buf_release(&c->turns[i].body);
        buf_release(&c->turns[i].error);
    }
    buf_release(&c->backlog);
    buf_release(&c->delta);
    arena_free(c->job_arena);
    arena_free(c->arena);
    mem_free(c);
}

void cycle_maybe_free(struct cycle *c)
{
    struct proxy *p = c->p;
    if (c->r || c->stream || c->call || c->state != CYCLE_OVER || !cycle_memory_over(c))
        return;
    loop_timer_clear(p->loop, &c->timer);
    pthread_mutex_lock(&p->lock);
    if (c->prev)
        c->prev->next = c->next;
    else
        p->cycles = c->next;
    if (c->next)
        c->next->prev = c->prev;
    if (!p->exchanges && !p->cycles)
        pthread_cond_broadcast(&p->none);
    pthread_mutex_unlock(&p->lock);
    loop_unpost(p->loop, &c->task);
    release(c);
}

/* The request's parts that are needed beyond its own life, copied. */
static bool take_request(struct cycle *c)
{
    struct str session = str_trim(http_header_get(c->r, "X-Cairn-Session")), body = http_body(c->r);
    c->arena = arena_new();
    c->job_arena = arena_new();
    if (!c->arena || !c->job_arena)
        return false;
    c->request = (struct cycle_request){
        .body = arena_str(c->job_arena, body.p ? body : STR("")),
        .query = http_query(c->r).n ? arena_str(c->job_arena, http_query(c->r)) : STR_NONE,
        .session = arena_str(c->job_arena, session.p ? session : STR("")),
        .stream = str_find(http_header_get(c->r, "Accept"), STR("text/event-stream")) >= 0,
    };
    c->caller = caller_copy(http_caller(c->r), c->job_arena);
    c->request_id = arena_str(c->job_arena, http_request_id(c->r));
    c->from = (struct audit_from){"proxy", arena_str(c->job_arena, http_from(c->r).peer)};
    return !arena_failed(c->job_arena);
}

static struct cycle *make(struct proxy *p, struct http_request *r)
{
    struct cycle *c = mem_zalloc(sizeof *c);
    if (!c)
        return NULL;
    c->p = p;
    c->r = r;
    c->note = "off";
    c->started_us = clock_mono_us();
    c->task = (struct loop_task){.fn = run, .arg = c};
    c->timer = (struct loop_timer){.fn = on_timer, .arg = c};
    buf_init(&c->backlog, BACKLOG_MAX);
    buf_init(&c->delta, 0);
    for (int i = 0; i < CYCLE_PARTS; i++) {
        atomic_init(&c->turns[i].stored, 0);
        buf_init(&c->turns[i].body, 0);
        buf_init(&c->turns[i].error, CYCLE_ERROR_MAX);
    }
    chat_ids_make(&c->ids);
    id_make("turn", c->directive_id);
    if (take_request(c))
        return c;
    release(c);
    return NULL;
}

/* False when the proxy is stopping. Else c is the loop's from here on. */
static bool enter(struct cycle *c)
{
    struct proxy *p = c->p;
    pthread_mutex_lock(&p->lock);
    bool open = !p->stopping;
    if (open) {
        c->next = p->cycles;
        if (c->next)
            c->next->prev = c;
        p->cycles = c;
        cycle_post(c, EVENT_START);
    }
    pthread_mutex_unlock(&p->lock);
    return open;
}

void cycle_start(struct proxy *p, struct http_request *r)
{
    struct err e = {0};
    struct cycle *c = make(p, r);
    if (!c) {
        err_nomem(&e);
        http_answer_error(r, &e);
    } else if (!enter(c)) {
        err_named(&e, ERR_UNAVAILABLE, "SERVER_STOPPING", "the server is stopping; try again");
        http_answer_error(r, &e);
        release(c);
    }
}

void cycle_stop_all(struct proxy *p)
{
    for (struct cycle *c = p->cycles; c; c = c->next)
        cycle_post(c, EVENT_STOP);
}
