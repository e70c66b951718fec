/* Doubles to text and back. */
#include "unit/base/unit.h"

#include "base/number.h"
#include "unit/base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

static struct str written(double v, char *out)
{
    return (struct str){out, number_write(v, out)};
}

static void test_short_forms(void **state)
{
    (void)state;
    char t[NUMBER_TEXT];
    assert_str(written(0, t), "0");
    assert_str(written(-0.0, t), "-0");
    assert_str(written(1, t), "1");
    assert_str(written(100000, t), "100000");
    assert_str(written(-1234567890123, t), "-1234567890123");
    assert_str(written(9007199254740992.0, t), "9007199254740992");
    assert_str(written(0.1, t), "0.1");
    assert_str(written(-2.5, t), "-2.5");
    assert_str(written(0.1 + 0.2, t), "0.30000000000000004");
    assert_str(written(1e300, t), "1e+300");
    assert_str(written(5e-324, t), "5e-324");
}

static void test_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 42;
    char t[NUMBER_TEXT];
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = random_next(&seed);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        if (!isfinite(v))
            continue;
        struct str s = written(v, t);
        assert_in_range(s.n, 1, NUMBER_TEXT);
        assert_true(number_read(s.p, s.n, &back));
        assert_memory_equal(&v, &back, sizeof v);
    }
    double back;
    struct str s = written(-DBL_MAX, t);
    assert_true(number_read(s.p, s.n, &back) && back == -DBL_MAX);
    s = written(-DBL_MIN / 3, t);
    assert_true(s.n <= NUMBER_TEXT && number_read(s.p, s.n, &back) && back == -DBL_MIN / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
