/* What imports of agents' histories have met: a key for every message and every line that one was made of, so that what
 * is met again (in a resumed session's file, another copy, a later import) is known, also when it was erased meanwhile:
 * keys stay. A key says nothing: it is a hash with a secret of the store (store_secret), made by whoever imports.
 * Written in the transaction that stores the turn. */
#ifndef CAIRN_STORE_MET_H
#define CAIRN_STORE_MET_H

#include "store/store.h"

enum { MET_KEY = 16 };

/* *added false: it was there. Writer only. */
enum err_code met_add(struct store_tx *tx, const unsigned char key[MET_KEY], bool *added, struct err *e);
enum err_code met_has(struct store_tx *tx, const unsigned char key[MET_KEY], bool *has, struct err *e);
/* Whether anything was ever met. */
enum err_code met_any(struct store_tx *tx, bool *any, struct err *e);

#endif
