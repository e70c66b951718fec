/* Hard deletion: rows that were deleted softly (or are asked for) go for good, and nothing of them stays in the
 * database's file. What is beside it (index, vectors, journal …) is the service's to clean (service/erasure.h).
 *
 * What stays. For each row a tombstone (kind `tombstone`: kind, id, project, when), by which a synced copy learns of it
 * and a receipt counts. The row itself, emptied and with version 0, in two cases: it has its table's highest seq, which
 * must never be given again; or it is a turn of a conversation that lives on, whose numbers stay without a gap.
 * Labels and sources of a row go with it. The audit's rows, tokens and marks of progress are never touched.
 *
 * Each step is short for the writer and leaves the store whole: whoever is killed in between just goes on. */
#ifndef CAIRN_STORE_ERASE_H
#define CAIRN_STORE_ERASE_H

#include "store/records.h"

enum erase_scope {
    ERASE_SESSION,      /* all that belongs to the session `id`, and itself: alive or deleted */
    ERASE_CONVERSATION, /* the same of a conversation */
    ERASE_PROJECT,      /* all that names the project `id` (full name), and what belongs to its sessions */
    ERASE_LISTED,       /* what erase_list has put on the erasure's list */
    ERASE_AGED          /* whatever was deleted at or before `before` (ms) */
};
struct erase_wish {
    enum erase_scope scope;
    struct str id;
    int64_t before;
    struct str erasure_id; /* what tombstones name */
};

/* Whether rows of this kind are ever erased. */
bool erase_takes(const struct kind *k);
/* Takes a record (its kind, seq, id and project) onto the list of an erasure; `shown`: the id that its tombstone is to
 * have. Writer only. */
enum err_code erase_list(struct store_tx *tx, struct arena *a, struct str erasure_id, const struct record *r,
                         struct str shown, struct err *e);
/* Erases the next rows, at most `limit` (1 … 1,000) with what is attached to them; *left: there may be more. Call it
 * until not. Blocks; several short writes. */
enum err_code erase_some(struct store *s, const struct erase_wish *w, int limit, bool *left, struct err *e);

/* Deletes softly what ERASE_PROJECT erases. Writer only. */
enum err_code project_delete(struct store_tx *tx, struct str project, int64_t *rows, struct err *e);

/* How many rows of each kind an erasure has taken. */
struct erase_count {
    struct str kind;
    int64_t n;
};
enum err_code erase_counts(struct store_tx *tx, struct arena *a, struct str erasure_id, struct erase_count **out,
                           size_t *n, struct err *e);
/* How many rows of each kind it would take now, in the same form: not for ERASE_LISTED. Labels and sources of records
 * are not among them. */
enum err_code erase_would(struct store_tx *tx, struct arena *a, const struct erase_wish *w, struct erase_count **out,
                          size_t *n, struct err *e);
/* The ids of what it took, in the order in which it went: fn(arg, kind, id). */
enum err_code erase_ids(struct store_tx *tx, struct str erasure_id, void (*fn)(void *, struct str kind, struct str id),
                        void *arg, struct err *e);

/* Dictionaries that were trained from turns of this erasure go: what was packed with them is unpacked first (packing
 * trains a new one and packs it again later). *dropped: how many dictionaries went. Blocks; several short writes. */
enum err_code store_unlearn(struct store *s, struct str erasure_id, int64_t *dropped, struct err *e);
/* The same of dictionaries that may have been trained from turns of this range of seqs, whose texts have changed. */
enum err_code store_unlearn_turns(struct store *s, int64_t from, int64_t to, int64_t *dropped, struct err *e);
/* Nothing of what was deleted is in the database's file or its log any more: the log is emptied, and what no row uses
 * is overwritten. Writes wait for a part of the file at a time, reads do not wait. ERR_BUSY: a reader has held an old
 * snapshot for too long; try again. Blocks. */
enum err_code store_scrub(struct store *s, struct err *e);

#endif
