/* What lies beside Claude Code's transcripts: prompts and their pastes, lists, logs, names. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

#include <stdio.h>

static void assert_told(const char *path, const char *bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, &history_claude, path, str_of(bytes), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

#define TYPED(display, more)                                                                                           \
    "{\"display\":\"" display "\",\"timestamp\":1772355600000,\"project\":\"/w\",\"sessionId\":\"s\"" more "}\n"

static void test_prompts(void **state)
{
    (void)state;
    assert_told("history.jsonl",
                TYPED("one", "") TYPED("/model opus", "") TYPED("!ls", "") TYPED("/usr/bin/x is gone", "") TYPED("", "")
                    TYPED("/v1.2 fails", "") TYPED("/review all the weirs", "")
                        TYPED("!!! urgent", "") "{\"a\":1}\n{\"display\":\"two\",\"project\":\"/w\"}\n",
                "turn user s: one\nskip: metadata\nskip: metadata\nturn user s: /usr/bin/x is gone\nskip: empty\n"
                "turn user s: /v1.2 fails\nturn system s: /review all the weirs\nturn user s: !!! urgent\nskip: "
                "unknown\nturn user history:/w: two\n");
}

static void test_pastes(void **state)
{
    (void)state;
    assert_told("history.jsonl",
                TYPED("a [Pasted text #1 +2 lines] b [Pasted text #22]",
                      ",\"pastedContents\":{\"1\":{\"type\":\"text\",\"content\":\"X\"},\"22\":{\"type\":\"text\","
                      "\"content\":\"Y\"}}")
                    TYPED("[Pasted text #1 +2 lines] [Pasted text #2",
                          ",\"pastedContents\":{\"1\":{\"type\":\"text\",\"contentHash\":\"../x\"}}")
                        TYPED("[Pasted text #] [Image #1]",
                              ",\"pastedContents\":{\"1\":{\"type\":\"image\",\"content\":\"AAAA\"}}"),
                "turn user s: a X b Y\nturn user s: [Pasted text #1 +2 lines] [Pasted text #2\n"
                "turn user s: [Pasted text #] [Image #1]\n");
}

/* The same words are told apart by session and time. */
static void test_keys_of_prompts(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(&t, &history_claude, "history.jsonl",
              STR("{\"display\":\"yes \",\"timestamp\":1772355600000,\"sessionId\":\"s\"}\n"
                  "{\"display\":\"yes\",\"timestamp\":1772355600001,\"sessionId\":\"s\"}\n"
                  "{\"display\":\"yes\",\"timestamp\":1772355659999,\"sessionId\":\"t\"}\n"
                  "{\"display\":\"yes\",\"timestamp\":1772355660000,\"sessionId\":\"s\"}\n"),
              0);
    assert_int_equal(t.turns, 4);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(t.keys[i], t.keys[k]);
    told_free(&t);
}

/* Touched or copied, it is the same; changed, it is another. */
static void test_keys_of_files(void **state)
{
    struct told a = {0}, b = {0}, c = {0};
    (void)state;
    told_read(&a, &history_claude, "plans/x.md", STR("one"), 0);
    told_read(&b, &history_claude, "plans/x.md", STR("one\n"), 0);
    told_read(&c, &history_claude, "plans/x.md", STR("two"), 0);
    assert_string_equal(a.keys[0], b.keys[0]);
    assert_string_not_equal(a.keys[0], c.keys[0]);
    told_free(&a);
    told_free(&b);
    told_free(&c);
}

static void test_lists(void **state)
{
    (void)state;
    assert_told("todos/s-agent-s.json",
                "[{\"content\":\"a\",\"status\":\"pending\"},{\"content\":\"b\",\"status\":\"completed\"},7]",
                "turn system (replay) s: [pending] a\n[completed] b\n");
    assert_told("todos/s-agent-t.json", "[{\"content\":\"a\"}]", "turn system (replay) s@t: [?] a\n");
    assert_told("todos/s-agent-s.json", "[]", "skip: empty\n");
    assert_told("tasks/s/3.json", "{\"subject\":\"a\",\"description\":\"b\",\"status\":\"open\"}",
                "turn system (replay) s: [open] a\nb\n");
    assert_told("tasks/s/3.json", "{", "skip: damaged\n");
}

static void test_logs(void **state)
{
    (void)state;
    assert_told("debug/s.txt",
                "2026-03-01T09:00:00.000Z [DEBUG] a\nmore\n2026-03-01T09:00:01.000Z [ERROR] b\n  at x\n\n"
                "2026-03-01T09:00:02.000Z [WARN] c\n",
                "skip: metadata\nskip: metadata\nmerged\nmerged\nturn system (replay) s@debug: [ERROR] b\n  at x\n\n"
                "turn system (replay) s@debug: [WARN] c\n");
}

/* The next reading begins before the entry that may go on. */
static void test_marks_of_logs(void **state)
{
    static const char first[] = "2026-03-01T09:00:00.000Z [DEBUG] a\n",
                      last[] = "2026-03-01T09:00:01.000Z [ERROR] b\n  at x\n";
    char all[128];
    struct told t = {0};
    (void)state;
    snprintf(all, sizeof all, "%s%s", first, last);
    told_read(&t, &history_claude, "debug/s.txt", str_of(all), 0);
    assert_int_equal(t.mark, sizeof first - 1);
    assert_int_equal(t.mark_lines, 1);
    told_free(&t);
    told_read(&t, &history_claude, "debug/s.txt", str_of(all), sizeof first - 1);
    assert_string_equal(t.text.p, "merged\nturn system (replay) s@debug: [ERROR] b\n  at x\n");
    told_free(&t);
}

