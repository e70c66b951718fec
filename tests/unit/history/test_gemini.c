/* Gemini's sessions: documents, and logs of changes folded before they are told. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

#define LOG "tmp/p/chats/session-1.jsonl"
#define HEADER "{\"sessionId\":\"s\",\"projectHash\":\"h\",\"directories\":[\"/w\"]}\n"
#define SAID(id, type, text) "{\"id\":\"" id "\",\"type\":\"" type "\",\"content\":\"" text "\"}"

static void assert_told(const char *path, const char *bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, &history_gemini, path, str_of(bytes), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

static void test_a_message_takes_the_place_of_its_earlier_self(void **state)
{
    (void)state;
    assert_told(LOG,
                HEADER SAID("a", "user", "one") "\n" SAID("b", "gemini", "tw") "\n" SAID(
                    "c", "user", "three") "\n" SAID("b", "gemini", "two") "\n",
                "skip: metadata\nturn user s: one\nturn assistant s: two\nturn user s: three\nskip: repeated\n");
}

static void test_rewinds(void **state)
{
    (void)state;
    assert_told(LOG,
                HEADER SAID("a", "user", "one") "\n" SAID("b", "gemini", "two") "\n{\"$rewindTo\":\"b\"}\n" SAID(
                    "b", "gemini", "other") "\n",
                "skip: metadata\nturn user s: one\nskip: rewound\nskip: metadata\nturn assistant s: other\n");
    assert_told(
        LOG, SAID("a", "user", "one") "\n{\"$rewindTo\":\"x\"}\n" SAID("b", "user", "two") "\n{\"$rewindTo\":\"a\"}\n",
        "skip: rewound\nskip: metadata\nskip: rewound\nskip: metadata\n");
}

static void test_set(void **state)
{
    (void)state;
    assert_told(
        LOG,
        HEADER SAID("a", "user", "one") "\n{\"$set\":{\"messages\":[" SAID("b", "user", "two") "," SAID(
            "c", "gemini", "three") "]}}\n{\"$set\":{\"summary\":\"x\"}}\n" SAID("c", "gemini", "four") "\n",
        "skip: metadata\nskip: rewound\nturn user s: two\nturn assistant s: four\nskip: metadata\nskip: metadata\n"
        "skip: repeated\ntitle s: x\n");
    assert_told(LOG, SAID("a", "user", "one") "\n{\"$set\":{\"messages\":[]}}\n", "skip: rewound\nskip: metadata\n");
}

static void test_lines_that_are_no_messages(void **state)
{
    (void)state;
    assert_told(LOG,
                "{\"x\":1}\n{\n\n" SAID("a", "info", "x") "\n" SAID("b", "ghost", "x") "\n" SAID(
                    "c", "user", "") "\n" SAID("d", "user", "torn but whole"),
                "skip: unknown\nskip: damaged\nskip: blank\nskip: metadata\nskip: unknown\nskip: empty\n"
                "turn user session-1: torn but whole\n");
}

static void test_parts_thoughts_and_tools(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(&t, &history_gemini, "session-1.json",
              STR("{\"messages\":[{\"id\":\"a\",\"type\":\"gemini\",\"model\":\"m\",\"content\":[{\"text\":\"o\"},"
                  "\"ne\",{\"text\":\"hm\",\"thought\":true}],"
                  "\"toolCalls\":[{\"name\":\"ls\",\"id\":\"1\",\"args\":{\"p\":\".\"},\"result\":[{"
                  "\"functionResponse\":{\"response\":{\"output\":\"out\"}}}]}],"
                  "\"thoughts\":[{\"subject\":\"S\",\"description\":\"D\"}],\"tokens\":{\"input\":1}},7],\"sessionId\":"
                  "\"s\"}"),
              0);
    assert_string_equal(t.text.p, "turn assistant s: one\n\n\xe2\x86\x92 ls {\"p\":\".\"}\nskip: damaged\n");
    assert_string_equal(t.keys[0], "s//a/text");
    assert_string_equal(t.metadata[0],
                        "\"id\":\"a\",\"model\":\"m\",\"usage\":{\"input\":1},\"thinking\":\"hm\\n\\nS\\n\\nD\","
                        "\"tools\":[{\"name\":\"ls\",\"id\":\"1\",\"result\":\"out\"}]");
    told_free(&t);
}

/* What an agent was asked is no person's prompt. */
static void test_subagents(void **state)
{
    (void)state;
    assert_told("tmp/p/chats/parent/agent.jsonl", "{\"sessionId\":\"agent\"}\n" SAID("a", "user", "Look") "\n",
                "skip: metadata\nturn assistant parent@agent: Look\n");
    assert_told("tmp/p/chats/parent/agent.jsonl", SAID("a", "user", "Look") "\n" SAID("b", "gemini", "Seen") "\n",
                "turn assistant parent@agent: Look\nturn assistant parent@agent: Seen\n");
}

static void test_names(void **state)
{
    struct history_name n;
    (void)state;
    assert_true(history_gemini.recognise(STR("oauth_creds.json"), &n) && n.way == HISTORY_LEAVE);
    assert_true(history_gemini.recognise(STR("settings.json"), &n) && n.way == HISTORY_LEAVE);
    assert_true(history_gemini.recognise(STR("tmp/x/chats/session-1.json"), &n) && n.way == HISTORY_READ);
    assert_true(history_gemini.recognise(STR("tmp/x/logs.json"), &n) && str_is(str_of(n.kind), "prompts"));
    assert_true(history_gemini.recognise(STR("tmp/x/checkpoint-a.json"), &n) && n.way == HISTORY_READ);
    assert_false(history_gemini.recognise(STR("tmp/x/checkpoints/1-write_file.json"), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_takes_the_place_of_its_earlier_self),
        cmocka_unit_test(test_rewinds),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_lines_that_are_no_messages),
        cmocka_unit_test(test_parts_thoughts_and_tools),
        cmocka_unit_test(test_subagents),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
