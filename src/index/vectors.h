/* Vectors: what turns mean, kept by model (data/index/vectors-<model>.*). Derived wholly from the store: the last seq
 * that is in is the watermark, and what is damaged is taken out and made anew from there. It does not know what a model
 * is: vectors come in as floats of length 1 and are kept in nine bits a dimension (vectors_int.h has the format).
 *
 * A search looks at one bit of each dimension of all rows in question, and scores the nearest of them by all nine.
 * Filters are applied before the nearest are chosen, so however few rows they leave, nothing is missed because of them.
 *
 * Several processes: one of them writes, by a lock; the others read what it has written so far. When it dies, the next
 * one that claims the lock goes on. Turns that were deleted since are still in it until vectors_purge: whoever asks
 * looks the turn up in the store.
 *
 * Threads: a struct vectors is shared. Searches do not wait for the writer. */
#ifndef CAIRN_INDEX_VECTORS_H
#define CAIRN_INDEX_VECTORS_H

#include "base/err.h"
#include "store/scope.h"

enum {
    VECTORS_BLOCK = 256, /* rows appended at once, at most */
    VECTORS_DIMENSIONS_MAX = 4096,
    VECTORS_BEST_MAX = 1000,
};

struct vectors;

struct vectors_options {
    const char *dir;      /* data folder */
    const char *model_id; /* "name@digits": the digits name the files */
    size_t dimensions;
    bool read_only;            /* never writes */
    const struct store *store; /* files are sealed with its keys, when it has some; NULL: plain */
};
/* Reads no more than the last block, however many there are: each other one is checked when it is first used. Files
 * that are not there, or not readable as ours, are none: searches find nothing until a writer makes them. */
enum err_code vectors_open(const struct vectors_options *o, struct vectors **out, struct err *e);
void vectors_close(struct vectors *v); /* NULL is fine */

/* ---- writing ---- */
/* Becomes the writer: makes the files when there are none, and takes out what was found damaged with all that came
 * after it, so that the watermark falls back to before it. Quick when there is nothing to do. ERR_BUSY when another
 * process is the writer. */
enum err_code vectors_claim(struct vectors *v, struct err *e);
struct vector_row {
    int64_t seq; /* ascending, above all that are in */
    struct str turn_id, session_id, project;
    const float *v;
    struct str conversation_id;
    int64_t timestamp; /* ms */
};
enum err_code vectors_append(struct vectors *v, const struct vector_row *rows, size_t n, struct err *e);
enum err_code vectors_reset(struct vectors *v, struct err *e); /* empties it; the writer only */
/* Removes the files that other models left in the folder and nobody writes to; how many. For the writer of a file that
 * holds all turns: vectors that nobody keeps up would also keep what was erased. */
size_t vectors_remove_others(struct vectors *v);
/* The same for every model's files in the data folder `dir`: for a process that has no model, and so cannot tell what
 * in them is of turns that were deleted. */
size_t vectors_remove_all(const char *dir);
/* Brings all models' files in the store's data folder into the form, sealed or plain, that its keys say now, but for
 * those of the model `except` (NULL: none): its writer has done so with vectors_claim. ERR_BUSY: somebody writes to
 * one. */
enum err_code vectors_convert(const struct store *store, const char *except, struct err *e);
/* Reads all of it: ERR_CORRUPT when a checksum is wrong. The next vectors_claim takes that out. */
enum err_code vectors_check(struct vectors *v, struct err *e);

/* Which of seqs[n] (ascending) are gone for good? Sets gone[i] for them. */
typedef enum err_code vectors_gone_fn(void *arg, const int64_t *seqs, size_t n, bool *gone, struct err *e);
/* As vectors_append, without the rows that are gone by now. No purge can come in between, so a turn that is erased
 * while its vector is made is either left out here or taken out by the purge that follows its erasure. */
enum err_code vectors_append_living(struct vectors *v, const struct vector_row *rows, size_t n, vectors_gone_fn *gone,
                                    void *arg, struct err *e);
/* Takes rows out: new files are written beside, flushed to disk, and put in the place of the old ones, so that nothing
 * of the rows is left. Searches go on meanwhile, appends wait. *removed: how many; when none, nothing is written. The
 * writer only. The watermark stays where it is. */
enum err_code vectors_purge(struct vectors *v, vectors_gone_fn *gone, void *arg, int64_t *removed, struct err *e);

/* Puts rows in between, of turns up to the watermark that have none: the files are rewritten as by a purge, so many at
 * once are cheaper. In order, as for vectors_append; those that are in already or gone by now are left out. */
enum err_code vectors_insert(struct vectors *v, const struct vector_row *rows, size_t n, vectors_gone_fn *gone,
                             void *arg, struct err *e);

struct vectors_state {
    int64_t rows, last; /* the watermark: the highest seq that is or was in */
    uint64_t anchor;    /* vectors_anchor of the turn `last` */
    int64_t bytes;      /* of the files */
};
void vectors_state(struct vectors *v, struct vectors_state *out);
uint64_t vectors_anchor(struct str turn_id); /* by which another store's files are noticed */

/* ---- reading ---- */
struct vector_hit {
    int64_t seq;
    float score; /* cosine */
};
/* Seqs that are allowed: seq is when first <= seq < first + n and its bit (seq - first) is set. */
struct vector_set {
    int64_t first;
    size_t n;
    const uint64_t *bits;
};
struct vector_query {
    const float *v;
    struct str session_id;          /* STR_NONE: all sessions of `project` */
    struct str project;             /* STR_NONE: all projects */
    const struct scope_view *view;  /* across sessions: only those that may be read; NULL: all */
    struct str except_conversation; /* leave this conversation's turns out; STR_NONE: none */
    int64_t from, to;               /* from <= turn's time <= to, in ms, 0: open */
    const struct vector_set *only;  /* NULL: all */
    size_t best;                    /* 1 … VECTORS_BEST_MAX */
    int64_t deadline_us;            /* clock_mono_us, 0: none */
};
/* The nearest rows that pass all filters, best first, into out[best]; of equals the newer one first.
 * Names are told apart by 32 bits: a row of another session, project or conversation may be taken for one of this once
 * in four thousand million. Times are kept in steps of a second, or of 1/65536 of what a block of 256 rows spans when
 * that is more: rows so near to `from` or `to` may be among the hits though they are outside, never the other way. */
enum err_code vectors_search(struct vectors *v, const struct vector_query *q, struct vector_hit *out, size_t *n,
                             struct err *e);
/* The cosine of each turn in seqs[n] (ascending), NAN for those that are not in. */
enum err_code vectors_scores(struct vectors *v, const float *query, const int64_t *seqs, size_t n, float *out,
                             struct err *e);

#endif
