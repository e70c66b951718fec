/* Sessions: begin, list, show, merge preferences. */
#include "service/audit.h"
#include "service/default_agents.h"
#include "service/features.h"
#include "service/merge.h"
#include "service/operation_run.h"
#include "service/place.h"
#include "service/quota.h"
#include "service/token.h"

#include "base/clock.h"
#include "base/id.h"
#include "store/turns.h"

/* ---- create ---- */

struct session_new {
    struct op_call *call;
    struct record *record;      /* checked and complete but for what the store fills in */
    struct str initial_context; /* STR_NONE: none */
    struct token_made token;    /* for this session's project, where callers need one */
    char id[ID_MAX], conversation_id[ID_MAX];
};

static enum err_code insert_initial_context(struct store_tx *tx, struct session_new *s, struct err *e)
{
    struct arena *a = s->call->arena;
    struct record *r = record_new(a, KIND_CONVERSATION);
    if (!r)
        return err_nomem(e);
    r->id = str_of(s->conversation_id);
    r->project = s->record->project;
    record_set(r, "session_id", V_TEXT(str_of(s->id)));
    record_set(r, "directive", V_TEXT(STR("Initial context")));
    enum err_code code = record_insert(tx, a, r, e);
    if (code)
        return code;
    struct turn_new turn = {.conversation_id = r->id,
                            .agent = STR("system"),
                            .role = STR("system"),
                            .content = s->initial_context,
                            .token_count = -1};
    struct turn_added added;
    return turn_append(tx, &turn, &added, e);
}

static enum err_code create_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct session_new *s = arg;
    struct arena *a = s->call->arena;
    struct record fresh = *s->record;
    audit_touch_record(s->call, &fresh);
    if (s->initial_context.n)
        audit_touch(s->call, KIND_CONVERSATION, str_of(s->conversation_id));
    if (s->token.record)
        audit_touch(s->call, KIND_TOKEN, s->token.record->id);
    enum err_code code = quota_sessions(s->call->svc, tx, record_text(&fresh, "user_id"), e);
    if (!code)
        code = record_insert(tx, a, &fresh, e);
    if (!code && s->token.record) {
        struct record token = *s->token.record;
        code = record_insert(tx, a, &token, e);
    }
    if (!code)
        code = default_agents_insert(tx, a, fresh.id, fresh.project, e);
    if (!code && s->initial_context.n)
        code = insert_initial_context(tx, s, e);
    return code;
}

static void answer_created(struct op_call *c, void *arg)
{
    struct session_new *s = arg;
    jw_object(c->out);
    jw_kcstr(c->out, "session_id", s->id);
    jw_ktime(c->out, "created_at", s->record->created_at);
    jw_kstr(c->out, "token", s->token.text); /* null while auth is off: none is needed */
    jw_kcstr(c->out, "status", "active");
    if (s->initial_context.n)
        jw_kcstr(c->out, "conversation_id", s->conversation_id);
    jw_end_object(c->out);
}

static void set_text(struct record *r, const struct op_call *c, const char *name)
{
    struct str s = op_text(c, name);
    if (s.p)
        record_set(r, name, V_TEXT(s));
}

static enum err_code set_json(struct record *r, struct op_call *c, const char *name, struct err *e)
{
    const struct json *v = op_json(c, name);
    struct buf b;
    if (!v)
        return ERR_OK;
    buf_init(&b, 0);
    struct json_out w;
    jw_init(&w, &b);
    jw_value(&w, v);
    struct str text = buf_take(&b, c->arena);
    if (!text.p)
        return err_nomem(e);
    record_set(r, name, V_TEXT(text));
    return ERR_OK;
}

static enum err_code set_preferences(struct record *r, struct op_call *c, struct err *e)
{
    struct str merged;
    enum err_code code =
        json_merge_text(c->arena, place_default_preferences(), op_json(c, "user_preferences"), &merged, e);
    if (!code)
        record_set(r, "user_preferences", V_TEXT(merged));
    return code;
}

enum err_code session_create(struct op_call *c, struct err *e)
{
    struct session_new *s = arena_alloc(c->arena, sizeof *s);
    struct record *r = s ? record_new(c->arena, KIND_SESSION) : NULL;
    if (!r)
        return err_nomem(e);
    id_make("sess", s->id);
    id_make("conv", s->conversation_id);
    s->call = c;
    s->record = r;
    r->id = str_of(s->id);
    r->project = c->project;
    r->created_at = r->updated_at = clock_now_ms();
    set_text(r, c, "title");
    set_text(r, c, "description");
    set_text(r, c, "user_id");
    set_text(r, c, "privacy_level");
    record_set(r, "status", V_TEXT(STR("active")));
    record_set(r, "last_active", V_INT(r->created_at));
    const struct json *context = op_json(c, "initial_context");
    if (context && context->type != JSON_NULL)
        s->initial_context = context->type == JSON_STRING ? context->s : context->raw;
    enum err_code code = set_json(r, c, "tags", e);
    if (!code)
        code = set_preferences(r, c, e);
    if (!code)
        code = token_for_session(c, r->project, &s->token, e);
    return code ? code : op_write(c, create_on, s, answer_created, e);
}

