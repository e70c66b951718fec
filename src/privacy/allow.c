/* privacy.allow: values that are nobody's secret, such as support@example.com. Each is compared with a whole find, in
 * any case; * stands for anything. */
#include "privacy/privacy_int.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* The usual way with one place to go back to: the last *. */
static bool fits(struct str rule, struct str value)
{
    size_t i = 0, k = 0, star = SIZE_MAX, mark = 0;
    while (i < value.n) {
        if (k < rule.n && rule.p[k] == '*') {
            star = k++;
            mark = i;
        } else if (k < rule.n && rule.p[k] == lower(value.p[i])) {
            i++;
            k++;
        } else if (star != SIZE_MAX) {
            k = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (k < rule.n && rule.p[k] == '*')
        k++;
    return k == rule.n;
}

bool allowed(const struct privacy *p, struct str value)
{
    for (size_t i = 0; i < p->n_allow; i++) {
        if (fits(p->allow[i], value))
            return true;
    }
    return false;
}

enum err_code allow_read(struct privacy *p, const char *list, struct err *e)
{
    struct str rest = str_of(list);
    size_t most = 1, n = 0;
    for (size_t i = 0; i < rest.n; i++)
        most += rest.p[i] == ',';
    struct str *rules = arena_array(p->arena, struct str, most);
    char *text = arena_cstr(p->arena, rest);
    if (!rules || !text)
        return err_nomem(e);
    for (size_t i = 0; i < rest.n; i++)
        text[i] = lower(text[i]);
    for (rest.p = text; rest.n > 0;) {
        struct str one = str_trim(str_cut(&rest, ','));
        bool all = one.n > 0;
        for (size_t i = 0; i < one.n; i++)
            all = all && one.p[i] == '*';
        if (all)
            return err_set(e, ERR_INVALID, "privacy.allow",
                           "privacy.allow: * alone would let everything pass; name values");
        if (one.n)
            rules[n++] = one;
    }
    p->allow = rules;
    p->n_allow = n;
    return ERR_OK;
}
