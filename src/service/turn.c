/* Storing turns: the hot path. The answer is written only when the turn is durable. */
#include "service/audit.h"
#include "service/ephemeral.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/place.h"
#include "service/quota.h"

#include "base/clock.h"

struct turn_write {
    struct op_call *call;
    struct turn_new turn;
    struct turn_added added;
    char hash[65]; /* of the content: made here, so that the one writer does not have to */
    /* turn.remember only */
    struct str session, session_id;
    char new_session[ID_MAX], new_conversation[ID_MAX];
};

/* role and agent stand in for each other where only one is given. */
static void take_speaker(const struct op_call *c, struct turn_new *t)
{
    t->agent = op_text(c, "agent");
    t->role = op_text(c, "role");
    if (!t->role.n)
        t->role = t->agent.n ? STR("assistant") : STR("user");
    if (!t->agent.n)
        t->agent = t->role;
}

static struct turn_write *turn_write(struct op_call *c, const char *text)
{
    struct turn_write *w = arena_alloc(c->arena, sizeof *w);
    if (!w)
        return NULL;
    const struct json *metadata = op_json(c, "metadata");
    w->call = c;
    w->turn.content = op_text(c, text);
    w->turn.timestamp = op_time(c, "timestamp");
    w->turn.token_count = op_int(c, "token_count", -1);
    w->turn.metadata = metadata ? metadata->raw : STR_NONE;
    id_sha256(w->turn.content, w->hash);
    w->turn.content_hash = str_of(w->hash);
    turn_look(c->svc->store, &w->turn);
    take_speaker(c, &w->turn);
    return w;
}

static enum err_code append(struct store_tx *tx, struct turn_write *w, struct err *e)
{
    struct service *svc = w->call->svc;
    enum err_code code = quota_session(svc, tx, STR_NONE, w->turn.conversation_id, w->turn.content.n, e);
    if (!code)
        code = turn_append(tx, &w->turn, &w->added, e);
    if (code)
        return code;
    audit_made(w->call, KIND_TURN, str_of(w->added.id));
    audit_place(w->call, w->added.session_id, w->added.project);
    return ERR_OK;
}

static enum err_code add_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct turn_write *w = arg;
    struct record *conversation;
    /* The conversation is read only for callers that may not write everywhere: this is the hot path. */
    enum err_code code = caller_of(w->call)->everything
                             ? ERR_OK
                             : op_get_conversation(w->call, tx, w->turn.conversation_id, &conversation, e);
    if (code)
        return code;
    return append(tx, w, e);
}

static void answer_added(struct op_call *c, void *arg)
{
    struct turn_write *w = arg;
    jw_object(c->out);
    jw_kcstr(c->out, "turn_id", w->added.id);
    jw_kint(c->out, "turn_number", w->added.turn_number);
    jw_ktime(c->out, "timestamp", w->added.timestamp);
    jw_kbool(c->out, "stored", !ephemeral_is(c->svc));
    jw_end_object(c->out);
}

enum err_code turn_add(struct op_call *c, struct err *e)
{
    struct turn_write *w = turn_write(c, "content");
    if (!w)
        return err_nomem(e);
    w->turn.conversation_id = op_text(c, "conversation_id");
    return op_write(c, add_on, w, answer_added, e);
}

/* ---- remember ---- */

/* The conversation that remembered texts of a session go to: its most recent one, else a new one. */
static enum err_code remember_conversation(struct store_tx *tx, struct turn_write *w, const struct record *session,
                                           struct str *out, struct err *e)
{
    struct arena *a = w->call->arena;
    struct conversation_tail *tails;
    size_t n;
    enum err_code code = conversations_tails(tx, a, session->id, 1, &tails, &n, e);
    if (code)
        return code;
    *out = n ? tails[0].conversation_id : str_of(w->new_conversation);
    return n ? ERR_OK : place_conversation_new(tx, a, *out, session, record_text(session, "title"), e);
}

static enum err_code remember_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct turn_write *w = arg;
    struct op_call *c = w->call;
    struct record *session = NULL, *conversation;
    enum err_code code;
    w->turn.conversation_id = op_text(c, "conversation_id");
    if (w->turn.conversation_id.n) {
        code = op_get_conversation(c, tx, w->turn.conversation_id, &conversation, e);
        if (code)
            return code;
        w->session_id = record_text(conversation, "session_id");
        return append(tx, w, e);
    }
    code = place_session(tx, c->arena, caller_of(c), ACCESS_WRITE, w->session, c->project, &session, e);
    if (!code && !session)
        code = place_session_new(tx, c->arena, str_of(w->new_session), w->session, c->project, &session, e);
    if (!code)
        code = remember_conversation(tx, w, session, &w->turn.conversation_id, e);
    if (code)
        return code;
    w->session_id = session->id;
    return append(tx, w, e);
}

static void answer_remembered(struct op_call *c, void *arg)
{
    struct turn_write *w = arg;
    jw_object(c->out);
    jw_kcstr(c->out, "turn_id", w->added.id);
    jw_kstr(c->out, "conversation_id", w->turn.conversation_id);
    jw_kstr(c->out, "session_id", w->session_id);
    jw_kint(c->out, "turn_number", w->added.turn_number);
    jw_ktime(c->out, "timestamp", w->added.timestamp);
    jw_kbool(c->out, "stored", !ephemeral_is(c->svc));
    jw_end_object(c->out);
}

enum err_code turn_remember(struct op_call *c, struct err *e)
{
    struct turn_write *w = turn_write(c, "text");
    if (!w)
        return err_nomem(e);
    w->session = op_text(c, "session");
    id_make("sess", w->new_session);
    id_make("conv", w->new_conversation);
    return op_write(c, remember_on, w, answer_remembered, e);
}
