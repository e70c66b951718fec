/* list, show, add, edit, remove: one command for every kind of record. Each runs the operation "<kind>.<verb>",
 * so a kind added to the table of kinds has its commands at once. */
#include "base/id.h"
#include "doors/cli/command.h"
#include "doors/cli/render.h"

#include <string.h>

enum { KINDS_MAX = 64, NAME_MAX_SHOWN = 40 };

static enum err_code unknown_kind(struct cli *c, struct str word, struct err *e)
{
    const char *names[KINDS_MAX];
    size_t n, known = 0;
    const struct kind *kinds = kinds_all(&n);
    for (size_t i = 0; i < n && known < KINDS_MAX; i++) {
        if (!(kinds[i].flags & KIND_INTERNAL))
            names[known++] = kinds[i].name;
    }
    cli_hint(c, "cairn help %s names all kinds", c->command);
    return cli_unknown(c, "kind", word, names, known, e);
}

/* "turn_" and 32 hex digits are a turn: ids that we make carry their kind. */
static const struct kind *kind_of_id(struct str id)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (kinds[i].id_prefix && id_has_form(id, kinds[i].id_prefix))
            return &kinds[i];
    }
    return NULL;
}

/* Internal kinds are nobody's business here. */
static const struct kind *public_kind(struct str word)
{
    const struct kind *k = kind_find(word);
    return k && !(k->flags & KIND_INTERNAL) ? k : NULL;
}

/* Some kinds are made by operations of their own only, some are never changed. */
static enum err_code no_such_verb(struct cli *c, const struct kind *k, struct err *e)
{
    if (k == KIND_TURN && strcmp(c->command, "add") == 0)
        cli_hint(c, "cairn remember stores a turn");
    return err_set(e, ERR_INVALID, "kind", "cairn cannot %s a %s: that is done by its own operations only", c->command,
                   k->name);
}

/* `cairn list --help` and the like, without a kind. */
static enum err_code no_kind(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e)
{
    struct given ignored;
    const struct operation nothing = {.name = cmd->name};
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help_command(c, cmd->name, e);
    }
    enum err_code code = arguments_first_word(argc, argv) < 0 && argc > 0
                             ? arguments_parse(c, &nothing, argc, argv, &ignored, e)
                             : ERR_OK;
    if (code && e)
        *e = (struct err){0}; /* a flag of the operation's, before its kind */
    return err_set(e, ERR_INVALID, "kind", "%s needs a kind first: cairn %s %s", cmd->name, cmd->name, cmd->words);
}

/* The kind is known: from here it is an operation like any other. */
static enum err_code run_verb(struct cli *c, const struct command *cmd, const struct kind *k, int argc, char **argv,
                              struct err *e)
{
    struct given g;
    struct answer answer;
    struct str name = arena_fmt(c->arena, "%s.%s", k->name, cmd->verb);
    if (!name.p)
        return err_nomem(e);
    const struct operation *op = operation_find(name.p);
    if (!op || !op->fn)
        return no_such_verb(c, k, e);
    enum err_code code = arguments_parse(c, op, argc, argv, &g, e);
    if (!code && c->help) {
        help_operation(c, c->command, cmd->words, op);
        return ERR_OK;
    }
    if (!code)
        code = ask(c, &g, &answer, e);
    if (code == ERR_NOT_FOUND && !c->hint[0])
        cli_hint(c, "cairn list %s shows what there is", k->name);
    return code ? code : render_answer(c, op, &answer, e);
}

