/* The operations around exports: making one, reading it, and reading one without making it first. */
#include "service/export.h"
#include "service/features.h"
#include "service/history/history.h"
#include "service/operation_run.h"

#include "base/clock.h"
#include "base/id.h"
#include "store/turns.h"

/* {start, end}, checked. */
static enum err_code read_range(struct op_call *c, struct export_plan *p, struct err *e)
{
    static const char *const names[] = {"start", "end"};
    const struct json *range = op_json(c, "time_range");
    int64_t *const to[] = {&p->start, &p->end};
    for (size_t i = 0; range && i < range->n; i++) {
        struct str key = range->keys[i].key;
        size_t at = str_is(key, names[0]) ? 0 : 1;
        const struct json *v = &range->items[i];
        if (!str_is(key, names[at]))
            return err_set(e, ERR_INVALID, "time_range", "time_range has no member \"%.*s\"; it has start and end",
                           STR_ARG(str_take(key, 40)));
        if (v->type == JSON_NULL)
            continue;
        if (v->type != JSON_STRING || !clock_parse(v->s, to[at]))
            return err_set(e, ERR_INVALID, "time_range", "time_range.%s must be a time such as 2026-01-31T12:00:00Z",
                           names[at]);
    }
    if (p->start && p->end && p->end <= p->start)
        return err_set(e, ERR_INVALID, "time_range", "time_range.end must come after time_range.start");
    return ERR_OK;
}

static enum err_code plan_from_args(struct op_call *c, struct export_plan *p, struct err *e)
{
    *p = (struct export_plan){.session_id = op_text(c, "session_id"),
                              .format = op_text(c, "format"),
                              .metadata = op_bool(c, "include_metadata", true),
                              .agent_states = op_bool(c, "include_agent_states", true)};
    if (str_is(p->format, "md"))
        p->format = STR("markdown");
    return read_range(c, p, e);
}

static const char *type_of(struct str format)
{
    return str_is(format, "json")                                     ? "application/json"
           : str_is(format, "jsonl") || str_is(format, "claude-code") ? "application/x-ndjson"
                                                                      : "text/markdown; charset=utf-8";
}

static enum err_code send(struct op_call *c, const struct export_plan *p, struct str name, struct err *e)
{
    const char *ending = str_is(p->format, "markdown")      ? "md"
                         : str_is(p->format, "claude-code") ? "jsonl"
                                                            : p->format.p;
    c->content_type = type_of(p->format);
    c->file_name = arena_fmt(c->arena, "%.*s.%s", STR_ARG(name), ending).p;
    return c->file_name ? export_write(c, p, e) : err_nomem(e);
}

/* ---- at once ---- */

static enum err_code last_seq(struct op_call *c, int64_t *out, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    *out = turns_last_seq(tx);
    store_read_end(tx);
    return ERR_OK;
}

enum err_code export_read(struct op_call *c, struct err *e)
{
    struct export_plan p;
    enum err_code code = plan_from_args(c, &p, e);
    if (!code)
        code = last_seq(c, &p.upto, e);
    return code ? code : send(c, &p, p.session_id, e);
}

/* ---- a transcript ---- */

/* A session of ours, or the name that its tool had for it. */
static enum err_code find_session(struct op_call *c, struct store_tx *tx, struct str *id, struct err *e)
{
    struct str name = op_text(c, "session_id");
    struct record *session;
    size_t n;
    const struct history_format *const *formats = history_formats(&n);
    *id = name;
    enum err_code code = op_get_session(c, tx, name, &session, e);
    for (size_t i = 0; i < n && code == ERR_NOT_FOUND; i++) {
        char own[ID_MAX];
        struct err none = {0};
        history_session_id(formats[i]->name, name, own);
        *id = arena_str(c->arena, str_of(own));
        code = id->p ? op_get_session(c, tx, *id, &session, &none) : err_nomem(e);
        if (!code)
            err_clear(e);
    }
    return code;
}

enum err_code transcript_read(struct op_call *c, struct err *e)
{
    struct export_plan p = {.format = STR("claude-code"), .metadata = true};
    struct store_tx *tx;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = find_session(c, tx, &p.session_id, e);
    p.upto = turns_last_seq(tx);
    store_read_end(tx);
    return code ? code : send(c, &p, p.session_id, e);
}

/* ---- made first, read later ---- */

struct export_make {
    struct op_call *call;
    struct export_plan plan;
    char id[ID_MAX];
    int64_t now;
};

static enum err_code make_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct export_make *m = arg;
    struct arena *a = m->call->arena;
    struct record *session, *r = record_new(a, KIND_EXPORT);
    if (!r)
        return err_nomem(e);
    enum err_code code = op_get_session(m->call, tx, m->plan.session_id, &session, e);
    if (code)
        return code;
    r->id = str_of(m->id);
    r->project = session->project;
    r->created_at = m->now;
    record_set(r, "session_id", V_TEXT(session->id));
    record_set(r, "format", V_TEXT(m->plan.format));
    record_set(r, "include_metadata", V_INT(m->plan.metadata));
    record_set(r, "include_agent_states", V_INT(m->plan.agent_states));
    record_set(r, "start_time", m->plan.start ? V_INT(m->plan.start) : V_NULL);
    record_set(r, "end_time", m->plan.end ? V_INT(m->plan.end) : V_NULL);
    record_set(r, "upto", V_INT(turns_last_seq(tx)));
    return record_insert(tx, a, r, e);
}

static void answer_made(struct op_call *c, void *arg)
{
    struct export_make *m = arg;
    jw_object(c->out);
    jw_kcstr(c->out, "export_id", m->id);
    jw_kcstr(c->out, "status", "ready");
    jw_kstr(c->out, "format", m->plan.format);
    jw_kstr(c->out, "download_url", arena_fmt(c->arena, "/api/v2/exports/%s/download", m->id));
    jw_ktime(c->out, "created_at", m->now);
    jw_end_object(c->out);
}

enum err_code export_create(struct op_call *c, struct err *e)
{
    struct export_make *m = arena_alloc(c->arena, sizeof *m);
    if (!m)
        return err_nomem(e);
    m->call = c;
    m->now = clock_now_ms();
    id_make(KIND_EXPORT->id_prefix, m->id);
    enum err_code code = plan_from_args(c, &m->plan, e);
    return code ? code : op_write(c, make_on, m, answer_made, e);
}

static enum err_code find_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *r;
    enum err_code code = record_get(tx, c->arena, KIND_EXPORT, op_text(c, "export_id"), STR_NONE, &r, e);
    if (!code)
        c->record = r;
    return code;
}

enum err_code export_download(struct op_call *c, struct err *e)
{
    enum err_code code = op_read(c, find_on, e);
    const struct record *r = c->record;
    if (code)
        return code;
    const struct export_plan p = {.session_id = record_text(r, "session_id"),
                                  .format = record_text(r, "format"),
                                  .metadata = record_int(r, "include_metadata"),
                                  .agent_states = record_int(r, "include_agent_states"),
                                  .start = record_int(r, "start_time"),
                                  .end = record_int(r, "end_time"),
                                  .upto = record_int(r, "upto")};
    return send(c, &p, r->id, e);
}
