/* Reading a cycle's request: arguments by the table's entry, agents by their records. See cycle.h. */
#include "service/cycle.h"

#include "config/config.h"
#include "service/access.h"
#include "service/chat.h"
#include "service/default_agents.h"

enum { QUERY_MAX = 8 };

/* One reading, with what it goes by. */
struct reading {
    struct op_call call;
    struct store_tx *tx; /* NULL: the store cannot be asked */
    struct cycle_plan *plan;
};

static const struct {
    const char *field, *setting;
    enum default_part otherwise;
} roles[CYCLE_ROLES] = {
    [CYCLE_SUPERVISOR] = {"supervisor", "cycle.supervisor", DEFAULT_SUPERVISOR},
    [CYCLE_EXECUTOR] = {"executor", "cycle.executor", DEFAULT_EXECUTOR},
};

/* By the request, else the settings, else the defaults. */
static struct str name_of(const struct op_call *c, const char *field, const char *setting, enum default_part otherwise)
{
    struct str name = str_trim(op_text(c, field));
    if (!name.n)
        name = str_trim(str_of(config_text(c->svc->options.config, setting)));
    return name.n ? name : default_agent(otherwise);
}

/* What is no fault of the caller's only means that the record plays no part. */
static enum err_code forgive(struct reading *r, enum err_code code, const struct err *why, struct err *e)
{
    if (code && !chat_caller_error(code)) {
        r->plan->unread = true;
        return ERR_OK;
    }
    if (code && e)
        *e = *why;
    return code;
}

static enum err_code take_record(struct reading *r, const char *field, struct cycle_agent *out, struct err *e)
{
    struct record *agent;
    struct err why = {0};
    if (!r->tx)
        return ERR_OK;
    enum err_code code = record_get(r->tx, r->call.arena, KIND_AGENT, out->name, r->call.project, &agent, &why);
    if (code)
        return code == ERR_NOT_FOUND ? ERR_OK : forgive(r, code, &why, e);
    if (!record_int(agent, "enabled"))
        return err_set(e, ERR_INVALID, field, "%s: the agent %.*s is disabled; enable it or name another one", field,
                       STR_ARG(str_take(out->name, 60)));
    out->system_prompt = str_trim(record_text(agent, "system_prompt"));
    out->model = record_text(agent, "model");
    out->temperature = record_real(agent, "temperature");
    out->max_tokens = record_int(agent, "max_tokens");
    return ERR_OK;
}

static enum err_code read_agent(struct reading *r, enum cycle_role role, struct err *e)
{
    const struct op_call *c = &r->call;
    struct cycle_agent *out = &r->plan->agents[role];
    *out = (struct cycle_agent){.name = name_of(c, roles[role].field, roles[role].setting, roles[role].otherwise),
                                .temperature = -1};
    enum err_code code = take_record(r, roles[role].field, out, e);
    if (code)
        return code;
    out->temperature = op_real(c, "temperature", out->temperature);
    out->max_tokens = op_int(c, "max_tokens", out->max_tokens);
    if (op_text(c, "model").n)
        out->model = op_text(c, "model");
    if (!out->model.n)
        out->model = str_of(config_text(c->svc->options.config, "upstream.model"));
    if (!out->model.n)
        return err_set(e, ERR_INVALID, "model",
                       "model is missing: name one, give the agent %.*s one, or set upstream.model",
                       STR_ARG(str_take(out->name, 60)));
    return ERR_OK;
}

/* A conversation says by itself which session it belongs to. */
static enum err_code find_session(struct reading *r, struct err *e)
{
    struct cycle_plan *p = r->plan;
    struct record *conversation;
    struct err why = {0};
    if (p->session.n || !p->conversation.n)
        return ERR_OK;
    if (!r->tx) {
        p->unread = true;
        return ERR_OK;
    }
    enum err_code code = access_conversation(caller_of(&r->call), ACCESS_WRITE, r->tx, r->call.arena, p->conversation,
                                             &conversation, &why);
    if (!code)
        p->session = record_text(conversation, "session_id");
    return forgive(r, code, &why, e);
}

static enum err_code read_plan(struct reading *r, const struct cycle_request *req, struct err *e)
{
    const struct op_call *c = &r->call;
    struct cycle_plan *p = r->plan;
    p->directive = op_text(c, "directive");
    if (!str_trim(p->directive).n)
        return err_set(e, ERR_INVALID, "directive", "directive must not be blank");
    p->human = name_of(c, "human", "cycle.human", DEFAULT_HUMAN);
    p->session = op_text(c, "session_id").n ? str_trim(op_text(c, "session_id")) : req->session;
    p->conversation = op_text(c, "conversation_id");
    p->use_context = op_bool(c, "use_context", true);
    p->stream = op_bool(c, "stream", req->stream);
    if (op_text(c, "session_id").n && !p->session.n)
        return err_set(e, ERR_INVALID, "session_id", "session_id must not be blank");
    enum err_code code = find_session(r, e);
    for (int i = 0; !code && i < CYCLE_ROLES; i++)
        code = read_agent(r, (enum cycle_role)i, e);
    return code;
}

/* Names of the query's parameters, still encoded: there are none that would be known, so they are only refused. */
static size_t query_names(struct str query, struct op_pair *pairs)
{
    size_t n = 0;
    while (query.n && n < QUERY_MAX) {
        struct str pair = str_cut(&query, '&');
        struct str name = str_cut(&pair, '=');
        if (name.n)
            pairs[n++] = (struct op_pair){name, STR(""), ARG_IN_QUERY};
    }
    return n;
}

enum err_code cycle_read(struct service *s, struct arena *a, const struct caller *who, const struct cycle_request *req,
                         int64_t deadline_us, struct cycle_plan *out, struct err *e)
{
    struct reading r = {.call = {.svc = s, .op = operation_find("cycle"), .arena = a, .caller = who}, .plan = out};
    struct op_pair pairs[QUERY_MAX];
    const struct op_input in = {.pairs = pairs, .n_pairs = query_names(req->query, pairs), .body = req->body};
    *out = (struct cycle_plan){0};
    enum err_code code = op_bind(&r.call, &in, e);
    if (code)
        return code;
    struct err why = {0};
    if (store_read_begin_deadline(s->store, deadline_us, &r.tx, &why)) {
        r.tx = NULL;
        out->unread = true;
    }
    code = read_plan(&r, req, e);
    if (r.tx)
        store_read_end(r.tx);
    return !code && arena_failed(a) ? err_nomem(e) : code;
}
