/* Masking what is stored already: what an older Cairn stored before there was a gate, and what belongs to a session
 * whose level has become stricter. Rows of all kinds, deleted ones too; whatever the gate would mask if they were
 * stored now.
 *
 * A session whose level becomes stricter is marked in the same write (its hidden field mask_due), and one whose turns
 * were masked, so that whoever is killed in between goes on. Turns that changed are noted as stale, until what is
 * derived from them (the index's words, vectors) has been made anew. */
#ifndef CAIRN_STORE_REMASK_H
#define CAIRN_STORE_REMASK_H

#include "store/records.h"

struct remask_wish {
    struct str session_id; /* all that belongs to it; STR_NONE: */
    struct str project;    /* all of the project, by its full name; STR_NONE too: all there is */
    bool dry_run;
};
/* Where it has come to; {0}: the beginning. */
struct remask_place {
    int64_t kind, after;
};
struct remask_step {
    const struct kind *kind; /* whose rows were looked at; NULL: none were left */
    int64_t looked, masked;
};
/* Called for each field that is masked, with what it said: for counting, never for keeping. Any number of times. */
typedef void remask_fn(void *arg, const struct kind *k, bool json, struct str before, struct str level);
/* Masks the next rows, of one kind, at most `limit` (1 … 1,000). Reads and masks on the caller's thread, then one short
 * write. Go on until step.kind is NULL. */
enum err_code remask_some(struct store *s, const struct remask_wish *w, struct remask_place *at, int limit,
                          remask_fn *told, void *arg, struct remask_step *out, struct err *e);

/* The session with the lowest seq that is marked; *seq 0: none is. In the arena. */
enum err_code remask_due(struct store_tx *tx, struct arena *a, int64_t *seq, struct str *session_id, struct str *level,
                         struct err *e);
/* Takes the mark off when the session has still that level. Writer only. */
enum err_code remask_done(struct store_tx *tx, int64_t seq, struct str level, struct err *e);

/* Whether all that is stored has passed the gate: so is a store that was begun with one, and one that was masked as a
 * whole since (remask_whole, writer only). */
enum err_code remask_is_whole(struct store_tx *tx, bool *out, struct err *e);
enum err_code remask_whole(struct store_tx *tx, struct err *e);

/* ---- stale turns ---- */
struct stale {
    int64_t from, to; /* seqs, both among them; 0, 0: none */
    int64_t count;    /* of all that were ever noted: tells whether more came since */
};
/* False: it was masked anew, and is stale. */
enum err_code turn_unchanged(struct store_tx *tx, int64_t seq, bool *out, struct err *e);
enum err_code stale_turns(struct store_tx *tx, struct stale *out, struct err *e);
/* Nothing is stale any more, unless more came since `s` was read: what was derived from the old words is gone. That
 * their vectors are to be made anew is noted with it. Blocks. */
enum err_code stale_clear(struct store *st, const struct stale *s, struct err *e);
/* Among which turns those are that lost their vectors so; done: they have new ones, as for stale_clear. */
enum err_code renew_turns(struct store_tx *tx, struct stale *out, struct err *e);
enum err_code renew_done(struct store *st, const struct stale *s, struct err *e);

#endif
