/* Argument checks: what is wrong is refused with the field's name, what is right comes out typed. */
#include "base/near.h"
#include "service_fixture.h"

#include "base/clock.h"

static const struct op_arg args[] = {
    {"id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 10, NULL, NULL, "an id"},
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 100, "50", NULL, "how many"},
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED, 2, 20, NULL, NULL, "what to find"},
    {"score", ARG_REAL, ARG_IN_BODY, 0, 0, 1, NULL, NULL, "least score"},
    {"level", ARG_ENUM, ARG_IN_BODY, 0, 0, 0, "\"low\"", "low|high", "how much"},
    {"deep", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "all of it"},
    {"when", ARG_TIME, ARG_IN_BODY, 0, 0, 0, NULL, NULL, "since when"},
    {"extra", ARG_OBJECT, ARG_IN_BODY, 0, 0, 100, NULL, NULL, "anything else"},
};
static const struct operation op = {.name = "test", .method = "POST", .path = "/x/{id}", .args = args, .n_args = 8};

static enum err_code bind(struct arena *a, struct op_call *c, const char *id, const char *limit, const char *body,
                          struct err *e)
{
    struct op_pair pairs[2];
    struct op_input in = {.pairs = pairs, .body = str_of(body)};
    if (id)
        pairs[in.n_pairs++] = (struct op_pair){STR("id"), str_of(id), ARG_IN_PATH};
    if (limit)
        pairs[in.n_pairs++] = (struct op_pair){STR("limit"), str_of(limit), ARG_IN_QUERY};
    *c = (struct op_call){.op = &op, .arena = a};
    *e = (struct err){0};
    return op_bind(c, &in, e);
}

static void values_come_out_typed(void **state)
{
    struct arena *a = arena_new();
    struct op_call c;
    struct err e;
    (void)state;
    assert_int_equal(bind(a, &c, "x1", "7",
                          "{\"query\":\"tea\",\"score\":0.25,\"level\":\"high\",\"deep\":true,"
                          "\"when\":\"1970-01-01T00:00:01Z\",\"extra\":{\"a\":[1]}}",
                          &e),
                     ERR_OK);
    assert_true(str_is(op_text(&c, "id"), "x1"));
    assert_int_equal(op_int(&c, "limit", 0), 7);
    assert_true(str_is(op_text(&c, "query"), "tea"));
    assert_true(op_real(&c, "score", 9) == 0.25);
    assert_true(str_is(op_text(&c, "level"), "high"));
    assert_true(op_bool(&c, "deep", false));
    assert_int_equal(op_time(&c, "when"), 1000);
    assert_true(str_is(op_json(&c, "extra")->raw, "{\"a\":[1]}"));
    arena_free(a);
}

static void defaults_fill_what_is_missing(void **state)
{
    struct arena *a = arena_new();
    struct op_call c;
    struct err e;
    (void)state;
    assert_int_equal(bind(a, &c, "x1", NULL, "{\"query\":\"tea\",\"score\":null}", &e), ERR_OK);
    assert_int_equal(op_int(&c, "limit", 0), 50);
    assert_true(str_is(op_text(&c, "level"), "low"));
    assert_null(op_json(&c, "score"));
    assert_true(str_is(c.project, "default"));
    arena_free(a);
}

static void wrong_input_names_the_field(void **state)
{
    static const struct {
        const char *id, *limit, *body, *field, *says;
    } cases[] = {
        {NULL, NULL, "{\"query\":\"tea\"}", "id", "missing"},
        {"x", NULL, "{}", "query", "missing"},
        {"x", NULL, NULL, "query", "missing"},
        {"x", NULL, "{\"query\":\"t\"}", "query", "at least 2"},
        {"x", NULL, "{\"query\":\"012345678901234567890\"}", "query", "at most 20"},
        {"x", NULL, "{\"query\":7}", "query", "string"},
        {"x", "0", "{\"query\":\"tea\"}", "limit", "from 1 to 100"},
        {"x", "ten", "{\"query\":\"tea\"}", "limit", "whole number"},
        {"x", "99999999999999999999", "{\"query\":\"tea\"}", "limit", "whole number"},
        {"x", NULL, "{\"query\":\"tea\",\"score\":1.5}", "score", "from 0 to 1"},
        {"x", NULL, "{\"query\":\"tea\",\"level\":\"mid\"}", "level", "low|high"},
        {"x", NULL, "{\"query\":\"tea\",\"deep\":\"yes\"}", "deep", "true or false"},
        {"x", NULL, "{\"query\":\"tea\",\"when\":\"yesterday\"}", "when", "2026"},
        {"x", NULL, "{\"query\":\"tea\",\"extra\":[]}", "extra", "an object"},
        {"x", NULL, "{\"query\":\"tea\",\"qery\":1}", "qery", "did you mean \"query\""},
        {"x", NULL, "[1]", "body", "object"},
        {"x", NULL, "{\"query\":", "body", ""},
        {"01234567890", NULL, "{\"query\":\"tea\"}", "id", "at most 10"},
    };
    struct arena *a = arena_new();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op_call c;
        struct err e;
        assert_int_equal(bind(a, &c, cases[i].id, cases[i].limit, cases[i].body, &e), ERR_INVALID);
        assert_string_equal(e.field, cases[i].field);
        assert_non_null(strstr(e.message, cases[i].says));
    }
    arena_free(a);
}

static void nearest_names_are_near(void **state)
{
    static const char *const names[] = {"session_id", "query", "max_results"};
    (void)state;
    assert_string_equal(near_name(STR("sesion_id"), names, 3), "session_id");
    assert_string_equal(near_name(STR("QUERY"), names, 3), "query");
    assert_null(near_name(STR("colour"), names, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_out_typed),
        cmocka_unit_test(defaults_fill_what_is_missing),
        cmocka_unit_test(wrong_input_names_the_field),
        cmocka_unit_test(nearest_names_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
