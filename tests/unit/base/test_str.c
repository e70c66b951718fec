/* Borrowed strings. */
#include "unit/base/unit.h"

static void test_of_and_equal(void **state)
{
    (void)state;
    assert_null(str_of(NULL).p);
    assert_str(str_of("abc"), "abc");
    assert_true(str_eq(STR("abc"), str_of("abc")));
    assert_true(str_eq(STR_NONE, STR("")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_is(STR("x"), "x"));
    assert_false(str_is(STR("x\0"), "x"));
}

static void test_case_is_ascii_only(void **state)
{
    (void)state;
    assert_true(str_ieq(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_ieq(STR("[a"), STR("{a")));
    assert_false(str_ieq(STR("\xC3\x84"), STR("\xC3\xA4")));
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("sess_1"), "sess_"));
    assert_false(str_starts(STR("ses"), "sess_"));
    assert_true(str_starts(STR_NONE, ""));
    assert_true(str_ends(STR("a.json"), ".json"));
    assert_false(str_ends(STR("json"), ".json"));
    assert_true(str_ends(STR_NONE, ""));
}

static void test_trim_skip_take(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n a b \v\f")), "a b");
    assert_str(str_trim(STR("  ")), "");
    assert_str(str_skip(STR("abc"), 2), "c");
    assert_str(str_skip(STR("abc"), 9), "");
    assert_str(str_take(STR("abc"), 2), "ab");
    assert_str(str_take(STR("abc"), 9), "abc");
    assert_null(str_skip(STR_NONE, 3).p);
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("hello"), STR("lo")), 3);
    assert_int_equal(str_find(STR("hello"), STR("")), 0);
    assert_int_equal(str_find(STR("hello"), STR("hello!")), -1);
    assert_int_equal(str_find(STR_NONE, STR("a")), -1);
    assert_int_equal(str_find(STR("a\0b"), STR("\0b")), 1);
}

static void test_cut(void **state)
{
    (void)state;
    struct str rest = STR("a,,b");
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&rest, ','), "b");
    assert_null(rest.p);
    /* A trailing separator leaves an empty rest, none leaves STR_NONE. */
    rest = STR("a,");
    assert_str(str_cut(&rest, ','), "a");
    assert_non_null(rest.p);
    assert_int_equal(rest.n, 0);
}

static void test_integers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    int64_t v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_int(str_of(bad[i]), &v));
    assert_int_equal(v, 7);
    assert_true(str_int(STR("0"), &v) && v == 0);
    assert_true(str_int(STR("-12"), &v) && v == -12);
    assert_true(str_int(STR("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(str_int(STR("-9223372036854775808"), &v) && v == INT64_MIN);
}

static void test_doubles(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "nan", "inf", "-infinity", "1,5", "1.5 ", "0x10", "1e999", "--1"};
    double v = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(str_double(str_of(bad[i]), &v));
    assert_true(v == 7);
    assert_true(str_double(STR("-2.5e3"), &v) && v == -2500);
}

static void test_order(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("ab"), STR("a")) > 0);
    assert_true(str_cmp(STR_NONE, STR("")) == 0);
    assert_true(str_cmp(STR("\xFF"), STR("a")) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_and_equal),
        cmocka_unit_test(test_case_is_ascii_only),
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_trim_skip_take),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
