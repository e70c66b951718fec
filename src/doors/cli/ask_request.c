/* Building the request for an operation: path with its names filled in, query, body. The same table entry
 * tells the server how to take it apart again. */
#include "doors/cli/ask_request.h"

#include <string.h>

static const struct op_pair *given_pair(const struct given *g, struct str name)
{
    for (size_t i = 0; i < g->n_pairs; i++) {
        if (str_eq(g->pairs[i].name, name))
            return &g->pairs[i];
    }
    return NULL;
}

static bool unreserved(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '_' ||
           ch == '.' || ch == '~';
}

/* Everything but RFC 3986's unreserved characters: an id with a slash must not become two path segments. */
static void put_encoded(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (unreserved(s.p[i]))
            buf_char(b, s.p[i]);
        else
            buf_fmt(b, "%%%02X", (unsigned char)s.p[i]);
    }
}

/* False when a name of the path is not given. */
static bool put_path(struct buf *b, const struct given *g, struct str path)
{
    while (path.n > 0) {
        if (path.p[0] != '{') {
            buf_char(b, path.p[0]);
            path = str_skip(path, 1);
            continue;
        }
        path = str_skip(path, 1);
        const struct op_pair *pair = given_pair(g, str_cut(&path, '}'));
        if (!pair || pair->value.n == 0)
            return false;
        put_encoded(b, pair->value);
    }
    return true;
}

static void put_query(struct buf *b, const struct given *g)
{
    char sep = '?';
    for (size_t i = 0; i < g->n_pairs; i++) {
        if (g->pairs[i].where != ARG_IN_QUERY)
            continue;
        buf_char(b, sep);
        put_encoded(b, g->pairs[i].name);
        buf_char(b, '=');
        put_encoded(b, g->pairs[i].value);
        sep = '&';
    }
}

enum err_code ask_target(struct cli *c, const struct given *g, struct str *out, struct err *e)
{
    struct buf b;
    struct str paths = str_of(g->op->path);
    bool fits = false;
    buf_init(&b, 0);
    while (paths.p && !fits) {
        buf_clear(&b);
        fits = put_path(&b, g, str_cut(&paths, ' '));
    }
    put_query(&b, g);
    *out = b.failed || !fits ? STR_NONE : arena_str(c->arena, buf_view(&b));
    bool failed = b.failed;
    buf_release(&b);
    if (!fits && !failed)
        return err_set(e, ERR_INVALID, NULL, "%s needs every name in %s", g->op->name, g->op->path);
    return out->p ? ERR_OK : err_nomem(e);
}

/* Texts go as they were given (times too: op_bind has made a number of them); the rest as it was checked. */
static void put_member(struct json_out *w, const struct op_arg *arg, const struct json *v, struct str text)
{
    jw_key(w, arg->name);
    if (arg->type == ARG_TEXT || arg->type == ARG_ENUM || arg->type == ARG_TIME)
        jw_str(w, text);
    else if (!v)
        jw_null(w);
    else if (v->type == JSON_INT)
        jw_int(w, v->integer);
    else if (v->type == JSON_DOUBLE)
        jw_num(w, v->number);
    else
        jw_value(w, v);
}

/* Only what was given: the defaults are the server's, which may be of another version. */
static void put_members(struct json_out *w, const struct given *g, const struct op_call *call)
{
    for (size_t i = 0; i < g->op->n_args; i++) {
        const struct op_arg *arg = &g->op->args[i];
        const struct op_pair *pair = arg->where == ARG_IN_BODY ? given_pair(g, str_of(arg->name)) : NULL;
        if (pair)
            put_member(w, arg, call->values[i], pair->value);
    }
    for (size_t i = 0; (g->op->flags & OP_ANY_BODY) && call->body && i < call->body->n; i++) {
        jw_key_str(w, call->body->keys[i].key);
        jw_value(w, &call->body->items[i]);
    }
}

enum err_code ask_body(struct cli *c, const struct given *g, const struct op_call *call, struct str *out, struct err *e)
{
    struct buf b;
    struct json_out w;
    *out = g->body;
    if (g->op->flags & OP_RECORD_BODY || strcmp(g->op->method, "GET") == 0 || strcmp(g->op->method, "DELETE") == 0)
        return ERR_OK;
    buf_init(&b, 0);
    jw_init(&w, &b);
    jw_object(&w);
    put_members(&w, g, call);
    jw_end_object(&w);
    *out = buf_take(&b, c->arena);
    return out->p ? ERR_OK : err_nomem(e);
}
