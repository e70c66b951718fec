/* One value against its setting. Whatever got through here is read back by config.c without looking again. */
#include "base/number.h"
#include "base/text.h"
#include "config/config_int.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 4000, SHOWN_MAX = 40, PLACE_MAX = 90 };

static bool bounded(const struct setting *s)
{
    return s->min != 0 || s->max != 0;
}

void setting_right(const struct setting *s, char *out, size_t room)
{
    const char *number = s->type == SETTING_INT ? "a whole number" : "a number";
    switch (s->type) {
    case SETTING_INT:
    case SETTING_REAL:
        if (bounded(s))
            (void)snprintf(out, room, "%s from %.15g to %.15g", number, s->min, s->max);
        else
            (void)snprintf(out, room, "%s", number);
        return;
    case SETTING_BOOL:
        (void)snprintf(out, room, "true or false");
        return;
    case SETTING_ENUM:
        (void)snprintf(out, room, "one of %s", s->choices);
        return;
    case SETTING_TEXT:
        break;
    }
    (void)snprintf(out, room, "a line of %.15g to %.15g bytes", s->min, bounded(s) ? s->max : TEXT_MAX);
}

const char *config_place(const char *where)
{
    size_t n = strlen(where);
    if (n <= PLACE_MAX)
        return where;
    const char *tail = where + n - PLACE_MAX, *slash = strchr(tail, '/');
    return slash ? slash : tail;
}

static bool choice_has(const char *choices, struct str v)
{
    for (struct str rest = str_of(choices); rest.p;) {
        if (str_eq(str_cut(&rest, '|'), v))
            return true;
    }
    return false;
}

static bool in_range(const struct setting *s, double v)
{
    return !bounded(s) || (v >= s->min && v <= s->max);
}

/* A line end or a NUL in a setting is a slip at best, and at worst a header smuggled into a request. */
static bool line_fits(const struct setting *s, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            return false;
    }
    double n = (double)text.n;
    return text_utf8_valid(text) && n >= s->min && n <= (bounded(s) ? s->max : TEXT_MAX);
}

static bool fits(const struct setting *s, struct str text)
{
    int64_t whole = 0;
    double real = 0;
    switch (s->type) {
    case SETTING_INT:
        return str_int(text, &whole) && in_range(s, (double)whole);
    case SETTING_REAL:
        return number_read(text.p, text.n, &real) && in_range(s, real);
    case SETTING_BOOL:
        return str_is(text, "true") || str_is(text, "false");
    case SETTING_ENUM:
        return choice_has(s->choices, text);
    case SETTING_TEXT:
        break;
    }
    return line_fits(s, text);
}

enum err_code config_check(struct arena *a, const struct setting *s, struct str text, const char *where,
                           const char **out, struct err *e)
{
    char right[100];
    if (fits(s, text)) {
        *out = arena_cstr(a, text);
        return *out ? ERR_OK : err_nomem(e);
    }
    setting_right(s, right, sizeof right);
    if (s->flags & SETTING_SECRET)
        return err_set(e, ERR_INVALID, s->name, "%s: %s must be %s", config_place(where), s->name, right);
    struct str shown = text_utf8_valid(text) ? text_cut(text, SHOWN_MAX) : STR("…");
    return err_set(e, ERR_INVALID, s->name, "%s: %s must be %s, not \"%.*s\"", config_place(where), s->name, right,
                   STR_ARG(shown));
}
