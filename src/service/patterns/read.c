/* Operations that read patterns: search, recommendation, versions. */
#include "service/features.h"
#include "service/operation_run.h"
#include "service/patterns/find.h"
#include "service/patterns/keep.h"
#include "service/service.h"
#include "service/v1.h"
#include "store/turns.h"

#include "base/clock.h"

/* ---- search and recommendation ---- */

static struct pattern_query query_of(const struct op_call *c, struct str text, bool recommend)
{
    return (struct pattern_query){.similar = c->svc->similar,
                                  .caller = caller_of(c),
                                  .text = text,
                                  .pattern_type = op_text(c, "pattern_type"),
                                  .project = v1_project(c),
                                  .recommend = recommend,
                                  .now = clock_now_ms()};
}

static void write_parts(struct json_out *w, const struct pattern_match *m)
{
    jw_key(w, "score_parts");
    jw_object(w);
    jw_knum(w, "similarity", m->similarity);
    jw_knum(w, "quality", m->quality);
    jw_knum(w, "success", m->success_rate);
    jw_knum(w, "recency", m->recency);
    jw_end_object(w);
}

static enum err_code write_match(struct op_call *c, struct store_tx *tx, const struct pattern_match *m, bool recommend,
                                 struct v1_extra *extra, struct err *e)
{
    struct record *r;
    enum err_code code = record_by_seq(tx, c->arena, pattern_kind(), m->seq, &r, e);
    if (!code)
        code = v1_read(tx, c->arena, r, extra, e);
    if (code)
        return code;
    jw_object(c->out);
    v1_write_members(c, r, extra);
    jw_knum(c->out, "score", m->score);
    if (recommend)
        write_parts(c->out, m);
    jw_end_object(c->out);
    return ERR_OK;
}

static enum err_code answer(struct op_call *c, struct store_tx *tx, const struct pattern_query *q, struct err *e)
{
    struct pattern_match *all;
    struct v1_extra extra = {0};
    size_t n, limit = (size_t)op_int(c, "limit", 20);
    enum err_code code = patterns_match(tx, c->arena, q, &all, &n, e);
    if (code)
        return code;
    jw_array(c->out);
    for (size_t i = 0; i < n && i < limit && !code; i++)
        code = write_match(c, tx, &all[i], q->recommend, &extra, e);
    jw_end_array(c->out);
    c->total = (int64_t)n;
    return code;
}

static enum err_code search_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct pattern_query q = query_of(c, op_text(c, "query"), false);
    return answer(c, tx, &q, e);
}

enum err_code pattern_search(struct op_call *c, struct err *e)
{
    return op_read(c, search_on, e);
}

/* What was said last in the session, where nothing was asked. */
static enum err_code last_said(struct op_call *c, struct store_tx *tx, struct str session_id, struct str *text,
                               struct err *e)
{
    struct record *session;
    struct turn *turns = NULL;
    size_t n = 0;
    enum err_code code = op_get_session(c, tx, session_id, &session, e);
    if (code || text->n)
        return code;
    code = turns_after(tx, c->arena, session_id, 0, 1, true, &turns, &n, e);
    if (!code && n)
        *text = turns[n - 1].content;
    return code;
}

static enum err_code recommend_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct str text = op_text(c, "query").n ? op_text(c, "query") : op_text(c, "directive");
    struct str session_id = op_text(c, "session_id");
    if (!text.n && !session_id.n)
        return err_set(e, ERR_INVALID, "query", "query is missing in the body: what is about to be done");
    enum err_code code = session_id.n ? last_said(c, tx, session_id, &text, e) : ERR_OK;
    if (code)
        return code;
    struct pattern_query q = query_of(c, text, true);
    return answer(c, tx, &q, e);
}

enum err_code pattern_recommend(struct op_call *c, struct err *e)
{
    return op_read(c, recommend_on, e);
}

/* ---- versions ---- */

/* The pattern's own text, or one before it: the same shape. */
static void write_version(struct json_out *w, const struct record *r, struct str pattern_id, bool current)
{
    int64_t text_version = record_int(r, "text_version");
    jw_object(w);
    jw_kstr(w, "id", r->id);
    jw_kstr(w, "pattern_id", pattern_id);
    jw_kint(w, "text_version", text_version ? text_version : 1);
    jw_kbool(w, "current", current);
    jw_kstr(w, "name", record_text(r, "name"));
    jw_kstr(w, "description", record_text(r, "description"));
    jw_kstr(w, "template", record_text(r, "template"));
    jw_kstr(w, "example", record_text(r, "example"));
    jw_kstr(w, "parent_pattern_id", record_text(r, "parent_pattern_id"));
    jw_ktime(w, "created_at", r->created_at);
    jw_end_object(w);
}

static enum err_code versions_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *r;
    struct list_page page = {0};
    int limit = (int)op_int(c, "limit", 50);
    enum err_code code = record_get(tx, c->arena, pattern_kind(), op_text(c, "id"), STR_NONE, &r, e);
    if (!code)
        code = access_record(caller_of(c), ACCESS_READ, tx, c->arena, r, e);
    if (code)
        return code;
    struct list_filter filter = {"pattern_id", V_TEXT(r->id)};
    struct list_query q = {
        .kind = pattern_version_kind(), .filters = &filter, .n_filters = 1, .limit = limit, .count = true};
    code = record_list(tx, c->arena, &q, &page, e);
    if (code)
        return code;
    jw_array(c->out);
    write_version(c->out, r, r->id, true);
    for (size_t i = 0; i < page.n && (int)i + 1 < limit; i++)
        write_version(c->out, page.rows[i], r->id, false);
    jw_end_array(c->out);
    c->total = page.total + 1;
    return ERR_OK;
}

enum err_code pattern_versions(struct op_call *c, struct err *e)
{
    return op_read(c, versions_on, e);
}
