/* Values of settings, by name. See config.h. */
#include "config/config_int.h"

#include "base/number.h"

#include <stdlib.h>

/* A name that the table does not have, or with another type, would go on as a wrong value: better to stop. */
static const char *text_of(const struct config *c, const char *name, unsigned types)
{
    size_t n;
    const struct setting *all = settings_all(&n), *s = setting_find(str_of(name));
    if (!s || !(types & 1u << s->type))
        abort();
    return c ? c->values[s - all].text : s->fallback;
}

int64_t config_int(const struct config *c, const char *name)
{
    const char *text = text_of(c, name, 1u << SETTING_INT);
    int64_t v = 0;
    return text && str_int(str_of(text), &v) ? v : 0;
}

double config_real(const struct config *c, const char *name)
{
    const char *text = text_of(c, name, 1u << SETTING_REAL);
    struct str s = str_of(text);
    double v = 0;
    return text && number_read(s.p, s.n, &v) ? v : 0; /* not strtod: a decimal comma is the locale's, not ours */
}

bool config_bool(const struct config *c, const char *name)
{
    const char *text = text_of(c, name, 1u << SETTING_BOOL);
    return text && str_is(str_of(text), "true");
}

const char *config_text(const struct config *c, const char *name)
{
    return text_of(c, name, 1u << SETTING_TEXT | 1u << SETTING_ENUM);
}

/* ---- values below names ---- */
static bool in_group(const struct config_extra *x, const char *group)
{
    struct str rest = str_of(x->setting->name), first = str_cut(&rest, '*');
    return str_eq(str_take(first, first.n - 1), str_of(group));
}

const char *config_name(const struct config *c, const char *group, size_t i)
{
    const char *last = NULL;
    for (size_t k = 0; c && k < c->n_extra; k++) {
        const struct config_extra *x = &c->extra[k];
        if (!in_group(x, group) || (last && str_is(str_of(last), x->name)))
            continue;
        last = x->name;
        if (i-- == 0)
            return last;
    }
    return NULL;
}

const char *config_named(const struct config *c, const char *setting, const char *name)
{
    size_t n;
    const struct setting *all = settings_named(&n), *s = NULL;
    for (size_t i = 0; i < n && !s; i++)
        s = str_is(str_of(setting), all[i].name) ? &all[i] : NULL;
    if (!s)
        abort();
    for (size_t k = 0; c && k < c->n_extra; k++) {
        if (c->extra[k].setting == s && str_is(str_of(name), c->extra[k].name))
            return c->extra[k].value.text;
    }
    return s->fallback;
}

bool config_named_shown(const struct config *c, struct arena *a, size_t i, const char **name, const char **text,
                        const char **where)
{
    if (!c || i >= c->n_extra)
        return false;
    const struct config_extra *x = &c->extra[i];
    struct str rest = str_of(x->setting->name), first = str_cut(&rest, '*');
    *name = arena_fmt(a, "%.*s%s%.*s", STR_ARG(first), x->name, STR_ARG(rest)).p;
    *text = x->value.text;
    *where = x->value.where;
    return *name != NULL;
}

static const struct config_value *value_of(const struct config *c, const struct setting *s)
{
    size_t n;
    return c ? &c->values[s - settings_all(&n)] : NULL;
}

const char *config_shown(const struct config *c, const struct setting *s, const char **where)
{
    const struct config_value *v = value_of(c, s);
    const char *text = v ? v->text : s->fallback;
    if (where)
        *where = v ? v->where : "default";
    return text && (s->flags & SETTING_SECRET) ? "set" : text;
}

enum setting_source config_source(const struct config *c, const struct setting *s)
{
    const struct config_value *v = value_of(c, s);
    return v ? v->source : FROM_DEFAULT;
}
