/* man: the manual page cairn(1) on standard output, in the man macros that groff and mandoc both read. Made from the
 * tables, so it lists what this program can do; what each operation takes over REST is in docs/operations.md. */
#include "doors/cli/command.h"

#include "base/text.h"

#include <string.h>

/* The code point of a valid character of n bytes. */
static unsigned code_point(const char *p, size_t n)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned v = (unsigned char)p[0] & lead[n];
    for (size_t i = 1; i < n; i++)
        v = v << 6 | ((unsigned char)p[i] & 0x3f);
    return v;
}

/* Text as troff: escapes, hyphens that stay hyphens when copied, nothing taken for a request at a line's start, other
 * characters than ASCII by number, for not every reader of manuals takes UTF-8. */
static void put_text(struct buf *b, const char *text)
{
    struct str s = str_of(text);
    while (s.n > 0) {
        size_t n = text_char_len(s);
        bool line_start = b->n == 0 || b->p[b->n - 1] == '\n';
        if (line_start && (s.p[0] == '.' || s.p[0] == '\''))
            buf_cstr(b, "\\&");
        if (n == 0)
            n = 1; /* the tables hold valid text only */
        else if (n > 1)
            buf_fmt(b, "\\[u%04X]", code_point(s.p, n));
        else if (s.p[0] == '\\')
            buf_cstr(b, "\\e");
        else if (s.p[0] == '-')
            buf_cstr(b, "\\-");
        else if (!line_start || s.p[0] != ' ') /* a space there would break the paragraph */
            buf_char(b, s.p[0]);
        s = str_skip(s, n);
    }
}

static void put_marked(struct buf *b, const char *mark, const char *text)
{
    buf_cstr(b, mark);
    put_text(b, text);
    buf_cstr(b, "\\fR");
}

static void put_line(struct buf *b, const char *text)
{
    put_text(b, text);
    buf_char(b, '\n');
}

/* A sentence of the tables begins in small or capital letters and has no full stop. */
static void put_sentence(struct buf *b, const char *text)
{
    put_text(b, text);
    buf_cstr(b, ".\n");
}

static void put_arg(struct cli *c, const struct operation *op, const struct op_arg *arg)
{
    struct buf help;
    const char *flag = arguments_flag(c->arena, arg);
    buf_init(&help, 0);
    buf_cstr(&help, arg->help);
    help_bounds(&help, arg);
    const char *text = arena_cstr(c->arena, buf_view(&help));
    buf_release(&help);
    buf_cstr(&c->out, ".TP\n");
    if (arguments_positional(op, arg)) {
        put_marked(&c->out, "\\fI", help_upper(c, arg->name).p);
    } else {
        put_marked(&c->out, "\\fB", flag ? flag : "");
        const char *value = help_placeholder(arg->type);
        if (*value)
            put_marked(&c->out, " \\fI", value + 1);
    }
    buf_char(&c->out, '\n');
    put_line(&c->out, text ? text : "");
}

static void put_command(struct cli *c, const char *name, const char *words, const struct operation *op)
{
    buf_cstr(&c->out, ".SS \"cairn ");
    put_text(&c->out, name);
    buf_cstr(&c->out, words ? " " : "");
    put_text(&c->out, words ? words : "");
    for (size_t i = 0; i < op->n_args && !words; i++) {
        if (!arguments_positional(op, &op->args[i]))
            continue;
        bool must = op->args[i].flags & ARG_REQUIRED;
        buf_cstr(&c->out, must ? " " : " [");
        put_text(&c->out, help_upper(c, op->args[i].name).p);
        buf_cstr(&c->out, must ? "" : "]");
    }
    buf_cstr(&c->out, "\"\n");
    put_sentence(&c->out, op->summary);
    for (size_t i = 0; i < op->n_args; i++)
        put_arg(c, op, &op->args[i]);
}

static void put_own(struct cli *c, const struct command *cmd)
{
    struct operation op = {.name = cmd->name, .summary = cmd->summary, .args = cmd->args, .n_args = cmd->n_args};
    if (cmd->settings)
        op.args = settings_args(c->arena, &op.n_args);
    if (!op.args)
        op.n_args = 0;
    put_command(c, cmd->name, cmd->words, &op);
    if (!cmd->details)
        return;
    buf_cstr(&c->out, ".PP\n");
    put_text(&c->out, cmd->details);
}

static void put_commands(struct cli *c)
{
    size_t n;
    const struct command *const *own = commands_own(&n);
    buf_cstr(&c->out, ".SH COMMANDS\n");
    for (size_t i = 0; i < n; i++) {
        if (!own[i]->hidden)
            put_own(c, own[i]);
    }
    const struct operation *ops = operations_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (ops[i].cli && command_operation(ops[i].cli) == &ops[i])
            put_command(c, ops[i].cli, NULL, &ops[i]);
    }
}

