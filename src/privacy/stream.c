/* A text in pieces. Each pattern is searched as far as what may still come cannot change it (PCRE2's partial matching
 * says how far: search_settled); what lies before all patterns' marks, and in no group of finds that reaches past them,
 * is final and goes out masked. Finds behind it wait. So the finds are those of the whole text, wherever it is cut.
 *
 * Held back is what could be the beginning of a find: mostly the last word. A pattern of the configuration that matches
 * without end would hold back everything: past STREAM_MOST it is settled as if the text ended there.
 *
 * The buffer: [context that is out already | open]; `open` is where the open part begins. */
#include "privacy/privacy_int.h"

#include "base/mem.h"

#include <string.h>

enum { CONTEXT = DETECTOR_BEFORE + 32, STREAM_MOST = 4 * DETECTOR_MOST, CHARACTER = 4, WORTH_LOOKING = 4096 };

struct privacy_stream {
    const struct privacy *p;
    enum privacy_level level;
    struct buf text, out;
    size_t open;
    size_t *resume; /* as in struct search, in the buffer */
    struct finds waiting;
};

enum err_code privacy_stream_new(const struct privacy *p, enum privacy_level level, struct privacy_stream **out,
                                 struct err *e)
{
    struct privacy_stream *s = mem_zalloc(sizeof *s);
    *out = NULL;
    if (!s)
        return err_nomem(e);
    s->p = p;
    s->level = level;
    buf_init(&s->text, 0);
    buf_init(&s->out, 0);
    s->resume = mem_zalloc((p->n + 1) * sizeof *s->resume);
    if (!s->resume) {
        privacy_stream_free(s);
        return err_nomem(e);
    }
    *out = s;
    return ERR_OK;
}

void privacy_stream_free(struct privacy_stream *s)
{
    if (!s)
        return;
    buf_release(&s->text);
    buf_release(&s->out);
    mem_free(s->resume);
    mem_free(s->waiting.at);
    mem_free(s);
}

/* ---- how far it is settled ---- */
/* Of a large open part all but the end is searched as a whole text is: what begins there ends within what there is.
 * Behind it, a pattern of which nothing was seen has no match but one that ends later. */
static enum err_code look_first(struct privacy_stream *s, const struct search *in, const struct prefilter *first,
                                struct err *e)
{
    size_t end = in->text.n > s->p->longest + DETECTOR_AFTER ? in->text.n - s->p->longest - DETECTOR_AFTER : 0;
    end = end > s->open ? end : s->open;
    enum err_code code = end > s->open ? prefilter_begin(first, in, s->level, s->open, end, e) : ERR_OK;
    if (!code)
        code = prefilter_mark(first, in, end, e);
    for (size_t i = 0; !code && i < s->p->n; i++) {
        const size_t tail = in->patterns[i].d->most + DETECTOR_AFTER;
        const size_t from = in->text.n > tail ? in->text.n - tail : 0;
        if (!in->s->hit[i] && s->resume[i] < from)
            s->resume[i] = from;
    }
    return code;
}

/* *settled: what all patterns agree on. `forced`: everything that begins below it, whatever may come. */
static enum err_code search(struct privacy_stream *s, const struct search *in, size_t forced, size_t *settled,
                            struct err *e)
{
    *settled = in->text.n;
    for (size_t i = 0; i < s->p->n; i++) {
        if (!level_masks(s->level, s->p->patterns[i].d->class))
            continue;
        enum err_code code = forced ? search_pattern(in, i, s->open, forced, e) : ERR_OK;
        if (!code && forced < in->text.n)
            code = search_settled(in, i, s->open, e);
        if (code)
            return code;
        *settled = s->resume[i] < *settled ? s->resume[i] : *settled;
    }
    return ERR_OK;
}

/* A find that begins within a character is widened to hold it (search.c): its first bytes wait too. */
static size_t whole_character(const struct privacy_stream *s, size_t settled)
{
    for (int i = 0; i < CHARACTER - 1 && settled > s->open && (unsigned char)s->text.p[settled - 1] >= 0x80; i++)
        settled--;
    return settled;
}

/* No group of finds may be torn: the number of those that are final, and *settled before the first that is not. */
static size_t whole_groups(struct finds *waiting, size_t *settled)
{
    size_t n = 0;
    finds_sort(waiting);
    while (n < waiting->n && waiting->at[n].start < *settled) {
        size_t end, next = finds_group(waiting, n, &end);
        if (end > *settled) {
            *settled = waiting->at[n].start;
            break;
        }
        n = next;
    }
    return n;
}

/* ---- what goes out ---- */
static void forget(struct privacy_stream *s, size_t settled, size_t n)
{
    const size_t gone = settled > CONTEXT ? settled - CONTEXT : 0;
    struct finds *w = &s->waiting;
    if (n > 0)
        memmove(w->at, w->at + n, (w->n - n) * sizeof *w->at);
    w->n -= n;
    for (size_t i = 0; i < w->n; i++) {
        w->at[i].start -= gone;
        w->at[i].end -= gone;
        w->at[i].from -= gone;
        w->at[i].until -= gone;
    }
    for (size_t i = 0; i < s->p->n; i++)
        s->resume[i] = s->resume[i] > gone ? s->resume[i] - gone : 0;
    buf_drop(&s->text, gone);
    s->open = settled - gone;
}

static enum err_code emit(struct privacy_stream *s, struct scratch *scratch, size_t settled, struct err *e)
{
    struct finds final = s->waiting;
    struct str text = buf_view(&s->text);
    final.n = whole_groups(&s->waiting, &settled);
    scratch->kept.n = 0;
    if (final.n && !resolve(s->p, text, &final, &scratch->kept))
        return err_nomem(e);
    masked_put(s->p, text, s->open, settled, &scratch->kept, &s->out);
    forget(s, settled, final.n);
    return s->out.failed ? err_nomem(e) : ERR_OK;
}

static enum err_code advance(struct privacy_stream *s, bool end, struct err *e)
{
    struct scratch *scratch = scratch_take(s->p);
    size_t settled = 0, forced = 0;
    if (!scratch || s->text.failed)
        return err_nomem(e);
    const struct means m = later_get(s->p, s->text.n - s->open);
    const struct search in = {.p = s->p,
                              .patterns = m.patterns,
                              .s = scratch,
                              .text = buf_view(&s->text),
                              .resume = s->resume,
                              .found = &s->waiting};
    if (end)
        forced = in.text.n;
    enum err_code code = m.first && in.text.n - s->open > WORTH_LOOKING ? look_first(s, &in, m.first, e) : ERR_OK;
    if (!code)
        code = search(s, &in, forced, &settled, e);
    if (!code && !end && in.text.n - settled > STREAM_MOST)
        code = search(s, &in, in.text.n - STREAM_MOST / 2, &settled, e);
    if (!end)
        settled = whole_character(s, settled);
    return code ? code : emit(s, scratch, settled, e);
}

enum err_code privacy_stream_feed(struct privacy_stream *s, struct str piece, struct str *out, struct err *e)
{
    buf_clear(&s->out);
    buf_str(&s->text, piece);
    enum err_code code = advance(s, false, e);
    *out = code ? STR_NONE : buf_view(&s->out);
    return code;
}

enum err_code privacy_stream_end(struct privacy_stream *s, struct str *out, struct err *e)
{
    buf_clear(&s->out);
    enum err_code code = advance(s, true, e);
    *out = code ? STR_NONE : buf_view(&s->out);
    return code;
}
