/* Masks: their forms, marks and tags; and that a mask is final: it is never found again and never holds what it hides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "texts.h"

static struct privacy *opened(const struct privacy_options *o)
{
    struct privacy *p;
    struct err e = {0};
    if (privacy_open(o, &p, &e))
        fail_msg("%s", e.message);
    return p;
}

static void refused(const struct privacy_options *o, const char *part)
{
    struct privacy *p;
    struct err e = {0};
    if (privacy_open(o, &p, &e) != ERR_INVALID || p)
        fail_msg("not refused, though %s", part);
    if (!strstr(e.message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, e.message);
}

static struct str masked(const struct privacy *p, struct arena *a, enum privacy_level level, struct str text)
{
    struct str out;
    assert_int_equal(privacy_mask(p, level, text, a, &out, NULL), ERR_OK);
    return out;
}

static void check(const struct privacy *p, enum privacy_level level, const char *text, const char *wanted)
{
    struct arena *a = arena_new();
    struct str out = masked(p, a, level, str_of(text));
    if (!str_is(out, wanted))
        fail_msg("%s\ngives  %.*s\nwanted %s", text, STR_ARG(out), wanted);
    arena_free(a);
}

/* A form alone, by a detector of our own. */
static void form(const struct privacy *p, enum mask_form mask, unsigned char keep, const char *value,
                 const char *wanted)
{
    struct detector d = *p->patterns[0].d;
    struct pattern one = p->patterns[0];
    struct privacy alone = *p;
    struct buf b;
    d.mask = mask;
    d.keep = keep;
    one.d = &d;
    alone.patterns = &one;
    buf_init(&b, 0);
    mask_put(&alone, &(struct find){0}, str_of(value), &b);
    if (!str_is(buf_view(&b), wanted))
        fail_msg("%s gives %.*s, not %s", value, STR_ARG(buf_view(&b)), wanted);
    assert_true(mask_is(p, buf_view(&b)));
    buf_release(&b);
}

static void test_forms(void **state)
{
    struct privacy *p = opened(&(struct privacy_options){0});
    (void)state;
    form(p, MASK_ALL, 0, "hunter2", "********");
    form(p, MASK_ALL, 0, "a much longer secret than that", "********");
    form(p, MASK_PREFIX, 4, "AKIA0123456789ABCDEF", "AKIA****************");
    form(p, MASK_PREFIX, 4, "abcd12", "******");
    form(p, MASK_PREFIX, 4, "ab", "********");
    form(p, MASK_PREFIX, 3, "k\xc3\xa9y-\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
         "k\xc3\xa9******"
         "*");
    form(p, MASK_LAST, 4, "4111-1111-1111-1111", "****-****-****-1111");
    form(p, MASK_LAST, 0, "123-45-6789", "***-**-****");
    form(p, MASK_LAST, 4, "123-45", "***-**");
    form(p, MASK_LAST, 0, "10.0.113.7", "**.*.***.*");
    form(p, MASK_EDGES, 2, "DE89 3704 0044 0532 0130 00", "DE** **** **** **** **** 00");
    form(p, MASK_PHONE, 0, "555-123-1234", "555-***-1234");
    form(p, MASK_PHONE, 0, "(555) 123-1234 ext. 12", "(555) ***-1234 ext. **");
    form(p, MASK_PHONE, 0, "+1 555 123 1234", "+1 *** *** 1234");
    form(p, MASK_PHONE, 0, "+44 20 7946 0958", "+44 ** **** 0958");
    form(p, MASK_PHONE, 0, "+15551231234", "+155****1234");
    form(p, MASK_PHONE, 0, "5551231234", "555***1234");
    form(p, MASK_PHONE, 0, "555-1234", "***-**34");
    form(p, MASK_PHONE, 0, "12345", "***45");
    form(p, MASK_PHONE, 0, "1234", "****");
    form(p, MASK_EMAIL, 0, "hanna@example.com", "h***@example.com");
    form(p, MASK_EMAIL, 0, "h@example.com", "***@example.com");
    form(p, MASK_EMAIL, 0, "\xc3\xa9mile@example.com", "\xc3\xa9***@example.com");
    form(p, MASK_FENCED, 0, "-----BEGIN X KEY-----\nabc\n-----END X KEY-----",
         "-----BEGIN X KEY----- ******** -----END X KEY-----");
    form(p, MASK_FENCED, 0, "-----BEGIN X KEY-----\nabc", "-----BEGIN X KEY----- ********");
    form(p, MASK_FENCED, 0, "something else", "********");
    privacy_free(p);
}

static void test_what_is_a_mask(void **state)
{
    static const char *const yes[] = {"********",   "h***@example.com", "555-***-1234",    "***-**-****",
                                      "[EMAIL]",    "[EMAIL:bcdfghj]",  "h*bcdfghj*@x.de", "AKIA****************",
                                      "x [EMAIL] y"};
    static const char *const no[] = {"",        "*",       "**bold**",        "***hunter2***", "2*3*4", "[EMAIL",
                                     "[email]", "[HELLO]", "[EMAIL:aaaaaaa]", "hunter2",       "*b*"};
    struct privacy *p = opened(&(struct privacy_options){0});
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (!mask_is(p, str_of(yes[i])))
            fail_msg("%s is a mask", yes[i]);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        if (mask_is(p, str_of(no[i])))
            fail_msg("%s is none", no[i]);
    }
    privacy_free(p);
}

