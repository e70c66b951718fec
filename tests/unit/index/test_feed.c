/* Feeding: nothing twice, nothing left out, by one process or several; rebuilding; a store put back from a backup. */
#include "unit/index/shelf.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void say_many(struct shelf *s, struct str conv, size_t n, const char *text)
{
    struct turn_new *turns = calloc(n, sizeof *turns);
    for (size_t i = 0; i < n; i++)
        turns[i] = (struct turn_new){.conversation_id = conv,
                                     .agent = STR("ann"),
                                     .role = STR("user"),
                                     .content = str_of(text),
                                     .token_count = -1};
    shelf_append(s, turns, n);
    free(turns);
}

static int64_t matches(struct shelf *s, const char *word)
{
    struct index_query q = shelf_query(s, word);
    return shelf_search(s, &q).matches;
}

static void flush_takes_everything_in(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    say_many(s, conv, FEED_BATCH * 2 + 17, "a barrel of salt");
    OK(index_flush(s->index, &e));
    assert_int_equal(index_lag(s->index), 0);
    assert_int_equal(matches(s, "barrel"), FEED_BATCH * 2 + 17);
    OK(index_check(s->index, &e));
    OK(index_flush(s->index, &e)); /* again: nothing twice */
    assert_int_equal(matches(s, "barrel"), FEED_BATCH * 2 + 17);
}

/* The feeder does it by itself, woken or not. */
static void the_thread_feeds(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    for (int woken = 0; woken < 2; woken++) {
        say_many(s, conv, 10, "cargo");
        if (woken)
            index_wake(s->index);
        for (int i = 0; i < 1000 && index_lag(s->index) > 0; i++)
            usleep(10000);
        assert_int_equal(index_lag(s->index), 0);
    }
}

static void what_was_taken_stays_taken(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    say_many(s, conv, 20, "rudder");
    OK(index_flush(s->index, &e));
    shelf_index(s, true); /* cannot feed: what it knows was kept */
    assert_int_equal(index_lag(s->index), 0);
    assert_int_equal(matches(s, "rudder"), 20);
    WANT(ERR_READ_ONLY, index_rebuild(s->index, NULL, NULL, &e));
}

/* ---- several feeders on one folder, as several processes would be ---- */
struct feeder {
    struct index *index;
    int failed;
};

static void *feed_often(void *arg)
{
    struct feeder *f = arg;
    for (int i = 0; i < 20; i++) {
        struct err e = {0};
        f->failed += index_flush(f->index, &e) != ERR_OK;
    }
    return NULL;
}

static void several_feeders_take_each_turn_once(void **state)
{
    struct shelf *s = *state;
    enum { FEEDERS = 3 };
    struct feeder f[FEEDERS] = {{NULL, 0}};
    pthread_t threads[FEEDERS];
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    for (int i = 0; i < FEEDERS; i++) {
        struct index_options o = {.store = s->store, .dir = s->place->dir};
        OK(index_open(&o, &f[i].index, &e));
        assert_int_equal(pthread_create(&threads[i], NULL, feed_often, &f[i]), 0);
    }
    for (int i = 0; i < 30; i++)
        say_many(s, conv, 40, "lantern");
    for (int i = 0; i < FEEDERS; i++) {
        pthread_join(threads[i], NULL);
        index_close(f[i].index);
        assert_int_equal(f[i].failed, 0);
    }
    OK(index_flush(s->index, &e));
    assert_int_equal(matches(s, "lantern"), 1200);
    OK(index_check(s->index, &e));
}

static void on_progress(void *arg, int64_t done, int64_t total)
{
    int64_t *last = arg;
    assert_true(done >= *last && done <= total);
    *last = done;
}

static void rebuild_makes_the_same_again(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    int64_t last = 0;
    say_many(s, conv, 2500, "pilot");
    OK(index_flush(s->index, &e));
    OK(index_rebuild(s->index, on_progress, &last, &e));
    assert_int_equal(last, 2500);
    assert_int_equal(index_lag(s->index), 0);
    assert_int_equal(matches(s, "pilot"), 2500);
    OK(index_check(s->index, &e));
}

static void *rebuild_often(void *arg)
{
    struct shelf *s = arg;
    for (int i = 0; i < 25; i++) {
        struct err e = {0};
        if (index_rebuild(s->index, NULL, NULL, &e))
            return mem_strdup(e.message);
    }
    return NULL;
}

/* A file that another thread is just making anew is neither damaged nor a reason to fail. */
static void rebuilds_at_the_same_time_all_succeed(void **state)
{
    struct shelf *s = *state;
    pthread_t threads[3];
    say_many(s, shelf_conversation(s, shelf_session(s, "p")), 50, "pilot");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, rebuild_often, s), 0);
    for (int i = 0; i < 3; i++) {
        void *problem;
        pthread_join(threads[i], &problem);
        if (problem)
            fail_msg("%s", (char *)problem);
    }
    OK(index_flush(s->index, &e));
    assert_int_equal(matches(s, "pilot"), 50);
    OK(index_check(s->index, &e));
}

