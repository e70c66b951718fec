/* The weights of recall. Found by coordinate search on single turns of the first five conversations of LoCoMo
 * (bench/recall.py), then rounded; the last five were not tuned on. All of them move R@10 there by less than half a
 * point when changed by a fifth. In brackets: R@10 (81.2 with all, 62.7 with the turn's own words alone) without it. */
#include "search/intern.h"

const struct weights WEIGHTS = {
    .before = {0.5, 0.4, 0.2},  /* (75.1) an answer seldom repeats the words of what it answers */
    .after = {0.35, 0.15, 0.1}, /* (79.4) */
    .meaning = 0.11, /* the rest of this group was found with those above and below as they are, by the same way */
    .meaning_level = 1,
    .meaning_near = {0.45, 0.15, 0.05},
    .meaning_conversation = 0.4,
    .cosine_mean = 0.1, /* of texts that have nothing to do with each other; seldom of weight */
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
