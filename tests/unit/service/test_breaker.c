/* The circuit breaker: opens after failures in a row, closes after a success. */
#include "service_fixture.h"

#include "service/breaker.h"

static void it_opens_after_failures_in_a_row(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 1; i < BREAKER_FAILURES; i++)
        breaker_report(&b, false);
    assert_true(breaker_allows(&b));
    breaker_report(&b, true); /* not in a row any more */
    for (int i = 1; i < BREAKER_FAILURES; i++)
        breaker_report(&b, false);
    assert_true(breaker_allows(&b));
    breaker_report(&b, false);
    assert_false(breaker_allows(&b));
}

static void a_success_closes_it(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < BREAKER_FAILURES; i++)
        breaker_report(&b, false);
    breaker_report(&b, true);
    assert_true(breaker_allows(&b));
    breaker_report(&b, false);
    assert_true(breaker_allows(&b));
}

static void a_failed_trial_opens_it_again(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < BREAKER_FAILURES; i++)
        breaker_report(&b, false);
    atomic_store(&b.closed_again_us, 0); /* its time has passed */
    assert_true(breaker_allows(&b));
    breaker_report(&b, false);
    assert_false(breaker_allows(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_after_failures_in_a_row),
        cmocka_unit_test(a_success_closes_it),
        cmocka_unit_test(a_failed_trial_opens_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
