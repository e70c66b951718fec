/* SIGKILL while segments are written and merged, again and again: what the next process finds is whole, and answers as
 * an index made from scratch does. CAIRN_KILLS says how often (40; `make soak` does more). */
#include "unit/index/shelf.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 40, SAID = 25, QUERIES = 6, READY_FD = 100 };

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static enum err_code say_some(struct store_tx *tx, void *arg, struct err *e)
{
    static uint32_t seed = 17;
    char text[400];
    struct str *conversations = arg;
    for (int i = 0; i < SAID; i++) {
        size_t n = 0;
        for (uint32_t k = 3 + next_random(&seed) % 20; k > 0; k--) {
            uint32_t a = next_random(&seed) % 60, b = next_random(&seed) % 60;
            n += (size_t)snprintf(text + n, sizeof text - n, "word%u ", a < b ? a : b);
        }
        struct turn_new t = {.conversation_id = conversations[next_random(&seed) % 3],
                             .agent = i % 2 ? STR("ann") : STR("bob"),
                             .role = STR("user"),
                             .content = {text, n},
                             .token_count = -1};
        struct turn_added added;
        enum err_code code = turn_append(tx, &t, &added, e);
        if (code)
            return code;
    }
    return ERR_OK;
}

/* In a sealed store: every file from sealed to plain, or back. */
static enum err_code convert(struct store *store, struct index *index, struct err *e)
{
    struct keyring *k = store_keyring(store);
    enum err_code code =
        k ? keyring_set_state(k, keyring_state(k) == SEAL_OPENING ? SEAL_SEALING : SEAL_OPENING, e) : ERR_OK;
    return code || !k ? code : index_convert(index, e);
}

/* The process that is killed: says something, writes it to a segment, merges when that is due, converts, and again. */
static int child(const char *dir, char **conversations)
{
    struct str ids[3] = {str_of(conversations[0]), str_of(conversations[1]), str_of(conversations[2])};
    struct store *store = NULL;
    struct index *index = NULL;
    struct store_options so = {.dir = dir, .sync_normal = true, .secret = keyring_exists(dir) ? &PLACE_SECRET : NULL};
    struct index_options io = {.dir = dir};
    struct err e = {0};
    if (store_open(&so, &store, &e))
        return 1;
    io.store = store;
    if (index_open(&io, &index, &e) || write(READY_FD, "", 1) != 1)
        return 1;
    for (;;)
        if (store_write(store, say_some, ids, &e) || index_flush(index, &e) || index_purge(index, &e) ||
            convert(store, index, &e))
            return 1;
}

/* Mostly while it writes, however slow the machine is; sometimes while it begins. */
static void kill_one(struct shelf *s, char **conversations, uint32_t *seed)
{
    int status, ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ready[0]);
        if (dup2(ready[1], READY_FD) != READY_FD)
            _exit(2);
        char *args[] = {(char *)(uintptr_t) "killed",
                        (char *)(uintptr_t) "child",
                        s->place->dir,
                        conversations[0],
                        conversations[1],
                        conversations[2],
                        NULL};
        execv("/proc/self/exe", args);
        _exit(2);
    }
    (void)close(ready[1]);
    if (next_random(seed) % 4)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    usleep(20000 + next_random(seed) % 100000);
    (void)close(ready[0]);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* it did not give up by itself */
}

static struct index_hits answer(struct shelf *s, int i)
{
    static const char *const WORDS[QUERIES] = {"word1 word7 word40",      "word2",          "word58 word59",
                                               "word0 word1 word2 word3", "word33 nothing", "word11 word12 word13"};
    struct index_query q = shelf_query(s, WORDS[i]);
    q.around = 1;
    return shelf_search(s, &q);
}

static void same(const struct index_hits *a, const struct index_hits *b)
{
    assert_int_equal(a->n, b->n);
    assert_int_equal(a->n_around, b->n_around);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->hits[i].seq, b->hits[i].seq);
        assert_true(a->hits[i].score == b->hits[i].score);
    }
}

static void killed_at_any_moment_it_is_whole(void **state)
{
    struct shelf *s = *state;
    const char *wish = getenv("CAIRN_KILLS");
    int kills = wish ? atoi(wish) : KILLS;
    uint32_t seed = (uint32_t)getpid();
    struct str session = shelf_session(s, "p");
    char *conversations[3];
    for (int i = 0; i < 3; i++)
        conversations[i] = arena_cstr(s->arena, shelf_conversation(s, session));
    for (int i = 0; i < kills; i++) {
        struct index_hits before[QUERIES];
        index_close(s->index);
        s->index = NULL;
        store_close(s->store); /* who converts is alone */
        s->store = s->place->store = NULL;
        kill_one(s, conversations, &seed);
        place_reopen(s->place);
        s->store = s->place->store;
        shelf_index(s, false);
        struct stock *now = index_stock(s->index);
        assert_int_equal(now->n_holes, 0); /* nothing had to be mended */
        stock_drop(now);
        for (int k = 0; k < QUERIES; k++)
            before[k] = answer(s, k);
        OK(index_flush(s->index, &e));
        OK(index_check(s->index, &e));
        OK(index_rebuild(s->index, NULL, NULL, &e));
        for (int k = 0; k < QUERIES; k++) {
            struct index_hits after = answer(s, k);
            same(&before[k], &after);
        }
    }
    struct store_tx *tx = NULL;
    OK(store_read_begin(s->store, &tx, &e));
    print_message("%lld turns in the end\n", (long long)turns_last_seq(tx));
    assert_true(turns_last_seq(tx) > 0);
    store_read_end(tx);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "child") == 0)
        return child(argv[2], argv + 3);
    const struct CMUnitTest tests[] = {SHELF_TEST(killed_at_any_moment_it_is_whole)};
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    place_is_sealed = true;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
