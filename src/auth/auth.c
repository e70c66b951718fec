/* The check of a token: seen before, or read with the keys; then expiry and revocation. See auth.h.
 *
 * Locks: `refreshing` is held while the register or the key files are read, `lock` for moments, over the table of seen
 * tokens and the list of revoked ones. `refreshing` is taken first. Keys are only ever added: those below n_keys are
 * constant, so signatures are checked without a lock. */
#include "auth/auth.h"

#include "auth/keys.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

enum {
    SEEN = 1024,           /* tokens whose claims are kept; each has one place, by its hash */
    HASH = 32,             /* bytes: nobody finds two tokens with the same one */
    LOOK_EVERY_US = 250000 /* at the store's change count, and at most so often for key files that are not there */
};

struct seen {
    bool used;
    unsigned char hash[HASH];
    struct auth_identity who;
};

struct auth {
    struct store *store;
    unsigned algorithms;
    pthread_mutex_t refreshing;
    atomic_uint wanted, known; /* changes of the register: told, and read */
    atomic_int_least64_t look_at_us;
    int64_t change_count; /* under refreshing: the store's when the register was read */
    bool loaded;          /* under refreshing: the register has been read */
    struct jwt_key keys[JWT_ALGORITHMS];
    atomic_size_t n_keys;

    pthread_mutex_t lock;
    struct seen *seen;       /* under lock: SEEN places, made with the first good token */
    struct revoked *revoked; /* under lock */
    unsigned char hash_key[crypto_generichash_KEYBYTES];
};

/* ---- opening ---- */

enum err_code auth_algorithms_parse(struct str list, unsigned *out, struct err *e)
{
    *out = 0;
    while (list.p && list.n) {
        enum jwt_algorithm a;
        struct str name = str_trim(str_cut(&list, ','));
        if (!jwt_algorithm_find(name, &a))
            return err_set(e, ERR_INVALID, "auth.algorithms",
                           "auth.algorithms takes HS256 and EdDSA, separated by a comma, not \"%.*s\"",
                           STR_ARG(str_take(name, 40)));
        *out |= 1u << a;
    }
    return *out ? ERR_OK : err_set(e, ERR_INVALID, "auth.algorithms", "auth.algorithms must name HS256, EdDSA or both");
}

enum err_code auth_open(struct store *store, unsigned algorithms, struct auth **out, struct err *e)
{
    struct auth *a = mem_zalloc(sizeof *a);
    if (!a)
        return err_nomem(e);
    a->store = store;
    a->algorithms = algorithms;
    id_random(a->hash_key, sizeof a->hash_key);
    pthread_mutex_init(&a->refreshing, NULL);
    pthread_mutex_init(&a->lock, NULL);
    *out = a;
    return ERR_OK;
}

void auth_close(struct auth *a)
{
    if (!a)
        return;
    pthread_mutex_destroy(&a->refreshing);
    pthread_mutex_destroy(&a->lock);
    revoked_free(a->revoked);
    mem_free(a->seen);
    sodium_memzero(a->keys, sizeof a->keys);
    mem_free(a);
}

bool auth_takes(const struct auth *a, enum jwt_algorithm algorithm)
{
    return a->algorithms & 1u << algorithm;
}

/* ---- keys ---- */

/* Adds the keys that are new. Under refreshing. */
static enum err_code load_keys(struct auth *a, bool make, struct err *e)
{
    struct jwt_key found[JWT_ALGORITHMS];
    size_t n = 0, have = atomic_load(&a->n_keys);
    enum err_code code = keys_load(store_dir(a->store), make, found, &n, e);
    for (size_t i = 0; i < n && !code; i++) {
        bool known = false;
        for (size_t k = 0; k < have && !known; k++)
            known = a->keys[k].algorithm == found[i].algorithm;
        if (!known && have < JWT_ALGORITHMS)
            a->keys[have++] = found[i];
    }
    atomic_store(&a->n_keys, have);
    sodium_memzero(found, sizeof found);
    return code;
}

static const struct jwt_key *key_of(const struct auth *a, enum jwt_algorithm algorithm)
{
    for (size_t i = 0; i < atomic_load(&a->n_keys); i++) {
        if (a->keys[i].algorithm == algorithm)
            return &a->keys[i];
    }
    return NULL;
}

enum err_code auth_key(struct auth *a, enum jwt_algorithm algorithm, struct jwt_key *out, struct err *e)
{
    enum err_code code = ERR_OK;
    if (!auth_takes(a, algorithm))
        return err_set(e, ERR_INVALID, "algorithm", "%s is not among auth.algorithms", jwt_algorithm_name(algorithm));
    pthread_mutex_lock(&a->refreshing);
    if (!key_of(a, algorithm))
        code = load_keys(a, true, e);
    const struct jwt_key *k = code ? NULL : key_of(a, algorithm);
    pthread_mutex_unlock(&a->refreshing);
    if (!code && !k)
        code = err_set(e, ERR_INTERNAL, NULL, "there is no key for %s", jwt_algorithm_name(algorithm));
    if (!code)
        *out = *k;
    return code;
}

/* ---- the register ---- */

void auth_changed(struct auth *a)
{
    atomic_fetch_add(&a->wanted, 1);
}

