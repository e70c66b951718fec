/* Analytics: what a session's memory holds, and who said how much when. See analytics.h. */
#include "service/analytics.h"

#include "base/clock.h"
#include "service/features.h"
#include "service/tally.h"

#include <stdio.h>

enum { LOADS_LOOKED_AT = 1000, STATES_MAX = 1000, DAYS_SHOWN = 90, TOPICS_SHOWN = 20, TOPICS_COUNTED = 2000 };
static const int64_t HOUR_MS = 3600000;

void analytics_mean(struct json_out *w, const char *key, double sum, int64_t n)
{
    jw_key(w, key);
    if (n > 0)
        jw_num(w, sum / (double)n);
    else
        jw_null(w);
}

/* ---- reading ---- */

static enum err_code list_of(struct op_call *c, struct store_tx *tx, const struct kind *k, int limit,
                             struct record ***rows, size_t *n, struct err *e)
{
    struct list_filter filter = {"session_id", V_TEXT(op_text(c, "session_id"))};
    struct list_query q = {.kind = k, .filters = &filter, .n_filters = 1, .limit = limit};
    struct list_page page = {0};
    enum err_code code = record_list(tx, c->arena, &q, &page, e);
    *rows = page.rows;
    *n = page.n;
    return code;
}

static enum err_code read_on(struct op_call *c, struct store_tx *tx, struct analytics *a, struct err *e)
{
    struct record *session;
    struct str id = op_text(c, "session_id");
    enum err_code code = op_get_session(c, tx, id, &session, e);
    if (!code)
        code = usage_counts(tx, id, &a->counts, e);
    if (!code)
        code = usage_turns(tx, c->arena, id, &a->turns, &a->n_turns, e);
    if (!code)
        code = list_of(c, tx, KIND_AGENT_STATE, STATES_MAX, &a->states, &a->n_states, e);
    return code ? code : list_of(c, tx, KIND_CONTEXT_LOAD, LOADS_LOOKED_AT, &a->loads, &a->n_loads, e);
}

/* ---- memory usage ---- */

/* Adds up rows first … last - 1. */
static struct usage_row sum_of(const struct analytics *a, size_t first, size_t last)
{
    struct usage_row sum = {0};
    for (size_t i = first; i < last; i++) {
        const struct usage_row *r = &a->turns[i];
        sum.turns += r->turns;
        sum.tokens += r->tokens;
        sum.bytes += r->bytes;
        sum.responses += r->responses;
        sum.response_ms += r->response_ms;
        sum.response_max_ms = r->response_max_ms > sum.response_max_ms ? r->response_max_ms : sum.response_max_ms;
        sum.first = i == first || r->first < sum.first ? r->first : sum.first;
        sum.last = i == first || r->last > sum.last ? r->last : sum.last;
    }
    return sum;
}

static void write_usage(struct json_out *w, const struct analytics *a, const struct usage_row *all)
{
    jw_key(w, "memory_usage");
    jw_object(w);
    jw_kint(w, "conversations", a->counts.conversations);
    jw_kint(w, "turns", a->counts.turns);
    jw_kint(w, "content_bytes", all->bytes);
    jw_kint(w, "tokens", all->tokens);
    jw_kint(w, "summaries", a->counts.summaries);
    jw_kint(w, "events", a->counts.events);
    jw_kint(w, "patterns", a->counts.patterns);
    jw_kint(w, "agent_states", a->counts.agent_states);
    jw_kint(w, "checkpoints", a->counts.checkpoints);
    jw_kint(w, "context_loads", a->counts.context_loads);
    jw_ktime(w, "first_turn_at", all->first);
    jw_ktime(w, "last_turn_at", all->last);
    jw_end_object(w);
}

/* ---- interaction patterns ---- */

static void write_speaker(struct json_out *w, const struct usage_row *who, const struct usage_row *sum)
{
    jw_object(w);
    jw_kstr(w, "agent", who->agent);
    jw_kstr(w, "role", who->role);
    jw_kint(w, "turns", sum->turns);
    analytics_mean(w, "mean_tokens", (double)sum->tokens, sum->turns);
    analytics_mean(w, "mean_bytes", (double)sum->bytes, sum->turns);
    jw_key(w, "response_time_ms");
    if (sum->responses) {
        jw_object(w);
        jw_kint(w, "turns", sum->responses);
        analytics_mean(w, "mean", sum->response_ms, sum->responses);
        jw_knum(w, "max", sum->response_max_ms);
        jw_end_object(w);
    } else {
        jw_null(w);
    }
    jw_ktime(w, "first_turn_at", sum->first);
    jw_ktime(w, "last_turn_at", sum->last);
    jw_end_object(w);
}

/* The rows of one speaker stand together. */
static void write_speakers(struct json_out *w, const struct analytics *a)
{
    jw_key(w, "speakers");
    jw_array(w);
    for (size_t first = 0, last; first < a->n_turns; first = last) {
        const struct usage_row *who = &a->turns[first];
        for (last = first + 1;
             last < a->n_turns && str_eq(a->turns[last].agent, who->agent) && str_eq(a->turns[last].role, who->role);)
            last++;
        struct usage_row sum = sum_of(a, first, last);
        write_speaker(w, who, &sum);
    }
    jw_end_array(w);
}

