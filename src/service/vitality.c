/* Vitality of events: fading, rising, archiving. */
#include "service/vitality.h"

#include "base/clock.h"
#include "config/config.h"

#include <math.h>

enum { PAGE = 500, RISE_MAX = 100 };

/* The stored value is left as it is until it is wrong by this much: else every event would be written every time. */
static const double VISIBLE = 0.05;

double vitality_faded(double stored, int64_t at, int64_t now, double per_hour)
{
    double hours = now > at ? (double)(now - at) / 3600000.0 : 0;
    double v = stored * exp(-per_hour * hours);
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* An event noted before there was a vitality_at fades from when it was made. */
static double faded(const struct record *event, int64_t now, double per_hour)
{
    int64_t at = record_int(event, "vitality_at");
    return vitality_faded(record_real(event, "vitality"), at ? at : event->created_at, now, per_hour);
}

double vitality_of(const struct service *svc, const struct record *event, int64_t now)
{
    return faded(event, now, config_real(svc->options.config, "events.fade_per_hour"));
}

/* ---- rising ---- */

enum err_code vitality_raise(struct store_tx *tx, struct arena *a, struct str event_id, double by, double per_hour,
                             int64_t now, struct err *e)
{
    struct record *event, *patch = record_new(a, KIND_EVENT);
    struct err why = {0};
    if (!patch)
        return err_nomem(e);
    enum err_code code = record_get(tx, a, KIND_EVENT, event_id, STR_NONE, &event, &why);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code)
        return err_set(e, code, NULL, "%s", why.message);
    record_set(patch, "vitality", V_REAL(fmin(1, faded(event, now, per_hour) + by)));
    record_set(patch, "vitality_at", V_INT(now));
    record_set(patch, "status", V_TEXT(STR("active")));
    return record_update(tx, a, event->seq, patch, e);
}

struct rise {
    struct store_job job;
    struct arena *arena;
    struct str ids[RISE_MAX];
    size_t n;
    double by, per_hour;
    int64_t now;
};

static enum err_code rise_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct rise *r = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < r->n && !code; i++)
        code = vitality_raise(tx, r->arena, r->ids[i], r->by, r->per_hour, r->now, e);
    return code;
}

static void rise_done(struct store_job *job)
{
    arena_free(((struct rise *)job->arg)->arena);
}

void vitality_rise(struct service *svc, const struct str *ids, size_t n, double by)
{
    if (n == 0 || svc->options.read_only)
        return;
    struct arena *a = arena_new();
    struct rise *r = a ? arena_alloc(a, sizeof *r) : NULL;
    for (size_t i = 0; r && i < n && i < RISE_MAX; i++)
        r->ids[r->n++] = arena_str(a, ids[i]);
    if (!r || arena_failed(a)) {
        if (a)
            arena_free(a);
        return;
    }
    r->arena = a;
    r->by = by;
    r->now = clock_now_ms();
    r->per_hour = config_real(svc->options.config, "events.fade_per_hour");
    r->job = (struct store_job){.fn = rise_on, .arg = r, .done = rise_done};
    store_submit(svc->store, &r->job);
}

/* ---- writing down what has faded ---- */

struct page {
    struct arena *arena;
    int64_t after, now;
    double per_hour, archive_below;
    struct record **rows;
    size_t n;
    int64_t written, archived;
};

static bool is_due(const struct page *p, const struct record *r)
{
    if (r->deleted_at || str_is(record_text(r, "status"), "archived"))
        return false;
    double v = faded(r, p->now, p->per_hour);
    return v < p->archive_below || record_real(r, "vitality") - v >= VISIBLE;
}

static enum err_code write_one(struct store_tx *tx, struct page *p, int64_t seq, struct err *e)
{
    struct record *now, *patch = record_new(p->arena, KIND_EVENT);
    if (!patch)
        return err_nomem(e);
    /* read again: it may have been recalled since the page was read */
    enum err_code code = record_by_seq(tx, p->arena, KIND_EVENT, seq, &now, e);
    if (code || !is_due(p, now))
        return code;
    double v = faded(now, p->now, p->per_hour);
    record_set(patch, "vitality", V_REAL(v));
    record_set(patch, "vitality_at", V_INT(p->now));
    if (v < p->archive_below)
        record_set(patch, "status", V_TEXT(STR("archived")));
    p->written++;
    p->archived += v < p->archive_below;
    return record_update(tx, p->arena, seq, patch, e);
}

static enum err_code page_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct page *p = arg;
    enum err_code code = ERR_OK;
    p->written = p->archived = 0; /* it may run again */
    for (size_t i = 0; i < p->n && !code; i++) {
        if (is_due(p, p->rows[i]))
            code = write_one(tx, p, p->rows[i]->seq, e);
    }
    return code;
}

static bool any_due(const struct page *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (is_due(p, p->rows[i]))
            return true;
    }
    return false;
}

static enum err_code next_page(struct service *svc, struct page *p, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = record_after(tx, p->arena, KIND_EVENT, p->after, PAGE, &p->rows, &p->n, e);
    store_read_end(tx);
    if (!code && any_due(p))
        code = store_write(svc->store, page_on, p, e);
    return code;
}

enum err_code vitality_run(struct service *svc, struct arena *a, struct vitality_done *done, struct err *e)
{
    enum err_code code = ERR_OK;
    struct page p = {.arena = arena_new(),
                     .now = clock_now_ms(),
                     .per_hour = config_real(svc->options.config, "events.fade_per_hour"),
                     .archive_below = config_real(svc->options.config, "events.archive_below")};
    (void)a;
    *done = (struct vitality_done){0};
    if (!p.arena)
        return err_nomem(e);
    do {
        arena_reset(p.arena);
        p.written = p.archived = 0;
        code = next_page(svc, &p, e);
        p.after = !code && p.n ? p.rows[p.n - 1]->seq : p.after;
        done->seen += code ? 0 : (int64_t)p.n;
        done->written += p.written;
        done->archived += p.archived;
    } while (!code && p.n == PAGE);
    arena_free(p.arena);
    return code;
}

enum err_code vitality_task(struct service *svc, struct arena *a, struct err *e)
{
    struct vitality_done done;
    return vitality_run(svc, a, &done, e);
}
