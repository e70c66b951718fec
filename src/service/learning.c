/* The follower that learns from turns. See learning.h. It thinks on its own thread (words, tallies) and leaves the
 * writer only small merges: one for each agent of a session in a batch. */
#include "service/learning.h"

#include "service/default_agents.h"
#include "service/lesson.h"

#include "base/text.h"
#include "config/config.h"

#include <math.h>

enum { COUNTS_BYTES = 512 * 1024 };

/* What a batch taught about one agent in one session. */
struct lesson {
    struct str session_id, project, agent;
    int64_t learning_seq; /* of its agent_learning row, 0: none yet */
    int64_t since;        /* ms: turns from before then are counted already */
    int64_t turns;        /* counted */
    int64_t lengths[LENGTHS_KEPT];
    size_t n_lengths;
    struct tally topics, phrases;
    struct str counts;           /* both tallies, as they are kept */
    struct str top, top_phrases; /* JSON arrays for the state */
};
struct learning_plan {
    struct lesson *lessons;
    size_t n;
};

static bool teaches(const struct turn *t)
{
    return t->session_id.n && t->agent.n && (str_is(t->role, "user") || str_is(t->role, "assistant"));
}

/* ---- thinking ---- */

static enum err_code learning_find(struct store_tx *tx, struct arena *a, struct str session_id, struct str agent,
                                   struct record **out, struct err *e)
{
    struct list_filter filters[] = {{"session_id", V_TEXT(session_id)}, {"agent", V_TEXT(agent)}};
    struct list_query q = {.kind = KIND_AGENT_LEARNING, .filters = filters, .n_filters = 2, .limit = 1};
    struct list_page page;
    enum err_code code = record_list(tx, a, &q, &page, e);
    *out = !code && page.n ? page.rows[0] : NULL;
    return code;
}

/* Only this follower writes the row, and only together with its mark: what is read here is what apply will replace. */
static enum err_code begin(struct store_tx *tx, struct arena *a, struct lesson *l, struct err *e)
{
    struct record *row;
    const struct json *counts = NULL;
    enum err_code code = learning_find(tx, a, l->session_id, l->agent, &row, e);
    if (code)
        return code;
    if (!tally_init(&l->topics, a, TOPICS_TALLY) || !tally_init(&l->phrases, a, PHRASES_TALLY))
        return err_nomem(e);
    if (!row)
        return ERR_OK;
    l->learning_seq = row->seq;
    l->since = record_int(row, "since");
    if (json_parse(a, record_text(row, "counts"), JSON_DUPLICATES_OK, &counts, NULL))
        return arena_failed(a) ? err_nomem(e) : ERR_OK; /* unreadable: counted anew */
    bool read =
        tally_read(&l->topics, json_get(counts, "topics")) && tally_read(&l->phrases, json_get(counts, "phrases"));
    return read ? ERR_OK : err_nomem(e);
}

static struct lesson *lesson_of(struct learning_plan *p, const struct turn *t)
{
    for (size_t i = 0; i < p->n; i++) {
        if (str_eq(p->lessons[i].session_id, t->session_id) && str_eq(p->lessons[i].agent, t->agent))
            return &p->lessons[i];
    }
    p->lessons[p->n] = (struct lesson){.session_id = t->session_id, .project = t->project, .agent = t->agent};
    return &p->lessons[p->n++];
}

static enum err_code begin_all(const struct follow_batch *b, struct learning_plan *p, struct err *e)
{
    struct store_tx *tx;
    for (size_t i = 0; i < b->n; i++) {
        if (teaches(&b->turns[i]))
            (void)lesson_of(p, &b->turns[i]);
    }
    enum err_code code = store_read_begin(b->svc->store, &tx, e);
    if (code)
        return code;
    for (size_t i = 0; i < p->n && !code; i++)
        code = begin(tx, b->arena, &p->lessons[i], e);
    store_read_end(tx);
    return code;
}

