/* Agents' states as learning writes them, and as models are shown them. See learning.h. */
#include "service/learning.h"

#include "service/default_agents.h"
#include "service/merge.h"

#include <string.h>

enum { PATTERNS_SHOWN = 5 };

enum err_code state_merge(struct store_tx *tx, struct arena *a, const struct record *session, struct str agent,
                          struct str over, struct str *after, struct err *e)
{
    struct record *known = NULL, *patch = record_new(a, KIND_AGENT_STATE);
    struct err why = {0};
    const struct json *changes;
    struct str merged;
    if (!patch)
        return err_nomem(e);
    enum err_code code = agent_state_find(tx, a, session->id, agent, &known, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    struct str stored = known ? record_text(known, "state") : STR_NONE;
    code = json_parse(a, over, 0, &changes, e);
    if (!code)
        code = json_merge_text(a, stored, changes, &merged, e);
    if (code)
        return code;
    if (after)
        *after = merged.n > STATE_BYTES_MAX ? stored : merged;
    if (merged.n > STATE_BYTES_MAX)
        return ERR_OK;
    if (!known)
        return agent_state_insert(tx, a, session->id, session->project, agent, merged, e);
    record_set(patch, "state", V_TEXT(merged));
    return record_update(tx, a, known->seq, patch, e);
}

/* ---- forgetting words ---- */

enum { AGENTS_MAX = 1000 };

static enum err_code forget_words(struct store_tx *tx, struct arena *a, const struct record *session,
                                  const struct record *r, struct err *e)
{
    static const char *const words[] = {"preferred_topics", "frequent_phrases"};
    const struct json *state;
    struct buf b;
    struct json_out w;
    bool any = false;
    if (json_parse(a, record_text(r, "state"), JSON_DUPLICATES_OK, &state, NULL))
        return ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct json *list = json_get_type(state, words[i], JSON_ARRAY);
        if (!list || !list->n)
            continue;
        jw_kraw(&w, words[i], STR("[]"));
        any = true;
    }
    jw_end_object(&w);
    struct str over = buf_take(&b, a);
    if (!over.p)
        return err_nomem(e);
    return any ? state_merge(tx, a, session, record_text(r, "agent"), over, NULL, e) : ERR_OK;
}

enum err_code learning_forget(struct store_tx *tx, struct arena *a, const struct record *session, struct err *e)
{
    struct record **rows, *patch = record_new(a, KIND_AGENT_LEARNING);
    size_t n;
    if (!patch)
        return err_nomem(e);
    record_set(patch, "counts", V_TEXT(STR("{}")));
    enum err_code code = records_of(tx, a, KIND_AGENT_LEARNING, "session_id", session->id, 0, AGENTS_MAX, &rows, &n, e);
    for (size_t i = 0; i < n && !code; i++)
        code = record_update(tx, a, rows[i]->seq, patch, e);
    if (!code)
        code = records_of(tx, a, KIND_AGENT_STATE, "session_id", session->id, 0, AGENTS_MAX, &rows, &n, e);
    for (size_t i = 0; i < n && !code; i++)
        code = forget_words(tx, a, session, rows[i], e);
    return code;
}

/* ---- for a model ---- */

static bool is_one_of(struct str key, const char *const *names)
{
    for (; *names; names++) {
        if (str_is(key, *names))
            return true;
    }
    return false;
}

static const char *const records_of_what_was[] = {"preferred_topics", "frequent_phrases", "content_length_preferences",
                                                  "execution_history", NULL};
static const char *const counted[] = {"total_interactions", "successful_outcomes", "failed_outcomes", NULL};

static bool has_other_than(const struct json *o, const char *const *names)
{
    for (size_t i = 0; i < o->n; i++) {
        if (!is_one_of(o->keys[i].key, names))
            return true;
    }
    return false;
}

static void write_without(struct json_out *w, const struct json *o, const char *const *names)
{
    jw_object(w);
    for (size_t i = 0; i < o->n; i++) {
        if (is_one_of(o->keys[i].key, names))
            continue;
        jw_key_str(w, o->keys[i].key);
        jw_value(w, &o->items[i]);
    }
    jw_end_object(w);
}

/* The newest of what worked. */
static void write_last(struct json_out *w, const struct json *array)
{
    jw_array(w);
    for (size_t i = array->n > PATTERNS_SHOWN ? array->n - PATTERNS_SHOWN : 0; i < array->n; i++) {
        struct str pattern = json_text(&array->items[i], "pattern");
        if (pattern.n)
            jw_str(w, pattern);
        else
            jw_value(w, &array->items[i]);
    }
    jw_end_array(w);
}

/* True: something was written. */
static bool write_member(struct json_out *w, struct str key, const struct json *v)
{
    if (is_one_of(key, records_of_what_was))
        return false;
    bool history = str_is(key, "interaction_history") && v->type == JSON_OBJECT;
    bool patterns = str_is(key, "successful_patterns") && v->type == JSON_ARRAY;
    if (history && !has_other_than(v, counted))
        return false;
    jw_key_str(w, key);
    if (history)
        write_without(w, v, counted);
    else if (patterns)
        write_last(w, v);
    else
        jw_value(w, v);
    return true;
}

enum err_code state_brief(struct arena *a, struct str state, struct str *out, struct err *e)
{
    const struct json *o = NULL;
    struct buf b;
    struct json_out w;
    bool some = false;
    *out = STR_NONE;
    if (!state.n || json_parse(a, state, JSON_DUPLICATES_OK, &o, NULL) || o->type != JSON_OBJECT)
        return arena_failed(a) ? err_nomem(e) : ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < o->n; i++)
        some = write_member(&w, o->keys[i].key, &o->items[i]) || some;
    jw_end_object(&w);
    struct str text = buf_take(&b, a);
    if (!text.p)
        return err_nomem(e);
    *out = some ? text : STR_NONE;
    return ERR_OK;
}
