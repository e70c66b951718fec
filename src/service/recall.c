/* Recall and context search as operations: arguments in, ranked turns out. The ranking itself is search/. */
#include "service/context_load.h"
#include "service/features.h"
#include "service/find.h"
#include "service/history/history.h"
#include "service/operation_run.h"
#include "service/place.h"
#include "service/suspect.h"
#include "service/touch.h"
#include "service/vitality.h"

#include "base/clock.h"
#include "base/text.h"
#include "search/recall.h"

enum { EVENTS_RAISED_MAX = 100 };
enum { RECORD_BYTES = 4000 }; /* of a record's words among what is recalled */

/* *session: an id, or the caller's own name for a session; becomes the id. */
static enum err_code find_session(struct op_call *c, struct str *session, struct err *e)
{
    struct store_tx *tx;
    struct record *r = NULL;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = place_session(tx, c->arena, caller_of(c), ACCESS_READ, *session, c->project, &r, e);
    store_read_end(tx);
    if (!code && !r)
        code = err_named(e, ERR_NOT_FOUND, "SESSION_NOT_FOUND", "there is no session %.*s", STR_ARG(*session));
    if (!code && r) {
        *session = r->id;
        touch_session(c, r);
    }
    return code;
}

/* Turns alone unless asked; ["all"]: turns and records of every kind. */
static enum err_code read_kinds(const struct op_call *c, struct find_kinds *out, struct err *e)
{
    const struct json *kinds = op_json(c, "kinds");
    enum err_code code = ERR_OK;
    out->turns = !kinds || kinds->n == 0;
    for (size_t i = 0; !code && kinds && i < kinds->n; i++) {
        if (kinds->items[i].type != JSON_STRING)
            code =
                err_set(e, ERR_INVALID, "kinds", "kinds must be an array of names of record kinds, such as \"turn\"");
        else if (str_is(kinds->items[i].s, "all"))
            out->all = out->turns = true;
        else
            code = find_kinds_add(out, kinds->items[i].s, "kinds", e);
    }
    return code;
}

static void write_source(const struct op_call *c, const struct recall_hit *h)
{
    struct json_out *w = c->out;
    jw_key(w, "source");
    jw_object(w);
    jw_kcstr(w, "kind", "turn");
    jw_kstr(w, "turn_id", h->turn.id);
    jw_kint(w, "turn_number", h->turn.turn_number);
    jw_kstr(w, "conversation", h->conversation_title);
    history_origin_write(c->svc->store, c->arena, w, h->turn.metadata);
    jw_end_object(w);
}

/* What other turns say of the same, and whether it addresses the model: only where it is so. */
static void write_marks(const struct op_call *c, const struct recall_hit *h)
{
    struct json_out *w = c->out;
    if (h->corrects.n)
        jw_kstr(w, "corrects", h->corrects);
    if (h->corrected_by.n)
        jw_kstr(w, "corrected_by", h->corrected_by);
    if (h->folded)
        jw_kint(w, "folded", (int64_t)h->folded);
    suspect_tell(c->svc, w, h->turn.content);
}

static void write_hit(struct op_call *c, const struct recall_hit *h, bool explain)
{
    struct json_out *w = c->out;
    jw_object(w);
    jw_kcstr(w, "kind", "turn");
    jw_kstr(w, "id", h->turn.id);
    jw_knum(w, "score", h->score);
    jw_kstr(w, "content", h->turn.content);
    jw_kstr(w, "conversation_id", h->turn.conversation_id);
    jw_kstr(w, "session_id", h->turn.session_id);
    jw_kstr(w, "project", op_shown_project(c, h->turn.project));
    jw_kstr(w, "agent", h->turn.agent);
    jw_kstr(w, "role", h->turn.role);
    jw_ktime(w, "timestamp", h->turn.timestamp);
    write_source(c, h);
    write_marks(c, h);
    if (explain && h->why.n)
        jw_kraw(w, "why", h->why);
    jw_end_object(w);
}

