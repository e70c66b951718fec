/* Writing JSON, and that what is written reads back the same: random trees, random bytes. */
#include "unit/base/unit.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/text.h"
#include "unit/base/random.h"

#include <math.h>
#include <string.h>

static struct buf out;
static struct json_out w;

static int set_up(void **state)
{
    (void)state;
    buf_init(&out, 0);
    jw_init(&w, &out);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_release(&out);
    return 0;
}

static void test_commas_and_colons(void **state)
{
    (void)state;
    jw_object(&w);
    jw_kint(&w, "a", 1);
    jw_key(&w, "b");
    jw_array(&w);
    jw_end_array(&w);
    jw_key_str(&w, STR("c\"d"));
    jw_array(&w);
    jw_null(&w);
    jw_object(&w);
    jw_end_object(&w);
    jw_kbool(&w, "k", true); /* the caller's word is taken: nothing checks the order */
    jw_end_array(&w);
    jw_kstr(&w, "s", STR_NONE);
    jw_kcstr(&w, "t", "x");
    jw_knum(&w, "u", 0.5);
    jw_kraw(&w, "v", STR("[1,2]"));
    jw_kraw(&w, "w", STR_NONE);
    jw_ktime(&w, "x", 1);
    jw_ktime(&w, "y", 0);
    jw_end_object(&w);
    assert_str(buf_view(&out), "{\"a\":1,\"b\":[],\"c\\\"d\":[null,{},\"k\":true],\"s\":null,\"t\":\"x\",\"u\":0.5,"
                               "\"v\":[1,2],\"w\":null,\"x\":\"1970-01-01T00:00:00.001Z\",\"y\":null}");
}

static void test_numbers(void **state)
{
    (void)state;
    jw_array(&w);
    jw_int(&w, 0);
    jw_int(&w, INT64_MIN);
    jw_int(&w, INT64_MAX);
    jw_num(&w, NAN);
    jw_num(&w, INFINITY);
    jw_num(&w, -INFINITY);
    jw_num(&w, 3);
    jw_num(&w, 0.1);
    jw_end_array(&w);
    assert_str(buf_view(&out), "[0,-9223372036854775808,9223372036854775807,null,null,null,3,0.1]");
}

static void test_escapes(void **state)
{
    (void)state;
    jw_cstr(&w, "\"\\/\b\f\n\r\t\x01\x1f\x7f é😀");
    assert_str(buf_view(&out), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f é😀\"");
    buf_clear(&out);
    jw_escape(&out, STR("a\0b"));
    assert_str(buf_view(&out), "a\\u0000b");
}

