/* What the caller of a cycle hears. A plain answer is one JSON object at the end. A streamed one is made of events,
 * each with one JSON object: cycle.start {conversation_id, session_id, directive_turn_id}    part.start {part, agent,
 * model} part.delta {part, delta}                                        part.end {part, agent, turn_id, stored,
 * metadata} cycle.end: the same object as the plain answer                  error: the same, with `error`, instead of
 * cycle.end When a part fails, the answer names it and holds all that came before, and what came of it. */
#include "doors/proxy/cycle.h"

static void on_writable(void *arg)
{
    cycle_post(arg, EVENT_WRITABLE);
}

static void on_gone(void *arg)
{
    cycle_post(arg, EVENT_GONE);
}

/* ---- the stream ---- */

static void end_stream(struct cycle *c)
{
    struct http_stream *s = c->stream;
    if (!c->finished || !s || c->backlog.n || c->broken)
        return;
    c->stream = NULL;
    c->r = NULL;
    http_stream_end(s, true);
}

void cycle_flush(struct cycle *c)
{
    if (c->backlog.n)
        buf_drop(&c->backlog, http_stream_write(c->stream, buf_view(&c->backlog)));
    if (c->backlog.n)
        return;
    end_stream(c);
    if (c->call && c->paused) {
        c->paused = false;
        upstream_resume(c->call);
    }
}

static void send_bytes(struct cycle *c, struct str bytes)
{
    if (!c->backlog.n)
        bytes = str_skip(bytes, http_stream_write(c->stream, bytes));
    buf_str(&c->backlog, bytes);
    if (c->backlog.failed)
        cycle_break(c);
}

/* An event that is being written. */
struct event {
    struct buf b;
    struct json_out w;
};

static void event_begin(struct event *v, const char *name)
{
    buf_init(&v->b, 0);
    buf_fmt(&v->b, "event: %s\ndata: ", name);
    jw_init(&v->w, &v->b);
    jw_object(&v->w);
}

static void event_send(struct cycle *c, struct event *v)
{
    jw_end_object(&v->w);
    buf_cstr(&v->b, "\n\n");
    if (v->b.failed)
        cycle_break(c);
    else
        send_bytes(c, buf_view(&v->b));
    buf_release(&v->b);
}

/* ---- the parts of an answer ---- */

static void write_ids(struct cycle *c, struct json_out *w)
{
    bool begun = c->turns[CYCLE_ANALYSIS].id[0] != 0;
    jw_kstr(w, "conversation_id", c->conversation_id);
    jw_kstr(w, "session_id", c->session_id);
    jw_kstr(w, "directive_turn_id", begun ? str_of(c->directive_id) : STR_NONE);
}

/* The context is the job's until it has begun, so it is looked at only once the turn is stored. */
static bool kept(struct cycle_turn *t)
{
    return atomic_load(&t->stored) && !t->context.ephemeral;
}

static void write_turn_end(struct cycle *c, struct json_out *w, enum cycle_part part)
{
    struct cycle_turn *t = &c->turns[part];
    jw_kstr(w, "turn_id", t->id[0] && t->text.n ? str_of(t->id) : STR_NONE);
    jw_kbool(w, "stored", kept(t) && t->text.n);
    if (!t->whole)
        jw_kbool(w, "incomplete", true);
    jw_kraw(w, "metadata", t->metadata.n ? t->metadata : STR("{}"));
}

static void write_turn(struct cycle *c, struct json_out *w, enum cycle_part part)
{
    struct cycle_turn *t = &c->turns[part];
    jw_key(w, cycle_part_name(part));
    if (!t->text.n) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kstr(w, "agent", cycle_part_agent(&c->plan, part)->name);
    jw_kstr(w, "content", t->text);
    write_turn_end(c, w, part);
    jw_end_object(w);
}

static void write_memory(struct cycle *c, struct json_out *w)
{
    int stored = kept(&c->turns[CYCLE_ANALYSIS]); /* the directive goes with the first */
    for (int i = 0; i < CYCLE_PARTS; i++)
        stored += kept(&c->turns[i]) && c->turns[i].text.n;
    jw_key(w, "memory_metadata");
    jw_object(w);
    jw_kcstr(w, "memory", c->note);
    jw_kint(w, "context_used", c->context_used);
    jw_kraw(w, "relevant_conversations", c->relevant.n ? c->relevant : STR("[]"));
    jw_kbool(w, "agent_state_applied", c->agent_state);
    jw_kint(w, "turns_stored", stored);
    jw_kstr(w, "conversation_id", c->conversation_id);
    jw_end_object(w);
}

/* What the three requests cost together, as far as the upstream said. */
static void write_usage(struct cycle *c, struct json_out *w)
{
    static const char *const names[] = {"prompt_tokens", "completion_tokens", "total_tokens"};
    jw_key(w, "usage");
    jw_object(w);
    for (int k = 0; k < 3; k++) {
        int64_t sum = 0;
        for (int i = 0; i < CYCLE_PARTS; i++) {
            const struct json *m = NULL;
            if (c->turns[i].metadata.n && json_parse(c->arena, c->turns[i].metadata, JSON_DUPLICATES_OK, &m, NULL))
                m = NULL;
            const struct json *v = json_get_type(json_get(m, "usage"), names[k], JSON_INT);
            if (v && v->integer > 0 && v->integer < INT32_MAX)
                sum += v->integer;
        }
        jw_kint(w, names[k], sum);
    }
    jw_end_object(w);
}

