/* Finding, or making, the session and conversation that something belongs to, by whatever name the caller has for them.
 */
#ifndef CAIRN_SERVICE_PLACE_H
#define CAIRN_SERVICE_PLACE_H

#include "base/id.h"
#include "service/access.h"
#include "store/turns.h"

/* An id of Cairn's form ("sess_" and 32 hex) must exist, and `who` must have that access to it: SESSION_NOT_FOUND,
 * SESSION_EXPIRED, FORBIDDEN. Any other value is the
 * caller's own name within `project`: ERR_OK with *out NULL when no session carries it yet. ERR_INVALID for a name that
 * is empty or over 200 bytes. */
enum err_code place_session(struct store_tx *tx, struct arena *a, const struct caller *who, enum access access,
                            struct str name, struct str project, struct record **out, struct err *e);
/* What a session prefers where its maker says nothing: the default of the kind's own field. JSON text. */
struct str place_default_preferences(void);
/* Makes the session for a caller's own name, with the default agents. new_id: the id it gets. */
enum err_code place_session_new(struct store_tx *tx, struct arena *a, struct str new_id, struct str name,
                                struct str project, struct record **out, struct err *e);
/* Makes a conversation in a session. */
enum err_code place_conversation_new(struct store_tx *tx, struct arena *a, struct str new_id,
                                     const struct record *session, struct str directive, struct err *e);

#endif
