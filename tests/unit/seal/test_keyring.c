/* The keyring: only the right secret opens it, nothing is written by trying, every byte of its header counts, states
 * and secrets change durably, sessions' keys are found again and stay destroyed, in all processes. */
#include "folder.h"

static struct str sealed(struct folder *f, int64_t slot, const char *text, const char *about)
{
    struct buf b;
    buf_init(&b, 0);
    OK(keyring_seal(f->k, slot, str_of(text), str_of(about), &b, &e));
    return buf_take(&b, f->a);
}

static enum err_code opened(struct folder *f, int64_t slot, struct str s, const char *about, struct str *out)
{
    return keyring_open_bytes(f->k, slot, s, str_of(about), f->a, out, NULL);
}

static void only_the_right_secret_opens(void **state)
{
    struct folder *f = *state;
    struct keyring *k = NULL;
    struct str out, s = sealed(f, SEAL_STORE, "text", "here"), before = read_file(f, "keys/header");
    WANT(ERR_DENIED, keyring_open(f->dir, &OTHER, &k, &e));
    WANT(ERR_DENIED, keyring_open(f->dir, &(struct seal_secret){0}, &k, &e));
    WANT(ERR_DENIED, keyring_open(f->dir, NULL, &k, &e));
    WANT(ERR_DENIED, keyring_open(f->dir, &(struct seal_secret){.passphrase = STR("a passphrase")}, &k, &e));
    WANT(ERR_INVALID, keyring_open(f->dir, &(struct seal_secret){.key = STR("short")}, &k, &e));
    WANT(ERR_INVALID,
         keyring_open(f->dir, &(struct seal_secret){.key = SECRET.key, .passphrase = STR("a passphrase")}, &k, &e));
    assert_null(k);
    assert_true(str_eq(before, read_file(f, "keys/header")));
    reopen(f, &SECRET);
    assert_int_equal(opened(f, SEAL_STORE, s, "here", &out), ERR_OK);
    assert_true(str_is(out, "text"));
    /* the same key, written otherwise */
    reopen(f, &(struct seal_secret){.key = STR("ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=")});
    reopen(f, &(struct seal_secret){.key = STR(" ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8\n")});
}

static void a_key_file_is_the_owners_alone(void **state)
{
    struct folder *f = *state;
    char path[100];
    (void)snprintf(path, sizeof path, "%s/secret", f->dir);
    const struct seal_secret by_file = {.key_file = path};
    struct keyring *k = NULL;
    WANT(ERR_NOT_FOUND, keyring_open(f->dir, &by_file, &k, &e));
    OK(file_write_atomic(path, SECRET.key, &e));
    reopen(f, &by_file);
    assert_int_equal(chmod(path, 0640), 0);
    WANT(ERR_DENIED, keyring_open(f->dir, &by_file, &k, &e));
    OK(file_write_atomic(path, STR("not a key at all"), &e));
    WANT(ERR_INVALID, keyring_open(f->dir, &by_file, &k, &e));
    char raw[32];
    for (int i = 0; i < 32; i++)
        raw[i] = (char)(i % 16 * 0x11);
    OK(file_write_atomic(path, (struct str){raw, sizeof raw}, &e));
    reopen(f, &by_file);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: waiting would be for ever */
    struct keyring *piped = NULL;
    WANT(ERR_INVALID, keyring_open(f->dir, &by_file, &piped, &e));
}

static void a_passphrase_opens_too(void **state)
{
    struct folder *f = *state;
    struct keyring *k = NULL;
    struct str out, s = sealed(f, SEAL_STORE, "text", "here");
    const struct seal_secret words = {.passphrase = STR("correct horse battery staple")};
    WANT(ERR_INVALID, keyring_rewrap(f->k, &(struct seal_secret){.passphrase = STR("short")}, &e));
    WANT(ERR_INVALID, keyring_rewrap(f->k, &(struct seal_secret){0}, &e));
    OK(keyring_rewrap(f->k, &words, &e));
    WANT(ERR_DENIED, keyring_open(f->dir, &SECRET, &k, &e));
    WANT(ERR_DENIED, keyring_open(f->dir, &(struct seal_secret){.passphrase = STR("correct horse battery")}, &k, &e));
    reopen(f, &words);
    assert_int_equal(opened(f, SEAL_STORE, s, "here", &out), ERR_OK);
}

