/* Claude Code's transcripts: messages over several lines, prompts that waited, titles, agents' transcripts; and what
 * counts as a fact. */
#include "unit/base/unit.h"
#include "unit/history/told.h"

#include "history/facts.h"

#define NAME "projects/-w/s1.jsonl"
#define USER(uuid, text) "{\"type\":\"user\",\"uuid\":\"" uuid "\",\"message\":{\"content\":\"" text "\"}}\n"
#define SAID(uuid, id, text)                                                                                           \
    "{\"type\":\"assistant\",\"uuid\":\"" uuid "\",\"message\":{\"id\":\"" id                                          \
    "\",\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}}\n"
#define RESULT(uuid, text)                                                                                             \
    "{\"type\":\"user\",\"uuid\":\"" uuid                                                                              \
    "\",\"message\":{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\","                                    \
    "\"content\":\"" text "\"}]}}\n"
#define QUEUED(text) "{\"type\":\"queue-operation\",\"operation\":\"enqueue\",\"content\":\"" text "\"}\n"

static void assert_told_as(const char *path, const char *bytes, const char *expected)
{
    struct told t = {0};
    told_read(&t, &history_claude, path, str_of(bytes), 0);
    assert_int_equal(t.code, ERR_OK);
    assert_string_equal(t.text.p, expected);
    told_free(&t);
}

static void test_one_message(void **state)
{
    (void)state;
    assert_told_as(NAME, USER("u", "Q") SAID("a", "m", "A") RESULT("r", "R") SAID("b", "m", "B") SAID("b", "m", "B"),
                   "turn user s1: Q\nmerged\nskip: repeated\nturn assistant s1: A\n\nB\nturn tool s1: R\n");
    assert_told_as(NAME, SAID("a", "m1", "A") SAID("b", "m2", "B") USER("u", "Q") SAID("c", "m1", "C"),
                   "merged\nturn assistant s1: A\n\nC\nturn assistant s1: B\nturn user s1: Q\n");
}

static void test_prompts_that_waited(void **state)
{
    (void)state;
    assert_told_as(NAME, QUEUED("later") QUEUED("never") USER("u", "now") USER("v", "later"),
                   "turn user s1: now\nmerged\nturn user s1: later\nturn user s1: never\n");
    assert_told_as(NAME, QUEUED("<task-notification>x"), "skip: metadata\n");
}

/* What waits holds the mark: the next reading begins before it. */
static void test_marks(void **state)
{
    (void)state;
    static const char bytes[] = USER("u", "first") QUEUED("later") USER("v", "second");
    struct told t = {0};
    told_read(&t, &history_claude, NAME, str_of(bytes), 0);
    assert_int_equal(t.mark, strlen(USER("u", "first")));
    assert_int_equal(t.mark_lines, 1);
    told_free(&t);
    told_read(&t, &history_claude, NAME, STR(USER("u", "first") "{\"type\":\"user\",\"mess"), 0);
    assert_int_equal(t.mark, strlen(USER("u", "first")));
    assert_string_equal(t.text.p, "turn user s1: first\n");
    told_free(&t);
}

static void test_agents(void **state)
{
    (void)state;
    assert_told_as("projects/-w/s1/subagents/agent-a1.jsonl", USER("u", "Look"), "turn assistant s1@a1: Look\n");
    assert_told_as("projects/-w/s1/subagents/agent-acompact-7.jsonl", USER("u", "Look"),
                   "turn assistant (replay) s1@acompact-7: Look\n");
    assert_told_as("projects/-w/agent-a2.jsonl", USER("u", "Look"), "turn assistant a2@a2: Look\n");
}

static void test_titles(void **state)
{
    (void)state;
    assert_told_as(NAME,
                   "{\"type\":\"summary\",\"summary\":\"old\"}\n{\"type\":\"custom-title\",\"customTitle\":\"own\"}\n"
                   "{\"type\":\"ai-title\",\"aiTitle\":\"made\"}\n",
                   "title (guess) s1: old\nskip: metadata\ntitle (own) s1: own\nskip: metadata\ntitle s1: made\n"
                   "skip: metadata\n");
}

