/* Reaching single records under the caller's rights. What may not be read is answered as if it were not there
 * (ERR_NOT_FOUND); writing to what may be read but not written is ERR_FORBIDDEN. Lists and searches take the caller's
 * scope instead (caller_scope). */
#ifndef CAIRN_SERVICE_ACCESS_H
#define CAIRN_SERVICE_ACCESS_H

#include "service/caller.h"
#include "store/records.h"

enum access { ACCESS_READ, ACCESS_WRITE };

/* What an operation does to the records it names: reads, or writes. */
enum access access_of(const struct operation *op);

/* May `who` do that to a stored record? Costs a query only for records of other projects. */
enum err_code access_record(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                            const struct record *r, struct err *e);
/* By id: SESSION_NOT_FOUND, SESSION_EXPIRED, CONVERSATION_NOT_FOUND, FORBIDDEN. */
enum err_code access_session(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                             struct str id, struct record **out, struct err *e);
enum err_code access_conversation(const struct caller *who, enum access access, struct store_tx *tx, struct arena *a,
                                  struct str id, struct record **out, struct err *e);
/* A record that is about to be written takes its level from the session, conversation or record it names: that must
 * be one the caller may write to. A name that nothing carries passes, as it gives no level. */
enum err_code access_references(const struct caller *who, struct store_tx *tx, struct arena *a, const struct record *r,
                                struct err *e);

#endif
