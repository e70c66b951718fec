/* Keys of a data folder, and what is sealed with them. Callers' entry header.
 *
 * A sealed store has a folder `keys` in its data folder: `header` (the data keys, wrapped by a master key that comes
 * from the user's secret) and `slots` (a key for each session, wrapped by a data key). A plain store has none. All
 * sealing is XChaCha20-Poly1305. Backups never hold `keys`: what is destroyed here cannot be read from them either.
 *
 * Nonces are unique by construction: 16 random bytes drawn for each source (seal_nonces), then a counter of 64 bits.
 *
 * Threads: a keyring is shared by all threads. Keys lie in memory that is locked and left out of core dumps. */
#ifndef CAIRN_SEAL_SEAL_H
#define CAIRN_SEAL_SEAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdatomic.h>

enum { SEAL_KEY = 32, SEAL_NONCE = 24, SEAL_TAG = 16, SEAL_ID = 16 };

/* ---- the user's secret ---- */

/* At most one of the three; all NULL or empty: none. Borrowed. */
struct seal_secret {
    struct str key;       /* 32 bytes as 64 hex digits or in base64 */
    const char *key_file; /* a file of the owner's alone (0600) that holds such a key, or 32 raw bytes */
    struct str passphrase;
};
bool seal_secret_given(const struct seal_secret *s);
/* The key of a secret that is no passphrase, in hex, so that it can be handed on: 64 digits and NUL. Wipe it. */
enum err_code seal_secret_hex(const struct seal_secret *s, char out[2 * SEAL_KEY + 1], struct err *e);

/* ---- the keyring ---- */

struct keyring;

/* What the data folder is. There is no header while it is plain. In the two states between, both forms are readable;
 * what is written is sealed in all but SEAL_OPENING. */
enum seal_state {
    SEAL_PLAIN,
    SEAL_SEALING,
    SEAL_SEALED,
    SEAL_OPENING,
    SEAL_CHANGING /* new data keys; all is sealed */
};

bool keyring_exists(const char *dir); /* `dir` is the data folder */
/* Makes `keys` in the state given. ERR_CONFLICT when there is one. */
enum err_code keyring_make(const char *dir, const struct seal_secret *secret, enum seal_state state,
                           struct keyring **out, struct err *e);
/* Writes nothing. ERR_DENIED: no secret or a wrong one; ERR_NOT_FOUND: no keyring; ERR_CORRUPT: damaged. */
enum err_code keyring_open(const char *dir, const struct seal_secret *secret, struct keyring **out, struct err *e);
void keyring_close(struct keyring *k); /* wipes the keys; NULL is fine */

enum seal_state keyring_state(const struct keyring *k); /* NULL: SEAL_PLAIN */
/* Durable when it returns. SEAL_PLAIN destroys all keys and removes the folder. */
enum err_code keyring_set_state(struct keyring *k, enum seal_state state, struct err *e);
/* True when what is written is to be sealed. NULL: false. */
bool keyring_seals(const struct keyring *k);
bool seal_state_demands(enum seal_state state); /* what is not sealed is damage then */
/* Tells this keyring from others; it stands in all that is sealed and in backups. */
const unsigned char *keyring_id(const struct keyring *k);
/* Another secret opens it from then on. */
enum err_code keyring_rewrap(struct keyring *k, const struct seal_secret *secret, struct err *e);
/* New data keys beside the old ones, state SEAL_CHANGING: what is written is sealed with the new ones. Ended by
 * keyring_set_state(SEAL_SEALED), which destroys the old ones. */
enum err_code keyring_renew(struct keyring *k, struct err *e);

/* ---- session keys: slots ---- */

/* Slot of the data key for what belongs to no session. */
enum { SEAL_STORE = -1 };

/* A slot nobody has had, at least `from`. Several processes may take at once. It costs no sync, but when a new batch
 * of slots is made. A slot that is taken and not used is lost, no more. */
enum err_code keyring_take(struct keyring *k, int64_t from, int64_t *slot, struct err *e);
/* Overwrites the key on the disk and in memory, durably; nothing sealed with it opens again, here or in a backup. */
enum err_code keyring_destroy(struct keyring *k, int64_t slot, struct err *e);
/* ERR_GONE: destroyed. `out` holds SEAL_KEY bytes; wipe it when done. */
enum err_code keyring_key(struct keyring *k, int64_t slot, unsigned char *out, struct err *e);

/* ---- sealing bytes (columns, lines) ---- */

/* Sealed is SEAL_MORE bytes longer. `about` is authenticated, not stored: what the bytes are and where they belong, so
 * that they open nowhere else. */
