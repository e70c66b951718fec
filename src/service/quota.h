/* Bounds on what is kept: active sessions of one user, bytes of a session, bytes of the store. Set by `limits.*`, none
 * by default.
 *
 * Both answer STORAGE_QUOTA_EXCEEDED (413) and not a 429: waiting does not help, somebody has to archive, delete or
 * raise the bound, and client libraries repeat a 429 by themselves. */
#ifndef CAIRN_SERVICE_QUOTA_H
#define CAIRN_SERVICE_QUOTA_H

#include "service/service.h"

/* Within the transaction that makes a session, before it is made, so that two at once cannot both be the last one.
 * user_id: STR_NONE or empty has no bound, as it is nobody's. ERR_TOO_LARGE names user_id. */
enum err_code quota_sessions(struct service *s, struct store_tx *tx, struct str user_id, struct err *e);

/* Before a write that adds text. Looks at the size of the database's file (one system call, and none without a bound):
 * what waits in the write-ahead log is not counted, so it may be passed by that much. ERR_TOO_LARGE. Any thread. */
enum err_code quota_store(struct service *s, struct err *e);

/* What quota_store says where EPHEMERAL sessions fill their memory. */
enum err_code quota_ephemeral(struct service *s, struct err *e);

/* Within the transaction that appends a text of so many bytes to the session, or (STR_NONE) to the conversation's: what
 * it holds already and this must fit `limits.session_bytes`. Costs nothing without a bound. ERR_TOO_LARGE names
 * content. */
enum err_code quota_session(struct service *s, struct store_tx *tx, struct str session_id, struct str conversation_id,
                            size_t bytes, struct err *e);

#endif
