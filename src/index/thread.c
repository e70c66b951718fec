/* The index's thread: takes committed turns in, and in the one process that keeps the index also writes, merges and
 * mends its files. At the lowest priority: writes that must be durable come first, and a search takes in what it
 * misses by itself. */
#include "index/engine.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"

#include <errno.h>
#include <malloc.h>

enum {
    LOOK_MS = 1000,
    GATHER_MS = 20,
    RETRY_MS = 5000,
    SOON_MS = 5000,  /* nothing new for so long: SOON_DOCS or more go to a file */
    LATE_MS = 60000, /* and so few as there are after this */
    SOON_DOCS = 64,
    FOREIGN_DOCS = 50000, /* beyond what the keeper wrote, another process takes in no more than this */
    ASK_MS = 60000,
    CROWD = 64,       /* files, that merging does not wait any longer for */
    MANY_DOCS = 1000, /* a batch of so many leaves much memory behind that the heap would keep */
    PACE = 64 << 20   /* bytes a second that merging writes */
};

/* Waits until woken or stopped, at most ms. True: stop. */
static bool wait_for(struct index *x, int ms, bool until_woken)
{
    struct timespec at;
    clock_after(ms, &at);
    thread_wipe_registers();
    pthread_mutex_lock(&x->lock);
    int rc = 0;
    while (!x->stop && !(until_woken && x->woken) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&x->wake, &x->lock, &at);
    bool stop = x->stop;
    pthread_mutex_unlock(&x->lock);
    return stop;
}

static bool was_woken(struct index *x)
{
    pthread_mutex_lock(&x->lock);
    bool was = x->woken;
    x->woken = false;
    pthread_mutex_unlock(&x->lock);
    return was;
}

static bool is_stopping(struct index *x)
{
    return atomic_load(&x->stopping);
}

/* Takes in all there is, without files. */
static enum err_code take_in(struct index *x, struct err *e)
{
    int64_t n = 1;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && n > 0 && !is_stopping(x)) {
        pthread_mutex_lock(&x->feeding);
        code = feed_refresh(x, e);
        n = 0;
        if (code == ERR_OK && stock_memory_docs(x->stock) < FOREIGN_DOCS)
            code = feed_some(x, FEED_BATCH, &n, e);
        pthread_mutex_unlock(&x->feeding);
    }
    return code;
}

/* A hole may be there because a file could not be opened just then; and the keeper may not know of the damage. */
static void ask_to_mend(struct index *x)
{
    char path[MANIFEST_PATH_MAX];
    struct stock *s = index_stock(x);
    bool whole = s->n_holes == 0;
    stock_drop(s);
    if (whole)
        return;
    pthread_mutex_lock(&x->feeding);
    x->reload = true;
    pthread_mutex_unlock(&x->feeding);
    if (x->asked_us && clock_mono_us() - x->asked_us < ASK_MS * INT64_C(1000))
        return;
    x->asked_us = clock_mono_us();
    manifest_path(path, sizeof path, x->dir, "mend");
    (void)file_write_atomic(path, STR_NONE, NULL);
}

/* Another process asks for something by a file of that name. */
static bool asked(struct index *x, const char *what)
{
    char path[MANIFEST_PATH_MAX];
    manifest_path(path, sizeof path, x->dir, what);
    return file_exists(path);
}

static enum err_code answer(struct index *x, const char *what, enum err_code code, struct err *e)
{
    char path[MANIFEST_PATH_MAX];
    manifest_path(path, sizeof path, x->dir, what);
    return code ? code : file_remove(path, e);
}

static enum err_code answer_others(struct index *x, struct err *e)
{
    enum err_code code = ERR_OK;
    if (asked(x, "remake"))
        code = answer(x, "remake", keep_reset(x, e), e);
    if (code == ERR_OK && asked(x, "mend"))
        code = answer(x, "mend", keep_mend(x, e), e);
    if (code == ERR_OK && asked(x, "purge"))
        code = answer(x, "purge", keep_purge(x, e), e);
    return code;
}

