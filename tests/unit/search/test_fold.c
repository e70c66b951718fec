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
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_changes_fold), cmocka_unit_test(other_texts_do_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
