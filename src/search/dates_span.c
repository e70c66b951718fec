/* Spans of time in a question: "in Q2 2023", "last summer", "at Christmas", "between March and June", "before Easter",
 * "since 3 May". What stands after "before" or "since" is read as any other date (dates.c), then turned into the span.
 */
#include "search/dates_int.h"

#include "base/clock.h"

#include <string.h>

/* "before" and "after" without an end mean the time close by. */
enum { CLOSE_DAYS = 90 };

static int64_t at_day(int year, int month, int day)
{
    return clock_days(year, month, day) * DAY_MS;
}

/* ---- quarters ---- */
static int quarter_of(const char *w)
{
    static const char *const NAMES[] = {"q1", "q2", "q3", "q4"};
    return dates_find(w, NAMES, 4) + 1;
}

static int ordinal_of(const char *w)
{
    static const char *const FIRST[] = {"first", "second", "third", "fourth"}, *const NUMBER[] = {"1", "2", "3", "4"};
    int i = dates_find(w, FIRST, 4);
    return (i >= 0 ? i : dates_find(w, NUMBER, 4)) + 1;
}

/* The year that is named, at *next, or the latest in which the month has begun. */
static int year_for(const struct date_words *w, int *next, const struct today *t, int month)
{
    int of = strcmp(dates_word(w, *next), "of") == 0 || strcmp(dates_word(w, *next), "in") == 0;
    int year = dates_year(dates_word(w, *next + of));
    if (year)
        *next += of + 1;
    return year ? year : month > t->month ? t->year - 1 : t->year;
}

/* "Q2", "Q2 2023", "the second quarter of 2023", "last quarter". */
int dates_read_quarter(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const REL[] = {"last", "previous", "this"};
    bool named = strcmp(dates_word(w, i + 1), "quarter") == 0;
    int quarter = quarter_of(dates_word(w, i)), next = i + 1;
    if (!quarter && named) {
        quarter = ordinal_of(dates_word(w, i));
        next = i + 2;
    }
    int rel = dates_find(dates_word(w, i), REL, 3);
    if (!quarter && named && rel >= 0) {
        int month = (t->month - 1) / 3 * 3 + 1 - (rel < 2 ? 3 : 0);
        dates_add_range(out, dates_month_start(t->year, month), dates_month_start(t->year, month + 3));
        return 2;
    }
    if (!quarter)
        return 0;
    int month = 3 * quarter - 2, year = year_for(w, &next, t, month);
    dates_add_range(out, dates_month_start(year, month), dates_month_start(year, month + 3));
    return next - i;
}

/* ---- seasons and feasts ---- */
/* Easter Sunday, days since 1970, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, ch. 8). */
static int64_t easter(int year)
{
    int a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4;
    int g = (8 * b + 13) / 25, h = (19 * a + b - d - g + 15) % 30, k = c / 4, l = c % 4;
    int m = (a + 11 * h) / 319, r = (2 * e + 2 * k - l - h + m + 32) % 7;
    int month = (h - m + r + 90) / 25, day = (h - m + r + month + 19) % 32;
    return clock_days(year, month, day);
}

struct feast {
    const char *name;
    int month, day, days; /* its days; month 0: Easter */
};

/* "summer", "last winter", "Christmas 2022": the northern seasons; the latest that has begun. */
int dates_read_season(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const SEASONS[] = {"spring", "summer", "autumn", "fall", "winter"};
    static const int FIRST_MONTH[] = {3, 6, 9, 9, 12};
    static const char *const BEFORE[] = {"last",   "this",  "in", "during", "the", "since",
                                         "before", "after", "by", "until",  "of"};
    static const struct feast FEASTS[] = {{"christmas", 12, 24, 3},   {"xmas", 12, 24, 3},     {"easter", 0, 0, 3},
                                          {"halloween", 10, 31, 1},   {"valentine", 2, 14, 1}, {"valentines", 2, 14, 1},
                                          {"thanksgiving", 11, 22, 7}};
    const char *word = dates_word(w, i);
    int season = dates_find(word, SEASONS, 5), next = i + 1;
    if (season >= 0 && (dates_year(dates_word(w, next)) || dates_find(dates_word(w, i - 1), BEFORE, 11) >= 0)) {
        int month = FIRST_MONTH[season], year = year_for(w, &next, t, month);
        dates_add_range(out, dates_month_start(year, month), dates_month_start(year, month + 3));
        return next - i;
    }
    for (size_t k = 0; k < sizeof FEASTS / sizeof *FEASTS; k++) {
        const struct feast *f = &FEASTS[k];
        if (strcmp(word, f->name) != 0)
            continue;
        int year = year_for(w, &next, t, f->month ? f->month : (int)(t->days < easter(t->year)) * 13);
        int64_t from = f->month ? at_day(year, f->month, f->day) : easter(year) * DAY_MS - 2 * DAY_MS;
        dates_add_range(out, from, from + f->days * DAY_MS + (f->month ? 0 : DAY_MS));
        return next - i;
    }
    return 0;
}