static void test_levels(void **state)
{
    struct privacy *p = opened(&(struct privacy_options){0});
    (void)state;
    check(p, PRIVACY_PUBLIC, "mail hanna@example.com from 84.23.99.7", "mail h***@example.com from **.**.**.*");
    check(p, PRIVACY_TEAM, "mail hanna@example.com from 84.23.99.7", "mail h***@example.com from 84.23.99.7");
    check(p, PRIVACY_PRIVATE, "mail hanna@example.com from 84.23.99.7", "mail hanna@example.com from 84.23.99.7");
    check(p, PRIVACY_PRIVATE, "card 4111 1111 1111 1111", "card **** **** **** 1111");
    check(p, PRIVACY_EPHEMERAL, "card 4111 1111 1111 1111", "card **** **** **** 1111");
    privacy_free(p);
}

static void test_options(void **state)
{
    static const struct privacy_custom custom = {"badge", "B-\\d{5}", NULL, "badge|door", PRIVACY_TEAM};
    struct privacy *p = opened(&(struct privacy_options){.plain_marks = true});
    (void)state;
    check(p, PRIVACY_PUBLIC, "mail hanna@example.com", "mail [EMAIL]");
    privacy_free(p);
    p = opened(&(struct privacy_options){.redaction_char = "\xe2\x96\x88"});
    check(p, PRIVACY_PUBLIC, "mail hanna@example.com", "mail h\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88@example.com");
    privacy_free(p);
    p = opened(&(struct privacy_options){.types = "email, ip"});
    check(p, PRIVACY_PUBLIC, "hanna@example.com, card 4111 1111 1111 1111",
          "h***@example.com, card 4111 1111 1111 1111");
    privacy_free(p);
    p = opened(&(struct privacy_options){.allow = "Support@Example.com, *@example.org"});
    check(p, PRIVACY_PUBLIC, "support@example.com a.b@EXAMPLE.org hanna@example.com",
          "support@example.com a.b@EXAMPLE.org h***@example.com");
    privacy_free(p);
    p = opened(&(struct privacy_options){.custom = &custom, .n_custom = 1});
    check(p, PRIVACY_TEAM, "badge B-12345", "badge ********");
    check(p, PRIVACY_TEAM, "B-12345 of nothing", "B-12345 of nothing");
    check(p, PRIVACY_PRIVATE, "badge B-12345", "badge B-12345");
    privacy_free(p);
}

