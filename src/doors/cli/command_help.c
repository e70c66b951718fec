/* help and version. All of it is made from the tables: the commands' and the operations'. */
#include "doors/cli/command.h"

#include "base/json_write.h"
#include "base/near.h"
#include "doors/cli/table.h"

#include <string.h>

enum { NAMES_MAX = 200, PAD = 18, FLAG_PAD = 26 };

static void put_row(struct cli *c, const char *name, const char *summary)
{
    buf_cstr(&c->out, "  ");
    screen_ink(&c->screen, &c->out, INK_ID, str_of(name));
    size_t n = strlen(name);
    buf_fmt(&c->out, "%*s%s\n", (int)(n < PAD ? PAD - n : 1), "", summary);
}

static void put_title(struct cli *c, const char *title)
{
    screen_ink(&c->screen, &c->out, INK_TITLE, str_of(title));
    buf_char(&c->out, '\n');
}

/* An operation whose CLI name one of our own commands took over. */
static bool shadowed(const struct operation *op)
{
    size_t n;
    const struct command *const *own = commands_own(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(own[i]->name, op->cli) == 0)
            return true;
    }
    return false;
}

void help_overview(struct cli *c)
{
    size_t n;
    const struct command *const *own = commands_own(&n);
    buf_cstr(&c->out, "cairn: long-term memory for language models\n\n");
    put_title(c, "usage: cairn COMMAND [words] [--flag value …]");
    put_row(c, own[0]->name, own[0]->summary);
    size_t n_ops;
    const struct operation *ops = operations_all(&n_ops);
    for (size_t i = 0; i < n_ops; i++) {
        if (ops[i].cli && !shadowed(&ops[i]))
            put_row(c, ops[i].cli, ops[i].summary);
    }
    for (size_t i = 1; i < n; i++) {
        if (!own[i]->hidden)
            put_row(c, own[i]->name, own[i]->summary);
    }
    buf_char(&c->out, '\n');
    put_title(c, "every command takes");
    put_row(c, "--data DIR", "the data folder ($CAIRN_DATA, $XDG_DATA_HOME/cairn, ~/.local/share/cairn)");
    put_row(c, "--config FILE",
            "the configuration ($CAIRN_CONFIG, cairn.toml in the data folder, ~/.config/cairn/cairn.toml)");
    put_row(c, "--json", "the answer as JSON");
    put_row(c, "--help", "what the command does and its flags");
}

/* "QUERY": what stands for a positional argument in usage. */
struct str help_upper(struct cli *c, const char *name)
{
    struct str s = arena_str(c->arena, str_of(name));
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] >= 'a' && s.p[i] <= 'z')
            ((char *)s.p)[i] = (char)(s.p[i] - 32); /* our own fresh copy */
    }
    return s;
}

static void put_words(struct cli *c, const struct operation *op)
{
    for (size_t i = 0; i < op->n_args; i++) {
        const struct op_arg *arg = &op->args[i];
        if (!arguments_positional(op, arg))
            continue;
        bool must = arg->flags & ARG_REQUIRED;
        buf_fmt(&c->out, must ? " %.*s" : " [%.*s]", STR_ARG(help_upper(c, arg->name)));
    }
}

/* "; 1 to 100 (10)": choices or range, and the default. */
void help_bounds(struct buf *b, const struct op_arg *arg)
{
    bool number = arg->type == ARG_INT || arg->type == ARG_REAL;
    if (arg->choices) {
        struct str rest = str_of(arg->choices);
        const char *before = "; ";
        for (; rest.p; before = ", ") {
            struct str choice = str_cut(&rest, '|');
            buf_fmt(b, "%s%.*s", before, STR_ARG(choice));
        }
    }
    if (number && (arg->min != 0 || arg->max != 0))
        buf_fmt(b, "; %.15g to %.15g", arg->min, arg->max);
    if (arg->fallback && strcmp(arg->fallback, "false") != 0)
        buf_fmt(b, " (%s)", arg->fallback);
}

