/* Deep merge: what is over wins, objects meet, nothing else does. */
#include "service_fixture.h"

#include "service/merge.h"

static const struct {
    const char *under, *over, *merged;
} cases[] = {
    {"{}", "{}", "{}"},
    {"{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
    {"{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"a\":null,\"b\":2}"},
    {"{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"y\":3,\"z\":4}}", "{\"a\":{\"x\":1,\"y\":3,\"z\":4}}"},
    {"{\"a\":{\"x\":1}}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"{\"a\":[1,2]}", "{\"a\":[3]}", "{\"a\":[3]}"},
    {"not json", "{\"a\":1}", "{\"a\":1}"},
    {"[1]", "{\"a\":1}", "{\"a\":1}"},
    {"", "{\"a\":\"\\u00e9\"}", "{\"a\":\"\\u00e9\"}"},
};

static void cases_merge(void **state)
{
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct json *over, *merged, *wanted;
        struct str out;
        struct err e = {0};
        assert_int_equal(json_parse(a, str_of(cases[i].over), 0, &over, &e), ERR_OK);
        assert_int_equal(json_merge_text(a, str_of(cases[i].under), over, &out, &e), ERR_OK);
        assert_int_equal(json_parse(a, out, 0, &merged, &e), ERR_OK);
        assert_int_equal(json_parse(a, str_of(cases[i].merged), 0, &wanted, &e), ERR_OK);
        assert_int_equal(merged->n, wanted->n);
        assert_true(str_is(out, cases[i].merged));
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cases_merge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
