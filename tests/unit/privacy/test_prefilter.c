/* Looking first by Hyperscan finds what searching pattern by pattern finds: on made texts and on real ones, in pieces
 * of any size, for every level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hs/hs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "texts.h"

static const struct privacy_custom CUSTOM[] = {
    {"employee", "EMP-\\d{6}", NULL, NULL, PRIVACY_TEAM},
    {"ticket", "\\bT(?<=T)\\d+", "ticket", "ticket|issue", PRIVACY_PRIVATE},
    {"twice", "(\\w{3,8})\\s\\1", NULL, NULL, PRIVACY_PUBLIC},
};

static struct privacy *open_with(bool one_by_one, size_t segment)
{
    const struct privacy_options o = {.one_by_one = one_by_one, .segment = segment, .custom = CUSTOM, .n_custom = 3};
    struct privacy *p;
    struct err e = {0};
    if (privacy_open(&o, &p, &e))
        fail_msg("%s", e.message);
    if (!one_by_one)
        assert_non_null(later_wait(p->later));
    return p;
}

static void same(const struct privacy *slow, const struct privacy *fast, enum privacy_level level, struct str text)
{
    struct arena *a = arena_new();
    const struct privacy_span *x, *y;
    size_t n_x, n_y;
    assert_int_equal(privacy_scan(slow, level, text, a, &x, &n_x, NULL), ERR_OK);
    assert_int_equal(privacy_scan(fast, level, text, a, &y, &n_y, NULL), ERR_OK);
    struct str wanted = spans_text(a, x, n_x), got = spans_text(a, y, n_y);
    if (!str_eq(wanted, got))
        fail_msg("%.*s\none by one:\n%.*s\nwith the prefilter:\n%.*s", STR_ARG(text), STR_ARG(wanted), STR_ARG(got));
    arena_free(a);
}

static void test_made_texts(void **state)
{
    static const size_t pieces[] = {0, 16, 61, 300};
    struct privacy *slow = open_with(true, 0);
    (void)state;
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        struct privacy *fast = open_with(false, pieces[k]);
        for (uint64_t number = 0; number < 200; number++) {
            struct arena *a = arena_new();
            const size_t parts = number % 50 == 0 ? 400 : 1 + number % 30;
            same(slow, fast, (enum privacy_level)(number % 3), made_text(a, number + k * 7919, parts));
            arena_free(a);
        }
        privacy_free(fast);
    }
    privacy_free(slow);
}

/* Whole files of this repository: code, prose, numbers, base64. */
static void test_real_texts(void **state)
{
    static const char *const files[] = {
        "ARCHITECTURE.md", "bench/results.md", "src/privacy/detectors_pii.c", "Makefile",
        "src/base/json.c", "tools/house",      "tests/unit/privacy/texts.h",  "docs/operations.md"};
    struct privacy *slow = open_with(true, 0), *fast = open_with(false, 0);
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct buf b;
        buf_init(&b, 0);
        if (file_read_all(files[i], 1 << 22, &b, NULL) == ERR_OK)
            same(slow, fast, PRIVACY_PUBLIC, buf_view(&b));
        buf_release(&b);
    }
    privacy_free(slow);
    privacy_free(fast);
}

/* Names, what may stand behind them, signs, values: what detectors_assigned.c says may be is what its forms must see.
 */
static void test_assignments(void **state)
{
    static const char *const names[] = {
        "pass",   "pw",      "dbPass",   "passwd", "PASSWORD",   "pwd",         "passcode",      "mdp",
        "psk",    "api_key", "API-KEY",  "apikey", "access key", "token",       "client_secret", "auth_token",
        "secret", "X_PAT",   "foo_AUTH", "_auth",  "A_KEY",      "credentials", "storage.key",   "host-pat"};
    static const char *const which[] = {"", "_prod", " old", "2", "_v1", "s"};
    static const char *const closed[] = {"", "\"", "'", "**", "_)", "]", "\\\""};
    static const char *const signs[] = {
        ": ", " = ", "=", " => ", ":=", " -> ", " is ", " | ", "\", \"value\": \"", ">", ": str = \""};
    static const char *const values[] = {"xK9#mQ2v!Lp7", "\"Zq7Rt9Kw2Lm4Xc8Vb3\""};
    struct privacy *slow = open_with(true, 0), *fast = open_with(false, 0);
    char text[160];
    (void)state;
    for (size_t a = 0; a < sizeof names / sizeof *names; a++)
        for (size_t b = 0; b < sizeof which / sizeof *which; b++)
            for (size_t c = 0; c < sizeof closed / sizeof *closed; c++)
                for (size_t d = 0; d < sizeof signs / sizeof *signs; d++) {
                    (void)snprintf(text, sizeof text, "%s%s%s%s%s", names[a], which[b], closed[c], signs[d],
                                   values[(a + b + c + d) % 2]);
                    same(slow, fast, PRIVACY_PUBLIC, str_of(text));
                }
    privacy_free(slow);
    privacy_free(fast);
}

