/* Packing: contents of turns that have been there for a while are kept compressed, where that pays. Never on the way of
 * a write that somebody waits for: a background task calls store_pack now and then. Imports have long contents packed
 * as they are stored (turns.h, pack_now.c). Reading unpacks by itself (query.c), so nobody else knows.
 *
 * Format. A packed `content` holds bytes instead of text: one zstd frame with its content's size, made with the
 * dictionary whose number the frame names (table pack_dictionary; 0: none). Dictionaries are trained from this store's
 * own turns, because chat turns are short and alike: alone they compress by a few per cent, with one by half. A
 * dictionary is never changed; a new one is trained when the store has grown eightfold. One that was trained from turns
 * that are erased is removed (unlearn.c). */
#ifndef CAIRN_STORE_PACK_H
#define CAIRN_STORE_PACK_H

#include "store/store.h"

struct pack_result {
    int64_t looked, packed;            /* turns */
    int64_t bytes_before, bytes_after; /* of those that were packed */
    bool more;                         /* there are turns left to look at */
};
/* Looks at the next turns (at most `limit`, 1 to 1,000) stored before before_ms and packs those that shrink by an
 * eighth or more. Where it has come to is kept in the store. Call it again while `more`. */
enum err_code store_pack(struct store *s, int64_t before_ms, int limit, struct pack_result *out, struct err *e);

#endif
