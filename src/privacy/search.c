/* One pattern over a range of a text: matches by PCRE2, context words, the detector's check. What is searched is
 * decided elsewhere (scan.c, prefilter.c, stream.c); by which range a match is found never changes it, for the pattern
 * sees the text around the range too. */
#include "privacy/privacy_int.h"

#include "base/log.h"

enum {
    LIMIT_TRIES = 16, /* places at which a pattern that runs wild is given another chance */
    WINDOW = 8 << 10
};

/* By machine code where there is some; what needs more stack than it has goes by the interpreter. */
static int match(const struct search *in, const struct pattern *pt, const pcre2_code *code, struct str text,
                 size_t from, uint32_t how)
{
    struct scratch *s = in->s;
    PCRE2_SPTR p = (PCRE2_SPTR)text.p;
    int rc = pt->jit ? pcre2_jit_match(code, p, text.n, from, how, s->match, s->limits)
                     : pcre2_match(code, p, text.n, from, how, s->match, s->limits);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(code, p, text.n, from, how | PCRE2_NO_JIT, s->match, s->limits);
    return rc;
}

/* A word of the detector's near [from, to)? */
static bool context_near(const struct search *in, const struct pattern *pt, size_t from, size_t to)
{
    size_t start = from > DETECTOR_NEAR_BEFORE ? from - DETECTOR_NEAR_BEFORE : 0;
    pcre2_set_offset_limit(in->s->limits, PCRE2_UNSET);
    return pt->context && match(in, pt, pt->context, str_take(in->text, to + DETECTOR_NEAR_AFTER), start, 0) >= 0;
}

static bool continues(struct str text, size_t at)
{
    return at < text.n && ((unsigned char)text.p[at] & 0xc0) == 0x80;
}

/* Bounds inside a character move out of it. */
static void widen(struct str text, struct find *f)
{
    for (int i = 0; i < 3 && f->start > 0 && continues(text, f->start); i++)
        f->start--;
    for (int i = 0; i < 3 && continues(text, f->end); i++)
        f->end++;
}

/* The find that a match gives; false: refused. *next: where to go on. */
static bool judge(const struct search *in, const struct pattern *pt, struct find *f, size_t *next)
{
    const struct detector *d = pt->d;
    const bool context = context_near(in, pt, f->from, f->until);
    const size_t origin = f->from > DETECTOR_BEFORE ? f->from - DETECTOR_BEFORE : 0;
    struct detector_match m = {
        .text = str_skip(str_take(in->text, f->until + DETECTOR_AFTER), origin),
        .from = f->from - origin,
        .to = f->until - origin,
        .start = f->start - origin,
        .end = f->end - origin,
        .context = context,
        .confidence = context || !d->context ? d->confidence : d->alone,
    };
    size_t start = m.start, end = m.end;
    f->confidence = d->check ? d->check(&m, &start, &end) : m.confidence;
    f->start = origin + start;
    f->end = origin + end;
    *next = f->end > f->from ? f->end : f->from + 1;
    if (f->confidence < 0.5 || start >= end || end > m.text.n)
        return false;
    widen(in->text, f);
    struct str value = str_skip(str_take(in->text, f->end), f->start);
    return !mask_is(in->p, value) && !allowed(in->p, value);
}

/* A pattern that took too many steps: it is searched on from the next byte, some times, then left. */
static bool goes_on(const struct pattern *pt, int rc, int *tries)
{
    if (++*tries == 1)
        log_event(LOG_WARN, "privacy.limit", L_CSTR("detector", pt->d->name), L_INT("code", rc));
    return *tries < LIMIT_TRIES;
}

/* The bounds that the last match gave. */
static struct find bounds(const struct scratch *s, int rc, size_t pattern)
{
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->match);
    const bool grouped = rc != 1 && v[2] != PCRE2_UNSET;
    return (struct find){.from = v[0],
                         .until = v[1],
                         .start = grouped ? v[2] : v[0],
                         .end = grouped ? v[3] : v[1],
                         .pattern = (uint32_t)pattern};
}

/* The first match that begins in [at, end), of a text that is shown no further than the longest match from there goes:
 * some ways of looking for a first byte go to the text's end, at each call, which must not make the work grow with the
 * square of the text. */
static int match_in_window(const struct search *in, const struct pattern *pt, size_t at, size_t end)
{
    const struct str text = str_take(in->text, end + pt->d->most + DETECTOR_AFTER);
    in->s->work += text.n - at;
    pcre2_set_offset_limit(in->s->limits, end - 1);
    return match(in, pt, pt->code, text, at, 0);
}

enum err_code search_pattern(const struct search *in, size_t pattern, size_t from, size_t to, struct err *e)
{
    struct scratch *s = in->s;
    const struct pattern *pt = &in->patterns[pattern];
    size_t at = in->resume[pattern] > from ? in->resume[pattern] : from;
    int tries = 0;
    if (in->text.n < pt->shortest)
        at = to;
    while (at < to) {
        const size_t end = to - at > WINDOW ? at + WINDOW : to;
        int rc = match_in_window(in, pt, at, end);
        if (rc == PCRE2_ERROR_NOMATCH) {
            at = end;
            continue;
        }
        if (rc < 0) {
            at = goes_on(pt, rc, &tries) ? at + 1 : to;
            continue;
        }
        struct find f = bounds(s, rc, pattern);
        if (judge(in, pt, &f, &at) && !finds_add(in->found, &f))
            return err_nomem(e);
    }
    in->resume[pattern] = at > to ? at : to;
    return ERR_OK;
}

enum err_code search_settled(const struct search *in, size_t pattern, size_t from, struct err *e)
{
    struct scratch *s = in->s;
    const struct pattern *pt = &in->patterns[pattern];
    size_t at = in->resume[pattern] > from ? in->resume[pattern] : from, settled = in->text.n;
    int tries = 0;
    while (at < in->text.n) {
        pcre2_set_offset_limit(s->limits, PCRE2_UNSET);
        int rc = match(in, pt, pt->code, in->text, at, PCRE2_PARTIAL_HARD);
        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        if (rc < 0 && rc != PCRE2_ERROR_PARTIAL) {
            at = goes_on(pt, rc, &tries) ? at + 1 : in->text.n;
            continue;
        }
        struct find f = bounds(s, rc, pattern);
        if (rc == PCRE2_ERROR_PARTIAL || f.until + DETECTOR_AFTER > in->text.n) {
            settled = f.from;
            break;
        }
        if (judge(in, pt, &f, &at) && !finds_add(in->found, &f))
            return err_nomem(e);
    }
    in->resume[pattern] = at > settled ? at : settled;
    return ERR_OK;
}
