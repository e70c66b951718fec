/* JSON Web Tokens (RFC 7519) as Cairn takes them: the compact form, signed with HS256 (HMAC-SHA-256) or EdDSA
 * (Ed25519, RFC 8037), and nothing else: no encryption, no certificates, no keys that the token itself names.
 *
 * The reader is strict, because all it reads comes from strangers: at most 4 KiB, base64url without padding, JSON
 * without duplicate members, and the key decides the algorithm, never the token (so "none", or an Ed25519 public key
 * used as an HMAC secret, leads nowhere). No claim is looked at before the signature has been found right.
 *
 * Threads: pure functions. */
#ifndef CAIRN_AUTH_JWT_H
#define CAIRN_AUTH_JWT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum {
    JWT_MAX = 4096,       /* bytes of a token */
    JWT_LEEWAY = 60,      /* seconds that clocks may differ, for nbf and iat */
    JWT_ID_MAX = 64,      /* bytes of jti, and of kid */
    JWT_NAME_MAX = 100,   /* bytes of org and sub */
    JWT_PARENTS_MAX = 260 /* bytes of the chain of parents: four ids and spaces */
};

enum jwt_algorithm { JWT_HS256, JWT_EDDSA, JWT_ALGORITHMS };
const char *jwt_algorithm_name(enum jwt_algorithm a);            /* "HS256", "EdDSA" */
bool jwt_algorithm_find(struct str name, enum jwt_algorithm *a); /* exactly as written in the header */

/* What a token may permit, the bits of struct caller's permissions (service/caller.h). */
enum jwt_permission { JWT_READ = 1 << 1, JWT_WRITE = 1 << 2, JWT_MEMORY = 1 << 3, JWT_ADMIN = 1 << 4 };
/* "read,write", separated by commas or spaces. ERR_INVALID names the word that is none, or says that none is there. */
enum err_code jwt_permissions_parse(struct str list, unsigned *out, struct err *e);
/* "read,write" into the arena; STR_NONE when out of memory. */
struct str jwt_permissions_text(struct arena *a, unsigned permissions);

/* A key. HS256: 32 bytes of secret. EdDSA: libsodium's 64 bytes of secret key (seed and public key) and the public key.
 */
struct jwt_key {
    enum jwt_algorithm algorithm;
    char id[JWT_ID_MAX + 1];
    unsigned char secret[64], public_key[32];
};

struct jwt_claims {
    struct str jti; /* the token's own id */
    struct str org; /* organisation */
    struct str sub; /* project slug, "*": every project of the organisation */
    unsigned permissions;
    int64_t iat, exp;             /* seconds since 1970 UTC; iat 0: not said */
    enum jwt_algorithm algorithm; /* that it was signed with; jwt_make takes the key's */
    struct str parents; /* ids of the tokens it was derived from, separated by spaces; "" for none. Ends with them */
};

/* Checks form, algorithm, signature and times (now: seconds since 1970) and reads the claims, which live in the arena.
 * ERR_DENIED says what is wrong in one sentence; it never quotes the token. */
enum err_code jwt_read(struct arena *a, struct str token, const struct jwt_key *keys, size_t n_keys, int64_t now,
                       struct jwt_claims *out, struct err *e);
/* Signs claims; the token is in the arena. ERR_TOO_LARGE when it would be longer than is read. */
enum err_code jwt_make(struct arena *a, const struct jwt_key *key, const struct jwt_claims *claims, struct str *out,
                       struct err *e);

/* jwt_claims.c: the claims of a token whose signature is right. */
enum err_code jwt_claims_read(const struct json *o, int64_t now, struct jwt_claims *out, struct err *e);
/* True for 1 to `max` bytes without '/', white space and control characters: what may name an organisation or a
 * project. */
bool jwt_name_fine(struct str s, size_t max);

/* Decodes base64url without padding into the arena; false when it is not exactly that, or out of memory. */
bool jwt_decode(struct arena *a, struct str text, struct str *out);
/* The other way; STR_NONE when out of memory. */
struct str jwt_encode(struct arena *a, const void *bytes, size_t n);

#endif
