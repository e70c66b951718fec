/* Changes between texts: as people read them, and always such that one becomes the other. */
#include "unit/base/unit.h"

#include "history/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_diff(const char *before, const char *after, const char *expected)
{
    struct buf b;
    buf_init(&b, 0);
    assert_true(diff_lines(str_of(before), str_of(after), &b));
    buf_char(&b, '\0');
    assert_string_equal(b.p, expected);
    buf_release(&b);
}

static void test_small_ones(void **state)
{
    (void)state;
    assert_diff("a\nb\n", "a\nb\n", "");
    assert_diff("", "", "");
    assert_diff("", "a\n", "@@ -1 +1 @@\n+a\n");
    assert_diff("a\nb\nc\n", "a\nc\n", "@@ -2 +2 @@\n-b\n");
    assert_diff("a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\n", "@@ -2 +2 @@\n-b\n+B\n@@ -5 +5 @@\n-e\n+E\n");
    assert_diff("x\n", "y", "@@ -1 +1 @@\n-x\n+y\n");
    assert_diff("a\na\na\n", "a\na\n", "@@ -3 +3 @@\n-a\n");
}

/* The lines of `before`, changed as the diff says, are those of `after`. */
static void assert_leads_there(const char *before, const char *after)
{
    struct buf b, made;
    buf_init(&b, 0);
    buf_init(&made, 0);
    assert_true(diff_lines(str_of(before), str_of(after), &b));
    struct str rest = str_of(before), change = buf_view(&b);
    size_t line = 1, from;
    while (change.n) {
        struct str one = str_cut(&change, '\n');
        if (str_starts(one, "@@")) {
            assert_int_equal(sscanf(one.p, "@@ -%zu", &from), 1);
            for (; line < from; line++) {
                buf_str(&made, str_cut(&rest, '\n'));
                buf_char(&made, '\n');
            }
        } else if (*one.p == '-') {
            assert_true(str_eq(str_cut(&rest, '\n'), str_skip(one, 1)));
            line++;
        } else {
            buf_str(&made, str_skip(one, 1));
            buf_char(&made, '\n');
        }
    }
    buf_str(&made, rest);
    assert_int_equal(made.n, strlen(after));
    assert_memory_equal(made.p, after, made.n);
    buf_release(&b);
    buf_release(&made);
}

static char *random_text(unsigned *seed, int most, int letters)
{
    int n = rand_r(seed) % most;
    char *text = malloc((size_t)n * 2 + 1);
    assert_non_null(text);
    for (int i = 0; i < n; i++) {
        text[2 * i] = (char)('a' + rand_r(seed) % letters);
        text[2 * i + 1] = '\n';
    }
    text[2 * n] = '\0';
    return text;
}

static void test_any_leads_there(void **state)
{
    unsigned seed = 7;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        char *before = random_text(&seed, i % 50 ? 12 : 2000, 1 + i % 26),
             *after = random_text(&seed, i % 50 ? 12 : 2000, 1 + i % 26);
        assert_leads_there(before, after);
        free(before);
        free(after);
    }
}

/* So many lines are not looked through. */
static void test_long_ones(void **state)
{
    enum { N = DIFF_LINES_MOST + 2 };
    char *before = malloc(2 * N + 1), *after = malloc(2 * N + 1);
    struct buf b;
    (void)state;
    assert_true(before && after);
    for (int i = 0; i < N; i++)
        memcpy(before + 2 * i, "a\n", 3);
    memcpy(after, before, 2 * N + 1);
    after[0] = after[2 * N - 2] = 'b';
    buf_init(&b, 0);
    assert_true(diff_lines(str_of(before), str_of(after), &b));
    assert_int_equal(b.n, strlen("@@ -1 +1 @@\n") + 2 * 3 * N);
    buf_clear(&b);
    after[0] = 'a';
    assert_true(diff_lines(str_of(before), str_of(after), &b));
    assert_int_equal(b.n, strlen("@@ -131074 +131074 @@\n-a\n+b\n"));
    buf_release(&b);
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_ones),
        cmocka_unit_test(test_any_leads_there),
        cmocka_unit_test(test_long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
