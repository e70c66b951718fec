/* The keyring's slots: one wrapped random key each, in a file beside the header. They are made in batches, ahead of
 * need, so that a new session costs no sync; destroying one overwrites it and syncs.
 *
 * The file begins with a page: "CAIRNSL1", the keyring's id, and at AT_DESTROYED a count that rises with every slot
 * destroyed, which all processes see in a mapping and drop what they remember. Then slots of SLOT bytes:
 *
 *   0  mark: 0 free, 1 taken, 2 destroyed     8  nonce     32  the key and its tag     80  nothing
 *
 * The slot's number and the keyring's id are authenticated with the key. The mark is not: it is written without a
 * sync, and only saves looking in the database for what is taken. Who changes marks or makes slots holds the file's
 * lock. */
#include "seal/keyring_int.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD = 4096, SLOT = 128, BATCH = 1024, AT_ID = 8, AT_DESTROYED = 64, AT_NONCE = 8, AT_KEY = 32 };
enum { CATCH_UP_MOST = 1 << 20 };
enum { WRAPPED = SEAL_KEY + SEAL_TAG };
enum mark { FREE, TAKEN, DESTROYED };
static const char MAGIC[8] = {'C', 'A', 'I', 'R', 'N', 'S', 'L', '1'};

static int64_t at_of(int64_t slot)
{
    return HEAD + slot * SLOT;
}

/* What is authenticated beside the key. */
static void about_of(const struct keyring *k, int64_t slot, unsigned char out[SEAL_ID + 8])
{
    memcpy(out, k->header.id, SEAL_ID);
    put64(out + SEAL_ID, (uint64_t)slot);
}

/* ---- the file ---- */

