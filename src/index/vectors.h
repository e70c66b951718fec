/* Vectors: what turns mean, one file for each model (data/index/vectors-<model>.bin) that only grows. Derived wholly
 * from the store: its last seq is its watermark, a torn end is cut, a damaged file is made anew. It does not know
 * what a model is: vectors come in as floats of length 1 and are kept as int8.
 *
 * Several processes: one of them writes, by a lock on the file; the others read what it has written so far. Turns that
 * were deleted since are still in it: whoever asks looks the turn up in the store.
 *
 * Threads: a struct vectors is shared. Searches do not wait for the writer. */
#ifndef CAIRN_INDEX_VECTORS_H
#define CAIRN_INDEX_VECTORS_H

#include "base/err.h"
#include "store/scope.h"

enum {
    VECTORS_BLOCK = 256, /* rows written at once, at most */
    VECTORS_DIMENSIONS_MAX = 4096,
    VECTORS_BEST_MAX = 1000,
    VECTORS_EXACT_MAX = 100000, /* with more rows than this in question, one-bit vectors choose which are scored */
};

struct vectors;

struct vectors_options {
    const char *dir;      /* data folder */
    const char *model_id; /* "name@digits": the digits name the file */
    size_t dimensions;
    bool read_only; /* never writes */
};
/* A file that is not there, or not readable as ours, is none: searches find nothing until a writer makes it. */
enum err_code vectors_open(const struct vectors_options *o, struct vectors **out, struct err *e);
void vectors_close(struct vectors *v); /* NULL is fine */

/* ---- writing ---- */
/* Becomes the writer: makes the file when there is none or it is damaged, cuts a torn end. Quick when it is
 * already. ERR_BUSY when another process is. */
enum err_code vectors_claim(struct vectors *v, struct err *e);
struct vector_row {
    int64_t seq; /* ascending, above all that are in */
    struct str turn_id, session_id, project;
    const float *v;
};
enum err_code vectors_append(struct vectors *v, const struct vector_row *rows, size_t n, struct err *e);
enum err_code vectors_reset(struct vectors *v, struct err *e); /* empties it; the writer only */
/* Removes the files that other models left in the folder and nobody writes to; how many. For the writer of a file that
 * holds all turns: vectors that nobody keeps up would also keep what was erased. */
size_t vectors_remove_others(struct vectors *v);
/* Reads all of it: ERR_CORRUPT when a checksum is wrong. */
enum err_code vectors_check(struct vectors *v, struct err *e);

struct vectors_state {
    int64_t rows, last; /* the watermark: the highest seq that is in */
    uint64_t anchor;    /* vectors_anchor of the turn `last` */
};
void vectors_state(struct vectors *v, struct vectors_state *out);
uint64_t vectors_anchor(struct str turn_id); /* by which another store's file is noticed */

/* ---- reading ---- */
struct vector_hit {
    int64_t seq;
    float score; /* cosine */
};
struct vector_query {
    const float *v;
    struct str session_id;         /* STR_NONE: all sessions of `project` */
    struct str project;            /* STR_NONE: all projects */
    const struct scope_view *view; /* across sessions: only those that may be read; NULL: all */
    size_t best;                   /* 1 … VECTORS_BEST_MAX */
    int64_t deadline_us;           /* clock_mono_us, 0: none */
};
/* The nearest rows of the scope, best first, into out[best]. Sessions and projects are told apart by 32 bits: a row of
 * another one may be among them once in four thousand million. */
enum err_code vectors_search(struct vectors *v, const struct vector_query *q, struct vector_hit *out, size_t *n,
                             struct err *e);
/* The cosine of each turn in seqs[n] (ascending), NAN for those that are not in. */
enum err_code vectors_scores(struct vectors *v, const float *query, const int64_t *seqs, size_t n, float *out,
                             struct err *e);

#endif
