/* Outcomes: whether what an agent did in a conversation was a success, as somebody reports it. Each report counts, also
 * a second one for the same conversation: work is judged more than once. It changes the agent's state:
 *   interaction_history.successful_outcomes or failed_outcomes
 *   execution_history    [{conversation_id, directive, success, note, at}], the last 50
 *   successful_patterns  [{pattern, topics, successes, last_success_at}], at most 50: what was asked for when it worked
 */
#include "service/audit.h"
#include "service/features.h"
#include "service/learning.h"
#include "service/operation_run.h"
#include "service/summary.h"

#include "base/clock.h"
#include "base/text.h"
#include "service/default_agents.h"

enum { KEPT = 50, DIRECTIVE_BYTES = 200 };

struct outcome {
    struct op_call *call;
    bool success;
    int64_t now;
    struct str session_id, directive, topics; /* topics: JSON array */
    struct str state;                         /* after */
};

/* ---- the changes ---- */

static void write_count(struct json_out *w, const struct json *state, bool success)
{
    const char *name = success ? "successful_outcomes" : "failed_outcomes";
    const struct json *history = json_get(state, "interaction_history"), *known;
    if (history && history->type != JSON_OBJECT && history->type != JSON_NULL)
        return;
    known = json_get_type(history, name, JSON_INT);
    jw_key(w, "interaction_history");
    jw_object(w);
    jw_kint(w, name, (known ? known->integer : 0) + 1);
    jw_end_object(w);
}

static void write_newest(struct json_out *w, const struct json *array, const struct json *except)
{
    size_t n = array ? array->n : 0;
    for (size_t i = n > KEPT - 1 ? n - (KEPT - 1) : 0; i < n; i++) {
        if (&array->items[i] != except)
            jw_value(w, &array->items[i]);
    }
}

/* False: the member is of another type, so it is not ours. */
static bool array_of(const struct json *state, const char *name, const struct json **out)
{
    const struct json *v = json_get(state, name);
    *out = v && v->type == JSON_ARRAY ? v : NULL;
    return !v || v->type == JSON_ARRAY || v->type == JSON_NULL;
}

static void write_history(struct json_out *w, const struct json *state, const struct outcome *o)
{
    const struct json *known;
    if (!array_of(state, "execution_history", &known))
        return;
    jw_key(w, "execution_history");
    jw_array(w);
    write_newest(w, known, NULL);
    jw_object(w);
    jw_kstr(w, "conversation_id", op_text(o->call, "conversation_id"));
    jw_kstr(w, "directive", o->directive);
    jw_kbool(w, "success", o->success);
    jw_kstr(w, "note", op_text(o->call, "note"));
    jw_ktime(w, "at", o->now);
    jw_end_object(w);
    jw_end_array(w);
}

static const struct json *known_pattern(const struct json *array, struct str directive)
{
    for (size_t i = 0; array && i < array->n; i++) {
        if (str_eq(json_text(&array->items[i], "pattern"), directive))
            return &array->items[i];
    }
    return NULL;
}

/* The one that worked now goes to the end, so that the list is in the order of use and the oldest leave it. */
static void write_pattern(struct json_out *w, const struct json *state, const struct outcome *o)
{
    const struct json *known;
    if (!o->success || !o->directive.n || !array_of(state, "successful_patterns", &known))
        return;
    const struct json *before = known_pattern(known, o->directive);
    const struct json *successes = json_get_type(before, "successes", JSON_INT);
    jw_key(w, "successful_patterns");
    jw_array(w);
    write_newest(w, known, before);
    jw_object(w);
    jw_kstr(w, "pattern", o->directive);
    jw_kraw(w, "topics", o->topics.n ? o->topics : STR("[]"));
    jw_kint(w, "successes", (successes ? successes->integer : 0) + 1);
    jw_ktime(w, "last_success_at", o->now);
    jw_end_object(w);
    jw_end_array(w);
}

static enum err_code changes_of(struct arena *a, struct str stored, const struct outcome *o, struct str *out,
                                struct err *e)
{
    const struct json *state = NULL;
    struct buf b;
    struct json_out w;
    if (stored.n && json_parse(a, stored, JSON_DUPLICATES_OK, &state, NULL))
        state = NULL;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    write_count(&w, state, o->success);
    write_history(&w, state, o);
    write_pattern(&w, state, o);
    jw_end_object(&w);
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

/* ---- the operation ---- */

/* What the conversation was about: its directive, and the topics of its newest summary where there is one. */
static enum err_code read_conversation(struct store_tx *tx, struct outcome *o, struct record **session, struct err *e)
{
    struct op_call *c = o->call;
    struct record *conversation, *summary;
    enum err_code code = op_get_conversation(c, tx, op_text(c, "conversation_id"), &conversation, e);
    if (code)
        return code;
    o->session_id = record_text(conversation, "session_id");
    o->directive = text_cut(record_text(conversation, "directive"), DIRECTIVE_BYTES);
    code = op_get_session(c, tx, o->session_id, session, e);
    if (!code)
        code = summary_newest(tx, c->arena, STR_NONE, conversation->id, &summary, e);
    o->topics = !code && summary ? record_text(summary, "key_topics") : STR_NONE;
    return code;
}

static enum err_code outcome_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct outcome *o = arg;
    struct arena *a = o->call->arena;
    struct str agent = op_text(o->call, "agent"), over;
    struct record *session, *known = NULL;
    struct err why = {0};
    enum err_code code = read_conversation(tx, o, &session, e);
    if (code)
        return code;
    code = agent_state_find(tx, a, session->id, agent, &known, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    code = changes_of(a, known ? record_text(known, "state") : STR_NONE, o, &over, e);
    if (!code && known)
        audit_touch(o->call, KIND_AGENT_STATE, known->id);
    return code ? code : state_merge(tx, a, session, agent, over, &o->state, e);
}

static void answer(struct op_call *c, void *arg)
{
    const struct outcome *o = arg;
    const struct json *state = NULL, *history;
    if (json_parse(c->arena, o->state, JSON_DUPLICATES_OK, &state, NULL))
        state = NULL;
    history = json_get(state, "interaction_history");
    const struct json *good = json_get_type(history, "successful_outcomes", JSON_INT);
    const struct json *bad = json_get_type(history, "failed_outcomes", JSON_INT);
    jw_object(c->out);
    jw_kstr(c->out, "conversation_id", op_text(c, "conversation_id"));
    jw_kstr(c->out, "session_id", o->session_id);
    jw_kstr(c->out, "agent", op_text(c, "agent"));
    jw_kbool(c->out, "success", o->success);
    jw_kint(c->out, "successful_outcomes", good ? good->integer : 0);
    jw_kint(c->out, "failed_outcomes", bad ? bad->integer : 0);
    jw_ktime(c->out, "recorded_at", o->now);
    jw_end_object(c->out);
}

enum err_code conversation_outcome(struct op_call *c, struct err *e)
{
    struct outcome *o = arena_alloc(c->arena, sizeof *o);
    if (!o)
        return err_nomem(e);
    *o = (struct outcome){.call = c, .success = op_bool(c, "success", false), .now = clock_now_ms()};
    return op_write(c, outcome_on, o, answer, e);
}
