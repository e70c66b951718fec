/* A chat's rows in the audit log: `chat.recall`, which records were recalled into which request, and `chat.store`, in
 * the transaction that stores its turns. See audit.h. */
#ifndef CAIRN_SERVICE_CHAT_AUDIT_H
#define CAIRN_SERVICE_CHAT_AUDIT_H

#include "service/audit.h"
#include "service/chat.h"
#include "service/context_load.h"

/* What was recalled for it. */
void chat_audit_recalled(struct chat *c, const struct context_load *l);
/* It was refused: what it named may not be used by its caller, or is not there. */
void chat_audit_refused(struct chat *c, enum err_code code);
/* Turns that this write has added; writes nothing when there are none. */
enum err_code chat_audit_stored(struct chat *c, struct store_tx *tx, const struct audit_trace *t, struct err *e);

#endif
