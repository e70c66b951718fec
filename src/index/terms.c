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
    /* the block may have been let go of meanwhile */
    if (w->s->alone && !segment_touch(w->s, (uint64_t)(w->p - w->s->p), (uint64_t)(w->end - w->p)))
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
static const struct str ABOUT = {"index terms of a merge", sizeof "index terms of a merge" - 1};

void terms_out_init(struct terms_out *t)
{
    *t = (struct terms_out){.terms_spool = {.fd = -1}, .blocks_spool = {.fd = -1}};
    buf_init(&t->terms, 0);
    buf_init(&t->blocks, 0);
}

static void spool_close(struct spool *s)
{
    seal_writer_free(s->sealed);
    s->sealed = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void terms_out_release(struct terms_out *t)
{
    buf_release(&t->terms);
    buf_release(&t->blocks);
    spool_close(&t->terms_spool);
    spool_close(&t->blocks_spool);
}

static void spool_open(struct spool *s, const char *folder, struct keyring *keys)
{
    s->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd >= 0 && keyring_seals(keys) && seal_writer_new(keys, ABOUT, s->fd, &s->sealed, NULL))
        spool_close(s);
}

void terms_out_spool(struct terms_out *t, const struct sink_to *to)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(to->path, '/');
    int n = slash ? snprintf(folder, sizeof folder, "%.*s", (int)(slash - to->path), to->path) : -1;
    if (n <= 0 || n >= (int)sizeof folder)
        return;
    t->keys = to->keys;
    spool_open(&t->terms_spool, folder, to->keys);
    spool_open(&t->blocks_spool, folder, to->keys);
}

/* Where that fails, all that follows waits in memory; but a sealed file cannot be gone on with, nor be read. */
static void spool(struct buf *b, struct spool *s)
{
    if (s->fd < 0 || b->n < SPOOL_BYTES || b->failed || s->failed)
        return;
    enum err_code code = s->sealed ? seal_writer_put(s->sealed, buf_view(b), NULL)
                                   : file_write_at(s->fd, (int64_t)s->n, buf_view(b), NULL);
    s->failed = code && s->sealed;
    if (code)
        return;
    s->n += b->n;
    buf_clear(b);
}

static enum err_code read_plain(const struct spool *s, struct sink *k, struct err *e)
{
    char chunk[SPOOL_CHUNK];
    enum err_code code = ERR_OK;
    for (uint64_t at = 0; at < s->n && !code;) {
        size_t got = 0, n = s->n - at < sizeof chunk ? (size_t)(s->n - at) : sizeof chunk;
        code = file_read_at(s->fd, (int64_t)at, chunk, n, &got, e);
        if (!code && !got)
            code = err_set(e, ERR_IO, NULL, "terms that waited in a file are gone");
        sink_put(k, chunk, got);
        at += got;
    }
    return code;
}

static enum err_code read_sealed(struct spool *s, struct keyring *keys, struct sink *k, struct err *e)
{
    unsigned char chunk[SEAL_CHUNK];
    struct seal_reader *r = NULL;
    enum err_code code = seal_writer_end(s->sealed, e);
    if (!code)
        code = seal_reader_new(keys, ABOUT, s->fd, &r, e);
    for (uint64_t i = 0; !code && i * SEAL_CHUNK < s->n; i++) {
        code = seal_reader_chunk(r, i, chunk, e);
        if (!code)
            sink_put(k, chunk, s->n - i * SEAL_CHUNK < SEAL_CHUNK ? (size_t)(s->n - i * SEAL_CHUNK) : SEAL_CHUNK);
    }
    seal_reader_free(r);
    return code;
}

static enum err_code write_waiting(const struct buf *b, struct spool *s, struct keyring *keys, struct sink *k,
                                   struct err *e)
{
    enum err_code code = s->failed   ? err_set(e, ERR_IO, NULL, "terms cannot wait in a file")
                         : s->n == 0 ? ERR_OK
                         : s->sealed ? read_sealed(s, keys, k, e)
                                     : read_plain(s, k, e);
    sink_put(k, b->p, b->n);
    return code;
}

enum err_code terms_out_write(struct terms_out *t, struct sink *k, struct err *e)
{
    return write_waiting(&t->terms, &t->terms_spool, t->keys, k, e);
}

enum err_code blocks_out_write(struct terms_out *t, struct sink *k, struct err *e)
{
    return write_waiting(&t->blocks, &t->blocks_spool, t->keys, k, e);
}

void terms_put(struct terms_out *t, struct str term, uint32_t df, uint64_t bytes)
{
    size_t shared = 0;
    if (t->n % TERM_BLOCK == 0) {
        struct term_block b = {.postings = t->postings, .terms = (uint32_t)(t->terms_spool.n + t->terms.n)};
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
    spool(&t->terms, &t->terms_spool);
    spool(&t->blocks, &t->blocks_spool);
}
