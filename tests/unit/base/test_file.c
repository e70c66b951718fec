/* File calls: what they do, what they say, and that a failing one leaves nothing half done. */
#include "unit/base/unit.h"

#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/cairn-test-file-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static const char *in_dir(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int entries(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static int tear_down(void **state)
{
    (void)state;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
            unlink(in_dir(e->d_name));
    }
    if (d)
        closedir(d);
    return rmdir(dir);
}

static struct str content(const char *path, struct buf *b)
{
    struct err e = {0};
    buf_clear(b);
    assert_int_equal(file_read_all(path, 1 << 20, b, &e), ERR_OK);
    return buf_view(b);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void test_write_and_read(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 0);
    const char *path = in_dir("a");
    assert_false(file_exists(path));
    assert_int_equal(file_size(path), -1);
    assert_int_equal(file_write_atomic(path, STR("one"), &e), ERR_OK);
    assert_str(content(path, &b), "one");
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(file_write_atomic(path, STR(""), &e), ERR_OK);
    assert_str(content(path, &b), "");
    assert_int_equal(file_size(path), 0);
    assert_int_equal(entries(dir), 1);
    assert_int_equal(file_remove(path, &e), ERR_OK);
    assert_int_equal(file_remove(path, &e), ERR_OK);
    assert_false(file_exists(path));
    buf_release(&b);
}

static void test_append(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 2; i++) {
        int fd = file_open_append(in_dir("log"), &e);
        assert_true(fd >= 0);
        assert_int_equal(file_write_fd(fd, STR("line\n"), &e), ERR_OK);
        assert_int_equal(file_sync(fd, &e), ERR_OK);
        close(fd);
    }
    assert_str(content(in_dir("log"), &b), "line\nline\n");
    assert_int_equal(mode_of(in_dir("log")), 0600);
    buf_release(&b);
}

static void test_read_bounds(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 0);
    char *large = mem_zalloc(200001);
    assert_int_equal(file_write_atomic(in_dir("large"), (struct str){large, 200001}, &e), ERR_OK);
    assert_int_equal(file_read_all(in_dir("large"), 200001, &b, &e), ERR_OK);
    assert_int_equal(b.n, 200001);
    assert_int_equal(file_read_all(in_dir("large"), 200000, &b, &e), ERR_TOO_LARGE);
    assert_non_null(strstr(e.message, "is larger than 200000 bytes"));
    mem_free(large);
    buf_release(&b);
}

static void test_errors_name_the_path(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 0);
    assert_int_equal(file_read_all(in_dir("none"), 10, &b, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.message, in_dir("none")));
    err_clear(&e);
    assert_int_equal(file_write_atomic(in_dir("no/such"), STR("x"), &e), ERR_IO);
    assert_non_null(strstr(e.message, in_dir("no/such")));
    err_clear(&e);
    assert_int_equal(file_open_append(in_dir("no/such"), &e), -1);
    assert_int_equal(e.code, ERR_IO);
    err_clear(&e);
    assert_int_equal(file_read_all(dir, 10, &b, &e), ERR_IO);
    buf_release(&b);
}

/* Nobody writes to it and nobody reads: waiting would be for ever. */
static void test_a_pipe_in_a_files_place(void **state)
{
    struct err e = {0};
    struct buf b;
    struct str map;
    (void)state;
    buf_init(&b, 0);
    assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
    assert_int_equal(file_read_all(in_dir("pipe"), 100, &b, &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "pipe is not a file"));
    assert_int_equal(file_map(in_dir("pipe"), 100, &map, NULL), ERR_INVALID);
    assert_int_equal(file_open_read(in_dir("pipe"), NULL), -1);
    assert_int_equal(file_open_write(in_dir("pipe"), NULL), -1);
    e = (struct err){0};
    assert_int_equal(file_open_append(in_dir("pipe"), &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    buf_release(&b);
}

static void test_full_disk(void **state)
{
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    struct err e = {0};
    assert_int_equal(file_write_fd(fd, STR("x"), &e), ERR_DISK_FULL);
    close(fd);
}

static void test_mkdirs(void **state)
{
    (void)state;
    struct err e = {0};
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/x//y/z/", dir);
    assert_int_equal(file_mkdirs(path, &e), ERR_OK);
    assert_int_equal(file_mkdirs(path, &e), ERR_OK);
    assert_int_equal(mode_of(in_dir("x/y/z")), 0700);
    assert_int_equal(rmdir(in_dir("x/y/z")) | rmdir(in_dir("x/y")) | rmdir(in_dir("x")), 0);
    assert_int_equal(file_write_atomic(in_dir("plain"), STR("x"), &e), ERR_OK);
    assert_int_equal(file_mkdirs(in_dir("plain/y"), &e), ERR_IO);
    assert_non_null(strstr(e.message, "Not a directory"));
    err_clear(&e);
    assert_int_equal(file_mkdirs(in_dir("plain"), &e), ERR_IO);
    err_clear(&e);
    assert_int_equal(file_mkdirs("", &e), ERR_IO);
    static char too_long[PATH_MAX + 10];
    memset(too_long, 'a', sizeof too_long - 1);
    assert_int_equal(file_mkdirs(too_long, NULL), ERR_IO);
}

/* Every step fails in turn: the old content or the new, never a mixture, and no leftovers. */
static void test_atomic_under_faults(void **state)
{
    (void)state;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 0);
    const char *path = in_dir("state");
    bool hit = true;
    for (int64_t n = 0; hit && n < 50; n++) {
        assert_int_equal(file_write_atomic(path, STR("old"), &e), ERR_OK);
        mem_fail_after(n, false);
        enum err_code rc = file_write_atomic(path, STR("newer"), &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(rc, hit ? ERR_IO : ERR_OK);
        struct str now = content(path, &b);
        assert_true(str_is(now, "newer") || (hit && str_is(now, "old")));
        assert_int_equal(entries(dir), 1);
        err_clear(&e);
    }
    assert_false(hit);
    buf_release(&b);
}

static void test_reading_under_faults(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(file_write_atomic(in_dir("r"), STR("content"), &e), ERR_OK);
    bool hit = true;
    for (int64_t n = 0; hit && n < 50; n++) {
        struct buf b;
        buf_init(&b, 0);
        mem_fail_after(n, true);
        enum err_code rc = file_read_all(in_dir("r"), 100, &b, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(rc == ERR_OK, !hit);
        assert_true(hit || str_is(buf_view(&b), "content"));
        err_clear(&e);
        buf_release(&b);
    }
    assert_false(hit);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write_and_read),
        TEST(test_append),
        TEST(test_read_bounds),
        TEST(test_errors_name_the_path),
        TEST(test_a_pipe_in_a_files_place),
        TEST(test_full_disk),
        TEST(test_mkdirs),
        TEST(test_atomic_under_faults),
        TEST(test_reading_under_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
