/* The keyring: made, opened, its state and secret changed. slots.c has the sessions' keys, header.c the form of what is
 * on the disk. Opening writes nothing, so that a wrong secret leaves all as it is. */
#include "seal/keyring_int.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum err_code name_files(struct keyring *k, const char *dir, struct err *e)
{
    int n = snprintf(k->dir, sizeof k->dir, "%s/keys", dir);
    if (n < 0 || n > PATH_MAX - 32)
        return err_set(e, ERR_INVALID, "data", "the path of the data folder is too long");
    (void)snprintf(k->path, sizeof k->path, "%.*s/header", n, k->dir);
    (void)snprintf(k->slots_path, sizeof k->slots_path, "%.*s/slots", n, k->dir);
    return ERR_OK;
}

static enum err_code new_ring(const char *dir, struct keyring **out, struct err *e)
{
    struct keyring *k = mem_zalloc(sizeof *k);
    *out = k;
    if (!k)
        return err_nomem(e);
    k->slots = -1;
    (void)pthread_mutex_init(&k->lock, NULL);
    k->keys = keys_alloc(sizeof *k->keys);
    k->cache = k->keys ? keys_alloc(sizeof *k->cache) : NULL;
    k->master = k->cache ? keys_alloc(SEAL_KEY) : NULL;
    if (!k->master)
        return err_nomem(e);
    slots_forget(k);
    seal_nonces_init(&k->nonces);
    return name_files(k, dir, e);
}

void keyring_close(struct keyring *k)
{
    if (!k)
        return;
    slots_close(k);
    sodium_free(k->keys);
    sodium_free(k->cache);
    sodium_free(k->master);
    (void)pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

bool keyring_exists(const char *dir)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/keys/header", dir);
    return n > 0 && n < PATH_MAX && file_exists(path);
}

/* Not the id: it never changes, and is read without the lock. */
static void take_over(struct keyring *k, const struct header *h)
{
    k->header.lock = h->lock;
    k->header.state = h->state;
    k->header.epoch = h->epoch;
}

static void publish(struct keyring *k)
{
    atomic_store(&k->epoch, k->header.epoch);
    atomic_store(&k->state, (int)k->header.state);
}

/* ---- make and open ---- */

static enum err_code make(struct keyring *k, const struct seal_secret *secret, enum seal_state state, struct err *e)
{
    if (file_exists(k->path))
        return err_set(e, ERR_CONFLICT, NULL, "the data has keys already (%.160s)", k->dir);
    k->header = (struct header){.state = state, .epoch = 1};
    lock_choose(&k->header.lock, secret);
    randombytes_buf(k->header.id, SEAL_ID);
    randombytes_buf(k->keys, sizeof *k->keys);
    enum err_code rc = lock_master(&k->header.lock, secret, k->master, e);
    if (!rc)
        rc = file_mkdirs(k->dir, e);
    if (!rc)
        rc = slots_make(k, e);
    if (!rc) /* last: from now on the store is what the header says */
        rc = header_write(k, &k->header, e);
    return rc;
}

enum err_code keyring_make(const char *dir, const struct seal_secret *secret, enum seal_state state,
                           struct keyring **out, struct err *e)
{
    struct keyring *k;
    *out = NULL;
    enum err_code rc = new_ring(dir, &k, e);
    if (!rc && !seal_secret_given(secret))
        rc = err_set(e, ERR_INVALID, "encryption.key_file",
                     "sealing needs a secret: set CAIRN_KEY, CAIRN_PASSPHRASE or encryption.key_file");
    if (!rc)
        rc = make(k, secret, state, e);
    if (rc) {
        keyring_close(k);
        return rc;
    }
    publish(k);
    *out = k;
    return ERR_OK;
}

static enum err_code open_ring(struct keyring *k, const struct seal_secret *secret, struct err *e)
{
    struct buf b;
    buf_init(&b, 0);
    enum err_code rc = file_read_all(k->path, HEADER_BYTES + 1, &b, e);
    if (!rc)
        rc = header_parse(buf_view(&b), &k->header, e);
    if (!rc)
        rc = lock_master(&k->header.lock, secret, k->master, e);
    if (!rc)
        rc = header_unwrap(buf_view(&b), k->master, k->keys, e);
    buf_release(&b);
    return rc ? rc : slots_open(k, e);
}

enum err_code keyring_open(const char *dir, const struct seal_secret *secret, struct keyring **out, struct err *e)
{
    struct keyring *k;
    struct err why = {0};
    *out = NULL;
    enum err_code rc = new_ring(dir, &k, &why);
    if (!rc)
        rc = open_ring(k, secret, &why);
    if (rc) {
        keyring_close(k);
        if (e && !e->code)
            *e = why;
        return rc;
    }
    publish(k);
    *out = k;
    return ERR_OK;
}

/* ---- what it says ---- */