/* Tallies fade turn by turn, not batch by batch, so that batches make no difference. */
static enum err_code learn(struct lesson *l, const struct turn *t, double fade, struct err *e)
{
    tally_fade(&l->topics, fade);
    enum err_code code = lesson_topics(&l->topics, t->content, e);
    if (!code && !lesson_phrases(&l->phrases, t->content))
        code = err_nomem(e);
    if (code || t->timestamp < l->since)
        return code;
    if (l->n_lengths == LENGTHS_KEPT) {
        for (size_t i = 1; i < LENGTHS_KEPT; i++)
            l->lengths[i - 1] = l->lengths[i];
        l->n_lengths--;
    }
    l->lengths[l->n_lengths++] = (int64_t)text_chars(t->content);
    l->turns++;
    return ERR_OK;
}

/* Two decimals are enough to be read. */
static double rounded(double v)
{
    return round(v * 100) / 100;
}

static enum err_code write_top(const struct tally *t, double least, size_t most, const char *name, const char *count,
                               struct str *out, struct err *e)
{
    struct tally_item *top;
    size_t n;
    struct buf b;
    struct json_out w;
    if (!tally_top(t, least, most, &top, &n))
        return err_nomem(e);
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    for (size_t i = 0; i < n; i++) {
        jw_object(&w);
        jw_kstr(&w, name, top[i].shown);
        jw_knum(&w, count, rounded(top[i].count - top[i].error));
        jw_end_object(&w);
    }
    jw_end_array(&w);
    *out = buf_take(&b, t->arena);
    return out->p ? ERR_OK : err_nomem(e);
}

static enum err_code end(struct arena *a, struct lesson *l, struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, COUNTS_BYTES);
    jw_init(&w, &b);
    jw_object(&w);
    jw_key(&w, "topics");
    tally_write(&w, &l->topics);
    jw_key(&w, "phrases");
    tally_write(&w, &l->phrases);
    jw_end_object(&w);
    l->counts = buf_take(&b, a);
    enum err_code code = l->counts.p ? ERR_OK : err_nomem(e);
    if (!code)
        code = write_top(&l->topics, 0.5, TOPICS_SHOWN, "topic", "weight", &l->top, e);
    return code ? code : write_top(&l->phrases, 2, PHRASES_SHOWN, "phrase", "count", &l->top_phrases, e);
}

enum err_code learning_think(const struct follow_batch *b, void **plan, struct err *e)
{
    int64_t half_life = config_int(b->svc->options.config, "learning.half_life_turns");
    double fade = pow(0.5, 1.0 / (double)half_life);
    struct learning_plan *p = arena_alloc(b->arena, sizeof *p);
    if (p)
        p->lessons = arena_array(b->arena, struct lesson, b->n + 1);
    if (!p || !p->lessons)
        return err_nomem(e);
    enum err_code code = begin_all(b, p, e);
    for (size_t i = 0; i < b->n && !code; i++) {
        if (teaches(&b->turns[i]))
            code = learn(lesson_of(p, &b->turns[i]), &b->turns[i], fade, e);
    }
    for (size_t i = 0; i < p->n && !code; i++)
        code = end(b->arena, &p->lessons[i], e);
    *plan = !code && p->n ? p : NULL;
    return code;
}

/* ---- writing ---- */

/* The stored lengths that stay, and the new ones behind them. */
static void write_lengths(struct json_out *w, const struct json *known, const struct lesson *l)
{
    size_t stored = known ? known->n : 0, stay = LENGTHS_KEPT - l->n_lengths;
    jw_key(w, "content_length_preferences");
    jw_array(w);
    for (size_t i = stored > stay ? stored - stay : 0; i < stored; i++)
        jw_value(w, &known->items[i]);
    for (size_t i = 0; i < l->n_lengths; i++)
        jw_int(w, l->lengths[i]);
    jw_end_array(w);
}

