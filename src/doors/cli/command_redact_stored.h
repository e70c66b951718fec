/* The part of `cairn redact` that works on a data folder (command_redact_stored.c). */
#ifndef CAIRN_DOORS_CLI_COMMAND_REDACT_STORED_H
#define CAIRN_DOORS_CLI_COMMAND_REDACT_STORED_H

#include "doors/cli/command.h"

/* `call` holds the arguments session_id, project and dry_run. */
enum err_code redact_stored_run(struct cli *c, struct op_call *call, struct err *e);

#endif
