/* What a text has is what looking at each of its bytes says, wherever in it that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "texts.h"

static unsigned plainly(struct str s)
{
    size_t numbers = 0, run = 0, longest = 0;
    for (size_t i = 0; i < s.n; i++) {
        numbers += s.p[i] && strchr("0123456789:", s.p[i]) != NULL;
        run = s.p[i] && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+/=~:|$%@-", s.p[i])
                  ? run + 1
                  : 0;
        longest = run > longest ? run : longest;
    }
    return 1u << NEEDS_NOTHING | (unsigned)(numbers >= 2) << NEEDS_NUMBER |
           (unsigned)(longest >= DETECTOR_RUN) << NEEDS_RUN;
}

static void check(struct str s)
{
    if (needs_met(s) != plainly(s))
        fail_msg("%u instead of %u for %.*s", needs_met(s), plainly(s), STR_ARG(s));
}

/* Every byte in the middle of a run, at every place of a block. */
static void test_every_byte_everywhere(void **state)
{
    char text[200];
    (void)state;
    for (size_t at = 0; at < 140; at++)
        for (int c = 0; c < 256; c++) {
            memset(text, ' ', sizeof text);
            memset(text + at, 'a', DETECTOR_RUN);
            text[at + 7] = (char)c;
            check((struct str){text, at + DETECTOR_RUN});
            check((struct str){text, sizeof text});
            text[at] = '7';
            check((struct str){text, sizeof text});
        }
}

static void test_runs_and_numbers(void **state)
{
    char text[200];
    (void)state;
    for (size_t at = 0; at < 140; at++)
        for (size_t n = 1; n <= 60; n++) {
            memset(text, ' ', sizeof text);
            memset(text + at, 'x', n);
            check((struct str){text, sizeof text});
            text[at] = text[at + n - 1] = '0';
            check((struct str){text, at + n});
        }
}

static void test_made_texts(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 2000; number++) {
        struct arena *a = arena_new();
        check(made_text(a, number, 1 + number % 20));
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_everywhere),
        cmocka_unit_test(test_runs_and_numbers),
        cmocka_unit_test(test_made_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
