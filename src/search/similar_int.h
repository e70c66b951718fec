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

/* `lock` guards slots, vectors and uses; dimensions and step are set once, under it, when the model is there. */
struct similar {
    struct meaning *meaning;
    pthread_mutex_t lock;
    size_t dimensions, width; /* width: dimensions filled up; 0: no vectors yet */
    struct similar_slot *slots;
    int8_t *vectors;
    uint64_t uses;
};

/* ---- similar_vector.c ---- */
size_t small_width(size_t dimensions);
void small_pack(const float *v, size_t dimensions, int8_t *out, float *scale);
float small_cosine(struct small_vector x, struct small_vector y, size_t width);

/* ---- similar.c ---- */
/* Vectors of texts in the arena, `v` NULL where one could not be had in time. False: there is no model. */
bool similar_vectors(struct similar *s, struct arena *a, const struct str *texts, size_t n, enum embed_use use,
                     int64_t deadline_us, struct small_vector *out);

#endif
