/* The gate in front of everything that is stored. Implementers' and callers' header.
 *
 * What. Before a statement binds a text or JSON value, the gate is asked for the form in which it may be kept: turns in
 * turn_append, every other record in record_insert and record_update. There is no other way for a caller's text into
 * the database, so nothing unmasked is stored whatever a caller forgot. By the table of kinds: all TEXT and JSON fields
 * pass, but for those marked FIELD_EXACT.
 * Why a hook: the store knows no detectors (the privacy room is above it); whoever opens a store for people's texts
 * gives one (service/masking.c). A store without a gate keeps what it is given (tests of the store itself).
 * Levels are a session's privacy_level; TEAM where a record belongs to no session. */
#ifndef CAIRN_STORE_GATE_H
#define CAIRN_STORE_GATE_H

#include "record/record.h"
#include "store/scope.h"
#include "store/store.h"

struct store_gate {
    /* What may be kept of `text` at that level ("PUBLIC", "TEAM", "PRIVATE"; "" and STR_NONE: TEAM; anything else as
     * PUBLIC): `text` itself, the same pointer, where nothing had to go, else a copy in the arena. json: it is JSON,
     * and stays so. Must depend on its arguments only, leave what it has masked once as it is, and mask at PUBLIC
     * whatever it masks at any level. Called by any thread, the writer's among them. */
    enum err_code (*mask)(void *arg, struct arena *a, struct str level, bool json, struct str text, struct str *out,
                          struct err *e);
    void *arg;
    const char *default_level; /* of sessions that are made without one; NULL: TEAM */
};

/* The store's gate on one text, for what is written elsewhere than in the store (a journal). */
enum err_code gate_text(const struct store *s, struct arena *a, struct str level, bool json, struct str text,
                        struct str *out, struct err *e);
/* All of a record's fields that a gate may touch, at that level, in place (new strings in the arena). *changed: some
 * were. */
enum err_code gate_record(const struct store_gate *g, struct arena *a, struct str level, struct record *r,
                          bool *changed, struct err *e);
/* The same at the level that the record will have once it is stored, from the session, conversation or record it names:
 * what record_insert does. Only for who must know the form beforehand (a hash over the row). */
enum err_code gate_insert(struct store_tx *tx, struct arena *a, struct record *r, struct err *e);
/* ---- what is read ---- */
/* For whom a transaction reads: whatever is stored, records of others are masked as they are read, as for TEAM where
 * they are another project's of the reader's organisation, as for PUBLIC where they are another organisation's; and all
 * of them for `least` where that is stricter. Only texts and JSON, as above. */
struct store_reader {
    const struct store_gate *gate;
    struct scope scope; /* {0}: all is the reader's own */
    struct str least;   /* "PUBLIC" …; STR_NONE: as it is stored */
};
/* Until store_read_end; borrowed. NULL: as it is stored. */
void store_read_as(struct store_tx *tx, const struct store_reader *r);

/* The stricter of two levels: EPHEMERAL and what is unknown count as PUBLIC. */
struct str gate_stricter(struct str x, struct str y);

#endif
