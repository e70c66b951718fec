/* Opening SQLite: flags, pragmas, waiting for locks, deadlines. Why apart: all that decides about durability and
 * about several processes at once is here. WAL with synchronous=FULL makes each commit one fsync; the
 * wal_autocheckpoint is off, sqlite_tidy() does it between groups.
 *
 * A folder that cannot be written is opened read-only. SQLite needs a WAL index even to read; where none
 * can be made and there is no WAL either, the file is opened as immutable. */
#include "store/sqlite_driver.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { SEALED_CACHE_KIB = 8192 /* of a reader: what leaves it is opened anew */ };
enum { MMAP_BYTES = 64 << 20, PROGRESS_STEPS = 2000, SHM_LEAST = 4096 /* less is what a full disk left of one */ };

static void configure(void)
{
    /* Without this, each of SQLite's allocations takes one global lock. Refused (harmlessly) when it is too late. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void sqlite_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure);
}

/* Short sleeps: a process that commits groups back to back frees the lock only for moments. */
static int on_busy(void *arg, int count)
{
    struct driver_conn *c = arg;
    int64_t now = clock_mono_us();
    if (count == 0)
        c->busy_since_us = now;
    if (now - c->busy_since_us >= (int64_t)c->busy_ms * 1000)
        return 0;
    if (c->deadline_us && now >= c->deadline_us)
        return 0;
    long us = count < 8 ? 100 + 50L * count : 1000 + (count * 7919L) % 1000;
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
    return 1;
}

/* SQLite asks now and then while a statement runs; true cuts it off. */
static int on_progress(void *arg)
{
    const struct driver_conn *c = arg;
    return c->deadline_us && clock_mono_us() >= c->deadline_us;
}

/* Called after each commit; takes the place of SQLite's own automatic checkpoint. */
static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct driver_conn *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

/* The handler is only installed while there is a deadline: it costs a little with every step. */
void sqlite_set_deadline(struct driver_conn *c, int64_t deadline_us)
{
    if (c->deadline_us == deadline_us)
        return;
    c->deadline_us = deadline_us;
    sqlite3_progress_handler(c->db, deadline_us ? PROGRESS_STEPS : 0, deadline_us ? on_progress : NULL, c);
}

/* SQLite quietly opens for reading what it may not write; this tells. */
bool sqlite_writable(struct driver_conn *c)
{
    return sqlite3_db_readonly(c->db, "main") == 0;
}

/* "file:<path>?immutable=1" with what a URI would misread escaped. */
static char *immutable_uri(const char *path)
{
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "file:");
    for (const char *p = path; *p; p++) {
        if (*p == '?' || *p == '#' || *p == '%')
            buf_fmt(&b, "%%%02x", (unsigned char)*p);
        else
            buf_char(&b, *p);
    }
    buf_cstr(&b, "?immutable=1");
    buf_char(&b, '\0');
    char *uri = b.failed ? NULL : mem_strdup(b.p);
    buf_release(&b);
    return uri;
}

/* No mutex of SQLite's own: a connection belongs to one thread at a time. */
static enum err_code open_handle(struct driver_conn *c, const char *name, int flags, struct err *e)
{
    int rc = mem_fail_now()
                 ? SQLITE_CANTOPEN
                 : sqlite3_open_v2(name, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, c->vfs);
    if (rc)
        return sqlite_fail(c, rc, "open the database", e);
    sqlite3_busy_handler(c->db, on_busy, c);
    return ERR_OK;
}

static void close_handle(struct driver_conn *c)
{
    (void)sqlite3_close(c->db);
    c->db = NULL;
}

/* Reads something, so that a file that cannot be read is found out now. */
static enum err_code probe(struct driver_conn *c, struct err *e)
{
    int64_t version;
    return sqlite_value(c, "SELECT count(*) FROM sqlite_master", "open the database", &version, e);
}

/* Nobody has it open and no commit waits in a WAL: only then may it be taken for immutable. */
static bool settled(const char *path)
{
    struct buf name;
    buf_init(&name, 0);
    buf_fmt(&name, "%s-wal", path);
    buf_char(&name, '\0');
    bool ok = !name.failed && file_size(name.p) <= 0;
    buf_clear(&name);
    buf_fmt(&name, "%s-shm", path);
    buf_char(&name, '\0');
    ok = ok && !name.failed && file_size(name.p) < SHM_LEAST;
    buf_release(&name);
    return ok;
}

