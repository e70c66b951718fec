/* Postings: writing a term's list, and walking one by blocks. What is read is checked on the way: a block is good when
 * its checksums are, its bytes lie within the list, and its documents end where its skip says, which also bounds
 * every document in it, since gaps cannot be negative. */
#include "index/segment.h"

#include <string.h>

enum { LIST_BYTES = 1 << 20 /* of one list, that wait in memory */ };

/* ---- reading ---- */
static bool read_skips(struct cursor *c)
{
    const struct list *l = &c->list;
    uint64_t skips = (uint64_t)c->n_blocks * sizeof(struct skip);
    if (l->n < skips || !segment_touch(c->s, l->at, skips))
        return segment_bad(c->s, NULL) == ERR_OK;
    c->skips = (const struct skip *)(const void *)l->p; /* may lie unaligned: read by cursor_skip only */
    c->blocks = l->p + skips;
    c->blocks_n = l->n - skips;
    return true;
}

struct skip cursor_skip(const struct cursor *c, uint32_t block)
{
    struct skip k;
    memcpy(&k, (const char *)c->skips + (size_t)block * sizeof k, sizeof k);
    return k;
}

bool cursor_open(struct cursor *c, struct segment *s, struct list l)
{
    c->s = s;
    c->list = l;
    c->skips = NULL;
    c->blocks = l.p;
    c->blocks_n = l.n;
    c->block = UINT32_MAX;
    c->n = 0;
    c->n_blocks = (l.df + POSTINGS_BLOCK - 1) / POSTINGS_BLOCK;
    if (l.df > s->foot.n_docs)
        return segment_bad(s, NULL) == ERR_OK;
    return l.df < POSTINGS_BLOCK || read_skips(c);
}

uint32_t cursor_block_of(const struct cursor *c, uint32_t from, uint32_t doc)
{
    uint32_t low = from, high = from, step = 1;
    if (!c->skips)
        return from;
    while (high < c->n_blocks && cursor_skip(c, high).last < doc) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    high = high < c->n_blocks ? high : c->n_blocks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (cursor_skip(c, middle).last < doc)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Gaps into documents; false when the last is not where it should be. */
static bool sum_gaps(struct cursor *c, uint64_t next, uint64_t last)
{
    for (int i = 0; i < POSTINGS_BLOCK; i++) {
        next += c->docs[i];
        c->docs[i] = (uint32_t)next++;
    }
    return next == last + 1;
}

static bool load_whole(struct cursor *c, const uint8_t *p, size_t n, const struct skip *k, uint64_t next)
{
    uint32_t tf[POSTINGS_BLOCK];
    if (k->doc_bits > 32 || k->tf_bits > 8 || n != 16 * ((size_t)k->doc_bits + k->tf_bits))
        return false;
    unpack(p, k->doc_bits, c->docs);
    if (k->tf_bits == 0) {
        memset(c->tf, 1, sizeof c->tf);
    } else {
        unpack(p + (size_t)16 * k->doc_bits, k->tf_bits, tf);
        for (int i = 0; i < POSTINGS_BLOCK; i++)
            c->tf[i] = (uint8_t)(tf[i] < TF_MAX ? tf[i] + 1 : TF_MAX);
    }
    c->n = POSTINGS_BLOCK;
    return sum_gaps(c, next, k->last) && k->last < c->s->foot.n_docs;
}

static bool load_few(struct cursor *c, const uint8_t *p, size_t n, uint32_t count, uint64_t next)
{
    const uint8_t *end = p + n;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t gap, tf = 1;
        if (!get_varint(&p, end, &gap) || gap > UINT32_MAX || ((gap & 1) && !get_varint(&p, end, &tf)) || tf > TF_MAX)
            return false;
        next += gap >> 1;
        if (next >= c->s->foot.n_docs)
            return false;
        c->docs[i] = (uint32_t)next++;
        c->tf[i] = (uint8_t)tf;
    }
    c->n = count;
    return p == end;
}

