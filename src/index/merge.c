/* Merging: several neighbouring segments → one, without the documents that are dead. First the new order of documents,
 * conversation by conversation (a map for each segment from old numbers to new ones), then the columns run by run, then
 * the lists term by term. In memory are the maps, the names, one list and the new dictionary; the rest streams. */
#include "index/segment.h"

#include "base/mem.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { DEAD = UINT32_MAX, UNMET = UINT32_MAX, PAUSE_EVERY = 256, TF_BITS = 8, LET_GO_BYTES = 4 << 20 };

struct run { /* neighbouring documents that stay neighbours */
    uint32_t source, from, n, conversation;
};
struct source {
    struct segment *s;
    uint32_t *map;    /* old document → new one or DEAD */
    uint32_t *agents; /* old agent → new one or UNMET */
    /* the conversation that is next */
    uint32_t at;
    const struct conversation_row *row;
    struct str project, session, id;
    struct term_walk terms;
    bool more;    /* terms holds one that was not written yet */
    uint64_t key; /* its first eight bytes, as a number that sorts as they do: most terms differ there */
};
struct merging {
    const struct merge *m;
    struct source *sources;
    struct buf runs;
    struct names names;
    uint8_t *lengths;
    uint32_t docs;
    struct segment_foot foot;
    struct sink *k;
    /* one term */
    uint64_t *postings, *other; /* doc << TF_BITS | tf */
    size_t *ends;               /* of each source's part */
    uint32_t *list_docs;
    uint8_t *list_tf;
    size_t room;
};

static enum err_code pause_now(const struct merging *g, struct err *e)
{
    if (g->m->pause && g->m->pause(g->m->arg))
        return err_set(e, ERR_UNAVAILABLE, NULL, "the merge was stopped");
    return ERR_OK;
}

/* ---- order ---- */
/* The source's next conversation; `row` is NULL when there is none. */
static bool look_at_next(struct source *c)
{
    c->row = NULL;
    if (c->at >= c->s->foot.n_conversations)
        return true;
    const struct conversation_row *row = segment_part(c->s, PART_CONVERSATIONS, c->at, 1, sizeof *row);
    const struct session_row *session =
        row ? segment_part(c->s, PART_SESSIONS, row->session, 1, sizeof *session) : NULL;
    if (!session || !segment_name(c->s, row->id, &c->id) || !segment_name(c->s, session->id, &c->session) ||
        !segment_name(c->s, session->project, &c->project))
        return false;
    if (row->first > c->s->foot.n_docs || row->n > c->s->foot.n_docs - row->first)
        return segment_bad(c->s, NULL) == ERR_OK;
    c->row = row;
    return true;
}

static int compare_sources(const struct source *a, const struct source *b)
{
    int order = str_cmp(a->project, b->project);
    order = order ? order : str_cmp(a->session, b->session);
    return order ? order : str_cmp(a->id, b->id);
}

static bool take_doc(struct merging *g, struct source *c, uint32_t doc, struct run *run)
{
    const uint8_t *length = segment_part(c->s, PART_LENGTH, doc, 1, 1);
    if (!length)
        return false;
    if (run->n == 0)
        run->from = doc;
    run->n++;
    c->map[doc] = g->docs;
    g->lengths[g->docs++] = *length;
    names_docs(&g->names, 1, length_bytes(*length));
    g->foot.bytes += length_bytes(*length);
    return true;
}

static bool take_conversation(struct merging *g, struct source *c)
{
    struct run run = {.source = (uint32_t)(c - g->sources), .conversation = g->names.n_conversations - 1};
    for (uint32_t doc = c->row->first; doc < c->row->first + c->row->n; doc++) {
        if (c->map[doc] != DEAD) /* rows that overlap: forged, each document counts once */
            return segment_bad(c->s, NULL) == ERR_OK;
        if (!segment_is_dead(c->s, doc)) {
            if (!take_doc(g, c, doc, &run))
                return false;
        } else if (run.n) {
            buf_put(&g->runs, &run, sizeof run);
            run.n = 0;
        }
    }
    if (run.n)
        buf_put(&g->runs, &run, sizeof run);
    c->at++;
    return look_at_next(c);
}

static bool all_dead(const struct source *c)
{
    for (uint32_t doc = c->row->first; doc < c->row->first + c->row->n; doc++)
        if (!segment_is_dead(c->s, doc))
            return false;
    return true;
}

