/* The audit log in the service: operations' rows, deeds that are no operations, opening and closing. See audit.h. */
#include "service/audit.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/config.h"
#include "service/audit_int.h"
#include "service/operation_run.h"

#include <string.h>

enum { FILE_ROWS = 500, CUT_ROWS = 2000, DAY_MS = 86400000 };

/* ---- what calls touch ---- */

void audit_touch(struct op_call *c, const struct kind *k, struct str id)
{
    audit_trace_add(&c->audit, c->arena, k, id);
}

void audit_made(struct op_call *c, const struct kind *k, struct str id)
{
    audit_trace_main(&c->audit, c->arena, k, id);
}

void audit_touch_record(struct op_call *c, const struct record *r)
{
    audit_trace_record(&c->audit, c->arena, r);
}

void audit_place(struct op_call *c, struct str session_id, struct str project)
{
    if (session_id.n)
        c->audit.session = arena_str(c->arena, session_id);
    if (project.p)
        c->audit.project = arena_str(c->arena, project);
}

void audit_count(struct op_call *c, const char *name, int64_t n)
{
    audit_trace_count(&c->audit, name, n);
}

/* ---- calls ---- */

bool audit_wanted(const struct op_call *c)
{
    return c->svc->audit && c->op->permission != PERM_NONE && !(c->op->flags & OP_UNAUDITED);
}

enum err_code audit_call_write(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct audit_row r;
    enum err_code code = audit_row_of_call(c, ERR_OK, &r, e);
    if (!code)
        code = audit_append(tx, &r, e);
    c->audit.written = code == ERR_OK;
    return code;
}

void audit_call_note(struct op_call *c, enum err_code code)
{
    struct audit_row r;
    struct err why = {0};
    if (c->audit.written)
        return;
    if (audit_row_of_call(c, code, &r, &why)) {
        audit_queue_lose(c->svc->audit->queue);
        return;
    }
    audit_queue_add(c->svc->audit->queue, &r, access_of(c->op) == ACCESS_READ || code != ERR_OK);
}

/* ---- kept answers: each text behind its length ---- */

enum { SUBJECT_TEXTS = sizeof(struct audit_subject) / sizeof(struct str) };

void audit_keep(struct op_call *c, struct buf *b)
{
    struct audit_subject s;
    if (!audit_wanted(c) || !audit_subject_make(c->svc->audit, c->arena, &c->audit, &s))
        return;
    const struct str texts[SUBJECT_TEXTS] = {s.record_kind, s.record_id, s.session, s.project, s.details};
    for (size_t i = 0; i < SUBJECT_TEXTS; i++) {
        uint32_t n = (uint32_t)texts[i].n;
        buf_put(b, &n, sizeof n);
        buf_str(b, texts[i]);
    }
}

void audit_kept(struct op_call *c, struct str bytes)
{
    struct audit_subject *s = bytes.n ? arena_alloc(c->arena, sizeof *s) : NULL;
    struct str own = s ? arena_str(c->arena, bytes) : STR_NONE;
    if (!own.p)
        return;
    struct str *const texts[SUBJECT_TEXTS] = {&s->record_kind, &s->record_id, &s->session, &s->project, &s->details};
    for (size_t i = 0; i < SUBJECT_TEXTS; i++) {
        uint32_t n;
        memcpy(&n, own.p, sizeof n);
        *texts[i] = str_take(str_skip(own, sizeof n), n);
        own = str_skip(own, sizeof n + n);
    }
    c->audit.kept = s;
}

/* ---- deeds ---- */

static bool row_of_deed(const struct audit *a, struct arena *arena, const struct audit_deed *d, struct audit_row *out)
{
    struct audit_subject s;
    if (!audit_subject_make(a, arena, &d->trace, &s))
        return false;
    struct str project = s.project.p ? s.project : d->project;
    *out = (struct audit_row){.at = clock_now_ms(),
                              .actor = d->actor.n ? d->actor : STR("cairn"),
                              .action = str_of(d->action),
                              .record_kind = s.record_kind,
                              .record_id = s.record_id,
                              .project = project.p ? project : STR(AUDIT_STORE),
                              .session = s.session,
                              .reason = d->reason,
                              .outcome = d->outcome ? str_of(d->outcome) : STR("ok"),
                              .request_id = d->request_id,
                              .door = str_of(d->from.door ? d->from.door : "internal"),
                              .peer = d->from.peer,
                              .details = s.details};
    return true;
}

enum err_code audit_deed_write(struct service *s, struct store_tx *tx, const struct audit_deed *d, struct err *e)
{
    struct audit_row r;
    if (!s->audit)
        return ERR_OK;
    struct arena *a = arena_new();
    enum err_code code = a && row_of_deed(s->audit, a, d, &r) ? audit_append(tx, &r, e) : err_nomem(e);
    if (a)
        arena_free(a);
    return code;
}

