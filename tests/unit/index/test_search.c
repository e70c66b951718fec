/* Searching: scopes, filters, the fresh tail, the turns around, speakers, weights and bounds. */
#include "unit/index/shelf.h"

#include <math.h>

static void flush(struct shelf *s)
{
    OK(index_flush(s->index, &e));
    assert_int_equal(index_lag(s->index), 0);
}

static void finds_other_forms_of_a_word(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    int64_t seq = shelf_say(s, conv, "ann", "We were painting the boats");
    shelf_say(s, conv, "bob", "Nothing of the kind");
    flush(s);
    struct index_query q = shelf_query(s, "who paints a boat?");
    struct index_hits h = shelf_search(s, &q);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.matches, 1);
    assert_int_equal(h.hits[0].seq, seq);
    assert_int_equal(h.hits[0].turn_number, 1);
    assert_int_equal(h.hits[0].matched, 3);
    assert_true(h.hits[0].score > 0);
}

static void a_scope_shows_nothing_else(void **state)
{
    struct shelf *s = *state;
    struct str mine = shelf_session(s, "mine"), other = shelf_session(s, "mine"), theirs = shelf_session(s, "theirs");
    int64_t a = shelf_say(s, shelf_conversation(s, mine), "ann", "the harbour");
    int64_t b = shelf_say(s, shelf_conversation(s, other), "ann", "a harbour");
    int64_t c = shelf_say(s, shelf_conversation(s, theirs), "ann", "harbours");
    for (int fed = 0; fed < 2; fed++) { /* from the tail, then from the index */
        if (fed)
            flush(s);
        else
            shelf_index(s, true);
        struct index_query q = shelf_query(s, "harbour");
        struct index_hits h = shelf_search(s, &q);
        assert_int_equal(h.n, 3);
        q.project = STR("mine");
        h = shelf_search(s, &q);
        assert_int_equal(h.n, 2);
        assert_true(shelf_has(&h, a) && shelf_has(&h, b));
        q.project = STR_NONE;
        q.session_id = theirs;
        h = shelf_search(s, &q);
        assert_int_equal(h.n, 1);
        assert_true(shelf_has(&h, c));
        q.session_id = STR("sess_unknown");
        assert_int_equal(shelf_search(s, &q).n, 0);
        if (!fed)
            shelf_index(s, false);
    }
}

static void filters_of_time_and_conversation(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    struct str one = shelf_conversation(s, session), two = shelf_conversation(s, session);
    int64_t early = shelf_say_at(s, one, "a lighthouse", 1000), late = shelf_say_at(s, two, "a lighthouse", 5000);
    for (int fed = 0; fed < 2; fed++) {
        struct index_query q = shelf_query(s, "lighthouse");
        q.session_id = session;
        if (fed)
            flush(s);
        q.to = 1000;
        struct index_hits h = shelf_search(s, &q);
        assert_true(h.n == 1 && h.hits[0].seq == early);
        q.from = 1001, q.to = 0;
        h = shelf_search(s, &q);
        assert_true(h.n == 1 && h.hits[0].seq == late);
        q.from = 0;
        q.except_conversation = two;
        h = shelf_search(s, &q);
        assert_true(h.n == 1 && h.hits[0].seq == early);
    }
}

/* A writer sees its own turns at once, whether the feeder has come round or not. */
static void what_was_just_written_is_found(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    for (int i = 0; i < 50; i++) {
        char text[32];
        snprintf(text, sizeof text, "parcel number%d", i);
        int64_t seq = shelf_say(s, conv, "ann", text);
        struct index_query q = shelf_query(s, text + 7);
        struct index_hits h = shelf_search(s, &q);
        assert_true(h.n == 1 && h.hits[0].seq == seq);
        if (i % 10 == 5)
            index_wake(s->index);
    }
}

