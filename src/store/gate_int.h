/* Between gate.c and the files of the store that write. */
#ifndef CAIRN_STORE_GATE_INT_H
#define CAIRN_STORE_GATE_INT_H

#include "store/gate.h"
#include "store/internal.h"

/* Whether the gate may touch values of that field. */
bool gate_looks_at(const struct field *f);
/* The patch as it may be stored: *out borrows what had not to be masked. */
enum err_code gate_update(struct store_tx *tx, struct arena *a, int64_t seq, const struct record *patch,
                          struct record *out, struct err *e);

/* What of a stored record would be masked if it were stored now: *patch holds those fields alone, NULL: nothing. */
enum err_code gate_stored(struct store_tx *tx, struct arena *a, struct record *r, struct record **patch,
                          struct str *level, struct err *e);
/* Sets the patch's fields on the row, alive or deleted, whatever its kind allows; not when its version is another by
 * now (records.c). */
enum err_code record_rewrite(struct store_tx *tx, struct arena *a, const struct record *row, const struct record *patch,
                             struct err *e);

/* A text or record that was read, as the transaction's reader may see it; strings change in the arena. */
enum err_code gate_shown_record(struct store_tx *tx, struct arena *a, struct record *r, struct err *e);
enum err_code gate_shown_text(struct store_tx *tx, struct arena *a, struct str project, bool json, struct str *text,
                              struct err *e);

#endif
