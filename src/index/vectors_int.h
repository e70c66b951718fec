/* Inside of vectors.h, divided by file. Not for other rooms.
 *
 * Three files, whose numbers are the machine's own (they are derived: another machine makes them anew):
 *   vectors-<model>.bin    a head, then blocks, all of one size, each written once and never changed
 *   vectors-<model>.tail   the newest rows, fewer than a block; when a block is full they go to the end of .bin
 *   vectors-<model>.lock   empty; who has it locked (flock) is the writer
 *
 * A block: a head, then columns with room for VECTORS_BLOCK rows, of which the first n are used:
 *   seq           uint16, less the head's `first`
 *   time          uint16, in units of `time_unit` seconds since `time_base`, rounded down; `time_slack` is how much was
 *                 lost so before, in blocks that were rewritten by a purge
 *   step          uint8, which of the 256 steps of vector_steps()
 *   session, project, conversation    uint32, hashes of the names
 *   bits          the ninth bit of each dimension: is it positive? `width` of them: the dimensions, filled up to a
 *                 multiple of 64
 *   codes         uint8, the eight lower bits of each dimension
 * A value is ((bit << 8 | code) - 255.5) * step. In all 449.5 bytes a row of 384 dimensions. Blocks have fewer rows
 * than room only where seqs jump by more than 65535, and after a purge.
 *
 * The tail: a head, then rows one after another (struct tail_row, bits, codes). It is begun anew by a head with another
 * `round`, which is part of each row's checksum, so that rows of an earlier round are none.
 *
 * What is read: first the tail, then the blocks; rows of the tail that the last block's `through` covers are left out.
 * The writer adds blocks first and begins the tail anew after. So at whatever moment it dies or another process looks,
 * each row is there once. A tail whose block before it is lost is none either: the watermark has no gaps. `birth` ties
 * a tail and blocks to their .bin: one made anew has another.
 *
 * Checksums: three in a block: of its head, of what a scan reads (columns and bits), and of the codes. A scan checks
 * each part of a block once, before it first uses it; vectors_check does all. A damaged block is left out and marked;
 * the next vectors_claim makes a new .bin of the blocks before it. The last block is checked when it is first seen:
 * what a killed writer left half written is only there, and is written over.
 *
 * Forms: in a sealed store heads stay as they are, with the number of the form in them; a block's scan part, its codes
 * and each row of the tail are sealed by themselves (vector_seal.c), a little longer than plain, and opened into memory
 * of the process when they are first used. Each file is all of one form, that of its head; one that is not in the form
 * that is wanted now is rewritten by its writer (vectors_reform).
 *
 * Locks: `writing`, for the writer's members and steps; `lock`, for what was read of the files; `checking`, while a
 * part of a block is checked. Taken in this order. */
#ifndef CAIRN_INDEX_VECTORS_INT_H
#define CAIRN_INDEX_VECTORS_INT_H

#include "index/vectors.h"

#include <pthread.h>
#include <stdatomic.h>

enum { VECTOR_ALIGN = 64, VECTOR_MODEL_ROOM = 80, VECTOR_MASK = VECTORS_BLOCK / 64 };
enum { VECTOR_SPAN = UINT16_MAX }; /* seqs of a block differ by at most this */

enum { VECTOR_BLOCK_MAGIC = 0x324b4c42 /* "BLK2" */ };

