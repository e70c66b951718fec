/* Reading and making the key files. See keys.h. */
#include "auth/keys.h"

#include "base/file.h"
#include "base/id.h"
#include "base/json_write.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096, PATH_ROOM = 4096, SECRET = 32, SEED = crypto_sign_SEEDBYTES };

static const char *const FILES[JWT_ALGORITHMS] = {"hs256.json", "ed25519.json"};

static void path_of(const char *dir, const char *name, char *out)
{
    snprintf(out, PATH_ROOM, "%s/auth%s%s", dir, *name ? "/" : "", name);
}

/* ---- reading ---- */

/* A member of exactly 32 bytes. */
static bool member_bytes(struct arena *a, const struct json *o, const char *name, unsigned char *out)
{
    struct str bytes;
    if (!jwt_decode(a, json_text(o, name), &bytes) || bytes.n != 32)
        return false;
    memcpy(out, bytes.p, 32);
    return true;
}

static bool key_parse(struct arena *a, struct str text, enum jwt_algorithm algorithm, struct jwt_key *k)
{
    const struct json *o;
    unsigned char seed[SEED], derived[32];
    if (json_parse(a, text, 0, &o, NULL) || o->type != JSON_OBJECT)
        return false;
    struct str id = json_text(o, "kid");
    if (!jwt_name_fine(id, JWT_ID_MAX) || !str_is(json_text(o, "alg"), jwt_algorithm_name(algorithm)))
        return false;
    *k = (struct jwt_key){.algorithm = algorithm};
    memcpy(k->id, id.p, id.n);
    if (algorithm == JWT_HS256)
        return str_is(json_text(o, "kty"), "oct") && member_bytes(a, o, "k", k->secret);
    bool fine = str_is(json_text(o, "kty"), "OKP") && str_is(json_text(o, "crv"), "Ed25519") &&
                member_bytes(a, o, "d", seed) && member_bytes(a, o, "x", k->public_key);
    if (fine) { /* a public part of another key would sign what nobody can check */
        crypto_sign_seed_keypair(derived, k->secret, seed);
        fine = memcmp(derived, k->public_key, sizeof derived) == 0;
    }
    sodium_memzero(seed, sizeof seed);
    return fine;
}

static enum err_code key_load(const char *path, enum jwt_algorithm algorithm, struct jwt_key *k, struct err *e)
{
    struct buf b;
    struct arena *a = arena_new();
    if (!a)
        return err_nomem(e);
    buf_init(&b, 0); /* file_read_all keeps the bound, and wants room beyond it */
    enum err_code code = file_read_all(path, FILE_BYTES_MAX, &b, e);
    if (!code && !key_parse(a, buf_view(&b), algorithm, k))
        code = arena_failed(a) ? err_nomem(e)
                               : err_set(e, ERR_CORRUPT, NULL,
                                         "%.150s is not a key file of Cairn's; remove it to have "
                                         "a new one made",
                                         path);
    if (b.p)
        sodium_memzero(b.p, b.cap);
    buf_release(&b);
    arena_free(a);
    return code;
}

/* ---- making ---- */

static void put_bytes(struct json_out *w, const char *name, const unsigned char *bytes)
{
    char text[64];
    sodium_bin2base64(text, sizeof text, bytes, 32, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    jw_kcstr(w, name, text);
}

static void key_write(struct buf *b, enum jwt_algorithm algorithm)
{
    unsigned char seed[SEED], public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    char id[ID_MAX];
    struct json_out w;
    id_make("key", id);
    id_random(seed, sizeof seed);
    jw_init(&w, b);
    jw_object(&w);
    jw_kcstr(&w, "kty", algorithm == JWT_HS256 ? "oct" : "OKP");
    jw_kcstr(&w, "alg", jwt_algorithm_name(algorithm));
    jw_kcstr(&w, "kid", id);
    if (algorithm == JWT_HS256) {
        put_bytes(&w, "k", seed);
    } else {
        crypto_sign_seed_keypair(public_key, secret, seed);
        jw_kcstr(&w, "crv", "Ed25519");
        put_bytes(&w, "x", public_key);
        put_bytes(&w, "d", seed);
        sodium_memzero(secret, sizeof secret);
    }
    jw_end_object(&w);
    buf_char(b, '\n');
    sodium_memzero(seed, sizeof seed);
}

static enum err_code key_make(const char *path, enum jwt_algorithm algorithm, struct err *e)
{
    struct buf b;
    buf_init(&b, FILE_BYTES_MAX);
    key_write(&b, algorithm);
    enum err_code code = b.failed ? err_nomem(e) : file_write_atomic(path, buf_view(&b), e);
    if (b.p)
        sodium_memzero(b.p, b.cap);
    buf_release(&b);
    return code;
}

/* Under a lock on the folder, so that of two processes the second finds the first one's keys. */
static enum err_code make_missing(const char *dir, struct err *e)
{
    char path[PATH_ROOM];
    path_of(dir, "", path);
    enum err_code code = file_mkdirs(path, e);
    if (code)
        return code;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "open", path);
    int locked;
    do
        locked = flock(fd, LOCK_EX);
    while (locked != 0 && errno == EINTR);
    if (locked != 0)
        code = err_errno(e, "lock", path);
    for (int i = 0; i < JWT_ALGORITHMS && !code; i++) {
        path_of(dir, FILES[i], path);
        if (!file_exists(path))
            code = key_make(path, (enum jwt_algorithm)i, e);
    }
    close(fd);
    return code;
}

enum err_code keys_load(const char *dir, bool make, struct jwt_key *out, size_t *n, struct err *e)
{
    char path[PATH_ROOM];
    *n = 0;
    if (strlen(dir) > PATH_ROOM - 64)
        return err_set(e, ERR_INVALID, "data", "the data folder's path is too long");
    if (sodium_init() < 0)
        return err_set(e, ERR_INTERNAL, NULL, "libsodium could not be started");
    enum err_code code = make ? make_missing(dir, e) : ERR_OK;
    for (int i = 0; i < JWT_ALGORITHMS && !code; i++) {
        struct err why = {0};
        path_of(dir, FILES[i], path);
        code = key_load(path, (enum jwt_algorithm)i, &out[*n], &why);
        if (!code) {
            ++*n;
        } else if (code == ERR_NOT_FOUND) { /* not made yet */
            code = ERR_OK;
        } else if (e) {
            *e = why;
        }
    }
    return code;
}
