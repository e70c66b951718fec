/* Merging: several neighbouring segments → one, without the documents that are dead. First the new order of documents,
 * conversation by conversation (pieces of each segment that stay together), then the columns piece by piece, then the
 * lists term by term (merge_lists.c). In memory are the pieces and the names; the rest streams, whatever the size. */
#include "index/merge_int.h"

#include "base/mem.h"

#include <string.h>

enum { UNMET = UINT32_MAX, SLICE = 1 << 14, LET_GO_BYTES = 4 << 20 };

enum err_code merge_pause(const struct merging *g, struct err *e)
{
    if (g->m->pause && g->m->pause(g->m->arg))
        return err_set(e, ERR_UNAVAILABLE, NULL, "the merge was stopped");
    return ERR_OK;
}

void merge_let_go(struct merging *g, enum part from)
{
    uint64_t out = sink_at(g->k) + g->terms_bytes;
    if (out < g->let_go_at)
        return;
    for (size_t i = 0; i < g->m->n; i++)
        segment_let_go(g->sources[i].s, from);
    g->let_go_at = out + LET_GO_BYTES;
}

/* ---- order ---- */
/* The source's next conversation; `row` is NULL when there is none. */
static bool look_at_next(struct source *c)
{
    struct place *p = &c->next;
    p->row = NULL;
    if (c->at >= c->s->foot.n_conversations)
        return true;
    const struct conversation_row *row = segment_part(c->s, PART_CONVERSATIONS, c->at, 1, sizeof *row);
    const struct session_row *session =
        row ? segment_part(c->s, PART_SESSIONS, row->session, 1, sizeof *session) : NULL;
    if (!session || !segment_name(c->s, row->id, &p->id) || !segment_name(c->s, session->id, &p->session) ||
        !segment_name(c->s, session->project, &p->project))
        return false;
    if (row->first > c->s->foot.n_docs || row->n > c->s->foot.n_docs - row->first)
        return segment_bad(c->s, NULL) == ERR_OK;
    if (row->first < c->ordered) /* rows that overlap: forged, each document counts once */
        return segment_bad(c->s, NULL) == ERR_OK;
    c->ordered = row->first + row->n;
    p->row = row;
    return true;
}

static int compare_places(const struct place *a, const struct place *b)
{
    int order = str_cmp(a->project, b->project);
    order = order ? order : str_cmp(a->session, b->session);
    return order ? order : str_cmp(a->id, b->id);
}

static void end_piece(struct merging *g, struct source *c, struct piece *p)
{
    uint32_t source = (uint32_t)(c - g->sources);
    if (p->end == p->from)
        return;
    buf_put(&c->pieces, p, sizeof *p);
    buf_put(&g->order, &source, sizeof source);
    p->end = p->from;
}

static void take_doc(struct merging *g, uint8_t length, uint32_t doc, struct piece *p)
{
    if (p->end == p->from) {
        p->from = p->end = doc;
        p->to = g->docs;
    }
    p->end++;
    g->docs++;
    names_docs(&g->names, 1, length_bytes(length));
    g->foot.bytes += length_bytes(length);
}

static bool take_conversation(struct merging *g, struct source *c)
{
    const struct conversation_row *row = c->next.row;
    struct piece p = {.conversation = g->names.n_conversations - 1};
    for (uint32_t doc = row->first; doc < row->first + row->n; doc++) {
        if (segment_is_dead(c->s, doc)) {
            end_piece(g, c, &p);
            continue;
        }
        const uint8_t *length = segment_part(c->s, PART_LENGTH, doc, 1, 1);
        if (!length)
            return false;
        take_doc(g, *length, doc, &p);
    }
    end_piece(g, c, &p);
    c->at++;
    return look_at_next(c);
}

static bool all_dead(const struct source *c)
{
    const struct conversation_row *row = c->next.row;
    for (uint32_t doc = row->first; doc < row->first + row->n; doc++)
        if (!segment_is_dead(c->s, doc))
            return false;
    return true;
}

