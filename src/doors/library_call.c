/* libcairn's calls: finds the operation, hands over the arguments, waits, and gives back the answer whole or piece by
 * piece. What an operation is and may be given stays in the table of operations. */
#include "base/mem.h"
#include "base/near.h"
#include "doors/library.h"

enum { ARGS_MAX = 64 << 20, NAMES_MAX = 512 };

static enum err_code unknown_operation(const char *name, struct err *e)
{
    const char *names[NAMES_MAX];
    size_t n_all, n = 0;
    const struct operation *all = operations_all(&n_all);
    for (size_t i = 0; i < n_all && n < NAMES_MAX; i++)
        names[n++] = all[i].name;
    const char *near = near_name(str_of(name), names, n);
    if (near)
        return err_set(e, ERR_INVALID, "operation", "there is no operation \"%.60s\"; did you mean \"%s\"?", name,
                       near);
    return err_set(e, ERR_INVALID, "operation", "there is no operation \"%.60s\"", name);
}

/* A value as the text a path or a query would carry. */
static struct str plain(const struct json *v)
{
    return v->type == JSON_STRING ? v->s : v->raw;
}

static const struct op_arg *find_arg(const struct operation *op, struct str name)
{
    for (size_t i = 0; i < op->n_args; i++) {
        if (str_is(name, op->args[i].name))
            return &op->args[i];
    }
    return NULL;
}

/* Where the body is a record: members that belong in path or query become pairs, the rest is the record. */
static enum err_code split(struct op_call *call, const struct json *args, struct op_input *in, struct buf *body,
                           struct err *e)
{
    struct json_out w;
    struct op_pair *pairs = arena_array(call->arena, struct op_pair, args->n + 1);
    if (!pairs)
        return err_nomem(e);
    jw_init(&w, body);
    jw_object(&w);
    for (size_t i = 0; i < args->n; i++) {
        struct str name = args->keys[i].key;
        const struct op_arg *arg = find_arg(call->op, name);
        if (arg && arg->where != ARG_IN_BODY) {
            if (args->items[i].type != JSON_NULL)
                pairs[in->n_pairs++] = (struct op_pair){name, plain(&args->items[i]), arg->where};
            continue;
        }
        jw_key_str(&w, name);
        jw_raw(&w, args->items[i].raw);
    }
    jw_end_object(&w);
    in->pairs = pairs;
    in->body = buf_view(body);
    return body->failed ? err_nomem(e) : ERR_OK;
}

/* Where nobody works behind the writes, the index is fed by who asks: a search looks only at so many turns that are not
 * in it yet. */
static enum err_code run(struct op_call *call, struct err *e)
{
    bool reads = call->op->permission == PERM_READ || call->op->permission == PERM_NONE;
    if (reads && !call->svc->options.background && index_lag(call->svc->index) > INDEX_TAIL_MAX)
        (void)index_flush(call->svc->index, NULL);
    return op_run(call, e);
}

static enum err_code call_operation(struct op_call *call, const char *name, const char *args, struct buf *body,
                                    struct err *e)
{
    const struct json *given;
    struct op_input in = {0};
    struct str text = args ? str_of(args) : STR("{}");
    call->op = name ? operation_find(name) : NULL;
    if (!call->op)
        return name ? unknown_operation(name, e) : err_set(e, ERR_INVALID, "operation", "which operation?");
    if (text.n > ARGS_MAX)
        return err_set(e, ERR_TOO_LARGE, "args", "the arguments are longer than %d MiB", ARGS_MAX >> 20);
    enum err_code code = json_parse(call->arena, text, 0, &given, e);
    if (!code && given->type != JSON_OBJECT)
        code =
            err_set(e, ERR_INVALID, "args", "the arguments must be a JSON object, not %s", json_type_name(given->type));
    in.body = text; /* op_bind takes arguments of path and query from the body too */
    if (!code && (call->op->flags & OP_RECORD_BODY))
        code = split(call, given, &in, body, e);
    if (!code)
        code = op_bind(call, &in, e);
    return code ? code : run(call, e);
}

/* The answer's place holds the error instead. */
static void put_error(struct buf *out, const struct err *e)
{
    struct json_out w;
    buf_clear(out);
    jw_init(&w, out);
    jw_object(&w);
    jw_key(&w, "error");
    jw_object(&w);
    jw_kcstr(&w, "code", err_api_name(e));
    jw_kcstr(&w, "message", e->message);
    if (e->field[0])
        jw_kcstr(&w, "field", e->field);
    if (e->retry_after_ms)
        jw_knum(&w, "retry_after", e->retry_after_ms / 1000.0);
    jw_end_object(&w);
    jw_end_object(&w);
}

