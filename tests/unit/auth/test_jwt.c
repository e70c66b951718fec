/* Tokens as text: what is made can be read, and what is wrong is refused with its reason. */
#include "../base/unit.h"

#include "auth/jwt.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1800000000 };

struct fixture {
    struct arena *a;
    struct jwt_key keys[JWT_ALGORITHMS];
};

static struct fixture *make_fixture(void)
{
    static struct fixture f;
    f = (struct fixture){.a = arena_new()};
    assert_non_null(f.a);
    f.keys[0] = (struct jwt_key){.algorithm = JWT_HS256, .id = "key_h"};
    memset(f.keys[0].secret, 7, 32);
    f.keys[1] = (struct jwt_key){.algorithm = JWT_EDDSA, .id = "key_e"};
    crypto_sign_seed_keypair(f.keys[1].public_key, f.keys[1].secret,
                             (const unsigned char *)"a seed of thirty-two bytes, here");
    return &f;
}

static int setup(void **state)
{
    *state = make_fixture();
    return sodium_init() < 0;
}

static int teardown(void **state)
{
    arena_free(((struct fixture *)*state)->a);
    return 0;
}

static struct jwt_claims claims(void)
{
    return (struct jwt_claims){.jti = STR("tok_1"),
                               .org = STR("acme"),
                               .sub = STR("web"),
                               .permissions = JWT_READ | JWT_MEMORY,
                               .iat = NOW - 10,
                               .exp = NOW + 60,
                               .parents = STR("tok_0")};
}

static struct str make(struct fixture *f, enum jwt_algorithm algorithm, struct jwt_claims c)
{
    struct str token;
    struct err e = {0};
    if (jwt_make(f->a, &f->keys[algorithm], &c, &token, &e))
        fail_msg("%s", e.message);
    return token;
}

static enum err_code read_at(struct fixture *f, struct str token, int64_t now, struct jwt_claims *c, struct err *e)
{
    memset(e, 0, sizeof *e);
    return jwt_read(f->a, token, f->keys, JWT_ALGORITHMS, now, c, e);
}

/* HS256 with the right key over any header and payload. */
static struct str by_hand(struct fixture *f, const char *header, const char *payload)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    struct str h = jwt_encode(f->a, header, strlen(header)), p = jwt_encode(f->a, payload, strlen(payload));
    struct str text = arena_fmt(f->a, "%.*s.%.*s", STR_ARG(h), STR_ARG(p));
    crypto_auth_hmacsha256(mac, (const unsigned char *)text.p, text.n, f->keys[0].secret);
    return arena_fmt(f->a, "%.*s.%.*s", STR_ARG(text), STR_ARG(jwt_encode(f->a, mac, sizeof mac)));
}

static void refuses(struct fixture *f, struct str token, const char *why)
{
    struct jwt_claims c;
    struct err e;
    assert_int_equal(read_at(f, token, NOW, &c, &e), ERR_DENIED);
    assert_string_equal(err_api_name(&e), "INVALID_SESSION_TOKEN");
    if (!strstr(e.message, why))
        fail_msg("\"%s\" does not say \"%s\"", e.message, why);
}

static void what_is_made_can_be_read(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < JWT_ALGORITHMS; i++) {
        struct jwt_claims c;
        struct err e;
        assert_int_equal(read_at(f, make(f, (enum jwt_algorithm)i, claims()), NOW, &c, &e), ERR_OK);
        assert_str(c.jti, "tok_1");
        assert_str(c.org, "acme");
        assert_str(c.sub, "web");
        assert_str(c.parents, "tok_0");
        assert_int_equal(c.permissions, JWT_READ | JWT_MEMORY);
        assert_int_equal(c.exp, NOW + 60);
        assert_int_equal(c.algorithm, i);
    }
}