void audit_deed_note(struct service *s, const struct audit_deed *d)
{
    struct audit_row r;
    struct arena *a = s->audit ? arena_new() : NULL;
    if (a && row_of_deed(s->audit, a, d, &r))
        audit_queue_add(s->audit->queue, &r, true);
    else if (s->audit)
        audit_queue_lose(s->audit->queue);
    if (a)
        arena_free(a);
}

enum err_code audit_own(struct service *s, struct store_tx *tx, const char *action, const struct record *r,
                        const char *figure, int64_t n, struct err *e)
{
    struct audit_deed d = {.action = action};
    audit_trace_record(&d.trace, NULL, r); /* one record needs no memory */
    if (figure)
        audit_trace_count(&d.trace, figure, n);
    return audit_deed_write(s, tx, &d, e);
}

/* ---- life ---- */

static enum err_code read_salt(struct audit *a, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(a->store, &tx, e);
    if (code)
        return code;
    code = audit_salt(tx, a->salt, e);
    store_read_end(tx);
    return code;
}

/* Servers only: commands come and go. */
static void note_life(struct service *s, const char *action)
{
    if (s->audit && s->options.background)
        audit_deed_note(s, &(struct audit_deed){.action = action});
}

static enum err_code still_open(struct service *s, bool *writable, struct err *e)
{
    struct store_stats stats;
    enum err_code code = store_stats(s->store, &stats, e);
    *writable = !code && stats.writable;
    return code;
}

/* Where it was on before, a row tells that it is off from now on. */
static enum err_code switched_off(struct store_tx *tx, void *arg, struct err *e)
{
    struct audit_row *last, r = {.at = clock_now_ms(),
                                 .actor = STR("cairn"),
                                 .action = STR("audit.off"),
                                 .project = STR(AUDIT_STORE),
                                 .outcome = STR("ok"),
                                 .door = STR("internal")};
    const struct audit_query q = {.limit = 1};
    size_t n;
    audit_only(tx);
    enum err_code code = audit_list(tx, arg, &q, &last, &n, e);
    if (code || !n || str_is(last->action, "audit.off"))
        return code;
    return audit_append(tx, &r, e);
}

static enum err_code stay_off(struct service *s, struct err *e)
{
    struct arena *a = arena_new();
    enum err_code code = a ? store_write(s->store, switched_off, a, e) : err_nomem(e);
    if (a)
        arena_free(a);
    return code;
}

enum err_code audit_open(struct service *s, struct err *e)
{
    bool writable;
    enum err_code code = still_open(s, &writable, e);
    if (code || !writable)
        return code;
    if (!config_bool(s->options.config, "privacy.audit_enabled"))
        return stay_off(s, e);
    struct audit *a = mem_zalloc(sizeof *a);
    if (!a)
        return err_nomem(e);
    a->store = s->store;
    a->queue = audit_queue_new(s->store);
    code = a->queue ? read_salt(a, e) : err_nomem(e);
    if (code) {
        audit_queue_free(a->queue);
        mem_free(a);
        return code;
    }
    s->audit = a;
    note_life(s, "service.start");
    return ERR_OK;
}

void audit_close(struct service *s)
{
    struct err e = {0};
    if (!s->audit)
        return;
    note_life(s, "service.stop");
    if (audit_queue_flush(s->audit->queue, &e))
        log_error("audit_not_written", &e);
    audit_queue_free(s->audit->queue);
    mem_free(s->audit);
    s->audit = NULL;
}

void audit_tick(struct service *s)
{
    if (s->audit)
        audit_queue_tick(s->audit->queue);
}

/* ---- upkeep ---- */

enum err_code audit_index_task(struct service *s, struct arena *a, struct err *e)
{
    struct audit_indexing w = {.limit = FILE_ROWS, .more = true};
    enum err_code code = ERR_OK;
    (void)a;
    while (s->audit && w.more && !code)
        code = store_write(s->store, audit_index, &w, e);
    return code;
}

enum err_code audit_cut_task(struct service *s, struct arena *a, struct err *e)
{
    int64_t days = config_int(s->options.config, "audit.keep_days"), now = clock_now_ms();
    struct audit_cutting w = {.before = now - days * DAY_MS, .now = now, .limit = CUT_ROWS, .cut = CUT_ROWS};
    enum err_code code = ERR_OK;
    (void)a;
    while (s->audit && days && w.cut == CUT_ROWS && !code)
        code = store_write(s->store, audit_cut, &w, e);
    return code;
}