const char *help_placeholder(enum arg_type t)
{
    switch (t) {
    case ARG_INT:
    case ARG_REAL:
        return " N";
    case ARG_TIME:
        return " TIME";
    case ARG_OBJECT:
    case ARG_ARRAY:
    case ARG_JSON:
        return " JSON";
    case ARG_BOOL:
        return "";
    case ARG_TEXT:
    case ARG_ENUM:
        break;
    }
    return " TEXT";
}

static void put_arg(struct cli *c, const struct operation *op, const struct op_arg *arg)
{
    struct buf b;
    const char *flag = arguments_flag(c->arena, arg);
    struct str name = arguments_positional(op, arg)
                          ? help_upper(c, arg->name)
                          : arena_fmt(c->arena, "%s%s", flag ? flag : "", help_placeholder(arg->type));
    buf_init(&b, 0);
    buf_cstr(&b, arg->help);
    help_bounds(&b, arg);
    size_t pad = name.n < FLAG_PAD ? FLAG_PAD - name.n : 1;
    buf_cstr(&c->out, "  ");
    screen_ink(&c->screen, &c->out, INK_ID, name);
    buf_fmt(&c->out, "%*s%.*s\n", (int)pad, "", STR_ARG(b));
    buf_release(&b);
}

/* The fields of a kind that can be given: what `add` and `edit` take as field=value. */
static void put_fields(struct cli *c, const struct operation *op)
{
    const struct kind *k = op->kind;
    static const char *const types[] = {"text", "number", "number", "true or false", "time", "", "{…}", "[…]", "JSON"};
    put_title(c, "\nfields");
    if (k->flags & KIND_KEYED)
        put_row(c, k->id_name, "its name, which is its id");
    for (size_t i = 0; i < k->n_fields; i++) {
        const struct field *f = &k->fields[i];
        if (f->flags & (FIELD_READ_ONLY | FIELD_HIDDEN))
            continue;
        if ((f->flags & FIELD_FIXED) && (op->flags & OP_RECORD_PATCH))
            continue;
        const char *type = f->type == FIELD_ENUM ? f->choices : types[f->type];
        const char *must = (f->flags & FIELD_REQUIRED) && !(op->flags & OP_RECORD_PATCH) ? ", required" : "";
        struct str line = arena_fmt(c->arena, "%-16s %s (%s%s)", "", f->help ? f->help : "", type, must);
        put_row(c, f->name, line.p ? str_trim(line).p : "");
    }
}

void help_operation(struct cli *c, const char *command, const char *words, const struct operation *op)
{
    buf_fmt(&c->out, "%s\n\n", op->summary ? op->summary : "");
    buf_fmt(&c->out, "usage: cairn %s", command);
    if (words)
        buf_fmt(&c->out, " %s", words);
    else
        put_words(c, op);
    buf_cstr(&c->out, op->n_args || !op->path ? " [--flag value …]\n" : "\n");
    if (op->n_args)
        buf_char(&c->out, '\n');
    for (size_t i = 0; i < op->n_args; i++)
        put_arg(c, op, &op->args[i]);
    if (op->flags & OP_RECORD_BODY)
        put_fields(c, op);
}

static void put_kinds(struct cli *c, const char *verb)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    put_title(c, "kinds");
    for (size_t i = 0; i < n; i++) {
        struct str name = arena_fmt(c->arena, "%s.%s", kinds[i].name, verb);
        if (name.p && operation_find(name.p))
            put_row(c, kinds[i].name, kinds[i].help ? kinds[i].help : "");
    }
}

/* The variables that stand in for flags of `cairn serve`. */
static void put_variables(struct cli *c)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    buf_char(&c->out, '\n');
    for (size_t i = 0; i < n; i++) {
        struct op_arg arg = {.name = (all[i].flags & SETTING_SERVE) ? setting_flag(c->arena, &all[i]) : NULL};
        const char *flag = arg.name ? arguments_flag(c->arena, &arg) : NULL;
        const char *variable = setting_variable(c->arena, &all[i]);
        if (flag && variable)
            buf_fmt(&c->out, "  $%s stands in for %s\n", variable, flag);
    }
}