static enum err_code lock_file(struct keyring *k, struct err *e)
{
    if (k->slots_read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the keys cannot be written: the data folder is read-only");
    if (mem_fail_now() || flock(k->slots, LOCK_EX))
        return err_errno(e, "lock", "the keys");
    return ERR_OK;
}

static void unlock_file(struct keyring *k)
{
    (void)flock(k->slots, LOCK_UN);
}

static enum err_code count(struct keyring *k, int64_t *n, struct err *e)
{
    int64_t size;
    bool gone;
    enum err_code rc = file_look(k->slots, &size, &gone, e);
    if (!rc && gone)
        rc = err_set(e, ERR_UNAVAILABLE, NULL, "the keys were removed while they were in use; start again");
    *n = rc || size < HEAD ? 0 : (size - HEAD) / SLOT;
    return rc;
}

/* BATCH new slots behind the n that are there, durable when it returns. */
static enum err_code extend(struct keyring *k, int64_t n, struct err *e)
{
    unsigned char key[SEAL_KEY], about[SEAL_ID + 8];
    struct seal_nonces nonces;
    unsigned char *batch = mem_zalloc((size_t)BATCH * SLOT);
    if (!batch)
        return err_nomem(e);
    seal_nonces_init(&nonces);
    for (int i = 0; i < BATCH; i++) {
        unsigned char *s = batch + (ptrdiff_t)i * SLOT;
        randombytes_buf(key, sizeof key);
        about_of(k, n + i, about);
        seal_nonces_next(&nonces, s + AT_NONCE);
        crypto_aead_xchacha20poly1305_ietf_encrypt(s + AT_KEY, NULL, key, sizeof key, about, sizeof about, NULL,
                                                   s + AT_NONCE, k->keys->kek);
    }
    sodium_memzero(key, sizeof key);
    enum err_code rc = file_write_at(k->slots, at_of(n), (struct str){(const char *)batch, (size_t)BATCH * SLOT}, e);
    if (!rc)
        rc = file_sync(k->slots, e);
    mem_free(batch);
    return rc;
}

static enum err_code map_head(struct keyring *k, struct err *e)
{
    struct str map;
    enum err_code rc = file_map_fd(k->slots, HEAD, &map, e);
    if (!rc) {
        k->slots_head = (const unsigned char *)map.p;
        k->destroyed_seen = get64(k->slots_head + AT_DESTROYED);
    }
    return rc;
}

enum err_code slots_make(struct keyring *k, struct err *e)
{
    unsigned char head[HEAD] = {0};
    memcpy(head, MAGIC, sizeof MAGIC);
    memcpy(head + AT_ID, k->header.id, SEAL_ID);
    enum err_code rc = file_remove(k->slots_path, e); /* of a keyring that was given up half-way */
    if (!rc && (k->slots = file_open_write(k->slots_path, e)) < 0)
        rc = ERR_IO;
    if (!rc)
        rc = file_write_at(k->slots, 0, (struct str){(const char *)head, sizeof head}, e);
    if (!rc)
        rc = extend(k, 0, e);
    return rc ? rc : map_head(k, e);
}

enum err_code slots_open(struct keyring *k, struct err *e)
{
    unsigned char head[AT_DESTROYED];
    size_t got = 0;
    k->slots = mem_fail_now() ? -1 : open(k->slots_path, O_RDWR | O_CLOEXEC);
    if (k->slots < 0 && !file_exists(k->slots_path))
        return err_set(e, ERR_CORRUPT, "keys",
                       "the sessions' keys (keys/slots) are not there; put a copy of them back");
    if (k->slots < 0) {
        k->slots_read_only = true;
        k->slots = file_open_read(k->slots_path, e);
    }
    if (k->slots < 0)
        return e && e->code ? e->code : ERR_IO;
    enum err_code rc = file_read_at(k->slots, 0, head, sizeof head, &got, e);
    if (!rc && (got < sizeof head || file_size(k->slots_path) < HEAD || memcmp(head, MAGIC, sizeof MAGIC) != 0 ||
                memcmp(head + AT_ID, k->header.id, SEAL_ID) != 0))
        rc = err_set(e, ERR_CORRUPT, "keys", "the sessions' keys (keys/slots) are damaged or another store's");
    return rc ? rc : map_head(k, e);
}

void slots_close(struct keyring *k)
{
    if (k->slots_head)
        file_unmap((struct str){(const char *)k->slots_head, HEAD});
    k->slots_head = NULL;
    if (k->slots >= 0)
        close(k->slots);
    k->slots = -1;
}

/* ---- taking ---- */

static enum err_code mark_of(struct keyring *k, int64_t slot, unsigned char *mark, struct err *e)
{
    size_t got;
    *mark = TAKEN;
    return file_read_at(k->slots, at_of(slot), mark, 1, &got, e);
}

/* The database names more slots than there are where an older copy of the keys was put back. Those between are made,
 * not given: two sessions in one slot would be erased together. */
static enum err_code catch_up(struct keyring *k, struct err *e)
{
    int64_t n;
    enum err_code rc = count(k, &n, e);
    if (!rc && k->next - n > CATCH_UP_MOST)
        rc = err_set(e, ERR_CORRUPT, "keys",
                     "the sessions' keys (keys/slots) are another store's: put the right copy back");
    for (; !rc && n < k->next; n += BATCH)
        rc = extend(k, n, e);
    return rc;
}

/* With the file's lock held. */
static enum err_code take(struct keyring *k, int64_t *slot, struct err *e)
{
    static const char taken = TAKEN;
    unsigned char mark = TAKEN;
    int64_t n;
    enum err_code rc = count(k, &n, e);
    for (*slot = k->next; !rc; (*slot)++) {
        if (*slot >= n && !(rc = extend(k, n, e)))
            n += BATCH;
        if (!rc)
            rc = mark_of(k, *slot, &mark, e);
        if (rc || mark == FREE)
            break;
    }
    if (!rc)
        rc = file_write_at(k->slots, at_of(*slot), (struct str){&taken, 1}, e);
    if (!rc)
        k->next = *slot + 1;
    return rc;
}

enum err_code keyring_take(struct keyring *k, int64_t from, int64_t *slot, struct err *e)
{
    (void)pthread_mutex_lock(&k->lock);
    if (from > k->next && from < INT64_MAX / SLOT - HEAD)
        k->next = from;
    enum err_code rc = lock_file(k, e);
    if (!rc) {
        rc = catch_up(k, e);
        if (!rc)
            rc = take(k, slot, e);
        unlock_file(k);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}

/* ---- keys ---- */

void slots_forget(struct keyring *k)
{
    sodium_memzero(k->cache, sizeof *k->cache);
    for (int i = 0; i < SLOT_CACHE; i++)
        k->cache->slot[i] = -1;
}

static enum err_code unwrap(struct keyring *k, int64_t slot, unsigned char out[SEAL_KEY], struct err *e)
{
    unsigned char s[SLOT], about[SEAL_ID + 8];
    size_t got = 0;
    enum err_code rc = slot < 0 ? ERR_OK : file_read_at(k->slots, at_of(slot), s, sizeof s, &got, e);
    if (rc)
        return rc;
    if (got < AT_KEY + WRAPPED)
        return err_set(e, ERR_CORRUPT, NULL, "the session has no key (slot %lld)", (long long)slot);
    if (s[0] == DESTROYED)
        return err_set(e, ERR_GONE, NULL, "the session was erased: its key is destroyed");
    about_of(k, slot, about);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, s + AT_KEY, WRAPPED, about, sizeof about,
                                                   s + AT_NONCE, k->keys->kek))
        return err_set(e, ERR_CORRUPT, NULL, "the key of a session is damaged (slot %lld)", (long long)slot);
    return ERR_OK;
}

