/* A temporary data folder with an open store, and shorthand, for the store's tests. */
#ifndef CAIRN_TEST_STORE_PLACE_H
#define CAIRN_TEST_STORE_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "seal/seal.h"
#include "store/turns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char dir[64];
    struct store *store;
    struct arena *arena;
};

static inline void print_err(const struct err *e)
{
    if (e->code)
        print_message("%s (%s): %s\n", err_code_name(e->code), e->field, e->message);
}

/* Runs the call, which fills `e`; fails the test when it does not return the code. */
#define WANT(wanted, call)                                                                                             \
    do {                                                                                                               \
        struct err e = {0};                                                                                            \
        enum err_code got_ = (call);                                                                                   \
        if (got_ != (wanted))                                                                                          \
            print_err(&e);                                                                                             \
        assert_int_equal(got_, wanted);                                                                                \
        assert_int_equal(e.code, wanted);                                                                              \
    } while (0)
#define OK(call) WANT(ERR_OK, call)
/* As WANT, and the error names this field, or the API name when it begins with a capital. */
#define REFUSED(wanted, named, call)                                                                                   \
    do {                                                                                                               \
        struct err e = {0};                                                                                            \
        assert_int_equal(call, wanted);                                                                                \
        assert_string_equal((named)[0] >= 'A' && (named)[0] <= 'Z' ? e.name : e.field, named);                         \
        assert_true(e.message[0] != '\0');                                                                             \
    } while (0)

static bool place_is_sealed; /* the tests that follow have keys */
static const struct seal_secret PLACE_SECRET = {
    .key = {"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 64}};

static inline void place_reopen(struct place *p)
{
    bool sealed = place_is_sealed || getenv("CAIRN_TEST_SEALED");
    store_close(p->store);
    p->store = NULL;
    OK(store_open(&(struct store_options){.dir = p->dir, .busy_ms = 5000, .secret = sealed ? &PLACE_SECRET : NULL},
                  &p->store, &e));
}

static inline int place_setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    strcpy(p->dir, "/tmp/cairn-test-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    p->arena = arena_new();
    place_reopen(p);
    *state = p;
    return 0;
}

static inline int place_teardown(void **state)
{
    struct place *p = *state;
    char command[100];
    store_close(p->store);
    arena_free(p->arena);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", p->dir);
    int rc = system(command);
    free(p);
    return rc;
}

/* ---- another process ---- */

/* SQLite connections do not survive a fork. So the other process is made while the store is closed, and then waits: it
 * does one thing for each byte it is sent, and answers with a byte. */
struct other {
    pid_t pid;
    int to, from;
};

static inline struct other other_start(struct place *p, int (*step)(struct place *, int number))
{
    int to[2], from[2];
    struct other o = {0};
    store_close(p->store);
    p->store = NULL;
    assert_int_equal(pipe(to), 0);
    assert_int_equal(pipe(from), 0);
    o.pid = fork();
    assert_true(o.pid >= 0);
    if (o.pid == 0) {
        char c;
        int failed = 0;
        close(to[1]);
        for (int i = 0; read(to[0], &c, 1) == 1; i++) {
            failed |= step(p, i);
            if (write(from[1], &c, 1) != 1)
                failed = 1;
        }
        _exit(failed);
    }
    close(to[0]);
    close(from[1]);
    o.to = to[1];
    o.from = from[0];
    place_reopen(p);
    return o;
}

static inline void other_step(struct other *o)
{
    char c = 'x';
    assert_int_equal(write(o->to, &c, 1), 1);
    assert_int_equal(read(o->from, &c, 1), 1);
}

/* It ends; its steps must all have returned 0. */
static inline void other_end(struct other *o)
{
    int status;
    close(o->to);
    close(o->from);
    assert_int_equal(waitpid(o->pid, &status, 0), o->pid);
    assert_int_equal(status, 0);
}

/* ---- jobs ---- */

struct insert_args {
    struct arena *a;
    struct record *r;
};

static inline enum err_code insert_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct insert_args *i = arg;
    return record_insert(tx, i->a, i->r, e);
}

static inline enum err_code insert_record(struct place *p, struct record *r, struct err *e)
{
    struct insert_args args = {p->arena, r};
    return store_write(p->store, insert_job, &args, e);
}

static inline struct record *add_session(struct place *p)
{
    struct record *r = record_new(p->arena, KIND_SESSION);
    OK(insert_record(p, r, &e));
    return r;
}

static inline struct record *add_conversation(struct place *p, struct str session_id)
{
    struct record *r = record_new(p->arena, KIND_CONVERSATION);
    record_set(r, "session_id", V_TEXT(session_id));
    record_set(r, "directive", V_TEXT(STR("do it")));
    OK(insert_record(p, r, &e));
    return r;
}

struct append_args {
    struct turn_new turn;
    struct turn_added added;
};

static inline enum err_code append_job(struct store_tx *tx, void *arg, struct err *e)
{
    struct append_args *args = arg;
    return turn_append(tx, &args->turn, &args->added, e);
}

static inline enum err_code append_turn(struct store *s, struct str conversation, struct str text,
                                        struct turn_added *added, struct err *e)
{
    struct append_args args = {.turn = {.conversation_id = conversation,
                                        .agent = STR("codey"),
                                        .role = STR("user"),
                                        .content = text,
                                        .token_count = -1}};
    enum err_code rc = store_write(s, append_job, &args, e);
    if (added)
        *added = args.added;
    return rc;
}

#endif
