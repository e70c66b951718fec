/* Backup and restore. A backup is only called one once it was opened and checked; a restore only replaces data by a
 * backup that checked, while nobody else has it open, and keeps what was there. */
#include "base/file.h"
#include "base/mem.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- is it a sound copy? ---- */

struct verdict {
    int problems;
    char first[160];
};

/* The first problem is told, the rest only counted. */
static void note(void *arg, const char *problem)
{
    struct verdict *v = arg;
    if (!v->problems++)
        (void)snprintf(v->first, sizeof v->first, "%s", problem);
}

/* Opens the file and checks it whole: integrity, and that it holds Cairn's schema of a version known here. */
static enum err_code verify(const struct store *home, const char *path, struct err *e)
{
    struct store shell = {
        .driver = home->driver, .files = home->files, .path = (char *)(uintptr_t)path, .busy_ms = 1000};
    struct store_tx *tx = NULL;
    struct verdict v = {0};
    int version = 0;
    enum err_code rc = tx_open(&shell, false, &tx, e);
    if (rc)
        return rc;
    rc = tx->d->check(tx->c, note, &v, e);
    if (!rc && v.problems)
        rc = err_set(e, ERR_CORRUPT, NULL, "the backup is damaged: %s", v.first);
    if (!rc)
        rc = schema_version(tx, &version, e);
    if (!rc && version == 0)
        rc = err_set(e, ERR_CORRUPT, NULL, "the file %.160s holds no data of Cairn's", path);
    if (!rc && version > store_schema_newest())
        rc = err_set(e, ERR_UNAVAILABLE, NULL, "the backup was written by a newer Cairn (schema %d, this one knows %d)",
                     version, store_schema_newest());
    tx_close(tx);
    return rc;
}

/* ---- backup ---- */

/* The snapshot is held from the first statement on, so that commits meanwhile do not begin the copy anew. */
static enum err_code copy_snapshot(struct store *s, const char *path, void (*progress)(void *, int, int), void *arg,
                                   struct err *e)
{
    struct store_tx *tx;
    enum err_code rc = store_read_begin(s, &tx, e);
    if (rc)
        return rc;
    int version;
    rc = schema_version(tx, &version, e);
    if (!rc)
        rc = s->driver->backup(tx->c, path, progress, arg, e);
    store_read_end(tx);
    return rc;
}

enum err_code store_backup(struct store *s, const char *path, void (*progress)(void *, int done, int total), void *arg,
                           struct err *e)
{
    if (file_exists(path))
        return err_set(e, ERR_CONFLICT, "path", "%.180s exists already; name a new file", path);
    enum err_code rc = copy_snapshot(s, path, progress, arg, e);
    if (!rc)
        rc = verify(s, path, e);
    if (rc)
        (void)file_remove(path, NULL);
    return rc;
}

/* ---- restore ---- */

struct names {
    char *db, *fresh, *before;
};

static char *join(const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = mem_alloc(n);
    if (path)
        (void)snprintf(path, n, "%s/%s", dir, name);
    return path;
}

/* All beside each other in the data folder: names change places only within one file system. */
static enum err_code name_files(const char *dir, struct names *n, struct err *e)
{
    n->db = join(dir, "store.db");
    n->fresh = join(dir, "store.db.restoring");
    n->before = join(dir, "store.db.before-restore");
    return n->db && n->fresh && n->before ? ERR_OK : err_nomem(e);
}

/* A restored store is another one: what was derived from the old one must notice. */
static enum err_code renew_identity(const struct store *home, const char *path, struct err *e)
{
    struct store shell = {
        .driver = home->driver, .files = home->files, .path = (char *)(uintptr_t)path, .busy_ms = 1000};
    struct store_tx *tx = NULL;
    enum err_code rc = tx_open(&shell, true, &tx, e);
    if (rc)
        return rc;
    int version = 0;
    rc = tx->d->begin(tx->c, DRIVER_WRITE, e);
    if (!rc)
        rc = schema_version(tx, &version, e);
    if (!rc && version >= 2)
        rc = schema_new_identity(tx, e);
    if (!rc)
        rc = tx->d->commit(tx->c, e);
    if (rc)
        tx->d->rollback(tx->c);
    tx_close(tx);
    return rc;
}

/* A copy of the backup beside the data, on the same file system, so that putting it in place is one rename. */
static enum err_code make_fresh(const struct store *home, const char *backup, const char *fresh, struct err *e)
{
    const struct store_driver *d = home->driver;
    struct driver_conn *from = NULL;
    const struct driver_options o = {.path = backup, .files = home->files, .read_only = true, .busy_ms = 1000};
    enum err_code rc = file_remove(fresh, e);
    if (!rc)
        rc = d->open(&o, &from, e);
    if (!rc)
        rc = d->backup(from, fresh, NULL, NULL, e);
    d->close(from);
    if (!rc)
        rc = verify(home, fresh, e);
    return rc ? rc : renew_identity(home, fresh, e);
}

static enum err_code with_suffix(char out[PATH_MAX], const char *path, const char *suffix, struct err *e)
{
    int n = snprintf(out, PATH_MAX, "%s%s", path, suffix);
    if (n < 0 || n >= PATH_MAX)
        return err_set(e, ERR_INVALID, "path", "the path of the data folder is too long");
    return ERR_OK;
}