/* ---- spans ---- */
static bool span_of(const struct date_hint *h, const struct today *t, int year, int64_t *from, int64_t *to)
{
    if (!h->year && !h->month && !h->day) {
        *from = h->from;
        *to = h->to;
        return true;
    }
    bool later = h->month > t->month || (h->month == t->month && h->day > t->day);
    year = h->year ? h->year : year ? year : later ? t->year - 1 : t->year;
    *from = h->day ? at_day(year, h->month, h->day) : dates_month_start(year, h->month ? h->month : 1);
    *to = h->day ? *from + DAY_MS : h->month ? dates_month_start(year, h->month + 1) : dates_month_start(year + 1, 1);
    return true;
}

/* One date from the word i; how many words, 0: none. A bare number is none: "between 5 and 10 boats". */
static int read_end(const struct date_words *w, int i, const struct today *t, struct date_hint *out)
{
    struct dates one = {.n = 0};
    int skip = strcmp(dates_word(w, i), "the") == 0;
    int of = strcmp(dates_word(w, i + skip + 1), "of") == 0;
    bool sure;
    if (dates_count(dates_word(w, i + skip)) && dates_month(dates_word(w, i + skip + 1 + of), &sure))
        skip += 1 + of; /* the month looks back for its day */
    int took = dates_read_one(w, i + skip, t, &one);
    if (!took && strcmp(dates_word(w, i + skip), "last") == 0) { /* summer */
        skip++;
        took = dates_read_one(w, i + skip, t, &one);
    }
    if (!took || one.n == 0)
        return 0;
    *out = one.hint[0];
    return took + skip;
}

/* "between March and June", "from 3 May to 10 May 2023". */
static int read_between(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const BEGINS[] = {"between", "from"}, *const JOINS[] = {"and", "to", "until", "till", "through"};
    struct date_hint a, b;
    int64_t from, to, ignored;
    if (dates_find(dates_word(w, i), BEGINS, 2) < 0)
        return 0;
    int first = read_end(w, i + 1, t, &a), join = i + 1 + first;
    int second = first && dates_find(dates_word(w, join), JOINS, 5) >= 0 ? read_end(w, join + 1, t, &b) : 0;
    if (!second)
        return 0;
    span_of(&b, t, 0, &ignored, &to);
    span_of(&a, t, b.year, &from, &ignored);
    if (from >= to && !a.year && a.month) /* "between November and February" */
        span_of(&a, t, (b.year ? b.year : t->year) - 1, &from, &ignored);
    if (from < to)
        dates_add_range(out, from, to);
    return 2 + first + second;
}

int dates_read_span(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const WORDS[] = {"before", "until", "after", "since"};
    struct date_hint h;
    int64_t from, to;
    int took = read_between(w, i, t, out), which = took ? -1 : dates_find(dates_word(w, i), WORDS, 4);
    int end = which >= 0 ? read_end(w, i + 1, t, &h) : 0;
    if (!end)
        return took;
    span_of(&h, t, 0, &from, &to);
    if (which < 2)
        dates_add_range(out, from - CLOSE_DAYS * DAY_MS, which ? to : from);
    else
        dates_add_range(out, which == 2 ? to : from, which == 2 ? to + CLOSE_DAYS * DAY_MS : t->now + DAY_MS);
    return 1 + end;
}
