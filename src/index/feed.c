/* The feeder: takes committed turns out of the store into the index, a batch a transaction. Each batch reads the
 * watermark inside BEGIN IMMEDIATE, so that several processes may feed one index: what one has taken the next
 * one does not take again. Runs at the lowest priority: writes that must be durable come first, and a search sees
 * what is still waiting anyway (tail.c). */
#include "index/intern.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 1000, GATHER_MS = 20, RETRY_MS = 5000, NICE = 19 };

/* ---- one turn ---- */
struct numbers { /* of the turn before: turns mostly come in runs */
    struct str session_id, conversation_id, agent_name;
    int64_t session, conversation, agent;
};

/* The number of a name, given when it is new. */
static enum err_code number_of(struct db *d, enum db_stmt find, enum db_stmt add, struct str name, struct str project,
                               int64_t *out, struct err *e)
{
    for (int round = 0; round < 2; round++) {
        sqlite3_stmt *q = db_stmt(d, find, e);
        if (!q)
            return e->code;
        bind_str(q, 1, name);
        int rc = sqlite3_step(q);
        *out = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
        sqlite3_reset(q);
        if (rc != SQLITE_DONE)
            return db_error(d, rc, e);
        if (!(q = db_stmt(d, add, e)))
            return e->code;
        bind_str(q, 1, name);
        if (add == DB_SESSION_ADD)
            bind_str(q, 2, project);
        rc = sqlite3_step(q);
        sqlite3_reset(q);
        if (rc != SQLITE_DONE)
            return db_error(d, rc, e);
    }
    return err_set(e, ERR_INTERNAL, NULL, "the index cannot number a name");
}

static enum err_code number_turn(struct db *d, struct numbers *m, const struct turn *t, struct err *e)
{
    enum err_code code = ERR_OK;
    if (!m->session || !str_eq(m->session_id, t->session_id))
        code = number_of(d, DB_SESSION_FIND, DB_SESSION_ADD, t->session_id, t->project, &m->session, e);
    if (code == ERR_OK && (!m->conversation || !str_eq(m->conversation_id, t->conversation_id)))
        code =
            number_of(d, DB_CONVERSATION_FIND, DB_CONVERSATION_ADD, t->conversation_id, STR_NONE, &m->conversation, e);
    if (code == ERR_OK && (!m->agent || !str_eq(m->agent_name, t->agent)))
        code = number_of(d, DB_AGENT_FIND, DB_AGENT_ADD, t->agent, STR_NONE, &m->agent, e);
    m->session_id = t->session_id;
    m->conversation_id = t->conversation_id;
    m->agent_name = t->agent;
    return code;
}

static enum err_code step(struct db *d, sqlite3_stmt *q, struct err *e)
{
    int rc = sqlite3_step(q);
    sqlite3_reset(q);
    return db_error(d, rc, e);
}

bool text_asks(struct str text)
{
    text = str_trim(text);
    return str_ends(text, "?");
}

static enum err_code add_doc(struct db *d, const struct numbers *m, const struct turn *t, struct err *e)
{
    const int64_t values[] = {t->seq,       m->session, m->conversation,      t->turn_number,
                              t->timestamp, m->agent,   text_asks(t->content)};
    sqlite3_stmt *q = db_stmt(d, DB_DOC_ADD, e);
    if (!q)
        return e->code;
    for (int i = 0; i < 7; i++)
        sqlite3_bind_int64(q, i + 1, values[i]);
    return step(d, q, e);
}

