/* Between pack.c (making), unpack.c (reading) and the rest of the store. */
#ifndef CAIRN_STORE_PACK_INT_H
#define CAIRN_STORE_PACK_INT_H

#include "store/internal.h"

enum { PACKED_MAX = 16 << 20 /* no content is longer */, DICTIONARY_MAX = 32 << 10 };
enum { SAMPLES = 3000 /* turns a dictionary is trained from, at most */ };

/* A dictionary that was trained when the store had so many turns was made from turns 1, 1 + step, 1 + 2 step …. Never
 * changed once released: erasure goes by it (unlearn.c). */
static inline int64_t sample_step(int64_t turns)
{
    return turns / SAMPLES + 1;
}

/* A content that is about to be stored, packed (pack_now.c); STR_NONE where that does not pay. Until the next one. */
enum err_code tx_pack(struct store_tx *tx, struct str text, struct str *out, struct err *e);
/* The content of a frame, in the arena. ERR_CORRUPT: no frame, too long, or its dictionary is missing. */
enum err_code tx_unpack(struct store_tx *tx, struct arena *a, struct str packed, struct str *out, struct err *e);
/* The dictionary trained last: *bytes in the arena, STR_NONE when there is none; *turns: how many turns there were. */
enum err_code dictionary_newest(struct store_tx *tx, struct arena *a, struct str *bytes, int64_t *turns, struct err *e);
/* For going back to a schema without packing: every packed content becomes text again. */
enum err_code unpack_all(struct store_tx *tx, struct err *e);

#endif