static void write_hours(struct json_out *w, const struct analytics *a)
{
    int64_t turns[24] = {0};
    for (size_t i = 0; i < a->n_turns; i++)
        turns[((a->turns[i].hour % 24) + 24) % 24] += a->turns[i].turns;
    jw_key(w, "turns_by_hour");
    jw_array(w);
    for (size_t i = 0; i < 24; i++)
        jw_int(w, turns[i]);
    jw_end_array(w);
}

/* The last days before the last turn, counted back from its day; days without turns are left out. */
static void write_days(struct json_out *w, const struct analytics *a, const struct usage_row *all)
{
    int64_t turns[DAYS_SHOWN] = {0}, last = all->last / (24 * HOUR_MS);
    for (size_t i = 0; i < a->n_turns; i++) {
        int64_t back = last - a->turns[i].hour / 24;
        if (back >= 0 && back < DAYS_SHOWN)
            turns[back] += a->turns[i].turns;
    }
    jw_key(w, "turns_by_day");
    jw_array(w);
    for (int64_t back = DAYS_SHOWN - 1; back >= 0; back--) {
        char day[CLOCK_TEXT];
        if (!turns[back])
            continue;
        clock_format((last - back) * 24 * HOUR_MS, day);
        jw_object(w);
        jw_kstr(w, "day", str_take(str_of(day), sizeof "2026-01-31" - 1));
        jw_kint(w, "turns", turns[back]);
        jw_end_object(w);
    }
    jw_end_array(w);
}

/* What all agents speak of, from their states. */
static void write_topics(struct op_call *c, const struct analytics *a, const struct json *const *states)
{
    struct tally t;
    struct tally_item *top = NULL;
    size_t n = 0;
    bool ok = tally_init(&t, c->arena, TOPICS_COUNTED);
    for (size_t i = 0; ok && i < a->n_states; i++) {
        const struct json *topics = json_get_type(states[i], "preferred_topics", JSON_ARRAY);
        for (size_t j = 0; ok && topics && j < topics->n && j < TOPICS_SHOWN; j++) {
            struct str topic = json_text(&topics->items[j], "topic");
            const struct json *weight = json_get(&topics->items[j], "weight");
            if (topic.n && weight && (weight->type == JSON_INT || weight->type == JSON_DOUBLE) && weight->number > 0)
                ok = tally_add(&t, topic, topic, weight->number);
        }
    }
    if (ok)
        (void)tally_top(&t, 0, TOPICS_SHOWN, &top, &n);
    jw_key(c->out, "topics");
    jw_array(c->out);
    for (size_t i = 0; i < n; i++) {
        jw_object(c->out);
        jw_kstr(c->out, "topic", top[i].shown);
        jw_knum(c->out, "weight", top[i].count);
        jw_end_object(c->out);
    }
    jw_end_array(c->out);
}

static int64_t count_in(const struct json *state, const char *name)
{
    const struct json *v = json_get_type(json_get(state, "interaction_history"), name, JSON_INT);
    return v ? v->integer : 0;
}

static void write_states(struct op_call *c, const struct analytics *a)
{
    const struct json **states = arena_array(c->arena, const struct json *, a->n_states + 1);
    int64_t successful = 0, failed = 0;
    for (size_t i = 0; states && i < a->n_states; i++) {
        if (json_parse(c->arena, record_text(a->states[i], "state"), JSON_DUPLICATES_OK, &states[i], NULL))
            states[i] = NULL;
        successful += count_in(states[i], "successful_outcomes");
        failed += count_in(states[i], "failed_outcomes");
    }
    if (!states)
        return; /* out of memory: op_run says so */
    write_topics(c, a, states);
    jw_key(c->out, "outcomes");
    jw_object(c->out);
    jw_kint(c->out, "successful", successful);
    jw_kint(c->out, "failed", failed);
    jw_end_object(c->out);
}

void analytics_write_interactions(struct op_call *c, const struct analytics *a)
{
    struct json_out *w = c->out;
    struct usage_row all = sum_of(a, 0, a->n_turns);
    write_usage(w, a, &all);
    jw_key(w, "interaction_patterns");
    jw_object(w);
    write_speakers(w, a);
    write_hours(w, a);
    write_days(w, a, &all);
    analytics_mean(w, "mean_tokens", (double)all.tokens, all.turns);
    write_states(c, a);
    jw_end_object(w);
}

enum err_code session_analytics(struct op_call *c, struct err *e)
{
    struct analytics a = {0};
    struct store_tx *tx;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = read_on(c, tx, &a, e);
    store_read_end(tx);
    if (code)
        return code;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_ktime(c->out, "computed_at", clock_now_ms());
    analytics_write_interactions(c, &a);
    code = analytics_write_effectiveness(c, &a, e);
    jw_end_object(c->out);
    return code;
}
