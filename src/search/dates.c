/* Time words of a question: "on 7 May", "in May 2023", "2023-05-07", "yesterday", "last week", "three months
 * ago", "last Friday". They only lift turns written at that time or soon after (people tell of things afterwards);
 * nothing is cut off. English only, as the stop words are. */
#include "search/intern.h"

#include "base/clock.h"

#include <string.h>

static const int64_t DAY = 86400000;
enum { WORDS_MAX = 128, WORD_ROOM = 16 };

struct words {
    char w[WORDS_MAX][WORD_ROOM]; /* lower case, cut */
    int n;
};

/* Letters and digits; an ordinal's ending is cut off its number ("7th" is 7). */
static void split(struct str text, struct words *out)
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

static int find(const char *w, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(w, list[i]) == 0)
            return i;
    return -1;
}

static const char *word(const struct words *w, int i)
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

static int year_of(const char *w)
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
static int month_of(const char *w, bool *sure)
{
    static const char *const LONG[] = {"january", "february", "march",     "april",   "may",      "june",
                                       "july",    "august",   "september", "october", "november", "december"};
    static const char *const SHORT[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
    int m = find(w, LONG, 12);
    *sure = m >= 0 && m != 2 && m != 4;
    if (m < 0)
        m = strcmp(w, "sept") == 0 ? 8 : find(w, SHORT, 12);
    return m + 1;
}

static void add_hint(struct dates *d, struct date_hint h)
{
    if (d->n < DATES_MAX)
        d->hint[d->n++] = h;
}

static void add_range(struct dates *d, int64_t from, int64_t to)
{
    add_hint(d, (struct date_hint){.from = from, .to = to});
}

/* ---- named dates: returns how many words it took ---- */
static int read_month(const struct words *w, int i, struct dates *out)
{
    static const char *const BEFORE[] = {"in",   "during", "of",    "since", "until", "by",
                                         "this", "last",   "early", "late",  "mid"};
    bool sure;
    struct date_hint h = {.month = month_of(word(w, i), &sure)};
    int after = i + 1;
    if (!h.month)
        return 0;
    int before = i - 1 - (strcmp(word(w, i - 1), "of") == 0);
    h.day = day_of(word(w, before));
    if (!h.day && (h.day = day_of(word(w, after))))
        after++;
    h.year = year_of(word(w, after));
    if (!h.day && !h.year && !sure && find(word(w, i - 1), BEFORE, 11) < 0)
        return 0;
    add_hint(out, h);
    return after - i + (h.year > 0);
}

static int read_year(const struct words *w, int i, struct dates *out)
{
    bool sure;
    int year = year_of(word(w, i));
    if (!year)
        return 0;
    int month = number(word(w, i + 1)), day = day_of(word(w, i + 2));
    if (strlen(word(w, i + 1)) == 2 && strlen(word(w, i + 2)) == 2 && month >= 1 && month <= 12 && day) {
        add_hint(out, (struct date_hint){year, month, day, 0, 0}); /* 2023-05-07 */
        return 3;
    }
    if (month_of(word(w, i + 1), &sure))
        return 0; /* belongs to the month after it */
    add_hint(out, (struct date_hint){.year = year});
    return 1;
}

/* ---- relative to now ---- */
struct today {
    int64_t now, start; /* ms; of the day, UTC */
    int64_t days;       /* since 1970 */
    int year, month, day;
};

static int64_t month_start(int year, int month) /* month may run over either end of the year */
{
    while (month < 1)
        month += 12, year--;
    while (month > 12)
        month -= 12, year++;
    return clock_days(year, month, 1) * DAY;
}

enum unit { UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR, UNIT_NONE };
static enum unit unit_of(const char *w)
{
    static const char *const UNITS[] = {"day", "days", "week", "weeks", "month", "months", "year", "years"};
    int i = find(w, UNITS, 8);
    return i < 0 ? UNIT_NONE : (enum unit)(i / 2);
}

/* The calendar unit `back` units before the present one. */
static void add_unit(struct dates *out, const struct today *t, enum unit u, int back)
{
    int64_t monday = t->days - (t->days + 3) % 7; /* 1970-01-01 was a Thursday */
    switch (u) {
    case UNIT_DAY:
        add_range(out, t->start - back * DAY, t->start + (1 - back) * DAY);
        break;
    case UNIT_WEEK:
        add_range(out, (monday - 7 * back) * DAY, (monday - 7 * back + 7) * DAY);
        break;
    case UNIT_MONTH:
        add_range(out, month_start(t->year, t->month - back), month_start(t->year, t->month - back + 1));
        break;
    case UNIT_YEAR:
        add_hint(out, (struct date_hint){.year = t->year - back});
        break;
    case UNIT_NONE:
        break;
    }
}

static int count_of(const char *w)
{
    static const char *const COUNTS[] = {"a",   "one",   "two",   "three", "four", "five",
                                         "six", "seven", "eight", "nine",  "ten"};
    int i = find(w, COUNTS, 11);
    if (strcmp(w, "an") == 0 || i == 0)
        return 1;
    return i > 0 ? i : number(w);
}

/* "three weeks ago": half a unit around it. */
static int read_ago(const struct words *w, int i, const struct today *t, struct dates *out)
{
    static const int64_t LENGTH[] = {1, 7, 30, 365};
    int count = count_of(word(w, i));
    enum unit u = unit_of(word(w, i + 1));
    if (!count || count > 1000 || u == UNIT_NONE || strcmp(word(w, i + 2), "ago") != 0)
        return 0;
    int64_t length = LENGTH[u] * DAY, at = u == UNIT_DAY ? t->start + DAY / 2 : t->now;
    add_range(out, at - count * length - length / 2, at - count * length + length / 2);
    return 3;
}

static int read_relative(const struct words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const LAST[] = {"last", "previous", "past", "this"};
    static const char *const TODAY[] = {"today", "tonight", "yesterday"};
    static const char *const LATELY[] = {"recently", "lately"};
    int which = find(word(w, i), LAST, 4);
    enum unit u = unit_of(word(w, i + 1));
    int today = find(word(w, i), TODAY, 3);
    if (today >= 0) {
        add_unit(out, t, UNIT_DAY, today == 2);
        return 1;
    }
    if (find(word(w, i), LATELY, 2) >= 0) {
        add_range(out, t->now - 14 * DAY, t->now + DAY);
        return 1;
    }
    if (which < 0 || u == UNIT_NONE)
        return read_ago(w, i, t, out);
    if (which == 2) { /* the past week: up to now */
        static const int64_t LENGTH[] = {1, 7, 31, 365};
        add_range(out, t->now - LENGTH[u] * DAY, t->now + DAY);
    } else {
        add_unit(out, t, u, which == 3 ? 0 : 1);
    }
    return 2;
}

/* "on Friday", "last Friday": the latest one before today. */
static int read_weekday(const struct words *w, int i, const struct today *t, struct dates *out)
{
    static const char *const DAYS[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    int day = find(word(w, i), DAYS, 7);
    if (day < 0)
        return 0;
    int64_t back = ((t->days + 3) % 7 - day + 7) % 7;
    add_unit(out, t, UNIT_DAY, (int)(back ? back : 7));
    return 1;
}

void dates_read(struct str question, int64_t now, struct dates *out)
{
    struct words w;
    struct today t = {.now = now, .days = now / DAY, .start = now / DAY * DAY};
    clock_civil(t.days, &t.year, &t.month, &t.day);
    out->n = 0;
    split(question, &w);
    for (int i = 0; i < w.n;) {
        int took = read_month(&w, i, out);
        took = took ? took : read_year(&w, i, out);
        took = took ? took : read_relative(&w, i, &t, out);
        took = took ? took : read_weekday(&w, i, &t, out);
        i += took ? took : 1;
    }
}

/* ---- matching ---- */
/* After the day: three days fully, two weeks half; the day before, for other time zones. */
static double match_day(const struct date_hint *h, int64_t days, int year)
{
    int64_t off = days - clock_days(h->year ? h->year : year, h->month, h->day);
    if (!h->year && off < -180) /* 30 December told of in January */
        off = days - clock_days(year - 1, h->month, h->day);
    return off < -1 || off > 14 ? 0 : off <= 3 ? 1 : 0.5;
}

static double match_month(const struct date_hint *h, int year, int month, int day)
{
    int at = year * 12 + month, want = (h->year ? h->year : year) * 12 + h->month;
    if (!h->year && want > at)
        want -= 12;
    return at == want ? 1 : at == want + 1 && day <= 10 ? 0.5 : 0;
}

static double match_hint(const struct date_hint *h, int64_t timestamp)
{
    int year, month, day;
    if (!h->year && !h->month && !h->day) {
        int64_t more = (h->to - h->from) / 2 > 2 * DAY ? (h->to - h->from) / 2 : 2 * DAY;
        return timestamp < h->from || timestamp >= h->to + more ? 0 : timestamp < h->to ? 1 : 0.5;
    }
    clock_civil(timestamp / DAY, &year, &month, &day);
    if (h->day)
        return match_day(h, timestamp / DAY, year);
    if (h->month)
        return match_month(h, year, month, day);
    return year == h->year ? 0.3 : 0; /* a year says little */
}

double dates_match(const struct dates *d, int64_t timestamp)
{
    double best = 0;
    for (size_t i = 0; i < d->n; i++) {
        double m = match_hint(&d->hint[i], timestamp);
        best = m > best ? m : best;
    }
    return best;
}
