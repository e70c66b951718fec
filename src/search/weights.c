/* The weights of recall. Found by coordinate search on single turns of the first five conversations of LoCoMo
 * (bench/recall.py), then rounded; the last five were not tuned on. All of them move R@10 there by less than half a
 * point when changed by a fifth. In brackets: R@10 without it (81.2 by words with all of them, 62.7 with the turn's own
 * words alone). Meaning was weighed after that, with the words' weights as they were: 82.7 with both, 45.4 by cosine
 * alone; in its group the brackets say what both give without it. */
#include "search/intern.h"

const struct weights WEIGHTS = {
    .before = {0.5, 0.4, 0.2},  /* (75.1) an answer seldom repeats the words of what it answers */
    .after = {0.35, 0.15, 0.1}, /* (79.4) */
    .meaning = 0.11,
    .meaning_level = 1,                 /* (R@5 72.9 instead of 73.8) */
    .meaning_near = {0.45, 0.15, 0.05}, /* (82.4; R@5 73.1) */
    .meaning_conversation = 0.4,        /* (82.7; all ten: 81.4 instead of 81.7) */
    .cosine_mean = 0.1,                 /* of texts that have nothing to do with each other; seldom of weight */
    .cosine_deviation = 0.12,
    .cosine_count = 30,
    .conversation = 0.5, /* (78.7) */
    .repeat = 0.3,       /* (80.7 with 1) */
    .speaker = 0.3,      /* (78.8) */
    .date = 1.5,         /* (78.8) */
    .asking = 0.2,       /* (80.8; R@5 71.2 instead of 72.5) */
    .recency = 0.05,     /* not measurable there, where all turns are old: decides between equals */
    .recency_days = 30,
    .certainty = 1.2, /* a turn with every word of the question once, and nothing else, gets 0.7 */
};
