/* Search's inside, divided by file. Not for other rooms. */
#ifndef CAIRN_SEARCH_INTERN_H
#define CAIRN_SEARCH_INTERN_H

#include "search/recall.h"

/* ---- weights.c: all that was tuned, in one table ---- */
enum { NEIGHBOURS = 3 };
struct weights {
    double before[NEIGHBOURS]; /* what a turn gets of the score of the turn 1, 2, 3 before it */
    double after[NEIGHBOURS];  /* and after it */
    double meaning;            /* what a turn gets for each deviation of its cosine above the level, as a share of what
                                * all words of the question would give */
    double meaning_level;      /* how many deviations above the mean that is */
    double meaning_near[NEIGHBOURS]; /* what a turn gets of the meaning of the turns 1, 2, 3 before and after it */
    double meaning_conversation;     /* and of the best in its conversation */
    double cosine_mean, cosine_deviation, cosine_count; /* what is taken for granted, as if from that many turns */
    double conversation;                                /* of the words of the question that its conversation has */
    double repeat;       /* how soon more turns with the same word add nothing to its conversation */
    double speaker;      /* more when its agent is named in the question */
    double date;         /* more when its time is one the question names */
    double asking;       /* less when it asks rather than tells */
    double recency;      /* more when it is new */
    double recency_days; /* and how fast that fades */
    double certainty;    /* steepness of the map to 0..1 */
};
extern const struct weights WEIGHTS;

/* ---- dates.c: time words of a question ---- */
enum { DATES_MAX = 4 };
struct date_hint {
    int year, month, day; /* 0: any; all 0: a range */
    int64_t from, to;     /* ms, to exclusive */
};
struct dates {
    struct date_hint hint[DATES_MAX];
    size_t n;
};
void dates_read(struct str question, int64_t now, struct dates *out);
double dates_match(const struct dates *d, int64_t timestamp); /* 0..1, the best of the hints */

/* ---- score.c: from words to a ranking ---- */
struct candidate {
    const struct index_hit *hit;
    double cosine;                                   /* of the question's and the turn's vectors, NAN: unknown */
    double words, meaning, neighbours, conversation; /* parts that add up */
    double speaker, date, asking, recency;           /* parts that multiply: 0 … their weight */
    double score;                                    /* 0..1 */
};
/* All hits and the turns around them, best first. cosines: one for each of them, NULL: meaning plays no part. */
enum err_code score_hits(struct arena *a, const struct index_hits *h, const struct index_query *q, const float *cosines,
                         const struct dates *dates, int64_t now, struct candidate **out, struct err *e);

/* ---- fold.c: texts that say the same ---- */
struct fingerprint {
    const uint32_t *words; /* hashes, ascending, distinct */
    size_t n;
};
struct fingerprint fingerprint_of(struct arena *a, struct str text); /* n == 0 also when out of memory */
bool fingerprint_same(struct fingerprint a, struct fingerprint b);

#endif
