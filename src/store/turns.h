/* Turns, conversations and sessions: the hot paths that generic CRUD would be too slow or too loose for. */
#ifndef CAIRN_STORE_TURNS_H
#define CAIRN_STORE_TURNS_H

#include "base/id.h"
#include "store/records.h"

struct turn_new {
    struct str id; /* STR_NONE: made. An id already stored: nothing is added, its numbers are given back */
    struct str conversation_id;
    struct str agent, role, content;
    struct str metadata; /* JSON object text or STR_NONE */
    int64_t timestamp;   /* ms; 0: now */
    int64_t created_at;  /* ms; 0: now (imports keep what was) */
    int64_t token_count; /* < 0: estimated */
    /* id_sha256 of content (64 hex digits), STR_NONE: computed here. Given, it spares the writer's thread. */
    struct str content_hash;
    /* Set by turn_look: the texts in which the gate found nothing. STR_NONE: it looks when they are stored. */
    struct str clean_content, clean_metadata;
    /* The level for which content and metadata have been through the gate already (gate_text), content_hash being the
     * raw content's; it is asked again where the session has another. STR_NONE: for none. */
    struct str masked_for;
    bool pack; /* a long content is packed at once (pack.h), not some time later: nobody waits for this turn */
};
/* Has the gate look at content and metadata on this thread, which spares the writer's. */
void turn_look(const struct store *s, struct turn_new *t);
struct turn_added {
    char id[ID_MAX];
    int64_t seq, turn_number, timestamp;
    struct str session_id, project; /* until the next turn is appended; STR_NONE: it was stored already */
};
/* Appends, masked for its session's level (store/gate.h), with the next number of its conversation (no gap, no double),
 * counts it on the conversation, moves the session's last_active. ERR_NOT_FOUND CONVERSATION_NOT_FOUND; ERR_GONE when
 * its session has expired. */
enum err_code turn_append(struct store_tx *tx, const struct turn_new *t, struct turn_added *out, struct err *e);

/* A turn without the generic record around it; strings in the arena. */
struct turn {
    int64_t seq, turn_number, timestamp, token_count;
    struct str id, conversation_id, session_id, project, agent, role, content, metadata;
};
/* Kept, but left out of what is recalled and learnt from: replayed or generated context of an imported history. Its
 * metadata begins with TURN_LEFT_OUT. */
#define TURN_LEFT_OUT "{\"recall\":false"
bool turn_left_out(const struct turn *t);
/* Turns of a conversation with first <= number < first + limit, ascending. */
enum err_code turns_page(struct store_tx *tx, struct arena *a, struct str conversation_id, int64_t first, int limit,
                         struct turn **out, size_t *n, struct err *e);
/* The last `limit` turns with number > after, ascending. */
enum err_code turns_last(struct store_tx *tx, struct arena *a, struct str conversation_id, int64_t after, int limit,
                         struct turn **out, size_t *n, struct err *e);
enum err_code turn_by_seq(struct store_tx *tx, struct arena *a, int64_t seq, struct turn *out, struct err *e);
enum err_code turn_by_id(struct store_tx *tx, struct arena *a, struct str id, struct turn *out, struct err *e);
/* Turns with seq > after (of one session, or of all when session_id is STR_NONE), ascending, at most limit.
 * The newest `limit` of them when `newest`. */
enum err_code turns_after(struct store_tx *tx, struct arena *a, struct str session_id, int64_t after, int limit,
                          bool newest, struct turn **out, size_t *n, struct err *e);
int64_t turns_last_seq(struct store_tx *tx); /* 0 when there are none */
/* alive[i]: the turn seqs[i] is there and not deleted. Quickest when seqs ascend. */
enum err_code turns_alive(struct store_tx *tx, const int64_t *seqs, size_t n, bool *alive, struct err *e);

/* For continuing a chat: the last turn of each of the session's `limit` most recently active conversations. */
struct conversation_tail {
    struct str conversation_id;
    int64_t turn_count;
    struct str role;         /* of the last turn; STR_NONE when it has none */
    struct str content_hash; /* 64 hex */
};
enum err_code conversations_tails(struct store_tx *tx, struct arena *a, struct str session_id, int limit,
                                  struct conversation_tail **out, size_t *n, struct err *e);
/* (role, content_hash) of turns first … last of a conversation, ascending. */
struct turn_mark {
    struct str role, content_hash;
};
enum err_code turn_marks(struct store_tx *tx, struct arena *a, struct str conversation_id, int64_t first, int64_t last,
                         struct turn_mark **out, size_t *n, struct err *e);

struct session_counts {
    int64_t conversations, turns;
};
enum err_code session_counts(struct store_tx *tx, struct str session_id, struct session_counts *out, struct err *e);
/* How many active sessions a user has, over all projects; counts no further than `most`. */
enum err_code sessions_active(struct store_tx *tx, struct str user_id, int64_t most, int64_t *n, struct err *e);
/* Bytes of all texts of the session, or (STR_NONE) of the one that the conversation belongs to. */
enum err_code session_bytes(struct store_tx *tx, struct str session_id, struct str conversation_id, int64_t *out,
                            struct err *e);
/* Moves last_active to now (coalesced: at most once a second is written). */
enum err_code session_touch(struct store_tx *tx, struct str session_id, int64_t now, struct err *e);
/* The session that carries the caller's own name for it; ERR_NOT_FOUND when none does. */
enum err_code session_by_alias(struct store_tx *tx, struct arena *a, struct str project, struct str alias,
                               struct record **out, struct err *e);
/* Conversations that want a summary: at least `least` turns, some of them after the last one that was summed up, the
 * newest from before `until` (ms), in a session that has not expired; seq > after, ascending, at most limit. */
struct conversation_due {
    int64_t seq;
    struct str id, session_id;
};
enum err_code conversations_due(struct store_tx *tx, struct arena *a, int64_t after, int64_t until, int64_t least,
                                int limit, struct conversation_due **out, size_t *n, struct err *e);
/* Archives all active conversations of a session, and makes those active again that were archived so; returns how many.
 */
enum err_code conversations_archive(struct store_tx *tx, struct str session_id, int64_t *n, struct err *e);
enum err_code conversations_restore(struct store_tx *tx, struct str session_id, int64_t *n, struct err *e);

/* Soft deletion with all that belongs to it (turns, summaries, events, states, characters, tags …), cascade.c. What
 * does not exist, or is deleted already, drops nothing: look it up first. Writer only; cost grows with the rows
 * dropped. */
struct dropped {
    int64_t conversations, turns, others;
};
enum err_code session_delete(struct store_tx *tx, struct str id, struct dropped *out, struct err *e);
enum err_code conversation_delete(struct store_tx *tx, struct str id, struct dropped *out, struct err *e);

#endif
