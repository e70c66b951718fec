/* /v2/chat/completions: the upstream's answer plus memory_metadata. So that it can say whether the turn is stored, the
 * last piece of an answer (a plain body, or a stream's [DONE]) waits for that, for a second at most. Everything before
 * it goes on as it comes. */
#include "base/clock.h"
#include "base/json_write.h"
#include "doors/proxy/exchange.h"

enum { STORED_WAIT_US = 1000000 };

static void write_metadata(const struct exchange *x, struct json_out *w)
{
    jw_key(w, "memory_metadata");
    jw_object(w);
    jw_kint(w, "context_used", x->recalled ? x->turns : 0);
    jw_kraw(w, "relevant_conversations", x->recalled && x->relevant.n ? x->relevant : STR("[]"));
    jw_kbool(w, "agent_state_applied", x->recalled && x->agent_state);
    bool stored = atomic_load(&x->stored) && x->ask.options.auto_store_response && !answer_empty(x->answer);
    jw_kbool(w, "turn_stored", stored && !x->context.ephemeral);
    jw_kstr(w, "turn_id", stored && x->turn_id[0] ? str_of(x->turn_id) : STR_NONE);
    jw_kstr(w, "conversation_id", x->conversation_id[0] ? str_of(x->conversation_id) : STR_NONE);
    jw_end_object(w);
}

/* A chunk as OpenAI's clients know it, with no choices: the form of their usage chunk. */
static void write_event(const struct exchange *x, struct buf *b)
{
    struct json_out w;
    struct str id = answer_id(x->answer), model = answer_model(x->answer);
    buf_cstr(b, "data: ");
    jw_init(&w, b);
    jw_object(&w);
    jw_kstr(&w, "id", id.p ? id : STR(""));
    jw_kcstr(&w, "object", "chat.completion.chunk");
    jw_kint(&w, "created", answer_created(x->answer));
    jw_kstr(&w, "model", model.p ? model : STR(""));
    jw_key(&w, "choices");
    jw_array(&w);
    jw_end_array(&w);
    write_metadata(x, &w);
    jw_end_object(&w);
    buf_cstr(b, "\n\n");
}

/* The body with one more member at its end, or as it is when it is no object. */
static void write_body(const struct exchange *x, struct buf *b)
{
    struct str body = answer_body(x->answer), trimmed = str_trim(body);
    struct buf m;
    struct json_out w;
    bool object = trimmed.n >= 2 && trimmed.p[0] == '{' && trimmed.p[trimmed.n - 1] == '}' && answer_whole(x->answer);
    if (!object) {
        b->failed |= !body.p; /* memory ran out while it came */
        buf_str(b, body);
        return;
    }
    size_t at = (size_t)(trimmed.p - body.p) + trimmed.n - 1;
    bool empty = !str_trim((struct str){trimmed.p + 1, trimmed.n - 2}).n;
    buf_init(&m, 0);
    jw_init(&w, &m);
    write_metadata(x, &w);
    buf_put(b, body.p, at);
    buf_cstr(b, empty ? "" : ",");
    buf_str(b, buf_view(&m));
    buf_put(b, body.p + at, body.n - at);
    b->failed |= m.failed;
    buf_release(&m);
}

void v2_head(struct exchange *x, struct http_header *headers, size_t n, bool streamed)
{
    x->gated = streamed;
    x->holds = !streamed;
    x->held_headers = headers;
    x->n_held_headers = n;
    for (size_t i = 0; x->holds && i < n; i++) { /* the upstream's are gone by then */
        headers[i].name = arena_str(x->arena, headers[i].name);
        headers[i].value = arena_str(x->arena, headers[i].value);
    }
}

void v2_let_go(struct exchange *x)
{
    x->holds = false;
    exchange_begin_reply(x, x->held_headers, x->n_held_headers, -1);
    exchange_relay(x, answer_body(x->answer));
}

static void wait_for_stored(struct exchange *x)
{
    x->waits = true;
    if (memory_over(x))
        v2_finish(x);
    else
        loop_timer_set(x->p->loop, &x->timer, clock_mono_us() + STORED_WAIT_US);
}

void v2_data(struct exchange *x, struct str bytes)
{
    struct buf pass;
    buf_init(&pass, 0);
    size_t seen = gate_pass(&x->gate, bytes, &pass);
    if (pass.n)
        exchange_relay(x, buf_view(&pass));
    if (pass.failed)
        exchange_break(x);
    buf_release(&pass);
    if (!x->ended)
        answer_feed(x->answer, str_take(bytes, seen));
    if (!x->gate.closed)
        return;
    /* The line's own end has not been fed yet; it is the end all the same. */
    buf_str(&x->after, str_skip(bytes, seen));
    if (!x->ended) {
        answer_end(x->answer);
        memory_end(x, answer_whole(x->answer));
    }
    wait_for_stored(x);
}

void v2_done(struct exchange *x)
{
    if (!x->waits && (x->holds || !x->gate.closed))
        wait_for_stored(x);
}

static void finish_stream(struct exchange *x)
{
    struct buf b;
    buf_init(&b, 0);
    if (x->gate.closed || answer_whole(x->answer))
        write_event(x, &b);
    buf_str(&b, gate_held(&x->gate));
    buf_str(&b, buf_view(&x->after));
    x->gated = false;
    if (b.failed || x->after.failed)
        exchange_break(x);
    else
        exchange_relay(x, buf_view(&b));
    buf_release(&b);
    if (x->stream && !x->backlog.n)
        exchange_flush(x);
}

static void finish_body(struct exchange *x)
{
    struct buf b;
    struct http_request *r = x->r;
    buf_init(&b, 0);
    write_body(x, &b);
    x->holds = false;
    x->r = NULL;
    x->stage = STAGE_OVER;
    if (b.failed) {
        struct err e = {0};
        err_nomem(&e);
        http_answer_error(r, &e);
    } else {
        http_answer(r, &(struct http_reply){.status = x->status,
                                            .headers = x->held_headers,
                                            .n_headers = x->n_held_headers,
                                            .body = buf_view(&b)});
    }
    buf_release(&b);
}

void v2_finish(struct exchange *x)
{
    if (!x->waits)
        return;
    x->waits = false;
    loop_timer_clear(x->p->loop, &x->timer);
    if (x->holds)
        finish_body(x);
    else
        finish_stream(x);
}
