/* What imports of agents' histories have met: a key for every message and every line that one was made of, so that what
 * is met again (in a resumed session's file, another copy, a later import) is known, also when it was erased meanwhile:
 * keys stay. A key says nothing: it is a hash with a secret of the store (store_secret), made by whoever imports.
 * Written in the transaction that stores the turn.
 *
 * Beside the keys: by a hash of its words, and when it was said, each imported turn, so that another tool's copy of it
 * is known (said); and for conversations that tell a turn that is stored in another one, which and where (places). */
#ifndef CAIRN_STORE_MET_H
#define CAIRN_STORE_MET_H

#include "base/id.h"
#include "store/store.h"

enum { MET_KEY = 16 };

/* *added false: it was there. Writer only. */
enum err_code met_add(struct store_tx *tx, const unsigned char key[MET_KEY], bool *added, struct err *e);
enum err_code met_has(struct store_tx *tx, const unsigned char key[MET_KEY], bool *has, struct err *e);
/* Whether anything was ever met. */
enum err_code met_any(struct store_tx *tx, bool *any, struct err *e);

/* ---- the same words ---- */
struct met_said {
    int64_t words; /* the hash */
    int64_t time;  /* seconds; 0: not known */
    int64_t turn;  /* its seq */
    int64_t how;   /* bits of whoever imports */
};
enum err_code met_said_add(struct store_tx *tx, const struct met_said *m, struct err *e);
enum err_code met_said_remove(struct store_tx *tx, const struct met_said *m, struct err *e);
/* Those with these words: all, or (from > 0) those without a time and those said in from … to. The first `most`, the
 * earliest first, however many there are. */
enum err_code met_said_find(struct store_tx *tx, int64_t words, int64_t from, int64_t to, struct met_said *out,
                            size_t most, size_t *n, struct err *e);
/* Where a turn is stored. */
struct met_turn {
    int64_t seq; /* 0: it is not there, or deleted */
    int64_t timestamp, number;
    char conversation[ID_MAX];
};
enum err_code met_turn_at(struct store_tx *tx, int64_t seq, struct met_turn *out, struct err *e);
enum err_code met_turn_of(struct store_tx *tx, struct str id, struct met_turn *out, struct err *e);

/* ---- turns that conversations tell though they are stored in another ---- */
struct met_place {
    int64_t turn;  /* its seq */
    int64_t after; /* behind this number of its own turns */
    int64_t line;  /* among those with the same `after`; below 0: only noted, it is its own */
};
/* `conversation`: its seq. What is there stays as it is. */
enum err_code met_place_add(struct store_tx *tx, int64_t conversation, const struct met_place *p, struct err *e);
enum err_code met_place_has(struct store_tx *tx, int64_t conversation, int64_t turn, bool *has, struct err *e);
/* The turn `was` is now stored as `is`: places that name the first mean the second. */
enum err_code met_place_moved(struct store_tx *tx, int64_t was, int64_t is, struct err *e);
/* Of a conversation, in its order, those whose turns are alive; in the arena. */
enum err_code met_places(struct store_tx *tx, struct arena *a, int64_t conversation, struct met_place **out, size_t *n,
                         struct err *e);

#endif
