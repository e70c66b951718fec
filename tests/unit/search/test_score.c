/* The parts of a score, on hits made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/intern.h"

#include <math.h>

enum { HITS_MAX = 16 };
struct hand {
    struct arena *arena;
    struct index_hit hits[HITS_MAX];
    struct index_hits all;
    struct index_query q;
    struct dates dates;
    const float *cosines;
    double idf[2];
    struct candidate *best;
};

static void deal(struct hand *h)
{
    struct err e = {0};
    h->arena = arena_new();
    h->idf[0] = 3;
    h->idf[1] = 1;
    h->all.hits = h->hits;
    h->all.idf = h->idf;
    h->q.n_terms = 2;
    assert_int_equal(score_hits(h->arena, &WEIGHTS, &h->all, &h->q, h->cosines, &h->dates, 1000, &h->best, &e), ERR_OK);
}

static struct index_hit hit(int64_t seq, int64_t conversation, int64_t number, double score)
{
    return (struct index_hit){.seq = seq,
                              .conversation = conversation,
                              .turn_number = number,
                              .score = score,
                              .matched = score > 0,
                              .timestamp = 500};
}

static const struct candidate *of(const struct hand *h, int64_t seq)
{
    for (size_t i = 0; i < h->all.n + h->all.n_around; i++)
        if (h->best[i].hit->seq == seq)
            return &h->best[i];
    fail_msg("no candidate %d", (int)seq);
    return NULL;
}

static void scores_fall_and_stay_between_0_and_1(void **state)
{
    struct hand h = {.all = {.n = 5}};
    (void)state;
    for (int i = 0; i < 5; i++)
        h.hits[i] = hit(i + 1, i + 1, 1, (double)(i * i) * 10);
    deal(&h);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(h.best[i].hit->seq, 5 - i);
        double score = score_of(&WEIGHTS, h.best[i].worth);
        assert_true(score >= 0 && score <= 1);
        assert_true(i == 0 || h.best[i].worth <= h.best[i - 1].worth);
    }
    arena_free(h.arena);
}

static void a_turn_gains_from_its_neighbours_in_its_own_conversation(void **state)
{
    struct hand h = {.all = {.n = 1, .n_around = 6}};
    (void)state;
    h.hits[0] = hit(10, 1, 10, 4);
    for (int i = 1; i <= 4; i++)
        h.hits[i] = hit(10 + i, 1, 10 + i, 0);
    h.hits[5] = hit(9, 1, 9, 0);
    h.hits[6] = hit(8, 2, 11, 0);
    deal(&h);
    assert_int_equal(h.best[0].hit->seq, 10);
    assert_true(of(&h, 11)->worth > of(&h, 12)->worth && of(&h, 12)->worth > of(&h, 13)->worth);
    assert_true(of(&h, 14)->neighbours == 0); /* too far */
    assert_true(of(&h, 9)->neighbours > 0);
    assert_true(of(&h, 9)->neighbours < of(&h, 11)->neighbours); /* answers follow questions */
    assert_true(of(&h, 8)->worth == 0);
    arena_free(h.arena);
}

static void a_conversation_that_has_more_of_the_question_lifts_its_turns(void **state)
{
    struct hand h = {.all = {.n = 3}};
    (void)state;
    h.hits[0] = hit(1, 1, 1, 2);
    h.hits[1] = hit(2, 1, 50, 2);
    h.hits[2] = hit(3, 2, 1, 2);
    h.hits[1].matched = 2; /* the other word */
    deal(&h);
    assert_true(of(&h, 1)->worth > of(&h, 3)->worth);
    assert_true(of(&h, 1)->conversation > of(&h, 3)->conversation);
    arena_free(h.arena);
}

static void speaker_date_and_age_multiply(void **state)
{
    struct hand h = {.all = {.n = 4}, .dates = {.n = 1, .hint[0] = {.from = 600, .to = 700}}};
    (void)state;
    for (int i = 0; i < 4; i++)
        h.hits[i] = hit(i + 1, i + 1, 1, 2);
    h.hits[1].speaker = 1;
    h.hits[2].timestamp = 650;
    h.hits[3].timestamp = -(int64_t)1000 * 86400000;
    h.dates.hint[0].to = 651;
    deal(&h);
    assert_int_equal(h.best[0].hit->seq, 3);
    assert_int_equal(h.best[1].hit->seq, 2);
    assert_int_equal(h.best[3].hit->seq, 4);
    assert_true(of(&h, 2)->speaker == WEIGHTS.speaker && of(&h, 1)->speaker == 0);
    arena_free(h.arena);
}

static void a_turn_that_asks_counts_less(void **state)
{
    struct hand h = {.all = {.n = 2}};
    (void)state;
    h.hits[0] = hit(1, 1, 1, 2);
    h.hits[1] = hit(2, 2, 1, 2);
    h.hits[1].asks = true;
    deal(&h);
    assert_int_equal(h.best[0].hit->seq, 1);
    assert_true(h.best[1].worth > 0);
    arena_free(h.arena);
}