/* ---- a batch ---- */
struct entry { /* a turn and the row it gets; rows must come in ascending order to go into one segment */
    int64_t row;
    const struct turn *t;
};
struct feeding {
    struct index *x;
    struct db *d;
    struct turn *turns;
    size_t n;
    int64_t taken, last; /* watermark before; the store's last seq */
    int limit;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

static enum err_code count_session(struct db *d, int64_t session, int64_t turns, int64_t bytes, struct err *e)
{
    sqlite3_stmt *q = db_stmt(d, DB_SESSION_COUNT, e);
    if (!q)
        return e->code;
    sqlite3_bind_int64(q, 1, session);
    sqlite3_bind_int64(q, 2, turns);
    sqlite3_bind_int64(q, 3, bytes);
    return step(d, q, e);
}

static enum err_code add_words(struct feeding *f, struct entry *entries, struct err *e)
{
    struct buf text;
    enum err_code code = ERR_OK;
    int64_t turns = 0, bytes = 0;
    buf_init(&text, 0);
    qsort(entries, f->n, sizeof *entries, compare_entries);
    for (size_t i = 0; code == ERR_OK && i < f->n; i++) {
        sqlite3_stmt *q = db_stmt(f->d, DB_WORDS_ADD, e);
        buf_clear(&text);
        buf_str(&text, entries[i].t->agent);
        buf_char(&text, WORDS_SEPARATOR);
        buf_str(&text, entries[i].t->content);
        if (!q || text.failed) {
            code = q ? err_nomem(e) : e->code;
            break;
        }
        sqlite3_bind_int64(q, 1, entries[i].row);
        bind_str(q, 2, buf_view(&text));
        code = step(f->d, q, e);
        turns++;
        bytes += (int64_t)entries[i].t->content.n;
        bool last = i + 1 == f->n || !str_eq(entries[i].t->session_id, entries[i + 1].t->session_id);
        if (code == ERR_OK && last) {
            int64_t session = 0;
            code = number_of(f->d, DB_SESSION_FIND, DB_SESSION_ADD, entries[i].t->session_id, STR_NONE, &session, e);
            if (code == ERR_OK)
                code = count_session(f->d, session, turns, bytes, e);
            turns = bytes = 0;
        }
    }
    buf_release(&text);
    return code;
}

static enum err_code add_turns(struct feeding *f, struct err *e)
{
    struct numbers m = {.session = 0};
    struct entry *entries = arena_array(f->d->scratch, struct entry, f->n + 1);
    if (!entries)
        return err_nomem(e);
    for (size_t i = 0; i < f->n; i++) {
        const struct turn *t = &f->turns[i];
        enum err_code code = number_turn(f->d, &m, t, e);
        if (code == ERR_OK)
            code = add_doc(f->d, &m, t, e);
        if (code)
            return code;
        entries[i] = (struct entry){row_make(m.session, t->seq, t->content.n), t};
    }
    return f->n ? add_words(f, entries, e) : ERR_OK;
}

/* Is the index of this store? Another one may have been put in its place from a backup: then the turn that we
 * remember is not there, or there are fewer than we took. */
static enum err_code check_anchor(struct feeding *f, struct store_tx *tx, struct err *e)
{
    char id[ID_MAX];
    int64_t seq = 0;
    struct turn t;
    struct err found = {0};
    enum err_code code = meta_get(f->d, "anchor", &seq, id, sizeof id, e);
    if (code || seq == 0)
        return code;
    if (f->last < f->taken)
        return err_set(e, ERR_CORRUPT, NULL, "the index is ahead of the store");
    code = turn_by_seq(tx, f->d->scratch, seq, &t, &found);
    if (code == ERR_NOT_FOUND || (code == ERR_OK && str_is(t.id, id)))
        return ERR_OK;
    return err_set(e, code ? code : ERR_CORRUPT, NULL, "%s", code ? found.message : "the index is of another store");
}

enum err_code stored_last(struct store_tx *tx, struct arena *a, int64_t *out, struct err *e)
{
    struct turn *t = NULL;
    size_t n = 0;
    *out = turns_last_seq(tx);
    if (*out > 0)
        return ERR_OK;
    enum err_code code = turns_after(tx, a, STR_NONE, 0, 1, true, &t, &n, e);
    if (code == ERR_OK && n > 0)
        *out = t[n - 1].seq;
    return code;
}

static enum err_code read_turns(struct feeding *f, struct err *e)
{
    struct store_tx *tx = NULL;
    enum err_code code = meta_get(f->d, "taken", &f->taken, NULL, 0, e);
    if (code == ERR_OK)
        code = store_read_begin(f->x->store, &tx, e);
    if (code)
        return code;
    code = stored_last(tx, f->d->scratch, &f->last, e);
    if (code == ERR_OK)
        code = check_anchor(f, tx, e);
    if (code == ERR_OK && f->last > f->taken)
        code = turns_after(tx, f->d->scratch, STR_NONE, f->taken, f->limit, false, &f->turns, &f->n, e);
    store_read_end(tx);
    return code;
}

/* Rows and watermark in one transaction, so that a power cut takes both or neither. */
static enum err_code move_watermark(struct feeding *f, struct err *e)
{
    bool all = f->n < (size_t)f->limit;
    int64_t taken = all || f->n == 0 ? f->last : f->turns[f->n - 1].seq;
    if (f->n) {
        const struct turn *t = &f->turns[f->n - 1];
        enum err_code code = meta_set(f->d, "anchor", t->seq, t->id, e);
        if (code)
            return code;
    }
    metric_set(M_INDEX_LAG, f->last - taken);
    enum err_code code = taken == f->taken ? ERR_OK : meta_set(f->d, "taken", taken, STR_NONE, e);
    f->taken = taken;
    return code;
}

static enum err_code run_batch(struct feeding *f, struct err *e)
{
    arena_reset(f->d->scratch);
    enum err_code code = db_exec(f->d, "BEGIN IMMEDIATE", e);
    if (code)
        return code;
    code = read_turns(f, e);
    if (code == ERR_OK)
        code = add_turns(f, e);
    if (code == ERR_OK)
        code = move_watermark(f, e);
    if (code == ERR_OK)
        code = db_exec(f->d, "COMMIT", e);
    if (!sqlite3_get_autocommit(f->d->db))
        db_exec(f->d, "ROLLBACK", NULL);
    arena_reset(f->d->scratch);
    return code;
}

/* The writer's connection; with `feeding` held. */
static enum err_code open_writer(struct index *x, struct err *e)
{
    if (x->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the index was opened for searching only");
    if (x->writer)
        return ERR_OK;
    if (!file_exists(x->path)) { /* the folder may not be there either, if it could not be made before */
        char dir[PATH_MAX];
        snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(x->path, '/') - x->path), x->path);
        file_mkdirs(dir, NULL);
    }
    return db_open(x->path, DB_WRITE, &x->writer, e);
}

