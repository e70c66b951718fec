/* docs/configuration.md: every setting, from the table of settings. */
#include "doors/cli/docs.h"

static void put_section(struct cli *c, const struct setting *s)
{
    struct str rest = str_of(s->name), section = str_cut(&rest, '.');
    buf_fmt(&c->out,
            "\n## %.*s\n\n| setting | default | what is right | variable | flag | |\n|---|---|---|---|---|---|\n",
            STR_ARG(section));
}

static void put_setting(struct cli *c, const struct setting *s)
{
    char right[200];
    struct buf *b = &c->out;
    const char *variable = setting_variable(c->arena, s), *flag = setting_flag(c->arena, s);
    const struct op_arg arg = {.name = flag};
    setting_right(s, right, sizeof right);
    buf_fmt(b, "| `%s` | ", s->name);
    if (s->fallback)
        buf_fmt(b, "`%s`", s->fallback);
    buf_cstr(b, " | ");
    docs_text(b, right);
    buf_fmt(b, " | `%s` | ", variable ? variable : "");
    if ((s->flags & SETTING_SERVE) && !(s->flags & SETTING_SECRET) && flag)
        buf_fmt(b, "`%s`", arguments_flag(c->arena, &arg));
    buf_cstr(b, " | ");
    docs_text(b, s->help);
    if (s->flags & SETTING_SECRET)
        buf_cstr(b, " (secret: never a flag, never shown)");
    buf_cstr(b, " |\n");
}

/* Those that stand in tables of their own, [privacy.custom.NAME]. */
static void put_named(struct cli *c)
{
    size_t n;
    const struct setting *named = settings_named(&n);
    char right[200];
    buf_cstr(&c->out,
             "\n## Below names of your own\n\nOnly in the file, any number of times: `[privacy.custom.NAME]`, with a "
             "name of a-z, 0-9 and _.\n\n| setting | default | what is right | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        struct str rest = str_of(named[i].name), first = str_cut(&rest, '*');
        setting_right(&named[i], right, sizeof right);
        buf_fmt(&c->out, "| `%.*sNAME%.*s` | ", STR_ARG(first), STR_ARG(rest));
        if (named[i].fallback)
            buf_fmt(&c->out, "`%s`", named[i].fallback);
        buf_cstr(&c->out, " | ");
        docs_text(&c->out, right);
        buf_cstr(&c->out, " | ");
        docs_text(&c->out, named[i].help);
        buf_cstr(&c->out, " |\n");
    }
}

static bool same_section(const struct setting *a, const struct setting *b)
{
    struct str x = str_of(a->name), y = str_of(b->name);
    return str_eq(str_cut(&x, '.'), str_cut(&y, '.'));
}

void docs_by_section(struct cli *c, void (*section)(struct cli *c, const struct setting *first),
                     void (*setting)(struct cli *c, const struct setting *s))
{
    size_t n;
    const struct setting *all = settings_all(&n);
    for (size_t i = 0; i < n; i++) {
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = !same_section(&all[k], &all[i]);
        if (!first)
            continue;
        section(c, &all[i]);
        for (size_t k = i; k < n; k++) {
            if (same_section(&all[i], &all[k]))
                setting(c, &all[k]);
        }
    }
}

void docs_configuration(struct cli *c)
{
    docs_head(
        &c->out, "Configuration",
        "A setting's value comes from the first of: a flag of `cairn serve`, the variable, `cairn.toml`, the default. "
        "`cairn\nconfig` shows each value and where it came from, `cairn config --check FILE` looks at a file.\n\n"
        "`cairn.toml` is looked for here, and the first one counts alone: `--config FILE`, `$CAIRN_CONFIG`, "
        "`cairn.toml` in the\ndata folder, `$XDG_CONFIG_HOME/cairn/cairn.toml`, `~/.config/cairn/cairn.toml`. The data "
        "folder is `--data DIR`,\n`$CAIRN_DATA`, `$XDG_DATA_HOME/cairn` or `~/.local/share/cairn`. The C library takes "
        "`cairn.toml` of its data folder\nand defaults only.\n\n```toml\n[server]\nlisten = \"127.0.0.1:5111\"\n\n"
        "[upstream]\nurl = \"https://api.openai.com/v1\"\n```\n\nIn the file, texts are in quotes and numbers are not. "
        "An unknown key is an error. `$OPENAI_API_KEY` is taken as\n`upstream.key` where nothing else names one.");
    docs_by_section(c, put_section, put_setting);
    put_named(c);
}
