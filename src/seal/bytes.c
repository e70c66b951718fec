/* Sealing runs of bytes: nonces, derived keys, and the form of a sealed column or line:
 *
 *   0  epoch of the data key, u32 (0 with a session's key)    4  nonce    28  the bytes and their tag */
#include "seal/keyring_int.h"

enum { AT_NONCE = 4, AT_BYTES = AT_NONCE + SEAL_NONCE };
_Static_assert((int)AT_BYTES + SEAL_TAG == (int)SEAL_MORE, "SEAL_MORE is what sealing adds");

void seal_nonces_init(struct seal_nonces *n)
{
    randombytes_buf(n->prefix, sizeof n->prefix);
    n->next = 0;
}

void seal_nonces_next(struct seal_nonces *n, unsigned char out[SEAL_NONCE])
{
    memcpy(out, n->prefix, sizeof n->prefix);
    put64(out + sizeof n->prefix, n->next++);
}

void key_derive(const unsigned char key[SEAL_KEY], const char *purpose, const void *salt, size_t n, unsigned char *out,
                size_t n_out)
{
    crypto_generichash_state s;
    crypto_generichash_init(&s, key, SEAL_KEY, n_out);
    crypto_generichash_update(&s, (const unsigned char *)purpose, strlen(purpose) + 1);
    crypto_generichash_update(&s, salt, n);
    crypto_generichash_final(&s, out, n_out);
    sodium_memzero(&s, sizeof s);
}

/* ERR_CORRUPT for an epoch that nobody knows: not ours, or long replaced. */
static enum err_code key_of(struct keyring *k, int64_t slot, uint32_t epoch, unsigned char out[SEAL_KEY], struct err *e)
{
    if (slot != SEAL_STORE)
        return keyring_key(k, slot, out, e);
    const unsigned char *key = file_key(k, epoch);
    if (!key)
        return err_set(e, ERR_CORRUPT, NULL, "what was sealed does not open: it is sealed with another key");
    memcpy(out, key, SEAL_KEY);
    return ERR_OK;
}

enum err_code keyring_seal_at(struct keyring *k, int64_t slot, struct str plain, struct str about, void *out,
                              struct err *e)
{
    unsigned char key[SEAL_KEY], *p = out;
    uint32_t epoch = slot == SEAL_STORE ? keyring_epoch(k) : 0;
    enum err_code rc = key_of(k, slot, epoch, key, e);
    if (rc)
        return rc;
    put32(p, epoch);
    (void)pthread_mutex_lock(&k->lock);
    seal_nonces_next(&k->nonces, p + AT_NONCE);
    (void)pthread_mutex_unlock(&k->lock);
    crypto_aead_xchacha20poly1305_ietf_encrypt(p + AT_BYTES, NULL, (const unsigned char *)plain.p, plain.n,
                                               (const unsigned char *)about.p, about.n, NULL, p + AT_NONCE, key);
    sodium_memzero(key, sizeof key);
    return ERR_OK;
}

enum err_code keyring_seal(struct keyring *k, int64_t slot, struct str plain, struct str about, struct buf *out,
                           struct err *e)
{
    char *p = buf_room(out, plain.n + SEAL_MORE);
    enum err_code rc = p ? keyring_seal_at(k, slot, plain, about, p, e) : err_nomem(e);
    if (!rc)
        buf_added(out, plain.n + SEAL_MORE);
    return rc;
}

enum err_code keyring_open_at(struct keyring *k, int64_t slot, struct str sealed, struct str about, void *out,
                              struct err *e)
{
    const unsigned char *s = (const unsigned char *)sealed.p;
    unsigned char key[SEAL_KEY];
    if (sealed.n < SEAL_MORE)
        return err_set(e, ERR_CORRUPT, NULL, "what was sealed does not open: it is cut short");
    enum err_code rc = key_of(k, slot, get32(s), key, e);
    if (rc)
        return rc;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, s + AT_BYTES, sealed.n - AT_BYTES,
                                                   (const unsigned char *)about.p, about.n, s + AT_NONCE, key))
        rc = err_set(e, ERR_CORRUPT, NULL, "what was sealed does not open: it was changed, or belongs elsewhere");
    sodium_memzero(key, sizeof key);
    return rc;
}

enum err_code keyring_open_bytes(struct keyring *k, int64_t slot, struct str sealed, struct str about, struct arena *a,
                                 struct str *out, struct err *e)
{
    size_t n = sealed.n > SEAL_MORE ? sealed.n - SEAL_MORE : 0;
    char *p = arena_alloc(a, n + 1);
    *out = STR_NONE;
    enum err_code rc = p ? keyring_open_at(k, slot, sealed, about, p, e) : err_nomem(e);
    if (rc)
        return rc;
    p[n] = '\0';
    *out = (struct str){p, n};
    return ERR_OK;
}
