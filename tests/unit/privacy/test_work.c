/* What a text costs grows with its length and no faster, whatever it is made of: the bytes shown to the matcher, which
 * are counted, for texts on which patterns begin, match, are refused and begin again at every sign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "texts.h"

static const char *const KINDS[] = {
    "0123456789abcdef",
    "QUJDREVGR0hJ",
    "7",
    "a.",
    "@",
    "a@",
    "key=",
    " ",
    "\"",
    "-",
    "{\"",
    "\n",
    "eyJ",
    "sk-",
    "://",
    "a",
    "A1b2",
    "password ",
    "::",
    "a:b@",
    "<a>",
    "_",
    "+1 ",
    "1.1.",
    "\xc3\xa9",
    "123-45-6789 ",
    "4111 1111 1111 1112 ",
    "a@b.co ",
    "token: x ",
};

/* Bytes shown for each byte of the text. */
static double work(const struct privacy *p, const char *kind, size_t n)
{
    struct scratch *s = scratch_take(p);
    struct buf b;
    buf_init(&b, 0);
    while (b.n < n)
        buf_cstr(&b, kind);
    s->work = 0;
    assert_int_equal(scan_text(p, PRIVACY_PUBLIC, buf_view(&b), &s, NULL), ERR_OK);
    const double each = (double)s->work / (double)b.n;
    buf_release(&b);
    return each;
}

static void grows_evenly(const struct privacy *p)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        const double one = work(p, KINDS[i], 64 << 10), four = work(p, KINDS[i], 256 << 10);
        if (four > 1.5 * one + 1000)
            fail_msg("\"%s\": %.0f bytes looked at for each, and %.0f in a text four times as long", KINDS[i], one,
                     four);
    }
}

static void test_pattern_by_pattern(void **state)
{
    struct privacy *p;
    (void)state;
    assert_int_equal(privacy_open(&(struct privacy_options){.one_by_one = true}, &p, NULL), ERR_OK);
    grows_evenly(p);
    privacy_free(p);
}

static void test_with_the_prefilter(void **state)
{
    struct privacy *p;
    (void)state;
    assert_int_equal(privacy_open(&(struct privacy_options){0}, &p, NULL), ERR_OK);
    assert_non_null(later_wait(p->later));
    grows_evenly(p);
    privacy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern_by_pattern),
        cmocka_unit_test(test_with_the_prefilter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
