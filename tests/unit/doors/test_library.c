/* include/cairn.h as a program outside would use it. */
#include "unit/base/unit.h"

#include "base/mem.h"
#include "cairn.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];

static int setup(void **state)
{
    cairn *c = NULL;
    strcpy(dir, "/tmp/cairn-library-XXXXXX");
    if (!mkdtemp(dir) || cairn_open(dir, &c))
        return -1;
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    cairn_close(*state);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static void ok(cairn *c, const char *operation, const char *args, const char *words)
{
    char *out = NULL;
    int code = cairn_call(c, operation, args, &out);
    if (code || !strstr(out, words))
        fail_msg("%s(%s): %d %s (%s)", operation, args ? args : "", code, out ? out : "", cairn_last_error());
    assert_string_equal(cairn_last_error(), "");
    cairn_free(out);
}

static void bad(cairn *c, const char *operation, const char *args, const char *name, const char *words)
{
    char *out = NULL;
    assert_int_not_equal(cairn_call(c, operation, args, &out), 0);
    assert_non_null(out);
    assert_ptr_equal(strstr(out, "{\"error\":{\"code\":\""), out);
    assert_non_null(strstr(out, name));
    assert_non_null(strstr(out, "\"message\":\""));
    assert_non_null(strstr(cairn_last_error(), words));
    cairn_free(out);
}

static void test_remember_and_recall(void **state)
{
    ok(*state, "turn.remember", "{\"text\":\"the cellar key hangs behind the clock\",\"session\":\"house\"}", "turn_");
    ok(*state, "recall", "{\"query\":\"where is the cellar key?\",\"max_results\":3}", "behind the clock");
    ok(*state, "session.list", NULL, "\"sess_");
    ok(*state, "turn.list", "{\"limit\":1}", "cellar");
}

static void test_records(void **state)
{
    ok(*state, "agent.create", "{\"name\":\"ada\",\"enabled\":true,\"metadata\":{\"a\":[1,2]}}", "\"version\":1");
    ok(*state, "agent.update", "{\"id\":\"ada\",\"temperature\":0.25}", "\"temperature\":0.25");
    ok(*state, "agent.list", "{\"enabled\":true}", "\"ada\"");
    ok(*state, "agent.delete", "{\"id\":\"ada\"}", "\"deleted\":true");
    bad(*state, "agent.get", "{\"id\":\"ada\"}", "NOT_FOUND", "ada");
}

static void test_errors_tell_what_is_wrong(void **state)
{
    bad(*state, "recal", "{}", "VALIDATION_FAILED", "did you mean \"recall\"");
    bad(*state, NULL, "{}", "VALIDATION_FAILED", "which operation");
    bad(*state, "recall", "{}", "VALIDATION_FAILED", "query");
    bad(*state, "recall", "[]", "VALIDATION_FAILED", "object");
    bad(*state, "recall", "{\"query\":", "VALIDATION_FAILED", "");
    bad(*state, "recall", "{\"query\":\"x\",\"max_results\":\"3\"}", "VALIDATION_FAILED", "max_results");
    bad(*state, "recall", "{\"query\":\"x\",\"nonsense\":1}", "VALIDATION_FAILED", "nonsense");
    bad(*state, "session.get", "{\"id\":\"sess_0\"}", "SESSION_NOT_FOUND", "sess_0");
    bad(*state, "chat.completions", "{}", "", "server");
}

static void test_wrong_handles(void **state)
{
    cairn *c = *state;
    char *out = (char *)&c;
    assert_int_not_equal(cairn_open(NULL, &c), 0);
    assert_null(c);
    assert_int_not_equal(cairn_open("", &c), 0);
    assert_int_not_equal(cairn_open("/dev/null/no", &c), 0);
    assert_string_not_equal(cairn_last_error(), "");
    assert_int_not_equal(cairn_open(dir, NULL), 0);
    assert_int_not_equal(cairn_call(NULL, "recall", "{}", &out), 0);
    assert_int_not_equal(cairn_call(*state, "recall", "{}", NULL), 0);
    cairn_close(NULL);
    cairn_free(NULL);
    assert_non_null(strchr(cairn_version(), '.'));
}

static void test_two_handles_on_one_folder(void **state)
{
    cairn *second = NULL;
    assert_int_equal(cairn_open(dir, &second), 0);
    ok(second, "turn.remember", "{\"text\":\"a heron on the weir\",\"session\":\"river\"}", "turn_");
    ok(*state, "recall", "{\"query\":\"heron\"}", "weir");
    cairn_close(second);
}

enum { THREADS = 4, ROUNDS = 25 };

static void *write_some(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *out = NULL;
        if (cairn_call(arg, "turn.remember", "{\"text\":\"parallel words\",\"session\":\"many\"}", &out))
            return out;
        cairn_free(out);
        if (!cairn_call(arg, "no.such", NULL, &out) || !strstr(cairn_last_error(), "no.such"))
            return out;
        cairn_free(out);
    }
    return NULL;
}

static void test_threads_share_a_handle(void **state)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, *state), 0);
    for (int i = 0; i < THREADS; i++) {
        void *problem = NULL;
        pthread_join(threads[i], &problem);
        assert_null(problem);
    }
    ok(*state, "session.list", "{}", "\"total_turns\":100"); /* none lost */
}

/* Every allocation of an open, a call and a close fails in turn. */
static void test_memory_runs_out_anywhere(void **state)
{
    (void)state;
    bool hit = true;
    for (int64_t n = 0; hit && n < 4000; n += n < 150 ? 1 : 23) {
        cairn *c = NULL;
        char *out = NULL;
        mem_fail_after(n, false);
        int opened = cairn_open(dir, &c);
        int called = opened ? 0 : cairn_call(c, "recall", "{\"query\":\"cellar\"}", &out);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        if (opened)
            assert_null(c);
        if (opened || called)
            assert_string_not_equal(cairn_last_error(), "");
        else
            assert_non_null(strstr(out, "\"results\":["));
        cairn_free(out);
        cairn_close(c);
    }
    assert_false(hit); /* it came to the end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remember_and_recall),       cmocka_unit_test(test_records),
        cmocka_unit_test(test_errors_tell_what_is_wrong), cmocka_unit_test(test_wrong_handles),
        cmocka_unit_test(test_two_handles_on_one_folder), cmocka_unit_test(test_threads_share_a_handle),
        cmocka_unit_test(test_memory_runs_out_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
