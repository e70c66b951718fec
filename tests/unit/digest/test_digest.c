/* Digests: sentences, what is worth telling, the third person, topics, developments; and what holds for any input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "digest/digest.h"
#include "digest/intern.h"

static const struct digest_turn CHAT[] = {
    {.agent = {"Caroline", 8}, .content = {"Hey Mel! Good to see you! How have you been?", 44}},
    {.agent = {"Melanie", 7}, .content = {"Hey Caroline! I'm swamped with the kids and work. Anything new?", 63}},
    {.agent = {"Caroline", 8}, .content = {"I went to an LGBTQ support group yesterday and it was so powerful.", 66}},
    {.agent = {"Melanie", 7}, .content = {"Wow, that's cool, Caroline! Did you hear any inspiring stories?", 63}},
    {.agent = {"Caroline", 8}, .content = {"The support group has made me feel accepted.", 44}},
    {.agent = {"Melanie", 7}, .content = {"Thanks! I painted a lake sunrise last year.", 43}},
};
enum { CHAT_TURNS = sizeof CHAT / sizeof *CHAT };

static struct digest made(struct arena *a, const struct digest_turn *turns, size_t n, size_t characters)
{
    struct digest d;
    struct err e = {0};
    assert_int_equal(digest_make(a, turns, n, characters, &d, &e), ERR_OK);
    return d;
}

static bool holds(struct str text, const char *part)
{
    return str_find(text, str_of(part)) >= 0;
}

static bool any_holds(const struct str *texts, size_t n, const char *part)
{
    for (size_t i = 0; i < n; i++)
        if (holds(texts[i], part))
            return true;
    return false;
}

/* ---- sentences ---- */

struct collected {
    struct str texts[16];
    size_t n;
};

static bool collect(void *arg, struct str text)
{
    struct collected *c = arg;
    assert_true(c->n < 16);
    c->texts[c->n++] = text;
    return true;
}

static void expect_sentences(const char *text, size_t n, const char *const *wanted)
{
    struct collected c = {0};
    assert_true(sentences_each(str_of(text), collect, &c));
    for (size_t i = 0; i < c.n && i < n; i++)
        if (!str_is(c.texts[i], wanted[i]))
            fail_msg("sentence %zu is \"%.*s\"", i, STR_ARG(c.texts[i]));
    assert_int_equal(c.n, n);
}

static void a_full_stop_ends_a_sentence_only_where_one_ends(void **state)
{
    (void)state;
    expect_sentences("It took 3.5 hours. Dr. Smith came at 5 p.m. today!", 2,
                     (const char *const[]){"It took 3.5 hours.", "Dr. Smith came at 5 p.m. today!"});
    expect_sentences("Really?! (Yes.) See src/main.c now", 3,
                     (const char *const[]){"Really?!", "(Yes.)", "See src/main.c now"});
}

static void lines_lists_and_code_are_told_apart(void **state)
{
    (void)state;
    expect_sentences("# Plan\n- move the table\n- drop\n  the old one\n```\nint x = 1. \n```\n2. Then test", 4,
                     (const char *const[]){"Plan", "move the table", "drop\n  the old one", "Then test"});
    expect_sentences("", 0, NULL);
    expect_sentences(" \n\n``` never closed. at all", 0, NULL);
}

/* ---- what is told ---- */

static void what_happened_is_told_in_the_third_person(void **state)
{
    struct arena *a = arena_new();
    struct digest d = made(a, CHAT, CHAT_TURNS, 200);
    (void)state;
    assert_true(holds(d.text, "Caroline went to an LGBTQ support group yesterday"));
    assert_true(holds(d.text, "The support group has made Caroline feel accepted."));
    assert_true(any_holds(d.events, d.n_events, "Melanie painted a lake sunrise last year."));
    arena_free(a);
}

static void greetings_and_compliments_are_not_told(void **state)
{
    struct arena *a = arena_new();
    struct digest d = made(a, CHAT, CHAT_TURNS, 200);
    (void)state;
    assert_false(holds(d.text, "Hey"));
    assert_false(holds(d.text, "Good to see"));
    assert_false(holds(d.text, "cool"));
    assert_false(holds(d.text, "?"));
    arena_free(a);
}

static void one_told(const char *agent, const char *said, const char *wanted)
{
    struct arena *a = arena_new();
    const struct digest_turn turn = {.agent = str_of(agent), .content = str_of(said)};
    struct digest d = made(a, &turn, 1, 400);
    if (!str_is(d.text, wanted))
        fail_msg("\"%s\" became \"%.*s\"", said, STR_ARG(d.text));
    arena_free(a);
}

