/* What looks first: short forms of all patterns in one Hyperscan database, over pieces of the text; a pattern is then
 * searched by PCRE2 only where its form was seen, so the finds are those of searching pattern by pattern.
 *
 * A form lies within every match of its pattern (detector.h). Each piece is scanned with the `overlap` bytes before it,
 * so that no form is torn; matches begin from `within` bytes before the end of the form that is seen first up to the
 * end of the last one, and only there PCRE2 looks. What Hyperscan cannot take, and patterns of the configuration
 * without bound (in texts of more than a piece), are searched everywhere.
 *
 * Forms of detectors that need something rare (needs.c) are in databases of their own, scanned only where that is, in
 * the piece or in one beside it, which are as large as their matches at least.
 *
 * When one is made, and what is done without: later.c. */
#include "privacy/privacy_int.h"

#include "base/mem.h"

#include <hs/hs.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENT = 2048, WIDE = 512, FLAGS = HS_FLAG_MULTILINE };

/* Numbers are told once a piece, since where there is one there are many, each told at every digit. */
static bool once(const struct detector *d)
{
    return d->needs == NEEDS_NUMBER;
}

struct prefilter {
    hs_database_t *db[DETECTOR_NEEDS]; /* NULL: no form needs that */
    uint64_t id;                       /* random: tells a thread whether its scratch is for this one */
    uint32_t *blind;                   /* patterns that are in no database */
    size_t n_blind;
    uint32_t *wide; /* and those whose forms may be torn between pieces */
    size_t n_wide;
    uint32_t *within;        /* one a pattern: a form ends so many bytes behind a match's begin at most */
    size_t overlap, longest; /* longest: of the matches that need something */
};

/* ---- making one ---- */
struct forms {
    const char **text;
    unsigned *flags, *ids;
    unsigned n;
};

