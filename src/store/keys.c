/* Whether the store is sealed, who may open it, and turning the one into the other.
 *
 * All processes that have the store open hold a shared lock on the file `versions`; who converts it holds it alone, so
 * that no connection elsewhere takes the store for what it no longer is. The order when opening: first the lock, then
 * the keys, and only with the right ones anything else. */
#include "store/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_PAUSE_MS = 10, LOG_WAIT_MS = 200, REFORM_TRIES = 100, PAUSE_MS = 50 };

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

/* ---- the lock ---- */

/* An open file description's, not flock's: raising a shared one to a sole one happens at once or leaves the shared one
 * held. flock gives it up for a moment, and then of two that raise theirs one gets through while the other still has
 * the data open, with keys that soon are old ones. */
static bool try_lock(int fd, int how)
{
    struct flock l = {.l_type = (short)how, .l_whence = SEEK_SET};
    return !mem_fail_now() && fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static enum err_code take_lock(struct store *s, int how, int wait_ms, struct err *e)
{
    int64_t until = clock_mono_us() + (int64_t)wait_ms * 1000;
    if (s->lock < 0)
        return ERR_OK;
    while (!try_lock(s->lock, how)) {
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return err_errno(e, "lock the data folder", s->dir);
        if (clock_mono_us() >= until)
            return how == F_WRLCK
                       ? err_set(e, ERR_BUSY, NULL, "another process has the data open; stop it first (%.140s)", s->dir)
                       : err_set(
                             e, ERR_BUSY, NULL,
                             "the data is being encrypted or decrypted by another process; try again when it is done");
        pause_ms(LOCK_PAUSE_MS);
    }
    return ERR_OK;
}

/* Where the folder cannot be written and has no such file, nobody can convert it either. */
static enum err_code open_lock(struct store *s, bool make, struct err *e)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/versions", s->dir);
    if (n < 0 || n >= PATH_MAX)
        return err_set(e, ERR_INVALID, "data", "the path of the data folder is too long");
    s->lock = open(path, O_RDWR | O_CLOEXEC | (make ? O_CREAT : 0), 0600);
    if (s->lock < 0 && !make)
        s->lock = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return ERR_OK;
}

enum err_code store_sole(struct store *s, struct err *e)
{
    if (!s->writable)
        return err_set(e, ERR_READ_ONLY, NULL, "the data folder %.180s cannot be written", s->dir);
    return take_lock(s, F_WRLCK, s->busy_ms, e);
}

void store_shared(struct store *s)
{
    (void)take_lock(s, F_RDLCK, s->busy_ms, NULL);
}

/* ---- opening ---- */

/* With a secret and no keys yet: a new store is made sealed; one that has data must not be taken for sealed. */
static enum err_code make_keys(struct store *s, const struct seal_secret *secret, struct keyring **out, struct err *e)
{
    enum err_code rc = open_lock(s, true, e);
    if (!rc)
        rc = take_lock(s, F_WRLCK, s->busy_ms, e);
    if (!rc && keyring_exists(s->dir)) /* another process was first */
        rc = keyring_open(s->dir, secret, out, e);
    else if (!rc && file_size(s->path) > 0)
        rc = err_set(
            e, ERR_CONFLICT, "encryption.key_file",
            "a key is given, and the data in %.100s has no keys: if it is not encrypted run cairn encrypt or give no "
            "key; if it was, put its folder `keys` back",
            s->dir);
    else if (!rc)
        rc = keyring_make(s->dir, secret, SEAL_SEALED, out, e);
    if (!rc)
        rc = take_lock(s, F_RDLCK, s->busy_ms, e);
    return rc;
}

static enum err_code find_keys(struct store *s, const struct store_options *o, struct keyring **out, struct err *e)
{
    const struct seal_secret *secret = o->secret;
    enum err_code rc = open_lock(s, false, e);
    if (!rc)
        rc = take_lock(s, F_RDLCK, s->busy_ms, e);
    if (rc)
        return rc;
    if (keyring_exists(s->dir))
        return keyring_open(s->dir, secret, out, e);
    if (!seal_secret_given(secret))
        return ERR_OK;
    if (file_size(s->path) > 0 && o->converting)
        return ERR_OK;
    if (file_size(s->path) > 0)
        return err_set(
            e, ERR_CONFLICT, "encryption.key_file",
            "a key is given, and the data in %.100s has no keys: if it is not encrypted run cairn encrypt or give no "
            "key; if it was, put its folder `keys` back",
            s->dir);
    if (o->read_only) /* there is nothing to read anyway */
        return ERR_OK;
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
    return make_keys(s, secret, out, e);
}