static void verbs_agree_with_the_name(void **state)
{
    (void)state;
    one_told("Ann", "I really want to visit the museum in Lisbon.", "Ann really wants to visit the museum in Lisbon.");
    one_told("Ann", "I've moved to Lisbon and I was tired.", "Ann has moved to Lisbon and they were tired.");
    one_told("Ann", "I'm keen on pottery.", "Ann is keen on pottery.");
    one_told("Ann", "My brother bought me a boat.", "Ann's brother bought them a boat.");
    one_told("Ann", "Well, I don't eat mushrooms.", "Ann doesn't eat mushrooms.");
    one_told("Ann", "Gonna study chemistry in Porto.", "Ann is gonna study chemistry in Porto.");
    one_told("Ann", "I carry two umbrellas.", "Ann carries two umbrellas.");
}

static void marks_of_markdown_go_and_code_keeps_its_letters(void **state)
{
    (void)state;
    one_told("bob", "**src/agent/oracle.ts** draws the graph.", "bob: src/agent/oracle.ts draws the graph.");
    one_told("bob", "the **oracle** draws a graph.", "bob: The oracle draws a graph.");
}

static void work_is_summed_up_by_decisions_errors_and_fixes(void **state)
{
    const struct digest_turn turns[] = {
        {.agent = STR("user"),
         .role = STR("user"),
         .content = STR("The login test fails with a timeout in src/auth/token.c.")},
        {.agent = STR("assistant"), .role = STR("assistant"), .content = STR("Sure! Let me look at that for you.")},
        {.agent = STR("tool"),
         .role = STR("tool"),
         .content = STR("drwxr-xr-x 2 a a 4096 .\ndrwxr-xr-x 2 a a 4096 ..")},
        {.agent = STR("assistant"),
         .role = STR("assistant"),
         .content = STR("The cause was a leaked lock in token_refresh. I fixed token_refresh in src/auth/token.c.")},
        {.agent = STR("assistant"),
         .role = STR("assistant"),
         .content = STR("We decided to use one mutex instead of two. All 42 tests pass.")},
    };
    struct arena *a = arena_new();
    struct digest d = made(a, turns, sizeof turns / sizeof *turns, 300);
    (void)state;
    assert_true(holds(d.text, "token_refresh"));
    assert_false(holds(d.text, "drwx"));
    assert_false(holds(d.text, "Sure"));
    assert_true(any_holds(d.plot_points, d.n_plot_points, "instead of two"));
    arena_free(a);
}

static void topics_are_what_comes_again_never_the_speakers(void **state)
{
    struct arena *a = arena_new();
    struct digest d = made(a, CHAT, CHAT_TURNS, 200);
    (void)state;
    assert_true(d.n_topics > 0 && d.n_topics <= DIGEST_TOPICS);
    assert_true(holds(d.topics[0], "support") || holds(d.topics[0], "group"));
    for (size_t i = 0; i < d.n_topics; i++)
        assert_true(!str_ieq(d.topics[i], STR("Caroline")) && !str_ieq(d.topics[i], STR("the")));
    arena_free(a);
}

static void each_speaker_has_developments_of_their_own(void **state)
{
    struct arena *a = arena_new();
    struct digest d = made(a, CHAT, CHAT_TURNS, 200);
    (void)state;
    assert_int_equal(d.n_developments, 2);
    for (size_t i = 0; i < d.n_developments; i++) {
        assert_true(d.developments[i].n > 0 && d.developments[i].n <= DIGEST_DEVELOPMENTS);
        for (size_t k = 0; k < d.developments[i].n; k++)
            assert_true(str_find(d.developments[i].texts[k], d.developments[i].name) >= 0);
    }
    arena_free(a);
}

static void told_turns_stay_as_they_are(void **state)
{
    const struct digest_turn turn = {
        .agent = STR("Ann"), .content = STR("I, Robot was read by Ann in May."), .told = true};
    struct arena *a = arena_new();
    struct digest d = made(a, &turn, 1, 200);
    (void)state;
    assert_true(str_is(d.text, "I, Robot was read by Ann in May."));
    arena_free(a);
}

/* ---- for any input ---- */

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Words, marks, new lines, characters of all lengths and bytes that are no UTF-8. */
static struct str random_text(struct arena *a, uint32_t *seed, bool valid)
{
    static const char *const parts[] = {
        "I ",       "went ",    "to ", "Lisbon. ", "you? ",    "\n",    "- ",       "```",  "3.5 ",     "my ",
        "Ünïcode ", "日本語。", "🎉 ",  "’s ",      "e.g. ",    "Ann, ", "...",      "!",    "I've ",    "and ",
        "was ",     "|",        "# ",  "fixed ",   "src/a.c ", "Mel ",  "because ", "[x] ", "planned ", "\""};
    struct buf b;
    buf_init(&b, 0);
    for (uint32_t i = next(seed) % 60; i > 0; i--)
        buf_cstr(&b, parts[next(seed) % (sizeof parts / sizeof *parts)]);
    if (!valid) {
        char c = (char)(0x80 | (next(seed) & 0x7F));
        buf_put(&b, &c, 1);
    }
    return buf_take(&b, a);
}

