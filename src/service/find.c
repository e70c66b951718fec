/* Search across kinds, projects and sessions: records by their words, turns by recall, in one list by score. Sessions
 * are also found by what was said in them. Not here: how either is ranked (search/). */
#include "service/find.h"

#include "service/features.h"
#include "service/operation_run.h"
#include "service/v1.h"

#include <stdlib.h>

enum { RECALLED_MAX = 100 };

/* ---- kinds by name ---- */

enum err_code find_kinds_add(struct find_kinds *k, struct str name, const char *field, struct err *e)
{
    const struct kind *kind = kind_find(name);
    if (kind == KIND_TURN)
        k->turns = true;
    if (kind == KIND_TURN)
        return ERR_OK;
    if (!kind || !list_searchable(kind))
        return err_set(e, ERR_INVALID, field, "%s must name kinds of records that hold text, such as pattern, not %.*s",
                       field, STR_ARG(str_take(name, 60)));
    for (size_t i = 0; i < k->n; i++)
        if (k->list[i] == kind)
            return ERR_OK;
    if (k->n < FIND_KINDS_MAX)
        k->list[k->n++] = kind;
    return ERR_OK;
}

/* "pattern,summary"; nothing: all kinds and turns. */
static enum err_code read_kinds(struct op_call *c, struct find_kinds *k, struct err *e)
{
    struct str rest = op_text(c, "kind");
    enum err_code code = ERR_OK;
    k->all = k->turns = !rest.n;
    while (!code && rest.n)
        code = find_kinds_add(k, str_trim(str_cut(&rest, ',')), "kind", e);
    return code;
}

/* ---- finding ---- */

enum err_code find_records(struct op_call *c, const struct find_kinds *k, struct records_query *q,
                           struct records_result *out, struct err *e)
{
    struct store_tx *tx;
    *out = (struct records_result){0};
    if (!k->all && !k->n)
        return ERR_OK;
    q->kinds = k->all ? NULL : k->list;
    q->n_kinds = k->n;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = records_find(tx, c->arena, q, out, e);
    store_read_end(tx);
    return code;
}

static int better_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->place > y->place) - (x->place < y->place);
}

enum err_code find_together(struct op_call *c, const struct records_result *records, const struct recall_result *turns,
                            struct found **out, size_t *n, struct err *e)
{
    struct found *list = arena_array(c->arena, struct found, records->n + turns->n + 1);
    *n = 0;
    *out = list;
    if (!list)
        return err_nomem(e);
    for (size_t i = 0; i < turns->n; i++, ++*n)
        list[*n] = (struct found){.score = turns->hits[i].score, .turn = &turns->hits[i], .place = *n};
    for (size_t i = 0; i < records->n; i++, ++*n)
        list[*n] = (struct found){.score = records->hits[i].score, .record = &records->hits[i], .place = *n};
    if (*n)
        qsort(list, *n, sizeof *list, better_first);
    return ERR_OK;
}

static struct recall_query recall_query_of(const struct op_call *c, int max)
{
    return (struct recall_query){.meaning = c->svc->meaning,
                                 .reader = c->reader,
                                 .text = op_text(c, "q"),
                                 .project = v1_project(c),
                                 .scope = caller_scope(caller_of(c)),
                                 .max_results = max < RECALLED_MAX ? max : RECALLED_MAX};
}

static struct records_query records_query_of(const struct op_call *c)
{
    return (struct records_query){.similar = c->svc->similar,
                                  .text = op_text(c, "q"),
                                  .project = v1_project(c),
                                  .scope = caller_scope(caller_of(c)),
                                  .limit = (int)op_int(c, "limit", 20)};
}

/* ---- answering ---- */

struct str find_title(const struct record *r)
{
    static const char *const names[] = {"title", "name", "display_name", "directive", NULL};
    for (size_t i = 0; names[i]; i++) {
        struct str s = record_text(r, names[i]);
        if (s.n)
            return s;
    }
    return (r->kind->flags & KIND_KEYED) ? r->id : STR_NONE;
}

static void write_turn(struct op_call *c, const struct recall_hit *h, const struct index_term *terms, size_t n)
{
    struct json_out *w = c->out;
    jw_object(w);
    jw_kcstr(w, "kind", "turn");
    jw_kstr(w, "id", h->turn.id);
    jw_knum(w, "score", h->score);
    jw_kstr(w, "title", h->conversation_title);
    jw_kstr(w, "snippet", recall_snippet(c->arena, h->turn.content, terms, n));
    jw_kstr(w, "project", op_shown_project(c, h->turn.project));
    jw_kstr(w, "submodule_id", op_shown_project(c, h->turn.project));
    jw_kstr(w, "session_id", h->turn.session_id);
    jw_kstr(w, "conversation_id", h->turn.conversation_id);
    jw_ktime(w, "timestamp", h->turn.timestamp);
    jw_end_object(w);
}

