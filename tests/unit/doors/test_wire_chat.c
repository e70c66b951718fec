/* Chat completions: messages in, place of the block, answers whole and streamed. */
#include "wire_fixture.h"

static void test_messages(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct wire_request r;
    const char *body =
        "{\"model\":\"m\",\"metadata\":{\"k\":\"v\"},\"messages\":["
        "{\"role\":\"system\",\"content\":\"be kind\"},{\"role\":\"developer\",\"content\":\"be brief\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:\"}},{\"type\":\"text\",\"text\":\"here\"}]},"
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"type\":\"function\",\"id\":\"c1\","
        "\"function\":{\"arguments\":\"{}\",\"name\":\"f\"}}]},"
        "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"42\"},"
        "{\"role\":\"assistant\",\"content\":\"it is 42\"},{\"role\":\"user\",\"name\":\"Ann\",\"content\":\"why?\"},"
        "5,{\"role\":7},{\"role\":\"user\",\"content\":[]}]}";
    const char *got = read_messages(a, &wire_chat, body, &r);
    assert_string_equal(
        got,
        "user: look\nhere {\"parts\":[\"[image]\"]}\n"
        "assistant: [{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}] "
        "{\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}\n"
        "tool: 42 {\"tool_call_id\":\"c1\"}\n"
        "assistant: it is 42\n"
        "user: why? {\"name\":\"Ann\"}\n");
    assert_text(r.model, "m");
    assert_text(r.metadata, "{\"k\":\"v\"}");
    assert_text(r.place->raw, "{\"role\":\"user\",\"name\":\"Ann\",\"content\":\"why?\"}");
    assert_true(str_starts(r.prefix, "[{\"role\":\"system\""));
    assert_true(str_ends(r.prefix, "\"why?\"}"));
    arena_free(a);
}

static void test_odd_bodies(void **state)
{
    (void)state;
    static const char *const bodies[] = {"{}", "{\"messages\":5}", "{\"messages\":[]}", "{\"messages\":[null,[],{}]}",
                                         "{\"messages\":[{\"role\":\"user\",\"content\":{\"x\":1}}]}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct arena *a = arena_new();
        struct wire_request r;
        assert_string_equal(read_messages(a, &wire_chat, bodies[i], &r), "");
        assert_null(r.place);
        arena_free(a);
    }
}

static void test_very_long_text_is_cut(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct buf b;
    struct wire_request r;
    buf_init(&b, 0);
    buf_cstr(&b, "{\"messages\":[{\"role\":\"user\",\"content\":\"");
    for (int i = 0; i < 9 << 20; i++)
        buf_char(&b, 'x');
    buf_cstr(&b, "\"}]}");
    buf_char(&b, 0);
    read_messages(a, &wire_chat, b.p, &r);
    assert_int_equal(r.messages[0].text.n, 8 << 20);
    assert_text(r.messages[0].metadata, "{\"truncated\":true}");
    buf_release(&b);
    arena_free(a);
}

static void test_placing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(
        put_block(a, &wire_chat,
                  "{\"session_id\":\"s\", \"model\":\"m\",\"messages\": [ {\"role\":\"user\",\"content\":\"a\"},"
                  "{\"role\":\"assistant\",\"content\":\"b\"}, {\"role\":\"user\",\"content\":\"c\"} ],\"x\":1.0 }",
                  "say \"hi\"\n"),
        "{\"model\":\"m\",\"messages\": [ {\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"content\":\"b\"}, {\"role\":\"user\",\"content\":\"say \\\"hi\\\"\\n\"},"
        "{\"role\":\"user\",\"content\":\"c\"} ],\"x\":1.0 }");
    /* A loop of tools: the place stays where it was. */
    assert_string_equal(put_block(a, &wire_chat,
                                  "{\"messages\":[{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\","
                                  "\"tool_calls\":[]},{\"role\":\"tool\",\"content\":\"1\"}]}",
                                  "B"),
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"B\"},{\"role\":\"user\",\"content\":\"c\"},"
                        "{\"role\":\"assistant\",\"tool_calls\":[]},{\"role\":\"tool\",\"content\":\"1\"}]}");
    /* No words of the user's: no place. */
    assert_string_equal(
        put_block(a, &wire_chat, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", "B"),
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}");
    arena_free(a);
}

static void test_whole_answer(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = read_answer(
        &wire_chat, false,
        "{\"id\":\"i\",\"created\":7,\"model\":\"m-1\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"one\"},"
        "\"finish_reason\":\"stop\"},{\"index\":1,\"message\":{\"content\":\"two\"},\"finish_reason\":\"length\"}],"
        "\"usage\":{\"total_tokens\":3}}");
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), "one");
    assert_text(answer_metadata(x, a, 12),
                "{\"model\":\"m-1\",\"response_id\":\"i\",\"finish_reason\":\"stop\",\"usage\":{\"total_tokens\":3},"
                "\"choices\":[{\"index\":1,\"text\":\"two\",\"finish_reason\":\"length\"}],\"response_time_ms\":12}");
    assert_int_equal(answer_created(x), 7);
    answer_free(x);
    arena_free(a);
}

