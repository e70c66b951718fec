/* Agent states: show one, merge into one. An agent that a session has not met yet begins with an empty state. */
#include "service/audit.h"
#include "service/default_agents.h"
#include "service/features.h"
#include "service/merge.h"
#include "service/operation_run.h"

#include "base/clock.h"

enum { PATTERNS_MAX = 1000 };

static enum err_code get_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *session, *r;
    enum err_code code = op_get_session(c, tx, op_text(c, "session_id"), &session, e);
    if (!code)
        code = agent_state_find(tx, c->arena, session->id, op_text(c, "agent"), &r, e);
    if (code)
        return code;
    audit_made(c, KIND_AGENT_STATE, r->id);
    jw_object(c->out);
    jw_kstr(c->out, "session_id", session->id);
    jw_kstr(c->out, "agent", op_text(c, "agent"));
    jw_kraw(c->out, "state", record_text(r, "state"));
    jw_ktime(c->out, "updated_at", r->updated_at);
    jw_end_object(c->out);
    return ERR_OK;
}

enum err_code agent_state_get(struct op_call *c, struct err *e)
{
    return op_read(c, get_on, e);
}

/* ---- merge ---- */

struct state_write {
    struct op_call *call;
    const struct json *updates; /* without new_learned_pattern, which `updates` has turned into learned_patterns */
    struct str state;
    int64_t now;
};

/* The updates as they are to be merged: new_learned_pattern becomes learned_patterns with one more at its end. */
static enum err_code effective_updates(struct arena *a, const struct json *given, struct str stored,
                                       const struct json **out, struct err *e)
{
    const struct json *pattern = json_get(given, "new_learned_pattern"), *state = NULL;
    *out = given;
    if (!pattern)
        return ERR_OK;
    if (!stored.n || json_parse(a, stored, JSON_DUPLICATES_OK, &state, NULL))
        state = NULL;
    const struct json *known = json_get_type(given, "learned_patterns", JSON_ARRAY);
    if (!known)
        known = json_get_type(state, "learned_patterns", JSON_ARRAY);
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < given->n; i++) {
        if (!str_is(given->keys[i].key, "new_learned_pattern") && !str_is(given->keys[i].key, "learned_patterns")) {
            jw_key_str(&w, given->keys[i].key);
            jw_value(&w, &given->items[i]);
        }
    }
    jw_key(&w, "learned_patterns");
    jw_array(&w);
    for (size_t i = known && known->n >= PATTERNS_MAX ? known->n - PATTERNS_MAX + 1 : 0; known && i < known->n; i++)
        jw_value(&w, &known->items[i]);
    jw_value(&w, pattern);
    jw_end_array(&w);
    jw_end_object(&w);
    struct str text = buf_take(&b, a);
    return text.p ? json_parse(a, text, 0, out, e) : err_nomem(e);
}

static enum err_code save_state(struct store_tx *tx, struct state_write *s, const struct record *session,
                                const struct record *known, struct err *e)
{
    struct arena *a = s->call->arena;
    if (!known)
        return agent_state_insert(tx, a, session->id, session->project, op_text(s->call, "agent"), s->state, e);
    struct record *patch = record_new(a, KIND_AGENT_STATE);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "state", V_TEXT(s->state));
    return record_update(tx, a, known->seq, patch, e);
}

static enum err_code merge_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct state_write *s = arg;
    struct op_call *c = s->call;
    struct record *session, *known = NULL;
    struct err why = {0};
    enum err_code code = op_get_session(c, tx, op_text(c, "session_id"), &session, e);
    if (code)
        return code;
    code = agent_state_find(tx, c->arena, session->id, op_text(c, "agent"), &known, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    if (known)
        audit_made(c, KIND_AGENT_STATE, known->id);
    struct str stored = known ? record_text(known, "state") : STR_NONE;
    code = effective_updates(c->arena, op_json(c, "state_updates"), stored, &s->updates, e);
    if (!code)
        code = json_merge_text(c->arena, stored, s->updates, &s->state, e);
    return code ? code : save_state(tx, s, session, known, e);
}

static void answer_merged(struct op_call *c, void *arg)
{
    struct state_write *s = arg;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_kstr(c->out, "agent", op_text(c, "agent"));
    jw_kraw(c->out, "state", s->state);
    jw_key(c->out, "updated_fields");
    jw_array(c->out);
    for (size_t i = 0; i < s->updates->n; i++)
        jw_str(c->out, s->updates->keys[i].key);
    jw_end_array(c->out);
    jw_ktime(c->out, "updated_at", s->now);
    jw_end_object(c->out);
}

enum err_code agent_state_put(struct op_call *c, struct err *e)
{
    struct state_write *s = arena_alloc(c->arena, sizeof *s);
    if (!s)
        return err_nomem(e);
    s->call = c;
    s->now = clock_now_ms();
    return op_write(c, merge_on, s, answer_merged, e);
}
