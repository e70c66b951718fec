/* The keyring's header file: how the master key is made, what state the data is in, and the data keys, wrapped by the
 * master key. All that is readable is authenticated with the keys: nobody without the secret can set the state back.
 *
 *   0  "CAIRNKR1"          48  id, 16 bytes
 *   8  state, u32          64  epoch, u32; 4 bytes of nothing
 *  12  how, u32            72  check: 16 bytes made of the master key, tells a wrong secret from damage
 *  16  Argon2id's ops      88  nonce, 24 bytes
 *  24  and memory, u64    112  the keys, sealed: 160 bytes and the tag
 *  32  salt, 16 bytes     288  end                              (numbers: lowest byte first)
 *
 * It is only ever replaced whole, by a rename. */
#include "seal/keyring_int.h"

#include "base/file.h"

enum { AT_STATE = 8, AT_HOW = 12, AT_OPS = 16, AT_MEMORY = 24, AT_SALT = 32, AT_ID = 48, AT_EPOCH = 64, AT_CHECK = 72 };
enum { AT_NONCE = 88, AT_KEYS = 112, CHECK = 16 };

static const char MAGIC[8] = {'C', 'A', 'I', 'R', 'N', 'K', 'R', '1'};
_Static_assert(AT_KEYS + sizeof(struct data_keys) + SEAL_TAG == HEADER_BYTES, "the header is as described");

static void check_of(const unsigned char *master, const unsigned char *id, unsigned char out[CHECK])
{
    key_derive(master, "cairn check 1", id, SEAL_ID, out, CHECK);
}

enum err_code header_write(const struct keyring *k, const struct header *h, struct err *e)
{
    unsigned char b[HEADER_BYTES] = {0};
    struct seal_nonces nonces;
    memcpy(b, MAGIC, sizeof MAGIC);
    put32(b + AT_STATE, (uint32_t)h->state);
    put32(b + AT_HOW, (uint32_t)h->lock.how);
    put64(b + AT_OPS, h->lock.ops);
    put64(b + AT_MEMORY, h->lock.memory);
    memcpy(b + AT_SALT, h->lock.salt, sizeof h->lock.salt);
    memcpy(b + AT_ID, h->id, SEAL_ID);
    put32(b + AT_EPOCH, h->epoch);
    check_of(k->master, h->id, b + AT_CHECK);
    seal_nonces_init(&nonces);
    seal_nonces_next(&nonces, b + AT_NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(b + AT_KEYS, NULL, (const unsigned char *)k->keys, sizeof *k->keys, b,
                                               AT_NONCE, NULL, b + AT_NONCE, k->master);
    return file_write_atomic(k->path, (struct str){(const char *)b, sizeof b}, e);
}

static enum err_code damaged(struct err *e)
{
    return err_set(e, ERR_CORRUPT, "keys",
                   "the header of the keys (keys/header) is damaged; put a copy of it back, the data cannot be read "
                   "without it");
}

enum err_code header_parse(struct str bytes, struct header *h, struct err *e)
{
    const unsigned char *b = (const unsigned char *)bytes.p;
    if (bytes.n != HEADER_BYTES || memcmp(b, MAGIC, sizeof MAGIC) != 0)
        return damaged(e);
    uint32_t state = get32(b + AT_STATE), how = get32(b + AT_HOW);
    if (state < SEAL_SEALING || state > SEAL_CHANGING || (how != HOW_KEY && how != HOW_PASSPHRASE))
        return damaged(e);
    *h = (struct header){.state = (enum seal_state)state, .epoch = get32(b + AT_EPOCH)};
    h->lock = (struct seal_lock){(enum seal_how)how, get64(b + AT_OPS), get64(b + AT_MEMORY), {0}};
    memcpy(h->lock.salt, b + AT_SALT, sizeof h->lock.salt);
    memcpy(h->id, b + AT_ID, SEAL_ID);
    return ERR_OK;
}

enum err_code header_unwrap(struct str bytes, const unsigned char *master, struct data_keys *out, struct err *e)
{
    const unsigned char *b = (const unsigned char *)bytes.p;
    unsigned char check[CHECK];
    check_of(master, b + AT_ID, check);
    if (sodium_memcmp(check, b + AT_CHECK, CHECK) != 0)
        return err_set(e, ERR_DENIED, "encryption.key_file",
                       "the key is not the one that the data is sealed with; nothing was changed");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)out, NULL, NULL, b + AT_KEYS,
                                                   HEADER_BYTES - AT_KEYS, b, AT_NONCE, b + AT_NONCE, master))
        return damaged(e);
    return ERR_OK;
}
