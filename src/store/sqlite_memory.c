/* A disk in memory: a VFS of SQLite's whose files are memory_file.h's. Why one of our own: SQLite's own memory
 * databases know no write-ahead log, so readers would hold writers up, and their pages may be swapped out and dumped.
 * With this, a store in memory is a store like any other, several connections and snapshots included.
 *
 * One disk is one VFS, registered under a name of its own; its connections are all in this process. File locks and the
 * shared memory of the log's index are therefore plain counts under the disk's mutex. Nothing is ever synced. */
#include "store/sqlite_memory.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct handle *memory_enter(sqlite3_file *f)
{
    struct handle *h = (struct handle *)f;
    pthread_mutex_lock(&h->disk->lock);
    return h;
}

int memory_leave(struct handle *h, int rc)
{
    pthread_mutex_unlock(&h->disk->lock);
    return rc;
}

/* ---- bytes ---- */
static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    struct handle *h = memory_enter(f);
    size_t got = mem_fail_now() ? 0 : memory_file_read(&h->file->bytes, to, (size_t)n, at);
    memset((char *)to + got, 0, (size_t)n - got);
    return memory_leave(h, got == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
}

static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    struct handle *h = memory_enter(f);
    return memory_leave(h, memory_file_write(&h->file->bytes, from, (size_t)n, at) ? SQLITE_OK : SQLITE_FULL);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct handle *h = memory_enter(f);
    memory_file_cut(&h->file->bytes, size);
    return memory_leave(h, SQLITE_OK);
}

static int file_sync(sqlite3_file *f, int flags)
{
    (void)f;
    (void)flags;
    return SQLITE_OK;
}

static int file_bytes(sqlite3_file *f, sqlite3_int64 *size)
{
    struct handle *h = memory_enter(f);
    *size = h->file->bytes.size;
    return memory_leave(h, SQLITE_OK);
}

/* ---- files ---- */
static void file_drop(struct disk_file *d)
{
    memory_file_release(&d->bytes);
    memory_regions_free(d);
    *d = (struct disk_file){.name = ""};
}

static int file_close(sqlite3_file *f)
{
    struct handle *h = memory_enter(f);
    memory_unlock_all(h);
    if (--h->file->opened == 0 && h->file->unlinked)
        file_drop(h->file);
    return memory_leave(h, SQLITE_OK);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    (void)f;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *f)
{
    (void)f;
    return 4096;
}

static int file_traits(sqlite3_file *f)
{
    (void)f;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_SAFE_APPEND | SQLITE_IOCAP_SEQUENTIAL;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_bytes,
    .xLock = memory_lock,
    .xUnlock = memory_unlock,
    .xCheckReservedLock = memory_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = memory_shm_map,
    .xShmLock = memory_shm_lock,
    .xShmBarrier = memory_shm_barrier,
    .xShmUnmap = memory_shm_unmap,
};

/* ---- the disk ---- */
static struct disk_file *find(struct driver_memory *m, const char *name)
{
    for (int i = 0; i < MEMORY_FILES; i++) {
        if (m->files[i].name[0] && !m->files[i].unlinked && strcmp(m->files[i].name, name) == 0)
            return &m->files[i];
    }
    return NULL;
}

static struct disk_file *create(struct driver_memory *m, const char *name)
{
    for (int i = 0; i < MEMORY_FILES; i++) {
        struct disk_file *d = &m->files[i];
        if (d->name[0])
            continue;
        (void)snprintf(d->name, sizeof d->name, "%s", name);
        memory_file_init(&d->bytes, &m->room);
        return d;
    }
    return NULL;
}

/* Temporary files have no name and go when they are closed. */
static int disk_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct driver_memory *m = v->pAppData;
    struct handle *h = (struct handle *)f;
    *h = (struct handle){.disk = m};
    pthread_mutex_lock(&m->lock);
    h->file = name ? find(m, name) : NULL;
    if (!h->file && (!name || flags & SQLITE_OPEN_CREATE))
        h->file = create(m, name ? name : "(temporary)");
    if (h->file) {
        h->file->opened++;
        h->file->unlinked = !name || flags & SQLITE_OPEN_DELETEONCLOSE;
        h->base.pMethods = &methods;
    }
    pthread_mutex_unlock(&m->lock);
    if (out_flags)
        *out_flags = flags;
    return h->file ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int disk_delete(sqlite3_vfs *v, const char *name, int sync)
{
    (void)sync;
    struct driver_memory *m = v->pAppData;
    pthread_mutex_lock(&m->lock);
    struct disk_file *d = find(m, name);
    if (d && d->opened)
        d->unlinked = true;
    else if (d)
        file_drop(d);
    pthread_mutex_unlock(&m->lock);
    return d ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

static int disk_access(sqlite3_vfs *v, const char *name, int flags, int *there)
{
    (void)flags;
    struct driver_memory *m = v->pAppData;
    pthread_mutex_lock(&m->lock);
    struct disk_file *d = find(m, name);
    *there = d && (flags != SQLITE_ACCESS_EXISTS || d->bytes.size > 0);
    pthread_mutex_unlock(&m->lock);
    return SQLITE_OK;
}

static int disk_path(sqlite3_vfs *v, const char *name, int n, char *out)
{
    (void)v;
    return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* What has to do with time and chance is the system's. */
enum err_code sqlite_memory_open(int64_t most, struct driver_memory **out, struct err *e)
{
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    struct driver_memory *m = system ? mem_zalloc(sizeof *m) : NULL;
    *out = NULL;
    if (!m)
        return err_nomem(e);
    (void)snprintf(m->name, sizeof m->name, "cairn-memory-%p", (void *)m);
    m->room.most = most;
    m->vfs = *system;
    m->vfs.iVersion = 1;
    m->vfs.pNext = NULL;
    m->vfs.szOsFile = sizeof(struct handle);
    m->vfs.mxPathname = MEMORY_NAME_ROOM - 1;
    m->vfs.zName = m->name;
    m->vfs.pAppData = m;
    m->vfs.xOpen = disk_open;
    m->vfs.xDelete = disk_delete;
    m->vfs.xAccess = disk_access;
    m->vfs.xFullPathname = disk_path;
    pthread_mutex_init(&m->lock, NULL);
    if (sqlite3_vfs_register(&m->vfs, 0) != SQLITE_OK) {
        pthread_mutex_destroy(&m->lock);
        mem_free(m);
        return err_nomem(e);
    }
    *out = m;
    return ERR_OK;
}

void sqlite_memory_close(struct driver_memory *m)
{
    if (!m)
        return;
    (void)sqlite3_vfs_unregister(&m->vfs);
    for (int i = 0; i < MEMORY_FILES; i++) {
        if (m->files[i].name[0])
            file_drop(&m->files[i]);
    }
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

const char *sqlite_memory_vfs(const struct driver_memory *m)
{
    return m->name;
}

int64_t sqlite_memory_bytes(struct driver_memory *m)
{
    pthread_mutex_lock(&m->lock);
    int64_t used = m->room.used;
    pthread_mutex_unlock(&m->lock);
    return used;
}
