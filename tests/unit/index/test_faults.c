/* Every allocation and every statement of the index fails once: no crash, no leak, and never a wrong answer. */
#include "unit/index/shelf.h"

#include "base/mem.h"

enum { TURNS = 12, TRIES_MAX = 5000 };

static void fill(struct shelf *s)
{
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    for (int i = 0; i < TURNS; i++)
        shelf_say(s, conv, i % 2 ? "ann" : "bob", "the keel was laid in spring");
}

static void searching_fails_cleanly_or_is_right(void **state)
{
    struct shelf *s = *state;
    int64_t n = 0;
    bool hit = true;
    fill(s);
    OK(index_flush(s->index, &e));
    index_close(s->index);
    s->index = NULL;
    fill(s); /* and a tail */
    shelf_index(s, true);
    struct index_query q = shelf_query(s, "keel spring");
    q.around = 2;
    for (; hit && n < TRIES_MAX; n++) {
        struct arena *a = arena_new();
        struct index_hits h;
        struct err e = {0};
        mem_fail_after(n, false);
        enum err_code code = index_search(s->index, a, &q, &h, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, e.code);
        if (code == ERR_OK)
            assert_int_equal(h.n, 2 * TURNS);
        else
            assert_true(e.message[0] != '\0');
        arena_free(a);
    }
    assert_true(n > 10 && n < TRIES_MAX);
}

static int64_t feed_rest(struct index *x)
{
    int64_t n = 1, taken, total = 0;
    while (n > 0) { /* after running out of memory it takes smaller batches */
        OK(feed_batch(x, &n, &taken, &e));
        total += n;
    }
    return total;
}

static void feeding_fails_cleanly_and_goes_on(void **state)
{
    struct shelf *s = *state;
    int64_t n = 0;
    bool hit = true;
    index_close(s->index); /* its thread would use up the faults */
    s->index = NULL;
    fill(s);
    for (; hit && n < TRIES_MAX; n++) {
        struct index x = {.store = s->store, .path = NULL, .batch = FEED_BATCH};
        struct err e = {0};
        char path[128];
        int64_t fed = 0, taken;
        snprintf(path, sizeof path, "%s/index/words%d.db", s->place->dir, (int)n);
        x.path = path;
        pthread_mutex_init(&x.lock, NULL);
        pthread_mutex_init(&x.feeding, NULL);
        mem_fail_after(n, false);
        enum err_code code = feed_batch(&x, &fed, &taken, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, e.code);
        int64_t total = fed + feed_rest(&x);
        assert_int_equal(total, TURNS);
        db_close(x.writer);
        pthread_mutex_destroy(&x.lock);
        pthread_mutex_destroy(&x.feeding);
    }
    assert_true(n > 10 && n < TRIES_MAX);
}

static void opening_fails_cleanly(void **state)
{
    struct shelf *s = *state;
    bool hit = true;
    int64_t n = 0;
    for (; hit && n < TRIES_MAX; n++) {
        struct index_options o = {.store = s->store, .dir = s->place->dir, .read_only = true};
        struct index *x = NULL;
        struct err e = {0};
        mem_fail_after(n, false);
        enum err_code code = index_open(&o, &x, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, e.code);
        assert_true((x != NULL) == (code == ERR_OK));
        index_close(x);
    }
    assert_true(n > 1 && n < TRIES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(searching_fails_cleanly_or_is_right),
                                       SHELF_TEST(feeding_fails_cleanly_and_goes_on),
                                       SHELF_TEST(opening_fails_cleanly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
