/* The index as a whole: open, close, upkeep on demand. */
#include "index/engine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A path at which nothing can ever be. */
static const char NOWHERE[] = "/dev/null/index";

enum {
    PATH_ROOM = 4096,
    CLOSE_DOCS = 500, /* closing writes so many turns to a file; fewer are read again faster than a file is synced */
    WAIT_STEP_MS = 20,
    WAIT_MS = 10000 /* for another process that makes no progress */
};

/* ---- the stock ---- */
struct stock *index_stock(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    struct stock *s = stock_hold(x->stock);
    pthread_mutex_unlock(&x->lock);
    return s;
}

void index_publish(struct index *x, struct stock *s)
{
    pthread_mutex_lock(&x->lock);
    struct stock *old = x->stock;
    x->stock = s;
    pthread_mutex_unlock(&x->lock);
    stock_drop(old);
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

struct keyring *index_keys(const struct index *x)
{
    return store_keyring(x->store);
}

/* ---- open and close ---- */
static enum err_code make_path(struct index *x, const char *dir, struct err *e)
{
    char path[PATH_ROOM];
    x->stock = stock_new(0, 0);
    if (!dir)
        return (x->dir = mem_strdup(NOWHERE)) && x->stock ? ERR_OK : err_nomem(e);
    if (snprintf(path, sizeof path, "%s/index", dir) >= (int)sizeof path - 64)
        return err_set(e, ERR_INVALID, NULL, "the data folder's path is too long");
    struct err made = {0};
    if (!x->read_only && file_mkdirs(path, &made) == ERR_NOMEM)
        return err_set(e, ERR_NOMEM, NULL, "%s", made.message);
    x->dir = mem_strdup(path); /* whether the folder is there, writing will tell */
    return x->dir && x->stock ? ERR_OK : err_nomem(e);
}

static enum err_code set_up_locks(struct index *x, struct err *e)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return err_nomem(e);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&x->lock, NULL);
    pthread_mutex_init(&x->feeding, NULL);
    pthread_mutex_init(&x->keeping, NULL);
    pthread_cond_init(&x->wake, &attr);
    pthread_condattr_destroy(&attr);
    return ERR_OK;
}

/* Reads what is there, and becomes the keeper when nobody is: a missing or damaged manifest is made anew before the
 * first search. A folder that cannot be written now keeps nobody from searching: the thread tries again. */
static enum err_code open_files(struct index *x, struct err *e)
{
    struct err first = {0};
    enum err_code code = x->read_only ? ERR_READ_ONLY : keep_claim(x, &first);
    if (code == ERR_NOMEM)
        return err_set(e, code, NULL, "%s", first.message);
    if (code == ERR_OK)
        return ERR_OK;
    if (code != ERR_BUSY && code != ERR_READ_ONLY)
        log_error("index_not_writable", &first);
    pthread_mutex_lock(&x->feeding);
    err_clear(&first);
    code = feed_refresh(x, &first);
    pthread_mutex_unlock(&x->feeding);
    return code == ERR_NOMEM ? err_nomem(e) : ERR_OK;
}

enum err_code index_open(const struct index_options *o, struct index **out, struct err *e)
{
    struct index *x = mem_zalloc(sizeof *x);
    *out = NULL;
    if (!x)
        return err_nomem(e);
    *x = (struct index){.store = o->store,
                        .read_only = o->read_only || !o->dir,
                        .alone = o->alone,
                        .in_memory = !o->dir,
                        .batch = FEED_BATCH,
                        .lock_fd = -1};
    enum err_code code = set_up_locks(x, e);
    if (code) {
        mem_free(x);
        return code;
    }
    code = make_path(x, o->dir, e);
    if (code == ERR_OK)
        code = open_files(x, e);
    if (code == ERR_OK && !x->read_only && pthread_create(&x->thread, NULL, index_thread, x) != 0)
        code = err_set(e, ERR_NOMEM, NULL, "cannot start the index's thread");
    x->has_thread = code == ERR_OK && !x->read_only;
    if (code) {
        index_close(x);
        return code;
    }
    *out = x;
    return ERR_OK;
}

