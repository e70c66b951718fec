/* Command lines matched to an operation's arguments, and the request made from them. */
#include "unit/base/unit.h"

#include "doors/cli/ask_request.h"
#include "doors/cli/command.h"

#include <string.h>

static const struct op_arg search_args[] = {
    {"query", ARG_TEXT, ARG_IN_BODY, ARG_REQUIRED | ARG_POSITIONAL | ARG_REST, 1, 1000, NULL, NULL, "what to find"},
    {"session_id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the session"},
    {"max_results", ARG_INT, ARG_IN_BODY, 0, 1, 100, "10", NULL, "results at most"},
    {"explain", ARG_BOOL, ARG_IN_BODY, 0, 0, 0, "false", NULL, "say why"},
    {"limit", ARG_INT, ARG_IN_QUERY, 0, 1, 100, NULL, NULL, "a page"},
    {"tags", ARG_ARRAY, ARG_IN_BODY, 0, 0, 1000, NULL, NULL, "labels"},
};
static const struct operation search = {.name = "demo.search",
                                        .method = "POST",
                                        .path = "/a/{nothing}/b /api/{session_id}/search",
                                        .args = search_args,
                                        .n_args = sizeof search_args / sizeof search_args[0]};
static const struct op_arg get_args[] = {
    {"id", ARG_TEXT, ARG_IN_PATH, ARG_REQUIRED, 1, 200, NULL, NULL, "the id"},
    {"full", ARG_BOOL, ARG_IN_QUERY, 0, 0, 0, NULL, NULL, "all of it, or not"},
};
static const struct operation get = {
    .name = "demo.get", .method = "GET", .path = "/api/things/{id}", .args = get_args, .n_args = 2};

struct case_ {
    struct cli cli;
    struct given g;
    struct err e;
};

static int setup(void **state)
{
    static struct case_ c;
    memset(&c, 0, sizeof c);
    c.cli.arena = arena_new();
    c.cli.command = "search";
    *state = &c;
    return c.cli.arena ? 0 : -1;
}

static int teardown(void **state)
{
    arena_free(((struct case_ *)*state)->cli.arena);
    return 0;
}

#define PARSE(c, op, ...)                                                                                              \
    parse((c), (op), (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]){__VA_ARGS__})

static enum err_code parse(struct case_ *c, const struct operation *op, int argc, const char **argv)
{
    c->e = (struct err){0};
    c->cli.help = c->cli.json = false;
    return arguments_parse(&c->cli, op, argc, (char **)(uintptr_t)argv, &c->g, &c->e);
}

static struct str value(const struct case_ *c, const char *name)
{
    for (size_t i = 0; i < c->g.n_pairs; i++) {
        if (str_is(c->g.pairs[i].name, name))
            return c->g.pairs[i].value;
    }
    return STR_NONE;
}

static void test_words_and_flags(void **state)
{
    struct case_ *c = *state;
    assert_int_equal(PARSE(c, &search, "the", "blue", "--session", "s1", "cache", "--max-results=5", "--json"), ERR_OK);
    assert_str(value(c, "query"), "the blue cache");
    assert_str(value(c, "session_id"), "s1");
    assert_str(value(c, "max_results"), "5");
    assert_true(c->cli.json);
    assert_int_equal(c->g.n_pairs, 3);
}

static void test_every_spelling_of_a_flag(void **state)
{
    struct case_ *c = *state;
    const char *spellings[] = {"--session=x", "--session-id=x", "--session_id=x"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(PARSE(c, &search, "q", spellings[i]), ERR_OK);
        assert_str(value(c, "session_id"), "x");
    }
    assert_string_equal(arguments_flag(c->cli.arena, &search_args[1]), "--session");
    assert_string_equal(arguments_flag(c->cli.arena, &search_args[2]), "--max-results");
}

static void test_two_dashes_end_the_flags(void **state)
{
    struct case_ *c = *state;
    assert_int_equal(PARSE(c, &search, "--session", "s", "--", "--max-results", "-x"), ERR_OK);
    assert_str(value(c, "query"), "--max-results -x");
    assert_int_equal(PARSE(c, &search, "-5", "--session", "s"), ERR_OK);
    assert_str(value(c, "query"), "-5");
}

static void test_switches_take_no_word(void **state)
{
    struct case_ *c = *state;
    assert_int_equal(PARSE(c, &search, "--explain", "why", "--session", "s"), ERR_OK);
    assert_str(value(c, "explain"), "true");
    assert_str(value(c, "query"), "why");
    assert_int_equal(PARSE(c, &search, "--explain=false", "why", "--session", "s"), ERR_OK);
    assert_str(value(c, "explain"), "false");
    assert_int_equal(PARSE(c, &search, "--explain", "true", "--session", "s"), ERR_OK);
    assert_str(value(c, "query"), "true");
    assert_int_equal(PARSE(c, &get, "--full", "false", "thing"), ERR_OK); /* no switch: it has no default */
    assert_str(value(c, "full"), "false");
}

static void refused(struct case_ *c, const char *words)
{
    assert_non_null(strstr(c->e.message, words));
    assert_int_equal(c->e.code, ERR_INVALID);
}