static bool ours(const struct json *state, const char *member, enum json_type type)
{
    const struct json *v = json_get(state, member);
    return !v || v->type == type || v->type == JSON_NULL;
}

/* What the lesson changes, as an object to be merged over the stored state. */
static enum err_code lesson_changes(struct arena *a, const struct json *state, const struct lesson *l, struct str *out,
                                    struct err *e)
{
    const struct json *total = json_get_type(json_get(state, "interaction_history"), "total_interactions", JSON_INT);
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    if (ours(state, "interaction_history", JSON_OBJECT)) {
        jw_key(&w, "interaction_history");
        jw_object(&w);
        jw_kint(&w, "total_interactions", (total ? total->integer : 0) + l->turns);
        jw_end_object(&w);
    }
    if (ours(state, "preferred_topics", JSON_ARRAY))
        jw_kraw(&w, "preferred_topics", l->top);
    if (ours(state, "frequent_phrases", JSON_ARRAY))
        jw_kraw(&w, "frequent_phrases", l->top_phrases);
    if (ours(state, "content_length_preferences", JSON_ARRAY))
        write_lengths(&w, json_get_type(state, "content_length_preferences", JSON_ARRAY), l);
    jw_end_object(&w);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

static enum err_code write_state(struct store_tx *tx, struct arena *a, const struct lesson *l,
                                 const struct record *session, struct err *e)
{
    struct record *known = NULL;
    struct err why = {0};
    const struct json *state = NULL;
    struct str over;
    enum err_code code = agent_state_find(tx, a, l->session_id, l->agent, &known, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    if (known && json_parse(a, record_text(known, "state"), JSON_DUPLICATES_OK, &state, NULL))
        state = NULL;
    code = lesson_changes(a, state, l, &over, e);
    return code ? code : state_merge(tx, a, session, l->agent, over, NULL, e);
}

static enum err_code write_counts(struct store_tx *tx, struct arena *a, const struct lesson *l, struct err *e)
{
    struct record *r = record_new(a, KIND_AGENT_LEARNING);
    if (!r)
        return err_nomem(e);
    record_set(r, "counts", V_TEXT(l->counts));
    if (l->learning_seq)
        return record_update(tx, a, l->learning_seq, r, e);
    r->project = l->project;
    record_set(r, "session_id", V_TEXT(l->session_id));
    record_set(r, "agent", V_TEXT(l->agent));
    return record_insert(tx, a, r, e);
}

/* A session that was deleted or has expired meanwhile learns nothing: what it knew is gone. */
static enum err_code write_lesson(struct store_tx *tx, struct arena *a, const struct lesson *l, struct err *e)
{
    struct record *session;
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_SESSION, l->session_id, STR_NONE, &session, &why);
    if (code == ERR_NOT_FOUND || (!code && str_is(record_text(session, "status"), "expired")))
        return ERR_OK;
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    if (l->turns)
        code = write_state(tx, a, l, session, e);
    return code ? code : write_counts(tx, a, l, e);
}

enum err_code learning_apply(struct store_tx *tx, struct arena *a, void *plan, struct err *e)
{
    const struct learning_plan *p = plan;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < p->n && !code; i++)
        code = write_lesson(tx, a, &p->lessons[i], e);
    return code;
}

enum err_code learning_restored(struct store_tx *tx, struct arena *a, const struct record *state, int64_t now,
                                struct err *e)
{
    struct str session_id = record_text(state, "session_id"), agent = record_text(state, "agent");
    struct record *known, *r = record_new(a, KIND_AGENT_LEARNING);
    enum err_code code = r ? learning_find(tx, a, session_id, agent, &known, e) : err_nomem(e);
    if (code || known)
        return code;
    r->project = state->project;
    record_set(r, "session_id", V_TEXT(session_id));
    record_set(r, "agent", V_TEXT(agent));
    record_set(r, "since", V_INT(now));
    record_set(r, "counts", V_TEXT(STR("{}")));
    return record_insert(tx, a, r, e);
}