static void check_text(struct str s, size_t characters)
{
    assert_true(text_utf8_valid(s));
    assert_true(text_chars(s) <= characters);
}

static void no_text_is_longer_than_asked_and_all_is_valid_utf8(void **state)
{
    uint32_t seed = 7;
    (void)state;
    for (int round = 0; round < 400; round++) {
        struct arena *a = arena_new();
        struct digest_turn turns[12] = {0};
        size_t n = next(&seed) % 12, characters = 1 + next(&seed) % 300;
        for (size_t i = 0; i < n; i++)
            turns[i] = (struct digest_turn){.agent = i % 3 ? STR("Ann") : STR("Melanie"),
                                            .content = random_text(a, &seed, true)};
        struct digest d = made(a, turns, n, characters), again = made(a, turns, n, characters);
        check_text(d.text, characters);
        assert_true(str_eq(d.text, again.text));
        assert_true(d.n_events <= DIGEST_EVENTS && d.n_topics <= DIGEST_TOPICS);
        for (size_t i = 0; i < d.n_events; i++)
            check_text(d.events[i], DIGEST_EVENT_CHARACTERS);
        for (size_t i = 0; i < d.n_topics; i++)
            assert_true(text_utf8_valid(d.topics[i]));
        arena_free(a);
    }
}

static void bytes_that_are_no_text_do_no_harm(void **state)
{
    uint32_t seed = 11;
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct arena *a = arena_new();
        const struct digest_turn turn = {.agent = STR("\xff\xfe"), .content = random_text(a, &seed, false)};
        made(a, &turn, 1, 50);
        arena_free(a);
    }
}

static void a_conversation_of_ten_thousand_turns_stays_within_bounds(void **state)
{
    enum { TURNS = 12000 };
    struct arena *a = arena_new();
    struct digest_turn *turns = arena_array(a, struct digest_turn, TURNS);
    uint32_t seed = 3;
    (void)state;
    for (size_t i = 0; i < TURNS; i++)
        turns[i] =
            (struct digest_turn){.agent = i % 2 ? STR("Ann") : STR("Bob"), .content = random_text(a, &seed, true)};
    size_t before = arena_used(a);
    struct digest d = made(a, turns, TURNS, 200);
    check_text(d.text, 200);
    assert_true(d.text.n > 0);
    assert_true(arena_used(a) - before < (size_t)64 << 20);
    arena_free(a);
}

static void a_text_of_nothing_but_tiny_sentences_stays_within_bounds(void **state)
{
    enum { BYTES = 3 << 20, TURNS = 200 };
    struct arena *a = arena_new();
    char *text = arena_alloc(a, BYTES);
    struct digest_turn turns[TURNS];
    (void)state;
    for (size_t i = 0; i < BYTES; i++)
        text[i] = "ab! "[i % 4];
    for (size_t i = 0; i < TURNS; i++)
        turns[i] = (struct digest_turn){.agent = STR("Ann"), .content = {text + i * (BYTES / TURNS), BYTES / TURNS}};
    size_t before = arena_used(a);
    made(a, turns, TURNS, 200);
    assert_true(arena_used(a) - before < (size_t)64 << 20);
    arena_free(a);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    for (size_t limit = 1 << 16; limit < 1 << 20; limit += 1 << 14) {
        struct arena *a = arena_new();
        struct digest d;
        struct err e = {0};
        arena_limit(a, limit);
        enum err_code code = digest_make(a, CHAT, CHAT_TURNS, 200, &d, &e);
        assert_true(code == ERR_OK || code == ERR_NOMEM);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_stop_ends_a_sentence_only_where_one_ends),
        cmocka_unit_test(lines_lists_and_code_are_told_apart),
        cmocka_unit_test(what_happened_is_told_in_the_third_person),
        cmocka_unit_test(greetings_and_compliments_are_not_told),
        cmocka_unit_test(verbs_agree_with_the_name),
        cmocka_unit_test(marks_of_markdown_go_and_code_keeps_its_letters),
        cmocka_unit_test(work_is_summed_up_by_decisions_errors_and_fixes),
        cmocka_unit_test(topics_are_what_comes_again_never_the_speakers),
        cmocka_unit_test(each_speaker_has_developments_of_their_own),
        cmocka_unit_test(told_turns_stay_as_they_are),
        cmocka_unit_test(no_text_is_longer_than_asked_and_all_is_valid_utf8),
        cmocka_unit_test(bytes_that_are_no_text_do_no_harm),
        cmocka_unit_test(a_conversation_of_ten_thousand_turns_stays_within_bounds),
        cmocka_unit_test(a_text_of_nothing_but_tiny_sentences_stays_within_bounds),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
