/* The words engine's inside, divided by file. Not for other rooms. What a segment is: segment.h.
 *
 * data/index/:
 *   lock             flock of the keeper: the one process that writes the files below
 *   manifest            which segments there are (manifest.c); replaced by renaming, so it is whole or the one before
 *   words-<hex>.seg  the segments; written and synced before the manifest names them, removed after it does not any
 * more remake, purge    another process asks the keeper to make the index anew, to write it without what was deleted
 * Segments follow one another in seq without a gap: (0, a], (a, b] … (y, watermark]. What comes after the watermark,
 * each process takes from the store by itself, in segments in memory, and what it has of these is its `stock`. A file
 * that is missing or damaged leaves a hole, which is searched in the store until the keeper has filled it.
 *
 * Phases of a turn: committed by the store; in memory (by whoever searches first, or the keeper's thread); in a file,
 * when there are many of them (stock_is_full) or nothing new has come for a while; in larger files by merging.
 *
 * Locks, in this order: `keeping` (the keeper's work on files: minutes), `feeding` (changing the stock: milliseconds),
 * `lock` (the pointer to the stock, flags: nothing). A search holds a reference to one stock, and nothing else; it
 * takes `feeding` only to catch up, and goes to the store itself when that is not to be had within FEEDING_WAIT_MS. */
#ifndef CAIRN_INDEX_ENGINE_H
#define CAIRN_INDEX_ENGINE_H

#include "index/index.h"
#include "index/segment.h"
#include "index/tokens.h"

#include <pthread.h>
#include <time.h>

enum {
    FLUSH_DOCS = 8192,       /* in memory: then they go to a file, */
    FLUSH_BYTES = 512 << 10, /* or when their segments have so many bytes */
    FEED_BATCH = FLUSH_DOCS, /* turns read from the store at once */
    FANOUT = 8,              /* so many neighbours of like size are merged into one */
    MERGE_MAX = 2 * FANOUT,
    MEMORY_UNIT = 8, /* docs of the smallest kind of segment, in memory and in files */
    FILE_UNIT = 4096,
    CATCH_UP_MAX = 1000, /* a search takes so many turns in by itself */
    FEEDING_WAIT_MS = 5,
    SEGMENTS_MAX = 1000,
};

bool text_asks(struct str text); /* ends with a question mark */

/* ---- manifest.c: which segments there are ---- */
struct manifest_entry {
    uint64_t name, size;
    int64_t from, to;
    uint32_t docs, foot_crc;
};
enum { IDENTITY_ROOM = 48 };
struct manifest {
    uint64_t generation;          /* one more each time it is written */
    int64_t watermark;            /* everything up to this seq is in the entries */
    char identity[IDENTITY_ROOM]; /* of the store */
    int64_t anchor;               /* a turn, by which a store put back from a copy is noticed; 0: none */
    char anchor_id[ID_MAX];
    struct manifest_entry *entries;
    size_t n;
};
void manifest_release(struct manifest *s);
/* ERR_NOT_FOUND, ERR_CORRUPT. Sealed or not, by `keys`. */
enum err_code manifest_load(struct keyring *keys, const char *dir, struct manifest *out, struct err *e);
enum err_code manifest_parse(struct str bytes, struct manifest *out, struct err *e);
enum err_code manifest_save(struct keyring *keys, const char *dir, const struct manifest *s, struct err *e);
struct stamp { /* tells one writing of the file from another */
    int64_t ino, size, sec, nsec;
};
void manifest_stamp(const char *dir, struct stamp *out); /* all zero: no file */
void manifest_path(char out[], size_t room, const char *dir, const char *name);
void segment_path(char out[], size_t room, const char *dir, uint64_t name);
enum { MANIFEST_PATH_MAX = 4096 };

/* ---- stock.c: what one process has at one moment, immutable ---- */
struct hole {
    int64_t from, to; /* from < seq <= to */
};
struct stock {
    atomic_int refs;
    struct stamp stamp; /* of the manifest that the files are from */
    bool again;         /* a file could not be opened just then: look again */
    int64_t watermark;  /* of the files */
    int64_t taken;      /* up to here everything is in the segments or in a hole */
    size_t n_files, n;  /* segments by ascending seq: files, then those in memory */
    struct segment **segments;
    struct hole *holes; /* ascending */
    size_t n_holes;
};
struct stock *stock_new(size_t segments, size_t holes); /* empty, with room; NULL: out of memory */
struct stock *stock_hold(struct stock *s);
void stock_drop(struct stock *s);                   /* NULL is fine */
void stock_add(struct stock *s, struct segment *g); /* holds it */
int64_t stock_memory_docs(const struct stock *s);
bool stock_is_full(const struct stock *s); /* what is in memory is to go to a file */
/* Neighbours among sizes[n] that are to be merged: true, and which. */
bool stock_due(const int64_t *sizes, size_t n, int64_t unit, size_t *from, size_t *count);

struct index {
    struct store *store;
    char *dir;      /* data/index */
    bool in_memory; /* there are no files: `dir` is nowhere */
    bool read_only, alone;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct stock *stock;
    bool woken, stop, failing_told;
    atomic_bool stopping; /* ends a merge */

