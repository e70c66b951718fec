/* Judging patterns. The weights are the contract's own. See score.h. */
#include "service/patterns/score.h"

static const double DAY_MS = 86400000.0, FADES_DAYS = 30, MUCH_SEEN = 20, MUCH_USED = 10;

static double share(double v)
{
    return v >= 1 ? 1 : v > 0 ? v : 0; /* what is no number counts as nothing */
}

double pattern_quality(double success_rate, int64_t frequency, int64_t reuse_count)
{
    return 0.4 * share(success_rate) + 0.3 * share((double)frequency / MUCH_SEEN) +
           0.3 * share((double)reuse_count / MUCH_USED);
}

double pattern_recency(int64_t age_ms)
{
    return share(1 - (double)age_ms / (FADES_DAYS * DAY_MS));
}

double pattern_worth(double similarity, double quality, double success_rate, double recency)
{
    return 0.40 * share(similarity) + 0.25 * share(quality) + 0.20 * share(success_rate) + 0.15 * share(recency);
}

double pattern_success_after(double success_rate, int64_t uses, int success)
{
    double before = uses > 0 ? share(success_rate) * (double)uses : 0;
    return share((before + (success ? 1 : 0)) / (double)(uses > 0 ? uses + 1 : 1));
}
