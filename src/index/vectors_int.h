/* Inside of vectors.h, divided by file. Not for other rooms.
 *
 * The file: a head, then blocks. All numbers are the machine's own (the file is derived: another machine makes it
 * anew). A block is a head and, each part starting at a multiple of 64 bytes:
 *   seq[n]      uint32, less the block's first
 *   session[n]  uint32, hash of the session's id
 *   project[n]  uint32, hash
 *   scale[n]    float: cosine = code · query * scale
 *   bits[n]     a bit for each dimension: is it positive?
 *   codes[n]    int8, `width` of them: the dimensions, filled with zeros to a multiple of 64
 *
 * Lock: `lock` guards all members but path, model, dimensions, width, read_only; `writing` is taken before it. */
#ifndef CAIRN_INDEX_VECTORS_INT_H
#define CAIRN_INDEX_VECTORS_INT_H

#include "index/vectors.h"

#include <pthread.h>
#include <stdatomic.h>

enum { VECTOR_ALIGN = 64, VECTOR_MODEL_ROOM = 88 };
struct file_head {
    char magic[8];
    uint32_t version, dimensions;
    char model[VECTOR_MODEL_ROOM];
    uint32_t unused[5], crc; /* of all before it */
};
struct block_head {
    uint32_t magic, n;
    uint64_t bytes; /* of the whole block */
    int64_t first, last;
    uint64_t anchor;
    uint32_t unused[4], crc_rows, crc; /* of what follows the head; of all before it */
};
_Static_assert(sizeof(struct file_head) == 128 && sizeof(struct block_head) == 64, "heads keep the parts aligned");

struct block { /* where the parts of one lie */
    const struct block_head *head;
    const uint32_t *seq, *session, *project;
    const float *scale;
    const uint64_t *bits;
    const int8_t *codes;
};
size_t block_size(size_t n, size_t width);
struct block block_at(const char *p, size_t width);

struct mapping { /* shared by searches that run while the file grows */
    struct str map;
    atomic_int users;
};
struct vectors {
    char *path;
    char model[VECTOR_MODEL_ROOM];
    size_t dimensions, width;
    bool read_only;

    pthread_mutex_t writing;
    int writer; /* descriptor with the lock, -1 */

    pthread_mutex_t lock;
    int reader; /* -1: no file */
    struct mapping *mapping;
    size_t committed; /* bytes of whole, checked blocks and the head */
    struct vectors_state state;
};

/* ---- vectors.c ---- */
struct snapshot {
    struct mapping *mapping; /* NULL: nothing there */
    const char *p;
    size_t n;
    int64_t rows;
};
void snapshot_take(struct vectors *v, struct snapshot *out); /* what is there now, of other processes too */
void snapshot_drop(struct snapshot *s);
/* For all blocks: size_t at = 0; while (snapshot_next(…)) */
bool snapshot_next(const struct snapshot *s, size_t width, size_t *at, struct block *out);

uint32_t vector_hash(struct str s);

/* ---- vector_math.c: the arithmetic, chosen once for the processor ---- */
struct vector_math {
    const char *name;
    /* Sum of the products; n is a multiple of 64. */
    int64_t (*dot)(const int16_t *query, const int8_t *codes, size_t n);
    /* How many bits differ in n words. */
    unsigned (*differ)(const uint64_t *a, const uint64_t *b, size_t n);
};
const struct vector_math *vector_math(void);
enum { VECTOR_MATHS_MAX = 3 };
size_t vector_maths(const struct vector_math *out[VECTOR_MATHS_MAX]); /* all that run here, best first; for tests */
/* Codes, bits and scale of a vector; *scale turns code into value. */
void vector_encode(const float *v, size_t dimensions, size_t width, int8_t *codes, uint64_t *bits, float *scale);
/* A query as 14-bit numbers, so that it is not what limits precision. */
void vector_query(const float *v, size_t dimensions, size_t width, int16_t *out, uint64_t *bits, float *scale);

#endif
