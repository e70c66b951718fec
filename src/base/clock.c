/* Clocks and RFC 3339. Written by hand: strftime and strptime know no milliseconds, follow the
 * locale and the time zone, and are several times slower. */
#include "base/clock.h"

#include <time.h>

enum { MS_PER_DAY = 86400000, MS_PER_HOUR = 3600000, MS_PER_MINUTE = 60000, MS_PER_SECOND = 1000 };
/* 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z */
static const int64_t first_ms = -62135596800000, last_ms = 253402300799999;

static int64_t read_ns(clockid_t which)
{
    struct timespec t = {0};
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_mono_us(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

void clock_after(int ms, struct timespec *out)
{
    clock_gettime(CLOCK_MONOTONIC, out);
    out->tv_sec += ms / 1000;
    out->tv_nsec += (long)(ms % 1000) * 1000000;
    if (out->tv_nsec >= 1000000000) {
        out->tv_sec++;
        out->tv_nsec -= 1000000000;
    }
}

/* Both directions count in 400-year eras of years that begin in March, so that the leap day is the
 * last of its year: 146,097 days an era, 719,468 days from 0000-03-01 to 1970-01-01. */
enum { ERA_DAYS = 146097, EPOCH_SHIFT = 719468 };

int64_t clock_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH_SHIFT;
}

void clock_civil(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + EPOCH_SHIFT;
    int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t in_era = z - era * ERA_DAYS;
    int64_t of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t of_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(of_era + era * 400 + (*month <= 2));
}

/* `n` digits of v, leading zeros, and then `after`. */
static char *put_digits(char *out, int v, int n, char after)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        out[i] = (char)('0' + v % 10);
    out[n] = after;
    return out + n + 1;
}

size_t clock_format(int64_t ms, char *out)
{
    if (ms < first_ms)
        ms = first_ms;
    if (ms > last_ms)
        ms = last_ms;
    int64_t days = ms / MS_PER_DAY, rest = ms % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    int year, month, day;
    clock_civil(days, &year, &month, &day);
    char *p = put_digits(out, year, 4, '-');
    p = put_digits(p, month, 2, '-');
    p = put_digits(p, day, 2, 'T');
    p = put_digits(p, (int)(rest / MS_PER_HOUR), 2, ':');
    p = put_digits(p, (int)(rest % MS_PER_HOUR / MS_PER_MINUTE), 2, ':');
    p = put_digits(p, (int)(rest % MS_PER_MINUTE / MS_PER_SECOND), 2, '.');
    p = put_digits(p, (int)(rest % MS_PER_SECOND), 3, 'Z');
    *p = '\0';
    return (size_t)(p - out);
}

/* Takes exactly n digits off the front. */
static bool take_digits(struct str *s, size_t n, int *out)
{
    if (s->n < n)
        return false;
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_skip(*s, n);
    *out = v;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool take_date(struct str *s, int64_t *ms)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) || !take_char(s, '-') ||
        !take_digits(s, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month - 1] + (month == 2 && leap))
        return false;
    *ms = clock_days(year, month, day) * MS_PER_DAY;
    return true;
}

/* A fraction may have any number of digits; below a millisecond they are dropped. */
static bool take_fraction(struct str *s, int *ms)
{
    *ms = 0;
    if (!take_char(s, '.'))
        return true;
    int scale = 100, digit;
    if (!take_digits(s, 1, &digit))
        return false;
    do {
        *ms += digit * scale;
        scale /= 10;
    } while (take_digits(s, 1, &digit));
    return true;
}

static bool take_time(struct str *s, int64_t *ms)
{
    int hour, minute, second, fraction;
    if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute) || !take_char(s, ':') ||
        !take_digits(s, 2, &second) || !take_fraction(s, &fraction))
        return false;
    /* A leap second counts as the first of the next minute, as POSIX time has it. */
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    *ms = (int64_t)hour * MS_PER_HOUR + minute * MS_PER_MINUTE + second * MS_PER_SECOND + fraction;
    return true;
}

static bool take_offset(struct str *s, int64_t *ms)
{
    *ms = 0;
    if (take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    int sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
    int hour, minute;
    if (sign == 0 || !take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute))
        return false;
    if (hour > 23 || minute > 59)
        return false;
    *ms = sign * ((int64_t)hour * MS_PER_HOUR + minute * MS_PER_MINUTE);
    return true;
}

bool clock_parse(struct str s, int64_t *ms)
{
    int64_t date, time = 0, offset = 0;
    if (!take_date(&s, &date))
        return false;
    if (s.n > 0) {
        if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
            return false;
        if (!take_time(&s, &time) || !take_offset(&s, &offset) || s.n > 0)
            return false;
    }
    /* An offset or a leap second can lead out of the years that can be written again. */
    int64_t at = date + time - offset;
    if (at < first_ms || at > last_ms)
        return false;
    *ms = at;
    return true;
}