#define CHUNK(rest) "data: {\"id\":\"i\",\"created\":7,\"model\":\"m\",\"choices\":[" rest "]}\n\n"

static void test_streamed_answer(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = read_answer(
        &wire_chat, true,
        CHUNK("{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}") CHUNK(
            "{\"index\":1,\"delta\":{\"content\":\"other\"}}") CHUNK("{\"index\":0,\"delta\":{\"content\":\"Hel\"}}")
            CHUNK("{\"index\":0,\"delta\":{\"content\":\"lo\"}}")
                CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}") "data: "
                                                                               "{\"choices\":[],\"usage\":{\"total_"
                                                                               "tokens\":4}}\n\ndata: [DONE]\n\n");
    assert_true(answer_over(x));
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), "Hello");
    assert_text(answer_metadata(x, a, 0),
                "{\"model\":\"m\",\"response_id\":\"i\",\"finish_reason\":\"stop\",\"usage\":{\"total_tokens\":4},"
                "\"choices\":[{\"index\":1,\"text\":\"other\"}],\"response_time_ms\":0}");
    answer_free(x);
    arena_free(a);
}

/* A tool call streamed in pieces is stored as the client sends it back. */
static void test_streamed_calls_match_resent_ones(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = read_answer(
        &wire_chat, true,
        CHUNK("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"type\":\"function\","
              "\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}}")
            CHUNK("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\"\"}}]}"
                  "}") CHUNK("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"c2\",\"function\":"
                             "{\"name\":\"g\",\"arguments\":\"\"}}]}}")
                CHUNK("{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\": 1}\"}}]}}")
                    CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}"));
    assert_true(answer_whole(x));
    assert_false(answer_over(x));
    struct wire_request r;
    read_messages(a, &wire_chat,
                  "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
                  "{\"function\":{\"arguments\":\"{\\\"a\\\": "
                  "1}\",\"name\":\"f\"},\"id\":\"c1\",\"type\":\"function\",\"index\":0},"
                  "{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]}]}",
                  &r);
    assert_int_equal(r.n_messages, 1);
    assert_true(str_eq(answer_turn(x, a), r.messages[0].text));
    answer_free(x);
    arena_free(a);
}

static void test_broken_answers(void **state)
{
    (void)state;
    static const char *const streams[] = {
        CHUNK("{\"index\":0,\"delta\":{\"content\":\"Hel\"}}"),
        CHUNK("{\"index\":0,\"delta\":{\"content\":\"Hel\"}}") "data: {\"error\":{\"message\":\"no\"}}\n\n",
        CHUNK("{\"index\":0,\"delta\":{\"content\":\"Hel\"}}") "data: {\"choi",
        CHUNK("{\"index\":0,\"delta\":{\"content\":\"Hel\"}}") "data: {\"error\":{}}\n\ndata: [DONE]\n\n",
    };
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct answer *x = read_answer(&wire_chat, true, streams[i]);
        assert_false(answer_whole(x));
        assert_str(answer_text(x), "Hel");
        answer_free(x);
    }
    static const char *const bodies[] = {"", "{", "[]", "{\"error\":{\"message\":\"x\"}}", "not json"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct answer *x = read_answer(&wire_chat, false, bodies[i]);
        assert_true(answer_empty(x));
        answer_free(x);
    }
}

static void test_more_than_is_kept(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x = answer_new(&wire_chat, true);
    static char piece[1 << 20];
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 10; i++) {
        answer_feed(x, STR("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\""));
        answer_feed(x, (struct str){piece, sizeof piece});
        answer_feed(x, STR("\"}}]}\n\n"));
    }
    for (int i = 0; i < 100; i++) {
        struct str s =
            arena_fmt(a,
                      "data: {\"choices\":[{\"index\":%d,\"delta\":{\"content\":\"y\",\"tool_calls\":[{\"index\":"
                      "%d,\"id\":\"c\"}]}}]}\n\n",
                      i * 3, i);
        answer_feed(x, s);
    }
    answer_feed(x, STR("data: [DONE]\n\n"));
    answer_end(x);
    assert_int_equal(answer_text(x).n, ANSWER_MAX);
    assert_true(str_find(answer_metadata(x, a, 0), STR("\"truncated\":true")) > 0);
    answer_free(x);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_odd_bodies),
        cmocka_unit_test(test_very_long_text_is_cut),
        cmocka_unit_test(test_placing),
        cmocka_unit_test(test_whole_answer),
        cmocka_unit_test(test_streamed_answer),
        cmocka_unit_test(test_streamed_calls_match_resent_ones),
        cmocka_unit_test(test_broken_answers),
        cmocka_unit_test(test_more_than_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
