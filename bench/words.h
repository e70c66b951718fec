/* Text for benchmarks: the same number always gives the same text, on any machine. Two kinds:
 * prose   about 500 bytes; words by Zipf's law over 20,000 ranks, of which the first 100 are the commonest English
 *         words and the others are made of syllables;
 * chat    one to three sentences as people write them, with names, places, things, feelings and times. */
#ifndef CAIRN_BENCH_WORDS_H
#define CAIRN_BENCH_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { WORDS_RANKS = 20000, WORDS_TEXT_MAX = 1024 };

struct words;

struct words *words_new(uint64_t seed); /* NULL when out of memory */
void words_free(struct words *w);

/* Each writes a NUL-terminated text into out[WORDS_TEXT_MAX] and returns its length. */
size_t words_prose(const struct words *w, uint64_t number, char *out);
/* Prose of `bytes` to bytes + 120 bytes, at most as long as words_prose makes it. */
size_t words_filler(const struct words *w, uint64_t number, size_t bytes, char *out);
/* What turn `number` of a benchmark's store says: 7 in 10 are prose, 3 in 10 chat. */
size_t words_turn(const struct words *w, uint64_t number, char *out);
/* A question about that turn: five of its content words among stop words. */
size_t words_question(const struct words *w, uint64_t number, char *out);
const char *words_name(uint64_t number); /* who speaks */

#endif
