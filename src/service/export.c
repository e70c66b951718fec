/* The walk over a session: which records belong to it, in which order. See export.h. Each page is read in a snapshot of
 * its own and given away before the next, because a slow reader must not hold a snapshot open (the store's log could
 * not be cut then). So a record that is deleted while the export is read may be in it or not. */
#include "service/export.h"

#include "base/clock.h"
#include "service/operation_run.h"
#include "store/records.h"

enum { PAGE = 100, FLUSH_BYTES = 64 * 1024 };

/* What belongs to a session besides its conversations, and to a conversation. States of agents come before the turns,
 * so that whoever takes them in again knows that those turns were learnt from already. */
struct part {
    const char *kind, *field;
};
static const struct part before_turns[] = {{"agent_state", "session_id"}};
static const struct part of_session[] = {
    {"summary", "session_id"},
    {"event", "session_id"},
    {"checkpoint", "session_id"},
    {"pattern", "source_session_id"},
};
static const struct part of_conversation[] = {{"turn", "conversation_id"}, {"character", "conversation_id"}};
static const struct part of_record[] = {{"tag", "record_id"}, {"source", "record_id"}};

struct page {
    struct arena *arena;
    struct record **rows;
    struct str *attached;
    size_t n;
};

static enum err_code flush(struct op_call *c, struct err *e)
{
    if (c->out->b->failed)
        return err_nomem(e);
    return c->flush && c->out->b->n >= FLUSH_BYTES ? c->flush(c, e) : ERR_OK;
}

/* A record's labels and sources as a JSON array. */
static enum err_code read_attached(struct op_call *c, struct store_tx *tx, struct arena *a, struct str id,
                                   struct str *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    size_t all = 0;
    enum err_code code = ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_array(&w);
    for (size_t i = 0; i < sizeof of_record / sizeof *of_record && !code; i++) {
        struct record **rows;
        size_t n = 0;
        const struct kind *k = kind_find(str_of(of_record[i].kind));
        code = records_of(tx, a, k, of_record[i].field, id, 0, PAGE, &rows, &n, e);
        for (size_t j = 0; j < n && !code; j++) {
            struct record shown = *rows[j];
            shown.project = op_shown_project(c, shown.project);
            jw_object(&w);
            jw_kcstr(&w, "kind", k->name);
            record_write_members(&w, &shown);
            jw_end_object(&w);
        }
        all += n;
    }
    jw_end_array(&w);
    *out = STR_NONE;
    if (code || !all) {
        buf_release(&b);
        return code;
    }
    *out = buf_take(&b, a);
    return out->p ? ERR_OK : err_nomem(e);
}

static enum err_code read_page(struct op_call *c, const struct part *part, struct str id, int64_t after, struct page *p,
                               struct err *e)
{
    struct store_tx *tx;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = records_of(tx, p->arena, kind_find(str_of(part->kind)), part->field, id, after, PAGE, &p->rows, &p->n, e);
    p->attached = code ? NULL : arena_array(p->arena, struct str, p->n + 1);
    if (!code && !p->attached)
        code = err_nomem(e);
    for (size_t i = 0; i < p->n && !code; i++)
        code = read_attached(c, tx, p->arena, p->rows[i]->id, &p->attached[i], e);
    store_read_end(tx);
    return code;
}

static bool wanted(const struct export_plan *p, const struct record *r)
{
    if (r->kind == KIND_AGENT_STATE)
        return p->agent_states;
    if (r->kind != KIND_TURN)
        return true;
    int64_t t = record_int(r, "timestamp");
    return r->seq <= p->upto && (!p->start || t >= p->start) && (!p->end || t < p->end);
}

static enum err_code write_conversation(struct export_out *x, const struct export_format *f, const struct record *r,
                                        struct str attached, struct err *e);

/* All records of one part, a page at a time. */
static enum err_code write_part(struct export_out *x, const struct export_format *f, const struct part *part,
                                struct str id, struct err *e)
{
    enum err_code code = ERR_OK;
    int64_t after = 0;
    for (bool more = true; more && !code;) {
        struct page p = {.arena = arena_new()};
        code = p.arena ? read_page(x->call, part, id, after, &p, e) : err_nomem(e);
        for (size_t i = 0; i < p.n && !code; i++) {
            struct record *r = p.rows[i];
            after = r->seq;
            if (!x->plan->metadata && record_value(r, "metadata"))
                record_set(r, "metadata", V_TEXT(STR("{}")));
            if (r->kind == KIND_CONVERSATION)
                code = write_conversation(x, f, r, p.attached[i], e);
            else if (wanted(x->plan, r))
                f->record(x, r, p.attached[i]);
            if (!code)
                code = flush(x->call, e);
        }
        more = p.n == PAGE;
        if (p.arena)
            arena_free(p.arena);
    }
    return code;
}

static enum err_code write_conversation(struct export_out *x, const struct export_format *f, const struct record *r,
                                        struct str attached, struct err *e)
{
    enum err_code code = ERR_OK;
    f->record(x, r, attached);
    for (size_t i = 0; i < sizeof of_conversation / sizeof *of_conversation && !code; i++)
        code = write_part(x, f, &of_conversation[i], r->id, e);
    return code;
}

static enum err_code read_session(struct op_call *c, struct str id, struct record **session, struct str *attached,
                                  struct err *e)
{
    struct store_tx *tx;
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = op_get_session(c, tx, id, session, e);
    if (!code)
        code = read_attached(c, tx, c->arena, id, attached, e);
    store_read_end(tx);
    return code;
}

enum err_code export_write(struct op_call *call, const struct export_plan *p, struct err *e)
{
    static const struct part conversations = {"conversation", "session_id"};
    struct export_out x = {.call = call, .plan = p};
    const struct export_format *f = str_is(p->format, "json")          ? &export_json
                                    : str_is(p->format, "jsonl")       ? &export_jsonl
                                    : str_is(p->format, "claude-code") ? &export_claude_code
                                                                       : &export_markdown;
    struct record *session;
    struct str attached;
    enum err_code code = read_session(call, p->session_id, &session, &attached, e);
    if (code)
        return code;
    f->begin(&x, session, attached);
    for (size_t i = 0; i < sizeof before_turns / sizeof *before_turns && !code; i++)
        code = write_part(&x, f, &before_turns[i], p->session_id, e);
    if (!code)
        code = write_part(&x, f, &conversations, p->session_id, e);
    for (size_t i = 0; i < sizeof of_session / sizeof *of_session && !code; i++)
        code = write_part(&x, f, &of_session[i], p->session_id, e);
    if (!code)
        f->end(&x);
    return code;
}
