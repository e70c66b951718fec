/* What SQLite calls files: two descriptors to read from. Nothing is written, made, locked or deleted, whatever it asks.
 */
#include "history/database_int.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct reader {
    sqlite3_file base;
    int fd;
    int64_t size;
};

static int read_at(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    const struct reader *r = (const struct reader *)file;
    int got = 0;
    int64_t left = r->size - at;
    int most = left < n ? (int)(left < 0 ? 0 : left) : n;
    while (got < most) {
        ssize_t k = pread(r->fd, (char *)out + got, (size_t)(most - got), at + got);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return SQLITE_IOERR_READ;
        if (k == 0)
            break;
        got += (int)k;
    }
    memset((char *)out + got, 0, (size_t)(n - got));
    return got == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int write_at(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    (void)file;
    (void)p;
    (void)n;
    (void)at;
    return SQLITE_READONLY;
}

static int cut(sqlite3_file *file, sqlite3_int64 size)
{
    (void)file;
    (void)size;
    return SQLITE_READONLY;
}

static int size_of(sqlite3_file *file, sqlite3_int64 *out)
{
    *out = ((const struct reader *)file)->size;
    return SQLITE_OK;
}

static int nothing(sqlite3_file *file)
{
    (void)file;
    return SQLITE_OK;
}

static int nothing_of(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    return SQLITE_OK;
}

static int nobody_waits(sqlite3_file *file, int *out)
{
    (void)file;
    *out = 0;
    return SQLITE_OK;
}

static int unknown(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int no_traits(sqlite3_file *file)
{
    (void)file;
    return 0;
}

/* Version 1: no shared memory. SQLite then keeps the log's index in its own, when it is told that it is alone. */
static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = nothing,
    .xRead = read_at,
    .xWrite = write_at,
    .xTruncate = cut,
    .xSync = nothing_of,
    .xFileSize = size_of,
    .xLock = nothing_of,
    .xUnlock = nothing_of,
    .xCheckReservedLock = nobody_waits,
    .xFileControl = unknown,
    .xSectorSize = no_traits,
    .xDeviceCharacteristics = no_traits,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    const struct database_files *f = vfs->pAppData;
    struct reader *r = (struct reader *)out;
    bool log = flags & SQLITE_OPEN_WAL;
    (void)name;
    *r = (struct reader){.fd = -1};
    if (!log && !(flags & SQLITE_OPEN_MAIN_DB))
        return SQLITE_CANTOPEN;
    *r = (struct reader){{&methods}, log ? f->log : f->fd, log ? f->log_size : f->size};
    if (out_flags)
        *out_flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    return SQLITE_OK;
}

static int keep_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)name;
    (void)sync;
    return SQLITE_OK;
}

static int is_there(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct database_files *f = vfs->pAppData;
    size_t n = strlen(name);
    *out = flags == SQLITE_ACCESS_EXISTS && f->log_size > 0 && n > 4 && !strcmp(name + n - 4, "-wal");
    return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)n, "%s", name) < n ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int random_bytes(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    memset(out, 0, (size_t)n); /* nothing is written that would need any */
    return n;
}

static int no_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int time_now(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    *out = 2440587.5 + (double)clock_now_ms() / 86400000.0; /* Julian days */
    return SQLITE_OK;
}

enum err_code database_files_open(struct database_files *f, struct err *e)
{
    snprintf(f->name, sizeof f->name, "history-%p", (void *)f);
    f->vfs = (sqlite3_vfs){.iVersion = 1,
                           .szOsFile = sizeof(struct reader),
                           .mxPathname = DATABASE_NAME,
                           .zName = f->name,
                           .pAppData = f,
                           .xOpen = open_file,
                           .xDelete = keep_file,
                           .xAccess = is_there,
                           .xFullPathname = full_name,
                           .xRandomness = random_bytes,
                           .xSleep = no_sleep,
                           .xCurrentTime = time_now};
    return sqlite3_vfs_register(&f->vfs, 0) == SQLITE_OK ? ERR_OK : err_nomem(e);
}

void database_files_close(struct database_files *f)
{
    if (f->vfs.zName)
        (void)sqlite3_vfs_unregister(&f->vfs);
}
