/* Why did it come to this? A session's events nearest to a question, the chain of causes through the nearest one, told
 * as a paragraph; beside it what was summed up without causes, and what each agent contributed. */
#include "service/causal.h"

#include "service/access.h"
#include "service/event_cause.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/vitality.h"

#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"

#include <stdlib.h>

/* Among so many of the newest events the nearest are looked for; so many are shown. */
enum { LOOKED_AT = 500, NEAREST = 5, AGENTS_MAX = 16, SUMMARY_EVENTS = 3 };

struct near {
    const struct record *event;
    double relevance; /* 0..1 */
};
struct causal {
    struct op_call *call;
    struct record *session;
    struct near near[LOOKED_AT];
    size_t n_near;
    int64_t total;
    struct causal_chain chain;
    struct str summary;
    int64_t now;
};

/* ---- the events nearest to the question ---- */

static int by_relevance(const void *x, const void *y)
{
    const struct near *a = x, *b = y;
    if (a->relevance != b->relevance)
        return a->relevance < b->relevance ? 1 : -1;
    return (a->event->seq < b->event->seq) - (a->event->seq > b->event->seq);
}

static enum err_code alive_events(struct causal *c, struct store_tx *tx, struct list_page *out, struct err *e)
{
    struct list_filter filters[] = {{"session_id", V_TEXT(c->session->id)}, {"status", V_TEXT(STR("active"))}};
    struct list_query q = {.kind = KIND_EVENT, .filters = filters, .n_filters = 2, .limit = LOOKED_AT, .count = true};
    return record_list(tx, c->call->arena, &q, out, e);
}

/* Without a question every event is as near as another, and those that have a cause come first. */
static enum err_code judge_nearness(struct causal *c, const struct list_page *page, struct err *e)
{
    struct arena *a = c->call->arena;
    struct str query = op_text(c->call, "query");
    struct event_known *known = arena_array(a, struct event_known, page->n + 1);
    struct event_words *asked = NULL, *words;
    enum err_code code = known ? event_words_of(a, query.n ? query : STR(""), &asked, e) : err_nomem(e);
    for (size_t i = 0; i < page->n && !code; i++) {
        code = event_words_of(a, record_text(page->rows[i], "effect_text"), &words, e);
        known[i].words = words;
    }
    double least = config_real(c->call->svc->options.config, "events.archive_below");
    for (size_t i = 0; i < page->n && !code; i++) {
        const struct record *r = page->rows[i];
        double near = query.n ? event_similarity(known, page->n, asked, known[i].words)
                              : (record_text(r, "cause_id").n ? 1 : 0.5);
        if (near > 0 && vitality_of(c->call->svc, r, c->now) >= least)
            c->near[c->n_near++] = (struct near){r, near};
    }
    if (c->n_near > 1)
        qsort(c->near, c->n_near, sizeof *c->near, by_relevance);
    return code;
}

/* ---- the summary without causes ---- */

static enum err_code plain_summary(struct causal *c, struct store_tx *tx, const struct list_page *events, struct err *e)
{
    struct list_filter filter = {"session_id", V_TEXT(c->session->id)};
    struct list_query q = {.kind = KIND_SUMMARY, .filters = &filter, .n_filters = 1, .limit = 1};
    struct list_page page = {0};
    enum err_code code = record_list(tx, c->call->arena, &q, &page, e);
    c->summary = !code && page.n ? record_text(page.rows[0], "text") : record_text(c->session, "summary");
    if (code || c->summary.n)
        return code;
    struct buf b;
    buf_init(&b, 0);
    size_t first = events->n > SUMMARY_EVENTS ? SUMMARY_EVENTS : events->n;
    for (size_t i = first; i-- > 0;)
        buf_fmt(&b, "%.*s%s", STR_ARG(record_text(events->rows[i], "effect_text")), i ? " " : "");
    c->summary = buf_take(&b, c->call->arena);
    return c->summary.p ? ERR_OK : err_nomem(e);
}

/* ---- reading ---- */

static enum err_code gather(struct causal *c, struct store_tx *tx, struct err *e)
{
    struct list_page page = {0};
    struct op_call *call = c->call;
    enum err_code code =
        access_session(caller_of(call), ACCESS_READ, tx, call->arena, op_text(call, "session_id"), &c->session, e);
    if (!code)
        code = alive_events(c, tx, &page, e);
    if (code)
        return code;
    c->total = page.total;
    code = judge_nearness(c, &page, e);
    if (!code && c->n_near)
        code = causal_walk(tx, call->arena, caller_of(call), c->near[0].event, &c->chain, e);
    return code ? code : plain_summary(c, tx, &page, e);
}

/* ---- the answer ---- */

