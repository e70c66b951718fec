/* From argv to an operation's arguments. The table says which flags there are and of what type; this file
 * only finds out what was given. Whether values are right is op_bind's to say, the same for every door.
 *
 * Two passes: take_argument() splits argv into flags and words; place_words() then gives the words to the
 * positional arguments in the table's order, the last of which may take all that are left. So flags may stand
 * anywhere, also between words. */
#include "doors/cli/arguments_words.h"

#include "base/near.h"

#include <string.h>

enum { NAMES_MAX = 64 };

/* What every command takes, beside its own arguments. */
static const char *const global_names[] = {"data", "config", "json", "help"};

struct parser {
    struct cli *c;
    const struct operation *op;
    int argc, at;
    char **argv;
    bool ended; /* after `--` */
    struct given *out;
    struct str *words;
    size_t n_words;
};

const char *arguments_flag(struct arena *a, const struct op_arg *arg)
{
    struct str name = str_of(arg->name);
    if (name.n > 3 && str_ends(name, "_id"))
        name.n -= 3;
    struct str flag = arena_fmt(a, "--%.*s", STR_ARG(name));
    for (size_t i = 0; i < flag.n; i++) {
        if (flag.p[i] == '_')
            ((char *)flag.p)[i] = '-'; /* our own fresh copy */
    }
    return flag.p;
}

bool arguments_positional(const struct operation *op, const struct op_arg *arg)
{
    if (arg->flags & ARG_POSITIONAL)
        return true;
    for (size_t i = 0; i < op->n_args; i++) {
        if (op->args[i].flags & ARG_POSITIONAL)
            return false; /* the operation says which ones are */
    }
    return arg->where == ARG_IN_PATH;
}

/* "session", "session-id" and "session_id" all name session_id. */
static bool flag_names(struct str flag, const char *name)
{
    size_t n = strlen(name), i = 0;
    for (; i < flag.n && i < n; i++) {
        char f = flag.p[i] == '-' ? '_' : flag.p[i];
        if (f != name[i])
            return false;
    }
    return i == flag.n && (i == n || strcmp(name + i, "_id") == 0);
}

/* The whole name goes before the short one: an operation may have both "agent" and "agent_id". */
static const struct op_arg *find_arg(const struct operation *op, struct str flag)
{
    for (size_t i = 0; i < op->n_args; i++) {
        if (strlen(op->args[i].name) == flag.n && flag_names(flag, op->args[i].name))
            return &op->args[i];
    }
    for (size_t i = 0; i < op->n_args; i++) {
        if (flag_names(flag, op->args[i].name))
            return &op->args[i];
    }
    return NULL;
}

/* All flags there are, and the nearest of them: a slip is mostly one letter. */
static enum err_code unknown_flag(struct parser *p, struct str flag, struct err *e)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < sizeof global_names / sizeof global_names[0]; i++)
        names[n++] = global_names[i];
    for (size_t i = 0; i < p->op->n_args && n < NAMES_MAX; i++) {
        const char *name = arguments_flag(p->c->arena, &p->op->args[i]);
        if (name)
            names[n++] = name + 2;
    }
    const char *near = near_name(flag, names, n);
    struct str shown = clean_line(p->c->arena, str_take(flag, 40));
    if (near)
        return err_set(e, ERR_INVALID, NULL, "%s has no flag --%.*s; did you mean --%s?", p->c->command, STR_ARG(shown),
                       near);
    return err_set(e, ERR_INVALID, NULL, "%s has no flag --%.*s", p->c->command, STR_ARG(shown));
}

/* Given twice is a mistake worth telling: one of the two would silently not count. */
static enum err_code add_pair(struct parser *p, const struct op_arg *arg, struct str value, struct err *e)
{
    struct given *g = p->out;
    for (size_t i = 0; i < g->n_pairs; i++) {
        if (str_is(g->pairs[i].name, arg->name))
            return err_set(e, ERR_INVALID, arg->name, "%s is given twice", arg->name);
    }
    g->pairs[g->n_pairs++] = (struct op_pair){str_of(arg->name), value, arg->where};
    return ERR_OK;
}

/* The value of a flag: after its '=', or the next argument. */
static enum err_code flag_value(struct parser *p, struct str flag, struct str after, struct str *out, struct err *e)
{
    if (after.p) {
        *out = after;
        return ERR_OK;
    }
    if (p->at >= p->argc)
        return err_set(e, ERR_INVALID, NULL, "--%.*s needs a value", (int)(flag.n < 40 ? flag.n : 40), flag.p);
    *out = str_of(p->argv[p->at++]);
    return ERR_OK;
}

/* --json and --help, unless the operation has an argument of that name. */
static bool global_switch(struct parser *p, struct str flag, struct str after)
{
    if (after.p || find_arg(p->op, flag))
        return false;
    if (str_is(flag, "json"))
        p->c->json = true;
    else if (str_is(flag, "help"))
        p->c->help = true;
    else
        return false;
    return true;
}

/* A switch (off unless given) takes no word; other yes-or-no flags, such as filters, take true or false. */
static bool truth_follows(const struct parser *p, const struct op_arg *arg)
{
    const char *next = p->at < p->argc ? p->argv[p->at] : "";
    bool is_switch = arg->fallback && strcmp(arg->fallback, "false") == 0;
    return !is_switch && (strcmp(next, "true") == 0 || strcmp(next, "false") == 0);
}