static enum err_code open_read_only(struct driver_conn *c, struct err *e)
{
    struct err first = {0};
    enum err_code rc = open_handle(c, c->path, SQLITE_OPEN_READONLY, &first);
    if (!rc)
        rc = probe(c, &first);
    if (!rc)
        return ERR_OK;
    close_handle(c);
    if (!settled(c->path) || (rc != ERR_IO && rc != ERR_READ_ONLY && rc != ERR_DISK_FULL)) {
        if (e && !e->code)
            *e = first;
        return rc;
    }
    char *uri = immutable_uri(c->path);
    if (!uri)
        return err_nomem(e);
    rc = open_handle(c, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, e);
    mem_free(uri);
    return rc ? rc : probe(c, e);
}

/* Turning WAL on needs the file for itself for a moment; two processes may try at once. */
static enum err_code turn_wal_on(struct driver_conn *c, struct err *e)
{
    int64_t until = clock_mono_us() + (int64_t)c->busy_ms * 1000;
    for (;;) {
        struct err now = {0};
        enum err_code rc = sqlite_exec(c, "PRAGMA journal_mode=WAL", "open the database", &now);
        if (rc != ERR_BUSY || clock_mono_us() >= until) {
            if (rc && e && !e->code)
                *e = now;
            return rc;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
    }
}

/* The map saves copying on reads and is small, so that an idle server stays small. Sorting stays in memory. */
static enum err_code set_up(struct driver_conn *c, const struct driver_options *o, struct err *e)
{
    char pragmas[256];
    bool sealed = sqlite_sealed(c->files);
    (void)snprintf(pragmas, sizeof pragmas,
                   "PRAGMA mmap_size=%d; PRAGMA temp_store=MEMORY; PRAGMA synchronous=%s; PRAGMA cache_size=%d;%s",
                   sealed || o->bulk ? 0 : MMAP_BYTES, o->sync_normal ? "NORMAL" : "FULL",
                   !o->read_only ? -16384
                   : sealed      ? -SEALED_CACHE_KIB
                                 : -2048,
                   o->read_only ? " PRAGMA query_only=1;" : "");
    enum err_code rc = ERR_OK;
    if (!o->read_only && sqlite_writable(c))
        rc = turn_wal_on(c, e);
    if (!rc)
        rc = sqlite_exec(c, pragmas, "open the database", e);
    sqlite3_wal_hook(c->db, on_wal, c);
    return rc;
}

/* SQLite makes new files readable for all; what sits beside the database takes its mode. */
void sqlite_make_private(const char *path)
{
    (void)chmod(path, S_IRUSR | S_IWUSR);
}

enum err_code sqlite_open(const struct driver_options *o, struct driver_conn **out, struct err *e)
{
    enum err_code rc = ERR_OK;
    sqlite_start();
    struct driver_conn *c = mem_zalloc(sizeof *c);
    if (!c || !(c->path = mem_strdup(o->path))) {
        mem_free(c);
        return err_nomem(e);
    }
    c->busy_ms = o->busy_ms;
    c->files = o->files;
    c->vfs = o->memory ? sqlite_memory_vfs(o->memory) : o->files ? o->files->name : NULL;
    c->opened = o->opened;
    c->opened_arg = o->opened_arg;
    bool fresh = o->create && !o->memory && !file_exists(o->path);
    if (o->read_only)
        rc = open_read_only(c, e);
    else
        rc = open_handle(c, c->path, SQLITE_OPEN_READWRITE | (o->create ? SQLITE_OPEN_CREATE : 0), e);
    if (!rc && fresh)
        sqlite_make_private(c->path);
    if (!rc && !o->read_only && sqlite_sealed(c->files))
        rc = sqlite_make_room(c, e);
    if (!rc)
        rc = set_up(c, o, e);
    if (!rc)
        rc = sqlite_add_functions(c, e);
    if (!rc)
        rc = probe(c, e);
    if (rc) {
        sqlite_close(c);
        c = NULL;
    }
    *out = c;
    return rc;
}

/* The last connection to close writes the WAL into the database and removes it. */
void sqlite_close(struct driver_conn *c)
{
    if (!c)
        return;
    sqlite3_finalize(c->begin_read);
    sqlite3_finalize(c->begin_write);
    sqlite3_finalize(c->commit);
    sqlite3_finalize(c->data_version);
    (void)sqlite3_close(c->db);
    mem_free(c->path);
    mem_free(c);
}
