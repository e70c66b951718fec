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
        1 << 1, /* a flag of `cairn serve`: --<name with dots and underscores as dashes> unless `flag` is set */
    SETTING_LIST = 1 << 2,   /* texts with commas between; a list in cairn.toml */
    SETTING_PRIVATE = 1 << 3 /* in cairn.toml only where that is its owner's alone (chmod 600) */
};

struct setting {
    const char *name; /* "limits.chat_per_minute": section and key in cairn.toml */
    enum setting_type type;
    unsigned flags;
    double min, max;      /* number range, or length in bytes; both 0: no bound (text: 4,000 bytes) */
    const char *fallback; /* default as text, NULL: none */
    const char *choices;  /* SETTING_ENUM: "a|b" */
    const char *env;      /* variable, NULL: CAIRN_ and the name in capitals, dots as underscores. "A|B": B is
                           * another program's, and only counts where nothing else names the setting */
    const char *flag;     /* flag of `cairn serve`, with underscores for dashes, NULL: from the name */
    const char *help;     /* one clause, with the unit */
};
const struct setting *settings_all(size_t *n);
const struct setting *setting_find(struct str name); /* NULL when unknown */
/* Settings that the file may hold any number of, each under a name of its own: "privacy.custom.*.pattern", with the
 * name for the *. They have neither variable nor flag. */
const struct setting *settings_named(size_t *n);
/* Its variable ("CAIRN_LISTEN") and its flag with underscores ("log_level"), made of the name where the table has
 * none; in the arena, NULL when out of memory. */
const char *setting_variable(struct arena *a, const struct setting *s);
const char *setting_flag(struct arena *a, const struct setting *s);
/* What is right for it, in words: "a whole number from 1 to 64". Never longer than `room`. */
void setting_right(const struct setting *s, char *out, size_t room);

enum setting_source { FROM_DEFAULT, FROM_FILE, FROM_ENV, FROM_FLAG };

struct config;

/* A flag as it was given. */
struct config_flag {
    struct str name, value; /* the setting's name */
};
enum { CONFIG_FILE_MAX = 1 << 20 };

/* Where cairn.toml is: `named` (--config FILE), $CAIRN_CONFIG, <data>/cairn.toml, $XDG_CONFIG_HOME/cairn/cairn.toml,
 * ~/.config/cairn/cairn.toml. The first counts alone: files are not merged. One that is named must exist; the others
 * are looked for. *out stays NULL when there is none. `data` may be NULL. */
enum err_code config_find(struct arena *a, const char *named, const char *data, const char **out, struct err *e);

/* Reads the file (NULL: none), the environment and the flags, checks each value, also those that a later source
 * overrules. ERR_INVALID names the setting, where it came from (file and line, variable, flag) and what would be
 * right; an unknown key names the nearest known one. ERR_TOO_LARGE: the file is larger than CONFIG_FILE_MAX. A variable
 * that is empty is not set. The config lives in the arena. */
enum err_code config_load(struct arena *a, const char *file, const struct config_flag *flags, size_t n_flags,
                          const struct config **out, struct err *e);
/* The file and defaults only, for checking a file. */
enum err_code config_load_file(struct arena *a, const char *file, const struct config **out, struct err *e);
/* The same with values that the program around hands over, which count before the file: for the library, whose
 * process's environment is its host's. Secrets may be among them, for nobody else sees them. FROM_FLAG is their source.
 */
enum err_code config_load_inside(struct arena *a, const char *file, const struct config_flag *given, size_t n_given,
                                 const struct config **out, struct err *e);

/* Values by name. A NULL config gives the table's defaults. Asking for a name that is not in the table, or with
 * another type, is a mistake of the program and aborts. */
int64_t config_int(const struct config *c, const char *name);
double config_real(const struct config *c, const char *name);
bool config_bool(const struct config *c, const char *name);
const char *config_text(const struct config *c, const char *name); /* NULL: not set */

/* Of the settings below "privacy.custom": the i-th name that was given there, in order, NULL when there are no more;
 * and the value of one ("privacy.custom.*.pattern") under a name, NULL: not set. */
const char *config_name(const struct config *c, const char *group, size_t i);
const char *config_named(const struct config *c, const char *setting, const char *name);
/* The i-th of all these values for showing, with its whole name in the arena; false when there are no more. */
bool config_named_shown(const struct config *c, struct arena *a, size_t i, const char **name, const char **text,
                        const char **where);

/* For showing: the value as text (NULL: not set) and where it came from ("default", "/home/me/cairn.toml:12",
 * "CAIRN_LISTEN", "--listen"). A secret's text is "set". A NULL config shows the defaults. */
const char *config_shown(const struct config *c, const struct setting *s, const char **where);
enum setting_source config_source(const struct config *c, const struct setting *s);

#endif
