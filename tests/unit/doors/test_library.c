/* include/cairn.h as a program outside would use it. */
#include "unit/base/unit.h"
#include "unit/embed/tiny.h"

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

/* The operation of the model that the settings name; without one, what to do about it. */
static void test_embed(void **state)
{
    struct tiny tiny;
    cairn *c = NULL;
    struct cairn_options o = CAIRN_OPTIONS;
    (void)state;
    tiny_make(&tiny);
    struct cairn_setting model = {"search.model", tiny.dir};
    o.settings = &model;
    o.n_settings = 1;
    assert_int_equal(cairn_open_with(dir, &o, &c), CAIRN_OK);
    ok(c, "embed", "{\"input\":[\"the river\",\"winter\"]}", "\"index\":1,\"embedding\":[");
    ok(c, "embed", "{\"input\":\"the river\",\"encoding_format\":\"base64\"}", "\"prompt_tokens\":4");
    bad(c, "embed", "{\"input\":[3,4]}", "VALIDATION_FAILED", "token ids");
    cairn_close(c);
    model.value = "off";
    assert_int_equal(cairn_open_with(dir, &o, &c), CAIRN_OK);
    bad(c, "embed", "{\"input\":\"x\"}", "MEMORY_SERVICE_ERROR", "CAIRN_MODEL");
    cairn_close(c);
    tiny_remove(&tiny);
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

enum { THREADS = 8, ROUNDS = 25 };

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
    ok(*state, "session.list", "{}", "\"total_turns\":200"); /* none lost */
}

static void test_remember_and_recall_in_one_call_each(void **state)
{
    char *out = NULL;
    assert_int_equal(cairn_remember(*state, "the \"blue\" boat leaks\n", "harbour", NULL), CAIRN_OK);
    assert_int_equal(cairn_remember(*state, "a mooring was paid", NULL, &out), CAIRN_OK);
    assert_non_null(strstr(out, "\"turn_"));
    cairn_free(out);
    assert_int_equal(cairn_recall(*state, "which boat leaks?", 1, &out), CAIRN_OK);
    assert_non_null(strstr(out, "the \\\"blue\\\" boat"));
    cairn_free(out);
    assert_int_equal(cairn_remember(*state, NULL, "harbour", &out), CAIRN_INVALID);
    assert_non_null(strstr(out, "\"field\":\"text\""));
    cairn_free(out);
    assert_int_equal(cairn_recall(*state, "boat", 101, &out), CAIRN_INVALID);
    assert_non_null(strstr(cairn_last_error(), "max_results"));
    cairn_free(out);
    assert_int_equal(cairn_recall(*state, "boat", 1, NULL), CAIRN_INVALID);
}

/* ---- options ---- */

static void refused(const struct cairn_options *o, int code, const char *words)
{
    cairn *c = NULL;
    assert_int_equal(cairn_open_with(dir, o, &c), code);
    assert_null(c);
    assert_non_null(strstr(cairn_last_error(), words));
}

static void test_a_folder_opened_read_only_stays_as_it_is(void **state)
{
    struct cairn_options o = CAIRN_OPTIONS;
    cairn *c = NULL;
    char *out = NULL;
    assert_int_equal(cairn_remember(*state, "a lock on the gate", "yard", NULL), CAIRN_OK);
    o.read_only = 1;
    assert_int_equal(cairn_open_with(dir, &o, &c), CAIRN_OK);
    ok(c, "recall", "{\"query\":\"gate\"}", "a lock on the gate");
    assert_int_equal(cairn_remember(c, "no", NULL, &out), CAIRN_READ_ONLY);
    cairn_free(out);
    cairn_close(c);
    c = NULL;
    assert_int_not_equal(cairn_open_with("/tmp/cairn-library-is-not-there", &o, &c), CAIRN_OK);
    assert_null(c);
    o.background = 1;
    refused(&o, CAIRN_INVALID, "read_only");
}

static void test_settings_are_given_by_name(void **state)
{
    struct cairn_setting given[] = {{"memory.window", "2"}, {"upstream.key", "kept to itself"}};
    struct cairn_options o = CAIRN_OPTIONS;
    cairn *c = NULL;
    (void)state;
    o.settings = given;
    o.n_settings = 2;
    assert_int_equal(cairn_open_with(dir, &o, &c), CAIRN_OK);
    cairn_close(c);
    given[0].value = "none";
    refused(&o, CAIRN_INVALID, "memory.window must be a whole number");
    given[0].name = "memory.windo";
    refused(&o, CAIRN_INVALID, "did you mean \"memory.window\"");
    given[0].value = NULL;
    refused(&o, CAIRN_INVALID, "setting 1 has no value");
    o.settings = NULL;
    refused(&o, CAIRN_INVALID, "settings");
}

