/* Candidates for a cause and the rule that chooses among them. */
#include "service_fixture.h"

#include "service/event_cause.h"
#include "service/event_meaning.h"

enum { MAX = 300 };
static const int64_t HOUR = 3600000, NOW = 1800000000000;

struct story {
    struct arena *arena;
    struct event_known known[MAX];
    size_t n;
};

static int story_setup(void **state)
{
    struct story *s = calloc(1, sizeof *s);
    s->arena = arena_new();
    *state = s;
    return 0;
}

static int story_teardown(void **state)
{
    struct story *s = *state;
    arena_free(s->arena);
    free(s);
    return 0;
}

static struct event_known event_at(struct story *s, const char *text, int64_t at)
{
    struct event_words *words;
    struct err e = {0};
    assert_int_equal(event_words_of(s->arena, str_of(text), &words, &e), ERR_OK);
    return (struct event_known){
        arena_fmt(s->arena, "evt_%zu", s->n), str_of(text), event_type_of(str_of(text)), at, words, NULL};
}

static void happened(struct story *s, const char *text, int64_t at)
{
    s->known[s->n] = event_at(s, text, at);
    s->n++;
}

/* Which known event is judged to be the cause, -1: none. */
static int cause_of(struct story *s, const char *text, struct str *how)
{
    struct event_known effect = event_at(s, text, NOW);
    struct event_candidate c[EVENT_CANDIDATES_MAX];
    size_t n = event_candidates(s->known, s->n, &effect, &EVENT_BOUNDS, c), which = 0;
    struct str ignored;
    bool found = event_cause_by_rule(s->arena, s->known, s->n, &effect, c, n, &which, how ? how : &ignored);
    return found ? (int)which : -1;
}

static void a_fix_follows_its_error(void **state)
{
    struct story *s = *state;
    struct str how;
    happened(s, "The upload test failed in wire.c: the header of the packet is cut", NOW - HOUR);
    happened(s, "The garden party was cancelled", NOW - HOUR / 2);
    assert_int_equal(cause_of(s, "Fixed the packet header in wire.c, it is no longer cut", &how), 0);
    assert_true(str_find(how, STR("the change answers the problem")) >= 0);
    assert_true(str_find(how, STR("both name wire.c")) >= 0);
}

static void a_connecting_word_names_the_cause(void **state)
{
    struct story *s = *state;
    struct str how;
    happened(s, "The landlord raised the rent of the studio", NOW - HOUR);
    happened(s, "I painted the walls of the studio", NOW - HOUR / 2);
    assert_int_equal(cause_of(s, "We moved out because of the rent the landlord asked for", &how), 0);
    assert_true(str_find(how, STR("\"because of\"")) >= 0);
    assert_int_equal(cause_of(s, "We went away because of the weather in the mountains", NULL), -1);
}

static void what_only_shares_a_word_is_no_cause(void **state)
{
    struct story *s = *state;
    happened(s, "The scheduler crashed on the old phone", NOW - HOUR);
    happened(s, "Tests pass in the export package", NOW - HOUR);
    assert_int_equal(cause_of(s, "Added a picture of the scheduler to the handbook for visitors", NULL), -1);
    assert_int_equal(cause_of(s, "Tests pass in the resolver package", NULL), -1);
}

static void the_same_thing_told_twice_is_no_cause(void **state)
{
    struct story *s = *state;
    happened(s, "The upload test in wire.c fails on the packet header", NOW - HOUR);
    assert_int_equal(cause_of(s, "One test fails: the upload test in wire.c, on the packet header", NULL), -1);
    happened(s, "We went to the lake with the dogs", NOW - HOUR);
    assert_int_equal(cause_of(s, "The dogs loved it and we stayed at the lake", NULL), -1);
    assert_int_equal(cause_of(s, "Since we last went there, a lot happened at the mill", NULL), -1);
}

static void no_cause_is_later_or_older_than_a_day(void **state)
{
    struct story *s = *state;
    struct event_candidate c[EVENT_CANDIDATES_MAX];
    struct event_known effect = event_at(s, "Fixed the packet header in wire.c", NOW);
    happened(s, "The packet header in wire.c is wrong", NOW - 24 * HOUR - 1);
    happened(s, "The packet header in wire.c is wrong", NOW + 1);
    assert_int_equal(event_candidates(s->known, s->n, &effect, &EVENT_BOUNDS, c), 0);
    happened(s, "The packet header in wire.c is wrong", NOW - 24 * HOUR);
    assert_int_equal(event_candidates(s->known, s->n, &effect, &EVENT_BOUNDS, c), 1);
    assert_int_equal(c[0].which, 2);
}

