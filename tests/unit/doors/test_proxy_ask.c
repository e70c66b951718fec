/* session_id, conversation_id, agent and memory_options: read, and refused with the field's name. */
#include "unit/base/unit.h"

#include "doors/proxy/ask.h"

#include <string.h>

static enum err_code read_ask(struct arena *a, const char *body, const char *header, struct ask *out, struct err *e)
{
    const struct json *v;
    assert_int_equal(json_parse(a, str_of(body), JSON_DUPLICATES_OK, &v, NULL), ERR_OK);
    return ask_read(v, str_of(header), out, e);
}

static void test_not_named(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct ask k;
    assert_int_equal(read_ask(a, "{\"agent\":5,\"memory_options\":false}", NULL, &k, NULL), ERR_OK);
    assert_false(k.named);
    assert_int_equal(read_ask(a, "{\"session_id\":null}", "  ", &k, NULL), ERR_OK);
    assert_false(k.named);
    arena_free(a);
}

static void test_named(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct ask k;
    assert_int_equal(
        read_ask(a, "{\"session_id\":\"s\",\"agent\":\"codey\",\"conversation_id\":\"conv_1\"}", "h", &k, NULL),
        ERR_OK);
    assert_true(k.named);
    assert_str(k.session, "s");
    assert_str(k.agent, "codey");
    assert_str(k.conversation, "conv_1");
    assert_true(k.options.use_context);
    assert_int_equal(k.options.context_depth, 5);
    assert_int_equal(k.options.max_context_turns, 10);
    assert_int_equal(read_ask(a, "{}", " h ", &k, NULL), ERR_OK);
    assert_true(k.named);
    assert_str(k.session, "h");
    assert_null(k.agent.p);
    arena_free(a);
}

static void test_options(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct ask k;
    assert_int_equal(read_ask(a,
                              "{\"session_id\":\"s\",\"memory_options\":{\"use_context\":false,\"context_depth\":0,"
                              "\"max_context_turns\":100,\"include_agent_state\":false,\"auto_store_response\":false}}",
                              NULL, &k, NULL),
                     ERR_OK);
    assert_false(k.options.use_context);
    assert_false(k.options.include_agent_state);
    assert_false(k.options.auto_store_response);
    assert_int_equal(k.options.context_depth, 0);
    assert_int_equal(k.options.max_context_turns, 100);
    arena_free(a);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body, *field;
    } cases[] = {
        {"{\"session_id\":5}", "session_id"},
        {"{\"session_id\":\" \"}", "session_id"},
        {"{\"session_id\":{}}", "session_id"},
        {"{\"session_id\":\"s\",\"conversation_id\":[]}", "conversation_id"},
        {"{\"session_id\":\"s\",\"agent\":\"\"}", "agent"},
        {"{\"session_id\":\"s\",\"memory_options\":[]}", "memory_options"},
        {"{\"session_id\":\"s\",\"memory_options\":{\"use_contxt\":true}}", "memory_options"},
        {"{\"session_id\":\"s\",\"memory_options\":{\"use_context\":1}}", "memory_options.use_context"},
        {"{\"session_id\":\"s\",\"memory_options\":{\"context_depth\":-1}}", "memory_options.context_depth"},
        {"{\"session_id\":\"s\",\"memory_options\":{\"context_depth\":51}}", "memory_options.context_depth"},
        {"{\"session_id\":\"s\",\"memory_options\":{\"max_context_turns\":1.5}}", "memory_options.max_context_turns"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *a = arena_new();
        struct ask k;
        struct err e = {0};
        assert_int_equal(read_ask(a, cases[i].body, NULL, &k, &e), ERR_INVALID);
        assert_string_equal(e.field, cases[i].field);
        assert_non_null(strstr(e.message, cases[i].field));
        arena_free(a);
    }
}

/* Never a false "no". */
static void test_might_name(void **state)
{
    (void)state;
    assert_false(ask_might_name(STR("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\n\"}]}")));
    assert_false(ask_might_name(STR_NONE));
    assert_true(ask_might_name(STR("{\"session_id\":\"s\"}")));
    assert_true(ask_might_name(STR("{\"\\u0073ession_id\":\"s\"}")));
    assert_true(ask_might_name(STR("{\"session\\u005fid\":\"s\"}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_named), cmocka_unit_test(test_named),      cmocka_unit_test(test_options),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_might_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
