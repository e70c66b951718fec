/* The words of a command line that are no flags: positional arguments, standard input for "-", key=value. */
#ifndef CAIRN_DOORS_CLI_ARGUMENTS_WORDS_H
#define CAIRN_DOORS_CLI_ARGUMENTS_WORDS_H

#include "doors/cli/command.h"

struct words {
    struct cli *c;
    const struct operation *op;
    const struct str *words;
    size_t n, at;
};

/* The next word (ARG_REST: all that are left, joined by spaces) for a positional argument; a text given as "-"
 * is read from standard input. */
enum err_code words_take(struct words *w, const struct op_arg *arg, struct str *out, bool *found, struct err *e);
/* Standard input to its end, without the line ends there; at most 16 MiB. */
enum err_code words_stdin(struct cli *c, struct str *out, struct err *e);
enum err_code words_unexpected(const struct words *w, struct str word, struct err *e);

#endif
