/* Search's inside, divided by file. Not for other rooms. */
#ifndef CAIRN_SEARCH_INTERN_H
#define CAIRN_SEARCH_INTERN_H

#include "search/plain.h"
#include "search/recall.h"

/* ---- weights.c: all that was tuned, in one table ---- */
enum { NEIGHBOURS = 3 };
struct weights {
    /* score.c, of what the index knows. Parts that add up: */
    double words;              /* of its own: the unit of all others, 1 */
    double together;           /* a turn's own words count more the more of the question it has at once */
    double before[NEIGHBOURS]; /* how near the turn 1, 2, 3 before it is */
    double after[NEIGHBOURS];  /* and after it */
    double beside;             /* of the words of the question that only they have */
    double neighbours;         /* and of all their words */
    double meaning;            /* what a turn gets for each deviation of its cosine above the level, as a share of what
                                * all words of the question would give */
    double meaning_level;      /* how many deviations above the mean that is */
    double meaning_near[NEIGHBOURS]; /* what a turn gets of the meaning of the turns 1, 2, 3 before and after it */
    double meaning_conversation;     /* and of the best in its conversation */
    double cosine_mean, cosine_deviation, cosine_count; /* what is taken for granted, as if from that many turns */
    double conversation;                                /* of the words of the question that its conversation has */
    double repeat; /* how soon more turns with the same word add nothing to its conversation */
    /* Parts that multiply: */
    double speaker;      /* more when its agent is named in the question */
    double date;         /* more when its time is one the question names */
    double asking;       /* less when it asks rather than tells */
    double recency;      /* more when it is new */
    double recency_days; /* and how fast that fades */
    /* weigh.c, of the texts of the best: */
    double answer;    /* more when it has what the question asks for: a time, a number */
    double aside;     /* less when a tool or the system wrote it */
    double corrected; /* less when a later turn corrects it */
    /* choose.c: */
    double repeated;  /* less when what is chosen already says nearly the same */
    double crowded;   /* where several things are asked for: less for each turn of its conversation chosen already */
    double certainty; /* steepness of the map to 0..1 */
};
extern const struct weights WEIGHTS;
double kind_weight(const struct kind *k);                  /* of records beside turns: 0 … 1 */
double *weight_named(struct weights *w, const char *name); /* NULL: there is none; to measure with others */

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
/* Does a turn of that time tell of a time asked about ("yesterday", relative to the turn)? 0..1 */
double dates_meet(const struct dates *asked, const struct dates *told, int64_t timestamp);

/* ---- gather.c: the turns that may matter ---- */
enum { CANDIDATES = 200, CANDIDATES_FILTERED = 600 };
struct gathering {
    struct store *store;
    struct index *index;
    struct arena *a;
    const struct recall_query *q;
    struct scope_view *view; /* NULL: everything may be read */
    int64_t now;
    int factor; /* times CANDIDATES are asked for */
    /* what gather() finds: */
    struct index_query words;
    struct sense sense;
    struct index_hits hits;
    float *cosines; /* of the hits and the turns around them, NULL: no meaning */
    struct dates dates;
    unsigned asks; /* bits of enum asks */
};
enum err_code gather(struct gathering *g, struct err *e);

/* ---- recall.c ---- */
/* What was gathered, ranked and read into g->a. */
enum err_code recall_rank(struct gathering *g, const struct weights *w, struct recall_result *out, struct err *e);

/* ---- score.c: from words to a ranking ---- */
struct candidate {
    const struct index_hit *hit;
    double cosine;                                   /* of the question's and the turn's vectors, NAN: unknown */
    double words, meaning, neighbours, conversation; /* parts that add up */
    double speaker, date, asking, recency;           /* parts that multiply: 0 … their weight */
    double worth;                                    /* all of them; 1: as if it had each word once and nothing else */
};
/* All hits and the turns around them, best first. cosines: one for each of them, NULL: meaning plays no part. */
enum err_code score_hits(struct arena *a, const struct weights *w, const struct index_hits *h,
                         const struct index_query *q, const float *cosines, const struct dates *dates, int64_t now,
                         struct candidate **out, struct err *e);
double score_of(const struct weights *w, double worth); /* 0..1 */

/* ---- asks.c: what kind of answer a question wants, and whether a text has it ---- */
enum asks { ASKS_TIME = 1, ASKS_NUMBER = 2, ASKS_SEVERAL = 4 };
unsigned asks_read(struct str question);     /* bits of enum asks */
unsigned asks_met(const struct plain *text); /* those of time and number that it has something for */

/* ---- fold.c: texts that say the same ---- */
struct fingerprint {
    const uint32_t *words; /* hashes, ascending, distinct */
    size_t n;
    uint64_t sketch;   /* a bit for each: texts that share no bit share no word */
    uint32_t decisive; /* of numbers, names and negations: where it differs, the texts do */
};
struct fingerprint fingerprint_of(struct arena *a, struct str text); /* n == 0 also when out of memory */
bool fingerprint_same(struct fingerprint a, struct fingerprint b);
double fingerprint_shared(struct fingerprint a, struct fingerprint b); /* words in both, of the words in either */

/* ---- weigh.c and choose.c: the best, read, weighed by their texts, and chosen ---- */
struct drawn {
    const struct candidate *c;
    struct turn turn;
    struct fingerprint print;
    double answer, aside, date; /* parts that multiply, as above; date: more than the candidate's own */
    double repeated;            /* of what is chosen already: 0 … 1 */
    double worth;
    size_t crowd;  /* turns of its conversation chosen already */
    size_t folded; /* copies left out for it */
    const struct plain *plain;
    struct drawn *corrects, *corrected_by;
    bool taken;
};
/* Weighs drawn[n] by their texts and marks which correct which; their order stays. */
enum err_code weigh(const struct gathering *g, const struct weights *w, struct drawn *drawn, size_t n, struct err *e);
/* Reads the best, weighs them and writes those that fit the query's budget to out. *gone: candidates that are deleted.
 */
enum err_code choose(const struct gathering *g, const struct weights *w, struct store_tx *tx,
                     const struct candidate *best, struct recall_result *out, size_t *gone, struct err *e);

/* ---- explain.c ---- */
struct str explain(const struct gathering *g, const struct weights *w,
                   const struct drawn *d); /* JSON; STR_NONE: no memory */

#endif
