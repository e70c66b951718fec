/* Reading JSON: values, raw spans, what is refused and how it is told, failing allocations. */
#include "unit/base/unit.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Parsed from a copy of exactly its size, so that AddressSanitizer sees reads past the end. */
static const struct json *parse_with(struct str text, unsigned flags, struct err *e)
{
    const struct json *tree = NULL;
    char *exact = mem_alloc(text.n);
    assert_non_null(exact);
    memcpy(exact, text.p, text.n);
    assert_true(arena_defer(arena, mem_free, exact));
    enum err_code rc = json_parse(arena, (struct str){exact, text.n}, flags, &tree, e);
    assert_int_equal(rc, e->code);
    assert_int_equal(rc == ERR_OK, tree != NULL);
    return tree;
}

static const struct json *parse(struct str text)
{
    struct err e = {0};
    const struct json *tree = parse_with(text, 0, &e);
    if (!tree)
        fail_msg("%.*s: %s", STR_ARG(text), e.message);
    return tree;
}

static void test_scalars(void **state)
{
    (void)state;
    assert_int_equal(parse(STR("null"))->type, JSON_NULL);
    const struct json *v = parse(STR(" true\n"));
    assert_true(v->type == JSON_BOOL && v->boolean);
    assert_str(v->raw, "true");
    v = parse(STR("-12"));
    assert_true(v->type == JSON_INT && v->integer == -12 && v->number == -12.0);
    v = parse(STR("1.5e1"));
    assert_true(v->type == JSON_DOUBLE && v->number == 15.0);
    assert_str(v->raw, "1.5e1");
    v = parse(STR("\"a\\n\\u00e9\\u0000\\ud83d\\ude00\""));
    assert_int_equal(v->type, JSON_STRING);
    assert_str(v->s, "a\né\0😀");
    assert_str(v->raw, "\"a\\n\\u00e9\\u0000\\ud83d\\ude00\"");
    assert_non_null(parse(STR("\"\""))->s.p);
}

static void test_integers_at_the_border(void **state)
{
    (void)state;
    const struct json *v = parse(STR("[9223372036854775807, -9223372036854775808, 9223372036854775808,"
                                     " -9223372036854775809, 18446744073709551615, 18446744073709551616,"
                                     " 123456789012345678901234567890, \"99999999999999999999\", 7]"));
    assert_int_equal(v->n, 9);
    assert_true(v->items[0].type == JSON_INT && v->items[0].integer == INT64_MAX);
    assert_true(v->items[1].type == JSON_INT && v->items[1].integer == INT64_MIN);
    for (int i = 2; i < 7; i++)
        assert_int_equal(v->items[i].type, JSON_DOUBLE);
    assert_true(v->items[2].number == 9223372036854775808.0);
    assert_true(v->items[3].number == -9223372036854775808.0);
    assert_true(v->items[4].number == 18446744073709551616.0);
    assert_true(v->items[6].number == 123456789012345678901234567890.0);
    assert_str(v->items[6].raw, "123456789012345678901234567890");
    assert_str(v->items[7].s, "99999999999999999999");
    assert_true(v->items[8].type == JSON_INT && v->items[8].integer == 7);
    assert_true(parse(STR("[1e-400]"))->items[0].number == 0);
}

static void test_raw_spans(void **state)
{
    (void)state;
    const struct json *o = parse(STR(" { \"a\" : [ 1 , { } ,[ ] , \"x\\\\\" ] ,\n\t\"b\\\"\":{\"c\" :null } } "));
    assert_str(o->raw, "{ \"a\" : [ 1 , { } ,[ ] , \"x\\\\\" ] ,\n\t\"b\\\"\":{\"c\" :null } }");
    assert_int_equal(o->n, 2);
    assert_str(o->keys[0].raw, "\"a\" : [ 1 , { } ,[ ] , \"x\\\\\" ]");
    assert_str(o->keys[1].key, "b\"");
    assert_str(o->keys[1].raw, "\"b\\\"\":{\"c\" :null }");
    const struct json *a = json_get(o, "a");
    assert_str(a->raw, "[ 1 , { } ,[ ] , \"x\\\\\" ]");
    assert_str(a->items[0].raw, "1");
    assert_str(a->items[1].raw, "{ }");
    assert_str(a->items[2].raw, "[ ]");
    assert_str(a->items[3].raw, "\"x\\\\\"");
    assert_str(o->items[1].items[0].raw, "null");
}

static void test_lookup(void **state)
{
    (void)state;
    const struct json *o = parse(STR("{\"s\":\"text\",\"n\":1,\"e\":\"\"}"));
    assert_str(json_text(o, "s"), "text");
    assert_null(json_text(o, "n").p);
    assert_null(json_text(o, "none").p);
    assert_non_null(json_text(o, "e").p);
    assert_non_null(json_get_type(o, "n", JSON_INT));
    assert_null(json_get_type(o, "n", JSON_STRING));
    assert_null(json_get(NULL, "n"));
    assert_null(json_get(&o->items[0], "n"));
    assert_string_equal(json_type_name(JSON_OBJECT), "an object");
}

