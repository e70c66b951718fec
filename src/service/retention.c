/* Retention: walking through what is due, one session or conversation at a time, each with an arena of its own; what
 * one of them fails with is logged and does not stop the others. See retention.h. */
#include "service/retention.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "service/archive.h"
#include "service/audit.h"
#include "service/cold.h"
#include "service/summary.h"
#include "store/retention.h"

enum { PAGE = 100, LIMIT = 200, RUN_MS = 60000, RETENTION_DAYS = 30, DAYS_MAX = 36500 };
static const int64_t DAY_MS = INT64_C(86400000);

struct run {
    struct service *svc;
    const struct retention_wish *wish;
    struct retention_done *done;
    int64_t now, end; /* wall clock, ms */
};

struct item;
typedef enum err_code item_fn(struct item *it, struct err *e);

/* One session or conversation that is due. */
struct item {
    struct run *run;
    struct arena *arena;
    int64_t seq, since;
    struct record *record; /* as it was read */
    struct summary summary;
    bool summarized; /* `summary` is to be written */
    struct archiving archiving;
    int64_t removed, left;
    bool changed; /* it is not due any more, or its step was done */
};

static enum err_code read_record(struct item *it, const struct kind *k, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(it->run->svc->store, &tx, e);
    if (code)
        return code;
    code = record_by_seq(tx, it->arena, k, it->seq, &it->record, e);
    store_read_end(tx);
    return code;
}

/* Something must stand for what goes, also where nothing was said that could be summed up. */
static void tell_something(struct item *it, const char *what, int64_t n)
{
    struct digest *d = &it->summary.digest;
    if (!d->text.n)
        d->text = arena_fmt(it->arena, "%lld %s in which nothing was said that could be summed up", (long long)n, what);
    it->summarized = true;
}

/* ---- active sessions ---- */

/* What the session itself prefers. Below 1 it is kept, 0 is the answer then. */
static int64_t own_days(struct arena *a, const struct record *session)
{
    const struct json *all = NULL;
    struct str text = record_text(session, "user_preferences");
    if (!text.n || json_parse(a, text, JSON_DUPLICATES_OK, &all, NULL))
        return RETENTION_DAYS;
    const struct json *days = json_get(all, "memory_retention_days");
    if (!days || (days->type != JSON_INT && days->type != JSON_DOUBLE))
        return RETENTION_DAYS;
    return days->number < 1 ? 0 : days->number > DAYS_MAX ? DAYS_MAX : (int64_t)days->number;
}

static bool session_due(struct item *it, const struct record *session)
{
    int64_t days = own_days(it->arena, session), at = record_int(session, "last_active");
    return str_is(record_text(session, "status"), "active") && days >= 1 &&
           (at ? at : session->updated_at) <= it->run->now - days * DAY_MS;
}

static enum err_code archive_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct item *it = arg;
    struct record *now;
    enum err_code code = record_by_seq(tx, it->arena, KIND_SESSION, it->seq, &now, e);
    it->changed = !code && session_due(it, now);
    if (!it->changed)
        return code;
    if (it->summarized)
        code = summary_store(tx, it->arena, &it->summary, e);
    if (!code)
        code = archive_on(tx, &it->archiving, now, e);
    return code
               ? code
               : audit_own(it->run->svc, tx, "retention.archive", now, "conversations", it->archiving.conversations, e);
}

static enum err_code sum_up_session(struct item *it, struct err *e)
{
    enum err_code code = summary_of_session(it->run->svc, it->arena, it->record, true, &it->summary, e);
    it->summarized = !code && it->summary.digest.text.n;
    return code;
}

static enum err_code archive(struct item *it, struct err *e)
{
    struct run *r = it->run;
    enum err_code code = read_record(it, KIND_SESSION, e);
    if (code || !session_due(it, it->record))
        return code;
    if (!r->wish->dry_run && !record_text(it->record, "summary").n)
        code = sum_up_session(it, e);
    if (it->summarized) /* so that the checkpoint tells it too */
        record_set(it->record, "summary", V_TEXT(it->summary.digest.text));
    if (!code && !r->wish->dry_run)
        code = archive_prepare(r->svc, it->arena, it->record, &it->archiving, e);
    if (!code && !r->wish->dry_run)
        code = store_write(r->svc->store, archive_write, it, e);
    r->done->archived += !code && (r->wish->dry_run || it->changed);
    return code;
}

