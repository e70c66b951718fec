/* Conversations: begin one (answering with what is relevant to it), show one with its turns, its short-term window. */
#include "service/audit.h"
#include "service/context_load.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/relevant.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "search/recall.h"

/* ---- create ---- */

enum { DEPTH_MAX = 50 };

struct conversation_new {
    struct op_call *call;
    struct record *record;
    struct recall_result relevant;
    int depth;
    char id[ID_MAX];
};

static enum err_code create_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct conversation_new *n = arg;
    struct arena *a = n->call->arena;
    struct record *session;
    enum err_code code = op_get_session(n->call, tx, record_text(n->record, "session_id"), &session, e);
    if (code)
        return code;
    n->record->project = session->project;
    struct record fresh = *n->record;
    audit_made(n->call, KIND_CONVERSATION, fresh.id);
    code = record_insert(tx, a, &fresh, e);
    return code ? code : session_touch(tx, session->id, n->record->created_at, e);
}

static void write_relevant(struct json_out *w, const struct recall_result *r, int depth)
{
    jw_key(w, "relevant_context");
    jw_array(w);
    for (size_t i = 0; i < r->n_conversations && (int)i < depth; i++) {
        jw_object(w);
        jw_kstr(w, "conversation_id", r->conversations[i].id);
        jw_knum(w, "relevance_score", r->conversations[i].score);
        /* What it came to; before it has been summed up, what it was for. */
        jw_kstr(w, "summary", r->conversations[i].summary.n ? r->conversations[i].summary : r->conversations[i].title);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void answer_created(struct op_call *c, void *arg)
{
    struct conversation_new *n = arg;
    jw_object(c->out);
    jw_kcstr(c->out, "conversation_id", n->id);
    jw_kstr(c->out, "session_id", record_text(n->record, "session_id"));
    jw_kstr(c->out, "directive", record_text(n->record, "directive"));
    jw_kcstr(c->out, "status", "active");
    jw_ktime(c->out, "created_at", n->record->created_at);
    write_relevant(c->out, &n->relevant, n->depth);
    jw_end_object(c->out);
}

/* Only the conversations that the answer will name. */
static void leave_trace(struct op_call *c, const struct conversation_new *n, const struct recall_query *q,
                        int64_t start)
{
    struct load_item items[DEPTH_MAX];
    struct context_load load = {.purpose = LOAD_DIRECTIVE,
                                .session_id = q->session_id,
                                .conversation_id = str_of(n->id),
                                .query = q->text,
                                .items = items};
    for (size_t i = 0; i < n->relevant.n_conversations && (int)i < n->depth && i < DEPTH_MAX; i++) {
        const struct recall_conversation *r = &n->relevant.conversations[i];
        items[load.n++] = (struct load_item){KIND_CONVERSATION, r->id, r->score};
        load.tokens += text_tokens(r->summary.n ? r->summary : r->title);
    }
    context_load_served(c, &load, start);
}

/* What is relevant is a help, not a condition: a recall that fails leaves the list empty. */
static void find_relevant(struct op_call *c, struct conversation_new *n, struct str directive)
{
    struct recall_query q = {
        .meaning = c->svc->meaning, .text = directive, .session_id = op_text(c, "session_id"), .max_results = 20};
    struct err ignored = {0};
    int64_t start = clock_mono_us();
    n->depth = (int)op_int(c, "context_depth", 5);
    if (!directive.n || n->depth <= 0 || !op_bool(c, "use_context", true))
        return;
    struct store_tx *tx;
    enum err_code code = recall_run(c->svc->store, c->svc->index, c->arena, &q, &n->relevant, &ignored);
    if (!code)
        code = op_read_begin(c, &tx, &ignored);
    if (!code) {
        code = relevant_conversations(c, tx, q.session_id, directive, &n->relevant, &ignored);
        store_read_end(tx);
    }
    if (code)
        n->relevant = (struct recall_result){0};
    else
        leave_trace(c, n, &q, start);
}

enum err_code conversation_create(struct op_call *c, struct err *e)
{
    struct conversation_new *n = arena_alloc(c->arena, sizeof *n);
    struct record *r = n ? record_new(c->arena, KIND_CONVERSATION) : NULL;
    if (!r)
        return err_nomem(e);
    struct str directive = op_text(c, "directive").n ? op_text(c, "directive") : op_text(c, "title");
    const struct json *metadata = op_json(c, "metadata");
    id_make("conv", n->id);
    n->call = c;
    n->record = r;
    r->id = str_of(n->id);
    r->created_at = r->updated_at = clock_now_ms();
    record_set(r, "session_id", V_TEXT(op_text(c, "session_id")));
    record_set(r, "status", V_TEXT(STR("active")));
    if (directive.p)
        record_set(r, "directive", V_TEXT(directive));
    if (metadata)
        record_set(r, "metadata", V_TEXT(metadata->raw));
    find_relevant(c, n, directive);
    return op_write(c, create_on, n, answer_created, e);
}

/* ---- show ---- */

static void write_turn(struct json_out *w, const struct turn *t)
{
    jw_object(w);
    jw_kstr(w, "turn_id", t->id);
    jw_kint(w, "turn_number", t->turn_number);
    jw_kstr(w, "agent", t->agent);
    jw_kstr(w, "role", t->role);
    jw_kstr(w, "content", t->content);
    jw_ktime(w, "timestamp", t->timestamp);
    jw_kint(w, "token_count", t->token_count);
    jw_kraw(w, "metadata", t->metadata.n ? t->metadata : STR("{}"));
    jw_end_object(w);
}

/* The cursor of a conversation's turns is the next turn's number. */
static enum err_code page_start(const struct op_call *c, int64_t *first, struct err *e)
{
    struct str cursor = op_text(c, "cursor");
    *first = 1;
    if (cursor.p && (!str_int(cursor, first) || *first < 1))
        return err_set(e, ERR_INVALID, "cursor", "cursor must be the next_cursor of the page before");
    return ERR_OK;
}

static enum err_code get_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *r;
    struct turn *turns = NULL;
    size_t n = 0;
    int64_t first;
    int limit = (int)op_int(c, "limit", 100);
    enum err_code code = op_get_conversation(c, tx, op_text(c, "conversation_id"), &r, e);
    if (!code)
        code = page_start(c, &first, e);
    if (!code)
        code = turns_page(tx, c->arena, r->id, first, limit, &turns, &n, e);
    if (code)
        return code;
    bool more = n > 0 && turns[n - 1].turn_number < record_int(r, "turn_count");
    jw_object(c->out);
    op_write_members(c, r);
    jw_key(c->out, "turns");
    jw_array(c->out);
    for (size_t i = 0; i < n; i++) {
        audit_touch(c, KIND_TURN, turns[i].id);
        write_turn(c->out, &turns[i]);
    }
    jw_end_array(c->out);
    jw_kstr(c->out, "next_cursor",
            more ? arena_fmt(c->arena, "%lld", (long long)turns[n - 1].turn_number + 1) : STR_NONE);
    jw_end_object(c->out);
    return ERR_OK;
}

enum err_code conversation_get(struct op_call *c, struct err *e)
{
    return op_read(c, get_on, e);
}

/* ---- window ---- */

static enum err_code window_on(struct op_call *c, struct store_tx *tx, struct err *e)
{
    struct record *r;
    struct turn *turns = NULL;
    size_t n = 0;
    enum err_code code = op_get_conversation(c, tx, op_text(c, "conversation_id"), &r, e);
    if (!code)
        code =
            turns_last(tx, c->arena, r->id, record_int(r, "window_start"), (int)op_int(c, "limit", 20), &turns, &n, e);
    if (code)
        return code;
    jw_object(c->out);
    jw_kstr(c->out, "conversation_id", r->id);
    jw_key(c->out, "messages");
    jw_array(c->out);
    for (size_t i = 0; i < n; i++) {
        audit_touch(c, KIND_TURN, turns[i].id);
        jw_object(c->out);
        jw_kstr(c->out, "role", turns[i].role);
        jw_kstr(c->out, "content", turns[i].content);
        jw_end_object(c->out);
    }
    jw_end_array(c->out);
    jw_end_object(c->out);
    return ERR_OK;
}

enum err_code conversation_window(struct op_call *c, struct err *e)
{
    return op_read(c, window_on, e);
}