static void test_refused_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {" ", "line 1, column 2: a value should follow"},
        {"[1,]", "line 1, column 4: a value should be here"},
        {"[1 2]", "line 1, column 4: a comma or ] should be here"},
        {"{\"a\":1 \"b\"}", "line 1, column 8: a comma or } should be here"},
        {"{\"a\":1,}", "line 1, column 8: a key in double quotes should be here"},
        {"{a:1}", "line 1, column 2: a key in double quotes should be here"},
        {"{\"a\" 1}", "line 1, column 6: a colon should follow the key"},
        {"[", "line 1, column 2: a value should follow"},
        {"{\"a\":1", "line 1, column 7: a comma or } should be here"},
        {"[1}", "line 1, column 3: a comma or ] should be here"},
        {"1 2", "line 1, column 3: nothing should follow the value"},
        {"{}]", "line 1, column 3: nothing should follow the value"},
        {"{\n \"é\": tru\n}", "line 2, column 7: a value should be here"},
        {"\n\n\n  nul", "line 4, column 3: a value should be here"},
        {"[01]", "line 1, column 2: this is no number in JSON"},
        {"[1.]", "line 1, column 2: this is no number in JSON"},
        {"[.5]", "line 1, column 2: a value should be here"},
        {"[+1]", "line 1, column 2: a value should be here"},
        {"[-]", "line 1, column 2: this is no number in JSON"},
        {"[1e]", "line 1, column 2: this is no number in JSON"},
        {"NaN", "line 1, column 1: a value should be here"},
        {"[1e400]", "line 1, column 2: this number is out of range"},
        {"[\"abc]", "line 1, column 2: this string has no end"},
        {"\"a\tb\"", "line 1, column 3: control characters in strings must be escaped"},
        {"\"a\\x\"", "line 1, column 3: there is no such escape in JSON"},
        {"\"\\u12g4\"", "line 1, column 2: \\u must be followed by four hex digits"},
        {"\"ab\\ud800\"", "line 1, column 4: this half of a surrogate pair stands alone"},
        {"\"\\udc00\"", "line 1, column 2: this half of a surrogate pair stands alone"},
        {"\"\\ud800\\u0041\"", "line 1, column 2: this half of a surrogate pair stands alone"},
        {"\"\\ud800\\ud800\"", "line 1, column 2: this half of a surrogate pair stands alone"},
        {"{\"\\udc00\":1}", "line 1, column 3: this half of a surrogate pair stands alone"},
        {"\"\xC0\x80\"", "line 1, column 2: this is not UTF-8"},
        {"\"\xED\xA0\x80\"", "line 1, column 2: this is not UTF-8"},
        {"\xEF\xBB\xBF{}", "line 1, column 1: it starts with a byte order mark"},
        {"'a'", "line 1, column 1: a value should be here"},
        {"[1] // done", "line 1, column 5: nothing should follow the value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        assert_null(parse_with(str_of(rows[i].text), 0, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(e.field, "body");
        assert_true(strncmp(e.message, "it is not valid JSON at ", 24) == 0);
        assert_string_equal(e.message + 24, rows[i].said);
    }
}

static void test_empty_and_nul(void **state)
{
    (void)state;
    struct err e = {0};
    const struct json *tree;
    assert_int_equal(json_parse(arena, STR_NONE, 0, &tree, &e), ERR_INVALID);
    assert_string_equal(e.message, "it is empty; JSON is expected");
    static const struct str texts[] = {{"\0", 1}, {"{}\0", 3}, {"[1,\0]", 5}, {"\"a\0\"", 4}, {"1\0", 2}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        err_clear(&e);
        assert_null(parse_with(texts[i], 0, &e));
        assert_non_null(strstr(e.message, "line 1, column "));
    }
    struct err huge = {0};
    static const char long_number[400] = {[0 ... 398] = '9'};
    assert_null(parse_with(str_of(long_number), 0, &huge));
    assert_non_null(strstr(huge.message, "is out of range"));
}

/* `depth` brackets around `inside`. */
static struct str nested(char *out, int depth, char open, char close, const char *inside)
{
    size_t n = 0;
    for (int i = 0; i < depth; i++)
        n += (size_t)sprintf(out + n, open == '{' && i + 1 < depth ? "{\"k\":" : "%c", open);
    n += (size_t)sprintf(out + n, "%s", inside);
    for (int i = 0; i < depth; i++)
        out[n++] = close;
    return (struct str){out, n};
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        char open, close;
        const char *inside;
    } rows[] = {{'[', ']', ""}, {'[', ']', "1"}, {'{', '}', ""}, {'{', '}', "\"k\":1"}};
    char text[1000];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        parse(nested(text, JSON_MAX_DEPTH, rows[i].open, rows[i].close, rows[i].inside));
        for (int more = 1; more <= 3; more++) {
            struct err e = {0};
            struct str s = nested(text, JSON_MAX_DEPTH + more, rows[i].open, rows[i].close, rows[i].inside);
            assert_null(parse_with(s, 0, &e));
            assert_int_equal(e.code, ERR_INVALID);
            assert_non_null(strstr(e.message, "nested too deeply"));
        }
    }
}