/* Numbers behind everything that may stand before one, and behind what may not; other digits near; across pieces. */
static void test_numbers(void **state)
{
    static const char *const before[] = {
        " ",          "\"", "x",    "_",  "\\n", "\\t", "%20", "%3A",     "%2F", "\xc3\xa9", "/",
        ".",          "-",  "a1",   "1-", "12 ", "+",   "(",   "tel. +(", "n:",  "%2B+",     "\xe2\x80\x94",
        "7 \xc2\xa0", "0.", "v1.2", "DE", "::"};
    static const char *const numbers[] = {"123-45-6789",
                                          "123 45 6789",
                                          "4111 1111 1111 1111",
                                          "4111111111111111",
                                          "4111\xe2\x80\x93"
                                          "1111\xe2\x80\x93"
                                          "1111\xe2\x80\x93"
                                          "1111",
                                          "10.1.22.133",
                                          "2001:db8::ff00:42:8329",
                                          "fe80::1%eth0",
                                          "DE89 3704 0044 0532 0130 00",
                                          "DE89370400440532013000",
                                          "GB29\xc2\xa0"
                                          "NWBK\xc2\xa0"
                                          "6016\xc2\xa0"
                                          "1331\xc2\xa0"
                                          "9268\xc2\xa0"
                                          "19",
                                          "+49 (0) 30 / 123 456-78",
                                          "(555) 123-4567",
                                          "07700 900123",
                                          "555\xe2\x80\x91"
                                          "123\xe2\x80\x91"
                                          "4567 ext. 12",
                                          "call 06 12 34 56 78"};
    static const size_t pieces[] = {0, 16, 61};
    struct privacy *slow = open_with(true, 0);
    char text[240];
    (void)state;
    for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
        struct privacy *fast = open_with(false, pieces[k]);
        for (size_t a = 0; a < sizeof before / sizeof *before; a++)
            for (size_t b = 0; b < sizeof numbers / sizeof *numbers; b++)
                for (int at = 0; at < 80; at += 1 + at / 4) {
                    (void)snprintf(
                        text, sizeof text, "%.*s%s%s and %s", at,
                        "phone of the one whom we call: tel 17 or 2024-05-06 at 10:17, and card or iban here",
                        before[a], numbers[b], numbers[(a + b) % (sizeof numbers / sizeof *numbers)]);
                    same(slow, fast, PRIVACY_PUBLIC, str_of(text));
                }
        privacy_free(fast);
    }
    privacy_free(slow);
}

/* A form lies within every match, and no match is longer than its detector says: as Hyperscan counts, which leaves
 * lookarounds out. */
static void test_bounds(void **state)
{
    struct privacy *p = open_with(true, 0);
    (void)state;
    for (size_t i = 0; i < p->n; i++) {
        const struct detector *d = p->patterns[i].d;
        hs_expr_info_t *info = NULL;
        hs_compile_error_t *why = NULL;
        if (hs_expression_info(d->pattern, HS_FLAG_MULTILINE | HS_FLAG_PREFILTER, &info, &why) == HS_SUCCESS &&
            strcmp(d->name, "ticket") != 0 && strcmp(d->name, "twice") != 0 && info->max_width > d->most)
            fail_msg("%s: a match may have %u bytes, not %zu", d->name, info->max_width, d->most);
        free(info);
        hs_free_compile_error(why);
        info = NULL;
        if (d->prefilter && hs_expression_info(d->prefilter, HS_FLAG_MULTILINE, &info, &why) == HS_SUCCESS &&
            info->max_width > PREFILTER_MOST + 4)
            fail_msg("%s: its prefilter may take %u bytes", d->name, info->max_width);
        free(info);
        hs_free_compile_error(why);
        assert_true(d->most <= DETECTOR_MOST && d->confidence <= 1);
    }
    privacy_free(p);
}

/* Every byte by itself and every text of two bytes around a find. */
static void test_any_bytes(void **state)
{
    struct privacy *slow = open_with(true, 0), *fast = open_with(false, 0);
    (void)state;
    for (unsigned x = 0; x < 256; x++) {
        char text[64];
        for (int k = 0; k < 3; k++) {
            static const char *const of[] = {"a@b.co", "123-45-6789",
                                             "AKIA"
                                             "QYLPMN5HJ2TWXK3R"};
            const size_t n = strlen(of[k]);
            text[0] = (char)x;
            memcpy(text + 1, of[k], n);
            text[n + 1] = (char)(x * 7 + 13);
            same(slow, fast, PRIVACY_PUBLIC, (struct str){text, n + 2});
        }
    }
    privacy_free(slow);
    privacy_free(fast);
}

/* It is made while texts are being searched, by several threads; nobody waits and nothing changes. */
static void *search_much(void *arg)
{
    const struct privacy *p = arg;
    for (uint64_t number = 0; number < 300; number++) {
        struct arena *a = arena_new();
        struct str out, text = made_text(a, number, 40);
        assert_int_equal(privacy_mask(p, PRIVACY_PUBLIC, text, a, &out, NULL), ERR_OK);
        arena_free(a);
    }
    return NULL;
}

static void test_it_is_made_meanwhile(void **state)
{
    const struct privacy_options o = {0};
    struct privacy *p;
    pthread_t threads[3];
    (void)state;
    assert_int_equal(privacy_open(&o, &p, NULL), ERR_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, search_much, p), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_non_null(later_wait(p->later));
    privacy_free(p);
    assert_int_equal(privacy_open(&o, &p, NULL), ERR_OK); /* and never, when nobody searches */
    privacy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_texts),
        cmocka_unit_test(test_real_texts),
        cmocka_unit_test(test_assignments),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_it_is_made_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
