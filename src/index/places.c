/* Places: where the turns that matched stand, the turns around them, and whose agent's name a question names. */
#include "index/engine.h"

#include <stdlib.h>
#include <string.h>

enum { ROLE_MASK = 7 };

bool place_of(const struct ranking *r, uint32_t part, uint32_t doc, struct located *out)
{
    struct segment *s = r->parts[part].s;
    const uint32_t *seq = segment_part(s, PART_SEQ, doc, 1, 4), *number = segment_part(s, PART_TURN, doc, 1, 4),
                   *conversation = segment_part(s, PART_CONVERSATION, doc, 1, 4),
                   *agent = segment_part(s, PART_AGENT, doc, 1, 4);
    const int64_t *time = segment_part(s, PART_TIME, doc, 1, 8);
    const uint8_t *flags = segment_part(s, PART_FLAGS, doc, 1, 1);
    if (!seq || !number || !conversation || !agent || !time || !flags)
        return false;
    const struct conversation_row *c = segment_part(s, PART_CONVERSATIONS, *conversation, 1, sizeof *c);
    if (!c)
        return false;
    struct index_hit hit = {.seq = s->foot.base + *seq,
                            .conversation = (int64_t)c->hash,
                            .turn_number = *number,
                            .timestamp = *time,
                            .asks = *flags & DOC_ASKS,
                            .role = (enum index_role)(*flags >> DOC_ROLE_SHIFT & ROLE_MASK)};
    *out = (struct located){hit, part, doc, *agent, *conversation};
    return true;
}

/* ---- around ---- */
struct run { /* turn numbers of one conversation */
    int64_t conversation, first, last;
    uint32_t part; /* of one of its hits: the others mostly are there too */
    uint32_t row;  /* the conversation in it */
};
struct around {
    const struct ranking *r;
    struct run *runs;
    size_t n_runs;
    struct index_hit **known; /* the hits, by conversation and turn number */
    size_t n_known;
    struct located *out;
    size_t n, cap;
};

static int compare_places(int64_t conversation, int64_t number, int64_t other, int64_t other_number)
{
    if (conversation != other)
        return conversation < other ? -1 : 1;
    return (number > other_number) - (number < other_number);
}

static int compare_hits(const void *a, const void *b)
{
    const struct index_hit *x = *(struct index_hit *const *)a, *y = *(struct index_hit *const *)b;
    return compare_places(x->conversation, x->turn_number, y->conversation, y->turn_number);
}

/* The runs of turns within `reach` of a hit, without overlap, ascending. */
static enum err_code make_runs(struct around *r, struct arena *a, struct located *best, size_t n, int reach,
                               struct err *e)
{
    r->known = arena_array(a, struct index_hit *, n);
    r->runs = arena_array(a, struct run, n);
    r->cap = n * 2 * (size_t)reach;
    r->out = arena_array(a, struct located, r->cap);
    if (!r->known || !r->runs || !r->out)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        r->known[i] = &best[i].hit;
    r->n_known = n;
    qsort(r->known, n, sizeof *r->known, compare_hits);
    for (size_t i = 0; i < n; i++) {
        const struct index_hit *h = r->known[i];
        const struct located *place =
            (const struct located *)(const void *)h; /* a hit is the first member of its place */
        struct run *last = r->n_runs ? &r->runs[r->n_runs - 1] : NULL;
        if (last && last->conversation == h->conversation && h->turn_number - reach <= last->last + 1)
            last->last = h->turn_number + reach;
        else
            r->runs[r->n_runs++] =
                (struct run){h->conversation, h->turn_number - reach, h->turn_number + reach, place->part, place->row};
    }
    return ERR_OK;
}

static bool is_known(const struct around *r, const struct index_hit *h)
{
    return bsearch(&h, r->known, r->n_known, sizeof *r->known, compare_hits) != NULL;
}

static bool turn_number(struct segment *s, uint32_t doc, int64_t *out)
{
    const uint32_t *n = segment_part(s, PART_TURN, doc, 1, sizeof *n);
    *out = n ? *n : 0;
    return n != NULL;
}

/* A run's turns in one part. *before, *after: turns of the run that the part does not have, so that one before or after
 * it may. False: the segment is bad. */
static bool around_in(struct around *r, const struct run *run, uint32_t part, const struct conversation_row *c,
                      bool *before, bool *after)
{
    const struct part_of *p = &r->r->parts[part];
    int64_t number = 0;
    uint32_t low = c->first, high = c->first + c->n, end = high;
    while (low < high) { /* the first at or after the run's first */
        uint32_t middle = low + (high - low) / 2;
        if (!turn_number(p->s, middle, &number))
            return false;
        if (number < run->first)
            low = middle + 1;
        else
            high = middle;
    }
    *before = low == c->first;
    *after = true;
    for (bool first = true; low < end; low++, first = false) {
        struct located found;
        bool wanted;
        if (!turn_number(p->s, low, &number))
            return false;
        if (first && number <= (run->first > 1 ? run->first : 1))
            *before = false;
        *after = number < run->last;
        if (number > run->last)
            return true;
        if (!rank_wants(r->r, p, low, &wanted))
            return false;
        wanted = wanted && extent_has(p, low); /* the conversation is named by a hash */
        if (wanted && !place_of(r->r, part, low, &found))
            return false;
        if (wanted && r->n < r->cap && !is_known(r, &found.hit))
            r->out[r->n++] = found;
    }
    return true;
}

