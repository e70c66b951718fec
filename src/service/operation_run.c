/* Running operations: synchronous ones, and writes that answer from the writer's thread once they are durable. */
#include "service/operation_run.h"

#include "base/clock.h"
#include "service/audit.h"
#include "service/ephemeral.h"
#include "service/kept.h"
#include "service/masking.h"
#include "service/quota.h"
#include "store/turns.h"

/* An operation's write, and the row that tells of it, in one transaction. */
struct audited_write {
    struct op_call *call;
    store_fn *fn;
    void *arg;
    struct audit_trace before; /* what had been touched; it may run more than once, and collects anew each time */
};

static enum err_code write_audited(struct store_tx *tx, void *arg, struct err *e)
{
    const struct audited_write *w = arg;
    w->call->audit = w->before;
    enum err_code code = w->fn(tx, w->arg, e);
    if (code || !audit_wanted(w->call) || ephemeral_is(w->call->svc))
        return code;
    return audit_call_write(w->call, tx, e);
}

/* What is written to memory only has its row in the store all the same. */
static void note_done(struct op_call *call)
{
    if (ephemeral_is(call->svc) && audit_wanted(call))
        audit_call_note(call, ERR_OK);
    call->audit.written = true;
}

struct pending_write {
    struct store_job job;
    struct op_call *call;
    struct audited_write write;
    void *arg;
    void (*answer)(struct op_call *call, void *arg);
};

/* The row went with the write. */
static void note_failed(struct op_call *call, enum err_code code)
{
    call->audit.written = false;
    if (audit_wanted(call))
        audit_call_note(call, code);
}

static void write_done(struct store_job *job)
{
    struct pending_write *w = (struct pending_write *)job; /* job is its first member */
    struct op_call *call = w->call;
    if (!job->code) {
        note_done(call);
        w->answer(call, w->arg);
        ephemeral_ran(call);
    }
    job->code = ephemeral_full(call, job->code, &job->err);
    if (job->code)
        note_failed(call, job->code);
    call->finish(call, job->code, &job->err);
}

enum err_code op_write(struct op_call *call, store_fn *fn, void *arg, void (*answer)(struct op_call *call, void *arg),
                       struct err *e)
{
    if (!call->finish) {
        struct audited_write write = {call, fn, arg, call->audit};
        enum err_code code = store_write(call->svc->store, write_audited, &write, e);
        if (!code) {
            note_done(call);
            answer(call, arg);
            ephemeral_ran(call);
        } else {
            call->audit.written = false; /* the row went with the write; op_run notes how it ended */
        }
        return ephemeral_full(call, code, e);
    }
    struct pending_write *w = arena_alloc(call->arena, sizeof *w);
    if (!w)
        return err_nomem(e);
    *w = (struct pending_write){.job = {.fn = write_audited, .arg = &w->write, .done = write_done},
                                .call = call,
                                .write = {call, fn, arg, call->audit},
                                .arg = arg,
                                .answer = answer};
    store_submit(call->svc->store, &w->job);
    return (enum err_code)OP_PENDING;
}

enum err_code op_read_begin(struct op_call *call, struct store_tx **out, struct err *e)
{
    enum err_code code = store_read_begin(call->svc->store, out, e);
    if (!code)
        store_read_as(*out, call->reader);
    return code;
}

enum err_code op_read(struct op_call *call, op_read_fn *fn, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = op_read_begin(call, &tx, e);
    if (code)
        return code;
    code = fn(call, tx, e);
    store_read_end(tx);
    return code;
}

/* Writing is for the caller's own project. What is named by id is looked at when it is found (access.h). */
static enum err_code check_project(const struct op_call *call, struct err *e)
{
    const struct caller *who = caller_of(call);
    const struct record *r = call->record;
    if (access_of(call->op) == ACCESS_READ)
        return ERR_OK;
    if (!caller_writes(who, call->project))
        return caller_refuse_write(who, call->project, e);
    if (r && r->project.p && !caller_writes(who, r->project))
        return caller_refuse_write(who, r->project, e);
    return ERR_OK;
}

