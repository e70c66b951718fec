/* Between the files of the command import: exports of Cairn's own (import_export.c) and agents' histories
 * (command_import.c). */
#ifndef CAIRN_DOORS_CLI_IMPORT_H
#define CAIRN_DOORS_CLI_IMPORT_H

#include "doors/cli/command.h"

/* Reads an export in again and reports. */
enum err_code import_export(struct cli *c, const char *path, struct str project, struct err *e);
/* "status", "verify", "manifest" (import_tell.c). */
enum err_code import_tell(struct cli *c, struct str what, struct err *e);

#endif
