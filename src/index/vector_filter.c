/* Which rows may be found. What is one comparison a row is asked for whole blocks at once, and a block whose summary
 * says that none of its rows can pass is not looked at. The view, which is a look into a table, is asked only of rows
 * that would be among the nearest (filter_reads).
 *
 * The view's exceptions are a hash table of the sessions' 32-bit hashes. Of two sessions with one hash the readable one
 * decides: whoever asks looks the turn up in the store. */
#include "index/vectors_int.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { EMPTY, CLOSED, READABLE };

static int compare_hashes(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static size_t slot_of(const struct filter *f, uint32_t session)
{
    size_t i = session * 0x9e3779b1u & (f->n_slots - 1);
    while (f->slots[i] != EMPTY && f->sessions[i] != session)
        i = (i + 1) & (f->n_slots - 1);
    return i;
}

static enum err_code prepare_view(struct filter *f, const struct scope_view *v, struct err *e)
{
    f->n_slots = 64;
    while (f->n_slots < 4 * v->n)
        f->n_slots *= 2;
    f->sessions = mem_zalloc(f->n_slots * sizeof *f->sessions);
    f->slots = mem_zalloc(f->n_slots * sizeof *f->slots);
    f->projects = mem_alloc((v->n_projects + 1) * sizeof *f->projects);
    if (!f->sessions || !f->slots || !f->projects)
        return err_nomem(e);
    for (size_t i = 0; i < v->n; i++) {
        uint32_t session = vector_hash(v->exceptions[i].session_id);
        size_t at = slot_of(f, session);
        f->sessions[at] = session;
        if (f->slots[at] != READABLE)
            f->slots[at] = v->exceptions[i].reads ? READABLE : CLOSED;
    }
    for (size_t i = 0; i < v->n_projects; i++)
        f->projects[i] = vector_hash(v->projects[i]);
    f->n_projects = v->n_projects;
    if (f->n_projects > 1)
        qsort(f->projects, f->n_projects, sizeof *f->projects, compare_hashes);
    return ERR_OK;
}

enum err_code filter_prepare(struct filter *f, const struct vector_query *q, const struct vector_math *math,
                             struct err *e)
{
    *f = (struct filter){.q = q,
                         .math = math,
                         .session = vector_hash(q->session_id),
                         .project = vector_hash(q->project),
                         .conversation = vector_hash(q->except_conversation),
                         .from = vector_seconds(q->from),
                         .to = q->to ? vector_seconds(q->to) : UINT32_MAX};
    return q->view && !q->session_id.p ? prepare_view(f, q->view, e) : ERR_OK;
}

void filter_release(struct filter *f)
{
    mem_free(f->sessions);
    mem_free(f->slots);
    mem_free(f->projects);
}

/* ---- the view ---- */
static bool project_reads(struct filter *f, uint32_t project)
{
    if (!f->last_known || f->last_project != project) {
        f->last_known = true;
        f->last_project = project;
        f->last_verdict =
            f->n_projects && bsearch(&project, f->projects, f->n_projects, sizeof *f->projects, compare_hashes) != NULL;
    }
    return f->last_verdict;
}

bool filter_reads(struct filter *f, uint32_t session, uint32_t project)
{
    if (!f->slots)
        return true;
    uint8_t slot = f->slots[slot_of(f, session)];
    return slot == EMPTY ? project_reads(f, project) : slot == READABLE;
}

/* ---- whole blocks ---- */
static bool has_bits(const struct vector_set *s, int64_t first, int64_t through)
{
    int64_t from = first > s->first ? first - s->first : 0, end = through - s->first + 1;
    end = end < (int64_t)s->n ? end : (int64_t)s->n;
    while (from < end) {
        uint64_t here = s->bits[from / 64] >> from % 64;
        int64_t there_are = end - from < 64 - from % 64 ? end - from : 64 - from % 64;
        if (there_are < 64)
            here &= ((uint64_t)1 << there_are) - 1;
        if (here)
            return true;
        from += there_are;
    }
    return false;
}

bool filter_skips(const struct filter *f, const struct summary *s)
{
    const struct vector_query *q = f->q;
    if (q->session_id.p && !(s->sessions[f->session / 64 % 4] >> f->session % 64 & 1))
        return true;
    if (!q->session_id.p && q->project.p && !(s->projects >> f->project % 64 & 1))
        return true;
    if (s->time_to < f->from || s->time_from > f->to)
        return true;
    return q->only && !has_bits(q->only, s->first, s->through);
}

static void first_rows(size_t n, uint64_t mask[VECTOR_MASK])
{
    for (size_t w = 0; w < VECTOR_MASK; w++)
        mask[w] = n >= 64 * (w + 1) ? UINT64_MAX : n > 64 * w ? ((uint64_t)1 << (n - 64 * w)) - 1 : 0;
}

static void only_equal(const struct filter *f, const uint32_t *column, uint32_t value, bool other, uint64_t *mask)
{
    uint64_t same[VECTOR_MASK];
    f->math->equal(column, value, same);
    for (size_t w = 0; w < VECTOR_MASK; w++)
        mask[w] &= other ? ~same[w] : same[w];
}

static void only_times(const struct filter *f, const struct block *b, uint64_t *mask)
{
    const struct block_head *h = b->head;
    uint64_t more = h->time_unit - 1 + (uint64_t)h->time_slack;
    for (size_t i = 0; i < h->n; i++) {
        uint64_t t = h->time_base + (uint64_t)b->time[i] * h->time_unit;
        if (t + more < f->from || t > f->to)
            mask[i / 64] &= ~((uint64_t)1 << i % 64);
    }
}

static bool in_set(const struct vector_set *s, int64_t seq)
{
    uint64_t at = (uint64_t)seq - (uint64_t)s->first;
    return seq >= s->first && at < s->n && (s->bits[at / 64] >> at % 64 & 1);
}

/* 64 bits of the set from bit `at` on, which may lie before or behind what there are. */
static uint64_t word_of(const struct vector_set *s, int64_t at)
{
    uint64_t word = 0;
    if (at >= 0 && (uint64_t)at + 128 <= s->n) /* wholly inside */
        return at % 64 ? s->bits[at / 64] >> at % 64 | s->bits[at / 64 + 1] << (64 - at % 64) : s->bits[at / 64];
    for (int64_t i = 0; i < 64; i++)
        word |= (uint64_t)in_set(s, s->first + at + i) << i;
    return word;
}

/* Mostly the seqs of a block follow each other without a gap: then it is bits beside bits. */
static void only_set(const struct vector_set *s, const struct block *b, uint64_t *mask)
{
    const struct block_head *h = b->head;
    if (h->n && b->seq[h->n - 1] == h->n - 1) {
        for (size_t w = 0; w < VECTOR_MASK; w++)
            mask[w] &= word_of(s, h->first - s->first + (int64_t)(64 * w));
        return;
    }
    for (size_t i = 0; i < h->n; i++)
        if (!in_set(s, h->first + b->seq[i]))
            mask[i / 64] &= ~((uint64_t)1 << i % 64);
}

size_t filter_block(const struct filter *f, const struct block *b, uint64_t mask[VECTOR_MASK])
{
    const struct vector_query *q = f->q;
    size_t n = 0;
    first_rows(b->head->n, mask);
    if (q->session_id.p)
        only_equal(f, b->session, f->session, false, mask);
    else if (q->project.p)
        only_equal(f, b->project, f->project, false, mask);
    if (q->except_conversation.p)
        only_equal(f, b->conversation, f->conversation, true, mask);
    if (q->from || q->to)
        only_times(f, b, mask);
    if (q->only)
        only_set(q->only, b, mask);
    for (size_t w = 0; w < VECTOR_MASK; w++)
        n += (size_t)__builtin_popcountll(mask[w]);
    return n;
}

bool filter_row(struct filter *f, const struct tail_row *r)
{
    const struct vector_query *q = f->q;
    if (q->session_id.p ? r->session != f->session : q->project.p && r->project != f->project)
        return false;
    if ((q->except_conversation.p && r->conversation == f->conversation) || (uint64_t)r->time + r->slack < f->from ||
        r->time > f->to)
        return false;
    return (!q->only || in_set(q->only, r->seq)) && filter_reads(f, r->session, r->project);
}
