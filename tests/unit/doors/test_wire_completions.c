/* Old completions: one prompt that is a text takes part in memory, lists pass by. */
#include "wire_fixture.h"

static void test_prompts(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(read_messages(a, &wire_completions, "{\"prompt\":\"once upon\"}", NULL), "user: once upon\n");
    assert_string_equal(read_messages(a, &wire_completions, "{\"prompt\":[\"a\",\"b\"]}", NULL), "");
    assert_string_equal(read_messages(a, &wire_completions, "{\"prompt\":[1,2]}", NULL), "");
    assert_string_equal(read_messages(a, &wire_completions, "{\"prompt\":\"\"}", NULL), "");
    assert_string_equal(read_messages(a, &wire_completions, "{}", NULL), "");
    arena_free(a);
}

static void test_placing(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    assert_string_equal(
        put_block(a, &wire_completions, "{\"prompt\": \"once\\u0020upon\",\"session_id\":\"s\"}", "B \"q\""),
        "{\"prompt\": \"B \\\"q\\\"\\n\\nonce\\u0020upon\"}");
    assert_string_equal(put_block(a, &wire_completions, "{\"prompt\":[\"a\"]}", "B"), "{\"prompt\":[\"a\"]}");
    arena_free(a);
}

static void test_answers(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct answer *x =
        read_answer(&wire_completions, false,
                    "{\"id\":\"i\",\"choices\":[{\"index\":0,\"text\":\" a time\",\"finish_reason\":\"stop\"},"
                    "{\"index\":1,\"text\":\" two\"}]}");
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), " a time");
    answer_free(x);
    x = read_answer(&wire_completions, true,
                    "data: {\"choices\":[{\"index\":0,\"text\":\" a\",\"finish_reason\":null}]}\n\n"
                    "data: {\"choices\":[{\"index\":0,\"text\":\" time\",\"finish_reason\":\"stop\"}]}\n\n");
    assert_true(answer_whole(x));
    assert_text(answer_turn(x, a), " a time");
    answer_free(x);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_placing),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
