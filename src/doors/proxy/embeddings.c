/* Whose embeddings a request wants, and our own in OpenAI's shape: the operation `embed` with the body's members.
 * Members that it does not know are passed over, as servers of this API do. */
#include "doors/proxy/embeddings.h"

#include "doors/proxy/forward.h"
#include "service/embeddings.h"

#include <string.h>

struct job {
    struct proxy *p;
    const struct proxy_route *route;
    struct http_request *r;
    atomic_bool left; /* the caller */
};

static void on_left(void *arg)
{
    struct job *j = arg;
    atomic_store(&j->left, true);
}

/* Without reading it: most requests that are the upstream's never hold our names. */
static bool may_be_ours(struct meaning *m, struct str body)
{
    struct str name = meaning_name(m);
    return m && (str_find(body, STR("cairn")) >= 0 || (name.n && str_find(body, name) >= 0));
}

static bool is_ours(struct meaning *m, struct arena *a, struct str body)
{
    const struct json *o;
    return json_parse(a, body, JSON_DUPLICATES_OK, &o, NULL) == ERR_OK && embeddings_ours(m, json_text(o, "model"));
}

/* Where nobody else could answer, our model does, whatever it was called. */
static void take_any_model(struct op_call *call)
{
    for (size_t i = 0; i < call->op->n_args; i++) {
        if (strcmp(call->op->args[i].name, "model") == 0)
            call->values[i] = NULL;
    }
}

static enum err_code run(struct job *j, struct op_call *call, struct err *e)
{
    const struct op_input in = {.body = http_body(j->r)};
    enum err_code code = op_bind(call, &in, e);
    if (!code && !j->p->base.p)
        take_any_model(call);
    return code ? code : op_run(call, e);
}

static void answer(struct job *j)
{
    static const struct http_header type = {{"Content-Type", 12}, {"application/json", 16}};
    struct operation op = *operation_find("embed");
    struct buf b;
    struct json_out w;
    struct err e = {0};
    op.flags |= OP_ANY_BODY;
    buf_init(&b, 0);
    jw_init(&w, &b);
    struct op_call call = {.svc = j->p->o.svc,
                           .op = &op,
                           .arena = http_arena(j->r),
                           .out = &w,
                           .caller = http_caller(j->r),
                           .request_id = http_request_id(j->r),
                           .left = &j->left};
    http_on_gone(j->r, on_left, j);
    enum err_code code = run(j, &call, &e);
    if (!code && b.failed)
        code = err_nomem(&e);
    if (code)
        http_answer_error(j->r, &e);
    else
        http_answer(j->r, &(struct http_reply){.status = 200, .headers = &type, .n_headers = 1, .body = buf_view(&b)});
    buf_release(&b);
}

static void work(void *arg)
{
    struct job *j = arg;
    if (j->p->base.p && !is_ours(j->p->o.svc->meaning, http_arena(j->r), http_body(j->r)))
        exchange_start(j->p, j->route, j->r);
    else if (http_limit(j->r, STR_NONE))
        answer(j);
}

void embeddings_start(struct proxy *p, const struct proxy_route *route, struct http_request *r)
{
    struct meaning *m = p->o.svc->meaning;
    struct err e = {0};
    if (p->base.p && !may_be_ours(m, http_body(r))) {
        exchange_start(p, route, r);
        return;
    }
    if (!p->base.p && !m) {
        forward_error(
            r, false, 503, "no_embedding_model",
            "there is neither an embedding model here (tools/get-model fetches one, CAIRN_MODEL names one) nor "
            "an upstream (CAIRN_UPSTREAM_URL, --upstream)");
        return;
    }
    struct job *j = arena_alloc(http_arena(r), sizeof *j);
    if (j) {
        *j = (struct job){.p = p, .route = route, .r = r};
        if (http_work(http_server_of(r), work, j) == ERR_OK)
            return;
        err_set(&e, ERR_UNAVAILABLE, NULL, "the server has too much to do or is stopping; try again");
        e.retry_after_ms = 1000;
    } else {
        err_nomem(&e);
    }
    http_answer_error(r, &e);
}
