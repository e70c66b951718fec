/* The packed form of a quantised model; what it looks like: packed.c. */
#ifndef CAIRN_EMBED_PACKED_H
#define CAIRN_EMBED_PACKED_H

#include "embed/embedder.h"

#include "base/buf.h"

/* All of an int8 embedder. The caller releases `out`, after a failure too. */
enum err_code packed_write(const struct embedder *m, struct buf *out, struct err *e);
/* Fills in config, source, words and weights, which borrow `bytes` (aligned to 64). ERR_CORRUPT when they are no packed
 * model, cut short or changed; on failure `m` holds what embed_close frees. */
enum err_code packed_read(struct embedder *m, struct str bytes, struct err *e);

#endif
