/* Tokens from strangers: no crash, and nothing is taken. The input is tried as a token as it is, and again as the
 * payload of a token that is signed rightly, so that the claims' reader is reached too: what that takes must be
 * within its bounds, and come back the same when it is made into a token again. */
#include "auth/jwt.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1800000000 };

static struct jwt_key key_of(enum jwt_algorithm algorithm)
{
    struct jwt_key k = {.algorithm = algorithm, .id = "key_fuzz"};
    memset(k.secret, 7, 32);
    if (algorithm == JWT_EDDSA)
        crypto_sign_seed_keypair(k.public_key, k.secret, (const unsigned char *)"a seed of thirty-two bytes, here");
    return k;
}

static struct str sign(struct arena *a, const struct jwt_key *k, struct str payload)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    struct str body = payload.n ? jwt_encode(a, payload.p, payload.n) : STR("");
    struct str text = arena_fmt(a, "eyJhbGciOiJIUzI1NiJ9.%.*s", STR_ARG(body)); /* {"alg":"HS256"} */
    crypto_auth_hmacsha256(mac, (const unsigned char *)text.p, text.n, k->secret);
    return arena_fmt(a, "%.*s.%.*s", STR_ARG(text), STR_ARG(jwt_encode(a, mac, sizeof mac)));
}

static void check(struct arena *a, const struct jwt_key *keys, const struct jwt_claims *c)
{
    struct jwt_claims again;
    struct str token;
    struct err e = {0};
    if (!jwt_name_fine(c->jti, JWT_ID_MAX) || !jwt_name_fine(c->org, JWT_NAME_MAX) ||
        !jwt_name_fine(c->sub, JWT_NAME_MAX) || c->exp <= NOW || !c->permissions || c->parents.n > JWT_PARENTS_MAX)
        abort();
    for (size_t i = 0; i < JWT_ALGORITHMS; i++) {
        enum err_code code = jwt_make(a, &keys[i], c, &token, &e);
        if (code == ERR_TOO_LARGE)
            continue;
        if (code || jwt_read(a, token, keys, JWT_ALGORITHMS, NOW, &again, &e) || !str_eq(again.jti, c->jti) ||
            !str_eq(again.org, c->org) || !str_eq(again.sub, c->sub) || again.permissions != c->permissions ||
            again.exp != c->exp)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct jwt_key keys[JWT_ALGORITHMS] = {key_of(JWT_HS256), key_of(JWT_EDDSA)};
    struct jwt_claims c;
    struct err e = {0};
    struct arena *a = arena_new();
    if (!a || size > 2 * JWT_MAX)
        goto out;
    if (jwt_read(a, input, keys, JWT_ALGORITHMS, NOW, &c, &e) == ERR_OK)
        check(a, keys, &c);
    if (jwt_read(a, sign(a, &keys[JWT_HS256], input), keys, JWT_ALGORITHMS, NOW, &c, &e) == ERR_OK)
        check(a, keys, &c);
out:
    if (a)
        arena_free(a);
    return 0;
}
