/* The thread behind the writes: wakes after commits, lets each follower see the turns after its mark, runs the tasks
 * that are due, sleeps. See background.h. */
#include "service/background.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "service/audit.h"
#include "service/context_load.h"
#include "store/records.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, LOOK_MS = 1000, GATHER_MS = 200, RETRY_MS = 3000, TRIES = 3, FOLLOWERS_MAX = 16, TASKS_MAX = 16 };

struct background {
    struct service *svc;
    pthread_t thread;
    bool runs;
    int lock; /* descriptor, -1: not ours yet */
    pthread_mutex_t mu;
    pthread_cond_t some;
    bool woken, stop;
    int failures[FOLLOWERS_MAX];
    int64_t due_ms[TASKS_MAX];
};

/* Followers run on one thread at a time, whichever process-wide caller asks. */
static pthread_mutex_t following = PTHREAD_MUTEX_INITIALIZER;

/* ---- marks ---- */

static enum err_code mark_read(struct store_tx *tx, struct arena *a, const char *name, int64_t *out, int64_t *seq,
                               struct err *e)
{
    struct record *r;
    struct err why = {0};
    enum err_code code = record_get(tx, a, KIND_PROGRESS, str_of(name), STR(""), &r, &why);
    *out = 0;
    *seq = 0;
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    *out = record_int(r, "position");
    *seq = r->seq;
    return ERR_OK;
}

static enum err_code mark_write(struct store_tx *tx, struct arena *a, const char *name, int64_t position, struct err *e)
{
    int64_t before, seq;
    enum err_code code = mark_read(tx, a, name, &before, &seq, e);
    struct record *r = code ? NULL : record_new(a, KIND_PROGRESS);
    if (!r)
        return code ? code : err_nomem(e);
    record_set(r, "position", V_INT(position));
    if (seq)
        return record_update(tx, a, seq, r, e);
    r->id = str_of(name);
    r->project = STR("");
    return record_insert(tx, a, r, e);
}

/* ---- one batch ---- */

struct batch_write {
    struct service *svc;
    const struct follower *f;
    struct arena *arena;
    size_t turns;
    void *plan;
    int64_t from, to;
};

/* In the audit log: that something was made of so many turns, up to this one. */
static enum err_code tell(struct store_tx *tx, const struct batch_write *w, struct err *e)
{
    struct audit_deed d = {.action = arena_fmt(w->arena, "background.%s", w->f->name).p};
    audit_trace_count(&d.trace, "turns", (int64_t)w->turns);
    audit_trace_count(&d.trace, "up_to_turn", w->to);
    return d.action ? audit_deed_write(w->svc, tx, &d, e) : err_nomem(e);
}

/* Another process may have moved the mark meanwhile: then this batch is its, not ours. */
static enum err_code write_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct batch_write *w = arg;
    int64_t at, seq;
    enum err_code code = mark_read(tx, w->arena, w->f->name, &at, &seq, e);
    if (code || at != w->from)
        return code;
    if (w->plan)
        code = w->f->apply(tx, w->arena, w->plan, e);
    if (!code && w->plan)
        code = tell(tx, w, e);
    return code ? code : mark_write(tx, w->arena, w->f->name, w->to, e);
}

static enum err_code read_batch(struct service *s, struct batch_write *w, struct turn **turns, size_t *n, struct err *e)
{
    struct store_tx *tx;
    int64_t seq;
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = mark_read(tx, w->arena, w->f->name, &w->from, &seq, e);
    if (!code)
        code = turns_after(tx, w->arena, STR_NONE, w->from, BATCH, false, turns, n, e);
    store_read_end(tx);
    w->turns = code ? 0 : *n;
    w->to = !code && *n ? (*turns)[*n - 1].seq : w->from;
    return code;
}

/* Nothing is learnt from what is left out. */
static size_t without_left_out(struct turn *turns, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!turn_left_out(&turns[i]))
            turns[kept++] = turns[i];
    return kept;
}

/* *more: there was a batch. `skip`: it is left out. */
static enum err_code follow_once(struct service *s, const struct follower *f, bool skip, bool *more, struct err *e)
{
    struct arena *a = arena_new();
    struct turn *turns = NULL;
    size_t n = 0;
    struct batch_write w = {.svc = s, .f = f, .arena = a};
    enum err_code code = a ? read_batch(s, &w, &turns, &n, e) : err_nomem(e);
    *more = n > 0;
    if (!code && n && !skip) {
        struct follow_batch b = {s, a, turns, without_left_out(turns, n)};
        code = b.n ? f->think(&b, &w.plan, e) : ERR_OK;
    }
    if (!code && n)
        code = store_write(s->store, write_on, &w, e);
    if (a)
        arena_free(a);
    return code;
}

/* Under the same lock, so that who catches up finds all written that was noted before. */
static void write_loads(struct service *s)
{
    pthread_mutex_lock(&following);
    context_loads_write(s);
    audit_tick(s);
    pthread_mutex_unlock(&following);
}

void background_hold(struct service *s)
{
    pthread_mutex_lock(&following);
    context_loads_write(s);
}

void background_go_on(void)
{
    pthread_mutex_unlock(&following);
}

enum err_code background_catch_up(struct service *s, struct err *e)
{
    size_t n;
    const struct follower *all = background_followers(&n);
    enum err_code code = ERR_OK;
    write_loads(s);
    pthread_mutex_lock(&following);
    for (size_t i = 0; i < n && !code; i++) {
        bool more = true;
        while (more && !code)
            code = follow_once(s, &all[i], false, &more, e);
    }
    pthread_mutex_unlock(&following);
    return code;
}