static void test_options_of_another_version(void **state)
{
    struct {
        struct cairn_options known;
        size_t newer; /* of a size that leaves no padding, which could hold anything */
    } o = {CAIRN_OPTIONS, 0};
    cairn *c = NULL;
    (void)state;
    o.known.size = sizeof o;
    assert_int_equal(cairn_open_with(dir, &o.known, &c), CAIRN_OK);
    cairn_close(c);
    o.newer = 1;
    refused(&o.known, CAIRN_INVALID, "newer");
    o.known.size = 0;
    refused(&o.known, CAIRN_INVALID, "CAIRN_OPTIONS");
    o.known.size = (size_t)-1;
    refused(&o.known, CAIRN_INVALID, "CAIRN_OPTIONS");
    o.known.size = offsetof(struct cairn_options, background); /* older: it knows nothing of what follows */
    o.known.background = 1;
    o.known.read_only = 1;
    assert_int_equal(cairn_open_with(dir, &o.known, &c), CAIRN_OK);
    cairn_close(c);
}

static void test_work_behind_the_writes_when_asked_for(void **state)
{
    struct cairn_setting without_model = {"search.model", "off"};
    struct cairn_options o = CAIRN_OPTIONS;
    cairn *c = NULL;
    (void)state;
    o.background = 1;
    o.settings = &without_model;
    o.n_settings = 1;
    assert_int_equal(cairn_open_with(dir, &o, &c), CAIRN_OK);
    ok(c, "turn.remember", "{\"text\":\"a kestrel over the barn\",\"session\":\"farm\"}", "turn_");
    ok(c, "recall", "{\"query\":\"kestrel\"}", "barn");
    cairn_close(c);
}

/* ---- answers in pieces ---- */

struct heap {
    char text[1 << 20];
    size_t n;
    int pieces, enough_after; /* 0: never */
};

static int keep(void *arg, const char *bytes, size_t n)
{
    struct heap *h = arg;
    assert_true(n > 0 && h->n + n < sizeof h->text);
    memcpy(h->text + h->n, bytes, n);
    h->n += n;
    h->text[h->n] = 0;
    h->pieces++;
    return h->enough_after && h->pieces >= h->enough_after;
}

static void test_an_export_in_pieces_is_the_export_in_one(void **state)
{
    static struct heap h;
    static char tables[100 << 10]; /* more than a piece */
    char *out = NULL, args[200], id[64];
    memset(tables, '=', sizeof tables - 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(cairn_remember(*state, tables, "tides", NULL), CAIRN_OK);
    assert_int_equal(cairn_remember(*state, "the tide table is out of date", "tides", &out), CAIRN_OK);
    assert_int_equal(sscanf(strstr(out, "\"session_id\":\""), "\"session_id\":\"%40[^\"]", id), 1);
    cairn_free(out);
    snprintf(args, sizeof args, "{\"session_id\":\"%s\",\"format\":\"markdown\"}", id);
    memset(&h, 0, sizeof h);
    assert_int_equal(cairn_call_stream(*state, "session.export_now", args, keep, &h), CAIRN_OK);
    assert_int_equal(cairn_call(*state, "session.export_now", args, &out), CAIRN_OK);
    assert_non_null(strstr(out, "tide table"));
    assert_string_equal(h.text, out);
    assert_true(h.pieces > 2);
    cairn_free(out);
    memset(&h, 0, sizeof h);
    h.enough_after = 1;
    assert_int_equal(cairn_call_stream(*state, "session.export_now", args, keep, &h), CAIRN_UNAVAILABLE);
    assert_int_equal(h.pieces, 1);
    assert_non_null(strstr(cairn_last_error(), "wanted no more"));
}

static void test_any_operation_takes_a_sink(void **state)
{
    static struct heap h;
    memset(&h, 0, sizeof h);
    assert_int_equal(cairn_call_stream(*state, "session.list", NULL, keep, &h), CAIRN_OK);
    assert_int_equal(h.pieces, 1);
    assert_non_null(strstr(h.text, "\"sess_"));
    memset(&h, 0, sizeof h);
    assert_int_equal(cairn_call_stream(*state, "session.get", "{\"id\":\"sess_0\"}", keep, &h), CAIRN_NOT_FOUND);
    assert_int_equal(h.pieces, 0);
    assert_non_null(strstr(cairn_last_error(), "sess_0"));
    assert_int_equal(cairn_call_stream(*state, "session.list", NULL, NULL, &h), CAIRN_INVALID);
    assert_int_equal(cairn_call_stream(NULL, "session.list", NULL, keep, &h), CAIRN_INVALID);
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
        cmocka_unit_test(test_remember_and_recall),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_embed),
        cmocka_unit_test(test_errors_tell_what_is_wrong),
        cmocka_unit_test(test_wrong_handles),
        cmocka_unit_test(test_two_handles_on_one_folder),
        cmocka_unit_test(test_threads_share_a_handle),
        cmocka_unit_test(test_remember_and_recall_in_one_call_each),
        cmocka_unit_test(test_a_folder_opened_read_only_stays_as_it_is),
        cmocka_unit_test(test_settings_are_given_by_name),
        cmocka_unit_test(test_options_of_another_version),
        cmocka_unit_test(test_work_behind_the_writes_when_asked_for),
        cmocka_unit_test(test_an_export_in_pieces_is_the_export_in_one),
        cmocka_unit_test(test_any_operation_takes_a_sink),
        cmocka_unit_test(test_memory_runs_out_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