static void write_event(struct causal *c, const struct record *r, const char *place, double relevance)
{
    struct json_out *w = c->call->out;
    int64_t at = record_int(r, "occurred_at");
    jw_object(w);
    jw_kstr(w, "event_id", r->id);
    jw_kstr(w, "effect_text", record_text(r, "effect_text"));
    jw_kstr(w, "event_type", record_text(r, "event_type"));
    jw_kstr(w, "cause_id", record_text(r, "cause_id"));
    jw_kstr(w, "relationship_text", record_text(r, "relationship_text"));
    jw_kstr(w, "conversation_id", record_text(r, "conversation_id"));
    jw_kstr(w, "turn_id", record_text(r, "turn_id"));
    jw_kstr(w, "agent", record_text(r, "agent"));
    jw_ktime(w, "occurred_at", at ? at : r->created_at);
    jw_knum(w, "vitality", vitality_of(c->call->svc, r, c->now));
    if (place)
        jw_kcstr(w, "place", place);
    else
        jw_knum(w, "relevance_score", relevance);
    jw_end_object(w);
}

static const char *place_of(const struct causal_chain *chain, size_t i)
{
    return i == chain->asked ? "asked" : i > chain->asked ? "effect" : i == 0 ? "root_cause" : "cause";
}

static bool told_before(const struct causal_chain *chain, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (str_eq(record_text(chain->events[k], "agent"), record_text(chain->events[i], "agent")))
            return true;
    }
    return false;
}

static void write_contributions(struct causal *c, struct str agent)
{
    struct json_out *w = c->call->out;
    int64_t n = 0;
    jw_object(w);
    jw_kstr(w, "agent", agent);
    jw_key(w, "contributions");
    jw_array(w);
    for (size_t i = 0; i < c->chain.n; i++) {
        const struct record *r = c->chain.events[i];
        if (!str_eq(record_text(r, "agent"), agent))
            continue;
        n++;
        jw_object(w);
        jw_kstr(w, "event_id", r->id);
        jw_kstr(w, "event_type", record_text(r, "event_type"));
        jw_kstr(w, "effect_text", record_text(r, "effect_text"));
        jw_kcstr(w, "place", place_of(&c->chain, i));
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_kint(w, "events", n);
    jw_end_object(w);
}

static void write_insights(struct causal *c)
{
    struct json_out *w = c->call->out;
    size_t agents = 0;
    jw_key(w, "agent_insights");
    jw_array(w);
    for (size_t i = 0; i < c->chain.n && agents < AGENTS_MAX; i++) {
        struct str agent = record_text(c->chain.events[i], "agent");
        if (!agent.n || told_before(&c->chain, i))
            continue;
        write_contributions(c, agent);
        agents++;
    }
    jw_end_array(w);
}

static void write_answer(struct causal *c, struct str narrative)
{
    struct json_out *w = c->call->out;
    struct str query = op_text(c->call, "query");
    jw_object(w);
    jw_kstr(w, "session_id", c->session->id);
    jw_kstr(w, "query", query);
    jw_kstr(w, "causal_narrative", narrative);
    jw_kstr(w, "traditional_summary", c->summary);
    write_insights(c);
    jw_key(w, "chain");
    jw_array(w);
    for (size_t i = 0; i < c->chain.n; i++)
        write_event(c, c->chain.events[i], place_of(&c->chain, i), 0);
    jw_end_array(w);
    jw_key(w, "events");
    jw_array(w);
    for (size_t i = 0; i < c->n_near && i < NEAREST; i++)
        write_event(c, c->near[i].event, NULL, c->near[i].relevance);
    jw_end_array(w);
    jw_kint(w, "total_events", c->total);
    jw_end_object(w);
}

/* What was told is recalled; what merely stood near is not. */
static void raise_chain(struct causal *c)
{
    struct str ids[CAUSAL_CHAIN_MAX];
    for (size_t i = 0; i < c->chain.n; i++)
        ids[i] = c->chain.events[i]->id;
    vitality_rise(c->call->svc, ids, c->chain.n, VITALITY_RECALLED);
}

enum err_code causal_get(struct op_call *call, struct err *e)
{
    struct causal *c = arena_alloc(call->arena, sizeof *c);
    struct store_tx *tx;
    enum err_code code = c ? op_read_begin(call, &tx, e) : err_nomem(e);
    if (code)
        return code;
    c->call = call;
    c->now = clock_now_ms();
    code = gather(c, tx, e);
    store_read_end(tx);
    if (code)
        return code;
    struct str narrative = c->chain.n ? causal_tell(call->arena, &c->chain) : STR("");
    if (!narrative.p)
        return err_nomem(e);
    write_answer(c, narrative);
    raise_chain(c);
    return ERR_OK;
}
