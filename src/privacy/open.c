/* Opening a privacy: which detectors of the tables and of the configuration take part, compiled and checked. */
#include "privacy/privacy_int.h"

#include "base/near.h"
#include "base/text.h"

#include <sodium.h>
#include <string.h>
#include <utf8proc.h>

/* All that Cairn brings along. The order counts where nothing else decides between two finds. */
static const struct detector_table {
    const struct detector *d;
    const size_t *n;
} tables[] = {
    {detectors_vendors, &detectors_vendors_count},
    {detectors_keys, &detectors_keys_count},
    {detectors_assigned, &detectors_assigned_count},
    {detectors_pii, &detectors_pii_count},
};
enum { N_TABLES = sizeof tables / sizeof tables[0], NAMES = 512 };

/* ---- which take part ---- */
static bool listed(const char *types, const char *type)
{
    struct str rest = str_of(types);
    if (!str_trim(rest).n)
        return true;
    while (rest.n > 0) {
        if (str_is(str_trim(str_cut(&rest, ',')), type))
            return true;
    }
    return false;
}

static bool known_type(const struct privacy_options *o, struct str type, const char **near)
{
    const char *names[NAMES];
    size_t n = 0;
    for (size_t i = 0; i < N_TABLES; i++) {
        for (size_t k = 0; k < *tables[i].n && n < NAMES; k++)
            names[n++] = tables[i].d[k].type;
    }
    for (size_t i = 0; i < o->n_custom && n < NAMES; i++)
        names[n++] = o->custom[i].type ? o->custom[i].type : o->custom[i].name;
    for (size_t i = 0; i < n; i++) {
        if (str_is(type, names[i]))
            return true;
    }
    *near = near_name(type, names, n);
    return false;
}