bool cursor_walk(struct cursor *c, uint32_t block)
{
    struct skip k = {0};
    uint64_t next = 0, from = 0, to = c->blocks_n;
    uint32_t left = c->list.df - block * POSTINGS_BLOCK;
    c->n = 0;
    c->block = UINT32_MAX;
    if (c->skips) {
        k = cursor_skip(c, block);
        to = k.end;
        if (block > 0) {
            struct skip before = cursor_skip(c, block - 1);
            next = (uint64_t)before.last + 1;
            from = before.end;
        }
    }
    if (block >= c->n_blocks || from > to || to > c->blocks_n ||
        !segment_touch(c->s, c->list.at + (c->list.n - c->blocks_n) + from, to - from))
        return segment_bad(c->s, NULL) == ERR_OK;
    const uint8_t *p = c->blocks + from;
    bool good = left >= POSTINGS_BLOCK ? load_whole(c, p, (size_t)(to - from), &k, next)
                                       : load_few(c, p, (size_t)(to - from), left, next);
    if (!good) {
        c->n = 0;
        return segment_bad(c->s, NULL) == ERR_OK;
    }
    return true;
}

bool cursor_load(struct cursor *c, uint32_t block)
{
    if (c->block == block)
        return true;
    if (!cursor_walk(c, block))
        return false;
    for (uint32_t i = c->n; i < POSTINGS_BLOCK; i++) /* for lower_bound */
        c->docs[i] = UINT32_MAX;
    c->block = block;
    return true;
}

/* The first posting of the block at or after doc; n: none. Without a branch that could be guessed wrong: what is past
 * the block's end is as large as can be. */
static uint32_t lower_bound(const struct cursor *c, uint32_t doc)
{
    const uint32_t *p = c->docs;
    for (uint32_t step = POSTINGS_BLOCK / 2; step > 0; step /= 2)
        p += step & -(uint32_t)(p[step - 1] < doc);
    uint32_t i = (uint32_t)(p - c->docs) + (*p < doc);
    return i < c->n ? i : c->n;
}

bool cursor_tf(struct cursor *c, uint32_t doc, unsigned *tf)
{
    *tf = 0;
    if (c->list.df == 0)
        return true;
    uint32_t block = c->block == UINT32_MAX ? 0 : c->block;
    if (c->block == UINT32_MAX || (c->n && c->docs[c->n - 1] < doc))
        block = cursor_block_of(c, block, doc);
    if (block >= c->n_blocks)
        return true;
    if (!cursor_load(c, block))
        return false;
    uint32_t i = lower_bound(c, doc);
    if (i < c->n && c->docs[i] == doc)
        *tf = c->tf[i];
    return true;
}

bool cursor_rank(struct cursor *c, uint32_t doc, uint32_t *n)
{
    *n = 0;
    if (c->list.df == 0)
        return true;
    uint32_t block = cursor_block_of(c, 0, doc);
    if (block >= c->n_blocks) {
        *n = c->list.df;
        return true;
    }
    if (!cursor_load(c, block))
        return false;
    *n = block * POSTINGS_BLOCK + lower_bound(c, doc);
    return true;
}

/* ---- writing ---- */
static void put_few(struct buf *out, const uint32_t *docs, const uint8_t *tf, uint32_t n, uint64_t next)
{
    enum { MOST = 12 }; /* bytes of one: a gap of 33 bits, and a tf */
    uint8_t *p = (uint8_t *)buf_room(out, (size_t)n * MOST), *start = p;
    if (!p)
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t gap = (docs[i] - next) << 1 | (tf[i] > 1);
        p += varint(p, gap);
        if (tf[i] > 1)
            p += varint(p, tf[i]);
        next = (uint64_t)docs[i] + 1;
    }
    buf_added(out, (size_t)(p - start));
}

