/* Similar's inside, divided by file. Not for other rooms.
 *
 * A kept vector is one byte a dimension with one scale, filled up with zeros to a multiple of VECTOR_STEP: a quarter of
 * the floats' memory, and cosines that differ by less than 0.01 from theirs. */
#ifndef CAIRN_SEARCH_SIMILAR_INT_H
#define CAIRN_SEARCH_SIMILAR_INT_H

#include "search/similar.h"

#include <pthread.h>

enum { VECTOR_STEP = 32, WAYS = 8, KEY_BYTES = 16 };

struct small_vector {
    const int8_t *v; /* NULL: not known */
    float scale;
};

/* A set of WAYS slots for each hash; `used` counts uses, 0: empty. */
struct similar_slot {
    uint8_t key[KEY_BYTES];
    uint64_t used;
    float scale;
};

/* The kept vectors of one kind. rows and n: under rows_lock, written by the thread alone; the rest under ask_lock. */
struct kept_row {
    int64_t seq;
    uint64_t key; /* of the text */
    int8_t *v;    /* owned */
    float scale;
    bool taken; /* the thread's: it goes on into the next rows */
};
struct kept_kind {
    struct kept_row *rows; /* by seq, descending */
    size_t n;
    bool asked, made;  /* to be brought up to date; was so once */
    bool quick;        /* the last time was */
    int64_t change;    /* the store's, when it was looked through */
    int64_t due_us;    /* not again before */
    int64_t wanted_us; /* last asked for */
    unsigned rounds;   /* how often it was brought up to date */
};

/* `lock` guards slots, vectors and uses; dimensions and step are set once, under it, when the model is there. */
struct similar {
    struct meaning *meaning;
    pthread_mutex_t lock;
    size_t dimensions, width; /* width: dimensions filled up; 0: no vectors yet */
    struct similar_slot *slots;
    int8_t *vectors;
    uint64_t uses;

    struct store *store;     /* NULL: no records */
    struct kept_kind *kinds; /* in the order of kinds_all */
    size_t n_kinds, n_rows;  /* n_rows: of all kinds, the thread's */
    pthread_rwlock_t rows_lock;
    pthread_mutex_t ask_lock;
    pthread_cond_t wake, done;
    bool stop, has_thread;
    pthread_t thread;
};

/* ---- similar_vector.c ---- */
size_t small_width(size_t dimensions);
void small_pack(const float *v, size_t dimensions, int8_t *out, float *scale);
float small_cosine(struct small_vector x, struct small_vector y, size_t width);

/* ---- similar.c ---- */
/* Vectors of texts in the arena, `v` NULL where one could not be had in time. False: there is no model. */
bool similar_vectors(struct similar *s, struct arena *a, const struct str *texts, size_t n, enum embed_use use,
                     int64_t deadline_us, struct small_vector *out);

/* ---- similar_records.c ---- */
enum err_code records_open(struct similar *s, struct err *e);
void records_close(struct similar *s);

/* ---- similar_fill.c ---- */
void *records_thread(void *similar);

#endif