/* ---- turns of a conversation, in steps ---- */

static enum err_code remove_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct item *it = arg;
    enum err_code code = turns_remove(tx, it->record->id, &it->removed, &it->left, e);
    if (code || !it->removed)
        return code;
    return audit_own(it->run->svc, tx, "retention.remove_turns", it->record, "turns", it->removed, e);
}

/* it->record: a conversation whose turns are summed up. */
static enum err_code remove_turns(struct item *it, struct err *e)
{
    enum err_code code = cold_keep(it->run->svc, it->record, record_int(it->record, "turns_removed") + 1,
                                   record_int(it->record, "summarized_turn"), e);
    for (it->left = 1; !code && it->left > 0 && clock_now_ms() < it->run->end;) {
        code = store_write(it->run->svc->store, remove_write, it, e);
        it->run->done->turns += code ? 0 : it->removed;
    }
    it->run->done->more = it->run->done->more || it->left > 0;
    return code;
}

/* Everything is judged again: it may have been gone on with while its summary was being made. */
static enum err_code shed_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct item *it = arg;
    struct record *now;
    it->changed = false;
    enum err_code code = record_by_seq(tx, it->arena, KIND_CONVERSATION, it->seq, &now, e);
    if (code || now->version != it->record->version ||
        record_int(now, "turn_count") != record_int(it->record, "turn_count"))
        return code;
    if (it->summarized)
        code = summary_store(tx, it->arena, &it->summary, e);
    if (!code)
        code = turns_remove(tx, now->id, &it->removed, &it->left, e);
    if (!code)
        code = audit_own(it->run->svc, tx, "retention.remove_turns", now, "turns", it->removed, e);
    it->changed = !code;
    return code;
}

static bool is_summed_up(const struct record *c)
{
    return record_int(c, "summarized_turn") >= record_int(c, "turn_count") && record_text(c, "context_summary").n;
}

static enum err_code sum_up_conversation(struct item *it, struct err *e)
{
    int64_t n = record_int(it->record, "turn_count");
    enum err_code code = summary_of_conversation(it->run->svc, it->arena, it->record, &it->summary, e);
    if (!code)
        tell_something(it, "turns", n - record_int(it->record, "turns_removed"));
    it->summary.last_turn = n;
    return code;
}

static enum err_code shed(struct item *it, struct err *e)
{
    struct run *r = it->run;
    enum err_code code = r->wish->dry_run ? ERR_OK : read_record(it, KIND_CONVERSATION, e);
    /* Half gone is gone on with; whoever has added turns meanwhile keeps these. */
    bool begun = !code && it->record && record_int(it->record, "turns_removed") > 0 &&
                 record_int(it->record, "turns_removed") < record_int(it->record, "summarized_turn");
    if (!code && !r->wish->dry_run && !begun) {
        if (!is_summed_up(it->record))
            code = sum_up_conversation(it, e);
        if (!code)
            code = cold_keep(r->svc, it->record, record_int(it->record, "turns_removed") + 1,
                             record_int(it->record, "turn_count"), e);
        if (!code)
            code = store_write(r->svc->store, shed_write, it, e);
        r->done->turns += it->changed ? it->removed : 0;
    }
    if (!code && (begun || (it->changed && it->left > 0)))
        code = remove_turns(it, e);
    r->done->conversations += !code && (r->wish->dry_run || begun || it->changed);
    return code;
}

/* ---- archived sessions ---- */