static void every_byte_of_the_header_counts(void **state)
{
    struct folder *f = *state;
    struct keyring *k = NULL;
    struct str whole = read_file(f, "keys/header");
    char *bytes = arena_cstr(f->a, whole);
    for (size_t i = 0; i < whole.n; i++) {
        bytes[i] ^= 1;
        OK(file_write_atomic(in(f, "keys/header"), (struct str){bytes, whole.n}, &e));
        bytes[i] ^= 1;
        enum err_code rc = keyring_open(f->dir, &SECRET, &k, NULL);
        assert_true(rc == ERR_CORRUPT || rc == ERR_DENIED);
        assert_null(k);
    }
    for (size_t n = 0; n < whole.n; n += 13) {
        OK(file_write_atomic(in(f, "keys/header"), str_take(whole, n), &e));
        WANT(ERR_CORRUPT, keyring_open(f->dir, &SECRET, &k, &e));
    }
    OK(file_write_atomic(in(f, "keys/header"), whole, &e));
    reopen(f, &SECRET);
}

static void states_last(void **state)
{
    struct folder *f = *state;
    struct keyring *k = NULL;
    WANT(ERR_CONFLICT, keyring_make(f->dir, &SECRET, SEAL_SEALED, &k, &e));
    OK(keyring_set_state(f->k, SEAL_OPENING, &e));
    assert_false(keyring_seals(f->k));
    reopen(f, &SECRET);
    assert_int_equal(keyring_state(f->k), SEAL_OPENING);
    OK(keyring_set_state(f->k, SEAL_PLAIN, &e));
    assert_int_equal(keyring_state(f->k), SEAL_PLAIN);
    assert_false(keyring_exists(f->dir));
    assert_false(file_exists(in(f, "keys")));
    WANT(ERR_NOT_FOUND, keyring_open(f->dir, &SECRET, &k, &e));
    keyring_close(f->k);
    OK(keyring_make(f->dir, &SECRET, SEAL_SEALING, &f->k, &e));
    assert_true(keyring_seals(f->k));
    assert_int_equal(keyring_state(NULL), SEAL_PLAIN);
    assert_false(keyring_seals(NULL));
}

static void new_data_keys_take_over(void **state)
{
    struct folder *f = *state;
    struct str out, s = sealed(f, SEAL_STORE, "text", "here");
    uint32_t before = keyring_epoch(f->k);
    unsigned char page[SEAL_KEY];
    memcpy(page, keyring_page_key(f->k, before), SEAL_KEY);
    OK(keyring_renew(f->k, &e));
    assert_int_equal(keyring_epoch(f->k), before + 1);
    OK(keyring_renew(f->k, &e)); /* begun already */
    assert_int_equal(keyring_epoch(f->k), before + 1);
    reopen(f, &SECRET);
    assert_memory_equal(keyring_page_key(f->k, before), page, SEAL_KEY);
    assert_memory_not_equal(keyring_page_key(f->k, before + 1), page, SEAL_KEY);
    assert_int_equal(opened(f, SEAL_STORE, s, "here", &out), ERR_OK);
    struct str fresh = sealed(f, SEAL_STORE, "text", "here");
    OK(keyring_set_state(f->k, SEAL_SEALED, &e));
    for (int again = 0; again < 2; again++) {
        assert_null(keyring_page_key(f->k, before));
        assert_int_equal(opened(f, SEAL_STORE, s, "here", &out), ERR_CORRUPT);
        assert_int_equal(opened(f, SEAL_STORE, fresh, "here", &out), ERR_OK);
        reopen(f, &SECRET);
    }
    OK(keyring_set_state(f->k, SEAL_OPENING, &e));
    WANT(ERR_CONFLICT, keyring_renew(f->k, &e));
}