/* All sources' parts of the conversation that comes first; sources ascend in seq, and so do turn numbers. */
static bool take_next(struct merging *g, const struct source *first, struct source *before)
{
    struct source key = *first;
    for (size_t i = 0; i < g->m->n; i++) {
        struct source *c = &g->sources[i];
        if (!c->row || compare_sources(c, &key) != 0)
            continue;
        if (all_dead(c)) {
            c->at++;
            if (!look_at_next(c))
                return false;
            continue;
        }
        bool session = !before->row || !str_eq(before->session, key.session) || !str_eq(before->project, key.project);
        if (session)
            names_session(&g->names, key.session, key.project, g->docs);
        if (session || !str_eq(before->id, key.id))
            names_conversation(&g->names, key.id, g->docs);
        *before = key;
        if (!take_conversation(g, c))
            return false;
    }
    return true;
}

static enum err_code order_docs(struct merging *g, struct err *e)
{
    struct source before = {.row = NULL};
    for (size_t i = 0; i < g->m->n; i++)
        if (!look_at_next(&g->sources[i]))
            return segment_bad(g->sources[i].s, e);
    for (;;) {
        struct source *first = NULL;
        for (size_t i = 0; i < g->m->n; i++) {
            struct source *c = &g->sources[i];
            if (c->row && (!first || compare_sources(c, first) < 0))
                first = c;
        }
        if (!first)
            break;
        if (!take_next(g, first, &before))
            return err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
        if (pause_now(g, e))
            return e->code;
    }
    g->foot.n_docs = g->docs;
    return g->runs.failed ? err_nomem(e) : ERR_OK;
}

/* ---- columns ---- */
static const struct run *run_at(const struct merging *g, size_t i)
{
    return i < g->runs.n / sizeof(struct run) ? (const struct run *)(const void *)g->runs.p + i : NULL;
}

/* A column whose values stay as they are. */
static bool copy_column(struct merging *g, enum part p, size_t size)
{
    const struct run *r;
    sink_part(g->k, p);
    for (size_t i = 0; (r = run_at(g, i)); i++) {
        const void *values = segment_part(g->sources[r->source].s, p, r->from, r->n, size);
        if (!values)
            return false;
        sink_put(g->k, values, r->n * size);
    }
    return true;
}

/* An agent gets its number when its first turn comes: the names of those whose turns are all dead must not stay. */
static bool map_agent(struct merging *g, struct source *c, uint32_t old)
{
    struct str name;
    if (old >= c->s->foot.n_agents)
        return segment_bad(c->s, NULL) == ERR_OK;
    if (c->agents[old] != UNMET)
        return true;
    const struct name_ref *r = segment_part(c->s, PART_AGENTS, old, 1, sizeof *r);
    if (!r || !segment_name(c->s, *r, &name))
        return false;
    c->agents[old] = names_agent(&g->names, name);
    return true;
}

/* seq, conversation and agent mean something else in the new segment. */
static bool translate_column(struct merging *g, enum part p)
{
    const struct run *r;
    sink_part(g->k, p);
    for (size_t i = 0; (r = run_at(g, i)); i++) {
        struct source *c = &g->sources[r->source];
        const uint32_t *old = segment_part(c->s, p, r->from, r->n, sizeof *old);
        uint32_t more = (uint32_t)(c->s->foot.base - g->foot.base);
        for (uint32_t k = 0; old && k < r->n; k++) {
            uint32_t v = r->conversation;
            if (p == PART_AGENT && !map_agent(g, c, old[k]))
                return false;
            if (p != PART_CONVERSATION)
                v = p == PART_SEQ ? old[k] + more : c->agents[old[k]];
            sink_put(g->k, &v, sizeof v);
        }
        if (!old)
            return false;
    }
    return true;
}

static bool write_by_seq(struct merging *g)
{
    sink_part(g->k, PART_BY_SEQ);
    for (size_t i = 0; i < g->m->n; i++) {
        struct source *c = &g->sources[i];
        uint32_t n = c->s->foot.n_docs;
        const uint32_t *docs = segment_part(c->s, PART_BY_SEQ, 0, n, sizeof *docs);
        for (uint32_t k = 0; docs && k < n; k++) {
            if (docs[k] >= n)
                return segment_bad(c->s, NULL) == ERR_OK;
            if (c->map[docs[k]] != DEAD)
                sink_put(g->k, &c->map[docs[k]], sizeof *c->map);
        }
        if (!docs)
            return false;
    }
    return true;
}

static enum err_code write_columns(struct merging *g, struct err *e)
{
    bool good = translate_column(g, PART_SEQ) && copy_column(g, PART_TIME, sizeof(int64_t)) &&
                copy_column(g, PART_TURN, sizeof(uint32_t)) && translate_column(g, PART_CONVERSATION) &&
                translate_column(g, PART_AGENT) && copy_column(g, PART_LENGTH, 1) && copy_column(g, PART_FLAGS, 1) &&
                write_by_seq(g);
    return good ? ERR_OK : err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
}

