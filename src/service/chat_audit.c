/* What the audit log says of proxied chats. See chat_audit.h. */
#include "service/chat_audit.h"

#include "service/caller.h"
#include "service/ephemeral.h"

static struct audit_deed deed_of(const struct chat *c, const char *action)
{
    return (struct audit_deed){.action = action,
                               .actor = c->who->name,
                               .from = c->req.from,
                               .request_id = c->req.request_id,
                               .project = c->req.project};
}

void chat_audit_recalled(struct chat *c, const struct context_load *l)
{
    struct audit_deed d = deed_of(c, "chat.recall");
    d.trace.session = str_of(c->session_id);
    audit_trace_add(&d.trace, c->arena, KIND_CONVERSATION, str_of(c->conversation_id));
    for (size_t i = 0; i < l->n; i++)
        audit_trace_add(&d.trace, c->arena, l->items[i].kind, l->items[i].id);
    audit_deed_note(c->svc, &d);
}

void chat_audit_refused(struct chat *c, enum err_code code)
{
    struct audit_deed d = deed_of(c, "chat.recall");
    d.outcome = code == ERR_DENIED || code == ERR_FORBIDDEN ? "denied" : "failed";
    d.project = c->who->project;
    if (c->req.conversation.n)
        audit_trace_add(&d.trace, c->arena, KIND_CONVERSATION, c->req.conversation);
    d.trace.session = c->req.session;
    audit_deed_note(c->svc, &d);
}

enum err_code chat_audit_stored(struct chat *c, struct store_tx *tx, const struct audit_trace *t, struct err *e)
{
    struct audit_deed d = deed_of(c, "chat.store");
    d.trace = *t;
    if (!t->total)
        return ERR_OK;
    if (!ephemeral_is(c->svc))
        return audit_deed_write(c->svc, tx, &d, e);
    audit_deed_note(c->svc, &d); /* the turns are in memory only, its row is not */
    return ERR_OK;
}
