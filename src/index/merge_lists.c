/* The lists of a merge: term by term, from all sources that have the term. Of each source one block of postings is in
 * memory; those with the least documents go out first, as far as the next source's least. */
#include "index/merge_int.h"

#include "base/mem.h"

#include <endian.h>
#include <string.h>

enum { PAUSE_EVERY = 256, HEAD_SHIFT = 32, MANY = 16 };
static const uint64_t NOTHING = UINT64_MAX;

struct lists {
    struct merging *g;
    struct terms_out terms;
    struct postings_out list;
    uint32_t *parts; /* the sources that have the term */
    uint64_t *heads; /* the least document that each has left << HEAD_SHIFT | its number here; NOTHING */
    size_t n_parts;
};

/* ---- one source's postings ---- */
/* The block's, with their new numbers, which ascend as the old ones did. */
static void translate(struct source *c)
{
    const struct cursor *from = &c->cursor;
    const uint8_t *lengths = c->lengths;
    const struct piece *pieces = source_pieces(c);
    const uint32_t *first_piece = c->first_piece;
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n; i++) {
        uint32_t doc = from->docs[i];
        const struct piece *p = piece_of(pieces, first_piece, doc);
        c->docs[n] = doc - p->from + p->to;
        c->tf[n] = from->tf[i];
        c->doc_lengths[n] = lengths[doc];
        n += doc >= p->from;
    }
    c->n = n;
}

/* The next ones, if there are any: n is 0 when there are not. */
static bool next_postings(struct source *c)
{
    c->i = c->n = 0;
    while (c->n == 0 && c->block < c->cursor.n_blocks) {
        if (!cursor_walk(&c->cursor, c->block++))
            return false;
        translate(c);
    }
    return true;
}

static bool first_postings(struct source *c)
{
    c->block = 0;
    return cursor_open(&c->cursor, c->s, c->terms.list) && next_postings(c);
}

/* ---- one list ---- */
static uint64_t head_of(const struct source *c, uint32_t number)
{
    return c->n > 0 ? (uint64_t)c->docs[c->i] << HEAD_SHIFT | number : NOTHING;
}

static bool begin_parts(struct lists *l)
{
    for (size_t i = 0; i < l->n_parts; i++) {
        struct source *c = &l->g->sources[l->parts[i]];
        if (!first_postings(c))
            return false;
        l->heads[i] = head_of(c, (uint32_t)i);
    }
    return true;
}

/* The two least heads. Sources are few, and a guess that is wrong costs more than looking at all. */
static uint64_t least_heads(const struct lists *l, uint64_t *second)
{
    uint64_t first = NOTHING, next = NOTHING;
    for (size_t i = 0; i < l->n_parts; i++) {
        uint64_t head = l->heads[i], larger = head > first ? head : first;
        first = head < first ? head : first;
        next = larger < next ? larger : next;
    }
    *second = next;
    return first;
}

/* What the first source has before any other. False: its segment is `bad`. */
static bool take_some(struct lists *l, uint64_t first, uint32_t until)
{
    uint32_t number = (uint32_t)first;
    struct source *c = &l->g->sources[l->parts[number]];
    uint32_t i = c->i, n = c->n;
    if (n - i >= MANY && c->docs[n - 1] < until) {
        postings_out_add(&l->list, c->docs + i, c->tf + i, c->doc_lengths + i, n - i);
        i = n;
    }
    while (i < n && (c->docs[i] < until || i == c->i)) {
        postings_out_one(&l->list, c->docs[i], c->tf[i], c->doc_lengths[i]);
        i++;
    }
    c->i = i;
    if (c->i == c->n && !next_postings(c))
        return false;
    l->heads[number] = head_of(c, number);
    return true;
}

static enum err_code add_parts(struct lists *l, struct err *e)
{
    uint64_t first, second;
    bool good = begin_parts(l);
    while (good && (first = least_heads(l, &second)) != NOTHING)
        good = take_some(l, first, (uint32_t)(second >> HEAD_SHIFT));
    if (!good)
        return err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
    if (l->list.wrong)
        return err_set(e, ERR_CORRUPT, NULL, "segments of the index overlap");
    return l->list.skips.failed || l->list.blocks.failed ? err_nomem(e) : ERR_OK;
}

