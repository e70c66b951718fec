/* Time words of a question: "on 7 May", "in May 2023", "2023-05-07", "yesterday", "this morning", "last week", "the
 * past three days", "two months ago", "last Friday"; spans of time: dates_span.c. They only lift turns written at that
 * time or soon after (people tell of things afterwards); nothing is cut off. English only, as the stop words are. */
#include "search/dates_int.h"

#include "base/clock.h"

#include <string.h>

/* Letters and digits; an ordinal's ending is cut off its number ("7th" is 7). */
static void split(struct str text, struct date_words *out)
{
    size_t i = 0;
    out->n = 0;
    while (i < text.n && out->n < WORDS_MAX) {
        char *w = out->w[out->n];
        int len = 0;
        bool digit_first = false;
        for (; i < text.n; i++) {
            char c = text.p[i];
            bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
            if (!digit && !letter)
                break;
            if (len == 0)
                digit_first = digit;
            if (len < WORD_ROOM - 1 && (digit || !digit_first))
                w[len++] = (char)(digit ? c : c | 0x20);
        }
        w[len] = '\0';
        if (len > 0)
            out->n++;
        else
            i++;
    }
}

int dates_find(const char *w, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(w, list[i]) == 0)
            return i;
    return -1;
}

const char *dates_word(const struct date_words *w, int i)
{
    return i >= 0 && i < w->n ? w->w[i] : "";
}

/* A number of one to four digits, 0 when it is none. */
static int number(const char *w)
{
    int64_t v = 0;
    size_t n = strlen(w);
    return n > 0 && n <= 4 && str_int((struct str){w, n}, &v) && v > 0 ? (int)v : 0;
}

int dates_year(const char *w)
{
    int v = number(w);
    return v >= 1900 && v <= 2999 ? v : 0;
}

static int day_of(const char *w)
{
    int v = number(w);
    return v >= 1 && v <= 31 ? v : 0;
}