/* Written now, it need not be read again. Failing is no harm. */
static void flush_last(struct index *x)
{
    struct err ignored = {0};
    if (x->has_thread && x->lock_fd >= 0 && stock_memory_docs(x->stock) >= CLOSE_DOCS) {
        atomic_store(&x->stopping, false);
        (void)keep_flush(x, &ignored);
    }
}

void index_close(struct index *x)
{
    if (!x)
        return;
    if (x->has_thread) {
        atomic_store(&x->stopping, true);
        pthread_mutex_lock(&x->lock);
        x->stop = true;
        pthread_cond_broadcast(&x->wake);
        pthread_mutex_unlock(&x->lock);
        pthread_join(x->thread, NULL);
        flush_last(x);
    }
    keep_resign(x);
    stock_drop(x->stock);
    pthread_cond_destroy(&x->wake);
    pthread_mutex_destroy(&x->keeping);
    pthread_mutex_destroy(&x->feeding);
    pthread_mutex_destroy(&x->lock);
    mem_free(x->dir);
    mem_free(x);
}

/* ---- upkeep ---- */
int64_t index_lag(struct index *x)
{
    struct err e = {0};
    int64_t last = 0, lag;
    if (stored_last_now(x, 0, &last, &e))
        return 0;
    struct stock *s = index_stock(x);
    lag = last > s->taken ? last - s->taken : 0;
    for (size_t i = 0; i < s->n_holes; i++)
        lag += s->holes[i].to - s->holes[i].from;
    stock_drop(s);
    return lag;
}

typedef void progress_fn(void *arg, int64_t done, int64_t total);

/* As the keeper: everything up to `target` into files. */
static enum err_code keep_until(struct index *x, int64_t target, progress_fn *progress, void *arg, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t n = 1;
    bool more = true;
    for (int64_t taken = 0; code == ERR_OK && taken < target && n > 0;) {
        code = keep_flush_batch(x, &n, e);
        while (code == ERR_OK && more)
            code = keep_merge(x, 0, &more, e);
        more = true;
        struct stock *s = index_stock(x);
        taken = s->taken;
        stock_drop(s);
        if (code == ERR_OK && progress)
            progress(arg, taken < target ? taken : target, target);
    }
    if (code == ERR_OK)
        code = keep_repair(x, e);
    return code ? code : keep_flush(x, e);
}

/* Another process is the keeper: takes in what it has not written yet, waiting for it when that is much. */
static enum err_code follow_until(struct index *x, int64_t target, progress_fn *progress, void *arg, struct err *e)
{
    int64_t before = -1, since = clock_mono_us();
    for (;;) {
        int64_t n = 0;
        pthread_mutex_lock(&x->feeding);
        enum err_code code = feed_refresh(x, e);
        if (code == ERR_OK && target - x->stock->taken <= FLUSH_DOCS)
            code = feed_some(x, FEED_BATCH, &n, e);
        int64_t taken = x->stock->taken;
        pthread_mutex_unlock(&x->feeding);
        if (code)
            return code;
        if (progress)
            progress(arg, taken < target ? taken : target, target);
        if (taken >= target)
            return ERR_OK;
        if (taken != before)
            since = clock_mono_us();
        before = taken;
        if (clock_mono_us() - since > WAIT_MS * INT64_C(1000))
            return err_set(e, ERR_BUSY, NULL, "the process that keeps the index does not get on");
        if (n == 0)
            usleep(WAIT_STEP_MS * 1000);
    }
}

enum err_code index_flush(struct index *x, struct err *e)
{
    struct err own = {0};
    int64_t target = 0;
    e = e ? e : &own;
    enum err_code code = stored_last_now(x, 0, &target, e);
    if (code)
        return code;
    pthread_mutex_lock(&x->keeping);
    struct err why = {0};
    code = keep_claim(x, &why);
    bool keeper = code == ERR_OK;
    if (keeper)
        code = keep_until(x, target, NULL, NULL, &why);
    pthread_mutex_unlock(&x->keeping);
    if (keeper || (code != ERR_BUSY && code != ERR_READ_ONLY))
        return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
    return follow_until(x, target, NULL, NULL, e);
}