/* What SQLite keeps beside a database belongs to that one only: a WAL left over (of a damaged database, a sound one
 * has none by now) would be played into the new one. */
static enum err_code move_aside(const struct names *n, const char *suffix, struct err *e)
{
    char from[PATH_MAX], into[PATH_MAX];
    enum err_code rc = with_suffix(from, n->db, suffix, e);
    if (!rc)
        rc = with_suffix(into, n->before, suffix, e);
    if (rc || !file_exists(from))
        return rc;
    return mem_fail_now() || rename(from, into) ? err_errno(e, "keep the replaced database", into) : ERR_OK;
}

/* The old database gets a second name before the new one takes its place, so that there is one at every moment. */
static enum err_code keep_old(const struct names *n, struct err *e)
{
    enum err_code rc = file_remove(n->before, e);
    if (rc || !file_exists(n->db))
        return rc;
    if (!mem_fail_now()) {
        if (!link(n->db, n->before))
            return ERR_OK;
        /* Some file systems have no second names: there it is a moment without the first. */
        if ((errno == EPERM || errno == EOPNOTSUPP) && !rename(n->db, n->before))
            return ERR_OK;
    }
    return err_errno(e, "keep the replaced database", n->before);
}

/* A rename is durable once its folder is. */
static enum err_code sync_folder(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "open the data folder", dir);
    enum err_code rc = file_sync(fd, e);
    (void)close(fd);
    return rc;
}

/* The rename is the moment of truth: before it the old data counts, after it the new. */
static enum err_code swap(const struct names *n, struct err *e)
{
    enum err_code rc = keep_old(n, e);
    if (!rc)
        rc = move_aside(n, "-wal", e);
    if (!rc)
        rc = move_aside(n, "-shm", e);
    if (!rc && (mem_fail_now() || rename(n->fresh, n->db)))
        rc = err_errno(e, "put the backup in place", n->db);
    return rc;
}

/* Which of the two forms the file has is told by its first bytes; a backup of the other form, or sealed with other
 * keys, is refused in words before anything is tried. */
static enum err_code check_form(const struct store *home, const char *backup, struct err *e)
{
    char head[SEAL_ID];
    size_t got = 0;
    const struct keyring *k = store_keyring(home);
    int fd = file_open_read(backup, e);
    enum err_code rc = fd < 0 ? ERR_IO : file_read_at(fd, 0, head, sizeof head, &got, e);
    if (fd >= 0)
        close(fd);
    if (rc || got < sizeof head)
        return rc;
    bool plain = memcmp(head, "SQLite format 3", sizeof head) == 0;
    if (k && keyring_state(k) != SEAL_SEALED)
        return err_set(e, ERR_CONFLICT, NULL,
                       "the data is half encrypted: finish it first with cairn encrypt or decrypt");
    if (k && plain)
        return err_set(e, ERR_CONFLICT, "path",
                       "the backup is not encrypted and the data is: cairn decrypt, restore, then cairn encrypt");
    if (k && memcmp(head, keyring_id(k), sizeof head) != 0)
        return err_set(e, ERR_DENIED, "path", "the backup is damaged, or encrypted with other keys than the data's");
    return ERR_OK;
}

static enum err_code restore(const struct store *home, const struct names *n, const char *backup, struct err *e)
{
    const struct store_driver *d = home->driver;
    struct driver_conn *sole = NULL;
    bool had = file_exists(n->db);
    enum err_code rc = check_form(home, backup, e);
    if (!rc)
        rc = verify(home, backup, e);
    if (!rc)
        rc = make_fresh(home, backup, n->fresh, e);
    struct err busy = {0};
    if (!rc && had) {
        rc = d->lock_file(n->db, home->files, &sole, &busy);
        /* A damaged database is just what a restore is for. */
        if (rc == ERR_CORRUPT)
            rc = ERR_OK;
        if (rc == ERR_BUSY)
            (void)err_set(e, rc, NULL, "the data is in use by another process; stop it first");
        else if (rc && e && !e->code)
            *e = busy;
    }
    if (!rc)
        rc = swap(n, e);
    if (sole)
        d->close(sole);
    (void)file_remove(n->fresh, NULL);
    return rc;
}

enum err_code store_restore(const char *dir, const struct seal_secret *secret, const char *backup, struct err *e)
{
    struct names n = {0};
    struct store home = {.driver = &sqlite_driver, .dir = (char *)(uintptr_t)dir, .busy_ms = 1000, .lock = -1};
    if (!file_exists(backup))
        return err_set(e, ERR_NOT_FOUND, "path", "there is no file %.180s", backup);
    enum err_code rc = file_mkdirs(dir, e);
    if (!rc)
        rc = name_files(dir, &n, e);
    home.path = n.db;
    if (!rc)
        rc = store_keys_open(&home, &(struct store_options){.secret = secret}, e);
    if (!rc)
        rc = restore(&home, &n, backup, e);
    if (!rc)
        rc = sync_folder(dir, e);
    store_keys_close(&home);
    mem_free(n.db);
    mem_free(n.fresh);
    mem_free(n.before);
    return rc;
}
