/* Running operations: the request's path, query and body become an op_input, the operation's answer becomes the
 * reply. Knows the table's entries, not what any of them does. */
#include "doors/http/http_int.h"

enum {
    QUERY_MAX = 64,
    INLINE_BODY = 64 * 1024 /* reading a larger one takes long enough to make other connections wait */
};

static enum err_code bind_query(struct http_request *r, struct op_pair *pairs, size_t *n, struct err *e)
{
    struct str rest = r->query;
    while (rest.p && rest.n > 0) {
        struct str value = str_cut(&rest, '&');
        if (value.n == 0)
            continue;
        if (*n == QUERY_MAX + ROUTE_PARAMS)
            return err_set(e, ERR_INVALID, "query", "a query has at most %d parameters", QUERY_MAX);
        struct str name = str_cut(&value, '=');
        struct op_pair *p = &pairs[(*n)++];
        p->where = ARG_IN_QUERY;
        enum err_code code = url_decode(r->arena, name, true, "query", &p->name, e);
        if (code == ERR_OK)
            code = url_decode(r->arena, value.p ? value : STR(""), true, "query", &p->value, e);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

/* At most so many: the query's pieces are counted before they are looked at. */
static size_t count_pairs(const struct http_request *r)
{
    size_t n = r->route->n_params + (r->query.n > 0);
    for (size_t i = 0; i < r->query.n; i++)
        n += r->query.p[i] == '&';
    return n < QUERY_MAX + ROUTE_PARAMS ? n : QUERY_MAX + ROUTE_PARAMS;
}

static enum err_code bind_input(struct http_request *r, struct op_input *in, struct err *e)
{
    size_t n = 0, max = count_pairs(r);
    struct op_pair *pairs = arena_array(r->arena, struct op_pair, max ? max : 1);
    if (!pairs)
        return err_nomem(e);
    for (size_t i = 0; i < r->route->n_params; i++)
        pairs[n++] = (struct op_pair){r->route->params[i], r->match.values[i], ARG_IN_PATH};
    enum err_code code = bind_query(r, pairs, &n, e);
    in->pairs = pairs;
    in->n_pairs = n;
    in->body = r->in.n > 0 ? buf_view(&r->in) : STR_NONE;
    return code;
}

/* ---- the answer ---- */

/* `</path?query&cursor=…>; rel="next"`: the request's own query with another cursor. */
static struct str next_link(struct http_request *r)
{
    struct buf b;
    buf_init(&b, 64 * 1024);
    buf_cstr(&b, "<");
    buf_str(&b, r->path);
    buf_char(&b, '?');
    struct str rest = r->query;
    while (rest.p && rest.n > 0) {
        struct str pair = str_cut(&rest, '&');
        if (pair.n == 0 || str_starts(pair, "cursor="))
            continue;
        buf_str(&b, pair);
        buf_char(&b, '&');
    }
    buf_cstr(&b, "cursor=");
    url_encode(&b, r->call.next_cursor);
    buf_cstr(&b, ">; rel=\"next\"");
    struct str link = buf_take(&b, r->arena);
    return link;
}

/* Lists carry in headers what has no place in an array: how many there are in all, and where it goes on. */
size_t run_headers(struct http_request *r, struct http_header h[RUN_HEADERS])
{
    const struct op_call *call = &r->call;
    const char *type = call->op->flags & OP_TEXT && call->content_type ? call->content_type : "application/json";
    size_t n = 0;
    h[n++] = (struct http_header){STR("Content-Type"), str_of(type)};
    if (call->op->flags & OP_LIST_V1 && call->total >= 0)
        h[n++] = (struct http_header){STR("X-Total-Count"), arena_fmt(r->arena, "%lld", (long long)call->total)};
    if (call->op->flags & OP_LIST_V1 && call->next_cursor.n > 0)
        h[n++] = (struct http_header){STR("Link"), next_link(r)};
    if (call->op->flags & OP_TEXT && call->file_name)
        h[n++] = (struct http_header){STR("Content-Disposition"),
                                      arena_fmt(r->arena, "attachment; filename=\"%s\"", call->file_name)};
    return n;
}

static void answer_success(struct http_request *r)
{
    struct http_header *h = arena_array(r->arena, struct http_header, RUN_HEADERS);
    answer_ready(r, r->call.status, h, h ? run_headers(r, h) : 0);
}

/* Success only when the whole answer fitted into memory: half an answer is worse than none. */
static void finish(struct http_request *r, enum err_code code, const struct err *e)
{
    struct err own = {0};
    if (code == ERR_OK && (r->out.failed || arena_failed(r->arena))) {
        code = err_nomem(&own);
        e = &own;
    } else if (code != ERR_OK && (!e || e->code == ERR_OK)) {
        err_set(&own, code, NULL, "%s failed without saying why", r->call.op->name);
        e = &own;
    }
    if (code == ERR_OK)
        answer_success(r);
    else
        http_answer_error(r, e);
}

/* From an operation that answered OP_PENDING, later, on any thread. */
static void finish_later(struct op_call *call, enum err_code code, const struct err *e)
{
    finish(call->door, code, e);
}

/* ---- the run ---- */

static void on_left(void *arg)
{
    struct http_request *r = arg;
    atomic_store(&r->left, true);
}

/* What carries the owner's secrets must not come over a network, nor from another user of this machine. */
static enum err_code check_local(const struct http_request *r, struct err *e)
{
    if (!(r->route->op->flags & OP_LOCAL) || r->local)
        return ERR_OK;
    return err_set(e, ERR_FORBIDDEN, NULL,
                   "this is for the owner alone: use the command line on the server's machine, "
                   "or the Unix socket in the data folder");
}

static void run(struct http_request *r)
{
    struct err e = {0};
    struct op_input in = {0};
    jw_init(&r->jw, &r->out);
    r->call = (struct op_call){.svc = r->srv->svc,
                               .op = r->route->op,
                               .arena = r->arena,
                               .out = &r->jw,
                               .caller = r->call.caller,
                               .request_id = r->id,
                               .from = http_from(r),
                               .status = r->route->op->status,
                               .total = -1,
                               .finish = finish_later,
                               .left = &r->left,
                               .door = r};
    enum err_code code = check_local(r, &e);
    if (code == ERR_OK)
        code = bind_input(r, &in, &e);
    if (code == ERR_OK)
        code = op_bind(&r->call, &in, &e);
    /* What is wrong counts too, or guessing would be free; it is told all the same. */
    struct err over = {0};
    if (limit_check_call(r, &over) != ERR_OK) {
        code = over.code;
        e = over;
    }
    if (code == ERR_OK && r->call.op->flags & OP_STREAM) {
        if (run_streamed(r, &code, &e))
            return;
    } else if (code == ERR_OK) {
        if (r->call.op->flags & OP_LONG)
            http_on_gone(r, on_left, r);
        code = op_run(&r->call, &e);
    }
    if ((int)code != OP_PENDING) /* pending: r may be gone already */
        finish(r, code, &e);
}

void run_start(struct http_request *r)
{
    struct err e = {0};
    if (r->route->op->flags & OP_INLINE && r->in.n <= INLINE_BODY) {
        run(r);
    } else if (work_request(&r->srv->work, r) != ERR_OK) {
        err_set(&e, ERR_UNAVAILABLE, NULL, "the server has too much to do or is stopping; try again");
        e.retry_after_ms = 1000;
        http_answer_error(r, &e);
    }
}

/* A request comes to a worker to be run, or once more while that goes on (`telling`), when its client had left before.
 */
void run_on_worker(struct http_request *r)
{
    pthread_mutex_lock(&r->mu);
    bool telling = r->telling;
    pthread_mutex_unlock(&r->mu);
    if (telling)
        request_told(r);
    else
        run(r);
}
