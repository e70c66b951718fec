/* What was made of texts that are to be erased goes with them, or the link is cut:
 *
 *   a session       patterns found in it, with their earlier versions; what other patterns have from it (variations)
 *   part of one     (conversation, turns) of the session, what was made since the part was there: the session's own
 *                   summaries, checkpoints, traces of recall, patterns; what its agents have learnt is forgotten and
 *                   learnt anew from what is said from then on
 *   turns           of their conversation also its summaries, and the events that were read out of these turns
 *   an event        later events lose it as their cause
 * Which of these hold words of the erased texts nobody can tell for certain (a summary retells, a pattern was merged),
 * so all that may go. What stays are counts: how often a pattern was seen, how often an agent was asked.
 *
 * Planned on a snapshot, then written in short jobs; done again before rows are erased, as something may have been
 * made meanwhile. */
#include "service/erasure_int.h"

#include "base/clock.h"
#include "service/background.h"

#include <string.h>

enum { PAGE = 200, JOB = 200, WALK_MAX = 1000000 };

/* ---- the plan ---- */

struct step {
    const struct kind *kind;
    int64_t seq;
    struct str id, project;
    struct record *patch; /* NULL: it goes */
};
struct plan {
    struct arena *arena;
    struct step *steps;
    size_t n, room;
};

static enum err_code put(struct plan *p, const struct record *r, struct record *patch, struct err *e)
{
    if (p->n == p->room) {
        size_t room = p->room ? 2 * p->room : 64;
        struct step *more = arena_array(p->arena, struct step, room);
        if (!more)
            return err_nomem(e);
        if (p->n)
            memcpy(more, p->steps, p->n * sizeof *more);
        p->steps = more;
        p->room = room;
    }
    p->steps[p->n++] = (struct step){r->kind, r->seq, r->id, r->project, patch};
    return ERR_OK;
}

/* Fields that are set are cleared; nothing is planned when none is. */
static enum err_code clear_fields(struct plan *p, const struct record *r, const char *const *fields, size_t n,
                                  struct err *e)
{
    struct record *patch = record_new(p->arena, r->kind);
    bool any = false;
    if (!patch)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct value *v = record_value(r, fields[i]);
        if (v->type != VALUE_TEXT)
            continue;
        record_set(patch, fields[i], V_NULL);
        any = true;
    }
    return any ? put(p, r, patch, e) : ERR_OK;
}

static enum err_code let_go(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e)
{
    (void)tx;
    return put(p, r, NULL, e);
}

/* Every living record whose field has the value and that is picked. */
static enum err_code each(struct store_tx *tx, struct plan *p, const struct kind *k, const char *field,
                          struct str value, picks_fn *picks, const void *arg, take_fn *take, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t after = 0;
    for (size_t n = PAGE; !code && n == PAGE;) {
        struct record **rows;
        code = records_of(tx, p->arena, k, field, value, after, PAGE, &rows, &n, e);
        for (size_t i = 0; !code && i < n; i++) {
            after = rows[i]->seq;
            if (!picks || picks(rows[i], arg))
                code = take(tx, p, rows[i], e);
        }
    }
    return code;
}

static bool since(const struct record *r, const void *arg)
{
    return r->created_at >= *(const int64_t *)arg;
}

/* ---- patterns ---- */

static enum err_code drop_pattern(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e)
{
    enum err_code code = put(p, r, NULL, e);
    return code ? code : each(tx, p, kind_find(STR("pattern_version")), "pattern_id", r->id, NULL, NULL, let_go, e);
}

/* The list without what came from the session; NULL: nothing did. */
static enum err_code without_variations(struct plan *p, const struct record *r, struct str session, struct err *e)
{
    struct str text = record_text(r, "variations");
    const struct json *list = NULL;
    struct json_out w;
    struct buf b;
    size_t kept = 0;
    if (!text.n || !memmem(text.p, text.n, session.p, session.n) || json_parse(p->arena, text, 0, &list, NULL) ||
        list->type != JSON_ARRAY)
        return ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(json_text(&list->items[i], "source_session_id"), session))
            continue;
        jw_value(&w, &list->items[i]);
        kept++;
    }
    jw_end_array(&w);
    struct str left = buf_take(&b, p->arena);
    struct record *patch = record_new(p->arena, r->kind);
    if (!left.p || !patch)
        return err_nomem(e);
    record_set(patch, "variations", V_TEXT(left));
    return kept == list->n ? ERR_OK : put(p, r, patch, e);
}

