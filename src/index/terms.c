/* The dictionary of a segment: a term's list by binary search over blocks of sixteen, all terms in order for merging,
 * and the writing of both. */
#include "index/segment.h"

#include "base/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SPOOL_BYTES = 1 << 16, SPOOL_CHUNK = 1 << 16 };

/* ---- reading ---- */
static const struct term_block *block_at(struct segment *s, uint32_t block, const uint8_t **p, const uint8_t **end)
{
    uint64_t all = s->foot.part[PART_TERMS][1];
    uint32_t last = (s->foot.n_terms + TERM_BLOCK - 1) / TERM_BLOCK - 1;
    const struct term_block *b = segment_part(s, PART_TERM_BLOCKS, block, block < last ? 2 : 1, sizeof *b);
    if (!b)
        return NULL;
    uint64_t to = block < last ? b[1].terms : all;
    if (b->terms > to || to > all || !segment_touch(s, s->foot.part[PART_TERMS][0] + b->terms, to - b->terms)) {
        (void)segment_bad(s, NULL);
        return NULL;
    }
    *p = s->p + s->foot.part[PART_TERMS][0] + b->terms;
    *end = *p + (to - b->terms);
    return b;
}

/* Starts on a block, before its first term. */
static bool enter_block(struct term_walk *w, uint32_t block)
{
    const struct term_block *b = block_at(w->s, block, &w->p, &w->end);
    if (!b)
        return false;
    w->block = block;
    w->n = 0;
    w->postings = b->postings;
    uint32_t first = block * TERM_BLOCK;
    w->left = w->s->foot.n_terms - first < TERM_BLOCK ? w->s->foot.n_terms - first : TERM_BLOCK;
    return true;
}

static bool read_term(struct term_walk *w)
{
    uint64_t shared, own, df, n;
    if (!get_varint(&w->p, w->end, &shared) || !get_varint(&w->p, w->end, &own) || shared > w->n ||
        own > TERM_MAX_BYTES - shared || own > (uint64_t)(w->end - w->p))
        return false;
    memcpy(w->term + shared, w->p, (size_t)own);
    w->n = (size_t)(shared + own);
    w->p += own;
    uint64_t all = w->s->foot.part[PART_POSTINGS][1];
    if (!get_varint(&w->p, w->end, &df) || !get_varint(&w->p, w->end, &n) || df == 0 || df > w->s->foot.n_docs ||
        w->postings > all || n > all - w->postings)
        return false;
    uint64_t at = w->s->foot.part[PART_POSTINGS][0] + w->postings;
    w->list = (struct list){w->s->p + at, at, n, (uint32_t)df};
    w->postings += n;
    w->left--;
    return true;
}

void term_walk_begin(struct segment *s, struct term_walk *w)
{
    *w = (struct term_walk){.s = s, .block = UINT32_MAX};
}

bool term_walk_next(struct term_walk *w)
{
    uint32_t next = w->block + 1; /* 0 at first */
    if (w->left == 0 && ((uint64_t)next * TERM_BLOCK >= w->s->foot.n_terms || !enter_block(w, next)))
        return false;
    return read_term(w) || segment_bad(w->s, NULL) == ERR_OK;
}

/* The last block whose first term is not above. */
static bool find_block(struct term_walk *w, struct str term)
{
    uint32_t low = 0, high = (w->s->foot.n_terms + TERM_BLOCK - 1) / TERM_BLOCK;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (!enter_block(w, middle) || !read_term(w))
            return false;
        if (str_cmp((struct str){w->term, w->n}, term) <= 0)
            low = middle;
        else
            high = middle;
    }
    return enter_block(w, low);
}

bool terms_find(struct segment *s, struct str term, struct list *out)
{
    struct term_walk w;
    *out = (struct list){0};
    term = str_take(term, TERM_MAX_BYTES);
    if (s->foot.n_terms == 0)
        return true;
    term_walk_begin(s, &w);
    if (!find_block(&w, term))
        return segment_bad(s, NULL) == ERR_OK;
    while (w.left > 0) {
        if (!read_term(&w))
            return segment_bad(s, NULL) == ERR_OK;
        int order = str_cmp((struct str){w.term, w.n}, term);
        if (order == 0)
            *out = w.list;
        if (order >= 0)
            return true;
    }
    return true;
}

/* ---- writing ---- */
void terms_out_init(struct terms_out *t)
{
    *t = (struct terms_out){.terms_spool = -1, .blocks_spool = -1};
    buf_init(&t->terms, 0);
    buf_init(&t->blocks, 0);
}

void terms_out_release(struct terms_out *t)
{
    buf_release(&t->terms);
    buf_release(&t->blocks);
    if (t->terms_spool >= 0)
        close(t->terms_spool);
    if (t->blocks_spool >= 0)
        close(t->blocks_spool);
}

void terms_out_spool(struct terms_out *t, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path) : -1;
    if (n <= 0 || n >= (int)sizeof folder)
        return;
    t->terms_spool = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    t->blocks_spool = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Where that fails, all that follows waits in memory. */
static void spool(struct buf *b, int fd, uint64_t *out)
{
    if (fd < 0 || b->n < SPOOL_BYTES || b->failed || file_write_at(fd, (int64_t)*out, buf_view(b), NULL))
        return;
    *out += b->n;
    buf_clear(b);
}

static enum err_code write_waiting(const struct buf *b, int fd, uint64_t out, struct sink *k, struct err *e)
{
    char chunk[SPOOL_CHUNK];
    enum err_code code = ERR_OK;
    for (uint64_t at = 0; at < out && !code;) {
        size_t got = 0, n = out - at < sizeof chunk ? (size_t)(out - at) : sizeof chunk;
        code = file_read_at(fd, (int64_t)at, chunk, n, &got, e);
        if (!code && !got)
            code = err_set(e, ERR_IO, NULL, "terms that waited in a file are gone");
        sink_put(k, chunk, got);
        at += got;
    }
    sink_put(k, b->p, b->n);
    return code;
}

enum err_code terms_out_write(struct terms_out *t, struct sink *k, struct err *e)
{
    return write_waiting(&t->terms, t->terms_spool, t->terms_out, k, e);
}

enum err_code blocks_out_write(struct terms_out *t, struct sink *k, struct err *e)
{
    return write_waiting(&t->blocks, t->blocks_spool, t->blocks_out, k, e);
}

void terms_put(struct terms_out *t, struct str term, uint32_t df, uint64_t bytes)
{
    size_t shared = 0;
    if (t->n % TERM_BLOCK == 0) {
        struct term_block b = {.postings = t->postings, .terms = (uint32_t)(t->terms_out + t->terms.n)};
        buf_put(&t->blocks, &b, sizeof b);
        t->n_last = 0;
    }
    while (shared < t->n_last && shared < term.n && t->last[shared] == term.p[shared])
        shared++;
    uint8_t *start = (uint8_t *)buf_room(&t->terms, (size_t)4 * VARINT_MAX + TERM_MAX_BYTES), *p = start;
    if (!p)
        return;
    p += varint(p, shared);
    p += varint(p, term.n - shared);
    memcpy(p, term.p + shared, term.n - shared);
    p += term.n - shared;
    p += varint(p, df);
    p += varint(p, bytes);
    buf_added(&t->terms, (size_t)(p - start));
    memcpy(t->last, term.p, term.n);
    t->n_last = term.n;
    t->postings += bytes;
    t->n++;
    spool(&t->terms, t->terms_spool, &t->terms_out);
    spool(&t->blocks, t->blocks_spool, &t->blocks_out);
}
