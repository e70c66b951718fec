/* Between the files of the command import: exports of Cairn's own (import_export.c) and agents' histories
 * (command_import.c). */
#ifndef CAIRN_DOORS_CLI_IMPORT_H
#define CAIRN_DOORS_CLI_IMPORT_H

#include "doors/cli/command.h"
#include "service/history/history.h"

/* ---- import_find.c: where what the arguments `source` and `path` name is ---- */
enum { IMPORT_PLACES = 32 };
struct import_place {
    const struct history_format *format;
    char *path;
};
struct import_found {
    struct import_place places[IMPORT_PLACES]; /* of an export of Cairn's own none; else, n 0: nothing was found */
    size_t n;
    bool is_export;
    const struct history_format *format; /* that was named; NULL: any */
    struct str looked;                   /* n 0: where it was looked for, in words */
};
/* later: usual places that are not there yet count too. */
enum err_code import_find(struct cli *c, struct op_call *call, bool later, struct import_found *out, struct err *e);

/* ---- command_import.c ---- */
/* From now on Ctrl-C sets this and nothing else; the second one kills. */
const atomic_bool *import_catch_signals(void);

/* Reads an export in again and reports. */
enum err_code import_export(struct cli *c, const char *path, struct str project, struct err *e);
/* "status", "verify", "manifest" (import_tell.c). */
enum err_code import_tell(struct cli *c, struct str what, struct err *e);

#endif
