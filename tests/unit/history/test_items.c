/* Elements of long arrays: where they begin and end, whatever they are. */
#include "base/buf.h"
#include "unit/base/unit.h"

#include "history/items.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* All elements with their places, in brackets. */
static void assert_items_of(struct str bytes, const char *member, bool keyed, const char *expected)
{
    int fd = memfd_create("items", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
    const struct history_in in = {.fd = fd, .size = (int64_t)bytes.n};
    struct items *x = items_new(&in, member, keyed);
    struct item item;
    struct buf b;
    bool found = true;
    struct err e = {0};
    buf_init(&b, 0);
    while (found) {
        assert_int_equal(items_next(x, &item, &found, &e), ERR_OK);
        buf_str(&b, found ? item.key : STR_NONE);
        if (found && !item.too_large && item.text.n < 100)
            buf_fmt(&b, "%d+%d[%.*s]", (int)item.offset, (int)item.bytes, STR_ARG(item.text));
        else if (found)
            buf_fmt(&b, "%d+%d%s", (int)item.offset, (int)item.bytes, item.too_large ? " too large" : "");
    }
    buf_char(&b, '\0');
    assert_string_equal(b.p, expected);
    buf_release(&b);
    items_free(x);
    close(fd);
}

static void assert_items(struct str bytes, const char *member, const char *expected)
{
    assert_items_of(bytes, member, false, expected);
}

static void test_arrays(void **state)
{
    (void)state;
    assert_items(STR("[]"), NULL, "");
    assert_items(STR(" [ {\"a\":[1,{}]} , 2,\"x,]\\\"}\" ,[3]]"), NULL,
                 "3+12[{\"a\":[1,{}]}]18+1[2]20+9[\"x,]\\\"}\" ]30+3[[3]]");
    assert_items(STR("\xEF\xBB\xBF[1]"), NULL, "4+1[1]");
    assert_items(STR("[1,2"), NULL, "1+1[1]3+1[2]");
    assert_items(STR("[{\"a\":\"b"), NULL, "1+7[{\"a\":\"b]");
    assert_items(STR("[,,]"), NULL, "");
    assert_items(STR(""), NULL, "");
    assert_items(STR("7"), NULL, "");
}

static void test_members(void **state)
{
    (void)state;
    assert_items(STR("{\"x\":{\"c\":[9]},\"c\":[1,2],\"y\":3}"), "c", "20+1[1]22+1[2]");
    assert_items(STR("{\"x\":1}"), "c", "0+7[{\"x\":1}]");
    assert_items(STR("{\"c\":1}"), "c", "0+7[{\"c\":1}]");
    assert_items(STR("{\"c\":[]}"), NULL, "0+8[{\"c\":[]}]");
    assert_items(STR("{}"), "c", "0+2[{}]");
}

static void test_members_of_members(void **state)
{
    (void)state;
    assert_items_of(STR("{\"a\":1,\"c\":{\"x\":{\"y\":1} , \"z\":2},\"b\":3}"), "c", true, "x16+7[{\"y\":1}]z30+1[2]");
    assert_items_of(STR("{\"c\":[1,2]}"), "c", true, "6+1[1]8+1[2]");
    assert_items_of(STR("{\"c\":{}}"), "c", true, "");
    assert_items_of(STR("{\"c\":{\"x\":1,7}}"), "c", true, "x10+1[1]");
    assert_items(STR("{\"c\":{\"x\":1}}"), "c", "0+13[{\"c\":{\"x\":1}}]");
}

static void test_one_member(void **state)
{
    static const char text[] = "  {\"a\":\"x\",\"b\":{\"a\":2},\"c\":[3]}";
    static const char *const wanted[][2] = {{"a", "\"x\""}, {"b", "{\"a\":2}"}, {"c", "[3]"}, {"d", ""}};
    int fd = memfd_create("items", MFD_CLOEXEC);
    struct buf b;
    struct err e = {0};
    (void)state;
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    const struct history_in in = {.fd = fd, .size = sizeof text - 1};
    buf_init(&b, 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(items_member(&in, wanted[i][0], &b, &e), ERR_OK);
        assert_int_equal(b.n, strlen(wanted[i][1]));
        assert_memory_equal(b.n ? b.p : "", wanted[i][1], b.n);
    }
    buf_release(&b);
    close(fd);
}

/* Across the borders of the buffer, and past what an element may have. */
static void test_long_ones(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    buf_cstr(&b, "[\"");
    for (int i = 0; i < ITEMS_MOST + 1000; i++)
        buf_char(&b, 'x');
    buf_cstr(&b, "\",\"");
    for (int i = 0; i < ITEMS_BUFFER + 7; i++)
        buf_char(&b, '\\');
    buf_cstr(&b, "\",1]");
    assert_items(buf_view(&b), NULL, "1+4195306 too large4195308+65548");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays),     cmocka_unit_test(test_members),   cmocka_unit_test(test_members_of_members),
        cmocka_unit_test(test_one_member), cmocka_unit_test(test_long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
