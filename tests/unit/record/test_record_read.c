/* A caller's JSON is checked against the table, and a refusal names the field and what would be right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/record.h"

#include <string.h>

static int setup(void **state)
{
    *state = arena_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static enum err_code read_text(struct arena *a, const char *kind, enum record_mode mode, const char *text,
                               struct record **out, struct err *e)
{
    const struct json *o;
    memset(e, 0, sizeof *e);
    *out = record_new(a, kind_find(str_of(kind)));
    assert_int_equal(json_parse(a, str_of(text), 0, &o, e), ERR_OK);
    return record_from_json(a, o, mode, *out, e);
}

struct refusal {
    const char *kind, *json, *field, *says; /* says: a part of the message */
};

static const struct refusal on_create[] = {
    {"pattern", "{}", "pattern_type", "is required"},
    {"pattern", "{\"pattern_type\":\"workflow\"}", "name", "is required"},
    {"pattern", "{\"pattern_type\":\"work\",\"name\":\"x\"}", "pattern_type", "workflow, decision"},
    {"pattern", "{\"pattern_type\":\"worklow\",\"name\":\"x\"}", "pattern_type", "did you mean workflow"},
    {"pattern", "{\"pattern_type\":\"code\",\"name\":\"\"}", "name", "must not be empty"},
    {"session", "{\"titel\":\"x\"}", "titel", "did you mean \"title\""},
    {"session", "{\"qqqqqqqq\":1}", "qqqqqqqq", "has no field"},
    {"session", "{\"alias\":\"mine\"}", "alias", "has no field"},
    {"session", "{\"title\":5}", "title", "must be a string"},
    {"session", "{\"last_active\":\"2026-01-01\"}", "last_active", "cannot be set"},
    {"session", "{\"tags\":{}}", "tags", "must be an array"},
    {"session", "{\"user_preferences\":[]}", "user_preferences", "must be an object"},
    {"session", "{\"id\":\"sess_1\"}", "id", "32 hex digits"},
    {"session", "{\"project\":\"\"}", "project", "1 to 200"},
    {"session", "{\"project\":7}", "project", "must be a string"},
    {"session", "{\"created_at\":\"yesterday\"}", "created_at", "must be a time"},
    {"agent", "{\"display_name\":\"X\"}", "name", "is required"},
    {"agent", "{\"name\":\"x\",\"temperature\":2.5}", "temperature", "between 0 and 2"},
    {"agent", "{\"name\":\"x\",\"max_tokens\":1.5}", "max_tokens", "whole number"},
    {"agent", "{\"name\":\"x\",\"max_tokens\":0}", "max_tokens", "between 1"},
    {"agent", "{\"name\":\"x\",\"enabled\":1}", "enabled", "true or false"},
    {"agent", "{\"name\":\"x\",\"id\":\"y\"}", "id", "the same"},
    {"preference", "{\"key\":\"k\"}", "value", "is required"},
    {"tag", "{\"name\":null,\"record_kind\":\"turn\",\"record_id\":\"t\"}", "name", "must not be null"},
};

static void refusals_name_the_field(void **state)
{
    for (size_t i = 0; i < sizeof on_create / sizeof *on_create; i++) {
        const struct refusal *c = &on_create[i];
        struct record *r;
        struct err e;
        if (read_text(*state, c->kind, RECORD_CREATE, c->json, &r, &e) != ERR_INVALID || strcmp(e.field, c->field) ||
            !strstr(e.message, c->says))
            fail_msg("%s %s: field \"%s\", \"%s\"", c->kind, c->json, e.field, e.message);
    }
}

static void nothing_but_an_object_is_a_record(void **state)
{
    struct record *r;
    struct err e;
    assert_int_equal(read_text(*state, "session", RECORD_CREATE, "[]", &r, &e), ERR_INVALID);
    assert_int_equal(record_from_json(*state, NULL, RECORD_CREATE, r, &e), ERR_INVALID);
}

static void lengths_are_bounded(void **state)
{
    struct record *r;
    struct err e;
    static char text[700];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "{\"title\":\"", 10);
    text[10 + 500] = '"';
    text[10 + 501] = '}';
    text[10 + 502] = '\0';
    assert_int_equal(read_text(*state, "session", RECORD_CREATE, text, &r, &e), ERR_OK);
    text[10 + 500] = 'x';
    text[10 + 501] = '"';
    text[10 + 502] = '}';
    text[10 + 503] = '\0';
    assert_int_equal(read_text(*state, "session", RECORD_CREATE, text, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "at most 500 bytes long, it has 501"));
}