static enum err_code write_record(struct op_call *c, struct store_tx *tx, const struct found *f, struct v1_extra *x,
                                  const struct index_term *terms, size_t n, struct err *e)
{
    struct json_out *w = c->out;
    const struct record *r = f->record->record;
    enum err_code code = v1_read(tx, c->arena, r, x, e);
    if (code)
        return code;
    jw_object(w);
    jw_kcstr(w, "kind", r->kind->name);
    jw_kstr(w, "id", r->id);
    jw_knum(w, "score", f->score);
    jw_kstr(w, "title", find_title(r));
    jw_kstr(w, "snippet", recall_snippet(c->arena, f->record->text, terms, n));
    struct str project = r->project.n ? op_shown_project(c, r->project) : STR_NONE;
    jw_kstr(w, "project", project);
    jw_kstr(w, "submodule_id", r->kind == KIND_PROJECT ? r->id : project);
    jw_ktime(w, "timestamp", r->created_at);
    jw_key(w, "record");
    v1_write(c, r, x);
    jw_end_object(w);
    return ERR_OK;
}

static enum err_code answer(struct op_call *c, const struct found *list, size_t n, struct err *e)
{
    struct index_term *terms = NULL;
    size_t n_terms = 0, limit = (size_t)op_int(c, "limit", 20);
    struct v1_extra extra = {0};
    struct store_tx *tx;
    enum err_code code = index_terms(c->arena, op_text(c, "q"), true, &terms, &n_terms, e);
    if (!code)
        code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    jw_array(c->out);
    for (size_t i = 0; !code && i < n && i < limit; i++) {
        if (list[i].turn)
            write_turn(c, list[i].turn, terms, n_terms);
        else
            code = write_record(c, tx, &list[i], &extra, terms, n_terms, e);
    }
    jw_end_array(c->out);
    store_read_end(tx);
    return code;
}

static enum err_code find_in(struct op_call *c, const struct find_kinds *kinds, struct err *e)
{
    struct records_query q = records_query_of(c);
    struct recall_query words = recall_query_of(c, q.limit);
    struct records_result records;
    struct recall_result turns = {0};
    struct found *list = NULL;
    size_t n = 0;
    enum err_code code = find_records(c, kinds, &q, &records, e);
    if (!code && kinds->turns)
        code = recall_run(c->svc->store, c->svc->index, c->arena, &words, &turns, e);
    if (!code)
        code = find_together(c, &records, &turns, &list, &n, e);
    c->total = records.total_matches + turns.total_matches;
    return code ? code : answer(c, list, n, e);
}

enum err_code find_all(struct op_call *c, struct err *e)
{
    struct find_kinds kinds = {0};
    enum err_code code = read_kinds(c, &kinds, e);
    return code ? code : find_in(c, &kinds, e);
}

enum err_code find_patterns(struct op_call *c, struct err *e)
{
    struct find_kinds kinds = {0};
    enum err_code code = find_kinds_add(&kinds, STR("pattern"), "kind", e);
    return code ? code : find_in(c, &kinds, e);
}

/* ---- sessions ---- */

static struct records_hit *session_among(struct records_result *r, struct str id)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_eq(r->hits[i].record->id, id))
            return &r->hits[i];
    return NULL;
}

/* Adds the sessions of the turns found; one that is in already takes the better score. */
static enum err_code add_spoken(struct op_call *c, struct store_tx *tx, const struct recall_result *turns,
                                struct records_result *r, struct err *e)
{
    struct records_hit *hits = arena_array(c->arena, struct records_hit, r->n + turns->n + 1);
    if (!hits)
        return err_nomem(e);
    for (size_t i = 0; i < r->n; i++)
        hits[i] = r->hits[i];
    r->hits = hits;
    for (size_t i = 0; i < turns->n; i++) {
        const struct recall_hit *h = &turns->hits[i];
        struct records_hit *known = session_among(r, h->turn.session_id);
        struct err why = {0};
        if (known) {
            known->score = known->score > h->score ? known->score : h->score;
            continue;
        }
        enum err_code code =
            record_get(tx, c->arena, KIND_SESSION, h->turn.session_id, STR_NONE, &hits[r->n].record, &why);
        if (code && code != ERR_NOT_FOUND)
            return err_set(e, code, NULL, "%s", why.message);
        if (code)
            continue;
        hits[r->n].score = h->score;
        hits[r->n++].text = h->turn.content;
        r->total_matches++;
    }
    return ERR_OK;
}

enum err_code find_sessions(struct op_call *c, struct err *e)
{
    struct find_kinds kinds = {.n = 1};
    struct records_query q = records_query_of(c);
    struct recall_query words = recall_query_of(c, RECALLED_MAX);
    struct records_result records;
    struct recall_result turns = {0}, none = {0};
    struct found *list = NULL;
    struct store_tx *tx;
    size_t n = 0;
    kinds.list[0] = KIND_SESSION;
    enum err_code code = find_records(c, &kinds, &q, &records, e);
    if (!code)
        code = recall_run(c->svc->store, c->svc->index, c->arena, &words, &turns, e);
    if (!code)
        code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = add_spoken(c, tx, &turns, &records, e);
    store_read_end(tx);
    if (!code)
        code = find_together(c, &records, &none, &list, &n, e);
    c->total = records.total_matches;
    return code ? code : answer(c, list, n, e);
}
