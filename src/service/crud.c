/* CRUD on any kind, from its table entry: list, show, save, change, delete. Rules that only one kind has
 * live with that kind's own operations, not here. */
#include "service/crud.h"

#include "service/audit.h"
#include "service/operation_run.h"
#include "service/redact.h"
#include "service/touch.h"
#include "service/v1.h"

#include <string.h>

static enum err_code list_filters(struct op_call *c, struct list_query *q, struct err *e)
{
    const struct kind *k = c->op->kind;
    struct list_filter *filters = arena_array(c->arena, struct list_filter, c->op->n_args + 1);
    if (!filters)
        return err_nomem(e);
    for (size_t i = 0; i < c->op->n_args; i++) {
        const struct json *v = c->values[i];
        const char *name = c->op->args[i].name;
        if (strcmp(name, "submodule_id") == 0)
            name = k == KIND_PROJECT ? "id" : "project";
        bool column = strcmp(name, "project") == 0 || strcmp(name, "id") == 0;
        int field = kind_field(k, str_of(name));
        bool every = field >= 0 && k->fields[field].type == FIELD_ENUM && str_is(v ? v->s : STR_NONE, "all");
        if (!v || every || (!column && field < 0))
            continue;
        struct value equals = v->type == JSON_STRING ? V_TEXT(v->s)
                              : v->type == JSON_BOOL ? V_INT(v->boolean)
                                                     : V_INT(v->integer);
        filters[q->n_filters++] = (struct list_filter){name, equals};
    }
    q->filters = filters;
    return ERR_OK;
}

static enum err_code list_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct list_query q = {.kind = c->op->kind,
                           .scope = caller_scope(caller_of(c)),
                           .limit = (int)op_int(c, "limit", 50),
                           .cursor = op_text(c, "cursor"),
                           .created_from = op_time(c, "created_after"),
                           .created_to = op_time(c, "created_before"),
                           .find = op_text(c, "q"),
                           .tag = op_text(c, "tag"),
                           .count = true};
    struct list_page page;
    struct v1_extra extra = {0};
    enum err_code code = list_filters(c, &q, e);
    if (!code)
        code = record_list(tx, c->arena, &q, &page, e);
    if (code)
        return code;
    jw_array(c->out);
    for (size_t i = 0; !code && i < page.n; i++) {
        code = v1_read(tx, c->arena, page.rows[i], &extra, e);
        v1_write(c, page.rows[i], &extra);
    }
    jw_end_array(c->out);
    c->next_cursor = page.next_cursor;
    c->total = page.total;
    return code;
}

enum err_code crud_list(struct op_call *c, struct err *e)
{
    return op_read(c, list_on, e);
}

/* Where ids are names, they are looked up in the caller's project; made-up ids are unique everywhere. Projects are
 * their organisation's own. */
static struct str id_project(const struct op_call *c)
{
    const struct caller *who = caller_of(c);
    if (!(c->op->kind->flags & KIND_KEYED) || (c->op->kind == KIND_PROJECT && who->everything))
        return STR_NONE;
    return c->op->kind == KIND_PROJECT ? caller_project(who, c->arena, STR("")) : c->project;
}

/* The record the call names, if its caller may do to it what the operation does. */
static enum err_code find(struct op_call *c, struct store_tx *tx, struct record **out, struct err *e)
{
    struct str project = id_project(c);
    if (arena_failed(c->arena))
        return err_nomem(e);
    enum err_code code = record_get(tx, c->arena, c->op->kind, op_text(c, "id"), project, out, e);
    if (!code)
        code = access_record(caller_of(c), access_of(c->op), tx, c->arena, *out, e);
    if (!code)
        audit_touch_record(c, *out);
    return code;
}

static enum err_code get_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *r;
    struct v1_extra extra = {0};
    enum err_code code = find(c, tx, &r, e);
    if (!code)
        code = v1_read(tx, c->arena, r, &extra, e);
    if (!code)
        v1_write(c, r, &extra);
    return code;
}

enum err_code crud_get(struct op_call *c, struct err *e)
{
    return op_read(c, get_on, e);
}

