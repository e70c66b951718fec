/* What Claude Code's tools answered: blocks of any form, and what is told beside an answer without text. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

#include <stdio.h>

static void assert_answer(const char *content, const char *beside, const char *expected)
{
    char line[2048], whole[1024];
    struct told t = {0};
    snprintf(line, sizeof line,
             "{\"type\":\"user\",\"uuid\":\"u\",\"message\":{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
             "\"t\",\"content\":%s}]},\"toolUseResult\":%s}\n",
             content, beside);
    told_read(&t, &history_claude, "projects/-w/s1.jsonl", str_of(line), 0);
    assert_int_equal(t.code, ERR_OK);
    snprintf(whole, sizeof whole, "turn tool%s s1: %s\n", *expected ? "" : " (replay)", expected);
    assert_string_equal(t.text.p, whole);
    told_free(&t);
}

static void test_what_is_told_beside(void **state)
{
    static const struct {
        const char *beside, *expected;
    } cases[] = {
        {"\"Error: it broke\"", "Error: it broke"},
        {"[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"},7]", "a\n\nb"},
        {"{\"stdout\":\"out\",\"stderr\":\"err\",\"interrupted\":false,\"isImage\":false}", "out\nerr"},
        {"{\"stdout\":\"\",\"stderr\":\"err\"}", "err"},
        {"{\"stdout\":\"iVBORw0K\",\"stderr\":\"\",\"isImage\":true}", ""},
        {"{\"type\":\"text\",\"file\":{\"filePath\":\"/w/a\",\"content\":\"rye\",\"numLines\":1}}", "rye"},
        {"{\"type\":\"image\",\"file\":{\"base64\":\"iVBORw0K\",\"type\":\"image/png\"}}", ""},
        {"{\"filePath\":\"/w/a\",\"oldString\":\"x\",\"newString\":\"y\",\"originalFile\":\"x\",\"structuredPatch\":"
         "[{\"oldStart\":1,\"lines\":[\"-x\",\"+y\"]}]}",
         "-x\n+y"},
        {"{\"filePath\":\"/w/a\",\"oldString\":\"x\",\"newString\":\"y\"}", "y"},
        {"{\"type\":\"create\",\"filePath\":\"/w/a\",\"content\":\"new\",\"structuredPatch\":[]}", "new"},
        {"{\"oldTodos\":[],\"newTodos\":[{\"content\":\"sweep\",\"status\":\"pending\"},{\"content\":\"rest\"}]}",
         "[pending] sweep\n[?] rest"},
        {"{\"agentId\":\"a\",\"status\":\"completed\",\"prompt\":\"p\",\"content\":[{\"type\":\"text\",\"text\":"
         "\"done\"}]}",
         "done"},
        {"{\"filenames\":[\"a.c\",\"b.c\",3],\"numFiles\":2}", "a.c\nb.c"},
        {"{\"query\":\"q\",\"results\":[{\"content\":[{\"title\":\"T\",\"url\":\"u\"}]},\"said\"]}", "T\nu\n\nsaid"},
        {"{\"bytes\":3,\"code\":200,\"result\":\"page\",\"url\":\"u\"}", "page"},
        {"{\"isAsync\":true,\"status\":\"async_launched\",\"agentId\":\"a\"}", ""},
        {"null", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_answer("\"\"", cases[i].beside, cases[i].expected);
        assert_answer("[]", cases[i].beside, cases[i].expected);
        assert_answer("\"said\"", cases[i].beside, "said");
    }
}

static void test_forms_of_answers(void **state)
{
    (void)state;
    assert_answer("[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"tool_reference\",\"tool_name\":\"T\"},\"b\",7,null]",
                  "\"x\"", "a\n\nT\n\nb");
    assert_answer("{\"type\":\"advisor_result\",\"text\":\"advice\"}", "\"x\"", "advice");
    assert_answer(
        "[{\"type\":\"image\",\"data\":\"iVBORw0K\",\"mimeType\":\"image/png\"},{\"type\":\"text\",\"text\":\"a\"}]",
        "\"x\"", "a");
    assert_answer("[{\"type\":\"web_search_result\",\"title\":\"T\",\"url\":\"u\",\"encrypted_content\":\"zz\"}]",
                  "\"x\"", "T\nu");
}

/* Tools of the model's own side: asked and answered within its message. */
static void test_tools_of_the_server(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(
        &t, &history_claude, "projects/-w/s1.jsonl",
        STR("{\"type\":\"assistant\",\"uuid\":\"a\",\"message\":{\"id\":\"m\",\"content\":["
            "{\"type\":\"mcp_tool_use\",\"id\":\"i\",\"name\":\"find\",\"input\":{\"q\":\"oak\"}},"
            "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"i\",\"content\":[{\"title\":\"T\",\"url\":\"u\"}]},"
            "{\"type\":\"redacted_thinking\",\"data\":\"zz\"},{\"type\":\"fallback\",\"text\":\"f\"}]}}\n"),
        0);
    assert_string_equal(t.text.p, "turn assistant s1: \xe2\x86\x92 find {\"q\":\"oak\"}\n\nT\nu\n\nf\n");
    told_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_told_beside),
        cmocka_unit_test(test_forms_of_answers),
        cmocka_unit_test(test_tools_of_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
