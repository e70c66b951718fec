/* Secrets for encryption on the command line: out of the environment or a file, or asked for on a terminal; never a
 * flag, which every process list shows. */
#ifndef CAIRN_DOORS_CLI_SECRET_H
#define CAIRN_DOORS_CLI_SECRET_H

#include "doors/cli/command.h"
#include "seal/seal.h"

/* A passphrase typed twice on the terminal, without being shown; in the arena. ERR_INVALID where there is no terminal;
 * `instead` says what else would do. */
enum err_code secret_ask(struct cli *c, const char *instead, struct str *out, struct err *e);
/* Adds it to an operation's arguments, as `key` or `passphrase`: none or one, in the arena. */
enum err_code secret_pairs(struct cli *c, const struct seal_secret *s, struct op_pair *out, size_t *n, struct err *e);
/* A process that holds a secret leaves no core dump and cannot be looked into by others of the same user. */
void secret_guard_process(void);

#endif
