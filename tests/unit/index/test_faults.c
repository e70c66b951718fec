/* Every allocation and every file call of the index fails once: no crash, no leak, and never a wrong answer. */
#include "unit/index/corpus.h"

#include "base/mem.h"

enum { TURNS = 12, TRIES_MAX = 8000 };

static void fill(struct shelf *s)
{
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    for (int i = 0; i < TURNS; i++)
        shelf_say(s, conv, i % 2 ? "ann" : "bob", "the keel was laid in spring");
}

static void close_index(struct shelf *s)
{
    index_close(s->index);
    s->index = NULL;
}

static void searching_fails_cleanly_or_is_right(void **state)
{
    struct shelf *s = *state;
    int64_t n = 0;
    bool hit = true;
    fill(s);
    OK(index_flush(s->index, &e));
    fill(s); /* and what is only in the store */
    for (; hit && n < TRIES_MAX; n++) {
        struct arena *a = arena_new();
        struct index_hits h;
        struct err why = {0};
        shelf_index(s, true); /* its first search takes the rest in */
        struct index_query q = shelf_query(s, "keel spring");
        q.around = 2;
        mem_fail_after(n, false);
        enum err_code code = index_search(s->index, a, &q, &h, &why);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, why.code);
        if (code == ERR_OK)
            assert_int_equal(h.n, 2 * TURNS);
        else
            assert_true(why.message[0] != '\0');
        arena_free(a);
    }
    assert_true(n > 10 && n < TRIES_MAX);
}

static int64_t found(struct shelf *s, struct index *x)
{
    struct index_query q = shelf_query(s, "keel");
    struct index_hits h;
    OK(index_search(x, s->arena, &q, &h, &e));
    OK(index_check(x, &e));
    return (int64_t)h.n;
}

/* One step of the keeper's fails at every place; done again, everything is right. */
static void step_fails_everywhere(struct shelf *s, enum err_code (*step)(struct index *, struct err *),
                                  void (*prepare)(struct index *))
{
    bool hit = true;
    int64_t n = 0;
    char dir[128];
    for (; hit && n < TRIES_MAX; n++) {
        struct err why = {0};
        (void)snprintf(dir, sizeof dir, "%s/index%d", s->place->dir, (int)n);
        struct index *x = shelf_bare(s, dir);
        if (prepare)
            prepare(x);
        mem_fail_after(n, false);
        enum err_code code = step(x, &why);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, why.code);
        OK(step(x, &e));
        assert_int_equal(found(s, x), TURNS);
        shelf_bare_close(x);
        (void)snprintf(dir, sizeof dir, "rm -r %s/index%d", s->place->dir, (int)n);
        assert_int_equal(system(dir), 0);
    }
    assert_true(n > 10 && n < TRIES_MAX);
}

static enum err_code claim_and_flush(struct index *x, struct err *e)
{
    return index_flush(x, e);
}

static void writing_fails_cleanly_and_goes_on(void **state)
{
    struct shelf *s = *state;
    close_index(s);
    fill(s);
    step_fails_everywhere(s, claim_and_flush, NULL);
}

/* FANOUT segments, each of one turn or two. */
static void many_segments(struct index *x)
{
    OK(keep_claim(x, &e));
    for (int i = 0; i < FANOUT; i++) {
        int64_t n;
        x->batch = 1;
        OK(feed_some(x, i + 1 < FANOUT ? 1 : TURNS, &n, &e));
        OK(keep_flush(x, &e));
    }
}

static enum err_code merge(struct index *x, struct err *e)
{
    int64_t n = 1;
    bool more = true;
    enum err_code code = ERR_OK;
    while (code == ERR_OK && n > 0)
        code = keep_flush_batch(x, &n, e);
    while (code == ERR_OK && more)
        code = keep_merge(x, 0, &more, e);
    return code ? code : keep_repair(x, e); /* a file that could not be opened just now */
}

static void merging_fails_cleanly_and_goes_on(void **state)
{
    struct shelf *s = *state;
    close_index(s);
    fill(s);
    step_fails_everywhere(s, merge, many_segments);
}

static void lose_a_segment(struct index *x)
{
    struct stock *s;
    OK(index_flush(x, &e));
    s = index_stock(x);
    (void)segment_bad(s->segments[0], NULL);
    stock_drop(s);
    pthread_mutex_lock(&x->feeding);
    OK(feed_set_aside(x, &e));
    pthread_mutex_unlock(&x->feeding);
}

static void mending_fails_cleanly_and_goes_on(void **state)
{
    struct shelf *s = *state;
    close_index(s);
    fill(s);
    step_fails_everywhere(s, keep_repair, lose_a_segment);
}

static void opening_fails_cleanly(void **state)
{
    struct shelf *s = *state;
    fill(s);
    OK(index_flush(s->index, &e));
    for (int read_only = 0; read_only < 2; read_only++) {
        bool hit = true;
        int64_t n = 0;
        close_index(s);
        for (; hit && n < TRIES_MAX; n++) {
            struct index_options o = {.store = s->store, .dir = s->place->dir, .read_only = read_only};
            struct index *x = NULL;
            struct err why = {0};
            mem_fail_after(n, false);
            enum err_code code = index_open(&o, &x, &why);
            hit = mem_fail_hit();
            mem_fail_after(-1, false);
            assert_int_equal(code, why.code);
            assert_true((x != NULL) == (code == ERR_OK));
            if (x)
                assert_int_equal(found(s, x), TURNS);
            index_close(x);
        }
        assert_true(n > 1 && n < TRIES_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELF_TEST(searching_fails_cleanly_or_is_right), SHELF_TEST(writing_fails_cleanly_and_goes_on),
        SHELF_TEST(merging_fails_cleanly_and_goes_on), SHELF_TEST(mending_fails_cleanly_and_goes_on),
        SHELF_TEST(opening_fails_cleanly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