/* ---- list and show ---- */

static enum err_code write_session(struct op_call *c, struct store_tx *tx, const struct record *r, struct err *e)
{
    struct session_counts counts;
    enum err_code code = session_counts(tx, r->id, &counts, e);
    if (code)
        return code;
    jw_object(c->out);
    op_write_members(c, r);
    jw_kint(c->out, "conversation_count", counts.conversations);
    jw_kint(c->out, "total_turns", counts.turns);
    jw_end_object(c->out);
    return ERR_OK;
}

static enum err_code list_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    static const char *const names[] = {"status", "project", "user_id"};
    struct list_filter filters[3];
    struct list_query q = {.kind = KIND_SESSION,
                           .filters = filters,
                           .scope = caller_scope(caller_of(c)),
                           .limit = (int)op_int(c, "limit", 50),
                           .cursor = op_text(c, "cursor"),
                           .count = true};
    for (size_t i = 0; i < 3; i++) {
        struct str v = op_text(c, names[i]);
        if (v.p)
            filters[q.n_filters++] = (struct list_filter){names[i], V_TEXT(v)};
    }
    struct list_page page;
    enum err_code code = record_list(tx, c->arena, &q, &page, e);
    if (code)
        return code;
    jw_object(c->out);
    jw_key(c->out, "sessions");
    jw_array(c->out);
    for (size_t i = 0; !code && i < page.n; i++)
        code = write_session(c, tx, page.rows[i], e);
    jw_end_array(c->out);
    jw_kstr(c->out, "next_cursor", page.next_cursor);
    jw_kint(c->out, "total", page.total);
    jw_end_object(c->out);
    return code;
}

enum err_code session_list(struct op_call *c, struct err *e)
{
    return op_read(c, list_on, e);
}

static enum err_code get_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *r;
    enum err_code code = op_get_session(c, tx, op_text(c, "id"), &r, e);
    return code ? code : write_session(c, tx, r, e);
}

enum err_code session_get(struct op_call *c, struct err *e)
{
    return op_read(c, get_on, e);
}

/* ---- preferences ---- */

struct session_change {
    struct op_call *call;
    const struct json *updates;
    struct str preferences;
    int64_t now;
};

static enum err_code preferences_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct session_change *s = arg;
    struct arena *a = s->call->arena;
    struct record *r, *patch = record_new(a, KIND_SESSION);
    if (!patch)
        return err_nomem(e);
    enum err_code code = op_get_session(s->call, tx, op_text(s->call, "session_id"), &r, e);
    if (!code)
        code = json_merge_text(a, record_text(r, "user_preferences"), s->updates, &s->preferences, e);
    if (code)
        return code;
    record_set(patch, "user_preferences", V_TEXT(s->preferences));
    return record_update(tx, a, r->seq, patch, e);
}

static void answer_preferences(struct op_call *c, void *arg)
{
    struct session_change *s = arg;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_kraw(c->out, "updated_preferences", s->preferences);
    jw_ktime(c->out, "updated_at", s->now);
    jw_end_object(c->out);
}

static struct session_change *session_change(struct op_call *c)
{
    struct session_change *s = arena_alloc(c->arena, sizeof *s);
    if (s) {
        s->call = c;
        s->now = clock_now_ms();
    }
    return s;
}

/* The body as it is, without the session's id, which the C library gives among the other arguments. */
static enum err_code body_updates(struct op_call *c, const struct json **out, struct err *e)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; c->body && i < c->body->n; i++) {
        if (str_is(c->body->keys[i].key, "session_id"))
            continue;
        jw_key_str(&w, c->body->keys[i].key);
        jw_value(&w, &c->body->items[i]);
    }
    jw_end_object(&w);
    struct str text = buf_take(&b, c->arena);
    return text.p ? json_parse(c->arena, text, 0, out, e) : err_nomem(e);
}

enum err_code session_preferences(struct op_call *c, struct err *e)
{
    struct session_change *s = session_change(c);
    if (!s)
        return err_nomem(e);
    s->updates = op_json(c, "user_preferences");
    enum err_code code = s->updates ? ERR_OK : body_updates(c, &s->updates, e);
    if (code)
        return code;
    if (s->updates->n == 0)
        return err_set(e, ERR_INVALID, "user_preferences", "give at least one preference to change");
    return op_write(c, preferences_on, s, answer_preferences, e);
}
