/* An exchange's memory. What may block runs as a job on a worker; what follows from it happens on the loop. The jobs
 * of one exchange follow one another: read, begin, any number of deltas, end. Whatever becomes of the client and the
 * upstream, once a chat was begun it is ended. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "doors/proxy/exchange.h"

#include <stdio.h>
#include <string.h>

enum { MESSAGES_MAX = 10000 };

static void submit(struct exchange *x, void (*job)(void *))
{
    x->job = true;
    x->work = (struct work){.fn = job, .arg = x};
    workers_run(x->p->workers, &x->work);
}

bool memory_over(const struct exchange *x)
{
    return x->memory == MEMORY_OFF || x->memory == MEMORY_DONE;
}

/* ---- reading the body ---- */

void memory_strip(struct exchange *x, struct arena *a, struct str block, struct buf *out)
{
    struct splice s;
    splice_init(&s, x->raw);
    splice_remove_members(&s, x->body, ask_members);
    if (block.n && x->wire.place)
        x->route->wire->put(a, &x->wire, block, &s);
    if (arena_failed(a))
        out->failed = true;
    splice_write(&s, out);
}

static bool has_place(const struct exchange *x)
{
    return x->wire.place && x->ask.options.use_context;
}

/* An answer's id leads to its conversation; a place used before by this session says what to fall back to. */
static void look_up(struct exchange *x)
{
    struct placed *p = x->p->placed;
    struct str conversation;
    int turns;
    if (x->wire.previous.n && !x->ask.conversation.n &&
        placed_get(p, x->job_arena, x->ask.session, x->wire.previous, &conversation, &turns))
        x->ask.conversation = conversation;
    if (!has_place(x) || !placed_get(p, x->job_arena, x->ask.session, x->wire.prefix, &x->fallback, &x->fallback_turns))
        x->fallback = STR_NONE;
}

/* Leaves code ERR_OK and ask.named false when the body is none of ours to read. */
static void read_job(void *arg)
{
    struct exchange *x = arg;
    struct arena *a = x->job_arena;
    struct err ignored = {0};
    x->code = json_parse(a, x->raw, JSON_DUPLICATES_OK, &x->body, &ignored);
    if (x->code == ERR_OK && x->body->type == JSON_OBJECT) {
        x->code = ask_read(x->body, x->header_session, &x->ask, &x->err);
        if (x->code == ERR_OK && x->ask.named) {
            x->route->wire->read(a, x->body, &x->wire);
            look_up(x);
        }
    } else {
        x->body = NULL;
        x->code = ERR_OK;
    }
    if (arena_failed(a)) { /* as if it could not be read */
        x->body = NULL;
        x->ask.named = false;
    }
    exchange_post(x, EVENT_READ);
}

void memory_read(struct exchange *x)
{
    submit(x, read_job);
}

/* ---- beginning ---- */

/* The same block as before at a place of this conversation; else the one recalled now. */
static void choose_block(struct exchange *x)
{
    struct placed *p = x->p->placed;
    struct str conversation = x->context.conversation_id, prefix = x->wire.prefix;
    if (has_place(x) && placed_get(p, x->job_arena, conversation, prefix, &x->block, &x->block_turns))
        return;
    x->block = x->context.block;
    x->block_turns = x->context.context_used;
    if (!has_place(x))
        return;
    placed_put(p, conversation, prefix, x->block, x->block_turns);
    placed_put(p, x->ask.session, prefix, x->block, x->block_turns);
}

static void begin_job(void *arg)
{
    struct exchange *x = arg;
    /* Of a very long history the end is enough to tell which conversation goes on. */
    size_t skip = x->wire.n_messages > MESSAGES_MAX ? x->wire.n_messages - MESSAGES_MAX : 0;
    struct chat_request r = {.session = x->ask.session,
                             .conversation = x->ask.conversation,
                             .agent = x->ask.agent,
                             .messages = x->wire.messages + skip,
                             .n_messages = x->wire.n_messages - skip,
                             .model = x->wire.model,
                             .metadata = x->wire.metadata,
                             .request_id = x->request_id,
                             .from = x->from,
                             .options = x->ask.options};
    r.options.caller = x->caller;
    /* A deadline in the past: no recall is tried, the turns are only kept for later. */
    int64_t deadline = x->allowed ? x->started_us + x->p->deadline_us : 1;
    x->code = chat_begin(x->p->o.svc, &r, deadline, &x->chat, &x->context, &x->err);
    if (x->code == ERR_OK)
        choose_block(x);
    if (x->code == ERR_OK)
        memory_strip(x, x->job_arena, x->block, &x->with_block);
    exchange_post(x, EVENT_BEGUN);
}