enum err_code store_keys_open(struct store *s, const struct store_options *o, struct err *e)
{
    struct keyring *k = NULL;
    enum err_code rc = find_keys(s, o, &k, e);
    if (rc)
        return rc;
    atomic_store(&s->keyring, k);
    if (s->lock < 0 && !o->read_only) {
        rc = open_lock(s, true, e);
        if (!rc)
            rc = take_lock(s, F_RDLCK, s->busy_ms, e);
    }
    return rc ? rc : s->driver->files_open(k, &s->files, e);
}

void store_keys_close(struct store *s)
{
    s->driver->files_close(s->files);
    s->files = NULL;
    keyring_close(atomic_exchange(&s->keyring, NULL));
    for (size_t i = 0; i < s->n_retired; i++)
        keyring_close(s->retired[i]);
    s->n_retired = 0;
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
}

struct keyring *store_keyring(const struct store *s)
{
    struct keyring *k = atomic_load(&((struct store *)(uintptr_t)s)->keyring);
    return keyring_state(k) == SEAL_PLAIN ? NULL : k;
}

/* ---- converting ---- */

/* Readers may hold the old one for a moment, so it stays until the store closes. */
static enum err_code may_retire(const struct store *s, struct err *e)
{
    if (s->n_retired < sizeof s->retired / sizeof *s->retired)
        return ERR_OK;
    return err_set(e, ERR_LIMIT, NULL, "encrypted and decrypted too often in one go; start the server again");
}

/* All that says what the writer's pages become changes between two writes: a frame of the log whose head and page were
 * written under different rules or keys would end the log when it is next played in. */
struct change {
    struct store *store;
    struct keyring *keys; /* to take up, NULL: those that are there */
    enum seal_state state;
    bool renew;
};

static enum err_code change_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct change *c = arg;
    struct store *s = c->store;
    (void)tx;
    if (c->keys) {
        s->driver->files_keys(s->files, c->keys);
        struct keyring *old = atomic_exchange(&s->keyring, c->keys);
        if (old)
            s->retired[s->n_retired++] = old;
        return ERR_OK;
    }
    struct keyring *k = store_keyring(s);
    if (!k)
        return err_named(e, ERR_CONFLICT, "NOT_ENCRYPTED", "the data is not encrypted");
    return c->renew ? keyring_renew(k, e) : keyring_set_state(k, c->state, e);
}

enum err_code store_seal_state(struct store *s, enum seal_state state, struct err *e)
{
    return store_alone(s, change_job, &(struct change){.store = s, .state = state}, e);
}

enum err_code store_seal_renew(struct store *s, struct err *e)
{
    return store_alone(s, change_job, &(struct change){.store = s, .renew = true}, e);
}

enum err_code store_seal(struct store *s, const struct seal_secret *secret, struct err *e)
{
    struct keyring *k = store_keyring(s);
    if (k && keyring_state(k) == SEAL_OPENING)
        return store_seal_state(s, SEAL_SEALING, e);
    if (k)
        return ERR_OK;
    enum err_code rc = may_retire(s, e);
    if (!rc)
        rc = keyring_make(s->dir, secret, SEAL_SEALING, &k, e);
    return rc ? rc : store_alone(s, change_job, &(struct change){.store = s, .keys = k}, e);
}

static enum err_code reform_job(struct store_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return tx->d->reform(tx->c, LOG_WAIT_MS, e);
}

static enum err_code empty_job(struct store_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return tx->d->empty_log(tx->c, LOG_WAIT_MS, e);
}

static enum err_code formed_job(struct store_tx *tx, void *arg, struct err *e)
{
    return tx->d->formed(tx->c, arg, e);
}

/* The pages are written once; then only the log is waited for, on this thread between the writer's groups. */
enum err_code store_reform(struct store *s, struct err *e)
{
    struct err why = {0};
    bool formed = false;
    enum err_code rc = store_alone(s, reform_job, NULL, &why);
    for (int i = 0; rc == ERR_BUSY && i < REFORM_TRIES; i++) {
        pause_ms(PAUSE_MS);
        err_clear(&why);
        rc = store_alone(s, empty_job, NULL, &why);
    }
    if (rc)
        return err_set(e, rc, NULL, "%s", why.message);
    rc = store_alone(s, formed_job, &formed, e);
    if (!rc && !formed)
        rc = err_set(e, ERR_INTERNAL, NULL, "some pages of the database kept their form; try again");
    return rc;
}
