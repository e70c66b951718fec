/* Checking a caller's token: the entry header of this room.
 *
 * A check costs a hash and a look-up once a token has been seen (its claims are kept, in a table of fixed size, by a
 * keyed hash of its text); expiry and revocation are looked at each time. Revoked tokens are known from the register
 * (kind `token`), which is read again when the store has changed, four times a second at most: so a token that another
 * process revokes is refused within that time, one that this process revokes at once.
 *
 * The keys are read when they are first needed, so opening costs nothing and a server may start before there are any.
 *
 * Threads: any. No call waits for the disk but for the register and the key files, as said. */
#ifndef CAIRN_AUTH_AUTH_H
#define CAIRN_AUTH_AUTH_H

#include "auth/jwt.h"
#include "store/store.h"

struct auth;

/* What is known of the bearer of a token that was found good. */
struct auth_identity {
    char token_id[JWT_ID_MAX + 1], org[JWT_NAME_MAX + 1];
    char project[JWT_NAME_MAX + 1];    /* slug, or "*" */
    unsigned permissions;              /* bits of enum jwt_permission */
    int64_t expires_at;                /* seconds since 1970 UTC */
    char parents[JWT_PARENTS_MAX + 1]; /* as in struct jwt_claims */
    enum jwt_algorithm algorithm;
};

/* `algorithms`: bits 1 << enum jwt_algorithm that are taken. The store is borrowed until auth_close. */
enum err_code auth_open(struct store *store, unsigned algorithms, struct auth **out, struct err *e);
void auth_close(struct auth *a); /* NULL is fine */

/* ERR_DENIED (INVALID_SESSION_TOKEN) with the reason when the token is not good; `now` in seconds since 1970 UTC. */
enum err_code auth_check(struct auth *a, struct str token, int64_t now, struct auth_identity *out, struct err *e);
/* The key to sign with; the key files are made when they are not there. `algorithm` must be one that is taken. */
enum err_code auth_key(struct auth *a, enum jwt_algorithm algorithm, struct jwt_key *out, struct err *e);
bool auth_takes(const struct auth *a, enum jwt_algorithm algorithm);
/* The register has changed: the next check reads it again. */
void auth_changed(struct auth *a);

/* "HS256,EdDSA" to bits. ERR_INVALID names what is no algorithm. */
enum err_code auth_algorithms_parse(struct str list, unsigned *out, struct err *e);

/* ---- revoked.c: the ids of revoked tokens that have not expired yet ---- */
struct revoked; /* constant once loaded */
enum err_code revoked_load(struct store *store, int64_t now, struct revoked **out, struct err *e);
void revoked_free(struct revoked *r);
bool revoked_has(const struct revoked *r, struct str id); /* NULL has none */

#endif
