/* Whose records may be read: the rule in C and the same rule in SQL, side by side so that they cannot drift apart.
 *
 * Readable are PUBLIC records of anybody, TEAM records of the reader's organisation, and all records of the reader's
 * project. A record has the level of the session it belongs to (itself, by session_id, by its conversation, by
 * source_session_id, or as a label, source or load by the record it is about), and TEAM where it belongs to none.
 *
 * Projects go by their full name: "web" in the organisation `default`, "acme/web" in any other; "" and "acme/" are the
 * organisation's own. */
#ifndef CAIRN_STORE_SCOPE_H
#define CAIRN_STORE_SCOPE_H

#include "base/buf.h"
#include "record/record.h"
#include "store/store.h"

/* Who reads. All zero: everything may be read. Strings are borrowed. */
struct scope {
    bool limited;
    struct str org;     /* "default" */
    struct str project; /* full name; "*" as slug: every project of the organisation */
};

/* `level`: a session's privacy_level; STR_NONE and "" count as TEAM. `project`: full name. */
bool scope_reads(const struct scope *s, struct str project, struct str level);
/* Is it a record of the reader's own project (or, with "*", organisation)? */
bool scope_owns(const struct scope *s, struct str project);

/* The parts of a full name: "acme/web" → "acme", "web", "acme/"; "web" → "default", "web", "". */
struct str project_org(struct str full);
struct str project_slug(struct str full);
struct str project_org_own(struct str full);

/* The level of a stored record; STR_NONE where it belongs to no session. In the arena. */
enum err_code record_level(struct store_tx *tx, struct arena *a, const struct record *r, struct str *level,
                           struct err *e);

/* The level that a record will have once it is inserted, by what it names; of a session its own. */
enum err_code record_level_new(struct store_tx *tx, struct arena *a, const struct record *r, struct str *level,
                               struct err *e);

/* ---- for the store's own SQL ---- */
enum { SCOPE_VALUES = 2 };
/* Appends " AND (…)" that only readable rows of k pass, k's table going by its own name; nothing when s is not
 * limited. Parameters are numbered from `bound` + 1; their values go to out, and how many is returned. */
int scope_put(struct buf *sql, const struct kind *k, const struct scope *s, int bound, struct value out[SCOPE_VALUES]);
/* The same for turns and conversations, asked once for all sessions: for counts, which go through all rows. */
int scope_put_sessions(struct buf *sql, const struct kind *k, const struct scope *s, int bound,
                       struct value out[SCOPE_VALUES]);
/* The same for turns, found through their conversations' index: for readers of few among very many. */
int scope_put_through(struct buf *sql, const struct scope *s, int bound, struct value out[SCOPE_VALUES]);

/* ---- for searches, which go through many sessions ---- */
/* Which sessions may be read, at one moment. Holds only the exceptions from "those of the own organisation", so that
 * it stays small; lives in its arena, may be used by several threads. */
struct scope_view {
    struct scope scope; /* limited */
    struct scope_exception {
        struct str session_id;
        bool reads;
    } * exceptions;
    size_t n;
    uint32_t *slots;      /* hash table: number of an exception + 1, 0: empty */
    size_t n_slots;       /* a power of two */
    struct str *projects; /* of the own organisation that have sessions */
    size_t n_projects;
};
/* Records of the kind can belong to a session. */
bool kind_has_session(const struct kind *k);
/* SQL for the id of the session that a row belongs to, NULL where it belongs to none. `row`: a table or its alias. */
void scope_put_session_id(struct buf *sql, const struct kind *k, const char *row);
/* *out is NULL when s is not limited. */
enum err_code scope_view_make(struct store_tx *tx, struct arena *a, const struct scope *s, struct scope_view **out,
                              struct err *e);
bool scope_view_reads(const struct scope_view *v, struct str session_id, struct str project);

#endif
