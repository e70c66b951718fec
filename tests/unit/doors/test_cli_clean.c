/* What the command line shows: hostile text made safe, widths in columns, tables that fit. */
#include "unit/base/unit.h"

#include "base/text.h"
#include "doors/cli/table.h"
#include "unit/base/random.h"

#include <string.h>

static int setup(void **state)
{
    *state = arena_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static void test_lines_are_one_line(void **state)
{
    assert_str(clean_line(*state, STR("  two\nlines,\ttabs\r\n and   spaces ")), "two lines, tabs and spaces");
    assert_str(clean_line(*state, STR("")), "");
    assert_str(clean_line(*state, STR("grüße 漢字 🎉")), "grüße 漢字 🎉");
}

static void test_terminals_are_not_obeyed(void **state)
{
    assert_str(clean_line(*state, STR("\x1b[31mred\x1b]0;title\x07")), "\\x1b[31mred\\x1b]0;title\\x07");
    assert_str(clean_line(*state, STR("del\x7f c1\xc2\x9b nul\0!")), "del\\x7f c1\\x9b nul\\x00!");
    assert_str(clean_line(*state, STR("a\xe2\x80\xae"
                                      "b\xe2\x81\xa6")),
               "a\\u202eb\\u2066");
}

static void test_invalid_utf8_is_replaced(void **state)
{
    assert_str(clean_line(*state, STR("a\xff\x62")), "a\xef\xbf\xbd\x62");
    assert_str(clean_line(*state, STR("cut\xe2\x82")), "cut\xef\xbf\xbd\xef\xbf\xbd");
    assert_str(clean_line(*state, STR("\xc0\xaf")), "\xef\xbf\xbd\xef\xbf\xbd");                 /* overlong */
    assert_str(clean_line(*state, STR("\xed\xa0\x80")), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* surrogate */
}

static void test_blocks_keep_their_lines(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    clean_block(&b, STR("one\r\ntwo\n\tthree\rfour\x1b\n"), 4);
    assert_str(buf_view(&b), "one\n    two\n        three\\x0dfour\\x1b");
    buf_release(&b);
}

/* Whatever comes in, what goes out is valid UTF-8 without control characters. */
static void test_any_bytes_come_out_safe(void **state)
{
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char raw[64];
        size_t n = random_below(&seed, sizeof raw);
        for (size_t i = 0; i < n; i++)
            raw[i] = (char)random_below(&seed, round % 2 ? 256 : 0x30);
        struct str s = clean_line(*state, (struct str){raw, n});
        assert_true(text_utf8_valid(s));
        for (size_t i = 0; i < s.n; i++)
            assert_false((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f);
        struct str cut = clean_fit(*state, s, 10);
        assert_true(text_utf8_valid(cut));
        assert_true(clean_width(cut) <= 10);
    }
}

static void test_widths(void **state)
{
    (void)state;
    assert_int_equal(clean_width(STR("abc")), 3);
    assert_int_equal(clean_width(STR("grüße")), 5);
    assert_int_equal(clean_width(STR("漢字")), 4);
    assert_int_equal(clean_width(STR("e\xcc\x81")), 1); /* e and a combining accent */
}

static void test_fitting(void **state)
{
    assert_str(clean_fit(*state, STR("short"), 5), "short");
    assert_str(clean_fit(*state, STR("longer"), 5), "long…");
    assert_str(clean_fit(*state, STR("漢字漢字"), 5), "漢字…");
    assert_str(clean_fit(*state, STR("漢字漢字"), 4), "漢…");
    assert_str(clean_fit(*state, STR("abc"), 0), "…");
}

static struct table *sample(struct arena *a)
{
    struct table *t = table_new(a, 2);
    table_column(t, (struct column){.title = STR("id"), .ink = INK_ID});
    table_column(t, (struct column){.title = STR("text"), .may_cut = true});
    table_column(t, (struct column){.title = STR("n"), .right = true});
    struct str *row = table_row(t);
    row[0] = STR("a1");
    row[1] = STR("some longer text that goes on");
    row[2] = STR("7");
    row = table_row(t);
    row[0] = STR("b22");
    row[1] = STR("漢字");
    row[2] = STR("123");
    assert_null(table_row(t)); /* as many as were asked for */
    return t;
}

static void test_table_in_a_pipe(void **state)
{
    struct buf b;
    struct screen pipe = {0};
    buf_init(&b, 0);
    table_print(sample(*state), &pipe, &b);
    assert_str(buf_view(&b), "id   text                             n\n"
                             "a1   some longer text that goes on    7\n"
                             "b22  漢字                           123\n");
    buf_release(&b);
}

static void test_table_on_a_narrow_terminal(void **state)
{
    struct buf b;
    struct screen narrow = {.terminal = true, .width = 24};
    buf_init(&b, 0);
    table_print(sample(*state), &narrow, &b);
    assert_str(buf_view(&b), "id   text              n\n"
                             "a1   some longer t…    7\n"
                             "b22  漢字            123\n");
    buf_release(&b);
}

static void test_colour_only_where_asked(void **state)
{
    struct buf b;
    struct screen plain = {.terminal = true, .width = 80}, colour = {.terminal = true, .colour = true, .width = 80};
    buf_init(&b, 0);
    table_print(sample(*state), &plain, &b);
    assert_true(str_find(buf_view(&b), STR("\033")) < 0);
    buf_clear(&b);
    table_print(sample(*state), &colour, &b);
    assert_true(str_find(buf_view(&b), STR("\033[36ma1\033[0m")) >= 0);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_are_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_terminals_are_not_obeyed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invalid_utf8_is_replaced, setup, teardown),
        cmocka_unit_test(test_blocks_keep_their_lines),
        cmocka_unit_test_setup_teardown(test_any_bytes_come_out_safe, setup, teardown),
        cmocka_unit_test(test_widths),
        cmocka_unit_test_setup_teardown(test_fitting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table_in_a_pipe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table_on_a_narrow_terminal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_colour_only_where_asked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
