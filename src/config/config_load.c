/* Where values come from: cairn.toml, then the environment over it, then flags over both. What values there are is
 * settings.c's, what they may be config_check.c's; this file only goes and gets them. */
#include "base/file.h"
#include "base/near.h"
#include "config/config_int.h"
#include "config/toml.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct load {
    struct arena *a;
    struct config *c;
    struct err *e;
};

static const char *set_variable(const char *name)
{
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* The directory rules of XDG say that relative paths are to be ignored. */
static const char *in_config_home(struct arena *a)
{
    const char *xdg = set_variable("XDG_CONFIG_HOME"), *home = set_variable("HOME");
    if (xdg && xdg[0] == '/')
        return arena_fmt(a, "%s/cairn/cairn.toml", xdg).p;
    return home ? arena_fmt(a, "%s/.config/cairn/cairn.toml", home).p : NULL;
}

enum err_code config_find(struct arena *a, const char *named, const char *data, const char **out, struct err *e)
{
    *out = NULL;
    if (!named)
        named = set_variable("CAIRN_CONFIG");
    if (named) {
        *out = named;
        return file_exists(named) ? ERR_OK
                                  : err_set(e, ERR_INVALID, "config", "there is no configuration file %.180s", named);
    }
    const char *places[] = {data ? arena_fmt(a, "%s/cairn.toml", data).p : NULL, in_config_home(a)};
    for (size_t i = 0; i < 2 && !*out; i++) {
        if (places[i] && file_exists(places[i]))
            *out = places[i];
    }
    return arena_failed(a) ? err_nomem(e) : ERR_OK;
}

static enum err_code take(struct load *l, const struct setting *s, struct str text, enum setting_source source,
                          const char *where)
{
    size_t n;
    struct config_value v = {.where = where, .source = source};
    if (!where)
        return err_nomem(l->e);
    enum err_code code = config_check(l->a, s, text, where, &v.text, l->e);
    if (!code)
        l->c->values[s - settings_all(&n)] = v;
    return code;
}

static enum err_code unknown(struct load *l, struct str key, const char *where)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    const char **names = arena_array(l->a, const char *, n);
    if (!names || !where)
        return err_nomem(l->e);
    for (size_t i = 0; i < n; i++)
        names[i] = all[i].name;
    const char *near = near_name(key, names, n);
    struct str shown = str_take(key, 60);
    if (near)
        return err_set(l->e, ERR_INVALID, "config", "%s: there is no setting \"%.*s\"; did you mean \"%s\"?",
                       config_place(where), STR_ARG(shown), near);
    return err_set(l->e, ERR_INVALID, "config", "%s: there is no setting \"%.*s\"; cairn config lists them",
                   config_place(where), STR_ARG(shown));
}

/* "[limits]" with nothing below it is fine where there are settings named limits.… */
static bool is_section(struct str key)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    for (size_t i = 0; i < n; i++) {
        struct str name = str_of(all[i].name);
        if (name.n > key.n && name.p[key.n] == '.' && str_eq(str_take(name, key.n), key))
            return true;
    }
    return false;
}

static bool type_fits(const struct setting *s, enum toml_type t)
{
    switch (s->type) {
    case SETTING_INT:
        return t == TOML_INT;
    case SETTING_REAL:
        return t == TOML_INT || t == TOML_REAL;
    case SETTING_BOOL:
        return t == TOML_BOOL;
    case SETTING_TEXT:
    case SETTING_ENUM:
        break;
    }
    return t == TOML_TEXT || (t == TOML_LIST && (s->flags & SETTING_LIST));
}

static enum err_code wrong_type(struct load *l, const struct setting *s, enum toml_type t, const char *where)
{
    static const char *const what[] = {"text in quotes", "a number",         "a number", "true or false",
                                       "a table",        "a list or a time", "a list"};
    char right[100];
    bool text = s->type == SETTING_TEXT || s->type == SETTING_ENUM;
    setting_right(s, right, sizeof right);
    return err_set(l->e, ERR_INVALID, s->name, "%s: %s must be %s%s, not %s", config_place(where), s->name, right,
                   text ? " in quotes" : "", what[t]);
}

/* [privacy.custom.NAME]: the settings that each name has. */
static enum err_code take_named(struct load *l, const struct toml_entry *entry, const char *where)
{
    struct str name;
    bool group;
    const struct setting *s = setting_named(entry->key, &name, &group);
    if (!s && group && entry->type == TOML_TABLE)
        return ERR_OK;
    if (!s)
        return unknown(l, entry->key, where);
    if (!type_fits(s, entry->type))
        return wrong_type(l, s, entry->type, where);
    struct config_extra x = {s, arena_cstr(l->a, name), {.where = where, .source = FROM_FILE}};
    enum err_code code = x.name ? config_check(l->a, s, entry->text, where, &x.value.text, l->e) : err_nomem(l->e);
    if (!code)
        l->c->extra[l->c->n_extra++] = x;
    return code;
}

/* Whoever else can read the file has the key. */
static enum err_code check_private(struct load *l, const struct setting *s, const char *file, const char *where)
{
    struct stat st;
    if (stat(file, &st) == 0 && !(st.st_mode & (S_IRWXG | S_IRWXO)))
        return ERR_OK;
    return err_set(l->e, ERR_INVALID, s->name,
                   "%s: %s may stand in a file only that is yours alone: chmod 600, or give it as $%s",
                   config_place(where), s->name, setting_variable(l->a, s));
}

