/* What may come next on a command line, for every shell the same: a context (the words that were given) and its
 * candidates, and the values of flags that have choices. Made from the tables; the shells' syntax is in
 * command_completions.c. */
#ifndef CAIRN_DOORS_CLI_COMPLETE_H
#define CAIRN_DOORS_CLI_COMPLETE_H

#include "doors/cli/command.h"

/* `context`: one or more of "serve", "list turn", "call recall", with '|' between those that mean the same. `words`:
 * candidates with a space before each. Both are plain ASCII without quotes, dollars or white space of other kinds. */
typedef void complete_fn(void *arg, struct str context, struct str words);

/* Every context once, "" (nothing given yet) first. */
void complete_contexts(struct cli *c, complete_fn *fn, void *arg);
/* Every flag with choices: context "list turn --role", its choices. */
void complete_values(struct cli *c, complete_fn *fn, void *arg);

#endif
