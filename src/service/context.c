/* A session's context for a directive: what was summed up, who is there, what is recent, what is relevant. And setting
 * a session's summary, with the earlier ones kept as history. */
#include "service/audit.h"
#include "service/context_load.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/relevant.h"
#include "service/summary.h"
#include "service/suspect.h"
#include "service/topics.h"
#include "service/touch.h"

#include "base/clock.h"
#include "base/id.h"
#include "search/recall.h"

enum { RECENT = 5, TOPIC_TURNS = 40, TOPICS = 10, CHARACTERS = 3, PROPS = 3 };

/* ---- get ---- */

struct context_parts {
    struct record *session;
    struct recall_result recalled;
    struct list_page recent, states, characters, props;
    struct record *summary; /* newest of the session, NULL */
    struct str topics;      /* JSON array */
};

static enum err_code list_of(struct op_call *c, struct store_tx *tx, const struct kind *k, const char *field,
                             struct str equals, int limit, bool count, struct list_page *out, struct err *e)
{
    struct list_filter filter = {field, V_TEXT(equals)};
    struct list_query q = {.kind = k, .filters = &filter, .n_filters = 1, .limit = limit, .count = count};
    q.scope = caller_scope(caller_of(c));
    return record_list(tx, c->arena, &q, out, e);
}

/* Those of its newest summary, else what the newest turns share. */
static enum err_code session_topics(struct op_call *c, struct store_tx *tx, struct context_parts *p, struct err *e)
{
    p->topics = p->summary ? record_text(p->summary, "key_topics") : STR_NONE;
    if (p->topics.n > 2)
        return ERR_OK;
    struct turn *turns = NULL;
    size_t n = 0;
    enum err_code code = turns_after(tx, c->arena, p->session->id, 0, TOPIC_TURNS, true, &turns, &n, e);
    struct str *texts = code ? NULL : arena_array(c->arena, struct str, n + 1);
    if (!texts)
        return code ? code : err_nomem(e);
    for (size_t i = 0; i < n; i++)
        texts[i] = turns[i].content;
    return topics_of(c->arena, texts, n, TOPICS, &p->topics, e);
}

static enum err_code gather(struct op_call *c, struct store_tx *tx, struct context_parts *p, struct err *e)
{
    enum err_code code = op_get_session(c, tx, op_text(c, "session_id"), &p->session, e);
    if (code)
        return code;
    struct str id = p->session->id;
    code = list_of(c, tx, KIND_CONVERSATION, "session_id", id, RECENT, true, &p->recent, e);
    if (!code)
        code = list_of(c, tx, KIND_AGENT_STATE, "session_id", id, 20, false, &p->states, e);
    if (!code)
        code = summary_newest(tx, c->arena, id, STR_NONE, &p->summary, e);
    struct str project = p->session->project, directive = op_text(c, "directive");
    if (!code)
        code = relevant_records(c, tx, kind_find(STR("character")), project, directive, CHARACTERS, &p->characters, e);
    if (!code)
        code = relevant_records(c, tx, kind_find(STR("prop")), project, directive, PROPS, &p->props, e);
    return code ? code : session_topics(c, tx, p, e);
}

static void write_states(struct json_out *w, const struct list_page *states)
{
    jw_key(w, "agent_states");
    jw_object(w);
    for (size_t i = 0; i < states->n; i++) {
        struct str state = record_text(states->rows[i], "state");
        jw_key_str(w, record_text(states->rows[i], "agent"));
        jw_raw(w, state.n ? state : STR("{}"));
    }
    jw_end_object(w);
}

static double relevance_of(const struct recall_result *r, struct str conversation)
{
    for (size_t i = 0; i < r->n_conversations; i++) {
        if (str_eq(r->conversations[i].id, conversation))
            return r->conversations[i].score;
    }
    return 0;
}

static void write_conversation(struct json_out *w, struct str id, struct str directive, struct str summary,
                               double score, int64_t created)
{
    jw_object(w);
    jw_kstr(w, "conversation_id", id);
    jw_kstr(w, "directive", directive);
    jw_kstr(w, "summary", summary);
    jw_knum(w, "relevance_score", score);
    jw_ktime(w, "created_at", created);
    jw_end_object(w);
}

static void write_recent(struct json_out *w, const char *key, const struct context_parts *p)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < p->recent.n; i++) {
        const struct record *r = p->recent.rows[i];
        write_conversation(w, r->id, record_text(r, "directive"), record_text(r, "context_summary"),
                           relevance_of(&p->recalled, r->id), r->created_at);
    }
    jw_end_array(w);
}

