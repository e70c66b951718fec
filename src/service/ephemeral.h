/* Ephemeral sessions: those with privacy_level EPHEMERAL live in memory and are never written. They have a service of
 * their own inside the process, whose store and index are in memory (locked, never dumped), with no journal, no traces,
 * no kept answers and nobody working behind the writes: no learning, events, patterns or summaries by themselves. It is
 * opened with the first such session, and is one for the whole process.
 *
 * Which service a call is for is decided in one place each: ephemeral_route for operations, ephemeral_of for chats. A
 * call that names a record of an ephemeral session (by the id of a session, conversation, turn …), or that asks for the
 * level EPHEMERAL, is answered by that service; all others never see it. A session does not cross over: what was
 * written cannot be unwritten, and what is ephemeral is not kept later.
 *
 * They end when they are deleted, when nobody has used them for privacy.ephemeral_minutes, and with the process. */
#ifndef CAIRN_SERVICE_EPHEMERAL_H
#define CAIRN_SERVICE_EPHEMERAL_H

#include "service/operation.h"
#include "service/service.h"

/* Sets call->svc to the service that has what the call names. ERR_INVALID privacy_level: a session would cross over, or
 * there is no process to keep it (service_options.keeps_ephemeral). Before anything else is done with the call. */
enum err_code ephemeral_route(struct op_call *call, struct err *e);
/* After a write has succeeded: what it deleted is overwritten soon. Quick, any thread. */
void ephemeral_ran(const struct op_call *call);
/* What a write that failed tells its caller: memory that is full is no full disk. */
enum err_code ephemeral_full(const struct op_call *call, enum err_code code, struct err *e);
/* The service that has that session or conversation: `s` unless it is ephemeral. Either id may be STR_NONE. */
struct service *ephemeral_of(struct service *s, struct str session_id, struct str conversation_id);
/* Whether this is the service of ephemeral sessions; then nothing is `stored`. */
static inline bool ephemeral_is(const struct service *s)
{
    return s->options.home != NULL;
}

/* The upkeep task: ends those that nobody uses. */
enum { EPHEMERAL_SECONDS = 60 };
enum err_code ephemeral_task(struct service *home, struct arena *a, struct err *e);
void ephemeral_close(struct service *home);

/* How many there are, and the memory that they take. */
struct ephemeral_stats {
    int64_t sessions, bytes;
};
void ephemeral_stats(struct service *home, struct ephemeral_stats *out);

#endif
