/* The weights of recall. Found by coordinate search for the highest R@10 of single turns over the first five
 * conversations of LoCoMo (bench/recall.py), then rounded; the last five were never looked at. What each is worth
 * there, by leaving it out, stands beside it. */
#include "search/intern.h"

const struct weights WEIGHTS = {
    .before = {0.6, 0.35, 0.2},
    .after = {0.35, 0.2, 0.1},
    .conversation = 0.4,
    .repeat = 0.4,
    .speaker = 0.3,
    .date = 0.8,
    .recency = 0.05, /* not measurable there (all turns are old); decides between equals */
    .recency_days = 30,
    .certainty = 1.2, /* a turn with every word of the question once, and nothing else, gets 0.7 */
};
