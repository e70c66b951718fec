/* Masking JSON: escapes hide nothing, names tell what values are, and what comes out is JSON again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json_write.h"
#include "texts.h"

static struct privacy *p;

static int open_all(void **state)
{
    const struct privacy_options o = {0};
    (void)state;
    return privacy_open(&o, &p, NULL) ? -1 : 0;
}

static int close_all(void **state)
{
    (void)state;
    privacy_free(p);
    return 0;
}

static struct str masked(struct arena *a, const char *json)
{
    struct err e = {0};
    struct str out;
    enum err_code code = privacy_mask_json(p, PRIVACY_PUBLIC, str_of(json), a, &out, &e);
    if (code)
        fail_msg("%s: %s", json, e.message);
    return out;
}

static void check(const char *json, const char *wanted)
{
    struct arena *a = arena_new();
    struct str out = masked(a, json);
    if (!str_is(out, wanted))
        fail_msg("%s\ngives  %.*s\nwanted %s", json, STR_ARG(out), wanted);
    arena_free(a);
}

static void test_values(void **state)
{
    (void)state;
    check("{\"a\": \"bob@example.com\", \"n\": 1.50, \"t\": [true, null]}",
          "{\"a\":\"b***@example.com\",\"n\":1.50,\"t\":[true,null]}");
    check("[\"bob@example.com\", {\"x\": {\"y\": \"mail bob@example.com!\"}}]",
          "[\"b***@example.com\",{\"x\":{\"y\":\"mail b***@example.com!\"}}]");
    check("\"123-45-6789\"", "\"***-**-****\"");
}

/* Nothing found: the same text, the same pointer. */
static void test_untouched(void **state)
{
    const char *json = "{ \"a\" : [1, 2.5, \"x\\u0041\\n\"] }";
    struct arena *a = arena_new();
    (void)state;
    assert_ptr_equal(masked(a, json).p, json);
    arena_free(a);
}

static void test_escapes(void **state)
{
    (void)state;
    check("{\"a\":\"bob\\u0040example.com\"}", "{\"a\":\"b***@example.com\"}");
    check("{\"a\":\"x\\nbob@example.com\\t\\\"q\\\"\"}", "{\"a\":\"x\\nb***@example.com\\t\\\"q\\\"\"}");
    check("{\"a\":\"123\\u002d45-6789\"}", "{\"a\":\"***-**-****\"}");
}

/* Tool calls carry their arguments as JSON in a string. */
static void test_json_in_json(void **state)
{
    (void)state;
    check("{\"arguments\":\"{\\\"to\\\": \\\"bob\\\\u0040example.com\\\"}\"}",
          "{\"arguments\":\"{\\\"to\\\":\\\"b***@example.com\\\"}\"}");
}

static void test_names(void **state)
{
    (void)state;
    check("{\"bob@example.com\":1}", "{\"b***@example.com\":1}");
    check("{\"bob@example.com\":1,\"bill@example.com\":2}", "{\"b***@example.com\":1,\"b***@example.com_2\":2}");
    check("{\"b***@example.com\":0,\"bob@example.com\":1}", "{\"b***@example.com\":0,\"b***@example.com_2\":1}");
}

static void test_faults(void **state)
{
    static const char *const bad[] = {"", "{", "{\"a\":}", "bob@example.com", "\"\xff\"", "[1,]"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena *a = arena_new();
        struct err e = {0};
        struct str out;
        assert_int_equal(privacy_mask_json(p, PRIVACY_PUBLIC, str_of(bad[i]), a, &out, &e), ERR_INVALID);
        assert_ptr_equal(out.p, bad[i]);
        arena_free(a);
    }
}

/* Any JSON stays JSON with the same shape, and masking it again changes nothing. */
static void put_made(struct json_out *w, struct arena *a, uint64_t *random, int depth)
{
    const uint64_t kind = next_number(random) % (depth > 3 ? 4 : 6);
    const size_t n = next_number(random) % 4;
    if (kind >= 4) {
        kind == 4 ? jw_array(w) : jw_object(w);
        for (size_t i = 0; i < n; i++) {
            if (kind == 5)
                jw_key_str(w, arena_fmt(a, "%zu%.*s", i, STR_ARG(made_text(a, next_number(random), 1))));
            put_made(w, a, random, depth + 1);
        }
        kind == 4 ? jw_end_array(w) : jw_end_object(w);
    } else if (kind == 3) {
        jw_int(w, (int64_t)(next_number(random) >> (1 + next_number(random) % 50)));
    } else if (kind == 2) {
        jw_num(w, (double)next_number(random) / 1e6);
    } else if (kind == 0 && depth < 3) { /* a string that is JSON */
        struct json_out inner;
        struct buf b;
        buf_init(&b, 0);
        jw_init(&inner, &b);
        put_made(&inner, a, random, depth + 1);
        jw_str(w, buf_take(&b, a));
    } else {
        jw_str(w, made_text(a, next_number(random), 1 + next_number(random) % 6));
    }
}