static void put_whole(struct buf *out, const uint32_t *docs, const uint8_t *tf, uint64_t next, struct skip *k)
{
    uint32_t gaps[POSTINGS_BLOCK], more[POSTINGS_BLOCK];
    for (int i = 0; i < POSTINGS_BLOCK; i++) {
        gaps[i] = (uint32_t)(docs[i] - next);
        next = (uint64_t)docs[i] + 1;
        more[i] = tf[i] - 1u;
    }
    k->doc_bits = (uint8_t)pack_bits(gaps);
    k->tf_bits = (uint8_t)pack_bits(more);
    size_t n = 16 * ((size_t)k->doc_bits + k->tf_bits);
    uint8_t *room = (uint8_t *)buf_room(out, n);
    if (!room)
        return;
    pack(gaps, k->doc_bits, room);
    pack(more, k->tf_bits, room + (size_t)16 * k->doc_bits);
    buf_added(out, n);
}

/* What the block's documents can score at most; lengths are theirs. */
static void note_best(struct skip *k, const uint8_t *tf, const uint8_t *lengths, uint32_t n)
{
    memset(k->shortest, LENGTH_NONE, sizeof k->shortest);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *s = &k->shortest[tf[i] < 4 ? tf[i] - 1 : 3];
        if (lengths[i] < *s)
            *s = lengths[i];
        if (tf[i] > k->tf_most)
            k->tf_most = tf[i];
    }
}

void postings_out_init(struct postings_out *o)
{
    *o = (struct postings_out){.k = NULL};
    buf_init(&o->skips, SIZE_MAX / 2);
    buf_init(&o->blocks, SIZE_MAX / 2);
}

void postings_out_release(struct postings_out *o)
{
    buf_release(&o->skips);
    buf_release(&o->blocks);
}

/* From the first posting on. */
static void rewind_list(struct postings_out *o)
{
    buf_clear(&o->blocks);
    o->before = o->begin = o->next = 0;
    o->n = o->df = 0;
}

void postings_out_begin(struct postings_out *o)
{
    rewind_list(o);
    buf_clear(&o->skips);
    o->k = NULL;
    o->wrong = false;
}

void postings_out_block(struct postings_out *o)
{
    struct skip k = {.last = o->docs[o->n - 1]};
    if (o->n == POSTINGS_BLOCK)
        put_whole(&o->blocks, o->docs, o->tf, o->begin, &k);
    else
        put_few(&o->blocks, o->docs, o->tf, o->n, o->begin);
    if (!o->k && o->df >= POSTINGS_BLOCK) {
        note_best(&k, o->tf, o->lengths, o->n);
        k.end = (uint32_t)(o->before + o->blocks.n);
        buf_put(&o->skips, &k, sizeof k);
    }
    o->begin = o->next;
    o->n = 0;
    if (o->blocks.n < LIST_BYTES || o->blocks.failed)
        return;
    o->before += o->blocks.n;
    if (o->k)
        sink_put(o->k, o->blocks.p, o->blocks.n);
    buf_clear(&o->blocks);
}

void postings_out_add(struct postings_out *o, const uint32_t *docs, const uint8_t *tf, const uint8_t *lengths,
                      uint32_t n)
{
    o->wrong = o->wrong || (n > 0 && docs[0] < o->next);
    for (uint32_t i = 0, some; i < n; i += some) {
        uint32_t room = POSTINGS_BLOCK - o->n;
        some = n - i < room ? n - i : room;
        memcpy(o->docs + o->n, docs + i, some * sizeof *docs);
        memcpy(o->tf + o->n, tf + i, some);
        memcpy(o->lengths + o->n, lengths + i, some);
        o->next = (uint64_t)docs[i + some - 1] + 1;
        o->n += some;
        o->df += some;
        if (o->n == POSTINGS_BLOCK)
            postings_out_block(o);
    }
}

bool postings_out_end(struct postings_out *o, struct sink *k, uint64_t *bytes)
{
    if (o->n > 0)
        postings_out_block(o);
    *bytes = o->skips.n + o->before + o->blocks.n;
    if (!o->k)
        sink_put(k, o->skips.p, o->skips.n);
    bool again = !o->k && o->before > 0;
    if (again)
        rewind_list(o);
    else
        sink_put(k, o->blocks.p, o->blocks.n);
    o->k = k;
    return !again;
}
