/* The queue of audit rows. See audit_queue.h. One lock, held for a copy at most; a batch on its way to the disk is
 * detached from it. */
#include "service/audit_queue.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { NOTES_MAX = 8192, AUDIT_BATCH = 512, OLD_MS = 1000, FULL_WAIT_MS = 20, SLOTS = 2048, TEXTS = 12 };

struct audit_note {
    struct audit_note *next;
    uint64_t key; /* 0: stands alone */
    int64_t at, last_at;
    uint32_t times, lengths[TEXTS];
    size_t bytes; /* of all texts but the last, which is the request's id */
    char text[];
};
struct audit_queue {
    struct store *store;
    pthread_mutex_t mu;
    pthread_cond_t less; /* a batch is over */
    struct audit_note *first, **last, *slots[SLOTS];
    size_t n;
    int64_t oldest_ms, lost; /* lost: since the last batch */
    bool writing, failing;
    struct audit_note *batch;
    int64_t batch_lost;
    struct store_job job;
};

struct audit_queue *audit_queue_new(struct store *store)
{
    struct audit_queue *q = mem_zalloc(sizeof *q);
    pthread_condattr_t monotonic;
    if (!q)
        return NULL;
    q->store = store;
    q->last = &q->first;
    pthread_mutex_init(&q->mu, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->less, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

static void free_notes(struct audit_note *n)
{
    for (struct audit_note *next; n; n = next) {
        next = n->next;
        mem_free(n);
    }
}

void audit_queue_free(struct audit_queue *q)
{
    if (!q)
        return;
    free_notes(q->first);
    free_notes(q->batch);
    pthread_cond_destroy(&q->less);
    pthread_mutex_destroy(&q->mu);
    mem_free(q);
}

/* ---- notes ---- */

static void texts_of(const struct audit_row *r, struct str out[TEXTS])
{
    const struct str all[TEXTS] = {r->actor,   r->action, r->record_kind, r->record_id, r->project, r->session,
                                   r->outcome, r->door,   r->peer,        r->reason,    r->details, r->request_id};
    memcpy(out, all, sizeof all);
}

static struct audit_row row_of(const struct audit_note *n)
{
    struct str t[TEXTS];
    const char *at = n->text;
    for (size_t i = 0; i < TEXTS; at += n->lengths[i++])
        t[i] = (struct str){at, n->lengths[i]};
    return (struct audit_row){.at = n->at,
                              .actor = t[0],
                              .action = t[1],
                              .record_kind = t[2],
                              .record_id = t[3],
                              .project = t[4],
                              .session = t[5],
                              .outcome = t[6],
                              .door = t[7],
                              .peer = t[8],
                              .reason = t[9],
                              .details = t[10],
                              .request_id = t[11]};
}

/* Eight bytes at a time; never 0. */
static uint64_t mix(uint64_t h, struct str s)
{
    uint64_t w = s.n;
    for (size_t i = 0; i < s.n; i += 8) {
        size_t n = s.n - i < 8 ? s.n - i : 8;
        h = (h ^ w) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
        w = 0;
        memcpy(&w, s.p + i, n);
    }
    h = (h ^ w) * 0xbf58476d1ce4e5b9u;
    return h ^ h >> 32;
}

static uint64_t key_of(const struct str t[TEXTS])
{
    uint64_t h = 1;
    for (size_t i = 0; i + 1 < TEXTS; i++)
        h = mix(h, t[i]);
    return h ? h : 1;
}

static bool same(const struct audit_note *n, uint64_t key, const struct str t[TEXTS])
{
    const char *at = n->text;
    if (n->key != key)
        return false;
    for (size_t i = 0; i + 1 < TEXTS; at += n->lengths[i++]) {
        if (n->lengths[i] != t[i].n || (t[i].n && memcmp(at, t[i].p, t[i].n) != 0))
            return false;
    }
    return true;
}

static struct audit_note *note_new(const struct audit_row *r, const struct str t[TEXTS], uint64_t key)
{
    size_t bytes = 0;
    for (size_t i = 0; i < TEXTS; i++)
        bytes += t[i].n;
    struct audit_note *n = mem_alloc(sizeof *n + bytes);
    if (!n)
        return NULL;
    *n = (struct audit_note){.key = key, .at = r->at, .last_at = r->at, .times = 1, .bytes = bytes};
    char *at = n->text;
    for (size_t i = 0; i < TEXTS; at += t[i++].n) {
        n->lengths[i] = (uint32_t)t[i].n;
        if (t[i].n)
            memcpy(at, t[i].p, t[i].n);
    }
    return n;
}

/* ---- writing a batch: on the writer's thread ---- */

/* {"times":5,"until":"…", and what was there */
static struct str counted(struct buf *b, const struct audit_note *n, struct str details)
{
    char until[CLOCK_TEXT];
    (void)clock_format(n->last_at, until);
    buf_clear(b);
    buf_fmt(b, "{\"times\":%" PRIu32 ",\"until\":\"%s\"", n->times, until);
    if (details.n > 2) {
        buf_char(b, ',');
        buf_str(b, str_skip(details, 1));
    } else {
        buf_char(b, '}');
    }
    return b->failed ? details : buf_view(b);
}

static enum err_code write_gap(struct store_tx *tx, int64_t lost, struct err *e)
{
    char details[60];
    int n = snprintf(details, sizeof details, "{\"lost\":%" PRId64 "}", lost);
    const struct audit_row r = {.at = clock_now_ms(),
                                .actor = STR("cairn"),
                                .action = STR("audit.gap"),
                                .project = STR(AUDIT_STORE),
                                .outcome = STR("failed"),
                                .door = STR("internal"),
                                .details = {details, (size_t)n}};
    return audit_append(tx, &r, e);
}

static enum err_code write_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct audit_queue *q = arg;
    struct buf b;
    enum err_code code = ERR_OK;
    audit_only(tx);
    buf_init(&b, 0);
    for (const struct audit_note *n = q->batch; n && !code; n = n->next) {
        struct audit_row r = row_of(n);
        if (n->times > 1)
            r.details = counted(&b, n, r.details);
        code = audit_append(tx, &r, e);
    }
    buf_release(&b);
    if (!code && q->batch_lost)
        code = write_gap(tx, q->batch_lost, e);
    return code;
}

/* Detaches what waits, behind a batch that failed before. Under mu. False: there is nothing to write. */
static bool take_batch(struct audit_queue *q)
{
    struct audit_note **end = &q->batch;
    if (q->writing || (!q->batch && !q->first && !q->lost))
        return false;
    while (*end)
        end = &(*end)->next;
    *end = q->first;
    q->first = NULL;
    q->last = &q->first;
    memset(q->slots, 0, sizeof q->slots);
    q->batch_lost += q->lost;
    q->lost = 0;
    q->writing = true;
    return true;
}

static void batch_over(struct audit_queue *q, enum err_code code, const struct err *e)
{
    struct audit_note *written = NULL;
    size_t n = 0;
    if (code) /* first: `e` is the queue's, which may be gone once it is not writing any more */
        log_event(LOG_WARN, "audit_waits", L_CSTR("message", e->message));
    pthread_mutex_lock(&q->mu);
    q->failing = code != ERR_OK;
    if (!code) {
        written = q->batch;
        for (const struct audit_note *w = written; w; w = w->next)
            n++;
        q->n -= n;
        q->batch = NULL;
        q->batch_lost = 0;
    }
    q->writing = false;
    pthread_cond_broadcast(&q->less);
    pthread_mutex_unlock(&q->mu);
    free_notes(written);
    metric_add(M_AUDIT_WRITTEN, (int64_t)n);
}

static void batch_done(struct store_job *job)
{
    batch_over(job->arg, job->code, &job->err);
}

static void submit(struct audit_queue *q)
{
    q->job = (struct store_job){.fn = write_on, .arg = q, .done = batch_done};
    store_submit(q->store, &q->job);
}

/* ---- adding ---- */

/* Under mu. */
static bool has_room(struct audit_queue *q)
{
    struct timespec until;
    int rc = 0;
    clock_after(FULL_WAIT_MS, &until);
    while (q->n >= NOTES_MAX && q->writing && !q->failing && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&q->less, &q->mu, &until);
    return q->n < NOTES_MAX;
}

/* Under mu. */
static void put(struct audit_queue *q, const struct audit_row *r, const struct str t[TEXTS], uint64_t key)
{
    struct audit_note **slot = &q->slots[key % SLOTS];
    if (key && *slot && same(*slot, key, t)) {
        (*slot)->times++;
        (*slot)->last_at = r->at;
        return;
    }
    struct audit_note *n = q->n < NOTES_MAX || has_room(q) ? note_new(r, t, key) : NULL;
    if (!n) {
        q->lost++;
        metric_add(M_AUDIT_LOST, 1);
        return;
    }
    if (!q->first)
        q->oldest_ms = r->at;
    *q->last = n;
    q->last = &n->next;
    q->n++;
    if (key)
        *slot = n;
}

void audit_queue_add(struct audit_queue *q, const struct audit_row *r, bool alike)
{
    struct str t[TEXTS];
    texts_of(r, t);
    uint64_t key = alike ? key_of(t) : 0;
    pthread_mutex_lock(&q->mu);
    put(q, r, t, key);
    bool due = q->n >= AUDIT_BATCH || r->at - q->oldest_ms >= OLD_MS;
    bool go = due && !q->failing && take_batch(q);
    pthread_mutex_unlock(&q->mu);
    if (go)
        submit(q);
}

void audit_queue_lose(struct audit_queue *q)
{
    pthread_mutex_lock(&q->mu);
    q->lost++;
    pthread_mutex_unlock(&q->mu);
    metric_add(M_AUDIT_LOST, 1);
}

void audit_queue_tick(struct audit_queue *q)
{
    pthread_mutex_lock(&q->mu);
    bool go = take_batch(q);
    pthread_mutex_unlock(&q->mu);
    if (go)
        submit(q);
}

enum err_code audit_queue_flush(struct audit_queue *q, struct err *e)
{
    enum err_code code = ERR_OK;
    pthread_mutex_lock(&q->mu);
    while (q->writing)
        pthread_cond_wait(&q->less, &q->mu);
    bool go = take_batch(q);
    pthread_mutex_unlock(&q->mu);
    if (go) {
        struct err why = {0};
        code = store_write(q->store, write_on, q, &why);
        batch_over(q, code, &why);
        if (code && e && !e->code)
            *e = why;
    }
    return code;
}
