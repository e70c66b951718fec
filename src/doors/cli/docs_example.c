/* An example of cairn.toml: every setting with its help and its default, all commented out, from the table of settings.
 * Lines that begin with "# " are words; "#name = value" becomes a setting when its # is taken away. */
#include "doors/cli/docs.h"

static void put_value(struct buf *b, const struct setting *s)
{
    bool text = s->type == SETTING_TEXT || s->type == SETTING_ENUM;
    const char *quote = text ? "\"" : "", *value = s->fallback ? s->fallback : "";
    buf_cstr(b, quote);
    for (; *value; value++) {
        if (text && (*value == '"' || *value == '\\'))
            buf_char(b, '\\');
        buf_char(b, *value);
    }
    buf_cstr(b, quote);
}

static void put_setting(struct cli *c, const struct setting *s)
{
    char right[200];
    struct str key = str_of(s->name);
    struct buf *b = &c->out;
    const char *variable = setting_variable(c->arena, s);
    (void)str_cut(&key, '.');
    setting_right(s, right, sizeof right);
    buf_fmt(b, "\n# %s\n# %s", s->help, right);
    if (variable)
        buf_fmt(b, "; %s", variable);
    buf_fmt(b, "%s\n#%.*s = ", s->fallback ? "" : "; not set by itself", STR_ARG(key));
    put_value(b, s);
    buf_char(b, '\n');
}

static void put_section(struct cli *c, const struct setting *s)
{
    struct str rest = str_of(s->name), section = str_cut(&rest, '.');
    buf_fmt(&c->out, "\n[%.*s]\n", STR_ARG(section));
}

void docs_example(struct cli *c)
{
    buf_cstr(&c->out, "# cairn.toml: every setting of Cairn, at its default. Take the # from before a name to set it.\n"
                      "# Variables (CAIRN_…) and flags of `cairn serve` go over what is here.\n"
                      "# `cairn config --check FILE` looks at a file, `cairn config` shows what counts.\n");
    docs_by_section(c, put_section, put_setting);
    buf_cstr(&c->out, "\n# A detector of your own, as many as you like:\n#[privacy.custom.employee_number]\n"
                      "#pattern = 'EMP-[0-9]{6}'\n#context = \"employee|staff\"\n#level = \"PRIVATE\"\n");
}
