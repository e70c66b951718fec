/* Log lines: JSON into a pipe, readable words on a terminal, bounded, whole under threads. */
#include "unit/base/unit.h"

#include "base/json.h"
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipe_ends[2];
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    if (!arena || pipe2(pipe_ends, O_CLOEXEC) != 0)
        return -1;
    log_setup(LOG_INFO, false, pipe_ends[1]); /* a pipe is no terminal: JSON */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_setup(LOG_OFF, false, STDERR_FILENO);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    arena_free(arena);
    return 0;
}

static struct str read_from(int fd)
{
    static char text[1 << 16];
    ssize_t n = read(fd, text, sizeof text);
    assert_true(n > 0);
    return (struct str){text, (size_t)n};
}

static const struct json *read_line(struct str line)
{
    const struct json *o;
    struct err e = {0};
    assert_int_equal(line.p[line.n - 1], '\n');
    if (json_parse(arena, line, 0, &o, &e) != ERR_OK)
        fail_msg("%s", e.message);
    return o;
}

static void test_json_line(void **state)
{
    (void)state;
    log_event(LOG_WARN, "disk_slow", L_CSTR("path", "a \"b\"\n\xFF"), L_INT("ms", 12), L_NUM("share", 0.5),
              L_STR("none", STR_NONE));
    const struct json *o = read_line(read_from(pipe_ends[0]));
    assert_str(json_text(o, "level"), "warn");
    assert_str(json_text(o, "event"), "disk_slow");
    assert_str(json_text(o, "path"), "a \"b\"\n\xEF\xBF\xBD");
    assert_int_equal(json_get(o, "ms")->integer, 12);
    assert_true(json_get(o, "share")->number == 0.5);
    assert_int_equal(json_get(o, "none")->type, JSON_NULL);
    assert_int_equal(json_text(o, "time").n, 24);
}

static void test_levels(void **state)
{
    (void)state;
    enum log_level level;
    assert_true(log_level_parse(STR("error"), &level) && level == LOG_ERROR);
    assert_true(log_level_parse(STR("off"), &level) && level == LOG_OFF);
    assert_false(log_level_parse(STR("loud"), &level));
    log_write(LOG_DEBUG, "unheard", NULL, 0);
    log_write(LOG_INFO, "heard", NULL, 0);
    assert_str(json_text(read_line(read_from(pipe_ends[0])), "event"), "heard");
    log_setup(LOG_OFF, true, pipe_ends[1]);
    log_write(LOG_ERROR, "unheard", NULL, 0);
    log_setup(LOG_DEBUG, true, pipe_ends[1]);
    log_write(LOG_DEBUG, "all", NULL, 0);
    assert_str(json_text(read_line(read_from(pipe_ends[0])), "event"), "all");
}

static void test_log_error(void **state)
{
    (void)state;
    struct err e = {0};
    err_set(&e, ERR_INVALID, "limit", "must be at most 100");
    log_error("request_failed", &e);
    const struct json *o = read_line(read_from(pipe_ends[0]));
    assert_str(json_text(o, "level"), "error");
    assert_str(json_text(o, "code"), "VALIDATION_FAILED");
    assert_str(json_text(o, "field"), "limit");
    assert_str(json_text(o, "message"), "must be at most 100");
}

/* However much is given, a line is whole JSON of at most 8 KiB and says that something is missing. */
static void test_lines_are_bounded(void **state)
{
    (void)state;
    static char noise[5000];
    memset(noise, '\x01', sizeof noise); /* six bytes each when escaped */
    struct log_field fields[300];
    for (size_t n = 0; n < 300; n = n * 2 + 1) {
        for (size_t i = 0; i < n; i++)
            fields[i] = L_STR("k", ((struct str){noise, 97 * (i % 50)}));
        log_write(LOG_INFO, "big", fields, n);
        struct str line = read_from(pipe_ends[0]);
        assert_true(line.n <= 8192);
        const struct json *o;
        assert_int_equal(json_parse(arena, line, JSON_DUPLICATES_OK, &o, NULL), ERR_OK);
        assert_int_equal(json_get(o, "truncated") != NULL, o->n != n + 3);
        assert_true(n < 100 || json_get(o, "truncated"));
        assert_true(n > 3 || !json_get(o, "truncated"));
    }
}

enum { THREADS = 4, EACH = 100 };

static void *log_many(void *arg)
{
    for (int i = 0; i < EACH; i++)
        log_event(LOG_INFO, "tick", L_INT("thread", *(int *)arg), L_INT("i", i));
    return NULL;
}

static void test_threads_write_whole_lines(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int names[THREADS] = {0, 1, 2, 3}, lines = 0;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, &names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (struct str rest = read_from(pipe_ends[0]); rest.n > 0; lines++) {
        const struct json *o;
        assert_int_equal(json_parse(arena, str_cut(&rest, '\n'), 0, &o, NULL), ERR_OK);
    }
    assert_int_equal(lines, THREADS * EACH);
}

static void test_terminal(void **state)
{
    (void)state;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        skip();
    int tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0)
        skip();
    log_setup(LOG_INFO, false, tty);
    log_event(LOG_WARN, "event", L_CSTR("a", "plain"), L_CSTR("b", "two words"), L_CSTR("c", "\x1b[31m"), L_INT("d", 5),
              L_CSTR("e", ""));
    struct str line = read_from(master);
    assert_str(str_skip(line, 24), " warn  event a=plain b=\"two words\" c=\"\\u001b[31m\" d=5 e=\"\"\r\n");
    log_setup(LOG_INFO, true, tty); /* JSON when asked for */
    log_write(LOG_INFO, "event", NULL, 0);
    assert_int_equal(read_from(master).p[0], '{');
    close(tty);
    close(master);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_json_line),
        TEST(test_levels),
        TEST(test_log_error),
        TEST(test_lines_are_bounded),
        TEST(test_threads_write_whole_lines),
        TEST(test_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
