/* A tally: the most frequent of many keys, counted in bounded memory (Metwally, Agrawal, El Abbadi, "Efficient
 * Computation of Frequent and Top-k Elements in Data Streams", 2005: "space saving"). While there is room every key has
 * a counter; then a new key takes over the smallest counter and its count, which is remembered as its possible error.
 * So count - error is what was certainly seen, and any key that makes up more than 1/most of all is in it.
 *
 * Counts may fade, which keeps the same promises for the faded sums. The same keys in the same order give the same
 * tally, however they were cut into batches: it is written as JSON and read back without loss. One thread at a time. */
#ifndef CAIRN_SERVICE_TALLY_H
#define CAIRN_SERVICE_TALLY_H

#include "base/arena.h"
#include "base/json_write.h"

struct tally_item {
    struct str key;   /* what is counted as one: a stem, a phrase */
    struct str shown; /* as it was first seen */
    double count, error;
    uint32_t hash;
};
struct tally {
    struct arena *arena;
    struct tally_item *items; /* in the order of their counters, not of their counts */
    size_t n, most;
};

/* False: out of memory. most: 1 to 10,000 counters. */
bool tally_init(struct tally *t, struct arena *a, size_t most);
/* Counts `by` (above 0) more of a key; strings are copied. False: out of memory. */
bool tally_add(struct tally *t, struct str key, struct str shown, double by);
/* Multiplies all counts (0 < factor <= 1). */
void tally_fade(struct tally *t, double factor);
/* The items certainly seen at least `least` times, most frequent first, equals by key; at most `max` of them, in the
 * arena. False: out of memory. */
bool tally_top(const struct tally *t, double least, size_t max, struct tally_item **out, size_t *n);

/* [[key, shown, count, error], …]; shown is left out ("") where it is the key. */
void tally_write(struct json_out *w, const struct tally *t);
/* Adds what tally_write wrote to an empty tally; what is no such item is passed over, what does not fit left out.
 * False: out of memory. */
bool tally_read(struct tally *t, const struct json *array);

#endif
