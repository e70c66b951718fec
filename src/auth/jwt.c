/* Tokens as signed text: taking one apart, checking its signature, and making one. What the claims mean is
 * jwt_claims.c's. */
#include "auth/jwt.h"

#include "base/json_write.h"

#include <sodium.h>
#include <string.h>

enum { HEADER_MAX = 512, B64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static const char *const NAMES[JWT_ALGORITHMS] = {"HS256", "EdDSA"};

const char *jwt_algorithm_name(enum jwt_algorithm a)
{
    return NAMES[a];
}

bool jwt_algorithm_find(struct str name, enum jwt_algorithm *a)
{
    for (int i = 0; i < JWT_ALGORITHMS; i++) {
        if (str_is(name, NAMES[i])) {
            *a = (enum jwt_algorithm)i;
            return true;
        }
    }
    return false;
}

static enum err_code refuse(struct err *e, const char *why)
{
    return err_set(e, ERR_DENIED, NULL, "%s", why);
}

/* ---- base64url ---- */

/* libsodium takes some bytes past ASCII for letters, which would give one signature several spellings. */
static bool in_alphabet(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
    }
    return text.n > 0;
}

bool jwt_decode(struct arena *a, struct str text, struct str *out)
{
    size_t n = 0, room = text.n / 4 * 3 + 3;
    unsigned char *to = in_alphabet(text) ? arena_alloc(a, room) : NULL;
    /* Padding, and bits left over at the end, are refused: one text for one value. */
    if (!to || sodium_base642bin(to, room, text.p, text.n, NULL, &n, NULL, B64) != 0)
        return false;
    *out = (struct str){(const char *)to, n};
    return true;
}

struct str jwt_encode(struct arena *a, const void *bytes, size_t n)
{
    size_t room = sodium_base64_encoded_len(n, B64);
    char *to = arena_alloc(a, room);
    if (!to)
        return STR_NONE;
    sodium_bin2base64(to, room, bytes, n, B64);
    return (struct str){to, strlen(to)};
}

/* ---- reading ---- */

struct parts {
    struct str header, payload, signature; /* still encoded */
    struct str covered;                    /* what is signed: header, dot, payload */
};

static enum err_code split(struct str token, struct parts *p, struct err *e)
{
    if (token.n > JWT_MAX)
        return err_set(e, ERR_DENIED, NULL, "the token is longer than %d bytes", JWT_MAX);
    struct str rest = token;
    p->header = str_cut(&rest, '.');
    p->payload = str_cut(&rest, '.');
    p->signature = rest;
    if (p->header.n == 0 || p->payload.n == 0 || p->signature.n == 0 || memchr(rest.p, '.', rest.n))
        return refuse(e, "the token is not a JWT: it must have three parts with dots between them");
    p->covered = str_take(token, p->header.n + 1 + p->payload.n);
    return ERR_OK;
}

static enum err_code parse(struct arena *a, struct str part, const char *what, const struct json **out, struct err *e)
{
    struct str text;
    struct err why = {0};
    if (!jwt_decode(a, part, &text))
        return arena_failed(a) ? err_nomem(e)
                               : err_set(e, ERR_DENIED, NULL, "the token's %s is not base64url without padding", what);
    enum err_code code = json_parse(a, text, 0, out, &why);
    if (code == ERR_NOMEM)
        return err_nomem(e);
    if (code || (*out)->type != JSON_OBJECT)
        return err_set(e, ERR_DENIED, NULL, "the token's %s is not a JSON object without duplicate members", what);
    return ERR_OK;
}

/* The key that the header's algorithm and key id lead to; without a key id any key of the algorithm. */
static enum err_code find_key(const struct json *header, const struct jwt_key *keys, size_t n,
                              const struct jwt_key **out, struct err *e)
{
    enum jwt_algorithm algorithm;
    const struct json *kid = json_get(header, "kid"), *type = json_get(header, "typ");
    if (!jwt_algorithm_find(json_text(header, "alg"), &algorithm))
        return refuse(e, "the token's algorithm is not taken; it must be HS256 or EdDSA");
    if (json_get(header, "crit")) /* extensions that must be understood: we understand none */
        return refuse(e, "the token's header has critical extensions, which are not taken");
    if ((type && (type->type != JSON_STRING || !str_ieq(type->s, STR("JWT")))) || (kid && kid->type != JSON_STRING))
        return refuse(e, "the token's header is not a JWT's: typ must be \"JWT\" and kid a string");
    for (size_t i = 0; i < n; i++) {
        if (keys[i].algorithm == algorithm && (!kid || str_is(kid->s, keys[i].id))) {
            *out = &keys[i];
            return ERR_OK;
        }
    }
    return refuse(e, "the token was not signed with a key of this server");
}