/* When the register cannot be read the list stays as it was: a store in trouble must not lock everybody out. */
static void reload(struct auth *a, int64_t now, int64_t change_count, unsigned wanted)
{
    struct revoked *fresh = NULL, *old;
    struct err e = {0};
    if (revoked_load(a->store, now, &fresh, &e)) {
        log_event(LOG_WARN, "token_register_unreadable", L_CSTR("message", e.message));
        return;
    }
    pthread_mutex_lock(&a->lock);
    old = a->revoked;
    a->revoked = fresh;
    pthread_mutex_unlock(&a->lock);
    revoked_free(old);
    a->loaded = true;
    a->change_count = change_count;
    atomic_store(&a->known, wanted);
}

static bool fresh(struct auth *a)
{
    return clock_mono_us() < atomic_load(&a->look_at_us) && atomic_load(&a->known) == atomic_load(&a->wanted);
}

static void refresh(struct auth *a, int64_t now)
{
    if (fresh(a))
        return;
    pthread_mutex_lock(&a->refreshing);
    if (!fresh(a)) { /* nobody else did it while we waited */
        /* Both are read before the register, so a change that comes meanwhile is seen the next time. */
        unsigned wanted = atomic_load(&a->wanted);
        int64_t count = store_change_count(a->store);
        if (!a->loaded || count != a->change_count || wanted != atomic_load(&a->known))
            reload(a, now, count, wanted);
        struct err e = {0};
        if (atomic_load(&a->n_keys) < JWT_ALGORITHMS && load_keys(a, false, &e))
            log_event(LOG_WARN, "token_keys_unreadable", L_CSTR("message", e.message));
        atomic_store(&a->look_at_us, clock_mono_us() + LOOK_EVERY_US);
    }
    pthread_mutex_unlock(&a->refreshing);
}

/* ---- tokens seen before ---- */

static struct seen *place(const struct auth *a, const unsigned char *hash)
{
    return &a->seen[(hash[0] | hash[1] << 8) % SEEN];
}

/* Under lock. */
static bool recall(const struct auth *a, const unsigned char *hash, struct auth_identity *out)
{
    const struct seen *s = a->seen ? place(a, hash) : NULL;
    if (!s || !s->used || memcmp(s->hash, hash, HASH) != 0)
        return false;
    *out = s->who;
    return true;
}

static void keep(struct auth *a, const unsigned char *hash, const struct auth_identity *who)
{
    pthread_mutex_lock(&a->lock);
    if (!a->seen) /* without memory for it each token is simply read again */
        a->seen = mem_zalloc(SEEN * sizeof *a->seen);
    if (a->seen) {
        struct seen *s = place(a, hash);
        s->used = true;
        memcpy(s->hash, hash, HASH);
        s->who = *who;
    }
    pthread_mutex_unlock(&a->lock);
}

/* Under lock: the token itself, or one that it was derived from. */
static bool is_revoked(const struct auth *a, const struct auth_identity *who)
{
    struct str rest = str_of(who->parents);
    bool found = revoked_has(a->revoked, str_of(who->token_id));
    while (!found && rest.n)
        found = revoked_has(a->revoked, str_cut(&rest, ' '));
    return found;
}

/* ---- the check ---- */

/* Lengths were checked by jwt_read. */
static void copy_name(char *to, struct str s)
{
    memcpy(to, s.p, s.n);
    to[s.n] = 0;
}

static enum err_code read_token(const struct auth *a, struct str token, int64_t now, struct auth_identity *out,
                                struct err *e)
{
    struct jwt_claims c;
    struct jwt_key keys[JWT_ALGORITHMS];
    size_t n = 0, n_keys = atomic_load(&a->n_keys);
    for (size_t i = 0; i < n_keys; i++) {
        if (auth_takes(a, a->keys[i].algorithm))
            keys[n++] = a->keys[i];
    }
    struct arena *arena = arena_new();
    enum err_code code = arena ? jwt_read(arena, token, keys, n, now, &c, e) : err_nomem(e);
    if (!code) {
        *out = (struct auth_identity){.permissions = c.permissions, .expires_at = c.exp, .algorithm = c.algorithm};
        copy_name(out->token_id, c.jti);
        copy_name(out->org, c.org);
        copy_name(out->project, c.sub);
        copy_name(out->parents, c.parents);
    }
    sodium_memzero(keys, sizeof keys);
    if (arena)
        arena_free(arena);
    return code;
}

enum err_code auth_check(struct auth *a, struct str token, int64_t now, struct auth_identity *out, struct err *e)
{
    unsigned char hash[HASH];
    if (token.n > JWT_MAX) /* said before the work of hashing it */
        return err_set(e, ERR_DENIED, NULL, "the token is longer than %d bytes", JWT_MAX);
    refresh(a, now);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)(token.p ? token.p : ""), token.n, a->hash_key,
                       sizeof a->hash_key);
    pthread_mutex_lock(&a->lock);
    bool known = recall(a, hash, out), revoked = known && is_revoked(a, out);
    pthread_mutex_unlock(&a->lock);
    if (!known) {
        enum err_code code = read_token(a, token, now, out, e);
        if (code)
            return code;
        keep(a, hash, out);
        pthread_mutex_lock(&a->lock);
        revoked = is_revoked(a, out);
        pthread_mutex_unlock(&a->lock);
    }
    if (out->expires_at <= now)
        return err_set(e, ERR_DENIED, NULL, "the token has expired; cairn auth token makes a new one");
    if (revoked)
        return err_set(e, ERR_DENIED, NULL, "the token was revoked");
    return ERR_OK;
}