enum { SEAL_MORE = 4 + SEAL_NONCE + SEAL_TAG };
enum err_code keyring_seal(struct keyring *k, int64_t slot, struct str plain, struct str about, struct buf *out,
                           struct err *e);
/* ERR_GONE: the slot's key is destroyed; ERR_CORRUPT: not what was sealed. STR("") for sealed emptiness. */
enum err_code keyring_open_bytes(struct keyring *k, int64_t slot, struct str sealed, struct str about, struct arena *a,
                                 struct str *out, struct err *e);

/* To out[plain.n + SEAL_MORE]. */
enum err_code keyring_seal_at(struct keyring *k, int64_t slot, struct str plain, struct str about, void *out,
                              struct err *e);
/* To `out`, which has room for what was sealed. */
enum err_code keyring_open_at(struct keyring *k, int64_t slot, struct str sealed, struct str about, void *out,
                              struct err *e);

/* ---- sealed files: written once from begin to end, in chunks ---- */

enum { SEAL_FILE_HEAD = 64, SEAL_CHUNK = 16 * 1024 };
/* True when the bytes are the beginning of a sealed file. */
bool seal_file_is(struct str head);
uint64_t seal_file_size(uint64_t plain); /* of the sealed file that holds so many bytes */

struct seal_writer; /* one thread at a time */
/* `about` as above ("index segment 17"). Writes to fd from its position on; the caller syncs and closes it. */
enum err_code seal_writer_new(struct keyring *k, struct str about, int fd, struct seal_writer **out, struct err *e);
enum err_code seal_writer_put(struct seal_writer *w, struct str bytes, struct err *e);
enum err_code seal_writer_end(struct seal_writer *w, struct err *e); /* a file that was not ended does not open */
void seal_writer_free(struct seal_writer *w);                        /* NULL is fine */

/* The whole plain text in memory of its own: private, left out of core dumps, given back by seal_file_release. Any
 * change, cut or exchange of chunks is ERR_CORRUPT. *out may be of length 0. */
enum err_code seal_file_open(struct keyring *k, struct str about, const char *path, size_t max, struct str *out,
                             struct err *e);
/* The same from bytes in memory. */
enum err_code seal_file_open_bytes(struct keyring *k, struct str about, struct str sealed, struct str *out,
                                   struct err *e);
void seal_file_release(struct str plain);
/* Reading chunk by chunk, in any order. */
struct seal_reader; /* shared by threads */
/* fd is borrowed. ERR_CORRUPT: not a sealed file, another one, of other keys, or cut where no file ends. */
enum err_code seal_reader_new(struct keyring *k, struct str about, int fd, struct seal_reader **out, struct err *e);
void seal_reader_free(struct seal_reader *r);           /* NULL is fine */
uint64_t seal_reader_size(const struct seal_reader *r); /* plain bytes */
uint32_t seal_reader_epoch(const struct seal_reader *r);
/* Chunk i, from byte i * SEAL_CHUNK on, to out[SEAL_CHUNK]. */
enum err_code seal_reader_chunk(const struct seal_reader *r, uint64_t i, void *out, struct err *e);

/* Memory for what is opened: zeroed, private, left out of core dumps. NULL: there is none. */
void *seal_memory(size_t n);
void seal_memory_free(void *p, size_t n); /* NULL is fine */

/* A small file whole or not at all, as file_write_atomic: sealed when keyring_seals(k), else plain. */
enum err_code seal_file_write(struct keyring *k, struct str about, const char *path, struct str plain, struct err *e);
/* Reads either form, as it is. Appends to `out`. A plain one is ERR_CORRUPT where the state demands a sealed one. */
enum err_code seal_file_read(struct keyring *k, struct str about, const char *path, size_t max, struct buf *out,
                             struct err *e);

/* ---- for what seals by itself (the database's pages) ---- */

/* One source of nonces: one thread at a time. */
struct seal_nonces {
    unsigned char prefix[16];
    uint64_t next;
};
void seal_nonces_init(struct seal_nonces *n);
void seal_nonces_next(struct seal_nonces *n, unsigned char out[SEAL_NONCE]);

/* Epoch of the data keys that seal now. Things sealed name theirs; only this one and, in SEAL_CHANGING, the one before
 * can be opened. */
uint32_t keyring_epoch(const struct keyring *k);
/* The page key of an epoch, for as long as the keyring is open and the epoch known; NULL: unknown. */
const unsigned char *keyring_page_key(const struct keyring *k, uint32_t epoch);

#endif
