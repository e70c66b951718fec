/* Whether a turn's time is one that a question names, and whether what a turn tells of is: dates.c reads them. Nothing
 * is cut off: people tell of things afterwards, and zones differ, so what is near counts in part. */
#include "search/dates_int.h"

#include "base/clock.h"

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
        int64_t more = (h->to - h->from) / 2 > 2 * DAY_MS ? (h->to - h->from) / 2 : 2 * DAY_MS;
        return timestamp < h->from || timestamp >= h->to + more ? 0 : timestamp < h->to ? 1 : 0.5;
    }
    clock_civil(timestamp / DAY_MS, &year, &month, &day);
    if (h->day)
        return match_day(h, timestamp / DAY_MS, year);
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

/* ---- telling ---- */
/* The middle of what a text tells of, from the point of view of its turn; 0: no more than a year. */
static int64_t middle_of(const struct date_hint *h, int64_t timestamp)
{
    int year, month, day;
    if (!h->year && !h->month && !h->day)
        return h->to - h->from > 62 * DAY_MS ? 0 : h->from + (h->to - h->from) / 2;
    if (!h->month)
        return 0;
    clock_civil(timestamp / DAY_MS, &year, &month, &day);
    year = h->year ? h->year : year;
    return h->day ? clock_days(year, h->month, h->day) * DAY_MS + DAY_MS / 2
                  : dates_month_start(year, h->month) + 14 * DAY_MS;
}

double dates_meet(const struct dates *asked, const struct dates *told, int64_t timestamp)
{
    double best = 0;
    for (size_t i = 0; i < told->n; i++) {
        int64_t middle = middle_of(&told->hint[i], timestamp);
        double m = middle > 0 ? dates_match(asked, middle) : 0;
        best = m > best ? m : best;
    }
    return best;
}
