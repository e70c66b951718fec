/* The files that SQLite opens for a store, over the system's own: sealed where the store is, untouched where it is
 * plain. One for each store, so that each has its keys; which form counts is asked with every read and write, so that a
 * store can be sealed and opened while connections are there.
 *
 * Sealed are the database, its write-ahead log, a rollback journal, and VACUUM's temporary database. The WAL index
 * (-shm) holds page numbers and one checksum. Nothing else may be opened while a store is sealed: sorting and statement
 * journals stay in memory. Pages are never mapped then. */
#include "store/sqlite_driver.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static struct sealed_file *ours(sqlite3_file *f)
{
    return (struct sealed_file *)f;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct sealed_file *)f)->real;
}

/* ---- one file ---- */

static int file_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}

static int file_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at)
{
    switch (ours(f)->kind) {
    case FILE_DB:
    case FILE_TEMP:
        return pages_read(ours(f), out, n, at);
    case FILE_WAL:
        return wal_read(ours(f), out, n, at);
    case FILE_JOURNAL:
        return journal_read(ours(f), out, n, at);
    default:
        return real_read(ours(f), out, n, at);
    }
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    switch (ours(f)->kind) {
    case FILE_DB:
    case FILE_TEMP:
        return pages_write(ours(f), p, n, at);
    case FILE_WAL:
        return wal_write(ours(f), p, n, at);
    case FILE_JOURNAL:
        return journal_write(ours(f), p, n, at);
    default:
        return real_write(ours(f), p, n, at);
    }
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    ours(f)->ahead_at = -1;
    return real_of(f)->pMethods->xTruncate(real_of(f), n);
}

static int file_flush(sqlite3_file *f, int flags)
{
    return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int file_bytes(sqlite3_file *f, sqlite3_int64 *n)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), n);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

/* Without a pointer SQLite reads instead. */
static int file_fetch(sqlite3_file *f, sqlite3_int64 at, int n, void **out)
{
    struct keyring *k;
    *out = NULL;
    if (page_rule(ours(f)->files, &k) != PAGE_PLAIN || real_of(f)->pMethods->iVersion < 3)
        return SQLITE_OK;
    return real_of(f)->pMethods->xFetch(real_of(f), at, n, out);
}

static int file_unfetch(sqlite3_file *f, sqlite3_int64 at, void *p)
{
    return real_of(f)->pMethods->iVersion < 3 ? SQLITE_OK : real_of(f)->pMethods->xUnfetch(real_of(f), at, p);
}

static const sqlite3_io_methods methods = {
    3,
    file_close,
    file_read,
    file_write,
    file_truncate,
    file_flush,
    file_bytes,
    file_lock,
    file_unlock,
    file_reserved,
    file_control,
    file_sector,
    file_device,
    file_shm_map,
    file_shm_lock,
    file_shm_barrier,
    file_shm_unmap,
    file_fetch,
    file_unfetch,
};

/* ---- opening ---- */

static enum file_kind kind_of(int flags)
{
    if (flags & SQLITE_OPEN_MAIN_DB)
        return FILE_DB;
    if (flags & SQLITE_OPEN_WAL)
        return FILE_WAL;
    if (flags & SQLITE_OPEN_MAIN_JOURNAL)
        return FILE_JOURNAL;
    return flags & SQLITE_OPEN_TEMP_DB ? FILE_TEMP : FILE_OTHER;
}

static int files_open_one(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct driver_files *files = (struct driver_files *)vfs;
    struct sealed_file *f = ours(file);
    struct keyring *k;
    memset(f, 0, sizeof *f);
    f->files = files;
    f->real = (sqlite3_file *)(f + 1);
    f->kind = kind_of(flags);
    f->ahead_at = -1;
    seal_nonces_init(&f->nonces);
    if (f->kind == FILE_OTHER && page_rule(files, &k) != PAGE_PLAIN)
        return SQLITE_CANTOPEN;
    int rc = files->real->xOpen(files->real, name, f->real, flags, out);
    if (f->real->pMethods)
        f->base.pMethods = &methods;
    return rc;
}

/* All but opening is the system's own. */
enum err_code sqlite_files_open(struct keyring *keys, struct driver_files **out, struct err *e)
{
    struct driver_files *f = mem_zalloc(sizeof *f);
    *out = NULL;
    if (!f)
        return err_nomem(e);
    sqlite_start();
    f->real = sqlite3_vfs_find(NULL);
    if (!f->real) {
        mem_free(f);
        return err_set(e, ERR_INTERNAL, NULL, "cannot open the database: SQLite has no file system");
    }
    atomic_store(&f->keys, keys);
    f->vfs = *f->real;
    (void)snprintf(f->name, sizeof f->name, "cairn-%p", (void *)f);
    f->vfs.zName = f->name;
    f->vfs.pNext = NULL;
    f->vfs.szOsFile = (int)sizeof(struct sealed_file) + f->real->szOsFile;
    f->vfs.xOpen = files_open_one;
    int rc = mem_fail_now() ? SQLITE_NOMEM : sqlite3_vfs_register(&f->vfs, 0);
    if (rc) {
        mem_free(f);
        return err_nomem(e);
    }
    *out = f;
    return ERR_OK;
}

void sqlite_files_close(struct driver_files *f)
{
    if (!f)
        return;
    (void)sqlite3_vfs_unregister(&f->vfs);
    page_cache_free(atomic_load(&f->cache));
    mem_free(f);
}

void sqlite_files_keys(struct driver_files *f, struct keyring *keys)
{
    atomic_store(&f->keys, keys);
}
