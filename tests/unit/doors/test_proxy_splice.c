/* Splicing: what is named goes, with one comma; every other byte stays. */
#include "unit/base/unit.h"

#include "doors/proxy/splice.h"
#include "unit/base/random.h"

#include <string.h>

static const char *const names[] = {"a", "b", NULL};

static void expect(const char *text, const char *after)
{
    struct arena *arena = arena_new();
    const struct json *v;
    struct splice s;
    struct buf out;
    assert_int_equal(json_parse(arena, str_of(text), JSON_DUPLICATES_OK, &v, NULL), ERR_OK);
    splice_init(&s, str_of(text));
    splice_remove_members(&s, v, names);
    buf_init(&out, 0);
    splice_write(&s, &out);
    assert_false(out.failed);
    buf_char(&out, 0);
    assert_string_equal(out.p, after);
    buf_release(&out);
    arena_free(arena);
}

static void test_removing(void **state)
{
    (void)state;
    expect("{}", "{}");
    expect("{\"a\":1}", "{}");
    expect("{ \"a\" : 1 }", "{  }");
    expect("{\"x\":1}", "{\"x\":1}");
    expect("{\"a\":1,\"x\":2}", "{\"x\":2}");
    expect("{\"x\":2,\"a\":1}", "{\"x\":2}");
    expect("{\"x\":2 , \"a\":1 , \"y\": 3}", "{\"x\":2 , \"y\": 3}");
    expect("{\"x\":2, \"a\":1, \"b\":2 }\n", "{\"x\":2 }\n");
    expect("{\"a\":1,\"x\":2,\"b\":[1,2]}", "{\"x\":2}");
    expect("{\"a\":1,\"b\":2}", "{}");
    expect("{\"a\":1,\"x\":{\"a\":5},\"a\":3,\"y\":0,\"b\":1,\"a\":2}", "{\"x\":{\"a\":5},\"y\":0}");
    expect("{\"\\u0061\":1,\"x\":1.50e+3}", "{\"x\":1.50e+3}");
}

static void test_inserting(void **state)
{
    (void)state;
    const char *text = "0123456789";
    struct splice s;
    struct buf out;
    splice_init(&s, str_of(text));
    splice_insert(&s, text + 10, STR("end"));
    splice_insert(&s, text, STR("start"));
    splice_insert(&s, text + 5, STR("<5>"));
    buf_init(&out, 0);
    splice_write(&s, &out);
    assert_str(buf_view(&out), "start01234<5>56789end");
    buf_release(&out);
}

static void test_refusing(void **state)
{
    (void)state;
    const char *text = "0123456789";
    struct splice s;
    struct buf out;
    splice_init(&s, (struct str){text + 2, 4});
    splice_insert(&s, text + 7, STR("x"));
    assert_true(s.failed);
    buf_init(&out, 0);
    splice_write(&s, &out);
    assert_true(out.failed);
    buf_release(&out);
    splice_init(&s, str_of(text));
    for (int i = 0; i <= SPLICE_MAX; i++)
        splice_insert(&s, text, STR("x"));
    assert_true(s.failed);
}

/* Objects of random members in any order: what is left parses, and holds just the others, unchanged. */
static void test_any_object(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 2000; round++) {
        struct arena *a = arena_new();
        struct buf text, out;
        struct splice s;
        const struct json *v, *w;
        buf_init(&text, 0);
        buf_init(&out, 0);
        int n = (int)random_below(&seed, 9);
        buf_cstr(&text, random_below(&seed, 2) ? " {" : "{ ");
        for (int i = 0; i < n; i++)
            buf_fmt(&text, "%s\"%c\"%s: [%d, %d]%s", i ? "," : "", (char)('a' + random_below(&seed, 5)),
                    random_below(&seed, 2) ? " " : "", round, i, random_below(&seed, 2) ? "\n" : "");
        buf_cstr(&text, "} ");
        assert_int_equal(json_parse(a, buf_view(&text), JSON_DUPLICATES_OK, &v, NULL), ERR_OK);
        splice_init(&s, buf_view(&text));
        splice_remove_members(&s, v, names);
        splice_write(&s, &out);
        assert_int_equal(json_parse(a, buf_view(&out), JSON_DUPLICATES_OK, &w, NULL), ERR_OK);
        size_t k = 0;
        for (size_t i = 0; i < v->n; i++) {
            if (str_is(v->keys[i].key, "a") || str_is(v->keys[i].key, "b"))
                continue;
            assert_true(k < w->n);
            assert_true(str_eq(v->keys[i].raw, w->keys[k].raw));
            k++;
        }
        assert_int_equal(k, w->n);
        buf_release(&text);
        buf_release(&out);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removing),
        cmocka_unit_test(test_inserting),
        cmocka_unit_test(test_refusing),
        cmocka_unit_test(test_any_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