/* ---- lists ---- */
static bool make_room(struct merging *g, size_t n)
{
    if (n <= g->room)
        return true;
    size_t room = n + n / 2 + POSTINGS_BLOCK;
    mem_free(g->postings);
    mem_free(g->other);
    mem_free(g->list_docs);
    mem_free(g->list_tf);
    g->postings = mem_alloc(room * sizeof *g->postings);
    g->other = mem_alloc(room * sizeof *g->other);
    g->list_docs = mem_alloc(room * sizeof *g->list_docs);
    g->list_tf = mem_alloc(room);
    g->room = g->postings && g->other && g->list_docs && g->list_tf ? room : 0;
    return g->room > 0;
}

/* One source's postings with their new numbers, which ascend as the old ones did. */
static bool gather(struct merging *g, struct source *c, size_t *n)
{
    struct cursor cursor;
    if (!cursor_open(&cursor, c->s, c->terms.list))
        return false;
    for (uint32_t b = 0; b < cursor.n_blocks; b++) {
        if (!cursor_load(&cursor, b))
            return false;
        for (uint32_t i = 0; i < cursor.n; i++) {
            uint32_t doc = c->map[cursor.docs[i]];
            if (doc != DEAD)
                g->postings[(*n)++] = (uint64_t)doc << TF_BITS | cursor.tf[i];
        }
    }
    return true;
}

static void merge_two(const uint64_t *a, const uint64_t *a_end, const uint64_t *b, const uint64_t *b_end, uint64_t *out)
{
    while (a < a_end && b < b_end)
        *out++ = *a < *b ? *a++ : *b++;
    while (a < a_end)
        *out++ = *a++;
    while (b < b_end)
        *out++ = *b++;
}

/* The sources' parts, each ascending, into one. */
static void merge_parts(struct merging *g, size_t parts)
{
    for (; parts > 1; parts = (parts + 1) / 2) {
        size_t from = 0;
        for (size_t i = 0; i < parts; i += 2) {
            size_t middle = g->ends[i], end = i + 1 < parts ? g->ends[i + 1] : middle;
            merge_two(g->postings + from, g->postings + middle, g->postings + middle, g->postings + end,
                      g->other + from);
            g->ends[i / 2] = end;
            from = end;
        }
        uint64_t *swap = g->postings;
        g->postings = g->other;
        g->other = swap;
    }
}

static bool put_list(struct merging *g, struct str term, size_t n, struct terms_out *terms, struct buf *list)
{
    for (size_t i = 0; i < n; i++) {
        g->list_docs[i] = (uint32_t)(g->postings[i] >> TF_BITS);
        g->list_tf[i] = (uint8_t)g->postings[i];
        if (i && g->list_docs[i] <= g->list_docs[i - 1])
            return false; /* two segments hold one turn: forged */
    }
    buf_clear(list);
    postings_put(list, g->list_docs, g->list_tf, (uint32_t)n, g->lengths);
    sink_put(g->k, list->p, list->n);
    terms_put(terms, term, (uint32_t)n, list->n);
    return true;
}

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

static struct source *first_term(struct merging *g)
{
    struct source *first = NULL;
    for (size_t i = 0; i < g->m->n; i++) {
        struct source *c = &g->sources[i];
        if (c->more && (!first || compare_terms(c, first) < 0))
            first = c;
    }
    return first;
}

/* The list of the term that comes first, from all sources that have it. */
static enum err_code next_list(struct merging *g, const struct source *first, struct terms_out *terms, struct buf *list,
                               struct err *e)
{
    char term[TERM_MAX_BYTES];
    size_t n = 0, parts = 0, most = 0;
    uint64_t key = first->key;
    struct str name = {term, first->terms.n};
    memcpy(term, first->terms.term, name.n);
    for (size_t i = 0; i < g->m->n; i++)
        most += g->sources[i].more ? g->sources[i].terms.list.df : 0;
    if (!make_room(g, most))
        return err_nomem(e);
    for (size_t i = 0; i < g->m->n; i++) {
        struct source *c = &g->sources[i];
        if (!c->more || c->key != key || !str_eq(term_of(c), name))
            continue;
        if (!gather(g, c, &n))
            return segment_bad(c->s, e);
        g->ends[parts++] = n;
        next_term(c);
    }
    merge_parts(g, parts);
    if (n > 0 && !put_list(g, name, n, terms, list))
        return err_set(e, ERR_CORRUPT, NULL, "segments of the index overlap");
    return list->failed ? err_nomem(e) : ERR_OK;
}

/* A merge reads all of its sources once: they need not stay in memory. */
static void let_go(const struct merging *g, uint64_t *at)
{
    if (sink_at(g->k) < *at)
        return;
    for (size_t i = 0; i < g->m->n; i++)
        segment_let_go(g->sources[i].s);
    *at = sink_at(g->k) + LET_GO_BYTES;
}

