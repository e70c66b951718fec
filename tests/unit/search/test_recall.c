/* Recall as a whole, on a real store and index. */
#include "unit/index/shelf.h"

#include "base/json.h"
#include "base/mem.h"
#include "search/intern.h"

static struct recall_result recall(struct shelf *s, const struct recall_query *q)
{
    struct recall_result r;
    OK(recall_run(s->store, s->index, s->arena, q, &r, &e));
    return r;
}

static bool says(const struct recall_result *r, const char *text)
{
    for (size_t i = 0; i < r->n; i++)
        if (str_is(r->hits[i].turn.content, text))
            return true;
    return false;
}

/* A talk in which the answer shares no word with the question. */
static struct str talk(struct shelf *s)
{
    struct str session = shelf_session(s, "p"), conv = shelf_conversation(s, session);
    shelf_say(s, conv, "bob", "Good morning!");
    shelf_say(s, conv, "bob", "Which colour should the boat have?");
    shelf_say(s, conv, "mary", "Dark green, like the old one.");
    struct str other = shelf_conversation(s, session);
    shelf_say(s, other, "bob", "The harbour master called about the fee.");
    return session;
}

static void an_answer_comes_with_its_question(void **state)
{
    struct shelf *s = *state;
    struct str session = talk(s);
    struct recall_query q = {
        .text = STR("What colour did we choose for the boat?"), .session_id = session, .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_true(str_is(r.hits[0].turn.content, "Which colour should the boat have?"));
    assert_true(str_is(r.hits[1].turn.content, "Dark green, like the old one."));
    assert_false(says(&r, "The harbour master called about the fee."));
    assert_int_equal(r.total_matches, 1);
    assert_true(r.hits[0].score <= 1 && r.hits[0].score > r.hits[1].score && r.hits[1].score > 0);
    assert_true(str_is(r.hits[0].conversation_title, "a talk"));
    assert_int_equal(r.n_conversations, 1);
    assert_true(str_eq(r.conversations[0].id, r.hits[0].turn.conversation_id));
    assert_true(r.conversations[0].score == r.hits[0].score && r.conversations[0].created_at > 0);
}

static void it_says_why(void **state)
{
    struct shelf *s = *state;
    struct recall_query q = {.text = STR("the colour of the boat"), .session_id = talk(s), .max_results = 1};
    struct recall_result r = recall(s, &q);
    const struct json *why = NULL;
    OK(json_parse(s->arena, r.hits[0].why, 0, &why, &e));
    static const char *const PARTS[] = {"words", "neighbours", "conversation", "speaker", "date", "asking", "recency"};
    for (size_t i = 0; i < 7; i++)
        assert_non_null(json_get(why, PARTS[i]));
    assert_true(json_get(why, "words")->number > 0);
}

static void the_speaker_named_comes_first_and_is_found_alone(void **state)
{
    struct shelf *s = *state;
    struct str session = talk(s), conv = shelf_conversation(s, session);
    shelf_say(s, conv, "mary", "The rigging is new");
    shelf_say(s, shelf_conversation(s, session), "bob", "The rigging is torn");
    struct recall_query q = {.text = STR("what did Mary say about rigging?"), .session_id = session, .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_true(str_is(r.hits[0].turn.content, "The rigging is new"));
    q.text = STR("Mary?");
    r = recall(s, &q);
    assert_int_equal(r.n, 2);
    for (size_t i = 0; i < r.n; i++)
        assert_true(str_is(r.hits[i].turn.agent, "mary"));
}

static void the_same_is_not_said_twice(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    for (int i = 0; i < 5; i++)
        shelf_say(s, shelf_conversation(s, session), "bob", i == 2 ? "The mast, is BROKEN." : "the mast is broken");
    shelf_say(s, shelf_conversation(s, session), "bob", "the mast was repaired on Tuesday");
    struct recall_query q = {.text = STR("mast"), .session_id = session, .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.total_matches, 6);
}

/* Ten turns tell one thing in other words each time; what else is needed stands lower, but is told too. */
static void a_small_budget_covers_different_things(void **state)
{
    static const char *const HOW[] = {"gladly",      "slowly",      "rather late", "as agreed",  "with some help",
                                      "before noon", "by the pier", "for good",    "as planned", "at last"};
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    for (int i = 0; i < 10; i++) {
        char text[120];
        snprintf(text, sizeof text, "the mast of the boat was repaired by the old yard %s", HOW[i]);
        shelf_say(s, shelf_conversation(s, session), "bob", text);
    }
    shelf_say(s, shelf_conversation(s, session), "bob",
              "the boat has a mast of larch, which came from a farm up north");
    struct recall_query q = {.text = STR("what about the mast of the boat?"), .session_id = session, .max_results = 2};
    struct recall_result r = recall(s, &q);
    assert_int_equal(r.n, 2);
    assert_true(says(&r, "the boat has a mast of larch, which came from a farm up north"));
    assert_true(r.hits[0].score >= r.hits[1].score);
    struct weights greedy = WEIGHTS;
    greedy.repeated = 0;
    q.weights = &greedy;
    r = recall(s, &q);
    assert_false(says(&r, "the boat has a mast of larch, which came from a farm up north"));
}

/* Where several things are asked for, the second talk's comes before the first talk's second. */
static void several_things_come_from_several_talks(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p"), one = shelf_conversation(s, session);
    shelf_say(s, shelf_conversation(s, session), "bob", "we bought a lantern as well as the rope in the harbour");
    shelf_say(s, one, "bob", "we bought an anchor in the harbour");
    shelf_say(s, one, "bob", "we bought charts in the harbour too");
    struct weights eager = WEIGHTS;
    eager.crowded = 2;
    struct recall_query q = {.text = STR("what things have we bought in the harbour?"),
                             .session_id = session,
                             .max_results = 2,
                             .weights = &eager};
    struct recall_result r = recall(s, &q);
    assert_true(r.n == 2 && says(&r, "we bought a lantern as well as the rope in the harbour"));
    q.text = STR("have we bought an anchor or charts in the harbour?");
    r = recall(s, &q);
    assert_true(r.n == 2 && !says(&r, "we bought a lantern as well as the rope in the harbour"));
}

static void copies_are_counted_where_they_are_folded(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    for (int i = 0; i < 4; i++)
        shelf_say(s, shelf_conversation(s, session), "bob", "The mast is broken.");
    struct recall_query q = {.text = STR("mast"), .session_id = session, .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_int_equal(r.n, 1);
    assert_int_equal(r.hits[0].folded, 3);
}

static void a_correction_stands_before_what_it_corrects(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p"), one = shelf_conversation(s, session),
               two = shelf_conversation(s, session);
    shelf_say_at(s, one, "The staging port is 6543, which port does staging use", 1000);
    shelf_say_at(s, two, "staging moved to port 7000", 5000);
    struct recall_query q = {.text = STR("which port does staging use"), .session_id = session, .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_int_equal(r.n, 2);
    assert_true(str_is(r.hits[0].turn.content, "staging moved to port 7000"));
    assert_true(str_eq(r.hits[0].corrects, r.hits[1].turn.id) && str_eq(r.hits[1].corrected_by, r.hits[0].turn.id));
    assert_true(!r.hits[0].corrected_by.p && !r.hits[1].corrects.p);
    q.to = q.now = 2000; /* before that was known */
    r = recall(s, &q);
    assert_true(r.n == 1 && !r.hits[0].corrected_by.p);
}

/* What another project says corrects nothing here. */
static void projects_do_not_correct_each_other(void **state)
{
    struct shelf *s = *state;
    shelf_say(s, shelf_conversation(s, shelf_session(s, "p")), "bob", "The staging port is 6543");
    shelf_say(s, shelf_conversation(s, shelf_session(s, "other")), "bob", "The staging port is 7000");
    struct recall_query q = {.text = STR("staging port"), .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_int_equal(r.n, 2);
    for (size_t i = 0; i < r.n; i++)
        assert_true(!r.hits[i].corrects.p && !r.hits[i].corrected_by.p);
}

static void a_turn_tells_of_the_time_its_own_words_name(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    int64_t june = 0, may = 0;
    assert_true(clock_parse(STR("2023-06-20T12:00:00Z"), &june) && clock_parse(STR("2023-05-10T12:00:00Z"), &may));
    shelf_say_at(s, shelf_conversation(s, session), "We sailed to the island this morning", june);
    shelf_say_at(s, shelf_conversation(s, session), "We sailed to the island last month", june);
    struct recall_query q = {.text = STR("sailed to the island in May 2023"), .session_id = session, .max_results = 2};
    struct recall_result r = recall(s, &q);
    assert_true(str_is(r.hits[0].turn.content, "We sailed to the island last month"));
}

static void budgets_and_thresholds_are_kept(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p");
    for (int i = 0; i < 20; i++) {
        char text[80];
        snprintf(text, sizeof text, "cable number%d runs to cabin%d and deck%d", i, i * 7, i * 3);
        shelf_say(s, shelf_conversation(s, session), "bob", text);
    }
    struct recall_query q = {.text = STR("cable"), .session_id = session, .max_results = 100};
    struct recall_result r = recall(s, &q);
    int64_t tokens = 0;
    assert_int_equal(r.n, 20);
    assert_int_equal(r.n_conversations, 10);
    q.max_results = 3;
    assert_int_equal(recall(s, &q).n, 3);
    q.max_results = 100;
    q.max_tokens = 50;
    r = recall(s, &q);
    for (size_t i = 0; i < r.n; i++)
        tokens += r.hits[i].turn.token_count;
    assert_true(r.n > 0 && r.n < 20 && tokens <= 50);
    q.max_tokens = 0;
    q.threshold = 0.999;
    assert_int_equal(recall(s, &q).n, 0);
}

static void filters_reach_the_index(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p"), one = shelf_conversation(s, session),
               two = shelf_conversation(s, session);
    shelf_say_at(s, one, "storm at night", 1000);
    shelf_say_at(s, one, "and then some rain", 9000);
    shelf_say_at(s, two, "storm at noon", 5000);
    struct recall_query q = {.text = STR("storm"), .session_id = session, .max_results = 10, .to = 4000};
    struct recall_result r = recall(s, &q);
    assert_int_equal(r.n, 1); /* the neighbour is too late */
    assert_true(says(&r, "storm at night"));
    q.to = 0;
    q.except_conversation = one;
    r = recall(s, &q);
    assert_true(r.n == 1 && says(&r, "storm at noon"));
    q.session_id = shelf_session(s, "p");
    assert_int_equal(recall(s, &q).n, 0);
}

struct deletion {
    struct arena *a;
    int64_t seq;
};

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct deletion *d = arg;
    return record_delete(tx, d->a, KIND_TURN, d->seq, e);
}

static void deleted_turns_are_gone_at_once(void **state)
{
    struct shelf *s = *state;
    struct str session = shelf_session(s, "p"), conv = shelf_conversation(s, session);
    struct deletion d = {s->arena, shelf_say(s, conv, "bob", "a secret cove")};
    shelf_say(s, conv, "bob", "a known cove");
    OK(index_flush(s->index, &e));
    OK(store_write(s->store, delete_job, &d, &e));
    struct recall_query q = {.text = STR("cove"), .session_id = session, .max_results = 10};
    struct recall_result r = recall(s, &q);
    assert_true(r.n == 1 && says(&r, "a known cove"));
}

static void odd_questions_find_nothing_and_do_no_harm(void **state)
{
    struct shelf *s = *state;
    struct str session = talk(s);
    struct buf b;
    static const char *const ODD[] = {"", "   ", "who is it?", "zzzzzz", "\"", "(((", "* OR NEAR("};
    for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++) {
        struct recall_query q = {.text = str_of(ODD[i]), .session_id = session, .max_results = 10};
        assert_int_equal(recall(s, &q).n, 0);
    }
    buf_init(&b, 0);
    for (int i = 0; i < 3000; i++)
        buf_fmt(&b, "w%d boat ", i);
    struct recall_query q = {.text = buf_view(&b), .session_id = session, .max_results = 10};
    recall(s, &q);
    buf_release(&b);
}

static void a_passed_deadline_is_a_timeout(void **state)
{
    struct shelf *s = *state;
    struct recall_query q = {.text = STR("boat"), .session_id = talk(s), .max_results = 10, .deadline_us = 1};
    struct recall_result r;
    WANT(ERR_TIMEOUT, recall_run(s->store, s->index, s->arena, &q, &r, &e));
}

static void every_fault_is_an_error_or_the_right_answer(void **state)
{
    struct shelf *s = *state;
    struct recall_query q = {.text = STR("colour of the boat"), .session_id = talk(s), .max_results = 10};
    bool hit = true;
    int64_t n = 0;
    OK(index_flush(s->index, &e));
    shelf_index(s, true); /* without the feeder's thread */
    size_t right = recall(s, &q).n;
    for (; hit && n < 5000; n++) {
        struct arena *a = arena_new();
        struct recall_result r;
        struct err e = {0};
        mem_fail_after(n, false);
        enum err_code code = recall_run(s->store, s->index, a, &q, &r, &e);
        hit = mem_fail_hit();
        mem_fail_after(-1, false);
        assert_int_equal(code, e.code);
        if (code == ERR_OK)
            assert_int_equal(r.n, right);
        arena_free(a);
    }
    assert_true(n > 10 && n < 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SHELF_TEST(an_answer_comes_with_its_question),
                                       SHELF_TEST(it_says_why),
                                       SHELF_TEST(the_speaker_named_comes_first_and_is_found_alone),
                                       SHELF_TEST(the_same_is_not_said_twice),
                                       SHELF_TEST(a_small_budget_covers_different_things),
                                       SHELF_TEST(several_things_come_from_several_talks),
                                       SHELF_TEST(copies_are_counted_where_they_are_folded),
                                       SHELF_TEST(a_correction_stands_before_what_it_corrects),
                                       SHELF_TEST(projects_do_not_correct_each_other),
                                       SHELF_TEST(a_turn_tells_of_the_time_its_own_words_name),
                                       SHELF_TEST(budgets_and_thresholds_are_kept),
                                       SHELF_TEST(filters_reach_the_index),
                                       SHELF_TEST(deleted_turns_are_gone_at_once),
                                       SHELF_TEST(odd_questions_find_nothing_and_do_no_harm),
                                       SHELF_TEST(a_passed_deadline_is_a_timeout),
                                       SHELF_TEST(every_fault_is_an_error_or_the_right_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
