/* Exports of ChatGPT and Claude.ai: paths through trees, contents, what is in no shape at all. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

static void assert_told(const struct history_format *f, const char *bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, f, "export/conversations.json", str_of(bytes), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

#define MESSAGE(role, content) "{\"id\":\"m\",\"author\":{\"role\":\"" role "\"},\"content\":" content "}"
#define TEXT(text) "{\"content_type\":\"text\",\"parts\":[\"" text "\"]}"
#define NODE(id, parent, message) "\"" id "\":{\"parent\":\"" parent "\",\"message\":" message "}"

/* Along the current path, whatever the order in the file; the rest is told behind it. */
static void test_the_path(void **state)
{
    (void)state;
    assert_told(
        &history_chatgpt,
        "[{\"id\":\"s\",\"title\":\"T\",\"current_node\":\"c\",\"mapping\":{" NODE(
            "c", "a",
            MESSAGE("assistant",
                    TEXT("two"))) "," NODE("b", "a",
                                           MESSAGE("assistant",
                                                   TEXT("other"))) "," NODE("a", "r",
                                                                            MESSAGE(
                                                                                "user",
                                                                                TEXT("one"))) ","
                                                                                              "\"r\":{\"parent\":null,"
                                                                                              "\"message\":null}}}]",
        "title s: T\nskip: empty\nturn user s: one\nturn assistant s: two\nskip: branch\n");
}

static void test_loops_and_lost_parents(void **state)
{
    (void)state;
    assert_told(
        &history_chatgpt,
        "[{\"id\":\"s\",\"current_node\":\"a\",\"mapping\":{" NODE("a", "b", MESSAGE("user", TEXT("one"))) "," NODE(
            "b", "a",
            MESSAGE("user", TEXT("two"))) "}},{\"mapping\":{" NODE("a", "x",
                                                                   MESSAGE("user",
                                                                           TEXT("three"))) "}},{\"mapping\":{}}]",
        "turn user s: two\nturn user s: one\nturn user conversations-273: three\n");
}

static void test_what_nobody_said(void **state)
{
    (void)state;
    assert_told(
        &history_chatgpt,
        "[{\"id\":\"s\",\"current_node\":\"d\",\"mapping\":{" NODE("a", "", MESSAGE("user", "{\"content_type\":\"user_editable_context\",\"text\":\"x\"}")) "," NODE(
            "b", "a",
            MESSAGE(
                "assistant",
                "{\"content_type\":\"reasoning_recap\",\"content\":\"x\"}")) "," NODE("c", "b",
                                                                                      MESSAGE(
                                                                                          "narrator",
                                                                                          TEXT("x"))) "," NODE("d", "c",
                                                                                                               "{\"auth"
                                                                                                               "or\":7,"
                                                                                                               "\"conte"
                                                                                                               "nt\":[]"
                                                                                                               "}") "}}"
                                                                                                                    ",7"
                                                                                                                    ",{"
                                                                                                                    "\""
                                                                                                                    "a"
                                                                                                                    "\""
                                                                                                                    ":1"
                                                                                                                    "}"
                                                                                                                    "]",
        "skip: injected\nskip: metadata\nskip: unknown\nskip: empty\nskip: damaged\nskip: unknown\n");
}

static void test_thoughts_go_with_the_answer(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(
        &t, &history_chatgpt, "conversations.json",
        STR("[{\"id\":\"s\",\"current_node\":\"b\",\"mapping\":{" NODE(
            "a", "",
            MESSAGE(
                "assistant",
                "{\"content_type\":\"thoughts\",\"thoughts\":[{\"content\":\"Hm\"}]}")) "," NODE("b", "a",
                                                                                                 MESSAGE(
                                                                                                     "assistant",
                                                                                                     TEXT(
                                                                                                         "So"))) "}}]"),
        0);
    assert_string_equal(t.text.p, "merged\nturn assistant s: So\n");
    assert_string_equal(t.keys[0], "s/m");
    assert_string_equal(t.metadata[0], "\"id\":\"m\",\"parent\":\"a\",\"thinking\":\"Hm\"");
    told_free(&t);
}

static void test_a_browsers_extension(void **state)
{
    (void)state;
    assert_told(
        &history_chatgpt,
        "{\"source\":\"x\",\"raw_provider_payload\":{\"id\":\"s\",\"raw_provider_payload\":{},\"mapping\":{" NODE(
            "a", "", MESSAGE("user", TEXT("one"))) "}}}",
        "turn user s: one\n");
    assert_told(&history_chatgpt, "{\"raw_provider_payload\":{\"raw_provider_payload\":{\"mapping\":{}}}}",
                "skip: unknown\n");
}

