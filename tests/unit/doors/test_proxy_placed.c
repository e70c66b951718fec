/* The memory of places: what was put is found, by session and key; the one used longest ago goes first. */
#include "unit/base/unit.h"

#include "doors/proxy/placed.h"

#include "base/mem.h"

#include <string.h>

static struct str session = STR("s");

static bool has(struct placed *p, const char *key, const char *text)
{
    struct arena *a = arena_new();
    struct str got;
    int turns;
    bool found = placed_get(p, a, session, str_of(key), &got, &turns);
    if (found)
        assert_true(str_is(got, text));
    arena_free(a);
    return found;
}

static void test_put_and_get(void **state)
{
    (void)state;
    struct placed *p;
    struct arena *a = arena_new();
    struct str got;
    int turns;
    assert_int_equal(placed_new(4, &p, NULL), ERR_OK);
    assert_false(has(p, "k", ""));
    placed_put(p, session, STR("k"), STR("block"), 3);
    assert_true(placed_get(p, a, session, STR("k"), &got, &turns));
    assert_str(got, "block");
    assert_int_equal(turns, 3);
    assert_false(placed_get(p, a, STR("other"), STR("k"), &got, &turns));
    placed_put(p, session, STR("k"), STR_NONE, 0);
    assert_true(placed_get(p, a, session, STR("k"), &got, &turns));
    assert_int_equal(got.n, 0);
    placed_free(p);
    arena_free(a);
}

static void test_oldest_goes(void **state)
{
    (void)state;
    struct placed *p;
    assert_int_equal(placed_new(3, &p, NULL), ERR_OK);
    placed_put(p, session, STR("1"), STR("one"), 0);
    placed_put(p, session, STR("2"), STR("two"), 0);
    placed_put(p, session, STR("3"), STR("three"), 0);
    assert_true(has(p, "1", "one"));
    placed_put(p, session, STR("4"), STR("four"), 0);
    assert_false(has(p, "2", ""));
    assert_true(has(p, "1", "one"));
    assert_true(has(p, "3", "three"));
    assert_true(has(p, "4", "four"));
    placed_free(p);
}

static void test_out_of_memory_forgets(void **state)
{
    (void)state;
    struct placed *p;
    assert_int_equal(placed_new(3, &p, NULL), ERR_OK);
    mem_fail_after(0, true);
    placed_put(p, session, STR("1"), STR("one"), 0);
    assert_true(mem_fail_hit());
    mem_fail_after(-1, false);
    assert_false(has(p, "1", ""));
    placed_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_and_get),
        cmocka_unit_test(test_oldest_goes),
        cmocka_unit_test(test_out_of_memory_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
