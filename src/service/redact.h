/* Masking what is stored already (store/remask.h), with all that follows from it: the index's words, vectors, the
 * dictionaries of packed texts, and what the database's file has left of the old texts. */
#ifndef CAIRN_SERVICE_REDACT_H
#define CAIRN_SERVICE_REDACT_H

#include "service/service.h"

/* Sessions whose level became stricter: all that is stored of them, until none is left. Blocks. */
enum err_code redact_due(struct service *s, struct err *e);
/* After redact_due, or whoever masks rows: nothing that was derived from the old texts stays. Blocks. */
enum err_code redact_finish(struct service *s, struct err *e);

/* After a call that may have made a session's level stricter. A server does it behind the answer (redact_task); where
 * there is no background, it is done now. */
enum err_code redact_now(struct op_call *c, struct err *e);

/* False: it holds texts from before there were masks, which `cairn redact --stored` masks. */
enum err_code redact_is_whole(struct service *s, bool *out, struct err *e);

enum { REDACT_SECONDS = 2 };
/* For background_table.c: redact_due, when there is something to do. */
enum err_code redact_task(struct service *s, struct arena *a, struct err *e);

#endif