static void put_kinds(struct cli *c)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    buf_cstr(&c->out, ".SH KINDS OF RECORD\n");
    for (size_t i = 0; i < n; i++) {
        if (kinds[i].flags & KIND_INTERNAL)
            continue;
        buf_cstr(&c->out, ".TP\n");
        put_marked(&c->out, "\\fB", kinds[i].name);
        buf_char(&c->out, '\n');
        put_sentence(&c->out, kinds[i].help ? kinds[i].help : kinds[i].plural);
    }
}

static void put_settings(struct cli *c)
{
    size_t n;
    char right[200];
    const struct setting *all = settings_all(&n);
    buf_cstr(&c->out,
             ".SH CONFIGURATION\nA value comes from the first of: a flag of \\fBcairn serve\\fR, the variable, "
             "\\fIcairn.toml\\fR, the default.\n");
    for (size_t i = 0; i < n; i++) {
        const char *variable = setting_variable(c->arena, &all[i]);
        setting_right(&all[i], right, sizeof right);
        buf_cstr(&c->out, ".TP\n");
        put_marked(&c->out, "\\fB", all[i].name);
        put_marked(&c->out, ", \\fB", variable ? variable : "");
        buf_char(&c->out, '\n');
        put_text(&c->out, all[i].help);
        buf_cstr(&c->out, "; ");
        put_text(&c->out, right);
        if (all[i].fallback) {
            buf_cstr(&c->out, " (");
            put_text(&c->out, all[i].fallback);
            buf_char(&c->out, ')');
        }
        buf_cstr(&c->out, ".\n");
    }
}

static const char beginning[] =
    "\\- long\\-term memory for language models\n"
    ".SH SYNOPSIS\n"
    ".B cairn\n"
    ".I command\n"
    "[\\fIwords\\fR] [\\fB\\-\\-flag\\fR \\fIvalue\\fR ...]\n"
    ".SH DESCRIPTION\n"
    "Cairn keeps what was said in conversations with language models and gives it back when it matters: as a proxy in\n"
    "front of any model that speaks OpenAI's or Anthropic's protocol, over REST, from the command line and as a C\n"
    "library. All data is in one folder.\n"
    ".PP\n"
    "Commands talk to the server that has the data folder open; when none runs they open it themselves.\n"
    ".SH OPTIONS\n"
    "Every command takes these.\n"
    ".TP\n\\fB\\-\\-data\\fR \\fIDIR\\fR\nThe data folder.\n"
    ".TP\n\\fB\\-\\-config\\fR \\fIFILE\\fR\nThe configuration file.\n"
    ".TP\n\\fB\\-\\-json\\fR\nThe answer as JSON.\n"
    ".TP\n\\fB\\-\\-help\\fR\nWhat the command does, and its flags.\n";

static const char ending[] =
    ".SH FILES\n"
    ".TP\n\\fI$CAIRN_DATA\\fR, \\fI$XDG_DATA_HOME/cairn\\fR, \\fI~/.local/share/cairn\\fR\n"
    "The data folder: the first of them that is set.\n"
    ".TP\n\\fI$CAIRN_CONFIG\\fR, \\fIcairn.toml\\fR in the data folder, \\fI$XDG_CONFIG_HOME/cairn/cairn.toml\\fR, "
    "\\fI~/.config/cairn/cairn.toml\\fR\n"
    "The configuration: the first of them that is there, alone.\n"
    ".SH ENVIRONMENT\n"
    "Beside the settings' own variables:\n"
    ".TP\n\\fBOPENAI_API_KEY\\fR\nThe upstream's key where no setting names one.\n"
    ".TP\n\\fBNO_COLOR\\fR\nWith any value: no colours on a terminal. In a pipe there are none.\n"
    ".SH EXIT STATUS\n"
    ".TP\n0\nIt is done.\n"
    ".TP\n1\nIt failed, or \\fBcairn doctor\\fR found problems.\n"
    ".TP\n2\nWrong usage or input.\n"
    ".TP\n3\nThere is no such record.\n";

static enum err_code run_man(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g, (void)call, (void)e;
    buf_fmt(&c->out, ".TH CAIRN 1 \"\" \"cairn %s\" \"User Commands\"\n.SH NAME\ncairn ", cairn_version());
    buf_cstr(&c->out, beginning);
    put_commands(c);
    put_kinds(c);
    put_settings(c);
    buf_cstr(&c->out, ending);
    return ERR_OK;
}

const struct command command_man = {
    .name = "man",
    .summary = "Print the manual page, for man -l",
    .run = run_man,
    .details = "cairn man | man -l -\n",
};