static void only_the_last_fifty_and_the_best_five(void **state)
{
    struct story *s = *state;
    struct event_candidate c[EVENT_CANDIDATES_MAX];
    struct event_known effect = event_at(s, "Fixed the packet header in wire.c", NOW);
    for (int i = 0; i < 10; i++)
        happened(s, "The packet header in wire.c is wrong", NOW - HOUR);
    for (int i = 0; i < 45; i++)
        happened(s, "We walked along the river and sang", NOW - HOUR);
    size_t n = event_candidates(s->known, s->n, &effect, &EVENT_BOUNDS, c);
    assert_int_equal(n, 5); /* 10 are alike, 5 of them among the last 50 */
    for (size_t i = 0; i < n; i++) {
        assert_true(c[i].which >= 5 && c[i].which < 10);
        assert_true(c[i].similarity >= 0.5 && c[i].similarity <= 1);
    }
    for (int i = 0; i < 20; i++)
        happened(s, "The packet header in wire.c is wrong", NOW - HOUR);
    assert_int_equal(event_candidates(s->known, s->n, &effect, &EVENT_BOUNDS, c), 5);
    assert_int_equal(c[0].which, s->n - 1); /* of equals the newest */
}

static int cause_near(struct story *s, const char *text, const double *whole, const double *named)
{
    const struct event_near near = {whole, named};
    struct event_known effect = event_at(s, text, NOW);
    struct event_candidate c[EVENT_CANDIDATES_MAX];
    effect.near = &near;
    size_t n = event_candidates(s->known, s->n, &effect, &EVENT_BOUNDS, c), which = 0;
    struct str how;
    return event_cause_by_rule(s->arena, s->known, s->n, &effect, c, n, &which, &how) ? (int)which : -1;
}

static void a_cause_in_other_words_is_found_by_meaning(void **state)
{
    struct story *s = *state;
    const char *fix = "The server now falls back to built-in defaults if there is no settings file.";
    happened(s, "The service crashes on startup.", NOW - 2);
    happened(s, "Added a dark theme.", NOW - 1);
    assert_int_equal(cause_of(s, fix, NULL), -1);
    assert_int_equal(cause_near(s, fix, (double[]){0.7, 0}, (double[]){0, 0}), 0);
    assert_int_equal(cause_near(s, fix, (double[]){0.45, 0}, (double[]){0, 0}), -1);
    /* Of a sort with its own kind, only what the effect itself names counts. */
    happened(s, "My bike got stolen yesterday.", NOW - 1);
    const char *lock = "I bought a lock because someone took my bicycle.";
    assert_int_equal(cause_near(s, lock, (double[]){0, 0, 0.8}, (double[]){0, 0, 0}), -1);
    assert_int_equal(cause_near(s, lock, (double[]){0, 0, 0.6}, (double[]){0, 0, 0.7}), 2);
    assert_true(str_is(event_named_cause(event_at(s, lock, NOW).words), "someone took my bicycle."));
    assert_int_equal(event_named_cause(event_at(s, fix, NOW).words).n, 0);
}

static void without_a_model_meaning_says_nothing(void **state)
{
    struct story *s = *state;
    struct event_near near;
    happened(s, "The service crashes on startup.", NOW - 2);
    struct event_known effect = event_at(s, "Fixed the crash of the service on startup.", NOW);
    assert_false(event_near(NULL, s->arena, s->known, s->n, &effect, &near));
}

static void similarity_is_of_the_same_text_one_and_of_none_zero(void **state)
{
    struct story *s = *state;
    happened(s, "The packet header in wire.c was cut by the upload", NOW);
    happened(s, "My sister found a job near Porto in spring", NOW);
    happened(s, "", NOW);
    const struct event_words *x = s->known[0].words, *y = s->known[1].words, *none = s->known[2].words;
    assert_true(event_similarity(s->known, s->n, x, x) > 0.999);
    assert_true(event_similarity(s->known, s->n, x, y) < 0.001);
    assert_true(event_similarity(s->known, s->n, none, none) < 0.001);
    assert_true(event_similarity(s->known, s->n, x, y) == event_similarity(s->known, s->n, y, x));
}

static void nothing_known_means_no_cause(void **state)
{
    struct story *s = *state;
    assert_int_equal(cause_of(s, "Fixed the packet header in wire.c because it was wrong", NULL), -1);
    assert_int_equal(cause_of(s, "So we moved to another town", NULL), -1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, story_setup, story_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_fix_follows_its_error),
                                       TEST(a_connecting_word_names_the_cause),
                                       TEST(what_only_shares_a_word_is_no_cause),
                                       TEST(the_same_thing_told_twice_is_no_cause),
                                       TEST(no_cause_is_later_or_older_than_a_day),
                                       TEST(only_the_last_fifty_and_the_best_five),
                                       TEST(a_cause_in_other_words_is_found_by_meaning),
                                       TEST(without_a_model_meaning_says_nothing),
                                       TEST(similarity_is_of_the_same_text_one_and_of_none_zero),
                                       TEST(nothing_known_means_no_cause)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