static void write_error(struct cycle *c, struct json_out *w)
{
    const struct cycle_turn *t = cycle_turn(c);
    jw_key(w, "error");
    jw_object(w);
    jw_kcstr(w, "code", err_api_name(&c->failure));
    jw_key(w, "message");
    struct str message = arena_fmt(c->arena, "the cycle's %s failed: %s", cycle_part_name(c->part), c->failure.message);
    jw_str(w, message.p ? message : STR("the cycle failed"));
    jw_key(w, "details");
    jw_object(w);
    jw_kcstr(w, "part", cycle_part_name(c->part));
    jw_kint(w, "status", c->failed_status);
    if (t->status && t->status != 200)
        jw_kint(w, "upstream_status", t->status);
    if (t->error.n)
        jw_kstr(w, "upstream_answer", buf_view(&t->error));
    jw_end_object(w);
    if (c->retry_after)
        jw_kint(w, "retry_after", c->retry_after);
    jw_end_object(w);
}

static void write_answer(struct cycle *c, struct json_out *w)
{
    if (c->failed_status)
        write_error(c, w);
    write_ids(c, w);
    jw_kstr(w, "directive", c->plan.directive);
    for (int i = 0; i < CYCLE_PARTS; i++)
        write_turn(c, w, (enum cycle_part)i);
    write_memory(c, w);
    write_usage(c, w);
}

/* ---- as it goes ---- */

void cycle_tell_start(struct cycle *c)
{
    struct http_header h[5] = {{STR("Content-Type"), STR("text/event-stream; charset=utf-8")},
                               {STR("Cache-Control"), STR("no-cache")},
                               {STR("X-Accel-Buffering"), STR("no")},
                               {STR("X-Cairn-Memory"), str_of(c->note)}};
    const struct http_stream_events ev = {.writable = on_writable, .gone = on_gone, .arg = c};
    struct event v;
    size_t n = 4;
    if (!c->plan.stream)
        return;
    if (c->conversation_id.n)
        h[n++] = (struct http_header){STR("X-Cairn-Conversation"), c->conversation_id};
    c->stream = http_stream_begin(c->r, 200, h, n, -1, &ev);
    if (!c->stream) {
        c->r = NULL; /* answered already: out of memory */
        cycle_break(c);
        return;
    }
    event_begin(&v, "cycle.start");
    write_ids(c, &v.w);
    event_send(c, &v);
}

void cycle_tell_part(struct cycle *c)
{
    const struct cycle_agent *agent = cycle_part_agent(&c->plan, c->part);
    struct event v;
    if (!c->stream)
        return;
    event_begin(&v, "part.start");
    jw_kcstr(&v.w, "part", cycle_part_name(c->part));
    jw_kstr(&v.w, "agent", agent->name);
    jw_kstr(&v.w, "model", agent->model);
    event_send(c, &v);
}

void cycle_tell_delta(struct cycle *c)
{
    struct cycle_turn *t = cycle_turn(c);
    struct str text = answer_text(t->answer);
    struct event v;
    if (!c->stream || text.n <= t->told)
        return;
    event_begin(&v, "part.delta");
    jw_kcstr(&v.w, "part", cycle_part_name(c->part));
    jw_kstr(&v.w, "delta", str_skip(text, t->told));
    t->told = text.n;
    event_send(c, &v);
}

void cycle_tell_stored(struct cycle *c)
{
    struct event v;
    if (!c->stream)
        return;
    event_begin(&v, "part.end");
    jw_kcstr(&v.w, "part", cycle_part_name(c->part));
    jw_kstr(&v.w, "agent", cycle_part_agent(&c->plan, c->part)->name);
    write_turn_end(c, &v.w, c->part);
    event_send(c, &v);
}

/* ---- the end ---- */

static void answer_plain(struct cycle *c)
{
    struct http_header h[4] = {{STR("Content-Type"), STR("application/json")},
                               {STR("X-Cairn-Memory"), str_of(c->note)}};
    struct http_request *r = c->r;
    struct err e = {0};
    struct buf b;
    struct json_out w;
    size_t n = 2;
    if (c->conversation_id.n)
        h[n++] = (struct http_header){STR("X-Cairn-Conversation"), c->conversation_id};
    if (c->failed_status && c->retry_after)
        h[n++] = (struct http_header){STR("Retry-After"), arena_fmt(c->arena, "%d", (int)c->retry_after)};
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    write_answer(c, &w);
    jw_end_object(&w);
    c->r = NULL;
    if (b.failed || arena_failed(c->arena)) {
        err_nomem(&e);
        http_answer_error(r, &e);
    } else {
        const struct http_reply reply = {
            .status = c->failed_status ? c->failed_status : 200, .headers = h, .n_headers = n, .body = buf_view(&b)};
        http_answer(r, &reply);
    }
    buf_release(&b);
}

void cycle_tell_end(struct cycle *c)
{
    struct event v;
    c->state = CYCLE_OVER;
    if (c->stream) {
        event_begin(&v, c->failed_status ? "error" : "cycle.end");
        write_answer(c, &v.w);
        event_send(c, &v);
        c->finished = true;
        end_stream(c);
    } else if (c->r) {
        answer_plain(c);
    }
}
