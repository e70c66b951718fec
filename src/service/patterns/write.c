/* Operations that write patterns: saving, changing, counting uses, deprecating. What follows from a write is in
 * keep.c. */
#include "service/audit.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/patterns/keep.h"
#include "service/patterns/score.h"
#include "service/v1.h"

#include "base/clock.h"

struct pattern_write {
    struct op_call *call;
    char version_id[ID_MAX]; /* of the text that a change replaces */
    int64_t now;
    struct record *result;
    struct v1_extra extra;
};

static void answer_pattern(struct op_call *c, void *arg)
{
    const struct pattern_write *w = arg;
    v1_write(c, w->result, &w->extra);
}

static enum err_code submit(struct op_call *c, store_fn *fn, struct err *e)
{
    struct pattern_write *w = arena_alloc(c->arena, sizeof *w);
    if (!w)
        return err_nomem(e);
    w->call = c;
    w->now = clock_now_ms();
    id_make("patv", w->version_id);
    return op_write(c, fn, w, answer_pattern, e);
}

/* The pattern the call names, to be changed. */
static enum err_code known_of(struct store_tx *tx, const struct pattern_write *w, struct record **out, struct err *e)
{
    const struct op_call *c = w->call;
    enum err_code code = record_get(tx, c->arena, pattern_kind(), op_text(c, "id"), STR_NONE, out, e);
    return code ? code : access_record(caller_of(c), ACCESS_WRITE, tx, c->arena, *out, e);
}

static enum err_code change(struct store_tx *tx, struct pattern_write *w, const struct record *known,
                            const struct record *patch, struct err *e)
{
    struct arena *a = w->call->arena;
    enum err_code code = pattern_change(tx, a, known, patch, w->version_id, &w->result, e);
    if (!code)
        audit_touch_record(w->call, w->result);
    w->extra = (struct v1_extra){0};
    return code ? code : v1_read(tx, a, w->result, &w->extra, e);
}

/* ---- create ---- */

static enum err_code create_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct pattern_write *w = arg;
    struct arena *a = w->call->arena;
    const struct record *r = w->call->record;
    struct record *known;
    struct err why = {0};
    enum err_code code = access_references(caller_of(w->call), tx, a, r, e);
    if (code)
        return code;
    code = r->id.n ? record_get(tx, a, r->kind, r->id, r->project, &known, &why) : ERR_NOT_FOUND;
    if (!code)
        return change(tx, w, known, r, e);
    if (code != ERR_NOT_FOUND)
        return err_set(e, code, NULL, "%s", why.message);
    code = pattern_insert(tx, a, r, &w->result, e);
    if (!code)
        audit_touch_record(w->call, w->result);
    w->extra = (struct v1_extra){0};
    return code ? code : v1_read(tx, a, w->result, &w->extra, e);
}

enum err_code pattern_create(struct op_call *c, struct err *e)
{
    if (!c->record->project.n)
        c->record->project = c->project;
    return submit(c, create_on, e);
}

/* ---- update ---- */

static enum err_code update_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct pattern_write *w = arg;
    struct record *known;
    enum err_code code = known_of(tx, w, &known, e);
    if (!code)
        code = access_references(caller_of(w->call), tx, w->call->arena, w->call->record, e);
    return code ? code : change(tx, w, known, w->call->record, e);
}

enum err_code pattern_update(struct op_call *c, struct err *e)
{
    return submit(c, update_on, e);
}

/* ---- used ---- */

/* Read and counted in one transaction, so that no use is lost. */
static enum err_code used_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct pattern_write *w = arg;
    struct record *known, *patch = record_new(w->call->arena, pattern_kind());
    enum err_code code = patch ? known_of(tx, w, &known, e) : err_nomem(e);
    if (code)
        return code;
    int64_t uses = record_int(known, "reuse_count");
    double rate = pattern_success_after(record_real(known, "success_rate"), uses, op_bool(w->call, "success", false));
    record_set(patch, "reuse_count", V_INT(uses + 1));
    record_set(patch, "success_rate", V_REAL(rate));
    record_set(patch, "last_used", V_INT(w->now));
    return change(tx, w, known, patch, e);
}

enum err_code pattern_used(struct op_call *c, struct err *e)
{
    return submit(c, used_on, e);
}

/* ---- deprecate ---- */

static enum err_code deprecate_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct pattern_write *w = arg;
    struct record *known, *patch = record_new(w->call->arena, pattern_kind());
    struct str reason = op_text(w->call, "reason");
    enum err_code code = patch ? known_of(tx, w, &known, e) : err_nomem(e);
    if (code)
        return code;
    record_set(patch, "deprecated", V_INT(1));
    if (reason.n)
        record_set(patch, "deprecated_reason", V_TEXT(reason));
    return change(tx, w, known, patch, e);
}

enum err_code pattern_deprecate(struct op_call *c, struct err *e)
{
    return submit(c, deprecate_on, e);
}