/* All sources' parts of the conversation that comes first; sources ascend in seq, and so do turn numbers. */
static bool take_next(struct merging *g, const struct source *first, struct place *before)
{
    struct place key = first->next;
    for (size_t i = 0; i < g->m->n; i++) {
        struct source *c = &g->sources[i];
        if (!c->next.row || compare_places(&c->next, &key) != 0)
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

/* The piece that no document reaches, and the table by which a document's piece is found at once. */
static bool finish_pieces(struct source *c)
{
    const struct piece none = {.from = UINT32_MAX, .end = UINT32_MAX};
    buf_put(&c->pieces, &none, sizeof none);
    size_t n = (size_t)c->s->foot.n_docs / PIECE_DOCS + 1;
    c->first_piece = mem_alloc(n * sizeof *c->first_piece);
    if (c->pieces.failed || !c->first_piece)
        return false;
    const struct piece *p = source_pieces(c);
    for (size_t i = 0, k = 0; i < n; i++) {
        while (p[k].end <= i * PIECE_DOCS)
            k++;
        c->first_piece[i] = (uint32_t)k;
    }
    return true;
}

static enum err_code order_docs(struct merging *g, struct err *e)
{
    struct place before = {.row = NULL};
    for (size_t i = 0; i < g->m->n; i++)
        if (!look_at_next(&g->sources[i]))
            return segment_bad(g->sources[i].s, e);
    for (;;) {
        struct source *first = NULL;
        for (size_t i = 0; i < g->m->n; i++) {
            struct source *c = &g->sources[i];
            if (c->next.row && (!first || compare_places(&c->next, &first->next) < 0))
                first = c;
        }
        if (!first)
            break;
        if (!take_next(g, first, &before))
            return err_set(e, ERR_CORRUPT, NULL, "a segment of the index is damaged");
        if (merge_pause(g, e))
            return e->code;
    }
    for (size_t i = 0; i < g->m->n; i++)
        if (!finish_pieces(&g->sources[i]))
            return err_nomem(e);
    g->foot.n_docs = g->docs;
    return g->order.failed ? err_nomem(e) : ERR_OK;
}

/* ---- columns ---- */
struct slice { /* of a piece, as many of its documents as are taken at once */
    struct source *source;
    const struct piece *piece;
    uint32_t from, n;
    size_t at; /* of the order: the next piece */
};

static void slices_begin(struct merging *g, enum part p, struct slice *s)
{
    *s = (struct slice){.source = NULL};
    for (size_t i = 0; i < g->m->n; i++)
        g->sources[i].walked = 0;
    sink_part(g->k, p);
}

/* All documents in the new order. */
static bool next_slice(struct merging *g, struct slice *s)
{
    s->from += s->n;
    if (!s->piece || s->from == s->piece->end) {
        if (s->at == g->order.n / sizeof(uint32_t))
            return false;
        s->source = &g->sources[((const uint32_t *)(const void *)g->order.p)[s->at++]];
        s->piece = source_pieces(s->source) + s->source->walked++;
        s->from = s->piece->from;
    }
    uint32_t left = s->piece->end - s->from;
    s->n = left < SLICE ? left : SLICE;
    merge_let_go(g, PART_SEQ);
    return true;
}

/* A column whose values stay as they are. */
static bool copy_column(struct merging *g, enum part p, size_t size)
{
    struct slice s;
    for (slices_begin(g, p, &s); next_slice(g, &s);) {
        const void *values = segment_part(s.source->s, p, s.from, s.n, size);
        if (!values)
            return false;
        sink_put(g->k, values, s.n * size);
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
    struct slice s;
    for (slices_begin(g, p, &s); next_slice(g, &s);) {
        struct source *c = s.source;
        const uint32_t *old = segment_part(c->s, p, s.from, s.n, sizeof *old);
        uint32_t more = (uint32_t)(c->s->foot.base - g->foot.base);
        for (uint32_t k = 0; old && k < s.n; k++) {
            uint32_t v = s.piece->conversation;
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

static bool put_by_seq(struct merging *g, struct source *c, uint32_t from, uint32_t n)
{
    const uint32_t *docs = segment_part(c->s, PART_BY_SEQ, from, n, sizeof *docs);
    for (uint32_t k = 0; docs && k < n; k++) {
        if (docs[k] >= c->s->foot.n_docs)
            return segment_bad(c->s, NULL) == ERR_OK;
        const struct piece *p = piece_of(source_pieces(c), c->first_piece, docs[k]);
        uint32_t doc = docs[k] - p->from + p->to;
        if (docs[k] >= p->from)
            sink_put(g->k, &doc, sizeof doc);
    }
    return docs != NULL;
}

static bool write_by_seq(struct merging *g)
{
    sink_part(g->k, PART_BY_SEQ);
    for (size_t i = 0; i < g->m->n; i++) {
        uint32_t all = g->sources[i].s->foot.n_docs;
        for (uint32_t from = 0; from < all; from += SLICE) {
            if (!put_by_seq(g, &g->sources[i], from, all - from < SLICE ? all - from : SLICE))
                return false;
            merge_let_go(g, PART_SEQ);
        }
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

/* ---- the whole ---- */
static enum err_code prepare(struct merging *g, struct err *e)
{
    const struct merge *m = g->m;
    uint64_t docs = 0;
    g->sources = mem_zalloc((m->n + 1) * sizeof *g->sources);
    if (!g->sources)
        return err_nomem(e);
    for (size_t i = 0; i < m->n; i++) {
        struct source *c = &g->sources[i];
        c->s = m->from[i];
        docs += c->s->foot.n_docs;
        buf_init(&c->pieces, SIZE_MAX / 2);
        c->agents = mem_alloc(((size_t)c->s->foot.n_agents + 1) * sizeof *c->agents);
        if (!c->agents)
            return err_nomem(e);
        memset(c->agents, 0xff, (size_t)c->s->foot.n_agents * sizeof *c->agents);
        if (i && c->s->foot.from != m->from[i - 1]->foot.to)
            return err_set(e, ERR_INTERNAL, NULL, "only neighbouring segments can be merged");
    }
    g->foot.from = g->foot.base = m->n ? m->from[0]->foot.from : 0;
    g->foot.to = m->n ? m->from[m->n - 1]->foot.to : 0;
    if (docs > SEGMENT_DOCS_MAX || g->foot.to - g->foot.from > UINT32_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "too many turns for one segment");
    return ERR_OK;
}

static void release(struct merging *g)
{
    for (size_t i = 0; g->sources && i < g->m->n; i++) {
        buf_release(&g->sources[i].pieces);
        mem_free(g->sources[i].first_piece);
        mem_free(g->sources[i].agents);
    }
    mem_free(g->sources);
    buf_release(&g->order);
    names_release(&g->names);
}

enum err_code segment_merge(const struct merge *m, struct sink_done *out, struct err *e)
{
    struct err own = {0};
    struct merging g = {.m = m, .let_go_at = LET_GO_BYTES};
    names_init(&g.names);
    buf_init(&g.order, SIZE_MAX / 2);
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
        code = merge_lists(&g, &own);
    if (code == ERR_OK) {
        code = sink_finish(g.k, &g.foot, out, &own);
        g.k = NULL;
    }
    sink_abandon(g.k);
    release(&g);
    return code ? err_set(e, code, NULL, "%s", own.message) : ERR_OK;
}
