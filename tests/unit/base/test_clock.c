/* RFC 3339 in and out. */
#include "unit/base/unit.h"

#include "base/clock.h"
#include "unit/base/random.h"

#include <string.h>
#include <time.h>

static void test_known_moments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-02-03T04:05:06.789Z", 1770091506789},
        {"2026-02-03T04:05:06.7891234567890123Z", 1770091506789},
        {"2026-02-03T04:05:06.7Z", 1770091506700},
        {"2026-02-03 04:05:06z", 1770091506000},
        {"2026-02-03t06:35:06+02:30", 1770091506000},
        {"2026-02-02T23:05:06-05:00", 1770091506000},
        {"2000-02-29T00:00:00-00:00", 951782400000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"0001-01-01T00:00:00Z", -62135596800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = 12345;
        assert_true(clock_parse(str_of(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-1-1",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-02-29",
                                      "1900-02-29",
                                      "2026-04-31",
                                      "2026-01-00",
                                      "2026-01-01T",
                                      "2026-01-01Z",
                                      "2026-01-01T00:00Z",
                                      "2026-01-01T00:00:00",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:61Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00,5Z",
                                      "2026-01-01T00:00:00+0200",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+02:60",
                                      "2026-01-01T00:00:00Zx",
                                      " 2026-01-01",
                                      "2026-01-01 ",
                                      "0000-12-31",
                                      "0001-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:60Z",
                                      "9999-12-31T23:59:59-00:01",
                                      "-001-01-01",
                                      "2026-01-01T00:00:00+",
                                      "2026-01-01T-1:00:00Z"};
    int64_t ms = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (clock_parse(str_of(bad[i]), &ms))
            fail_msg("accepted: %s", bad[i]);
    assert_int_equal(ms, 77);
}

static void test_round_trip(void **state)
{
    (void)state;
    const int64_t first = -62135596800000, last = 253402300799999;
    uint64_t seed = 3;
    int64_t before = first;
    char before_text[CLOCK_TEXT], text[CLOCK_TEXT];
    clock_format(first, before_text);
    for (int i = 0; i < 100000; i++) {
        int64_t ms = first + (int64_t)random_below(&seed, (uint64_t)(last - first) + 1), back;
        assert_int_equal(clock_format(ms, text), 24);
        assert_int_equal(strlen(text), 24);
        assert_true(clock_parse(str_of(text), &back));
        assert_int_equal(back, ms);
        /* Texts sort as times do. */
        assert_true((strcmp(text, before_text) < 0) == (ms < before));
        before = ms;
        memcpy(before_text, text, sizeof text);
    }
}

static void test_agrees_with_the_system(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 20000; i++) {
        time_t t = (time_t)random_below(&seed, 253402300800u);
        struct tm tm;
        char theirs[80], ours[CLOCK_TEXT];
        gmtime_r(&t, &tm);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        clock_format((int64_t)t * 1000, ours);
        assert_string_equal(ours, theirs);
    }
}

static void test_days_one_by_one(void **state)
{
    (void)state;
    int year, month, day, next_year, next_month, next_day;
    for (int64_t d = clock_days(1, 1, 1); d < clock_days(2401, 1, 1); d++) {
        clock_civil(d, &year, &month, &day);
        clock_civil(d + 1, &next_year, &next_month, &next_day);
        assert_true(clock_days(year, month, day) == d);
        assert_true(next_day == day + 1 || (next_day == 1 && next_month == month % 12 + 1));
        assert_true(next_year == year + (month == 12 && day == 31));
    }
}

static void test_out_of_range_is_clamped(void **state)
{
    (void)state;
    char text[CLOCK_TEXT];
    clock_format(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
    clock_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void test_clocks_move_forward(void **state)
{
    (void)state;
    int64_t ns = clock_mono_ns(), us = clock_mono_us();
    assert_true(us >= ns / 1000);
    assert_true(clock_mono_ns() >= ns);
    assert_true(clock_now_ms() > 1600000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_moments),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_agrees_with_the_system),
        cmocka_unit_test(test_days_one_by_one),     cmocka_unit_test(test_out_of_range_is_clamped),
        cmocka_unit_test(test_clocks_move_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