/* Takes the same time wherever a signature differs. */
static bool signed_by(const struct jwt_key *key, struct str covered, struct str signature)
{
    const unsigned char *text = (const unsigned char *)covered.p, *given = (const unsigned char *)signature.p;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    if (key->algorithm == JWT_EDDSA)
        return signature.n == crypto_sign_BYTES &&
               crypto_sign_verify_detached(given, text, covered.n, key->public_key) == 0;
    crypto_auth_hmacsha256(mac, text, covered.n, key->secret);
    return signature.n == sizeof mac && sodium_memcmp(mac, given, sizeof mac) == 0;
}

enum err_code jwt_read(struct arena *a, struct str token, const struct jwt_key *keys, size_t n_keys, int64_t now,
                       struct jwt_claims *out, struct err *e)
{
    struct parts p;
    const struct json *header, *claims;
    const struct jwt_key *key = NULL;
    struct str signature;
    enum err_code code = split(token, &p, e);
    if (!code && p.header.n > HEADER_MAX)
        code = refuse(e, "the token's header is too long");
    if (!code)
        code = parse(a, p.header, "header", &header, e);
    if (!code)
        code = find_key(header, keys, n_keys, &key, e);
    if (code)
        return code;
    if (!jwt_decode(a, p.signature, &signature))
        return arena_failed(a) ? err_nomem(e) : refuse(e, "the token's signature is not base64url without padding");
    if (!signed_by(key, p.covered, signature))
        return refuse(e, "the token's signature is wrong");
    code = parse(a, p.payload, "payload", &claims, e);
    if (!code)
        code = jwt_claims_read(claims, now, out, e);
    out->algorithm = key->algorithm;
    return code;
}

/* ---- making ---- */

static struct str header_text(struct arena *a, const struct jwt_key *key)
{
    struct buf b;
    struct json_out w;
    buf_init(&b, HEADER_MAX);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kcstr(&w, "alg", NAMES[key->algorithm]);
    jw_kcstr(&w, "typ", "JWT");
    jw_kcstr(&w, "kid", key->id);
    jw_end_object(&w);
    return buf_take(&b, a);
}

static struct str payload_text(struct arena *a, const struct jwt_claims *c)
{
    struct buf b;
    struct json_out w;
    struct str rest = jwt_permissions_text(a, c->permissions);
    buf_init(&b, JWT_MAX);
    jw_init(&w, &b);
    jw_object(&w);
    jw_kstr(&w, "jti", c->jti);
    jw_kstr(&w, "org", c->org);
    jw_kstr(&w, "sub", c->sub);
    jw_key(&w, "permissions");
    jw_array(&w);
    while (rest.p && rest.n)
        jw_str(&w, str_cut(&rest, ','));
    jw_end_array(&w);
    jw_kint(&w, "iat", c->iat);
    jw_kint(&w, "exp", c->exp);
    if (c->parents.n)
        jw_kstr(&w, "parents", c->parents);
    jw_end_object(&w);
    return buf_take(&b, a);
}

static struct str sign(struct arena *a, const struct jwt_key *key, struct str text)
{
    unsigned char signature[crypto_sign_BYTES];
    size_t n = sizeof signature;
    if (key->algorithm == JWT_EDDSA) {
        crypto_sign_detached(signature, NULL, (const unsigned char *)text.p, text.n, key->secret);
    } else {
        n = crypto_auth_hmacsha256_BYTES;
        crypto_auth_hmacsha256(signature, (const unsigned char *)text.p, text.n, key->secret);
    }
    return jwt_encode(a, signature, n);
}

enum err_code jwt_make(struct arena *a, const struct jwt_key *key, const struct jwt_claims *claims, struct str *out,
                       struct err *e)
{
    struct str header = header_text(a, key), payload = payload_text(a, claims);
    if (!header.p || !payload.p)
        return err_nomem(e);
    header = jwt_encode(a, header.p, header.n);
    payload = jwt_encode(a, payload.p, payload.n);
    struct str covered = arena_fmt(a, "%.*s.%.*s", STR_ARG(header), STR_ARG(payload));
    struct str signature = covered.p ? sign(a, key, covered) : STR_NONE;
    *out = signature.p ? arena_fmt(a, "%.*s.%.*s", STR_ARG(covered), STR_ARG(signature)) : STR_NONE;
    if (!out->p || arena_failed(a))
        return err_nomem(e);
    if (out->n > JWT_MAX)
        return err_set(e, ERR_TOO_LARGE, NULL, "the token would be longer than %d bytes", JWT_MAX);
    return ERR_OK;
}