static enum err_code expire_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct item *it = arg;
    struct record *now, *patch = record_new(it->arena, KIND_SESSION);
    it->changed = false;
    if (!patch)
        return err_nomem(e);
    enum err_code code = record_by_seq(tx, it->arena, KIND_SESSION, it->seq, &now, e);
    if (code || now->version != it->record->version || record_int(now, "last_active") > it->since)
        return code;
    if (it->summarized)
        code = summary_store(tx, it->arena, &it->summary, e);
    if (!code)
        code = conversations_summed(tx, now->id, e);
    if (code)
        return code;
    record_set(patch, "status", V_TEXT(STR("expired")));
    code = record_update(tx, it->arena, it->seq, patch, e);
    if (!code)
        code = audit_own(it->run->svc, tx, "retention.expire", now, NULL, 0, e);
    it->changed = !code;
    return code;
}

static enum err_code empty_write(struct store_tx *tx, void *arg, struct err *e)
{
    struct item *it = arg;
    struct dropped dropped;
    enum err_code code = session_empty(tx, it->record->id, &dropped, e);
    if (code || !dropped.turns)
        return code;
    return audit_own(it->run->svc, tx, "retention.empty", it->record, "turns", dropped.turns, e);
}

/* One page of the session's conversations. *after moves on; *n 0: there are no more. */
static enum err_code empty_page(struct item *it, int64_t *after, size_t *n, struct err *e)
{
    struct record **rows;
    struct store_tx *tx;
    struct item one = {.run = it->run, .arena = arena_new()};
    enum err_code code = one.arena ? store_read_begin(it->run->svc->store, &tx, e) : err_nomem(e);
    *n = 0;
    if (!code) {
        code = records_of(tx, one.arena, KIND_CONVERSATION, "session_id", it->record->id, *after, PAGE, &rows, n, e);
        store_read_end(tx);
    }
    for (size_t i = 0; !code && i < *n; i++) {
        one.record = rows[i];
        *after = rows[i]->seq;
        if (record_int(rows[i], "turns_removed") < record_int(rows[i], "summarized_turn"))
            code = remove_turns(&one, e);
    }
    if (one.arena)
        arena_free(one.arena);
    return code;
}

/* The turns in steps, then the rest at once. An expired session takes no new turns, so none is missed. */
static enum err_code empty(struct item *it, struct err *e)
{
    int64_t after = 0;
    size_t n = PAGE;
    enum err_code code = ERR_OK;
    while (!code && n == PAGE && clock_now_ms() < it->run->end)
        code = empty_page(it, &after, &n, e);
    if (code || clock_now_ms() >= it->run->end) {
        it->run->done->more = true;
        return code;
    }
    return store_write(it->run->svc->store, empty_write, it, e);
}

/* A summary that somebody wrote stays the session's own; any other is made anew, as more may have been said since. */
static enum err_code is_given(struct item *it, bool *out, struct err *e)
{
    struct store_tx *tx;
    struct record *newest;
    enum err_code code = store_read_begin(it->run->svc->store, &tx, e);
    if (code)
        return code;
    code = summary_newest(tx, it->arena, it->record->id, STR_NONE, &newest, e);
    store_read_end(tx);
    *out = !code && record_text(it->record, "summary").n && newest && str_is(record_text(newest, "method"), "given");
    return code;
}

static enum err_code expire(struct item *it, struct err *e)
{
    struct run *r = it->run;
    enum err_code code = r->wish->dry_run ? ERR_OK : read_record(it, KIND_SESSION, e);
    if (code || r->wish->dry_run) {
        r->done->expired += !code;
        return code;
    }
    bool given = false;
    code = is_given(it, &given, e);
    if (!code && !given)
        code = sum_up_session(it, e);
    if (!code && !it->summarized && !record_text(it->record, "summary").n)
        tell_something(it, "conversations", it->summary.conversations);
    if (!code)
        code = store_write(r->svc->store, expire_write, it, e);
    if (!code && it->changed) {
        r->done->expired++;
        code = empty(it, e);
    }
    return code;
}

