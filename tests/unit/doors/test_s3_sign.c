/* Signature Version 4 against the examples that the vendor's documentation calculates through ("Signature Calculations
 * for the Authorization Header", S3's API reference). */
#include "unit/base/unit.h"

#include "base/id.h"
#include "doors/s3/sign.h"

#include <string.h>

/* The documentation's own example keys, in parts so that nothing takes them for real ones. */
#define KEY_ID                                                                                                         \
    "AKIA"                                                                                                             \
    "IOSFODNN7EXAMPLE"
#define KEY                                                                                                            \
    "wJalrXUtnFEMI"                                                                                                    \
    "/K7MDENG/"                                                                                                        \
    "bPxRfiCYEXAMPLEKEY"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SCOPE "Credential=" KEY_ID "/20130524/us-east-1/s3/aws4_request,"
static const char host[] = "examplebucket.s3.amazonaws.com", at[] = "20130524T000000Z";

static void signs(const struct s3_to_sign *given, const char *wanted)
{
    struct s3_to_sign s = *given;
    struct buf out;
    s.key_id = KEY_ID;
    s.key = KEY;
    s.region = "us-east-1";
    s.time = at;
    buf_init(&out, 0);
    s3_sign(&s, &out);
    buf_char(&out, '\0');
    assert_false(out.failed);
    assert_string_equal(out.p, wanted);
    buf_release(&out);
}

static void a_part_of_an_object_is_read(void **state)
{
    const struct s3_header headers[] = {{"host", str_of(host)},
                                        {"range", STR("bytes=0-9")},
                                        {"x-amz-content-sha256", STR(EMPTY)},
                                        {"x-amz-date", str_of(at)}};
    (void)state;
    signs(
        &(struct s3_to_sign){
            .method = "GET", .path = STR("/test.txt"), .headers = headers, .n_headers = 4, .body_sha256 = EMPTY},
        "AWS4-HMAC-SHA256 " SCOPE "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void an_object_is_written(void **state)
{
    char hash[S3_HASH];
    struct buf path;
    (void)state;
    id_sha256(STR("Welcome to Amazon S3."), hash);
    buf_init(&path, 0);
    s3_encode(&path, STR("/test$file.text"), true);
    const struct s3_header headers[] = {{"date", STR("Fri, 24 May 2013 00:00:00 GMT")},
                                        {"host", str_of(host)},
                                        {"x-amz-content-sha256", str_of(hash)},
                                        {"x-amz-date", str_of(at)},
                                        {"x-amz-storage-class", STR("REDUCED_REDUNDANCY")}};
    signs(
        &(struct s3_to_sign){
            .method = "PUT", .path = buf_view(&path), .headers = headers, .n_headers = 5, .body_sha256 = hash},
        "AWS4-HMAC-SHA256 " SCOPE "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    buf_release(&path);
}

static void signs_of_a_bucket(const char *query, const char *wanted)
{
    const struct s3_header headers[] = {
        {"host", str_of(host)}, {"x-amz-content-sha256", STR(EMPTY)}, {"x-amz-date", str_of(at)}};
    signs(&(struct s3_to_sign){.method = "GET",
                               .path = STR("/"),
                               .query = str_of(query),
                               .headers = headers,
                               .n_headers = 3,
                               .body_sha256 = EMPTY},
          wanted);
}

static void a_parameter_may_have_no_value(void **state)
{
    (void)state;
    signs_of_a_bucket("lifecycle=", "AWS4-HMAC-SHA256 " SCOPE "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                                    "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void objects_are_listed(void **state)
{
    (void)state;
    signs_of_a_bucket("max-keys=2&prefix=J",
                      "AWS4-HMAC-SHA256 " SCOPE "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                      "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void names_are_encoded(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 0);
    s3_encode(&b, STR("a/B-_.~ +=&\xc3\xa4"), true);
    s3_encode(&b, STR("/*"), false);
    buf_char(&b, '\0');
    assert_string_equal(b.p, "a/B-_.~%20%2B%3D%26%C3%A4%2F%2A");
    buf_release(&b);
}

static void times_are_utc(void **state)
{
    char out[S3_TIME];
    (void)state;
    s3_time(INT64_C(1369353600000), out);
    assert_string_equal(out, at);
    s3_time(INT64_MAX, out); /* no year that has four digits */
    assert_string_equal(out, "19700101T000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_an_object_is_read),
        cmocka_unit_test(an_object_is_written),
        cmocka_unit_test(a_parameter_may_have_no_value),
        cmocka_unit_test(objects_are_listed),
        cmocka_unit_test(names_are_encoded),
        cmocka_unit_test(times_are_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
