/* Configuration: every setting declared once (settings.c), and one value for each, from the first place that names
 * it: a flag, the environment, cairn.toml, the table's default. From the table come flags, `cairn config`, the
 * checks and docs/configuration.md. It does not know what a setting is for: rooms ask for a value by name.
 *
 * Threads: a struct config is read-only after config_load; any thread may ask it. */
#ifndef CAIRN_CONFIG_CONFIG_H
#define CAIRN_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/err.h"

enum setting_type { SETTING_TEXT, SETTING_INT, SETTING_REAL, SETTING_BOOL, SETTING_ENUM };
enum setting_flag {
    SETTING_SECRET = 1 << 0, /* from the environment or a file only, never a flag; shown as "set" */
    SETTING_SERVE =
        1 << 1 /* a flag of `cairn serve`: --<name with dots and underscores as dashes> unless `flag` is set */
};

struct setting {
    const char *name; /* "limits.chat_per_minute": section and key in cairn.toml */
    enum setting_type type;
    unsigned flags;
    double min, max;      /* number range, or length in bytes; both 0: no bound (text: 4,000 bytes) */
    const char *fallback; /* default as text, NULL: none */
    const char *choices;  /* SETTING_ENUM: "a|b" */
    const char *env;      /* variable, NULL: CAIRN_ and the name in capitals, dots as underscores */
    const char *flag;     /* flag of `cairn serve` without dashes, NULL: from the name */
    const char *help;     /* one clause, with the unit */
};
const struct setting *settings_all(size_t *n);
const struct setting *setting_find(struct str name); /* NULL when unknown */

enum setting_source { FROM_DEFAULT, FROM_FILE, FROM_ENV, FROM_FLAG };

struct config;

/* A flag as it was given. */
struct config_flag {
    struct str name, value; /* the setting's name */
};
/* Reads the file (NULL: none; it must exist when named), the environment and the flags, checks each value. ERR_INVALID
 * names the setting, where it came from (file and line, variable, flag) and what would be right; an unknown key names
 * the nearest known one. The config lives in the arena. */
enum err_code config_load(struct arena *a, const char *file, const struct config_flag *flags, size_t n_flags,
                          const struct config **out, struct err *e);

/* Values by name. A NULL config gives the table's defaults. Asking for a name that is not in the table, or with
 * another type, is a mistake of the program and aborts. */
int64_t config_int(const struct config *c, const char *name);
double config_real(const struct config *c, const char *name);
bool config_bool(const struct config *c, const char *name);
const char *config_text(const struct config *c, const char *name); /* NULL: not set */

/* For showing: the value as text (NULL: not set) and where it came from ("default", "cairn.toml:12", "CAIRN_LISTEN",
 * "--listen"). A secret's text is "set". */
const char *config_shown(const struct config *c, const struct setting *s, const char **where);

#endif
