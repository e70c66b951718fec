/* UTF-8. */
#include "unit/base/unit.h"

#include "base/text.h"

#include <string.h>

static const char *const good[] = {"",
                                   "plain ascii, longer than eight",
                                   "\xC2\x80",
                                   "\xDF\xBF",
                                   "\xE0\xA0\x80",
                                   "\xED\x9F\xBF",
                                   "\xEE\x80\x80",
                                   "\xEF\xBF\xBF",
                                   "\xF0\x90\x80\x80",
                                   "\xF4\x8F\xBF\xBF",
                                   "Grüße, 世界 😀"};
static const char *const bad[] = {"\x80",     "\xC0\x80",         "\xC1\xBF",         "\xC2",
                                  "\xC2\x41", "\xE0\x9F\xBF",     "\xED\xA0\x80",     "\xED\xBF\xBF",
                                  "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                                  "\xFF",     "12345678\xFE",     "\xF0\x9F\x98"};

static void test_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(text_utf8_valid(str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_utf8_valid(str_of(bad[i])));
}

static void test_char_len(void **state)
{
    (void)state;
    assert_int_equal(text_char_len(STR_NONE), 0);
    assert_int_equal(text_char_len(STR("a")), 1);
    assert_int_equal(text_char_len(STR("\0")), 1);
    assert_int_equal(text_char_len(STR("ü")), 2);
    assert_int_equal(text_char_len(STR("€")), 3);
    assert_int_equal(text_char_len(STR("😀")), 4);
}

/* At every bound: valid, a prefix, not longer than asked, and at most three bytes shorter. */
static void test_cut_never_splits(void **state)
{
    (void)state;
    struct str s = STR("aü€😀b世界c😀😀");
    for (size_t max = 0; max <= s.n + 2; max++) {
        struct str cut = text_cut(s, max);
        assert_true(cut.n <= max);
        assert_true(cut.n == s.n || cut.n + 3 >= max);
        assert_true(text_utf8_valid(cut));
        assert_true(cut.p == s.p);
    }
    assert_null(text_cut(STR_NONE, 0).p);
}

static void test_cut_of_garbage_stays_near(void **state)
{
    (void)state;
    char bytes[64];
    memset(bytes, 0x80, sizeof bytes);
    assert_int_equal(text_cut((struct str){bytes, sizeof bytes}, 50).n, 50);
}

static void test_counts(void **state)
{
    (void)state;
    assert_int_equal(text_chars(STR("aü€😀")), 4);
    assert_int_equal(text_chars(STR_NONE), 0);
    assert_int_equal(text_tokens(STR_NONE), 0);
    assert_int_equal(text_tokens(STR("a")), 1);
    assert_int_equal(text_tokens(STR("abcd")), 1);
    assert_int_equal(text_tokens(STR("abcde")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_char_len),
        cmocka_unit_test(test_cut_never_splits),
        cmocka_unit_test(test_cut_of_garbage_stays_near),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
