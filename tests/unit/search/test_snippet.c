/* Snippets: around the words, of bounded length, never inside a character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "search/recall.h"

#include <string.h>

static struct str cut(struct arena *a, const char *text, const char *question)
{
    struct index_term *t = NULL;
    size_t n = 0;
    struct err e = {0};
    assert_int_equal(index_terms(a, str_of(question), true, &t, &n, &e), ERR_OK);
    return recall_snippet(a, str_of(text), t, n);
}

static void short_texts_stay_whole(void **state)
{
    struct arena *a = arena_new();
    (void)state;
    assert_true(str_is(cut(a, "  a short text \n", "text"), "a short text"));
    assert_true(str_is(cut(a, "", "text"), ""));
    arena_free(a);
}

static char *long_text(char *out, size_t at, const char *word)
{
    *out = '\0';
    for (size_t i = 0; i < 200; i++) {
        strcat(out, i == at ? word : "filler");
        strcat(out, i % 10 == 9 ? ".\n" : " ");
    }
    return out;
}

static void the_words_are_in_it_wherever_they_stand(void **state)
{
    struct arena *a = arena_new();
    char text[4000];
    (void)state;
    for (size_t i = 0; i < 200; i += 7) {
        struct str s = cut(a, long_text(text, i, "universities"), "which university?");
        assert_true(str_find(s, STR("universities")) >= 0);
        assert_in_range(s.n, 100, 220);
        assert_true(i < 14 || str_starts(s, "…"));
        assert_true(i > 180 || str_ends(s, "…"));
    }
    struct str none = cut(a, long_text(text, 0, "x"), "zebra");
    assert_true(str_starts(none, "x filler"));
    arena_free(a);
}

static void characters_stay_whole(void **state)
{
    struct arena *a = arena_new();
    struct buf b;
    (void)state;
    for (int lead = 0; lead < 4; lead++) {
        buf_init(&b, 0);
        for (int i = 0; i < lead; i++)
            buf_char(&b, 'x');
        for (int i = 0; i < 300; i++)
            buf_cstr(&b, i == 150 ? " target " : "日本é");
        buf_char(&b, '\0');
        struct str s = cut(a, b.p, "target");
        assert_true(text_utf8_valid(s));
        assert_true(str_find(s, STR("target")) >= 0);
        assert_true(text_utf8_valid(cut(a, b.p, "absent")));
        buf_release(&b);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(short_texts_stay_whole),
                                       cmocka_unit_test(the_words_are_in_it_wherever_they_stand),
                                       cmocka_unit_test(characters_stay_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
