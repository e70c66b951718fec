/* The bytes of blocks and of the tail's rows: where their parts lie, whether they are right, and how they are built.
 * What the files are as a whole, and who reads and writes them when: vectors_int.h. */
#include "index/vectors_int.h"

#include "base/crc.h"

#include <string.h>

enum { SEQ_AT = 0, TIME_AT = 2, STEP_AT = 4, SESSION_AT = 5, PROJECT_AT = 9, CONVERSATION_AT = 13, BITS_AT = 17 };

/* ---- layout ---- */
size_t block_scan_bytes(size_t width)
{
    return VECTORS_BLOCK * (BITS_AT + width / 8);
}

size_t block_bytes(size_t width)
{
    return sizeof(struct block_head) + block_scan_bytes(width) + VECTORS_BLOCK * width;
}

/* Each column's bytes a row lie before it: VECTORS_BLOCK times that is a multiple of 64. */
struct block block_at(const char *p, size_t width)
{
    const char *c = p + sizeof(struct block_head);
    return (struct block){.head = (const void *)p,
                          .seq = (const void *)(c + SEQ_AT * VECTORS_BLOCK),
                          .time = (const void *)(c + TIME_AT * VECTORS_BLOCK),
                          .step = (const void *)(c + STEP_AT * VECTORS_BLOCK),
                          .session = (const void *)(c + SESSION_AT * VECTORS_BLOCK),
                          .project = (const void *)(c + PROJECT_AT * VECTORS_BLOCK),
                          .conversation = (const void *)(c + CONVERSATION_AT * VECTORS_BLOCK),
                          .bits = (const void *)(c + BITS_AT * VECTORS_BLOCK),
                          .codes = (const void *)(c + block_scan_bytes(width))};
}

size_t tail_row_bytes(size_t width)
{
    return sizeof(struct tail_row) + width / 8 + width;
}

const uint64_t *tail_row_bits(const char *p)
{
    return (const void *)(p + sizeof(struct tail_row));
}

const uint8_t *tail_row_codes(const char *p, size_t width)
{
    return (const void *)(p + sizeof(struct tail_row) + width / 8);
}

/* ---- checksums ---- */
bool block_head_is_right(const char *p, uint64_t number, uint64_t birth)
{
    struct block_head h;
    memcpy(&h, p, sizeof h);
    return h.magic == VECTOR_BLOCK_MAGIC && h.crc == crc32c(&h, offsetof(struct block_head, crc)) &&
           h.number == number && h.birth == birth && h.n <= VECTORS_BLOCK && h.first >= 0 &&
           h.first <= INT64_MAX - VECTOR_SPAN && h.through >= h.first && h.rows_before >= 0 &&
           h.rows_before <= INT64_MAX / 2 && h.time_unit > 0;
}

bool block_scan_is_right(const char *p, size_t width)
{
    const struct block_head *h = (const void *)p;
    return h->crc_scan == crc32c(p + sizeof *h, block_scan_bytes(width));
}

bool block_codes_are_right(const char *p, size_t width)
{
    const struct block_head *h = (const void *)p;
    return h->crc_codes == crc32c(p + sizeof *h + block_scan_bytes(width), VECTORS_BLOCK * width);
}

static uint32_t tail_row_crc(const char *p, size_t width)
{
    struct tail_row r;
    memcpy(&r, p, sizeof r);
    uint32_t sums[2] = {0, crc32c(p + sizeof r, tail_row_bytes(width) - sizeof r)};
    r.crc = 0;
    sums[0] = crc32c(&r, sizeof r);
    return crc32c(sums, sizeof sums);
}

void tail_row_seal(char *p, size_t width)
{
    uint32_t crc = tail_row_crc(p, width);
    memcpy(p + offsetof(struct tail_row, crc), &crc, sizeof crc);
}

bool tail_row_is_right(const char *p, size_t width, uint64_t round)
{
    const struct tail_row *r = (const void *)p;
    return r->round == round && r->crc == tail_row_crc(p, width) && r->step < VECTOR_STEPS;
}

/* ---- names and times ---- */
static uint64_t hash64(struct str s)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a, its ends mixed into each other */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return (h ^ h >> 32) * 0x9e3779b97f4a7c15u;
}

uint32_t vector_hash(struct str s)
{
    return (uint32_t)(hash64(s) >> 32);
}