static enum err_code take_entry(struct load *l, const char *file, const struct toml_entry *entry)
{
    const char *where = arena_fmt(l->a, "%s:%u", file, entry->line).p;
    const struct setting *s = setting_find(entry->key);
    if (!where)
        return err_nomem(l->e);
    if (!s && entry->type == TOML_TABLE && is_section(entry->key))
        return ERR_OK;
    if (!s)
        return take_named(l, entry, where);
    if (!type_fits(s, entry->type))
        return wrong_type(l, s, entry->type, where);
    enum err_code code = s->flags & SETTING_PRIVATE ? check_private(l, s, file, where) : ERR_OK;
    return code ? code : take(l, s, entry->text, FROM_FILE, where);
}

static enum err_code take_text(struct load *l, const char *file, struct str text)
{
    const struct toml_entry *entries;
    struct err why = {0};
    size_t n;
    unsigned line = 0;
    enum err_code code = toml_read(l->a, text, &entries, &n, &line, &why);
    if (code == ERR_NOMEM)
        return err_nomem(l->e);
    if (code) {
        const char *where = arena_fmt(l->a, "%s:%u", file, line).p;
        return where ? err_set(l->e, ERR_INVALID, "config", "%s: this is not TOML: %.120s", config_place(where),
                               why.message)
                     : err_nomem(l->e);
    }
    l->c->extra = arena_array(l->a, struct config_extra, n + 1);
    if (!code && !l->c->extra)
        code = err_nomem(l->e);
    for (size_t i = 0; i < n && !code; i++)
        code = take_entry(l, file, &entries[i]);
    return code;
}

static enum err_code take_file(struct load *l, const char *file)
{
    struct buf b;
    buf_init(&b, CONFIG_FILE_MAX + 1);
    enum err_code code = file_read_given(file, CONFIG_FILE_MAX, &b, l->e);
    if (!code)
        code = take_text(l, file, buf_view(&b));
    buf_release(&b);
    return code;
}

static enum err_code take_environment(struct load *l)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        const char *own = setting_variable(l->a, &all[i]);
        const char *other = all[i].env ? strchr(all[i].env, '|') : NULL;
        if (!own)
            return err_nomem(l->e);
        if (set_variable(own))
            code = take(l, &all[i], str_of(set_variable(own)), FROM_ENV, own);
        else if (other && !l->c->values[i].text && set_variable(other + 1))
            code = take(l, &all[i], str_of(set_variable(other + 1)), FROM_ENV, other + 1);
    }
    return code;
}

static enum err_code take_flag(struct load *l, const struct config_flag *f)
{
    const struct setting *s = setting_find(f->name);
    if (!s)
        return unknown(l, f->name, "flags");
    if (s->flags & SETTING_SECRET)
        return err_set(l->e, ERR_INVALID, s->name,
                       "%s cannot be a flag, for others see those: give it as $%s or in cairn.toml", s->name,
                       setting_variable(l->a, s));
    const char *name = setting_flag(l->a, s);
    struct str where = name ? arena_fmt(l->a, "--%s", name) : STR_NONE;
    for (size_t i = 0; i < where.n; i++) {
        if (where.p[i] == '_')
            ((char *)where.p)[i] = '-'; /* our own fresh copy */
    }
    return take(l, s, f->value, FROM_FLAG, where.p);
}

/* Every setting at its default, which is checked as any other value: the table could be wrong too. */
static enum err_code begin(struct load *l, struct arena *a, struct err *e)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    *l = (struct load){.a = a, .c = arena_alloc(a, sizeof *l->c), .e = e};
    if (l->c)
        l->c->values = arena_array(a, struct config_value, n);
    if (!l->c || !l->c->values)
        return err_nomem(e);
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && !code; i++) {
        l->c->values[i].where = "default";
        if (all[i].fallback)
            code = take(l, &all[i], str_of(all[i].fallback), FROM_DEFAULT, "default");
    }
    return code;
}

enum err_code config_load(struct arena *a, const char *file, const struct config_flag *flags, size_t n_flags,
                          const struct config **out, struct err *e)
{
    struct load l;
    *out = NULL;
    enum err_code code = begin(&l, a, e);
    if (!code && file)
        code = take_file(&l, file);
    if (!code)
        code = take_environment(&l);
    for (size_t i = 0; i < n_flags && !code; i++)
        code = take_flag(&l, &flags[i]);
    if (!code)
        *out = l.c;
    return code;
}

enum err_code config_load_inside(struct arena *a, const char *file, const struct config_flag *given, size_t n_given,
                                 const struct config **out, struct err *e)
{
    static const char where[] = "settings of the program";
    struct load l;
    *out = NULL;
    enum err_code code = begin(&l, a, e);
    if (!code && file)
        code = take_file(&l, file);
    for (size_t i = 0; i < n_given && !code; i++) {
        const struct setting *s = setting_find(given[i].name);
        code = s ? take(&l, s, given[i].value, FROM_FLAG, where) : unknown(&l, given[i].name, where);
    }
    if (!code)
        *out = l.c;
    return code;
}

enum err_code config_load_file(struct arena *a, const char *file, const struct config **out, struct err *e)
{
    return config_load_inside(a, file, NULL, 0, out, e);
}