static void test_summaries(void **state)
{
    (void)state;
    assert_told_as(NAME,
                   "{\"type\":\"summary\",\"uuid\":\"u\",\"message\":{\"role\":\"system\",\"content\":\"all of it\"}}\n"
                   "{\"type\":\"summary\",\"uuid\":\"v\",\"message\":{\"role\":\"system\",\"content\":[]}}\n",
                   "turn system (replay) s1: all of it\nskip: metadata\n");
}

/* Answers of many tools between the lines of a message. */
static void test_a_message_of_many_tools(void **state)
{
    struct buf b;
    struct told t = {0};
    (void)state;
    buf_init(&b, 0);
    for (int i = 0; i < 40; i++)
        buf_fmt(&b,
                "{\"type\":\"assistant\",\"uuid\":\"a%d\",\"message\":{\"id\":\"m\",\"content\":[{\"type\":\"text\","
                "\"text\":\"A\"}]}}\n" RESULT("r%d", "R"),
                i, i);
    told_read(&t, &history_claude, NAME, buf_view(&b), 0);
    assert_int_equal(t.records, 80);
    assert_int_equal(t.turns, 41);
    assert_int_equal(t.mark, 0); /* it may go on */
    told_free(&t);
    buf_release(&b);
}

static void test_facts(void **state)
{
    (void)state;
    static const char *const facts[] = {"0e991dc9-0757-52de-86e1-25bfde01721f",
                                        "msg_01AbCdEf2345",
                                        "2.1.40",
                                        "main",
                                        "Bash",
                                        "claude-haiku-4-5-20251001",
                                        "end_turn",
                                        "gpt-4o",
                                        "ephemeral_5m_input_tokens"};
    static const char *const texts[] = {"",
                                        "192.168.1.10",
                                        "555-123-4567",
                                        "x-555-123-4567",
                                        "4111111111111111",
                                        "ada@example.com",
                                        "two words",
                                        "gh"
                                        "p_Zk3Qw8Rt5Yu2Io9Pa4Sd7Fg1Hj6Kl0Zx3CvB",
                                        "AKIA"
                                        "IOSFODNN7EXAMPLE",
                                        "hunter2hunter2",
                                        "078-05-1120",
                                        "a-very-long-name-in-many-parts-that-goes-on-and-on-and-on"};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        assert_true(history_harmless(str_of(facts[i])));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(history_harmless(str_of(texts[i])));
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum history_way way;
    } cases[] = {{".credentials.json", HISTORY_LEAVE},
                 {"settings.json", HISTORY_LEAVE},
                 {"settings.local.json", HISTORY_LEAVE},
                 {"backups/a.jsonl", HISTORY_LEAVE},
                 {".claude.json.backup", HISTORY_LEAVE},
                 {"projects/-w/s.jsonl", HISTORY_READ},
                 {"projects/-w/sessions-index.json", HISTORY_READ},
                 {"projects/-w/s/tool-results/toolu_1.txt", HISTORY_READ},
                 {"projects/-w/s/subagents/agent-a.meta.json", HISTORY_LIST},
                 {"projects/-w/s/subagents/workflows/wf_1/journal.jsonl", HISTORY_LIST}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct history_name n;
        assert_true(history_claude.recognise(str_of(cases[i].path), &n));
        assert_int_equal(n.way, cases[i].way);
    }
    struct history_name n;
    assert_false(history_claude.recognise(STR("projects/-w/notes.bin"), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_message),
        cmocka_unit_test(test_prompts_that_waited),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_titles),
        cmocka_unit_test(test_summaries),
        cmocka_unit_test(test_a_message_of_many_tools),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
