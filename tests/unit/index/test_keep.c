/* What the keeper holds in memory: long turns are taken a few at a time, and go to files also while a merge goes on. */
#include "unit/index/shelf.h"

#include <stdlib.h>
#include <string.h>

enum { LONG = 100000, MANY = 60 };

/* A long text of words that no other has. */
static char *long_text(int number)
{
    char *p = malloc(LONG + 32);
    int n = sprintf(p, "anchor ");
    for (unsigned i = 0; n < LONG; i++)
        n += sprintf(p + n, "w%x ", ((unsigned)number * 20000 + i) * 2654435761u);
    return p;
}

static void say_long(struct shelf *s, struct str conv, int first, int n)
{
    for (int i = first; i < first + n; i++) {
        char *text = long_text(i);
        (void)shelf_say(s, conv, "ann", text);
        free(text);
    }
}

static int64_t found(struct shelf *s, struct index *x, const char *word)
{
    struct index_query q = shelf_query(s, word);
    struct index_hits h;
    q.limit = 1000;
    OK(index_search(x, s->arena, &q, &h, &e));
    return h.matches;
}

static struct index *keeper(struct shelf *s)
{
    char dir[128];
    index_close(s->index);
    s->index = NULL;
    (void)snprintf(dir, sizeof dir, "%s/index-bare", s->place->dir);
    struct index *x = shelf_bare(s, dir);
    OK(keep_claim(x, &e));
    return x;
}

static uint64_t memory_bytes(const struct index *x)
{
    uint64_t bytes = 0;
    for (size_t i = x->stock->n_files; i < x->stock->n; i++)
        bytes += x->stock->segments[i]->foot.size;
    return bytes;
}

static void long_turns_are_taken_a_few_at_a_time(void **state)
{
    struct shelf *s = *state;
    struct index *x = keeper(s);
    int64_t n = 1, taken = 0;
    say_long(s, shelf_conversation(s, shelf_session(s, "p")), 0, MANY);
    while (n > 0) {
        OK(keep_flush_batch(x, &n, &e));
        assert_true(n <= MANY / 2); /* two megabytes of text */
        assert_true(memory_bytes(x) < FLUSH_BYTES);
        taken += n;
    }
    assert_int_equal(taken, MANY);
    assert_int_equal(found(s, x, "anchor"), MANY);
    OK(index_check(x, &e));
    shelf_bare_close(x);
}

/* Short ones that come after long ones are taken many at a time again. */
static void short_turns_are_taken_many_at_a_time(void **state)
{
    struct shelf *s = *state;
    struct index *x = keeper(s);
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    int64_t n;
    say_long(s, conv, 0, 3);
    OK(feed_some(x, FEED_BATCH, &n, &e));
    assert_int_equal(n, 3);
    for (int i = 0; i < 200; i++)
        (void)shelf_say(s, conv, "ann", "a short one");
    OK(feed_some(x, FEED_BATCH, &n, &e));
    OK(feed_some(x, FEED_BATCH, &n, &e));
    assert_true(n > 150);
    shelf_bare_close(x);
}

static void turns_that_come_while_merging_go_to_files(void **state)
{
    struct shelf *s = *state;
    struct index *x = keeper(s);
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    int64_t n;
    bool more;
    for (int i = 0; i < MERGE_MAX; i++) {
        (void)shelf_say(s, conv, "ann", "the anchor of a small one");
        OK(feed_some(x, FEED_BATCH, &n, &e));
        OK(keep_flush(x, &e));
    }
    assert_int_equal(x->stock->n_files, MERGE_MAX);
    say_long(s, conv, 0, MANY / 4);
    x->paused_us = 0; /* due at once */
    OK(keep_merge(x, 0, &more, &e));
    assert_int_equal(x->stock->n_files, 2); /* the merged one, and what came meanwhile */
    assert_int_equal(x->stock->segments[0]->foot.n_docs, MERGE_MAX);
    assert_int_equal(x->stock->segments[1]->foot.n_docs, MANY / 4);
    assert_int_equal(memory_bytes(x), 0);
    assert_int_equal(x->stock->watermark, x->stock->segments[1]->foot.to);
    assert_int_equal(found(s, x, "anchor"), MERGE_MAX + MANY / 4);
    OK(index_check(x, &e));
    shelf_bare_close(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(long_turns_are_taken_a_few_at_a_time),
                                       SHELF_TEST(short_turns_are_taken_many_at_a_time),
                                       SHELF_TEST(turns_that_come_while_merging_go_to_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
