/* Summaries without being asked: conversations that went quiet, then the sessions they belong to. A session's summary
 * that a caller set is never replaced. Bounded a round: PAGE conversations at most, the rest comes in the next one;
 * each has an arena of its own, and what one of them fails with is logged and does not stop the others. */
#include "service/summary_upkeep.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "service/audit.h"
#include "service/summary.h"
#include "store/turns.h"

enum { PAGE = 100, ROUND_MS = 60000 };

struct quiet {
    struct service *svc;
    struct arena *arena; /* of one conversation or session */
    struct str id;
    bool session;
    struct record *of;
    struct summary made;
};

/* The session's preference; a session without it wants summaries (the kind's default). */
static bool wants_summaries(struct arena *a, const struct record *session)
{
    const struct json *all = NULL;
    struct str text = record_text(session, "user_preferences");
    if (!text.n || json_parse(a, text, JSON_DUPLICATES_OK, &all, NULL))
        return true;
    const struct json *wish = json_get(all, "auto_summarize");
    return !wish || wish->type != JSON_BOOL || wish->boolean;
}

/* q->of stays NULL where no summary is wanted. */
static enum err_code find_on(struct store_tx *tx, struct quiet *q, struct err *e)
{
    struct record *r, *session, *before = NULL;
    enum err_code code =
        record_get(tx, q->arena, q->session ? KIND_SESSION : KIND_CONVERSATION, q->id, STR_NONE, &r, e);
    session = code ? NULL : r;
    if (!code && !q->session)
        code = record_get(tx, q->arena, KIND_SESSION, record_text(r, "session_id"), STR_NONE, &session, e);
    if (!code && q->session)
        code = summary_newest(tx, q->arena, r->id, STR_NONE, &before, e);
    bool given = before && !str_is(record_text(before, "method"), "extractive") &&
                 !str_is(record_text(before, "method"), "model");
    if (!code && !given && wants_summaries(q->arena, session))
        q->of = r;
    return code;
}

static enum err_code store_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct quiet *q = arg;
    enum err_code code = summary_store(tx, q->arena, &q->made, e);
    struct audit_deed d = {.action = "summary.make"};
    if (code)
        return code;
    audit_trace_add(&d.trace, q->arena, KIND_SUMMARY, str_of(q->made.id));
    d.trace.session = q->made.session_id;
    d.trace.project = q->of->project;
    return audit_deed_write(q->svc, tx, &d, e);
}

static enum err_code sum_up(struct quiet *q, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(q->svc->store, &tx, e);
    if (code)
        return code;
    code = find_on(tx, q, e);
    store_read_end(tx);
    if (code || !q->of)
        return code;
    code = q->session ? summary_of_session(q->svc, q->arena, q->of, false, &q->made, e)
                      : summary_of_conversation(q->svc, q->arena, q->of, &q->made, e);
    return code || !q->made.digest.text.n ? code : store_write(q->svc->store, store_on, q, e);
}

/* Whether it has a new summary. */
static bool sum_up_one(struct service *s, struct str id, bool session)
{
    struct err e = {0};
    struct quiet q = {.svc = s, .arena = arena_new(), .id = id, .session = session};
    enum err_code code = q.arena ? sum_up(&q, &e) : err_nomem(&e);
    if (code && code != ERR_NOT_FOUND) /* deleted meanwhile */
        log_event(LOG_WARN, "summary_failed", L_STR("id", id), L_CSTR("message", e.message));
    bool made = !code && q.of && q.made.digest.text.n;
    if (q.arena)
        arena_free(q.arena);
    return made;
}

static enum err_code find_due(struct service *s, struct arena *a, int64_t after, struct conversation_due **due,
                              size_t *n, struct err *e)
{
    int64_t until = clock_now_ms() - config_int(s->options.config, "summaries.quiet_seconds") * 1000;
    struct store_tx *tx;
    enum err_code code = store_read_begin(s->store, &tx, e);
    if (code)
        return code;
    code = conversations_due(tx, a, after, until, SUMMARY_TURNS_LEAST, PAGE, due, n, e);
    store_read_end(tx);
    return code;
}

static bool among(const struct str *ids, size_t n, struct str id)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(ids[i], id))
            return true;
    return false;
}

/* Conversations of sessions that want none stay due: pages are gone through to the end, within a time. */
enum err_code summary_upkeep(struct service *s, struct arena *a, struct err *e)
{
    struct str *sessions = arena_array(a, struct str, PAGE);
    struct conversation_due *due;
    size_t n = PAGE, n_sessions = 0;
    int64_t after = 0, end = clock_now_ms() + ROUND_MS;
    enum err_code code = sessions ? ERR_OK : err_nomem(e);
    while (!code && n == PAGE && n_sessions < PAGE && clock_now_ms() < end) {
        code = find_due(s, a, after, &due, &n, e);
        for (size_t i = 0; !code && i < n && clock_now_ms() < end && n_sessions < PAGE; i++) {
            after = due[i].seq;
            if (sum_up_one(s, due[i].id, false) && !among(sessions, n_sessions, due[i].session_id))
                sessions[n_sessions++] = due[i].session_id;
        }
    }
    for (size_t i = 0; i < n_sessions; i++)
        sum_up_one(s, sessions[i], true);
    return code;
}