struct file_head {
    char magic[8];
    uint32_t version, dimensions;
    char model[VECTOR_MODEL_ROOM];
    uint64_t birth;
    uint32_t form, unused[4], crc; /* of all before it */
};
struct block_head {
    uint32_t magic, n;
    uint64_t number, birth; /* the block's place in the file */
    int64_t first, through; /* the first seq; the highest that is, or was before a purge, in this block or before */
    uint64_t anchor;        /* of the turn `through` */
    int64_t rows_before;    /* in the blocks before */
    uint32_t time_base, time_unit, time_slack;
    uint32_t unused[12], crc_scan, crc_codes, crc; /* of the columns and bits; of the codes; of all before it */
};
struct tail_head {
    char magic[8];
    uint32_t version, width;
    uint64_t birth, round;
    int64_t after;                 /* `through` of the block before it */
    uint32_t form, unused[4], crc; /* of all before it */
};
struct tail_row { /* bits and codes follow */
    uint64_t round;
    int64_t seq;
    uint64_t anchor;
    uint32_t session, project, conversation;
    uint32_t time, slack;       /* seconds: between time and time + slack */
    uint32_t step, unused, crc; /* of the whole row, with this as 0 */
};
_Static_assert(sizeof(struct file_head) == 128 && sizeof(struct block_head) == 128 && sizeof(struct tail_head) == 64 &&
                   sizeof(struct tail_row) == 56,
               "heads keep the parts aligned");

/* ---- vector_format.c: where the parts lie, and whether they are right ---- */
struct block {
    const struct block_head *head;
    const uint16_t *seq, *time;
    const uint8_t *step;
    const uint32_t *session, *project, *conversation;
    const uint64_t *bits;
    const uint8_t *codes;
};
size_t block_bytes(size_t width);
size_t block_scan_bytes(size_t width); /* of columns and bits, which follow the head */
size_t tail_row_bytes(size_t width);
struct block block_at(const char *p, size_t width);
bool block_head_is_right(const char *p, uint64_t number, uint64_t birth);
bool block_scan_is_right(const char *p, size_t width);
bool block_codes_are_right(const char *p, size_t width);
bool tail_row_is_right(const char *p, size_t width, uint64_t round);
const uint64_t *tail_row_bits(const char *p);
const uint8_t *tail_row_codes(const char *p, size_t width);
void tail_row_seal(char *p, size_t width);
/* Builds a block of as many of the n rows (as the tail has them) as fit; how many these are. `before`: the head of the
 * block before, NULL: none. */
size_t block_fill(char *p, size_t width, const char *const *rows, size_t n, const struct block_head *before,
                  uint64_t birth);
void block_seal(char *p, size_t width, struct block_head *h); /* the head with checksums of what follows it */
/* The row i of a block as the tail would have it; its anchor is not known. */
void block_row(const struct block *b, size_t i, size_t width, char *out);

/* ---- vector_write.c ---- */
struct vectors;
void vector_row_encode(const struct vectors *v, const struct vector_row *row, uint64_t round, char *out);
/* The rows that are not gone, in `kept`. n is VECTORS_BLOCK at most. */
enum err_code vector_rows_living(const struct vector_row *rows, size_t n, vectors_gone_fn *gone, void *arg,
                                 struct vector_row *kept, size_t *n_kept, struct err *e);

uint32_t vector_hash(struct str s);
uint32_t vector_seconds(int64_t ms); /* clamped to what there are */

/* ---- vector_look.c: what the files hold now ---- */
enum { CHECKED_SCAN = 1, CHECKED_CODES = 2, BLOCK_BAD = 4, OPENED_SCAN = 8, OPENED_CODES = 16 };
struct summary {                    /* of a block whose scan part is right; what a scan can be spared by */
    uint64_t sessions[4], projects; /* a bit for each name's hash: whose bit is not set is not there */
    int64_t first, through;
    uint32_t time_from, time_to; /* seconds */
};
struct mapping {    /* of .bin; shared by searches that run while it grows */
    struct str map; /* sealed: memory of our own, into which blocks are opened */
    size_t room;    /* blocks */
    uint32_t form;
    int fd; /* sealed: where they are, else -1 */
    _Atomic(uint8_t) *checked;
    struct summary *summaries; /* [room], right where checked says CHECKED_SCAN */
    atomic_bool damaged;       /* a block is marked: vectors_claim has something to do */
    atomic_int users;
};
struct tail { /* rows that are only ever added */
    char *rows;
    size_t n;
    uint64_t birth, round;
    int64_t after;
    uint32_t form;
    atomic_int users;
};
struct vectors {
    char *path, *tail_path, *lock_path, *new_path;
    char model[VECTOR_MODEL_ROOM];
    size_t dimensions, width;
    bool read_only;
    const struct store *store;      /* whose keys; NULL: none */
    const struct vector_math *math; /* the best; tests put others here */