/* How much waits in memory, and whether there are holes. */
static int64_t waiting(struct index *x, bool *whole)
{
    struct stock *s = index_stock(x);
    int64_t docs = stock_memory_docs(s);
    *whole = s->n_holes == 0;
    stock_drop(s);
    return docs;
}

/* What pours in for long makes many files, which are not left to pile up until it ends. */
static enum err_code merge_crowd(struct index *x, struct err *e)
{
    struct stock *s = index_stock(x);
    bool more = s->n_files >= CROWD;
    enum err_code code = ERR_OK;
    stock_drop(s);
    while (code == ERR_OK && more && !is_stopping(x))
        code = keep_merge(x, PACE, &more, e);
    return code;
}

static enum err_code as_keeper(struct index *x, int64_t idle_ms, struct err *e)
{
    int64_t n = 1, most = 0;
    bool more = true, whole;
    enum err_code code = answer_others(x, e);
    while (code == ERR_OK && n > 0 && !is_stopping(x)) {
        code = keep_flush_batch(x, &n, e);
        most = n > most ? n : most;
        if (code == ERR_OK)
            code = merge_crowd(x, e);
    }
    if (most >= MANY_DOCS)
        (void)malloc_trim(0);
    int64_t docs = waiting(x, &whole);
    if (code == ERR_OK && !whole)
        code = keep_repair(x, e);
    if (code == ERR_OK && ((docs >= SOON_DOCS && idle_ms >= SOON_MS) || (docs > 0 && idle_ms >= LATE_MS)))
        code = keep_flush(x, e);
    while (code == ERR_OK && x->unmerged && more && !is_stopping(x))
        code = keep_merge(x, PACE, &more, e);
    return code;
}

static void set_aside(struct index *x)
{
    struct err e = {0};
    pthread_mutex_lock(&x->feeding);
    if (feed_set_aside(x, &e))
        log_error("index_set_aside_failed", &e);
    pthread_mutex_unlock(&x->feeding);
}

/* One round; false when something went wrong that waiting may mend. */
static bool work(struct index *x, int64_t idle_ms)
{
    struct err e = {0};
    pthread_mutex_lock(&x->keeping);
    enum err_code code = keep_claim(x, &e);
    bool keeper = code == ERR_OK;
    if (keeper) {
        code = as_keeper(x, idle_ms, &e);
        if (code == ERR_CORRUPT) {
            set_aside(x);
            err_clear(&e);
            code = keep_repair(x, &e);
        }
    }
    pthread_mutex_unlock(&x->keeping);
    if (!keeper) {
        struct err other = {0};
        ask_to_mend(x);
        enum err_code taking = take_in(x, &other);
        if (code == ERR_BUSY || taking) {
            code = taking;
            e = other;
        }
    }
    if (code == ERR_UNAVAILABLE && is_stopping(x))
        code = ERR_OK;
    if (code && code != x->failing)
        log_error("index_feed_failed", &e);
    x->failing = code;
    return code == ERR_OK;
}

void *index_thread(void *arg)
{
    struct index *x = arg;
    int64_t seen = -1, news_us = clock_mono_us();
    bool well = true;
    if (!x->alone)
        thread_nice(THREAD_NICE_LEAST);
    for (;;) {
        if (wait_for(x, well ? (seen < 0 ? 0 : LOOK_MS) : RETRY_MS, well))
            return NULL;
        bool woken = was_woken(x);
        if (woken && wait_for(x, GATHER_MS, false)) /* let some more come: a batch costs more than a turn */
            return NULL;
        int64_t now = store_change_count(x->store);
        if (now != seen)
            news_us = clock_mono_us();
        seen = now;
        well = work(x, (clock_mono_us() - news_us) / 1000);
    }
}
