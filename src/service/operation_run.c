/* Running operations: synchronous ones, and writes that answer from the writer's thread once they are durable. */
#include "service/operation_run.h"

#include "base/clock.h"
#include "service/kept.h"

struct pending_write {
    struct store_job job;
    struct op_call *call;
    void *arg;
    void (*answer)(struct op_call *call, void *arg);
};

static void write_done(struct store_job *job)
{
    struct pending_write *w = (struct pending_write *)job; /* job is its first member */
    struct op_call *call = w->call;
    if (!job->code)
        w->answer(call, w->arg);
    call->finish(call, job->code, &job->err);
}

enum err_code op_write(struct op_call *call, store_fn *fn, void *arg, void (*answer)(struct op_call *call, void *arg),
                       struct err *e)
{
    if (!call->finish) {
        enum err_code code = store_write(call->svc->store, fn, arg, e);
        if (!code)
            answer(call, arg);
        return code;
    }
    struct pending_write *w = arena_alloc(call->arena, sizeof *w);
    if (!w)
        return err_nomem(e);
    *w = (struct pending_write){
        .job = {.fn = fn, .arg = arg, .done = write_done}, .call = call, .arg = arg, .answer = answer};
    store_submit(call->svc->store, &w->job);
    return (enum err_code)OP_PENDING;
}

enum err_code op_read(struct op_call *call, op_read_fn *fn, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(call->svc->store, &tx, e);
    if (code)
        return code;
    code = fn(call, tx, e);
    store_read_end(tx);
    return code;
}

static enum err_code run(struct op_call *call, struct err *e)
{
    enum err_code code = call->op->fn(call, e);
    if (!code && (call->out->b->failed || arena_failed(call->arena)))
        code = err_nomem(e);
    return code;
}

enum err_code op_run(struct op_call *call, struct err *e)
{
    if (!call->op->fn)
        return err_set(e, ERR_UNAVAILABLE, NULL, "%s is served by the running server only", call->op->name);
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

enum err_code op_get_session(struct store_tx *tx, struct arena *a, struct str id, struct record **out, struct err *e)
{
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_SESSION, id, STR_NONE, out, &why);
    if (code == ERR_NOT_FOUND)
        return err_named(e, code, "SESSION_NOT_FOUND", "there is no session %.*s", (int)(id.n < 60 ? id.n : 60), id.p);
    if (code && e)
        *e = why;
    if (!code && str_is(record_text(*out, "status"), "expired"))
        return err_named(e, ERR_GONE, "SESSION_EXPIRED", "session %.*s has expired; only its summary is kept",
                         STR_ARG(id));
    return code;
}

enum err_code op_get_conversation(struct store_tx *tx, struct arena *a, struct str id, struct record **out,
                                  struct err *e)
{
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_CONVERSATION, id, STR_NONE, out, &why);
    if (code == ERR_NOT_FOUND)
        return err_named(e, code, "CONVERSATION_NOT_FOUND", "there is no conversation %.*s",
                         (int)(id.n < 60 ? id.n : 60), id.p);
    if (code && e)
        *e = why;
    return code;
}