static enum err_code put_list(struct lists *l, struct str term, struct err *e)
{
    uint64_t bytes = 0;
    enum err_code code;
    postings_out_begin(&l->list);
    do {
        code = add_parts(l, e);
    } while (!code && !postings_out_end(&l->list, l->g->k, &bytes));
    if (!code && l->list.df > 0)
        terms_put(&l->terms, term, l->list.df, bytes);
    return code;
}

/* ---- terms ---- */
static struct str term_of(const struct source *c)
{
    return (struct str){c->terms.term, c->terms.n};
}

static void next_term(struct source *c)
{
    c->more = term_walk_next(&c->terms);
    c->key = 0;
    memcpy(&c->key, c->terms.term, c->terms.n < sizeof c->key ? c->terms.n : sizeof c->key);
    c->key = be64toh(c->key);
}

static int compare_terms(const struct source *a, const struct source *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return str_cmp(term_of(a), term_of(b));
}

/* The sources whose term comes first; none: there are no more terms. */
static void find_parts(struct lists *l)
{
    struct merging *g = l->g;
    l->n_parts = 0;
    for (uint32_t i = 0; i < g->m->n; i++) {
        const struct source *c = &g->sources[i];
        if (!c->more)
            continue;
        int order = l->n_parts ? compare_terms(c, &g->sources[l->parts[0]]) : -1;
        if (order < 0)
            l->n_parts = 0;
        if (order <= 0)
            l->parts[l->n_parts++] = i;
    }
}

static enum err_code put_lists(struct lists *l, struct err *e)
{
    struct merging *g = l->g;
    enum err_code code = ERR_OK;
    find_parts(l);
    for (size_t i = 0; code == ERR_OK && l->n_parts > 0; i++) {
        code = put_list(l, term_of(&g->sources[l->parts[0]]), e);
        for (size_t k = 0; k < l->n_parts; k++)
            next_term(&g->sources[l->parts[k]]);
        if (code == ERR_OK && i % PAUSE_EVERY == 0)
            code = merge_pause(g, e);
        g->terms_bytes = l->terms.terms_spool.n + l->terms.terms.n;
        merge_let_go(g, PART_POSTINGS);
        find_parts(l);
    }
    for (size_t i = 0; code == ERR_OK && i < g->m->n; i++)
        if (atomic_load(&g->sources[i].s->bad))
            code = segment_bad(g->sources[i].s, e);
    return code;
}

/* ---- the whole ---- */
static enum err_code begin_sources(struct merging *g, struct err *e)
{
    for (size_t i = 0; i < g->m->n; i++) {
        struct source *c = &g->sources[i];
        c->lengths = segment_part(c->s, PART_LENGTH, 0, c->s->foot.n_docs, 1);
        if (!c->lengths)
            return segment_bad(c->s, e);
        term_walk_begin(c->s, &c->terms);
        next_term(c);
    }
    return ERR_OK;
}

static enum err_code put_terms(struct lists *l, struct err *e)
{
    struct merging *g = l->g;
    if (l->terms.terms.failed || l->terms.blocks.failed)
        return err_nomem(e);
    g->foot.n_terms = l->terms.n;
    sink_part(g->k, PART_TERMS);
    enum err_code code = terms_out_write(&l->terms, g->k, e);
    sink_part(g->k, PART_TERM_BLOCKS);
    return code ? code : blocks_out_write(&l->terms, g->k, e);
}

enum err_code merge_lists(struct merging *g, struct err *e)
{
    struct lists l = {.g = g};
    terms_out_init(&l.terms);
    postings_out_init(&l.list);
    if (g->m->to.path)
        terms_out_spool(&l.terms, &g->m->to);
    l.parts = mem_alloc((g->m->n + 1) * sizeof *l.parts);
    l.heads = mem_alloc((g->m->n + 1) * sizeof *l.heads);
    enum err_code code = l.parts && l.heads ? begin_sources(g, e) : err_nomem(e);
    sink_part(g->k, PART_POSTINGS);
    if (code == ERR_OK)
        code = put_lists(&l, e);
    if (code == ERR_OK)
        code = put_terms(&l, e);
    mem_free(l.parts);
    mem_free(l.heads);
    postings_out_release(&l.list);
    terms_out_release(&l.terms);
    return code;
}
