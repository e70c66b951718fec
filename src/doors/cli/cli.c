/* `cairn …` from start to end: find the command, match its arguments, run it, print what it left, turn errors
 * into a line for a person and an exit status. */
#include "doors/cli/cli.h"

#include "base/file.h"
#include "base/log.h"
#include "base/near.h"
#include "doors/cli/command.h"
#include "doors/cli/render.h"
#include "service/advice.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order `cairn help` shows them; the operations' commands stand between (command_help.c). */
static const struct command *const own[] = {
    &command_serve,   &command_list,       &command_show,         &command_add,     &command_edit,
    &command_remove,  &command_backup,     &command_audit_verify, &command_restore, &command_import,
    &command_watch,   &command_checkpoint, &command_embed,        &command_model,   &command_redact,
    &command_receipt, &command_doctor,     &command_encrypt,      &command_decrypt, &command_rekey,
    &command_schema,  &command_config,     &command_call,         &command_docs,    &command_completions,
    &command_man,     &command_version,    &command_help,
};

const struct command *const *commands_own(size_t *n)
{
    *n = sizeof own / sizeof own[0];
    return own;
}

static const struct command *find_own(const char *name)
{
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcmp(own[i]->name, name) == 0)
            return own[i];
    }
    return NULL;
}

const struct operation *command_operation(const char *name)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].cli && strcmp(all[i].cli, name) == 0)
            return &all[i];
    }
    return NULL;
}

void cli_hint(struct cli *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->hint, sizeof c->hint, fmt, args);
    va_end(args);
}

enum err_code cli_unknown(struct cli *c, const char *what, struct str name, const char *const *names, size_t n,
                          struct err *e)
{
    const char *near = near_name(name, names, n);
    struct str shown = clean_line(c->arena, str_take(name, 60));
    if (near)
        return err_set(e, ERR_INVALID, what, "there is no %s \"%.*s\"; did you mean \"%s\"?", what, STR_ARG(shown),
                       near);
    return err_set(e, ERR_INVALID, what, "there is no %s \"%.*s\"", what, STR_ARG(shown));
}

/* An operation that has a CLI name: arguments, checks and answer are all the table's. */
static enum err_code run_operation(struct cli *c, const struct operation *op, int argc, char **argv, struct err *e)
{
    struct given g;
    struct answer answer;
    enum err_code code = arguments_parse(c, op, argc, argv, &g, e);
    if (c->help && !code)
        return help_command(c, c->command, e);
    if (!code)
        code = ask(c, &g, &answer, e);
    return code ? code : render_answer(c, op, &answer, e);
}

/* A command of our own: its arguments are checked as an operation's are, by a stand-in for one. */
static enum err_code run_own(struct cli *c, const struct command *cmd, int argc, char **argv, struct err *e)
{
    struct given g;
    struct operation *op = arena_alloc(c->arena, sizeof *op);
    if (!op)
        return err_nomem(e);
    *op = (struct operation){.name = cmd->name, .method = "GET", .args = cmd->args, .n_args = cmd->n_args};
    if (cmd->settings && !(op->args = settings_args(c->arena, &op->n_args)))
        return err_nomem(e);
    struct op_call call = {.op = op, .arena = c->arena};
    enum err_code code = arguments_parse(c, op, argc, argv, &g, e);
    if (c->help && !code)
        return help_command(c, cmd->name, e);
    if (code)
        return code;
    if (cmd->settings) { /* checked with the other sources, not as arguments */
        code = settings_config(c, &g, e);
        return code ? code : cmd->run(c, &g, &call, e);
    }
    const struct op_input in = {.pairs = g.pairs, .n_pairs = g.n_pairs};
    code = op_bind(&call, &in, e);
    return code ? code : cmd->run(c, &g, &call, e);
}

/* `cairn --version`, `cairn --help`, `cairn`, or a slip. */
static enum err_code only_flags(struct cli *c, int argc, char **argv, struct err *e)
{
    static const struct op_arg version = {.name = "version", .type = ARG_BOOL, .where = ARG_IN_QUERY};
    static const struct operation flags = {.name = "cairn", .args = &version, .n_args = 1};
    struct given g;
    enum err_code code = arguments_parse(c, &flags, argc, argv, &g, e);
    if (!code && g.n_pairs > 0)
        return command_version.run(c, NULL, NULL, e);
    if (!code)
        help_overview(c);
    return code;
}

bool command_group(const char *word)
{
    size_t n_all, n = strlen(word);
    const struct operation *all = operations_all(&n_all);
    for (size_t i = 0; i < n_all; i++) {
        if (all[i].cli && strncmp(all[i].cli, word, n) == 0 && all[i].cli[n] == ' ')
            return true;
    }
    return false;
}

static int cut_word(int argc, char **argv, int at)
{
    memmove(argv + at, argv + at + 1, (size_t)(argc - at - 1) * sizeof *argv); /* flags before it stay */
    return argc - 1;
}

/* "auth needs a second word: token, list, revoke" */
static enum err_code missing_word(struct cli *c, const char *group, struct err *e)
{
    size_t n_all, n = strlen(group);
    const struct operation *all = operations_all(&n_all);
    struct str words = STR("");
    for (size_t i = 0; i < n_all; i++) {
        if (all[i].cli && strncmp(all[i].cli, group, n) == 0 && all[i].cli[n] == ' ')
            words = arena_fmt(c->arena, "%.*s%s%s", STR_ARG(words), words.n ? ", " : "", all[i].cli + n + 1);
    }
    return err_set(e, ERR_INVALID, NULL, "%s needs a second word: %.*s", group, STR_ARG(words));
}