/* Asks the process that keeps the index, by a file that it removes when it has done so. */
static enum err_code ask_keeper(struct index *x, const char *what, struct err *e)
{
    char path[PATH_ROOM];
    manifest_path(path, sizeof path, x->dir, what);
    enum err_code code = file_write_atomic(path, STR_NONE, e);
    for (int64_t until = clock_mono_us() + WAIT_MS * INT64_C(1000); code == ERR_OK && file_exists(path);) {
        usleep(WAIT_STEP_MS * 1000);
        if (clock_mono_us() > until)
            return err_set(e, ERR_BUSY, NULL, "the process that keeps the index does not answer");
    }
    return code;
}

enum err_code index_rebuild(struct index *x, progress_fn *progress, void *arg, struct err *e)
{
    struct err own = {0};
    int64_t target = 0;
    e = e ? e : &own;
    if (x->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the index was opened for searching only");
    enum err_code code = stored_last_now(x, 0, &target, e);
    if (code)
        return code;
    struct err why = {0};
    pthread_mutex_lock(&x->keeping);
    code = keep_claim(x, &why);
    bool keeper = code == ERR_OK;
    if (keeper)
        code = keep_reset(x, &why);
    if (code == ERR_OK)
        code = keep_until(x, target, progress, arg, &why);
    pthread_mutex_unlock(&x->keeping);
    if (keeper || code != ERR_BUSY)
        return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
    code = ask_keeper(x, "remake", e);
    return code ? code : follow_until(x, target, progress, arg, e);
}

enum err_code index_forget(struct index *x, struct err *e)
{
    struct stock *nothing = stock_new(0, 0);
    if (!nothing)
        return err_nomem(e);
    pthread_mutex_lock(&x->feeding);
    index_publish(x, nothing);
    x->anchor = 0;
    pthread_mutex_unlock(&x->feeding);
    return ERR_OK;
}

enum err_code index_convert(struct index *x, struct err *e)
{
    struct err why = {0};
    if (x->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the index was opened for searching only");
    pthread_mutex_lock(&x->keeping);
    enum err_code code = keep_claim(x, &why);
    if (code == ERR_OK)
        code = keep_convert(x, &why);
    pthread_mutex_unlock(&x->keeping);
    return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

enum err_code index_purge(struct index *x, struct err *e)
{
    struct err own = {0}, why = {0};
    e = e ? e : &own;
    if (x->in_memory)
        return index_forget(x, e); /* the next search takes in what is left */
    if (x->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the index was opened for searching only");
    pthread_mutex_lock(&x->keeping);
    enum err_code code = keep_claim(x, &why);
    if (code == ERR_OK)
        code = keep_purge(x, &why);
    pthread_mutex_unlock(&x->keeping);
    if (code == ERR_BUSY)
        return ask_keeper(x, "purge", e);
    return code ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

static enum err_code check_segments(const struct stock *s, struct err *e)
{
    if (s->n_holes)
        return err_set(e, ERR_CORRUPT, NULL, "segments of the index are missing or damaged");
    for (size_t i = 0; i < s->n; i++) {
        enum err_code code = segment_check(s->segments[i], e);
        if (code)
            return code;
    }
    return ERR_OK;
}

enum err_code index_check(struct index *x, struct err *e)
{
    struct err own = {0};
    struct manifest manifest;
    e = e ? e : &own;
    pthread_mutex_lock(&x->feeding);
    enum err_code code = feed_refresh(x, e);
    pthread_mutex_unlock(&x->feeding);
    if (code)
        return code;
    struct stock *s = index_stock(x);
    code = manifest_load(index_keys(x), x->dir, &manifest, e);
    if (code == ERR_OK && manifest.watermark > s->taken)
        code = err_set(e, ERR_CORRUPT, NULL, "the index is of another store");
    manifest_release(&manifest);
    if (code == ERR_OK)
        code = check_segments(s, e);
    stock_drop(s);
    if (code == ERR_CORRUPT) {
        pthread_mutex_lock(&x->feeding);
        (void)feed_set_aside(x, NULL);
        pthread_mutex_unlock(&x->feeding);
        index_wake(x);
    }
    return code;
}
