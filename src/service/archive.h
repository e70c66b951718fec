/* Putting a session by: its conversations are archived with it, and a checkpoint keeps the state that it was left in.
 * Used by the operation (session_archive.c) and by retention. Not here: when that is due. */
#ifndef CAIRN_SERVICE_ARCHIVE_H
#define CAIRN_SERVICE_ARCHIVE_H

#include "base/id.h"
#include "service/service.h"
#include "store/records.h"

struct archiving {
    struct arena *arena; /* holds the checkpoint until it is written */
    struct str session_id;
    struct record *checkpoint; /* ready but for its time */
    char checkpoint_id[ID_MAX];
    /* what came of it */
    bool changed;          /* it was active: it is archived now, and the checkpoint written */
    int64_t conversations; /* archived with it */
    int64_t at;            /* ms */
};
/* Reads the session's state on a snapshot of its own and makes the checkpoint of it: at most 200 conversations, 50
 * agents' states and the last 20 turns, long ones cut. Nothing is written. */
enum err_code archive_prepare(struct service *svc, struct arena *a, const struct record *session, struct archiving *out,
                              struct err *e);
/* In a store_fn, with the session as it is now: archives it. One that is archived already stays as it is. */
enum err_code archive_on(struct store_tx *tx, struct archiving *x, const struct record *session, struct err *e);
/* In a store_fn: the session is active again, and so are the conversations that were archived with it. */
enum err_code archive_undo(struct store_tx *tx, struct arena *a, const struct record *session, int64_t now,
                           int64_t *conversations, struct err *e);

#endif
