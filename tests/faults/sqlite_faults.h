/* Makes SQLite's own allocations and file calls fail, one in turn, for tests. Why apart from mem_fail_after(): that
 * counts what Cairn itself asks for; here is what the library below asks of the heap and of the disk. A file call
 * that fails does so the nasty way: half of a write is on disk, and every second one says the disk is full.
 *
 * sqlite_faults_install() once, before anything opens a database. Then faults_arm(FAULT_HEAP or FAULT_DISK, n, sticky):
 * the n-th call from now on fails, and with `sticky` all after it. */
#ifndef CAIRN_TESTS_SQLITE_FAULTS_H
#define CAIRN_TESTS_SQLITE_FAULTS_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum fault_kind { FAULT_NONE, FAULT_OURS, FAULT_HEAP, FAULT_DISK };

static struct {
    _Atomic int kind;
    _Atomic int64_t left;
    _Atomic bool sticky, hit;
    _Atomic int64_t held; /* SQLite's allocations that are not freed */
    sqlite3_mem_methods heap;
    sqlite3_vfs vfs, *disk;
    sqlite3_io_methods io;
    const sqlite3_io_methods *real;
} faults;

static inline bool fault_now(enum fault_kind kind)
{
    if (atomic_load_explicit(&faults.kind, memory_order_relaxed) != (int)kind)
        return false;
    int64_t before = atomic_fetch_sub(&faults.left, 1);
    if (before > 0 || (before < 0 && !atomic_load(&faults.sticky)))
        return false;
    atomic_store(&faults.hit, true);
    return true;
}

/* ---- the heap ---- */

static void *fault_malloc(int n)
{
    void *p = fault_now(FAULT_HEAP) ? NULL : faults.heap.xMalloc(n);
    if (p)
        atomic_fetch_add(&faults.held, 1);
    return p;
}

static void *fault_realloc(void *p, int n)
{
    return fault_now(FAULT_HEAP) ? NULL : faults.heap.xRealloc(p, n);
}

static void fault_free(void *p)
{
    if (p)
        atomic_fetch_sub(&faults.held, 1);
    faults.heap.xFree(p);
}

/* ---- the disk: a file of ours holds the real one behind it ---- */

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static inline sqlite3_file *behind(sqlite3_file *f)
{
    return ((struct fault_file *)f)->real;
}

static int fault_close(sqlite3_file *f)
{
    return behind(f)->pMethods->xClose(behind(f));
}

static int fault_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return fault_now(FAULT_DISK) ? SQLITE_IOERR_READ : behind(f)->pMethods->xRead(behind(f), p, n, at);
}

static int fault_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (!fault_now(FAULT_DISK))
        return behind(f)->pMethods->xWrite(behind(f), p, n, at);
    (void)behind(f)->pMethods->xWrite(behind(f), p, n / 2, at);
    return (n + at) % 16 < 8 ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int fault_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return fault_now(FAULT_DISK) ? SQLITE_IOERR_TRUNCATE : behind(f)->pMethods->xTruncate(behind(f), n);
}

static int fault_sync(sqlite3_file *f, int flags)
{
    return fault_now(FAULT_DISK) ? SQLITE_IOERR_FSYNC : behind(f)->pMethods->xSync(behind(f), flags);
}

static int fault_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return fault_now(FAULT_DISK) ? SQLITE_IOERR_FSTAT : behind(f)->pMethods->xFileSize(behind(f), n);
}

static int fault_lock(sqlite3_file *f, int level)
{
    return behind(f)->pMethods->xLock(behind(f), level);
}

static int fault_unlock(sqlite3_file *f, int level)
{
    return behind(f)->pMethods->xUnlock(behind(f), level);
}

static int fault_reserved(sqlite3_file *f, int *out)
{
    return behind(f)->pMethods->xCheckReservedLock(behind(f), out);
}

static int fault_control(sqlite3_file *f, int op, void *arg)
{
    return behind(f)->pMethods->xFileControl(behind(f), op, arg);
}

