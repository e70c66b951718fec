/* What looks first: short forms of all patterns in one Hyperscan database, over pieces of the text; a pattern is then
 * searched by PCRE2 only where its form was seen, so the finds are those of searching pattern by pattern.
 *
 * A form lies within every match of its pattern (detector.h). Each piece is scanned with the `overlap` bytes before it,
 * so that no form is torn; where one is seen in a piece [a, b), matches that hold it begin in [a - overlap - most, b).
 * What Hyperscan cannot take, and patterns of the configuration without bound (in texts of more than a piece), are
 * searched everywhere.
 *
 * When one is made, and what is done without: later.c. */
#include "privacy/privacy_int.h"

#include "base/mem.h"

#include <hs/hs.h>
#include <sodium.h>
#include <stdlib.h>

enum { SEGMENT = 2048, WIDE = 512, FLAGS = HS_FLAG_SINGLEMATCH | HS_FLAG_MULTILINE };

struct prefilter {
    hs_database_t *db;
    uint64_t id;     /* random: tells a thread whether its scratch is for this one */
    uint32_t *blind; /* patterns that are in no database */
    size_t n_blind;
    uint32_t *wide; /* and those whose forms may be torn between pieces */
    size_t n_wide;
    size_t overlap;
};

/* ---- making one ---- */
struct forms {
    const char **text;
    unsigned *flags, *ids;
    unsigned n;
};

static const char *form_of(const struct detector *d, unsigned *flags)
{
    *flags = d->prefilter ? FLAGS : FLAGS | HS_FLAG_PREFILTER;
    return d->prefilter ? d->prefilter : d->pattern;
}

/* Bytes that a form may take; false: Hyperscan cannot take it. */
static bool form_width(const char *form, unsigned flags, size_t *width)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *why = NULL;
    const bool ok = hs_expression_info(form, flags, &info, &why) == HS_SUCCESS && info;
    if (ok)
        *width = info->max_width;
    hs_free_compile_error(why);
    free(info);
    return ok;
}

static void collect(const struct privacy *p, struct prefilter *f, struct forms *forms)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t width;
        const char *text = form_of(p->patterns[i].d, &forms->flags[forms->n]);
        if (!form_width(text, forms->flags[forms->n], &width)) {
            f->blind[f->n_blind++] = (uint32_t)i;
            continue;
        }
        if (width > WIDE)
            f->wide[f->n_wide++] = (uint32_t)i;
        else if (width > f->overlap)
            f->overlap = width;
        forms->text[forms->n] = text;
        forms->ids[forms->n++] = (unsigned)i;
    }
}

/* One form less at a time, should Hyperscan refuse it now that all are together. */
static bool compile(struct prefilter *f, struct forms *forms)
{
    while (forms->n > 0) {
        hs_compile_error_t *why = NULL;
        if (hs_compile_multi(forms->text, forms->flags, forms->ids, forms->n, HS_MODE_BLOCK, NULL, &f->db, &why) ==
            HS_SUCCESS)
            return true;
        const int at = why ? why->expression : -1;
        hs_free_compile_error(why);
        if (at < 0 || (unsigned)at >= forms->n)
            return false;
        f->blind[f->n_blind++] = forms->ids[at];
        forms->n--;
        forms->text[at] = forms->text[forms->n];
        forms->flags[at] = forms->flags[forms->n];
        forms->ids[at] = forms->ids[forms->n];
    }
    return false;
}

void prefilter_free(struct prefilter *f)
{
    if (!f)
        return;
    hs_free_database(f->db);
    mem_free(f->blind);
    mem_free(f->wide);
    mem_free(f);
}

struct prefilter *prefilter_make(const struct privacy *p)
{
    struct forms forms = {mem_alloc((p->n + 1) * sizeof(char *)), mem_alloc((p->n + 1) * sizeof(unsigned)),
                          mem_alloc((p->n + 1) * sizeof(unsigned)), 0};
    struct prefilter *f = mem_zalloc(sizeof *f);
    bool ok = f && forms.text && forms.flags && forms.ids && hs_valid_platform() == HS_SUCCESS;
    if (ok) {
        f->blind = mem_alloc((p->n + 1) * sizeof *f->blind);
        f->wide = mem_alloc((p->n + 1) * sizeof *f->wide);
        ok = f->blind && f->wide;
    }
    if (ok) {
        randombytes_buf(&f->id, sizeof f->id);
        collect(p, f, &forms);
        f->overlap++; /* what \b looks at */
        ok = compile(f, &forms);
    }
    mem_free(forms.text);
    mem_free(forms.flags);
    mem_free(forms.ids);
    if (!ok) {
        prefilter_free(f);
        f = NULL;
    }
    return f;
}

/* ---- looking ---- */
static int seen(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    struct scratch *s = arg;
    (void)from;
    (void)to;
    (void)flags;
    s->seen[s->n_seen++] = id; /* once a form and scan: room for all is there */
    return 0;
}

static enum err_code search_seen(const struct search *in, enum privacy_level level, size_t from, size_t to, size_t back,
                                 struct err *e)
{
    for (size_t i = 0; i < in->s->n_seen; i++) {
        const size_t id = in->s->seen[i];
        const struct detector *d = in->p->patterns[id].d;
        const size_t reach = back + d->most;
        if (!level_masks(level, d->class))
            continue;
        enum err_code code = search_pattern(in, id, from > reach ? from - reach : 0, to, e);
        if (code)
            return code;
    }
    return ERR_OK;
}

static enum err_code search_list(const struct search *in, enum privacy_level level, const uint32_t *list, size_t n,
                                 struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        enum err_code code = level_masks(level, in->p->patterns[list[i]].d->class)
                                 ? search_pattern(in, list[i], 0, in->text.n, e)
                                 : ERR_OK;
        if (code)
            return code;
    }
    return ERR_OK;
}

size_t prefilter_bytes(const struct prefilter *f)
{
    size_t n = 0;
    return f && hs_database_size(f->db, &n) == HS_SUCCESS ? n : 0;
}

static bool ready(const struct prefilter *f, struct scratch *s)
{
    if (s->hs_for == f->id && s->hs)
        return true;
    if (mem_fail_now() || hs_alloc_scratch(f->db, &s->hs) != HS_SUCCESS)
        return false;
    s->hs_for = f->id;
    return true;
}

enum err_code prefilter_search(const struct prefilter *f, const struct search *in, enum privacy_level level,
                               struct err *e)
{
    struct scratch *s = in->s;
    const size_t piece = in->p->segment ? in->p->segment : SEGMENT;
    enum err_code code = ready(f, s) ? ERR_OK : err_nomem(e);
    for (size_t from = 0; !code && from < in->text.n; from += piece) {
        const size_t back = from < f->overlap ? from : f->overlap;
        const size_t to = in->text.n - from > piece ? from + piece : in->text.n;
        s->n_seen = 0;
        if (hs_scan(f->db, in->text.p + from - back, (unsigned)(to - from + back), 0, s->hs, seen, s) != HS_SUCCESS)
            code = err_set(e, ERR_INTERNAL, NULL, "the text could not be searched");
        if (!code && s->n_seen)
            code = search_seen(in, level, from, to, back, e);
    }
    if (!code && f->n_blind)
        code = search_list(in, level, f->blind, f->n_blind, e);
    if (!code && f->n_wide && in->text.n > piece)
        code = search_list(in, level, f->wide, f->n_wide, e);
    return code;
}
