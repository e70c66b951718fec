/* See redact.h. As an operation: in calls of some seconds each, which the caller repeats with the cursor it was given;
 * rows that are masked already are passed over, so whoever breaks off may begin again. What was found is counted by
 * kind and type; what it said is told to nobody. */
#include "service/redact.h"

#include "service/features.h"
#include "service/learning.h"
#include "service/masking.h"
#include "service/operation_run.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/erase.h"
#include "store/remask.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 200, CALL_MS = 5000, COUNTS = 128, SUMMARIES_MAX = 1000 };

/* ---- what follows ---- */

/* A purge that fails is tried again by the task: the turns stay noted as stale. */
enum err_code redact_finish(struct service *s, struct err *e)
{
    struct store_tx *tx;
    struct stale stale;
    int64_t dropped;
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = stale_turns(tx, &stale, e);
    store_read_end(tx);
    if (!code && stale.to) {
        code = store_unlearn_turns(s->store, stale.from, stale.to, &dropped, e);
        if (!code)
            code = index_purge(s->index, e);
        if (!code)
            code = meaning_purge(s->meaning, s->options.dir, e);
        if (!code)
            code = stale_clear(s->store, &stale, e);
    }
    return code ? code : store_scrub(s->store, e);
}

/* ---- sessions that are due ---- */

struct due {
    int64_t seq;
    struct str id, level;
};

/* Topics are single words: which of them were a part of what is masked now, nobody can tell. A caller's own stay. */
static enum err_code drop_topics(struct store_tx *tx, struct arena *a, struct str session_id, struct err *e)
{
    struct record **rows, *patch = record_new(a, KIND_SUMMARY);
    size_t n;
    if (!patch)
        return err_nomem(e);
    record_set(patch, "key_topics", V_TEXT(STR("[]")));
    enum err_code code = records_of(tx, a, KIND_SUMMARY, "session_id", session_id, 0, SUMMARIES_MAX, &rows, &n, e);
    for (size_t i = 0; i < n && !code; i++)
        if (!str_is(record_text(rows[i], "method"), "given"))
            code = record_update(tx, a, rows[i]->seq, patch, e);
    return code;
}

/* What was learnt of the old words goes with the mark. */
static enum err_code done_on(struct store_tx *tx, void *arg, struct err *e)
{
    const struct due *d = arg;
    struct record *session;
    struct err why = {0};
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = record_get(tx, a, KIND_SESSION, d->id, STR_NONE, &session, &why);
    if (!code)
        code = learning_forget(tx, a, session, &why);
    if (!code)
        code = drop_topics(tx, a, d->id, &why);
    if (!code || code == ERR_NOT_FOUND) /* deleted: nothing of it is shown */
        code = remask_done(tx, d->seq, d->level, &why);
    if (code && e)
        *e = why;
    arena_free(a);
    return code;
}

static enum err_code find_due(struct service *s, struct arena *a, struct due *d, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = remask_due(tx, a, &d->seq, &d->id, &d->level, e);
    store_read_end(tx);
    return code;
}

static enum err_code mask_session(struct service *s, struct due *d, struct err *e)
{
    const struct remask_wish w = {.session_id = d->id};
    struct remask_place at = {0};
    struct remask_step step = {.kind = KIND_SESSION};
    enum err_code code = ERR_OK;
    while (!code && step.kind)
        code = remask_some(s->store, &w, &at, BATCH, NULL, NULL, &step, e);
    return code ? code : store_write(s->store, done_on, d, e);
}

static enum err_code mask_due(struct service *s, struct arena *a, bool *any, struct err *e)
{
    struct due d;
    enum err_code code = find_due(s, a, &d, e);
    for (*any = false; !code && d.seq; *any = true) {
        code = mask_session(s, &d, e);
        if (!code)
            code = find_due(s, a, &d, e);
    }
    return code;
}

enum err_code redact_due(struct service *s, struct err *e)
{
    bool any;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    enum err_code code = mask_due(s, a, &any, e);
    if (!code && any)
        code = redact_finish(s, e);
    arena_free(a);
    return code;
}

enum err_code redact_now(struct op_call *c, struct err *e)
{
    return c->svc->background ? ERR_OK : redact_due(c->svc, e);
}

enum err_code redact_task(struct service *s, struct arena *a, struct err *e)
{
    struct store_tx *tx;
    struct stale stale;
    bool any;
    enum err_code code = mask_due(s, a, &any, e);
    if (!code)
        code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = stale_turns(tx, &stale, e);
    store_read_end(tx);
    return !code && (any || stale.to) ? redact_finish(s, e) : code;
}

/* ---- the operation ---- */

struct count {
    const char *name;
    int64_t n;
};
struct redacting {
    struct op_call *call;
    const struct privacy *privacy;
    struct remask_wish wish;
    struct remask_place at;
    int64_t looked, masked;
    struct count kinds[COUNTS], types[COUNTS];
};

