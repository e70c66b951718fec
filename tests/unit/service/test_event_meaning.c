/* Earlier events by how near they are to a new one, with a model of a few kilobytes. */
#include "unit/embed/tiny.h"
#include "unit/index/shelf.h"

#include "service/event_meaning.h"

struct room {
    struct shelf *shelf;
    struct tiny tiny;
    struct meaning *meaning;
    struct similar *similar;
};

static int setup(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    void *shelf = NULL;
    if (!r || shelf_setup(&shelf))
        return -1;
    r->shelf = shelf;
    tiny_make(&r->tiny);
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = r->tiny.dir, .read_only = true};
    OK(meaning_open(&o, &r->meaning, &e));
    OK(meaning_wait(r->meaning, 60000, &e));
    OK(similar_open(r->meaning, NULL, &r->similar, &e));
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct room *r = *state;
    void *shelf = r->shelf;
    similar_close(r->similar);
    meaning_close(r->meaning);
    tiny_remove(&r->tiny);
    free(r);
    return shelf_teardown(&shelf);
}

static struct event_known event_at(struct room *r, const char *text)
{
    struct event_words *words;
    OK(event_words_of(r->shelf->arena, str_of(text), &words, &e));
    return (struct event_known){STR("evt_1"), str_of(text), EVENT_PROBLEM, 1, words, NULL};
}

static const char *const TOLD[] = {"a river, blue and cold, b c d e f g", "cold river in winter runs blue",
                                   "winter river blue query a b c", "river cold", "c d e f g blue winter run"};
enum { N = sizeof TOLD / sizeof *TOLD };

static void each_event_keeps_its_place(void **state)
{
    struct room *r = *state;
    struct event_known known[N];
    struct event_near near;
    for (size_t i = 0; i < N; i++)
        known[i] = event_at(r, TOLD[i]);
    for (size_t i = 0; i < N; i++) {
        struct event_known effect = event_at(r, TOLD[i]);
        assert_true(event_near(r->similar, r->shelf->arena, known, N, &effect, &near));
        for (size_t k = 0; k < N; k++) {
            assert_true(near.whole[k] >= 0 && near.whole[k] <= 1 && near.named[k] == 0);
            assert_true(i == 3 || near.whole[i] >= near.whole[k]);
        }
        /* "river cold" is too short to be meant. */
        assert_true(near.whole[3] == 0 && (i == 3 || near.whole[i] > 0.5));
    }
}

static void what_an_effect_names_is_compared_by_itself(void **state)
{
    struct room *r = *state;
    struct event_known known[] = {event_at(r, TOLD[4]), event_at(r, "cold river in winter runs blue")};
    struct event_known effect = event_at(r, "d e f g because cold river in winter runs blue");
    struct event_near near;
    assert_true(event_near(r->similar, r->shelf->arena, known, 2, &effect, &near));
    assert_true(near.named[1] > 0.5 && near.named[1] > near.named[0] && near.named[1] > near.whole[1]);
    assert_false(event_near(r->similar, r->shelf->arena, known, 0, &effect, &near));
}

static void out_of_memory_leaves_it_to_words(void **state)
{
    struct room *r = *state;
    struct event_known known[] = {event_at(r, TOLD[0]), event_at(r, TOLD[1])}, effect = event_at(r, TOLD[1]);
    bool hit = true, known_once = false;
    for (int i = 0; hit; i++) {
        struct event_near near;
        struct arena *a = arena_new();
        mem_fail_after(i, false);
        known_once = event_near(r->similar, a, known, 2, &effect, &near);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        arena_free(a);
    }
    assert_true(known_once);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_event_keeps_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_effect_names_is_compared_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_memory_leaves_it_to_words, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
