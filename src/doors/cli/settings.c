/* Where the data folder is: flag, environment, or the place the XDG base directory rules name. And the configuration,
 * whose flags are made of the table of settings as other flags are of the table of operations. */
#include "doors/cli/command.h"
#include "doors/cli/secret.h"

#include <stdlib.h>
#include <string.h>

enum { DIR_MAX = 3500 }; /* leaves room below PATH_MAX for the files in it */

static const char *first_set(const char *variable)
{
    const char *v = getenv(variable);
    return v && *v ? v : NULL;
}

enum err_code settings_data(struct cli *c, struct err *e)
{
    const char *xdg = first_set("XDG_DATA_HOME"), *home = first_set("HOME");
    if (!c->data)
        c->data = first_set("CAIRN_DATA");
    if (!c->data && xdg && xdg[0] == '/') /* the rules say that relative ones are to be ignored */
        c->data = arena_fmt(c->arena, "%s/cairn", xdg).p;
    else if (!c->data && home)
        c->data = arena_fmt(c->arena, "%s/.local/share/cairn", home).p;
    if (!c->data && arena_failed(c->arena))
        return err_nomem(e);
    if (!c->data || !*c->data)
        return err_set(e, ERR_INVALID, "data", "where is the data? Give --data DIR, or set CAIRN_DATA or HOME");
    if (str_of(c->data).n > DIR_MAX)
        return err_set(e, ERR_INVALID, "data", "the data folder's path is longer than %d bytes", DIR_MAX);
    return ERR_OK;
}

static bool is_flag(const struct setting *s)
{
    return (s->flags & SETTING_SERVE) && !(s->flags & SETTING_SECRET);
}

static enum arg_type type_of(enum setting_type t)
{
    static const enum arg_type types[] = {[SETTING_TEXT] = ARG_TEXT,
                                          [SETTING_INT] = ARG_INT,
                                          [SETTING_REAL] = ARG_REAL,
                                          [SETTING_BOOL] = ARG_BOOL,
                                          [SETTING_ENUM] = ARG_ENUM};
    return types[t];
}

const struct op_arg *settings_args(struct arena *a, size_t *n)
{
    size_t n_all;
    const struct setting *all = settings_all(&n_all);
    struct op_arg *args = arena_array(a, struct op_arg, n_all);
    *n = 0;
    for (size_t i = 0; args && i < n_all; i++) {
        const struct setting *s = &all[i];
        if (is_flag(s))
            args[(*n)++] = (struct op_arg){setting_flag(a, s), type_of(s->type), ARG_IN_QUERY, 0, s->min, s->max,
                                           s->fallback,        s->choices,       s->help};
    }
    return arena_failed(a) ? NULL : args;
}

/* The flag's setting, for its name may be another one. */
static const struct setting *setting_of(struct arena *a, struct str flag)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    for (size_t i = 0; i < n; i++) {
        const char *name = is_flag(&all[i]) ? setting_flag(a, &all[i]) : NULL;
        if (name && str_is(flag, name))
            return &all[i];
    }
    return NULL;
}

static bool holds_a_secret(const struct config *config)
{
    return config_text(config, "encryption.key") || config_text(config, "encryption.passphrase") ||
           config_text(config, "encryption.key_file");
}

enum err_code settings_config(struct cli *c, const struct given *g, struct err *e)
{
    size_t n = g ? g->n_pairs : 0;
    const char *file;
    if (c->config)
        return ERR_OK;
    struct config_flag *flags = arena_array(c->arena, struct config_flag, n + 1);
    if (!flags)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct setting *s = setting_of(c->arena, g->pairs[i].name);
        flags[i] = (struct config_flag){s ? str_of(s->name) : g->pairs[i].name, g->pairs[i].value};
    }
    enum err_code code = settings_data(c, e);
    if (!code)
        code = config_find(c->arena, c->config_file, c->data, &file, e);
    if (!code)
        code = config_load(c->arena, file, flags, n, &c->config, e);
    if (!code && holds_a_secret(c->config))
        secret_guard_process();
    if (code)
        cli_hint(c, "cairn config lists the settings, cairn config --check FILE looks at a file");
    return code;
}