    pthread_mutex_t feeding;
    size_t pinned; /* segments in memory that are just being written: not to be merged with others */
    bool reload;   /* the files are to be looked at again though the manifest is the same */
    int batch;
    int64_t anchor;
    char anchor_id[ID_MAX];

    pthread_mutex_t keeping;
    int lock_fd;              /* -1: not the keeper */
    bool unmerged;            /* segments were added since merging was last looked at */
    int64_t paused_us;        /* when a merge last let turns in */
    struct manifest manifest; /* the keeper's own */
    enum err_code failing;
    int64_t asked_us; /* when the thread last asked the keeper to mend */

    bool has_thread;
    pthread_t thread;
};
struct keyring *index_keys(const struct index *x);    /* as they are now; NULL: plain */
struct stock *index_stock(struct index *x);           /* held */
void index_publish(struct index *x, struct stock *s); /* takes it; with `feeding` */
/* As if nothing had been taken in. Takes `feeding`. */
enum err_code index_forget(struct index *x, struct err *e);
void index_wake_up(struct index *x);

/* ---- feed.c: from the store into memory; all with `feeding` ---- */
/* Looks whether the manifest has changed. What cannot be read leaves holes, or (no manifest, another store's) nothing.
 */
enum err_code feed_refresh(struct index *x, struct err *e);
/* Takes in what the store has after the stock, at most `most` turns; *n of them. */
enum err_code feed_some(struct index *x, int most, int64_t *n, struct err *e);
/* Sets aside the segments that are bad. */
enum err_code feed_set_aside(struct index *x, struct err *e);
/* turns_last_seq, which says 0 both for none and for a failure, told apart. */
enum err_code stored_last(struct store_tx *tx, struct arena *a, int64_t *out, struct err *e);
enum err_code stored_last_now(struct index *x, int64_t deadline_us, int64_t *out, struct err *e);

/* ---- keep.c: the keeper's work on files; all with `keeping` ---- */
/* Becomes the keeper, or is it already. ERR_BUSY: another process is. */
enum err_code keep_claim(struct index *x, struct err *e);
void keep_resign(struct index *x);
enum err_code keep_flush(struct index *x, struct err *e);  /* memory → a file */
enum err_code keep_reset(struct index *x, struct err *e);  /* empties the index */
enum err_code keep_repair(struct index *x, struct err *e); /* fills the holes */
/* Merges what is due; *more: there may be more. */
enum err_code keep_merge(struct index *x, int64_t pace, bool *more, struct err *e);
enum err_code keep_mend(struct index *x, struct err *e);  /* reads all files; what is damaged becomes a hole */
enum err_code keep_purge(struct index *x, struct err *e); /* writes anew what holds deleted turns */
/* Writes anew what is not in the form that the store's keys want now. */
enum err_code keep_convert(struct index *x, struct err *e);
enum err_code keep_flush_batch(struct index *x, int64_t *n, struct err *e); /* feed_some, and to a file when due */

/* ---- thread.c ---- */
void *index_thread(void *x);

/* ---- extent.c: which documents are asked about ---- */
struct range {
    uint32_t from, to;
};
struct part_of { /* one segment in one search */
    struct segment *s;
    struct range *ranges; /* ascending, apart */
    size_t n_ranges;
    struct range except; /* left out */
    struct list *lists;  /* of each term */
    int64_t turns, bytes;
};
enum err_code extent_make(struct arena *a, const struct index_query *q, struct part_of *p, struct err *e);
bool extent_has(const struct part_of *p, uint32_t doc);

/* ---- rank.c: BM25 over all parts, the best first ---- */
struct ranked {
    double score;
    int64_t seq;
    uint32_t part, doc, matched;
};
struct ranking {
    const struct index_query *q;
    struct part_of *parts;
    size_t n_parts;
    size_t limit;
    int64_t turns, bytes; /* of the scope */
    double idf[INDEX_TERMS_MAX];
    double norm[LENGTH_CODES];
    bool count_all; /* few enough to count every match */
    struct ranked *best;
    size_t n;
    int64_t touched, matches;
};
double bm25_weight(double tf, double bytes, double average);
double bm25_idf(double turns, double df);
enum err_code rank_weigh(struct ranking *r, struct err *e); /* idf, from the lists */
enum err_code rank_run(struct ranking *r, struct arena *a, struct err *e);
bool rank_wants(const struct ranking *r, const struct part_of *p, uint32_t doc, bool *wanted); /* false: `bad` */

/* ---- places.c ---- */
struct located {
    struct index_hit hit;
    uint32_t part, doc, agent, row; /* row: of the conversation */
};
enum { AROUND_MAX = 8 };
/* Where a document stands; false: its segment is `bad`. */
bool place_of(const struct ranking *r, uint32_t part, uint32_t doc, struct located *out);
/* Fills out->hits with the best and the turns around them. */
enum err_code places_hand_over(const struct ranking *r, struct arena *scratch, struct arena *a, struct located *best,
                               size_t n, struct index_hits *out, struct err *e);

#endif