/* As after a restore: the same numbers now mean other turns. */
static void another_store_is_noticed(void **state)
{
    struct shelf *s = *state;
    struct place *p = s->place;
    char path[128];
    say_many(s, shelf_conversation(s, shelf_session(s, "p")), 30, "old cargo");
    OK(index_flush(s->index, &e));
    index_close(s->index);
    s->index = NULL;
    store_close(s->store);
    p->store = NULL;
    snprintf(path, sizeof path, "cd %s && find . -name 'store.db*' -delete", p->dir);
    assert_int_equal(system(path), 0);
    place_reopen(p);
    s->store = p->store;
    say_many(s, shelf_conversation(s, shelf_session(s, "p")), 40, "new freight");
    shelf_index(s, false);
    OK(index_flush(s->index, &e));
    assert_int_equal(matches(s, "cargo"), 0);
    assert_int_equal(matches(s, "freight"), 40);
    OK(index_check(s->index, &e));
}

static void feed(struct index *x)
{
    int64_t n;
    pthread_mutex_lock(&x->feeding);
    OK(feed_refresh(x, &e));
    OK(feed_some(x, FEED_BATCH, &n, &e));
    pthread_mutex_unlock(&x->feeding);
}

static void assert_anchor(const struct index *x, int64_t seq)
{
    struct manifest m;
    OK(manifest_load(NULL, x->dir, &m, &e));
    assert_int_equal(m.watermark, seq);
    assert_int_equal(m.anchor, seq);
    manifest_release(&m);
}

/* By its last turn a store put back from a copy is noticed: not by one beyond, which the copy need not have, nor by one
 * long before, which it has too. */
static void the_list_names_the_last_turn_that_is_in_it(void **state)
{
    struct shelf *s = *state;
    struct index *x = s->index;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    int64_t last = 0;
    pthread_mutex_lock(&x->keeping);
    OK(keep_claim(x, &e));
    for (int i = 0; i < 2; i++) {
        last = shelf_say(s, conv, "ann", "cargo");
        feed(x);
    }
    int64_t later = shelf_say(s, conv, "ann", "freight");
    OK(keep_flush(x, &e)); /* takes the later one in while it writes */
    assert_int_equal(x->stock->taken, later);
    assert_anchor(x, last);
    x->reload = true; /* the list is read again while there is more in memory */
    feed(x);
    OK(keep_flush(x, &e));
    assert_anchor(x, later);
    pthread_mutex_unlock(&x->keeping);
}

/* More of them than memory has room for at once. */
static void a_hole_of_long_turns_is_filled(void **state)
{
    enum { TURNS = 80, LONG = 1000000 };
    struct shelf *s = *state;
    struct index *x = s->index;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    char *text = malloc(LONG + 1);
    memset(text, 'x', LONG);
    memcpy(text, "cargo ", 6);
    text[LONG] = '\0';
    for (int i = 0; i < TURNS; i++)
        shelf_say(s, conv, "ann", text);
    free(text);
    OK(index_flush(x, &e));
    pthread_mutex_lock(&x->keeping);
    struct stock *now = index_stock(x);
    for (size_t i = 0; i < now->n; i++)
        (void)segment_bad(now->segments[i], NULL);
    stock_drop(now);
    pthread_mutex_lock(&x->feeding);
    OK(feed_set_aside(x, &e));
    pthread_mutex_unlock(&x->feeding);
    OK(keep_repair(x, &e));
    pthread_mutex_unlock(&x->keeping);
    assert_int_equal(matches(s, "cargo"), TURNS);
    OK(index_check(x, &e));
}

/* ---- deletions ---- */
static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct dropped d;
    return conversation_delete(tx, *(struct str *)arg, &d, e);
}

static bool in_files(struct shelf *s, const char *word)
{
    char command[200];
    snprintf(command, sizeof command, "grep -qaR %s %s/index", word, s->place->dir);
    return system(command) == 0;
}

/* Asked for by a process that does not keep the files; deleted turns crowd out no living one meanwhile. */
static void what_is_deleted_is_not_found_and_can_be_purged(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    struct str kept = shelf_conversation(s, session), gone = shelf_conversation(s, session);
    say_many(s, kept, 3, "a sextant among many other things of which the talk is long");
    say_many(s, gone, 400, "sextant quadrant");
    OK(index_flush(s->index, &e));
    OK(store_write(s->store, delete_job, &gone, &e));
    struct index_query q = shelf_query(s, "sextant quadrant");
    q.limit = 10;
    struct index_hits h = shelf_search(s, &q);
    assert_int_equal(h.n, 3);
    assert_true(in_files(s, "quadrant"));
    struct index *other = NULL;
    struct index_options o = {.store = s->store, .dir = s->place->dir};
    OK(index_open(&o, &other, &e));
    OK(index_purge(other, &e));
    index_close(other);
    assert_false(in_files(s, "quadrant"));
    assert_int_equal(shelf_search(s, &q).n, 3);
    OK(index_check(s->index, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(flush_takes_everything_in),
                                       SHELF_TEST(the_thread_feeds),
                                       SHELF_TEST(what_was_taken_stays_taken),
                                       SHELF_TEST(several_feeders_take_each_turn_once),
                                       SHELF_TEST(rebuild_makes_the_same_again),
                                       SHELF_TEST(another_store_is_noticed),
                                       SHELF_TEST(the_list_names_the_last_turn_that_is_in_it),
                                       SHELF_TEST(a_hole_of_long_turns_is_filled),
                                       SHELF_TEST(rebuilds_at_the_same_time_all_succeed),
                                       SHELF_TEST(what_is_deleted_is_not_found_and_can_be_purged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