static void write_relevant(const struct service *svc, struct json_out *w, const struct recall_result *r)
{
    jw_key(w, "relevant_conversations");
    jw_array(w);
    for (size_t i = 0; i < r->n_conversations; i++)
        write_conversation(w, r->conversations[i].id, r->conversations[i].title, r->conversations[i].summary,
                           r->conversations[i].score, r->conversations[i].created_at);
    jw_end_array(w);
    jw_key(w, "relevant_turns");
    jw_array(w);
    for (size_t i = 0; i < r->n; i++) {
        const struct turn *t = &r->hits[i].turn;
        jw_object(w);
        jw_kstr(w, "turn_id", t->id);
        jw_kstr(w, "conversation_id", t->conversation_id);
        jw_kint(w, "turn_number", t->turn_number);
        jw_kstr(w, "agent", t->agent);
        jw_kstr(w, "role", t->role);
        jw_kstr(w, "content", t->content);
        jw_ktime(w, "timestamp", t->timestamp);
        jw_knum(w, "relevance_score", r->hits[i].score);
        suspect_tell(svc, w, t->content);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void write_records(struct op_call *c, const char *key, const struct list_page *page)
{
    struct json_out *w = c->out;
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < page->n; i++)
        op_write_record(c, page->rows[i]);
    jw_end_array(w);
}

static struct str summary_text(const struct context_parts *p)
{
    struct str text = p->summary ? record_text(p->summary, "text") : STR_NONE;
    return text.n ? text : record_text(p->session, "summary");
}

static void write_context(struct op_call *c, const struct context_parts *p)
{
    struct json_out *w = c->out;
    jw_object(w);
    jw_kstr(w, "session_id", p->session->id);
    jw_kstr(w, "context_summary", summary_text(p));
    jw_kraw(w, "key_topics", p->topics);
    write_states(w, &p->states);
    write_recent(w, "recent_conversations", p);
    write_relevant(c->svc, w, &p->recalled);
    write_records(c, "characters", &p->characters);
    write_records(c, "props", &p->props);
    write_recent(w, "previous_conversations", p);
    jw_kstr(w, "current_conversation_summary",
            p->recent.n ? record_text(p->recent.rows[0], "context_summary") : STR_NONE);
    jw_kint(w, "total_conversations", p->recent.total);
    jw_end_object(w);
}

/* What is relevant to the directive: turns and their conversations, and conversations by what they are about. */
static enum err_code recall_into(struct op_call *c, const struct recall_query *q, struct context_parts *p,
                                 struct err *e)
{
    struct store_tx *tx;
    enum err_code code = recall_run(c->svc->store, c->svc->index, c->arena, q, &p->recalled, e);
    if (!code)
        code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = relevant_conversations(c, tx, p->session->id, q->text, &p->recalled, e);
    store_read_end(tx);
    return code;
}

enum err_code context_get(struct op_call *c, struct err *e)
{
    struct context_parts p = {0};
    struct store_tx *tx;
    int64_t start = clock_mono_us();
    enum err_code code = op_read_begin(c, &tx, e);
    if (code)
        return code;
    code = gather(c, tx, &p, e);
    store_read_end(tx);
    if (!code)
        touch_session(c, p.session);
    struct recall_query q = {.meaning = c->svc->meaning,
                             .reader = c->reader,
                             .text = op_text(c, "directive"),
                             .session_id = op_text(c, "session_id"),
                             .max_results = (int)op_int(c, "max_turns", 10),
                             .max_tokens = op_int(c, "max_tokens", 0)};
    if (!code && q.text.n)
        code = recall_into(c, &q, &p, e);
    if (code)
        return code;
    write_context(c, &p);
    struct context_load load = {
        .purpose = LOAD_CONTEXT, .session_id = p.session->id, .project = p.session->project, .query = q.text};
    context_load_hits(c->arena, &load, &p.recalled);
    context_load_served(c, &load, start);
    return ERR_OK;
}

/* ---- summary ---- */

struct summary_write {
    struct op_call *call;
    struct str text, topics;
    char id[ID_MAX];
    int64_t now;
    bool archived; /* there was one before */
};

static enum err_code insert_summary(struct store_tx *tx, struct summary_write *s, const struct record *session,
                                    struct err *e)
{
    struct record *r = record_new(s->call->arena, KIND_SUMMARY);
    if (!r)
        return err_nomem(e);
    r->id = str_of(s->id);
    r->project = session->project;
    record_set(r, "session_id", V_TEXT(session->id));
    record_set(r, "text", V_TEXT(s->text));
    record_set(r, "method", V_TEXT(STR("given")));
    if (s->topics.n)
        record_set(r, "key_topics", V_TEXT(s->topics));
    return record_insert(tx, s->call->arena, r, e);
}

static enum err_code summary_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct summary_write *s = arg;
    struct arena *a = s->call->arena;
    struct record *session, *before, *patch = record_new(a, KIND_SESSION);
    if (!patch)
        return err_nomem(e);
    enum err_code code = op_get_session(s->call, tx, op_text(s->call, "session_id"), &session, e);
    if (!code)
        code = summary_newest(tx, a, session->id, STR_NONE, &before, e);
    if (!code)
        code = insert_summary(tx, s, session, e);
    if (code)
        return code;
    s->archived = before != NULL;
    audit_made(s->call, KIND_SUMMARY, str_of(s->id));
    record_set(patch, "summary", V_TEXT(s->text));
    return record_update(tx, a, session->seq, patch, e);
}

static void answer_summary(struct op_call *c, void *arg)
{
    struct summary_write *s = arg;
    jw_object(c->out);
    jw_kstr(c->out, "session_id", op_text(c, "session_id"));
    jw_kcstr(c->out, "summary_id", s->id);
    jw_kstr(c->out, "context_summary", s->text);
    jw_kbool(c->out, "archived_previous", s->archived);
    jw_ktime(c->out, "updated_at", s->now);
    jw_end_object(c->out);
}

enum err_code context_summary_put(struct op_call *c, struct err *e)
{
    struct summary_write *s = arena_alloc(c->arena, sizeof *s);
    if (!s)
        return err_nomem(e);
    const struct json *topics = op_json(c, "key_topics");
    s->call = c;
    s->now = clock_now_ms();
    s->text = op_text(c, "context_summary").n ? op_text(c, "context_summary") : op_text(c, "summary");
    s->topics = topics ? topics->raw : STR_NONE;
    id_make("sum", s->id);
    if (!s->text.n)
        return err_set(e, ERR_INVALID, "context_summary", "context_summary is missing in the body: the new summary");
    return op_write(c, summary_on, s, answer_summary, e);
}