/* `cairn auth`, `cairn auth --help`: what there is of it. */
static enum err_code run_group(struct cli *c, const char *group, int argc, char **argv, struct err *e)
{
    static const struct operation none = {.name = "group"};
    struct given g;
    enum err_code code = arguments_parse(c, &none, argc, argv, &g, e);
    if (code)
        return code;
    return c->help ? help_command(c, group, e) : missing_word(c, group, e);
}

/* Commands of our own go before operations of the same name. Where commands of two words begin with the first one
 * ("auth token"), the next word belongs to the name. */
static enum err_code dispatch(struct cli *c, int argc, char **argv, struct err *e)
{
    int at = arguments_first_word(argc, argv);
    if (at < 0)
        return only_flags(c, argc, argv, e);
    const char *name = argv[at];
    argc = cut_word(argc, argv, at);
    if (command_group(name) && at < argc && argv[at][0] != '-') {
        name = arena_fmt(c->arena, "%s %s", name, argv[at]).p;
        argc = cut_word(argc, argv, at);
    }
    if (!name)
        return err_nomem(e);
    c->command = name;
    const struct command *cmd = find_own(name);
    const struct operation *op = command_operation(name);
    if (cmd && cmd->verb)
        return command_kind(c, cmd, argc, argv, e);
    if (cmd && cmd->take)
        return cmd->take(c, cmd, argc, argv, e);
    if (cmd)
        return run_own(c, cmd, argc, argv, e);
    if (!op && command_group(name))
        return run_group(c, name, argc, argv, e);
    return op ? run_operation(c, op, argc, argv, e) : help_unknown(c, name, e);
}

/* Everything in one go. A reader that left (`cairn list | head -1`) is no error. */
static enum err_code print(struct cli *c, struct err *e)
{
    if (c->out.failed)
        return err_nomem(e);
    errno = 0;
    struct err why = {0};
    enum err_code code = c->out.n ? file_write_fd(STDOUT_FILENO, buf_view(&c->out), &why) : ERR_OK;
    if (!code || errno == EPIPE)
        return ERR_OK;
    return err_set(e, code, NULL, "cannot print the answer: %.200s", why.message);
}

/* What to do next, where the error's kind tells. */
static void default_hint(struct cli *c, enum err_code code, const struct err *e)
{
    const char *advice = advice_of(e);
    if (c->hint[0])
        return;
    if (code == ERR_INVALID && (find_own(c->command) || command_operation(c->command)))
        cli_hint(c, "cairn help %s", c->command);
    else if (code == ERR_BUSY)
        cli_hint(c, "another process holds the data folder; try again in a moment");
    else if (advice)
        cli_hint(c, "%s", advice);
}

/* The message may quote stored text or an argument, so it is cleaned like all output. */
static void complain(struct cli *c, enum err_code code, const struct err *e)
{
    struct str message = clean_line(c->arena, str_of(e->message[0] ? e->message : "it failed, without saying why"));
    if (!message.p) /* no memory even for this */
        message = STR("out of memory");
    fprintf(stderr, "cairn: %.*s\n", STR_ARG(message));
    default_hint(c, code, e);
    if (c->hint[0])
        fprintf(stderr, "  %s\n", c->hint);
}

/* Commands say what went wrong themselves; the log is for those who ask for it. */
static void quiet_log(void)
{
    enum log_level level = LOG_OFF;
    const char *asked = getenv("CAIRN_LOG_LEVEL");
    if (asked)
        (void)log_level_parse(str_of(asked), &level);
    log_setup(level, isatty(STDERR_FILENO) != 1, STDERR_FILENO);
}

/* What was to be printed is printed also when the command failed: doctor's findings, say. */
static int run(struct cli *c, int argc, char **argv)
{
    struct err e = {0};
    enum err_code code = operations_init(&e);
    if (!code)
        code = dispatch(c, argc, argv, &e);
    struct err printing = {0};
    enum err_code printed = print(c, &printing);
    if (!code && printed) {
        code = printed;
        e = printing;
    }
    if (code)
        complain(c, code, &e);
    return code ? err_exit_status(code) : c->status;
}

int cli_main(int argc, char **argv)
{
    struct cli c = {.command = "cairn"};
    size_t n = argc > 1 ? (size_t)argc - 1 : 0;
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that leaves shows as EPIPE */
    (void)signal(SIGXFSZ, SIG_IGN); /* and a limit on the size of files as EFBIG */
    quiet_log();
    c.arena = arena_new();
    char **words = c.arena ? arena_array(c.arena, char *, n + 1) : NULL;
    if (!words) {
        fputs("cairn: out of memory\n", stderr);
        arena_free(c.arena);
        return 1;
    }
    if (n)
        memcpy(words, argv + 1, n * sizeof *words);
    buf_init(&c.out, 0);
    screen_detect(&c.screen, STDOUT_FILENO);
    int status = run(&c, (int)n, words);
    buf_release(&c.out);
    arena_free(c.arena);
    operations_free();
    return status;
}