/* A thousand long turns may be more than memory has room for: then fewer, and slowly more again. */
static enum err_code run_fitting_batch(struct index *x, int64_t *n, int64_t *taken, struct err *e)
{
    for (;;) {
        struct err now = {0};
        struct feeding f = {.x = x, .d = x->writer, .limit = x->batch};
        enum err_code code = run_batch(&f, &now);
        if (code == ERR_NOMEM && x->batch > 1) {
            x->batch = x->batch > 8 ? x->batch / 8 : 1;
            continue;
        }
        if (code)
            return err_set(e, code, NULL, "%s", now.message);
        x->batch = x->batch * 2 < FEED_BATCH ? x->batch * 2 : FEED_BATCH;
        *n = (int64_t)f.n;
        *taken = f.taken;
        return ERR_OK;
    }
}

enum err_code feed_batch(struct index *x, int64_t *n, int64_t *taken, struct err *e)
{
    struct err own = {0};
    *n = 0;
    pthread_mutex_lock(&x->feeding);
    enum err_code code = open_writer(x, &own);
    if (code == ERR_OK)
        code = run_fitting_batch(x, n, taken, &own);
    if (code && x->writer) {
        db_close(x->writer);
        x->writer = NULL;
    }
    pthread_mutex_unlock(&x->feeding);
    metric_add(M_INDEX_RECORDS, *n);
    return code ? err_set(e, code, NULL, "%s", own.message) : ERR_OK;
}

enum err_code feed_reset(struct index *x, struct err *e)
{
    if (x->read_only)
        return err_set(e, ERR_READ_ONLY, NULL, "the index was opened for searching only");
    pthread_mutex_lock(&x->feeding);
    db_close(x->writer);
    x->writer = NULL;
    index_close_idle(x);
    enum err_code code = db_reset(x->path, e);
    pthread_mutex_lock(&x->lock);
    x->generation++;
    x->damaged = code != ERR_OK;
    pthread_mutex_unlock(&x->lock);
    pthread_mutex_unlock(&x->feeding);
    return code;
}

/* ---- the thread ---- */
/* Waits until woken or stopped, at most ms. True: stop. */
static bool wait_for(struct index *x, int ms, bool until_woken)
{
    struct timespec at;
    clock_after(ms, &at);
    pthread_mutex_lock(&x->lock);
    int rc = 0;
    while (!x->stop && !(until_woken && x->woken) && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&x->wake, &x->lock, &at);
    bool stop = x->stop;
    pthread_mutex_unlock(&x->lock);
    return stop;
}

static bool is_set(struct index *x, bool *flag, bool clear)
{
    pthread_mutex_lock(&x->lock);
    bool was = *flag;
    if (clear)
        *flag = false;
    pthread_mutex_unlock(&x->lock);
    return was;
}

/* Feeds all there is; false when something went wrong that waiting may mend. */
static bool drain(struct index *x)
{
    struct err e = {0};
    int64_t n = 1, taken;
    while (n > 0 && !is_set(x, &x->stop, false)) {
        enum err_code code = feed_batch(x, &n, &taken, &e);
        if (code == ERR_OK)
            continue;
        if (code == ERR_CORRUPT) {
            log_error("index_damaged", &e);
            err_clear(&e);
            if (feed_reset(x, &e) == ERR_OK) {
                n = 1;
                continue;
            }
        }
        if (code != x->failing)
            log_error("index_feed_failed", &e);
        x->failing = code;
        return false;
    }
    x->failing = ERR_OK;
    return true;
}

void *feed_thread(void *arg)
{
    struct index *x = arg;
    int64_t seen = -1;
    bool well = true;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE); /* of this thread; failing is no harm */
    for (;;) {
        if (wait_for(x, well ? (seen < 0 ? 0 : LOOK_MS) : RETRY_MS, well))
            return NULL;
        bool woken = is_set(x, &x->woken, true);
        if (woken && wait_for(x, GATHER_MS, false)) /* let some more come: a batch costs more than a turn */
            return NULL;
        int64_t now = store_change_count(x->store);
        bool damaged = is_set(x, &x->damaged, false);
        if (!woken && now == seen && well && !damaged)
            continue;
        seen = now;
        if (damaged) {
            struct err e = {0};
            if (feed_reset(x, &e))
                log_error("index_reset_failed", &e);
        }
        well = drain(x);
    }
}