static void defaults_fill_a_creation_only(void **state)
{
    struct record *r;
    struct err e;
    assert_int_equal(read_text(*state, "session", RECORD_CREATE, "{\"title\":\"T\"}", &r, &e), ERR_OK);
    assert_true(str_is(record_text(r, "privacy_level"), "TEAM"));
    assert_true(str_is(record_text(r, "status"), "active"));
    assert_non_null(strstr(record_text(r, "user_preferences").p, "\"memory_retention_days\":30"));
    assert_int_equal(record_value(r, "user_id")->type, VALUE_UNSET);
    assert_int_equal(read_text(*state, "session", RECORD_PATCH, "{\"title\":\"T\"}", &r, &e), ERR_OK);
    assert_int_equal(record_value(r, "privacy_level")->type, VALUE_UNSET);
}

static void null_means_none_or_the_default(void **state)
{
    struct record *r;
    struct err e;
    assert_int_equal(read_text(*state, "session", RECORD_PATCH, "{\"title\":null,\"status\":null}", &r, &e), ERR_OK);
    assert_int_equal(record_value(r, "title")->type, VALUE_NULL);
    assert_true(str_is(record_text(r, "status"), "active"));
    assert_int_equal(read_text(*state, "preference", RECORD_CREATE, "{\"key\":\"k\",\"value\":null}", &r, &e), ERR_OK);
    assert_true(str_is(record_text(r, "value"), "null"));
}

static void an_output_can_be_sent_back(void **state)
{
    struct record *r, *again;
    struct err e;
    struct buf b;
    struct json_out w;
    assert_int_equal(read_text(*state, "prop", RECORD_CREATE,
                               "{\"name\":\"lamp\",\"tags\":[ \"a\" , 1.5 ],\"usage_count\":3,\"is_favorite\":true,"
                               "\"last_used\":\"2026-02-03T04:05:06.789Z\",\"properties\":{\"x\":[null,true]}}",
                               &r, &e),
                     ERR_OK);
    r->id = STR("prop_0123456789abcdef0123456789abcdef");
    r->project = STR("p");
    r->created_at = r->updated_at = 1700000000123;
    r->version = 4;
    buf_init(&b, 0);
    jw_init(&w, &b);
    record_write(&w, r);
    buf_char(&b, '\0');
    assert_false(b.failed);
    assert_non_null(strstr(b.p, "\"tags\":[\"a\",1.5]"));
    assert_non_null(strstr(b.p, "\"last_used\":\"2026-02-03T04:05:06.789Z\""));
    assert_non_null(strstr(b.p, "\"is_favorite\":true"));
    assert_non_null(strstr(b.p, "\"description\":null"));
    assert_non_null(strstr(b.p, "\"prop_id\":\"prop_0123456789abcdef0123456789abcdef\""));
    assert_int_equal(read_text(*state, "prop", RECORD_CREATE, b.p, &again, &e), ERR_OK);
    assert_true(str_eq(again->id, r->id));
    assert_true(str_eq(again->project, r->project));
    assert_int_equal(again->created_at, r->created_at);
    for (size_t i = 0; i < r->kind->n_fields; i++)
        if (r->v[i].type != VALUE_UNSET && r->v[i].type != VALUE_NULL) {
            assert_int_equal(again->v[i].type, r->v[i].type);
            assert_int_equal(again->v[i].i, r->v[i].i);
            assert_true(str_eq(again->v[i].s, r->v[i].s));
        }
    buf_release(&b);
}

static void hidden_fields_are_not_written(void **state)
{
    struct record *r = record_new(*state, KIND_SESSION);
    struct buf b;
    struct json_out w;
    record_set(r, "alias", V_TEXT(STR("secret-name")));
    buf_init(&b, 0);
    jw_init(&w, &b);
    record_write(&w, r);
    buf_char(&b, '\0');
    assert_null(strstr(b.p, "alias"));
    assert_null(strstr(b.p, "secret-name"));
    buf_release(&b);
}

static void searched_text_joins_the_prose(void **state)
{
    struct record *r = record_new(*state, KIND_SESSION);
    record_set(r, "title", V_TEXT(STR("one")));
    record_set(r, "user_id", V_TEXT(STR("nobody")));
    record_set(r, "summary", V_TEXT(STR("two")));
    assert_true(str_is(record_searched_text(*state, r), "one\ntwo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refusals_name_the_field, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_but_an_object_is_a_record, setup, teardown),
        cmocka_unit_test_setup_teardown(lengths_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(defaults_fill_a_creation_only, setup, teardown),
        cmocka_unit_test_setup_teardown(null_means_none_or_the_default, setup, teardown),
        cmocka_unit_test_setup_teardown(an_output_can_be_sent_back, setup, teardown),
        cmocka_unit_test_setup_teardown(hidden_fields_are_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(searched_text_joins_the_prose, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
