/* Growing buffers: the failure sticks, what was there before it stays. */
#include "unit/base/unit.h"

#include "base/buf.h"
#include "base/mem.h"

#include <string.h>

static void test_appending(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    assert_str(buf_view(&b), "");
    assert_non_null(buf_view(&b).p);
    buf_put(&b, NULL, 0);
    buf_str(&b, STR_NONE);
    buf_cstr(&b, NULL);
    buf_cstr(&b, "ab");
    buf_char(&b, '\0');
    buf_str(&b, STR("cd"));
    buf_fmt(&b, "%03d", 7);
    assert_str(buf_view(&b), "ab\0cd007");
    buf_release(&b);
    assert_null(b.p);
}

static void test_growth_keeps_the_bytes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, (char)(i % 251));
    assert_false(b.failed);
    assert_int_equal(b.n, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.p[i], (char)(i % 251));
    buf_release(&b);
}

static void test_max(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_cstr(&b, "0123456789");
    assert_false(b.failed);
    buf_char(&b, 'x');
    assert_true(b.failed);
    assert_str(buf_view(&b), "0123456789");
    buf_clear(&b);
    assert_false(b.failed);
    buf_cstr(&b, "new");
    assert_str(buf_view(&b), "new");
    assert_null(buf_room(&b, SIZE_MAX));
    assert_true(b.failed);
    buf_release(&b);
    assert_int_equal(b.max, 10);
}

static void test_format_of_any_length(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'z', sizeof text);
    for (size_t n = 0; n < sizeof text; n += 1 + n / 9) {
        struct buf b;
        buf_init(&b, 0);
        buf_cstr(&b, "<");
        buf_fmt(&b, "%.*s>", (int)n, text);
        assert_int_equal(b.n, n + 2);
        assert_int_equal(b.p[n + 1], '>');
        buf_release(&b);
    }
}

static void test_room_and_drop(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    char *room = buf_room(&b, 6);
    memcpy(room, "abcdef", 6);
    assert_int_equal(b.n, 0);
    buf_added(&b, 6);
    buf_drop(&b, 2);
    assert_str(buf_view(&b), "cdef");
    buf_drop(&b, 0);
    assert_str(buf_view(&b), "cdef");
    buf_drop(&b, 99);
    assert_int_equal(b.n, 0);
    buf_release(&b);
}

/* One allocation fails in the middle: later ones would work, yet everything after is lost. */
static void test_failure_sticks(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "kept");
    mem_fail_after(0, false);
    char big[1000] = {0};
    buf_put(&b, big, sizeof big);
    assert_true(mem_fail_hit());
    mem_fail_after(-1, false);
    assert_true(b.failed);
    buf_cstr(&b, "lost");
    buf_char(&b, '!');
    buf_fmt(&b, "%d", 1);
    assert_null(buf_room(&b, 1));
    buf_added(&b, 5);
    assert_str(buf_view(&b), "kept");
    buf_clear(&b);
    buf_cstr(&b, "again");
    assert_str(buf_view(&b), "again");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appending),     cmocka_unit_test(test_growth_keeps_the_bytes),
        cmocka_unit_test(test_max),           cmocka_unit_test(test_format_of_any_length),
        cmocka_unit_test(test_room_and_drop), cmocka_unit_test(test_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
