/* Candidates for completion from the tables of commands, operations, kinds and settings. See complete.h. */
#include "doors/cli/complete.h"

#include <string.h>

struct walk {
    struct cli *c;
    complete_fn *fn;
    void *arg;
    bool values; /* complete_values() */
};

static void put_word(struct buf *b, const char *word)
{
    buf_fmt(b, " %s", word);
}

static void tell(const struct walk *w, const char *context, struct buf *words)
{
    if (!words->failed && words->n > 0)
        w->fn(w->arg, str_of(context), buf_view(words));
    else if (words->failed)
        w->c->out.failed = true; /* a half script would complete half */
    buf_release(words);
}

static void put_flags(const struct walk *w, struct buf *b, const struct op_arg *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *flag = arguments_flag(w->c->arena, &args[i]);
        if (flag)
            put_word(b, flag);
    }
}

/* "list turn|list turns --role": each form of the context with the flag. */
static void tell_values(const struct walk *w, const char *context, const struct op_arg *arg)
{
    struct buf name, words;
    const char *flag = arguments_flag(w->c->arena, arg), *before = "";
    buf_init(&name, 0);
    buf_init(&words, 0);
    for (struct str rest = str_of(context); rest.p && flag; before = "|") {
        struct str one = str_cut(&rest, '|');
        buf_fmt(&name, "%s%.*s %s", before, STR_ARG(one), flag);
    }
    for (struct str rest = str_of(arg->choices); rest.p;) {
        struct str choice = str_cut(&rest, '|');
        buf_fmt(&words, " %.*s", STR_ARG(choice));
    }
    struct str key = buf_take(&name, w->c->arena);
    if (key.p)
        tell(w, key.p, &words);
    else
        buf_release(&words);
}

/* One context: its flags (or, for values, those with choices), and the words that come before them. */
static void tell_args(const struct walk *w, const char *context, const struct op_arg *args, size_t n, struct buf *words)
{
    for (size_t i = 0; w->values && i < n; i++) {
        if (args[i].choices)
            tell_values(w, context, &args[i]);
    }
    if (w->values) {
        buf_release(words);
        return;
    }
    put_flags(w, words, args, n);
    tell(w, context, words);
}

static bool plural_first(const struct command *cmd)
{
    return strcmp(cmd->verb, "list") == 0;
}

/* field=, for what add and edit take. */
static void put_fields(struct buf *b, const struct operation *op)
{
    const struct kind *k = op->kind;
    if ((k->flags & KIND_KEYED) && !(op->flags & OP_RECORD_PATCH))
        buf_fmt(b, " %s=", k->id_name);
    for (size_t i = 0; i < k->n_fields; i++) {
        unsigned flags = k->fields[i].flags;
        bool set_later = !((flags & FIELD_FIXED) && (op->flags & OP_RECORD_PATCH));
        if (!(flags & (FIELD_READ_ONLY | FIELD_HIDDEN)) && set_later)
            buf_fmt(b, " %s=", k->fields[i].name);
    }
}

/* list, show, add …: first a kind, then what its operation takes. */
static void walk_verb(const struct walk *w, const struct command *cmd)
{
    size_t n;
    const struct kind *kinds = kinds_all(&n);
    struct buf names, words;
    buf_init(&names, 0);
    for (size_t i = 0; i < n; i++) {
        const struct kind *k = &kinds[i];
        const char *name = arena_fmt(w->c->arena, "%s.%s", k->name, cmd->verb).p;
        const struct operation *op = name ? operation_find(name) : NULL;
        const char *context = arena_fmt(w->c->arena, "%s %s|%s %s", cmd->name, k->name, cmd->name, k->plural).p;
        if (!op || !op->fn || !context)
            continue;
        put_word(&names, plural_first(cmd) ? k->plural : k->name);
        buf_init(&words, 0);
        if (op->flags & OP_RECORD_BODY)
            put_fields(&words, op);
        tell_args(w, context, op->args, op->n_args, &words);
    }
    if (w->values)
        buf_release(&names);
    else
        tell(w, cmd->name, &names);
}

