/* Inside config: what a loaded configuration is. Not for other rooms. */
#ifndef CAIRN_CONFIG_CONFIG_INT_H
#define CAIRN_CONFIG_CONFIG_INT_H

#include "config/config.h"

struct config_value {
    const char *text; /* checked, NULL: not set */
    const char *where;
    enum setting_source source;
};
/* A value of settings_named(), which are in the file only. */
struct config_extra {
    const struct setting *setting;
    const char *name; /* in the place of the * */
    struct config_value value;
};
struct config {
    struct config_value *values; /* one a setting, in the table's order */
    struct config_extra *extra;  /* in the file's order of keys: those of one name together */
    size_t n_extra;
};
enum { CONFIG_NAME_MAX = 40 };
/* The named setting that a key is of, and its name; NULL: none. "privacy.custom" alone is a group: *group. */
const struct setting *setting_named(struct str key, struct str *name, bool *group);

/* Checks a text against the setting: its type, bounds and choices. *out: the text as config.c reads it back, in the
 * arena. ERR_INVALID names `where` and what would be right, and never a secret's text. */
enum err_code config_check(struct arena *a, const struct setting *s, struct str text, const char *where,
                           const char **out, struct err *e);
/* "…/cairn/cairn.toml:12": the end of a place too long for a message. */
const char *config_place(const char *where);

#endif