static bool same_shape(const struct json *x, const struct json *y)
{
    const bool number = (x->type == JSON_INT || x->type == JSON_DOUBLE) && y->type == JSON_STRING;
    if ((x->type != y->type && !number) || x->n != y->n)
        return false;
    for (size_t i = 0; x->type != JSON_STRING && i < x->n; i++) {
        if (!same_shape(&x->items[i], &y->items[i]))
            return false;
    }
    return true;
}

static void test_any_json(void **state)
{
    (void)state;
    for (uint64_t number = 1; number < 800; number++) {
        struct arena *a = arena_new();
        struct json_out w;
        struct buf b;
        uint64_t random = number;
        const struct json *before, *after;
        struct str out, again;
        buf_init(&b, 0);
        jw_init(&w, &b);
        put_made(&w, a, &random, 0);
        struct str text = buf_take(&b, a);
        assert_int_equal(json_parse(a, text, 0, &before, NULL), ERR_OK);
        assert_int_equal(privacy_mask_json(p, PRIVACY_PUBLIC, text, a, &out, NULL), ERR_OK);
        if (json_parse(a, out, 0, &after, NULL) || !same_shape(before, after))
            fail_msg("%.*s\nbecame\n%.*s", STR_ARG(text), STR_ARG(out));
        assert_int_equal(privacy_mask_json(p, PRIVACY_PUBLIC, out, a, &again, NULL), ERR_OK);
        if (again.p != out.p)
            fail_msg("%.*s\nmasked is\n%.*s\nand again\n%.*s", STR_ARG(text), STR_ARG(out), STR_ARG(again));
        arena_free(a);
    }
}

/* Whatever looks first, masked is the same: at every level, with detectors that ask for a line's ends and without. */
static void same_by_both(const struct privacy *quick, const struct privacy *slow)
{
    for (uint64_t number = 1; number < 1500; number++) {
        struct arena *a = arena_new();
        struct json_out w;
        struct buf b;
        uint64_t random = number * 77;
        struct str x, y;
        buf_init(&b, 0);
        jw_init(&w, &b);
        put_made(&w, a, &random, 0);
        const struct str text = buf_take(&b, a);
        const enum privacy_level level = (enum privacy_level)(number % PRIVACY_LEVELS);
        assert_int_equal(privacy_mask_json(quick, level, text, a, &x, NULL), ERR_OK);
        assert_int_equal(privacy_mask_json(slow, level, text, a, &y, NULL), ERR_OK);
        if (!str_eq(x, y))
            fail_msg("%.*s\nis %.*s\nand pattern by pattern\n%.*s", STR_ARG(text), STR_ARG(x), STR_ARG(y));
        arena_free(a);
    }
}

static void test_same_by_both(void **state)
{
    static const struct privacy_custom custom[] = {
        {.name = "begins", .pattern = "^hel", .level = PRIVACY_PUBLIC},
        {.name = "ends", .pattern = "(?:the|[0-9]{3})$", .level = PRIVACY_TEAM},
        {.name = "all", .pattern = "^[0-9]{2,4}$", .level = PRIVACY_PRIVATE},
    };
    struct privacy_options o = {0};
    struct privacy *quick, *slow;
    (void)state;
    for (int with = 0; with < 2; with++) {
        o.custom = custom;
        o.n_custom = with ? sizeof custom / sizeof *custom : 0;
        o.one_by_one = false;
        assert_int_equal(privacy_open(&o, &quick, NULL), ERR_OK);
        o.one_by_one = true;
        assert_int_equal(privacy_open(&o, &slow, NULL), ERR_OK);
        if (later_wait(quick->later))
            same_by_both(quick, slow);
        privacy_free(quick);
        privacy_free(slow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),       cmocka_unit_test(test_untouched),    cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_json_in_json), cmocka_unit_test(test_names),        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_any_json),     cmocka_unit_test(test_same_by_both),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
