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

/* A text or record that was read, as the transaction's reader may see it; strings change in the arena. */
enum err_code gate_shown_record(struct store_tx *tx, struct arena *a, struct record *r, struct err *e);
enum err_code gate_shown_text(struct store_tx *tx, struct arena *a, struct str project, bool json, struct str *text,
                              struct err *e);

#endif
