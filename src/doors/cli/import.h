/* Between the files of the command import: exports of Cairn's own (import_export.c) and agents' histories
 * (command_import.c). */
#ifndef CAIRN_DOORS_CLI_IMPORT_H
#define CAIRN_DOORS_CLI_IMPORT_H

#include "doors/cli/command.h"
#include "service/history/history.h"

struct import_place {
    const struct history_format *format;
    char *path;
};
/* Where what the arguments `source` and `path` name is. */
enum err_code import_find(struct cli *c, struct op_call *call, struct import_place *out, size_t max, size_t *n,
                          struct err *e);
/* From now on Ctrl-C sets this and nothing else; the second one kills. */
const atomic_bool *import_catch_signals(void);

/* Reads an export in again and reports. */
enum err_code import_export(struct cli *c, const char *path, struct str project, struct err *e);
/* "status", "verify", "manifest" (import_tell.c). */
enum err_code import_tell(struct cli *c, struct str what, struct err *e);

#endif