static void test_lists_of_sessions(void **state)
{
    (void)state;
    assert_told("projects/-w/sessions-index.json",
                "{\"version\":1,\"entries\":[{\"sessionId\":\"a\",\"firstPrompt\":\"P\",\"summary\":\"S\"},"
                "{\"sessionId\":\"b\",\"firstPrompt\":\"No prompt\",\"customTitle\":\"T\"},{},"
                "{\"sessionId\":\"c\",\"isSidechain\":true,\"firstPrompt\":\"Q\"}]}",
                "turn system a: P\n\nS\ntitle (guess) a: S\nskip: metadata\ntitle (own) b: T\nskip: unknown\n"
                "skip: metadata\n");
    assert_told("projects/-w/sessions-index.json", "{\"entries\":[]}", "");
    assert_told("projects/-w/s/tool-results/x.txt", "out", "turn tool s@tool results: out\n");
    assert_told("projects/-w/s/tool-results/hook-x.txt", "out", "turn tool (replay) s@tool results: out\n");
}

/* However it is cut and put in one line. */
static void test_keys_of_beginnings(void **state)
{
    static const char *const lists[] = {"{\"entries\":[{\"sessionId\":\"s\",\"firstPrompt\":\"a b\"}]}",
                                        "{\"entries\":[{\"sessionId\":\"s\",\"firstPrompt\":\" a \\n\\tb\"}]}",
                                        "{\"entries\":[{\"sessionId\":\"t\",\"firstPrompt\":\"a b\"}]}"};
    struct told t[3] = {{.code = ERR_OK}};
    (void)state;
    for (int i = 0; i < 3; i++)
        told_read(&t[i], &history_claude, "sessions-index.json", str_of(lists[i]), 0);
    assert_string_equal(t[0].keys[0], t[1].keys[0]);
    assert_string_not_equal(t[0].keys[0], t[2].keys[0]);
    for (int i = 0; i < 3; i++)
        told_free(&t[i]);
}

/* Names are seen from the first folder; a version's hash is its path's. */
static void test_names_of_versions(void **state)
{
    struct told t = {0};
    (void)state;
    told_read(&t, &history_claude, "projects/-w/s.jsonl",
              STR("{\"type\":\"user\",\"uuid\":\"u\",\"cwd\":\"/w/a\",\"message\":{\"content\":\"x\"}}\n"
                  "{\"type\":\"file-history-snapshot\",\"snapshot\":{\"trackedFileBackups\":{\"../b/./c.txt\":"
                  "{\"backupFileName\":null,\"version\":1}}}}\n"),
              0);
    assert_string_equal(t.noted[0], "file s 8fce2a21b086d0c3");
    assert_string_equal(t.noted[1], "+/w/b/c.txt");
    told_free(&t);
}

static void test_texts(void **state)
{
    (void)state;
    assert_told("plans/blue-fox.md", "# Plan\n",
                "turn assistant blue-fox: # Plan\n\ntitle (guess) blue-fox: plan blue-fox\n");
    assert_told("projects/-w/memory/MEMORY.md", "Note\n",
                "turn assistant -w/memory/MEMORY: Note\n\ntitle (guess) -w/memory/MEMORY: memory MEMORY\n");
    assert_told("memory/x.md", "Note", "turn assistant -/memory/x: Note\ntitle (guess) -/memory/x: memory x\n");
    assert_told("shell-snapshots/snapshot-bash-1-a.sh", "alias x=y",
                "turn system (replay) shell-snapshots: alias x=y\n");
    assert_told("session-env/s/hook.sh", "A=1", "turn system (replay) s@environment: A=1\n");
    assert_told("file-history/s/00ff@v1", "int x;\n", "turn system (replay) s@files: int x;\n\n");
    assert_told("file-history/s/00ff@v2", "", "skip: empty\n");
}

static void test_names(void **state)
{
    struct history_name n;
    (void)state;
    assert_true(history_claude.recognise(STR("history.jsonl"), &n) && n.way == HISTORY_READ && n.order > 2 && n.grows);
    assert_true(history_claude.recognise(STR("todos/x-agent-x.json"), &n) && n.way == HISTORY_READ);
    assert_true(history_claude.recognise(STR("paste-cache/00.txt"), &n) && n.way == HISTORY_LIST);
    assert_true(history_claude.recognise(STR("image-cache/s/1.png"), &n) && n.way == HISTORY_LIST);
    assert_true(history_claude.recognise(STR(".credentials.json"), &n) && n.way == HISTORY_LEAVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompts),
        cmocka_unit_test(test_pastes),
        cmocka_unit_test(test_keys_of_prompts),
        cmocka_unit_test(test_keys_of_files),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_lists_of_sessions),
        cmocka_unit_test(test_keys_of_beginnings),
        cmocka_unit_test(test_names_of_versions),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_marks_of_logs),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
