/* call: any operation by its name. The everyday ones have commands of their own; this one reaches all the others, and
 * those that will be added, with the arguments of the table: as key=value, as flags, or as a JSON object on standard
 * input. What the operation is and does stays in the table of operations. */
#include "doors/cli/arguments_words.h"
#include "doors/cli/render.h"

#include <string.h>

/* Arguments that came as JSON. Their values are put in after argv was matched: texts may hold bytes argv cannot. */
struct from_json {
    const struct json *object; /* NULL: none */
    struct str rest;           /* the members that are no arguments: fields of a record, say */
};

static const struct op_arg *arg_named(const struct operation *op, struct str name)
{
    for (size_t i = 0; i < op->n_args; i++) {
        if (str_is(name, op->args[i].name))
            return &op->args[i];
    }
    return NULL;
}

static enum err_code list_operations(struct cli *c, struct err *e)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    struct table *t = table_new(c->arena, n);
    struct json_out w;
    if (!t)
        return err_nomem(e);
    table_column(t, (struct column){.title = STR("operation"), .ink = INK_ID});
    table_column(t, (struct column){.title = STR("what it does"), .may_cut = true});
    jw_init(&w, &c->out);
    if (c->json)
        jw_array(&w);
    for (size_t i = 0; i < n; i++) {
        struct str *row = all[i].fn && !c->json ? table_row(t) : NULL;
        if (row) {
            row[0] = str_of(all[i].name);
            row[1] = str_of(all[i].summary);
        } else if (all[i].fn) {
            jw_object(&w);
            jw_kcstr(&w, "name", all[i].name);
            jw_kcstr(&w, "summary", all[i].summary);
            jw_end_object(&w);
        }
    }
    if (c->json)
        jw_end_array(&w);
    else
        table_print(t, &c->screen, &c->out);
    if (c->json)
        buf_char(&c->out, '\n');
    return arena_failed(c->arena) ? err_nomem(e) : ERR_OK;
}

static enum err_code unknown_operation(struct cli *c, struct str name, struct err *e)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    const char **names = arena_array(c->arena, const char *, n);
    if (!names)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        names[i] = all[i].name;
    cli_hint(c, "cairn call lists the operations");
    return cli_unknown(c, "operation", name, names, n, e);
}

/* The object on standard input; each member that is an argument gets its place in argv, still without its value. */
static enum err_code read_object(struct cli *c, const struct operation *op, struct from_json *j, int *argc,
                                 char ***argv, struct err *e)
{
    struct str text;
    struct buf rest;
    struct json_out w;
    enum err_code code = words_stdin(c, &text, e);
    if (!code)
        code = json_parse(c->arena, text, 0, &j->object, e);
    if (code)
        return code;
    if (j->object->type != JSON_OBJECT)
        return err_set(e, ERR_INVALID, NULL, "standard input must hold a JSON object, not %s",
                       json_type_name(j->object->type));
    char **more = arena_array(c->arena, char *, (size_t)*argc + j->object->n + 1);
    if (!more)
        return err_nomem(e);
    memcpy(more, *argv, (size_t)*argc * sizeof *more);
    memmove(more + j->object->n, more, (size_t)*argc * sizeof *more); /* before a "--" that may be there */
    buf_init(&rest, 0);
    jw_init(&w, &rest);
    jw_object(&w);
    size_t n = 0, n_rest = 0;
    for (size_t i = 0; i < j->object->n; i++) {
        const struct op_arg *arg = arg_named(op, j->object->keys[i].key);
        if (!arg) {
            jw_key_str(&w, j->object->keys[i].key);
            jw_raw(&w, j->object->items[i].raw);
            n_rest++;
        } else if (j->object->items[i].type != JSON_NULL) {
            more[n++] = (char *)arena_fmt(c->arena, "--%s=", arg->name).p;
        }
    }
    jw_end_object(&w);
    memmove(more + n, more + j->object->n, (size_t)*argc * sizeof *more);
    *argc += (int)n;
    *argv = more;
    j->rest = buf_take(&rest, c->arena);
    if (!j->rest.p || arena_failed(c->arena))
        return err_nomem(e);
    if (n_rest == 0)
        j->rest = STR_NONE;
    return ERR_OK;
}

