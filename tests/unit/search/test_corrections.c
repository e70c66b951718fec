/* Which later text corrects an earlier one. Many more cases, labelled: bench/corrections.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/corrections.h"

#include <string.h>

static bool corrects(const char *early, const char *late, int64_t distance)
{
    struct plain p;
    struct claims e, l;
    plain_split(str_of(early), &p);
    claims_read(&p, &e);
    plain_split(str_of(late), &p);
    claims_read(&p, &l);
    return claims_correct(&e, &l, distance);
}

static void another_value_of_the_same(void **state)
{
    (void)state;
    assert_true(corrects("The staging port is 6543", "staging moved to port 7000", 0));
    assert_true(corrects("The staging port is 6543", "The staging port is 7000", 0));
    assert_true(corrects("My dentist is on Tuesday", "Correction: my dentist is on Friday", 0));
    assert_true(
        corrects("We deploy with Jenkins at night. The staging port is 6543.", "Hi! The staging port is 7000.", 0));
    assert_true(corrects("The main branch is called master", "The main branch was renamed to trunk", 0));
}

static void something_that_is_no_more(void **state)
{
    (void)state;
    assert_true(corrects("My sister works at Siemens", "My sister no longer works at Siemens", 0));
    assert_false(corrects("I work at the harbour", "I won't quit my work at the harbour", 0));
}

static void it_is_what_was_just_spoken_of(void **state)
{
    (void)state;
    assert_true(corrects("The retry limit is 3", "Actually, it's 5", 1));
    assert_false(corrects("The retry limit is 3", "Actually, it's 5", 30));
    assert_false(corrects("The retry limit is 3", "Actually, it's 5", 0)); /* another conversation */
}

static void another_one_is_not_the_same(void **state)
{
    (void)state;
    assert_false(corrects("The staging port is 6543", "The production port is 7000", 0));
    assert_false(corrects("Server 1 runs nginx on port 80", "Server 2 runs nginx on port 81", 0));
    assert_false(corrects("I ran 5 km today", "I ran 8 km today", 0));
    assert_false(corrects("The boat is painted green", "The boat shed is painted red", 0));
}

static void questions_correct_nothing(void **state)
{
    (void)state;
    assert_false(corrects("The staging port is 6543", "Is the staging port now 7000?", 1));
    assert_false(corrects("Is the staging port 6543?", "The staging port is 7000", 1));
}

static void the_same_again_corrects_nothing(void **state)
{
    (void)state;
    assert_false(corrects("The staging port is 6543", "Actually the staging port is 6543", 1));
    assert_false(corrects("", "", 1));
    assert_false(corrects("", "Actually", 1));
}

/* Any bytes, and more words and sentences than are looked at. */
static void long_and_broken_texts(void **state)
{
    char text[4096];
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = (char)("port 7.\xff\xf0 A's? "[i % 16]);
    text[sizeof text - 1] = '\0';
    corrects(text, text, 1);
    memset(text, 'x', sizeof text - 1);
    assert_false(corrects(text, text, 1));
    memset(text, '7', sizeof text - 1);
    assert_false(corrects(text, text, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_value_of_the_same),     cmocka_unit_test(something_that_is_no_more),
        cmocka_unit_test(it_is_what_was_just_spoken_of), cmocka_unit_test(another_one_is_not_the_same),
        cmocka_unit_test(questions_correct_nothing),     cmocka_unit_test(the_same_again_corrects_nothing),
        cmocka_unit_test(long_and_broken_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
