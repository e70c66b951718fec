/* Sessions of the v1 API: save one with the conversations it had, change it, delete it with all that belongs to it.
 * Lists and single ones are shown by crud.c. Not here: sessions that begin empty (session.c). */
#include "service/audit.h"
#include "service/crud.h"
#include "service/default_agents.h"
#include "service/erasure.h"
#include "service/features.h"
#include "service/merge.h"
#include "service/operation_run.h"
#include "service/place.h"
#include "service/quota.h"
#include "service/redact.h"
#include "service/told.h"
#include "service/v1.h"

#include "base/clock.h"

#include <string.h>

/* ---- save ---- */

struct session_save {
    struct op_call *call;
    struct record *given; /* only what the caller said */
    struct told told;
    struct str project_name; /* STR_NONE: not given */
    char id[ID_MAX];
    struct record *result;
    struct v1_extra extra;
};

static enum err_code merge_preferences(struct session_save *s, struct record *r, struct str under, struct err *e)
{
    struct arena *a = s->call->arena;
    const struct json *over = NULL;
    struct str given = record_text(s->given, "user_preferences"), merged;
    enum err_code code = given.n ? json_parse(a, given, 0, &over, e) : ERR_OK;
    if (!code)
        code = json_merge_text(a, under, over, &merged, e);
    if (!code)
        record_set(r, "user_preferences", V_TEXT(merged));
    return code;
}

static struct record *copy_of(struct arena *a, const struct record *r)
{
    struct record *copy = record_new(a, r->kind);
    if (!copy)
        return NULL;
    struct value *v = copy->v;
    memcpy(v, r->v, r->kind->n_fields * sizeof *v);
    *copy = *r;
    copy->v = v;
    return copy;
}

static enum err_code save_new(struct store_tx *tx, struct session_save *s, struct record **out, struct err *e)
{
    struct arena *a = s->call->arena;
    struct record *fresh = copy_of(a, s->given); /* the job may run again, from the same */
    *out = fresh;
    if (!fresh)
        return err_nomem(e);
    fresh->id = str_of(s->id);
    record_set(fresh, "last_active", V_INT(clock_now_ms()));
    enum err_code code = merge_preferences(s, fresh, place_default_preferences(), e);
    if (!code)
        code = quota_sessions(s->call->svc, tx, record_text(fresh, "user_id"), e);
    if (!code)
        code = record_insert(tx, a, fresh, e);
    return code ? code : default_agents_insert(tx, a, fresh->id, fresh->project, e);
}

static enum err_code save_known(struct store_tx *tx, struct session_save *s, struct record *known, struct err *e)
{
    struct arena *a = s->call->arena;
    struct record *patch = copy_of(a, s->given);
    if (!patch)
        return err_nomem(e);
    enum err_code code = merge_preferences(s, patch, record_text(known, "user_preferences"), e);
    return code ? code : record_update(tx, a, known->seq, patch, e);
}

/* A project that is named on the way gets a record, so that others see its name. One that has a record keeps it. */
static enum err_code name_project(struct store_tx *tx, struct arena *a, struct str project, struct str name,
                                  struct err *e)
{
    struct record *r, *known;
    struct err why = {0};
    const char *slash = memchr(project.p, '/', project.n);
    size_t org = slash ? (size_t)(slash - project.p) + 1 : 0;
    struct str slug = str_skip(project, org), of = str_take(project, org);
    enum err_code code = record_get(tx, a, KIND_PROJECT, slug, of, &known, &why);
    if (code != ERR_NOT_FOUND)
        return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
    r = record_new(a, KIND_PROJECT);
    if (!r)
        return err_nomem(e);
    r->id = slug;
    r->project = of;
    record_set(r, "name", V_TEXT(name));
    return record_insert(tx, a, r, e);
}

static enum err_code save_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct session_save *s = arg;
    struct op_call *c = s->call;
    struct arena *a = c->arena;
    struct record *session;
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_SESSION, str_of(s->id), STR_NONE, &session, &why);
    if (code && code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    if (!code && access_record(caller_of(c), ACCESS_WRITE, tx, a, session, &why))
        return err_named(e, why.code, why.name, "%s", why.message);
    code = code ? save_new(tx, s, &session, e) : save_known(tx, s, session, e);
    if (!code && s->project_name.n)
        code = name_project(tx, a, session->project, s->project_name, e);
    if (!code)
        code = told_insert(tx, a, &s->told, session, e);
    if (!code && s->told.n)
        code = quota_session(c->svc, tx, session->id, STR_NONE, 0, e);
    s->extra = (struct v1_extra){0};
    if (!code)
        code = record_by_seq(tx, a, KIND_SESSION, session->seq, &s->result, e);
    if (!code)
        audit_touch_record(c, s->result);
    return code ? code : v1_read(tx, a, s->result, &s->extra, e);
}

static void answer_saved(struct op_call *c, void *arg)
{
    const struct session_save *s = arg;
    v1_write(c, s->result, &s->extra);
}

/* The body's members that are the session's own; `timestamp` is v1's word for created_at. What only an answer has is
 * left out, so that an answer can be sent back. */