static void test_wrong_options(void **state)
{
    static const struct {
        struct privacy_custom c;
        const char *part;
    } wrong[] = {
        {{"a", NULL, NULL, NULL, PRIVACY_TEAM}, "privacy.custom.a: it has no pattern"},
        {{"a", "(", NULL, NULL, PRIVACY_TEAM}, "privacy.custom.a: at character 2"},
        {{"a", "x*", NULL, NULL, PRIVACY_TEAM}, "matches where there is nothing"},
        {{"a", "(?=x)", NULL, NULL, PRIVACY_TEAM}, "matches where there is nothing"},
        {{"a", "(a+)+b", NULL, NULL, PRIVACY_TEAM}, "too many steps"},
        {{"a", "(?:[a-z]+[0-9]*)+@", NULL, NULL, PRIVACY_TEAM}, "too many steps"},
        {{"a", "[\xc3\xa4]b", NULL, NULL, PRIVACY_TEAM}, "beyond ASCII"},
        {{"a", "x\\z", NULL, NULL, PRIVACY_TEAM}, "over bytes"},
        {{"a", "(*UTF)x", NULL, NULL, PRIVACY_TEAM}, "no (*"},
        {{"a", "x", "Type", NULL, PRIVACY_TEAM}, "a-z, 0-9 and _"},
        {{"A-b", "x", NULL, NULL, PRIVACY_TEAM}, "a-z, 0-9 and _"},
        {{"email", "x", NULL, NULL, PRIVACY_TEAM}, "of that name already"},
        {{"a", "x", NULL, "(", PRIVACY_TEAM}, "missing closing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(&(struct privacy_options){.custom = &wrong[i].c, .n_custom = 1}, wrong[i].part);
    refused(&(struct privacy_options){.types = "emial"}, "did you mean \"email\"?");
    refused(&(struct privacy_options){.allow = "a@b.co, *"}, "* alone");
    refused(&(struct privacy_options){.redaction_char = "x"}, "redaction_char");
    refused(&(struct privacy_options){.redaction_char = "\""}, "redaction_char");
    refused(&(struct privacy_options){.redaction_char = "**"}, "redaction_char");
    refused(&(struct privacy_options){.redaction_char = "\xc3\xa9"}, "redaction_char");
}

static void test_stable(void **state)
{
    struct privacy *p = opened(&(struct privacy_options){.stable = true, .key = {1}});
    struct privacy *q = opened(&(struct privacy_options){.stable = true, .key = {2}});
    struct arena *a = arena_new();
    struct str one = masked(p, a, PRIVACY_PUBLIC, STR("hanna@example.com"));
    struct str same = masked(p, a, PRIVACY_PUBLIC, STR("say to Hanna@Example.com that"));
    struct str other = masked(p, a, PRIVACY_PUBLIC, STR("henry@example.com"));
    (void)state;
    assert_int_equal(one.n, strlen("h*bcdfghj*@example.com"));
    assert_true(str_find(same, str_take(str_skip(one, 1), 9)) >= 0); /* *bcdfghj* */
    assert_false(str_eq(one, other));
    assert_false(str_eq(one, masked(q, a, PRIVACY_PUBLIC, STR("hanna@example.com"))));
    assert_true(str_eq(one, masked(p, a, PRIVACY_PUBLIC, one)));
    arena_free(a);
    privacy_free(p);
    privacy_free(q);
}

/* ---- what holds of any text, whatever the options ---- */
static void final(const struct privacy *p, struct str text)
{
    struct arena *a = arena_new();
    const struct privacy_span *spans;
    size_t n;
    struct str once = masked(p, a, PRIVACY_PUBLIC, text), twice = masked(p, a, PRIVACY_PUBLIC, once);
    if (!str_eq(once, twice))
        fail_msg("%.*s\nbecomes\n%.*s\nand then\n%.*s", STR_ARG(text), STR_ARG(once), STR_ARG(twice));
    assert_int_equal(privacy_scan(p, PRIVACY_PUBLIC, once, a, &spans, &n, NULL), ERR_OK);
    assert_true(!text_utf8_valid(text) || text_utf8_valid(once));
    arena_free(a);
}

static void test_masks_are_final(void **state)
{
    const struct privacy_options options[] = {
        {0},
        {.stable = true},
        {.plain_marks = true},
        {.plain_marks = true, .stable = true},
        {.redaction_char = "\xe2\x80\xa2"},
    };
    (void)state;
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        struct privacy *p = opened(&options[k]);
        if (k == 0)
            later_wait(p->later);
        for (uint64_t number = 0; number < 400; number++) {
            struct arena *a = arena_new();
            final(p, made_text(a, number * 31 + k, 1 + number % 25));
            arena_free(a);
        }
        privacy_free(p);
    }
}

/* Spans in order, apart, within the text, at characters' borders; and nothing of a secret is left. */
static void test_spans(void **state)
{
    struct privacy *p = opened(&(struct privacy_options){0});
    (void)state;
    later_wait(p->later);
    for (uint64_t number = 5000; number < 5600; number++) {
        struct arena *a = arena_new();
        const struct privacy_span *spans;
        size_t n, last = 0;
        struct str text = made_text(a, number, 1 + number % 30);
        assert_int_equal(privacy_scan(p, PRIVACY_PUBLIC, text, a, &spans, &n, NULL), ERR_OK);
        for (size_t i = 0; i < n; i++) {
            assert_true(spans[i].start >= last && spans[i].start < spans[i].end && spans[i].end <= text.n);
            assert_true(spans[i].confidence >= 0.5 && spans[i].confidence <= 1);
            last = spans[i].end;
        }
        arena_free(a);
    }
    privacy_free(p);
}

static void test_characters(void **state)
{
    struct privacy_span spans[] = {{3, 5, "x", 1, NULL}, {5, 9, "y", 1, NULL}};
    (void)state;
    privacy_chars(STR("\xc3\xa9\xc3\xa9 \xf0\x9f\x98\x80xyz"), spans, 2);
    assert_int_equal(spans[0].start, 2);
    assert_int_equal(spans[0].end, 3);
    assert_int_equal(spans[1].start, 3);
    assert_int_equal(spans[1].end, 4);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 3000; n += n < 40 ? 1 : 97) {
        struct privacy *p = NULL;
        struct err e = {0};
        struct str out = STR_NONE;
        struct arena *a = arena_new();
        mem_fail_after(n, true);
        enum err_code code = privacy_open(&(struct privacy_options){.allow = "a@b.co"}, &p, &e);
        if (!code)
            code = privacy_mask(p, PRIVACY_PUBLIC, STR("mail hanna@example.com"), a, &out, &e);
        mem_fail_after(-1, false);
        assert_true(code == ERR_OK || code == ERR_NOMEM);
        assert_true(code || str_is(out, "mail h***@example.com"));
        privacy_free(p);
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),           cmocka_unit_test(test_what_is_a_mask),
        cmocka_unit_test(test_levels),          cmocka_unit_test(test_options),
        cmocka_unit_test(test_wrong_options),   cmocka_unit_test(test_stable),
        cmocka_unit_test(test_masks_are_final), cmocka_unit_test(test_spans),
        cmocka_unit_test(test_characters),      cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
