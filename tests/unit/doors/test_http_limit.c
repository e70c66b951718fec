/* The mechanism of rate limits, told the time: never more than the limit in any minute, and soon again after. */
#include "base/clock.h"
#include "doors/http/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct limit_table *table(size_t entries)
{
    struct limit_table *t;
    struct err e = {0};
    assert_int_equal(limit_table_new(entries, &t, &e), ERR_OK);
    return t;
}

static struct limit_verdict take(struct limit_table *t, const char *key, int limit, int64_t now)
{
    struct limit_verdict v;
    limit_take(t, str_of(key), 1, limit, now, &v);
    return v;
}

static void grants_up_to_the_limit(void **state)
{
    (void)state;
    struct limit_table *t = table(1000);
    for (int i = 0; i < 10; i++) {
        struct limit_verdict v = take(t, "a", 10, 1000 + i);
        assert_true(v.granted);
        assert_int_equal(v.limit, 10);
        assert_int_equal(v.remaining, 9 - i);
    }
    struct limit_verdict v = take(t, "a", 10, 2000);
    assert_false(v.granted);
    assert_int_equal(v.remaining, 0);
    assert_true(v.wait_ms > 0 && v.wait_ms <= 65000);
    assert_true(take(t, "b", 10, 2000).granted); /* another key */
    struct limit_verdict other;
    limit_take(t, STR("a"), 2, 10, 2000, &other); /* another class */
    assert_true(other.granted);
    limit_table_free(t);
}

/* Whoever waits as long as is said is let in, and not a step earlier. */
static void the_wait_is_exact(void **state)
{
    (void)state;
    struct limit_table *t = table(1000);
    int64_t now = 123456789;
    for (int i = 0; i < 5; i++)
        assert_true(take(t, "a", 5, now + i * 7000).granted);
    now += 30000;
    for (int i = 0; i < 20; i++) {
        struct limit_verdict v = take(t, "a", 5, now);
        assert_false(v.granted);
        assert_false(take(t, "a", 5, now + v.wait_ms - 1).granted);
        now += v.wait_ms;
        assert_true(take(t, "a", 5, now).granted);
        while (take(t, "a", 5, now).granted)
            continue;
    }
    limit_table_free(t);
}

/* A year of requests at random moments: any sixty seconds hold at most the limit, and the limit is not wasted: when
 * one is refused, a log of the last 65 seconds is full. */
static void never_more_than_the_limit_in_any_minute(void **state)
{
    (void)state;
    enum { N = 200000, LIMIT = 20 };
    struct limit_table *t = table(1000);
    int64_t *granted = calloc(N, sizeof *granted), now = 1;
    size_t n = 0, refused = 0;
    unsigned random = 1;
    for (int i = 0; i < N; i++) {
        random = random * 1103515245u + 12345u;
        now += (random >> 16) % 4000;
        if (take(t, "a", LIMIT, now).granted) {
            granted[n++] = now;
            assert_true(n <= LIMIT || granted[n - 1] - granted[n - 1 - LIMIT] >= 60000);
        } else {
            refused++;
            assert_true(n >= LIMIT && now - granted[n - LIMIT] < 65000);
        }
    }
    assert_true(n > 1000 && refused > 1000);
    free(granted);
    limit_table_free(t);
}

static void a_flood_of_keys_takes_no_memory_and_spares_who_is_busy(void **state)
{
    (void)state;
    struct limit_table *t = table(1024);
    char key[32];
    int lost = 0;
    for (int i = 0; i < 10; i++)
        take(t, "busy", 10, 1000);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_true(take(t, key, 1, 1000 + i / 100).granted);
        lost += take(t, "busy", 10, 1000 + i / 100).granted;
    }
    assert_int_equal(lost, 0); /* asked between all others, its mark is always set */
    limit_table_free(t);
}

static void long_keys_and_a_clock_that_goes_back_do_no_harm(void **state)
{
    (void)state;
    struct limit_table *t = table(1);
    char *big = calloc(1, 100000);
    struct limit_verdict v;
    limit_take(t, (struct str){big, 100000}, 1, 2, 1000000, &v);
    assert_true(v.granted);
    limit_take(t, (struct str){big, 100000}, 1, 2, 5, &v);
    assert_true(v.granted && v.wait_ms > 0);
    limit_take(t, (struct str){big, 100000}, 1, 2, 5, &v);
    assert_false(v.granted);
    limit_take(t, STR_NONE, 1, 2, 0, &v);
    assert_true(v.granted);
    free(big);
    limit_table_free(t);
}

static void costs_little(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct limit_table *t = table(65536);
    char key[48];
    int64_t before = clock_mono_ns();
    for (int i = 0; i < N; i++) {
        int n = snprintf(key, sizeof key, "sess_%032d", i % 5000);
        struct limit_verdict v;
        limit_take(t, (struct str){key, (size_t)n}, 1, 30, 1000 + i / 1000, &v);
    }
    print_message("limit_take: %.0f ns with making the key\n", (double)(clock_mono_ns() - before) / N);
    limit_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_up_to_the_limit),
        cmocka_unit_test(the_wait_is_exact),
        cmocka_unit_test(never_more_than_the_limit_in_any_minute),
        cmocka_unit_test(a_flood_of_keys_takes_no_memory_and_spares_who_is_busy),
        cmocka_unit_test(long_keys_and_a_clock_that_goes_back_do_no_harm),
        cmocka_unit_test(costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
