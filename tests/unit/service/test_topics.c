/* Key topics: words that most texts share come first; short and stop words never. */
#include "service_fixture.h"

#include "service/topics.h"

static void shared_words_come_first(void **state)
{
    const struct str texts[] = {STR("The database migration failed"), STR("We rolled the migration back"),
                                STR("That migration needs the database backup first")};
    struct arena *a = arena_new();
    struct str out;
    struct err e = {0};
    const struct json *list;
    (void)state;
    assert_int_equal(topics_of(a, texts, 3, 2, &out, &e), ERR_OK);
    assert_int_equal(json_parse(a, out, 0, &list, &e), ERR_OK);
    assert_int_equal(list->n, 2);
    assert_true(str_is(list->items[0].s, "migration"));
    assert_true(str_is(list->items[1].s, "database"));
    arena_free(a);
}

/* A word that is said often in one text counts once; equal counts go by who came first; forms of one word are one,
 * shown as it was first said. */
static void texts_are_counted_and_not_words(void **state)
{
    const struct str texts[] = {STR("lighthouse lighthouse lighthouse, harbours"), STR("harbour in winter"),
                                STR("winter lighthouses and a harbour")};
    const char *const want[] = {"harbours", "lighthouse", "winter"};
    struct arena *a = arena_new();
    struct str out;
    struct err e = {0};
    const struct json *list;
    (void)state;
    assert_int_equal(topics_of(a, texts, 3, 10, &out, &e), ERR_OK);
    assert_int_equal(json_parse(a, out, 0, &list, &e), ERR_OK);
    assert_int_equal(list->n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(str_is(list->items[i].s, want[i]));
    arena_free(a);
}

static void nothing_gives_nothing(void **state)
{
    const struct str texts[] = {STR("the of a"), STR("")};
    struct arena *a = arena_new();
    struct str out;
    struct err e = {0};
    (void)state;
    assert_int_equal(topics_of(a, texts, 2, 10, &out, &e), ERR_OK);
    assert_true(str_is(out, "[]"));
    assert_int_equal(topics_of(a, texts, 0, 10, &out, &e), ERR_OK);
    assert_true(str_is(out, "[]"));
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_words_come_first),
                                       cmocka_unit_test(texts_are_counted_and_not_words),
                                       cmocka_unit_test(nothing_gives_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