/* 1 … 12, 0 when it is none. *sure: can mean nothing else ("may", "march", "mar" can). */
int dates_month(const char *w, bool *sure)
{
    static const char *const LONG[] = {"january", "february", "march",     "april",   "may",      "june",
                                       "july",    "august",   "september", "october", "november", "december"};
    static const char *const SHORT[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
    int m = dates_find(w, LONG, 12);
    *sure = m >= 0 && m != 2 && m != 4;
    if (m < 0)
        m = strcmp(w, "sept") == 0 ? 8 : dates_find(w, SHORT, 12);
    return m + 1;
}

void dates_add(struct dates *d, struct date_hint h)
{
    if (d->n < DATES_MAX)
        d->hint[d->n++] = h;
}

void dates_add_range(struct dates *d, int64_t from, int64_t to)
{
    dates_add(d, (struct date_hint){.from = from, .to = to});
}

/* "in May", "between March and May": the word before tells that a month is meant. */
static bool is_time_before(const struct date_words *w, int i)
{
    static const char *const BEFORE[] = {"in",      "during", "of",     "since", "until", "by",
                                         "this",    "last",   "next",   "early", "late",  "mid",
                                         "between", "from",   "before", "after", "till"};
    static const char *const JOINS[] = {"and", "to", "until", "till", "through"}, *const BEGINS[] = {"between", "from"};
    if (dates_find(dates_word(w, i - 1), BEFORE, sizeof BEFORE / sizeof *BEFORE) >= 0)
        return true;
    bool joined = dates_find(dates_word(w, i - 1), JOINS, 5) >= 0;
    return joined &&
           (dates_find(dates_word(w, i - 3), BEGINS, 2) >= 0 || dates_find(dates_word(w, i - 4), BEGINS, 2) >= 0);
}

/* ---- named dates: returns how many words it took ---- */
static int read_month(const struct date_words *w, int i, struct dates *out)
{
    bool sure;
    struct date_hint h = {.month = dates_month(dates_word(w, i), &sure)};
    int after = i + 1;
    if (!h.month)
        return 0;
    int before = i - 1 - (strcmp(dates_word(w, i - 1), "of") == 0);
    h.day = day_of(dates_word(w, before));
    if (!h.day && (h.day = day_of(dates_word(w, after))))
        after++;
    h.year = dates_year(dates_word(w, after));
    if (!h.day && !h.year && !sure && !is_time_before(w, i))
        return 0;
    dates_add(out, h);
    return after - i + (h.year > 0);
}

static int read_year(const struct date_words *w, int i, struct dates *out)
{
    bool sure;
    int year = dates_year(dates_word(w, i));
    if (!year)
        return 0;
    int month = number(dates_word(w, i + 1)), day = day_of(dates_word(w, i + 2));
    if (strlen(dates_word(w, i + 1)) == 2 && strlen(dates_word(w, i + 2)) == 2 && month >= 1 && month <= 12 && day) {
        dates_add(out, (struct date_hint){year, month, day, 0, 0}); /* 2023-05-07 */
        return 3;
    }
    if (dates_month(dates_word(w, i + 1), &sure))
        return 0; /* belongs to the month after it */
    dates_add(out, (struct date_hint){.year = year});
    return 1;
}

/* ---- relative to now ---- */
int64_t dates_month_start(int year, int month) /* month may run over either end of the year */
{
    while (month < 1)
        month += 12, year--;
    while (month > 12)
        month -= 12, year++;
    return clock_days(year, month, 1) * DAY_MS;
}

static enum unit unit_of(const char *w)
{
    static const char *const UNITS[] = {"day", "days", "week", "weeks", "month", "months", "year", "years"};
    int i = dates_find(w, UNITS, 8);
    return i < 0 ? UNIT_NONE : (enum unit)(i / 2);
}

/* The calendar unit `back` units before the present one. */
static void add_unit(struct dates *out, const struct today *t, enum unit u, int back)
{
    int64_t monday = t->days - (t->days + 3) % 7; /* 1970-01-01 was a Thursday */
    switch (u) {
    case UNIT_DAY:
        dates_add_range(out, t->start - back * DAY_MS, t->start + (1 - back) * DAY_MS);
        break;
    case UNIT_WEEK:
        dates_add_range(out, (monday - 7 * back) * DAY_MS, (monday - 7 * back + 7) * DAY_MS);
        break;
    case UNIT_MONTH:
        dates_add_range(out, dates_month_start(t->year, t->month - back),
                        dates_month_start(t->year, t->month - back + 1));
        break;
    case UNIT_YEAR:
        dates_add(out, (struct date_hint){.year = t->year - back});
        break;
    case UNIT_NONE:
        break;
    }
}

int dates_count(const char *w)
{
    static const char *const COUNTS[] = {"a",     "one",   "two",  "three", "four",   "five",  "six",
                                         "seven", "eight", "nine", "ten",   "eleven", "twelve"};
    int i = dates_find(w, COUNTS, 13);
    if (strcmp(w, "couple") == 0 || strcmp(w, "few") == 0)
        return w[0] == 'c' ? 2 : 3;
    if (strcmp(w, "an") == 0 || i == 0)
        return 1;
    return i > 0 ? i : number(w);
}

static const int64_t UNIT_DAYS[] = {1, 7, 31, 365};

/* "three weeks ago", "a couple of weeks ago", "half a year ago": half a unit around it. */
static int read_ago(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    bool half = strcmp(dates_word(w, i), "half") == 0;
    int at = i + half + (strcmp(dates_word(w, i), "a") == 0 && dates_count(dates_word(w, i + 1)) > 0);
    int count = dates_count(dates_word(w, at));
    at += 1 + (strcmp(dates_word(w, at + 1), "of") == 0);
    enum unit u = unit_of(dates_word(w, at));
    if (!count || count > 1000 || u == UNIT_NONE || strcmp(dates_word(w, at + 1), "ago") != 0)
        return 0;
    int64_t length = (u == UNIT_MONTH ? 30 : UNIT_DAYS[u]) * DAY_MS, back = half ? length / 2 : count * length;
    int64_t from = u == UNIT_DAY ? t->start + DAY_MS / 2 : t->now;
    length = half ? length / 4 : length;
    dates_add_range(out, from - back - length / 2, from - back + length / 2);
    return at + 2 - i;
}

/* "the past three weeks", "last few days": up to now. */
static int read_past(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const PAST[] = {"past", "last"};
    int count = dates_count(dates_word(w, i + 1));
    enum unit u = unit_of(dates_word(w, i + 2));
    if (dates_find(dates_word(w, i), PAST, 2) < 0 || !count || count > 1000 || u == UNIT_NONE)
        return 0;
    dates_add_range(out, t->now - count * UNIT_DAYS[u] * DAY_MS, t->now + DAY_MS);
    return 3;
}

/* "today", "this morning", "last night", "the day before yesterday", "lately". */
static int read_day(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const TODAY[] = {"today", "tonight", "yesterday", "tomorrow"};
    static const int BACK[] = {0, 0, 1, -1};
    static const char *const PARTS[] = {"morning", "afternoon", "evening", "night"};
    static const char *const LATELY[] = {"recently", "lately"};
    const char *word = dates_word(w, i), *next = dates_word(w, i + 1);
    int today = dates_find(word, TODAY, 4), part = dates_find(next, PARTS, 4);
    if (strcmp(word, "before") == 0 && strcmp(next, "yesterday") == 0 && strcmp(dates_word(w, i - 1), "day") == 0) {
        add_unit(out, t, UNIT_DAY, 2);
        return 2;
    }
    if (today >= 0) {
        add_unit(out, t, UNIT_DAY, BACK[today]);
        return 1;
    }
    if (part >= 0 && (strcmp(word, "this") == 0 || strcmp(word, "last") == 0)) {
        add_unit(out, t, UNIT_DAY, word[0] == 'l');
        return 2;
    }
    if (dates_find(word, LATELY, 2) < 0)
        return 0;
    dates_add_range(out, t->now - 14 * DAY_MS, t->now + DAY_MS);
    return 1;
}

/* "last week", "this month", "next year", "last weekend". */
static int read_unit(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const WHICH[] = {"last", "previous", "past", "this", "next"};
    static const int BACK[] = {1, 1, 0, 0, -1};
    int which = dates_find(dates_word(w, i), WHICH, 5);
    enum unit u = unit_of(dates_word(w, i + 1));
    if (which >= 0 && strcmp(dates_word(w, i + 1), "weekend") == 0) {
        int64_t saturday = t->days - (t->days + 3) % 7 + 5; /* of this week */
        saturday -= which < 3 ? 7 : which == 4 ? -7 : 0;
        dates_add_range(out, saturday * DAY_MS, (saturday + 2) * DAY_MS);
        return 2;
    }
    if (which < 0 || u == UNIT_NONE)
        return 0;
    if (which == 2) /* the past week: up to now */
        dates_add_range(out, t->now - UNIT_DAYS[u] * DAY_MS, t->now + DAY_MS);
    else
        add_unit(out, t, u, BACK[which]);
    return 2;
}

static int read_relative(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    int took = read_day(w, i, t, out);
    took = took ? took : read_past(w, i, t, out);
    took = took ? took : read_unit(w, i, t, out);
    return took ? took : read_ago(w, i, t, out);
}

/* "on Friday", "last Friday": the latest one before today. */
static int read_weekday(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const DAYS[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    int day = dates_find(dates_word(w, i), DAYS, 7);
    if (day < 0)
        return 0;
    int64_t back = ((t->days + 3) % 7 - day + 7) % 7;
    add_unit(out, t, UNIT_DAY, (int)(back ? back : 7));
    return 1;
}

int dates_read_one(const struct date_words *w, int i, const struct today *t, struct dates *out)
{
    int took = read_month(w, i, out);
    took = took ? took : read_year(w, i, out);
    took = took ? took : dates_read_quarter(w, i, t, out);
    took = took ? took : dates_read_season(w, i, t, out);
    took = took ? took : read_relative(w, i, t, out);
    return took ? took : read_weekday(w, i, t, out);
}

void dates_read(struct str question, int64_t now, struct dates *out)
{
    struct date_words w;
    struct today t = {.now = now, .days = now / DAY_MS, .start = now / DAY_MS * DAY_MS};
    clock_civil(t.days, &t.year, &t.month, &t.day);
    out->n = 0;
    split(question, &w);
    for (int i = 0; i < w.n;) {
        int took = read_day(&w, i, &t, out); /* "the day before yesterday" is no span */
        took = took ? took : dates_read_span(&w, i, &t, out);
        took = took ? took : dates_read_one(&w, i, &t, out);
        i += took ? took : 1;
    }
}
