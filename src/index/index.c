/* The index as a whole: open, close, the pool of search connections, upkeep, and the words of a text. */
#include "index/intern.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { IDLE_MAX = 4, PATH_ROOM = 4096 };

/* ---- pool ---- */
enum err_code index_acquire(struct index *x, struct db **out, struct err *e)
{
    pthread_mutex_lock(&x->lock);
    struct db *d = x->idle;
    unsigned generation = x->generation;
    if (d) {
        x->idle = d->next;
        x->n_idle--;
    }
    pthread_mutex_unlock(&x->lock);
    if (!d) {
        enum err_code code = db_open(x->path, DB_READ, &d, e);
        if (code)
            return code;
        d->generation = generation;
    }
    *out = d;
    return ERR_OK;
}

void index_release(struct index *x, struct db *d, bool broken)
{
    for (int i = 0; i < DB_STMT_COUNT; i++)
        sqlite3_reset(d->stmts[i]);
    arena_reset(d->scratch);
    pthread_mutex_lock(&x->lock);
    bool keep = !broken && d->generation == x->generation && x->n_idle < IDLE_MAX;
    if (keep) {
        d->next = x->idle;
        x->idle = d;
        x->n_idle++;
    }
    pthread_mutex_unlock(&x->lock);
    if (!keep)
        db_close(d);
}

void index_close_idle(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    struct db *d = x->idle;
    x->idle = NULL;
    x->n_idle = 0;
    pthread_mutex_unlock(&x->lock);
    while (d) {
        struct db *next = d->next;
        db_close(d);
        d = next;
    }
}

void index_damaged(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    x->damaged = true;
    x->woken = true;
    pthread_cond_broadcast(&x->wake);
    pthread_mutex_unlock(&x->lock);
}

/* ---- open and close ---- */
static enum err_code make_path(struct index *x, const char *dir, struct err *e)
{
    char path[PATH_ROOM];
    if (snprintf(path, sizeof path, "%s/index", dir) >= (int)sizeof path - 16)
        return err_set(e, ERR_INVALID, NULL, "the data folder's path is too long");
    struct err made = {0};
    if (!x->read_only && file_mkdirs(path, &made) == ERR_NOMEM)
        return err_set(e, ERR_NOMEM, NULL, "%s", made.message);
    strcat(path, "/words.db"); /* whether the folder is there, opening the file will tell */
    x->path = mem_strdup(path);
    return x->path ? ERR_OK : err_nomem(e);
}

static enum err_code set_up_locks(struct index *x, struct err *e)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return err_nomem(e);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&x->lock, NULL);
    pthread_mutex_init(&x->feeding, NULL);
    pthread_cond_init(&x->wake, &attr);
    pthread_condattr_destroy(&attr);
    return ERR_OK;
}

/* Opens the writer once, so that a missing file is made and a damaged one made anew before the first search. A file
 * that cannot be written now (full or read-only disk, locked) keeps nobody from reading the store: what is there is
 * searched, else the newest turns, and the feeder tries again. */
static enum err_code open_file(struct index *x, struct err *e)
{
    struct err first = {0};
    if (x->read_only)
        return ERR_OK;
    enum err_code code = db_open(x->path, DB_WRITE, &x->writer, &first);
    if (code == ERR_CORRUPT) {
        log_error("index_damaged", &first);
        err_clear(&first);
        code = feed_reset(x, &first);
    }
    if (code == ERR_NOMEM)
        return err_set(e, code, NULL, "%s", first.message);
    if (code)
        log_error("index_not_writable", &first);
    return ERR_OK;
}

enum err_code index_open(const struct index_options *o, struct index **out, struct err *e)
{
    struct index *x = mem_zalloc(sizeof *x);
    *out = NULL;
    if (!x)
        return err_nomem(e);
    *x = (struct index){.store = o->store, .read_only = o->read_only, .batch = FEED_BATCH};
    enum err_code code = set_up_locks(x, e);
    if (code) {
        mem_free(x);
        return code;
    }
    code = make_path(x, o->dir, e);
    if (code == ERR_OK)
        code = open_file(x, e);
    if (code == ERR_OK && !x->read_only && pthread_create(&x->thread, NULL, feed_thread, x) != 0)
        code = err_set(e, ERR_NOMEM, NULL, "cannot start the index's thread");
    x->has_thread = code == ERR_OK && !x->read_only;
    if (code) {
        index_close(x);
        return code;
    }
    *out = x;
    return ERR_OK;
}

