/* MEMORY-CONTEXT stores: messages of either form, conversations as a terminal showed them, keys by words. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

static void assert_told(const char *path, const char *bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, &history_memory_context, path, str_of(bytes), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

static void test_messages(void **state)
{
    (void)state;
    assert_told("dedup_state/unique_messages.jsonl",
                "{\"hash\":\"0\",\"content\":\"a\",\"role\":\"assistant\"}\n{\"hash\":\"0\",\"content\":\"b\"}\n"
                "{\"hash\":\"0\",\"message\":{\"type\":\"assistant\",\"content\":\"c\"},\"checkpoint\":\"k\"}\n{"
                "\"hash\":\"0\"}\n"
                "{\"hash\":\"0\",\"content\":\"\"}\n",
                "turn assistant unique_messages: a\nturn user unique_messages: b\nturn assistant k: c\nskip: unknown\n"
                "skip: empty\n");
}

static void test_conversations(void **state)
{
    (void)state;
    assert_told(
        "exports/talk.txt",
        "Title\n\n> one\n  and more\n\n\xe2\x8f\xba two\n\n  three\n  \xe2\x8e\xbf  four\n     five\n\n\xe2\x9d\xaf "
        "\n> last",
        "skip: metadata\nturn user talk: one\nand more\nturn assistant talk: two\n\nthree\nturn tool talk: four\nfive\n"
        "skip: empty\nturn user talk: last\n");
    assert_told("exports/talk.txt", "", "");
    assert_told("exports/talk.txt", "no conversation\n", "skip: metadata\n");
}

/* By hash the words alone count; in a conversation its session, who spoke, and how often. */
static void test_keys(void **state)
{
    struct told lines = {0}, text = {0}, other = {0};
    (void)state;
    told_read(
        &lines, &history_memory_context, "unique_messages.jsonl",
        STR("{\"hash\":\"0\",\"content\":\"yes \"}\n{\"hash\":\"1\",\"content\":\"yes\",\"role\":\"assistant\"}\n"), 0);
    told_read(&text, &history_memory_context, "exports/talk.txt", STR("> yes\n> no\n> yes\n\xe2\x8f\xba yes\n"), 0);
    told_read(&other, &history_memory_context, "exports/tell.txt", STR("> yes\n"), 0);
    assert_string_equal(lines.keys[0], lines.keys[1]);
    assert_int_equal(text.turns, 4);
    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(text.keys[i], text.keys[k]);
        assert_string_not_equal(text.keys[i], other.keys[0]);
    }
    told_free(&lines);
    told_free(&text);
    told_free(&other);
}

/* What is longer than is kept is cut, and the rest goes on. */
static void test_long_entries(void **state)
{
    struct told t = {0};
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    buf_cstr(&b, "> one\n");
    for (int i = 0; i < 3 << 20; i++)
        buf_char(&b, i % 100 ? 'x' : '\n');
    buf_cstr(&b, "\n> two\n");
    told_read(&t, &history_memory_context, "exports/talk.txt", buf_view(&b), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_int_equal(t.turns, 2);
    assert_string_equal(t.metadata[0], "\"cut\":true");
    assert_string_equal(t.metadata[1], "");
    assert_non_null(strstr(t.text.p, "turn user talk: two\n"));
    buf_release(&b);
    told_free(&t);
}

static void test_checkpoints(void **state)
{
    (void)state;
    assert_told("checkpoints/2026-03-01T09-00-00Z-done.md", "# Done\n",
                "turn assistant 2026-03-01T09-00-00Z-done: # Done\n\n");
    assert_told("checkpoints/x.md", " \n", "skip: empty\n");
}

static void test_names(void **state)
{
    struct history_name n;
    (void)state;
    assert_true(history_memory_context.recognise(STR("dedup_state/global_hashes.json"), &n) && n.way == HISTORY_LIST);
    assert_true(history_memory_context.recognise(STR("memory-context.db"), &n) && n.beside);
    assert_false(history_memory_context.recognise(STR("checkpoints/README.md"), &n));
    assert_false(history_memory_context.recognise(STR("notes.txt"), &n));
    assert_false(history_memory_context.sniff(STR("x.jsonl"), STR("{\"hash\":\"0\",\"content\":\"a\"}\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),     cmocka_unit_test(test_conversations), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_long_entries), cmocka_unit_test(test_checkpoints),   cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
