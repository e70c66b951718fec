/* Conversations that a caller tells all at once (`conversation_json`): read into a plan first, then stored in one job.
 *
 * Accepted: a list of messages; an object with `messages` (or `turns`); a list of such objects; an object with
 * `conversations`; any of these as a string of JSON. A message has `content` (a string, or parts with text), and may
 * have `role`, `agent` (or name, speaker, author), `timestamp` (RFC 3339, or seconds or milliseconds since
 * 1970), `token_count` and `metadata`. What else it has is kept in its metadata. */
#ifndef CAIRN_SERVICE_TOLD_H
#define CAIRN_SERVICE_TOLD_H

#include "base/id.h"
#include "store/turns.h"

enum { TOLD_CONVERSATIONS_MAX = 1000, TOLD_TURNS_MAX = 20000 };

struct told_conversation {
    char id[ID_MAX];
    struct str directive, status, summary, metadata; /* STR_NONE: not told */
    int64_t created_at;                              /* ms, 0: not told */
    struct turn_new *turns;                          /* in order */
    size_t n;
};
struct told {
    struct told_conversation *conversations;
    size_t n, n_turns;
};
/* Conversations without an id of Cairn's form get one that follows from session and content, so that the same told
 * again is the same. Strings borrow from `v`, which must outlive *out, and from the arena. ERR_INVALID with
 * field conversation_json; ERR_TOO_LARGE past the bounds. */
enum err_code told_read(struct arena *a, const struct json *v, struct str session_id, struct told *out, struct err *e);
/* Has the store's gate look at all turns, on this thread. */
void told_look(const struct store *s, struct told *t);
/* Stores what is not stored yet. A conversation that is there already is left as it is. */
enum err_code told_insert(struct store_tx *tx, struct arena *a, const struct told *t, const struct record *session,
                          struct err *e);

#endif
