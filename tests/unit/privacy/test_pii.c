/* Personal values in texts: each case of tests/labelled/pii.jsonl gives exactly what it is labelled with, whole and in
 * pieces of any size; and the checks behind the patterns at their bounds. */
#include "unit/base/unit.h"

#include "base/json.h"
#include "privacy/check_pii.h"
#include "privacy/nearby.h"
#include "privacy/privacy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct privacy *privacy;

static int open_all(void **state)
{
    (void)state;
    struct err e = {0};
    return privacy_open(&(struct privacy_options){0}, &privacy, &e) == ERR_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    privacy_free(privacy);
    return 0;
}

static bool is_ours(const char *type)
{
    for (size_t i = 0; i < detectors_pii_count; i++)
        if (strcmp(detectors_pii[i].type, type) == 0)
            return true;
    return false;
}

/* The i-th labelled value, looked for from *from on. */
static struct str labelled(const struct json *found, size_t i, struct str text, size_t *from)
{
    struct str value = found->items[i].items[1].s;
    ptrdiff_t at = str_find(str_skip(text, *from), value);
    assert_true(at >= 0);
    *from += (size_t)at + value.n;
    return (struct str){text.p + *from - value.n, value.n};
}

static bool as_labelled(struct arena *a, struct str text, const struct json *found)
{
    const struct privacy_span *spans;
    size_t n, k = 0, from = 0;
    struct err e = {0};
    assert_int_equal(privacy_scan(privacy, PRIVACY_PUBLIC, text, a, &spans, &n, &e), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        struct str got = {text.p + spans[i].start, spans[i].end - spans[i].start};
        if (!is_ours(spans[i].type))
            continue;
        if (k == found->n || !str_is(found->items[k].items[0].s, spans[i].type))
            return false;
        struct str value = labelled(found, k++, text, &from);
        if (value.p != got.p || value.n != got.n)
            return false;
    }
    return k == found->n;
}

static void each_labelled_case(void **state)
{
    (void)state;
    FILE *f = fopen("tests/labelled/pii.jsonl", "r");
    assert_non_null(f);
    char *line = NULL;
    size_t room = 0, cases = 0, wrong = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0; cases++) {
        struct arena *a = arena_new();
        struct err e = {0};
        const struct json *o;
        assert_int_equal(json_parse(a, (struct str){line, (size_t)n}, 0, &o, &e), ERR_OK);
        if (!as_labelled(a, json_text(o, "text"), json_get_type(o, "found", JSON_ARRAY))) {
            print_error("not as labelled: %.*s", (int)n, line);
            wrong++;
        }
        arena_free(a);
    }
    free(line);
    assert_int_equal(fclose(f), 0);
    assert_true(cases > 500);
    assert_int_equal(wrong, 0);
}

/* A card number that is one digit off is no card, whichever digit. */
static void one_wrong_digit(void **state)
{
    (void)state;
    char text[] = "4111111111111111";
    for (size_t i = 0; i < 16; i++)
        for (char c = '0'; c <= '9'; c++) {
            char kept = text[i];
            text[i] = c;
            size_t start = 0, end = 16;
            struct detector_match m = {.text = {text, 16}, .to = 16, .end = 16};
            assert_true((check_card(&m, &start, &end) > 0) == (c == kept));
            text[i] = kept;
        }
}

static void an_iban_with_two_signs_swapped(void **state)
{
    (void)state;
    char text[] = "GB29NWBK60161331926819";
    for (size_t i = 2; i + 1 < 22; i++) {
        char swapped[sizeof text];
        memcpy(swapped, text, sizeof text);
        swapped[i] = text[i + 1];
        swapped[i + 1] = text[i];
        size_t start = 0, end = 22;
        struct detector_match m = {.text = {swapped, 22}, .to = 22, .end = 22};
        assert_true((check_iban(&m, &start, &end) > 0) == (text[i] == text[i + 1]));
    }
}

static void words_in_order(void **state)
{
    (void)state;
    assert_true(nearby_sorted());
}

static void words_as_they_are_written(void **state)
{
    (void)state;
    assert_int_equal(nearby_word(STR("PHONE")), NEARBY_PHONE);
    assert_int_equal(nearby_word(STR("Telefonnummer")), NEARBY_PHONE);
    assert_int_equal(nearby_word(STR("我的电话是")), NEARBY_PHONE);
    assert_int_equal(nearby_word(STR("headphone")), 0);
    assert_int_equal(nearby_word(STR_NONE), 0);

    struct str text = STR("userPhone_number: \xE2\x80\x9C"), token;
    size_t at = text.n;
    assert_true(nearby_before(text, &at, NEARBY_BEFORE, &token));
    assert_str(token, "number");
    assert_true(nearby_before(text, &at, NEARBY_BEFORE, &token));
    assert_str(token, "Phone");
    assert_true(nearby_before(text, &at, NEARBY_BEFORE, &token));
    assert_str(token, "user");
    assert_false(nearby_before(text, &at, NEARBY_BEFORE, &token));
    assert_int_equal(nearby_name(text, text.n, NEARBY_BEFORE), NEARBY_PHONE);
    assert_int_equal(nearby_name(text, text.n, 8), 0); /* half a word is none */
}

/* Any bytes, of any length, at the borders of what a check may look at. */
static void broken_texts(void **state)
{
    (void)state;
    static const char *const PIECES[] = {"\xff", "\xc3", "\xe2\x80", "+",  "(", ")",   "12", "0", "-",
                                         ".",    "@",    ":",        "::", "a", "%40", " ",  "x", "\xf0\x9f\x93\x9e"};
    unsigned long long seed = 7;
    for (int round = 0; round < 3000; round++) {
        char text[400];
        size_t n = 0;
        while (n < 300) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            const char *piece = PIECES[(seed >> 33) % (sizeof PIECES / sizeof PIECES[0])];
            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        struct arena *a = arena_new();
        struct err e = {0};
        struct str once, twice;
        assert_int_equal(privacy_mask(privacy, PRIVACY_PUBLIC, (struct str){text, n}, a, &once, &e), ERR_OK);
        assert_int_equal(privacy_mask(privacy, PRIVACY_PUBLIC, once, a, &twice, &e), ERR_OK);
        assert_true(str_eq(once, twice));
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_labelled_case),
        cmocka_unit_test(one_wrong_digit),
        cmocka_unit_test(an_iban_with_two_signs_swapped),
        cmocka_unit_test(words_in_order),
        cmocka_unit_test(words_as_they_are_written),
        cmocka_unit_test(broken_texts),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
