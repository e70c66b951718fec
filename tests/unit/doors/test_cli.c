/* The command line from argv to exit status, on a data folder of its own and without a server. */
#include "unit/base/unit.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "doors/cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static int64_t fail_at = -1; /* the allocation of the next run that fails, and whether it came to that */
static bool fail_hit;

struct shown {
    int status;
    struct buf out, err;
};

static int swap_fd(int fd, const char *path)
{
    int kept = dup(fd), new = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(kept >= 0 && new >= 0);
    assert_int_equal(dup2(new, fd), fd);
    close(new);
    return kept;
}

static void read_back(const char *path, struct buf *into)
{
    struct err e = {0};
    buf_init(into, 0);
    assert_int_equal(file_read_all(path, 16 << 20, into, &e), ERR_OK);
    buf_char(into, '\0'); /* for strstr */
    into->n--;
}

/* Runs `cairn --data <dir> argv…` with stdout and stderr kept. */
static void run_argv(struct shown *s, int argc, const char *const *argv)
{
    char out[96], err[96];
    const char *words[32] = {"cairn", "--data", dir};
    assert_true(argc < 28);
    for (int i = 0; i < argc; i++)
        words[3 + i] = argv[i];
    snprintf(out, sizeof out, "%s.out", dir);
    snprintf(err, sizeof err, "%s.err", dir);
    fflush(NULL);
    int old_out = swap_fd(STDOUT_FILENO, out), old_err = swap_fd(STDERR_FILENO, err);
    mem_fail_after(fail_at, false);
    s->status = cli_main(argc + 3, (char **)(uintptr_t)words);
    fail_hit = mem_fail_hit();
    mem_fail_after(-1, false);
    fflush(NULL);
    assert_int_equal(dup2(old_out, STDOUT_FILENO), STDOUT_FILENO);
    assert_int_equal(dup2(old_err, STDERR_FILENO), STDERR_FILENO);
    close(old_out);
    close(old_err);
    read_back(out, &s->out);
    read_back(err, &s->err);
    remove(out);
    remove(err);
}

static void release(struct shown *s)
{
    buf_release(&s->out);
    buf_release(&s->err);
}

