/* Recalls and contexts mark their session as active, as writes do in the store. */
#ifndef CAIRN_SERVICE_TOUCH_H
#define CAIRN_SERVICE_TOUCH_H

#include "service/operation.h"
#include "store/store.h"

/* Moves the session's last_active behind the answer: never waits, at most once a second for a session, and only for
 * callers who may write to it (reading must not keep others' sessions alive). Failures are of no consequence. */
void touch_session(struct op_call *c, const struct record *session);

/* Within a write: the session that the record is, or belongs to, was used. */
enum err_code touch_written(struct store_tx *tx, struct arena *a, const struct record *r, struct err *e);

#endif