static void reads_the_example_of_rfc_7515(void **state)
{
    /* Appendix A.1: its signature is right, its claims are not Cairn's; and its expiry was in 2011. */
    static const char TOKEN[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    struct fixture *f = *state;
    struct str secret;
    /* The RFC's key has 64 bytes; HMAC's key of that length is used as it is, ours are 32. So only the form is read. */
    assert_true(jwt_decode(
        f->a, STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"), &secret));
    assert_int_equal(secret.n, 64);
    refuses(f, str_of(TOKEN), "signature is wrong");
}

static void verifies_the_signature_of_rfc_8037(void **state)
{
    /* Appendix A.4: "Example of Ed25519 signing". Its payload is no JSON, which is told only after the signature. */
    struct fixture *f = *state;
    struct jwt_key k = {.algorithm = JWT_EDDSA, .id = "rfc"};
    struct str x;
    struct jwt_claims c;
    struct err e = {0};
    assert_true(jwt_decode(f->a, STR("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), &x));
    memcpy(k.public_key, x.p, 32);
    struct str token = STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
                           "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    assert_int_equal(jwt_read(f->a, token, &k, 1, NOW, &c, &e), ERR_DENIED);
    assert_non_null(strstr(e.message, "payload is not a JSON object"));
    k.public_key[0] ^= 1;
    memset(&e, 0, sizeof e);
    assert_int_equal(jwt_read(f->a, token, &k, 1, NOW, &c, &e), ERR_DENIED);
    assert_non_null(strstr(e.message, "signature is wrong"));
}

static void every_changed_bit_is_noticed(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < JWT_ALGORITHMS; i++) {
        struct str token = make(f, (enum jwt_algorithm)i, claims());
        char *copy = arena_cstr(f->a, token);
        for (size_t at = 0; at < token.n * 8; at++) {
            struct jwt_claims c;
            struct err e;
            copy[at / 8] = (char)(copy[at / 8] ^ 1 << at % 8);
            if (read_at(f, (struct str){copy, token.n}, NOW, &c, &e) != ERR_DENIED)
                fail_msg("bit %zu of a token of %zu bytes", at, token.n);
            copy[at / 8] = token.p[at / 8];
        }
    }
}

static void every_shorter_token_is_refused(void **state)
{
    struct fixture *f = *state;
    struct str token = make(f, JWT_HS256, claims());
    for (size_t n = 0; n < token.n; n++)
        refuses(f, str_take(token, n), "token");
}

static void times_are_kept_to_the_second(void **state)
{
    struct fixture *f = *state;
    struct jwt_claims c = claims(), out;
    struct err e;
    struct str token = make(f, JWT_EDDSA, c);
    assert_int_equal(read_at(f, token, c.exp - 1, &out, &e), ERR_OK);
    assert_int_equal(read_at(f, token, c.exp, &out, &e), ERR_DENIED);
    assert_int_equal(read_at(f, token, c.iat - JWT_LEEWAY, &out, &e), ERR_OK);
    assert_int_equal(read_at(f, token, c.iat - JWT_LEEWAY - 1, &out, &e), ERR_DENIED);
}

static void claims_of_other_shapes_are_refused(void **state)
{
    static const struct {
        const char *payload, *why;
    } CASES[] = {
        {"{}", "no expiry"},
        {"{\"exp\":-5}", "no expiry"},
        {"{\"exp\":1e300}", "no expiry"},
        {"{\"exp\":true}", "no expiry"},
        {"{\"exp\":1900000000,\"nbf\":\"now\"}", "nbf and iat"},
        {"{\"exp\":1900000000,\"nbf\":1800000061}", "not valid yet"},
        {"{\"exp\":1900000000}", "jti"},
        {"{\"exp\":1900000000,\"jti\":\"a b\"}", "jti"},
        {"{\"exp\":1900000000,\"jti\":\"a\\u0000b\"}", "jti"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o/p\"}", "org"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":[]}", "sub"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":\"s\"}", "permissions"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":\"s\",\"permissions\":[\"READ\"]}", "permissions"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":\"s\",\"permissions\":\"\"}", "permissions"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":\"s\",\"permissions\":\"read\",\"parents\":1}",
         "parents"},
        {"{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":\"s\",\"permissions\":\"read\",\"aud\":[1]}",
         "somebody else"},
        {"[]", "payload is not a JSON object"},
        {"{\"exp\":1,\"exp\":2}", "duplicate members"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        refuses(f, by_hand(f, "{\"alg\":\"HS256\"}", CASES[i].payload), CASES[i].why);
}

static void the_key_decides_the_algorithm(void **state)
{
    struct fixture *f = *state;
    static const char FINE[] =
        "{\"exp\":1900000000,\"jti\":\"a\",\"org\":\"o\",\"sub\":\"s\",\"permissions\":\"read\"}";
    struct jwt_claims c;
    struct err e;
    assert_int_equal(read_at(f, by_hand(f, "{\"alg\":\"HS256\"}", FINE), NOW, &c, &e), ERR_OK);
    assert_int_equal(read_at(f, by_hand(f, "{\"alg\":\"HS256\",\"kid\":\"key_h\"}", FINE), NOW, &c, &e), ERR_OK);
    refuses(f, by_hand(f, "{\"alg\":\"none\"}", FINE), "algorithm");
    refuses(f, by_hand(f, "{\"alg\":\"EdDSA\"}", FINE), "signature is wrong");
    refuses(f, by_hand(f, "{\"alg\":\"HS256\",\"kid\":\"key_e\"}", FINE), "not signed with a key");
    refuses(f, by_hand(f, "{\"alg\":\"HS256\",\"kid\":1}", FINE), "kid");
    refuses(f, by_hand(f, "{\"alg\":\"HS256\",\"crit\":[]}", FINE), "critical");
    refuses(f, by_hand(f, "{}", FINE), "algorithm");
    memset(&e, 0, sizeof e);
    assert_int_equal(jwt_read(f->a, make(f, JWT_HS256, claims()), &f->keys[1], 1, NOW, &c, &e), ERR_DENIED);
}

static void a_long_token_is_neither_read_nor_made(void **state)
{
    struct fixture *f = *state;
    char *long_text = arena_alloc(f->a, 2 * JWT_MAX);
    struct jwt_claims c = claims();
    struct str token;
    struct err e = {0};
    memset(long_text, 'a', 2 * JWT_MAX);
    refuses(f, (struct str){long_text, JWT_MAX + 1}, "longer than 4096");
    c.parents = (struct str){long_text, 3500};
    assert_int_equal(jwt_make(f->a, &f->keys[0], &c, &token, &e), ERR_TOO_LARGE);
}

static void permissions_come_as_words(void **state)
{
    struct fixture *f = *state;
    unsigned p;
    struct err e = {0};
    assert_int_equal(jwt_permissions_parse(STR("read, admin write"), &p, &e), ERR_OK);
    assert_int_equal(p, JWT_READ | JWT_ADMIN | JWT_WRITE);
    assert_str(jwt_permissions_text(f->a, p), "read,write,admin");
    assert_int_equal(jwt_permissions_parse(STR("read,root"), &p, &e), ERR_INVALID);
    assert_non_null(strstr(e.message, "\"root\""));
    memset(&e, 0, sizeof e);
    assert_int_equal(jwt_permissions_parse(STR(" ,"), &p, &e), ERR_INVALID);
    assert_string_equal(e.field, "permissions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_made_can_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_the_example_of_rfc_7515, setup, teardown),
        cmocka_unit_test_setup_teardown(verifies_the_signature_of_rfc_8037, setup, teardown),
        cmocka_unit_test_setup_teardown(every_changed_bit_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(every_shorter_token_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(times_are_kept_to_the_second, setup, teardown),
        cmocka_unit_test_setup_teardown(claims_of_other_shapes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_key_decides_the_algorithm, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_token_is_neither_read_nor_made, setup, teardown),
        cmocka_unit_test_setup_teardown(permissions_come_as_words, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