/* Another exchange of the session has been answered but not stored yet: only then can be told which conversation goes
 * on and what is new in it, and a quick client would come too early. */
static bool session_is_busy(struct exchange *x)
{
    struct proxy *p = x->p;
    bool busy = false;
    if (p->stuck)
        return false;
    pthread_mutex_lock(&p->lock);
    for (struct exchange *o = p->exchanges; o && !busy; o = o->next)
        busy = o != x && o->ended && !memory_over(o) && o->memory >= MEMORY_BEGINNING && str_eq(o->session, x->session);
    pthread_mutex_unlock(&p->lock);
    return busy;
}

static void begin_now(struct exchange *x)
{
    x->memory = MEMORY_BEGINNING;
    submit(x, begin_job);
}

static void begin(struct exchange *x)
{
    if (session_is_busy(x))
        x->memory = MEMORY_WAITING;
    else
        begin_now(x);
}

/* Those that waited for it go on. */
static void let_others_begin(struct exchange *x)
{
    struct proxy *p = x->p;
    for (;;) {
        struct exchange *found = NULL;
        pthread_mutex_lock(&p->lock);
        for (struct exchange *o = p->exchanges; o && !found; o = o->next)
            if (o->memory == MEMORY_WAITING && str_eq(o->session, x->session))
                found = o;
        pthread_mutex_unlock(&p->lock);
        if (!found)
            return;
        begin(found);
        if (found->memory == MEMORY_WAITING)
            return; /* there is another one to wait for */
    }
}

/* ---- forwarding with or without ---- */

static void forward_unread(struct exchange *x)
{
    x->memory = MEMORY_OFF;
    if (x->stage == STAGE_OVER)
        return;
    if (x->header_session.n) {
        x->note = "skipped; reason=body";
        metric_add(M_PROXY_SKIPPED, 1);
    }
    exchange_send(x, http_body(x->r));
}

/* The chat goes on without what memory would have said just now, but with a block put there before, if there is one. */
static void forward_without(struct exchange *x, const char *note)
{
    x->recalled = x->fallback.n > 0;
    x->turns = x->recalled ? x->fallback_turns : 0;
    x->note = note;
    metric_add(M_PROXY_SKIPPED, 1);
    memory_strip(x, x->arena, x->fallback, &x->without); /* the job has the other arena */
    if (x->without.failed)
        exchange_break(x);
    else
        exchange_send(x, buf_view(&x->without));
}

void memory_late(struct exchange *x)
{
    forward_without(x, "skipped; reason=timeout");
    if (x->memory != MEMORY_WAITING)
        return;
    /* Its turns go into the writer's queue behind those that it waited for, and find their place there. */
    x->p->stuck = true;
    begin_now(x);
}

void memory_on_read(struct exchange *x)
{
    x->job = false;
    if (x->code) {
        x->memory = MEMORY_OFF;
        if (x->r)
            http_answer_error(x->r, &x->err);
        x->r = NULL;
        x->stage = STAGE_OVER;
        return;
    }
    if (x->r && !http_limit(x->r, x->ask.named ? x->ask.session : STR_NONE)) {
        x->memory = MEMORY_OFF;
        x->r = NULL;
        x->stage = STAGE_OVER;
        return;
    }
    if (!x->ask.named) {
        forward_unread(x);
        return;
    }
    x->session = x->ask.session;
    x->allowed = chat_memory_allowed(x->p->o.svc);
    if (x->stage != STAGE_OVER) {
        x->stage = STAGE_RECALLING;
        if (x->allowed)
            loop_timer_set(x->p->loop, &x->timer, x->started_us + x->p->deadline_us);
        else
            forward_without(x, "skipped; reason=unavailable");
    }
    begin(x);
}