static const char *form_of(const struct detector *d, unsigned *flags)
{
    *flags = FLAGS | (once(d) ? HS_FLAG_SINGLEMATCH : 0) | (d->prefilter ? 0 : HS_FLAG_PREFILTER);
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

/* The forms of one database. */
static void collect(const struct privacy *p, struct prefilter *f, enum detector_needs needs, struct forms *forms)
{
    forms->n = 0;
    for (size_t i = 0; i < p->n; i++) {
        size_t width;
        const struct detector *d = p->patterns[i].d;
        const char *text = form_of(d, &forms->flags[forms->n]);
        if (d->needs != needs)
            continue;
        if (!form_width(text, forms->flags[forms->n], &width)) {
            f->blind[f->n_blind++] = (uint32_t)i;
            continue;
        }
        f->within[i] = (uint32_t)(d->leads ? width : d->within ? d->within : d->most);
        if (width > WIDE)
            f->wide[f->n_wide++] = (uint32_t)i;
        else if (width > f->overlap)
            f->overlap = width;
        if (needs != NEEDS_NOTHING && d->most > f->longest)
            f->longest = d->most;
        forms->text[forms->n] = text;
        forms->ids[forms->n++] = (unsigned)i;
    }
}

/* One form less at a time, should Hyperscan refuse it now that all are together. */
static bool compile(struct prefilter *f, struct forms *forms, hs_database_t **db)
{
    while (forms->n > 0) {
        hs_compile_error_t *why = NULL;
        if (hs_compile_multi(forms->text, forms->flags, forms->ids, forms->n, HS_MODE_BLOCK, NULL, db, &why) ==
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
    return true;
}

void prefilter_free(struct prefilter *f)
{
    if (!f)
        return;
    for (int i = 0; i < DETECTOR_NEEDS; i++)
        hs_free_database(f->db[i]);
    mem_free(f->blind);
    mem_free(f->wide);
    mem_free(f->within);
    mem_free(f);
}

static bool fill(const struct privacy *p, struct prefilter *f, struct forms *forms)
{
    bool ok = hs_valid_platform() == HS_SUCCESS;
    f->blind = mem_alloc((p->n + 1) * sizeof *f->blind);
    f->wide = mem_alloc((p->n + 1) * sizeof *f->wide);
    f->within = mem_alloc((p->n + 1) * sizeof *f->within);
    ok = ok && f->blind && f->wide && f->within && forms->text && forms->flags && forms->ids;
    randombytes_buf(&f->id, sizeof f->id);
    for (int needs = 0; ok && needs < DETECTOR_NEEDS; needs++) {
        collect(p, f, (enum detector_needs)needs, forms);
        ok = compile(f, forms, &f->db[needs]);
    }
    f->overlap++; /* what \b looks at */
    return ok;
}

struct prefilter *prefilter_make(const struct privacy *p)
{
    struct forms forms = {mem_alloc((p->n + 1) * sizeof(char *)), mem_alloc((p->n + 1) * sizeof(unsigned)),
                          mem_alloc((p->n + 1) * sizeof(unsigned)), 0};
    struct prefilter *f = mem_zalloc(sizeof *f);
    if (f && !fill(p, f, &forms)) {
        prefilter_free(f);
        f = NULL;
    }
    mem_free(forms.text);
    mem_free(forms.flags);
    mem_free(forms.ids);
    return f;
}

size_t prefilter_bytes(const struct prefilter *f)
{
    size_t all = 0, n = 0;
    for (int i = 0; f && i < DETECTOR_NEEDS; i++)
        all += f->db[i] && hs_database_size(f->db[i], &n) == HS_SUCCESS ? n : 0;
    return all;
}

/* ---- looking ---- */
static int seen(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    struct scratch *s = arg;
    struct place *at = &s->places[id];
    (void)from;
    (void)flags;
    if (!at->last) {
        at->first = to;
        s->seen[s->n_seen++] = id;
    }
    at->first = to < at->first ? to : at->first;
    at->last = to > at->last ? to : at->last;
    return 0;
}

/* Matches begin between where a form was seen first and last, in a scan from `base` on. */
static enum err_code search_seen(const struct prefilter *f, const struct search *in, enum privacy_level level,
                                 size_t base, size_t to, struct err *e)
{
    for (size_t i = 0; i < in->s->n_seen; i++) {
        const size_t id = in->s->seen[i];
        const struct detector *d = in->p->patterns[id].d;
        const struct place *at = &in->s->places[id];
        const size_t first = once(d) ? base : base + at->first, within = once(d) ? d->most : f->within[id];
        const size_t last = once(d) ? to : base + at->last;
        enum err_code code = !level_masks(level, d->class) ? ERR_OK
                                                           : search_pattern(in, id, first > within ? first - within : 0,
                                                                            last < to ? last : to, e);
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

static bool ready(const struct prefilter *f, struct scratch *s)
{
    if (s->hs_for == f->id && s->hs)
        return true;
    for (int i = 0; i < DETECTOR_NEEDS; i++) {
        if (f->db[i] && (mem_fail_now() || hs_alloc_scratch(f->db[i], &s->hs) != HS_SUCCESS))
            return false;
    }
    s->hs_for = f->id;
    return true;
}

/* What the piece from `at` meets, with what a run across its beginning may be. */
static unsigned met(struct str text, size_t at, size_t piece)
{
    const size_t back = at < DETECTOR_RUN ? at : DETECTOR_RUN;
    return at < text.n ? needs_met(str_take(str_skip(text, at - back), back + piece)) : 0;
}

static enum err_code look(const struct prefilter *f, const struct search *in, size_t from, size_t to, unsigned needs,
                          struct err *e)
{
    struct scratch *s = in->s;
    while (s->n_seen)
        s->places[s->seen[--s->n_seen]].last = 0;
    for (int i = 0; i < DETECTOR_NEEDS; i++) {
        if (f->db[i] && (needs & 1u << i) &&
            hs_scan(f->db[i], in->text.p + from, (unsigned)(to - from), 0, s->hs, seen, s) != HS_SUCCESS)
            return err_set(e, ERR_INTERNAL, NULL, "the text could not be searched");
    }
    return ERR_OK;
}

/* All that begins in text[start, end). */
static enum err_code pieces(const struct prefilter *f, const struct search *in, enum privacy_level level, size_t start,
                            size_t end, struct err *e)
{
    const struct str text = in->text;
    const size_t piece = in->p->segment ? in->p->segment : SEGMENT;
    const unsigned all = piece < f->longest ? needs_met(text) : 0; /* pieces that are too small: the whole decides */
    unsigned before = all | (start ? met(text, start > piece ? start - piece : 0, piece) : 0);
    unsigned here = all | met(text, start, piece);
    enum err_code code = ERR_OK;
    for (size_t from = start; !code && from < end; from += piece) {
        const size_t back = from < f->overlap ? from : f->overlap;
        const size_t to = text.n - from > piece ? from + piece : text.n;
        const unsigned next = met(text, to, piece);
        code = look(f, in, from - back, to, before | here | next, e);
        if (!code && in->s->n_seen)
            code = search_seen(f, in, level, from - back, to < end ? to : end, e);
        before = all | here;
        here = next;
    }
    return code;
}

enum err_code prefilter_begin(const struct prefilter *f, const struct search *in, enum privacy_level level,
                              size_t start, size_t end, struct err *e)
{
    struct scratch *s = in->s;
    enum err_code code = ready(f, s) ? pieces(f, in, level, start, end, e) : err_nomem(e);
    memset(s->hit, 0, in->p->n * sizeof *s->hit);
    for (size_t i = 0; i < f->n_blind; i++)
        s->hit[f->blind[i]] = true;
    for (size_t i = 0; i < f->n_wide; i++)
        s->hit[f->wide[i]] = true;
    for (size_t i = 0; i < in->p->n; i++) {
        if (!s->hit[i] && in->resume[i] < end)
            in->resume[i] = end;
    }
    return code;
}

enum err_code prefilter_mark(const struct prefilter *f, const struct search *in, size_t from, struct err *e)
{
    struct scratch *s = in->s;
    const size_t back = from < f->overlap ? from : f->overlap;
    enum err_code code = ready(f, s) ? ERR_OK : err_nomem(e);
    if (!code)
        code = look(f, in, from - back, in->text.n, needs_met(str_skip(in->text, from - back)), e);
    memset(s->hit, 0, in->p->n * sizeof *s->hit);
    for (size_t i = 0; i < s->n_seen; i++)
        s->hit[s->seen[i]] = true;
    for (size_t i = 0; i < f->n_blind; i++)
        s->hit[f->blind[i]] = true;
    for (size_t i = 0; i < f->n_wide; i++)
        s->hit[f->wide[i]] = true;
    return code;
}

struct seeing {
    const struct privacy *p;
    struct sights *out;
};

static void sight_add(struct sights *to, uint32_t pattern, uint32_t at)
{
    if (to->n < SIGHTS)
        to->all[to->n++] = (struct sight){pattern, at};
    else
        to->n = SIGHTS + 1;
}

static int see(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    const struct seeing *s = arg;
    (void)from;
    (void)flags;
    sight_add(s->out, id, once(s->p->patterns[id].d) ? ANYWHERE : (uint32_t)to);
    return s->out->n > SIGHTS;
}

enum err_code prefilter_see(const struct prefilter *f, const struct search *in, struct sights *out, struct err *e)
{
    struct seeing s = {in->p, out};
    const unsigned needs = needs_met(in->text);
    out->n = 0;
    if (!ready(f, in->s))
        return err_nomem(e);
    for (int i = 0; i < DETECTOR_NEEDS; i++) {
        const int rc = f->db[i] && (needs & 1u << i)
                           ? hs_scan(f->db[i], in->text.p, (unsigned)in->text.n, 0, in->s->hs, see, &s)
                           : HS_SUCCESS;
        if (rc != HS_SUCCESS && rc != HS_SCAN_TERMINATED)
            return err_set(e, ERR_INTERNAL, NULL, "the text could not be searched");
    }
    for (size_t i = 0; i < f->n_blind; i++)
        sight_add(out, f->blind[i], ANYWHERE);
    return ERR_OK;
}

enum err_code prefilter_search(const struct prefilter *f, const struct search *in, enum privacy_level level,
                               struct err *e)
{
    const size_t piece = in->p->segment ? in->p->segment : SEGMENT;
    enum err_code code = ready(f, in->s) ? pieces(f, in, level, 0, in->text.n, e) : err_nomem(e);
    if (!code && f->n_blind)
        code = search_list(in, level, f->blind, f->n_blind, e);
    if (!code && f->n_wide && in->text.n > piece)
        code = search_list(in, level, f->wide, f->n_wide, e);
    return code;
}