uint64_t vectors_anchor(struct str turn_id)
{
    return hash64(turn_id);
}

uint32_t vector_seconds(int64_t ms)
{
    int64_t s = ms / 1000;
    return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* ---- building ---- */
static const struct tail_row *row_at(const char *const *rows, size_t i)
{
    return (const void *)rows[i];
}

/* How many of the rows fit into one block. */
static size_t rows_that_fit(const char *const *rows, size_t n)
{
    n = n < VECTORS_BLOCK ? n : VECTORS_BLOCK;
    while (n > 1 && row_at(rows, n - 1)->seq - row_at(rows, 0)->seq > VECTOR_SPAN)
        n--;
    return n;
}

static void head_times(struct block_head *h, const char *const *rows)
{
    uint32_t from = UINT32_MAX, to = 0;
    for (size_t i = 0; i < h->n; i++) {
        uint32_t t = row_at(rows, i)->time;
        from = t < from ? t : from;
        to = t > to ? t : to;
        h->time_slack = row_at(rows, i)->slack > h->time_slack ? row_at(rows, i)->slack : h->time_slack;
    }
    h->time_base = h->n ? from : 0;
    h->time_unit = h->n ? (to - from) / (UINT16_MAX + 1) + 1 : 1;
}

static void put_row(const struct block *b, size_t i, size_t width, const char *row)
{
    const struct tail_row *r = (const void *)row;
    const struct block_head *h = b->head;
    ((uint16_t *)(uintptr_t)b->seq)[i] = (uint16_t)(r->seq - h->first); /* the parts are the caller's to write */
    ((uint16_t *)(uintptr_t)b->time)[i] = (uint16_t)((r->time - h->time_base) / h->time_unit);
    ((uint8_t *)(uintptr_t)b->step)[i] = (uint8_t)r->step;
    ((uint32_t *)(uintptr_t)b->session)[i] = r->session;
    ((uint32_t *)(uintptr_t)b->project)[i] = r->project;
    ((uint32_t *)(uintptr_t)b->conversation)[i] = r->conversation;
    memcpy((uint64_t *)(uintptr_t)b->bits + i * (width / 64), tail_row_bits(row), width / 8);
    memcpy((uint8_t *)(uintptr_t)b->codes + i * width, tail_row_codes(row, width), width);
}

size_t block_fill(char *p, size_t width, const char *const *rows, size_t n, const struct block_head *before,
                  uint64_t birth)
{
    struct block_head h = {.magic = VECTOR_BLOCK_MAGIC, .birth = birth};
    n = rows_that_fit(rows, n);
    memset(p, 0, block_bytes(width));
    h.n = (uint32_t)n;
    h.number = before ? before->number + 1 : 0;
    h.rows_before = before ? before->rows_before + before->n : 0;
    h.first = n ? row_at(rows, 0)->seq : 0;
    h.through = n ? row_at(rows, n - 1)->seq : 0;
    h.anchor = n ? row_at(rows, n - 1)->anchor : 0;
    head_times(&h, rows);
    memcpy(p, &h, sizeof h);
    struct block b = block_at(p, width);
    for (size_t i = 0; i < n; i++)
        put_row(&b, i, width, rows[i]);
    block_seal(p, width, &h);
    return n;
}

void block_seal(char *p, size_t width, struct block_head *h)
{
    h->crc_scan = crc32c(p + sizeof *h, block_scan_bytes(width));
    h->crc_codes = crc32c(p + sizeof *h + block_scan_bytes(width), VECTORS_BLOCK * width);
    h->crc = crc32c(h, offsetof(struct block_head, crc));
    memcpy(p, h, sizeof *h);
}

void block_row(const struct block *b, size_t i, size_t width, char *out)
{
    const struct block_head *h = b->head;
    struct tail_row r = {.seq = h->first + b->seq[i],
                         .anchor = h->anchor,
                         .session = b->session[i],
                         .project = b->project[i],
                         .conversation = b->conversation[i],
                         .time = h->time_base + b->time[i] * h->time_unit,
                         .slack = h->time_unit - 1 + h->time_slack,
                         .step = b->step[i]};
    memcpy(out, &r, sizeof r);
    memcpy(out + sizeof r, b->bits + i * (width / 64), width / 8);
    memcpy(out + sizeof r + width / 8, b->codes + i * width, width);
}
