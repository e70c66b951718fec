/* Time words of questions, and which turns they lift. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "search/intern.h"

static int64_t at(const char *time)
{
    int64_t ms = 0;
    assert_true(clock_parse(str_of(time), &ms));
    return ms;
}

/* Now is Wednesday 2024-05-15, noon. */
static double match(const char *question, const char *time)
{
    struct dates d;
    dates_read(str_of(question), at("2024-05-15T12:00:00Z"), &d);
    return dates_match(&d, at(time));
}

struct row {
    const char *question, *time;
    double want;
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (match(rows[i].question, rows[i].time) != rows[i].want)
            fail_msg("%s at %s: %g, not %g", rows[i].question, rows[i].time, match(rows[i].question, rows[i].time),
                     rows[i].want);
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

static void named_dates(void **state)
{
    static const struct row rows[] = {
        {"What happened on 7 May 2023?", "2023-05-07T10:00:00Z", 1},
        {"What happened on 7 May 2023?", "2023-05-15T10:00:00Z", 0.5},
        {"What happened on 7 May 2023?", "2023-06-15T10:00:00Z", 0},
        {"What happened on 7 May 2023?", "2022-05-07T10:00:00Z", 0},
        {"on May 7th, 2023", "2023-05-06T23:00:00Z", 1},
        {"the 3rd of June", "2021-06-04T00:00:00Z", 1},
        {"the 30th of December", "2021-01-02T00:00:00Z", 1},
        {"on 2023-05-07 we", "2023-05-08T00:00:00Z", 1},
        {"in August 2023", "2023-08-31T00:00:00Z", 1},
        {"in August 2023", "2023-09-03T00:00:00Z", 0.5},
        {"in August 2023", "2023-09-23T00:00:00Z", 0},
        {"in August", "2020-08-02T00:00:00Z", 1},
        {"in December", "2021-01-05T00:00:00Z", 0.5},
        {"in 2022", "2022-03-03T00:00:00Z", 0.3},
        {"in 2022", "2023-03-03T00:00:00Z", 0},
    };
    (void)state;
    CHECK(rows);
}

static void relative_dates(void **state)
{
    static const struct row rows[] = {
        {"what did I say today", "2024-05-15T01:00:00Z", 1},
        {"what did I say today", "2024-05-14T01:00:00Z", 0},
        {"What about yesterday?", "2024-05-14T20:00:00Z", 1},
        {"last week", "2024-05-06T00:00:00Z", 1},
        {"last week", "2024-05-12T23:59:59Z", 1},
        {"last week", "2024-05-05T23:59:59Z", 0},
        {"this week", "2024-05-13T00:00:00Z", 1},
        {"last month", "2024-04-01T00:00:00Z", 1},
        {"last month", "2024-03-31T00:00:00Z", 0},
        {"last year", "2023-07-01T00:00:00Z", 0.3},
        {"the past week", "2024-05-09T00:00:00Z", 1},
        {"two days ago", "2024-05-13T15:00:00Z", 1},
        {"two days ago", "2024-05-12T15:00:00Z", 0},
        {"three weeks ago", "2024-04-24T15:00:00Z", 1},
        {"a month ago", "2024-04-15T15:00:00Z", 1},
        {"what did she do recently", "2024-05-10T15:00:00Z", 1},
        {"last Friday", "2024-05-10T15:00:00Z", 1},
        {"last Friday", "2024-05-09T15:00:00Z", 0},
        {"on Wednesday", "2024-05-08T15:00:00Z", 1},
    };
    (void)state;
    CHECK(rows);
}

static void months_that_are_words_too(void **state)
{
    struct dates d;
    (void)state;
    dates_read(STR("May I march with you, or may not?"), 0, &d);
    assert_int_equal(d.n, 0);
    dates_read(STR("in May"), 0, &d);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.hint[0].month, 5);
    dates_read(STR("march 3 came"), 0, &d);
    assert_int_equal(d.hint[0].day, 3);
}

static void nonsense_is_no_date(void **state)
{
    static const char *const NONE[] = {"",     "room 42", "99 bottles",     "2023-13-45x",
                                       "ago",  "last",    "99999 days ago", "the second week of nothing",
                                       "12345"};
    struct dates d;
    (void)state;
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
        dates_read(str_of(NONE[i]), 0, &d);
        for (size_t k = 0; k < d.n; k++)
            assert_true(d.hint[k].year != 0 && d.hint[k].month == 0);
        assert_true(dates_match(&d, 1) >= 0);
    }
    dates_read(STR("may 1 may 2 may 3 may 4 may 5 may 6"), 0, &d);
    assert_int_equal(d.n, DATES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(named_dates), cmocka_unit_test(relative_dates),
                                       cmocka_unit_test(months_that_are_words_too),
                                       cmocka_unit_test(nonsense_is_no_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