static int fault_sector(sqlite3_file *f)
{
    return behind(f)->pMethods->xSectorSize(behind(f));
}

static int fault_device(sqlite3_file *f)
{
    return behind(f)->pMethods->xDeviceCharacteristics(behind(f));
}

static int fault_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    if (fault_now(FAULT_DISK))
        return SQLITE_IOERR_SHMMAP;
    return behind(f)->pMethods->xShmMap(behind(f), page, size, extend, out);
}

static int fault_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return behind(f)->pMethods->xShmLock(behind(f), at, n, flags);
}

static void fault_shm_barrier(sqlite3_file *f)
{
    behind(f)->pMethods->xShmBarrier(behind(f));
}

static int fault_shm_unmap(sqlite3_file *f, int remove)
{
    return behind(f)->pMethods->xShmUnmap(behind(f), remove);
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct fault_file *file = (struct fault_file *)f;
    (void)vfs;
    file->base.pMethods = NULL;
    file->real = (sqlite3_file *)(file + 1);
    if (fault_now(FAULT_DISK))
        return SQLITE_CANTOPEN;
    int rc = faults.disk->xOpen(faults.disk, name, file->real, flags, out);
    if (file->real->pMethods)
        file->base.pMethods = &faults.io;
    return rc;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return fault_now(FAULT_DISK) ? SQLITE_IOERR_DELETE : faults.disk->xDelete(faults.disk, name, sync);
}

/* Version 2: without memory maps, so that every read goes through xRead. */
static inline void sqlite_faults_install(void)
{
    sqlite3_mem_methods heap;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &faults.heap);
    heap = faults.heap;
    heap.xMalloc = fault_malloc;
    heap.xRealloc = fault_realloc;
    heap.xFree = fault_free;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &heap);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_initialize();
    faults.disk = sqlite3_vfs_find(NULL);
    faults.vfs = *faults.disk;
    faults.vfs.zName = "faults";
    faults.vfs.szOsFile = (int)sizeof(struct fault_file) + faults.disk->szOsFile;
    faults.vfs.xOpen = fault_open;
    faults.vfs.xDelete = fault_delete;
    faults.io = (sqlite3_io_methods){.iVersion = 2,
                                     .xClose = fault_close,
                                     .xRead = fault_read,
                                     .xWrite = fault_write,
                                     .xTruncate = fault_truncate,
                                     .xSync = fault_sync,
                                     .xFileSize = fault_size,
                                     .xLock = fault_lock,
                                     .xUnlock = fault_unlock,
                                     .xCheckReservedLock = fault_reserved,
                                     .xFileControl = fault_control,
                                     .xSectorSize = fault_sector,
                                     .xDeviceCharacteristics = fault_device,
                                     .xShmMap = fault_shm_map,
                                     .xShmLock = fault_shm_lock,
                                     .xShmBarrier = fault_shm_barrier,
                                     .xShmUnmap = fault_shm_unmap};
    sqlite3_vfs_register(&faults.vfs, 1);
}

/* One kind at a time; FAULT_OURS goes to mem_fail_after(). */
static inline void faults_arm(enum fault_kind kind, int64_t n, bool sticky)
{
    atomic_store(&faults.kind, FAULT_NONE);
    mem_fail_after(-1, false);
    atomic_store(&faults.left, n);
    atomic_store(&faults.sticky, sticky);
    atomic_store(&faults.hit, false);
    if (kind == FAULT_OURS)
        mem_fail_after(n, sticky);
    else
        atomic_store(&faults.kind, (int)kind);
}

/* Disarms; true when something failed. */
static inline bool faults_disarm(enum fault_kind kind)
{
    bool hit = kind == FAULT_OURS ? mem_fail_hit() : atomic_load(&faults.hit);
    atomic_store(&faults.kind, FAULT_NONE);
    mem_fail_after(-1, false);
    return hit;
}

#endif