static void test_claude_ai(void **state)
{
    (void)state;
    assert_told(
        &history_claude_ai,
        "[{\"uuid\":\"s\",\"name\":\"T\",\"chat_messages\":["
        "{\"sender\":\"human\",\"text\":\"a\",\"attachments\":[{\"file_name\":\"f\",\"extracted_content\":\"g\"},{}]},"
        "{\"sender\":\"assistant\",\"text\":\"old\",\"content\":[{\"type\":\"text\",\"text\":\"b\"},{\"type\":"
        "\"thinking\",\"thinking\":\"x\"}]},"
        "{\"sender\":\"assistant\",\"text\":\"c\",\"content\":[{\"type\":\"tool_result\",\"content\":\"x\"}]},"
        "{\"sender\":\"human\",\"text\":\"\"},{\"sender\":\"ghost\",\"text\":\"x\"},7]},"
        "{\"uuid\":\"t\",\"name\":\"U\",\"chat_messages\":[]},{\"uuid\":\"u\"}]",
        "title s: T\nturn user s: a\n\nf:\ng\nturn assistant s: b\nturn assistant s: c\nskip: empty\nskip: unknown\n"
        "skip: damaged\nskip: unknown\n");
}

/* What is too long to be parsed as a whole is read in parts, and comes out the same. */
static void test_long_conversations(void **state)
{
    static const struct {
        const struct history_format *f;
        const char *before, *after, *whole, *parts;
    } cases[] = {
        {&history_chatgpt,
         "[{\"title\":\"T\",\"mapping\":{" NODE("c", "a", MESSAGE("assistant", TEXT("two"))) "," NODE(
             "b", "a",
             MESSAGE(
                 "user",
                 TEXT(
                     "x"))) "," NODE("a", "r",
                                     MESSAGE(
                                         "user",
                                         TEXT(
                                             "one"))) ",\"n\":5,\"r\":{\"parent\":null,\"message\":null,\"filling\":\"",
         "\"}},\"current_node\":\"c\",\"id\":\"s\"},{\"id\":\"t\",\"mapping\":{" NODE(
             "a", "", MESSAGE("user", TEXT("three"))) "}}]",
         "title s: T\nskip: empty\nturn user s: one\nturn assistant s: two\nskip: branch\nskip: damaged\nturn user t: "
         "three\n",
         "title s: T\nskip: too large\nturn user s: one\nturn assistant s: two\nskip: branch\nskip: damaged\nturn user "
         "t: three\n"},
        {&history_claude_ai,
         "[{\"name\":\"T\",\"chat_messages\":[{\"sender\":\"human\",\"text\":\"one\"},{\"sender\":\"human\",\"text\":"
         "\"\"},7,"
         "{\"sender\":\"assistant\",\"text\":\"two\"}],\"filling\":\"",
         "\",\"uuid\":\"s\"},{\"uuid\":\"t\",\"chat_messages\":[{\"sender\":\"human\",\"text\":\"three\"}]}]",
         "title s: T\nturn user s: one\nskip: empty\nskip: damaged\nturn assistant s: two\nturn user t: three\n",
         "title s: T\nturn user s: one\nskip: empty\nskip: damaged\nturn assistant s: two\nturn user t: three\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t filling = 10; filling < (size_t)6 << 20; filling = filling < 100 ? (size_t)5 << 20 : filling * 2) {
            struct buf b;
            struct told t = {0};
            buf_init(&b, 0);
            buf_cstr(&b, cases[i].before);
            for (size_t k = 0; k < filling; k++)
                buf_char(&b, 'x');
            buf_cstr(&b, cases[i].after);
            told_read(&t, cases[i].f, "conversations.json", buf_view(&b), 0);
            assert_int_equal(t.code, ERR_OK);
            assert_string_equal(t.text.p, filling < 100 ? cases[i].whole : cases[i].parts);
            told_free(&t);
            buf_release(&b);
        }
    }
}

static void test_names(void **state)
{
    struct history_name n;
    (void)state;
    assert_true(history_chatgpt.recognise(STR("x/conversations-003.json"), &n));
    assert_true(history_chatgpt.recognise(STR("x.zip"), &n));
    assert_string_equal(n.kind, "zipped export");
    assert_false(history_claude_ai.recognise(STR("users.json"), &n));
    static const char *const alone[] = {".credentials.json",   "settings.local.json", "auth.json",
                                        "oauth_creds.json",    "x/token.json",        "my-API-Keys.json",
                                        "trustedFolders.json", ".claude.json"};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        assert_true(history_chatgpt.recognise(str_of(alone[i]), &n) && n.way == HISTORY_LEAVE);
    assert_true(history_chatgpt.recognise(STR("Holiday in Wales.json"), &n) && n.way == HISTORY_READ);
    assert_false(history_chatgpt.recognise(STR("chat.html"), &n));
    assert_true(history_claude_ai.sniff(STR("x"), STR("[{\"uuid\":\"\",\"chat_messages\":[")));
    assert_false(history_chatgpt.sniff(STR("x"), STR("[{\"uuid\":\"\",\"chat_messages\":[")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_path),
        cmocka_unit_test(test_loops_and_lost_parents),
        cmocka_unit_test(test_what_nobody_said),
        cmocka_unit_test(test_thoughts_go_with_the_answer),
        cmocka_unit_test(test_a_browsers_extension),
        cmocka_unit_test(test_claude_ai),
        cmocka_unit_test(test_long_conversations),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