static void what_is_sealed_opens_only_in_its_place(void **state)
{
    struct folder *f = *state;
    struct str out, s = sealed(f, SEAL_STORE, "a text of some length", "turn_1 content");
    assert_int_equal(s.n, 21 + SEAL_MORE);
    assert_int_equal(str_find(s, STR("text")), -1);
    assert_int_equal(opened(f, SEAL_STORE, s, "turn_2 content", &out), ERR_CORRUPT);
    char *bytes = arena_cstr(f->a, s);
    for (size_t i = 0; i < s.n; i++) {
        bytes[i] ^= 4;
        assert_int_equal(opened(f, SEAL_STORE, (struct str){bytes, s.n}, "turn_1 content", &out), ERR_CORRUPT);
        bytes[i] ^= 4;
        assert_int_equal(opened(f, SEAL_STORE, str_take(s, i), "turn_1 content", &out), ERR_CORRUPT);
        assert_null(out.p);
    }
    assert_int_equal(opened(f, SEAL_STORE, sealed(f, SEAL_STORE, "", ""), "", &out), ERR_OK);
    assert_true(out.p && out.n == 0);
}

static void sessions_have_keys_of_their_own(void **state)
{
    struct folder *f = *state;
    int64_t one, two, slot;
    struct str out;
    unsigned char key[SEAL_KEY];
    OK(keyring_take(f->k, 0, &one, &e));
    OK(keyring_take(f->k, 0, &two, &e));
    assert_int_not_equal(one, two);
    struct str s = sealed(f, one, "mine", ""), t = sealed(f, two, "yours", "");
    assert_int_equal(opened(f, two, s, "", &out), ERR_CORRUPT);
    reopen(f, &SECRET);
    assert_int_equal(opened(f, one, s, "", &out), ERR_OK);
    assert_true(str_is(out, "mine"));
    OK(keyring_take(f->k, 0, &slot, &e)); /* not one that somebody has, though nobody told the new keyring */
    assert_true(slot > two);
    OK(keyring_destroy(f->k, one, &e));
    for (int again = 0; again < 2; again++) {
        assert_int_equal(opened(f, one, s, "", &out), ERR_GONE);
        assert_int_equal(opened(f, two, t, "", &out), ERR_OK);
        reopen(f, &SECRET);
    }
    WANT(ERR_CORRUPT, keyring_key(f->k, 1 << 20, key, &e));
    WANT(ERR_CORRUPT, keyring_key(f->k, -7, key, &e));
    WANT(ERR_NOT_FOUND, keyring_destroy(f->k, 1 << 20, &e));
}

static void slots_never_run_out(void **state)
{
    struct folder *f = *state;
    int64_t slot, last = -1;
    for (int i = 0; i < 2500; i++) {
        OK(keyring_take(f->k, 0, &slot, &e));
        assert_true(slot == last + 1);
        last = slot;
    }
    unsigned char a[SEAL_KEY], b[SEAL_KEY];
    OK(keyring_key(f->k, 0, a, &e));
    OK(keyring_key(f->k, 256, b, &e)); /* the same place in the cache */
    assert_memory_not_equal(a, b, SEAL_KEY);
    OK(keyring_key(f->k, 0, b, &e));
    assert_memory_equal(a, b, SEAL_KEY);
    OK(keyring_take(f->k, 5000, &slot, &e)); /* beyond what is there: 4999 has an owner, whose keys are an older copy */
    assert_true(slot == 5000);
    OK(keyring_key(f->k, slot, a, &e));
}

