/* From the user's secret to the master key: a key as it was given or as a file holds it, or a passphrase through
 * Argon2id. What is wrong with a secret is said in words that do not repeat it. */
#include "seal/keyring_int.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* libsodium's "moderate" figures, with less memory than it takes: 64 MiB, for small machines. A store keeps its own in
 * its header; LIMITS bound what a header may ask for. */
enum { OPS = 4, OPS_MOST = 100, PASSPHRASE_LEAST = 8, KEY_FILE_MOST = 200 };
static const uint64_t MEMORY = 64 << 20, MEMORY_MOST = (uint64_t)1 << 30;

bool seal_secret_given(const struct seal_secret *s)
{
    return s && (s->key.n || s->passphrase.n || (s->key_file && *s->key_file));
}

void *keys_alloc(size_t n)
{
    if (mem_fail_now() || sodium_init() < 0)
        return NULL;
    void *p = sodium_malloc(n);
    if (p)
        memset(p, 0, n);
    return p;
}

/* 32 bytes out of text, in either form. */
static bool key_parse(struct str text, unsigned char key[SEAL_KEY])
{
    static const int forms[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    size_t n = 0;
    text = str_trim(text);
    if (text.n == (size_t)2 * SEAL_KEY)
        return sodium_hex2bin(key, SEAL_KEY, text.p, text.n, NULL, &n, NULL) == 0 && n == SEAL_KEY;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (sodium_base642bin(key, SEAL_KEY, text.p, text.n, NULL, &n, NULL, forms[i]) == 0 && n == SEAL_KEY)
            return true;
    }
    return false;
}

/* The owner's alone, as ssh asks of its keys. */
static enum err_code check_private(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(e, "look at the key file", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INVALID, "encryption.key_file", "the key file %.150s is not a file", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(e, ERR_DENIED, "encryption.key_file",
                       "the key file %.120s can be used by others: make it yours alone with chmod 600", path);
    return ERR_OK;
}

static enum err_code key_file(const char *path, unsigned char key[SEAL_KEY], struct err *e)
{
    char text[KEY_FILE_MOST + 1];
    int fd = mem_fail_now() ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a pipe is told, not waited for */
    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED, "encryption.key_file",
                       "the key file %.150s cannot be opened: %s", path, strerror(errno));
    enum err_code rc = check_private(fd, path, e);
    ssize_t n = rc ? 0 : read(fd, text, sizeof text);
    if (!rc && n < 0)
        rc = err_errno(e, "read the key file", path);
    if (!rc && n == SEAL_KEY)
        memcpy(key, text, SEAL_KEY);
    else if (!rc && (n > KEY_FILE_MOST || !key_parse((struct str){text, (size_t)n}, key)))
        rc = err_set(e, ERR_INVALID, "encryption.key_file",
                     "the key file %.100s holds no key: 32 bytes, raw, as 64 hex digits or in base64", path);
    sodium_memzero(text, sizeof text);
    close(fd);
    return rc;
}

void lock_choose(struct seal_lock *l, const struct seal_secret *s)
{
    *l = (struct seal_lock){.how = s->passphrase.n ? HOW_PASSPHRASE : HOW_KEY};
    if (l->how == HOW_PASSPHRASE) {
        l->ops = OPS;
        l->memory = MEMORY;
    }
    randombytes_buf(l->salt, sizeof l->salt);
}

static enum err_code from_passphrase(const struct seal_lock *l, struct str text, unsigned char key[SEAL_KEY],
                                     struct err *e)
{
    if (text.n < PASSPHRASE_LEAST)
        return err_set(e, ERR_INVALID, "encryption.passphrase", "the passphrase must have at least %d characters",
                       PASSPHRASE_LEAST);
    if (l->ops < 1 || l->ops > OPS_MOST || l->memory > MEMORY_MOST)
        return err_set(e, ERR_CORRUPT, "keys", "the header of the keys is damaged: it asks for too much work");
    if (mem_fail_now() ||
        crypto_pwhash(key, SEAL_KEY, text.p, text.n, l->salt, l->ops, (size_t)l->memory, crypto_pwhash_ALG_ARGON2ID13))
        return err_nomem(e);
    return ERR_OK;
}

/* One of several would be a riddle: which one counts? */
static enum err_code check_one(const struct seal_secret *s, struct err *e)
{
    int given = (s->key.n > 0) + (s->passphrase.n > 0) + (s->key_file && *s->key_file);
    if (given > 1)
        return err_set(e, ERR_INVALID, "encryption.key_file",
                       "more than one secret is given: keep one of CAIRN_KEY, CAIRN_PASSPHRASE and the key file");
    return ERR_OK;
}

static enum err_code key_of(const struct seal_secret *s, unsigned char key[SEAL_KEY], struct err *e)
{
    if (!s->key.n)
        return key_file(s->key_file, key, e);
    if (!key_parse(s->key, key))
        return err_set(e, ERR_INVALID, "encryption.key", "CAIRN_KEY is no key: 32 bytes as 64 hex digits or in base64");
    return ERR_OK;
}

enum err_code seal_secret_hex(const struct seal_secret *s, char out[2 * SEAL_KEY + 1], struct err *e)
{
    unsigned char key[SEAL_KEY];
    enum err_code rc = check_one(s, e);
    if (!rc)
        rc = key_of(s, key, e);
    if (!rc)
        sodium_bin2hex(out, 2 * SEAL_KEY + 1, key, sizeof key);
    sodium_memzero(key, sizeof key);
    return rc;
}

enum err_code lock_master(const struct seal_lock *l, const struct seal_secret *s, unsigned char master[SEAL_KEY],
                          struct err *e)
{
    unsigned char key[SEAL_KEY];
    if (!seal_secret_given(s))
        return err_set(e, ERR_DENIED, "encryption.key_file",
                       "the data is sealed: give its key by CAIRN_KEY, CAIRN_PASSPHRASE or encryption.key_file");
    enum err_code rc = check_one(s, e);
    bool words = s->passphrase.n > 0;
    if (rc)
        return rc;
    if (words != (l->how == HOW_PASSPHRASE))
        return err_set(e, ERR_DENIED, "encryption.key_file", "the data is sealed with %s, and %s is given",
                       words ? "a key" : "a passphrase", words ? "a passphrase" : "a key");
    rc = words ? from_passphrase(l, s->passphrase, key, e) : key_of(s, key, e);
    if (!rc)
        key_derive(key, "cairn master 1", l->salt, sizeof l->salt, master, SEAL_KEY);
    sodium_memzero(key, sizeof key);
    return rc;
}