enum seal_state keyring_state(const struct keyring *k)
{
    return k ? (enum seal_state)atomic_load(&((struct keyring *)(uintptr_t)k)->state) : SEAL_PLAIN;
}

bool keyring_seals(const struct keyring *k)
{
    enum seal_state s = keyring_state(k);
    return s == SEAL_SEALING || s == SEAL_SEALED || s == SEAL_CHANGING;
}

const unsigned char *keyring_id(const struct keyring *k)
{
    return k->header.id;
}

uint32_t keyring_epoch(const struct keyring *k)
{
    return atomic_load(&((struct keyring *)(uintptr_t)k)->epoch);
}

/* Which of the two, -1: neither. */
static int place_of(const struct keyring *k, uint32_t epoch)
{
    uint32_t now = keyring_epoch(k);
    bool known = epoch == now || (epoch + 1 == now && keyring_state(k) == SEAL_CHANGING);
    return known ? (int)(epoch & 1) : -1;
}

const unsigned char *keyring_page_key(const struct keyring *k, uint32_t epoch)
{
    int i = place_of(k, epoch);
    return i < 0 ? NULL : k->keys->page[i];
}

const unsigned char *file_key(const struct keyring *k, uint32_t epoch)
{
    int i = place_of(k, epoch);
    return i < 0 ? NULL : k->keys->file[i];
}

/* ---- changes ---- */

/* Noise over a file that is about to go, or has gone: what a key was wrapped in shall not stay on the disk either. */
static void overwrite(int fd)
{
    unsigned char noise[4096];
    int64_t size;
    bool gone;
    if (file_look(fd, &size, &gone, NULL))
        return;
    for (int64_t at = 0; at < size; at += (int64_t)sizeof noise) {
        randombytes_buf(noise, sizeof noise);
        if (file_write_at(fd, at, (struct str){(const char *)noise, sizeof noise}, NULL))
            break;
    }
    (void)file_sync(fd, NULL);
}

/* The header's name goes first: from then on the folder is plain, whatever else is left. */
static enum err_code destroy_all(struct keyring *k, struct err *e)
{
    int fd = file_open_write(k->path, e);
    if (fd < 0)
        return ERR_IO;
    enum err_code rc = file_remove(k->path, e);
    if (!rc)
        overwrite(fd);
    close(fd);
    if (rc)
        return rc;
    overwrite(k->slots);
    (void)file_remove(k->slots_path, NULL);
    (void)rmdir(k->dir);
    return ERR_OK;
}

enum err_code keyring_set_state(struct keyring *k, enum seal_state state, struct err *e)
{
    (void)pthread_mutex_lock(&k->lock);
    struct header h = k->header;
    h.state = state;
    if (state == SEAL_SEALED && k->header.state == SEAL_CHANGING) { /* the old ones have done their work */
        randombytes_buf(k->keys->page[~h.epoch & 1], SEAL_KEY);
        randombytes_buf(k->keys->file[~h.epoch & 1], SEAL_KEY);
    }
    enum err_code rc = state == SEAL_PLAIN ? destroy_all(k, e) : header_write(k, &h, e);
    if (!rc) {
        take_over(k, &h);
        publish(k);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}

enum err_code keyring_rewrap(struct keyring *k, const struct seal_secret *secret, struct err *e)
{
    unsigned char *fresh = keys_alloc(SEAL_KEY), *before;
    if (!fresh)
        return err_nomem(e);
    (void)pthread_mutex_lock(&k->lock);
    struct header h = k->header;
    before = k->master;
    lock_choose(&h.lock, secret);
    enum err_code rc = seal_secret_given(secret)
                           ? lock_master(&h.lock, secret, fresh, e)
                           : err_set(e, ERR_INVALID, "encryption.key_file", "a new secret is needed");
    if (!rc) {
        k->master = fresh;
        rc = header_write(k, &h, e);
        if (rc)
            k->master = before;
        else
            take_over(k, &h);
    }
    sodium_free(rc ? fresh : before);
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}

/* The place of the new keys is that of keys long gone: nobody reads it while it is written. */
enum err_code keyring_renew(struct keyring *k, struct err *e)
{
    enum err_code rc = ERR_OK;
    (void)pthread_mutex_lock(&k->lock);
    struct header h = k->header;
    if (h.state == SEAL_SEALED) {
        h.epoch++;
        h.state = SEAL_CHANGING;
        randombytes_buf(k->keys->page[h.epoch & 1], SEAL_KEY);
        randombytes_buf(k->keys->file[h.epoch & 1], SEAL_KEY);
        rc = header_write(k, &h, e);
    } else if (h.state != SEAL_CHANGING) {
        rc = err_set(e, ERR_CONFLICT, NULL, "new data keys need a store that is sealed whole");
    }
    if (!rc) {
        take_over(k, &h);
        atomic_store(&k->state, (int)h.state); /* before the epoch: the old one must be known all the time */
        atomic_store(&k->epoch, h.epoch);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}