struct variations {
    struct plan *plan;
    struct str session;
};

static enum err_code look_at_variations(void *arg, const struct record *r, struct err *e)
{
    const struct variations *v = arg;
    return without_variations(v->plan, r, v->session, e);
}

/* Also earlier texts of patterns that stay, when they were taken from it. */
static enum err_code patterns_of(struct store_tx *tx, struct plan *p, struct str session, int64_t from, struct err *e)
{
    struct variations v = {p, session};
    const struct list_filter source = {"source_session_id", V_TEXT(session)};
    const struct list_query all = {.kind = kind_find(STR("pattern")), .limit = WALK_MAX};
    const struct list_query versions = {
        .kind = kind_find(STR("pattern_version")), .filters = &source, .n_filters = 1, .limit = 1000};
    struct list_page page = {.n = 0};
    enum err_code code = each(tx, p, all.kind, "source_session_id", session, since, &from, drop_pattern, e);
    if (!code)
        code = record_walk(tx, &all, look_at_variations, &v, e);
    if (!code)
        code = record_list(tx, p->arena, &versions, &page, e);
    for (size_t i = 0; !code && i < page.n; i++)
        if (page.rows[i]->created_at >= from)
            code = put(p, page.rows[i], NULL, e);
    return code;
}

/* ---- what agents have learnt ---- */

static bool learnt(struct str key)
{
    static const char *const names[] = {"preferred_topics", "frequent_phrases", "content_length_preferences",
                                        "execution_history", "successful_patterns"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(key, names[i]))
            return true;
    return false;
}

static enum err_code unlearn(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e)
{
    const struct json *state = NULL;
    struct json_out w;
    struct buf b;
    bool any = false;
    (void)tx;
    if (json_parse(p->arena, record_text(r, "state"), JSON_DUPLICATES_OK, &state, NULL) || state->type != JSON_OBJECT)
        return ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    for (size_t i = 0; i < state->n; i++) {
        any = any || learnt(state->keys[i].key);
        if (learnt(state->keys[i].key))
            continue;
        jw_key_str(&w, state->keys[i].key);
        jw_value(&w, &state->items[i]);
    }
    jw_end_object(&w);
    struct str left = buf_take(&b, p->arena);
    struct record *patch = record_new(p->arena, r->kind);
    if (!left.p || !patch)
        return err_nomem(e);
    record_set(patch, "state", V_TEXT(left));
    return any ? put(p, r, patch, e) : ERR_OK;
}

static enum err_code unlearn_session(struct store_tx *tx, struct plan *p, struct str session, struct err *e)
{
    const struct list_filter of = {"session_id", V_TEXT(session)};
    const struct list_query states = {.kind = KIND_AGENT_STATE, .filters = &of, .n_filters = 1, .limit = 1000};
    struct list_page page = {.n = 0};
    enum err_code code = each(tx, p, KIND_AGENT_LEARNING, "session_id", session, NULL, NULL, let_go, e);
    if (!code)
        code = record_list(tx, p->arena, &states, &page, e);
    for (size_t i = 0; !code && i < page.n; i++)
        code = unlearn(tx, p, page.rows[i], e);
    return code;
}

/* ---- a session of which a part goes ---- */

static bool of_session_since(const struct record *r, const void *arg)
{
    return since(r, arg) && !record_text(r, "conversation_id").n;
}

