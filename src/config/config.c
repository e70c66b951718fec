/* Values of settings, by name. See config.h. */
#include "config/config.h"

#include "base/number.h"

#include <stdlib.h>

struct config_value {
    const char *text; /* NULL: not set */
    const char *where;
};
struct config {
    struct config_value *values; /* one a setting, in the table's order */
};

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
    double v = 0;
    return text && str_double(str_of(text), &v) ? v : 0;
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