    pthread_mutex_t writing;
    int lock_file; /* -1: not the writer */
    int bin, end;  /* the writer's descriptors of .bin and .tail, -1 */

    pthread_mutex_t lock;
    int reader, tail_reader; /* -1: no file */
    struct mapping *mapping;
    struct tail *tail;
    uint64_t birth;
    uint32_t form; /* of .bin, as the next two */
    int64_t size;
    size_t blocks; /* whole ones, the last of them checked */
    struct vectors_state state;

    pthread_mutex_t checking;
};
struct snapshot {
    struct vectors *v;
    struct mapping *mapping; /* NULL: nothing there */
    struct tail *tail;       /* NULL: none */
    uint64_t birth;
    uint32_t form; /* of .bin */
    size_t size;
    size_t blocks, tail_from, tail_to;
    struct vectors_state state;
};
/* Of other processes' rows too. On an error it holds what was seen before, which is enough for a search. */
enum err_code snapshot_take(struct vectors *v, struct snapshot *out, struct err *e);
void snapshot_drop(struct snapshot *s);
const char *snapshot_tail(const struct snapshot *s, size_t i);
void vectors_forget(struct vectors *v); /* what was read */
const char *vectors_block(const struct vectors *v, const struct mapping *m, size_t k);

/* ---- vector_check.c ---- */
/* Opens a part of a block of a sealed file, once; OPENED_SCAN or OPENED_CODES. With `checking`. */
enum err_code mapping_open(struct vectors *v, struct mapping *m, size_t k, uint64_t birth, uint8_t part);
/* The block k, checked; false when it is damaged. snapshot_codes says the same of its codes. */
bool snapshot_block(const struct snapshot *s, size_t k, struct block *out);
bool snapshot_codes(const struct snapshot *s, size_t k);
bool snapshot_recheck(const struct snapshot *s, size_t k); /* both, whatever is known */
static inline const struct summary *snapshot_summary(const struct snapshot *s, size_t k)
{
    return &s->mapping->summaries[k];
}

/* ---- vectors.c ---- */
struct file_head vectors_head(const struct vectors *v, uint32_t form, uint64_t birth);
struct tail_head vectors_tail_head(const struct vectors *v, uint32_t form, uint64_t birth, uint64_t round,
                                   int64_t after);

/* ---- vector_seal.c: forms ---- */
uint32_t vectors_form(const struct vectors *v);                     /* that files are written in now; 0: plain */
bool vectors_form_is_known(const struct vectors *v, uint32_t form); /* it can be read, and may be there */
size_t block_stride(const struct vectors *v, uint32_t form);        /* bytes of a block in its file */
size_t tail_stride(const struct vectors *v, uint32_t form);
enum err_code block_write(const struct vectors *v, uint32_t form, uint64_t birth, int fd, size_t k, const char *p,
                          struct err *e);
/* Opens one part of the block k of a sealed file to where it belongs in p. */
enum err_code block_open(const struct vectors *v, uint64_t birth, int fd, size_t k, bool codes, char *p, struct err *e);
/* Whole rows of the tail from row `at` on, in the form of its head. */
enum err_code rows_write(const struct vectors *v, const struct tail_head *h, int fd, size_t at, struct str rows,
                         struct err *e);
/* At most n rows; *got: bytes of those that are whole. */
enum err_code rows_read(const struct vectors *v, const struct tail *t, int fd, char *to, size_t n, size_t *got,
                        struct err *e);

/* ---- vector_write.c: with `writing` ---- */
void vectors_let_go(struct vectors *v);                       /* of the writer's descriptors */
enum err_code vectors_take(struct vectors *v, struct err *e); /* vectors_claim's work */
uint64_t vectors_fresh_number(void);                          /* one that was not there before */
enum err_code vectors_make_files(struct vectors *v, struct err *e);
/* `rows`: as they are in the file, with the round of the head. */
enum err_code vectors_begin_tail(struct vectors *v, const struct tail_head *h, struct str rows, struct err *e);
enum err_code vectors_open_files(struct vectors *v, struct err *e);