static enum err_code find(struct store_tx *tx, struct plan *p, const struct kind *k, struct str id, struct record **out,
                          struct err *e)
{
    struct err why = {0};
    enum err_code code = record_get(tx, p->arena, k, id, STR_NONE, out, &why);
    if (code == ERR_NOT_FOUND)
        *out = NULL;
    return code && code != ERR_NOT_FOUND ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

static enum err_code part_of_session(struct store_tx *tx, struct plan *p, struct str session, int64_t from,
                                     struct err *e)
{
    static const char *const told[] = {"summary"};
    struct record *s;
    enum err_code code = find(tx, p, KIND_SESSION, session, &s, e);
    if (!code && s)
        code = clear_fields(p, s, told, 1, e);
    if (!code)
        code = each(tx, p, KIND_SUMMARY, "session_id", session, of_session_since, &from, let_go, e);
    if (!code)
        code = each(tx, p, KIND_CHECKPOINT, "session_id", session, since, &from, let_go, e);
    if (!code)
        code = each(tx, p, KIND_CONTEXT_LOAD, "session_id", session, since, &from, let_go, e);
    if (!code)
        code = unlearn_session(tx, p, session, e);
    return code ? code : patterns_of(tx, p, session, from, e);
}

/* ---- turns ---- */

static enum err_code cut_cause(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e)
{
    static const char *const link[] = {"cause_id", "relationship_text"};
    (void)tx;
    return clear_fields(p, r, link, 2, e);
}

static enum err_code event_goes(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e)
{
    enum err_code code = put(p, r, NULL, e);
    return code ? code : each(tx, p, KIND_EVENT, "cause_id", r->id, NULL, NULL, cut_cause, e);
}

static bool told_by(const struct record *r, const void *arg)
{
    return str_eq(record_text(r, "turn_id"), *(const struct str *)arg);
}

/* Its summary is made anew from what is left, when it has gone quiet. */
static enum err_code resum(struct plan *p, const struct record *c, bool first, struct err *e)
{
    struct record *patch = record_new(p->arena, KIND_CONVERSATION);
    if (!patch)
        return err_nomem(e);
    record_set(patch, "context_summary", V_NULL);
    record_set(patch, "summarized_turn", V_INT(record_int(c, "turns_removed")));
    if (first) /* what was asked for, in words of the first turn */
        record_set(patch, "directive", V_NULL);
    return put(p, c, patch, e);
}

static enum err_code one_turn(struct store_tx *tx, struct plan *p, const struct record *t, struct err *e)
{
    struct record *c;
    struct str conversation = record_text(t, "conversation_id");
    enum err_code code = find(tx, p, KIND_CONVERSATION, conversation, &c, e);
    if (!code && c)
        code = resum(p, c, record_int(t, "turn_number") == 1, e);
    if (!code)
        code = each(tx, p, KIND_SUMMARY, "conversation_id", conversation, since, &t->created_at, let_go, e);
    return code ? code : each(tx, p, KIND_EVENT, "conversation_id", conversation, told_by, &t->id, event_goes, e);
}

/* ---- what is on the list ---- */

/* The sessions of listed turns, each with the time of the first of them. */
struct parts {
    struct str *sessions;
    int64_t *from;
    size_t n, room;
};

static enum err_code note_part(struct plan *p, struct parts *s, struct str session, int64_t at, struct err *e)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!str_eq(s->sessions[i], session))
            continue;
        s->from[i] = at < s->from[i] ? at : s->from[i];
        return ERR_OK;
    }
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        struct str *sessions = arena_array(p->arena, struct str, room);
        int64_t *from = arena_array(p->arena, int64_t, room);
        if (!sessions || !from)
            return err_nomem(e);
        for (size_t i = 0; i < s->n; i++) {
            sessions[i] = s->sessions[i];
            from[i] = s->from[i];
        }
        *s = (struct parts){sessions, from, s->n, room};
    }
    s->sessions[s->n] = session;
    s->from[s->n++] = at;
    return ERR_OK;
}

static enum err_code listed(struct store_tx *tx, struct plan *p, struct parts *parts, const struct record *item,
                            struct err *e)
{
    const struct kind *k = kind_find(record_text(item, "erased_kind"));
    struct record **rows;
    size_t n;
    if (k == KIND_EVENT)
        return each(tx, p, KIND_EVENT, "cause_id", record_text(item, "erased_id"), NULL, NULL, cut_cause, e);
    if (k && str_is(str_of(k->name), "pattern"))
        return each(tx, p, kind_find(STR("pattern_version")), "pattern_id", record_text(item, "erased_id"), NULL, NULL,
                    let_go, e);
    if (k != KIND_TURN)
        return ERR_OK;
    int64_t seq = record_int(item, "erased_seq");
    enum err_code code = record_after(tx, p->arena, KIND_TURN, seq - 1, 1, &rows, &n, e);
    if (code || !n || rows[0]->seq != seq || rows[0]->version == 0)
        return code;
    code = one_turn(tx, p, rows[0], e);
    return code ? code : note_part(p, parts, record_text(rows[0], "session_id"), rows[0]->created_at, e);
}

