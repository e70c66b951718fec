/* Archiving a session by hand, and restoring it. What both mean is in archive.c. */
#include "service/archive.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/quota.h"

#include "base/clock.h"

struct session_move {
    struct op_call *call;
    struct archiving archiving;
    int64_t now, conversations;
};

static struct session_move *move_new(struct op_call *c)
{
    struct session_move *m = arena_alloc(c->arena, sizeof *m);
    if (m) {
        m->call = c;
        m->now = clock_now_ms();
    }
    return m;
}

static enum err_code find(struct op_call *c, struct store_tx *tx, struct record **out, struct err *e)
{
    return op_get_session(c, tx, op_text(c, "session_id"), out, e);
}

/* ---- archive ---- */

static enum err_code archive_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct session_move *m = arg;
    struct record *r;
    enum err_code code = find(m->call, tx, &r, e);
    return code ? code : archive_on(tx, &m->archiving, r, e);
}

static void answer_archived(struct op_call *c, void *arg)
{
    const struct archiving *x = &((struct session_move *)arg)->archiving;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", x->session_id);
    jw_kcstr(c->out, "status", "archived");
    jw_ktime(c->out, "archived_at", x->at);
    jw_kint(c->out, "conversations_archived", x->conversations);
    jw_kstr(c->out, "checkpoint_id", x->changed ? str_of(x->checkpoint_id) : STR_NONE);
    jw_end_object(c->out);
}

enum err_code session_archive(struct op_call *c, struct err *e)
{
    struct session_move *m = move_new(c);
    struct store_tx *tx;
    struct record *r = NULL;
    if (!m)
        return err_nomem(e);
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = find(c, tx, &r, e);
    store_read_end(tx);
    if (!code)
        code = archive_prepare(c->svc, c->arena, r, &m->archiving, e);
    return code ? code : op_write(c, archive_write, m, answer_archived, e);
}

/* ---- restore ---- */

static enum err_code restore_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct session_move *m = arg;
    struct record *r;
    enum err_code code = find(m->call, tx, &r, e);
    if (!code && !str_is(record_text(r, "status"), "active"))
        code = quota_sessions(m->call->svc, tx, record_text(r, "user_id"), e);
    return code ? code : archive_undo(tx, m->call->arena, r, m->now, &m->conversations, e);
}

static void answer_restored(struct op_call *c, void *arg)
{
    const struct session_move *m = arg;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_kcstr(c->out, "status", "active");
    jw_ktime(c->out, "restored_at", m->now);
    jw_kint(c->out, "conversations_restored", m->conversations);
    jw_end_object(c->out);
}

enum err_code session_restore(struct op_call *c, struct err *e)
{
    struct session_move *m = move_new(c);
    return m ? op_write(c, restore_write, m, answer_restored, e) : err_nomem(e);
}
