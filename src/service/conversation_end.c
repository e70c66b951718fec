/* Ends of conversations: archive one, delete it with its turns, or only begin its short-term window anew. */
#include "service/audit.h"
#include "service/erasure.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/v1.h"

#include "base/clock.h"

struct conversation_change {
    struct op_call *call;
    struct record *result;
    struct v1_extra extra;
    struct dropped dropped;
    bool erase;
    struct erasure_new request;
    int64_t now, window_start;
};

static struct conversation_change *change_new(struct op_call *c)
{
    struct conversation_change *x = arena_alloc(c->arena, sizeof *x);
    if (x) {
        x->call = c;
        x->now = clock_now_ms();
    }
    return x;
}

static enum err_code find(struct op_call *c, struct store_tx *tx, const char *arg, struct record **out, struct err *e)
{
    return op_get_conversation(c, tx, op_text(c, arg), out, e);
}

/* ---- archive ---- */

static enum err_code archive_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct conversation_change *x = arg;
    struct arena *a = x->call->arena;
    struct record *r, *patch = record_new(a, KIND_CONVERSATION);
    if (!patch)
        return err_nomem(e);
    enum err_code code = find(x->call, tx, "id", &r, e);
    if (code)
        return code;
    record_set(patch, "status", V_TEXT(STR("archived")));
    if (!str_is(record_text(r, "status"), "archived"))
        code = record_update(tx, a, r->seq, patch, e);
    if (!code)
        code = record_by_seq(tx, a, KIND_CONVERSATION, r->seq, &x->result, e);
    x->extra = (struct v1_extra){0};
    return code ? code : v1_read(tx, a, x->result, &x->extra, e);
}

static void answer_archived(struct op_call *c, void *arg)
{
    const struct conversation_change *x = arg;
    v1_write(c, x->result, &x->extra);
}

enum err_code conversation_archive(struct op_call *c, struct err *e)
{
    struct conversation_change *x = change_new(c);
    return x ? op_write(c, archive_on, x, answer_archived, e) : err_nomem(e);
}

/* ---- delete ---- */

static enum err_code delete_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct conversation_change *x = arg;
    enum err_code code = find(x->call, tx, "id", &x->result, e);
    if (code)
        return code;
    audit_count(x->call, "erasure_requested", x->erase);
    x->request.target = x->result;
    x->request.project = x->result->project;
    code = x->erase ? erasure_request(tx, x->call->arena, &x->request, &x->dropped, e)
                    : conversation_delete(tx, x->result->id, &x->dropped, e);
    if (!code)
        audit_count(x->call, "turns_deleted", x->dropped.turns);
    return code;
}

static void answer_deleted(struct op_call *c, void *arg)
{
    const struct conversation_change *x = arg;
    jw_object(c->out);
    jw_kstr(c->out, "id", x->result->id);
    jw_kstr(c->out, "conversation_id", x->result->id);
    jw_kbool(c->out, "deleted", true);
    jw_kint(c->out, "turns_deleted", x->dropped.turns);
    jw_kbool(c->out, "erasure_requested", x->erase);
    if (x->erase) {
        jw_kcstr(c->out, "erasure_id", x->request.id);
        jw_ktime(c->out, "due_at", x->request.due_at);
    }
    jw_end_object(c->out);
}

enum err_code conversation_remove(struct op_call *c, struct err *e)
{
    struct conversation_change *x = change_new(c);
    if (!x)
        return err_nomem(e);
    x->erase = op_bool(c, "gdpr_request", false);
    x->request = (struct erasure_new){
        .scope = "conversation", .requested_by = caller_of(c)->name, .due_at = erasure_due(c->svc)};
    id_make("ers", x->request.id);
    return op_write(c, delete_on, x, answer_deleted, e);
}

/* ---- window ---- */

static enum err_code clear_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct conversation_change *x = arg;
    struct arena *a = x->call->arena;
    struct record *r, *patch = record_new(a, KIND_CONVERSATION);
    if (!patch)
        return err_nomem(e);
    enum err_code code = find(x->call, tx, "conversation_id", &r, e);
    if (code)
        return code;
    x->window_start = record_int(r, "turn_count");
    record_set(patch, "window_start", V_INT(x->window_start));
    return record_update(tx, a, r->seq, patch, e);
}

static void answer_cleared(struct op_call *c, void *arg)
{
    const struct conversation_change *x = arg;
    jw_object(c->out);
    jw_kstr(c->out, "conversation_id", op_text(c, "conversation_id"));
    jw_kbool(c->out, "cleared", true);
    jw_kint(c->out, "window_start", x->window_start);
    jw_ktime(c->out, "updated_at", x->now);
    jw_end_object(c->out);
}

enum err_code conversation_window_clear(struct op_call *c, struct err *e)
{
    struct conversation_change *x = change_new(c);
    return x ? op_write(c, clear_on, x, answer_cleared, e) : err_nomem(e);
}
