/* Which texts count as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/intern.h"

static bool same(const char *x, const char *y)
{
    struct arena *a = arena_new();
    bool out = fingerprint_same(fingerprint_of(a, str_of(x)), fingerprint_of(a, str_of(y)));
    arena_free(a);
    return out;
}

static void small_changes_fold(void **state)
{
    (void)state;
    assert_true(same("The tests pass now.", "the tests  PASS now!"));
    assert_true(same("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
                     "seventeen eighteen nineteen twenty",
                     "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
                     "seventeen eighteen nineteen twenty again"));
}

static void a_number_a_name_or_a_not_makes_another_text(void **state)
{
#define LONG                                                                                                           \
    "after lunch we walked along the river and talked about the old garden behind the house near the mill with "
    (void)state;
    assert_true(same(LONG "many roses", LONG "many tulips"));
    assert_false(same(LONG "12 roses", LONG "15 roses"));
    assert_false(same("Then " LONG "Clara", "Then " LONG "Tom"));
    assert_false(same(LONG "many roses, I did not like it", LONG "many roses, I did like it"));
#undef LONG
}

static double shared(const char *x, const char *y)
{
    struct arena *a = arena_new();
    double out = fingerprint_shared(fingerprint_of(a, str_of(x)), fingerprint_of(a, str_of(y)));
    arena_free(a);
    return out;
}

static void what_is_shared_is_a_share_of_all_words(void **state)
{
    (void)state;
    assert_true(shared("one two three", "THREE two one") == 1);
    assert_true(shared("one two", "three four") == 0);
    assert_true(shared("one two three", "two three four") == 0.5);
    assert_true(shared("", "two") == 0);
}

static void other_texts_do_not(void **state)
{
    (void)state;
    assert_false(same("the tests pass now", "the tests fail now"));
    assert_false(same("yes", "no"));
    assert_false(same("", ""));
    assert_false(same("...", "!!!"));
    assert_false(same("build the bridge", "build the bridge over the river in May"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_changes_fold), cmocka_unit_test(other_texts_do_not),
                                       cmocka_unit_test(a_number_a_name_or_a_not_makes_another_text),
                                       cmocka_unit_test(what_is_shared_is_a_share_of_all_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
