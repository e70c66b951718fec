/* Codex's rollouts: which layer counts, what is injected, forks known by their chain, readings that go on. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

#define NAME "sessions/2026/03/01/rollout-2026-03-01T09-00-00-0a1b2c3d-0000-4000-8000-00000000000a.jsonl"
#define ID "0a1b2c3d-0000-4000-8000-00000000000a"
#define LINE(type, payload) "{\"timestamp\":\"2026-03-01T09:00:01Z\",\"type\":\"" type "\",\"payload\":" payload "}\n"
#define META(id)                                                                                                       \
    LINE("session_meta", "{\"id\":\"" id "\",\"cwd\":\"/w\",\"cli_version\":\"0.65.0\",\"git\":{\"branch\":\"b\"}}")
#define SAID(role, text)                                                                                               \
    LINE("response_item",                                                                                              \
         "{\"type\":\"message\",\"role\":\"" role "\",\"content\":[{\"type\":\"input_text\",\"text\":\"" text "\"}]}")

static void assert_told(const char *bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, &history_codex, NAME, str_of(bytes), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

static void test_one_layer_of_two(void **state)
{
    (void)state;
    assert_told(META("x") SAID("user", "Why?") LINE("event_msg", "{\"type\":\"user_message\",\"message\":\"Why?\"}")
                    LINE("event_msg", "{\"type\":\"token_count\"}") SAID("assistant", "So."),
                "skip: metadata\nturn user " ID ": Why?\nskip: repeated\nskip: metadata\nturn assistant " ID ": So.\n");
}

static void test_what_the_tool_puts_in(void **state)
{
    (void)state;
    assert_told(SAID("user", "<environment_context>\\n<cwd>/w</cwd>") SAID("developer", "Be brief")
                    SAID("user", " <turn_aborted>x") SAID("user", "What is <environment_context>?"),
                "skip: injected\nskip: injected\nskip: injected\nturn user " ID ": What is <environment_context>?\n");
}

static void test_tools(void **state)
{
    (void)state;
    assert_told(
        LINE("response_item",
             "{\"type\":\"function_call\",\"name\":\"shell\",\"arguments\":\"{\\\"a\\\":1}\",\"call_id\":\"c\"}")
            LINE("response_item",
                 "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":{\"content\":\"out\"}}")
                LINE("response_item", "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":{\"exit\":3}}")
                    LINE("response_item", "{\"type\":\"custom_tool_call_output\",\"output\":\"\"}"),
        "turn assistant " ID ": \xe2\x86\x92 shell {\"a\":1}\nturn tool " ID ": out\nturn tool " ID
        ": {\"exit\":3}\nskip: empty\n");
}

static void test_thoughts_go_with_what_is_said_next(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(&t, &history_codex, NAME,
              STR(META("x") LINE("turn_context", "{\"model\":\"m\",\"cwd\":\"/v\"}") LINE(
                  "response_item", "{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"Hm\"}]}")
                      LINE("response_item", "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"gA\"}")
                          SAID("assistant", "So.") SAID("assistant", "And so.")),
              0);
    assert_str(buf_view(&t.text), "skip: metadata\nskip: metadata\nmerged\nskip: encrypted\nturn assistant " ID
                                  ": So.\nturn assistant " ID ": And so.\n");
    assert_string_equal(t.metadata[0], "\"model\":\"m\",\"version\":\"0.65.0\",\"branch\":\"b\",\"thinking\":\"Hm\"");
    assert_string_equal(t.metadata[1], "\"model\":\"m\",\"version\":\"0.65.0\",\"branch\":\"b\"");
    told_free(&t);
}

/* The parent's messages have the parent's keys; the same word said after them has a key of its own. */
static void test_forks(void **state)
{
    struct told parent = {0}, fork = {0};
    (void)state;
    told_read(&parent, &history_codex, NAME,
              STR(META("p") SAID("user", "yes") SAID("assistant", "Done.") SAID("user", "yes")), 0);
    told_read(
        &fork, &history_codex, NAME,
        STR(META("f") META("p") SAID("user", "yes") SAID("assistant", "Done.") SAID("user", "no") SAID("user", "yes")),
        0);
    assert_int_equal(parent.turns, 3);
    assert_int_equal(fork.turns, 4);
    assert_string_equal(parent.keys[0], fork.keys[0]);
    assert_string_equal(parent.keys[1], fork.keys[1]);
    assert_string_not_equal(parent.keys[0], parent.keys[2]);
    for (size_t i = 0; i < 3; i++)
        assert_string_not_equal(parent.keys[i], fork.keys[3]);
    told_free(&parent);
    told_free(&fork);
}