/* Runs it; the status must be that, and stdout (status 0) or stderr must hold the words. */
#define EXPECT(status, words, ...)                                                                                     \
    expect((status), (words), (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                           \
           (const char *const[]){__VA_ARGS__})

static void expect(int status, const char *words, int argc, const char *const *argv)
{
    struct shown s;
    run_argv(&s, argc, argv);
    const char *where = s.status == 0 ? s.out.p : s.err.p;
    if (s.status != status || !strstr(where, words))
        fail_msg("cairn %s: status %d, wanted %d with \"%s\":\n%s%s", argv[0], s.status, status, words, s.out.p,
                 s.err.p);
    release(&s);
}

static int setup(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/cairn-cli-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s' '%s'.*", dir, dir);
    return system(command);
}

static void test_help_names_every_command(void **state)
{
    static const char *const names[] = {"serve",  "remember", "recall", "search", "list",      "show",
                                        "backup", "restore",  "doctor", "stats",  "version",   "help",
                                        "schema", "add",      "edit",   "remove", "checkpoint"};
    struct shown s;
    (void)state;
    run_argv(&s, 1, (const char *const[]){"help"});
    assert_int_equal(s.status, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[32];
        snprintf(line, sizeof line, "\n  %s ", names[i]);
        assert_non_null(strstr(s.out.p, line));
        EXPECT(0, "usage: cairn ", "help", names[i]);
        EXPECT(0, "usage: cairn ", names[i], "--help");
    }
    release(&s);
    EXPECT(0, "0.1.", "--version");
    EXPECT(0, "--max-results N", "recall", "--help");
}

static void test_wrong_usage_is_status_two(void **state)
{
    (void)state;
    EXPECT(2, "did you mean \"list\"", "lst");
    EXPECT(2, "did you mean --max-results", "recall", "x", "--max-result", "3");
    EXPECT(2, "max_results must be from 1 to 100", "recall", "x", "--max-results", "0");
    EXPECT(2, "max_results must be a whole number", "recall", "x", "--max-results", "many");
    EXPECT(2, "recall is missing its query", "recall");
    EXPECT(2, "did you mean \"session\"", "list", "sesion");
    EXPECT(2, "needs a kind first", "list");
    EXPECT(2, "cairn remember stores a turn", "add", "turn", "content=x");
    EXPECT(2, "did you mean \"display_name\"", "add", "agent", "name=a", "displayname=b");
    EXPECT(2, "dialect must be one of", "schema", "--dialect", "oracle");
}

static void test_no_data_is_said(void **state)
{
    char kept[64];
    (void)state;
    strcpy(kept, dir);
    strcat(dir, "/none"); /* not there, and must not come to be */
    EXPECT(3, "there is no data in", "recall", "anything");
    EXPECT(3, "there is no data in", "doctor");
    assert_false(file_exists(dir));
    strcpy(dir, kept);
}

static void test_remember_and_find(void **state)
{
    (void)state;
    EXPECT(0, "remembered turn_", "remember", "the", "tide", "tables", "hang", "in", "the", "galley", "--session",
           "boat", "--agent", "mira", "--timestamp", "2024-05-06T07:08:09Z");
    EXPECT(0, "tide tables hang", "recall", "where", "are", "the", "tide", "tables?");
    EXPECT(0, "mira", "recall", "tide");
    EXPECT(0, "2024-05-06T07:08:09.000Z", "list", "turns");
    EXPECT(0, "\"turn_number\":1", "list", "turn", "--json");
    EXPECT(0, "nothing found", "recall", "zebra");
    EXPECT(0, "total_messages", "stats");
    EXPECT(3, "no session", "recall", "x", "--session", "sess_00000000000000000000000000000000");
}

static void test_records_of_any_kind(void **state)
{
    (void)state;
    EXPECT(0, "temperature", "add", "agent", "name=ada", "temperature=0.2", "capabilities=[\"math\"]");
    EXPECT(0, "\"capabilities\":[\"math\"]", "show", "agent", "ada", "--json");
    EXPECT(0, "false", "edit", "agent", "ada", "enabled=false");
    EXPECT(0, "ada", "list", "agents", "--enabled", "false");
    EXPECT(0, "none", "list", "agents", "--enabled", "true");
    EXPECT(0, "removed ada", "remove", "agent", "ada");
    EXPECT(3, "ada", "show", "agent", "ada");
    EXPECT(2, "temperature", "add", "agent", "name=bo", "temperature=hot");
}

static void test_stored_text_cannot_command_the_terminal(void **state)
{
    struct shown s;
    (void)state;
    EXPECT(0, "remembered", "remember", "evil \033]0;owned\007 text", "--session", "boat");
    run_argv(&s, 2, (const char *const[]){"recall", "evil"});
    assert_int_equal(s.status, 0);
    assert_non_null(strstr(s.out.p, "evil \\x1b]0;owned\\x07 text"));
    assert_null(memchr(s.out.p, '\033', s.out.n));
    release(&s);
}

static void test_pages(void **state)
{
    struct shown s;
    char cursor[400];
    (void)state;
    run_argv(&s, 4, (const char *const[]){"list", "turns", "--limit", "1"});
    const char *more = strstr(s.out.p, "more: --cursor ");
    assert_non_null(more);
    assert_int_equal(sscanf(more, "more: --cursor %399s", cursor), 1);
    release(&s);
    EXPECT(0, "tide tables", "list", "turns", "--limit", "1", "--cursor", cursor);
}

static void test_backup_doctor_restore(void **state)
{
    char backup[96];
    (void)state;
    snprintf(backup, sizeof backup, "%s.backup", dir);
    EXPECT(0, "verified", "backup", backup);
    EXPECT(1, "exists already", "backup", backup);
    EXPECT(0, "remembered", "remember", "after the backup: walrus", "--session", "boat");
    EXPECT(0, "walrus", "recall", "walrus");
    EXPECT(0, "restored from", "restore", backup);
    EXPECT(0, "nothing found", "recall", "walrus");
    EXPECT(0, "tide tables", "recall", "tide");
    EXPECT(0, "\"ok\":true", "doctor", "--json");
    EXPECT(0, "no problems found", "doctor", "--reindex");
    EXPECT(0, "tide tables", "recall", "tide");
    EXPECT(0, "CREATE TABLE", "schema");
    EXPECT(0, "BIGINT", "schema", "--dialect=postgres");
}

/* Every allocation of a command fails in turn: an error for a person, or what it does without that memory. */
static void test_memory_runs_out_anywhere(void **state)
{
    (void)state;
    fail_hit = true;
    for (fail_at = 0; fail_hit && fail_at < 4000; fail_at += fail_at < 200 ? 1 : 17) {
        struct shown s;
        run_argv(&s, 3, (const char *const[]){"recall", "tide", "--json"});
        if (s.status == 0)
            assert_non_null(strstr(s.out.p, "\"results\":["));
        else
            assert_non_null(strstr(s.err.p, "cairn: "));
        release(&s);
    }
    assert_false(fail_hit); /* it came to the end */
    fail_at = -1;
    EXPECT(0, "tide tables", "recall", "tide");
    EXPECT(0, "\"ok\":true", "doctor", "--json");
}

/* Every allocation and file call of a write fails in turn: what was said to be stored is stored. */
static void test_nothing_is_remembered_falsely(void **state)
{
    int said = 0, stored = 0, tries = 0;
    struct shown s;
    (void)state;
    fail_hit = true;
    for (fail_at = 0; fail_hit && fail_at < 4000; fail_at += fail_at < 100 ? 1 : 13, tries++) {
        run_argv(&s, 5, (const char *const[]){"remember", "xylophone", "--session", "faults", "--json"});
        said += s.status == 0;
        assert_true(s.status == 0 ? strstr(s.out.p, "\"stored\":true") != NULL : strstr(s.err.p, "cairn: ") != NULL);
        release(&s);
    }
    assert_false(fail_hit); /* it came to the end */
    fail_at = -1;
    run_argv(&s, 5, (const char *const[]){"list", "turns", "--limit", "1000", "--json"});
    for (const char *at = s.out.p; (at = strstr(at, "xylophone")) != NULL; at++)
        stored++;
    release(&s);
    assert_true(said > 0 && stored >= said && stored <= tries);
    EXPECT(0, "\"ok\":true", "doctor", "--json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_names_every_command),
        cmocka_unit_test(test_wrong_usage_is_status_two),
        cmocka_unit_test(test_no_data_is_said),
        cmocka_unit_test(test_remember_and_find),
        cmocka_unit_test(test_records_of_any_kind),
        cmocka_unit_test(test_stored_text_cannot_command_the_terminal),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_backup_doctor_restore),
        cmocka_unit_test(test_memory_runs_out_anywhere),
        cmocka_unit_test(test_nothing_is_remembered_falsely),
    };
    unsetenv("CAIRN_DATA");
    return cmocka_run_group_tests(tests, setup, teardown);
}
