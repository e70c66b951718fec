/* A lost or damaged index file: search goes on, and the index is made anew by itself. */
#include "unit/index/shelf.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct str fill(struct shelf *s)
{
    struct str session = shelf_session(s, "p");
    struct str conv = shelf_conversation(s, session);
    for (int i = 0; i < 200; i++) {
        char text[64];
        snprintf(text, sizeof text, "harpoon item%d and item%d", i, i + 1000);
        shelf_say(s, conv, "ann", text);
    }
    OK(index_flush(s->index, &e));
    return session;
}

static void path_of(struct shelf *s, char *out, size_t n, const char *end)
{
    snprintf(out, n, "%s/index/words.db%s", s->place->dir, end);
}

static void scribble(const char *path, off_t from, off_t to)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (off_t at = from; at < to; at += 64)
        assert_int_equal(pwrite(fd, "not what was written here, not at all, nor anything like it ...", 64, at), 64);
    close(fd);
}

static void all_is_found(struct shelf *s)
{
    struct index_query q = shelf_query(s, "harpoon");
    q.limit = 300;
    assert_int_equal(shelf_search(s, &q).n, 200);
}

/* Searched at once, and right again after the next flush. */
static void mends(struct shelf *s)
{
    all_is_found(s);
    OK(index_flush(s->index, &e));
    all_is_found(s);
    OK(index_check(s->index, &e));
    assert_int_equal(index_lag(s->index), 0);
}

static void close_index(struct shelf *s)
{
    index_close(s->index);
    s->index = NULL;
}

static void a_missing_file(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    assert_int_equal(unlink(path), 0);
    shelf_index(s, false);
    mends(s);
}

static void a_damaged_header(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    scribble(path, 0, 256);
    shelf_index(s, false);
    mends(s);
}

static void a_damaged_middle(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    scribble(path, 4096, file_size(path));
    shelf_index(s, false);
    mends(s);
}

static void a_truncated_file(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    assert_int_equal(truncate(path, 4096 * 3), 0);
    shelf_index(s, false);
    mends(s);
}

static void an_empty_file(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    assert_int_equal(truncate(path, 0), 0);
    shelf_index(s, false);
    mends(s);
}

static void a_file_of_another_format(void **state)
{
    struct shelf *s = *state;
    sqlite3 *db = NULL;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    shelf_index(s, false);
    mends(s);
}

static void damage_while_it_is_open(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    shelf_index(s, false); /* checkpointed by closing, so that the file is read and not its log */
    path_of(s, path, sizeof path, "");
    scribble(path, 4096, file_size(path));
    all_is_found(s);
    for (int i = 0; i < 1000 && index_check(s->index, NULL) != ERR_OK; i++)
        usleep(10000);
    mends(s);
}

/* As on a full or read-only disk: reading goes on. */
static void a_folder_that_cannot_be_made(void **state)
{
    struct shelf *s = *state;
    char command[200];
    fill(s);
    close_index(s);
    snprintf(command, sizeof command, "rm -rf %s/index && touch %s/index", s->place->dir, s->place->dir);
    assert_int_equal(system(command), 0);
    shelf_index(s, false);
    all_is_found(s);
    assert_int_not_equal(index_flush(s->index, NULL), ERR_OK);
    assert_int_not_equal(index_check(s->index, NULL), ERR_OK);
    snprintf(command, sizeof command, "rm %s/index", s->place->dir);
    assert_int_equal(system(command), 0);
    mends(s);
}

static void an_index_without_a_file_is_read_only_and_finds(void **state)
{
    struct shelf *s = *state;
    char path[128];
    fill(s);
    close_index(s);
    path_of(s, path, sizeof path, "");
    unlink(path);
    shelf_index(s, true);
    all_is_found(s);
    assert_int_equal(index_lag(s->index), 200);
    assert_int_equal(file_size(path), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(a_missing_file),
                                       SHELF_TEST(a_damaged_header),
                                       SHELF_TEST(a_damaged_middle),
                                       SHELF_TEST(a_truncated_file),
                                       SHELF_TEST(an_empty_file),
                                       SHELF_TEST(a_file_of_another_format),
                                       SHELF_TEST(a_folder_that_cannot_be_made),
                                       SHELF_TEST(damage_while_it_is_open),
                                       SHELF_TEST(an_index_without_a_file_is_read_only_and_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