/* Two processes take slots at once, and what one destroys is gone for the other, though it had the key in memory. */
static void processes_share_slots(void **state)
{
    struct folder *f = *state;
    int to[2], from[2];
    int64_t mine[200], theirs[200];
    assert_int_equal(pipe(to) | pipe(from), 0);
    keyring_close(f->k);
    f->k = NULL;
    pid_t pid = fork();
    if (pid == 0) {
        struct keyring *k = NULL;
        int64_t slots[200];
        unsigned char key[SEAL_KEY];
        char go;
        if (keyring_open(f->dir, &SECRET, &k, NULL))
            _exit(1);
        for (int i = 0; i < 200; i++) {
            if (keyring_take(k, 0, &slots[i], NULL))
                _exit(2);
        }
        if (keyring_key(k, slots[7], key, NULL) || write(from[1], slots, sizeof slots) != (ssize_t)sizeof slots ||
            read(to[0], &go, 1) != 1)
            _exit(3);
        _exit(keyring_key(k, slots[7], key, NULL) == ERR_GONE ? 0 : 4);
    }
    OK(keyring_open(f->dir, &SECRET, &f->k, &e));
    for (int i = 0; i < 200; i++)
        OK(keyring_take(f->k, 0, &mine[i], &e));
    assert_int_equal(read(from[0], theirs, sizeof theirs), sizeof theirs);
    for (int i = 0; i < 200; i++) {
        for (int j = 0; j < 200; j++)
            assert_true(mine[i] != theirs[j]);
    }
    OK(keyring_destroy(f->k, theirs[7], &e));
    int status;
    assert_int_equal(write(to[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(to[0]), close(to[1]), close(from[0]), close(from[1]);
}

/* A nonce is its source's prefix and a count: within a source none comes twice, and two sources differ. */
static void no_nonce_comes_twice(void **state)
{
    struct folder *f = *state;
    enum { N = 3000, SOURCES = 20 };
    static unsigned char seen[SOURCES * N][SEAL_NONCE];
    for (int i = 0; i < SOURCES; i++) {
        struct seal_nonces n;
        seal_nonces_init(&n);
        for (int j = 0; j < N; j++)
            seal_nonces_next(&n, seen[i * N + j]);
    }
    qsort(seen, SOURCES * N, SEAL_NONCE, (int (*)(const void *, const void *))(void (*)(void))memcmp);
    for (int i = 1; i < SOURCES * N; i++)
        assert_memory_not_equal(seen[i - 1], seen[i], SEAL_NONCE);
    /* sealed twice, the same text is two texts, also after opening anew */
    struct str one = sealed(f, SEAL_STORE, "same", ""), two = sealed(f, SEAL_STORE, "same", "");
    reopen(f, &SECRET);
    struct str three = sealed(f, SEAL_STORE, "same", "");
    assert_false(str_eq(one, two) || str_eq(two, three) || str_eq(one, three));
    assert_memory_equal(one.p + 4, two.p + 4, 16);
    assert_memory_not_equal(one.p + 4, three.p + 4, 16);
}

/* Every call that can fail fails once: clear codes, nothing half-done that a second try would not mend, no leak. */
static void failures_leave_it_usable(void **state)
{
    struct folder *f = *state;
    for (int n = 0; n < 60; n++) {
        struct keyring *k = NULL;
        int64_t slot;
        mem_fail_after(n, false);
        enum err_code rc = keyring_open(f->dir, &SECRET, &k, NULL);
        if (!rc)
            rc = keyring_take(k, 0, &slot, NULL);
        if (!rc)
            rc = keyring_set_state(k, SEAL_SEALED, NULL);
        mem_fail_after(-1, false);
        assert_int_equal(rc != ERR_OK, mem_fail_hit());
        keyring_close(k);
        OK(keyring_open(f->dir, &SECRET, &k, &e));
        keyring_close(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
        T(only_the_right_secret_opens),
        T(a_key_file_is_the_owners_alone),
        T(a_passphrase_opens_too),
        T(every_byte_of_the_header_counts),
        T(states_last),
        T(new_data_keys_take_over),
        T(what_is_sealed_opens_only_in_its_place),
        T(sessions_have_keys_of_their_own),
        T(slots_never_run_out),
        T(processes_share_slots),
        T(no_nonce_comes_twice),
        T(failures_leave_it_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
