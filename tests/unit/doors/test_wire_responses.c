/* OpenAI's responses: input as text or items, answers as items and named events. */
#include "wire_fixture.h"

static void test_messages(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct wire_request r;
    const char *got = read_messages(
        a, &wire_responses,
        "{\"model\":\"m\",\"instructions\":\"be kind\",\"previous_response_id\":\"resp_0\",\"input\":["
        "{\"role\":\"developer\",\"content\":\"be brief\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"weather?\"},{\"type\":\"input_image\"}]},"
        "{\"type\":\"reasoning\",\"summary\":[]},"
        "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"I look.\"}]},"
        "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"w\",\"arguments\":\"{}\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"rain\"}]}",
        &r);
    assert_string_equal(got, "user: weather? {\"parts\":[\"[image]\"]}\n"
                             "assistant: I look. {\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":"
                             "{\"name\":\"w\",\"arguments\":\"{}\"}}]}\n"
                             "tool: rain {\"tool_call_id\":\"c1\"}\n");
    assert_text(r.previous, "resp_0");
    assert_true(str_starts(r.place->raw, "{\"role\":\"user\""));
    assert_string_equal(read_messages(a, &wire_responses, "{\"input\":\"hi\"}", NULL), "user: hi\n");
    assert_string_equal(read_messages(a, &wire_responses, "{\"input\":5}", NULL), "");
    assert_string_equal(
        read_messages(a, &wire_responses, "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}]}",
                      NULL),
        "assistant: [{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}] "
        "{\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}\n");
    arena_free(a);
}

static void test_placing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(
        put_block(a, &wire_responses, "{\"session_id\":\"s\",\"input\":\"a\\u0062\",\"store\":false}", "B"),
        "{\"input\":[{\"role\":\"user\",\"content\":\"B\"},{\"role\":\"user\",\"content\":\"a\\u0062\"}],"
        "\"store\":false}");
    assert_string_equal(
        put_block(a, &wire_responses,
                  "{\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"function_call\",\"call_id\":\"c\"}]}",
                  "B"),
        "{\"input\":[{\"role\":\"user\",\"content\":\"B\"},{\"role\":\"user\",\"content\":\"a\"},"
        "{\"type\":\"function_call\",\"call_id\":\"c\"}]}");
    arena_free(a);
}

#define WHOLE(status)                                                                                                  \
    "{\"id\":\"resp_1\",\"model\":\"m\",\"status\":\"" status                                                          \
    "\",\"error\":null,\"output\":[{\"type\":\"reasoning\"},{\"type\":"                                                \
    "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"one\"},{\"type\":\"output_text\",\"text\":\"two\"}" \
    "]},"                                                                                                              \
    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"}],\"usage\":{\"total_"         \
    "tokens\":3}}"

static void test_whole_answer(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = read_answer(&wire_responses, false, WHOLE("completed"));
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), "one\ntwo");
    assert_text(answer_id(x), "resp_1");
    assert_true(str_find(answer_metadata(x, a, 0), STR("\"tool_calls\":[{\"id\":\"c1\"")) > 0);
    answer_free(x);
    x = read_answer(&wire_responses, false, WHOLE("failed"));
    assert_false(answer_whole(x));
    answer_free(x);
    arena_free(a);
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define DELTA(part, text)                                                                                              \
    EVENT("response.output_text.delta", ",\"output_index\":1,\"content_index\":" part ",\"delta\":\"" text "\"")

static void test_streamed_answer(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = read_answer(
        &wire_responses, true,
        EVENT("response.created", ",\"response\":{\"id\":\"resp_1\",\"model\":\"m\",\"status\":\"in_progress\"}")
            DELTA("0", "on") DELTA("0", "e") DELTA("1", "two") EVENT("response.output_text.done", ",\"text\":\"two\"")
                EVENT("response.output_item.done",
                      ",\"output_index\":1,\"item\":{\"type\":\"message\",\"content\":[{\"text\":\"one\"}]}")
                    EVENT("response.function_call_arguments.delta", ",\"output_index\":2,\"delta\":\"{}\"")
                        EVENT("response.output_item.done",
                              ",\"output_index\":2,\"item\":{\"type\":\"function_call\",\"call_id\":\"c1\","
                              "\"name\":\"f\",\"arguments\":\"{}\"}") "event: response.completed\ndata: "
                                                                      "{\"type\":\"response.completed\","
                                                                      "\"response\":" WHOLE("completed") "}\n\n");
    assert_true(answer_over(x));
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), "one\ntwo");
    struct answer *y = read_answer(&wire_responses, false, WHOLE("completed"));
    assert_true(str_eq(answer_metadata(x, a, 0), answer_metadata(y, a, 0)));
    answer_free(x);
    answer_free(y);
    arena_free(a);
}

static void test_broken_streams(void **state)
{
    (void)state;
    static const char *const streams[] = {
        DELTA("0", "on"),
        DELTA("0", "on") EVENT("error", ",\"message\":\"x\""),
        DELTA("0", "on") EVENT("response.failed", ",\"response\":{\"status\":\"failed\"}"),
    };
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct answer *x = read_answer(&wire_responses, true, streams[i]);
        assert_false(answer_whole(x));
        assert_str(answer_text(x), "on");
        answer_free(x);
    }
    struct answer *x =
        read_answer(&wire_responses, true,
                    DELTA("0", "on") EVENT("response.incomplete", ",\"response\":{\"status\":\"incomplete\"}"));
    assert_true(answer_whole(x)); /* cut by a limit the caller set: that is an answer */
    answer_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),       cmocka_unit_test(test_placing),
        cmocka_unit_test(test_whole_answer),   cmocka_unit_test(test_streamed_answer),
        cmocka_unit_test(test_broken_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