/* A record among what is recalled: its words are its content. */
static void write_record(struct op_call *c, const struct records_hit *h)
{
    struct json_out *w = c->out;
    const struct record *r = h->record;
    struct str session = r->kind == KIND_SESSION ? r->id : record_text(r, "session_id");
    jw_object(w);
    jw_kcstr(w, "kind", r->kind->name);
    jw_kstr(w, "id", r->id);
    jw_knum(w, "score", h->score);
    jw_kstr(w, "content", text_cut(h->text, RECORD_BYTES));
    jw_kstr(w, "conversation_id", r->kind == KIND_CONVERSATION ? r->id : record_text(r, "conversation_id"));
    jw_kstr(w, "session_id", session);
    jw_kstr(w, "project", r->project.n ? op_shown_project(c, r->project) : STR_NONE);
    jw_kstr(w, "agent", STR_NONE);
    jw_kstr(w, "role", STR_NONE);
    jw_ktime(w, "timestamp", r->created_at);
    jw_key(w, "source");
    jw_object(w);
    jw_kcstr(w, "kind", r->kind->name);
    jw_kstr(w, "id", r->id);
    jw_kstr(w, "title", find_title(r));
    jw_end_object(w);
    suspect_tell(c->svc, w, text_cut(h->text, RECORD_BYTES));
    jw_end_object(w);
}

/* Notes what was given, in the order in which it was written. */
static void load_found(struct context_load *load, struct load_item *items, const struct found *f, int64_t cost)
{
    if (load->n < LOAD_ITEMS_MAX)
        items[load->n++] = f->turn
                               ? (struct load_item){KIND_TURN, f->turn->turn.id, f->turn->score}
                               : (struct load_item){f->record->record->kind, f->record->record->id, f->record->score};
    load->tokens += cost;
}

/* Both kinds of finds by score, within what was asked for: results, and tokens over all. */
static enum err_code write_all(struct op_call *c, const struct recall_query *q, const struct recall_result *turns,
                               const struct records_result *records, struct context_load *load, struct err *e)
{
    struct load_item *items = arena_array(c->arena, struct load_item, LOAD_ITEMS_MAX);
    if (!items)
        return err_nomem(e);
    load->items = items;
    struct found *list = NULL;
    struct str events[EVENTS_RAISED_MAX];
    size_t n = 0, written = 0, n_events = 0;
    int64_t tokens = 0;
    enum err_code code = find_together(c, records, turns, &list, &n, e);
    for (size_t i = 0; !code && i < n && written < (size_t)q->max_results; i++) {
        const struct found *f = &list[i];
        int64_t cost = f->turn ? f->turn->turn.token_count : text_tokens(text_cut(f->record->text, RECORD_BYTES));
        if (q->max_tokens > 0 && tokens + cost > q->max_tokens)
            continue;
        tokens += cost;
        written++;
        load_found(load, items, f, cost);
        if (f->turn)
            write_hit(c, f->turn, op_bool(c, "explain", false));
        else
            write_record(c, f->record);
        if (f->record && f->record->record->kind == KIND_EVENT && n_events < EVENTS_RAISED_MAX)
            events[n_events++] = f->record->record->id;
    }
    vitality_rise(c->svc, events, n_events, VITALITY_RECALLED);
    return code;
}

enum err_code recall_call(struct op_call *c, struct err *e)
{
    int64_t start = clock_mono_us();
    struct recall_query q = {.meaning = c->svc->meaning,
                             .reader = c->reader,
                             .text = op_text(c, "query"),
                             .session_id = op_text(c, "session_id"),
                             .project = op_text(c, "project"),
                             .scope = caller_scope(caller_of(c)),
                             .to = op_time(c, "as_of"),
                             .now = op_time(c, "as_of"),
                             .max_results = (int)op_int(c, "max_results", 10),
                             .max_tokens = op_int(c, "max_tokens", 0)};
    struct recall_result r = {0};
    struct find_kinds kinds = {0};
    struct records_result records = {0};
    enum err_code code = read_kinds(c, &kinds, e);
    if (!code && q.session_id.n)
        code = find_session(c, &q.session_id, e);
    if (!code && kinds.turns)
        code = recall_run(c->svc->store, c->svc->index, c->arena, &q, &r, e);
    struct records_query records_query = {.similar = c->svc->similar,
                                          .text = q.text,
                                          .session_id = q.session_id,
                                          .project = q.project,
                                          .scope = q.scope,
                                          .to = q.to,
                                          .limit = q.max_results};
    if (!code)
        code = find_records(c, &kinds, &records_query, &records, e);
    if (code)
        return code;
    struct context_load load = {
        .purpose = LOAD_RECALL, .session_id = q.session_id, .project = c->project, .query = q.text};
    jw_object(c->out);
    jw_key(c->out, "results");
    jw_array(c->out);
    code = write_all(c, &q, &r, &records, &load, e);
    jw_end_array(c->out);
    jw_kint(c->out, "total_matches", r.total_matches + records.total_matches);
    jw_knum(c->out, "took_ms", (double)(clock_mono_us() - start) / 1000.0);
    jw_end_object(c->out);
    if (!code)
        context_load_served(c, &load, start);
    return code;
}