static enum err_code place_object(const struct from_json *j, struct given *g, struct err *e)
{
    for (size_t i = 0; i < g->n_pairs; i++) {
        const struct json *v = json_get(j->object, g->pairs[i].name.p);
        if (v && v->type != JSON_NULL && g->pairs[i].value.n == 0)
            g->pairs[i].value = v->type == JSON_STRING ? v->s : v->raw;
    }
    if (!j->rest.p)
        return ERR_OK;
    if ((g->op->flags & OP_RECORD_BODY) && g->body.n > 2)
        return err_set(e, ERR_INVALID, NULL, "fields come from standard input or as words, not both");
    g->body = j->rest;
    return ERR_OK;
}

/* `title=x` as `--title=x` where title is an argument; a lone "-" is taken out. True when there was one. */
static bool words_to_flags(struct cli *c, const struct operation *op, int *argc, char **argv)
{
    bool object = false;
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        struct str value = str_of(argv[i]), key = str_cut(&value, '=');
        if (strcmp(argv[i], "--") == 0) {
            memmove(argv + kept, argv + i, (size_t)(*argc - i) * sizeof *argv);
            *argc -= i - kept;
            return object;
        }
        if (strcmp(argv[i], "-") == 0)
            object = true;
        else if (value.p && arg_named(op, key))
            argv[kept++] = (char *)arena_fmt(c->arena, "--%s", argv[i]).p;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return object;
}

static enum err_code run_named(struct cli *c, const struct operation *op, int argc, char **argv, struct err *e)
{
    struct given g;
    struct answer answer;
    struct from_json j = {0};
    enum err_code code = ERR_OK;
    c->command = op->name;
    bool object = words_to_flags(c, op, &argc, argv);
    if (arena_failed(c->arena))
        return err_nomem(e);
    if (object)
        code = read_object(c, op, &j, &argc, &argv, e);
    if (!code)
        code = arguments_parse(c, op, argc, argv, &g, e);
    if (!code && c->help) {
        help_operation(c, arena_fmt(c->arena, "call %s", op->name).p, NULL, op);
        return ERR_OK;
    }
    if (!code && j.object)
        code = place_object(&j, &g, e);
    if (!code)
        code = ask(c, &g, &answer, e);
    if (code == ERR_INVALID && !c->hint[0])
        cli_hint(c, "cairn call %s --help", op->name);
    return code ? code : render_answer(c, op, &answer, e);
}

static enum err_code take_call(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e)
{
    static const struct operation nothing = {.name = "call"};
    struct given ignored;
    int at = arguments_first_word(argc, argv);
    if (at < 0) {
        enum err_code code = arguments_parse(c, &nothing, argc, argv, &ignored, e);
        if (!code && c->help)
            return help_command(c, cmd->name, e);
        return code ? code : list_operations(c, e);
    }
    const struct operation *op = operation_find(argv[at]);
    if (!op)
        return unknown_operation(c, str_of(argv[at]), e);
    if (!op->fn)
        return err_set(e, ERR_INVALID, "operation", "%s goes through the proxy: it is asked over HTTP, %s %s", op->name,
                       op->method, op->path);
    memmove(argv + at, argv + at + 1, (size_t)(argc - at - 1) * sizeof *argv);
    return run_named(c, op, argc - 1, argv, e);
}

const struct command command_call = {
    .name = "call",
    .summary = "Run any operation by its name; alone: list them",
    .words = "[OPERATION [key=value …|-]]",
    .take = take_call,
    .details = "Arguments are given as key=value or as flags; - reads them as one JSON object from standard input.\n"
               "cairn call OPERATION --help names them.\n",
};
