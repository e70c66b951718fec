/* Sealed columns: in a sealed store the texts of what belongs to a session are sealed with that session's own key,
 * under the sealed pages. So one session's key opens nothing else, and once it is destroyed its texts cannot be read
 * any more, in old backups neither. Between sealing.c, sealing_convert.c and the files of the store that bind and read
 * texts.
 *
 * Which: all texts and JSON of the kinds that can belong to a session, but for what lists filter by, and Cairn's own
 * names (FIELD_EXACT without FIELD_SEALED). What belongs to no session after all is sealed with the store's key. Empty
 * values ("", {}, []) stay as they are. A sealed value is bytes where else there is text: 0  CA 12 5E    3  flags
 * (SEALED_PACKED)    4  the slot of its key, i32, -1: the store's    8  keyring_seal's bound to kind, id and field, so
 * that it opens in no other place. Packed contents are packed first, then sealed.
 *
 * A session's slot is its hidden field key_slot, given when it is made. What is sealed with a key that was destroyed
 * reads as nothing: NULL, or the field's default. SQL that looks into such columns says opened(column, id, kind,
 * field), a function that gives any other value back as it is. */
#ifndef CAIRN_STORE_SEALING_H
#define CAIRN_STORE_SEALING_H

#include "seal/seal.h"
#include "store/internal.h"

enum { SEALED_PACKED = 1, SEALED_AHEAD = 8, SEALED_EXTRA = SEALED_AHEAD + SEAL_MORE };

bool tx_seals(const struct store_tx *tx);
bool kind_seals(const struct kind *k); /* some field of it is sealed */
bool field_seals(const struct kind *k, const struct field *f);

/* ---- whose key ---- */
enum err_code slot_take(struct store_tx *tx, int64_t *slot, struct err *e); /* that nobody has had */
/* Of a new record; a session is given its own. SEAL_STORE where it belongs to none. */
enum err_code slot_of_new(struct store_tx *tx, struct record *r, int64_t *slot, struct err *e);
/* Of a stored one, with its id. */
enum err_code slot_of_stored(struct store_tx *tx, struct arena *a, const struct kind *k, int64_t seq, struct str *id,
                             int64_t *slot, struct err *e);

/* ---- values ---- */
struct sealed_place {
    const char *kind, *field;
    struct str id;
};
bool value_is_sealed(struct str bytes);
int64_t value_slot(struct str sealed);
unsigned value_flags(struct str sealed);
/* Needs no sealing: there is nothing in it. */
bool value_is_empty(struct str text);
enum err_code value_seal(struct store_tx *tx, struct arena *a, int64_t slot, struct sealed_place at, unsigned flags,
                         struct str plain, struct str *out, struct err *e);
/* Without unpacking. ERR_GONE: its key was destroyed. */
enum err_code value_open(const struct store *s, struct arena *a, struct sealed_place at, struct str sealed,
                         struct str *out, struct err *e);
/* Binds a field's value, sealed where it is to be. */
void query_field(struct query *q, struct arena *a, const struct kind *k, const struct field *f, struct str id,
                 int64_t slot, const struct value *v);
/* Reads a text that may be sealed. STR_NONE: NULL, or its key was destroyed. */
struct str query_col_sealed(struct query *q, struct arena *a, int i, struct sealed_place at);
/* At opening: sessions whose keys are destroyed are deleted (sealing_settle.c). */
enum err_code sealing_settle(const struct store *s, struct store_tx *tx, struct err *e);
/* For the driver: SQL's opened(). */
bool sealing_opened(void *store, struct str sealed, struct str kind, struct str id, struct str field, struct buf *out);
/* "opened(<row>"field", <row>id, 'kind', 'field')", or the column alone where nothing is sealed. `row`: "" or "r.". */
void put_opened(struct buf *sql, const struct store_tx *tx, const struct kind *k, const struct field *f,
                const char *row);

#endif
