/* What files say of one another: the last counts, and there is an end to it. */
#include "unit/base/unit.h"

#include "service/history/noted.h"

#include <stdio.h>

static struct str numbered(char *buf, size_t room, const char *what, int i)
{
    return (struct str){buf, (size_t)snprintf(buf, room, "%s %d", what, i)};
}

static void test_many(void **state)
{
    struct noted n = {0};
    char key[32], value[32];
    (void)state;
    assert_null(noted_get(&n, STR("key 1")).p);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 10000; i++)
            assert_true(noted_put(&n, numbered(key, sizeof key, "key", i),
                                  numbered(value, sizeof value, round ? "new" : "old", i)));
    for (int i = 0; i < 10000; i++)
        assert_true(
            str_eq(noted_get(&n, numbered(key, sizeof key, "key", i)), numbered(value, sizeof value, "new", i)));
    assert_null(noted_get(&n, STR("key 10000")).p);
    noted_free(&n);
    assert_null(noted_get(&n, STR("key 1")).p);
}

static void test_too_many(void **state)
{
    static char large[1 << 20];
    struct noted n = {0};
    char key[32];
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_true(noted_put(&n, numbered(key, sizeof key, "key", i), (struct str){large, sizeof large}));
    assert_int_equal(noted_get(&n, STR("key 0")).n, sizeof large);
    assert_null(noted_get(&n, STR("key 7")).p);
    noted_free(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
