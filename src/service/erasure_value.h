/* A person, by a value: every record that mentions it, in any case of letters. Records go; of those that hold others
 * (sessions, conversations, projects, agents) only the mention is cut out, and a session whose user_id it is goes
 * whole. The audit keeps its rows. */
#ifndef CAIRN_SERVICE_ERASURE_VALUE_H
#define CAIRN_SERVICE_ERASURE_VALUE_H

#include "service/erasure.h"
#include "service/operation.h"

enum { VALUE_LEAST = 4 /* bytes: less would be in everything */ };

/* The forms, folded, in which a value may stand in the store: as it was given, and as the privacy gate masks it at
 * either level. Masks that are stable (privacy.stable) are its own; others several people may share. */
struct value_forms {
    struct str sure[3], unsure[2]; /* unsure: with `masked` they are taken for sure */
    size_t n_sure, n_unsure;
};
struct erasure_edit {
    const struct kind *kind;
    int64_t seq;
    struct record *patch;
};
struct erasure_found {
    struct erasure_item *items; /* in the call's arena */
    size_t n_items, items_room;
    struct erasure_edit *edits;
    size_t n_edits, edits_room;
    struct record **sessions; /* whose user it is: they go whole */
    size_t n_sessions, sessions_room;
    struct value_forms forms;
    int64_t cold;               /* turns in cold storage that mention it */
    int64_t with_mask;          /* records that hold its mask, which may be another person's; not among the others */
    struct erase_count *counts; /* of items and sessions, by kind */
    size_t n_counts;
};
/* Looks through all records that the caller may write to, deleted ones too. Blocks. */
enum err_code erasure_find(struct op_call *c, struct str value, bool masked, struct erasure_found *out, struct err *e);
/* Puts what was found on the erasure's list and deletes it softly, in short writes. */
enum err_code erasure_take_found(struct op_call *c, struct str erasure_id, const struct erasure_found *found,
                                 struct err *e);

/* A text in the form in which it is compared: letters without case, marks apart, compatibility forms as plain ones; and
 * for each byte of it, where in the text it came from (n + 1 of them). */
struct folded {
    struct str text;
    size_t *from;
};
enum err_code fold(struct arena *a, struct str text, struct folded *out, struct err *e);
/* Forms of a value, with `masked` its masks too. ERR_INVALID: it is too short. */
enum err_code value_forms(struct op_call *c, struct str value, bool masked, struct value_forms *out, struct err *e);
/* Whether the record mentions one of the forms: in a text, in JSON, or as the name that a caller gave it. `a` is for
 * scratch. */
enum err_code value_mentioned(struct arena *a, const struct record *r, const struct str *forms, size_t n, bool *out,
                              struct err *e);
/* The text with each mention replaced by "[erased]"; *any: there was one, else *out is the text itself. */
enum err_code value_cut(struct arena *a, struct str text, struct str folded_value, struct str *out, bool *any,
                        struct err *e);

#endif