/* Where the answer goes piece by piece. */
struct pieces {
    cairn_sink *sink;
    void *arg;
};

static enum err_code give(struct op_call *call, struct err *e)
{
    const struct pieces *p = call->door;
    struct str piece = buf_view(call->out->b);
    int enough = piece.n ? p->sink(p->arg, piece.p, piece.n) : 0;
    buf_clear(call->out->b);
    return enough ? err_set(e, ERR_UNAVAILABLE, NULL, "the program wanted no more of the answer") : ERR_OK;
}

/* Writes the answer to `answer`, or gives it away where `pieces` is set. Half an answer is none. */
static enum err_code answer_call(cairn *c, const char *operation, const char *args, struct buf *answer,
                                 struct pieces *pieces, struct err *e)
{
    struct buf body;
    struct json_out w;
    buf_init(&body, 0);
    jw_init(&w, answer);
    struct op_call call = {.svc = c->svc, .arena = arena_new(), .out = &w, .request_id = STR("library")};
    call.from = (struct audit_from){"library", STR_NONE};
    call.door = pieces;
    call.flush = pieces ? give : NULL;
    enum err_code code = call.arena ? call_operation(&call, operation, args, &body, e) : err_nomem(e);
    if (!code && (answer->failed || arena_failed(call.arena)))
        code = err_nomem(e);
    if (!code && pieces)
        code = give(&call, e);
    buf_release(&body);
    if (call.arena)
        arena_free(call.arena);
    return code;
}

int cairn_call(cairn *c, const char *operation, const char *args, char **out)
{
    struct err e = {0};
    struct buf answer;
    library_begin();
    if (out)
        *out = NULL;
    if (!c || !out)
        return library_failed(err_set(&e, ERR_INVALID, NULL, "cairn_call needs a handle and a place for the answer"),
                              &e);
    buf_init(&answer, 0);
    enum err_code code = answer_call(c, operation, args, &answer, NULL, &e);
    if (code) {
        e.code = code;
        put_error(&answer, &e);
    }
    buf_char(&answer, '\0');
    if (!answer.failed)
        *out = answer.p; /* the caller's from here on */
    else {
        buf_release(&answer);
        if (!code)
            code = err_nomem(&e);
    }
    return code ? library_failed(code, &e) : CAIRN_OK;
}

int cairn_call_stream(cairn *c, const char *operation, const char *args, cairn_sink *sink, void *arg)
{
    struct err e = {0};
    struct buf answer;
    struct pieces pieces = {sink, arg};
    library_begin();
    if (!c || !sink)
        return library_failed(err_set(&e, ERR_INVALID, NULL, "cairn_call_stream needs a handle and a sink"), &e);
    buf_init(&answer, 0);
    enum err_code code = answer_call(c, operation, args, &answer, &pieces, &e);
    buf_release(&answer);
    return code ? library_failed(code, &e) : CAIRN_OK;
}

/* ---- what most programs want ---- */

/* Runs `operation` with the object in `args`, whose last member was written. `out` may be NULL. */
static int call_with(cairn *c, const char *operation, struct buf *args, char **out)
{
    struct err e = {0};
    char *unwanted = NULL;
    int code;
    buf_char(args, '\0');
    if (args->failed) {
        library_begin();
        code = library_failed(err_nomem(&e), &e);
    } else {
        code = cairn_call(c, operation, args->p, out ? out : &unwanted);
    }
    cairn_free(unwanted);
    buf_release(args);
    return code;
}

int cairn_remember(cairn *c, const char *text, const char *session, char **out)
{
    struct buf args;
    struct json_out w;
    if (out)
        *out = NULL;
    buf_init(&args, 0);
    jw_init(&w, &args);
    jw_object(&w);
    jw_kcstr(&w, "text", text);
    if (session)
        jw_kcstr(&w, "session", session);
    jw_end_object(&w);
    return call_with(c, "turn.remember", &args, out);
}

int cairn_recall(cairn *c, const char *query, int max_results, char **out)
{
    struct buf args;
    struct json_out w;
    struct err e = {0};
    library_begin();
    if (!out)
        return library_failed(err_set(&e, ERR_INVALID, "out", "cairn_recall needs a place for the answer"), &e);
    *out = NULL;
    buf_init(&args, 0);
    jw_init(&w, &args);
    jw_object(&w);
    jw_kcstr(&w, "query", query);
    if (max_results)
        jw_kint(&w, "max_results", max_results);
    jw_end_object(&w);
    return call_with(c, "recall", &args, out);
}

void cairn_free(char *out)
{
    mem_free(out);
}
