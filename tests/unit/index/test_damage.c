/* A lost or damaged file of the index: search goes on, and the index mends itself from the store. */
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

/* The one segment that fill() leaves, or the list of segments. */
static void path_of(struct shelf *s, char *out, size_t n, bool list)
{
    struct manifest m;
    char dir[100];
    snprintf(dir, sizeof dir, "%s/index", s->place->dir);
    if (list) {
        manifest_path(out, n, dir, "manifest");
        return;
    }
    OK(manifest_load(store_keyring(s->store), dir, &m, &e));
    assert_int_equal(m.n, 1);
    segment_path(out, n, dir, m.entries[0].name);
    manifest_release(&m);
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

/* What is done to each of the two files while nobody has it open. */
static void remove_it(const char *path)
{
    assert_int_equal(unlink(path), 0);
}

static void damage_its_begin(const char *path)
{
    scribble(path, 0, 64);
}

static void damage_all_of_it(const char *path)
{
    scribble(path, 0, file_size(path));
}

static void damage_its_end(const char *path)
{
    scribble(path, file_size(path) - 64, file_size(path));
}

static void cut_it(const char *path)
{
    assert_int_equal(truncate(path, file_size(path) / 2), 0);
}

static void empty_it(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void lengthen_it(const char *path)
{
    assert_int_equal(truncate(path, file_size(path) + 8), 0);
}

static void every_damage_is_mended(void **state)
{
    struct shelf *s = *state;
    void (*const damage[])(const char *) = {remove_it, damage_its_begin, damage_all_of_it, damage_its_end,
                                            cut_it,    empty_it,         lengthen_it};
    char path[200];
    fill(s);
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++)
        for (int list = 0; list < 2; list++) {
            close_index(s);
            path_of(s, path, sizeof path, list);
            damage[i](path);
            shelf_index(s, false);
            mends(s);
        }
}

static void damage_while_it_is_open(void **state)
{
    struct shelf *s = *state;
    char path[200];
    fill(s);
    for (int list = 0; list < 2; list++) {
        shelf_index(s, false);
        path_of(s, path, sizeof path, list);
        scribble(path, 0, file_size(path));
        all_is_found(s);
        for (int i = 0; i < 1000 && index_check(s->index, NULL) != ERR_OK; i++)
            usleep(10000);
        mends(s);
    }
}

static void a_segment_cut_short_while_it_is_open(void **state)
{
    struct shelf *s = *state;
    char path[200];
    fill(s);
    path_of(s, path, sizeof path, false);
    all_is_found(s);
    cut_it(path);
    all_is_found(s);
    mends(s);
}

static void files_that_vanish_while_it_is_open(void **state)
{
    struct shelf *s = *state;
    char command[200];
    fill(s);
    snprintf(command, sizeof command, "rm -r %s/index", s->place->dir);
    assert_int_equal(system(command), 0);
    mends(s);
    shelf_index(s, false);
    mends(s);
}

/* Its lock goes with it: who writes here must have the one that is here. */
static void a_folder_moved_away_while_it_is_open(void **state)
{
    struct shelf *s = *state;
    char command[300];
    fill(s);
    OK(index_flush(s->index, &e));
    snprintf(command, sizeof command, "mv %s/index %s/moved", s->place->dir, s->place->dir);
    assert_int_equal(system(command), 0);
    mends(s);
    snprintf(command, sizeof command, "rm -r %s/moved", s->place->dir);
    assert_int_equal(system(command), 0);
}

/* What is deleted must not stay in a file only because that is damaged as well. */
static void a_purge_replaces_what_is_damaged(void **state)
{
    struct shelf *s = *state;
    struct index *x = s->index;
    fill(s);
    OK(index_flush(x, &e));
    pthread_mutex_lock(&x->keeping);
    struct stock *now = index_stock(x);
    (void)segment_bad(now->segments[0], NULL);
    stock_drop(now);
    pthread_mutex_lock(&x->feeding);
    OK(feed_set_aside(x, &e));
    pthread_mutex_unlock(&x->feeding);
    assert_int_equal(x->stock->n_holes, 1);
    OK(keep_purge(x, &e));
    assert_int_equal(x->stock->n_holes, 0);
    pthread_mutex_unlock(&x->keeping);
    all_is_found(s);
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

static void an_index_without_files_is_read_only_and_finds(void **state)
{
    struct shelf *s = *state;
    char command[200];
    fill(s);
    close_index(s);
    snprintf(command, sizeof command, "rm -r %s/index", s->place->dir);
    assert_int_equal(system(command), 0);
    shelf_index(s, true);
    assert_int_equal(index_lag(s->index), 200);
    all_is_found(s);
    snprintf(command, sizeof command, "test ! -e %s/index", s->place->dir);
    assert_int_equal(system(command), 0);
}

/* However many turns came after what is missing. */
static void an_old_hole_is_searched_in_the_store(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    struct turn_new *turns = calloc(INDEX_TAIL_MAX + 300, sizeof *turns);
    fill(s);
    for (size_t i = 0; i < INDEX_TAIL_MAX + 300; i++)
        turns[i] = (struct turn_new){.conversation_id = conv,
                                     .agent = STR("ann"),
                                     .role = STR("user"),
                                     .content = STR("hay and straw"),
                                     .token_count = -1};
    shelf_append(s, turns, INDEX_TAIL_MAX + 300);
    free(turns);
    OK(index_flush(s->index, &e));
    shelf_index(s, true); /* which does not mend */
    struct stock *now = index_stock(s->index);
    assert_true(now->n > 1);
    (void)segment_bad(now->segments[0], NULL);
    stock_drop(now);
    all_is_found(s);
    all_is_found(s);
}

static void the_format_before_is_removed(void **state)
{
    struct shelf *s = *state;
    char command[300];
    fill(s);
    close_index(s);
    snprintf(command, sizeof command, "cd %s/index && touch words.db words.db-wal words-00.seg manifest.abcdef",
             s->place->dir);
    assert_int_equal(system(command), 0);
    shelf_index(s, false);
    all_is_found(s);
    snprintf(command, sizeof command, "cd %s/index && test $(ls | wc -l) = 3", s->place->dir); /* lock, list, segment */
    assert_int_equal(system(command), 0);
}

/* ---- sealed or plain ---- */
static bool any_file_holds(struct shelf *s, const char *word)
{
    char command[200];
    snprintf(command, sizeof command, "grep -rqa %s %s/index", word, s->place->dir);
    return system(command) == 0;
}

/* There and back; searches go on with what they have, and find the same after. */
static void files_are_converted(void **state)
{
    struct shelf *s = *state;
    if (!place_is_sealed)
        return;
    fill(s);
    assert_false(any_file_holds(s, "harpoon"));
    for (int i = 0; i < 4; i++) {
        bool plain = i % 2 == 0;
        OK(keyring_set_state(store_keyring(s->store), plain ? SEAL_OPENING : SEAL_SEALING, &e));
        struct stock *before = index_stock(s->index);
        OK(index_convert(s->index, &e));
        assert_true(any_file_holds(s, "harpoon") == plain);
        all_is_found(s);
        stock_drop(before);
        OK(index_check(s->index, &e));
        if (i > 1) { /* also from the files alone */
            close_index(s);
            shelf_index(s, false);
            all_is_found(s);
        }
    }
}

/* Keys that are renewed: files under the old ones are written anew. */
static void files_take_new_keys(void **state)
{
    struct shelf *s = *state;
    if (!place_is_sealed)
        return;
    fill(s);
    OK(keyring_renew(store_keyring(s->store), &e));
    all_is_found(s);
    OK(index_convert(s->index, &e));
    OK(keyring_set_state(store_keyring(s->store), SEAL_SEALED, &e));
    close_index(s);
    shelf_index(s, false);
    struct stock *now = index_stock(s->index);
    assert_true(now->n_files == 1 && now->n_holes == 0);
    stock_drop(now);
    mends(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(every_damage_is_mended),
                                       SHELF_TEST(damage_while_it_is_open),
                                       SHELF_TEST(a_segment_cut_short_while_it_is_open),
                                       SHELF_TEST(files_that_vanish_while_it_is_open),
                                       SHELF_TEST(a_folder_moved_away_while_it_is_open),
                                       SHELF_TEST(a_purge_replaces_what_is_damaged),
                                       SHELF_TEST(a_folder_that_cannot_be_made),
                                       SHELF_TEST(an_index_without_files_is_read_only_and_finds),
                                       SHELF_TEST(an_old_hole_is_searched_in_the_store),
                                       SHELF_TEST(the_format_before_is_removed),
                                       SHELF_TEST(files_are_converted),
                                       SHELF_TEST(files_take_new_keys)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    place_is_sealed = true;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
