/* Summing up a conversation or a session when asked to. The thinking is done here on a worker thread, before the
 * write: it may wait for a model. What is too short, or says nothing, is answered as such and nothing is written. */
#include "service/audit.h"
#include "service/features.h"
#include "service/operation_run.h"
#include "service/summary.h"

struct summarizing {
    struct op_call *call;
    struct record *of; /* the conversation or session */
    struct summary made;
};

static enum err_code find_on(struct op_call *c, struct store_tx *tx, bool conversation, struct record **out,
                             struct err *e)
{
    return conversation ? op_get_conversation(c, tx, op_text(c, "conversation_id"), out, e)
                        : op_get_session(c, tx, op_text(c, "session_id"), out, e);
}

static enum err_code find(struct op_call *c, bool conversation, struct record **out, struct err *e)
{
    struct store_tx *tx;
    enum err_code code = store_read_begin(c->svc->store, &tx, e);
    if (code)
        return code;
    code = find_on(c, tx, conversation, out, e);
    store_read_end(tx);
    return code;
}

static void write_ids(struct json_out *w, const struct summary *s)
{
    jw_kstr(w, "session_id", s->session_id);
    if (s->conversation_id.n)
        jw_kstr(w, "conversation_id", s->conversation_id);
}

static enum err_code answer_nothing(struct op_call *c, const struct summary *s, const char *reason)
{
    jw_object(c->out);
    jw_kbool(c->out, "summarized", false);
    write_ids(c->out, s);
    jw_kcstr(c->out, "reason", reason);
    jw_end_object(c->out);
    return ERR_OK;
}

static void answer_made(struct op_call *c, void *arg)
{
    struct summarizing *s = arg;
    const struct digest *d = &s->made.digest;
    struct json_out *w = c->out;
    jw_object(w);
    jw_kbool(w, "summarized", true);
    jw_kcstr(w, "summary_id", s->made.id);
    write_ids(w, &s->made);
    jw_kstr(w, "summary", d->text);
    summary_write_members(w, &s->made);
    jw_ktime(w, "created_at", s->made.now);
    jw_end_object(w);
}

static enum err_code store_on(struct store_tx *tx, void *arg, struct err *e)
{
    struct summarizing *s = arg;
    audit_touch(s->call, KIND_SUMMARY, str_of(s->made.id));
    audit_place(s->call, s->made.session_id, STR_NONE);
    return summary_store(tx, s->call->arena, &s->made, e);
}

static enum err_code store_or_say(struct summarizing *s, struct err *e)
{
    if (!s->made.digest.text.n)
        return answer_nothing(s->call, &s->made, "nothing was said that could be summed up");
    return op_write(s->call, store_on, s, answer_made, e);
}

enum err_code conversation_summarize(struct op_call *c, struct err *e)
{
    struct summarizing *s = arena_alloc(c->arena, sizeof *s);
    if (!s)
        return err_nomem(e);
    s->call = c;
    enum err_code code = find(c, true, &s->of, e);
    if (code)
        return code;
    if (record_int(s->of, "turn_count") < SUMMARY_TURNS_LEAST && !op_bool(c, "force", false)) {
        s->made.session_id = record_text(s->of, "session_id");
        s->made.conversation_id = s->of->id;
        return answer_nothing(c, &s->made, "a conversation of fewer than five turns is summed up only with force");
    }
    code = summary_of_conversation(c->svc, c->arena, s->of, &s->made, e);
    return code ? code : store_or_say(s, e);
}

enum err_code session_summarize(struct op_call *c, struct err *e)
{
    struct summarizing *s = arena_alloc(c->arena, sizeof *s);
    if (!s)
        return err_nomem(e);
    s->call = c;
    enum err_code code = find(c, false, &s->of, e);
    if (!code)
        code = summary_of_session(c->svc, c->arena, s->of, op_bool(c, "force", false), &s->made, e);
    return code ? code : store_or_say(s, e);
}