/* show --source: of an imported turn the file, line and byte it came from. */
static enum err_code show_source(struct cli *c, int argc, char **argv, struct err *e)
{
    struct given g;
    struct answer answer;
    const struct json *o;
    const struct operation *op = operation_find("turn.source");
    enum err_code code = arguments_parse(c, op, argc, argv, &g, e);
    if (!code)
        code = ask(c, &g, &answer, e);
    if (code || c->json)
        return code ? code : render_answer(c, op, &answer, e);
    code = json_parse(c->arena, answer.json, JSON_DUPLICATES_OK, &o, e);
    if (code)
        return code;
    if (!json_text(o, "path").n)
        return err_set(e, ERR_NOT_FOUND, "turn_id", "the turn was not imported from a file that is known");
    const struct json *line = json_get_type(o, "line", JSON_INT), *at = json_get_type(o, "byte_offset", JSON_INT);
    struct str path = clean_line(c->arena, json_text(o, "path"));
    buf_fmt(&c->out, "%.*s:%lld", STR_ARG(path), line ? (long long)line->integer : 0LL);
    if (json_text(o, "entry").n)
        buf_fmt(&c->out, " in %.*s", STR_ARG(clean_line(c->arena, json_text(o, "entry"))));
    if (at)
        buf_fmt(&c->out, " (byte %lld)", (long long)at->integer);
    buf_char(&c->out, '\n');
    return ERR_OK;
}

/* Takes the flag out; false: it is not there. */
static bool takes_source(const struct command *cmd, int *argc, char **argv)
{
    for (int i = 0; cmd == &command_show && i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--source") != 0)
            continue;
        memmove(argv + i, argv + i + 1, (size_t)(*argc - i - 1) * sizeof *argv);
        --*argc;
        return true;
    }
    return false;
}

enum err_code command_kind(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e)
{
    bool source = takes_source(cmd, &argc, argv);
    int at = arguments_first_word(argc, argv);
    if (at < 0)
        return no_kind(c, cmd, argc, argv, e);
    if (source) {
        if (kind_find(str_of(argv[at])) == KIND_TURN)
            memmove(argv + at, argv + at + 1, (size_t)(argc-- - at - 1) * sizeof *argv);
        return show_source(c, argc, argv, e);
    }
    struct str word = str_of(argv[at]);
    const struct kind *k = public_kind(word), *by_id = kind_of_id(word);
    if (!k && by_id && strcmp(cmd->verb, "list") != 0 && strcmp(cmd->verb, "create") != 0)
        return run_verb(c, cmd, by_id, argc, argv, e); /* the id tells its kind, and stays a word */
    if (!k)
        return unknown_kind(c, word, e);
    memmove(argv + at, argv + at + 1, (size_t)(argc - at - 1) * sizeof *argv);
    return run_verb(c, cmd, k, argc - 1, argv, e);
}

const struct command command_list = {
    .name = "list",
    .summary = "List records of a kind, a page at a time",
    .words = "KIND",
    .verb = "list",
    .details =
        "KIND is a record's kind in singular or plural. Each kind has filters of its own; cairn list KIND --help\n"
        "names them. A line \"more: --cursor …\" at the end says that there is another page.\n",
};

const struct command command_show = {
    .name = "show",
    .summary = "Show one record; a conversation with its turns",
    .words = "[KIND] ID",
    .verb = "get",
    .details = "An id such as sess_… or turn_… tells its kind; records with a name of their own (agents, projects,\n"
               "preferences, tags) need KIND. --source: of an imported turn the file and line it came from.\n",
};

const struct command command_add = {
    .name = "add",
    .summary = "Add a record of a kind",
    .words = "KIND field=value …",
    .verb = "create",
    .details =
        "Fields that hold lists or objects take JSON: tags='[\"a\",\"b\"]'. field=- reads a text from standard input.\n"
        "cairn add KIND --help names the fields.\n",
};

const struct command command_edit = {
    .name = "edit",
    .summary = "Change fields of a record",
    .words = "[KIND] ID field=value …",
    .verb = "update",
    .details = "Only the fields that are given change. cairn edit KIND --help names them.\n",
};

const struct command command_remove = {
    .name = "remove",
    .summary = "Remove a record from every list and search",
    .words = "[KIND] ID",
    .verb = "delete",
};
