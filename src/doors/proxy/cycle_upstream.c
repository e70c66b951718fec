/* The request of one part of a cycle, and the reading of its answer. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "doors/proxy/cycle.h"
#include "doors/proxy/forward.h"

#include <string.h>

enum { RETRY_AFTER_MAX = 3600 };

/* ---- what goes up ---- */

/* Of the caller's own headers only a key for the upstream goes up. */
bool cycle_prepare(struct cycle *c)
{
    size_t n, k = 0;
    const struct http_header *h = http_headers(c->r, &n);
    struct http_header *in = arena_array(c->arena, struct http_header, n + 3);
    const struct forward_up how = {
        .key = forward_brings_key(c->r, false) ? NULL : c->p->o.upstream_key, .request = c->r, .must_read = true};
    if (!in)
        return false;
    in[k++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    in[k++] = (struct http_header){STR("Accept"), c->plan.stream ? STR("text/event-stream") : STR("application/json")};
    in[k++] = (struct http_header){STR("User-Agent"), STR("cairn")};
    for (size_t i = 0; i < n; i++)
        if (str_ieq(h[i].name, STR("Authorization")))
            in[k++] = h[i];
    c->up = forward_request_headers(c->arena, in, k, &how, &c->n_up);
    c->url = forward_url(c->arena, c->p->base, STR("/v1/chat/completions"), STR_NONE);
    return c->up && c->url;
}

/* ---- what comes back ---- */

static void on_head(void *arg, int status, const struct http_header *headers, size_t n)
{
    struct cycle *c = arg;
    struct cycle_turn *t = cycle_turn(c);
    t->status = status;
    if (status < 200 || status > 299) {
        int64_t seconds;
        if (str_int(forward_header(headers, n, "retry-after"), &seconds) && seconds > 0 && seconds <= RETRY_AFTER_MAX)
            c->retry_after = seconds;
        return;
    }
    t->streamed = str_ieq(str_take(forward_header(headers, n, "content-type"), 17), STR("text/event-stream"));
    t->answer = answer_new(&wire_chat, t->streamed);
    if (!t->answer)
        cycle_break(c);
}

static bool on_data(void *arg, struct str bytes)
{
    struct cycle *c = arg;
    struct cycle_turn *t = cycle_turn(c);
    if (c->backlog.n) {
        c->paused = true;
        return false;
    }
    if (t->answer) {
        answer_feed(t->answer, bytes);
        cycle_tell_delta(c);
        cycle_remember(c);
    } else {
        buf_str(&t->error, str_take(bytes, CYCLE_ERROR_MAX - t->error.n));
    }
    return true;
}

/* The turn's metadata: which part, with which temperature, and what the answer says of itself. */
static struct str metadata_of(struct cycle *c, struct cycle_turn *t)
{
    double temperature = cycle_part_agent(&c->plan, c->part)->temperature;
    struct str own = answer_metadata(t->answer, c->arena, (clock_mono_us() - t->started_us) / 1000);
    struct buf b;
    struct json_out w;
    if (own.n < 2)
        return STR_NONE;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kcstr(&w, "part", cycle_part_name(c->part));
    if (temperature >= 0)
        jw_knum(&w, "temperature", temperature);
    buf_char(&b, ',');
    buf_str(&b, str_skip(own, 1)); /* always has response_time_ms */
    struct str out = buf_take(&b, c->arena);
    return out;
}

void cycle_end_part(struct cycle *c, bool whole)
{
    struct cycle_turn *t = cycle_turn(c);
    if (t->answer) {
        answer_end(t->answer);
        cycle_tell_delta(c);
        t->text = answer_turn(t->answer, c->arena);
        if (t->text.n)
            t->metadata = metadata_of(c, t);
        whole = whole && t->text.n && (!t->streamed || answer_whole(t->answer));
    }
    t->whole = whole && t->answer;
    t->ended = true;
    cycle_remember(c);
}

/* An answer with an error status: overloaded and late stay what they are, all else is a bad gateway. */
static int told_status(int status)
{
    if (status == 429 || status == 503 || status == 529)
        return 503;
    return status == 408 || status == 504 ? 504 : 502;
}

static void fail(struct cycle *c, enum err_code code, const struct err *e)
{
    const struct cycle_turn *t = cycle_turn(c);
    metric_add(M_PROXY_ERRORS, 1);
    if (code == ERR_NOMEM)
        cycle_break(c);
    else if (code)
        cycle_fail(c, code == ERR_TIMEOUT ? 504 : 502,
                   code == ERR_TIMEOUT ? "UPSTREAM_TIMEOUT" : "UPSTREAM_UNREACHABLE", e->message);
    else if (!t->answer)
        cycle_fail(c, told_status(t->status), "UPSTREAM_FAILED", "the model's server answered with an error");
    else if (t->text.n)
        cycle_fail(c, 502, "UPSTREAM_FAILED", "the model's answer broke off");
    else
        cycle_fail(c, 502, "UPSTREAM_FAILED", "the model's server answered without a text");
}

static void on_done(void *arg, enum err_code code, const struct err *e)
{
    struct cycle *c = arg;
    c->call = NULL;
    metric_add(M_PROXY_ACTIVE, -1);
    buf_release(&cycle_turn(c)->body);
    cycle_end_part(c, code == ERR_OK);
    if (c->broken)
        return; /* its event is on the way */
    if (cycle_turn(c)->whole)
        cycle_store_part(c);
    else
        fail(c, code, e);
    cycle_maybe_free(c);
}

/* ---- sending ---- */

void cycle_ask(struct cycle *c)
{
    struct cycle_turn *t = cycle_turn(c);
    struct str said[CYCLE_PARTS], block = STR_NONE;
    struct err e = {0};
    for (int i = 0; i < CYCLE_PARTS; i++)
        said[i] = c->turns[i].text;
    if (t->memory == PART_OPEN && !t->code)
        block = t->context.block;
    cycle_prompt(&c->plan, c->part, block, said, &t->body);
    if (t->body.failed) {
        cycle_break(c);
        return;
    }
    const struct upstream_request r = {
        .method = "POST", .url = c->url, .headers = c->up, .n_headers = c->n_up, .body = buf_view(&t->body)};
    const struct upstream_events ev = {.head = on_head, .data = on_data, .done = on_done, .arg = c};
    metric_add(M_PROXY_REQUESTS, 1);
    enum err_code code = upstream_send(c->p->upstream, &r, &ev, &c->call, &e);
    if (code == ERR_OK) {
        metric_add(M_PROXY_ACTIVE, 1);
        return;
    }
    cycle_end_part(c, false);
    fail(c, code, &e);
}
