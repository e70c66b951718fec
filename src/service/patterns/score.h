/* The two formulas patterns are judged by (contract, "Patterns"). Pure arithmetic. */
#ifndef CAIRN_SERVICE_PATTERNS_SCORE_H
#define CAIRN_SERVICE_PATTERNS_SCORE_H

#include <stdint.h>

/* 0.4 success rate + 0.3 min(frequency / 20, 1) + 0.3 min(reuse / 10, 1): 0 … 1. Values out of range count as the
 * nearest in range. */
double pattern_quality(double success_rate, int64_t frequency, int64_t reuse_count);

/* 1 for now, falling evenly to 0 at 30 days and more. age_ms < 0 counts as now. */
double pattern_recency(int64_t age_ms);

/* 0.40 similarity + 0.25 quality + 0.20 success + 0.15 recency, each 0 … 1. */
double pattern_worth(double similarity, double quality, double success_rate, double recency);

/* The rate after one more use. `uses` counts those before it. */
double pattern_success_after(double success_rate, int64_t uses, int success);

#endif
