/* The tokenizer: what is a word, how it is kept, which are left out. */
#include "unit/index/shelf.h"

static struct index_term *split(struct arena *a, const char *text, bool drop, size_t *n)
{
    struct index_term *t = NULL;
    OK(index_terms(a, str_of(text), drop, &t, n, &e));
    return t;
}

static void words_are_stemmed_and_folded_in_order(void **state)
{
    struct arena *a = arena_new();
    size_t n;
    struct index_term *t = split(a, "Running CAFÉS, universities 42!", false, &n);
    (void)state;
    assert_int_equal(n, 4);
    assert_true(str_is(t[0].text, "run"));
    assert_true(str_is(t[0].word, "running"));
    assert_true(str_is(t[1].text, "cafe"));
    assert_true(str_is(t[2].text, "univers"));
    assert_true(str_is(t[3].text, "42"));
    arena_free(a);
}

static void question_words_are_left_out_when_asked(void **state)
{
    struct arena *a = arena_new();
    size_t n, all;
    struct index_term *t = split(a, "What DIDN'T she do when she was at the library?", true, &n);
    (void)state;
    assert_int_equal(n, 1);
    assert_true(str_is(t[0].word, "library"));
    split(a, "What DIDN'T she do when she was at the library?", false, &all);
    assert_int_equal(all, 11);
    arena_free(a);
}

/* bsearch needs the list sorted: each of a sample over the whole alphabet must be found. */
static void stop_words_are_found_and_others_are_not(void **state)
{
    static const char *const IN[] = {"a",      "about", "couldn", "d",          "himself",    "i",  "ll",
                                     "may",    "s",     "t",      "themselves", "us",         "ve", "why",
                                     "wouldn", "yes",   "you",    "yourself",   "yourselves", "The"};
    static const char *const OUT[] = {"", "an1", "zebra", "cat", "yourselvesx", "aa", "thee", "month"};
    (void)state;
    for (size_t i = 0; i < sizeof IN / sizeof *IN; i++)
        assert_true(token_is_stop(str_of(IN[i])));
    for (size_t i = 0; i < sizeof OUT / sizeof *OUT; i++)
        assert_false(token_is_stop(str_of(OUT[i])));
}

static void several_texts_are_split_as_each_alone(void **state)
{
    struct arena *a = arena_new();
    const struct str texts[] = {STR("Two boats"), STR_NONE, STR("the"), STR("One harbour, one lighthouse")};
    struct index_words all[4];
    (void)state;
    OK(index_terms_of(a, texts, 4, true, all, &e));
    assert_int_equal(all[1].n, 0);
    assert_int_equal(all[2].n, 0);
    for (size_t i = 0; i < 4; i++) {
        struct index_term *alone;
        size_t n;
        OK(index_terms(a, texts[i], true, &alone, &n, &e));
        assert_int_equal(all[i].n, n);
        for (size_t k = 0; k < n; k++)
            assert_true(str_eq(all[i].terms[k].text, alone[k].text) && str_eq(all[i].terms[k].word, alone[k].word));
    }
    assert_true(all[3].n >= 3);
    OK(index_terms_of(a, texts, 0, true, all, &e));
    arena_free(a);
}

/* Each thread has a tokenizer of its own, which ends with it: what one splits is not disturbed by another. */
static void *split_often(void *arg)
{
    struct arena *a = arena_new();
    struct err own = {0};
    bool *same = arg;
    for (int i = 0; i < 200; i++) {
        struct index_term *t = NULL;
        size_t n = 0;
        enum err_code code = index_terms(a, STR("Running CAF\xC3\x89S, universities"), true, &t, &n, &own);
        *same = *same && !code && n == 3 && str_is(t[0].text, "run") && str_is(t[1].text, "cafe") &&
                str_is(t[2].text, "univers");
        arena_reset(a);
    }
    arena_free(a);
    return NULL;
}

static void threads_split_at_the_same_time(void **state)
{
    pthread_t threads[4];
    bool same[4] = {true, true, true, true};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, split_often, &same[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(same[i]);
    }
}

static void nothing_and_odd_bytes_are_fine(void **state)
{
    struct arena *a = arena_new();
    struct index_term *t;
    size_t n;
    (void)state;
    OK(index_terms(a, STR_NONE, true, &t, &n, &e));
    assert_int_equal(n, 0);
    OK(index_terms(a, STR("alpha\0beta \xff\xfe gamma"), true, &t, &n, &e));
    assert_true(str_is(t[0].text, "alpha"));
    arena_free(a);
}

static void a_word_and_a_text_are_bounded(void **state)
{
    struct arena *a = arena_new();
    struct buf b;
    size_t n;
    (void)state;
    buf_init(&b, 0);
    for (int i = 0; i < 200; i++)
        buf_char(&b, 'x');
    for (int i = 0; i < WORDS_PER_TEXT + 50; i++)
        buf_cstr(&b, " w");
    buf_char(&b, '\0');
    struct index_term *t = split(a, b.p, false, &n);
    assert_int_equal(t[0].text.n, WORD_MAX_BYTES);
    assert_int_equal(n, WORDS_PER_TEXT);
    buf_release(&b);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_are_stemmed_and_folded_in_order),
                                       cmocka_unit_test(question_words_are_left_out_when_asked),
                                       cmocka_unit_test(stop_words_are_found_and_others_are_not),
                                       cmocka_unit_test(several_texts_are_split_as_each_alone),
                                       cmocka_unit_test(threads_split_at_the_same_time),
                                       cmocka_unit_test(nothing_and_odd_bytes_are_fine),
                                       cmocka_unit_test(a_word_and_a_text_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