static void test_bad_utf8_is_replaced(void **state)
{
    (void)state;
    jw_escape(&out, STR("a\xFF"
                        "b\xC3"));
    assert_str(buf_view(&out), "a\xEF\xBF\xBD"
                               "b\xEF\xBF\xBD");
    buf_clear(&out);
    jw_escape(&out, STR("\xED\xA0\x80"));
    assert_str(buf_view(&out), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

/* Each byte at each place of the eight that are looked at together. */
static void test_every_byte_at_every_offset(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    for (int c = 0; c < 128; c++) {
        for (size_t at = 0; at < 17; at++) {
            char text[17];
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            buf_clear(&out);
            jw_init(&w, &out);
            jw_str(&w, (struct str){text, sizeof text});
            const struct json *v;
            assert_int_equal(json_parse(a, buf_view(&out), 0, &v, NULL), ERR_OK);
            assert_int_equal(v->s.n, sizeof text);
            assert_memory_equal(v->s.p, text, sizeof text);
        }
        arena_reset(a);
    }
    arena_free(a);
}

static void test_random_bytes_are_valid_json(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    uint64_t seed = 5;
    for (int i = 0; i < 5000; i++) {
        char bytes[60];
        size_t n = random_below(&seed, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (char)random_below(&seed, 256);
        buf_clear(&out);
        jw_init(&w, &out);
        jw_str(&w, (struct str){bytes, n});
        const struct json *v;
        assert_int_equal(json_parse(a, buf_view(&out), 0, &v, NULL), ERR_OK);
        if (text_utf8_valid((struct str){bytes, n}))
            assert_memory_equal(v->s.p, bytes, n);
        arena_reset(a);
    }
    arena_free(a);
}

static struct str random_text(struct arena *a, uint64_t *seed)
{
    static const char *const pieces[] = {"a", "\"",   "\\",           "\n", "é",     "世",
                                         "😀", "\x01", "plain words ", "/",  "u0041", "}"};
    struct str s = STR("");
    for (uint64_t n = random_below(seed, 7); n > 0; n--)
        s = arena_fmt(a, "%.*s%s", STR_ARG(s), pieces[random_below(seed, sizeof pieces / sizeof pieces[0])]);
    return s;
}

/* A random tree without raw spans, as a program would build it. */
static void grow(struct arena *a, uint64_t *seed, struct json *v, int depth)
{
    v->type = (enum json_type)random_below(seed, depth < 5 ? 7 : 5);
    v->boolean = random_below(seed, 2);
    v->integer = v->type == JSON_INT ? (int64_t)(random_next(seed) >> random_below(seed, 64)) : 0;
    v->number = v->type == JSON_INT ? (double)v->integer : 0;
    if (v->type == JSON_DOUBLE)
        v->number = 0.5 + (double)(int64_t)random_next(seed) / 4096.0 / (double)(1 + random_below(seed, 1000));
    v->s = random_text(a, seed);
    v->n = v->type >= JSON_ARRAY ? random_below(seed, 6) : 0;
    struct json *items = arena_array(a, struct json, v->n);
    struct json_member *keys = arena_array(a, struct json_member, v->n);
    for (size_t i = 0; i < v->n; i++) {
        struct str tail = random_text(a, seed);
        keys[i].key = arena_fmt(a, "%zu%.*s", i, STR_ARG(tail));
        grow(a, seed, &items[i], depth + 1);
    }
    v->items = items;
    v->keys = keys;
}

static void assert_same(const struct json *a, const struct json *b)
{
    /* A double may come out whole, and is then read as an integer. */
    if (a->type == JSON_DOUBLE && b->type == JSON_INT) {
        assert_true(a->number == b->number);
        return;
    }
    assert_int_equal(a->type, b->type);
    assert_true(a->type != JSON_BOOL || a->boolean == b->boolean);
    assert_true(a->type != JSON_INT || a->integer == b->integer);
    assert_true(a->type != JSON_DOUBLE || a->number == b->number);
    assert_true(a->type != JSON_STRING || str_eq(a->s, b->s));
    if (a->type < JSON_ARRAY)
        return;
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_true(a->type == JSON_ARRAY || str_eq(a->keys[i].key, b->keys[i].key));
        assert_same(&a->items[i], &b->items[i]);
    }
}

static void test_random_trees_round_trip(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf again;
    buf_init(&again, 0);
    uint64_t seed = 11;
    for (int i = 0; i < 3000; i++) {
        struct json tree = {0};
        const struct json *read;
        grow(a, &seed, &tree, 0);
        buf_clear(&out);
        jw_init(&w, &out);
        jw_value(&w, &tree);
        assert_int_equal(json_parse(a, buf_view(&out), 0, &read, NULL), ERR_OK);
        assert_same(&tree, read);
        assert_true(str_eq(read->raw, buf_view(&out)));
        /* Written from the tree that was read: the same bytes. */
        buf_clear(&again);
        jw_init(&w, &again);
        jw_value(&w, read);
        assert_true(str_eq(buf_view(&again), buf_view(&out)));
        arena_reset(a);
    }
    buf_release(&again);
    arena_free(a);
}

static void test_value_is_minified_and_keeps_digits(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    const struct json *v;
    struct str text = STR(" { \"a\" : [ 1.0 , 12345678901234567890123 ] , \"\\u0062\" : \"\\u0041\" } ");
    assert_int_equal(json_parse(a, text, 0, &v, NULL), ERR_OK);
    jw_array(&w);
    jw_value(&w, v);
    jw_value(&w, NULL);
    jw_end_array(&w);
    assert_str(buf_view(&out), "[{\"a\":[1.0,12345678901234567890123],\"b\":\"\\u0041\"},null]");
    arena_free(a);
}

static void test_too_deep_trees_are_refused(void **state)
{
    (void)state;
    static struct json chain[200];
    for (size_t i = 0; i + 1 < 200; i++)
        chain[i] = (struct json){.type = JSON_ARRAY, .n = 1, .items = &chain[i + 1]};
    jw_value(&w, &chain[200 - JSON_MAX_DEPTH]);
    assert_false(out.failed);
    jw_value(&w, &chain[0]);
    assert_true(out.failed);
}

static void test_failure_sticks(void **state)
{
    (void)state;
    mem_fail_after(0, false);
    jw_object(&w);
    mem_fail_after(-1, false);
    jw_kcstr(&w, "key", "value");
    jw_end_object(&w);
    assert_true(out.failed);
    assert_int_equal(out.n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_commas_and_colons),
        TEST(test_numbers),
        TEST(test_escapes),
        TEST(test_bad_utf8_is_replaced),
        TEST(test_every_byte_at_every_offset),
        TEST(test_random_bytes_are_valid_json),
        TEST(test_random_trees_round_trip),
        TEST(test_value_is_minified_and_keeps_digits),
        TEST(test_too_deep_trees_are_refused),
        TEST(test_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
