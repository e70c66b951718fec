/* Patterns as records: what is always true of them, whoever writes one. quality_score follows from the formula,
 * `terms` from the texts, text_version from the changes of description and template.
 *
 * Versions: a pattern's id stays; it always names the newest text. The text before a change is kept as a
 * pattern_version, and parent_pattern_id of the pattern names it, whose own parent_pattern_id names the one before: a
 * chain from the newest text to the first. `version`, as in every kind, counts all updates (also uses and merges), so
 * that sync can tell who changed what; text_version counts texts. */
#ifndef CAIRN_SERVICE_PATTERNS_KEEP_H
#define CAIRN_SERVICE_PATTERNS_KEEP_H

#include "base/id.h"
#include "search/similar.h"
#include "service/patterns/extract.h"
#include "store/records.h"

const struct kind *pattern_kind(void);
const struct kind *pattern_version_kind(void);

/* Sets terms and quality_score of a whole record from its other values. */
enum err_code pattern_complete(struct arena *a, struct record *r, struct err *e);
/* Inserts `r` (left as it is) with defaults where it is silent; the stored record in *out. For store_fn. */
enum err_code pattern_insert(struct store_tx *tx, struct arena *a, const struct record *r, struct record **out,
                             struct err *e);
/* Changes a stored pattern: keeps the old text as version `version_id` where the text changes, and completes.
 * For store_fn; `patch` is left as it is. The stored record in *out. */
enum err_code pattern_change(struct store_tx *tx, struct arena *a, const struct record *known,
                             const struct record *patch, const char *version_id, struct record **out, struct err *e);

/* What was found in a turn, ready to be stored. */
struct pattern_sighting {
    struct record *record; /* complete */
    struct str level;      /* the session's privacy level */
    int64_t near_seq;      /* the pattern that says the same in other words (pattern_near); 0: none is known */
};
/* Looks for the pattern of the same type, project and privacy level that says the same in other words, into near_seq.
 * Takes a snapshot of its own, may wait for vectors: not inside a transaction. Without a model there is none. */
enum err_code pattern_near(struct store *store, struct similar *similar, struct arena *a, struct pattern_sighting *s,
                           struct err *e);
/* Merges the sighting into the pattern of the same type, project and privacy level that is alike (PATTERN_ALIKE by
 * words, else near_seq if it still may be), or inserts it. For store_fn. */
enum err_code pattern_sighted(struct store_tx *tx, struct arena *a, const struct pattern_sighting *s, struct err *e);

#endif