/* call: an operation's name, then key= for each argument. */
static void walk_call(const struct walk *w)
{
    size_t n;
    const struct operation *all = operations_all(&n);
    struct buf names, words;
    if (w->values)
        return;
    buf_init(&names, 0);
    for (size_t i = 0; i < n; i++) {
        const char *context = arena_fmt(w->c->arena, "call %s", all[i].name).p;
        if (!all[i].fn || !context)
            continue;
        put_word(&names, all[i].name);
        buf_init(&words, 0);
        for (size_t k = 0; k < all[i].n_args; k++)
            buf_fmt(&words, " %s=", all[i].args[k].name);
        if (all[i].flags & OP_RECORD_BODY)
            put_fields(&words, &all[i]);
        tell(w, context, &words);
    }
    tell(w, "call", &names);
}

/* Words that a few commands take first. */
static void put_first_words(const struct command *cmd, struct buf *b)
{
    size_t n;
    if (cmd == &command_config) {
        const struct setting *all = settings_all(&n);
        for (size_t i = 0; i < n; i++)
            put_word(b, all[i].name);
    }
    for (size_t i = 0; cmd->args && i < cmd->n_args; i++) {
        for (struct str rest = str_of(cmd->args[i].choices); rest.p && (cmd->args[i].flags & ARG_POSITIONAL);) {
            struct str choice = str_cut(&rest, '|');
            buf_fmt(b, " %.*s", STR_ARG(choice));
        }
    }
}

/* "session" of the command "session archive"; STR_NONE where the operation has no command. */
static struct str first_word(const struct operation *op)
{
    struct str rest = str_of(op->cli);
    return str_cut(&rest, ' ');
}

/* No operation before it has a command that begins with the same word. */
static bool first_with_word(const struct operation *ops, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (ops[k].cli && str_eq(first_word(&ops[k]), first_word(&ops[i])))
            return false;
    }
    return true;
}

static void put_commands(struct buf *b)
{
    size_t n;
    const struct command *const *own = commands_own(&n);
    for (size_t i = 0; i < n; i++) {
        if (!own[i]->hidden)
            put_word(b, own[i]->name);
    }
    const struct operation *ops = operations_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (ops[i].cli && first_with_word(ops, i))
            buf_fmt(b, " %.*s", STR_ARG(first_word(&ops[i])));
    }
}

static void walk_own(const struct walk *w)
{
    size_t n, n_args;
    const struct command *const *own = commands_own(&n);
    for (size_t i = 0; i < n; i++) {
        const struct command *cmd = own[i];
        struct buf words;
        if (cmd->hidden)
            continue;
        if (cmd->verb) {
            walk_verb(w, cmd);
        } else if (cmd->take) {
            walk_call(w);
        } else {
            const struct op_arg *args = cmd->settings ? settings_args(w->c->arena, &n_args) : cmd->args;
            n_args = !args ? 0 : cmd->settings ? n_args : cmd->n_args;
            buf_init(&words, 0);
            put_first_words(cmd, &words);
            if (cmd == &command_help)
                put_commands(&words);
            tell_args(w, cmd->name, args, n_args, &words);
        }
    }
}

/* Second words of "session archive" and the like. */
static void tell_group(const struct walk *w, struct str first)
{
    size_t n;
    const struct operation *ops = operations_all(&n);
    const char *context = arena_cstr(w->c->arena, first);
    struct buf words;
    buf_init(&words, 0);
    for (size_t i = 0; i < n; i++) {
        struct str rest = str_of(ops[i].cli), word = str_cut(&rest, ' ');
        if (rest.p && str_eq(word, first))
            put_word(&words, rest.p);
    }
    if (context && !w->values)
        tell(w, context, &words);
    else
        buf_release(&words);
}

static void walk_operations(const struct walk *w)
{
    size_t n;
    const struct operation *ops = operations_all(&n);
    for (size_t i = 0; i < n; i++) {
        struct buf words;
        if (!ops[i].cli)
            continue;
        buf_init(&words, 0);
        tell_args(w, ops[i].cli, ops[i].args, ops[i].n_args, &words);
        if (strchr(ops[i].cli, ' ') && first_with_word(ops, i))
            tell_group(w, first_word(&ops[i]));
    }
}

static void walk_all(const struct walk *w)
{
    walk_own(w);
    walk_operations(w);
}

void complete_contexts(struct cli *c, complete_fn *fn, void *arg)
{
    const struct walk w = {.c = c, .fn = fn, .arg = arg};
    struct buf words;
    buf_init(&words, 0);
    put_commands(&words);
    tell(&w, "", &words);
    walk_all(&w);
}

void complete_values(struct cli *c, complete_fn *fn, void *arg)
{
    const struct walk w = {.c = c, .fn = fn, .arg = arg, .values = true};
    walk_all(&w);
}