static void help_own(struct cli *c, const struct command *cmd)
{
    struct operation op = {.name = cmd->name, .summary = cmd->summary, .args = cmd->args, .n_args = cmd->n_args};
    if (cmd->settings)
        op.args = settings_args(c->arena, &op.n_args);
    if (!op.args)
        op.n_args = 0;
    help_operation(c, cmd->name, cmd->words, &op);
    if (cmd->settings)
        put_variables(c);
    if (cmd->details)
        buf_fmt(&c->out, "\n%s", cmd->details);
    if (cmd->verb) {
        buf_char(&c->out, '\n');
        put_kinds(c, cmd->verb);
    }
}

/* The commands of two words that begin with this one. */
static void help_group(struct cli *c, const char *group)
{
    size_t n, length = strlen(group);
    const struct operation *ops = operations_all(&n);
    buf_fmt(&c->out, "usage: cairn %s COMMAND [words] [--flag value …]\n\n", group);
    for (size_t i = 0; i < n; i++) {
        if (ops[i].cli && strncmp(ops[i].cli, group, length) == 0 && ops[i].cli[length] == ' ')
            put_row(c, ops[i].cli, ops[i].summary);
    }
}

enum err_code help_command(struct cli *c, const char *name, struct err *e)
{
    size_t n;
    const struct command *const *own = commands_own(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(own[i]->name, name) == 0) {
            help_own(c, own[i]);
            return ERR_OK;
        }
    }
    const struct operation *op = command_operation(name);
    if (!op && command_group(name)) {
        help_group(c, name);
        return ERR_OK;
    }
    if (!op)
        return help_unknown(c, name, e);
    help_operation(c, name, NULL, op);
    return ERR_OK;
}

enum err_code help_unknown(struct cli *c, const char *name, struct err *e)
{
    const char *names[NAMES_MAX];
    size_t n_own, n_ops, n = 0;
    const struct command *const *own = commands_own(&n_own);
    const struct operation *ops = operations_all(&n_ops);
    for (size_t i = 0; i < n_own && n < NAMES_MAX; i++)
        names[n++] = own[i]->name;
    for (size_t i = 0; i < n_ops && n < NAMES_MAX; i++) {
        if (ops[i].cli)
            names[n++] = ops[i].cli;
    }
    const char *near = near_name(str_of(name), names, n);
    struct str shown = clean_line(c->arena, str_take(str_of(name), 40));
    cli_hint(c, "cairn help lists the commands");
    if (near)
        return err_set(e, ERR_INVALID, NULL, "there is no command \"%.*s\"; did you mean \"%s\"?", STR_ARG(shown),
                       near);
    return err_set(e, ERR_INVALID, NULL, "there is no command \"%.*s\"", STR_ARG(shown));
}

static enum err_code run_help(struct cli *c, const struct given *g, struct op_call *args, struct err *e)
{
    (void)g;
    struct str name = op_text(args, "command");
    char *copy = name.n ? arena_cstr(c->arena, name) : NULL;
    if (copy)
        return help_command(c, copy, e);
    help_overview(c);
    return ERR_OK;
}

static enum err_code run_version(struct cli *c, const struct given *g, struct op_call *args, struct err *e)
{
    (void)g, (void)args, (void)e;
    buf_fmt(&c->out, c->json ? "{\"version\":\"%s\"}\n" : "cairn %s\n", cairn_version());
    return ERR_OK;
}

static const struct op_arg help_args[] = {
    {.name = "command",
     .type = ARG_TEXT,
     .where = ARG_IN_QUERY,
     .flags = ARG_POSITIONAL | ARG_REST,
     .help = "its name"},
};

const struct command command_help = {.name = "help",
                                     .summary = "Show what a command does and which flags it takes",
                                     .args = help_args,
                                     .n_args = 1,
                                     .run = run_help};
const struct command command_version = {.name = "version", .summary = "Print the version", .run = run_version};
