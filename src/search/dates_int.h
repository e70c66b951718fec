/* Reading of dates, divided by file: dates.c (named dates, and those relative to now), dates_span.c (spans: quarters,
 * seasons, feasts, "between … and …"), dates_match.c. Search's own. */
#ifndef CAIRN_SEARCH_DATES_INT_H
#define CAIRN_SEARCH_DATES_INT_H

#include "search/intern.h"

#define DAY_MS INT64_C(86400000)
enum { WORDS_MAX = 128, WORD_ROOM = 16 };
struct date_words {
    char w[WORDS_MAX][WORD_ROOM]; /* lower case, cut; "7th" is "7" */
    int n;
};
struct today {
    int64_t now, start; /* ms; of the day, UTC */
    int64_t days;       /* since 1970 */
    int year, month, day;
};
enum unit { UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR, UNIT_NONE };

const char *dates_word(const struct date_words *w, int i); /* "" beyond either end */
int dates_find(const char *w, const char *const *list, int n);
int dates_year(const char *w);                  /* 0: none */
int dates_month(const char *w, bool *sure);     /* 1 … 12, 0: none. *sure: can mean nothing else */
int dates_count(const char *w);                 /* "three", "3", "a"; 0: none */
int64_t dates_month_start(int year, int month); /* month may run over either end of the year */
void dates_add(struct dates *d, struct date_hint h);
void dates_add_range(struct dates *d, int64_t from, int64_t to);

/* Each: from the word i, how many words it took; 0: there is no such thing. */
int dates_read_one(const struct date_words *w, int i, const struct today *t, struct dates *out); /* any but spans */
int dates_read_quarter(const struct date_words *w, int i, const struct today *t, struct dates *out);
int dates_read_season(const struct date_words *w, int i, const struct today *t, struct dates *out); /* and feasts */
int dates_read_span(const struct date_words *w, int i, const struct today *t, struct dates *out);

#endif