static void the_turns_around_come_too(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p")),
               other = shelf_conversation(s, shelf_session(s, "p"));
    int64_t seq[9];
    for (int i = 0; i < 9; i++) {
        seq[i] = shelf_say(s, conv, "ann", i == 3 ? "the anchor" : "something quiet");
        shelf_say(s, other, "ann", "noise");
        if (i == 3)
            flush(s); /* the turns before are in the index, those after may be in the tail */
    }
    for (int fed = 0; fed < 2; fed++) {
        struct index_query q = shelf_query(s, "anchor");
        q.around = 2;
        struct index_hits h = shelf_search(s, &q);
        assert_int_equal(h.n, 1);
        assert_int_equal(h.n_around, 4);
        for (size_t i = 0; i < h.n_around; i++) {
            const struct index_hit *near = &h.hits[h.n + i];
            assert_int_equal(near->conversation, h.hits[0].conversation);
            assert_int_equal(near->seq, seq[near->turn_number - 1]);
            assert_true(near->turn_number >= 2 && near->turn_number <= 6 && near->score == 0 && near->matched == 0);
        }
        flush(s);
    }
}

static void hits_are_not_repeated_around(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    for (int i = 0; i < 6; i++)
        shelf_say(s, conv, "ann", i % 2 ? "tide" : "ebb");
    flush(s);
    struct index_query q = shelf_query(s, "tide");
    q.around = 8;
    struct index_hits h = shelf_search(s, &q);
    assert_int_equal(h.n, 3);
    assert_int_equal(h.n_around, 3);
}

static void speakers_are_known_and_searchable(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    shelf_say(s, conv, "Mary Ann", "the compass is here");
    shelf_say(s, conv, "bob", "which compass, mary? ");
    for (int fed = 0; fed < 2; fed++) {
        struct index_query q = shelf_query(s, "compass of mary");
        struct index_hits h = shelf_search(s, &q);
        assert_int_equal(h.n, 2);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(h.hits[i].speaker, h.hits[i].turn_number == 1 ? 2 : 0);
            assert_int_equal(h.hits[i].asks, h.hits[i].turn_number == 2);
        }
        struct str by = STR("@mari");
        q = (struct index_query){.terms = &by, .n_terms = 1, .limit = 10};
        h = shelf_search(s, &q);
        assert_int_equal(h.n, 1);
        assert_int_equal(h.hits[0].turn_number, 1);
        flush(s);
    }
}

static void a_word_weighs_by_its_own_session(void **state)
{
    struct shelf *s = *state;
    struct str small = shelf_session(s, "p"), large = shelf_session(s, "p");
    struct str conv = shelf_conversation(s, small), much = shelf_conversation(s, large);
    shelf_say(s, conv, "ann", "sail and rope");
    shelf_say(s, conv, "ann", "sail again");
    for (int i = 0; i < 20; i++)
        shelf_say(s, much, "ann", "rope");
    flush(s);
    struct index_query q = shelf_query(s, "sail rope");
    q.session_id = small;
    struct index_hits h = shelf_search(s, &q);
    assert_true(h.idf[1] > h.idf[0]); /* rope is rare here, though not elsewhere */
}

static void bounds_are_kept(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p")), terms[INDEX_TERMS_MAX + 1];
    for (int i = 0; i < 30; i++)
        shelf_say(s, conv, "ann", "gull");
    flush(s);
    struct index_query q = shelf_query(s, "gull");
    struct index_hits h;
    q.limit = 7;
    h = shelf_search(s, &q);
    assert_int_equal(h.n, 7);
    assert_int_equal(h.matches, 30);
    for (size_t i = 1; i < h.n; i++) /* equals: newest first */
        assert_true(h.hits[i - 1].seq > h.hits[i].seq);
    q.n_terms = 0;
    assert_int_equal(shelf_search(s, &q).n, 0);
    for (size_t i = 0; i <= INDEX_TERMS_MAX; i++)
        terms[i] = STR("x");
    q.terms = terms;
    q.n_terms = INDEX_TERMS_MAX + 1;
    REFUSED(ERR_INVALID, "query", index_search(s->index, s->arena, &q, &h, &e));
}

