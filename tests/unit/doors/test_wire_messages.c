/* Anthropic's messages: blocks, tool results inside user messages, named events. */
#include "wire_fixture.h"

static void test_messages(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct wire_request r;
    const char *got =
        read_messages(a, &wire_messages,
                      "{\"model\":\"m\",\"system\":\"be kind\",\"metadata\":{\"user_id\":\"u\"},\"messages\":["
                      "{\"role\":\"user\",\"content\":\"weather?\"},"
                      "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":"
                      "\"text\",\"text\":\"I look.\"},"
                      "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"w\",\"input\":{\"city\": \"Oslo\"}}]},"
                      "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":[{"
                      "\"type\":\"text\","
                      "\"text\":\"rain\"}]},{\"type\":\"text\",\"text\":\"and now?\"}]}]}",
                      &r);
    assert_string_equal(got, "user: weather?\n"
                             "assistant: I look. {\"tool_calls\":[{\"id\":\"t1\",\"type\":\"function\",\"function\":"
                             "{\"name\":\"w\",\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]}\n"
                             "tool: rain {\"tool_call_id\":\"t1\"}\n"
                             "user: and now?\n");
    /* The text beside a tool result is no place: nothing may come between a tool's use and its result. */
    assert_text(r.place->raw, "{\"role\":\"user\",\"content\":\"weather?\"}");
    arena_free(a);
}

static void test_placing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(
        put_block(a, &wire_messages,
                  "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                  "\"text\":\"hi\",\"cache_control\":{\"type\":\"ephemeral\"}}]}],\"session_id\":\"s\"}",
                  "B"),
        "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"B\"},{\"role\":\"user\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"hi\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}");
    arena_free(a);
}

static void test_whole_answer(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x =
        read_answer(&wire_messages, false,
                    "{\"id\":\"msg\",\"type\":\"message\",\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":"
                    "\"one\"},{\"type\":\"text\",\"text\":\"two\"}],\"stop_reason\":\"end_turn\","
                    "\"usage\":{\"input_tokens\":1}}");
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), "one\ntwo");
    answer_free(x);
    x = read_answer(&wire_messages, false, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}");
    assert_false(answer_whole(x));
    assert_true(answer_empty(x));
    answer_free(x);
    arena_free(a);
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"

static const char stream[] = EVENT(
    "message_start", ",\"message\":{\"id\":\"msg\",\"model\":\"m\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}")
    EVENT("content_block_start",
          ",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"w\",\"input\":{}}")
        EVENT("ping", "")
            EVENT("content_block_delta",
                  ",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\": \"}")
                EVENT("content_block_delta",
                      ",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"Oslo\\\"}\"}")
                    EVENT("content_block_stop", ",\"index\":0") EVENT(
                        "message_delta", ",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":12}");

static void test_streamed_call_matches_the_resent_one(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct wire_request r;
    struct answer *x = read_answer(&wire_messages, true, stream);
    assert_true(answer_whole(x));
    assert_false(answer_over(x));
    read_messages(
        a, &wire_messages,
        "{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"w\","
        "\"input\":{\"city\":\"Oslo\"}}]}]}",
        &r);
    assert_true(str_eq(answer_turn(x, a), r.messages[0].text));
    assert_true(str_find(answer_metadata(x, a, 0), STR("\"usage\":{\"input_tokens\":9,\"output_tokens\":12}")) > 0);
    answer_free(x);
    arena_free(a);
}

static void test_streamed_text(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = read_answer(
        &wire_messages, true,
        EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
            EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"on\"}")
                EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"e\"}") EVENT(
                    "content_block_delta", ",\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
                    EVENT("content_block_delta", ",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"two\"}")
                        EVENT("message_stop", ""));
    assert_true(answer_over(x));
    assert_text(answer_turn(x, a), "one\ntwo");
    answer_free(x);
    x = read_answer(&wire_messages, true,
                    EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"on\"}")
                        EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}"));
    assert_false(answer_whole(x));
    assert_text(answer_turn(x, a), "on");
    answer_free(x);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),      cmocka_unit_test(test_placing),
        cmocka_unit_test(test_whole_answer),  cmocka_unit_test(test_streamed_call_matches_the_resent_one),
        cmocka_unit_test(test_streamed_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
