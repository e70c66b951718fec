/* What looks first: short forms of all patterns in Hyperscan's databases, over pieces of the text; a pattern is then
 * searched by PCRE2 only where its form was seen, so the finds are those of searching pattern by pattern.
 *
 * A form lies within every match of its pattern (detector.h). Each piece is scanned with the `overlap` bytes before it,
 * so that no form is torn; matches begin from `within` bytes before the end of a form up to that end, and only there
 * PCRE2 looks. What Hyperscan cannot take, and patterns of the configuration without bound (in texts of more than a
 * piece), are searched everywhere.
 *
 * Forms of detectors that need something rare (needs.c) are in databases of their own, scanned only where that is, in
 * the piece or in one beside it, which are as large as their matches at least.
 *
 * When one is made, and what is done without: later.c. */
#include "privacy/privacy_int.h"

#include "base/mem.h"

#include <hs/hs.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENT = 2048, WIDE = 512, FLAGS = HS_FLAG_MULTILINE };
enum {
    TOGETHER = 64
}; /* forms so near are looked at at once: beginning takes as long as looking at some dozen bytes */
static const uint32_t NONE = UINT32_MAX;

/* Those who need something that forms can be asked for; numbers are told otherwise (numbers.c). */
static const enum detector_needs NEEDS[] = {NEEDS_NOTHING, NEEDS_RUN};
enum { PARTS = sizeof NEEDS / sizeof *NEEDS };

struct prefilter {
    hs_database_t *db[PARTS]; /* NULL: no form needs that */
    uint64_t id;              /* random: tells a thread whether its scratch is for this one */
    uint32_t *blind;          /* patterns that are in no database */
    size_t n_blind;
    uint32_t *wide; /* and those whose forms may be torn between pieces */
    size_t n_wide;
    uint32_t *within;                   /* one a pattern: a form ends so many bytes behind a match's begin at most */
    uint32_t *same;                     /* one a pattern: the next that has its form, NONE: it is the last */
    uint32_t numbers[DETECTOR_NUMBERS]; /* the first pattern of each */
    size_t overlap, longest;            /* longest: of the matches that need something */
};

/* ---- making one ---- */

/* One database in the making, on a thread of its own: of what the prefilter has, only its patterns' places are
 * written. */
struct part {
    const struct privacy *p;
    struct prefilter *f;
    enum detector_needs needs;
    hs_database_t *db;
    const char **text; /* of forms, each once */
    unsigned *flags, *ids, n;
    uint32_t *blind, *wide;
    size_t n_blind, n_wide, overlap;
    bool ok;
};

