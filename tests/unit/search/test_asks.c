/* What kind of answer a question wants, and which texts have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/intern.h"

static unsigned met(const char *text)
{
    struct plain p;
    plain_split(str_of(text), &p);
    return asks_met(&p);
}

static void questions(void **state)
{
    static const struct {
        const char *question;
        unsigned asks;
    } rows[] = {{"When did she move?", ASKS_TIME},
                {"And when was that?", ASKS_TIME},
                {"What did she say when I left?", 0},
                {"How long did it take?", ASKS_TIME},
                {"Which month was it?", ASKS_TIME},
                {"How many boats are there?", ASKS_NUMBER | ASKS_SEVERAL},
                {"How does it work?", 0},
                {"when and how often?", ASKS_TIME | ASKS_NUMBER},
                {"What activities does she like?", ASKS_SEVERAL},
                {"Which blue boats are ours?", ASKS_SEVERAL},
                {"What kind of food was it?", ASKS_SEVERAL},
                {"What are the ports?", ASKS_SEVERAL},
                {"What is this?", 0},
                {"What class was it?", 0},
                {"which", 0},
                {"", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (asks_read(str_of(rows[i].question)) != rows[i].asks)
            fail_msg("%s: %u, not %u", rows[i].question, asks_read(str_of(rows[i].question)), rows[i].asks);
}

static void answers(void **state)
{
    (void)state;
    assert_int_equal(met("We moved yesterday"), ASKS_TIME);
    assert_int_equal(met("Two of them"), ASKS_NUMBER);
    assert_int_equal(met("At 7:30"), ASKS_TIME | ASKS_NUMBER);
    assert_int_equal(met("A nice boat"), 0);
    assert_int_equal(met(""), 0);
}

/* The table of known words is searched by halves: each must be found where it stands. */
static void words_are_known(void **state)
{
    static const struct {
        const char *word;
        unsigned means;
    } rows[] = {{"actually", PLAIN_CUE | PLAIN_EMPTY},
                {"won't", PLAIN_NEGATES},
                {"Monday", PLAIN_DAY},
                {"i", PLAIN_OWN},
                {"moved", PLAIN_CHANGES},
                {"uses", PLAIN_STATES},
                {"twelve", PLAIN_NUMBER},
                {"today", PLAIN_TIME},
                {"7", PLAIN_NUMBER}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plain p;
        plain_split(str_of(rows[i].word), &p);
        if (p.n != 1 || (p.word[0].means & rows[i].means) != rows[i].means)
            fail_msg("%s is not known", rows[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(questions), cmocka_unit_test(answers),
                                       cmocka_unit_test(words_are_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