static void a_passed_deadline_is_a_timeout(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    struct turn_new turns[600];
    for (size_t i = 0; i < 600; i++)
        turns[i] = (struct turn_new){.conversation_id = conv,
                                     .agent = STR("ann"),
                                     .role = STR("user"),
                                     .content = STR("wave"),
                                     .token_count = -1};
    shelf_append(s, turns, 600);
    flush(s);
    struct index_query q = shelf_query(s, "wave");
    struct index_hits h;
    q.deadline_us = 1;
    WANT(ERR_TIMEOUT, index_search(s->index, s->arena, &q, &h, &e));
    q.deadline_us = 0;
    assert_int_equal(shelf_search(s, &q).matches, 600);
}

static void quotes_and_operators_are_only_words(void **state)
{
    struct shelf *s = *state;
    struct str conv = shelf_conversation(s, shelf_session(s, "p"));
    struct str odd[] = {STR("\""), STR("a\"b OR c"), STR("NEAR("), STR("*"), STR(""), STR("x\0y")};
    shelf_say(s, conv, "ann", "plain words");
    flush(s);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct index_query q = {.terms = &odd[i], .n_terms = 1, .limit = 5};
        assert_int_equal(shelf_search(s, &q).n, 0);
    }
}

/* ---- the tail and the index must agree ---- */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void say_at_random(struct shelf *s, struct str *convs, size_t n_convs, size_t n, uint32_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        char text[400] = "";
        size_t words = 1 + next_random(seed) % 30;
        for (size_t k = 0; k < words; k++) {
            uint32_t a = next_random(seed) % 40, b = next_random(seed) % 40;
            sprintf(text + strlen(text), "word%u ", (a < b ? a : b)); /* low numbers are common */
        }
        shelf_say(s, convs[next_random(seed) % n_convs], i % 3 ? "ann" : "bob", text);
    }
}

static const struct index_hit *hit_of(const struct index_hits *h, int64_t seq)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->hits[i].seq == seq)
            return &h->hits[i];
    return NULL;
}

static void indexed_and_fresh_turns_score_alike(void **state)
{
    struct shelf *s = *state;
    uint32_t seed = 11;
    struct str session = shelf_session(s, "p"), convs[3];
    struct index_hits fresh[40];
    for (size_t i = 0; i < 3; i++)
        convs[i] = shelf_conversation(s, session);
    say_at_random(s, convs, 3, 150, &seed);
    shelf_index(s, true);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned k = 0; k < 40; k++) {
            char words[40];
            snprintf(words, sizeof words, "word%u word%u word39", k, (k * 7) % 40);
            struct index_query q = shelf_query(s, words);
            q.session_id = session;
            q.limit = 200;
            struct index_hits h = shelf_search(s, &q);
            if (round == 0) {
                fresh[k] = h;
                continue;
            }
            assert_int_equal(h.n, fresh[k].n);
            for (size_t i = 0; i < h.n; i++) {
                const struct index_hit *was = hit_of(&fresh[k], h.hits[i].seq);
                assert_non_null(was);
                assert_int_equal(h.hits[i].matched, was->matched);
                assert_true(fabs(h.hits[i].score - was->score) < 0.05 * was->score); /* lengths are rounded */
            }
        }
        shelf_index(s, false);
        flush(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(finds_other_forms_of_a_word),
                                       SHELF_TEST(a_scope_shows_nothing_else),
                                       SHELF_TEST(filters_of_time_and_conversation),
                                       SHELF_TEST(what_was_just_written_is_found),
                                       SHELF_TEST(the_turns_around_come_too),
                                       SHELF_TEST(hits_are_not_repeated_around),
                                       SHELF_TEST(speakers_are_known_and_searchable),
                                       SHELF_TEST(a_word_weighs_by_its_own_session),
                                       SHELF_TEST(bounds_are_kept),
                                       SHELF_TEST(a_passed_deadline_is_a_timeout),
                                       SHELF_TEST(quotes_and_operators_are_only_words),
                                       SHELF_TEST(indexed_and_fresh_turns_score_alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