/* ---- vector_purge.c: with `writing` ---- */
/* Into the form that is wanted now, when they are in another. */
enum err_code vectors_reform(struct vectors *v, struct err *e);
/* The blocks before the first damaged one are all that stays. */
enum err_code vectors_mend(struct vectors *v, struct err *e);

/* ---- vector_filter.c: which rows may be found ---- */
struct filter {
    const struct vector_query *q;
    const struct vector_math *math;
    uint32_t session, project, conversation, from, to; /* hashes; seconds */
    uint32_t *sessions;                                /* the view's exceptions, a hash table: see the file */
    uint8_t *slots;                                    /* NULL: no view */
    size_t n_slots;                                    /* a power of two */
    uint32_t *projects;                                /* hashes, sorted */
    size_t n_projects;
    uint32_t last_project; /* the verdict on a project is asked for once for many rows */
    bool last_known, last_verdict;
};
enum err_code filter_prepare(struct filter *f, const struct vector_query *q, const struct vector_math *math,
                             struct err *e);
void filter_release(struct filter *f);
bool filter_skips(const struct filter *f, const struct summary *s); /* no row of the block can pass */
/* The rows of a block that pass everything but the view; how many. */
size_t filter_block(const struct filter *f, const struct block *b, uint64_t mask[VECTOR_MASK]);
bool filter_reads(struct filter *f, uint32_t session, uint32_t project); /* the view */
bool filter_row(struct filter *f, const struct tail_row *r);

/* ---- vector_math.c: the arithmetic, chosen once for the processor; all variants give the same numbers ---- */
struct vector_math {
    const char *name;
    /* Sum of query * (bit << 8 | code) over n dimensions, a multiple of 64. */
    int64_t (*dot)(const int16_t *query, const uint64_t *bits, const uint8_t *codes, size_t n);
    /* How many bits of each row of a block differ from the query's `words`, and a mask of the rows where that is at
     * most `most`. `next`: the bits of the block that comes after, fetched meanwhile (blocks lie too far apart for the
     * processor to guess it, and waiting for them was two thirds of a search); `bits` again where none does. */
    void (*differ)(const uint64_t *query, const uint64_t *bits, const uint64_t *next, size_t words, unsigned most,
                   uint16_t out[VECTORS_BLOCK], uint64_t mask[VECTOR_MASK]);
    unsigned (*differ_one)(const uint64_t *query, const uint64_t *bits, size_t words); /* of one row */
    /* A mask of the rows whose value is this one. */
    void (*equal)(const uint32_t *column, uint32_t value, uint64_t mask[VECTOR_MASK]);
};
const struct vector_math *vector_math(void);
enum { VECTOR_MATHS_MAX = 3 };
size_t vector_maths(const struct vector_math *out[VECTOR_MATHS_MAX]); /* all that run here, best first; for tests */

/* ---- vector_code.c: floats to codes ---- */
enum { VECTOR_STEPS = 256 };
void vector_steps(float out[VECTOR_STEPS]);
void vector_encode(const float *v, size_t dimensions, size_t width, uint8_t *codes, uint64_t *bits, uint8_t *step);
/* A query as 14-bit numbers, so that it is not what limits precision. */
struct vector_asked {
    int16_t v[VECTORS_DIMENSIONS_MAX + VECTOR_ALIGN];
    uint64_t bits[VECTORS_DIMENSIONS_MAX / 64 + 1];
    int64_t sum; /* of v */
    float scale, steps[VECTOR_STEPS];
};
void vector_ask(const float *v, size_t dimensions, size_t width, struct vector_asked *out);
/* Cosine, from what `dot` says. */
static inline float vector_score(const struct vector_asked *q, int64_t dot, uint8_t step)
{
    return (float)(2 * dot - 511 * q->sum) * 0.5F * q->scale * q->steps[step];
}

#endif
