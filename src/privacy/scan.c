/* A whole text: every pattern that the level masks, then the overlap rule. */
#include "privacy/privacy_int.h"

#include "base/text.h"

#include <string.h>

static enum err_code one_by_one(const struct search *in, enum privacy_level level, unsigned needs, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < in->p->n; i++) {
        const struct detector *d = in->patterns[i].d;
        if (level_masks(level, d->class) && (needs & 1u << d->needs))
            code = search_pattern(in, i, 0, in->text.n, e);
    }
    return code;
}

static enum err_code found(const struct privacy *p, struct str text, struct scratch *s, struct err *e)
{
    if (!s->found.n)
        return ERR_OK;
    finds_sort(&s->found);
    return resolve(p, text, &s->found, &s->kept) ? ERR_OK : err_nomem(e);
}

enum err_code scan_text(const struct privacy *p, enum privacy_level level, struct str text, struct scratch **out,
                        struct err *e)
{
    struct scratch *s = *out = scratch_take(p);
    if (!s)
        return err_nomem(e);
    const struct means m = later_get(p, text.n);
    const struct search in = {
        .p = p, .patterns = m.patterns, .s = s, .text = text, .resume = s->resume, .found = &s->found};
    const unsigned all = ~0u; /* the plain way, which the others are held against */
    enum err_code code = m.first ? prefilter_search(m.first, &in, level, e)
                                 : one_by_one(&in, level, p->later ? needs_met(text) : all, e);
    return code ? code : found(p, text, s, e);
}

enum err_code scan_by(const struct privacy *p, struct str text, const uint32_t *patterns, size_t n,
                      struct scratch **out, struct err *e)
{
    struct scratch *s = *out = scratch_take(p);
    if (!s)
        return err_nomem(e);
    const struct search in = {.p = p,
                              .patterns = later_get(p, text.n).patterns,
                              .s = s,
                              .text = text,
                              .resume = s->resume,
                              .found = &s->found};
    const unsigned needs = needs_met(text);
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < n; i++) {
        if (needs & 1u << p->patterns[patterns[i]].d->needs)
            code = search_pattern(&in, patterns[i], 0, text.n, e);
    }
    return code ? code : found(p, text, s, e);
}

enum err_code privacy_scan(const struct privacy *p, enum privacy_level level, struct str text, struct arena *a,
                           const struct privacy_span **out, size_t *n, struct err *e)
{
    struct scratch *s;
    enum err_code code = scan_text(p, level, text, &s, e);
    *n = 0;
    *out = NULL;
    if (code || !s->kept.n)
        return code;
    struct privacy_span *spans = arena_array(a, struct privacy_span, s->kept.n);
    if (!spans)
        return err_nomem(e);
    for (size_t i = 0; i < s->kept.n; i++) {
        const struct find *f = &s->kept.at[i];
        const struct detector *d = p->patterns[f->pattern].d;
        spans[i] = (struct privacy_span){f->start, f->end, d->type, f->confidence, d};
    }
    *out = spans;
    *n = s->kept.n;
    return ERR_OK;
}

void privacy_chars(struct str text, struct privacy_span *spans, size_t n)
{
    size_t byte = 0, chars = 0;
    for (size_t i = 0; i < n; i++) {
        size_t *const ends[] = {&spans[i].start, &spans[i].end};
        for (int k = 0; k < 2; k++) {
            chars += text_chars(str_skip(str_take(text, *ends[k]), byte));
            byte = *ends[k];
            *ends[k] = chars;
        }
    }
}