/* Parts ascend in seq, and so do the turns of a conversation: earlier ones are in parts before. Only the last may be
 * what was taken from the store to fill holes, and then holds turns from anywhere. */
static bool around_elsewhere(struct around *r, const struct run *run, uint32_t from, uint32_t to)
{
    for (uint32_t k = from; k < to; k++) {
        struct segment *s = r->r->parts[k].s;
        const struct conversation_row *c = segment_find_conversation(s, (uint64_t)run->conversation);
        bool ignored;
        if (c ? !around_in(r, run, k, c, &ignored, &ignored) : atomic_load(&s->bad)) {
            (void)segment_bad(s, NULL);
            return false;
        }
    }
    return true;
}

static enum err_code find_around(struct around *r, struct err *e)
{
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct run *run = &r->runs[i];
        struct segment *s = r->r->parts[run->part].s;
        const struct conversation_row *c = segment_part(s, PART_CONVERSATIONS, run->row, 1, sizeof *c);
        bool before = false, after = false;
        if (!c || c->first > s->foot.n_docs || c->n > s->foot.n_docs - c->first ||
            !around_in(r, run, run->part, c, &before, &after))
            return segment_bad(s, e);
        uint32_t n = (uint32_t)r->r->n_parts, last = n - 1, next = run->part + 1;
        bool down = before || (after && run->part == last), up = before || after;
        if ((down && !around_elsewhere(r, run, 0, run->part)) ||
            (up && !around_elsewhere(r, run, after || next > last ? next : last, n)))
            return err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
    }
    return ERR_OK;
}

/* ---- speakers ---- */
struct naming {
    const struct index_query *q;
    uint32_t named;
};

static int name_word(void *arg, const struct token *t)
{
    struct naming *m = arg;
    for (size_t i = 0; i < m->q->n_terms; i++)
        if (str_eq(m->q->terms[i], t->form))
            m->named |= (uint32_t)1 << i;
    return 0;
}

static enum err_code name_of(const struct ranking *r, const struct located *p, uint32_t *named, struct err *e)
{
    struct naming m = {r->q, 0};
    struct str name;
    struct segment *s = r->parts[p->part].s;
    const struct name_ref *ref = segment_part(s, PART_AGENTS, p->agent, 1, sizeof *ref);
    if (!ref || !segment_name(s, *ref, &name))
        return segment_bad(s, e);
    tokens_walk(name, TOKENS_WORDS, name_word, &m);
    *named = m.named;
    return ERR_OK;
}

enum { NAMES_KNOWN = 256 };
struct names_met {               /* the agents met lately: there are few */
    uint64_t agent[NAMES_KNOWN]; /* + 1 */
    uint32_t named[NAMES_KNOWN];
};

static enum err_code speaker(const struct ranking *r, struct names_met *met, struct located *p, struct err *e)
{
    uint64_t agent = ((uint64_t)p->part << 32 | p->agent) + 1;
    size_t slot = (p->agent + p->part * (size_t)37) % NAMES_KNOWN;
    if (met->agent[slot] != agent) {
        enum err_code code = name_of(r, p, &met->named[slot], e);
        if (code)
            return code;
        met->agent[slot] = agent;
    }
    p->hit.speaker = met->named[slot];
    return ERR_OK;
}

enum err_code places_hand_over(const struct ranking *r, struct arena *scratch, struct arena *a, struct located *best,
                               size_t n, struct index_hits *out, struct err *e)
{
    struct around around = {.r = r};
    struct names_met *met = arena_alloc(scratch, sizeof *met);
    int reach = r->q->around > AROUND_MAX ? AROUND_MAX : r->q->around;
    enum err_code code = ERR_OK;
    if (!met)
        return err_nomem(e);
    if (n > 0 && reach > 0) {
        code = make_runs(&around, scratch, best, n, reach, e);
        if (code == ERR_OK)
            code = find_around(&around, e);
    }
    if (code)
        return code;
    out->hits = arena_array(a, struct index_hit, n + around.n + 1);
    if (!out->hits)
        return err_nomem(e);
    for (size_t i = 0; i < n + around.n; i++) {
        struct located *p = i < n ? &best[i] : &around.out[i - n];
        code = speaker(r, met, p, e);
        if (code)
            return code;
        out->hits[i] = p->hit;
    }
    out->n = n;
    out->n_around = around.n;
    return ERR_OK;
}