static void test_slips_are_named(void **state)
{
    struct case_ *c = *state;
    assert_int_equal(PARSE(c, &search, "q", "--sesion", "s"), ERR_INVALID);
    refused(c, "did you mean --session?");
    assert_int_equal(PARSE(c, &search, "q", "--session"), ERR_INVALID);
    refused(c, "--session needs a value");
    assert_int_equal(PARSE(c, &search, "q"), ERR_INVALID);
    refused(c, "needs --session");
    assert_int_equal(PARSE(c, &search, "--session", "s"), ERR_INVALID);
    refused(c, "missing its query");
    assert_int_equal(PARSE(c, &search, "q", "--session", "s", "--session", "t"), ERR_INVALID);
    refused(c, "twice");
    assert_int_equal(PARSE(c, &search, "q", "-session", "s"), ERR_INVALID);
    refused(c, "two dashes");
    assert_int_equal(PARSE(c, &get, "one", "two"), ERR_INVALID);
    refused(c, "\"two\"");
    assert_int_equal(PARSE(c, &search, "q", "--\x1b[31m", "s"), ERR_INVALID);
    refused(c, "\\x1b[31m");
}

static void test_help_asks_for_nothing(void **state)
{
    struct case_ *c = *state;
    assert_int_equal(PARSE(c, &search, "--help"), ERR_OK);
    assert_true(c->cli.help);
    assert_int_equal(PARSE(c, &search, "-h"), ERR_OK);
    assert_true(c->cli.help);
}

static void test_path_names_are_words_when_nothing_else_is(void **state)
{
    struct case_ *c = *state;
    assert_int_equal(PARSE(c, &get, "thing_1", "--full"), ERR_OK);
    assert_str(value(c, "id"), "thing_1");
}

static void test_first_word(void **state)
{
    (void)state;
    char *flags[] = {"--data", "x", "--json", "list", "session"};
    assert_int_equal(arguments_first_word(5, flags), 3);
    assert_int_equal(arguments_first_word(3, flags), -1);
    char *joined[] = {"--data=x", "list"};
    assert_int_equal(arguments_first_word(2, joined), 1);
    char *unknown[] = {"--limit", "5", "session"};
    assert_int_equal(arguments_first_word(3, unknown), -1);
}

static void test_request(void **state)
{
    struct case_ *c = *state;
    struct str target, body;
    struct op_call call = {.op = &search, .arena = c->cli.arena};
    assert_int_equal(PARSE(c, &search, "a \"quoted\"\nword", "--session", "s/1 ü", "--limit", "7", "--explain",
                           "--max-results", "5", "--tags", "[\"x\", 1]"),
                     ERR_OK);
    const struct op_input in = {.pairs = c->g.pairs, .n_pairs = c->g.n_pairs};
    assert_int_equal(op_bind(&call, &in, &c->e), ERR_OK);
    assert_int_equal(ask_target(&c->cli, &c->g, &target, &c->e), ERR_OK);
    assert_str(target, "/api/s%2F1%20%C3%BC/search?limit=7"); /* the first path names what is not given */
    assert_int_equal(ask_body(&c->cli, &c->g, &call, &body, &c->e), ERR_OK);
    assert_str(body, "{\"query\":\"a \\\"quoted\\\"\\nword\",\"max_results\":5,\"explain\":true,\"tags\":[\"x\",1]}");
}

static void test_get_has_no_body(void **state)
{
    struct case_ *c = *state;
    struct str target, body;
    struct op_call call = {.op = &get, .arena = c->cli.arena};
    assert_int_equal(PARSE(c, &get, "..", "--full=0"), ERR_OK);
    assert_int_equal(ask_target(&c->cli, &c->g, &target, &c->e), ERR_OK);
    assert_str(target, "/api/things/..?full=0");
    assert_int_equal(ask_body(&c->cli, &c->g, &call, &body, &c->e), ERR_OK);
    assert_null(body.p);
}

static void test_members_are_typed_by_the_kind(void **state)
{
    struct case_ *c = *state;
    struct str body;
    const struct str words[] = {STR("display_name=A=B"), STR("enabled=false"),      STR("temperature=0.5"),
                                STR("model=5"),          STR("max_tokens=many"),    STR("capabilities=[\"a\", 2]"),
                                STR("metadata="),        STR("system_prompt=\"x\"")};
    assert_int_equal(arguments_record(&c->cli, KIND_AGENT, words, 8, &body, &c->e), ERR_OK);
    assert_str(body, "{\"display_name\":\"A=B\",\"enabled\":false,\"temperature\":0.5,\"model\":\"5\","
                     "\"max_tokens\":\"many\",\"capabilities\":[\"a\",2],\"metadata\":null,"
                     "\"system_prompt\":\"\\\"x\\\"\"}");
    const struct str wrong[] = {STR("no-equals-sign")};
    assert_int_equal(arguments_record(&c->cli, KIND_AGENT, wrong, 1, &body, &c->e), ERR_INVALID);
    refused(c, "field=value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_words_and_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_spelling_of_a_flag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_dashes_end_the_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switches_take_no_word, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slips_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_asks_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_path_names_are_words_when_nothing_else_is, setup, teardown),
        cmocka_unit_test(test_first_word),
        cmocka_unit_test_setup_teardown(test_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get_has_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_members_are_typed_by_the_kind, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
