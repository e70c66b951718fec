/* config: every setting with its value and where that came from, and a look at a configuration file before a server
 * is given it. It shows and checks; nothing is ever written. */
#include "doors/cli/command.h"

#include "base/json_write.h"
#include "doors/cli/table.h"

static const struct op_arg config_args[] = {
    {"name", ARG_TEXT, ARG_IN_QUERY, ARG_POSITIONAL, 1, 100, NULL, NULL, "one setting, or a section of them"},
    {"check", ARG_TEXT, ARG_IN_QUERY, 0, 1, 4000, NULL, NULL, "a file to check instead"},
};

/* "upstream" names all settings of that section. */
static bool wanted(const struct setting *s, struct str name)
{
    struct str own = str_of(s->name), section = str_cut(&own, '.');
    return name.n == 0 || str_is(name, s->name) || str_eq(name, section);
}

static enum err_code unknown_setting(struct cli *c, struct str name, struct err *e)
{
    size_t n;
    const struct setting *all = settings_all(&n);
    const char **names = arena_array(c->arena, const char *, n);
    if (!names)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        names[i] = all[i].name;
    cli_hint(c, "cairn config lists the settings");
    return cli_unknown(c, "setting", name, names, n, e);
}

/* Numbers and truths as such, so that a script need not parse them again. */
static void put_value(struct json_out *w, const struct setting *s, const char *text)
{
    bool plain = s->type == SETTING_INT || s->type == SETTING_REAL || s->type == SETTING_BOOL;
    jw_key(w, "value");
    if (!text)
        jw_null(w);
    else if (plain && !(s->flags & SETTING_SECRET))
        jw_raw(w, str_of(text));
    else
        jw_cstr(w, text);
}

/* "privacy" names all below it, "privacy.custom.id" those of that detector. */
static bool below(const char *whole, struct str name)
{
    struct str own = str_of(whole);
    return name.n == 0 || str_eq(own, name) ||
           (own.n > name.n && own.p[name.n] == '.' && str_eq(str_take(own, name.n), name));
}

static void show_json(struct cli *c, const struct setting *all, size_t n, struct str name)
{
    struct json_out w;
    jw_init(&w, &c->out);
    jw_array(&w);
    for (size_t i = 0; i < n; i++) {
        const char *where, *text = config_shown(c->config, &all[i], &where);
        if (!wanted(&all[i], name))
            continue;
        jw_object(&w);
        jw_kcstr(&w, "name", all[i].name);
        put_value(&w, &all[i], text);
        jw_kcstr(&w, "from", where);
        jw_kcstr(&w, "help", all[i].help);
        jw_end_object(&w);
    }
    const char *own, *text, *where;
    for (size_t i = 0; config_named_shown(c->config, c->arena, i, &own, &text, &where); i++) {
        if (!below(own, name))
            continue;
        jw_object(&w);
        jw_kcstr(&w, "name", own);
        jw_kcstr(&w, "value", text);
        jw_kcstr(&w, "from", where);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    buf_char(&c->out, '\n');
}

static enum err_code show_table(struct cli *c, const struct setting *all, size_t n, struct str name, struct err *e)
{
    const char *own, *value, *from;
    size_t more = 0;
    while (config_named_shown(c->config, c->arena, more, &own, &value, &from))
        more++;
    struct table *t = table_new(c->arena, n + more);
    if (!t)
        return err_nomem(e);
    table_column(t, (struct column){.title = STR("setting"), .ink = INK_ID});
    table_column(t, (struct column){.title = STR("value"), .may_cut = true});
    table_column(t, (struct column){.title = STR("from"), .ink = INK_FAINT, .may_cut = true});
    for (size_t i = 0; i < n; i++) {
        const char *where, *text = config_shown(c->config, &all[i], &where);
        struct str *row = wanted(&all[i], name) ? table_row(t) : NULL;
        if (!row)
            continue;
        row[0] = str_of(all[i].name);
        row[1] = text ? clean_line(c->arena, str_of(text)) : STR("-");
        row[2] = clean_line(c->arena, str_of(where));
    }
    for (size_t i = 0; i < more && config_named_shown(c->config, c->arena, i, &own, &value, &from); i++) {
        struct str *row = below(own, name) ? table_row(t) : NULL;
        if (!row)
            continue;
        row[0] = str_of(own);
        row[1] = clean_line(c->arena, str_of(value));
        row[2] = clean_line(c->arena, str_of(from));
    }
    table_print(t, &c->screen, &c->out);
    return arena_failed(c->arena) ? err_nomem(e) : ERR_OK;
}

/* A file by itself, without what environment or flags would put over it. */
static enum err_code check_file(struct cli *c, struct str name, struct err *e)
{
    const struct config *checked;
    const char *file = arena_cstr(c->arena, name), *found;
    if (!file)
        return err_nomem(e);
    enum err_code code = config_find(c->arena, file, NULL, &found, e);
    if (!code)
        code = config_load_file(c->arena, file, &checked, e);
    if (code)
        return code;
    size_t n, n_set = 0;
    const struct setting *all = settings_all(&n);
    for (size_t i = 0; i < n; i++)
        n_set += config_source(checked, &all[i]) == FROM_FILE;
    if (c->json)
        buf_fmt(&c->out, "{\"ok\":true,\"settings\":%zu}\n", n_set);
    else
        buf_fmt(&c->out, "%s is in order: %zu setting%s\n", clean_line(c->arena, name).p, n_set, n_set == 1 ? "" : "s");
    return ERR_OK;
}

static bool any_wanted(struct cli *c, const struct setting *all, size_t n, struct str name)
{
    const char *own, *text, *where;
    bool any = false;
    for (size_t i = 0; i < n && !any; i++)
        any = wanted(&all[i], name);
    for (size_t i = 0; !any && config_named_shown(c->config, c->arena, i, &own, &text, &where); i++)
        any = below(own, name);
    return any;
}

static enum err_code run_config(struct cli *c, const struct given *g, struct op_call *call, struct err *e)
{
    (void)g;
    struct str name = op_text(call, "name"), file = op_text(call, "check");
    if (file.p)
        return check_file(c, file, e);
    size_t n;
    const struct setting *all = settings_all(&n);
    enum err_code code = settings_config(c, NULL, e);
    if (!code && !any_wanted(c, all, n, name))
        code = unknown_setting(c, name, e);
    if (!code && c->json)
        show_json(c, all, n, name);
    else if (!code)
        code = show_table(c, all, n, name, e);
    return code;
}

const struct command command_config = {
    .name = "config",
    .summary = "Show every setting, its value and where that came from",
    .args = config_args,
    .n_args = sizeof config_args / sizeof config_args[0],
    .run = run_config,
    .details =
        "A value comes from the first of: a flag of cairn serve, the environment, cairn.toml, the default. NAME is a\n"
        "setting or a section such as upstream. Secrets are shown as \"set\". --check FILE exits with status 2 when\n"
        "something in FILE is wrong, and says what.\n",
};