void index_close(struct index *x)
{
    if (!x)
        return;
    if (x->has_thread) {
        pthread_mutex_lock(&x->lock);
        x->stop = true;
        pthread_cond_broadcast(&x->wake);
        pthread_mutex_unlock(&x->lock);
        pthread_join(x->thread, NULL);
    }
    index_close_idle(x);
    db_close(x->writer);
    pthread_cond_destroy(&x->wake);
    pthread_mutex_destroy(&x->feeding);
    pthread_mutex_destroy(&x->lock);
    mem_free(x->path);
    mem_free(x);
}

void index_wake(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    if (!x->woken) {
        x->woken = true;
        pthread_cond_broadcast(&x->wake);
    }
    pthread_mutex_unlock(&x->lock);
}

/* ---- upkeep ---- */
static enum err_code watermark(struct index *x, int64_t *out, struct err *e)
{
    struct db *d = NULL;
    enum err_code code = index_acquire(x, &d, e);
    if (code)
        return code;
    code = meta_get(d, "taken", out, NULL, 0, e);
    index_release(x, d, code != ERR_OK);
    return code;
}

static enum err_code last_stored(struct index *x, int64_t *out, struct err *e)
{
    struct store_tx *tx = NULL;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = store_read_begin(x->store, &tx, e);
    if (code == ERR_OK) {
        code = stored_last(tx, a, out, e);
        store_read_end(tx);
    }
    arena_free(a);
    return code;
}

/* Feeds until `target` is in, telling how far it is. */
static enum err_code feed_until(struct index *x, int64_t target, void (*progress)(void *, int64_t, int64_t), void *arg,
                                struct err *e)
{
    int64_t taken = 0, n = 0;
    bool reset = false;
    for (;;) {
        struct err now = {0};
        enum err_code code = feed_batch(x, &n, &taken, &now);
        if (code == ERR_CORRUPT && !reset) {
            reset = true;
            code = feed_reset(x, e);
            n = 1;
            taken = 0;
        } else if (code) {
            return err_set(e, code, NULL, "%s", now.message);
        }
        if (code)
            return code;
        if (progress)
            progress(arg, taken < target ? taken : target, target);
        if (taken >= target || n == 0)
            return ERR_OK;
    }
}

enum err_code index_flush(struct index *x, struct err *e)
{
    struct err own = {0};
    int64_t target = 0;
    e = e ? e : &own;
    enum err_code code = last_stored(x, &target, e);
    return code ? code : feed_until(x, target, NULL, NULL, e);
}

enum err_code index_rebuild(struct index *x, void (*progress)(void *, int64_t done, int64_t total), void *arg,
                            struct err *e)
{
    struct err own = {0};
    int64_t target = 0;
    e = e ? e : &own;
    enum err_code code = last_stored(x, &target, e);
    if (code == ERR_OK)
        code = feed_reset(x, e);
    return code ? code : feed_until(x, target, progress, arg, e);
}

int64_t index_lag(struct index *x)
{
    struct err e = {0};
    int64_t taken = 0, last = 0;
    if (last_stored(x, &last, &e))
        return 0;
    if (watermark(x, &taken, &e))
        taken = 0;
    return last > taken ? last - taken : 0;
}

static enum err_code check_counts(struct db *d, struct err *e)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(d->db,
                                "SELECT (SELECT count(*) FROM doc) = (SELECT coalesce(sum(turns), 0) FROM session)"
                                " AND (SELECT coalesce(max(seq), 0) FROM doc) <="
                                " (SELECT coalesce(max(number), 0) FROM meta WHERE key = 'taken')",
                                -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    bool right = rc == SQLITE_ROW && sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    if (rc != SQLITE_ROW)
        return db_error(d, rc, e);
    return right ? ERR_OK : err_set(e, ERR_CORRUPT, NULL, "the index's counts do not agree");
}

static enum err_code check_pages(struct db *d, struct err *e)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(d->db, "PRAGMA quick_check(1)", -1, &q, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    bool right = rc == SQLITE_ROW && str_is(column_str(q, 0), "ok");
    sqlite3_finalize(q);
    if (rc != SQLITE_ROW)
        return db_error(d, rc, e);
    return right ? ERR_OK : err_set(e, ERR_CORRUPT, NULL, "the index's file is damaged");
}

enum err_code index_check(struct index *x, struct err *e)
{
    struct err own = {0};
    struct db *d = NULL;
    e = e ? e : &own;
    enum err_code code = index_acquire(x, &d, e);
    if (code)
        return code;
    code = check_pages(d, e);
    if (code == ERR_OK)
        code = check_counts(d, e);
    if (code == ERR_OK && !x->read_only && sqlite3_db_readonly(d->db, "main") == 0)
        code = db_exec(d, "INSERT INTO words(words) VALUES('integrity-check')", e);
    index_release(x, d, code != ERR_OK);
    if (code == ERR_CORRUPT)
        index_damaged(x);
    return code;
}
