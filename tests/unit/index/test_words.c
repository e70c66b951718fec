/* The tokenizer: what is a word, how it is kept, which are left out. */
#include "unit/index/shelf.h"

#include "base/mem.h"

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

static void stop_words_are_found_and_others_are_not(void **state)
{
    static const char IN[] =
        "a about after again all also am an and any are aren as at be because been before being both but "
        "by can cannot could couldn d did didn do does doesn doing don during each ever every few for "
        "from further get gets getting go goes going got had hadn has hasn have haven having he her here "
        "hers herself him himself his how i if in into is isn it its itself just let ll m many may me "
        "might more most much must my myself no nor not of off on once only or other our ours out over "
        "own re s same shall she should shouldn so some someone something such t than that the their "
        "theirs them themselves then there these they thing things this those through to too under until "
        "up us ve very was wasn we well were weren what when where whether which while who whom whose why "
        "will with won would wouldn yes you your yours yourself yourselves ";
    static const char *const OUT[] = {"",          "an1", "zebra", "cat",   "yourselvesx",
                                      "yourselve", "aa",  "thee",  "month", "b"};
    struct str rest = STR(IN);
    size_t n = 0;
    (void)state;
    while (rest.n) {
        struct str word = str_cut(&rest, ' ');
        if (!token_is_stop(word)) {
            print_error("%.*s is no stop word\n", STR_ARG(word));
            fail();
        }
        n++;
    }
    assert_int_equal(n, 167);
    assert_true(index_stop_word(STR("The")) && index_stop_word(STR("YOURSELVES")));
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

/* What one thread splits is not disturbed by another. */
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
    for (int i = 0; i < INDEX_WORDS_MAX + 50; i++)
        buf_cstr(&b, " w");
    buf_char(&b, '\0');
    struct index_term *t = split(a, b.p, false, &n);
    assert_int_equal(t[0].text.n, TOKEN_BYTES);
    assert_int_equal(n, INDEX_WORDS_MAX);
    buf_release(&b);
    arena_free(a);
}

/* ---- what to search for ---- */
static struct index_question *asked(struct arena *a, const char *text)
{
    struct index_question *q = arena_alloc(a, sizeof *q);
    OK(index_question(a, str_of(text), q, &e));
    return q;
}

static double weight_of(const struct index_question *q, const char *form)
{
    for (size_t i = 0; i < q->n; i++)
        if (str_is(q->terms[i], form))
            return q->weights[i];
    return 0;
}

static void a_question_gives_its_words_first_and_their_other_forms_with_less_weight(void **state)
{
    struct arena *a = arena_new();
    struct index_question *q = asked(a, "Where is parse_config called, the parser of configs and Configs?");
    (void)state;
    assert_true(weight_of(q, "pars") == 1 && weight_of(q, "config") == 1 && weight_of(q, "call") == 1);
    assert_true(weight_of(q, "parseconfig") > 0 && weight_of(q, "parseconfig") < 1);
    assert_true(weight_of(q, "=configs") > 0 && weight_of(q, "=configs") < weight_of(q, "parseconfig"));
    assert_true(weight_of(q, "the") == 0);
    for (size_t i = 1; i < q->n; i++) {
        assert_true(q->weights[i] <= q->weights[i - 1]);
        for (size_t k = 0; k < i; k++)
            assert_false(str_eq(q->terms[i], q->terms[k]));
    }
    assert_int_equal(asked(a, "")->n, 0);
    assert_int_equal(asked(a, "who was it?")->n, 0);
    arena_free(a);
}

/* There are only so many terms: other forms do not crowd out words, and of too many words the longest stay. */
static void many_words_leave_no_room_for_other_forms(void **state)
{
    struct arena *a = arena_new();
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    for (int i = 0; i < INDEX_TERMS_MAX; i++)
        buf_fmt(&b, "run_%c%cing ", 'b' + i / 5, "bdfgk"[i % 5]);
    buf_cstr(&b, "extraordinarily");
    buf_char(&b, '\0');
    struct index_question *q = asked(a, b.p);
    assert_int_equal(q->n, INDEX_TERMS_MAX);
    for (size_t i = 0; i < q->n; i++)
        assert_true(q->weights[i] == 1);
    assert_true(weight_of(q, "extraordinarili") == 1);
    buf_release(&b);
    arena_free(a);
}

static void memory_that_is_not_there_is_told(void **state)
{
    struct arena *a = arena_new();
    struct str text = STR("getUserName of ann@example.org on 2023-05-08");
    struct index_question *q = arena_alloc(a, sizeof *q);
    (void)state;
    for (int n = 0;; n++) {
        struct index_term *t;
        struct err own = {0};
        size_t count;
        struct arena *b = arena_new();
        assert_non_null(b);
        mem_fail_after(n, true);
        enum err_code code = index_question(b, text, q, &own);
        code = code ? code : index_terms(b, text, true, &t, &count, &own);
        mem_fail_after(-1, false);
        arena_free(b);
        assert_true(code == ERR_OK || (code == ERR_NOMEM && own.code == ERR_NOMEM));
        if (code == ERR_OK) {
            assert_true(n > 0);
            break;
        }
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_stemmed_and_folded_in_order),
        cmocka_unit_test(question_words_are_left_out_when_asked),
        cmocka_unit_test(stop_words_are_found_and_others_are_not),
        cmocka_unit_test(several_texts_are_split_as_each_alone),
        cmocka_unit_test(threads_split_at_the_same_time),
        cmocka_unit_test(nothing_and_odd_bytes_are_fine),
        cmocka_unit_test(a_word_and_a_text_are_bounded),
        cmocka_unit_test(a_question_gives_its_words_first_and_their_other_forms_with_less_weight),
        cmocka_unit_test(many_words_leave_no_room_for_other_forms),
        cmocka_unit_test(memory_that_is_not_there_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