static enum err_code take_flag(struct parser *p, struct str word, struct err *e)
{
    struct str after = str_skip(word, 2), value = STR_NONE;
    struct str flag = str_cut(&after, '=');
    if (global_switch(p, flag, after))
        return ERR_OK;
    if (str_is(flag, "data") || str_is(flag, "config")) {
        enum err_code code = flag_value(p, flag, after, &value, e);
        *(str_is(flag, "data") ? &p->c->data : &p->c->config_file) =
            value.p; /* the tail of an argv string: ends in NUL */
        return code;
    }
    const struct op_arg *arg = find_arg(p->op, flag);
    if (!arg)
        return unknown_flag(p, flag, e);
    if (arg->type == ARG_BOOL && !after.p && !truth_follows(p, arg))
        return add_pair(p, arg, STR("true"), e);
    enum err_code code = flag_value(p, flag, after, &value, e);
    return code ? code : add_pair(p, arg, value, e);
}

/* "-h" is help; other words with one dash and a letter are slips, "-" and "-5" are words. */
static enum err_code take_argument(struct parser *p, struct err *e)
{
    struct str word = str_of(p->argv[p->at++]);
    if (!p->ended && str_is(word, "--")) {
        p->ended = true;
        return ERR_OK;
    }
    if (!p->ended && str_starts(word, "--"))
        return take_flag(p, word, e);
    if (!p->ended && word.n > 1 && word.p[0] == '-' && (word.p[1] | 32) >= 'a' && (word.p[1] | 32) <= 'z') {
        if (str_is(word, "-h")) {
            p->c->help = true;
            return ERR_OK;
        }
        struct str shown = clean_line(p->c->arena, str_take(word, 40));
        return err_set(e, ERR_INVALID, NULL, "flags have two dashes: %.*s (words that begin with one come after --)",
                       STR_ARG(shown));
    }
    p->words[p->n_words++] = word;
    return ERR_OK;
}

/* Words to positional arguments; what is left over must be key=value: members of the record, or arguments that
 * belong in the body (so that `add session title=x` works though sessions have an operation of their own). */
static enum err_code place_words(struct parser *p, struct err *e)
{
    struct words w = {.c = p->c, .op = p->op, .words = p->words, .n = p->n_words};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < p->op->n_args && !code; i++) {
        const struct op_arg *arg = &p->op->args[i];
        struct str value;
        bool found = false;
        if (arguments_positional(p->op, arg))
            code = words_take(&w, arg, &value, &found, e);
        if (!code && found)
            code = add_pair(p, arg, value, e);
    }
    for (; !code && w.at < w.n && !(p->op->flags & OP_RECORD_BODY); w.at++) {
        struct str value = w.words[w.at], key = str_cut(&value, '=');
        const struct op_arg *arg = value.p ? find_arg(p->op, key) : NULL;
        if (!arg || arg->where != ARG_IN_BODY)
            return words_unexpected(&w, w.words[w.at], e);
        code = add_pair(p, arg, value, e);
    }
    if (!code && (p->op->flags & OP_RECORD_BODY))
        code = arguments_record(p->c, p->op->kind, w.words + w.at, w.n - w.at, &p->out->body, e);
    return code;
}

/* op_bind would find these too, but speaks of bodies and paths; here it is words and flags. */
static enum err_code require(const struct parser *p, struct err *e)
{
    for (size_t i = 0; i < p->op->n_args; i++) {
        const struct op_arg *arg = &p->op->args[i];
        bool given = !(arg->flags & ARG_REQUIRED);
        for (size_t k = 0; k < p->out->n_pairs && !given; k++)
            given = str_is(p->out->pairs[k].name, arg->name);
        if (given)
            continue;
        if (arguments_positional(p->op, arg))
            return err_set(e, ERR_INVALID, arg->name, "%s is missing its %s: %s", p->c->command, arg->name, arg->help);
        const char *flag = arguments_flag(p->c->arena, arg);
        return err_set(e, ERR_INVALID, arg->name, "%s needs %s: %s", p->c->command, flag ? flag : "", arg->help);
    }
    return ERR_OK;
}

enum err_code arguments_parse(struct cli *c, const struct operation *op, int argc, char **argv, struct given *out,
                              struct err *e)
{
    struct parser p = {.c = c, .op = op, .argc = argc, .argv = argv, .out = out};
    *out = (struct given){.op = op};
    out->pairs = arena_array(c->arena, struct op_pair, (size_t)argc + op->n_args + 1);
    p.words = arena_array(c->arena, struct str, (size_t)argc + 1);
    if (!out->pairs || !p.words)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    while (!code && p.at < argc)
        code = take_argument(&p, e);
    if (code || c->help)
        return code;
    code = place_words(&p, e);
    return code ? code : require(&p, e);
}

int arguments_first_word(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        struct str word = str_of(argv[i]);
        if (str_is(word, "--data") || str_is(word, "--config"))
            i++; /* its value */
        else if (!str_starts(word, "-") || word.n == 1)
            return i;
        else if (!str_starts(word, "--data=") && !str_starts(word, "--config=") && !str_is(word, "--json") &&
                 !str_is(word, "--help") && !str_is(word, "-h"))
            return -1; /* another flag: what follows may be its value */
    }
    return -1;
}
