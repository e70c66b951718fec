/* What the store does for retention: finding what has been idle for long, and taking turns out in steps that are short
 * enough for the writer. When that is done, and that it is summed up first, is the service's (service/retention.h);
 * that no turn goes which is not summed up holds here: turns go up to the conversation's `summarized_turn`, never
 * further. Deleted softly, as everywhere in the store. */
#ifndef CAIRN_STORE_RETENTION_H
#define CAIRN_STORE_RETENTION_H

#include "store/turns.h"

enum ageing {
    AGED_ACTIVE,      /* active sessions whose last_active is at or before `since` */
    AGED_ARCHIVED,    /* archived sessions not touched or changed later than that */
    AGED_EXPIRED,     /* expired sessions that still have conversations: to be finished */
    AGED_CONVERSATION /* conversations with turns, the newest said and stored by then, whose session has not expired */
};
/* seqs with seq > after, ascending, at most `limit` of them into seqs[limit]. `since` in ms. */
enum err_code aged(struct store_tx *tx, enum ageing which, int64_t after, int64_t since, int64_t *seqs, int limit,
                   size_t *n, struct err *e);

/* Takes out the next thousand turns of the conversation, with their tags and sources, as far as they are summed up.
 * left: turns that are summed up and still there. Writer only. */
enum err_code turns_remove(struct store_tx *tx, struct str conversation_id, int64_t *removed, int64_t *left,
                           struct err *e);
/* The session's summary stands for all its conversations: from now on their turns may go. Writer only. */
enum err_code conversations_summed(struct store_tx *tx, struct str session_id, struct err *e);
/* All that belongs to the session goes, but for its own record, its tags and its own summaries. Writer only; cost grows
 * with the rows that are left, so take turns out first. */
enum err_code session_empty(struct store_tx *tx, struct str id, struct dropped *out, struct err *e);

/* ---- putting back (restore.c) ---- */

/* Where a turn is, or was before it was let go. */
struct turn_trace {
    int64_t seq; /* 0: there is no trace of it */
    int64_t turn_number;
    bool alive;
    struct str conversation_id, session_id, project; /* in the arena */
};
enum err_code turn_trace(struct store_tx *tx, struct arena *a, struct str id, struct turn_trace *out, struct err *e);

enum put_back {
    PUT_BACK,        /* it is in the store again */
    PUT_BACK_KNOWN,  /* it was there */
    PUT_BACK_ERASED, /* somebody asked for its erasure: it stays away */
    PUT_BACK_OTHER   /* its number is another turn's by now, or was never given here */
};
/* Puts a turn that was let go back under its own id and number, as a new row, so that index, vectors and followers take
 * it in like any other. ERR_NOT_FOUND, ERR_GONE: its conversation or session is no more. Writer only. */
enum err_code turn_put_back(struct store_tx *tx, const struct turn_new *t, int64_t number, enum put_back *how,
                            struct err *e);
/* The conversation's turns from `first` on are there again: they count as stored now, and are to be summed up again
 * before they go. Writer only. */
enum err_code turns_back(struct store_tx *tx, struct str conversation_id, int64_t first, int64_t bytes, struct err *e);

#endif
