/* Opening and closing the store, and its figures. Why so little: reading is readers.c, writing writer.c, the
 * schema schema.c. A folder that cannot be written is opened for reading only; writes then fail clearly. */
#include "store/internal.h"
#include "store/sealing.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

static char *join(const char *dir, const char *name)
{
    struct buf b;
    buf_init(&b, 0);
    buf_fmt(&b, "%s/%s", dir, name);
    buf_char(&b, '\0');
    char *path = b.failed ? NULL : mem_strdup(b.p);
    buf_release(&b);
    return path;
}

/* Opens the first connection: for writing, or for reading when that is asked for or all that is possible. */
static enum err_code open_first(struct store *s, bool read_only, struct store_tx **out, struct err *e)
{
    struct err why = {0};
    if (read_only) {
        if (!file_exists(s->path))
            return err_set(e, ERR_NOT_FOUND, NULL, "there is no data in %.180s", s->dir);
        return tx_open(s, false, out, e);
    }
    enum err_code rc = tx_open(s, true, out, &why);
    /* A disk that stumbles once is not one that cannot be written: that would last for as long as we run. */
    if (rc == ERR_IO) {
        err_clear(&why);
        rc = tx_open(s, true, out, &why);
    }
    if (!rc && s->driver->writable((*out)->c)) {
        s->writable = true;
        return ERR_OK;
    }
    if (!rc) {
        tx_close(*out);
        *out = NULL;
    }
    if ((!rc || rc == ERR_READ_ONLY || rc == ERR_IO) && file_exists(s->path) && !tx_open(s, false, out, NULL)) {
        log_event(LOG_WARN, "store_read_only", L_CSTR("dir", s->dir));
        return ERR_OK;
    }
    if (e && !e->code)
        *e = why;
    return rc ? rc : err_set(e, ERR_READ_ONLY, NULL, "the data folder %.180s cannot be written", s->dir);
}

/* A folder that is there is left as it is, whatever its mode: it may be a user's own choice. */
static enum err_code make_folder(struct store *s, bool read_only, struct err *e)
{
    if (read_only || file_exists(s->dir))
        return ERR_OK;
    return file_mkdirs(s->dir, e);
}

/* A read-only store keeps no first connection: the pool opens its own when they are needed. */
static enum err_code open_store(struct store *s, const struct store_options *o, struct err *e)
{
    bool in_memory = o->memory_bytes > 0;
    enum err_code rc = in_memory ? s->driver->memory_open(o->memory_bytes, &s->memory, e) : ERR_OK;
    if (rc)
        return rc;
    s->dir = in_memory ? NULL : mem_strdup(o->dir);
    s->path = in_memory ? mem_strdup("store.db") : s->dir ? join(o->dir, "store.db") : NULL;
    s->readers = s->path ? readers_new(s, o->readers) : NULL;
    if (!s->readers)
        return err_nomem(e);
    struct store_tx *tx = NULL;
    rc = in_memory ? ERR_OK : make_folder(s, o->read_only, e);
    if (!rc && !in_memory)
        rc = store_keys_open(s, o, e);
    if (!rc)
        rc = open_first(s, o->read_only, &tx, e);
    if (!rc)
        rc = schema_prepare(s, tx, e);
    if (!rc)
        rc = sealing_settle(s, tx, e);
    if (!rc && !in_memory)
        versions_open(s);
    if (!rc && s->writable)
        rc = writer_start(s, tx, &s->writer, e);
    if (rc || !s->writable)
        tx_close(tx);
    return rc;
}

