/* completions: a script for bash, zsh or fish on standard output. All three are the same two lists, context to
 * candidates and flag to values (complete.h), in the shell's own syntax, with a few lines around them that find the
 * context. The script starts no program, so a Tab costs nothing and needs no data folder. */
#include "doors/cli/complete.h"

#include <string.h>

static const struct op_arg completions_args[] = {
    {"shell", ARG_ENUM, ARG_IN_QUERY, ARG_REQUIRED | ARG_POSITIONAL, 0, 0, NULL, "bash|zsh|fish", "for which shell"},
};

#define GLOBAL_FLAGS "--data --config --json --help"

/* 'list turn'|'list turns') found='…' ;; */
static void sh_case(void *arg, struct str context, struct str words)
{
    struct buf *b = arg;
    const char *before = "    ";
    for (struct str rest = context; rest.p; before = " | ") {
        struct str one = str_cut(&rest, '|');
        buf_fmt(b, "%s'%.*s'", before, STR_ARG(one));
    }
    buf_fmt(b, ") found='%.*s' ;;\n", STR_ARG(str_skip(words, 1)));
}

static void sh_function(struct cli *c, const char *name, void (*each)(struct cli *, complete_fn *, void *))
{
    buf_fmt(&c->out, "%s() {\n    found=\n    case $1 in\n", name);
    each(c, sh_case, &c->out);
    buf_cstr(&c->out, "    esac\n    [ -n \"$found\" ]\n}\n\n");
}

static const char bash_main[] =
    "_cairn() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= word= found= i\n"
    "    [ \"$cur\" = = ] && return\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        --data | --config) ((i++)) ;;\n"
    "        -*) ;;\n"
    "        *) if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}\n"
    "            elif [ -z \"$word\" ]; then word=${COMP_WORDS[i]}; fi ;;\n"
    "        esac\n"
    "    done\n"
    "    case $prev in\n"
    "    --data | --config | --check) COMPREPLY=($(compgen -f -- \"$cur\")) && return ;;\n"
    "    esac\n"
    "    if ! _cairn_values \"$command $word $prev\" && ! _cairn_values \"$command $prev\"; then\n"
    "        { [ -n \"$word\" ] && _cairn_words \"$command $word\"; } || _cairn_words \"$command\"\n"
    "        found=\"$found " GLOBAL_FLAGS "\"\n"
    "    fi\n"
    "    COMPREPLY=($(compgen -W \"$found\" -- \"$cur\"))\n"
    "    case ${COMPREPLY[0]} in\n"
    "    *=) compopt -o nospace 2>/dev/null ;;\n"
    "    esac\n"
    "    return 0\n"
    "}\n"
    "complete -o default -F _cairn cairn\n";

static const char zsh_main[] =
    "_cairn() {\n"
    "    local command= word= found= i prev=${words[CURRENT-1]}\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        case ${words[i]} in\n"
    "        --data | --config) ((i++)) ;;\n"
    "        -*) ;;\n"
    "        *) if [ -z \"$command\" ]; then command=${words[i]}\n"
    "            elif [ -z \"$word\" ]; then word=${words[i]}; fi ;;\n"
    "        esac\n"
    "    done\n"
    "    case $prev in\n"
    "    --data | --config | --check) _files && return ;;\n"
    "    esac\n"
    "    if ! _cairn_values \"$command $word $prev\" && ! _cairn_values \"$command $prev\"; then\n"
    "        { [ -n \"$word\" ] && _cairn_words \"$command $word\" } || _cairn_words \"$command\"\n"
    "        found=\"$found " GLOBAL_FLAGS "\"\n"
    "    fi\n"
    "    local -a plain with_value\n"
    "    plain=(${${=found}:#*=}) with_value=(${(M)${=found}:#*=})\n"
    "    compadd -- $plain\n"
    "    (( $#with_value )) && compadd -S '' -- $with_value\n"
    "    return 0\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _cairn ]; then _cairn \"$@\"; elif (( $+functions[compdef] )); then compdef _cairn "
    "cairn; "
    "fi\n";

static const char fish_main[] =
    "function __cairn_complete\n"
    "    set -l given (commandline -opc)\n"
    "    set -l command ''\n"
    "    set -l word ''\n"
    "    set -l skip 0\n"
    "    for w in $given[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "        else if contains -- $w --data --config\n"
    "            set skip 1\n"
    "        else if string match -q -- '-*' $w\n"
    "            continue\n"
    "        else if test -z \"$command\"\n"
    "            set command $w\n"
    "        else if test -z \"$word\"\n"
    "            set word $w\n"
    "        end\n"
    "    end\n"
    "    if contains -- $given[-1] --data --config --check\n"
    "        __fish_complete_path (commandline -ct)\n"
    "        return\n"
    "    end\n"
    "    __cairn_values \"$command $word $given[-1]\"; or __cairn_values \"$command $given[-1]\"; and return\n"
    "    test -n \"$word\"; and __cairn_words \"$command $word\"; or __cairn_words \"$command\"\n"
    "    string split ' ' -- '" GLOBAL_FLAGS "'\n"
    "end\n"
    "complete -c cairn -f -a '(__cairn_complete)'\n";

static void fish_case(void *arg, struct str context, struct str words)
{
    struct buf *b = arg;
    buf_cstr(b, "        case");
    for (struct str rest = context; rest.p;) {
        struct str one = str_cut(&rest, '|');
        buf_fmt(b, " '%.*s'", STR_ARG(one));
    }
    buf_fmt(b, "\n            string split ' ' -- '%.*s'\n", STR_ARG(str_skip(words, 1)));
}

static void fish_function(struct cli *c, const char *name, void (*each)(struct cli *, complete_fn *, void *))
{
    buf_fmt(&c->out, "function %s\n    switch $argv[1]\n", name);
    each(c, fish_case, &c->out);
    buf_cstr(&c->out, "        case '*'\n            return 1\n    end\nend\n\n");
}

static enum err_code run_completions(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g, (void)e;
    struct str shell = op_text(call, "shell");
    if (str_is(shell, "fish")) {
        buf_cstr(&c->out, "# cairn for fish; made by `cairn completions fish`\n\n");
        fish_function(c, "__cairn_words", complete_contexts);
        fish_function(c, "__cairn_values", complete_values);
        buf_cstr(&c->out, fish_main);
        return ERR_OK;
    }
    bool zsh = str_is(shell, "zsh");
    buf_fmt(&c->out, "%s# cairn for %.*s; made by `cairn completions %.*s`\n\n", zsh ? "#compdef cairn\n" : "",
            STR_ARG(shell), STR_ARG(shell));
    sh_function(c, "_cairn_words", complete_contexts);
    sh_function(c, "_cairn_values", complete_values);
    buf_cstr(&c->out, zsh ? zsh_main : bash_main);
    return ERR_OK;
}

const struct command command_completions = {
    .name = "completions",
    .summary = "Print a completion script for bash, zsh or fish",
    .args = completions_args,
    .n_args = sizeof completions_args / sizeof completions_args[0],
    .run = run_completions,
    .details = "bash: source <(cairn completions bash)\n"
               "zsh:  cairn completions zsh > a folder of $fpath, as _cairn\n"
               "fish: cairn completions fish > ~/.config/fish/completions/cairn.fish\n",
};
