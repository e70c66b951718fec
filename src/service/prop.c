/* Props: counting a use. */
#include "service/audit.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/v1.h"

#include "base/clock.h"

struct prop_use {
    struct op_call *call;
    struct record *result;
    struct v1_extra extra;
};

/* Read and counted in one transaction, so that no use is lost. */
static enum err_code used_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct prop_use *u = arg;
    struct op_call *c = u->call;
    const struct kind *k = kind_find(STR("prop"));
    struct record *r, *patch = record_new(c->arena, k);
    if (!patch)
        return err_nomem(e);
    enum err_code code = record_get(tx, c->arena, k, op_text(c, "id"), STR_NONE, &r, e);
    if (!code)
        code = access_record(caller_of(c), ACCESS_WRITE, tx, c->arena, r, e);
    if (code)
        return code;
    record_set(patch, "usage_count", V_INT(record_int(r, "usage_count") + 1));
    record_set(patch, "last_used", V_INT(clock_now_ms()));
    code = record_update(tx, c->arena, r->seq, patch, e);
    if (!code)
        code = record_by_seq(tx, c->arena, k, r->seq, &u->result, e);
    if (!code)
        audit_touch_record(c, u->result);
    u->extra = (struct v1_extra){0};
    return code ? code : v1_read(tx, c->arena, u->result, &u->extra, e);
}

static void answer_used(struct op_call *c, void *arg)
{
    const struct prop_use *u = arg;
    v1_write(c, u->result, &u->extra);
}

enum err_code prop_used(struct op_call *c, struct err *e)
{
    struct prop_use *u = arena_alloc(c->arena, sizeof *u);
    if (!u)
        return err_nomem(e);
    u->call = c;
    return op_write(c, used_on, u, answer_used, e);
}