static void words_that_only_stand_beside_a_turn_count_from_where_they_are_nearest(void **state)
{
    struct hand near = {.all = {.n = 2}}, far = {.all = {.n = 2}}, same = {.all = {.n = 2}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        near.hits[i] = hit(i + 1, 1, i + 1, 2);
        far.hits[i] = hit(i + 1, 1, 1 + 3 * i, 2);
        same.hits[i] = hit(i + 1, 1, i + 1, 2);
        near.hits[i].matched = far.hits[i].matched = 1u << i;
    }
    deal(&near);
    deal(&far);
    deal(&same);
    assert_true(of(&near, 2)->neighbours > of(&far, 2)->neighbours);
    assert_true(of(&near, 2)->neighbours > of(&same, 2)->neighbours); /* what it has itself is not counted again */
    arena_free(near.arena);
    arena_free(far.arena);
    arena_free(same.arena);
}

static void words_of_the_question_count_more_together(void **state)
{
    struct hand h = {.all = {.n = 2}};
    (void)state;
    h.hits[0] = hit(1, 1, 1, 3);
    h.hits[1] = hit(2, 2, 1, 3);
    h.hits[0].matched = 3;
    deal(&h);
    assert_true(of(&h, 1)->words > of(&h, 2)->words);
    arena_free(h.arena);
}

static void weights_are_known_by_name(void **state)
{
    struct weights w = WEIGHTS;
    (void)state;
    *weight_named(&w, "before[1]") = 7;
    *weight_named(&w, "certainty") = 8;
    assert_true(w.before[1] == 7 && w.certainty == 8 && w.before[0] == WEIGHTS.before[0]);
    assert_null(weight_named(&w, "before"));
}

static void equals_come_newest_first(void **state)
{
    struct hand h = {.all = {.n = 3}};
    (void)state;
    for (int i = 0; i < 3; i++)
        h.hits[i] = hit(i + 1, i + 1, 1, 2);
    deal(&h);
    for (int i = 0; i < 3; i++)
        assert_int_equal(h.best[i].hit->seq, 3 - i);
    arena_free(h.arena);
}

static void what_stands_out_in_meaning_lifts_itself_and_what_is_near(void **state)
{
    struct hand h = {.all = {.n = 10}};
    float cosines[10];
    (void)state;
    for (int i = 0; i < 10; i++) {
        h.hits[i] = hit(i + 1, i < 3 ? 1 : 2 + i, 1 + i, 0);
        cosines[i] = i == 0 ? 0.8f : i == 9 ? NAN : 0.2f;
    }
    h.cosines = cosines;
    deal(&h);
    assert_int_equal(h.best[0].hit->seq, 1);
    assert_int_equal(h.best[1].hit->seq, 2);
    assert_int_equal(h.best[2].hit->seq, 3);
    assert_true(of(&h, 1)->meaning > 0 && of(&h, 2)->meaning == 0 && of(&h, 2)->neighbours > of(&h, 3)->neighbours);
    assert_true(of(&h, 10)->meaning == 0 && of(&h, 10)->worth == 0);
    assert_true(of(&h, 1)->worth < 1);
    arena_free(h.arena);
}

static void cosines_that_are_unknown_change_nothing(void **state)
{
    struct hand by_words = {.all = {.n = 3}}, by_both = {.all = {.n = 3}};
    const float cosines[] = {NAN, NAN, NAN};
    (void)state;
    for (int i = 0; i < 3; i++)
        by_words.hits[i] = by_both.hits[i] = hit(i + 1, 1, i + 1, i);
    by_both.cosines = cosines;
    deal(&by_words);
    deal(&by_both);
    for (int i = 0; i < 3; i++)
        assert_true(by_words.best[i].worth == by_both.best[i].worth);
    arena_free(by_words.arena);
    arena_free(by_both.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_fall_and_stay_between_0_and_1),
        cmocka_unit_test(a_turn_gains_from_its_neighbours_in_its_own_conversation),
        cmocka_unit_test(a_conversation_that_has_more_of_the_question_lifts_its_turns),
        cmocka_unit_test(speaker_date_and_age_multiply),
        cmocka_unit_test(a_turn_that_asks_counts_less),
        cmocka_unit_test(what_stands_out_in_meaning_lifts_itself_and_what_is_near),
        cmocka_unit_test(cosines_that_are_unknown_change_nothing),
        cmocka_unit_test(words_that_only_stand_beside_a_turn_count_from_where_they_are_nearest),
        cmocka_unit_test(words_of_the_question_count_more_together),
        cmocka_unit_test(weights_are_known_by_name),
        cmocka_unit_test(equals_come_newest_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
