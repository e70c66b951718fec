/* The key files, `<data>/auth/hs256.json` and `<data>/auth/ed25519.json`: a JSON Web Key (RFC 7517) each, mode 0600 in
 * a folder of mode 0700, made when the first token is. Whoever can read them can make any token. A key is changed by
 * removing its file and starting the server again: all tokens it signed are then refused.
 *
 * A program elsewhere may sign tokens of its own with them, or check ours with the Ed25519 file's public part ("x"). */
#ifndef CAIRN_AUTH_KEYS_H
#define CAIRN_AUTH_KEYS_H

#include "auth/jwt.h"

/* Reads the keys that are there into out[JWT_ALGORITHMS], *n of them. With `make` those that are not are made first;
 * processes that do so at once agree. `dir` is the data folder. ERR_CORRUPT names the file that is no key. */
enum err_code keys_load(const char *dir, bool make, struct jwt_key *out, size_t *n, struct err *e);

#endif
