/* Analytics: what a session's memory holds, and who said how much when. See analytics.h. */
#include "service/analytics.h"

#include "base/clock.h"
#include "service/features.h"
#include "service/tally.h"

#include <stdlib.h>

enum { LOADS_LOOKED_AT = 1000, STATES_MAX = 1000, TOPICS_SHOWN = 20, TOPICS_COUNTED = 2000 };
static const int64_t DAY_MS = 86400000;

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
        code = usage_turns(tx, c->arena, id, &a->turns, e);
    if (!code)
        code = list_of(c, tx, KIND_AGENT_STATE, STATES_MAX, &a->states, &a->n_states, e);
    return code ? code : list_of(c, tx, KIND_CONTEXT_LOAD, LOADS_LOOKED_AT, &a->loads, &a->n_loads, e);
}

/* ---- memory usage ---- */

static struct usage_speaker sum_of(const struct usage_turns *t)
{
    struct usage_speaker sum = {0};
    for (size_t i = 0; i < t->n; i++) {
        const struct usage_speaker *s = &t->speakers[i];
        sum.turns += s->turns;
        sum.tokens += s->tokens;
        sum.bytes += s->bytes;
        sum.first = i == 0 || s->first < sum.first ? s->first : sum.first;
        sum.last = i == 0 || s->last > sum.last ? s->last : sum.last;
    }
    return sum;
}

static void write_usage(struct json_out *w, const struct analytics *a, const struct usage_speaker *all)
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

static void write_speaker(struct json_out *w, const struct usage_speaker *sum)
{
    jw_object(w);
    jw_kstr(w, "agent", sum->agent);
    jw_kstr(w, "role", sum->role);
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

static int by_name(const void *pa, const void *pb)
{
    const struct usage_speaker *a = pa, *b = pb;
    int d = str_cmp(a->agent, b->agent);
    return d ? d : str_cmp(a->role, b->role);
}

static void write_speakers(struct json_out *w, struct usage_turns *t)
{
    qsort(t->speakers, t->n, sizeof *t->speakers, by_name);
    jw_key(w, "speakers");
    jw_array(w);
    for (size_t i = 0; i < t->n; i++)
        write_speaker(w, &t->speakers[i]);
    jw_end_array(w);
}

/* The last days up to the last turn's, oldest first; days without turns are left out. */
static void write_times(struct json_out *w, const struct usage_turns *t, const struct usage_speaker *all)
{
    int64_t last = all->last / DAY_MS;
    jw_key(w, "turns_by_hour");
    jw_array(w);
    for (size_t i = 0; i < 24; i++)
        jw_int(w, t->by_hour[i]);
    jw_end_array(w);
    jw_key(w, "turns_by_day");
    jw_array(w);
    for (int64_t day = last - USAGE_DAYS + 1; day <= last; day++) {
        size_t at = (size_t)(day < 0 ? 0 : day % USAGE_DAYS);
        char text[CLOCK_TEXT];
        if (t->by_day[at].day != day || !t->by_day[at].turns)
            continue;
        clock_format(day * DAY_MS, text);
        jw_object(w);
        jw_kstr(w, "day", str_take(str_of(text), sizeof "2026-01-31" - 1));
        jw_kint(w, "turns", t->by_day[at].turns);
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

void analytics_write_interactions(struct op_call *c, struct analytics *a)
{
    struct json_out *w = c->out;
    struct usage_speaker all = sum_of(&a->turns);
    write_usage(w, a, &all);
    jw_key(w, "interaction_patterns");
    jw_object(w);
    write_speakers(w, &a->turns);
    write_times(w, &a->turns, &all);
    analytics_mean(w, "mean_tokens", (double)all.tokens, all.turns);
    write_states(c, a);
    jw_end_object(w);
}

enum err_code session_analytics(struct op_call *c, struct err *e)
{
    struct analytics *a = arena_alloc(c->arena, sizeof *a); /* some 30 KiB */
    struct store_tx *tx;
    if (!a)
        return err_nomem(e);
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = read_on(c, tx, a, e);
    store_read_end(tx);
    if (code)
        return code;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_ktime(c->out, "computed_at", clock_now_ms());
    analytics_write_interactions(c, a);
    code = analytics_write_effectiveness(c, a, e);
    jw_end_object(c->out);
    return code;
}