static bool op_adds(const struct operation *op)
{
    return (op->flags & OP_ADDS) || ((op->flags & OP_RECORD_BODY) && !(op->flags & OP_RECORD_PATCH));
}

static enum err_code run(struct op_call *call, struct err *e)
{
    enum err_code code = check_project(call, e);
    if (!code && op_adds(call->op))
        code = quota_store(call->svc, e);
    if (!code)
        code = call->op->fn(call, e);
    if (!code && (call->out->b->failed || arena_failed(call->arena)))
        code = err_nomem(e);
    return code;
}

/* Whose reads need no mask, by far the most, have no reader. */
static enum err_code set_reader(struct op_call *call, struct err *e)
{
    struct scope scope = caller_scope(caller_of(call));
    struct str least = op_text(call, "mask");
    if (!call->svc->masking || access_of(call->op) != ACCESS_READ || (!scope.limited && !least.n))
        return ERR_OK;
    struct store_reader *r = arena_alloc(call->arena, sizeof *r);
    if (!r)
        return err_nomem(e);
    *r = (struct store_reader){.gate = masking_shown(call->svc->masking), .scope = scope, .least = least};
    call->reader = r;
    return ERR_OK;
}

static enum err_code run_kept(struct op_call *call, struct err *e)
{
    if (!(call->op->flags & OP_CACHED) || !call->svc->cache)
        return run(call, e);
    struct kept k;
    size_t before = call->out->b->n;
    if (kept_find(call, &k))
        return ERR_OK;
    enum err_code code = run(call, e);
    if (!code)
        kept_store(call, &k, before);
    return code;
}

enum err_code op_run(struct op_call *call, struct err *e)
{
    if (!call->op->fn)
        return err_set(e, ERR_UNAVAILABLE, NULL, "%s is served by the running server only", call->op->name);
    enum err_code code = set_reader(call, e);
    if (!code)
        code = ephemeral_route(call, e);
    if (!code)
        code = run_kept(call, e);
    if ((int)code != OP_PENDING && audit_wanted(call))
        audit_call_note(call, code);
    return code;
}

/* Whoever writes to a session uses it. Where it is only looked up before the write (on a read snapshot) nothing is
 * touched: the write looks again. */
static enum err_code touch(struct op_call *call, struct store_tx *tx, struct str session_id, struct err *e)
{
    if (access_of(call->op) != ACCESS_WRITE || !store_tx_writes(tx))
        return ERR_OK;
    return session_touch(tx, session_id, clock_now_ms(), e);
}

enum err_code op_get_session(struct op_call *call, struct store_tx *tx, struct str id, struct record **out,
                             struct err *e)
{
    enum err_code code = access_session(caller_of(call), access_of(call->op), tx, call->arena, id, out, e);
    if (!code)
        audit_touch_record(call, *out);
    return code ? code : touch(call, tx, id, e);
}

enum err_code op_get_conversation(struct op_call *call, struct store_tx *tx, struct str id, struct record **out,
                                  struct err *e)
{
    enum err_code code = access_conversation(caller_of(call), access_of(call->op), tx, call->arena, id, out, e);
    if (!code)
        audit_touch_record(call, *out);
    return code ? code : touch(call, tx, record_text(*out, "session_id"), e);
}

/* ---- answers ---- */

struct str op_shown_project(struct op_call *call, struct str full)
{
    return caller_shown_project(caller_of(call), call->arena, full);
}

void op_write_members(struct op_call *call, const struct record *r)
{
    struct record shown = *r;
    audit_touch_record(call, r);
    shown.project = op_shown_project(call, r->project);
    record_write_members(call->out, &shown);
}

void op_write_record(struct op_call *call, const struct record *r)
{
    jw_object(call->out);
    op_write_members(call, r);
    jw_end_object(call->out);
}