static enum err_code check_types(const struct privacy_options *o, struct err *e)
{
    struct str rest = str_of(o->types);
    const char *near = NULL;
    while (rest.n > 0) {
        struct str type = str_trim(str_cut(&rest, ','));
        if (!type.n || known_type(o, type, &near))
            continue;
        return err_set(e, ERR_INVALID, "privacy.pii_types_to_detect",
                       "privacy.pii_types_to_detect: there is no type \"%.*s\"%s%s%s", (int)(type.n < 40 ? type.n : 40),
                       type.p, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return ERR_OK;
}

/* ---- one detector ---- */
static const char *mark_of(struct arena *a, const char *type)
{
    char *mark = arena_cstr(a, str_of(type));
    for (char *c = mark; c && *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
    }
    return mark;
}

static enum err_code add(struct privacy *p, const struct detector *d, struct err *e)
{
    struct pattern *pt = &p->patterns[p->n];
    pt->d = d;
    pt->mark = mark_of(p->arena, d->type);
    if (!pt->mark)
        return err_nomem(e);
    p->n++; /* privacy_free releases what a failure leaves */
    p->longest = d->most > p->longest ? d->most : p->longest;
    p->edges = p->edges || (!d->prefilter && !d->number);
    return pattern_compile(pt, e);
}

static enum err_code add_table(struct privacy *p, const struct privacy_options *o, const struct detector_table *t,
                               struct err *e)
{
    for (size_t i = 0; i < *t->n; i++) {
        enum err_code code = listed(o->types, t->d[i].type) ? add(p, &t->d[i], e) : ERR_OK;
        if (code)
            return code;
    }
    return ERR_OK;
}

static bool name_known(const struct privacy *p, const char *name)
{
    for (size_t i = 0; i < N_TABLES; i++) {
        for (size_t k = 0; k < *tables[i].n; k++) {
            if (str_is(str_of(name), tables[i].d[k].name))
                return true;
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        if (str_is(str_of(name), p->patterns[i].d->name))
            return true;
    }
    return false;
}

static enum err_code add_custom(struct privacy *p, const struct privacy_options *o, const struct privacy_custom *c,
                                struct err *e)
{
    const struct detector *d;
    struct err why = {0};
    enum err_code code = custom_make(p, c, &d, &why);
    if (!code && name_known(p, d->name))
        code = err_set(&why, ERR_INVALID, NULL, "there is a detector of that name already");
    if (!code && listed(o->types, d->type)) {
        code = add(p, d, &why);
        if (!code)
            code = custom_try(&p->patterns[p->n - 1], &why);
    }
    return code == ERR_INVALID ? err_set(e, code, "privacy.custom", "privacy.custom.%.40s: %s", c->name, why.message)
           : code              ? err_nomem(e)
                               : ERR_OK;
}

/* ---- the rest of the options ---- */
static bool symbol(struct str c)
{
    utf8proc_int32_t point;
    if (utf8proc_iterate((const utf8proc_uint8_t *)c.p, (utf8proc_ssize_t)c.n, &point) <= 0)
        return false;
    const utf8proc_category_t is = utf8proc_category(point);
    return is == UTF8PROC_CATEGORY_SO || is == UTF8PROC_CATEGORY_PO || is == UTF8PROC_CATEGORY_SM;
}

/* A mask's character must be no part of anything that detectors look for, and none that JSON escapes. */
static enum err_code take_redaction(struct privacy *p, const char *given, struct err *e)
{
    struct str c = str_of(given ? given : "*");
    const bool ascii = c.n == 1 && strchr("*#~", c.p[0]);
    const bool beyond = c.n >= 2 && c.n <= 4 && text_char_len(c) == c.n && symbol(c);
    if (!ascii && !beyond)
        return err_set(e, ERR_INVALID, "privacy.redaction_char",
                       "privacy.redaction_char must be one of * # ~ or a single symbol beyond ASCII, such as "
                       "\xe2\x80\xa2 or \xe2\x96\x88");
    p->redaction = arena_str(p->arena, c);
    return p->redaction.p ? ERR_OK : err_nomem(e);
}

static enum err_code fill(struct privacy *p, const struct privacy_options *o, struct err *e)
{
    size_t most = o->n_custom;
    for (size_t i = 0; i < N_TABLES; i++)
        most += *tables[i].n;
    p->patterns = arena_array(p->arena, struct pattern, most);
    if (!p->patterns)
        return err_nomem(e);
    p->plain_marks = o->plain_marks;
    p->stable = o->stable;
    p->segment = o->segment;
    memcpy(p->key, o->key, sizeof p->key);
    enum err_code code = check_types(o, e);
    if (!code)
        code = take_redaction(p, o->redaction_char, e);
    for (size_t i = 0; !code && i < N_TABLES; i++)
        code = add_table(p, o, &tables[i], e);
    for (size_t i = 0; !code && i < o->n_custom; i++)
        code = add_custom(p, o, &o->custom[i], e);
    if (!code && o->allow)
        code = allow_read(p, o->allow, e);
    return code;
}

enum err_code privacy_open(const struct privacy_options *o, struct privacy **out, struct err *e)
{
    struct arena *a = arena_new();
    struct privacy *p = a ? arena_alloc(a, sizeof *p) : NULL;
    *out = NULL;
    if (!p) {
        arena_free(a);
        return err_nomem(e);
    }
    p->arena = a;
    enum err_code code = fill(p, o, e);
    if (code) {
        privacy_free(p);
        return code;
    }
    for (size_t i = 0; o->one_by_one && i < p->n; i++)
        (void)pattern_quicken(&p->patterns[i]);
    if (!o->one_by_one && !(p->later = later_new(p))) {
        privacy_free(p);
        return err_nomem(e);
    }
    *out = p;
    return ERR_OK;
}

void privacy_free(struct privacy *p)
{
    if (!p)
        return;
    later_free(p->later);
    for (size_t i = 0; i < p->n; i++)
        pattern_release(&p->patterns[i]);
    sodium_memzero(p->key, sizeof p->key);
    arena_free(p->arena);
}
