/* Time: wall clock in milliseconds since 1970 UTC, RFC 3339 in and out, and a monotonic clock. */
#ifndef CAIRN_BASE_CLOCK_H
#define CAIRN_BASE_CLOCK_H

#include "base/str.h"

#include <time.h>

int64_t clock_now_ms(void);
int64_t clock_mono_us(void);
int64_t clock_mono_ns(void);
/* The monotonic time `ms` from now, for waits on conditions that are made with CLOCK_MONOTONIC. */
void clock_after(int ms, struct timespec *out);

enum { CLOCK_TEXT = 32 };
/* "2026-02-03T04:05:06.789Z" into out[CLOCK_TEXT], NUL-terminated; returns its length (24).
 * Years 0001 to 9999. */
size_t clock_format(int64_t ms, char *out);
/* RFC 3339: date-time with Z or offset, fraction of any length, 'T', 't' or space; or a date alone
 * (midnight UTC). Second 60 is the first of the next minute. False when it is none. */
bool clock_parse(struct str s, int64_t *ms);
/* Days since 1970-01-01 ↔ civil date (proleptic Gregorian). */
int64_t clock_days(int year, int month, int day);
void clock_civil(int64_t days, int *year, int *month, int *day);

#endif