enum err_code keyring_key(struct keyring *k, int64_t slot, unsigned char *out, struct err *e)
{
    enum err_code rc = ERR_OK;
    int i = (int)((uint64_t)slot % SLOT_CACHE);
    (void)pthread_mutex_lock(&k->lock);
    uint64_t destroyed = get64(k->slots_head + AT_DESTROYED);
    if (destroyed != k->destroyed_seen) {
        slots_forget(k);
        k->destroyed_seen = destroyed;
    }
    if (slot < 0 || k->cache->slot[i] != slot) {
        k->cache->slot[i] = -1;
        rc = unwrap(k, slot, k->cache->key[i], e);
        if (!rc)
            k->cache->slot[i] = slot;
    }
    if (!rc)
        memcpy(out, k->cache->key[i], SEAL_KEY);
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}

/* The key first: a count that rose too early would let another process take the key up again. */
static enum err_code overwrite(struct keyring *k, int64_t slot, struct err *e)
{
    unsigned char s[SLOT] = {DESTROYED}, rises[8];
    int64_t n;
    enum err_code rc = count(k, &n, e);
    if (!rc && (slot < 0 || slot >= n))
        rc = err_set(e, ERR_NOT_FOUND, NULL, "there is no key in slot %lld", (long long)slot);
    randombytes_buf(s + AT_NONCE, sizeof s - AT_NONCE); /* noise, so that nothing tells it from a key's place */
    if (!rc)
        rc = file_write_at(k->slots, at_of(slot), (struct str){(const char *)s, sizeof s}, e);
    put64(rises, get64(k->slots_head + AT_DESTROYED) + 1);
    if (!rc)
        rc = file_write_at(k->slots, AT_DESTROYED, (struct str){(const char *)rises, sizeof rises}, e);
    return rc ? rc : file_sync(k->slots, e);
}

enum err_code keyring_destroy(struct keyring *k, int64_t slot, struct err *e)
{
    (void)pthread_mutex_lock(&k->lock);
    enum err_code rc = lock_file(k, e);
    if (!rc) {
        rc = overwrite(k, slot, e);
        unlock_file(k);
    }
    slots_forget(k);
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}