/* A write of one record. The stored record goes into an arena of the job's own run, because the group may
 * run it twice; the last run's result is what is answered. */
struct crud_write {
    struct op_call *call;
    struct record *result;
    struct v1_extra extra;
};

static void answer_record(struct op_call *c, void *arg)
{
    const struct crud_write *w = arg;
    v1_write(c, w->result, &w->extra);
}

static enum err_code take_result(struct store_tx *tx, struct crud_write *w, int64_t seq, struct err *e)
{
    w->extra = (struct v1_extra){0};
    enum err_code code = record_by_seq(tx, w->call->arena, w->call->op->kind, seq, &w->result, e);
    if (!code)
        code = touch_written(tx, w->call->arena, w->result, e);
    if (!code)
        audit_touch_record(w->call, w->result);
    return code ? code : v1_read(tx, w->call->arena, w->result, &w->extra, e);
}

static enum err_code update_stored(struct store_tx *tx, struct crud_write *w, int64_t seq, struct err *e)
{
    struct op_call *c = w->call;
    enum err_code code = access_references(caller_of(c), tx, c->arena, c->record, e);
    if (!code)
        code = record_update(tx, c->arena, seq, c->record, e);
    return code ? code : take_result(tx, w, seq, e);
}

static enum err_code create_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct crud_write *w = arg;
    struct op_call *c = w->call;
    const struct kind *k = c->op->kind;
    struct record *known = NULL;
    if (c->record->id.n && !(k->flags & KIND_IMMUTABLE)) {
        struct err ignored = {0};
        enum err_code code = record_get(tx, c->arena, k, c->record->id, c->record->project, &known, &ignored);
        /* a keyed record of the organisation's own is not the project's: the project gets one of its own */
        bool same = !code && str_eq(known->project, c->record->project);
        if (same)
            return update_stored(tx, w, known->seq, e);
        if (code && code != ERR_NOT_FOUND)
            return err_set(e, code, NULL, "%s", ignored.message);
    }
    struct record *fresh = arena_alloc(c->arena, sizeof *fresh);
    if (!fresh)
        return err_nomem(e);
    *fresh = *c->record; /* record_insert fills in what is unset; a second run starts from the same */
    enum err_code code = access_references(caller_of(c), tx, c->arena, fresh, e);
    if (!code)
        code = record_insert(tx, c->arena, fresh, e);
    return code ? code : take_result(tx, w, fresh->seq, e);
}

static enum err_code submit(struct op_call *c, store_fn *fn, void (*answer)(struct op_call *, void *), struct err *e)
{
    struct crud_write *w = arena_alloc(c->arena, sizeof *w);
    if (!w)
        return err_nomem(e);
    w->call = c;
    return op_write(c, fn, w, answer, e);
}

enum err_code crud_create(struct op_call *c, struct err *e)
{
    if (!c->record->project.n && !(c->op->kind->flags & KIND_ORG))
        c->record->project = c->project;
    return submit(c, create_on, answer_record, e);
}

static enum err_code update_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct crud_write *w = arg;
    struct op_call *c = w->call;
    struct record *known;
    enum err_code code = find(c, tx, &known, e);
    return code ? code : update_stored(tx, w, known->seq, e);
}

enum err_code crud_update(struct op_call *c, struct err *e)
{
    enum err_code code = submit(c, update_on, answer_record, e);
    return !code && c->op->kind == KIND_SESSION ? redact_now(c, e) : code;
}

static enum err_code delete_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct crud_write *w = arg;
    struct op_call *c = w->call;
    enum err_code code = find(c, tx, &w->result, e);
    if (!code)
        code = touch_written(tx, c->arena, w->result, e);
    return code ? code : record_delete(tx, c->arena, c->op->kind, w->result->seq, e);
}

static void answer_deleted(struct op_call *c, void *arg)
{
    jw_object(c->out);
    jw_kstr(c->out, "id", ((struct crud_write *)arg)->result->id);
    jw_kbool(c->out, "deleted", true);
    jw_end_object(c->out);
}

enum err_code crud_delete(struct op_call *c, struct err *e)
{
    return submit(c, delete_on, answer_deleted, e);
}
