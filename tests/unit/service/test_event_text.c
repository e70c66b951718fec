/* Which sentences tell of an event, and of what sort. */
#include "service_fixture.h"

#include "service/event_text.h"

static void the_strongest_word_decides_the_type(void **state)
{
    static const struct {
        const char *text;
        enum event_type type;
    } cases[] = {
        {"The push failed with four type errors.", EVENT_PROBLEM},
        {"Search returns nothing for short names.", EVENT_PROBLEM},
        {"I lost my keys at the station.", EVENT_PROBLEM},
        {"The root cause is a missing lock, so two workers collide.", EVENT_FINDING},
        {"It turned out that the port was wrong.", EVENT_FINDING},
        {"We decided to remove the cache.", EVENT_DECISION},
        {"Fixed the failing test in wire.c.", EVENT_CHANGE},
        {"The importer now streams the file.", EVENT_CHANGE},
        {"All tests pass, the slow ones too.", EVENT_RESULT},
        {"My grandmother left me her violin.", EVENT_OCCURRENCE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (event_type_of(str_of(cases[i].text)) != cases[i].type)
            fail_msg("%s: %s", cases[i].text, event_type_name(event_type_of(str_of(cases[i].text))));
    }
}

static void what_is_asked_meant_or_imagined_is_no_event(void **state)
{
    static const char *const none[] = {
        "Why did the push fail?",
        "Let me fix the test.",
        "I'll remove the cache now.",
        "If the push fails we start again.",
        "The cache should be updated at night.",
        "Could you check the failed test",
        "The sky is blue over the harbour.",
        "failed again",
        "The errors might be on another branch.",
        "errorDetails = JSON.parse(failedText);",
        "12 | the build failed | 3 errors",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(event_type_of(str_of(none[i])), EVENT_NONE);
}

static void sentences_are_found_without_marks(void **state)
{
    struct arena *a = arena_new();
    struct event_found found[EVENTS_PER_TURN_MAX];
    (void)state;
    size_t n = events_find(a,
                           STR("## Summary\n"
                               "- **Fixed the parser in html_test.go.** Let me go on.\n"
                               "```\nthe build failed with an error\n```\n"
                               "| a table failed | here |\n"
                               "> the quoted build failed\n"
                               "2. All tests pass in wire.c now!\n"),
                           10, found);
    assert_int_equal(n, 2);
    assert_true(str_is(found[0].text, "Fixed the parser in html_test.go."));
    assert_true(str_is(found[1].text, "All tests pass in wire.c now!"));
    arena_free(a);
}

static void a_turn_gives_no_more_than_asked_the_most_telling_ones(void **state)
{
    struct arena *a = arena_new();
    struct event_found found[EVENTS_PER_TURN_MAX];
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    for (int i = 0; i < 50; i++)
        buf_fmt(&b, "We walked around lake number %d.\n", i);
    buf_cstr(&b, "We decided to stay at the sea.\n");
    assert_int_equal(events_find(a, buf_view(&b), 1, found), 1);
    assert_int_equal(found[0].type, EVENT_DECISION);
    assert_int_equal(events_find(a, buf_view(&b), 1000, found), EVENTS_PER_TURN_MAX);
    assert_int_equal(events_find(a, buf_view(&b), 0, found), 0);
    buf_release(&b);
    arena_free(a);
}

static void long_and_broken_text_is_cut(void **state)
{
    struct arena *a = arena_new();
    struct event_found found[EVENTS_PER_TURN_MAX];
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    buf_cstr(&b, "It failed because of ");
    for (int i = 0; i < 1000; i++)
        buf_cstr(&b, "\xc3\xa4\xff ");
    assert_int_equal(events_find(a, buf_view(&b), 5, found), 1);
    assert_true(found[0].text.n <= EVENT_TEXT_MAX);
    buf_release(&b);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_strongest_word_decides_the_type),
                                       cmocka_unit_test(what_is_asked_meant_or_imagined_is_no_event),
                                       cmocka_unit_test(sentences_are_found_without_marks),
                                       cmocka_unit_test(a_turn_gives_no_more_than_asked_the_most_telling_ones),
                                       cmocka_unit_test(long_and_broken_text_is_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
