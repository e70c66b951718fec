/* TOML as a flat list: every value of a text with its dotted key and its line. It knows no settings.
 *
 * Tables inside tables become dots in the key; a key that itself holds a dot keeps its quotes, so that
 * "server.listen" = 1 is not taken for [server] listen. An array of texts without commas is there as
 * TOML_LIST; other arrays, times and dates as TOML_OTHER, without their value: no setting takes one. A table without
 * any entry is there too, as TOML_TABLE. */
#ifndef CAIRN_CONFIG_TOML_H
#define CAIRN_CONFIG_TOML_H

#include "base/arena.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum toml_type { TOML_TEXT, TOML_INT, TOML_REAL, TOML_BOOL, TOML_TABLE, TOML_OTHER, TOML_LIST };

struct toml_entry {
    struct str key;  /* "server.listen" */
    struct str text; /* the text, the number in decimal, "true" or "false", the list's texts with commas
                      * between; "" for TOML_TABLE and TOML_OTHER */
    enum toml_type type;
    unsigned line; /* from 1 */
};

/* The entries of `text` in the order of their keys, in the arena. ERR_INVALID: *e tells what is wrong and *line where;
 * words of the text are not repeated, for they may be a secret. ERR_TOO_LARGE: more dots in one line than any
 * configuration has (deep tables would cost stack). */
enum err_code toml_read(struct arena *a, struct str text, const struct toml_entry **out, size_t *n, unsigned *line,
                        struct err *e);

#ifdef __cplusplus
}
#endif

#endif