/* A reading that goes on knows what the first lines said, and gives the keys that a whole reading gives. */
static void test_going_on(void **state)
{
    static const char first[] = META("p") SAID("user", "one"),
                      all[] = META("p") SAID("user", "one") SAID("user", "two") "{\"torn";
    struct told whole = {0}, on = {0};
    (void)state;
    told_read(&whole, &history_codex, NAME, STR(all), 0);
    told_read(&on, &history_codex, NAME, STR(all), sizeof first - 1);
    assert_str(buf_view(&on.text), "turn user " ID ": two\n");
    assert_string_equal(on.keys[0], whole.keys[1]);
    assert_string_equal(on.metadata[0], "\"version\":\"0.65.0\",\"branch\":\"b\"");
    assert_int_equal(on.mark, sizeof all - 1 - strlen("{\"torn"));
    assert_int_equal(whole.mark, on.mark);
    told_free(&whole);
    told_free(&on);
}

/* Words that stand in events alone are taken, also where the items are only what the tool put in. */
static void test_events_alone(void **state)
{
    (void)state;
    assert_told(META("x") SAID("user", "<environment_context>")
                    LINE("event_msg", "{\"type\":\"user_message\",\"message\":\"Why?\"}")
                        LINE("event_msg", "{\"type\":\"agent_message\",\"message\":\"So.\"}"),
                "skip: metadata\nskip: injected\nturn user " ID ": Why?\nturn assistant " ID ": So.\n");
    assert_told(LINE("event_msg", "{\"type\":\"agent_message\",\"message\":\"So.\"}") SAID("assistant", "So."),
                "skip: repeated\nturn assistant " ID ": So.\n");
}

static void test_subagents(void **state)
{
    (void)state;
    assert_told(
        LINE("session_meta", "{\"id\":\"s\",\"source\":{\"subagent\":{\"thread_spawn\":{\"parent_thread_id\":\"p\"}}}}")
            SAID("user", "Look") SAID("assistant", "Seen"),
        "skip: metadata\nturn assistant p@" ID ": Look\nturn assistant p@" ID ": Seen\n");
    assert_told(LINE("session_meta", "{\"id\":\"s\",\"source\":{\"subagent\":\"review\"}}") SAID("user", "Look"),
                "skip: metadata\nturn assistant " ID ": Look\n");
}

static void test_lines_of_2025(void **state)
{
    (void)state;
    assert_told(
        "{\"id\":\"x\",\"timestamp\":\"2025-05-01T00:00:00Z\",\"instructions\":null}\n{\"record_type\":\"state\"}\n"
        "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"Old\"}]}\n{}\n[]\n",
        "skip: metadata\nskip: metadata\nturn user " ID ": Old\nskip: damaged\nskip: damaged\n");
}

static void test_names(void **state)
{
    struct history_name n;
    (void)state;
    assert_true(history_codex.recognise(STR("auth.json"), &n) && n.way == HISTORY_LEAVE);
    assert_true(history_codex.recognise(STR("config.toml"), &n) && n.way == HISTORY_LEAVE);
    assert_true(history_codex.recognise(STR("archived_sessions/rollout-x.jsonl.zst"), &n) && n.way == HISTORY_READ);
    assert_false(history_codex.recognise(STR("log/codex-tui.log"), &n));
    assert_true(history_codex.sniff(STR("x.jsonl"), STR("{\"type\":\"session_meta\",\"payload\":{}}\n")));
    assert_true(history_codex.sniff(STR("x.jsonl"), STR("{\"a\":1}\n{\"type\":\"session_meta\",\"payload\":{}}\n")));
    assert_true(history_codex.sniff(STR("history.jsonl"), STR("{\"session_id\":\"s\",\"ts\":1,\"text\":\"Why?\"}\n")));
    assert_false(history_codex.sniff(STR("x.jsonl"), STR("{\"session_id\":\"s\",\"ts\":1,\"text\":\"Why?\"}\n")));
    assert_false(history_codex.sniff(STR("x.jsonl"), STR("{\"a\":1}\n{\"type\":\"message\",\"role\":\"user\"}\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_layer_of_two),
        cmocka_unit_test(test_what_the_tool_puts_in),
        cmocka_unit_test(test_tools),
        cmocka_unit_test(test_thoughts_go_with_what_is_said_next),
        cmocka_unit_test(test_forks),
        cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_events_alone),
        cmocka_unit_test(test_subagents),
        cmocka_unit_test(test_lines_of_2025),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