/* An expiry that was broken off, or a status set by hand: then the summary may be missing still. */
static enum err_code finish(struct item *it, struct err *e)
{
    if (it->run->wish->dry_run)
        return ERR_OK;
    enum err_code code = read_record(it, KIND_SESSION, e);
    if (!code && !record_text(it->record, "summary").n)
        code = sum_up_session(it, e);
    if (!code && !record_text(it->record, "summary").n)
        tell_something(it, "conversations", it->summary.conversations);
    it->since = INT64_MAX;
    if (!code)
        code = store_write(it->run->svc->store, expire_write, it, e);
    return code || !it->changed ? code : empty(it, e);
}

/* ---- the run ---- */

static void do_one(struct run *r, int64_t seq, int64_t since, item_fn *fn, const char *what)
{
    struct err e = {0};
    struct item it = {.run = r, .arena = arena_new(), .seq = seq, .since = since};
    enum err_code code = it.arena ? fn(&it, &e) : err_nomem(&e);
    if (code && code != ERR_NOT_FOUND) { /* deleted meanwhile */
        r->done->failed++;
        log_event(LOG_WARN, "retention_failed", L_CSTR("step", what), L_INT("seq", seq), L_CSTR("message", e.message));
    }
    if (it.arena)
        arena_free(it.arena);
}

static enum err_code page_of(struct run *r, enum ageing which, int64_t after, int64_t since, int64_t *seqs, size_t *n,
                             struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(r->svc->store, &tx, e);
    *n = 0;
    if (code)
        return code;
    code = aged(tx, which, after, since, seqs, PAGE, n, e);
    store_read_end(tx);
    return code;
}

/* `count` is what fn raises for each that it did: the bound is on these, as active sessions that are not due by their
 * own days are only looked at. */
static enum err_code walk(struct run *r, enum ageing which, int64_t since, item_fn *fn, const char *what,
                          const int64_t *count, struct err *e)
{
    int64_t seqs[PAGE], after = 0, most = r->wish->limit > 0 ? r->wish->limit : LIMIT;
    size_t n = PAGE;
    enum err_code code = ERR_OK;
    while (!code && n == PAGE) {
        code = page_of(r, which, after, since, seqs, &n, e);
        for (size_t i = 0; !code && i < n; i++) {
            if (clock_now_ms() >= r->end || *count >= most) {
                r->done->more = true;
                return ERR_OK;
            }
            after = seqs[i];
            do_one(r, seqs[i], since, fn, what);
        }
    }
    return code;
}

static int64_t days_of(const struct run *r, const char *setting)
{
    return r->wish->days > 0 ? r->wish->days : config_int(r->svc->options.config, setting);
}

enum err_code retention_run(struct service *svc, const struct retention_wish *w, struct retention_done *done,
                            struct err *e)
{
    struct run r = {.svc = svc, .wish = w, .done = done, .now = clock_now_ms()};
    int64_t expire_days = days_of(&r, "retention.expire_days"), turn_days = days_of(&r, "retention.conversation_days");
    const int64_t none = 0;
    *done = (struct retention_done){0};
    r.end = r.now + RUN_MS;
    enum err_code code = walk(&r, AGED_EXPIRED, r.now, finish, "finish", &none, e);
    if (!code && turn_days > 0)
        code = walk(&r, AGED_CONVERSATION, r.now - turn_days * DAY_MS, shed, "turns", &done->conversations, e);
    if (!code && expire_days > 0)
        code = walk(&r, AGED_ARCHIVED, r.now - expire_days * DAY_MS, expire, "expire", &done->expired, e);
    if (!code)
        code = walk(&r, AGED_ACTIVE, r.now - DAY_MS, archive, "archive", &done->archived, e);
    return code;
}

enum err_code retention_task(struct service *svc, struct arena *a, struct err *e)
{
    (void)a;
    struct retention_done d;
    enum err_code code = retention_run(svc, &(struct retention_wish){0}, &d, e);
    if (d.archived || d.expired || d.conversations || d.failed)
        log_event(LOG_INFO, "retention", L_INT("archived", d.archived), L_INT("expired", d.expired),
                  L_INT("conversations", d.conversations), L_INT("turns", d.turns), L_INT("failed", d.failed));
    return code;
}
