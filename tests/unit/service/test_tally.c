/* Counting in bounded memory, and what one turn teaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "service/lesson.h"

static int setup(void **state)
{
    *state = arena_new();
    return *state ? 0 : 1;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

static struct tally tally_of(struct arena *a, size_t most)
{
    struct tally t;
    assert_true(tally_init(&t, a, most));
    return t;
}

static void add(struct tally *t, const char *key, int times)
{
    for (int i = 0; i < times; i++)
        assert_true(tally_add(t, str_of(key), str_of(key), 1));
}

static struct str written(struct arena *a, const struct tally *t)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, 0);
    jw_init(&w, &b);
    tally_write(&w, t);
    return buf_take(&b, a);
}

static double certain(const struct tally *t, const char *key)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_is(t->items[i].key, key))
            return t->items[i].count - t->items[i].error;
    }
    return 0;
}

static void test_counts_are_exact_while_there_is_room(void **state)
{
    struct tally t = tally_of(*state, 4);
    struct tally_item *top;
    size_t n;
    add(&t, "b", 2);
    add(&t, "a", 2);
    add(&t, "c", 5);
    assert_true(tally_top(&t, 2, 2, &top, &n));
    assert_int_equal(n, 2);
    assert_true(str_is(top[0].key, "c") && str_is(top[1].key, "a"));
    assert_true(top[0].count == 5 && top[0].error == 0);
}

/* The promise of the sketch: whatever is more than 1/most of all is in it, and never counted too high for certain. */
static void test_what_is_frequent_survives_a_flood_of_rare_keys(void **state)
{
    struct tally t = tally_of(*state, 16);
    char key[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "rare %d", i);
        add(&t, key, 1);
        if (i % 5 == 0)
            add(&t, "frequent", 1);
    }
    assert_int_equal(t.n, 16);
    assert_true(certain(&t, "frequent") > 800 && certain(&t, "frequent") <= 1000);
    for (size_t i = 0; i < t.n; i++)
        assert_true(str_is(t.items[i].key, "frequent") || t.items[i].count - t.items[i].error <= 1);
}

static void test_batches_make_no_difference(void **state)
{
    struct tally whole = tally_of(*state, 8), parts = tally_of(*state, 8);
    for (int i = 0; i < 300; i++) {
        char key[32];
        const struct json *kept;
        snprintf(key, sizeof key, "k%d", i * i % 13);
        tally_fade(&whole, 0.97);
        tally_fade(&parts, 0.97);
        add(&whole, key, 1);
        add(&parts, key, 1);
        if (i % 7)
            continue;
        struct str text = written(*state, &parts);
        assert_int_equal(json_parse(*state, text, 0, &kept, NULL), ERR_OK);
        parts = tally_of(*state, 8);
        assert_true(tally_read(&parts, kept));
    }
    assert_true(str_eq(written(*state, &whole), written(*state, &parts)));
}

static void test_what_is_no_tally_is_passed_over(void **state)
{
    struct tally t = tally_of(*state, 2);
    const struct json *o;
    struct str text =
        STR("[1, [\"a\"], [\"a\", \"\", \"x\", 0], [\"b\", \"B\", 3, 1], [\"c\", \"\", 1, 0], [\"d\", \"\", 1, 0]]");
    assert_int_equal(json_parse(*state, text, 0, &o, NULL), ERR_OK);
    assert_true(tally_read(&t, o) && tally_read(&t, NULL));
    assert_int_equal(t.n, 2);
    assert_true(str_is(t.items[0].shown, "B") && str_is(t.items[1].shown, "c"));
}

static void test_fading_halves_what_is_no_longer_said(void **state)
{
    struct tally t = tally_of(*state, 2);
    add(&t, "a", 4);
    tally_fade(&t, 0.5);
    assert_true(certain(&t, "a") == 2);
}

static void test_phrases_keep_within_a_sentence_and_out_of_code(void **state)
{
    struct tally t = tally_of(*state, PHRASES_TALLY);
    assert_true(lesson_phrases(&t, STR("Mend the Red canoe. Then, of the\nstate of art — red canoe")));
    assert_true(certain(&t, "red canoe") == 2);
    assert_true(certain(&t, "mend the red") == 1 && certain(&t, "state of art") == 1);
    assert_true(certain(&t, "canoe then") == 0);    /* a mark between */
    assert_true(certain(&t, "of the") == 0);        /* stop words alone */
    assert_true(certain(&t, "the red canoe") == 0); /* begins with one */
    assert_true(certain(&t, "art red") == 0);       /* a dash beyond ASCII is a mark */
    struct tally code = tally_of(*state, 8);
    assert_true(lesson_phrases(&code, STR("```c\nint red_canoe int red_canoe\n```")));
    assert_int_equal(code.n, 0);
}

static void test_any_bytes_are_some_text(void **state)
{
    static const char bytes[] =
        "\xff\xfe \xc3 canoe\0 canoe \xe2\x80 ''' --- \xf0\x9f\x9b\xb6 boat \xe6\x97\xa5\xe6\x9c\xac \xe8\xaa\x9e";
    struct tally t = tally_of(*state, 8);
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_true(lesson_phrases(&t, (struct str){bytes, n}));
    char *large = arena_alloc(*state, 100000);
    for (size_t i = 0; i < 100000; i++)
        large[i] = i % 90 ? 'x' : ' ';
    assert_true(lesson_phrases(&t, (struct str){large, 100000}));
    assert_true(t.n <= 8);
}

static void test_topics_are_counted_once_a_turn_by_their_stem(void **state)
{
    struct tally t = tally_of(*state, TOPICS_TALLY);
    struct err e = {0};
    assert_int_equal(lesson_topics(&t, STR("Canoes, canoe and CANOE: 12345 the red"), &e), ERR_OK);
    assert_int_equal(lesson_topics(&t, STR("one more canoe"), &e), ERR_OK);
    struct tally_item *top;
    size_t n;
    assert_true(tally_top(&t, 1, 10, &top, &n));
    assert_int_equal(n, 1);
    assert_true(str_is(top[0].shown, "canoe") && top[0].count == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts_are_exact_while_there_is_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_frequent_survives_a_flood_of_rare_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batches_make_no_difference, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_tally_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fading_halves_what_is_no_longer_said, setup, teardown),
        cmocka_unit_test_setup_teardown(test_phrases_keep_within_a_sentence_and_out_of_code, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_bytes_are_some_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_topics_are_counted_once_a_turn_by_their_stem, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