static void keep_context(struct exchange *x)
{
    const struct chat_context *c = &x->context;
    snprintf(x->turn_id, sizeof x->turn_id, "%s", chat_turn_id(x->chat));
    snprintf(x->conversation_id, sizeof x->conversation_id, "%.*s", STR_ARG(str_take(c->conversation_id, 200)));
    x->relevant = c->relevant.n ? arena_str(x->arena, c->relevant) : STR_NONE;
    x->agent_state = c->agent_state_applied;
}

static bool callers_fault(enum err_code code)
{
    return code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_GONE || code == ERR_CONFLICT ||
           code == ERR_DENIED || code == ERR_FORBIDDEN || code == ERR_LIMIT || code == ERR_TOO_LARGE;
}

static void forward_begun(struct exchange *x)
{
    if (x->code == ERR_OK && !x->with_block.failed) {
        x->recalled = x->block.n > 0;
        x->turns = x->block_turns;
        struct str note = arena_fmt(x->arena, "on; turns=%d", x->turns);
        x->note = note.p;
        exchange_send(x, buf_view(&x->with_block));
    } else if (!x->chat && callers_fault(x->code)) {
        struct http_request *r = x->r;
        x->r = NULL;
        x->stage = STAGE_OVER;
        http_answer_error(r, &x->err);
    } else {
        bool late = x->code == ERR_TIMEOUT || x->code == ERR_BUSY;
        log_error("memory_skipped", &x->err);
        forward_without(x, late ? "skipped; reason=timeout" : "skipped; reason=error");
    }
}

void memory_on_begun(struct exchange *x)
{
    x->job = false;
    x->memory = x->chat ? MEMORY_OPEN : MEMORY_DONE;
    if (x->chat)
        keep_context(x);
    if (x->stage == STAGE_RECALLING) {
        loop_timer_clear(x->p->loop, &x->timer);
        forward_begun(x);
    }
    if (!x->chat && x->ended)
        let_others_begin(x);
    memory_pump(x);
}

/* ---- the answer ---- */

static void delta_job(void *arg)
{
    struct exchange *x = arg;
    chat_delta(x->chat, buf_view(&x->delta));
    exchange_post(x, EVENT_DELTA);
}

static void on_stored(void *arg, const char *turn_id, bool ok)
{
    struct exchange *x = arg;
    (void)turn_id;
    atomic_store(&x->stored, ok);
    exchange_post(x, EVENT_STORED);
}

static void end_job(void *arg)
{
    struct exchange *x = arg;
    struct str text = STR_NONE, metadata = STR_NONE;
    bool good = x->answer && x->status >= 200 && x->status < 300 && !answer_empty(x->answer);
    if (good) {
        text = answer_turn(x->answer, x->job_arena);
        metadata = answer_metadata(x->answer, x->job_arena, (x->ended_us - x->started_us) / 1000);
    }
    chat_end(x->chat, text, metadata, x->complete, on_stored, x); /* x may be gone after */
}

void memory_pump(struct exchange *x)
{
    if (x->memory != MEMORY_OPEN || x->job)
        return;
    if (x->ended) {
        x->memory = MEMORY_ENDING;
        submit(x, end_job);
        return;
    }
    struct str text = x->answer ? answer_text(x->answer) : STR_NONE;
    if (text.n <= x->delta_given)
        return;
    buf_clear(&x->delta);
    buf_str(&x->delta, str_skip(text, x->delta_given));
    x->delta_given = text.n;
    if (!x->delta.failed)
        submit(x, delta_job);
}

void memory_on_delta(struct exchange *x)
{
    x->job = false;
    memory_pump(x);
}

void memory_end(struct exchange *x, bool complete)
{
    if (x->ended)
        return;
    x->ended = true;
    x->complete = complete;
    x->ended_us = clock_mono_us();
    memory_pump(x);
}

void memory_on_stored(struct exchange *x)
{
    x->job = false;
    x->memory = MEMORY_DONE;
    x->chat = NULL;
    if (atomic_load(&x->stored))
        x->p->stuck = false;
    struct str id = x->answer ? answer_id(x->answer) : STR_NONE;
    if (id.n && x->conversation_id[0] && x->route->wire == &wire_responses)
        placed_put(x->p->placed, x->session, id, str_of(x->conversation_id), 0);
    let_others_begin(x);
    if (x->waits)
        v2_finish(x);
}