static enum err_code write_lists(struct merging *g, struct err *e)
{
    struct terms_out terms;
    struct buf list;
    struct source *first;
    uint64_t let_go_at = LET_GO_BYTES;
    enum err_code code = ERR_OK;
    terms_out_init(&terms);
    if (g->m->to.path && !keyring_seals(g->m->to.keys))
        terms_out_spool(&terms, g->m->to.path);
    buf_init(&list, 0);
    sink_part(g->k, PART_POSTINGS);
    for (size_t i = 0; i < g->m->n; i++) {
        term_walk_begin(g->sources[i].s, &g->sources[i].terms);
        next_term(&g->sources[i]);
    }
    for (size_t i = 0; code == ERR_OK && (first = first_term(g)); i++) {
        code = next_list(g, first, &terms, &list, e);
        if (code == ERR_OK && i % PAUSE_EVERY == 0)
            code = pause_now(g, e);
        let_go(g, &let_go_at);
    }
    for (size_t i = 0; code == ERR_OK && i < g->m->n; i++)
        if (atomic_load(&g->sources[i].s->bad))
            code = segment_bad(g->sources[i].s, e);
    if (code == ERR_OK && (terms.terms.failed || terms.blocks.failed))
        code = err_nomem(e);
    g->foot.n_terms = terms.n;
    sink_part(g->k, PART_TERMS);
    if (code == ERR_OK)
        code = terms_out_write(&terms, g->k, e);
    sink_part(g->k, PART_TERM_BLOCKS);
    if (code == ERR_OK)
        code = blocks_out_write(&terms, g->k, e);
    terms_out_release(&terms);
    buf_release(&list);
    return code;
}

/* ---- the whole ---- */
static enum err_code prepare(struct merging *g, struct err *e)
{
    const struct merge *m = g->m;
    uint64_t docs = 0;
    g->sources = mem_zalloc((m->n + 1) * sizeof *g->sources);
    g->ends = mem_alloc((m->n + 1) * sizeof *g->ends);
    if (!g->sources || !g->ends)
        return err_nomem(e);
    for (size_t i = 0; i < m->n; i++) {
        struct source *c = &g->sources[i];
        c->s = m->from[i];
        docs += c->s->foot.n_docs;
        c->map = mem_alloc(((size_t)c->s->foot.n_docs + 1) * sizeof *c->map);
        c->agents = mem_alloc(((size_t)c->s->foot.n_agents + 1) * sizeof *c->agents);
        if (!c->map || !c->agents)
            return err_nomem(e);
        memset(c->map, 0xff, (size_t)c->s->foot.n_docs * sizeof *c->map);
        memset(c->agents, 0xff, (size_t)c->s->foot.n_agents * sizeof *c->agents);
        if (i && c->s->foot.from != m->from[i - 1]->foot.to)
            return err_set(e, ERR_INTERNAL, NULL, "only neighbouring segments can be merged");
    }
    g->foot.from = g->foot.base = m->n ? m->from[0]->foot.from : 0;
    g->foot.to = m->n ? m->from[m->n - 1]->foot.to : 0;
    if (docs > SEGMENT_DOCS_MAX || g->foot.to - g->foot.from > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "too many turns for one segment");
    g->lengths = mem_alloc((size_t)docs + 1);
    return g->lengths ? ERR_OK : err_nomem(e);
}

static void release(struct merging *g)
{
    for (size_t i = 0; g->sources && i < g->m->n; i++) {
        mem_free(g->sources[i].map);
        mem_free(g->sources[i].agents);
    }
    mem_free(g->sources);
    mem_free(g->ends);
    mem_free(g->lengths);
    mem_free(g->postings);
    mem_free(g->other);
    mem_free(g->list_docs);
    mem_free(g->list_tf);
    buf_release(&g->runs);
    names_release(&g->names);
}

enum err_code segment_merge(const struct merge *m, struct sink_done *out, struct err *e)
{
    struct err own = {0};
    struct merging g = {.m = m};
    names_init(&g.names);
    buf_init(&g.runs, 0);
    enum err_code code = prepare(&g, &own);
    if (code == ERR_OK)
        code = sink_new(&m->to, &g.k, &own);
    if (code == ERR_OK)
        code = order_docs(&g, &own);
    if (code == ERR_OK)
        code = write_columns(&g, &own);
    if (code == ERR_OK)
        code = names_write(&g.names, g.k, &g.foot, &own);
    if (code == ERR_OK)
        code = write_lists(&g, &own);
    if (code == ERR_OK) {
        code = sink_finish(g.k, &g.foot, out, &own);
        g.k = NULL;
    }
    sink_abandon(g.k);
    release(&g);
    return code ? err_set(e, code, NULL, "%s", own.message) : ERR_OK;
}
