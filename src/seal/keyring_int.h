/* What the files of this room share: the keyring from inside, the header's form, numbers in bytes. Not for callers. */
#ifndef CAIRN_SEAL_KEYRING_INT_H
#define CAIRN_SEAL_KEYRING_INT_H

#include "seal/seal.h"

#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key of the cipher's");
_Static_assert(SEAL_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "a nonce of the cipher's");
_Static_assert(SEAL_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "a tag of the cipher's");

enum { SLOT_CACHE = 2048 };

/* The data keys. Two of what can be renewed: the epoch's lowest bit tells which. */
struct data_keys {
    unsigned char kek[SEAL_KEY]; /* wraps session keys */
    unsigned char page[2][SEAL_KEY], file[2][SEAL_KEY];
};

struct slot_keys {
    int64_t slot[SLOT_CACHE]; /* -1: none */
    unsigned char key[SLOT_CACHE][SEAL_KEY];
};

/* How the master key comes from the secret: in the header, readable by all. */
enum seal_how { HOW_KEY = 1, HOW_PASSPHRASE = 2 };
struct seal_lock {
    enum seal_how how;
    uint64_t ops, memory; /* Argon2id's */
    unsigned char salt[crypto_pwhash_SALTBYTES];
};

struct header {
    struct seal_lock lock;
    enum seal_state state;
    uint32_t epoch;
    unsigned char id[SEAL_ID];
};

struct keyring {
    char dir[PATH_MAX], path[PATH_MAX], slots_path[PATH_MAX]; /* <data>/keys, its header, its slots */
    struct header header;
    unsigned char *master; /* locked memory, as the next two */
    struct data_keys *keys;
    struct slot_keys *cache;
    _Atomic int state;
    _Atomic uint32_t epoch;
    pthread_mutex_t lock; /* for what follows, and for changes of the header */
    int slots;            /* descriptor */
    bool slots_read_only;
    const unsigned char *slots_head; /* mapped: tells when another process destroyed one */
    uint64_t destroyed_seen;
    int64_t next; /* no free slot before it */
    struct seal_nonces nonces;
};

/* ---- secret.c ---- */
/* Chooses how, with a fresh salt. */
void lock_choose(struct seal_lock *l, const struct seal_secret *s);
/* The master key of this secret under this lock. */
enum err_code lock_master(const struct seal_lock *l, const struct seal_secret *s, unsigned char master[SEAL_KEY],
                          struct err *e);
/* Memory for keys: locked, kept out of core dumps, wiped when given back (sodium_free). NULL when there is none. */
void *keys_alloc(size_t n);

/* ---- header.c ---- */
enum { HEADER_BYTES = 288 };
enum err_code header_write(const struct keyring *k, const struct header *h, struct err *e);
/* The readable part. */
enum err_code header_parse(struct str bytes, struct header *h, struct err *e);
/* The keys, with the master key. ERR_DENIED when it is another one. */
enum err_code header_unwrap(struct str bytes, const unsigned char *master, struct data_keys *out, struct err *e);

/* ---- slots.c ---- */
enum err_code slots_make(struct keyring *k, struct err *e); /* a new file, with a first batch */
enum err_code slots_open(struct keyring *k, struct err *e);
void slots_close(struct keyring *k);
void slots_forget(struct keyring *k); /* wipes what is cached */

/* ---- bytes.c ---- */
/* Derives `out` from a key for one purpose. */
void key_derive(const unsigned char key[SEAL_KEY], const char *purpose, const void *salt, size_t n, unsigned char *out,
                size_t n_out);
const unsigned char *file_key(const struct keyring *k, uint32_t epoch); /* NULL: unknown */

static inline void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}
static inline void put64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}
static inline uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t get64(const unsigned char *p)
{
    return (uint64_t)get32(p) | (uint64_t)get32(p + 4) << 32;
}

#endif
