/* A bucket's lists: taken when they are whole, refused when they are none. */
#include "unit/base/unit.h"

#include "base/mem.h"
#include "doors/s3/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    arena = arena_new();
    return arena ? 0 : -1;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char objects[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    "<Name>b</Name><Prefix>p/</Prefix><KeyCount>2</KeyCount><IsTruncated>true</IsTruncated>"
    "<NextContinuationToken>1+a/b=&amp;</NextContinuationToken>"
    "<Contents><Key>p/one</Key><ETag>&quot;x&quot;</ETag><Size>12</Size></Contents>"
    "<Contents><Key>p/t&lt;w&#x6F;&#45;&#228;</Key><Size>0</Size></Contents></ListBucketResult>";

static void objects_are_read(void **state)
{
    struct s3_listing l;
    struct err e = {0};
    (void)state;
    assert_int_equal(s3_listing_read(arena, STR(objects), false, &l, &e), ERR_OK);
    assert_int_equal(l.n, 2);
    assert_true(str_is(l.objects[0].key, "p/one") && l.objects[0].bytes == 12);
    assert_true(str_is(l.objects[1].key, "p/t<wo-?"));
    assert_true(l.more && str_is(l.token, "1+a/b=&"));
}

static void versions_are_read(void **state)
{
    static const char xml[] = "<ListVersionsResult><IsTruncated>false</IsTruncated>"
                              "<Version><Key>k</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest></Version>"
                              "<DeleteMarker><Key>k</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest>"
                              "</DeleteMarker></ListVersionsResult>";
    struct s3_listing l;
    struct err e = {0};
    (void)state;
    assert_int_equal(s3_listing_read(arena, STR(xml), true, &l, &e), ERR_OK);
    assert_int_equal(l.n, 2);
    assert_true(str_is(l.objects[0].version, "v1") && !l.objects[0].latest);
    assert_true(str_is(l.objects[1].version, "v2") && l.objects[1].latest);
    assert_false(l.more);
}

static void an_empty_list_is_one(void **state)
{
    struct s3_listing l;
    struct err e = {0};
    (void)state;
    assert_int_equal(s3_listing_read(arena, STR("<ListBucketResult></ListBucketResult>"), false, &l, &e), ERR_OK);
    assert_true(l.n == 0 && !l.more);
}

static void anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "<html>login</html>",
        "<ListBucketResult>",
        "<ListVersionsResult></ListVersionsResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>k</Key></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "</ListBucketResult>"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct s3_listing l;
        struct err e = {0};
        if (s3_listing_read(arena, str_of(wrong[i]), false, &l, &e) != ERR_UNAVAILABLE)
            fail_msg("taken: %s", wrong[i]);
    }
}

/* Cut anywhere, it is refused or a list of what is whole in it, and nothing is read behind its end. */
static void a_list_that_is_cut_short(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof objects - 1; n++) {
        char *copy = malloc(n + 1);
        struct s3_listing l;
        struct err e = {0};
        memcpy(copy, objects, n);
        assert_int_equal(s3_listing_read(arena, (struct str){copy, n}, false, &l, &e), ERR_UNAVAILABLE);
        free(copy);
    }
}

static void out_of_memory_is_told(void **state)
{
    (void)state;
    for (int n = 0;; n++) {
        struct s3_listing l;
        struct err e = {0};
        struct arena *a = arena_new();
        mem_fail_after(n, false);
        enum err_code code = s3_listing_read(a, STR(objects), false, &l, &e);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        arena_free(a);
        assert_int_equal(code, hit ? ERR_NOMEM : ERR_OK);
        if (!hit)
            break;
    }
}

static void an_error_s_word_is_one_word(void **state)
{
    char out[60], xml[200];
    (void)state;
    s3_error_code(STR("<Error><Code>SlowDown</Code></Error>"), out);
    assert_string_equal(out, "SlowDown");
    s3_error_code(STR("<Error><Code>a b</Code></Error>"), out);
    assert_string_equal(out, "");
    (void)snprintf(xml, sizeof xml, "<Code>%0100d</Code>", 1);
    memset(xml + 6, 'x', 100);
    s3_error_code(str_of(xml), out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_read),
        cmocka_unit_test(versions_are_read),
        cmocka_unit_test(an_empty_list_is_one),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_list_that_is_cut_short),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test(an_error_s_word_is_one_word),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