static void test_duplicates(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"b\":2,\"\\u0061\":3}"};
    for (size_t i = 0; i < 2; i++) {
        struct err e = {0};
        assert_null(parse_with(str_of(texts[i]), 0, &e));
        assert_string_equal(e.message, "the key \"a\" appears twice in one object");
        err_clear(&e);
        const struct json *o = parse_with(str_of(texts[i]), JSON_DUPLICATES_OK, &e);
        assert_int_equal(json_get(o, "a")->integer, 3);
    }
    parse(STR("{\"a\":{\"a\":1},\"A\":2,\"\":3}"));
}

/* An object of n keys; with `twice` the last repeats one in the middle. */
static void many_keys(struct buf *b, int n, bool twice)
{
    buf_clear(b);
    for (int i = 0; i < n; i++)
        buf_fmt(b, "%c\"key%d\":%d", i ? ',' : '{', i, i);
    buf_cstr(b, twice ? ",\"key5\":0}" : "}");
    assert_false(b->failed);
}

static void test_duplicates_in_large_objects(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 0);
    static const int sizes[] = {6, 11, 12, 13, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct err e = {0};
        many_keys(&b, sizes[i], false);
        const struct json *o = parse(buf_view(&b));
        assert_int_equal(o->n, sizes[i]);
        assert_int_equal(json_get(o, "key5")->integer, 5);
        many_keys(&b, sizes[i], true);
        assert_null(parse_with(buf_view(&b), 0, &e));
        assert_string_equal(e.message, "the key \"key5\" appears twice in one object");
    }
    buf_release(&b);
}

/* Texts on both sides of what a thread's own parser keeps, large after small and small after large. */
static void test_sizes(void **state)
{
    (void)state;
    static const int counts[] = {10, 40000, 3, 200000, 1000};
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        buf_clear(&b);
        for (int k = 0; k < counts[i]; k++)
            buf_fmt(&b, "%c\"v%d\"", k ? ',' : '[', k);
        buf_char(&b, ']');
        const struct json *a = parse(buf_view(&b));
        assert_int_equal(a->n, counts[i]);
        char last[32];
        snprintf(last, sizeof last, "v%d", counts[i] - 1);
        assert_true(str_is(a->items[counts[i] - 1].s, last));
    }
    buf_release(&b);
}

static const char busy[] = "{\"a\":[1,2,{\"b\":\"\\u00e9 and more text than fits\"}],\"c\":123456789012345678901,"
                           "\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":9,"
                           "\"k10\":10,\"k11\":11,\"k12\":12}";

/* On a thread of its own: its parser starts empty, so that making it fails too. */
static void *fail_each(void *arg)
{
    (void)arg;
    bool hit = true;
    for (int64_t n = 0; hit && n < 100; n++) {
        struct arena *a = arena_new();
        struct buf b;
        buf_init(&b, 0);
        many_keys(&b, 3000, false); /* needs several blocks */
        struct err e = {0};
        const struct json *tree = NULL;
        mem_fail_after(n, false);
        enum err_code rc = json_parse(a, n % 2 ? STR(busy) : buf_view(&b), 0, &tree, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(rc, hit ? ERR_NOMEM : ERR_OK);
        assert_int_equal(tree == NULL, hit);
        buf_release(&b);
        arena_free(a);
    }
    assert_false(hit);
    return NULL;
}

static void test_every_failure(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_each, NULL), 0);
    pthread_join(thread, NULL);
}

static void *parse_often(void *arg)
{
    struct arena *a = arena_new();
    for (int i = 0; i < 300; i++) {
        const struct json *tree;
        struct err e = {0};
        if (json_parse(a, STR(busy), 0, &tree, &e) != ERR_OK || tree->n != 14)
            *(bool *)arg = false;
        arena_reset(a);
    }
    arena_free(a);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    bool fine[4] = {true, true, true, true};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, parse_often, &fine[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(fine[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scalars),
        TEST(test_integers_at_the_border),
        TEST(test_raw_spans),
        TEST(test_lookup),
        TEST(test_refused_and_where),
        TEST(test_empty_and_nul),
        TEST(test_depth),
        TEST(test_duplicates),
        TEST(test_duplicates_in_large_objects),
        TEST(test_sizes),
        TEST(test_every_failure),
        TEST(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