static void add(struct count *list, const char *name, int64_t n)
{
    for (size_t i = 0; i < COUNTS && n; i++) {
        if (list[i].name && strcmp(list[i].name, name) != 0)
            continue;
        list[i].name = name;
        list[i].n += n;
        return;
    }
}

/* By type. A text too large to be looked at once more is not counted. */
static void count_found(void *arg, const struct kind *k, bool json, struct str before, struct str level)
{
    struct redacting *r = arg;
    const struct privacy_span *spans;
    size_t n;
    struct arena *a = arena_new();
    (void)k;
    (void)json;
    if (a && !privacy_scan(r->privacy, masking_level(r->call->svc->masking, level), before, a, &spans, &n, NULL))
        for (size_t i = 0; i < n; i++)
            add(r->types, spans[i].type, 1);
    if (a)
        arena_free(a);
}

/* "12-3456": a kind's number and a seq. */
static enum err_code read_cursor(struct redacting *r, struct err *e)
{
    struct str s = op_text(r->call, "cursor"), kind = str_cut(&s, '-');
    if (kind.p && !(str_int(kind, &r->at.kind) && str_int(s, &r->at.after) && r->at.kind >= 0 && r->at.after >= 0))
        return err_set(r->call ? e : NULL, ERR_INVALID, "cursor", "cursor must be the next_cursor of the call before");
    return ERR_OK;
}

/* Whoever may not do everything names what is his. */
static enum err_code read_wish(struct redacting *r, struct err *e)
{
    struct op_call *c = r->call;
    const struct caller *who = caller_of(c);
    struct str session = op_text(c, "session_id");
    struct store_tx *tx;
    struct record *found;
    r->wish.dry_run = op_bool(c, "dry_run", false);
    r->wish.project = op_text(c, "project");
    enum err_code code = read_cursor(r, e);
    if (!code && !who->everything && !session.p)
        r->wish.project = c->project;
    if (code || !session.p)
        return code;
    code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = access_session(who, ACCESS_WRITE, tx, c->arena, session, &found, e);
    store_read_end(tx);
    r->wish.session_id = code ? STR_NONE : found->id;
    return code;
}

static bool go_on(const struct redacting *r, int64_t until)
{
    const struct op_call *c = r->call;
    return clock_mono_us() < until && !(c->left && atomic_load(c->left));
}

static enum err_code work(struct redacting *r, bool *more, struct err *e)
{
    int64_t until = clock_mono_us() + CALL_MS * INT64_C(1000);
    struct remask_step step = {.kind = KIND_SESSION};
    enum err_code code = ERR_OK;
    do {
        code = remask_some(r->call->svc->store, &r->wish, &r->at, BATCH, count_found, r, &step, e);
        r->looked += step.looked;
        r->masked += step.masked;
        if (step.kind)
            add(r->kinds, step.kind->name, step.masked);
    } while (!code && step.kind && go_on(r, until));
    *more = step.kind != NULL;
    return code;
}

static void write_counts(struct json_out *w, const char *name, const struct count *list)
{
    jw_key(w, name);
    jw_object(w);
    for (size_t i = 0; i < COUNTS && list[i].name; i++)
        jw_kint(w, list[i].name, list[i].n);
    jw_end_object(w);
}

static void answer(struct redacting *r, bool more)
{
    struct json_out *w = r->call->out;
    char cursor[48];
    (void)snprintf(cursor, sizeof cursor, "%lld-%lld", (long long)r->at.kind, (long long)r->at.after);
    jw_object(w);
    jw_kbool(w, "dry_run", r->wish.dry_run);
    jw_kint(w, "looked", r->looked);
    jw_kint(w, "masked", r->masked);
    write_counts(w, "by_kind", r->kinds);
    write_counts(w, "by_type", r->types);
    jw_kstr(w, "next_cursor", more ? str_of(cursor) : STR_NONE);
    jw_end_object(w);
}

static enum err_code whole_on(struct store_tx *tx, void *arg, struct err *e)
{
    (void)arg;
    return remask_whole(tx, e);
}

enum err_code redact_is_whole(struct service *s, bool *out, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = remask_is_whole(tx, out, e);
    store_read_end(tx);
    return code;
}

enum err_code redact_stored(struct op_call *c, struct err *e)
{
    struct redacting *r = arena_alloc(c->arena, sizeof *r);
    bool more = false, any;
    if (!r)
        return err_nomem(e);
    *r = (struct redacting){.call = c};
    enum err_code code = read_wish(r, e);
    if (!code)
        code = masking_ready(c->svc->masking, e);
    if (code)
        return code;
    r->privacy = masking_privacy(c->svc->masking, e);
    code = work(r, &more, e);
    if (!code && !more && !r->wish.dry_run)
        code = mask_due(c->svc, c->arena, &any, e);
    if (!code && !more && !r->wish.dry_run)
        code = redact_finish(c->svc, e);
    if (!code && !more && !r->wish.dry_run && !r->wish.session_id.p && !r->wish.project.p)
        code = store_write(c->svc->store, whole_on, NULL, e);
    if (!code)
        answer(r, more);
    return code;
}
