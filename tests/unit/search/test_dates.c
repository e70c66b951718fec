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

static void parts_of_days_and_counts(void **state)
{
    static const struct row rows[] = {
        {"what did I say this morning", "2024-05-15T08:00:00Z", 1},
        {"what did I say this morning", "2024-05-14T08:00:00Z", 0},
        {"last night", "2024-05-14T22:00:00Z", 1},
        {"the day before yesterday", "2024-05-13T10:00:00Z", 1},
        {"the day before yesterday", "2024-05-12T10:00:00Z", 0},
        {"over the past three weeks", "2024-04-26T00:00:00Z", 1},
        {"over the past three weeks", "2024-04-20T00:00:00Z", 0},
        {"in the last few days", "2024-05-13T00:00:00Z", 1},
        {"a couple of weeks ago", "2024-05-01T12:00:00Z", 1},
        {"a couple of weeks ago", "2024-04-20T12:00:00Z", 0},
        {"half a year ago", "2023-11-15T00:00:00Z", 1},
        {"half a year ago", "2024-04-15T00:00:00Z", 0},
        {"twelve days ago", "2024-05-03T09:00:00Z", 1},
        {"last weekend", "2024-05-11T09:00:00Z", 1},
        {"last weekend", "2024-05-12T09:00:00Z", 1},
        {"last weekend", "2024-05-10T09:00:00Z", 0},
        {"earlier this week", "2024-05-13T09:00:00Z", 1},
    };
    (void)state;
    CHECK(rows);
}

static void quarters_seasons_and_feasts(void **state)
{
    static const struct row rows[] = {
        {"in Q2 2023", "2023-06-30T23:00:00Z", 1},
        {"in Q2 2023", "2023-03-30T23:00:00Z", 0},
        {"in Q3", "2023-08-01T00:00:00Z", 1}, /* this year's has not begun */
        {"in the first quarter of 2022", "2022-02-01T00:00:00Z", 1},
        {"last quarter", "2024-02-01T00:00:00Z", 1},
        {"last quarter", "2023-12-01T00:00:00Z", 0},
        {"this quarter", "2024-04-02T00:00:00Z", 1},
        {"last summer", "2023-07-15T00:00:00Z", 1},
        {"in the winter of 2021", "2022-01-15T00:00:00Z", 1},
        {"summer 2020", "2020-06-15T00:00:00Z", 1},
        {"a spring in the mattress", "2024-04-15T00:00:00Z", 0},
        {"at Christmas", "2023-12-25T10:00:00Z", 1},
        {"at Christmas 2021", "2021-12-24T10:00:00Z", 1},
        {"over Easter", "2024-03-31T10:00:00Z", 1},
        {"over Easter 2023", "2023-04-09T10:00:00Z", 1},
        {"at Halloween", "2023-10-31T10:00:00Z", 1},
    };
    (void)state;
    CHECK(rows);
}

static void spans(void **state)
{
    static const struct row rows[] = {
        {"between March and June 2023", "2023-03-01T00:00:00Z", 1},
        {"between March and June 2023", "2023-06-30T00:00:00Z", 1},
        {"between March and June 2023", "2023-02-25T00:00:00Z", 0},
        {"between March and April", "2024-04-15T00:00:00Z", 1},
        {"between November and February", "2023-12-15T00:00:00Z", 1},
        {"from 3 May to 10 May 2023", "2023-05-08T00:00:00Z", 1},
        {"from Monday to yesterday", "2024-05-14T00:00:00Z", 1},
        {"between 5 and 10 boats", "2024-05-14T00:00:00Z", 0},
        {"before Christmas", "2023-12-10T00:00:00Z", 1},
        {"before Christmas", "2023-07-10T00:00:00Z", 0},
        {"before last summer", "2023-05-20T00:00:00Z", 1},
        {"since April", "2024-05-10T00:00:00Z", 1},
        {"since April", "2024-03-10T00:00:00Z", 0},
        {"after 1 May 2023", "2023-06-10T00:00:00Z", 1},
        {"after 1 May 2023", "2023-04-10T00:00:00Z", 0},
        {"until yesterday", "2024-05-14T10:00:00Z", 1},
        {"before I left", "2024-05-14T10:00:00Z", 0},
        {"since", "2024-05-14T10:00:00Z", 0},
    };
    (void)state;
    CHECK(rows);
}

/* What a turn tells of, seen from its own time. */
static double meet(const char *question, const char *told, const char *said_at)
{
    struct dates asked, tells;
    dates_read(str_of(question), at("2024-05-15T12:00:00Z"), &asked);
    dates_read(str_of(told), at(said_at), &tells);
    return dates_meet(&asked, &tells, at(said_at));
}

static void what_a_turn_tells_of(void **state)
{
    (void)state;
    assert_true(meet("in May 2023", "We sailed last month", "2023-06-20T12:00:00Z") == 1);
    assert_true(meet("in May 2023", "We sail today", "2023-06-20T12:00:00Z") == 0);
    assert_true(meet("on 7 May 2023", "yesterday it rained", "2023-05-08T12:00:00Z") == 1);
    assert_true(meet("in May 2023", "it was in May", "2023-12-20T12:00:00Z") == 1);
    assert_true(meet("in May 2023", "some year", "2023-12-20T12:00:00Z") == 0);
    assert_true(meet("no time at all", "yesterday", "2023-12-20T12:00:00Z") == 0);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(named_dates),
                                       cmocka_unit_test(relative_dates),
                                       cmocka_unit_test(parts_of_days_and_counts),
                                       cmocka_unit_test(quarters_seasons_and_feasts),
                                       cmocka_unit_test(spans),
                                       cmocka_unit_test(what_a_turn_tells_of),
                                       cmocka_unit_test(months_that_are_words_too),
                                       cmocka_unit_test(nonsense_is_no_date)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