static enum err_code own_members(struct op_call *c, struct json *out, struct err *e)
{
    static const char *const others[] = {"conversation_json", "conversation_count", "total_turns",
                                         "last_active",       "submodule_name",     NULL};
    size_t n = c->body ? c->body->n : 0;
    struct json *items = arena_array(c->arena, struct json, n + 1);
    struct json_member *keys = arena_array(c->arena, struct json_member, n + 1);
    if (!items || !keys)
        return err_nomem(e);
    *out = (struct json){.type = JSON_OBJECT, .items = items, .keys = keys};
    for (size_t i = 0; i < n; i++) {
        struct str key = c->body->keys[i].key;
        bool time = str_is(key, "timestamp"), skip = time && json_get(c->body, "created_at");
        for (size_t k = 0; others[k]; k++)
            skip = skip || str_is(key, others[k]);
        if (skip)
            continue;
        items[out->n] = c->body->items[i];
        keys[out->n] = c->body->keys[i];
        if (time)
            keys[out->n].key = STR("created_at");
        out->n++;
    }
    return ERR_OK;
}

static enum err_code read_save(struct op_call *c, struct session_save *s, struct err *e)
{
    struct json own;
    const struct json *told = op_json(c, "conversation_json");
    enum err_code code = own_members(c, &own, e);
    if (!code)
        code = record_from_json(c->arena, &own, RECORD_PATCH, s->given, e);
    if (code)
        return code;
    if (s->given->id.n)
        memcpy(s->id, s->given->id.p, s->given->id.n < sizeof s->id ? s->given->id.n : sizeof s->id - 1);
    else
        id_make("sess", s->id);
    s->given->project = c->project;
    s->project_name = op_text(c, "submodule_name");
    code = told ? told_read(c->arena, told, str_of(s->id), &s->told, e) : ERR_OK;
    if (!code)
        told_look(c->svc->store, &s->told);
    return code;
}

enum err_code session_save(struct op_call *c, struct err *e)
{
    struct session_save *s = arena_alloc(c->arena, sizeof *s);
    struct record *given = s ? record_new(c->arena, KIND_SESSION) : NULL;
    if (!given)
        return err_nomem(e);
    s->call = c;
    s->given = given;
    enum err_code code = read_save(c, s, e);
    if (!code)
        code = op_write(c, save_on, s, answer_saved, e);
    return code ? code : redact_now(c, e);
}

/* ---- delete ---- */

struct session_drop {
    struct op_call *call;
    bool erase;
    struct erasure_new request;
    struct dropped dropped;
};

/* Expired sessions too can be deleted. */
static enum err_code find(struct op_call *c, struct store_tx *tx, struct record **out, struct err *e)
{
    struct err why = {0};
    struct str id = op_text(c, "id");
    enum err_code code = record_get(tx, c->arena, KIND_SESSION, id, STR_NONE, out, &why);
    if (!code)
        code = access_record(caller_of(c), ACCESS_WRITE, tx, c->arena, *out, &why);
    if (code == ERR_NOT_FOUND)
        return err_named(e, code, "SESSION_NOT_FOUND", "there is no session %.*s", STR_ARG(str_take(id, 60)));
    return code ? err_named(e, code, why.name, "%s", why.message) : ERR_OK;
}

static enum err_code delete_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct session_drop *s = arg;
    struct record *r;
    enum err_code code = find(s->call, tx, &r, e);
    if (code)
        return code;
    audit_touch_record(s->call, r);
    audit_count(s->call, "erasure_requested", s->erase);
    if (!s->erase)
        return session_delete(tx, r->id, &s->dropped, e);
    s->request.target = r;
    s->request.project = r->project;
    return erasure_request(tx, s->call->arena, &s->request, &s->dropped, e);
}

static void answer_deleted(struct op_call *c, void *arg)
{
    const struct session_drop *s = arg;
    jw_object(c->out);
    jw_kstr(c->out, "id", op_text(c, "id"));
    jw_kstr(c->out, "session_id", op_text(c, "id"));
    jw_kbool(c->out, "deleted", true);
    jw_kint(c->out, "conversations_deleted", s->dropped.conversations);
    jw_kint(c->out, "turns_deleted", s->dropped.turns);
    jw_kbool(c->out, "erasure_requested", s->erase);
    if (s->erase) {
        jw_kcstr(c->out, "erasure_id", s->request.id);
        jw_ktime(c->out, "due_at", s->request.due_at);
    }
    jw_end_object(c->out);
}

enum err_code session_remove(struct op_call *c, struct err *e)
{
    struct session_drop *s = arena_alloc(c->arena, sizeof *s);
    if (!s)
        return err_nomem(e);
    s->call = c;
    s->erase = op_bool(c, "gdpr_request", false);
    s->request =
        (struct erasure_new){.scope = "session", .requested_by = caller_of(c)->name, .due_at = erasure_due(c->svc)};
    id_make("ers", s->request.id);
    return op_write(c, delete_on, s, answer_deleted, e);
}