static enum err_code all_listed(struct store_tx *tx, struct plan *p, struct str erasure_id, struct err *e)
{
    struct parts parts = {.n = 0};
    enum err_code code = ERR_OK;
    int64_t after = 0;
    for (size_t n = PAGE; !code && n == PAGE;) {
        struct record **rows;
        code = records_of(tx, p->arena, KIND_TOMBSTONE, "erasure_id", erasure_id, after, PAGE, &rows, &n, e);
        for (size_t i = 0; !code && i < n; i++) {
            after = rows[i]->seq;
            code = listed(tx, p, &parts, rows[i], e);
        }
    }
    for (size_t i = 0; !code && i < parts.n; i++)
        code = part_of_session(tx, p, parts.sessions[i], parts.from[i], e);
    return code;
}

/* Sessions that were deleted without a request. */
static enum err_code aged_sessions(struct store_tx *tx, struct plan *p, int64_t before, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t after = 0;
    for (size_t n = PAGE; !code && n == PAGE;) {
        struct record **rows;
        code = record_after(tx, p->arena, KIND_SESSION, after, PAGE, &rows, &n, e);
        for (size_t i = 0; !code && i < n; i++) {
            after = rows[i]->seq;
            if (rows[i]->deleted_at && rows[i]->deleted_at <= before && rows[i]->version > 0)
                code = patterns_of(tx, p, rows[i]->id, 0, e);
        }
    }
    return code;
}

static enum err_code make_plan(struct store_tx *tx, struct plan *p, const struct record *r, struct err *e)
{
    struct str scope = record_text(r, "scope");
    if (str_is(scope, "session"))
        return patterns_of(tx, p, record_text(r, "target_id"), 0, e);
    if (str_is(scope, "conversation"))
        return part_of_session(tx, p, record_text(r, "within"), record_int(r, "since"), e);
    if (str_is(scope, "aged"))
        return aged_sessions(tx, p, record_int(r, "since"), e);
    if (str_is(scope, "project")) /* nothing is made across projects */
        return ERR_OK;
    return all_listed(tx, p, r->id, e);
}

/* ---- carrying it out ---- */

struct part_job {
    struct arena *arena;
    const struct step *steps;
    size_t n;
    struct str erasure_id;
};

static enum err_code do_step(struct store_tx *tx, struct part_job *j, const struct step *s, struct err *e)
{
    struct err why = {0};
    const struct erasure_item item = {s->kind, s->seq, s->id, s->project, s->id};
    if (!s->patch)
        return erasure_add(tx, j->arena, j->erasure_id, &item, 1, e);
    enum err_code code = record_update(tx, j->arena, s->seq, s->patch, &why);
    return code && code != ERR_NOT_FOUND ? err_set(e, code, NULL, "%s", why.message) : ERR_OK;
}

static enum err_code steps_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct part_job *j = arg;
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < j->n; i++)
        code = do_step(tx, j, &j->steps[i], e);
    return code;
}

/* The mark alone, with the last step or without one. */
static enum err_code mark_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct part_job *j = arg;
    struct record *r, *patch = record_new(j->arena, KIND_ERASURE);
    if (!patch)
        return err_nomem(e);
    enum err_code code = record_get(tx, j->arena, KIND_ERASURE, j->erasure_id, STR_NONE, &r, e);
    record_set(patch, "derived", V_INT(1));
    return code || record_int(r, "derived") ? code : record_update(tx, j->arena, r->seq, patch, e);
}

static enum err_code carry_out(struct service *svc, struct plan *p, struct str erasure_id, struct err *e)
{
    struct part_job j = {.arena = p->arena, .erasure_id = erasure_id};
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < p->n; i += j.n) {
        j.steps = p->steps + i;
        j.n = p->n - i < JOB ? p->n - i : JOB;
        code = store_write(svc->store, steps_on, &j, e);
    }
    return code ? code : store_write(svc->store, mark_on, &j, e);
}

enum err_code erasure_derive_held(struct service *svc, struct arena *a, const struct record *r, struct err *e)
{
    struct plan p = {.arena = a};
    struct store_tx *tx;
    enum err_code code = store_read_begin(svc->store, &tx, e);
    if (code)
        return code;
    code = make_plan(tx, &p, r, e);
    store_read_end(tx);
    return code ? code : carry_out(svc, &p, r->id, e);
}

enum err_code erasure_derive(struct service *svc, struct str erasure_id, struct err *e)
{
    struct record *r;
    struct arena *a = arena_new();
    enum err_code code = a ? erasure_read(svc, a, erasure_id, &r, e) : err_nomem(e);
    if (!code) {
        background_hold(svc);
        code = erasure_derive_held(svc, a, r, e);
        background_go_on();
    }
    if (a)
        arena_free(a);
    return code;
}