/* ---- context search ---- */

static enum err_code range_end(const struct json *range, const char *name, int64_t *ms, struct err *e)
{
    const struct json *v = json_get(range, name);
    if (v && v->type != JSON_NULL && (v->type != JSON_STRING || !clock_parse(v->s, ms)))
        return err_set(e, ERR_INVALID, "time_range", "time_range.%s must be a time such as 2026-01-31T12:00:00Z", name);
    return ERR_OK;
}

static enum err_code take_range(const struct op_call *c, struct recall_query *q, struct err *e)
{
    const struct json *range = op_json(c, "time_range");
    enum err_code code = range ? range_end(range, "start", &q->from, e) : ERR_OK;
    if (!code && range)
        code = range_end(range, "end", &q->to, e);
    if (!code && q->from && q->to && q->from > q->to)
        code = err_set(e, ERR_INVALID, "time_range", "time_range.start must not be after time_range.end");
    if (q->now && (!q->to || q->now < q->to)) /* as_of */
        q->to = q->now;
    return code;
}

static void write_found(struct op_call *c, const struct recall_hit *h, const struct index_term *terms, size_t n)
{
    struct json_out *w = c->out;
    jw_object(w);
    jw_kstr(w, "conversation_id", h->turn.conversation_id);
    jw_kstr(w, "turn_id", h->turn.id);
    jw_knum(w, "relevance_score", h->score);
    jw_kstr(w, "snippet", recall_snippet(c->arena, h->turn.content, terms, n));
    jw_kstr(w, "context", h->conversation_title.n ? h->conversation_title : STR(""));
    jw_ktime(w, "timestamp", h->turn.timestamp);
    jw_kstr(w, "agent", h->turn.agent);
    jw_kstr(w, "role", h->turn.role);
    jw_kint(w, "turn_number", h->turn.turn_number);
    write_marks(c, h);
    jw_end_object(w);
}

enum err_code context_search(struct op_call *c, struct err *e)
{
    int64_t start = clock_mono_us();
    struct recall_query q = {.meaning = c->svc->meaning,
                             .reader = c->reader,
                             .text = op_text(c, "query"),
                             .session_id = op_text(c, "session_id"),
                             .now = op_time(c, "as_of"),
                             .threshold = op_real(c, "relevance_threshold", 0),
                             .max_results = (int)op_int(c, "max_results", 10)};
    struct recall_result r = {0};
    struct index_term *terms = NULL;
    size_t n = 0;
    enum err_code code = take_range(c, &q, e);
    if (!code)
        code = find_session(c, &q.session_id, e);
    if (!code)
        code = recall_run(c->svc->store, c->svc->index, c->arena, &q, &r, e);
    if (!code)
        code = index_terms(c->arena, q.text, true, &terms, &n, e);
    if (code)
        return code;
    jw_object(c->out);
    jw_key(c->out, "results");
    jw_array(c->out);
    for (size_t i = 0; i < r.n; i++)
        write_found(c, &r.hits[i], terms, n);
    jw_end_array(c->out);
    jw_kint(c->out, "total_matches", r.total_matches);
    jw_knum(c->out, "search_time_ms", (double)(clock_mono_us() - start) / 1000.0);
    jw_end_object(c->out);
    struct context_load load = {
        .purpose = LOAD_SEARCH, .session_id = q.session_id, .project = c->project, .query = q.text};
    context_load_hits(c->arena, &load, &r);
    context_load_served(c, &load, start);
    return ERR_OK;
}