/* ---- the thread ---- */

static bool stopping(struct background *b)
{
    pthread_mutex_lock(&b->mu);
    bool stop = b->stop;
    pthread_mutex_unlock(&b->mu);
    return stop;
}

/* One process of a data folder does this work; the others try again each round. */
static bool have_lock(struct background *b)
{
    char path[4096];
    if (b->lock >= 0)
        return true;
    int n = snprintf(path, sizeof path, "%s/background.lock", store_dir(b->svc->store));
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        b->lock = fd;
    else if (fd >= 0)
        close(fd);
    return b->lock >= 0;
}

static bool follow(struct background *b, size_t i, const struct follower *f)
{
    struct err e = {0};
    bool more = false;
    pthread_mutex_lock(&following);
    bool skip = b->failures[i] >= TRIES;
    enum err_code code = follow_once(b->svc, f, skip, &more, &e);
    pthread_mutex_unlock(&following);
    if (code) {
        b->failures[i]++;
        log_event(LOG_WARN, "follower_failed", L_CSTR("follower", f->name), L_INT("failures", b->failures[i]),
                  L_CSTR("message", e.message));
        return false;
    }
    if (skip)
        log_event(LOG_ERROR, "follower_left_out_turns", L_CSTR("follower", f->name));
    b->failures[i] = 0;
    return more;
}

/* Whether anybody has more to see. */
static bool follow_all(struct background *b)
{
    size_t n;
    const struct follower *all = background_followers(&n);
    bool more = false;
    for (size_t i = 0; i < n && i < FOLLOWERS_MAX && !stopping(b); i++)
        more = follow(b, i, &all[i]) || more;
    return more;
}

static void run_task(struct background *b, const struct upkeep_task *t)
{
    struct err e = {0};
    struct arena *a = arena_new();
    enum err_code code = a ? t->run(b->svc, a, &e) : err_nomem(&e);
    if (code)
        log_event(LOG_WARN, "task_failed", L_CSTR("task", t->name), L_CSTR("message", e.message));
    if (a)
        arena_free(a);
}

static void run_due(struct background *b)
{
    size_t n;
    const struct upkeep_task *all = background_tasks(&n);
    for (size_t i = 0; i < n && i < TASKS_MAX && !stopping(b); i++) {
        int64_t now = clock_mono_us() / 1000;
        if (now < b->due_ms[i])
            continue;
        run_task(b, &all[i]);
        b->due_ms[i] = now + (int64_t)all[i].every_seconds * 1000;
    }
}

/* Until `ms` have passed, or earlier when woken (where that counts) or stopped. */
static void wait_for(struct background *b, int ms, bool until_woken)
{
    struct timespec at;
    int rc = 0;
    clock_after(ms, &at);
    pthread_mutex_lock(&b->mu);
    while (!b->stop && !(until_woken && b->woken) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&b->some, &b->mu, &at);
    pthread_mutex_unlock(&b->mu);
}

static bool take_woken(struct background *b)
{
    pthread_mutex_lock(&b->mu);
    bool woken = b->woken;
    b->woken = false;
    pthread_mutex_unlock(&b->mu);
    return woken;
}

static bool failing(const struct background *b)
{
    for (size_t i = 0; i < FOLLOWERS_MAX; i++) {
        if (b->failures[i])
            return true;
    }
    return false;
}

static void *work(void *arg)
{
    struct background *b = arg;
    thread_nice(THREAD_NICE_LEAST);
    while (!stopping(b)) {
        write_loads(b->svc); /* each process its own */
        bool ours = have_lock(b), more = ours && follow_all(b);
        if (ours)
            run_due(b);
        if (more)
            continue;
        bool well = !failing(b);
        wait_for(b, well ? LOOK_MS : RETRY_MS, well);
        if (take_woken(b)) /* let a burst of writes gather into one batch */
            wait_for(b, GATHER_MS, false);
    }
    return NULL;
}

enum err_code background_open(struct service *s, struct background **out, struct err *e)
{
    size_t n;
    const struct upkeep_task *all = background_tasks(&n);
    struct background *b = mem_zalloc(sizeof *b);
    pthread_condattr_t monotonic;
    if (!b)
        return err_nomem(e);
    b->svc = s;
    b->lock = -1;
    pthread_mutex_init(&b->mu, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&b->some, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; i < n && i < TASKS_MAX; i++)
        b->due_ms[i] = clock_mono_us() / 1000 + (int64_t)all[i].every_seconds * 1000;
    b->runs = pthread_create(&b->thread, NULL, work, b) == 0;
    if (!b->runs) {
        background_close(b);
        return err_set(e, ERR_NOMEM, NULL, "cannot start the background thread");
    }
    *out = b;
    return ERR_OK;
}

void background_wake(struct background *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->mu);
    b->woken = true;
    pthread_cond_signal(&b->some);
    pthread_mutex_unlock(&b->mu);
}

void background_close(struct background *b)
{
    if (!b)
        return;
    pthread_mutex_lock(&b->mu);
    b->stop = true;
    pthread_cond_signal(&b->some);
    pthread_mutex_unlock(&b->mu);
    if (b->runs)
        pthread_join(b->thread, NULL);
    write_loads(b->svc);
    if (b->lock >= 0)
        close(b->lock);
    pthread_cond_destroy(&b->some);
    pthread_mutex_destroy(&b->mu);
    mem_free(b);
}
