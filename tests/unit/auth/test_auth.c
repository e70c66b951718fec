/* The check with a store behind it: keys made once, tokens remembered, the register's revocations, and no memory. */
#include "../base/unit.h"

#include "auth/auth.h"
#include "auth/keys.h"
#include "base/mem.h"
#include "store/records.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1800000000, BOTH = 1 << JWT_HS256 | 1 << JWT_EDDSA };

struct fixture {
    char dir[64];
    struct store *store;
    struct auth *auth;
    struct arena *a;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err e = {0};
    strcpy(f->dir, "/tmp/cairn-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    const struct store_options o = {.dir = f->dir};
    assert_int_equal(store_open(&o, &f->store, &e), ERR_OK);
    assert_int_equal(auth_open(f->store, BOTH, &f->auth, &e), ERR_OK);
    f->a = arena_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    auth_close(f->auth);
    store_close(f->store);
    arena_free(f->a);
    snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static struct str token_for(struct fixture *f, const char *jti, const char *parents, enum jwt_algorithm algorithm)
{
    struct jwt_key key;
    struct str token;
    struct err e = {0};
    const struct jwt_claims c = {.jti = str_of(jti),
                                 .org = STR("acme"),
                                 .sub = STR("web"),
                                 .permissions = JWT_READ,
                                 .iat = NOW,
                                 .exp = NOW + 100,
                                 .parents = str_of(parents)};
    if (auth_key(f->auth, algorithm, &key, &e) || jwt_make(f->a, &key, &c, &token, &e))
        fail_msg("%s", e.message);
    return token;
}

static enum err_code check_at(struct fixture *f, struct str token, int64_t now, struct err *e)
{
    struct auth_identity who;
    memset(e, 0, sizeof *e);
    enum err_code code = auth_check(f->auth, token, now, &who, e);
    if (!code) {
        assert_string_equal(who.org, "acme");
        assert_string_equal(who.project, "web");
        assert_int_equal(who.permissions, JWT_READ);
        assert_int_equal(who.expires_at, NOW + 100);
    }
    return code;
}

struct line {
    const char *id;
    struct arena *a;
};

static enum err_code revoke_job(struct store_tx *tx, void *arg, struct err *e)
{
    const struct line *l = arg;
    struct record *r = record_new(l->a, KIND_TOKEN);
    r->id = str_of(l->id);
    r->project = STR("acme/web");
    record_set(r, "org", V_TEXT(STR("acme")));
    record_set(r, "permissions", V_TEXT(STR("read")));
    record_set(r, "algorithm", V_TEXT(STR("HS256")));
    record_set(r, "expires_at", V_INT((NOW + 100) * INT64_C(1000)));
    record_set(r, "revoked", V_INT(1));
    return record_insert(tx, l->a, r, e);
}

static void take_back(struct fixture *f, const char *id)
{
    struct line l = {id, f->a};
    struct err e = {0};
    if (store_write(f->store, revoke_job, &l, &e))
        fail_msg("%s", e.message);
}

static void a_token_is_good_until_it_ends(void **state)
{
    struct fixture *f = *state;
    struct err e;
    for (int i = 0; i < JWT_ALGORITHMS; i++) {
        struct str token = token_for(f, "tok_1", "", (enum jwt_algorithm)i);
        for (int again = 0; again < 3; again++)
            assert_int_equal(check_at(f, token, NOW, &e), ERR_OK);
        assert_int_equal(check_at(f, token, NOW + 99, &e), ERR_OK);
        assert_int_equal(check_at(f, token, NOW + 100, &e), ERR_DENIED);
        assert_non_null(strstr(e.message, "expired"));
    }
}

static void a_revoked_token_is_refused_though_it_was_seen(void **state)
{
    struct fixture *f = *state;
    struct err e;
    struct str token = token_for(f, "tok_1", "", JWT_HS256), child = token_for(f, "tok_2", "tok_0 tok_1", JWT_EDDSA);
    struct str other = token_for(f, "tok_3", "tok_0", JWT_HS256);
    assert_int_equal(check_at(f, token, NOW, &e), ERR_OK);
    assert_int_equal(check_at(f, child, NOW, &e), ERR_OK);
    take_back(f, "tok_1");
    auth_changed(f->auth);
    assert_int_equal(check_at(f, token, NOW, &e), ERR_DENIED);
    assert_non_null(strstr(e.message, "revoked"));
    assert_int_equal(check_at(f, child, NOW, &e), ERR_DENIED);
    assert_int_equal(check_at(f, other, NOW, &e), ERR_OK);
}

/* More than a page of the list, in another order than they sort. */
static void many_revoked_tokens_are_all_known(void **state)
{
    struct fixture *f = *state;
    struct revoked *list = NULL;
    struct err e = {0};
    char id[32];
    for (int i = 0; i < 1203; i++) {
        snprintf(id, sizeof id, "tok_%d", i * 7919 % 1203);
        take_back(f, arena_cstr(f->a, str_of(id)));
    }
    assert_int_equal(revoked_load(f->store, NOW, &list, &e), ERR_OK);
    for (int i = 0; i < 1203; i++) {
        snprintf(id, sizeof id, "tok_%d", i);
        assert_true(revoked_has(list, str_of(id)));
    }
    assert_false(revoked_has(list, STR("tok_1203")));
    assert_false(revoked_has(list, STR("")));
    assert_false(revoked_has(NULL, STR("tok_1")));
    revoked_free(list);
    assert_int_equal(revoked_load(f->store, NOW + 100, &list, &e), ERR_OK);
    assert_false(revoked_has(list, STR("tok_1"))); /* expired: refused anyway */
    revoked_free(list);
}

static void keys_are_made_once_and_private(void **state)
{
    struct fixture *f = *state;
    struct jwt_key first[JWT_ALGORITHMS], again[JWT_ALGORITHMS];
    struct err e = {0};
    struct stat st;
    size_t n;
    char path[128];
    assert_int_equal(keys_load(f->dir, false, first, &n, &e), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(keys_load(f->dir, true, first, &n, &e), ERR_OK);
    assert_int_equal(n, JWT_ALGORITHMS);
    assert_int_equal(keys_load(f->dir, true, again, &n, &e), ERR_OK);
    assert_memory_equal(first, again, sizeof first);
    static const char *const NAMES[] = {"auth", "auth/hs256.json", "auth/ed25519.json"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", f->dir, NAMES[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
}

static void write_key(struct fixture *f, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/auth/ed25519.json", f->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_broken_key_file_is_named(void **state)
{
    static const char *const BAD[] = {
        "", "{}", "[1]",
        "{\"kty\":\"OKP\",\"alg\":\"EdDSA\",\"kid\":\"k\",\"crv\":\"Ed25519\",\"x\":\"AA\",\"d\":\"AA\"}",
        /* a public part that is another key's */
        "{\"kty\":\"OKP\",\"alg\":\"EdDSA\",\"kid\":\"k\",\"crv\":\"Ed25519\","
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"};
    struct fixture *f = *state;
    struct jwt_key keys[JWT_ALGORITHMS];
    size_t n;
    struct err e = {0};
    assert_int_equal(keys_load(f->dir, true, keys, &n, &e), ERR_OK);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        memset(&e, 0, sizeof e);
        write_key(f, BAD[i]);
        assert_int_equal(keys_load(f->dir, true, keys, &n, &e), ERR_CORRUPT);
        assert_non_null(strstr(e.message, "ed25519.json"));
    }
}

static void only_named_algorithms_are_taken(void **state)
{
    struct fixture *f = *state;
    struct auth *strict;
    struct auth_identity who;
    struct jwt_key key;
    struct err e = {0};
    struct str hs = token_for(f, "tok_1", "", JWT_HS256), ed = token_for(f, "tok_1", "", JWT_EDDSA);
    assert_int_equal(auth_open(f->store, 1 << JWT_EDDSA, &strict, &e), ERR_OK);
    assert_int_equal(auth_check(strict, ed, NOW, &who, &e), ERR_OK);
    assert_int_equal(auth_check(strict, hs, NOW, &who, &e), ERR_DENIED);
    memset(&e, 0, sizeof e);
    assert_int_equal(auth_key(strict, JWT_HS256, &key, &e), ERR_INVALID);
    auth_close(strict);
}

static void algorithms_are_named(void **state)
{
    (void)state;
    unsigned bits;
    struct err e = {0};
    assert_int_equal(auth_algorithms_parse(STR("EdDSA, HS256"), &bits, &e), ERR_OK);
    assert_int_equal(bits, BOTH);
    assert_int_equal(auth_algorithms_parse(STR("RS256"), &bits, &e), ERR_INVALID);
    assert_string_equal(e.field, "auth.algorithms");
    assert_int_equal(auth_algorithms_parse(STR(""), &bits, NULL), ERR_INVALID);
}

/* Out of memory, or a file call that fails, is never a token let in that should not be, and never a crash. */
static void nothing_gets_in_by_a_failing_call(void **state)
{
    struct fixture *f = *state;
    struct auth_identity who;
    struct err e = {0};
    struct str good = token_for(f, "tok_1", "", JWT_EDDSA), revoked = token_for(f, "tok_2", "", JWT_HS256);
    take_back(f, "tok_2");
    auth_changed(f->auth);
    assert_int_equal(auth_check(f->auth, revoked, NOW, &who, &e), ERR_DENIED);
    for (int64_t n = 0; n < 200; n++) {
        struct auth *fresh;
        mem_fail_after(n, false);
        struct err why = {0};
        enum err_code code = auth_open(f->store, BOTH, &fresh, &why);
        if (!code) {
            code = auth_check(fresh, good, NOW, &who, &why);
            assert_true(code == ERR_OK || why.message[0]);
            auth_close(fresh);
        }
        /* One that knows the list already keeps it when it cannot be read again. */
        auth_changed(f->auth);
        assert_int_not_equal(auth_check(f->auth, revoked, NOW, &who, NULL), ERR_OK);
        bool hit = mem_fail_hit();
        mem_fail_after(-1, false);
        if (!hit)
            return;
    }
    fail_msg("something still failed after 200 calls");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_good_until_it_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(a_revoked_token_is_refused_though_it_was_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(many_revoked_tokens_are_all_known, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_are_made_once_and_private, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_key_file_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(only_named_algorithms_are_taken, setup, teardown),
        cmocka_unit_test(algorithms_are_named),
        cmocka_unit_test_setup_teardown(nothing_gets_in_by_a_failing_call, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
