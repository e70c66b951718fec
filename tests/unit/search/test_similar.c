/* Short texts by meaning, with a model of a few kilobytes: what is kept, what is given up, what is not known. */
#include "unit/embed/tiny.h"
#include "unit/index/shelf.h"

#include "base/clock.h"
#include "search/similar_int.h"

#include <math.h>

struct room {
    struct shelf *shelf;
    struct tiny tiny;
    struct meaning *meaning;
    struct similar *similar;
    struct embedder *plain; /* the same model beside it */
};

static void start(struct room *r, const char *model)
{
    struct meaning_options o = {
        .store = r->shelf->store, .dir = r->shelf->place->dir, .model = model, .read_only = true};
    struct meaning_state s = {.loading = true};
    OK(meaning_open(&o, &r->meaning, &e));
    for (int i = 0; s.loading && i < 3000; i++) {
        meaning_state(r->meaning, &s);
        usleep(1000);
    }
    OK(similar_open(r->meaning, NULL, &r->similar, &e));
}

static int setup(void **state)
{
    struct room *r = calloc(1, sizeof *r);
    void *shelf = NULL;
    struct err e = {0};
    if (!r || shelf_setup(&shelf))
        return -1;
    r->shelf = shelf;
    tiny_make(&r->tiny);
    start(r, r->tiny.dir);
    *state = r;
    return embed_open(r->tiny.dir, NULL, &r->plain, &e);
}

static int teardown(void **state)
{
    struct room *r = *state;
    void *shelf = r->shelf;
    embed_close(r->plain);
    similar_close(r->similar);
    meaning_close(r->meaning);
    tiny_remove(&r->tiny);
    free(r);
    return shelf_teardown(&shelf);
}

static float cosine_of(struct room *r, const char *to, const char *text, int64_t deadline_us)
{
    struct str t = str_of(text);
    float out = 0;
    bool known = similar_texts(r->similar, r->shelf->arena, str_of(to), EMBED_DOCUMENT, &t, 1, deadline_us, &out);
    assert_true(known == !isnan(out));
    return out;
}

static const char *const TEXTS[] = {"the river is cold", "blue and cold in winter", "a b c d", "run running", "winter"};
enum { N = sizeof TEXTS / sizeof *TEXTS };

static void cosines_are_those_of_the_floats(void **state)
{
    struct room *r = *state;
    size_t d = embed_dimensions(r->plain);
    float v[N][TINY_HIDDEN], found[N];
    struct str texts[N];
    for (size_t i = 0; i < N; i++)
        texts[i] = str_of(TEXTS[i]);
    OK(embed_texts(r->plain, texts, N, EMBED_DOCUMENT, v[0], &e));
    for (int again = 0; again < 2; again++) /* made, then kept */
        for (size_t i = 0; i < N; i++) {
            assert_true(similar_texts(r->similar, r->shelf->arena, texts[i], EMBED_DOCUMENT, texts, N, 0, found));
            for (size_t k = 0; k < N; k++) {
                double dot = 0;
                for (size_t j = 0; j < d; j++)
                    dot += (double)v[i][j] * (double)v[k][j];
                assert_true(fabs(dot - (double)found[k]) < 0.01);
            }
        }
}

static void after_the_deadline_only_what_is_kept_is_known(void **state)
{
    struct room *r = *state;
    int64_t past = clock_mono_us() - 1;
    assert_true(isnan(cosine_of(r, "the river", "cold", past)));
    assert_true(cosine_of(r, "the river", "cold", 0) > -1.01F);
    assert_true(cosine_of(r, "the river", "cold", past) > -1.01F);
    assert_true(isnan(cosine_of(r, "the river", "in winter", past)));
}

static void what_was_used_long_ago_makes_room(void **state)
{
    struct room *r = *state;
    char text[32];
    int64_t past = clock_mono_us() - 1;
    (void)cosine_of(r, "the river", "cold", 0);
    for (int i = 0; i < 3 * SIMILAR_KEPT; i++) {
        (void)snprintf(text, sizeof text, "a %d", i);
        struct str t = str_of(text);
        struct small_vector out;
        assert_true(similar_vectors(r->similar, r->shelf->arena, &t, 1, EMBED_DOCUMENT, 0, &out) && out.v);
        if (i % 64 == 0) /* is still used */
            assert_false(isnan(cosine_of(r, "the river", "the river", past)));
        arena_reset(r->shelf->arena);
    }
    assert_true(isnan(cosine_of(r, "the river", "cold", past)));
    assert_false(isnan(cosine_of(r, "the river", "the river", past)));
}

static void a_question_and_a_text_are_kept_apart(void **state)
{
    struct room *r = *state;
    struct str t = STR("cold");
    float out;
    (void)cosine_of(r, "the river", "cold", 0);
    assert_false(similar_texts(r->similar, r->shelf->arena, STR("the river"), EMBED_QUERY, &t, 1, 1, &out));
}

static void without_a_model_nothing_is_known(void **state)
{
    struct room *r = *state;
    struct str t = STR("cold");
    float out = 0;
    assert_false(similar_texts(NULL, r->shelf->arena, t, EMBED_DOCUMENT, &t, 1, 0, &out));
    assert_true(isnan(out));
    assert_true(isnan(cosine_of(r, "", "cold", 0)) && isnan(cosine_of(r, "  ", "cold", 0)));
    similar_close(r->similar);
    meaning_close(r->meaning);
    start(r, "/nowhere");
    assert_true(isnan(cosine_of(r, "cold", "cold", 0)));
}

/* Out of memory takes meaning away, and the next call has it again. */
static void out_of_memory_only_takes_meaning_away(void **state)
{
    struct room *r = *state;
    bool hit = true;
    for (int i = 0; hit; i++) {
        struct similar *fresh = NULL;
        struct str t = STR("cold in winter");
        struct err ignored = {0};
        float out = 0;
        mem_fail_after(i, false);
        if (!similar_open(r->meaning, NULL, &fresh, &ignored))
            (void)similar_texts(fresh, r->shelf->arena, STR("the river"), EMBED_DOCUMENT, &t, 1, 0, &out);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_true(!fresh || similar_texts(fresh, r->shelf->arena, STR("river"), EMBED_DOCUMENT, &t, 1, 0, &out));
        similar_close(fresh);
        arena_reset(r->shelf->arena);
    }
}

static void evidence_grows_evenly_and_adds_up(void **state)
{
    (void)state;
    assert_true(similar_share(NAN, 0.2, 0.6) == 0 && similar_share(0.2, 0.2, 0.6) == 0);
    assert_true(similar_share(0.7, 0.2, 0.6) == 1 && fabs(similar_share(0.4, 0.2, 0.6) - 0.5) < 1e-9);
    assert_true(fabs(similar_both(0, 0.3) - 0.3) < 1e-9 && fabs(similar_both(0.3, 0) - 0.3) < 1e-9);
    assert_true(similar_both(1, 0.3) == 1);
    assert_true(fabs(similar_both(0.5, 0.5) - 0.75) < 1e-9);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cosines_are_those_of_the_floats, setup, teardown),
        cmocka_unit_test_setup_teardown(after_the_deadline_only_what_is_kept_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_used_long_ago_makes_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_question_and_a_text_are_kept_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_model_nothing_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_memory_only_takes_meaning_away, setup, teardown),
        cmocka_unit_test(evidence_grows_evenly_and_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
