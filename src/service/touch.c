/* A touch is a job of its own, freed when it is done: the answer does not wait for it. See touch.h. */
#include "service/touch.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "service/caller.h"
#include "service/service.h"
#include "store/turns.h"

#include <string.h>

enum { EVERY_MS = 1000 }; /* as session_touch: more would change nothing */

struct touch {
    struct store_job job;
    char session_id[ID_MAX];
    int64_t now;
};

static enum err_code touch_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct touch *t = arg;
    return session_touch(tx, str_of(t->session_id), t->now, e);
}

static void touch_done(struct store_job *job)
{
    mem_free(job->arg);
}

void touch_session(struct op_call *c, const struct record *session)
{
    int64_t now = clock_now_ms();
    if (now - record_int(session, "last_active") < EVERY_MS || session->id.n >= ID_MAX ||
        !caller_writes(caller_of(c), session->project))
        return;
    struct touch *t = mem_zalloc(sizeof *t);
    if (!t)
        return;
    t->now = now;
    memcpy(t->session_id, session->id.p, session->id.n);
    t->job = (struct store_job){.fn = touch_on, .arg = t, .done = touch_done};
    store_submit(c->svc->store, &t->job);
}

enum err_code touch_written(struct store_tx *tx, struct arena *a, const struct record *r, struct err *e)
{
    struct str session = r->kind == KIND_SESSION ? r->id : record_text(r, "session_id");
    struct str within = record_text(r, "conversation_id");
    struct record *conversation;
    if (!session.n && within.n && !record_get(tx, a, KIND_CONVERSATION, within, STR_NONE, &conversation, NULL))
        session = record_text(conversation, "session_id");
    return session.n ? session_touch(tx, session, clock_now_ms(), e) : ERR_OK;
}