/* store_close takes a store that is only half made, so there is one way out. */
enum err_code store_open(const struct store_options *o, struct store **out, struct err *e)
{
    *out = NULL;
    struct store *s = mem_zalloc(sizeof *s);
    if (!s)
        return err_nomem(e);
    s->driver = &sqlite_driver;
    s->lock = -1;
    s->busy_ms = o->busy_ms > 0 ? o->busy_ms : 10000;
    s->sync_normal = o->sync_normal;
    s->bulk = o->bulk;
    s->gate = o->gate;
    (void)pthread_mutex_init(&s->watch_lock, NULL);
    (void)pthread_mutex_init(&s->commit_lock, NULL);
    enum err_code rc = open_store(s, o, e);
    if (rc) {
        store_close(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    readers_free(s->readers);
    if (s->watch)
        s->driver->close(s->watch);
    writer_stop(s->writer); /* last: its connection checkpoints when it closes */
    versions_close(s);
    s->driver->memory_close(s->memory);
    store_keys_close(s);
    (void)pthread_mutex_destroy(&s->watch_lock);
    (void)pthread_mutex_destroy(&s->commit_lock);
    mem_free(s->dir);
    mem_free(s->path);
    mem_free(s);
}

bool store_tx_writes(const struct store_tx *tx)
{
    return tx->writer;
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}

const char *store_identity(const struct store *s)
{
    return s->identity;
}

void store_on_commit(struct store *s, void (*fn)(void *), void *arg)
{
    (void)pthread_mutex_lock(&s->commit_lock);
    s->on_commit_arg = arg;
    s->on_commit = fn;
    (void)pthread_mutex_unlock(&s->commit_lock);
}

void store_committed(struct store *s)
{
    (void)pthread_mutex_lock(&s->commit_lock);
    if (s->on_commit)
        s->on_commit(s->on_commit_arg);
    (void)pthread_mutex_unlock(&s->commit_lock);
}

int64_t store_bytes(const struct store *s)
{
    if (s->memory)
        return s->driver->memory_bytes(s->memory);
    int64_t bytes = file_size(s->path);
    return bytes > 0 ? bytes : 0;
}

static int64_t wal_bytes(const struct store *s)
{
    if (s->memory)
        return 0;
    char *wal = join(s->dir, "store.db-wal");
    int64_t bytes = wal ? file_size(wal) : 0;
    mem_free(wal);
    return bytes > 0 ? bytes : 0;
}

int64_t store_disk_bytes(const struct store *s)
{
    return store_bytes(s) + wal_bytes(s);
}

/* Sizes are of the files, so that they can be compared with what the disk has. */
enum err_code store_stats(struct store *s, struct store_stats *out, struct err *e)
{
    struct store_tx *tx;
    *out = (struct store_stats){.writable = s->writable};
    enum err_code rc = store_read_begin(s, &tx, e);
    if (rc)
        return rc;
    rc = schema_version(tx, &out->schema_version, e);
    store_read_end(tx);
    out->bytes = store_bytes(s);
    out->wal_bytes = wal_bytes(s);
    return rc;
}

/* A connection of its own, as the counter only compares within one. A failure answers the last known value. */
int64_t store_change_count(struct store *s)
{
    (void)pthread_mutex_lock(&s->watch_lock);
    const struct driver_options o = {
        .path = s->path, .files = s->files, .read_only = true, .busy_ms = s->busy_ms, .memory = s->memory};
    int64_t now;
    if ((s->watch || !s->driver->open(&o, &s->watch, NULL)) && !s->driver->change_counter(s->watch, &now, NULL))
        s->last_change = now;
    now = s->last_change;
    (void)pthread_mutex_unlock(&s->watch_lock);
    return now;
}

struct move {
    int version;
};

/* As a job, so that no group is under way while tables change. */
static enum err_code move_job(struct store_tx *tx, void *arg, struct err *e)
{
    return schema_move(tx, ((struct move *)arg)->version, e);
}

enum err_code store_migrate(struct store *s, int version, struct err *e)
{
    struct move m = {.version = version < 0 ? store_schema_newest() : version};
    if (m.version > store_schema_newest())
        return err_set(e, ERR_INVALID, "version", "version must be at most %d", store_schema_newest());
    return store_write(s, move_job, &m, e);
}
