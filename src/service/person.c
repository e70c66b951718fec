/* Portability: all that is held about a person, found by a value, written out as it is read: every record that mentions
 * it, where each came from (labels and sources), and who has touched it (the audit's rows; never a content); and turns
 * in cold storage. Pages are read on snapshots of their own, as in export.c. What goes when a person is forgotten is
 * found the same way (erasure_value.h). */
#include "service/caller.h"
#include "service/cold.h"
#include "service/erasure_value.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "store/audit.h"

enum { PAGE = 100, FLUSH_BYTES = 64 * 1024, AUDIT_ROWS = 100 };

struct telling {
    struct op_call *call;
    struct value_forms forms;
    struct arena *page;
    int64_t records;
};

/* ---- one record ---- */

static enum err_code put_attached(struct telling *t, struct store_tx *tx, const char *kind, struct str id,
                                  struct err *e)
{
    struct record **rows;
    size_t n = 0;
    enum err_code code = records_of(tx, t->page, kind_find(str_of(kind)), "record_id", id, 0, PAGE, &rows, &n, e);
    for (size_t i = 0; !code && i < n; i++) {
        jw_object(t->call->out);
        jw_kcstr(t->call->out, "kind", kind);
        op_write_members(t->call, rows[i]);
        jw_end_object(t->call->out);
    }
    return code;
}

static void put_audit_row(struct json_out *w, const struct audit_row *r)
{
    jw_object(w);
    jw_kint(w, "number", r->seq);
    jw_ktime(w, "at", r->at);
    jw_kstr(w, "actor", r->actor);
    jw_kstr(w, "action", r->action);
    jw_kstr(w, "reason", r->reason);
    jw_kstr(w, "outcome", r->outcome);
    jw_kstr(w, "door", r->door);
    jw_end_object(w);
}

/* Its newest rows. Whose they are to see is a matter of their projects; a caller of one project sees none of others. */
static enum err_code put_audit(struct telling *t, struct store_tx *tx, struct str id, struct err *e)
{
    const struct caller *who = caller_of(t->call);
    struct audit_query q = {.scope = who->everything ? AUDIT_ALL : AUDIT_PROJECT,
                            .project = who->project,
                            .record = id,
                            .limit = AUDIT_ROWS};
    struct audit_row *rows;
    size_t n = 0;
    enum err_code code = audit_list(tx, t->page, &q, &rows, &n, e);
    jw_key(t->call->out, "audit");
    jw_array(t->call->out);
    for (size_t i = 0; !code && i < n; i++)
        put_audit_row(t->call->out, &rows[i]);
    jw_end_array(t->call->out);
    return code;
}

static enum err_code put_record(struct telling *t, struct store_tx *tx, const struct record *r, struct err *e)
{
    struct json_out *w = t->call->out;
    jw_object(w);
    jw_kcstr(w, "kind", r->kind->name);
    op_write_members(t->call, r);
    if (r->deleted_at)
        jw_ktime(w, "deleted_at", r->deleted_at);
    jw_key(w, "attached");
    jw_array(w);
    enum err_code code = put_attached(t, tx, "tag", r->id, e);
    if (!code)
        code = put_attached(t, tx, "source", r->id, e);
    jw_end_array(w);
    if (!code)
        code = put_audit(t, tx, r->id, e);
    jw_end_object(w);
    t->records++;
    return code;
}

static enum err_code look_at(struct telling *t, struct store_tx *tx, const struct record *r, struct err *e)
{
    bool is;
    if (r->version == 0 || !caller_writes(caller_of(t->call), r->project))
        return ERR_OK;
    enum err_code code = value_mentioned(t->page, r, t->forms.sure, t->forms.n_sure, &is, e);
    return code || !is ? code : put_record(t, tx, r, e);
}

/* ---- all of them ---- */

static enum err_code tell_page(struct telling *t, const struct kind *k, int64_t *after, size_t *n, struct err *e)
{
    struct store_tx *tx = NULL;
    struct record **rows;
    t->page = arena_new();
    enum err_code code = t->page ? store_read_begin(t->call->svc->store, &tx, e) : err_nomem(e);
    *n = 0;
    if (!code)
        code = record_after(tx, t->page, k, *after, PAGE, &rows, n, e);
    for (size_t i = 0; !code && i < *n; i++) {
        *after = rows[i]->seq;
        code = look_at(t, tx, rows[i], e);
    }
    store_read_end(tx);
    if (t->page)
        arena_free(t->page);
    if (code || !t->call->flush || t->call->out->b->n < FLUSH_BYTES)
        return code;
    return t->call->flush(t->call, e);
}

/* A turn that is in cold storage, as it stands there. */
static enum err_code tell_cold(void *arg, struct str line, struct err *e)
{
    struct telling *t = arg;
    jw_raw(t->call->out, line);
    return t->call->flush && t->call->out->b->n >= FLUSH_BYTES ? t->call->flush(t->call, e) : ERR_OK;
}

enum err_code person_export(struct op_call *c, struct err *e)
{
    size_t n_kinds;
    const struct kind *kinds = kinds_all(&n_kinds);
    struct telling t = {.call = c};
    enum err_code code = value_forms(c, op_text(c, "value"), op_bool(c, "masked", false), &t.forms, e);
    if (code)
        return code;
    c->content_type = "application/json";
    c->file_name = "person.json";
    jw_object(c->out);
    jw_key(c->out, "records");
    jw_array(c->out);
    for (size_t i = 0; !code && i < n_kinds; i++) {
        int64_t after = 0;
        for (size_t n = PAGE; !code && n == PAGE && erase_takes(&kinds[i]);)
            code = tell_page(&t, &kinds[i], &after, &n, e);
    }
    jw_end_array(c->out);
    jw_kint(c->out, "records_total", t.records);
    jw_key(c->out, "cold_storage");
    jw_array(c->out);
    if (!code)
        code = cold_mentions(c->svc, caller_of(c), t.forms.sure, t.forms.n_sure, tell_cold, &t, e);
    jw_end_array(c->out);
    jw_end_object(c->out);
    return code;
}