static const char *form_of(const struct detector *d, unsigned *flags)
{
    *flags = FLAGS | (d->prefilter ? 0 : HS_FLAG_PREFILTER);
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

/* Behind the one whose form it shares: many have the same, and each form takes time to compile. */
static bool shares(struct part *t, size_t pattern, const char *text, unsigned flags)
{
    for (unsigned k = 0; k < t->n; k++) {
        if (t->flags[k] != flags || strcmp(t->text[k], text) != 0)
            continue;
        t->f->same[pattern] = t->f->same[t->ids[k]];
        t->f->same[t->ids[k]] = (uint32_t)pattern;
        return true;
    }
    return false;
}

static void take_bounds(struct part *t, size_t pattern, size_t width)
{
    const struct detector *d = t->p->patterns[pattern].d;
    t->f->within[pattern] = (uint32_t)(d->leads ? width : d->within ? d->within : d->most);
    if (width > WIDE)
        t->wide[t->n_wide++] = (uint32_t)pattern;
    else if (width > t->overlap)
        t->overlap = width;
}

/* The forms of one database. */
static void collect(struct part *t)
{
    for (size_t i = 0; i < t->p->n; i++) {
        size_t width;
        unsigned flags;
        const struct detector *d = t->p->patterns[i].d;
        const char *text = form_of(d, &flags);
        if (d->needs != t->needs)
            continue;
        if (!form_width(text, flags, &width)) {
            t->blind[t->n_blind++] = (uint32_t)i;
            continue;
        }
        take_bounds(t, i, width);
        if (shares(t, i, text, flags))
            continue;
        t->text[t->n] = text;
        t->flags[t->n] = flags;
        t->ids[t->n++] = (unsigned)i;
    }
}

/* One form less at a time, should Hyperscan refuse it now that all are together. */
static bool compile(struct part *t)
{
    while (t->n > 0) {
        hs_compile_error_t *why = NULL;
        if (hs_compile_multi(t->text, t->flags, t->ids, t->n, HS_MODE_BLOCK, NULL, &t->db, &why) == HS_SUCCESS)
            return true;
        const int at = why ? why->expression : -1;
        hs_free_compile_error(why);
        if (at < 0 || (unsigned)at >= t->n)
            return false;
        for (uint32_t id = t->ids[at]; id != NONE; id = t->f->same[id])
            t->blind[t->n_blind++] = id;
        t->n--;
        t->text[at] = t->text[t->n];
        t->flags[at] = t->flags[t->n];
        t->ids[at] = t->ids[t->n];
    }
    return true;
}

static void *make_part(void *arg)
{
    struct part *t = arg;
    collect(t);
    t->ok = compile(t);
    return NULL;
}

static bool part_init(struct part *t, const struct privacy *p, struct prefilter *f, enum detector_needs needs)
{
    *t = (struct part){.p = p, .f = f, .needs = needs};
    t->text = mem_alloc((p->n + 1) * sizeof *t->text);
    t->flags = mem_alloc((p->n + 1) * sizeof *t->flags);
    t->ids = mem_alloc((p->n + 1) * sizeof *t->ids);
    t->blind = mem_alloc((p->n + 1) * sizeof *t->blind);
    t->wide = mem_alloc((p->n + 1) * sizeof *t->wide);
    return t->text && t->flags && t->ids && t->blind && t->wide;
}

static void part_release(struct part *t)
{
    mem_free(t->text);
    mem_free(t->flags);
    mem_free(t->ids);
    mem_free(t->blind);
    mem_free(t->wide);
}

static void part_merge(struct prefilter *f, int at, const struct part *t)
{
    if (!t->ok)
        return;
    f->db[at] = t->db;
    memcpy(f->blind + f->n_blind, t->blind, t->n_blind * sizeof *t->blind);
    memcpy(f->wide + f->n_wide, t->wide, t->n_wide * sizeof *t->wide);
    f->n_blind += t->n_blind;
    f->n_wide += t->n_wide;
    f->overlap = t->overlap > f->overlap ? t->overlap : f->overlap;
}

/* All databases beside each other: together they take a fifth of a second, and who searches much waits for them. */
static bool make_parts(const struct privacy *p, struct prefilter *f)
{
    struct part parts[PARTS] = {0};
    pthread_t threads[PARTS];
    bool ok = true, begun[PARTS] = {false};
    for (int i = 0; i < PARTS; i++)
        ok = part_init(&parts[i], p, f, NEEDS[i]) && ok;
    for (int i = 1; i < PARTS && ok; i++)
        begun[i] = pthread_create(&threads[i], NULL, make_part, &parts[i]) == 0;
    for (int i = 0; i < PARTS && ok; i++) {
        if (!begun[i])
            make_part(&parts[i]);
    }
    for (int i = 0; i < PARTS; i++) {
        if (begun[i])
            pthread_join(threads[i], NULL);
        part_merge(f, i, &parts[i]);
        ok = ok && parts[i].ok;
        part_release(&parts[i]);
    }
    return ok;
}

/* Those that are told by their digits, and what each pattern has before its form is known. */
static void begin_patterns(const struct privacy *p, struct prefilter *f)
{
    for (int i = 0; i < DETECTOR_NUMBERS; i++)
        f->numbers[i] = NONE;
    for (size_t i = 0; i < p->n; i++) {
        const struct detector *d = p->patterns[i].d;
        f->same[i] = NONE;
        if (d->needs != NEEDS_NOTHING && d->most > f->longest)
            f->longest = d->most;
        if (!d->number)
            continue;
        f->within[i] = (uint32_t)d->within;
        f->same[i] = f->numbers[d->number];
        f->numbers[d->number] = (uint32_t)i;
    }
    f->overlap = NUMBERS_MOST;
}

void prefilter_free(struct prefilter *f)
{
    if (!f)
        return;
    for (int i = 0; i < PARTS; i++)
        hs_free_database(f->db[i]);
    mem_free(f->blind);
    mem_free(f->wide);
    mem_free(f->within);
    mem_free(f->same);
    mem_free(f);
}

static bool fill(const struct privacy *p, struct prefilter *f)
{
    f->blind = mem_alloc((p->n + 1) * sizeof *f->blind);
    f->wide = mem_alloc((p->n + 1) * sizeof *f->wide);
    f->within = mem_alloc((p->n + 1) * sizeof *f->within);
    f->same = mem_alloc((p->n + 1) * sizeof *f->same);
    if (hs_valid_platform() != HS_SUCCESS || !f->blind || !f->wide || !f->within || !f->same)
        return false;
    randombytes_buf(&f->id, sizeof f->id);
    begin_patterns(p, f);
    const bool ok = make_parts(p, f);
    f->overlap++; /* what \b looks at */
    return ok;
}

struct prefilter *prefilter_make(const struct privacy *p)
{
    struct prefilter *f = mem_zalloc(sizeof *f);
    if (f && !fill(p, f)) {
        prefilter_free(f);
        f = NULL;
    }
    return f;
}

size_t prefilter_bytes(const struct prefilter *f)
{
    size_t all = 0, n = 0;
    for (int i = 0; f && i < PARTS; i++)
        all += f->db[i] && hs_database_size(f->db[i], &n) == HS_SUCCESS ? n : 0;
    return all;
}

/* ---- looking ---- */
static bool near(uint32_t x, uint32_t y)
{
    return (x > y ? x - y : y - x) <= TOGETHER;
}

/* Most often it comes behind the last; Hyperscan promises no order, though. What finds no room is added to the last. */
static void place_add(struct place *to, uint32_t end)
{
    uint32_t i = to->n;
    while (i && to->at[i - 1].first > end && !near(to->at[i - 1].first, end))
        i--;
    const bool joins = i && (end <= to->at[i - 1].last || near(to->at[i - 1].last, end));
    if (!joins && to->n < PLACES) {
        memmove(&to->at[i + 1], &to->at[i], (to->n - i) * sizeof to->at[0]);
        to->at[i].first = to->at[i].last = end;
        to->n++;
        return;
    }
    i = i ? i - 1 : 0;
    to->at[i].first = end < to->at[i].first ? end : to->at[i].first;
    to->at[i].last = end > to->at[i].last ? end : to->at[i].last;
}

static int seen(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
    struct scratch *s = arg;
    struct place *at = &s->places[id];
    (void)from;
    (void)flags;
    if (!at->n)
        s->seen[s->n_seen++] = id;
    place_add(at, (uint32_t)to);
    return 0;
}

struct seeing {
    const struct prefilter *f;
    struct scratch *s;
    struct sights *out;
};

static void seen_number(void *arg, enum detector_number is, size_t end, bool again)
{
    const struct seeing *to = arg;
    (void)again;
    if (to->f->numbers[is] != NONE)
        seen(to->f->numbers[is], 0, end, 0, to->s);
}

/* Matches begin at most `within` bytes before the first form and before the end of the last, in a scan from `base`. */
static enum err_code search_places(const struct search *in, uint32_t id, uint32_t within, const struct place *p,
                                   size_t base, size_t to, struct err *e)
{
    enum err_code code = ERR_OK;
    for (uint32_t i = 0; !code && i < p->n; i++) {
        const size_t first = base + p->at[i].first, last = base + p->at[i].last;
        const size_t from = first > within ? first - within : 0;
        if (i && from >= to) /* what begins there is another call's, and so is the rest of the place before */
            break;
        code = search_pattern(in, id, from, last < to ? last : to, e);
    }
    return code;
}

static enum err_code search_seen(const struct prefilter *f, const struct search *in, enum privacy_level level,
                                 size_t base, size_t to, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < in->s->n_seen; i++) {
        const struct place *at = &in->s->places[in->s->seen[i]];
        for (uint32_t id = in->s->seen[i]; !code && id != NONE; id = f->same[id])
            if (level_masks(level, in->p->patterns[id].d->class))
                code = search_places(in, id, f->within[id], at, base, to, e);
    }
    return code;
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
    for (int i = 0; i < PARTS; i++) {
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
        s->places[s->seen[--s->n_seen]].n = 0;
    for (int i = 0; i < PARTS; i++) {
        if (f->db[i] && (needs & 1u << NEEDS[i]) &&
            hs_scan(f->db[i], in->text.p + from, (unsigned)(to - from), 0, s->hs, seen, s) != HS_SUCCESS)
            return err_set(e, ERR_INTERNAL, NULL, "the text could not be searched");
    }
    struct seeing numbers = {f, s, NULL};
    if (needs & 1u << NEEDS_NUMBER)
        numbers_see((struct str){in->text.p + from, to - from}, seen_number, &numbers);
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
        for (uint32_t id = s->seen[i]; id != NONE; id = f->same[id])
            s->hit[id] = true;
    for (size_t i = 0; i < f->n_blind; i++)
        s->hit[f->blind[i]] = true;
    for (size_t i = 0; i < f->n_wide; i++)
        s->hit[f->wide[i]] = true;
    return code;
}

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
    for (uint32_t i = id; i != NONE; i = s->f->same[i])
        sight_add(s->out, i, (uint32_t)to);
    return s->out->n > SIGHTS;
}

static void see_number(void *arg, enum detector_number is, size_t end, bool again)
{
    const struct seeing *s = arg;
    if (!again && s->f->numbers[is] != NONE)
        (void)see(s->f->numbers[is], 0, end, 0, arg);
}

enum err_code prefilter_see(const struct prefilter *f, const struct search *in, struct sights *out, struct err *e)
{
    struct seeing s = {f, in->s, out};
    const unsigned needs = needs_met(in->text);
    out->n = 0;
    if (!ready(f, in->s))
        return err_nomem(e);
    for (int i = 0; i < PARTS; i++) {
        const int rc = f->db[i] && (needs & 1u << NEEDS[i])
                           ? hs_scan(f->db[i], in->text.p, (unsigned)in->text.n, 0, in->s->hs, see, &s)
                           : HS_SUCCESS;
        if (rc != HS_SUCCESS && rc != HS_SCAN_TERMINATED)
            return err_set(e, ERR_INTERNAL, NULL, "the text could not be searched");
    }
    if (needs & 1u << NEEDS_NUMBER)
        numbers_see(in->text, see_number, &s);
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
