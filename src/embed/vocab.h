/* A WordPiece vocabulary: from piece to id. Pieces that continue a word are kept without their "##". Immutable once
 * filled, so any number of threads may look things up. It owns its bytes. */
#ifndef CAIRN_EMBED_VOCAB_H
#define CAIRN_EMBED_VOCAB_H

#include "base/err.h"
#include "base/str.h"

enum { VOCAB_MAX = 1 << 20, VOCAB_PIECE_MAX = 400 };

struct vocab;

/* Ids run from 0 to below `limit` (at most VOCAB_MAX). NULL when out of memory. */
struct vocab *vocab_new(size_t limit);
void vocab_free(struct vocab *v);
/* `piece` as the file spells it, "##" included. A piece that is there already takes the new id. */
enum err_code vocab_add(struct vocab *v, struct str piece, int64_t id, struct err *e);
/* One piece a line, ids counted from 0: vocab.txt. */
enum err_code vocab_add_lines(struct vocab *v, struct str text, struct err *e);

/* For packed models: all pieces with their ids, and back. The bytes are not trusted. */
struct buf;
void vocab_pack(const struct vocab *v, struct buf *out);
enum err_code vocab_unpack(struct vocab *v, struct str bytes, struct err *e);

int32_t vocab_find(const struct vocab *v, struct str piece, bool continuing); /* -1 when there is none */
size_t vocab_longest(const struct vocab *v);                                  /* bytes of its longest piece */

#endif
