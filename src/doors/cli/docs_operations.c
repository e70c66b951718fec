/* docs/operations.md: everything Cairn can be asked, from the table of operations. Operations that every kind of
 * record has come as one short table at the end; what they take is in docs/records.md. */
#include "doors/cli/docs.h"

#include <string.h>

static const char *const permissions[] = {
    [PERM_NONE] = "none",     [PERM_READ] = "read",   [PERM_WRITE] = "write",
    [PERM_MEMORY] = "memory", [PERM_ADMIN] = "admin",
};
static const char *const limits[] = {
    [LIMIT_NONE] = "none",       [LIMIT_SESSIONS] = "sessions", [LIMIT_CONVERSATIONS] = "conversations",
    [LIMIT_CONTEXT] = "context", [LIMIT_CHAT] = "chat",         [LIMIT_ANALYTICS] = "analytics",
};

/* "<kind>.list" at the kind's own route, and so on: made by crud_ops.c. */
static bool is_crud(const struct operation *op)
{
    if (!op->kind || !op->path)
        return false;
    struct str name = str_of(op->name), kind = str_cut(&name, '.');
    bool verb = str_is(name, "list") || str_is(name, "get") || str_is(name, "create") || str_is(name, "update") ||
                str_is(name, "delete");
    return verb && str_is(kind, op->kind->name) && str_starts(str_of(op->path), "/api/v1/");
}

static const char *type_name(enum arg_type t)
{
    static const char *const names[] = {[ARG_TEXT] = "text",     [ARG_INT] = "whole number", [ARG_REAL] = "number",
                                        [ARG_BOOL] = "boolean",  [ARG_TIME] = "time",        [ARG_ENUM] = "one of",
                                        [ARG_OBJECT] = "object", [ARG_ARRAY] = "array",      [ARG_JSON] = "any JSON"};
    return names[t];
}

static void put_args(struct buf *b, const struct operation *op)
{
    static const char *const where[] = {[ARG_IN_PATH] = "path", [ARG_IN_QUERY] = "query", [ARG_IN_BODY] = "body"};
    if (op->n_args == 0)
        return;
    buf_cstr(b, "\n| argument | in | type | range | default | |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < op->n_args; i++) {
        const struct op_arg *arg = &op->args[i];
        bool number = arg->type == ARG_INT || arg->type == ARG_REAL;
        buf_fmt(b, "| `%s` | %s | %s | ", arg->name, where[arg->where], type_name(arg->type));
        docs_range(b, number, arg->choices, arg->min, arg->max);
        buf_cstr(b, " | ");
        if (arg->flags & ARG_REQUIRED)
            buf_cstr(b, "required");
        else if (arg->fallback)
            buf_fmt(b, "`%s`", arg->fallback);
        buf_cstr(b, " | ");
        docs_text(b, arg->help);
        buf_cstr(b, " |\n");
    }
}

/* "POST /v1/a" or each path of several. */
static void put_routes(struct buf *b, const struct operation *op)
{
    const char *before = "";
    for (struct str rest = str_of(op->path); rest.p; before = ", ") {
        struct str path = str_cut(&rest, ' ');
        buf_fmt(b, "%s`%s %.*s`", before, op->method, STR_ARG(path));
    }
}

static void put_operation(struct cli *c, const struct operation *op)
{
    struct buf *b = &c->out;
    buf_fmt(b, "\n## %s\n\n", op->name);
    docs_text(b, op->summary);
    buf_cstr(b, ".\n\n");
    put_routes(b, op);
    if (op->cli)
        buf_fmt(b, " · `cairn %s`", op->cli);
    buf_fmt(b, " · permission %s · limit class %s\n", permissions[op->permission], limits[op->limit]);
    put_args(b, op);
    if (op->flags & OP_RECORD_BODY)
        buf_fmt(b, "\nThe body is %s of [%s](records.md#%s).\n",
                (op->flags & OP_RECORD_PATCH) ? "the fields to change" : "the fields", op->kind->name, op->kind->name);
    if (op->flags & OP_ANY_BODY)
        buf_cstr(b, "\nThe body may have other members too.\n");
    if (op->answer) {
        buf_fmt(b, "\nAnswers %d with ", op->status);
        docs_text(b, op->answer);
        buf_cstr(b, ".\n");
    }
}

static void put_crud(struct buf *b, const struct operation *all, size_t n)
{
    buf_cstr(b,
             "\n# Operations on every kind of record\n\nFields and filters are in [records.md](records.md). Lists take "
             "`limit`, `cursor`, `project`, `created_after` and `created_before` too.\n\n| operation | route | |\n"
             "|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        if (!is_crud(&all[i]))
            continue;
        buf_fmt(b, "| `%s` | ", all[i].name);
        put_routes(b, &all[i]);
        buf_cstr(b, " | ");
        docs_text(b, all[i].summary);
        buf_cstr(b, " |\n");
    }
}

void docs_operations(struct cli *c)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    docs_head(&c->out, "Operations",
              "Everything Cairn can be asked, over REST, the command line (`cairn call NAME`, and a command of its own "
              "where one\nis named) and the C library (`cairn_call(c, \"NAME\", …)`). Times are RFC 3339. A wrong "
              "argument is refused with a\nsentence that names it; so is an unknown one.");
    for (size_t i = 0; i < n; i++) {
        if (!is_crud(&all[i]))
            put_operation(c, &all[i]);
    }
    put_crud(&c->out, all, n);
}
